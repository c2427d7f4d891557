//! What payment and the clock tell, and what order makes of it.

use ordermesh_kernel::PaymentMethodToken;
use ordermesh_order_command::domain::{
    Fact, Field, HoldReason, OrderState, PaymentNews, PaymentStatus, Refusal, RejectionReason, StockFact,
    WaitingFor,
};

use crate::life::{DECLINE, FINAL_DECLINE, Life, RELEASED, of_line};
use crate::support::{at, draft, line, money, rate, tea};

fn token() -> PaymentMethodToken {
    PaymentMethodToken::parse("tok_2").unwrap()
}

fn action() -> PaymentNews {
    PaymentNews::ActionRequired { url: "https://bank.example/3ds".to_owned() }
}

#[test]
fn a_customers_part_of_the_payment_is_waited_for_with_the_place_to_do_it() {
    let mut life = Life::of(tea());
    life.stock(StockFact::Reserved);
    life.pay(action());
    let event = life.events.last().unwrap();
    assert!(
        matches!(&event.fact, Fact::PaymentRecorded { action_url, payment: PaymentStatus::ActionRequired, .. }
        if action_url == "https://bank.example/3ds")
    );
    let waiting = &event.status.waiting_for[0];
    assert_eq!((waiting.what, waiting.deadline), (WaitingFor::PaymentAction, Some(at(3_600))));
    life.pay(PaymentNews::Authorized);
    assert_eq!(life.state(), OrderState::Confirmed);
}

#[test]
fn a_declined_payment_leaves_the_order_placed_and_may_be_tried_again() {
    let mut life = Life::of(tea());
    life.stock(StockFact::Reserved);
    life.pay(DECLINE);
    assert_eq!((life.state(), life.waiting()), (OrderState::Placed, vec![WaitingFor::PaymentRetry]));
    life.must(|change| change.retry_payment(token()));
    let event = life.events.last().unwrap();
    assert!(
        matches!(&event.fact, Fact::PaymentRetryRequested { attempt: 2, token } if token.as_str() == "tok_2")
    );
    assert_eq!(
        (life.order.head.payment, life.waiting()),
        (PaymentStatus::Pending, vec![WaitingFor::Payment])
    );
    life.pay(PaymentNews::Authorized);
    assert_eq!((life.state(), life.order.head.attempt), (OrderState::Confirmed, 2));
}

#[test]
fn another_attempt_is_allowed_only_after_a_decline_or_a_void() {
    for (news, allowed) in [
        (None, None),
        (Some(action()), None),
        (Some(PaymentNews::Authorized), None),
        (Some(PaymentNews::OutcomeUnknown), None),
        (Some(DECLINE), Some(2)),
        (Some(PaymentNews::Voided), Some(2)),
    ] {
        let mut life = Life::of(tea());
        news.clone().into_iter().for_each(|news| life.pay(news));
        let payment = life.order.head.payment;
        let outcome = life.attempt(|change| change.retry_payment(token()));
        match allowed {
            Some(attempt) => assert_eq!((outcome, life.order.head.attempt), (Ok(()), attempt)),
            None => assert_eq!(outcome, Err(Refusal::NotRetryable { payment }), "{news:?}"),
        }
    }
    let mut pending = Life::of(tea());
    pending.pay(DECLINE);
    pending.must(|change| change.retry_payment(token()));
    let refusal = pending.refused(|change| change.retry_payment(token()));
    assert_eq!(refusal, Refusal::NotRetryable { payment: PaymentStatus::Pending });
}

#[test]
fn a_decline_for_good_rejects_the_order_and_owes_nothing() {
    let mut life = Life::of(tea());
    let mut fact = life.fact(1);
    (fact.what, fact.code) = (FINAL_DECLINE, "stolen_card".to_owned());
    life.tell(fact);
    assert_eq!((life.state(), life.due()), (OrderState::Rejected, money("0.00 EUR")));
    let event = life.events.last().unwrap();
    assert!(matches!(&event.fact, Fact::Rejected { reason: RejectionReason::PaymentDeclined, detail }
        if detail == "stolen_card"));
    assert_eq!(life.waiting(), [WaitingFor::StockRelease]);
}

#[test]
fn attempts_that_are_used_up_reject_the_order() {
    let mut life = Life::of(tea());
    for attempt in 1..=3 {
        assert_eq!((life.state(), life.order.head.attempt), (OrderState::Placed, attempt));
        life.pay(DECLINE);
        if attempt < 3 {
            life.must(|change| change.retry_payment(token()));
        }
    }
    assert_eq!(life.state(), OrderState::Rejected);
}

