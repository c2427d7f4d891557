//! The process dies between what was sent and what was recorded, and is started again.

use ordermesh_proto::payment::v1::PaymentStatus;
use ordermesh_testkit::eventually;

use crate::gates::Gate;
use crate::house::House;
use crate::orders::{Fact, Order};

/// A house whose claims end soon, where another replica might have the operation.
async fn hasty() -> House {
    let mut house = House::open().await;
    house.set("operations.call_timeout_ms", "500");
    house.set("operations.lease_ms", "1500");
    house
}

/// Lets a server die after a call of that kind was made.
async fn dies_after(kind: &'static str, house: &House, order: &Order, facts: &[(i64, i64, Fact)]) {
    let gate = Gate::shut_after(kind);
    let server = house.start_with(gate.clone().before()).await;
    for (revision, due, fact) in facts {
        house.orders.tell(order, *revision, *due, *fact).await;
    }
    eventually!(gate.is_reached(), "the call is made");
    server.die().await;
}

#[tokio::test]
async fn a_crash_after_an_authorization_was_sent_makes_no_second_charge() {
    for kind in ["prepare", "authorize"] {
        let (house, order) = (hasty().await, Order::new());
        dies_after(kind, &house, &order, &[(1, 100, Fact::Created("tok_approve"))]).await;
        let server = house.start().await;
        let payment = server.reaches(&order, PaymentStatus::Authorized).await;
        assert_eq!((payment.attempts.len(), house.charges(&order).await), (1, 1));
        assert_eq!(house.count("SELECT COUNT(*) FROM sandbox_charges").await, 1);
        server.end().await;
    }
}

#[tokio::test]
async fn a_crash_after_a_capture_was_sent_takes_the_money_once() {
    let (house, order) = (hasty().await, Order::new());
    let facts = [(1, 100, Fact::Created("tok_approve")), (2, 100, Fact::Confirmed)];
    dies_after("capture", &house, &order, &facts).await;
    let server = house.start().await;
    server.reaches(&order, PaymentStatus::Captured).await;
    server.publishes(&order, &["PaymentAuthorized", "PaymentCaptured"]).await;
    assert_eq!(house.kept(&order).await, 100);
}

#[tokio::test]
async fn a_crash_after_a_refund_was_sent_gives_the_money_back_once() {
    let (house, order) = (hasty().await, Order::new());
    let server = house.start().await;
    house.orders.tell(&order, 1, 100, Fact::Created("tok_approve")).await;
    house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::Captured).await;
    server.end().await;
    dies_after("refund", &house, &order, &[(3, 60, Fact::LinesCancelled)]).await;
    let server = house.start().await;
    server.reaches(&order, PaymentStatus::PartlyRefunded).await;
    server.publishes(&order, &["PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]).await;
    assert_eq!(house.kept(&order).await, 60);
}

#[tokio::test]
async fn a_crash_after_a_void_was_sent_ends_voided() {
    let (house, order) = (hasty().await, Order::new());
    let server = house.start().await;
    house.orders.tell(&order, 1, 100, Fact::Created("tok_approve")).await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    server.end().await;
    dies_after("void", &house, &order, &[(2, 0, Fact::Cancelled)]).await;
    let server = house.start().await;
    server.publishes(&order, &["PaymentAuthorized", "PaymentVoided"]).await;
    assert_eq!(house.charges(&order).await, 0);
}
