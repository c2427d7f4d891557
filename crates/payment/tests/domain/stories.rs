//! Single stories, each a rule of the payment.

use ordermesh_payment::domain::{
    Decline, OperationKind, OrderFactKind, Outcome, Payment, PaymentStatus, Refusal, Resolution, What,
    next_operation,
};

use crate::support::{TERMS, answer, answer_at, at, created, fact, names, payment, token};

fn prepared() -> Outcome {
    Outcome::Prepared { reference: "pi_1".to_owned() }
}

fn unknown() -> Outcome {
    Outcome::Unknown { detail: "no answer".to_owned() }
}

fn failed() -> Outcome {
    Outcome::Failed { code: "bank_closed".to_owned(), detail: "try later".to_owned() }
}

/// A payment of 100 that is authorized.
fn authorized() -> Payment {
    let (mut payment, _) = payment(&[created(100)]);
    answer(&mut payment, prepared());
    assert_eq!(names(&answer(&mut payment, Outcome::Authorized { amount: 100 })), ["PaymentAuthorized"]);
    payment
}

fn captured() -> Payment {
    let mut payment = authorized();
    payment.observe(&fact(2, 100, OrderFactKind::Confirmed), &TERMS, at(0)).unwrap();
    assert_eq!(names(&answer(&mut payment, Outcome::Captured { amount: 100 })), ["PaymentCaptured"]);
    payment
}

fn open(payment: &Payment) -> (OperationKind, i64) {
    let operation = payment.operation.as_ref().expect("an operation is open");
    (operation.kind, operation.amount)
}

#[test]
fn an_order_that_owes_nothing_has_no_payment() {
    assert_eq!(Payment::begin(&created(0), at(0)), None);
}

#[test]
fn an_order_without_a_means_of_payment_is_declined_and_may_try_one() {
    let (mut payment, events) = payment(&[fact(1, 100, OrderFactKind::Created { token: None })]);
    let What::Declined(decline) = &events[0].what else { panic!("{events:?}") };
    assert_eq!((decline.code.as_str(), decline.retryable), ("payment_method_missing", true));
    assert_eq!((events[0].stamp.attempt, payment.status()), (0, PaymentStatus::Declined));
    let retry = OrderFactKind::RetryRequested { token: token("tok"), attempt: 2 };
    payment.observe(&fact(2, 100, retry), &TERMS, at(0)).unwrap();
    assert_eq!(open(&payment), (OperationKind::Authorize, 100));
}

#[test]
fn less_owed_at_the_confirmation_is_captured_less_and_less_owed_later_is_given_back() {
    let mut payment = authorized();
    payment.observe(&fact(2, 90, OrderFactKind::Changed), &TERMS, at(0)).unwrap();
    assert_eq!(next_operation(&payment), None);
    payment.observe(&fact(3, 80, OrderFactKind::Confirmed), &TERMS, at(0)).unwrap();
    assert_eq!(open(&payment), (OperationKind::Capture, 80));
    answer(&mut payment, Outcome::Captured { amount: 80 });
    assert_eq!(payment.status(), PaymentStatus::PartlyCaptured);
    payment.observe(&fact(4, 50, OrderFactKind::Changed), &TERMS, at(0)).unwrap();
    assert_eq!(open(&payment), (OperationKind::Refund, 30));
    let events = answer(&mut payment, Outcome::Refunded);
    assert_eq!((names(&events), payment.status()), (vec!["PaymentRefunded"], PaymentStatus::PartlyRefunded));
    assert_eq!((payment.kept(), payment.operation), (50, None));
}

#[test]
fn an_end_that_comes_before_the_creation_leaves_a_tombstone_that_is_answered() {
    let (mut payment, events) = payment(&[fact(3, 0, OrderFactKind::Ended)]);
    assert_eq!(events[0].what, What::Voided { nothing_to_void: true });
    assert_eq!(payment.observe(&created(100), &TERMS, at(1)).unwrap(), []);
    assert_eq!((payment.status(), next_operation(&payment)), (PaymentStatus::Voided, None));
}

