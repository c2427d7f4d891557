//! Cancelling an order, as a whole or by pieces: from where, and what it leaves behind.

use ordermesh_order_command::domain::{
    Fact, LinesCancelReason, Order, OrderHead, OrderState, PaymentNews, PaymentStatus, Refusal, StockFact,
    StockStatus, WaitingFor,
};

use crate::life::{DECLINE, Life, RELEASED, everything, of_line, out_of_stock};
use crate::support::{at, draft, line, money, place, rate, tea};

fn cancelling() -> Life {
    let mut life = Life::confirmed();
    life.must(|change| change.cancel("changed my mind".to_owned()));
    life
}

#[test]
fn a_cancelled_order_owes_nothing_at_once_and_waits_until_stock_and_money_are_at_rest() {
    let life = cancelling();
    assert_eq!((life.state(), life.due()), (OrderState::Cancelling, money("0.00 EUR")));
    assert_eq!(life.order.head.cancel_reason.as_deref(), Some("changed my mind"));
    assert_eq!(life.waiting(), [WaitingFor::StockRelease, WaitingFor::Refund]);
    let event = life.events.last().unwrap();
    assert_eq!(event.name(), "OrderCancellationRequested");
    assert_eq!((event.stamp.actor.to_string().as_str(), event.stamp.occurred_time), ("customer mia", at(3)));
}

#[test]
fn it_is_cancelled_by_the_later_of_release_and_void_whichever_that_is() {
    let mut first = cancelling();
    first.stock(RELEASED);
    assert_eq!((first.state(), first.waiting()), (OrderState::Cancelling, vec![WaitingFor::Refund]));
    first.pay(PaymentNews::Voided);
    let mut second = cancelling();
    second.pay(PaymentNews::Voided);
    assert_eq!((second.state(), second.waiting()), (OrderState::Cancelling, vec![WaitingFor::StockRelease]));
    second.stock(RELEASED);
    for life in [first, second] {
        assert_eq!(life.state(), OrderState::Cancelled);
        let event = life.events.last().unwrap();
        assert_eq!(event.stamp.actor.to_string(), "policy order-process");
        assert!(matches!(&event.fact, Fact::Cancelled { reason } if reason == "changed my mind"));
        assert!(event.status.waiting_for.is_empty());
    }
}

#[test]
fn it_is_cancelled_in_the_same_commit_when_both_are_at_rest_already() {
    let mut life = Life::of(tea());
    life.pay(DECLINE);
    life.must(|change| change.cancel(String::new()));
    life.stock(out_of_stock());
    assert_eq!(life.state(), OrderState::Cancelled);
    let mut free = Life::of(draft(vec![line(money("0 JPY"), 1, rate(0))]));
    free.must(|change| change.cancel(String::new()));
    assert_eq!(free.waiting(), [WaitingFor::StockRelease]);
    free.stock(RELEASED);
    assert_eq!(free.state(), OrderState::Cancelled);
}

#[test]
fn a_partial_release_does_not_complete_a_cancellation() {
    let mut life = cancelling();
    life.pay(PaymentNews::Voided);
    life.stock(StockFact::Released { whole: false });
    assert_eq!(life.state(), OrderState::Cancelling);
}

#[test]
fn captured_money_must_be_back_whole_before_an_order_is_cancelled() {
    let mut life = Life::captured();
    life.must(|change| change.cancel(String::new()));
    life.stock(RELEASED);
    let mut part = life.fact(1);
    (part.what, part.amounts.refunded) = (PaymentNews::Refunded, money("1.00 EUR"));
    life.tell(part);
    assert_eq!(
        (life.state(), life.order.head.payment),
        (OrderState::Cancelling, PaymentStatus::PartlyRefunded)
    );
    life.pay(PaymentNews::Refunded);
    assert_eq!((life.state(), life.order.head.payment), (OrderState::Cancelled, PaymentStatus::Refunded));
}

#[test]
fn an_authorization_that_succeeds_during_the_cancellation_is_waited_for_until_it_is_given_up() {
    let mut life = Life::of(tea());
    life.must(|change| change.cancel(String::new()));
    life.stock(RELEASED);
    life.pay(PaymentNews::Authorized);
    assert_eq!(life.state(), OrderState::Cancelling);
    life.pay(PaymentNews::Voided);
    assert_eq!(life.state(), OrderState::Cancelled);
}

#[test]
fn what_is_held_can_be_cancelled() {
    let mut life = Life::of(tea());
    life.must(|change| change.hold("odd".to_owned()));
    life.pay(PaymentNews::OutcomeUnknown);
    life.must(|change| change.cancel(String::new()));
    assert_eq!(life.state(), OrderState::Cancelling);
    life.stock(RELEASED);
    assert_eq!(life.state(), OrderState::Cancelling, "what is unknown is not at rest");
    life.pay(PaymentNews::Voided);
    assert_eq!(life.state(), OrderState::Cancelled);
}

