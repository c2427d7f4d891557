//! Domain events and answers as stored bytes: the encoded messages of the contract.

use ordermesh_feed::commit::Answer;
use ordermesh_feed::event::NewEvent;
use ordermesh_kernel::{Money, OrderId};
use ordermesh_proto::common::v1 as common;
use ordermesh_proto::payment::v1 as wire;
use prost::Message;

use crate::command::record_outcome::Recorded;
use crate::command::{Observed, PaymentChanged};
use crate::domain::{Amounts, PaymentEvent, PaymentStatus, Stamp, What};

/// Version of all payloads' schema.
const SCHEMA_VERSION: i32 = 1;

/// A payload of the fields that every event has, and those of its own.
macro_rules! payload {
    ($stamp:expr, $message:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let stamp: &Stamp = $stamp;
        wire::$message {
            payment_id: stamp.payment_id.to_string(),
            order_id: stamp.payment_id.to_string(),
            attempt: stamp.attempt,
            amounts: Some(amounts(&stamp.amounts)),
            order_revision: stamp.order_revision,
            $($field: $value,)*
        }
        .encode_to_vec()
    }};
}

/// An event as the log takes it.
pub fn encode_event(event: &PaymentEvent) -> NewEvent {
    let stamp = &event.stamp;
    let payload = match event.what.clone() {
        What::Authorized => payload!(stamp, PaymentAuthorized {}),
        What::ActionRequired { url } => payload!(stamp, PaymentActionRequired { action_url: url }),
        What::Declined(decline) => payload!(
            stamp,
            PaymentDeclined { code: decline.code, detail: decline.detail, retryable: decline.retryable }
        ),
        What::OutcomeUnknown { detail } => payload!(stamp, PaymentOutcomeUnknown { detail: detail }),
        What::Captured { amount } => payload!(stamp, PaymentCaptured { amount: Some(money(amount)) }),
        What::CaptureFailed { code, detail } => {
            payload!(stamp, PaymentCaptureFailed { code: code, detail: detail })
        }
        What::Voided { nothing_to_void } => {
            payload!(stamp, PaymentVoided { nothing_to_void: nothing_to_void })
        }
        What::Refunded { amount } => payload!(stamp, PaymentRefunded { amount: Some(money(amount)) }),
        What::RefundFailed { code, detail } => payload!(stamp, RefundFailed { code: code, detail: detail }),
    };
    NewEvent {
        kind: event.what.name(),
        schema_version: SCHEMA_VERSION,
        key: stamp.payment_id.to_string(),
        key_revision: stamp.revision,
        occurred: stamp.occurred_time,
        payload,
        personal: None,
    }
}

/// Amounts of the contract.
pub fn amounts(amounts: &Amounts) -> wire::PaymentAmounts {
    wire::PaymentAmounts {
        authorized: Some(money(amounts.authorized)),
        captured: Some(money(amounts.captured)),
        refunded: Some(money(amounts.refunded)),
    }
}

/// Money of the contract.
pub fn money(money: Money) -> common::Money {
    common::Money { currency_code: money.currency().code().to_owned(), minor_units: money.minor_units() }
}

/// A status of the contract.
pub fn status(status: PaymentStatus) -> wire::PaymentStatus {
    match status {
        PaymentStatus::Initiated => wire::PaymentStatus::Initiated,
        PaymentStatus::ActionRequired => wire::PaymentStatus::ActionRequired,
        PaymentStatus::Authorized => wire::PaymentStatus::Authorized,
        PaymentStatus::PartlyCaptured => wire::PaymentStatus::PartlyCaptured,
        PaymentStatus::Captured => wire::PaymentStatus::Captured,
        PaymentStatus::Declined => wire::PaymentStatus::Declined,
        PaymentStatus::Voided => wire::PaymentStatus::Voided,
        PaymentStatus::Unknown => wire::PaymentStatus::Unknown,
        PaymentStatus::PartlyRefunded => wire::PaymentStatus::PartlyRefunded,
        PaymentStatus::Refunded => wire::PaymentStatus::Refunded,
    }
}

/// A status of the domain; none where the contract's says nothing.
pub fn known_status(number: i32) -> Option<PaymentStatus> {
    PaymentStatus::ALL.into_iter().find(|known| status(*known) as i32 == number)
}

impl Answer for PaymentChanged {
    fn encode(&self) -> Vec<u8> {
        wire::RetryPaymentOperationResponse {
            payment_id: self.payment_id.to_string(),
            revision: self.revision,
            status: status(self.status) as i32,
            ..Default::default()
        }
        .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = wire::RetryPaymentOperationResponse::decode(bytes).ok()?;
        Some(Self {
            payment_id: OrderId::parse(&stored.payment_id).ok()?,
            revision: stored.revision,
            status: known_status(stored.status)?,
        })
    }
}

impl Answer for Observed {
    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(Self)
    }
}

impl Answer for Recorded {
    fn encode(&self) -> Vec<u8> {
        vec![u8::from(self.counts)]
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(Self { counts: false }),
            [1] => Some(Self { counts: true }),
            _ => None,
        }
    }
}