#[test]
fn a_declined_payment_answers_an_end_all_the_same_and_once() {
    let (mut payment, _) = payment(&[created(100)]);
    answer(&mut payment, prepared());
    let (code, detail) = ("stolen_card".to_owned(), String::new());
    answer(&mut payment, Outcome::Declined(Decline { code, detail, retryable: false }));
    let events = payment.observe(&fact(2, 0, OrderFactKind::Ended), &TERMS, at(0)).unwrap();
    assert_eq!(events[0].what, What::Voided { nothing_to_void: true });
    assert_eq!(payment.observe(&fact(3, 0, OrderFactKind::Changed), &TERMS, at(0)).unwrap(), []);
}

#[test]
fn an_end_before_anything_is_prepared_is_answered_at_once_and_the_reference_comes_too_late() {
    let (mut payment, _) = payment(&[created(100)]);
    let before = payment.clone();
    let events = payment.observe(&fact(2, 0, OrderFactKind::Ended), &TERMS, at(0)).unwrap();
    assert_eq!(events[0].what, What::Voided { nothing_to_void: true });
    let operation = before.operation.unwrap();
    let report = ordermesh_payment::domain::Report {
        operation: operation.number,
        round: operation.round,
        first_sent: at(0),
        outcome: prepared(),
    };
    payment.record(&report, &TERMS, at(1));
    assert_eq!(payment.attempt.unwrap().provider_reference, None);
}

#[test]
fn an_unknown_outcome_is_asked_about_and_no_other_attempt_begins_meanwhile() {
    let (mut payment, _) = payment(&[created(100)]);
    answer(&mut payment, prepared());
    assert_eq!(names(&answer(&mut payment, unknown())), ["PaymentOutcomeUnknown"]);
    assert_eq!(open(&payment).0, OperationKind::Inquire);
    let retry = OrderFactKind::RetryRequested { token: token("other"), attempt: 2 };
    payment.observe(&fact(2, 100, retry), &TERMS, at(0)).unwrap();
    assert_eq!(payment.attempt.as_ref().unwrap().number, 1);
    assert_eq!(names(&answer(&mut payment, Outcome::Authorized { amount: 100 })), ["PaymentAuthorized"]);
}

#[test]
fn an_authorization_is_sent_again_under_the_same_key_only_while_the_provider_knows_it() {
    let (mut payment, _) = payment(&[created(100)]);
    let key = payment.operation.as_ref().unwrap().key.clone();
    answer(&mut payment, prepared());
    answer(&mut payment, unknown());
    answer_at(&mut payment, Outcome::NotStarted, 3_600);
    assert_eq!(
        (open(&payment).0, &payment.operation.as_ref().unwrap().key),
        (OperationKind::Authorize, &key)
    );
    assert!(names(&answer_at(&mut payment, unknown(), 3_601)).is_empty(), "it is told once");
    answer_at(&mut payment, Outcome::NotStarted, 24 * 3_600);
    assert_eq!(open(&payment).0, OperationKind::Void);
    let events = answer_at(&mut payment, Outcome::Voided, 24 * 3_600 + 1);
    assert_eq!((names(&events), payment.status()), (vec!["PaymentDeclined"], PaymentStatus::Declined));
}

#[test]
fn a_success_that_comes_after_the_end_is_voided_at_once() {
    let (mut payment, _) = payment(&[created(100)]);
    answer(&mut payment, prepared());
    answer(&mut payment, unknown());
    assert!(payment.observe(&fact(2, 0, OrderFactKind::Ended), &TERMS, at(0)).unwrap().is_empty());
    answer(&mut payment, Outcome::Authorized { amount: 100 });
    assert_eq!(open(&payment), (OperationKind::Void, 100));
    let events = answer(&mut payment, Outcome::Voided);
    assert_eq!(events[0].what, What::Voided { nothing_to_void: false });
}

