//! How payments look to people.

use ordermesh_console::render::{facts, money, table, time};
use ordermesh_proto::payment::v1::{
    Payment, PaymentAttempt, PaymentOperation, PaymentOperationKind, PaymentOperationState, PaymentStatus,
};

/// A status in words; its number when it is younger than this program.
pub(super) fn status(status: i32) -> String {
    match PaymentStatus::try_from(status) {
        Ok(known) => words(known.as_str_name(), "PAYMENT_STATUS_"),
        Err(_) => format!("status {status}"),
    }
}

fn kind(kind: i32) -> String {
    match PaymentOperationKind::try_from(kind) {
        Ok(known) => words(known.as_str_name(), "PAYMENT_OPERATION_KIND_"),
        Err(_) => format!("kind {kind}"),
    }
}

fn words(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase().replace('_', " ")
}

/// A payment with all that it has.
pub(super) fn payment(payment: &Payment) -> String {
    let amounts = payment.amounts.clone().unwrap_or_default();
    let head = facts(&[
        ("payment", payment.payment_id.clone()),
        ("status", status(payment.status)),
        ("revision", payment.revision.to_string()),
        ("amount due", money(payment.amount_due.as_ref())),
        ("authorized", money(amounts.authorized.as_ref())),
        ("captured", money(amounts.captured.as_ref())),
        ("refunded", money(amounts.refunded.as_ref())),
        ("order revision", payment.order_revision.to_string()),
        ("changed", time(payment.update_time.as_ref())),
    ]);
    let parts = [attempts(&payment.attempts), operations(&payment.operations)];
    parts.into_iter().filter(|part| !part.is_empty()).fold(head, |head, part| format!("{head}\n\n{part}"))
}

fn attempts(attempts: &[PaymentAttempt]) -> String {
    if attempts.is_empty() {
        return String::new();
    }
    let row = |own: &PaymentAttempt| {
        let more = match (own.decline_code.is_empty(), own.action_url.is_empty()) {
            (false, _) => format!("{}: {}", own.decline_code, own.decline_detail),
            (true, false) => own.action_url.clone(),
            (true, true) => String::new(),
        };
        let reference = own.provider_reference.clone();
        [own.number.to_string(), status(own.status), money(own.amount.as_ref()), reference, more]
    };
    table(["ATTEMPT", "STATUS", "AMOUNT", "PROVIDER'S ID", "MORE"], attempts.iter().map(row))
}

fn operations(operations: &[PaymentOperation]) -> String {
    if operations.is_empty() {
        return String::new();
    }
    let row = |own: &PaymentOperation| {
        let next = match own.state() == PaymentOperationState::Open {
            true => time(own.next_try_time.as_ref()),
            false => "closed".to_owned(),
        };
        let person = if own.needs_person { "needs a person" } else { "" };
        let more = [person, own.last_error.as_str(), own.last_action.as_str()];
        let more: Vec<_> = more.into_iter().filter(|part| !part.is_empty()).collect();
        let amount = money(own.amount.as_ref());
        [own.number.to_string(), kind(own.kind), amount, own.tries.to_string(), next, more.join("; ")]
    };
    table(["OPERATION", "KIND", "AMOUNT", "TRIES", "NEXT TRY", "MORE"], operations.iter().map(row))
}

/// Payments, a line each.
pub(super) fn list(payments: &[Payment]) -> String {
    let row = |own: &Payment| {
        let amounts = own.amounts.clone().unwrap_or_default();
        let open = own.operations.first();
        let doing = open.map(|open| format!("{} {}", kind(open.kind), open.number)).unwrap_or_default();
        let person = if open.is_some_and(|open| open.needs_person) { "yes" } else { "" };
        [
            own.payment_id.clone(),
            status(own.status),
            money(own.amount_due.as_ref()),
            money(amounts.captured.as_ref()),
            money(amounts.refunded.as_ref()),
            doing,
            person.to_owned(),
        ]
    };
    let header = ["PAYMENT", "STATUS", "AMOUNT DUE", "CAPTURED", "REFUNDED", "OPERATION", "NEEDS A PERSON"];
    table(header, payments.iter().map(row))
}
