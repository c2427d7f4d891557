//! Settings of a context that follows feeds.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{SEVEN_DAYS, Unusable, at_least, hours, refused};
use crate::consume::ConsumerSettings;
use crate::follow::FollowerSettings;

/// A shorter lease would end between two renewals of a live replica.
const MIN_LEASE_MS: u64 = 100;
/// Events of a frame of the feed that the contract allows.
const MAX_BATCH: usize = 10_000;
/// Characters of a subscriber's name that the contract allows.
const MAX_NAME: usize = 100;

/// `[<section>.consumer]`: all consumers of a context, however many feeds it follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsumerConfig {
    /// The name under which the feeds are told how far this context is. Default, and when empty: the server's name. Each
    /// database needs a name of its own, its replicas share one.
    pub subscriber_name: String,
    /// How often the checkpoint is told to the feed at most. Default 5000.
    pub report_ms: u64,
    /// Events that a transaction takes at most, 1 to 10000. Default 1000.
    pub max_batch: usize,
    /// Tries of an event that makes no sense before its key waits for an operator; at least 1. Default 5.
    pub max_attempts: i32,
    /// The first wait after a failure; doubled for each further one. Default 50.
    pub retry_ms: u64,
    /// The longest wait after a failure. Default 5000.
    pub max_retry_ms: u64,
    /// Keys that may be parked; past it the consumer stops. Default 1000.
    pub max_parked_keys: u64,
    /// Bytes of events that may be parked; past it the consumer stops. Default 64 MiB.
    pub max_parked_bytes: u64,
    /// How long the active replica may be silent before another takes over; at least 100. Default 3000.
    pub lease_ms: u64,
    /// How long it is remembered which parked events had their effect, in hours. Default 168. More than the age of
    /// any copy of the database that might be put back.
    pub inbox_hours: NonZeroU32,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            subscriber_name: String::new(),
            report_ms: 5000,
            max_batch: 1000,
            max_attempts: 5,
            retry_ms: 50,
            max_retry_ms: 5000,
            max_parked_keys: 1000,
            max_parked_bytes: 64 << 20,
            lease_ms: 3000,
            inbox_hours: SEVEN_DAYS,
        }
    }
}

impl ConsumerConfig {
    /// What a follower takes, or the first setting that cannot be used. `server` is the context's name.
    pub fn of(&self, server: &str) -> Result<FollowerSettings, Unusable> {
        at_least("consumer.report_ms", self.report_ms, 1)?;
        at_least("consumer.max_attempts", self.max_attempts, 1)?;
        at_least("consumer.lease_ms", self.lease_ms, MIN_LEASE_MS)?;
        if !(1..=MAX_BATCH).contains(&self.max_batch) {
            return refused("consumer.max_batch", &self.max_batch, &format!("1 to {MAX_BATCH}"));
        }
        if self.retry_ms < 1 || self.max_retry_ms < self.retry_ms {
            let must = "at least 1 and at most consumer.max_retry_ms";
            return refused("consumer.retry_ms", &self.retry_ms, must);
        }
        Ok(FollowerSettings {
            subscriber: self.subscriber(server)?,
            inbox_kept: hours(self.inbox_hours),
            lease: Duration::from_millis(self.lease_ms),
            consumer: ConsumerSettings {
                max_batch: self.max_batch,
                max_tries: self.max_attempts,
                max_parked_keys: self.max_parked_keys,
                max_parked_bytes: self.max_parked_bytes,
                first_backoff: Duration::from_millis(self.retry_ms),
                max_backoff: Duration::from_millis(self.max_retry_ms),
                report_interval: Duration::from_millis(self.report_ms),
                ..ConsumerSettings::default()
            },
        })
    }

    fn subscriber(&self, server: &str) -> Result<String, Unusable> {
        let name = if self.subscriber_name.is_empty() { server } else { &self.subscriber_name };
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        match name.len() <= MAX_NAME && name.bytes().all(allowed) {
            true => Ok(name.to_owned()),
            false => {
                let must = format!("1 to {MAX_NAME} characters of a-z, 0-9, '.', '_' and '-'");
                refused("consumer.subscriber_name", &format!("{name:?}"), &must)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_runtime_and_the_name_is_the_servers() {
        let settings = ConsumerConfig::default().of("order-query").unwrap();
        assert_eq!(format!("{:?}", settings.consumer), format!("{:?}", ConsumerSettings::default()));
        assert_eq!((settings.subscriber.as_str(), settings.lease), ("order-query", Duration::from_secs(3)));
        let named = ConsumerConfig { subscriber_name: "second".to_owned(), ..ConsumerConfig::default() };
        assert_eq!(named.of("order-query").unwrap().subscriber, "second");
    }

    #[test]
    fn a_value_that_cannot_be_used_is_refused_by_name() {
        let refused = |edit: fn(&mut ConsumerConfig)| {
            let mut config = ConsumerConfig::default();
            edit(&mut config);
            config.of("order-query").unwrap_err().key
        };
        for (key, found) in [
            ("subscriber_name", refused(|config| config.subscriber_name = "two words".to_owned())),
            ("subscriber_name", refused(|config| config.subscriber_name = "x".repeat(101))),
            ("max_batch", refused(|config| config.max_batch = 0)),
            ("max_batch", refused(|config| config.max_batch = 10_001)),
            ("max_attempts", refused(|config| config.max_attempts = 0)),
            ("retry_ms", refused(|config| config.retry_ms = 0)),
            ("retry_ms", refused(|config| config.max_retry_ms = 10)),
            ("report_ms", refused(|config| config.report_ms = 0)),
            ("lease_ms", refused(|config| config.lease_ms = 99)),
        ] {
            assert_eq!(found, format!("consumer.{key}"));
        }
    }
}