#[test]
fn a_failing_refund_is_told_once_and_tried_for_ever_under_new_keys_with_longer_waits() {
    let mut payment = captured();
    payment.observe(&fact(3, 0, OrderFactKind::Ended), &TERMS, at(0)).unwrap();
    assert_eq!(names(&answer(&mut payment, failed())), ["RefundFailed"]);
    let mut keys = vec![payment.operation.as_ref().unwrap().key.clone()];
    for second in 1..40 {
        assert!(payment.needs_person());
        assert_eq!(answer_at(&mut payment, failed(), second), []);
        keys.push(payment.operation.as_ref().unwrap().key.clone());
    }
    keys.dedup();
    assert_eq!(keys.len(), 40);
    assert_eq!(payment.operation.as_ref().unwrap().next_try, Some(at(39 + 60)));
    assert_eq!(names(&answer(&mut payment, Outcome::Refunded)), ["PaymentRefunded"]);
    assert!(!payment.needs_person());
}

#[test]
fn a_refund_whose_answer_was_lost_is_asked_about_before_it_is_sent_again() {
    let mut payment = captured();
    payment.observe(&fact(3, 60, OrderFactKind::Changed), &TERMS, at(0)).unwrap();
    let key = payment.operation.as_ref().unwrap().key.clone();
    assert_eq!(names(&answer(&mut payment, unknown())), ["RefundFailed"]);
    let operation = payment.operation.as_ref().unwrap();
    assert_eq!(operation.step(true, &TERMS, at(1)), ordermesh_payment::domain::Step::Ask);
    answer_at(&mut payment, Outcome::NotStarted, 1);
    let operation = payment.operation.as_ref().unwrap();
    assert_eq!((&operation.key, operation.uncertain), (&key, false));
}

#[test]
fn a_capture_that_is_not_sent_yet_follows_what_is_owed() {
    let mut payment = authorized();
    payment.observe(&fact(2, 100, OrderFactKind::Confirmed), &TERMS, at(0)).unwrap();
    payment.observe(&fact(3, 70, OrderFactKind::Changed), &TERMS, at(0)).unwrap();
    assert_eq!(open(&payment), (OperationKind::Capture, 70));
    payment.observe(&fact(4, 0, OrderFactKind::Ended), &TERMS, at(0)).unwrap();
    assert_eq!(open(&payment), (OperationKind::Void, 100));
}

#[test]
fn a_persons_word_counts_only_for_what_has_failed_and_is_not_under_way() {
    let mut payment = captured();
    payment.observe(&fact(3, 0, OrderFactKind::Ended), &TERMS, at(0)).unwrap();
    let number = payment.operation.as_ref().unwrap().number;
    let word = ("workload:shop", "seen at the bank");
    let refused = payment.resolve(number, Resolution::Done, word, &TERMS, at(0));
    assert_eq!(refused, Err(Refusal::OperationNotFailed { operation: number }));
    answer(&mut payment, failed());
    let refused = payment.resolve(9, Resolution::Done, word, &TERMS, at(0));
    assert!(matches!(refused, Err(Refusal::OperationNotOpen { operation: 9, .. })));
    let events = payment.resolve(number, Resolution::Done, word, &TERMS, at(0)).unwrap();
    assert_eq!((names(&events), payment.status()), (vec!["PaymentRefunded"], PaymentStatus::Refunded));
    let deed = payment.over.operations.last().unwrap().deed.clone().unwrap();
    assert_eq!((deed.actor.as_str(), deed.action.as_str()), (word.0, "resolve as done: seen at the bank"));
}

