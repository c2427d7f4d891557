//! order-command: the order write server.
//!
//! Owns what an order is, what is owed, and the only authoritative record of both. Publishes the order feed
//! (OrderCreated, OrderCancellationRequested, OrderCancelled). Reacts to no other context yet.
//!
//! Commands: [`command::place_order::PlaceOrder`], [`command::cancel_order::CancelOrder`].
//! Queries: none; the read server order-query follows the feed.
//! Subscriptions: none.
//!
//! # Layout
//! - [`domain`]: the Order aggregate, pure functions
//! - [`command`]: one file a command: load, decide, commit
//! - [`store`]: sea-orm entities, migrations, the unit of work
//! - [`codec`]: domain events and answers as stored bytes
//! - [`cli`]: its verbs on the command line, one file a verb
//! - [`grpc`]: wire to domain and back

pub mod cli;
pub mod codec;
pub mod command;
pub mod domain;
pub mod grpc;
pub mod store;

use std::fmt::Display;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::commit::Committer;
use ordermesh_feed::group::{GroupSettings, Groups};
use ordermesh_feed::log::{EventLog, FeedSchema, PAGE_BYTES};
use ordermesh_feed::project::Followers;
use ordermesh_feed::retention::{Kept, Pruner};
use ordermesh_feed::serve::FeedServer;
use ordermesh_feed::store::PatientConnection;
use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_proto::order::v1::order_command_service_server::OrderCommandServiceServer;
use ordermesh_proto::order::v1::order_event_service_server::OrderEventServiceServer;
use ordermesh_service::config::{ConfigError, MaskedUrl};
use ordermesh_service::{Environment, Services, StartError};
use sea_orm::DatabaseConnection;
use serde::{Deserialize, Serialize};

/// Name of the server.
pub const NAME: &str = "order-command";
/// Name of its section of the configuration.
pub const SECTION: &str = "order_command";

/// The feed that it publishes.
pub const FEED: Option<FeedSchema> = Some(ORDERS);

const ORDERS: FeedSchema = FeedSchema { events: ORDER_V1, key_description: "order id" };

/// Settings of the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database, sqlite:PATH or postgres://…; empty: order-command.db in the data directory.
    pub database_url: MaskedUrl,
    /// Bytes of recent events kept in memory for subscribers. Default 16 MiB.
    pub feed_tail_bytes: usize,
    /// Bytes of events that are read at once, but for the last event; 1 to 2 MiB. Default 512 KiB.
    pub feed_page_bytes: usize,
    /// After so many seconds a stream says `closing`, and its client opens it again, perhaps at another replica; 0 means
    /// never. Default 0.
    pub feed_max_age_seconds: u32,
    /// How long the slots of a group's member stay its own when nothing renews them; at least 100. Default 10000.
    pub group_lease_ms: u64,
    /// Attempts to deliver an event to a group before its key is parked; at least 1. Default 5.
    pub group_max_attempts: i32,
    /// Wait before the second attempt; doubled for each further one up to 60 s, with jitter of up to a half. Default 500.
    pub group_retry_ms: u64,
    /// Keys that a group may have parked. Default 1000.
    pub group_max_parked_keys: u64,
    /// Bytes of events that a group may have parked. Default 64 MiB.
    pub group_max_parked_bytes: u64,
    /// Bytes of events that the stream of a group's member holds; at least 1. Default 8 MiB.
    pub group_held_bytes: usize,
    /// How long a request_id is remembered, in hours. Default 168, the 7 days of the contract; callers that repeat
    /// themselves later than this place a second order.
    pub idempotency_retention_hours: NonZeroU32,
}

/// A shorter lease would end between two renewals of a live member.
const MIN_GROUP_LEASE_MS: u64 = 100;

/// A member holds an eighth of it a key; less than a few events are no use.
const MIN_GROUP_HELD_BYTES: usize = 64 << 10;
/// A page and one large event more must fit into the 4 MiB that standard clients take in one message.
const MAX_FEED_PAGE_BYTES: usize = 2 << 20;

