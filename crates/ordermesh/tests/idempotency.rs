//! The same request_id twice, at once or after a restart: one order and one answer.

use ordermesh_proto::order::v1::{OrderState, PlaceOrderResponse};
use ordermesh_testkit::order::PlaceOrderBuilder;
use ordermesh_testkit::rows::count_rows;
use ordermesh_testkit::{Server, assert_log_is_sound, assert_refused, cancel, order, read_feed};
use tonic::Code;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

fn cart() -> PlaceOrderBuilder {
    order("TEA", 2, 450).with_request_id("cart-1").with_reference("shop-1").with_personal()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_a_hundred_times_at_once_makes_one_order_and_a_hundred_equal_answers() {
    let mut server = Server::scratch(BINARY).await;
    let connections: Vec<_> = (0..5).map(|_| server.commands()).collect();
    let calls = (0..100).map(|call| {
        let mut commands = connections[call % connections.len()].clone();
        tokio::spawn(async move { commands.place_order(cart()).await })
    });
    let calls: Vec<_> = calls.collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap().unwrap().into_inner());
    }

    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    let first = PlaceOrderResponse { replayed: true, ..answers[0].clone() };
    for answer in answers {
        assert_eq!(PlaceOrderResponse { replayed: true, ..answer }, first);
    }
    let log = read_feed(&mut server.events()).await;
    assert_eq!(log.len(), 1);
    assert_log_is_sound(&log);
    assert_eq!(log[0].key, first.order_id);
    server.terminate().await;
    let rows = count_rows(&server.data("order-command.db")).await;
    assert_eq!((rows["orders"], rows["order_lines"], rows["idempotency_records"]), (1, 1, 1));
}

#[tokio::test]
async fn another_content_under_a_known_request_id_is_refused_however_small_the_difference() {
    let server = Server::scratch(BINARY).await;
    let mut commands = server.commands();
    let first = commands.place_order(cart()).await.unwrap().into_inner();
    let others = [
        cart().with_reference("shop-2"),
        cart().with_tax_included(),
        cart().with(|request| request.ship_to = None),
        cart().with(|request| request.lines[0].title = "Tea".to_owned()),
    ];
    for other in others {
        let refused = commands.place_order(other).await;
        assert_refused(refused, Code::FailedPrecondition, "REQUEST_ID_REUSED", Some("request_id"));
    }
    // The first content still gets the first answer.
    let again = commands.place_order(cart()).await.unwrap().into_inner();
    assert_eq!(again, PlaceOrderResponse { replayed: true, ..first });
    assert_eq!(read_feed(&mut server.events()).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_contents_under_one_request_id_at_once_one_wins_and_the_other_is_refused() {
    let server = Server::scratch(BINARY).await;
    let calls = (0..40).map(|call| {
        let (mut commands, quantity) = (server.commands(), 1 + call % 2);
        tokio::spawn(async move {
            commands.place_order(order("TEA", quantity, 450).with_request_id("cart-1")).await
        })
    });
    let calls: Vec<_> = calls.collect();
    let mut ids = Vec::new();
    for call in calls {
        match call.await.unwrap() {
            Ok(answer) => ids.push(answer.into_inner().order_id),
            refused => {
                let field = Some("request_id");
                assert_refused(refused, Code::FailedPrecondition, "REQUEST_ID_REUSED", field);
            }
        }
    }
    assert_eq!(ids.len(), 20, "every call of the winning content is answered");
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(read_feed(&mut server.events()).await.len(), 1);
}

#[tokio::test]
async fn a_repetition_after_a_restart_gets_the_first_answer() {
    let mut server = Server::scratch(BINARY).await;
    let placed = server.commands().place_order(cart()).await.unwrap().into_inner();
    let cancellation = cancel(&placed.order_id);
    let cancelled = server.commands().cancel_order(cancellation.clone()).await.unwrap().into_inner();
    assert!(!placed.replayed && !cancelled.replayed);

    server.terminate().await;
    server.start_again().await;
    let mut commands = server.commands();
    let again = commands.place_order(cart()).await.unwrap().into_inner();
    assert_eq!(
        again,
        PlaceOrderResponse { replayed: true, ..placed },
        "as it was answered, not as it is now"
    );
    assert_eq!(again.state(), OrderState::Placed);
    let again = commands.cancel_order(cancellation).await.unwrap().into_inner();
    assert!(again.replayed);
    assert_eq!((again.revision, again.consistency_token), (2, cancelled.consistency_token));
    assert_eq!(read_feed(&mut server.events()).await.len(), 2);
}

#[tokio::test]
async fn a_client_finds_its_server_again_after_a_kill_and_gets_its_first_answer() {
    let mut server = Server::scratch(BINARY).await;
    let mut commands = server.commands();
    let placed = commands.place_order(cart()).await.unwrap().into_inner();
    server.start_again_here().await;
    let again = ordermesh_testkit::eventually!(commands.place_order(cart()).await, "the client reconnects");
    assert_eq!(again.into_inner(), PlaceOrderResponse { replayed: true, ..placed });
}

#[tokio::test]
async fn the_request_id_of_a_refused_command_can_be_used_again() {
    let server = Server::scratch(BINARY).await;
    let mut commands = server.commands();
    let refused = commands.place_order(cart().with_expected_total(1)).await;
    assert_refused(refused, Code::InvalidArgument, "TOTAL_MISMATCH", Some("expected_total"));
    let refused = commands.place_order(cart().with(|request| request.lines.clear())).await;
    assert_refused(refused, Code::InvalidArgument, "INVALID_REQUEST", Some("lines"));
    let placed = commands.place_order(cart().with_expected_total(900)).await.unwrap().into_inner();
    assert!(!placed.replayed);

    // A refusal is judged anew: what was refused because of the order's state then stays so only while it lasts.
    let mut early = cancel(&placed.order_id);
    early.expected_revision = Some(2);
    let refused = commands.cancel_order(early.clone()).await;
    assert_refused(refused, Code::FailedPrecondition, "REVISION_MISMATCH", Some("expected_revision"));
    early.expected_revision = Some(1);
    let cancelled = commands.cancel_order(early).await.unwrap().into_inner();
    assert_eq!((cancelled.revision, cancelled.replayed), (2, false));
}

#[tokio::test]
async fn two_methods_may_be_called_under_one_request_id() {
    let server = Server::scratch(BINARY).await;
    let mut commands = server.commands();
    let placed = commands.place_order(cart()).await.unwrap().into_inner();
    let mut cancellation = cancel(&placed.order_id);
    cancellation.request_id = "cart-1".to_owned();
    let cancelled = commands.cancel_order(cancellation).await.unwrap().into_inner();
    assert_eq!((cancelled.state(), cancelled.replayed), (OrderState::Cancelling, false));
}
