//! Which events a stream shows: by type, by key, by share.

use std::collections::BTreeMap;

use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{EventFilter, Shard, SubscribeRequest};
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_testkit::feed::{after, read};
use ordermesh_testkit::orders::note_and_cancel;
use ordermesh_testkit::{Server, cancel, read_feed};
use sha2::{Digest, Sha256};

use crate::{get_feed, open, place, place_many, server_with};

fn filter(types: &[&str], keys: &[&String]) -> SubscribeRequest {
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    let keys = keys.iter().map(|key| (*key).clone()).collect();
    SubscribeRequest { filter: Some(EventFilter { types, keys }), ..SubscribeRequest::default() }
}

async fn shown(server: &Server, request: SubscribeRequest) -> Vec<(i64, String)> {
    let events = read(&mut server.events(), request).await;
    events.into_iter().map(|event| (event.position, event.r#type)).collect()
}

/// Orders 1, 2, 3; then something is noted on the second one and it is cancelled.
async fn server_with_a_cancellation() -> (Server, Vec<String>) {
    let (server, ids) = server_with(3).await;
    note_and_cancel(server.addr(), &ids[1]).await;
    (server, ids)
}

#[tokio::test]
async fn types_and_keys_are_or_within_and_and_across() {
    let (server, ids) = server_with_a_cancellation().await;
    let events = |events: &[(i64, &str)]| {
        events.iter().map(|(position, name)| (*position, format!("Order{name}"))).collect::<Vec<_>>()
    };
    let created = [(1, "Created"), (2, "Created"), (3, "Created")];
    let all = [&created[..], &[(4, "NoteAdded"), (5, "CancellationRequested")]].concat();
    let cases = [
        (filter(&[], &[]), events(&all)),
        (filter(&["OrderCreated"], &[]), events(&created)),
        (
            filter(&["OrderCreated", "OrderCancellationRequested"], &[]),
            events(&[&created[..], &all[4..]].concat()),
        ),
        (filter(&[], &[&ids[1]]), events(&[all[1], all[3], all[4]])),
        (filter(&[], &[&ids[0], &ids[2]]), events(&[all[0], all[2]])),
        (filter(&["OrderCancellationRequested"], &[&ids[0], &ids[1]]), events(&[all[4]])),
        (filter(&["OrderCancellationRequested"], &[&ids[0]]), events(&[])),
        (filter(&[], &[&"no order".to_owned()]), events(&[])),
    ];
    for (request, expected) in cases {
        assert_eq!(shown(&server, request.clone()).await, expected, "{request:?}");
    }
}

#[tokio::test]
async fn progress_past_left_out_events_is_told_by_checkpoints() {
    let (server, ids) = server_with(2).await;
    let mut stream = open(&server, filter(&[], &[&ids[0]])).await;
    stream.read_until("caught_up", |frame| matches!(frame, Frame::CaughtUp(_))).await;
    assert_eq!((stream.positions(), stream.frames.last().unwrap().position), (vec![1], 2));
    place(&server).await;
    stream.read_until("a checkpoint", |frame| matches!(frame, Frame::Checkpoint(_))).await;
    let frame = stream.frames.last().unwrap();
    assert_eq!((frame.position, frame.head_position), (3, 3));
    // A resume does not read again what was left out.
    let mut resumed = open(&server, after(&stream.cursor)).await;
    place(&server).await;
    resumed.read_events(1).await;
    assert_eq!(resumed.positions(), [4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_filter_costs_a_checkpoint_a_second_and_not_one_a_commit() {
    let (server, _) = server_with(0).await;
    let mut stream = open(&server, filter(&["OrderCancellationRequested"], &[])).await;
    stream.read_until("caught_up", |frame| matches!(frame, Frame::CaughtUp(_))).await;
    let start = std::time::Instant::now();
    for _ in 0..60 {
        place(&server).await;
    }
    while stream.frames.last().unwrap().position < 60 {
        stream.read_until("a checkpoint", |frame| matches!(frame, Frame::Checkpoint(_))).await;
    }
    let told = stream.frames.iter().filter(|frame| matches!(frame.frame, Some(Frame::Checkpoint(_)))).count();
    assert!(told as u64 <= 2 + start.elapsed().as_secs(), "{told} checkpoints in {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_passes_nothing_of_a_long_log_still_makes_progress() {
    let (server, _) = server_with(0).await;
    place_many(&server, 2_100).await;
    let mut stream = open(&server, filter(&["OrderCancellationRequested"], &[])).await;
    let first = stream.read_until("a checkpoint", |frame| !matches!(frame, Frame::Opened(_))).await;
    assert!(matches!(first, Frame::Checkpoint(_)), "a checkpoint before the end of the log: {first:?}");
    assert!((1..2_100).contains(&stream.frames.last().unwrap().position));
    stream.read_until("caught_up", |frame| matches!(frame, Frame::CaughtUp(_))).await;
    assert_eq!(stream.frames.last().unwrap().position, get_feed(&server).await.head_position);
}

/// The share of a key as the contract states it.
fn share(key: &str, count: i32) -> i32 {
    let digest = Sha256::digest(key.as_bytes());
    let hash = u64::from_be_bytes(digest[..8].try_into().unwrap());
    i32::try_from(hash % u64::try_from(count).unwrap()).unwrap()
}

#[tokio::test]
async fn the_shares_of_a_feed_have_every_event_exactly_once_as_the_contracts_hash_says() {
    let (server, ids) = server_with(40).await;
    for id in &ids[..10] {
        server.commands().cancel_order(cancel(id)).await.unwrap();
    }
    let log = read_feed(&mut server.events()).await;
    assert_eq!(log.len(), 50);
    for count in [1, 3, 4, 1_024] {
        let mut expected = BTreeMap::<i32, Vec<OrderEvent>>::new();
        for event in &log {
            expected.entry(share(&event.key, count)).or_default().push(event.clone());
        }
        assert!(count == 1 || expected.len() > 1, "the keys spread over shares");
        // Of many shares, those that have events and one that has none.
        let empty = (0..count).find(|index| !expected.contains_key(index));
        for index in expected.keys().copied().chain(empty) {
            let shard = Some(Shard { index, count });
            let request = SubscribeRequest { shard, ..SubscribeRequest::default() };
            let events = read(&mut server.events(), request).await;
            assert_eq!(events, expected.get(&index).cloned().unwrap_or_default(), "share {index} of {count}");
        }
    }
}
