//! What operators do about those who follow the feed: `ordermesh feed groups|lag|parked|replay|discard|tail …`.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

use std::path::Path;

use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{
    AcknowledgeRequest, DeliveryFailure, Group, ListSubscribersRequest, RegisteredSubscriber,
    SubscribeRequest,
};
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_testkit::backend::open;
use ordermesh_testkit::orders::note_and_cancel;
use ordermesh_testkit::server::Finished;
use ordermesh_testkit::{Launch, Server, Subscription, eventually, order, read_feed};
use prost::Message;
use sea_orm::{ConnectionTrait, Statement, Value};
use serde_json::{Value as Json, json};

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");
const GROUP: &str = "billing-mail";
const READ: &str = "order-query";

/// Runs `feed …` against a server.
async fn feed(server: &Server, arguments: &[&str]) -> Finished {
    Launch::program(BINARY, &[&["feed"], arguments, &["--addr", server.addr()]].concat()).finish().await
}

#[track_caller]
fn done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    finished.stdout
}

async fn text(server: &Server, arguments: &[&str]) -> String {
    done(feed(server, arguments).await)
}

/// The documents, one a line or one in all.
async fn json(server: &Server, arguments: &[&str]) -> Vec<Json> {
    let stdout = text(server, &[arguments, &["--json"]].concat()).await;
    serde_json::Deserializer::from_str(&stdout).into_iter().collect::<Result<_, _>>().unwrap()
}

/// What `feed parked` lists, in one document.
async fn parked(server: &Server, arguments: &[&str]) -> Vec<Json> {
    let [document] = json(server, &[&["parked"], arguments].concat()).await.try_into().unwrap();
    serde_json::from_value(document["parked_events"].clone()).unwrap()
}

#[track_caller]
fn assert_refused(finished: &Finished, code: i32, what: &str) {
    assert!(finished.code == Some(code) && finished.stderr.contains(what), "{what:?} in {finished:#?}");
}

async fn place(server: &Server) -> String {
    let order = order("TEA", 1, 450).with_personal().build();
    server.commands().place_order(order).await.unwrap().into_inner().order_id
}

