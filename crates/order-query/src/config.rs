//! Settings of the server.

use std::fmt::Display;
use std::num::NonZeroU32;
use std::time::Duration;

use ordermesh_feed::consume::ConsumerSettings;
use ordermesh_service::config::{ConfigError, MaskedUrl};
use serde::{Deserialize, Serialize};

use crate::{NAME, SECTION};

/// A shorter lease would end between two renewals of a live replica.
const MIN_LEASE_MS: u64 = 100;
/// Events of a frame of the feed that the contract allows.
const MAX_BATCH: usize = 10_000;
/// Characters of a subscriber's name that the contract allows.
const MAX_NAME: usize = 100;
/// What is left of a call when it has waited for its `at_least` as long as it may.
const TIME_TO_ANSWER: Duration = Duration::from_secs(1);

const SEVEN_DAYS: NonZeroU32 = NonZeroU32::new(7 * 24).expect("seven is not zero");

/// Settings of the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database; empty: order-query.db in the data directory.
    pub database_url: MaskedUrl,
    /// How long a query waits for the read model to reach its `at_least`, in milliseconds. Default 2000. At most what
    /// calls wait for the database, less a second for the answer.
    pub at_least_wait_ms: u64,
    /// The name under which the read model's checkpoint is told to the order feed. Default order-query; each database
    /// needs a name of its own, its replicas share one.
    pub subscriber_name: String,
    /// How often the checkpoint is told to the order feed at most. Default 5000.
    pub consumer_report_ms: u64,
    /// Events that a transaction takes at most, 1 to 10000. Default 1000.
    pub consumer_max_batch: usize,
    /// Tries of an event that makes no sense before its order waits for an operator; at least 1. Default 5.
    pub consumer_max_attempts: i32,
    /// The first wait after a failure; doubled for each further one. Default 50.
    pub consumer_retry_ms: u64,
    /// The longest wait after a failure. Default 5000.
    pub consumer_max_retry_ms: u64,
    /// Orders that may be parked; past it the read model stops. Default 1000.
    pub consumer_max_parked_keys: u64,
    /// Bytes of events that may be parked; past it the read model stops. Default 64 MiB.
    pub consumer_max_parked_bytes: u64,
    /// How long the replica that writes may be silent before another takes over; at least 100. Default 3000.
    pub consumer_lease_ms: u64,
    /// How long it is remembered which parked events had their effect, in hours. Default 168. More than the age of
    /// any copy of the database that might be put back.
    pub consumer_inbox_hours: NonZeroU32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: MaskedUrl::default(),
            at_least_wait_ms: 2000,
            subscriber_name: NAME.to_owned(),
            consumer_report_ms: 5000,
            consumer_max_batch: 1000,
            consumer_max_attempts: 5,
            consumer_retry_ms: 50,
            consumer_max_retry_ms: 5000,
            consumer_max_parked_keys: 1000,
            consumer_max_parked_bytes: 64 << 20,
            consumer_lease_ms: 3000,
            consumer_inbox_hours: SEVEN_DAYS,
        }
    }
}

impl Config {
    /// How the consumer works. `shared`: on a database that several replicas may have.
    pub(crate) fn consumer(&self, shared: bool) -> ConsumerSettings {
        ConsumerSettings {
            max_batch: self.consumer_max_batch,
            max_tries: self.consumer_max_attempts,
            max_parked_keys: self.consumer_max_parked_keys,
            max_parked_bytes: self.consumer_max_parked_bytes,
            first_backoff: Duration::from_millis(self.consumer_retry_ms),
            max_backoff: Duration::from_millis(self.consumer_max_retry_ms),
            report_interval: Duration::from_millis(self.consumer_report_ms),
            lease: shared.then_some(Duration::from_millis(self.consumer_lease_ms)),
            ..ConsumerSettings::default()
        }
    }

