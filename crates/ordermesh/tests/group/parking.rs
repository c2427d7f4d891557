//! Poison stops its own key alone, until somebody replays or discards it.

use ordermesh_proto::feed::v1::replay_parked_events_request::What;
use ordermesh_proto::feed::v1::{
    DiscardParkedEventsRequest, ListParkedEventsRequest, ListParkedEventsResponse, ParkedKeys,
    ReplayParkedEventsRequest,
};
use ordermesh_testkit::{Subscription, eventually};
use prost::Message;
use tonic::Code;

use crate::*;

async fn list(server: &Server, page_size: i32, page_token: &str) -> ListParkedEventsResponse {
    let (group, page_token) = (GROUP.to_owned(), page_token.to_owned());
    let request = ListParkedEventsRequest { group, key: String::new(), page_size, page_token };
    server.events().list_parked_events(request).await.unwrap().into_inner()
}

fn replay(what: What) -> ReplayParkedEventsRequest {
    ReplayParkedEventsRequest { group: GROUP.to_owned(), what: Some(what) }
}

fn discard(key: &str, up_to_position: i64) -> DiscardParkedEventsRequest {
    DiscardParkedEventsRequest { group: GROUP.to_owned(), key: key.to_owned(), up_to_position }
}

async fn parked(server: &Server) -> i64 {
    get_group(server).await.group.unwrap().parked_events
}

/// A member whose first order, with two more events, is parked as positions 1, 3 and 4.
async fn with_a_poisoned_order(server: &Server) -> (Member, String) {
    let id = place(server).await;
    let mut member = Member::join(server, "one").await;
    assert_eq!(positions(&member.take().await), [1]);
    member.refuse(server, 1).await;
    eventually!(parked(server).await == 1, "the event is parked");
    place(server).await;
    cancel_order(server, &id).await;
    let others = member.take_count(1).await;
    assert_eq!(positions(&others), [2], "everything else flows on");
    member.acknowledge(server, &others).await;
    eventually!(parked(server).await == 3, "the later events of the key are parked with it");
    (member, id)
}

#[tokio::test]
async fn a_poison_key_is_parked_while_others_flow_and_its_replay_keeps_the_order() {
    let server = server().await;
    let (mut member, id) = with_a_poisoned_order(&server).await;
    let first = list(&server, 2, "").await;
    let rest = list(&server, 2, &first.next_page_token).await;
    let events: Vec<_> = first.parked_events.iter().chain(&rest.parked_events).collect();
    let decoded: Vec<_> = events.iter().map(|it| OrderEvent::decode(it.event.clone()).unwrap()).collect();
    assert_eq!(positions(&decoded), [1, 3, 4]);
    assert!(events.iter().all(|it| it.reason == "no such mailbox" && it.attempts == 1 && !it.replaying));
    assert_eq!(rest.next_page_token, "");
    assert_eq!(get_group(&server).await.group.unwrap().lag_events, 0);

    let keys = ParkedKeys { keys: vec![id] };
    server.events().replay_parked_events(replay(What::Keys(keys))).await.unwrap();
    for position in [1, 3, 4] {
        let event = member.take_count(1).await;
        assert_eq!(positions(&event), [position]);
        member.acknowledge(&server, &event).await;
    }
    assert_eq!(parked(&server).await, 0);
    assert_eq!(get_group(&server).await.group.unwrap().parked_keys, 0);
}

#[tokio::test]
async fn a_replay_that_fails_parks_the_key_again_and_a_new_replay_begins_where_it_failed() {
    let server = server().await;
    let (mut member, _) = with_a_poisoned_order(&server).await;
    server.events().replay_parked_events(replay(What::All(true))).await.unwrap();
    let first = member.take_count(1).await;
    member.acknowledge(&server, &first).await;
    let second = member.take_count(1).await;
    assert_eq!(positions(&second), [3]);
    member.refuse(&server, 3).await;
    eventually!(
        list(&server, 0, "").await.parked_events.iter().all(|it| !it.replaying && it.attempts == 2),
        "the key is parked again"
    );
    assert_eq!(parked(&server).await, 2);
    server.events().replay_parked_events(replay(What::All(true))).await.unwrap();
    assert_eq!(positions(&member.take_count(1).await), [3]);
}

#[tokio::test]
async fn new_events_of_a_key_queue_behind_its_replay() {
    let server = server().await;
    let id = place(&server).await;
    let mut member = Member::join(&server, "one").await;
    member.take().await;
    member.refuse(&server, 1).await;
    eventually!(parked(&server).await == 1, "the event is parked");
    server.events().replay_parked_events(replay(What::All(true))).await.unwrap();
    let replayed = member.take_count(1).await;
    cancel_order(&server, &id).await;
    eventually!(parked(&server).await == 3, "new events queue behind");
    member.acknowledge(&server, &replayed).await;
    for position in [2, 3] {
        let event = member.take_count(1).await;
        assert_eq!(positions(&event), [position]);
        member.acknowledge(&server, &event).await;
    }
    assert_eq!(parked(&server).await, 0);
}

