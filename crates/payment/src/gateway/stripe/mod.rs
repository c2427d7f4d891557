//! Stripe's PaymentIntents: created unconfirmed with manual capture, so that their id is known before money can move, then
//! confirmed, captured or cancelled; refunds; and what Stripe tells by webhooks.
//!
//! Each call has a key of its own, made of the operation's: Stripe answers a repeated one as it did the first time. What a
//! call came to is read from its answer, in [`answer`].

mod answer;
mod client;
mod currency;
pub mod webhook;

use async_trait::async_trait;

use super::{Charge, Gateway};
use crate::config::StripeConfig;
use crate::domain::{ActionResult, Outcome};
use answer::{Intent, Refund, RefundList, Refusal};
use client::{Client, Fields, NoAnswer};

/// Refunds of one charge that are asked for at once.
const REFUND_PAGE: &str = "100";

/// Stripe.
pub struct Stripe {
    client: Client,
    return_url: String,
}

/// What a call may have done when nobody heard of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It moves money.
    Money,
    /// It makes something without any effect of its own.
    Harmless,
}

/// What is done to an intent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Confirm,
    Capture,
    Cancel,
}

impl Verb {
    fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Capture => "capture",
            Self::Cancel => "cancel",
        }
    }

    /// Whether an intent that stands like this shows that it was not done, and may be.
    fn is_still_to_do(self, standing: &Outcome) -> bool {
        match standing {
            Outcome::NotStarted => true,
            Outcome::Authorized { .. } => matches!(self, Self::Capture | Self::Cancel),
            // Declined, it can be confirmed again by the customer, until it is cancelled.
            Outcome::ActionRequired { .. } | Outcome::Declined(_) => self == Self::Cancel,
            _ => false,
        }
    }
}

impl Stripe {
    /// Calls Stripe as the settings say. An error when the system has no certificates.
    pub fn new(config: &StripeConfig) -> std::io::Result<Self> {
        let client = Client::new(config.base_url.reveal(), config.secret_key.clone())?;
        Ok(Self { client, return_url: config.return_url.clone() })
    }

    /// A call that changes an intent; what it came to is how the intent stands.
    async fn change(&self, charge: &Charge, verb: Verb, fields: Fields<'_>) -> Outcome {
        let path = format!("/v1/payment_intents/{}/{}", charge.reference, verb.as_str());
        let key = format!("{}-{}", charge.key, verb.as_str());
        match self.client.post::<Intent>(&path, &key, fields).await {
            Ok(Ok(intent)) => intent.standing(),
            Ok(Err(refusal)) if verb == Verb::Confirm && refusal.is_decline() => {
                Outcome::Declined(refusal.decline())
            }
            // It stands otherwise than we thought, or Stripe does not make the call any more: what matters is how it stands.
            Ok(Err(refusal))
                if refusal.is_unexpected_state() || refusal.is_kept_fault() || refusal.is_of_a_used_key() =>
            {
                self.unchanged(charge, verb, &refusal).await
            }
            Ok(Err(refusal)) => refused(refusal, Effect::Money),
            Err(error) => unanswered(error, Effect::Money),
        }
    }

    /// What has become of a change that Stripe will not make under this key. An intent is confirmed, captured and cancelled
    /// at most once, so that a new key does no harm where nothing was done under the old one.
    async fn unchanged(&self, charge: &Charge, verb: Verb, refusal: &Refusal) -> Outcome {
        match self.retrieve(charge).await {
            Outcome::NotNow { detail, .. } => Outcome::Unknown { detail },
            standing if verb.is_still_to_do(&standing) => {
                Outcome::NotNow { detail: refusal.words(), key_is_spent: true }
            }
            standing => standing,
        }
    }

    async fn retrieve(&self, charge: &Charge) -> Outcome {
        let path = format!("/v1/payment_intents/{}", charge.reference);
        let not_now = |detail| Outcome::NotNow { detail, key_is_spent: false };
        match self.client.get::<Intent>(&path, &[]).await {
            Ok(Ok(intent)) => match intent.standing() {
                Outcome::Unknown { detail } => not_now(detail),
                standing => standing,
            },
            Ok(Err(refusal)) => not_now(refusal.words()),
            Err(error) => unanswered(error, Effect::Harmless),
        }
    }

