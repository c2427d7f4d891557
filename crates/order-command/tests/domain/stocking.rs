//! What inventory tells, and what order makes of it.

use ordermesh_order_command::domain::{
    Fact, LinesCancelReason, OrderState, PaymentNews, RejectionReason, StockFact, StockStatus, WaitingFor,
};

use crate::life::{Life, RELEASED, left, nothing_left, of_line, out_of_stock};
use crate::support::{draft, line, money, rate, tea};

#[test]
fn reserved_stock_and_authorized_money_confirm_an_order_whichever_comes_last() {
    let mut stock_last = Life::of(tea());
    stock_last.pay(PaymentNews::Authorized);
    assert_eq!((stock_last.state(), stock_last.waiting()), (OrderState::Placed, vec![WaitingFor::Stock]));
    stock_last.stock(StockFact::Reserved);
    let mut money_last = Life::of(tea());
    money_last.stock(StockFact::Reserved);
    assert_eq!((money_last.state(), money_last.waiting()), (OrderState::Placed, vec![WaitingFor::Payment]));
    money_last.pay(PaymentNews::Authorized);
    for life in [stock_last, money_last] {
        assert_eq!((life.state(), life.order.head.stock), (OrderState::Confirmed, StockStatus::Committed));
        assert_eq!(life.waiting(), [WaitingFor::Capture, WaitingFor::Dispatch]);
        let confirmed = life.events.last().unwrap();
        assert_eq!((confirmed.name(), confirmed.stamp.amount_due), ("OrderConfirmed", money("26.77 EUR")));
        assert_eq!(confirmed.stamp.actor.to_string(), "policy order-process");
    }
}

#[test]
fn an_order_that_costs_nothing_is_confirmed_by_stock_alone() {
    let mut life = Life::of(draft(vec![line(money("0 JPY"), 2, rate(0))]));
    life.stock(StockFact::Reserved);
    assert_eq!((life.state(), life.waiting()), (OrderState::Confirmed, vec![WaitingFor::Dispatch]));
    // Payment has nothing to do with it, and what it answers changes nothing.
    let events = life.events.len();
    life.pay(PaymentNews::Voided);
    assert_eq!(life.events.len(), events);
    let shipment = life.must(|change| change.dispatch(vec![of_line(1, 2)], None, None));
    life.must(|change| change.deliver(shipment));
    assert_eq!(life.state(), OrderState::Completed);
}

#[test]
fn an_order_without_stock_is_rejected_with_what_is_missing_and_owes_nothing() {
    let mut life = Life::of(tea());
    life.stock(out_of_stock());
    assert_eq!((life.state(), life.due()), (OrderState::Rejected, money("0.00 EUR")));
    let event = life.events.last().unwrap();
    assert!(matches!(&event.fact, Fact::Rejected { reason: RejectionReason::OutOfStock, detail }
        if detail == "2 of TEA-100 wanted, 1 there"));
    assert_eq!(life.waiting(), [WaitingFor::Refund], "payment still has to say that it holds nothing");
    life.pay(PaymentNews::Voided);
    assert!(life.waiting().is_empty());
}

#[test]
fn a_reservation_that_is_released_before_the_confirmation_rejects_the_order() {
    let mut life = Life::of(tea());
    life.stock(StockFact::Reserved);
    life.stock(RELEASED);
    assert_eq!((life.state(), life.order.head.stock), (OrderState::Rejected, StockStatus::Released));
}

#[test]
fn what_is_told_twice_is_recorded_once() {
    let mut life = Life::of(tea());
    for _ in 0..2 {
        life.stock(StockFact::Reserved);
        life.stock(StockFact::Released { whole: false });
    }
    assert_eq!(life.names(), ["OrderCreated", "OrderStockRecorded"]);
    life.pay(PaymentNews::Authorized);
    let events = life.events.len();
    life.stock(StockFact::Reserved);
    assert_eq!((life.events.len(), life.order.head.stock), (events, StockStatus::Committed));
}

