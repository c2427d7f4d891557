//! Goods leave, arrive, get lost and come back.

use ordermesh_order_command::domain::{
    Carrier, Fact, FulfilmentStatus, MAX_PARTS, OrderState, Part, PaymentNews, PaymentStatus, ReceivedLine,
    Refusal, ReturnCondition, ReturnState, ShipmentState, TrackingNumber, WaitingFor,
};

use crate::life::{Life, everything, of_line};
use crate::support::{at, money};

pub fn received(line_id: i32, accepted: i32) -> ReceivedLine {
    ReceivedLine { line_id, accepted, condition: ReturnCondition::Resaleable }
}

fn delivered() -> Life {
    let mut life = Life::captured();
    let shipment = life.must(|change| change.dispatch(everything(), None, None));
    life.must(|change| change.deliver(shipment));
    life
}

#[test]
fn goods_leave_once_what_is_owed_is_captured() {
    let mut life = Life::confirmed();
    let refusal = life.refused(|change| change.dispatch(everything(), None, None));
    assert_eq!(refusal, Refusal::NotCaptured { payment: PaymentStatus::Authorized });
    life.pay(PaymentNews::Captured);
    let (carrier, number) = (Carrier::parse("post").unwrap(), TrackingNumber::parse("99.1").unwrap());
    let id =
        life.must(|change| change.dispatch(vec![of_line(1, 2)], Some(carrier.clone()), Some(number.clone())));
    let event = life.events.last().unwrap();
    let Fact::ShipmentDispatched { shipment, progress } = &event.fact else { panic!("{event:?}") };
    assert_eq!(
        (shipment.id, shipment.state, &shipment.lines),
        (id, ShipmentState::Dispatched, &vec![of_line(1, 2)])
    );
    assert_eq!((&shipment.carrier, &shipment.tracking_number), (&Some(carrier), &Some(number)));
    assert_eq!((shipment.dispatched_time, shipment.ended_time), (at(5), None));
    assert_eq!((progress.len(), progress[0].progress.shipped), (1, 2));
    assert_eq!(event.status.fulfilment, FulfilmentStatus::Partial);
    assert_eq!(life.waiting(), [WaitingFor::Dispatch, WaitingFor::Delivery]);
}

#[test]
fn no_more_leaves_than_is_there() {
    let mut life = Life::captured();
    life.must(|change| change.cancel_lines(vec![of_line(1, 1)], String::new()));
    let dispatch = |life: &mut Life, line, pieces| {
        life.attempt(|change| change.dispatch(vec![of_line(line, pieces)], None, None).map(drop))
    };
    let exceeded = |wanted, left| Err(Refusal::QuantityExceeded { line_id: 1, wanted, left });
    assert_eq!(dispatch(&mut life, 1, 3), exceeded(3, 2));
    assert_eq!(dispatch(&mut life, 7, 1), Err(Refusal::LineNotFound { line_id: 7 }));
    assert_eq!(dispatch(&mut life, 1, 1), Ok(()));
    assert_eq!(dispatch(&mut life, 1, 2), exceeded(2, 1));
    assert_eq!(dispatch(&mut life, 1, 1), Ok(()));
    assert_eq!(dispatch(&mut life, 1, 1), exceeded(1, 0));
}

#[test]
fn an_order_completes_when_every_piece_has_come_to_its_end_and_the_money_is_right() {
    let mut life = Life::captured();
    let [first, second] = [of_line(1, 2), of_line(2, 1)]
        .map(|line| life.must(|change| change.dispatch(vec![line], None, None)));
    life.must(|change| change.deliver(first));
    assert_eq!(life.state(), OrderState::Confirmed);
    life.must(|change| change.cancel_lines(vec![of_line(1, 1)], String::new()));
    assert_eq!(life.order.head.status().fulfilment, FulfilmentStatus::Full);
    life.must(|change| change.lose(second, "fell into the lake".to_owned()));
    assert_eq!((life.waiting(), life.due()), (vec![WaitingFor::Refund], money("10.71 EUR")));
    life.pay(PaymentNews::Refunded);
    assert_eq!(
        (life.state(), life.order.head.payment),
        (OrderState::Completed, PaymentStatus::PartlyRefunded)
    );
    assert!(life.waiting().is_empty());
}

#[test]
fn an_order_of_which_all_is_lost_completes_once_all_the_money_is_back() {
    let mut life = Life::captured();
    let shipment = life.must(|change| change.dispatch(everything(), None, None));
    life.must(|change| change.lose(shipment, String::new()));
    assert_eq!((life.state(), life.due()), (OrderState::Confirmed, money("0 EUR")));
    life.pay(PaymentNews::Refunded);
    assert_eq!((life.state(), life.order.head.payment), (OrderState::Completed, PaymentStatus::Refunded));
}

#[test]
fn a_shipment_ends_once() {
    for lost in [false, true] {
        let mut life = Life::captured();
        let shipment = life.must(|change| change.dispatch(vec![of_line(1, 1)], None, None));
        match lost {
            true => life.must(|change| change.lose(shipment, String::new())),
            false => life.must(|change| change.deliver(shipment)),
        }
        let state = if lost { ShipmentState::Lost } else { ShipmentState::Delivered };
        assert_eq!(life.parts.shipments[0].ended_time, Some(at(5)));
        let ended = Refusal::ShipmentEnded { state };
        assert_eq!(life.refused(|change| change.deliver(shipment)), ended);
        assert_eq!(life.refused(|change| change.lose(shipment, String::new())), ended);
    }
}