#[test]
fn a_payment_that_was_given_up_while_the_order_is_placed_may_be_tried_again_until_the_deadline() {
    let mut life = Life::of(tea());
    life.pay(PaymentNews::Authorized);
    assert_eq!(life.order.head.due_time(), None);
    life.pay(PaymentNews::Voided);
    life.stock(StockFact::Reserved);
    assert_eq!((life.state(), life.waiting()), (OrderState::Placed, vec![WaitingFor::PaymentRetry]));
    assert_eq!(life.order.head.due_time(), Some(at(3_600)));
    life.must(|change| change.retry_payment(token()));
    life.pay(PaymentNews::Authorized);
    assert_eq!(life.state(), OrderState::Confirmed);
}

#[test]
fn what_is_told_twice_is_recorded_once_and_a_decline_says_more_than_a_void() {
    let mut life = Life::of(tea());
    life.pay(DECLINE);
    let events = life.events.len();
    life.pay(DECLINE);
    life.pay(PaymentNews::Voided);
    assert_eq!((life.events.len(), life.order.head.payment), (events, PaymentStatus::Declined));
}

#[test]
fn the_deadline_expires_an_order_whose_payment_is_not_there() {
    for news in
        [None, Some(action()), Some(DECLINE), Some(PaymentNews::OutcomeUnknown), Some(PaymentNews::Voided)]
    {
        let mut life = Life::of(tea());
        life.stock(StockFact::Reserved);
        news.into_iter().for_each(|news| life.pay(news));
        life.second = 3_598;
        assert!(!life.must(|change| Ok(change.expire())), "a second is left");
        assert!(life.must(|change| Ok(change.expire())));
        assert_eq!((life.state(), life.due()), (OrderState::Expired, money("0.00 EUR")));
        let event = life.events.last().unwrap();
        assert!(matches!(event.fact, Fact::Expired { payment_deadline } if payment_deadline == at(3_600)));
        assert!(!life.must(|change| Ok(change.expire())), "it has expired already");
    }
}

#[test]
fn an_order_that_owes_nothing_any_more_does_not_expire_while_its_payment_is_given_up() {
    let lines = vec![line(money("9.00 EUR"), 1, rate(0)), line(money("0.00 EUR"), 1, rate(0))];
    let mut life = Life::of(draft(lines));
    life.stock(StockFact::Reserved);
    life.pay(action());
    life.must(|change| change.cancel_lines(vec![of_line(1, 1)], String::new()));
    life.second = 10_000;
    assert!(!life.must(|change| Ok(change.expire())));
    let waiting = &life.events.last().unwrap().status.waiting_for;
    assert_eq!((waiting[0].what, waiting[0].deadline), (WaitingFor::PaymentAction, None));
    life.pay(DECLINE);
    assert_eq!(life.state(), OrderState::Confirmed);
}

#[test]
fn the_deadline_is_nothing_to_an_order_that_waits_for_something_else() {
    let mut held = Life::of(tea());
    held.must(|change| change.hold(String::new()));
    held.stock(StockFact::Reserved);
    held.pay(PaymentNews::Authorized);
    let mut no_stock_yet = Life::of(tea());
    no_stock_yet.pay(PaymentNews::Authorized);
    let free = Life::of(draft(vec![line(money("0 JPY"), 1, rate(0))]));
    for mut life in [held, no_stock_yet, free, Life::confirmed()] {
        life.second = 10_000;
        assert!(!life.must(|change| Ok(change.expire())));
        assert_eq!(life.order.head.due_time(), None);
    }
}

#[test]
fn a_success_after_the_deadline_is_waited_for_until_it_is_undone() {
    let mut life = Life::of(tea());
    life.second = 3_600;
    life.must(|change| Ok(change.expire()));
    life.stock(RELEASED);
    life.pay(PaymentNews::Authorized);
    assert_eq!((life.state(), life.waiting()), (OrderState::Expired, vec![WaitingFor::Refund]));
    life.pay(PaymentNews::Voided);
    assert!(life.waiting().is_empty());
}

#[test]
fn money_that_is_captured_early_confirms_as_well() {
    let mut life = Life::of(tea());
    life.pay(PaymentNews::Captured);
    assert_eq!((life.waiting(), life.order.head.due_time()), (vec![WaitingFor::Stock], None));
    life.stock(StockFact::Reserved);
    assert_eq!((life.state(), life.waiting()), (OrderState::Confirmed, vec![WaitingFor::Dispatch]));
}