#[test]
fn an_authorization_that_a_person_says_was_not_done_is_given_up_where_the_provider_knows_it() {
    let (mut payment, _) = payment(&[created(100)]);
    answer(&mut payment, Outcome::Prepared { reference: "pi_1".to_owned() });
    answer(&mut payment, unknown());
    let number = payment.operation.as_ref().unwrap().number;
    let events = payment.resolve(number, Resolution::NotDone, ("user:ada", "gone"), &TERMS, at(0)).unwrap();
    assert_eq!((names(&events), open(&payment)), (vec![], (OperationKind::Void, 100)));
    let deed = payment.over.operations.last().unwrap().deed.clone().unwrap();
    assert_eq!(deed.action, "resolve as not done: gone");
    assert_eq!(names(&answer(&mut payment, Outcome::Voided)), ["PaymentDeclined"]);
}

#[test]
fn an_order_that_goes_on_is_told_when_what_is_given_up_had_been_declined() {
    let (mut payment, _) = payment(&[created(100)]);
    answer(&mut payment, Outcome::Prepared { reference: "pi_1".to_owned() });
    answer(&mut payment, unknown());
    let number = payment.operation.as_ref().unwrap().number;
    payment.resolve(number, Resolution::NotDone, ("user:ada", "gone"), &TERMS, at(0)).unwrap();
    let decline = Decline { code: "stolen_card".to_owned(), detail: String::new(), retryable: false };
    assert_eq!(names(&answer(&mut payment, Outcome::Declined(decline))), ["PaymentDeclined"]);
    assert_eq!((payment.status(), payment.operation), (PaymentStatus::Declined, None));
}

#[test]
fn a_declined_attempt_counts_as_given_up_only_when_the_provider_was_told_so() {
    let (mut payment, _) = payment(&[created(100)]);
    answer(&mut payment, Outcome::Prepared { reference: "pi_1".to_owned() });
    answer(&mut payment, Outcome::ActionRequired { url: "https://bank.example".to_owned() });
    payment.observe(&fact(2, 0, OrderFactKind::Ended), &TERMS, at(0)).unwrap();
    answer(&mut payment, unknown());
    let key = payment.operation.as_ref().unwrap().key.clone();
    let decline = || Decline { code: "no_funds".to_owned(), detail: String::new(), retryable: true };
    // The answer to the question whether it was given up.
    assert!(answer(&mut payment, Outcome::Declined(decline())).is_empty());
    assert_eq!(open(&payment), (OperationKind::Void, 100));
    assert_ne!(payment.operation.as_ref().unwrap().key, key);
    // The answer to giving it up.
    assert_eq!(names(&answer(&mut payment, Outcome::Declined(decline()))), ["PaymentVoided"]);
}

#[test]
fn an_attempt_stands_for_nothing_once_what_is_left_of_the_order_costs_nothing() {
    let no_cost = fact(2, 0, OrderFactKind::Changed);
    let (unsent, events) = payment(&[created(100), no_cost.clone()]);
    assert_eq!((names(&events), unsent.operation), (vec!["PaymentDeclined"], None));
    let (mut waits, _) = payment(&[created(100)]);
    answer(&mut waits, Outcome::Prepared { reference: "pi_1".to_owned() });
    answer(&mut waits, Outcome::ActionRequired { url: "https://bank.example".to_owned() });
    assert!(waits.observe(&no_cost, &TERMS, at(0)).unwrap().is_empty());
    assert_eq!(open(&waits), (OperationKind::Void, 100));
    assert_eq!(names(&answer(&mut waits, Outcome::Voided)), ["PaymentDeclined"]);
}

#[test]
fn an_amount_in_another_currency_is_refused_and_changes_nothing() {
    let mut payment = authorized();
    let mut strange = fact(2, 100, OrderFactKind::Confirmed);
    strange.amount_due = ordermesh_kernel::Money::parse("1.00 USD").unwrap();
    let before = payment.clone();
    assert!(matches!(payment.observe(&strange, &TERMS, at(0)), Err(Refusal::MixedCurrencies { .. })));
    assert_eq!(payment, before);
}
