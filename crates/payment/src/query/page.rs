//! Page tokens of ListPayments: after which payment the next page starts, and for which question. Opaque and URL-safe.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use uuid::Uuid;

use super::QueryError;
use crate::domain::PaymentStatus;
use crate::store::Place;

/// What a page token is for: with another filter it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    status: Option<PaymentStatus>,
    needs_person: bool,
}

impl Question {
    pub fn of(status: Option<PaymentStatus>, needs_person: bool) -> Self {
        Self { status, needs_person }
    }

    fn words(self) -> String {
        let status = self.status.map_or("any", PaymentStatus::as_str);
        format!("{status} {}", self.needs_person)
    }
}

#[derive(Clone, PartialEq, Message)]
struct PageToken {
    #[prost(string, tag = "1")]
    question: String,
    #[prost(sint64, tag = "2")]
    update_time: i64,
    #[prost(bytes = "vec", tag = "3")]
    payment_id: Vec<u8>,
}

/// The token of the page after `place`.
pub(super) fn token(place: Place, question: Question) -> String {
    let token = PageToken {
        question: question.words(),
        update_time: place.update_time,
        payment_id: place.payment_id.as_bytes().to_vec(),
    };
    URL_SAFE_NO_PAD.encode(token.encode_to_vec())
}

/// Where a page starts; none at the beginning.
pub(super) fn start(token: &str, question: Question) -> Result<Option<Place>, QueryError> {
    if token.is_empty() {
        return Ok(None);
    }
    let no_token = || QueryError::InvalidPageToken { reason: "page_token is no page token" };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| no_token())?;
    let token = PageToken::decode(bytes.as_slice()).map_err(|_| no_token())?;
    if token.question != question.words() {
        return Err(QueryError::InvalidPageToken { reason: "page_token is of another filter" });
    }
    let payment_id = Uuid::from_slice(&token.payment_id).map_err(|_| no_token())?;
    Ok(Some(Place { update_time: token.update_time, payment_id }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place_and_only_with_its_own_question() {
        let place = Place { update_time: -7, payment_id: Uuid::from_u128(7) };
        let question = Question::of(Some(PaymentStatus::Captured), false);
        let token = token(place, question);
        assert_eq!(start(&token, question).unwrap(), Some(place));
        assert_eq!(start("", question).unwrap(), None);
        for (token, question) in
            [(token.as_str(), Question::of(None, false)), ("%%", question), ("AAAA", question)]
        {
            assert!(matches!(start(token, question), Err(QueryError::InvalidPageToken { .. })), "{token}");
        }
    }
}
