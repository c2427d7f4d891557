//! What inventory and payment tell, by real feeds: told in either order, told twice, or told wrongly.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod deadline;
mod house;
mod neighbour;

use ordermesh_kernel::OrderId;
use ordermesh_proto::common::v1::Money;
use ordermesh_proto::inventory::v1::{
    LineRemainder, ReservedLine, StockReleased, StockReserved, StockShortfallDetected,
};
use ordermesh_proto::payment::v1::{PaymentAmounts, PaymentAuthorized, PaymentCaptured, PaymentDeclined};
use ordermesh_testkit::eventually;

use house::{House, parked};

fn reserved(order: OrderId) -> StockReserved {
    let id = order.to_string();
    StockReserved { reservation_id: id.clone(), order_id: id, ..StockReserved::default() }
}

fn amounts(currency: &str, authorized: i64, captured: i64) -> Option<PaymentAmounts> {
    let money = |minor_units| Some(Money { currency_code: currency.to_owned(), minor_units });
    Some(PaymentAmounts { authorized: money(authorized), captured: money(captured), refunded: money(0) })
}

fn authorized(order: OrderId) -> PaymentAuthorized {
    let id = order.to_string();
    let amounts = amounts("EUR", 1_350, 0);
    PaymentAuthorized {
        payment_id: id.clone(),
        order_id: id,
        attempt: 1,
        amounts,
        ..PaymentAuthorized::default()
    }
}

impl House {
    async fn reserve(&self, order: OrderId) {
        self.inventory.tell("StockReserved", &order.to_string(), &reserved(order)).await;
    }

    async fn authorize(&self, order: OrderId) {
        self.payment.tell("PaymentAuthorized", &order.to_string(), &authorized(order)).await;
    }