    pub(crate) fn inbox_kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.consumer_inbox_hours.get()) * 3600)
    }

    /// Refuses what cannot be used, by name. Calls are cut off after `patience`.
    pub(crate) fn check(&self, patience: Duration) -> Result<(), ConfigError> {
        let refused = |key: &str, value: &dyn Display, must: &str| {
            Err(ConfigError::invalid(&format!("{SECTION}.{key}"), value, must))
        };
        let name = &self.subscriber_name;
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(allowed) {
            let must = format!("1 to {MAX_NAME} characters of a-z, 0-9, '.', '_' and '-'");
            return refused("subscriber_name", &format!("{name:?}"), &must);
        }
        if !(1..=MAX_BATCH).contains(&self.consumer_max_batch) {
            return refused("consumer_max_batch", &self.consumer_max_batch, &format!("1 to {MAX_BATCH}"));
        }
        if self.consumer_max_attempts < 1 {
            return refused("consumer_max_attempts", &self.consumer_max_attempts, "at least 1");
        }
        if self.consumer_retry_ms < 1 || self.consumer_max_retry_ms < self.consumer_retry_ms {
            let must = "at least 1 and at most order_query.consumer_max_retry_ms";
            return refused("consumer_retry_ms", &self.consumer_retry_ms, must);
        }
        // A caller who waits longer would be told that the database does not answer.
        let longest = patience.saturating_sub(TIME_TO_ANSWER);
        if Duration::from_millis(self.at_least_wait_ms) > longest {
            let must = format!("at most {}, the sum of database.*_timeout_ms", longest.as_millis());
            return refused("at_least_wait_ms", &self.at_least_wait_ms, &must);
        }
        if self.consumer_report_ms < 1 {
            return refused("consumer_report_ms", &self.consumer_report_ms, "at least 1");
        }
        if self.consumer_lease_ms < MIN_LEASE_MS {
            return refused(
                "consumer_lease_ms",
                &self.consumer_lease_ms,
                &format!("at least {MIN_LEASE_MS}"),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ordermesh_service::config::DatabaseSettings;

    #[test]
    fn a_query_may_wait_as_long_as_calls_wait_for_the_database_less_the_time_to_answer() {
        let config = Config { at_least_wait_ms: 15_000, ..Config::default() };
        config.check(DatabaseSettings::default().patience()).unwrap();
        let for_ever = DatabaseSettings { statement_timeout_ms: 0, ..DatabaseSettings::default() };
        Config { at_least_wait_ms: u64::MAX, ..config }.check(for_ever.patience()).unwrap();
    }

    #[test]
    fn the_defaults_are_those_of_the_runtime_and_a_lease_belongs_to_a_shared_database() {
        let settings = Config::default().consumer(true);
        let expected =
            ConsumerSettings { lease: Some(Duration::from_secs(3)), ..ConsumerSettings::default() };
        assert_eq!(format!("{settings:?}"), format!("{expected:?}"));
        assert_eq!(Config::default().consumer(false).lease, None);
    }

    #[test]
    fn a_value_that_cannot_be_used_is_refused_by_name() {
        let with = |edit: fn(&mut Config)| {
            let mut config = Config::default();
            edit(&mut config);
            config.check(DatabaseSettings::default().patience()).unwrap_err().to_string()
        };
        for (refusal, key) in [
            (with(|config| config.subscriber_name = "two words".to_owned()), "subscriber_name"),
            (with(|config| config.consumer_max_batch = 0), "consumer_max_batch"),
            (with(|config| config.consumer_max_attempts = 0), "consumer_max_attempts"),
            (with(|config| config.consumer_max_retry_ms = 10), "consumer_retry_ms"),
            (with(|config| config.consumer_report_ms = 0), "consumer_report_ms"),
            (with(|config| config.at_least_wait_ms = 15_001), "at_least_wait_ms"),
            (with(|config| config.consumer_lease_ms = 99), "consumer_lease_ms"),
        ] {
            assert!(refusal.contains(&format!("`order_query.{key}`")), "{refusal}");
        }
    }
}