#[test]
fn less_than_what_is_owed_is_partly_captured_and_still_waited_for() {
    let mut life = Life::confirmed();
    let mut fact = life.fact(1);
    (fact.what, fact.amounts.captured) = (PaymentNews::Captured, money("26.76 EUR"));
    life.tell(fact);
    assert_eq!(life.order.head.payment, PaymentStatus::PartlyCaptured);
    assert!(life.waiting().contains(&WaitingFor::Capture));
    life.pay(PaymentNews::Captured);
    assert_eq!(
        (life.order.head.payment, life.waiting()),
        (PaymentStatus::Captured, vec![WaitingFor::Dispatch])
    );
}

/// Only a free pot is left; whether the decline comes before or after makes no difference.
#[test]
fn where_nothing_is_owed_any_more_a_decline_does_not_reject() {
    let gift =
        || Life::of(draft(vec![line(money("4.50 EUR"), 3, rate(0)), line(money("0 EUR"), 1, rate(0))]));
    let drop_the_tea =
        |life: &mut Life| life.must(|change| change.cancel_lines(vec![of_line(1, 3)], String::new()));
    for decline in [DECLINE, FINAL_DECLINE] {
        let mut life = gift();
        drop_the_tea(&mut life);
        life.pay(decline);
        let refusal = life.refused(|change| change.retry_payment(token()));
        assert_eq!(refusal, Refusal::NotRetryable { payment: PaymentStatus::Declined });
        life.stock(StockFact::Reserved);
        assert_eq!((life.state(), life.waiting()), (OrderState::Confirmed, vec![WaitingFor::Dispatch]));
    }
    let mut before = gift();
    before.pay(DECLINE);
    before.stock(StockFact::Reserved);
    drop_the_tea(&mut before);
    assert_eq!(before.state(), OrderState::Confirmed);
}

#[test]
fn money_in_another_currency_cannot_be_about_this_order() {
    let mut life = Life::of(tea());
    let (dollar, euro) = (money("1.00 USD"), money("0.00 EUR"));
    for place in 0..3 {
        let mut fact = life.fact(1);
        let mut amounts = [euro; 3];
        amounts[place] = dollar;
        [fact.amounts.authorized, fact.amounts.captured, fact.amounts.refunded] = amounts;
        let refusal = life.refused(|change| change.record_payment(fact, 3));
        let (expected, found) = (euro.currency(), dollar.currency());
        assert_eq!(refusal, Refusal::MixedCurrencies { field: Field::Amounts, expected, found });
    }
}

#[test]
fn a_capture_whose_outcome_was_not_known_and_that_failed_is_known_to_have_failed() {
    let mut life = Life::confirmed();
    life.pay(PaymentNews::OutcomeUnknown);
    assert_eq!(life.order.head.payment, PaymentStatus::Unknown);
    life.pay(PaymentNews::CaptureFailed);
    let holds: Vec<_> = life.order.head.holds.iter().map(|hold| hold.reason).collect();
    assert_eq!(
        (life.order.head.payment, holds),
        (PaymentStatus::Authorized, vec![HoldReason::CaptureFailed])
    );
}

#[test]
fn a_refund_whose_outcome_was_not_known_and_that_failed_leaves_the_money_as_it_was() {
    for (refunded, status) in
        [("0 EUR", PaymentStatus::Captured), ("1.00 EUR", PaymentStatus::PartlyRefunded)]
    {
        let mut life = Life::captured();
        life.must(|change| change.cancel_lines(vec![of_line(1, 1)], String::new()));
        life.amounts.refunded = money(refunded);
        life.pay(PaymentNews::OutcomeUnknown);
        life.pay(PaymentNews::RefundFailed);
        let holds: Vec<_> = life.order.head.holds.iter().map(|hold| hold.reason).collect();
        assert_eq!((life.order.head.payment, holds), (status, vec![HoldReason::RefundFailed]));
    }
}

#[test]
fn less_set_aside_than_is_owed_does_not_confirm_the_order() {
    let mut life = Life::of(tea());
    life.stock(StockFact::Reserved);
    let mut short = life.fact(1);
    (short.what, short.amounts.authorized) = (PaymentNews::Authorized, money("9.00 EUR"));
    life.tell(short);
    assert_eq!((life.state(), life.waiting()), (OrderState::Placed, vec![WaitingFor::Payment]));
}

#[test]
fn a_payment_that_was_given_back_whole_stays_refunded_when_the_order_is_cancelled() {
    let mut life = Life::captured();
    life.must(|change| change.cancel(String::new()));
    life.stock(RELEASED);
    life.pay(PaymentNews::Refunded);
    assert_eq!(life.order.head.payment, PaymentStatus::Refunded);
    life.pay(PaymentNews::Voided);
    assert_eq!(life.order.head.payment, PaymentStatus::Refunded);
}
