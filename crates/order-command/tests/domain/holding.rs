//! Holds: placed by people and by the payment, and what they keep back.

use ordermesh_kernel::HoldId;
use ordermesh_order_command::domain::{
    Fact, HoldReason, MAX_HOLDS, MAX_PARTS, NoteText, OrderState, Part, PaymentNews, Refusal, StockFact,
    WaitingFor,
};

use crate::life::{DECLINE, Life, everything, of_line, out_of_stock};
use crate::support::{at, money, tea};

fn reasons(life: &Life) -> Vec<HoldReason> {
    life.order.head.holds.iter().map(|hold| hold.reason).collect()
}

#[test]
fn a_held_order_is_confirmed_when_its_last_hold_is_released() {
    let mut life = Life::of(tea());
    let [first, second] = ["odd", "odder"].map(|note| life.must(|change| change.hold(note.to_owned())));
    life.stock(StockFact::Reserved);
    life.pay(PaymentNews::Authorized);
    assert_eq!((life.state(), life.waiting()), (OrderState::Placed, vec![WaitingFor::Hold]));
    assert_eq!(life.order.head.status().waiting_for[0].since, at(1), "since the oldest");
    life.must(|change| change.release_hold(first, String::new()));
    assert_eq!(life.state(), OrderState::Placed);
    life.must(|change| change.release_hold(second, "checked".to_owned()));
    assert_eq!(life.state(), OrderState::Confirmed);
    let released = &life.events[life.events.len() - 2];
    assert!(matches!(&released.fact, Fact::HoldReleased { hold, note }
        if note == "checked" && hold.note == "odder" && hold.actor.to_string() == "customer mia"));
}

#[test]
fn a_held_order_is_not_dispatched_and_says_which_holds_it_has() {
    let mut life = Life::captured();
    let hold = life.must(|change| change.hold(String::new()));
    let refusal = life.refused(|change| change.dispatch(everything(), None, None));
    assert_eq!(refusal, Refusal::Held { holds: vec![hold] });
    life.must(|change| change.release_hold(hold, String::new()));
    life.must(|change| change.dispatch(everything(), None, None));
}

#[test]
fn a_hold_is_released_once_and_only_where_it_is() {
    let mut life = Life::of(tea());
    let hold = life.must(|change| change.hold(String::new()));
    life.must(|change| change.release_hold(hold, String::new()));
    for id in [hold, HoldId::new_v7(at(0))] {
        let refusal = life.refused(|change| change.release_hold(id, String::new()));
        assert_eq!(refusal, Refusal::HoldNotFound { id });
    }
}

#[test]
fn a_held_order_completes_when_its_hold_is_released() {
    let mut life = Life::captured();
    let shipment = life.must(|change| change.dispatch(everything(), None, None));
    let hold = life.must(|change| change.hold(String::new()));
    life.must(|change| change.deliver(shipment));
    assert_eq!((life.state(), life.waiting()), (OrderState::Confirmed, vec![WaitingFor::Hold]));
    life.must(|change| change.release_hold(hold, String::new()));
    assert_eq!(life.state(), OrderState::Completed);
}

#[test]
fn an_unknown_outcome_holds_the_order_until_anything_is_known() {
    for (news, placed) in [
        (PaymentNews::Authorized, false),
        (DECLINE, true),
        (PaymentNews::Voided, true),
        (PaymentNews::ActionRequired { url: String::new() }, true),
    ] {
        let mut life = Life::of(tea());
        life.stock(StockFact::Reserved);
        life.pay(PaymentNews::OutcomeUnknown);
        assert_eq!(reasons(&life), [HoldReason::PaymentUnknown]);
        assert_eq!(life.waiting(), [WaitingFor::Payment, WaitingFor::Hold]);
        let events = life.events.len();
        life.pay(PaymentNews::OutcomeUnknown);
        assert_eq!(life.events.len(), events, "it is unknown already");
        life.pay(news.clone());
        assert_eq!((reasons(&life), life.state() == OrderState::Placed), (vec![], placed), "{news:?}");
    }
}

#[test]
fn a_capture_that_fails_holds_the_order_until_it_succeeds() {
    let mut life = Life::confirmed();
    life.pay(PaymentNews::CaptureFailed);
    assert_eq!(reasons(&life), [HoldReason::CaptureFailed]);
    let recorded = life.events.len();
    life.pay(PaymentNews::CaptureFailed);
    assert_eq!(life.events.len(), recorded, "it is told once, until it is over");
    let holds = life.order.head.holds.iter().map(|hold| hold.id).collect();
    assert_eq!(life.refused(|change| change.dispatch(everything(), None, None)), Refusal::Held { holds });
    life.pay(PaymentNews::Captured);
    assert!(reasons(&life).is_empty());
    life.must(|change| change.dispatch(everything(), None, None));
}

#[test]
fn a_hold_that_a_person_released_is_placed_again_when_the_failure_goes_on() {
    let mut life = Life::confirmed();
    life.pay(PaymentNews::CaptureFailed);
    let hold = life.order.head.holds[0].id;
    life.must(|change| change.release_hold(hold, "they will pay by cash".to_owned()));
    let refusal = life.refused(|change| change.dispatch(everything(), None, None));
    assert!(matches!(refusal, Refusal::NotCaptured { .. }), "{refusal:?}");
    life.pay(PaymentNews::CaptureFailed);
    assert_eq!(reasons(&life), [HoldReason::CaptureFailed]);
}