const SEVEN_DAYS: NonZeroU32 = NonZeroU32::new(7 * 24).expect("seven is not zero");

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: MaskedUrl::default(),
            feed_tail_bytes: 16 << 20,
            feed_page_bytes: PAGE_BYTES,
            feed_max_age_seconds: 0,
            idempotency_retention_hours: SEVEN_DAYS,
            group_lease_ms: 10_000,
            group_max_attempts: 5,
            group_retry_ms: 500,
            group_max_parked_keys: 1000,
            group_max_parked_bytes: 64 << 20,
            group_held_bytes: 8 << 20,
        }
    }
}

fn refused<T>(key: &str, value: &dyn Display, must: &str) -> Result<T, ConfigError> {
    Err(ConfigError::invalid(&format!("{SECTION}.{key}"), value, must))
}

impl Config {
    fn page_bytes(&self) -> Result<usize, ConfigError> {
        match (1..=MAX_FEED_PAGE_BYTES).contains(&self.feed_page_bytes) {
            true => Ok(self.feed_page_bytes),
            false => {
                let must = format!("1 to {MAX_FEED_PAGE_BYTES}");
                refused("feed_page_bytes", &self.feed_page_bytes, &must)
            }
        }
    }

    fn groups(&self) -> Result<GroupSettings, ConfigError> {
        if self.group_lease_ms < MIN_GROUP_LEASE_MS {
            let must = format!("at least {MIN_GROUP_LEASE_MS}");
            return refused("group_lease_ms", &self.group_lease_ms, &must);
        }
        if self.group_max_attempts < 1 {
            return refused("group_max_attempts", &self.group_max_attempts, "at least 1");
        }
        if self.group_held_bytes < MIN_GROUP_HELD_BYTES {
            let must = format!("at least {MIN_GROUP_HELD_BYTES}");
            return refused("group_held_bytes", &self.group_held_bytes, &must);
        }
        Ok(GroupSettings {
            held_bytes: self.group_held_bytes,
            lease: Duration::from_millis(self.group_lease_ms),
            max_attempts: self.group_max_attempts,
            retry_initial: Duration::from_millis(self.group_retry_ms),
            max_parked_keys: self.group_max_parked_keys,
            max_parked_bytes: self.group_max_parked_bytes,
            ..GroupSettings::default()
        })
    }
}

/// Opens the database and makes the services.
pub async fn start(environment: &Environment, services: &mut Services) -> Result<Followers, StartError> {
    let config: Config = environment.settings.section(SECTION)?;
    let (group_settings, page_bytes) = (config.groups()?, config.page_bytes()?);
    let database = environment.database::<store::Migrator>(NAME, &config.database_url).await?;
    let clock = environment.clock.clone();
    let log = EventLog::open(
        &database.writer,
        database.reader.clone(),
        ORDERS,
        config.feed_tail_bytes,
        clock.as_ref(),
    );
    let patience = environment.settings.database.patience();
    let log = Arc::new(log.await?.with_page_bytes(page_bytes).with_patience(patience));
    let (tasks, shutdown) = (environment.tasks.clone(), environment.shutdown.clone());
    log.follow(&tasks, shutdown.clone());
    let records = Kept {
        table: "idempotency_records",
        column: "recorded_time",
        age: Duration::from_secs(u64::from(config.idempotency_retention_hours.get()) * 3600),
    };
    let patient = |connections: &DatabaseConnection| PatientConnection::new(connections.clone(), patience);
    let writer = patient(&database.writer);
    Pruner::new(writer.clone(), clock.clone(), vec![records]).start(&tasks, shutdown.clone());
    let committer =
        Committer::start(database.writer.clone(), log.clone(), clock.clone(), &tasks, shutdown.clone());
    let groups = Groups::new(writer, patient(&database.reader), group_settings, clock.clone());
    let max_age = Duration::from_secs(config.feed_max_age_seconds.into());
    let feed = FeedServer::new(log, groups, clock, shutdown, tasks)
        .with_max_age(Some(max_age).filter(|age| !age.is_zero()));
    let limit = environment.settings.server.max_request_bytes;
    services
        .add(
            OrderCommandServiceServer::new(grpc::CommandService::new(committer))
                .max_decoding_message_size(limit),
        )
        .add(OrderEventServiceServer::new(grpc::EventService::new(feed)).max_decoding_message_size(limit));
    Ok(Followers::default())
}
