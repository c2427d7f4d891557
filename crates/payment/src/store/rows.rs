//! Payments as rows and back.

use std::fmt::Display;

use ordermesh_kernel::{Currency, OrderId, PaymentMethodToken, Timestamp, from_micros, to_micros};
use sea_orm::DbErr;

use super::entity::{attempt, operation, payment};
use crate::domain::{
    ActionResult, Attempt, AttemptState, Claim, Decline, Deed, Operation, OperationKind, Over, Payment, Phase,
};

fn broken(what: &dyn Display) -> DbErr {
    DbErr::Type(format!("a row of payment: {what}"))
}

fn word<T>(parse: impl FnOnce(&str) -> Option<T>, word: &str) -> Result<T, DbErr> {
    parse(word).ok_or_else(|| broken(&word))
}

fn time(micros: i64) -> Result<Timestamp, DbErr> {
    from_micros(micros).map_err(|error| broken(&error))
}

pub(super) fn payment_row(payment: &Payment) -> payment::Model {
    payment::Model {
        payment_id: *payment.id.as_uuid(),
        revision: payment.revision,
        currency: payment.currency.code().to_owned(),
        order_revision: payment.order_revision,
        amount_due: payment.amount_due,
        phase: payment.phase.as_str().to_owned(),
        status: payment.status().as_str().to_owned(),
        attempt: payment.attempt.as_ref().map_or(0, |attempt| attempt.number),
        authorized: payment.attempt.as_ref().map_or(0, Attempt::in_force),
        captured: payment.captured,
        refunded: payment.refunded,
        operations: payment.operations,
        open_operation: payment.operation.as_ref().map(|operation| operation.number),
        needs_person: payment.needs_person(),
        answered: payment.answered,
        correlation_id: payment.correlation_id.clone(),
        create_time: to_micros(payment.create_time),
        update_time: to_micros(payment.update_time),
    }
}

/// The payment without its attempt and operation.
pub(super) fn payment(row: &payment::Model) -> Result<Payment, DbErr> {
    Ok(Payment {
        id: OrderId::from(row.payment_id),
        revision: row.revision,
        currency: Currency::parse(&row.currency).map_err(|error| broken(&error))?,
        order_revision: row.order_revision,
        amount_due: row.amount_due,
        phase: word(Phase::parse, &row.phase)?,
        attempt: None,
        captured: row.captured,
        refunded: row.refunded,
        operation: None,
        operations: row.operations,
        answered: row.answered,
        correlation_id: row.correlation_id.clone(),
        create_time: time(row.create_time)?,
        update_time: time(row.update_time)?,
        over: Over::default(),
    })
}

pub(super) fn attempt_row(id: OrderId, attempt: &Attempt) -> attempt::Model {
    let decline = attempt.decline.as_ref();
    attempt::Model {
        payment_id: *id.as_uuid(),
        number: attempt.number,
        token: attempt.token.as_str().to_owned(),
        amount: attempt.amount,
        authorized: attempt.authorized,
        state: attempt.state.as_str().to_owned(),
        idempotency_key: attempt.key.clone(),
        provider_reference: attempt.provider_reference.clone(),
        first_sent_time: attempt.first_sent.map(to_micros),
        action_url: attempt.action_url.clone(),
        decline_code: decline.map(|decline| decline.code.clone()),
        decline_detail: decline.map(|decline| decline.detail.clone()),
        retryable: decline.is_some_and(|decline| decline.retryable),
    }
}

pub(super) fn attempt(row: attempt::Model) -> Result<Attempt, DbErr> {
    let retryable = row.retryable;
    let decline = row.decline_code.zip(row.decline_detail);
    Ok(Attempt {
        number: row.number,
        token: PaymentMethodToken::parse(row.token).map_err(|error| broken(&error))?,
        amount: row.amount,
        authorized: row.authorized,
        state: word(AttemptState::parse, &row.state)?,
        key: row.idempotency_key,
        provider_reference: row.provider_reference,
        first_sent: row.first_sent_time.map(time).transpose()?,
        action_url: row.action_url,
        decline: decline.map(|(code, detail)| Decline { code, detail, retryable }),
    })
}

pub(super) fn operation_row(id: OrderId, operation: &Operation) -> operation::Model {
    let deed = operation.deed.as_ref();
    let action = operation.action.map(|action| match action {
        ActionResult::Done => "done".to_owned(),
        ActionResult::Failed => "failed".to_owned(),
    });
    operation::Model {
        payment_id: *id.as_uuid(),
        number: operation.number,
        kind: operation.kind.as_str().to_owned(),
        attempt: operation.attempt,
        amount: operation.amount,
        idempotency_key: operation.key.clone(),
        round: operation.round,
        tries: operation.tries,
        failures: operation.failures,
        uncertain: operation.uncertain,
        told: operation.told,
        first_sent_time: operation.first_sent.map(to_micros),
        next_try_time: operation.next_try.map(to_micros),
        claim_id: operation.claim.map(|claim| claim.id),
        claim_until: operation.claim.map(|claim| to_micros(claim.until)),
        action,
        last_error: operation.last_error.clone(),
        last_actor: deed.map(|deed| deed.actor.clone()),
        last_action: deed.map(|deed| deed.action.clone()),
        last_action_time: deed.map(|deed| to_micros(deed.time)),
        create_time: to_micros(operation.create_time),
    }
}

pub(super) fn operation(row: operation::Model) -> Result<Operation, DbErr> {
    let claim = match row.claim_id.zip(row.claim_until) {
        Some((id, until)) => Some(Claim { id, until: time(until)? }),
        None => None,
    };
    let deed = match (row.last_actor, row.last_action, row.last_action_time) {
        (Some(actor), Some(action), Some(at)) => Some(Deed { actor, action, time: time(at)? }),
        _ => None,
    };
    let action = |text: String| match text.as_str() {
        "done" => Ok(ActionResult::Done),
        "failed" => Ok(ActionResult::Failed),
        _ => Err(broken(&text)),
    };
    Ok(Operation {
        number: row.number,
        kind: word(OperationKind::parse, &row.kind)?,
        attempt: row.attempt,
        amount: row.amount,
        key: row.idempotency_key,
        round: row.round,
        tries: row.tries,
        failures: row.failures,
        uncertain: row.uncertain,
        told: row.told,
        first_sent: row.first_sent_time.map(time).transpose()?,
        next_try: row.next_try_time.map(time).transpose()?,
        claim,
        action: row.action.map(action).transpose()?,
        last_error: row.last_error,
        deed,
        create_time: time(row.create_time)?,
    })
}
