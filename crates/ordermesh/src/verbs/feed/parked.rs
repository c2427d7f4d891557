//! `ordermesh feed parked`: the events that a group or a consumer has set aside, and why.
//!
//! With `--json` one document of them all: each event itself, or its envelope where the rest cannot be read, beside what
//! is known of its key. Personal data is masked as everywhere.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::{Failure, Service};
use ordermesh_console::render::{table, time};
use ordermesh_proto::feed::v1::{
    ConsumerParkedEvent, ConsumerServiceListParkedEventsRequest, EventEnvelope, ListParkedEventsRequest,
    ParkedEvent,
};
use ordermesh_proto::order::v1::OrderEvent;
use prost::Message;
use prost::bytes::Bytes;
use serde_json::{Value, json};

use super::follower::{Follower, Whose};
use super::services;

/// Whose parked events.
#[derive(Debug, Args)]
pub struct Parked {
    #[command(flatten)]
    follower: Follower,
    /// Only events of this key, which is an order id
    #[arg(long, value_name = "KEY", default_value = "", hide_default_value = true)]
    key: String,
}

impl Parked {
    /// Who is asked.
    pub fn service(&self) -> Service {
        self.follower.service()
    }
}

/// One parked event, whoever has parked it.
pub struct Row {
    /// What every event carries.
    pub envelope: EventEnvelope,
    bytes: Bytes,
    reason: String,
    attempts: i32,
    parked_time: Option<prost_types::Timestamp>,
    replaying: bool,
}

/// Prints all of them, oldest first.
pub async fn run(parked: Parked, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let rows = rows(&session, &parked.follower.whose(), &parked.key).await?;
    match session.out.is_json() {
        true => {
            let events = rows.iter().map(|row| document(row, &session)).collect::<Result<Vec<_>, _>>()?;
            session.out.document(&json!({ "parked_events": events }))
        }
        false => {
            let header = ["POSITION", "TYPE", "KEY", "TRIES", "PARKED", "STATE", "REASON"];
            session.out.text(&table(header, rows.iter().map(text)))
        }
    }
}

/// Everything that is parked, of all keys when `key` is empty.
pub async fn rows(session: &Session, whose: &Whose, key: &str) -> Result<Vec<Row>, Failure> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        page_token = match whose {
            Whose::Group(group) => {
                let (group, key) = (group.clone(), key.to_owned());
                let request = ListParkedEventsRequest { group, key, page_size: 0, page_token };
                let page = services::events(session).list_parked_events(unary(request)).await?.into_inner();
                for event in page.parked_events {
                    rows.push(Row::of_group(event)?);
                }
                page.next_page_token
            }
            Whose::Consumer(consumer) => {
                let (consumer, key) = (consumer.clone(), key.to_owned());
                let request =
                    ConsumerServiceListParkedEventsRequest { consumer, key, page_size: 0, page_token };
                let page =
                    services::consumers(session).list_parked_events(unary(request)).await?.into_inner();
                for event in page.events {
                    rows.push(Row::of_consumer(event)?);
                }
                page.next_page_token
            }
        };
        if page_token.is_empty() {
            return Ok(rows);
        }
    }
}

impl Row {
    fn of_group(event: ParkedEvent) -> Result<Self, Failure> {
        let ParkedEvent { event: bytes, reason, attempts, parked_time, replaying } = event;
        Ok(Self { envelope: envelope(&bytes)?, bytes, reason, attempts, parked_time, replaying })
    }

    fn of_consumer(event: ConsumerParkedEvent) -> Result<Self, Failure> {
        let ConsumerParkedEvent { event: bytes, reason, attempts, key_parked_time, replaying, .. } = event;
        let parked_time = key_parked_time;
        Ok(Self { envelope: envelope(&bytes)?, bytes, reason, attempts, parked_time, replaying })
    }
}

fn envelope(bytes: &Bytes) -> Result<EventEnvelope, Failure> {
    EventEnvelope::decode(bytes.clone())
        .map_err(|error| Failure::unexpected(format_args!("a parked event cannot be read: {error}")))
}

fn text(row: &Row) -> [String; 7] {
    let state = if row.replaying { "replaying" } else { "waits" };
    [
        row.envelope.position.to_string(),
        row.envelope.r#type.clone(),
        row.envelope.key.clone(),
        row.attempts.to_string(),
        time(row.parked_time.as_ref()),
        state.to_owned(),
        row.reason.clone(),
    ]
}

fn document(row: &Row, session: &Session) -> Result<Value, Failure> {
    let event = match OrderEvent::decode(row.bytes.clone()) {
        Ok(event) => session.out.value(&event)?,
        // Perhaps that is why it is parked.
        Err(_) => session.out.value(&row.envelope)?,
    };
    Ok(json!({
        "event": event,
        "reason": row.reason,
        "attempts": row.attempts,
        "parked_time": row.parked_time.as_ref().map(|parked| time(Some(parked))),
        "replaying": row.replaying,
    }))
}