#[test]
fn only_what_is_delivered_and_not_in_another_return_can_be_sent_back() {
    let mut life = Life::captured();
    let request = |life: &mut Life, pieces| {
        life.attempt(|change| change.request_return(vec![of_line(1, pieces)], "too bitter".to_owned()))
    };
    let exceeded = |wanted, left| Err(Refusal::QuantityExceeded { line_id: 1, wanted, left });
    let shipment = life.must(|change| change.dispatch(vec![of_line(1, 3)], None, None));
    assert_eq!(request(&mut life, 1), exceeded(1, 0), "it is still under way");
    life.must(|change| change.deliver(shipment));
    let first = request(&mut life, 2).unwrap();
    assert_eq!(request(&mut life, 2), exceeded(2, 1), "two are in a return that is open");
    life.must(|change| change.reject_return(first, "opened".to_owned()));
    let second = request(&mut life, 3).unwrap();
    life.must(|change| change.approve_return(second));
    life.must(|change| change.receive_return(second, vec![received(1, 1)]));
    assert_eq!(request(&mut life, 3), exceeded(3, 2), "one has come back, two were not accepted");
    assert!(request(&mut life, 2).is_ok());
}

#[test]
fn what_comes_back_and_is_accepted_is_no_longer_owed_and_the_order_stays_completed() {
    let mut life = delivered();
    let back = life.must(|change| change.request_return(vec![of_line(1, 3)], String::new()));
    life.must(|change| change.approve_return(back));
    assert_eq!((life.due(), life.waiting()), (money("26.77 EUR"), vec![]));
    let damaged = ReceivedLine { condition: ReturnCondition::Damaged, ..received(1, 1) };
    life.must(|change| change.receive_return(back, vec![received(1, 1), damaged]));
    assert_eq!((life.state(), life.due()), (OrderState::Completed, money("16.07 EUR")));
    assert_eq!((life.progress(1).returned, life.waiting()), (2, vec![WaitingFor::Refund]));
    let event = life.events.last().unwrap();
    let Fact::ReturnReceived { goods, progress } = &event.fact else { panic!("{event:?}") };
    assert_eq!((goods.state, goods.received.len(), progress.len()), (ReturnState::Received, 2, 1));
    life.pay(PaymentNews::Refunded);
    assert!(life.waiting().is_empty());
}

#[test]
fn a_return_goes_from_requested_over_approved_to_received_or_is_rejected() {
    let request =
        |life: &mut Life| life.must(|change| change.request_return(vec![of_line(1, 1)], String::new()));
    let mut life = delivered();
    let [asked, approved, rejected] = [(); 3].map(|()| request(&mut life));
    life.must(|change| change.approve_return(approved));
    life.must(|change| change.reject_return(rejected, "worn".to_owned()));
    let forbids = |state| Refusal::ReturnStateForbids { state };
    let receive =
        |life: &mut Life, id| life.refused(|change| change.receive_return(id, vec![received(1, 1)]));
    assert_eq!(receive(&mut life, asked), forbids(ReturnState::Requested));
    assert_eq!(receive(&mut life, rejected), forbids(ReturnState::Rejected));
    for (id, state) in [(approved, ReturnState::Approved), (rejected, ReturnState::Rejected)] {
        assert_eq!(life.refused(|change| change.approve_return(id)), forbids(state));
        assert_eq!(life.refused(|change| change.reject_return(id, String::new())), forbids(state));
    }
    life.must(|change| change.receive_return(approved, vec![received(1, 1)]));
    assert_eq!(receive(&mut life, approved), forbids(ReturnState::Received));
    assert_eq!(life.parts.returns[2].rejection_reason, "worn");
}

#[test]
fn no_more_comes_back_than_was_to_and_nothing_that_was_not() {
    let mut life = delivered();
    let back = life.must(|change| change.request_return(vec![of_line(1, 2)], String::new()));
    life.must(|change| change.approve_return(back));
    let damaged = ReceivedLine { condition: ReturnCondition::Damaged, ..received(1, 1) };
    let refusal = life.refused(|change| change.receive_return(back, vec![received(1, 2), damaged]));
    assert_eq!(refusal, Refusal::QuantityExceeded { line_id: 1, wanted: 3, left: 2 });
    let refusal = life.refused(|change| change.receive_return(back, vec![received(2, 1)]));
    assert_eq!(refusal, Refusal::QuantityExceeded { line_id: 2, wanted: 1, left: 0 });
    let refusal = life.refused(|change| change.receive_return(back, vec![received(5, 1)]));
    assert_eq!(refusal, Refusal::LineNotFound { line_id: 5 });
    // An empty parcel: nothing is accepted, and the return is over.
    life.must(|change| change.receive_return(back, vec![]));
    assert_eq!((life.progress(1).returned, life.due()), (0, money("26.77 EUR")));
}

#[test]
fn there_is_an_end_to_shipments_and_returns() {
    let mut life = delivered();
    let back = life.must(|change| change.request_return(vec![of_line(1, 1)], String::new()));
    life.must(|change| change.reject_return(back, String::new()));
    life.parts.returns = vec![life.parts.returns[0].clone(); MAX_PARTS];
    let refusal = life.refused(|change| change.request_return(vec![of_line(1, 1)], String::new()));
    assert_eq!(refusal, Refusal::TooManyParts { part: Part::Returns, most: MAX_PARTS });
    let mut life = Life::captured();
    life.must(|change| change.dispatch(vec![of_line(1, 1)], None, None));
    life.parts.shipments = vec![life.parts.shipments[0].clone(); MAX_PARTS];
    let refusal = life.refused(|change| change.dispatch(vec![of_line(1, 1)], None, None));
    assert_eq!(refusal, Refusal::TooManyParts { part: Part::Shipments, most: MAX_PARTS });
}
