//! Payments as the contract has them.

use ordermesh_feed::event::wire_time;
use ordermesh_proto::payment::v1 as wire;

use crate::codec;
use crate::domain::{Attempt, AttemptState, Operation, OperationKind, Payment, PaymentStatus};
use crate::store::Whole;

/// A payment with its attempts and operations.
pub(super) fn whole(whole: &Whole) -> wire::Payment {
    let payment = &whole.payment;
    wire::Payment {
        attempts: whole.attempts.iter().map(|own| attempt(payment, own)).collect(),
        operations: whole.operations.iter().map(|own| operation(payment, own)).collect(),
        ..head(payment)
    }
}

/// A payment of a list: without attempts, and of the operations only the open one.
pub(super) fn listed(payment: &Payment) -> wire::Payment {
    let operations = payment.operation.iter().map(|own| operation(payment, own)).collect();
    wire::Payment { operations, ..head(payment) }
}

fn head(payment: &Payment) -> wire::Payment {
    wire::Payment {
        payment_id: payment.id.to_string(),
        revision: payment.revision,
        status: codec::status(payment.status()) as i32,
        amounts: Some(codec::amounts(&payment.amounts())),
        amount_due: Some(codec::money(payment.money(payment.amount_due))),
        order_revision: payment.order_revision,
        create_time: Some(wire_time(payment.create_time)),
        update_time: Some(wire_time(payment.update_time)),
        ..wire::Payment::default()
    }
}

fn attempt(payment: &Payment, attempt: &Attempt) -> wire::PaymentAttempt {
    let decline = attempt.decline.as_ref();
    let status = match attempt.state {
        AttemptState::Initiated => PaymentStatus::Initiated,
        AttemptState::ActionRequired => PaymentStatus::ActionRequired,
        AttemptState::Authorized => PaymentStatus::Authorized,
        AttemptState::Captured => PaymentStatus::Captured,
        AttemptState::Declined => PaymentStatus::Declined,
        AttemptState::Voided => PaymentStatus::Voided,
        AttemptState::Unknown => PaymentStatus::Unknown,
    };
    wire::PaymentAttempt {
        number: attempt.number,
        status: codec::status(status) as i32,
        amount: Some(codec::money(payment.money(attempt.amount))),
        authorized: Some(codec::money(payment.money(attempt.in_force()))),
        provider_reference: attempt.provider_reference.clone().unwrap_or_default(),
        action_url: attempt.action_url.clone().unwrap_or_default(),
        decline_code: decline.map(|decline| decline.code.clone()).unwrap_or_default(),
        decline_detail: decline.map(|decline| decline.detail.clone()).unwrap_or_default(),
        retryable: decline.is_some_and(|decline| decline.retryable),
    }
}

fn operation(payment: &Payment, operation: &Operation) -> wire::PaymentOperation {
    use wire::PaymentOperationKind as Kind;
    let kind = match operation.kind {
        OperationKind::Authorize => Kind::Authorize,
        OperationKind::Inquire => Kind::Inquire,
        OperationKind::Capture => Kind::Capture,
        OperationKind::Void => Kind::Void,
        OperationKind::Refund => Kind::Refund,
    };
    let open = operation.next_try.is_some();
    let state = match open {
        true => wire::PaymentOperationState::Open,
        false => wire::PaymentOperationState::Closed,
    };
    let deed = operation.deed.as_ref();
    wire::PaymentOperation {
        number: operation.number,
        kind: kind as i32,
        state: state as i32,
        attempt: operation.attempt,
        amount: Some(codec::money(payment.money(operation.amount))),
        idempotency_key: operation.key.clone(),
        tries: operation.tries,
        failures: operation.failures,
        needs_person: open && operation.needs_person(payment.attempt.as_ref()),
        last_error: operation.last_error.clone().unwrap_or_default(),
        first_sent_time: operation.first_sent.map(wire_time),
        next_try_time: operation.next_try.map(wire_time),
        last_actor: deed.map(|deed| deed.actor.clone()).unwrap_or_default(),
        last_action: deed.map(|deed| deed.action.clone()).unwrap_or_default(),
        last_action_time: deed.map(|deed| wire_time(deed.time)),
        create_time: Some(wire_time(operation.create_time)),
    }
}
