//! `ordermesh feed lag`: how far behind everybody is that the server knows of: groups, registered subscribers, and the
//! consumers that run in it.
//!
//! A write server knows the first two, a read server the third: what the address does not serve is left out with a
//! remark. With `--json` one document with `groups`, `subscribers` and `consumers`.

use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::output;
use ordermesh_console::render::{table, time};
use ordermesh_proto::feed::v1::{
    Consumer, ConsumerGroup, ListConsumersRequest, ListConsumersResponse, ListGroupsResponse,
    ListSubscribersRequest, ListSubscribersResponse, RegisteredSubscriber,
};
use serde_json::{Map, Value};
use tonic::{Code, Status};

use super::groups;
use super::services;

const HEADER: [&str; 8] = ["KIND", "NAME", "POSITION", "HEAD", "LAG", "LAG TIME", "LAST HEARD", "STATE"];

/// Asks all three and prints.
pub async fn run(common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let of_feed = of_feed(&session).await;
    let consumers = services::consumers(&session).list_consumers(unary(ListConsumersRequest {})).await;
    let consumers = consumers.map(tonic::Response::into_inner);
    let ((groups, subscribers), consumers) = match (of_feed, consumers) {
        (Ok(of_feed), Ok(consumers)) => (of_feed, consumers),
        (Ok(of_feed), Err(status)) if status.code() == Code::Unimplemented => {
            output::note(&format!("note: {}", services::CONSUMERS.absent()));
            (of_feed, ListConsumersResponse::default())
        }
        (Err(status), Ok(consumers)) if status.code() == Code::Unimplemented => {
            output::note(&format!("note: {}", services::EVENTS.absent()));
            (Default::default(), consumers)
        }
        (Err(status), _) | (_, Err(status)) => return Err(status.into()),
    };
    if session.out.is_json() {
        let values =
            [session.out.value(&groups)?, session.out.value(&subscribers)?, session.out.value(&consumers)?];
        return session.out.document(&document(values));
    }
    let rows = groups.groups.iter().map(group);
    let rows = rows.chain(subscribers.subscribers.iter().map(subscriber));
    let rows = rows.chain(consumers.consumers.iter().map(consumer));
    session.out.text(&table(HEADER, rows))
}

/// Who follows the feed without a server of ours: groups, and subscribers that report.
async fn of_feed(session: &Session) -> Result<(ListGroupsResponse, ListSubscribersResponse), Status> {
    let groups = groups::all(session).await?;
    let mut all = ListSubscribersResponse::default();
    loop {
        let page_token = std::mem::take(&mut all.next_page_token);
        let request = ListSubscribersRequest { page_size: 0, page_token };
        let page = services::events(session).list_subscribers(unary(request)).await?.into_inner();
        all.subscribers.extend(page.subscribers);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() {
            return Ok((groups, all));
        }
    }
}

/// The lists of all answers side by side; their page tokens are used up.
fn document(answers: [Value; 3]) -> Value {
    let fields = answers.into_iter().filter_map(|answer| match answer {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    let lists = fields.flatten().filter(|(_, value)| value.is_array());
    Value::Object(lists.collect::<Map<_, _>>())
}

fn group(group: &ConsumerGroup) -> [String; 8] {
    [
        "group".to_owned(),
        group.name.clone(),
        group.position.to_string(),
        group.head_position.to_string(),
        group.lag_events.to_string(),
        groups::behind(group.lag_seconds),
        "-".to_owned(),
        groups::state(group),
    ]
}

fn subscriber(subscriber: &RegisteredSubscriber) -> [String; 8] {
    [
        "subscriber".to_owned(),
        subscriber.name.clone(),
        subscriber.position.to_string(),
        subscriber.position.saturating_add(subscriber.lag_events).to_string(),
        subscriber.lag_events.to_string(),
        "-".to_owned(),
        time(subscriber.reported_time.as_ref()),
        "reports".to_owned(),
    ]
}

fn consumer(consumer: &Consumer) -> [String; 8] {
    let state = match (consumer.error.as_str(), consumer.active, consumer.parked_keys) {
        ("", true, 0) => "running".to_owned(),
        ("", true, keys) => format!("running, {keys} keys parked"),
        ("", false, _) => "stands by".to_owned(),
        (error, ..) => format!("stopped: {error}"),
    };
    let lag = consumer.lag_time.as_ref().map(|lag| lag.seconds as f64 + f64::from(lag.nanos) / 1e9);
    let (events, lag) = match consumer.error.as_str() {
        "" => (consumer.lag_events.to_string(), lag.map_or("-".to_owned(), groups::behind)),
        // The head is as it was when it last heard of the feed.
        _ => ("?".to_owned(), "?".to_owned()),
    };
    [
        "consumer".to_owned(),
        consumer.name.clone(),
        consumer.position.to_string(),
        consumer.head_position.to_string(),
        events,
        lag,
        time(consumer.last_contact_time.as_ref()),
        state,
    ]
}
