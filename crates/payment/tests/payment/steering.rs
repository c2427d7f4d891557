//! Captured − refunded goes where the newest revision of the order wants it, whatever comes twice or late.

use ordermesh_proto::payment::v1::PaymentStatus;

use crate::gates::Gate;
use crate::house::{House, sums, with_card};
use crate::orders::{Fact, Order};

#[tokio::test]
async fn less_is_captured_than_was_set_aside_and_a_part_is_given_back_when_less_is_owed() {
    let (house, server, order) = with_card("tok_approve").await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    house.orders.tell(&order, 2, 80, Fact::LinesCancelled).await;
    house.orders.tell(&order, 3, 80, Fact::Confirmed).await;
    let payment = server.reaches(&order, PaymentStatus::PartlyCaptured).await;
    assert_eq!(payment.order_revision, 3);
    house.orders.tell(&order, 4, 50, Fact::LinesCancelled).await;
    server.reaches(&order, PaymentStatus::PartlyRefunded).await;
    let events = server.events(&order).await;
    let told: Vec<_> = events.iter().map(sums).collect();
    assert_eq!(told, [[100, 0, 0], [100, 80, 0], [100, 80, 30]]);
    assert_eq!(house.kept(&order).await, 50);
    let correlated = events.iter().all(|event| event.correlation_id == format!("cart of {}", order.id));
    assert!(correlated, "{events:?}");
}

#[tokio::test]
async fn events_that_are_repeated_or_old_change_nothing() {
    let (house, server, order) = with_card("tok_approve").await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    house.orders.tell(&order, 3, 70, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::PartlyCaptured).await;
    for _ in 0..2 {
        house.orders.tell(&order, 1, 100, Fact::Created("tok_approve")).await;
        house.orders.tell(&order, 2, 40, Fact::LinesCancelled).await;
        house.orders.tell(&order, 3, 70, Fact::Confirmed).await;
    }
    // What comes last has been heard when this is: everything before it has, too.
    house.orders.tell(&order, 4, 60, Fact::LinesCancelled).await;
    server.reaches(&order, PaymentStatus::PartlyRefunded).await;
    server.publishes(&order, &["PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]).await;
    assert_eq!((house.kept(&order).await, house.charges(&order).await), (60, 1));
}

#[tokio::test]
async fn an_end_that_comes_before_the_creation_refuses_the_late_creation() {
    let house = House::open().await;
    let (server, order) = (house.start().await, Order::new());
    house.orders.tell(&order, 2, 0, Fact::Cancelled).await;
    house.orders.tell(&order, 1, 100, Fact::Created("tok_approve")).await;
    let other = Order::new();
    house.orders.tell(&other, 1, 100, Fact::Created("tok_approve")).await;
    server.reaches(&other, PaymentStatus::Authorized).await;
    server.publishes(&order, &["PaymentVoided"]).await;
    assert_eq!(house.charges(&order).await, 0);
}

#[tokio::test]
async fn a_success_after_the_end_is_voided() {
    let mut house = House::open().await;
    // The provider is asked only when the test has ended the order.
    house.set("operations.retry_ms", "600000");
    let (server, order) = (house.start().await, Order::new());
    house.orders.tell(&order, 1, 100, Fact::Created("tok_timeout")).await;
    server.reaches(&order, PaymentStatus::Unknown).await;
    assert_eq!(house.charges(&order).await, 1, "the sandbox has done it");
    house.orders.tell(&order, 2, 0, Fact::Cancelled).await;
    server.publishes(&order, &["PaymentOutcomeUnknown", "PaymentAuthorized", "PaymentVoided"]).await;
    assert_eq!(house.charges(&order).await, 0);
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_an_unknown_outcome_and_no_second_charge() {
    let mut house = House::open().await;
    house.set("operations.call_timeout_ms", "200");
    house.set("operations.lease_ms", "2000");
    let gate = Gate::shut_after("authorize");
    let server = house.start_with(gate.clone().before()).await;
    let order = Order::new();
    house.orders.tell(&order, 1, 100, Fact::Created("tok_approve")).await;
    server.publishes(&order, &["PaymentOutcomeUnknown", "PaymentAuthorized"]).await;
    assert_eq!(house.charges(&order).await, 1);
}
