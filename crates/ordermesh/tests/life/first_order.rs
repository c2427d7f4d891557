//! What a new user sees first.

use ordermesh_proto::inventory::v1::{GetReservationRequest, ReservationState};
use ordermesh_proto::order::v1::{OrderState, PaymentStatus, RejectionReason, StockStatus};
use ordermesh_testkit::{Launch, Shop, ask, order};
use tempfile::TempDir;

use crate::BINARY;

fn paid_by(card: &str) -> ordermesh_testkit::order::PlaceOrderBuilder {
    order("TEA", 2, 450).with(|request| request.payment_method_token = card.to_owned())
}

#[tokio::test]
async fn the_first_order_on_an_empty_directory_ends_confirmed_and_a_declined_one_rejected() {
    let data = TempDir::new().unwrap();
    let server = Launch::dev(BINARY, data.path()).start().await;
    ordermesh_testkit::eventually!(
        server.stdout().contains("Stocked samples: 1000 TEA"),
        "it says what it stocks"
    );
    let shop = Shop::in_one(&server);

    let confirmed = shop.place(paid_by("tok_approve")).await;
    let confirmed = shop.until_it(&confirmed, |order| {
        order.status.as_ref().is_some_and(|status| status.payment() == PaymentStatus::Captured)
    });
    let confirmed = confirmed.await;
    assert_eq!(confirmed.state(), OrderState::Confirmed);
    let status = confirmed.status.unwrap();
    assert_eq!((status.stock(), status.captured.unwrap().minor_units), (StockStatus::Committed, 900));

    let rejected = shop.place(paid_by("tok_decline")).await;
    let rejected = shop.until_it(&rejected, |order| {
        order.status.as_ref().is_some_and(|status| status.stock() == StockStatus::Released)
    });
    let rejected = rejected.await;
    assert_eq!(rejected.state(), OrderState::Rejected);
    assert_eq!(rejected.rejection_reason(), RejectionReason::PaymentDeclined);
    assert!(!rejected.rejection_detail.is_empty(), "it says why: {rejected:?}");
    let request = GetReservationRequest { reservation_id: rejected.order_id.clone() };
    let reservation = ask!(shop.stock(), get_reservation, request).unwrap();
    assert_eq!(reservation.reservation.unwrap().state(), ReservationState::Released);
    assert_eq!(shop.stock_of("TEA").await, (1000, 998));
    shop.assert_sound().await;
}

#[tokio::test]
async fn a_bare_start_and_a_shop_that_had_stock_before_get_none() {
    let data = TempDir::new().unwrap();
    let mut bare = Launch::dev(BINARY, data.path()).arg("--bare").start().await;
    ordermesh_testkit::eventually!(bare.stdout().contains("is ready at"), "it is ready");
    let shop = Shop::in_one(&bare);
    shop.receive("POT", "main", 7).await;
    bare.terminate().await;
    let again = Launch::dev(BINARY, data.path()).start().await;
    ordermesh_testkit::eventually!(again.stdout().contains("is ready at"), "it is ready");
    let verdict = Shop::in_one(&again).assert_sound().await;
    assert_eq!(verdict.stock_items, 1);
    assert!(!again.stdout().contains("Stocked"), "{}", again.stdout());
}
