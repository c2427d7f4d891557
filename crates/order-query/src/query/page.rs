//! Pages: how many rows, where they start, and the token that asks for the next one.
//!
//! A token says after which row the next page starts and for which question it was made; with another question it
//! is refused. It is opaque and URL-safe, and no secret: it holds nothing that its page did not show.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::QueryError;

/// Bytes of orders an answer: well below the 4 MiB that gRPC clients accept unless told otherwise. A page of very
/// large orders is shorter than asked for.
pub(super) const PAGE_BYTES: usize = 3 << 20;

/// The row after which a page starts: what it is sorted by, then its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The currency where amounts are sorted; empty otherwise.
    pub currency: String,
    /// The amount, time or revision.
    pub number: i64,
    /// The order.
    pub order_id: Uuid,
}

/// Which page of the answer to a question.
#[derive(Debug, Clone)]
pub struct Page {
    /// Rows at most.
    pub size: usize,
    /// `next_page_token` of the page before; empty for the first.
    pub token: String,
}

/// What identifies a question: its method and all that decides on its rows and their order.
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
    #[prost(string, tag = "2")]
    currency: String,
    #[prost(sint64, tag = "3")]
    number: i64,
    #[prost(bytes = "vec", tag = "4")]
    order_id: Vec<u8>,
}

impl Place {
    /// As a token for the question of `fingerprint`.
    pub fn to_token(&self, fingerprint: Fingerprint) -> String {
        let token = PageToken {
            fingerprint: fingerprint.0,
            currency: self.currency.clone(),
            number: self.number,
            order_id: self.order_id.as_bytes().to_vec(),
        };
        URL_SAFE_NO_PAD.encode(token.encode_to_vec())
    }
}

impl Page {
    /// Where the page starts; `None` at the beginning.
    pub fn start(&self, fingerprint: Fingerprint) -> Result<Option<Place>, QueryError> {
        if self.token.is_empty() {
            return Ok(None);
        }
        let token = URL_SAFE_NO_PAD.decode(&self.token).ok();
        let token = token.and_then(|bytes| PageToken::decode(bytes.as_slice()).ok());
        let token = token.ok_or_else(no_token)?;
        if token.fingerprint != fingerprint.0 {
            return Err(QueryError::InvalidPageToken { reason: "page_token is of another filter or order" });
        }
        let order_id = Uuid::from_slice(&token.order_id).map_err(|_| no_token())?;
        Ok(Some(Place { currency: token.currency, number: token.number, order_id }))
    }

    /// Rows to read: one more than the page has, to know whether another page follows.
    pub fn limit(&self) -> u64 {
        self.size as u64 + 1
    }

    /// Cuts rows that were read with [`Page::limit`] down to the page, and makes the token of the next one.
    pub fn cut<T>(
        &self,
        fingerprint: Fingerprint,
        rows: Vec<(Place, T)>,
        bytes_of: impl Fn(&T) -> usize,
    ) -> (Vec<T>, String) {
        let count = fill(rows.iter().take(self.size).map(|(_, row)| bytes_of(row)), PAGE_BYTES);
        let next = match rows.get(count.wrapping_sub(1)) {
            Some((last, _)) if count < rows.len() => last.to_token(fingerprint),
            _ => String::new(),
        };
        (rows.into_iter().take(count).map(|(_, row)| row).collect(), next)
    }
}

/// The page token is none that this server gave.
pub(super) fn no_token() -> QueryError {
    QueryError::InvalidPageToken { reason: "page_token is no page token" }
}

/// How many of the first rows fit into `room`, by their bytes. A first row that is too large fits all the same: the
/// client may accept more than we think, and nothing would ever come after it.
pub(super) fn fill(mut bytes: impl Iterator<Item = usize>, room: usize) -> usize {
    let Some(mut filled) = bytes.next() else { return 0 };
    let further = bytes.take_while(|bytes| {
        filled += bytes;
        filled <= room
    });
    1 + further.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: i64) -> Place {
        Place { currency: "EUR".to_owned(), number, order_id: Uuid::from_u128(7) }
    }

    fn page(size: usize, token: String) -> Page {
        Page { size, token }
    }

    #[test]
    fn a_token_leads_back_to_its_place_and_is_url_safe() {
        let question = Fingerprint::of(&["ListOrders", "state = PLACED", ""]);
        for number in [i64::MIN, -1, 0, 1_300, i64::MAX] {
            let token = place(number).to_token(question);
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            assert_eq!(page(1, token).start(question).unwrap(), Some(place(number)));
        }
        assert_eq!(page(1, String::new()).start(question).unwrap(), None);
    }

    #[test]
    fn a_token_of_another_question_or_no_token_at_all_is_refused() {
        let question = Fingerprint::of(&["ListOrders", "ab", "c"]);
        let other = Fingerprint::of(&["ListOrders", "a", "bc"]);
        let no_id = PageToken { fingerprint: question.0, ..PageToken::default() };
        let no_id = URL_SAFE_NO_PAD.encode(no_id.encode_to_vec());
        for token in [place(1).to_token(other), "%%%".to_owned(), "AAAA".to_owned(), no_id] {
            let refusal = page(1, token.clone()).start(question);
            assert!(matches!(refusal, Err(QueryError::InvalidPageToken { .. })), "{token:?}");
        }
    }

    #[test]
    fn a_page_ends_with_a_token_only_when_more_follows() {
        let question = Fingerprint::of(&["ListOrders"]);
        let rows = |count: i64| (0..count).map(|number| (place(number), number)).collect::<Vec<_>>();
        let (cut, next) = page(2, String::new()).cut(question, rows(3), |_| 1);
        assert_eq!((cut, page(2, next).start(question).unwrap()), (vec![0, 1], Some(place(1))));
        assert_eq!(page(2, String::new()).cut(question, rows(2), |_| 1), (vec![0, 1], String::new()));
        assert_eq!(page(2, String::new()).cut(question, rows(0), |_| 1), (vec![], String::new()));
    }

    #[test]
    fn a_page_of_large_rows_is_shorter_and_never_empty() {
        let question = Fingerprint::of(&["ListOrders"]);
        let rows = |count: i64| (0..count).map(|number| (place(number), number)).collect::<Vec<_>>();
        let (cut, next) = page(9, String::new()).cut(question, rows(3), |_| PAGE_BYTES / 2);
        assert_eq!((cut.len(), next.is_empty()), (2, false));
        let (cut, next) = page(9, String::new()).cut(question, rows(1), |_| PAGE_BYTES * 2);
        assert_eq!((cut.len(), next.is_empty()), (1, true));
    }
}
