//! Events of another context become commands here, each once, those of one key in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ordermesh_feed::commit::{Committer, fingerprint};
use ordermesh_feed::consume::{Consumer, ConsumerSettings, Delivery, Handler, HandlerError};
use ordermesh_feed::react::{Reaction, Reactions};
use ordermesh_feed::store::WriteTransaction;
use ordermesh_kernel::SystemClock;
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_testkit::eventually;
use ordermesh_testkit::wait::soon;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::house::{Count, Counters, Fault, House, envelopes, history, house, house_in};
use crate::scripted::{ScriptedFeed, event_id};

/// An event of the other context's feed.
fn event(position: i64, key: &str) -> OrderEvent {
    OrderEvent {
        position,
        event_id: event_id(position).to_string(),
        key: key.to_owned(),
        correlation_id: format!("cart {position}"),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        ..OrderEvent::default()
    }
}

fn counts(key: &str, fault: Fault) -> Reaction<Counters> {
    Reaction::new("CountOnEvent", Count { key: key.to_owned(), fault })
}

/// Counts the event's key once.
fn once(event: &OrderEvent) -> Result<Vec<Reaction<Counters>>, String> {
    Ok(vec![counts(&event.key, Fault::None)])
}

fn reactions(house: &House) -> Reactions<Counters> {
    Reactions::new(house.committer.clone(), "shop")
}

/// The request_ids and fingerprints that the database remembers.
async fn records(house: &House) -> BTreeSet<(String, Vec<u8>)> {
    let sql = "SELECT request_id, fingerprint FROM idempotency_records";
    let rows = house.db.query_all_raw(Statement::from_string(house.db.get_database_backend(), sql));
    let record = |row: sea_orm::QueryResult| {
        Ok::<_, DbErr>((row.try_get("", "request_id")?, row.try_get("", "fingerprint")?))
    };
    rows.await.unwrap().into_iter().map(|row| record(row).unwrap()).collect()
}

#[tokio::test]
async fn events_become_commands_that_name_them_as_their_cause_and_repeated_they_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let house = house_in(directory.path()).await;
    let events = [event(1, "a"), event(2, "b"), event(3, "a")];
    let twice = |event: &OrderEvent| {
        Ok(match event.key.as_str() {
            "b" => Vec::new(),
            key => vec![counts(key, Fault::None), counts("sum", Fault::Quiet)],
        })
    };
    for _ in 0..2 {
        reactions(&house).run(&events, Delivery::Live, twice).await.unwrap();
        assert_eq!(history(&house).await, [(1, "a".to_owned()), (2, "a".to_owned())]);
        let record = |position: i64, index: usize| {
            let id = event_id(position);
            let request_id = Uuid::new_v5(id.as_uuid(), format!("CountOnEvent/{index}").as_bytes());
            (request_id.to_string(), fingerprint(id.to_string().as_bytes()).to_vec())
        };
        assert_eq!(records(&house).await, [record(1, 0), record(1, 1), record(3, 0), record(3, 1)].into());
    }
    for (made, cause) in envelopes(&house).await.iter().zip([&events[0], &events[2]]) {
        assert_eq!((&made.causation_id, &made.correlation_id), (&cause.event_id, &cause.correlation_id));
        assert_eq!(made.traceparent, cause.traceparent);
    }
}

#[tokio::test]
async fn a_replay_without_effects_sends_no_command() {
    let house = house().await;
    let replay = |suppress_effects| Delivery::Replay { suppress_effects };
    reactions(&house).run(&[event(1, "a")], replay(true), once).await.unwrap();
    assert!(records(&house).await.is_empty());
    reactions(&house).run(&[event(1, "a")], replay(false), once).await.unwrap();
    assert_eq!(history(&house).await.len(), 1);
}

