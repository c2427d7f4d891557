//! What Stripe tells by webhooks. A message is only a hint: it has a payment asked about, if there is a question. So
//! duplicates and disorder do no harm; each message's id is remembered with the commands' request_ids all the same.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use ordermesh_feed::commit::{CommandIdentity, CommitError, Committer, fingerprint};
use ordermesh_feed::event::Cause;
use ordermesh_kernel::Clock;
use ring::hmac;
use serde::Deserialize;

use crate::command::note_provider_message::NoteProviderMessage;
use crate::config::StripeConfig;
use crate::store::{Claims, PaymentsUnit};
use crate::worker::Wake;

/// Where messages come to.
pub const PATH: &str = "/webhooks/stripe";

/// Bytes of a message. Stripe's have some thousands; who is no Stripe shall not have a megabyte read to find that out.
const MAX_BODY: usize = 256 << 10;

/// Signatures of one message that are looked at. Stripe gives one for each secret that an endpoint has just now: one, or
/// two while it is being changed.
const MAX_SIGNATURES: usize = 8;

/// Bytes of an HMAC-SHA256.
const TAG_BYTES: usize = 32;

type Tag = [u8; TAG_BYTES];

/// Takes messages.
#[derive(Clone)]
pub struct Webhooks {
    key: hmac::Key,
    tolerance_seconds: i64,
    claims: Claims,
    committer: Committer<PaymentsUnit>,
    clock: Arc<dyn Clock>,
    wake: Wake,
}