#[test]
fn after_a_dispatch_only_pieces_that_have_not_left_can_be_cancelled() {
    let mut life = Life::captured();
    life.must(|change| change.dispatch(vec![of_line(1, 2)], None, None));
    let refusal = life.refused(|change| change.cancel(String::new()));
    let cancellable = vec![of_line(1, 1), of_line(2, 1)];
    assert_eq!(refusal, Refusal::PartlyShipped { cancellable: cancellable.clone() });
    assert!(refusal.to_string().ends_with("1 of line 1, 1 of line 2"), "{refusal}");
    life.must(|change| change.cancel_lines(cancellable, String::new()));
    assert_eq!(life.state(), OrderState::Confirmed);
    let refusal = life.refused(|change| change.cancel(String::new()));
    assert_eq!(refusal, Refusal::PartlyShipped { cancellable: vec![] });
    assert!(refusal.to_string().ends_with("nothing"), "{refusal}");
}

#[test]
fn while_cancelling_nothing_is_dispatched_and_it_is_not_cancelled_again() {
    let mut life = cancelling();
    let forbidden = Refusal::StateForbids { state: OrderState::Cancelling };
    assert_eq!(life.refused(|change| change.dispatch(everything(), None, None)), forbidden);
    assert_eq!(life.refused(|change| change.cancel(String::new())), forbidden);
    assert_eq!(forbidden.to_string(), "the order is cancelling, which does not allow this");
}

#[test]
fn cancelled_pieces_are_told_with_all_that_has_become_of_their_line() {
    let mut life = Life::captured();
    let shipment = life.must(|change| change.dispatch(vec![of_line(1, 1)], None, None));
    life.must(|change| change.deliver(shipment));
    life.must(|change| change.cancel_lines(vec![of_line(1, 1)], "too many".to_owned()));
    let event = life.events.last().unwrap();
    let Fact::LinesCancelled { lines, progress, reason, note } = &event.fact else { panic!("{event:?}") };
    assert_eq!(
        (lines.as_slice(), *reason, note.as_str()),
        (&[of_line(1, 1)][..], LinesCancelReason::Requested, "too many")
    );
    let told = &progress[0];
    assert_eq!((progress.len(), told.line_id, told.sku.as_str(), told.ordered), (1, 1, "TEA-100", 3));
    let now = told.progress;
    assert_eq!((now.cancelled, now.shipped, now.delivered, now.lost, now.returned), (1, 1, 1, 0, 0));
}

#[test]
fn no_more_pieces_are_cancelled_than_are_there_and_only_of_lines_that_are() {
    let mut life = Life::confirmed();
    let too_many = life.refused(|change| change.cancel_lines(vec![of_line(1, 4)], String::new()));
    assert_eq!(too_many, Refusal::QuantityExceeded { line_id: 1, wanted: 4, left: 3 });
    let unknown = life.refused(|change| change.cancel_lines(vec![of_line(3, 1)], String::new()));
    assert_eq!(unknown, Refusal::LineNotFound { line_id: 3 });
    life.must(|change| change.cancel_lines(vec![of_line(1, 2)], String::new()));
    let rest = life.refused(|change| change.cancel_lines(vec![of_line(1, 2)], String::new()));
    assert_eq!(rest, Refusal::QuantityExceeded { line_id: 1, wanted: 2, left: 1 });
}

#[test]
fn cancelling_the_last_pieces_cancels_the_order() {
    let mut life = Life::confirmed();
    life.must(|change| change.cancel_lines(vec![of_line(1, 3)], "no tea".to_owned()));
    assert_eq!((life.state(), life.due()), (OrderState::Confirmed, money("10.71 EUR")));
    life.must(|change| change.cancel_lines(vec![of_line(2, 1)], "no pot".to_owned()));
    assert_eq!((life.state(), life.due()), (OrderState::Cancelling, money("0.00 EUR")));
    assert_eq!(life.order.head.cancel_reason.as_deref(), Some("no pot"));
}

#[test]
fn a_creation_starts_an_order_over() {
    let (order, events) = place(tea()).unwrap();
    let mut other = cancelling().order;
    other.apply(&events[0]);
    assert_eq!(other, order);
    let mut head =
        OrderHead { state: OrderState::Expired, stock: StockStatus::Released, ..order.head.clone() };
    head.apply(&events[0]);
    assert_eq!((&head, Order::fold(&events)), (&order.head, Some(order.clone())));
}