    async fn capture(&self, order: OrderId) {
        let id = order.to_string();
        let captured = PaymentCaptured {
            payment_id: id.clone(),
            order_id: id.clone(),
            attempt: 1,
            amounts: amounts("EUR", 1_350, 1_350),
            ..PaymentCaptured::default()
        };
        self.payment.tell("PaymentCaptured", &id, &captured).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_confirmed_whichever_feed_tells_first() {
    let house = House::open().await;
    let (stock_first, payment_first) = (house.place().await, house.place().await);
    let following = house.follow().await;
    house.reserve(stock_first).await;
    house.authorize(payment_first).await;
    following.caught_up(1, 1).await;
    assert_eq!(house.order(stock_first).await, "placed reserved pending 2");
    assert_eq!(house.order(payment_first).await, "placed pending authorized 2");
    house.authorize(stock_first).await;
    house.reserve(payment_first).await;
    following.caught_up(2, 2).await;
    for order in [stock_first, payment_first] {
        assert_eq!(house.order(order).await, "confirmed committed authorized 4");
    }
    following.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_after_a_crash_between_effect_and_checkpoint_has_no_second_effect() {
    let house = House::open().await;
    let order = house.place().await;
    house.reserve(order).await;
    house.authorize(order).await;
    house.capture(order).await;
    let id = order.to_string();
    let line = ReservedLine { line_id: 1, sku: "TEA".to_owned(), quantity: 1, ..ReservedLine::default() };
    let remainders = vec![LineRemainder { line_id: 1, reserved: 2 }];
    let lost = StockShortfallDetected { order_id: id.clone(), lines: vec![line], remainders };
    house.inventory.tell("StockShortfallDetected", &id, &lost).await;
    let following = house.follow().await;
    following.caught_up(2, 2).await;
    following.stop().await;
    let (before, events) = (house.order(order).await, house.events(order).await);
    assert!(before.starts_with("confirmed shortfall captured"), "{before}");
    for _ in 0..2 {
        house.forget_checkpoints().await;
        let following = house.follow().await;
        following.caught_up(2, 2).await;
        following.stop().await;
        assert_eq!((house.order(order).await, house.events(order).await), (before.clone(), events.clone()));
    }
    assert_eq!(
        events.iter().filter(|kind| *kind == "OrderLinesCancelled").count(),
        1,
        "one piece is lost once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_fact_in_two_events_is_recorded_once() {
    let house = House::open().await;
    let order = house.place().await;
    let following = house.follow().await;
    for _ in 0..3 {
        house.reserve(order).await;
        house.authorize(order).await;
    }
    following.caught_up(3, 3).await;
    assert_eq!(house.order(order).await, "confirmed committed authorized 4");
    following.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_make_no_sense_are_parked_by_their_key_and_the_others_flow_on() {
    let house = House::open().await;
    let (poisoned, fine) = (house.place().await, house.place().await);
    let id = poisoned.to_string();
    let nobody = StockReserved { order_id: "nobody".to_owned(), ..reserved(poisoned) };
    house.inventory.tell("StockReserved", "nobody", &nobody).await;
    house
        .payment
        .tell("PaymentAuthorized", "penniless", &PaymentAuthorized { amounts: None, ..authorized(poisoned) })
        .await;
    let dollars = PaymentAuthorized { amounts: amounts("USD", 1_350, 0), ..authorized(poisoned) };
    house.payment.tell("PaymentAuthorized", &id, &dollars).await;
    // What comes after it under its key waits with it.
    house.authorize(poisoned).await;
    house.reserve(fine).await;
    house.authorize(fine).await;
    let following = house.follow().await;
    following.caught_up(2, 4).await;
    eventually!(house.order(fine).await == "confirmed committed authorized 4", "the others flow on");
    eventually!(parked(&following.stock).await.len() == 1, "the order that there cannot be is parked");
    let of_stock = parked(&following.stock).await;
    assert_eq!((of_stock[0].key.as_str(), of_stock[0].kind.as_str()), ("nobody", "StockReserved"));
    assert!(of_stock[0].reason.contains("order_id"), "{}", of_stock[0].reason);
    eventually!(parked(&following.payment).await.len() == 3, "no event is lost");
    let of_payment = parked(&following.payment).await;
    let keys: Vec<_> = of_payment.iter().map(|event| event.key.as_str()).collect();
    assert_eq!(keys, ["penniless", &id, &id]);
    assert!(of_payment[0].reason.contains("no amounts"), "{}", of_payment[0].reason);
    assert!(of_payment[1].reason.contains("amounts is in USD"), "{}", of_payment[1].reason);
    assert_eq!(house.order(poisoned).await, "placed pending pending 1", "nothing of it had an effect");
    following.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_discarded_lets_what_waited_behind_it_have_its_effect() {
    let house = House::open().await;
    let order = house.place().await;
    let id = order.to_string();
    let dollars = PaymentAuthorized { amounts: amounts("USD", 1_350, 0), ..authorized(order) };
    house.payment.tell("PaymentAuthorized", &id, &dollars).await;
    house.authorize(order).await;
    let following = house.follow().await;
    eventually!(parked(&following.payment).await.len() == 2, "both are parked");
    following.payment.discard(&id, 1).await.unwrap();
    following.payment.replay(Some(&[id]), false).await.unwrap();
    eventually!(house.order(order).await == "placed pending authorized 2", "the right one is taken");
    eventually!(parked(&following.payment).await.is_empty(), "nothing is left");
    following.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_not_known_parks_its_key_and_a_reservation_without_order_does_not() {
    let house = House::open().await;
    let following = house.follow().await;
    let unknown = OrderId::parse("01932c07-209c-7f5a-8d3e-4b2a9c1d0e6f").unwrap();
    house.reserve(unknown).await;
    let of_nobody =
        StockReleased { reservation_id: "r-1".to_owned(), whole: true, ..StockReleased::default() };
    house.inventory.tell("StockReleased", "r-1", &of_nobody).await;
    following.caught_up(2, 0).await;
    eventually!(parked(&following.stock).await.len() == 1, "the unknown order is parked");
    assert_eq!(parked(&following.stock).await[0].key, unknown.to_string());
    following.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_declines_as_are_allowed_reject_the_order() {
    let house = House::open().await;
    let (order, other) = (house.place().await, house.place().await);
    let following = house.follow().await;
    for (order, attempt) in [(order, 3), (other, 2)] {
        let id = order.to_string();
        let declined = PaymentDeclined {
            payment_id: id.clone(),
            order_id: id.clone(),
            attempt,
            amounts: amounts("EUR", 0, 0),
            retryable: true,
            ..PaymentDeclined::default()
        };
        house.payment.tell("PaymentDeclined", &id, &declined).await;
    }
    following.caught_up(0, 2).await;
    assert_eq!(house.order(order).await, "rejected pending declined 3");
    assert_eq!(house.order(other).await, "placed pending declined 2");
    following.stop().await;
}
