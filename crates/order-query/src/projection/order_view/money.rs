//! The money of an order beside its status: the newest news of the payment.

use ordermesh_proto::order::v1::{Order, OrderPaymentRecorded};

/// The news replaces what was told before, with nothing where there is nothing to tell: a payment that has gone on
/// needs no action any more, and is not declined.
pub(super) fn recorded(order: &mut Order, news: &OrderPaymentRecorded) {
    order.payment_action_url.clone_from(&news.action_url);
    order.payment_code.clone_from(&news.code);
    order.payment_detail.clone_from(&news.detail);
}

/// What was told was of the attempt before.
pub(super) fn retried(order: &mut Order) {
    recorded(order, &OrderPaymentRecorded::default());
}
