//! Pages of the lists of groups, subscribers and parked events: keyset, with opaque tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::{Problem, Violations};

const DEFAULT: u64 = 100;
const MAX: u64 = 1000;
const MAX_TOKEN: usize = 4096;

/// The wanted number of rows.
pub(super) fn size(violations: &mut Violations, page_size: i32) -> u64 {
    match u64::try_from(page_size) {
        Ok(0) => DEFAULT,
        Ok(size) if size <= MAX => size,
        _ => {
            violations.add("page_size", "must be from 0 to 1000");
            DEFAULT
        }
    }
}

/// A token for what follows `last` in the list that `scope` names.
pub(super) fn token(scope: &str, last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{scope}\n{last}"))
}

/// What a token follows; empty for the first page.
pub(super) fn after(scope: &str, token: &str) -> Result<String, Problem> {
    if token.is_empty() {
        return Ok(String::new());
    }
    // No token is so long, and a text with a NUL is none for PostgreSQL.
    if token.len() > MAX_TOKEN {
        return Err(invalid());
    }
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let last = text.as_deref().and_then(|text| text.strip_prefix(scope)?.strip_prefix('\n'));
    last.filter(|last| !last.contains('\0')).map(ToOwned::to_owned).ok_or_else(invalid)
}

pub(super) fn invalid() -> Problem {
    Problem::invalid(CommonErrorReason::InvalidPageToken, "page_token is not a token of this list")
        .field("page_token", "must be the next_page_token of the page before, of the same list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_its_list_only() {
        let token = token("groups", "billing");
        assert_eq!(after("groups", &token).ok().as_deref(), Some("billing"));
        assert_eq!(after("groups", "").ok().as_deref(), Some(""));
        let nul = super::token("groups", "bill\0ing");
        let long = super::token("groups", &"a".repeat(5000));
        for (scope, token) in [
            ("subscribers", token.as_str()),
            ("groups", "%"),
            ("groups", "Z3Jv"),
            ("groups", &nul),
            ("groups", &long),
        ] {
            assert!(after(scope, token).is_err(), "{scope} {token}");
        }
    }
}
