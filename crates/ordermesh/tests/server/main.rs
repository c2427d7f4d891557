//! The program as whoever runs it sees it: how it starts, what it refuses to start with, how it ends.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod databases;
mod postgres;
mod reflection;
mod settings;
mod stopping;

use std::time::Duration;

use ordermesh_proto::feed::v1::{ClosingReason, SubscribeRequest};
use ordermesh_testkit::backend::Backend;
use ordermesh_testkit::client::{call_raw, channel};
use ordermesh_testkit::{Launch, Server, Subscription, assert_refused, eventually, order, read_feed};
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");
const SERVICES: [&str; 4] = [
    "ordermesh.order.v1.OrderCommandService",
    "ordermesh.order.v1.OrderEventService",
    "ordermesh.order.v1.OrderQueryService",
    "ordermesh.feed.v1.ProjectionService",
];

async fn check(address: &str, service: &str) -> Result<ServingStatus, Status> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel(address)).check(request).await?;
    Ok(answer.into_inner().status())
}

#[tokio::test]
async fn every_service_is_healthy_on_the_servers_own_port_and_on_the_one_for_probes() {
    let server =
        Server::scratch_with(BINARY, |launch| launch.arg("--health-listen").arg("127.0.0.1:0")).await;
    assert_ne!(server.health_addr(), server.addr());
    for address in [server.addr(), server.health_addr()] {
        for service in SERVICES.into_iter().chain(["", "grpc.health.v1.Health"]) {
            assert_eq!(
                check(address, service).await.unwrap(),
                ServingStatus::Serving,
                "{service} at {address}"
            );
        }
        let unknown = check(address, "shop.v1.NoService").await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
    }
    // Probes get health and nothing else: the port may be open to whom the services are not.
    let path = "/ordermesh.order.v1.OrderEventService/GetFeed";
    let refused = call_raw(server.health_addr(), path, [vec![]]).await;
    assert_refused(refused, Code::Unimplemented, "UNKNOWN_METHOD", None);
}

#[tokio::test]
async fn without_an_address_for_probes_there_is_no_second_port() {
    let server = Server::scratch(BINARY).await;
    assert_eq!(server.health_addr(), "");
}

#[tokio::test]
async fn an_unknown_method_or_service_is_unimplemented_with_its_reason() {
    let server = Server::scratch(BINARY).await;
    let paths = [
        "/ordermesh.order.v1.OrderCommandService/ShipOrder",
        "/ordermesh.order.v9.OrderCommandService/PlaceOrder",
        "/",
    ];
    for path in paths {
        let refused = call_raw(server.addr(), path, [vec![]]).await;
        assert_refused(refused, Code::Unimplemented, "UNKNOWN_METHOD", None);
    }
}

#[tokio::test]
async fn each_server_starts_alone_by_its_name() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::serve(BINARY, "order-command", data.path()).await;
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    assert_eq!(server.terminate().await.code, Some(0));
    // The data is the same, whoever serves it.
    let server = Server::dev(BINARY, data.path()).await;
    // What the others make of the order may be there already.
    assert_eq!(read_feed(&mut server.events()).await[0].r#type, "OrderCreated");

    let finished = Launch::serve(BINARY, "order-nonsense", data.path()).finish().await;
    assert_ne!(finished.code, Some(0));
    assert!(
        finished.stderr.contains("order-nonsense") && finished.stderr.contains("order-command"),
        "{finished:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_end_tells_probes_and_streams_and_is_quick() {
    let mut server = Server::scratch(BINARY).await;
    let mut watching = HealthClient::new(channel(server.addr()))
        .watch(HealthCheckRequest { service: SERVICES[0].to_owned() })
        .await
        .unwrap()
        .into_inner();
    let status = |answer: HealthCheckResponse| answer.status();
    assert_eq!(watching.message().await.unwrap().map(status), Some(ServingStatus::Serving));
    let mut stream = Subscription::open(&mut server.events(), SubscribeRequest::default()).await.unwrap();
    stream.next().await.unwrap();
    let told = tokio::spawn(async move { stream.read_to_end().await });
    // The health watcher ends only with the server: it must not hold it up.
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", server.stderr());
    assert!(ended.took < Duration::from_secs(5), "it took {:?}: {}", ended.took, server.stderr());
    assert_eq!(told.await.unwrap(), ClosingReason::ServerShutdown);
    assert_eq!(watching.message().await.unwrap().map(status), Some(ServingStatus::NotServing));
    assert!(server.stderr().contains("shutting down"));
}

#[tokio::test]
async fn a_port_that_was_given_up_is_free_for_the_next_process() {
    let mut server = Server::scratch(BINARY).await;
    let (address, mut commands) = (server.addr().to_owned(), server.commands());
    commands.place_order(order("TEA", 1, 450)).await.unwrap();
    server.start_again_here().await;
    assert_eq!(server.addr(), address);
    eventually!(commands.place_order(order("TEA", 1, 450)).await, "the client reconnects");
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused_by_name() {
    if Backend::skips("any number of replicas may share a database") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let first = Server::orders(BINARY, data.path()).await;
    let second = Launch::orders(BINARY, data.path()).finish().await;
    assert_eq!(second.code, Some(1));
    let database = data.path().join("order-command.db");
    let named = second.stderr.contains(&database.display().to_string());
    assert!(named && second.stderr.contains("in use by another process"), "{second:?}");
    // The first one is not disturbed, and when it is gone the data is free, even after a kill.
    first.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    drop(first);
    let third = Server::orders(BINARY, data.path()).await;
    assert_eq!(read_feed(&mut third.events()).await.len(), 1);
}

#[tokio::test]
async fn a_taken_port_is_refused_by_name() {
    let server = Server::scratch(BINARY).await;
    let data = tempfile::tempdir().unwrap();
    let finished = Launch::dev(BINARY, data.path()).listen(server.addr()).finish().await;
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains(server.addr()), "{finished:?}");
    let left = std::fs::read_dir(data.path()).unwrap().count();
    assert_eq!(left, 0, "ports are bound before anything heavy");
}

#[tokio::test]
async fn in_memory_leaves_no_files() {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::program(BINARY, &["dev", "--in-memory"]).directory(directory.path());
    let mut server = launch.listen("127.0.0.1:0").start().await;
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    assert_eq!(read_feed(&mut server.events()).await[0].r#type, "OrderCreated");
    let files =
        || std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
    assert!(files().is_empty(), "while it runs: {:?}", files());
    assert_eq!(server.terminate().await.code, Some(0));
    assert!(files().is_empty(), "after it has ended: {:?}", files());
}

#[tokio::test]
async fn dev_says_what_to_try_next_with_its_own_address() {
    let server = Server::shop(BINARY).await;
    let welcome =
        eventually!(Some(server.stdout()).filter(|text| text.contains("SubscribeOrderEvents")), "dev greets");
    assert!(welcome.contains("grpcurl -plaintext") && welcome.contains(server.addr()), "{welcome}");
}
