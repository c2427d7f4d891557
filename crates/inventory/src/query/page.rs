//! Pages: how many rows, where they start, and the token that asks for the next one.
//!
//! A token says after which row the next page starts and for which question it was made; with another question it is
//! refused. It is opaque and URL-safe, and no secret: it holds nothing that its page did not show.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use sha2::{Digest, Sha256};

use super::QueryError;

/// Which page of the answer to a question.
#[derive(Debug, Clone)]
pub struct Page {
    /// Rows at most.
    pub size: usize,
    /// `next_page_token` of the page before; empty for the first.
    pub token: String,
}

/// What identifies a question: its method and all that decides on its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The first eight bytes of the SHA-256 of the parts.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that the end of one part cannot be taken for the beginning of the next.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize()[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// What stands in a token.
#[derive(Clone, PartialEq, Message)]
struct PageToken {
    #[prost(fixed64, tag = "1")]
    fingerprint: u64,
    /// What the last row of the page before is sorted by.
    #[prost(string, repeated, tag = "2")]
    place: Vec<String>,
}

impl Page {
    /// What the last row of the page before is sorted by, as `parse` reads it; none at the beginning.
    pub fn start<T>(
        &self,
        fingerprint: Fingerprint,
        parse: impl FnOnce(&[String]) -> Option<T>,
    ) -> Result<Option<T>, QueryError> {
        if self.token.is_empty() {
            return Ok(None);
        }
        let token = URL_SAFE_NO_PAD.decode(&self.token).ok();
        let token = token.and_then(|bytes| PageToken::decode(bytes.as_slice()).ok());
        let token = token.ok_or_else(no_token)?;
        if token.fingerprint != fingerprint.0 {
            return Err(QueryError::InvalidPageToken { reason: "page_token is of another filter or order" });
        }
        parse(&token.place).map(Some).ok_or_else(no_token)
    }

    /// Rows to read: one more than the page has, to know whether another page follows.
    pub fn limit(&self) -> u64 {
        self.size as u64 + 1
    }

    /// Cuts rows that were read with [`Page::limit`] down to the page, and makes the token of the next one.
    pub fn cut<T>(
        &self,
        fingerprint: Fingerprint,
        mut rows: Vec<T>,
        place: impl FnOnce(&T) -> Vec<String>,
    ) -> (Vec<T>, String) {
        if rows.len() <= self.size {
            return (rows, String::new());
        }
        rows.truncate(self.size);
        let token = |last| PageToken { fingerprint: fingerprint.0, place: place(last) }.encode_to_vec();
        let next = rows.last().map_or_else(String::new, |last| URL_SAFE_NO_PAD.encode(token(last)));
        (rows, next)
    }
}

fn no_token() -> QueryError {
    QueryError::InvalidPageToken { reason: "page_token is no page token" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(token: String) -> Page {
        Page { size: 2, token }
    }

    fn first(place: &[String]) -> Option<String> {
        place.first().cloned()
    }

    #[test]
    fn a_page_ends_with_a_token_only_when_more_follows_and_it_leads_on() {
        let question = Fingerprint::of(&["ListStock", "main"]);
        let rows = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let place = |row: &String| vec![row.clone()];
        let (cut, next) = page(String::new()).cut(question, rows(&["a", "b", "c"]), place);
        assert_eq!(cut, rows(&["a", "b"]));
        assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(page(next).start(question, first).unwrap(), Some("b".to_owned()));
        assert_eq!(page(String::new()).cut(question, rows(&["a", "b"]), place).1, "");
        assert_eq!(page(String::new()).start(question, first).unwrap(), None);
    }

    #[test]
    fn a_token_of_another_question_or_no_token_at_all_is_refused() {
        let question = Fingerprint::of(&["ListStock", "ab", "c"]);
        let other = Fingerprint::of(&["ListStock", "a", "bc"]);
        let token = |fingerprint: Fingerprint, place| {
            URL_SAFE_NO_PAD.encode(PageToken { fingerprint: fingerprint.0, place }.encode_to_vec())
        };
        for token in [token(other, vec!["a".to_owned()]), token(question, vec![]), "%%%".to_owned()] {
            let refusal = page(token.clone()).start(question, first);
            assert!(matches!(refusal, Err(QueryError::InvalidPageToken { .. })), "{token:?}");
        }
    }
}
