//! `ordermesh feed replay`: has parked events handled again, those of each key in their order.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::{Failure, Service};
use ordermesh_proto::feed::v1::consumer_service_replay_parked_events_request::What as OfConsumer;
use ordermesh_proto::feed::v1::replay_parked_events_request::What as OfGroup;
use ordermesh_proto::feed::v1::{
    ConsumerServiceReplayParkedEventsRequest, ParkedKeys, ReplayParkedEventsRequest,
};

use super::follower::{Follower, Whose};
use super::keys::Keys;
use super::services;

/// Whose events, and which.
#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    follower: Follower,
    #[command(flatten)]
    keys: Keys,
    /// Change the consumer's own state only: no mail, no payment, nothing that leaves it
    #[arg(long, conflicts_with = "group")]
    suppress_effects: bool,
}

impl Replay {
    /// Who is asked.
    pub fn service(&self) -> Service {
        self.follower.service()
    }
}

/// Asks for it: the server answers before it is done.
pub async fn run(replay: Replay, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let Replay { follower, keys, suppress_effects } = replay;
    let (whose, parked) = (follower.whose(), ParkedKeys { keys: keys.keys });
    let text = |count: i64| {
        let look = session.address.command(format_args!("feed parked {}", whose.flag()));
        format!("{count} keys are replayed; what stays is shown by  {look}")
    };
    match &whose {
        Whose::Group(group) => {
            let what = Some(if keys.all { OfGroup::All(true) } else { OfGroup::Keys(parked) });
            let request = ReplayParkedEventsRequest { group: group.clone(), what };
            let done = services::events(&session).replay_parked_events(unary(request)).await?.into_inner();
            session.out.answer(&done, |done| text(done.keys.into()))
        }
        Whose::Consumer(consumer) => {
            let what = Some(if keys.all { OfConsumer::All(true) } else { OfConsumer::Keys(parked) });
            let consumer = consumer.clone();
            let request = ConsumerServiceReplayParkedEventsRequest { consumer, what, suppress_effects };
            let done = services::consumers(&session).replay_parked_events(unary(request)).await?.into_inner();
            session.out.answer(&done, |done| text(done.key_count))
        }
    }
}