#[test]
fn a_refund_that_fails_holds_the_order_until_it_succeeds() {
    let mut life = Life::captured();
    life.must(|change| change.cancel_lines(vec![of_line(1, 1)], String::new()));
    life.pay(PaymentNews::RefundFailed);
    assert_eq!(reasons(&life), [HoldReason::RefundFailed]);
    life.pay(PaymentNews::Refunded);
    assert!(reasons(&life).is_empty());
    assert_eq!(life.waiting(), [WaitingFor::Dispatch]);
}

#[test]
fn a_refund_that_fails_after_the_completion_is_held_and_waited_for_and_the_order_stays_completed() {
    let mut life = Life::captured();
    let shipment = life.must(|change| change.dispatch(everything(), None, None));
    life.must(|change| change.deliver(shipment));
    let back = life.must(|change| change.request_return(vec![of_line(2, 1)], String::new()));
    life.must(|change| change.approve_return(back));
    let received = vec![crate::fulfilling::received(2, 1)];
    life.must(|change| change.receive_return(back, received));
    life.pay(PaymentNews::RefundFailed);
    assert_eq!((life.state(), reasons(&life)), (OrderState::Completed, vec![HoldReason::RefundFailed]));
    assert_eq!(life.waiting(), [WaitingFor::Refund]);
    life.pay(PaymentNews::Refunded);
    assert_eq!((reasons(&life), life.waiting()), (vec![], vec![]));
}

#[test]
fn a_persons_hold_is_not_released_by_what_payment_tells() {
    let mut life = Life::of(tea());
    life.must(|change| change.hold(String::new()));
    life.pay(PaymentNews::OutcomeUnknown);
    life.pay(PaymentNews::Authorized);
    life.pay(PaymentNews::Captured);
    life.pay(PaymentNews::Refunded);
    assert_eq!(reasons(&life), [HoldReason::Manual]);
}

#[test]
fn there_is_an_end_to_holds_and_to_notes() {
    let mut life = Life::of(tea());
    for _ in 0..MAX_HOLDS {
        life.must(|change| change.hold(String::new()));
    }
    let refusal = life.refused(|change| change.hold(String::new()));
    assert_eq!(refusal, Refusal::TooManyParts { part: Part::Holds, most: MAX_HOLDS });
    // What payment tells is not refused for it.
    life.pay(PaymentNews::OutcomeUnknown);
    assert_eq!(reasons(&life).len(), MAX_HOLDS + 1);
    let mut life = Life::of(tea());
    life.order.head.notes = i32::try_from(MAX_PARTS).unwrap();
    let refusal = life.refused(|change| change.add_note(NoteText::parse("x").unwrap()));
    assert_eq!(refusal, Refusal::TooManyParts { part: Part::Notes, most: MAX_PARTS });
}

#[test]
fn a_note_is_told_and_counted() {
    let mut life = Life::of(tea());
    let note = life.must(|change| change.add_note(NoteText::parse("rings twice").unwrap()));
    let event = life.events.last().unwrap();
    assert!(
        matches!(&event.fact, Fact::NoteAdded { id, text } if *id == note && text.as_str() == "rings twice")
    );
    assert_eq!((life.order.head.notes, life.state()), (1, OrderState::Placed));
    assert!(!format!("{event:?}").contains("rings twice"), "a note may be personal");
    for text in ["", "a\0b", &"x".repeat(2_001)] {
        assert!(NoteText::parse(text).is_err());
    }
}

#[test]
fn less_captured_than_is_owed_holds_the_order_as_a_capture_that_failed() {
    let mut life = Life::confirmed();
    let mut short = life.fact(1);
    (short.what, short.amounts.captured) = (PaymentNews::Captured, money("9.00 EUR"));
    for _ in 0..2 {
        life.tell(short.clone());
        assert_eq!(reasons(&life), [HoldReason::CaptureFailed]);
    }
    assert!(life.waiting().contains(&WaitingFor::Hold));
    life.pay(PaymentNews::Captured);
    assert_eq!((reasons(&life), life.state()), (vec![], OrderState::Confirmed));
}

#[test]
fn what_could_not_be_captured_holds_nothing_once_it_is_no_longer_owed() {
    let mut life = Life::confirmed();
    let mut short = life.fact(1);
    // Of 26.77 EUR, without the second line.
    (short.what, short.amounts.captured) = (PaymentNews::Captured, money("16.06 EUR"));
    life.tell(short);
    assert_eq!(reasons(&life), [HoldReason::CaptureFailed]);
    life.must(|change| change.cancel_lines(vec![of_line(2, 1)], String::new()));
    assert_eq!((life.due(), reasons(&life)), (money("16.06 EUR"), vec![]));
    assert_eq!(life.waiting(), [WaitingFor::Dispatch]);
}

#[test]
fn what_a_person_holds_is_let_go_when_the_order_ends() {
    let mut life = Life::of(tea());
    life.must(|change| change.hold("odd".to_owned()));
    life.stock(out_of_stock());
    assert_eq!((life.state(), reasons(&life)), (OrderState::Rejected, vec![]));
    let released = life.events.last().unwrap();
    assert!(matches!(&released.fact, Fact::HoldReleased { note, .. } if note == "the order has ended"));
    assert_eq!(released.stamp.actor.to_string(), "policy order-process");
}