    /// The refund that was made under the operation's key, of all that its intent has.
    async fn refund_of(&self, charge: &Charge) -> Result<Result<Option<Refund>, Refusal>, NoAnswer> {
        let mut after = String::new();
        loop {
            let mut query = vec![("payment_intent", charge.reference.as_str()), ("limit", REFUND_PAGE)];
            if !after.is_empty() {
                query.push(("starting_after", &after));
            }
            let page = match self.client.get::<RefundList>("/v1/refunds", &query).await? {
                Ok(page) => page,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let last = page.data.last().map(|refund| refund.id.clone());
            let found = page.data.into_iter().find(|refund| refund.is_of(&charge.key));
            match last.filter(|_| page.has_more && found.is_none()) {
                Some(last) => after = last,
                None => return Ok(Ok(found)),
            }
        }
    }
}

/// What a refusal means where nothing more is known of it.
fn refused(refusal: Refusal, effect: Effect) -> Outcome {
    let detail = refusal.words();
    let (unclear, key_is_spent) = match refusal.status {
        // Of something that gave up waiting, or sends us elsewhere: the call may have got through all the same.
        300..=399 | 407 | 408 | 425 => (true, false),
        // Stripe keeps this answer with the key; what is on the way to it does not.
        500.. => (true, refusal.is_stripes() || refusal.is_replayed),
        // Of a proxy, or of whatever else answers at the address: it knows nothing of money.
        _ if !refusal.is_stripes() => (true, false),
        // Turned away at the door, or the same key is under way: nothing was done. A key of ours that is not accepted
        // is a fault of the settings, which somebody will mend.
        401 | 403 | 409 | 429 => return Outcome::NotNow { detail, key_is_spent: false },
        // It says that something was sent under this key, not that it was not done.
        _ if refusal.is_of_a_used_key() => (true, true),
        _ => (false, false),
    };
    match (unclear, effect) {
        (false, _) => Outcome::Failed { code: refusal.code(), detail },
        (true, Effect::Money) => Outcome::Unknown { detail },
        (true, Effect::Harmless) => Outcome::NotNow { detail, key_is_spent },
    }
}

fn unanswered(error: NoAnswer, effect: Effect) -> Outcome {
    let detail = error.to_string();
    match error {
        NoAnswer::Unsent(_) => Outcome::NotNow { detail, key_is_spent: false },
        NoAnswer::Lost(_) if effect == Effect::Money => Outcome::Unknown { detail },
        NoAnswer::Lost(_) => Outcome::NotNow { detail, key_is_spent: false },
    }
}

#[async_trait]
impl Gateway for Stripe {
    fn is_told_of_actions(&self) -> bool {
        false
    }

    async fn prepare(&self, charge: &Charge) -> Outcome {
        if let Some(decline) = currency::unfit(charge.amount) {
            return Outcome::Declined(decline);
        }
        let amount = charge.amount.minor_units().to_string();
        let currency = charge.amount.currency().code().to_ascii_lowercase();
        let (payment, attempt) = (charge.payment_id.to_string(), charge.attempt.to_string());
        let fields = [
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("capture_method", "manual"),
            ("confirm", "false"),
            ("payment_method", charge.token.as_str()),
            ("payment_method_types[]", "card"),
            ("metadata[payment_id]", &payment),
            ("metadata[attempt]", &attempt),
        ];
        let key = format!("{}-create", charge.key);
        match self.client.post::<Intent>("/v1/payment_intents", &key, &fields).await {
            Ok(Ok(intent)) => Outcome::Prepared { reference: intent.id },
            Ok(Err(refusal)) => refused(refusal, Effect::Harmless),
            Err(error) => unanswered(error, Effect::Harmless),
        }
    }

    async fn authorize(&self, charge: &Charge) -> Outcome {
        let back = [("return_url", self.return_url.as_str())];
        let fields: Fields<'_> = if self.return_url.is_empty() { &[] } else { &back };
        self.change(charge, Verb::Confirm, fields).await
    }

    async fn inquire(&self, charge: &Charge, _: Option<ActionResult>) -> Outcome {
        self.retrieve(charge).await
    }

    async fn capture(&self, charge: &Charge) -> Outcome {
        let amount = charge.amount.minor_units().to_string();
        self.change(charge, Verb::Capture, &[("amount_to_capture", &amount)]).await
    }

    async fn void(&self, charge: &Charge) -> Outcome {
        self.change(charge, Verb::Cancel, &[]).await
    }

    async fn refund(&self, charge: &Charge) -> Outcome {
        let amount = charge.amount.minor_units().to_string();
        let fields = [
            ("payment_intent", charge.reference.as_str()),
            ("amount", &amount),
            ("metadata[operation]", &charge.key),
        ];
        match self.client.post::<Refund>("/v1/refunds", &format!("{}-refund", charge.key), &fields).await {
            Ok(Ok(refund)) => refund.standing(),
            // The call is over, so that what it has made is found; of a used key that cannot be said.
            Ok(Err(refusal)) if refusal.is_kept_fault() => match self.find_refund(charge).await {
                Outcome::NotStarted => Outcome::NotNow { detail: refusal.words(), key_is_spent: true },
                Outcome::NotNow { detail, .. } => Outcome::Unknown { detail },
                found => found,
            },
            Ok(Err(refusal)) => refused(refusal, Effect::Money),
            Err(error) => unanswered(error, Effect::Money),
        }
    }

    async fn find_refund(&self, charge: &Charge) -> Outcome {
        match self.refund_of(charge).await {
            Ok(Ok(Some(refund))) => refund.standing(),
            Ok(Ok(None)) => Outcome::NotStarted,
            Ok(Err(refusal)) => Outcome::NotNow { detail: refusal.words(), key_is_spent: false },
            Err(error) => unanswered(error, Effect::Harmless),
        }
    }
}
