//! The settings of feeds as every context has them in its section: `[<section>.feed]` and `[<section>.groups]` of one
//! that publishes, `[<section>.consumer]` of one that follows, `[<section>.due]` of one whose work
//! becomes due at a time.
//!
//! The types are read as they stand; only a check makes of them what the runtime takes. What cannot be used is named
//! by its key below the section, which the context knows.

mod consumer;
mod due;
mod publish;

use std::fmt::Display;
use std::num::NonZeroU32;
use std::time::Duration;

pub use consumer::ConsumerConfig;
pub use due::DueConfig;
pub use publish::{FeedConfig, GroupsConfig};

/// A setting whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {value}, but must be {must}")]
pub struct Unusable {
    /// Its key below the context's section, such as `groups.lease_ms`.
    pub key: &'static str,
    /// The value as it is set.
    pub value: String,
    /// What it must be.
    pub must: String,
}

fn refused<T>(key: &'static str, value: &dyn Display, must: &str) -> Result<T, Unusable> {
    Err(Unusable { key, value: value.to_string(), must: must.to_owned() })
}

fn at_least<T: PartialOrd + Display>(key: &'static str, value: T, least: T) -> Result<(), Unusable> {
    match value >= least {
        true => Ok(()),
        false => refused(key, &value, &format!("at least {least}")),
    }
}

const SEVEN_DAYS: NonZeroU32 = NonZeroU32::new(7 * 24).expect("seven is not zero");

fn hours(hours: NonZeroU32) -> Duration {
    Duration::from_secs(u64::from(hours.get()) * 3600)
}
