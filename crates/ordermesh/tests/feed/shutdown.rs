//! The server ends while streams are open: they are told, and their cursors lose nothing.

use std::time::Duration;

use ordermesh_proto::feed::v1::{ClosingReason, SubscribeRequest};
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_testkit::feed::{after, read};
use ordermesh_testkit::{Launch, assert_log_is_sound, order, read_feed};
use tonic::transport::Channel;

use crate::{BINARY, open, open_reluctantly, place_many, server_with};

/// Places orders until the server refuses; gives the ids of the acknowledged ones.
async fn place_until_refused(mut commands: OrderCommandServiceClient<Channel>) -> Vec<String> {
    let mut ids = Vec::new();
    while let Ok(placed) = commands.place_order(order("TEA", 1, 450)).await {
        ids.push(placed.into_inner().order_id);
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_the_server_closes_resumes_without_loss_or_double() {
    let (mut server, _) = server_with(1).await;
    let mut streams = Vec::new();
    for max_batch in [1, 7, 0] {
        streams.push(open(&server, SubscribeRequest { max_batch, ..SubscribeRequest::default() }).await);
    }
    let callers: Vec<_> = (0..8).map(|_| tokio::spawn(place_until_refused(server.commands()))).collect();
    for stream in &mut streams {
        stream.read_events(40).await;
    }
    let readers = streams.into_iter().map(|mut stream| {
        tokio::spawn(async move {
            let reason = stream.read_to_end().await;
            (stream, reason)
        })
    });
    let readers: Vec<_> = readers.collect();
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", server.stderr());
    assert!(ended.took < Duration::from_secs(5), "it took {:?}", ended.took);
    let mut acknowledged = Vec::new();
    for caller in callers {
        acknowledged.extend(caller.await.unwrap());
    }

    server.start_again().await;
    let log = read_feed(&mut server.events()).await;
    assert_log_is_sound(&log);
    for id in &acknowledged {
        assert!(log.iter().any(|event| event.key == *id), "the acknowledged order {id} is lost");
    }
    for reader in readers {
        let (stream, reason) = reader.await.unwrap();
        assert_eq!(reason, ClosingReason::ServerShutdown);
        let rest = read(&mut server.events(), after(&stream.cursor)).await;
        assert_eq!([stream.events, rest].concat(), log);
    }
}

/// The subscriber reads nothing, so that the server cannot even tell it: the end must come all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_does_not_read_cannot_keep_the_server_alive() {
    let data = tempfile::tempdir().unwrap();
    let launch = Launch::orders(BINARY, data.path());
    let mut server = launch.env("ORDERMESH_SERVER__SHUTDOWN_GRACE_SECONDS", "1").start().await;
    let mut stuck =
        open_reluctantly(&server, SubscribeRequest { max_batch: 1, ..SubscribeRequest::default() }).await;
    place_many(&server, 1_000).await;
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", server.stderr());
    assert!(ended.took < Duration::from_secs(5), "it took {:?}", ended.took);

    let wal = data.path().join("order-command.db-wal");
    assert!(!wal.exists(), "the databases were closed all the same: {}", server.stderr());
    assert!(server.stderr().contains("the grace is over"), "it was cut off: {}", server.stderr());

    // Whatever reached it before the end is a place to go on from.
    while let Ok(Some(_)) = stuck.next().await {}
    server.start_again().await;
    let rest = match stuck.cursor.as_str() {
        "" => read_feed(&mut server.events()).await,
        cursor => read(&mut server.events(), after(cursor)).await,
    };
    assert_log_is_sound(&[stuck.events, rest].concat());
}