#[test]
fn a_rejection_is_not_overwritten_by_the_release_that_answers_it() {
    let mut life = Life::of(tea());
    life.stock(out_of_stock());
    let events = life.events.len();
    life.stock(RELEASED);
    assert_eq!((life.events.len(), life.order.head.stock), (events, StockStatus::Rejected));
}

#[test]
fn a_reservation_that_comes_after_its_release_does_not_bring_stock_back() {
    let mut life = Life::of(tea());
    life.must(|change| change.cancel(String::new()));
    life.stock(RELEASED);
    life.stock(StockFact::Reserved);
    assert_eq!(life.order.head.stock, StockStatus::Released);
}

#[test]
fn pieces_that_are_lost_are_cancelled_and_no_longer_owed() {
    for mut life in [Life::of(tea()), Life::confirmed(), Life::captured()] {
        life.stock(StockFact::Reserved);
        life.stock(left(vec![of_line(1, 1)]));
        assert_eq!((life.progress(1).cancelled, life.order.head.stock), (2, StockStatus::Shortfall));
        assert_eq!(life.due(), money("16.07 EUR"), "4.50 and 9.00 and 19 % of each");
        assert!(life.state().is_open());
        let event = life.events.last().unwrap();
        assert!(matches!(event.fact, Fact::LinesCancelled { reason: LinesCancelReason::StockLost, .. }));
    }
}

#[test]
fn an_order_with_a_shortfall_is_confirmed_for_what_is_left() {
    let mut life = Life::of(tea());
    life.stock(StockFact::Reserved);
    life.stock(left(vec![of_line(2, 0)]));
    life.pay(PaymentNews::Authorized);
    assert_eq!((life.state(), life.order.head.stock), (OrderState::Confirmed, StockStatus::Shortfall));
}

#[test]
fn losing_everything_cancels_the_order() {
    for mut life in [Life::of(tea()), Life::captured()] {
        life.stock(nothing_left());
        assert_eq!((life.state(), life.due()), (OrderState::Cancelling, money("0.00 EUR")));
        assert_eq!(life.order.head.cancel_reason.as_deref(), Some("stock lost"));
    }
}

#[test]
fn only_pieces_that_are_missing_of_what_is_to_leave_yet_are_lost() {
    let mut life = Life::captured();
    life.must(|change| change.dispatch(vec![of_line(1, 1)], None, None));
    life.must(|change| change.cancel_lines(vec![of_line(1, 1)], String::new()));
    let events = life.events.len();
    // Inventory had heard of neither: of three pieces it lost one or two.
    for still_there in [2, 1] {
        life.stock(left(vec![of_line(1, still_there), of_line(2, 1), of_line(9, 0)]));
    }
    assert_eq!(life.events.len(), events, "the one that is to leave is there");
    for _ in 0..2 {
        life.stock(left(vec![of_line(1, 0)]));
        assert_eq!((life.progress(1).cancelled, life.progress(1).shipped), (2, 1));
    }
}

#[test]
fn a_loss_that_is_told_after_as_many_pieces_were_cancelled_takes_none() {
    let mut life = Life::captured();
    life.must(|change| change.cancel_lines(vec![of_line(1, 2)], String::new()));
    life.stock(left(vec![of_line(1, 1)]));
    assert_eq!((life.progress(1).cancelled, life.order.head.stock), (2, StockStatus::Committed));
}

#[test]
fn losing_all_that_has_not_left_lets_what_has_left_be_delivered() {
    let mut life = Life::captured();
    let shipment = life.must(|change| change.dispatch(vec![of_line(1, 3)], None, None));
    life.stock(left(vec![of_line(2, 0)]));
    assert_eq!((life.state(), life.due()), (OrderState::Confirmed, money("16.06 EUR")));
    life.must(|change| change.deliver(shipment));
    assert_eq!(life.waiting(), [WaitingFor::Refund]);
    life.pay(PaymentNews::Refunded);
    assert_eq!(life.state(), OrderState::Completed);
}
