//! What an order waits for, and since when.

use ordermesh_order_command::domain::{PaymentNews, StockFact, Waiting, WaitingFor};

use crate::life::{DECLINE, Life, everything, of_line};
use crate::support::{at, tea};

fn since(life: &Life) -> Vec<(WaitingFor, i64)> {
    let second = |one: &Waiting| (one.what, one.since.as_second() - at(0).as_second());
    life.order.head.status().waiting_for.iter().map(second).collect()
}

#[test]
fn each_thing_is_waited_for_since_it_began() {
    let mut life = Life::of(tea());
    assert_eq!(since(&life), [(WaitingFor::Stock, 0), (WaitingFor::Payment, 0)]);
    life.second = 9;
    life.pay(DECLINE);
    assert_eq!(since(&life), [(WaitingFor::Stock, 0), (WaitingFor::PaymentRetry, 10)]);
    life.second = 19;
    life.stock(StockFact::Reserved);
    assert_eq!(since(&life), [(WaitingFor::PaymentRetry, 10)]);
    life.second = 29;
    life.must(|change| change.retry_payment(ordermesh_kernel::PaymentMethodToken::parse("tok").unwrap()));
    life.second = 39;
    life.pay(PaymentNews::Authorized);
    assert_eq!(since(&life), [(WaitingFor::Capture, 40), (WaitingFor::Dispatch, 40)]);
    life.second = 49;
    life.pay(PaymentNews::Captured);
    life.second = 59;
    life.must(|change| change.dispatch(vec![of_line(1, 1)], None, None));
    assert_eq!(since(&life), [(WaitingFor::Dispatch, 60), (WaitingFor::Delivery, 60)]);
    life.second = 69;
    life.must(|change| change.cancel_lines(vec![of_line(1, 1)], String::new()));
    let goods = [(WaitingFor::Dispatch, 70), (WaitingFor::Delivery, 70)];
    assert_eq!(since(&life), [&[(WaitingFor::Refund, 70)][..], &goods].concat());
}

#[test]
fn only_what_waits_for_the_payment_has_a_deadline() {
    let mut life = Life::of(tea());
    life.must(|change| change.hold(String::new()));
    let deadlines: Vec<_> =
        life.order.head.status().waiting_for.iter().map(|one| (one.what, one.deadline)).collect();
    let payment = (WaitingFor::Payment, Some(at(3_600)));
    assert_eq!(deadlines, [(WaitingFor::Stock, None), payment, (WaitingFor::Hold, None)]);
}

#[test]
fn a_completed_order_waits_for_nothing() {
    let mut life = Life::captured();
    let shipment = life.must(|change| change.dispatch(everything(), None, None));
    life.must(|change| change.deliver(shipment));
    assert!(since(&life).is_empty());
}