/// A member of the group that has found poison in the first event.
async fn poisoned(server: &Server) -> Subscription {
    let group = Group { name: GROUP.to_owned(), member: "one".to_owned(), ..Group::default() };
    let request = SubscribeRequest { group: Some(group), ..SubscribeRequest::default() };
    let mut member = Subscription::open(&mut server.events(), request).await.unwrap();
    let (mut epoch, mut delivered) = (0, false);
    while epoch == 0 || !delivered {
        match member.next().await.unwrap().unwrap() {
            Frame::Assignment(assignment) => epoch = assignment.epoch,
            Frame::Events(_) => delivered = true,
            _ => {}
        }
    }
    let failure = DeliveryFailure { position: 1, reason: "no such mailbox".to_owned(), park: true };
    let refuse = AcknowledgeRequest {
        group: GROUP.to_owned(),
        member: "one".to_owned(),
        epoch,
        positions: Vec::new(),
        failures: vec![failure],
    };
    server.events().acknowledge(refuse).await.unwrap();
    eventually!(json(server, &["groups", GROUP]).await[0]["group"]["parked_events"] == "1", "it is parked");
    member
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_group_has_parked_is_listed_replayed_and_discarded() {
    let server = Server::scratch(BINARY).await;
    let id = place(&server).await;
    let mut member = poisoned(&server).await;
    let listed = parked(&server, &["--group", GROUP, "--key", &id]).await;
    let [poison] = listed.as_slice() else { panic!("{listed:#?}") };
    assert_eq!(
        (&poison["event"]["type"], &poison["event"]["key"]),
        (&"OrderCreated".into(), &id.clone().into())
    );
    assert_eq!((&poison["reason"], &poison["replaying"]), (&"no such mailbox".into(), &false.into()));
    let personal = &poison["event"]["order_created"]["personal_data"]["contact"]["email"];
    assert_eq!(personal, "***", "{poison:#}");
    assert!(parked(&server, &["--group", GROUP, "--key", "another"]).await.is_empty());
    let table = text(&server, &["parked", "--group", GROUP]).await;
    assert!(table.starts_with("POSITION") && table.contains(&id) && table.contains("waits"), "{table}");

    let replayed = json(&server, &["replay", "--group", GROUP, "--key", &id]).await;
    assert_eq!(replayed[0]["keys"], 1);
    member.read_until("the parked event", |frame| matches!(frame, Frame::Events(_))).await;
    assert_eq!(member.events.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 1]);
    let table = text(&server, &["parked", "--group", GROUP]).await;
    assert!(table.contains("replaying"), "{table}");

    let half = feed(&server, &["discard", "--group", GROUP, "--key", "nope", "--key", &id]).await;
    assert_refused(&half, 1, "error: nothing of the key nope is parked");
    let discarded = json(&server, &["discard", "--group", GROUP, "--all"]).await;
    assert_eq!(discarded, [json!({ "discarded": [{ "key": id, "discarded_events": 1 }] })]);
    assert_eq!(text(&server, &["discard", "--group", GROUP, "--all"]).await, "nothing is parked\n");
    let nothing = feed(&server, &["discard", "--group", GROUP, "--key", &id]).await;
    assert_refused(&nothing, 1, "KEY_NOT_PARKED");
    assert_eq!(json(&server, &["groups"]).await[0]["groups"][0]["parked_keys"], "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_shows_members_and_slots_and_a_reset_waits_for_force() {
    let server = Server::scratch(BINARY).await;
    place(&server).await;
    let _member = poisoned(&server).await;
    let all = text(&server, &["groups"]).await;
    assert!(all.starts_with("GROUP") && all.contains(GROUP) && all.contains("running"), "{all}");
    let one = text(&server, &["groups", GROUP]).await;
    assert!(
        one.contains("LEASE UNTIL") && one.contains("SLOT") && one.contains("1 events of 1 keys"),
        "{one}"
    );
    assert_refused(&feed(&server, &["groups", "nobody"]).await, 1, "GROUP_NOT_FOUND");

    let reset = ["reset-group", GROUP, "--after-position", "0"];
    assert_refused(&feed(&server, &reset).await, 1, "GROUP_MEMBERS_LIVE");
    let reset = text(&server, &[reset.as_slice(), &["--force"]].concat()).await;
    assert_eq!(reset, format!("{GROUP} goes on after position 0\n"));
    // What was parked is forgotten.
    assert_eq!(json(&server, &["groups"]).await[0]["groups"][0]["parked_keys"], "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_group_is_gone_with_what_it_has_parked_and_a_failure_names_what_was_deleted() {
    let server = Server::scratch(BINARY).await;
    place(&server).await;
    let _member = poisoned(&server).await;
    assert_refused(&feed(&server, &["delete-group", GROUP]).await, 1, "GROUP_MEMBERS_LIVE");
    let half = feed(&server, &["delete-group", "--force", GROUP, "nobody"]).await;
    assert_refused(&half, 1, &format!("error: {GROUP} is deleted, but: "));
    assert_refused(&half, 1, "GROUP_NOT_FOUND");
    assert!(json(&server, &["groups"]).await[0]["groups"].as_array().unwrap().is_empty());

    let _member = poisoned(&server).await;
    assert_eq!(text(&server, &["delete-group", GROUP, "--force"]).await, format!("{GROUP} is deleted\n"));
    assert_refused(&feed(&server, &["groups", GROUP]).await, 1, "GROUP_NOT_FOUND");
}

async fn subscribers(server: &Server) -> Vec<RegisteredSubscriber> {
    let request = ListSubscribersRequest::default();
    server.events().list_subscribers(request).await.unwrap().into_inner().subscribers
}

/// The read server among the consumers that a lag tells of.
fn reader(lag: &serde_json::Value) -> &serde_json::Value {
    let consumers = lag["consumers"].as_array().unwrap();
    consumers.iter().find(|consumer| consumer["name"] == READ).unwrap_or(&serde_json::Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_read_server_reports_its_checkpoint_and_lag_shows_everybody() {
    let server = Server::scratch(BINARY).await;
    place(&server).await;
    let _member = poisoned(&server).await;
    eventually!(
        subscribers(&server).await.iter().any(|one| one.name == READ && one.lag_events == 0),
        "the read server has reported the head"
    );
    let lag = &json(&server, &["lag"]).await[0];
    assert_eq!(lag["groups"][0]["name"], GROUP);
    assert_eq!(
        (&lag["subscribers"][0]["name"], &lag["subscribers"][0]["position"]),
        (&READ.into(), &"1".into())
    );
    assert_eq!(reader(lag)["lag_time"], "0s");
    let table = text(&server, &["lag"]).await;
    let kinds: Vec<_> = table.lines().filter_map(|line| line.split_whitespace().next()).collect();
    // Those of the write server follow inventory and payment.
    assert_eq!(kinds, ["KIND", "group", "subscriber", "consumer", "consumer", "consumer"]);

    assert_eq!(text(&server, &["forget-subscriber", READ]).await, format!("{READ} is forgotten\n"));
    assert_refused(&feed(&server, &["forget-subscriber", READ]).await, 1, "SUBSCRIBER_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_server_tells_of_its_own_consumers_and_not_of_the_read_servers() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::serve(BINARY, "order-command", data.path()).await;
    let lag = text(&server, &["lag"]).await;
    assert!(lag.contains("order-command inventory") && lag.contains("order-command payment"), "{lag}");
    assert!(!lag.contains(READ), "{lag}");
    let parked = feed(&server, &["parked", "--consumer", READ]).await;
    assert_refused(&parked, 1, "CONSUMER_NOT_FOUND");
}

/// Runs a statement on the read server's database, which nobody has open.
async fn execute(data: &Path, sql: &str, values: Vec<Value>) -> u64 {
    let db = open(&data.join(format!("{READ}.db"))).await.unwrap();
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = db.execute_raw(statement).await.unwrap().rows_affected();
    db.close().await.unwrap();
    rows
}

/// Puts an event into the read server's parking, as if it had made no sense.
async fn park(data: &Path, event: &OrderEvent) {
    let key = "INSERT INTO parked_keys (consumer, key, state, reason, attempts, parked_time) \
               VALUES ('order-query', $1, 'parked', 'the order is unknown', 5, 1)";
    assert_eq!(execute(data, key, vec![event.key.clone().into()]).await, 1);
    let row = "INSERT INTO parked_events (consumer, position, key, event_id, kind, recorded_time, parked_time, \
               bytes) VALUES ('order-query', $1, $2, $3, $4, 1, 1, $5)";
    let id = uuid::Uuid::parse_str(&event.event_id).unwrap();
    let (position, kind, bytes) = (event.position, event.r#type.clone(), event.encode_to_vec());
    let values = vec![position.into(), event.key.clone().into(), id.into(), kind.into(), bytes.into()];
    assert_eq!(execute(data, row, values).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_consumer_has_parked_is_listed_replayed_and_discarded() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::orders(BINARY, data.path()).await;
    let id = place(&server).await;
    let log = read_feed(&mut server.events()).await;
    eventually!(reader(&json(&server, &["lag"]).await[0])["position"] == "1", "it is applied");
    assert_eq!(server.terminate().await.code, Some(0));
    park(data.path(), &log[0]).await;
    server.start_again().await;

    let consumer = ["--consumer", READ];
    let listed = parked(&server, &consumer).await;
    assert_eq!((&listed[0]["event"]["key"], &listed[0]["attempts"]), (&id.clone().into(), &5.into()));
    assert_eq!(listed[0]["parked_time"], "1970-01-01T00:00:00.000Z");
    // The order is there already: the event makes no sense once more, and waits again.
    let replayed =
        text(&server, &[&["replay", "--all", "--suppress-effects"], consumer.as_slice()].concat()).await;
    assert!(
        replayed.starts_with("1 keys are replayed") && replayed.contains("feed parked --consumer"),
        "{replayed}"
    );
    eventually!(parked(&server, &consumer).await[0]["attempts"] == 6, "the replay has failed");
    let replay = ["replay", "--key", &id, "--key", "nope"];
    assert_refused(&feed(&server, &[replay.as_slice(), &consumer].concat()).await, 1, "KEY_NOT_PARKED");
    let discard = ["discard", "--key", &id, "--key", &id, "--key", "nope", "--up-to-position", "1"];
    let discarded = feed(&server, &[discard.as_slice(), &consumer].concat()).await;
    assert_refused(
        &discarded,
        1,
        &format!("error: {id} is discarded, but: nothing of the key nope is parked"),
    );
    assert_eq!(discarded.stdout, format!("{id}: 1 events are discarded\n"));
    assert!(parked(&server, &consumer).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_read_server_forgets_what_its_inbox_has_held_for_more_than_a_week() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::orders(BINARY, data.path()).await;
    assert_eq!(server.terminate().await.code, Some(0));
    let insert = "INSERT INTO inbox (consumer, event_id, recorded_time) VALUES ('order-query', $1, $2)";
    let long_ago = 1_000_000_i64;
    let far_ahead = 4_000_000_000_000_000_i64;
    for (id, time) in [(1, long_ago), (2, far_ahead)] {
        let id = uuid::Uuid::from_u128(id);
        assert_eq!(execute(data.path(), insert, vec![id.into(), time.into()]).await, 1);
    }
    server.start_again().await;
    eventually!(server.stderr().contains(r#""table":"inbox","rows":1"#), "the old row is deleted");
    assert_eq!(server.terminate().await.code, Some(0));
    assert_eq!(execute(data.path(), "DELETE FROM inbox", Vec::new()).await, 1, "the young row stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_passes_the_events_of_some_types_keys_and_times() {
    let server = Server::scratch(BINARY).await;
    let (one, two) = (place(&server).await, place(&server).await);
    for id in [&one, &two] {
        note_and_cancel(server.addr(), id).await;
    }
    let positions = async |filter: &[&str]| {
        let events = json(&server, &[&["tail", "--until-caught-up"], filter].concat()).await;
        events.iter().map(|event| event["position"].as_str().unwrap().parse().unwrap()).collect::<Vec<i64>>()
    };
    assert_eq!(positions(&["--since", "1h"]).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        positions(&["--type", "OrderCreated", "--type", "OrderCancellationRequested"]).await,
        [1, 2, 4, 6]
    );
    assert_eq!(
        positions(&["--key", &one, "--key", &two, "--type", "OrderCancellationRequested"]).await,
        [4, 6]
    );
    assert_eq!(positions(&["--key", &two]).await, [2, 5, 6]);
    assert_eq!(positions(&["--since", "-1h", "--key", &one]).await, [1, 3, 4]);
    assert!(positions(&["--since", "2999-01-01T00:00:00Z"]).await.is_empty());
    assert_refused(&feed(&server, &["tail", "--type", "OrderLost"]).await, 1, "UNKNOWN_EVENT_TYPE");
}
