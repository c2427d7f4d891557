//! A client who places orders at any replica, and tries again under the same request_id.

use std::time::{Duration, Instant};

use ordermesh_feed::token::ConsistencyToken;
use ordermesh_proto::order::v1::PlaceOrderResponse;
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_testkit::history::{Attempt, Outcome};
use ordermesh_testkit::random::Random;
use ordermesh_testkit::{cancel, client, order, problem};
use tokio::sync::watch;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::Shop;

/// A client that hears nothing for so long asks somebody else.
const PATIENCE: Duration = Duration::from_secs(5);
const BACK_OFF: Duration = Duration::from_millis(20);

/// Places orders until the shop closes, cancels some, gives up on a few, and tells every attempt.
pub async fn place(
    number: u64,
    start: Instant,
    mut random: Random,
    shop: watch::Receiver<Shop>,
) -> Vec<Attempt> {
    let addresses = shop.borrow().addresses.clone();
    let clients: Vec<_> = addresses.iter().map(|address| client::commands(address)).collect();
    let mut attempts = Vec::new();
    for count in 0.. {
        if !shop.borrow().open {
            break;
        }
        let request_id = format!("client-{number}-{count}");
        let gives_up_after = if random.below(20) == 0 { 1 } else { usize::MAX };
        for _ in 0..gives_up_after {
            let replica = random.below(clients.len() as u64) as usize;
            let invoked = now(start);
            let outcome = attempt(clients[replica].clone(), &request_id, start).await;
            let done = match &outcome {
                Outcome::Acknowledged { order_id, .. } => Some(order_id.clone()),
                _ => None,
            };
            let replica = addresses[replica].clone();
            attempts.push(Attempt { request_id: request_id.clone(), replica, invoked, outcome });
            match done {
                None => tokio::time::sleep(BACK_OFF).await,
                Some(order_id) => {
                    // The log says what came of it; the answer is not waited for again.
                    if random.below(3) == 0 {
                        let mut client = clients[random.below(clients.len() as u64) as usize].clone();
                        let _ = tokio::time::timeout(PATIENCE, client.cancel_order(cancel(&order_id))).await;
                    }
                    break;
                }
            }
        }
    }
    attempts
}

async fn attempt(
    mut client: OrderCommandServiceClient<Channel>,
    request_id: &str,
    start: Instant,
) -> Outcome {
    let request = order("TEA", 2, 450).with_request_id(request_id).with_reference(request_id);
    match tokio::time::timeout(PATIENCE, client.place_order(request)).await {
        Ok(Ok(answer)) => acknowledged(answer.into_inner(), now(start)),
        Ok(Err(status)) => unknown(&status),
        Err(_) => Outcome::Unknown,
    }
}

fn acknowledged(answer: PlaceOrderResponse, at: u64) -> Outcome {
    let token = ConsistencyToken::decode(&answer.consistency_token).unwrap();
    let [place] = token.positions() else { panic!("a command's token is of one feed") };
    Outcome::Acknowledged { at, order_id: answer.order_id, position: place.position }
}

/// A killed server says nothing, so that only the connection's own error is left; one that answers may say that it
/// cannot just now. There is nothing to refuse.
fn unknown(status: &Status) -> Outcome {
    if let Ok(problem) = problem(status) {
        let code = problem.code;
        assert!(matches!(code, Code::Unavailable | Code::Aborted), "an order was refused: {status:?}");
        assert!(code == Code::Aborted || problem.retryable, "UNAVAILABLE without RetryInfo: {status:?}");
    }
    Outcome::Unknown
}

/// Microseconds of the test.
fn now(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap()
}
