//! Stripe's answers, as far as they are read, and what they mean.

use serde::Deserialize;

use crate::domain::{Decline, Outcome};

/// Declines after which no other card of the customer should be tried.
const FINAL: [&str; 5] = ["stolen_card", "lost_card", "pickup_card", "fraudulent", "merchant_blacklist"];

/// A PaymentIntent.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub id: String,
    status: String,
    #[serde(default)]
    amount_capturable: i64,
    #[serde(default)]
    amount_received: i64,
    next_action: Option<NextAction>,
    last_payment_error: Option<Error>,
}

#[derive(Debug, Deserialize)]
struct NextAction {
    redirect_to_url: Option<Redirect>,
}

#[derive(Debug, Deserialize)]
struct Redirect {
    url: Option<String>,
}

impl Intent {
    /// How it stands.
    pub fn standing(&self) -> Outcome {
        match self.status.as_str() {
            "requires_confirmation" => Outcome::NotStarted,
            "requires_action" => Outcome::ActionRequired { url: self.action_url() },
            "requires_capture" => Outcome::Authorized { amount: self.amount_capturable },
            "succeeded" => Outcome::Captured { amount: self.amount_received },
            "canceled" => Outcome::Voided,
            "requires_payment_method" => {
                Outcome::Declined(self.last_payment_error.as_ref().map_or_else(no_reason, Error::decline))
            }
            "processing" => Outcome::Pending,
            other => {
                Outcome::Unknown { detail: format!("the intent has a status that is not known: {other}") }
            }
        }
    }

    fn action_url(&self) -> String {
        let redirect = self.next_action.as_ref().and_then(|action| action.redirect_to_url.as_ref());
        redirect.and_then(|redirect| redirect.url.clone()).unwrap_or_default()
    }
}

fn no_reason() -> Decline {
    Decline { code: "declined".to_owned(), detail: "Stripe gave no reason".to_owned(), retryable: true }
}

/// A refund.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: String,
    status: Option<String>,
    failure_reason: Option<String>,
    #[serde(default)]
    metadata: RefundMetadata,
}

#[derive(Debug, Default, Deserialize)]
struct RefundMetadata {
    operation: Option<String>,
}

impl Refund {
    /// Whether it was made under this key.
    pub fn is_of(&self, key: &str) -> bool {
        self.metadata.operation.as_deref() == Some(key)
    }

    /// How it stands.
    pub fn standing(&self) -> Outcome {
        match self.status.as_deref() {
            Some("succeeded") => Outcome::Refunded,
            Some("failed" | "canceled") => Outcome::Failed {
                code: self.failure_reason.clone().unwrap_or_else(|| "refund_failed".to_owned()),
                detail: format!("the refund {} has failed at Stripe", self.id),
            },
            _ => Outcome::Pending,
        }
    }
}

/// A page of refunds.
#[derive(Debug, Deserialize)]
pub(super) struct RefundList {
    pub data: Vec<Refund>,
    #[serde(default)]
    pub has_more: bool,
}

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Stripe has said the same before under this key, and says it for as long as it knows the key.
    pub is_replayed: bool,
    /// What Stripe says; nothing when that cannot be read.
    pub error: Error,
}

/// The body of a refusal.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub error: Error,
}

/// What Stripe says of an error.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Error {
    code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
    r#type: Option<String>,
}

impl Error {
    fn decline(&self) -> Decline {
        let code = self.decline_code.clone().or_else(|| self.code.clone());
        let code = code.unwrap_or_else(|| "card_declined".to_owned());
        let retryable = !FINAL.contains(&code.as_str());
        Decline { code, detail: self.message.clone().unwrap_or_default(), retryable }
    }
}

impl Refusal {
    /// Whether Stripe itself says so, rather than something on the way to it.
    pub fn is_stripes(&self) -> bool {
        self.error.r#type.as_ref().is_some_and(|told| !told.is_empty())
    }

    /// The key was used before, by a call that looked otherwise.
    pub fn is_of_a_used_key(&self) -> bool {
        // With 409 that call is still under way, and looks the same.
        self.status != 409 && self.error.r#type.as_deref() == Some("idempotency_error")
    }

    /// A fault that Stripe keeps with the key: it is repeated, and the call is not made any more.
    pub fn is_kept_fault(&self) -> bool {
        self.is_replayed && self.status >= 500
    }

    /// The intent is in a state that does not take this.
    pub fn is_unexpected_state(&self) -> bool {
        self.error.code.as_deref() == Some("payment_intent_unexpected_state")
    }

    /// The code, for programs.
    pub fn code(&self) -> String {
        let told = self.error.code.clone().or_else(|| self.error.r#type.clone());
        told.unwrap_or_else(|| format!("http_{}", self.status))
    }

    /// What it says, for people.
    pub fn words(&self) -> String {
        let message = self.error.message.as_deref().unwrap_or("no reason given");
        format!("Stripe answered {} ({}): {message}", self.status, self.code())
    }

    /// Whether it says no to the means of payment.
    pub fn is_decline(&self) -> bool {
        self.status == 402 && self.is_stripes()
    }

    /// The no to the means of payment.
    pub fn decline(&self) -> Decline {
        self.error.decline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(json: &str) -> Outcome {
        serde_json::from_str::<Intent>(json).unwrap().standing()
    }

    #[test]
    fn an_intent_stands_where_its_status_says() {
        let authorized =
            r#"{"id":"pi","status":"requires_capture","amount_capturable":90,"amount_received":0}"#;
        assert_eq!(standing(authorized), Outcome::Authorized { amount: 90 });
        let captured = r#"{"id":"pi","status":"succeeded","amount_capturable":0,"amount_received":80}"#;
        assert_eq!(standing(captured), Outcome::Captured { amount: 80 });
        assert_eq!(standing(r#"{"id":"pi","status":"requires_confirmation"}"#), Outcome::NotStarted);
        assert_eq!(standing(r#"{"id":"pi","status":"canceled"}"#), Outcome::Voided);
        assert_eq!(standing(r#"{"id":"pi","status":"processing"}"#), Outcome::Pending);
        let action = r#"{"id":"pi","status":"requires_action","next_action":{"type":"redirect_to_url",
            "redirect_to_url":{"url":"https://bank"}}}"#;
        assert_eq!(standing(action), Outcome::ActionRequired { url: "https://bank".to_owned() });
        assert!(matches!(standing(r#"{"id":"pi","status":"new_one"}"#), Outcome::Unknown { .. }));
    }

    #[test]
    fn a_decline_has_the_banks_code_and_a_stolen_card_is_final() {
        let stolen = r#"{"id":"pi","status":"requires_payment_method","last_payment_error":
            {"code":"card_declined","decline_code":"stolen_card","message":"no"}}"#;
        let Outcome::Declined(decline) = standing(stolen) else { panic!("not declined") };
        assert_eq!((decline.code.as_str(), decline.retryable), ("stolen_card", false));
        let expired =
            r#"{"id":"pi","status":"requires_payment_method","last_payment_error":{"code":"expired_card"}}"#;
        let Outcome::Declined(decline) = standing(expired) else { panic!("not declined") };
        assert_eq!((decline.code.as_str(), decline.retryable), ("expired_card", true));
    }
}