#[tokio::test]
async fn a_refused_command_and_a_policy_at_a_loss_are_the_events_fault() {
    let house = house().await;
    let events = [event(1, "good"), event(2, "bad"), event(3, "bad"), event(4, "fine")];
    let refused = |event: &OrderEvent| {
        Ok(vec![counts(&event.key, if event.key == "bad" { Fault::Refused } else { Fault::None })])
    };
    let error = reactions(&house).run(&events, Delivery::Live, refused).await.unwrap_err();
    let HandlerError::Event { position, key, reason } = error else { panic!("{error}") };
    assert_eq!((position, key.as_str()), (2, "bad"));
    assert!(reason.contains("CountOnEvent: the rules say no"), "{reason}");
    assert_eq!(history(&house).await.len(), 2, "the others go on, and what comes after it of its key waits");
    let at_a_loss = |event: &OrderEvent| match event.key.as_str() {
        "bad" => Err("its amount is missing".to_owned()),
        _ => once(event),
    };
    let error = reactions(&house).run(&events, Delivery::Live, at_a_loss).await.unwrap_err();
    assert!(
        matches!(error, HandlerError::Event { position: 2, reason, .. } if reason == "its amount is missing")
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_no_events_fault() {
    let house = house().await;
    house.db.clone().close().await.unwrap();
    let error = reactions(&house).run(&[event(1, "a")], Delivery::Live, once).await.unwrap_err();
    assert!(matches!(error, HandlerError::Retry { .. }), "{error}");
}

/// On PostgreSQL two tasks commit, and what they take may end in either order.
#[tokio::test(flavor = "multi_thread")]
async fn many_keys_go_side_by_side_and_the_events_of_each_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let house = house_in(directory.path()).await;
    let events: Vec<_> =
        (1..=600).map(|position| event(position, &format!("key {}", position % 40))).collect();
    reactions(&house).run(&events, Delivery::Live, once).await.unwrap();
    let mut causes = BTreeMap::<_, Vec<_>>::new();
    for made in envelopes(&house).await {
        causes.entry(made.key).or_default().push(made.causation_id);
    }
    assert_eq!(causes.len(), 40);
    for (key, causes) in causes {
        let given = events.iter().filter(|event| event.key == key).map(|event| event.event_id.clone());
        assert_eq!(causes, given.collect::<Vec<_>>(), "{key}");
    }
}

/// Counts each event, but its checkpoint waits while `held` is set.
struct Counting {
    reactions: Reactions<Counters>,
    held: Arc<AtomicBool>,
    reached: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Handler for Counting {
    type Event = OrderEvent;

    fn name(&self) -> &'static str {
        "counting"
    }

    fn reacts(&self) -> bool {
        true
    }

    async fn react(&self, events: &[OrderEvent], delivery: Delivery) -> Result<(), HandlerError> {
        self.reactions.run(events, delivery, once).await
    }

    async fn apply(
        &self,
        _: &WriteTransaction,
        events: &[OrderEvent],
        _: Delivery,
    ) -> Result<(), HandlerError> {
        self.reached.fetch_add(events.len(), Ordering::SeqCst);
        match self.held.load(Ordering::SeqCst) {
            true => Err(HandlerError::Retry { reason: "the test holds it".to_owned() }),
            false => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_crash_between_the_commands_and_the_checkpoint_repeats_no_command() {
    let directory = tempfile::tempdir().unwrap();
    let house = house_in(directory.path()).await;
    let feed = ScriptedFeed::new();
    feed.append(&["a", "b", "a"]);
    let (held, reached) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let start = |committer: &Committer<Counters>| {
        let reactions = Reactions::new(committer.clone(), "shop");
        let handler = Counting { reactions, held: held.clone(), reached: reached.clone() };
        let settings =
            ConsumerSettings { first_backoff: Duration::from_millis(4), ..ConsumerSettings::default() };
        let (db, open) = (house.db.clone(), feed.open());
        async move {
            let consumer = Consumer::new(handler, db, open, Arc::new(SystemClock), settings).await.unwrap();
            let consumer = Arc::new(consumer);
            (consumer.progress(), tokio::spawn(consumer.run(CancellationToken::new())))
        }
    };
    let (progress, task) = start(&house.committer).await;
    eventually!(reached.load(Ordering::SeqCst) >= 3, "the commands are carried out");
    assert_eq!(progress.borrow().place, None, "and the checkpoint is not stored");
    task.abort();
    let _ = task.await;
    let (before, made) = (records(&house).await, history(&house).await);
    assert_eq!((before.len(), made.len()), (3, 3));
    held.store(false, Ordering::SeqCst);
    let (mut progress, task) = start(&house.committer).await;
    let done = progress.wait_for(|progress| progress.place.is_some_and(|place| place.position == 3));
    soon("the checkpoint is stored", done).await.unwrap();
    assert_eq!((records(&house).await, history(&house).await), (before, made));
    task.abort();
}
