//! `ordermesh feed discard`: gives parked events up. They never have an effect at who parked them.
//!
//! Key by key: what was discarded before a failure stays so, and the failure names it.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::{Failure, Service};
use ordermesh_console::parse::at_least;
use ordermesh_proto::feed::v1::{ConsumerServiceDiscardParkedEventsRequest, DiscardParkedEventsRequest};
use serde_json::json;

use super::follower::{Follower, Whose};
use super::keys::Keys;
use super::services;

/// Whose events, and which.
#[derive(Debug, Args)]
pub struct Discard {
    #[command(flatten)]
    follower: Follower,
    #[command(flatten)]
    keys: Keys,
    /// Only events up to and with this position
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "all",
        value_parser = at_least::<1>,
        allow_negative_numbers = true
    )]
    up_to_position: Option<i64>,
}

impl Discard {
    /// Who is asked.
    pub fn service(&self) -> Service {
        self.follower.service()
    }
}

/// Discards and prints, key by key.
pub async fn run(discard: Discard, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let whose = discard.follower.whose();
    let up_to_position = discard.up_to_position.unwrap_or(0);
    let keys = discard.keys.named(&session, &whose).await?;
    if keys.is_empty() && !session.out.is_json() {
        return session.out.text("nothing is parked");
    }
    let (mut done, mut documents) = (Vec::new(), Vec::new());
    for key in keys {
        let events = one(&session, &whose, key.clone(), up_to_position).await;
        let events = events.map_err(|failure| failure.after_some(&done, "discarded"))?;
        match session.out.is_json() {
            true => documents.push(json!({ "key": key, "discarded_events": events })),
            false => session.out.text(&format!("{key}: {events} events are discarded"))?,
        }
        done.push(key);
    }
    match session.out.is_json() {
        true => session.out.document(&json!({ "discarded": documents })),
        false => Ok(()),
    }
}

async fn one(session: &Session, whose: &Whose, key: String, up_to_position: i64) -> Result<i64, Failure> {
    match whose {
        Whose::Group(group) => {
            let request = DiscardParkedEventsRequest { group: group.clone(), key, up_to_position };
            let done = services::events(session).discard_parked_events(unary(request)).await?.into_inner();
            Ok(done.discarded_events)
        }
        Whose::Consumer(consumer) => {
            let consumer = consumer.clone();
            let request = ConsumerServiceDiscardParkedEventsRequest { consumer, key, up_to_position };
            Ok(services::consumers(session)
                .discard_parked_events(unary(request))
                .await?
                .into_inner()
                .event_count)
        }
    }
}
