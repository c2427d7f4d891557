//! Which command each state allows, over all states and all commands.

use ordermesh_kernel::{HoldId, ReturnId, ShipmentId};
use ordermesh_order_command::domain::{
    Change, NoteText, OrderState, PaymentNews, ReceivedLine, Refusal, ReturnCondition, StockFact,
};

use crate::life::{DECLINE, FINAL_DECLINE, Life, RELEASED, everything, left, of_line, out_of_stock};
use crate::support::{at, tea};

/// An order in a state that it came to by its own life. A placed one has a declined payment, a confirmed and a
/// completed one have delivered goods, so that what needs those is not refused for another reason.
fn in_state(state: OrderState) -> Life {
    let mut life = Life::of(tea());
    match state {
        OrderState::Placed => life.pay(DECLINE),
        OrderState::Confirmed => {
            life = Life::captured();
            let shipment = life.must(|change| change.dispatch(vec![of_line(1, 1)], None, None));
            life.must(|change| change.deliver(shipment));
        }
        OrderState::Completed => {
            life = Life::captured();
            let shipment = life.must(|change| change.dispatch(everything(), None, None));
            life.must(|change| change.deliver(shipment));
        }
        OrderState::Rejected => life.stock(out_of_stock()),
        OrderState::Expired => expire(&mut life),
        OrderState::Cancelling => life.must(|change| change.cancel(String::new())),
        OrderState::Cancelled => {
            life.must(|change| change.cancel(String::new()));
            life.stock(RELEASED);
            life.pay(PaymentNews::Voided);
        }
    }
    assert_eq!(life.state(), state);
    life
}

fn expire(life: &mut Life) {
    life.second = 3_600;
    life.must(|change| Ok(change.expire()));
}

type Command = fn(&mut Change) -> Result<(), Refusal>;

/// Each command, and the states that do not forbid it. What is about a hold, a shipment or a return is decided by those.
const COMMANDS: [(&str, Command, &[OrderState]); 13] = {
    use OrderState::{Completed, Confirmed, Placed};
    [
        (
            "cancel lines",
            |change| change.cancel_lines(vec![of_line(1, 1)], String::new()),
            &[Placed, Confirmed],
        ),
        ("hold", |change| change.hold(String::new()).map(drop), &[Placed, Confirmed]),
        ("retry payment", |change| change.retry_payment(token()), &[Placed]),
        ("dispatch", |change| change.dispatch(vec![of_line(1, 1)], None, None).map(drop), &[Confirmed]),
        (
            "request return",
            |change| change.request_return(vec![of_line(1, 1)], String::new()).map(drop),
            &[Confirmed, Completed],
        ),
        ("note", |change| change.add_note(NoteText::parse("x").unwrap()).map(drop), OrderState::ALL),
        ("release hold", |change| change.release_hold(HoldId::new_v7(at(0)), String::new()), OrderState::ALL),
        ("deliver", |change| change.deliver(ShipmentId::new_v7(at(0))), OrderState::ALL),
        ("lose", |change| change.lose(ShipmentId::new_v7(at(0)), String::new()), OrderState::ALL),
        ("approve return", |change| change.approve_return(ReturnId::new_v7(at(0))), OrderState::ALL),
        (
            "reject return",
            |change| change.reject_return(ReturnId::new_v7(at(0)), String::new()),
            OrderState::ALL,
        ),
        (
            "receive return",
            |change| change.receive_return(ReturnId::new_v7(at(0)), received()),
            OrderState::ALL,
        ),
        // In this table a confirmed order has shipped something: the refusal is another one.
        ("cancel", |change| change.cancel(String::new()), &[Placed, Confirmed]),
    ]
};

fn token() -> ordermesh_kernel::PaymentMethodToken {
    ordermesh_kernel::PaymentMethodToken::parse("tok_2").unwrap()
}

fn received() -> Vec<ReceivedLine> {
    vec![ReceivedLine { line_id: 1, accepted: 1, condition: ReturnCondition::Resaleable }]
}

#[test]
fn every_state_forbids_every_command_that_is_not_for_it() {
    for &state in OrderState::ALL {
        for (name, command, allowed) in COMMANDS {
            let outcome = in_state(state).attempt(command);
            let forbidden = Err(Refusal::StateForbids { state });
            assert_eq!(outcome == forbidden, !allowed.contains(&state), "{name} when {state}: {outcome:?}");
        }
    }
}

#[test]
fn what_names_a_part_that_the_order_does_not_have_is_refused_in_every_state() {
    for &state in OrderState::ALL {
        let (hold, shipment, back) =
            (HoldId::new_v7(at(0)), ShipmentId::new_v7(at(0)), ReturnId::new_v7(at(0)));
        let mut life = in_state(state);
        let refusal = life.refused(|change| change.release_hold(hold, String::new()));
        assert_eq!(refusal, Refusal::HoldNotFound { id: hold });
        let no_shipment = Refusal::ShipmentNotFound { id: shipment };
        assert_eq!(life.refused(|change| change.deliver(shipment)), no_shipment);
        assert_eq!(life.refused(|change| change.lose(shipment, String::new())), no_shipment);
        let no_return = Refusal::ReturnNotFound { id: back };
        assert_eq!(life.refused(|change| change.approve_return(back)), no_return);
        assert_eq!(life.refused(|change| change.reject_return(back, String::new())), no_return);
        assert_eq!(life.refused(|change| change.receive_return(back, received())), no_return);
    }
}

/// What is told late: by then the order is closed, and stays what it is.
#[test]
fn no_fact_that_comes_late_brings_a_closed_order_back() {
    let closed = [OrderState::Rejected, OrderState::Expired, OrderState::Cancelled, OrderState::Completed];
    for state in closed {
        let news = [
            PaymentNews::Authorized,
            PaymentNews::ActionRequired { url: "https://bank.example".to_owned() },
            DECLINE,
            FINAL_DECLINE,
            PaymentNews::OutcomeUnknown,
            PaymentNews::Captured,
            PaymentNews::CaptureFailed,
            PaymentNews::Voided,
            PaymentNews::RefundFailed,
            PaymentNews::Refunded,
        ];
        for what in news {
            let mut life = in_state(state);
            let due = life.due();
            life.pay(what.clone());
            assert_eq!((life.state(), life.due()), (state, due), "{what:?}");
        }
        for fact in [StockFact::Reserved, out_of_stock(), RELEASED, left(vec![of_line(1, 2)])] {
            let mut life = in_state(state);
            let due = life.due();
            life.stock(fact.clone());
            assert_eq!((life.state(), life.due()), (state, due), "{fact:?}");
        }
        let mut life = in_state(state);
        expire(&mut life);
        assert_eq!(life.state(), state);
    }
}

#[test]
fn every_state_is_read_from_its_own_word() {
    for &state in OrderState::ALL {
        assert_eq!(OrderState::parse(state.as_str()), Some(state));
    }
    assert_eq!(OrderState::parse("Placed"), None);
}

#[test]
fn another_revision_than_the_expected_is_refused() {
    let mut life = Life::of(tea());
    let refusal = life.refused(|change| change.expect_revision(Some(7)));
    assert_eq!(refusal, Refusal::RevisionMismatch { expected: 7, actual: 1 });
    assert_eq!(refusal.field().as_deref(), Some("expected_revision"));
    life.must(|change| change.expect_revision(Some(1)));
    life.must(|change| change.expect_revision(None));
}
