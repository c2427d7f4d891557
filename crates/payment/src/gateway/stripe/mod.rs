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

impl Stripe {
    /// Calls Stripe as the settings say. An error when the system has no certificates.
    pub fn new(config: &StripeConfig) -> std::io::Result<Self> {
        let client = Client::new(config.base_url.reveal(), config.secret_key.clone())?;
        Ok(Self { client, return_url: config.return_url.clone() })
    }

    /// A call that changes an intent; what it came to is how the intent stands.
    async fn change(&self, charge: &Charge, verb: &str, fields: Fields<'_>) -> Outcome {
        let path = format!("/v1/payment_intents/{}/{verb}", charge.reference);
        let key = format!("{}-{verb}", charge.key);
        match self.client.post::<Intent>(&path, &key, fields).await {
            Ok(Ok(intent)) => intent.standing(),
            // It stands otherwise than we thought: what matters is how.
            Ok(Err(refusal)) if refusal.is_unexpected_state() => self.retrieve(charge).await,
            Ok(Err(refusal)) => refused(refusal, Effect::Money),
            Err(error) => unanswered(error, Effect::Money),
        }
    }

    async fn retrieve(&self, charge: &Charge) -> Outcome {
        let path = format!("/v1/payment_intents/{}", charge.reference);
        match self.client.get::<Intent>(&path, &[]).await {
            Ok(Ok(intent)) => intent.standing(),
            Ok(Err(refusal)) => Outcome::NotNow { detail: refusal.words(), key_is_spent: false },
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
    match refusal.status {
        // Turned away at the door, or the same key is under way: nothing was done. A key of ours that is not accepted
        // is a fault of the settings, which somebody will mend.
        401 | 403 | 409 | 429 => Outcome::NotNow { detail, key_is_spent: false },
        500.. if effect == Effect::Money => Outcome::Unknown { detail },
        // Stripe keeps this answer with the key.
        500.. => Outcome::NotNow { detail, key_is_spent: true },
        _ => Outcome::Failed { code: refusal.code(), detail },
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
        let path = format!("/v1/payment_intents/{}/confirm", charge.reference);
        match self.client.post::<Intent>(&path, &format!("{}-confirm", charge.key), fields).await {
            // Stripe is still at it: as good as no answer yet.
            Ok(Ok(intent)) => intent.standing(),
            Ok(Err(refusal)) if refusal.status == 402 => Outcome::Declined(refusal.decline()),
            Ok(Err(refusal)) if refusal.is_unexpected_state() => self.retrieve(charge).await,
            Ok(Err(refusal)) => refused(refusal, Effect::Money),
            Err(error) => unanswered(error, Effect::Money),
        }
    }

    async fn inquire(&self, charge: &Charge, _: Option<ActionResult>) -> Outcome {
        self.retrieve(charge).await
    }

    async fn capture(&self, charge: &Charge) -> Outcome {
        let amount = charge.amount.minor_units().to_string();
        self.change(charge, "capture", &[("amount_to_capture", &amount)]).await
    }

    async fn void(&self, charge: &Charge) -> Outcome {
        self.change(charge, "cancel", &[]).await
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