#[tokio::test]
async fn an_event_that_fails_too_often_is_parked_and_discarding_lets_its_key_flow_again() {
    let server = server().await;
    let id = place(&server).await;
    let mut member = Member::open(&server, "one", joining_with("one", 10)).await;
    assert_eq!(positions(&member.take_count(1).await), [1]);
    assert_eq!(positions(&member.take_count(1).await), [1]);
    eventually!(parked(&server).await == 1, "two attempts are all that it gets");
    cancel_order(&server, &id).await;
    eventually!(parked(&server).await == 3, "its later events are parked");
    let mut events = server.events();
    let part = events.discard_parked_events(discard(&id, 2)).await.unwrap().into_inner();
    assert_eq!((part.discarded_events, part.unblocked), (2, false));
    let all = events.discard_parked_events(discard(&id, 0)).await.unwrap().into_inner();
    assert_eq!((all.discarded_events, all.unblocked), (1, true));
    let refusal = events.discard_parked_events(discard(&id, 0)).await.unwrap_err();
    refused(&refusal, Code::NotFound, "KEY_NOT_PARKED");
    place(&server).await;
    assert_eq!(positions(&member.take_count(1).await), [4]);
}

/// A group that may park one key: that of its first order is, and that of the second has no room and has stopped it.
async fn with_a_full_parking() -> (Server, [String; 2]) {
    let server = server_with(&[("MAX_PARKED_KEYS", "1")]).await;
    let keys = [place(&server).await, place(&server).await];
    let mut member = Member::join(&server, "one").await;
    member.take_count(2).await;
    member.refuse(&server, 1).await;
    eventually!(parked(&server).await == 1, "the first key is parked");
    member.refuse(&server, 2).await;
    refused(&member.end().await, Code::ResourceExhausted, "PARKING_FULL");
    (server, keys)
}

#[tokio::test]
async fn a_group_that_has_parked_too_much_stops_and_says_so_until_there_is_room() {
    let (server, [id, _]) = with_a_full_parking().await;
    eventually!(get_group(&server).await.group.unwrap().stopped_reason == "PARKING_FULL", "it is noted");
    let refusal = Subscription::open(&mut server.events(), joining("one")).await.unwrap_err();
    refused(&refusal, Code::ResourceExhausted, "PARKING_FULL");
    server.events().discard_parked_events(discard(&id, 0)).await.unwrap();
    Member::join(&server, "one").await;
    eventually!(parked(&server).await == 1, "the second key is parked now");
    assert_eq!(get_group(&server).await.group.unwrap().stopped_reason, "");
}

#[tokio::test]
async fn new_events_of_a_key_that_have_no_room_in_the_parking_wait_in_the_log_for_its_replay() {
    let server = server_with(&[("MAX_PARKED_BYTES", "1")]).await;
    let id = place(&server).await;
    let mut member = Member::join(&server, "one").await;
    member.take().await;
    member.refuse(&server, 1).await;
    eventually!(parked(&server).await == 1, "one key has all the bytes");
    cancel_order(&server, &id).await;
    refused(&member.end().await, Code::ResourceExhausted, "PARKING_FULL");
    server.events().replay_parked_events(replay(What::All(true))).await.unwrap();
    // Those of its slot wait behind the key.
    let last = 3 + place_in_another_slot(&server, &id).await;
    let mut member = Member::join(&server, "one").await;
    let mut events = member.take_count(2).await;
    events.sort_by_key(|event| event.position);
    assert_eq!(positions(&events), [1, last], "everything else flows on");
    assert_eq!(parked(&server).await, 1);
    member.acknowledge(&server, &events).await;
    let mut waited = Vec::new();
    while waited.len() < (2..last).count() {
        let events = member.take().await;
        member.acknowledge(&server, &events).await;
        waited.extend(events);
    }
    let keys_own: Vec<_> = waited.iter().filter(|event| event.key == id).cloned().collect();
    assert_eq!(positions(&keys_own), [2, 3]);
    waited.sort_by_key(|event| event.position);
    assert_eq!(positions(&waited), (2..last).collect::<Vec<_>>());
    assert_eq!(parked(&server).await, 0);
}

#[tokio::test]
async fn a_group_that_has_parked_too_much_goes_on_with_what_is_replayed_and_parks_the_rest_then() {
    let (server, [_, second]) = with_a_full_parking().await;
    server.events().replay_parked_events(replay(What::All(true))).await.unwrap();
    let mut member = Member::join(&server, "one").await;
    let replayed = member.take_count(1).await;
    assert_eq!(positions(&replayed), [1]);
    member.acknowledge(&server, &replayed).await;
    let is_second = |parked: &ListParkedEventsResponse| {
        let keys = parked.parked_events.iter().map(|it| OrderEvent::decode(it.event.clone()).unwrap().key);
        keys.eq([second.clone()])
    };
    eventually!(is_second(&list(&server, 0, "").await), "now the other one has room");
    place(&server).await;
    assert_eq!(positions(&member.take().await), [3], "everything else flows on");
}
