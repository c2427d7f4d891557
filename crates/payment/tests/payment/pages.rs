//! The pages of docs/errors on payment's reasons tell what the server answers.

use std::fs;
use std::path::Path;

use ordermesh_proto::error::reason_of;
use ordermesh_proto::payment::v1::{
    CompletePaymentActionRequest, GetPaymentRequest, PaymentActionResult, PaymentOperationResolution,
    PaymentStatus, ResolvePaymentOperationRequest, RetryPaymentOperationRequest,
};
use ordermesh_testkit::error_page::faults;
use ordermesh_testkit::eventually;
use tonic::Status;

use crate::gates::Gate;
use crate::house::{House, with_card};
use crate::orders::{Fact, Order};

#[track_caller]
fn compare(reason: &str, answers: &[Status]) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/errors/{reason}.md"));
    let page = fs::read_to_string(page).unwrap();
    for answer in answers {
        assert_eq!(reason_of(answer).as_deref(), Some(reason), "{answer:?}");
    }
    let found = faults(&page, &answers.iter().collect::<Vec<_>>());
    assert!(found.is_empty(), "{reason}: page and server differ: {found:#?}");
}

fn act(order: &Order) -> CompletePaymentActionRequest {
    CompletePaymentActionRequest {
        request_id: "act".to_owned(),
        payment_id: order.id.to_string(),
        result: PaymentActionResult::Done.into(),
    }
}

fn retry(order: &Order, operation: i32) -> RetryPaymentOperationRequest {
    let (request_id, payment_id) = ("retry".to_owned(), order.id.to_string());
    RetryPaymentOperationRequest { request_id, payment_id, operation }
}

fn resolve(order: &Order, operation: i32) -> ResolvePaymentOperationRequest {
    ResolvePaymentOperationRequest {
        request_id: "resolve".to_owned(),
        payment_id: order.id.to_string(),
        operation,
        resolution: PaymentOperationResolution::Done.into(),
        note: "seen at the bank".to_owned(),
    }
}

#[tokio::test]
async fn what_a_command_is_refused_with_is_on_its_page() {
    let (house, server, order) = with_card("tok_approve").await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    let mut commands = server.commands();
    let stranger = Order::new();
    let unknown = GetPaymentRequest { payment_id: stranger.id.to_string() };
    let not_found = [
        server.queries().get_payment(unknown).await.unwrap_err(),
        commands.retry_payment_operation(retry(&stranger, 1)).await.unwrap_err(),
    ];
    compare("PAYMENT_NOT_FOUND", &not_found);
    let not_open = [
        commands.retry_payment_operation(retry(&order, 7)).await.unwrap_err(),
        commands.resolve_payment_operation(resolve(&order, 7)).await.unwrap_err(),
    ];
    compare("PAYMENT_OPERATION_NOT_OPEN", &not_open);
    let not_required = commands.complete_payment_action(act(&order)).await.unwrap_err();
    compare("PAYMENT_ACTION_NOT_REQUIRED", &[not_required]);
    let waiting = Order::new();
    house.orders.tell(&waiting, 1, 100, Fact::Created("tok_3ds")).await;
    let payment = server.reaches(&waiting, PaymentStatus::ActionRequired).await;
    let number = payment.operations.last().unwrap().number;
    let not_failed = commands.resolve_payment_operation(resolve(&waiting, number)).await.unwrap_err();
    compare("PAYMENT_OPERATION_NOT_FAILED", &[not_failed]);
}

#[tokio::test]
async fn what_is_answered_while_an_operation_is_under_way_is_on_its_page() {
    let house = House::open().await;
    let gate = Gate::shut_after("authorize");
    let server = house.start_with(gate.clone().before()).await;
    let order = Order::new();
    house.orders.tell(&order, 1, 100, Fact::Created("tok_approve")).await;
    eventually!(gate.is_reached(), "the call is made");
    let running = server.commands().resolve_payment_operation(resolve(&order, 1)).await.unwrap_err();
    compare("PAYMENT_OPERATION_RUNNING", &[running]);
}

#[tokio::test]
async fn what_is_answered_where_the_customer_acts_at_the_provider_is_on_its_page() {
    let mut house = House::open().await;
    house.set("gateway", "stripe");
    house.set("stripe.base_url", "http://127.0.0.1:1");
    house.set("stripe.secret_key", "sk_test");
    let (server, order) = (house.start().await, Order::new());
    house.orders.tell(&order, 1, 100, Fact::Created("pm_card")).await;
    server.reaches(&order, PaymentStatus::Initiated).await;
    let elsewhere = server.commands().complete_payment_action(act(&order)).await.unwrap_err();
    compare("PAYMENT_ACTION_ELSEWHERE", &[elsewhere]);
    eventually!(
        server.payment(&order).await.unwrap().operations[0].failures > 0,
        "the provider is not reached"
    );
    let mut commands = server.commands();
    eventually!(
        match commands.resolve_payment_operation(resolve(&order, 1)).await.unwrap_err() {
            // Between two tries nobody is at it.
            running if running.code() == tonic::Code::Aborted => Err(running),
            not_started => {
                compare("PAYMENT_ATTEMPT_NOT_STARTED", &[not_started]);
                Ok(())
            }
        },
        "the statement is refused"
    );
}
