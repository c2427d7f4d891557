//! Settings of a context that publishes a feed.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{SEVEN_DAYS, Unusable, at_least, hours, refused};
use crate::group::GroupSettings;
use crate::log::PAGE_BYTES;
use crate::publish::PublisherSettings;

/// A shorter lease would end between two renewals of a live member.
const MIN_LEASE_MS: u64 = 100;
/// A member holds an eighth of it a key; less than a few events are no use.
const MIN_HELD_BYTES: usize = 64 << 10;
/// A page and one large event more must fit into the 4 MiB that standard clients take in one message.
const MAX_PAGE_BYTES: usize = 2 << 20;

/// `[<section>.feed]`: the feed, and how long commands are remembered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeedConfig {
    /// Bytes of recent events kept in memory for subscribers. Default 16 MiB.
    pub tail_bytes: usize,
    /// Bytes of events that are read at once, but for the last event; 1 to 2 MiB. Default 512 KiB.
    pub page_bytes: usize,
    /// After so many seconds a stream says `closing`, and its client opens it again, perhaps at another replica; 0 means
    /// never. Default 0.
    pub max_age_seconds: u32,
    /// How long a request_id is remembered, in hours. Default 168, the 7 days of the contract; callers that repeat
    /// themselves later than this have their command carried out a second time.
    pub idempotency_retention_hours: NonZeroU32,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            tail_bytes: 16 << 20,
            page_bytes: PAGE_BYTES,
            max_age_seconds: 0,
            idempotency_retention_hours: SEVEN_DAYS,
        }
    }
}

/// `[<section>.groups]`: the consumer groups of the feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupsConfig {
    /// How long the slots of a group's member stay its own when nothing renews them; at least 100. Default 10000.
    pub lease_ms: u64,
    /// Attempts to deliver an event to a group before its key is parked; at least 1. Default 5.
    pub max_attempts: i32,
    /// Wait before the second attempt; doubled for each further one up to 60 s, with jitter of up to a half. Default 500.
    pub retry_ms: u64,
    /// Keys that a group may have parked. Default 1000.
    pub max_parked_keys: u64,
    /// Bytes of events that a group may have parked. Default 64 MiB.
    pub max_parked_bytes: u64,
    /// Bytes of events that the stream of a group's member holds; at least 64 KiB. Default 8 MiB.
    pub held_bytes: usize,
}

impl Default for GroupsConfig {
    fn default() -> Self {
        Self {
            lease_ms: 10_000,
            max_attempts: 5,
            retry_ms: 500,
            max_parked_keys: 1000,
            max_parked_bytes: 64 << 20,
            held_bytes: 8 << 20,
        }
    }
}

impl FeedConfig {
    /// What a publisher takes: these settings and those of its groups, or the first that cannot be used.
    pub fn with(&self, groups: &GroupsConfig) -> Result<PublisherSettings, Unusable> {
        if !(1..=MAX_PAGE_BYTES).contains(&self.page_bytes) {
            return refused("feed.page_bytes", &self.page_bytes, &format!("1 to {MAX_PAGE_BYTES}"));
        }
        let max_age = Duration::from_secs(self.max_age_seconds.into());
        Ok(PublisherSettings {
            tail_bytes: self.tail_bytes,
            page_bytes: self.page_bytes,
            max_age: Some(max_age).filter(|age| !age.is_zero()),
            idempotency_retention: hours(self.idempotency_retention_hours),
            groups: groups.settings()?,
        })
    }
}

impl GroupsConfig {
    fn settings(&self) -> Result<GroupSettings, Unusable> {
        at_least("groups.lease_ms", self.lease_ms, MIN_LEASE_MS)?;
        at_least("groups.max_attempts", self.max_attempts, 1)?;
        at_least("groups.held_bytes", self.held_bytes, MIN_HELD_BYTES)?;
        Ok(GroupSettings {
            held_bytes: self.held_bytes,
            lease: Duration::from_millis(self.lease_ms),
            max_attempts: self.max_attempts,
            retry_initial: Duration::from_millis(self.retry_ms),
            max_parked_keys: self.max_parked_keys,
            max_parked_bytes: self.max_parked_bytes,
            ..GroupSettings::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used_and_are_those_of_the_runtime() {
        let settings = FeedConfig::default().with(&GroupsConfig::default()).unwrap();
        assert_eq!(format!("{:?}", settings.groups), format!("{:?}", GroupSettings::default()));
        assert_eq!((settings.max_age, settings.page_bytes), (None, PAGE_BYTES));
    }

    #[test]
    fn a_value_that_cannot_be_used_is_refused_by_name() {
        let refused = |edit: fn(&mut FeedConfig, &mut GroupsConfig)| {
            let (mut feed, mut groups) = (FeedConfig::default(), GroupsConfig::default());
            edit(&mut feed, &mut groups);
            feed.with(&groups).unwrap_err().key
        };
        assert_eq!(refused(|feed, _| feed.page_bytes = 0), "feed.page_bytes");
        assert_eq!(refused(|feed, _| feed.page_bytes = (2 << 20) + 1), "feed.page_bytes");
        assert_eq!(refused(|_, groups| groups.lease_ms = 99), "groups.lease_ms");
        assert_eq!(refused(|_, groups| groups.max_attempts = 0), "groups.max_attempts");
        assert_eq!(refused(|_, groups| groups.held_bytes = (64 << 10) - 1), "groups.held_bytes");
    }
}
