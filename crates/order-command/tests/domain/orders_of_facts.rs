//! The same facts of inventory and payment in every order that can come: each feed keeps its own, the two do not keep
//! any between them.

use ordermesh_order_command::domain::{
    HoldReason, OrderState, PaymentNews, PaymentStatus, StockFact, StockStatus,
};

use crate::life::{DECLINE, FINAL_DECLINE, Life, RELEASED, left, nothing_left, of_line, out_of_stock};
use crate::support::tea;

/// Where an order ends, but for times and the number of its events.
type End = (OrderState, StockStatus, PaymentStatus, [i64; 4], Vec<HoldReason>, [i32; 2]);

fn end(life: &Life) -> End {
    let head = &life.order.head;
    let money = [head.amount_due, head.amounts.authorized, head.amounts.captured, head.amounts.refunded];
    let mut holds: Vec<_> = head.holds.iter().map(|hold| hold.reason).collect();
    holds.sort_unstable_by_key(|reason| reason.as_str());
    let (mut stock, mut cancelled) = (head.stock, [1, 2].map(|line| life.progress(line).cancelled));
    // What is lost of an order that was rejected before it knew is nobody's: inventory releases the rest all the same.
    if head.state == OrderState::Rejected && stock == StockStatus::Shortfall {
        (stock, cancelled) = (StockStatus::Reserved, [0, 0]);
    }
    (head.state, stock, head.payment, money.map(|amount| amount.minor_units()), holds, cancelled)
}

/// All ends of all interleavings.
fn ends(life: &Life, stock: &[StockFact], payment: &[PaymentNews], found: &mut Vec<End>) {
    if stock.is_empty() && payment.is_empty() {
        let end = end(life);
        if !found.contains(&end) {
            found.push(end);
        }
    }
    if let Some((first, rest)) = stock.split_first() {
        let mut life = life.clone();
        life.stock(first.clone());
        ends(&life, rest, payment, found);
    }
    if let Some((first, rest)) = payment.split_first() {
        let mut life = life.clone();
        // Amounts are the feed's own: they do not depend on how far order is.
        let mut fact = life.fact(1);
        let total = life.order.terms.totals.total;
        match first {
            PaymentNews::Authorized => fact.amounts.authorized = total,
            PaymentNews::Captured => fact.amounts.captured = total,
            PaymentNews::Refunded => fact.amounts.refunded = total,
            _ => {}
        }
        life.amounts = fact.amounts;
        fact.what = first.clone();
        life.tell(fact);
        ends(&life, stock, rest, found);
    }
}

fn all_ends(life: &Life, stock: &[StockFact], payment: &[PaymentNews]) -> Vec<End> {
    let mut found = Vec::new();
    ends(life, stock, payment, &mut found);
    found
}

fn action() -> PaymentNews {
    PaymentNews::ActionRequired { url: "https://bank.example".to_owned() }
}

/// What payment may tell before it has heard of an end. It captures when the order is confirmed, or at once.
fn payments() -> Vec<Vec<PaymentNews>> {
    use PaymentNews::{Authorized, CaptureFailed, Captured, OutcomeUnknown};
    vec![
        vec![],
        vec![Authorized],
        vec![OutcomeUnknown],
        vec![OutcomeUnknown, Authorized],
        vec![action(), Authorized, Captured],
        vec![action(), OutcomeUnknown, DECLINE],
        vec![DECLINE],
        vec![FINAL_DECLINE],
        vec![OutcomeUnknown, FINAL_DECLINE],
        vec![Authorized, OutcomeUnknown, Captured],
        vec![Authorized, CaptureFailed, Captured],
    ]
}

#[test]
fn a_placed_order_ends_the_same_in_whichever_order_stock_and_payment_tell() {
    let part = || left(vec![of_line(1, 2), of_line(2, 0)]);
    let stocks = [
        vec![],
        vec![StockFact::Reserved],
        vec![StockFact::Reserved, part()],
        vec![StockFact::Reserved, part(), left(vec![of_line(1, 1)])],
        vec![StockFact::Reserved, StockFact::Released { whole: false }],
        vec![out_of_stock()],
        vec![out_of_stock(), RELEASED],
    ];
    for stock in &stocks {
        for payment in &payments() {
            let ends = all_ends(&Life::of(tea()), stock, payment);
            assert_eq!(ends.len(), 1, "{stock:?} and {payment:?} lead to {ends:#?}");
        }
    }
}

#[test]
fn an_order_that_is_being_cancelled_ends_the_same_in_whichever_order_stock_and_payment_tell() {
    let mut life = Life::of(tea());
    life.must(|change| change.cancel(String::new()));
    use PaymentNews::{Authorized, Captured, OutcomeUnknown, RefundFailed, Refunded, Voided};
    let payments = [
        vec![Voided],
        vec![DECLINE, Voided],
        vec![Authorized, Voided],
        vec![OutcomeUnknown, Voided],
        vec![OutcomeUnknown, Authorized, Voided],
        vec![Authorized, Captured, Refunded],
        vec![Authorized, Captured, RefundFailed, Refunded],
        vec![Authorized, Captured, OutcomeUnknown, RefundFailed, Refunded],
        vec![FINAL_DECLINE],
    ];
    let stocks = [
        vec![RELEASED],
        vec![StockFact::Reserved, RELEASED],
        vec![out_of_stock(), RELEASED],
        vec![StockFact::Reserved, nothing_left(), RELEASED],
    ];
    for stock in &stocks {
        for payment in &payments {
            let ends = all_ends(&life, stock, payment);
            assert_eq!(ends.len(), 1, "{stock:?} and {payment:?} lead to {ends:#?}");
            assert_eq!((ends[0].0, &ends[0].4), (OrderState::Cancelled, &vec![]), "{payment:?}");
        }
    }
}

/// Which of two ends it is says the fact that comes first; both owe nothing, and none is left open.
#[test]
fn of_a_loss_of_everything_and_a_final_decline_the_first_one_ends_the_order() {
    let ends = all_ends(&Life::of(tea()), &[StockFact::Reserved, nothing_left(), RELEASED], &[FINAL_DECLINE]);
    let mut states: Vec<_> = ends.iter().map(|end| end.0.as_str()).collect();
    states.sort_unstable();
    states.dedup();
    assert_eq!(states, ["cancelled", "rejected"]);
    assert!(ends.iter().all(|end| end.3[0] == 0));
}