/// A message, as far as it is read.
#[derive(Debug, Deserialize)]
struct Message {
    id: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Object {
    #[serde(default)]
    object: String,
    #[serde(default)]
    id: String,
    payment_intent: Option<String>,
}

impl Object {
    /// The intent that it is, or is about.
    fn reference(self) -> Option<String> {
        match self.object.as_str() {
            "payment_intent" => Some(self.id),
            _ => self.payment_intent,
        }
    }
}

impl Webhooks {
    /// Takes messages that are signed with the configured secret.
    pub fn new(
        config: &StripeConfig,
        claims: Claims,
        committer: Committer<PaymentsUnit>,
        clock: Arc<dyn Clock>,
        wake: Wake,
    ) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, config.webhook_secret.reveal().as_bytes()),
            tolerance_seconds: config.webhook_tolerance_seconds.into(),
            claims,
            committer,
            clock,
            wake,
        }
    }

    /// The routes below [`PATH`].
    pub fn routes(self) -> Router {
        Router::new().route("/", post(take)).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(self)
    }

    async fn note(&self, message: Message) -> StatusCode {
        let id = message.id;
        let Some(reference) = message.data.object.reference() else { return StatusCode::OK };
        let payment_id = match self.claims.payment_of(&reference).await {
            // Somebody else's, or older than its own record: nothing can hang on it.
            Ok(None) => return StatusCode::OK,
            Ok(Some(payment_id)) => payment_id,
            Err(error) => {
                tracing::warn!(%error, "a message of Stripe cannot be taken; it will send it again");
                return StatusCode::SERVICE_UNAVAILABLE;
            }
        };
        let identity = CommandIdentity {
            method: "NoteProviderMessage",
            principal: "provider:stripe".to_owned(),
            fingerprint: fingerprint(id.as_bytes()),
            bytes: id.len(),
            cause: Cause { correlation_id: id.clone(), causation_id: id.clone(), ..Cause::default() },
            request_id: id,
        };
        match self.committer.execute(identity, NoteProviderMessage { payment_id }).await {
            Ok(_) | Err(CommitError::Refused(_)) => {
                self.wake.wake();
                StatusCode::OK
            }
            Err(error) => {
                tracing::warn!(%error, "a message of Stripe cannot be taken; it will send it again");
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

async fn take(State(webhooks): State<Webhooks>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("Stripe-Signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now = webhooks.clock.now().as_second();
    if !is_signed(&webhooks.key, signature, &body, now, webhooks.tolerance_seconds) {
        return StatusCode::BAD_REQUEST;
    }
    match serde_json::from_slice(&body) {
        Ok(message) => webhooks.note(message).await,
        Err(error) => {
            tracing::warn!(%error, "a signed message of Stripe cannot be read");
            StatusCode::BAD_REQUEST
        }
    }
}

/// Whether `t=TIME,v1=HEX,…` signs the body: HMAC-SHA256 of `TIME.BODY`, by a time not far from now. One of several v1
/// suffices, while the secret is being changed.
///
/// Anybody may call: the body is hashed once at most, however many signatures the header has, and not at all for a time
/// that is no good.
fn is_signed(key: &hmac::Key, header: &str, body: &[u8], now: i64, tolerance: i64) -> bool {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let Some((_, time)) = parts().find(|(name, _)| *name == "t") else { return false };
    let Ok(seconds) = time.parse::<i64>() else { return false };
    if now.abs_diff(seconds) > tolerance.unsigned_abs() {
        return false;
    }
    let given = parts().filter(|(name, _)| *name == "v1").filter_map(|(_, hex)| tag_of(hex));
    let given: Vec<Tag> = given.take(MAX_SIGNATURES).collect();
    if given.is_empty() {
        return false;
    }
    let mut signing = hmac::Context::with_key(key);
    for piece in [time.as_bytes(), b".", body] {
        signing.update(piece);
    }
    let tag = signing.sign();
    given.iter().any(|given| is_same(key, given, tag.as_ref()))
}

/// Whether two tags are the same, by their own tags: that comparison is ring's, in constant time, so that how long it takes
/// tells nothing about how much of a guess is right.
fn is_same(key: &hmac::Key, given: &Tag, tag: &[u8]) -> bool {
    hmac::verify(key, tag, hmac::sign(key, given).as_ref()).is_ok()
}

/// The tag that is written as exactly 64 hexadecimal digits.
fn tag_of(hex: &str) -> Option<Tag> {
    if hex.len() != 2 * TAG_BYTES || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut tag = [0; TAG_BYTES];
    for (at, byte) in tag.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn header(secret: &str, time: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signed = [time.to_string().as_bytes(), b".", BODY].concat();
        let tag = hmac::sign(&key, &signed);
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={time},v1={hex},v0=6ffbb59b")
    }

    fn signed(header: &str, now: i64) -> bool {
        is_signed(&hmac::Key::new(hmac::HMAC_SHA256, b"whsec"), header, BODY, now, 300)
    }

    #[test]
    fn a_signature_of_the_right_secret_and_a_near_time_is_taken() {
        assert!(signed(&header("whsec", 1000), 1000) && signed(&header("whsec", 1000), 1300));
        let one_of_two = format!("{},v1=00ff", header("whsec", 1000).replace(",v0", ",v1=aa,v0"));
        assert!(signed(&one_of_two, 1000), "{one_of_two}");
    }

    #[test]
    fn of_many_signatures_the_first_few_that_can_be_one_are_looked_at() {
        let right = header("whsec", 1000).replace(",v0=6ffbb59b", "").replace("t=1000,", "");
        let after = |count: usize, wrong: &str| {
            signed(&format!("t=1000,{}{right}", format!("v1={wrong},").repeat(count)), 1000)
        };
        let well_formed = "0".repeat(64);
        assert!(after(7, &well_formed) && !after(8, &well_formed));
        for skipped in ["00", &"0".repeat(62), &"0".repeat(66), &"z".repeat(64), &"ä".repeat(32)] {
            assert!(after(100, skipped), "{skipped} takes no place");
        }
    }

    #[test]
    fn the_body_is_hashed_once_however_many_signatures_there_are() {
        let body = vec![0; 1 << 20];
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"whsec");
        let many = format!("t=1000{}", format!(",v1={}", "0".repeat(64)).repeat(10_000));
        let begin = std::time::Instant::now();
        assert!(!is_signed(&key, &many, &body, 1000, 300));
        // Hashed for each of them it would be 10 GiB.
        assert!(begin.elapsed() < std::time::Duration::from_secs(2), "{:?}", begin.elapsed());
    }

    #[test]
    fn anything_else_is_not() {
        for now in [699, 1301] {
            assert!(!signed(&header("whsec", 1000), now), "{now}");
        }
        assert!(!signed(&header("other", 1000), 1000));
        for broken in ["", "t=1000", "v1=00", "t=x,v1=00", "t=1000,v1=0", "t=1000,v1=zz", "t=1000,v1=ä0"] {
            assert!(!signed(broken, 1000), "{broken}");
        }
    }
}
