//! Settings of the server.

use std::time::Duration;

use ordermesh_feed::config::{ConsumerConfig, Unusable};
use ordermesh_feed::follow::FollowerSettings;
use ordermesh_service::config::{ConfigError, MaskedUrl};
use serde::{Deserialize, Serialize};

use crate::{NAME, SECTION};

/// What is left of a call when it has waited for its `at_least` as long as it may.
const TIME_TO_ANSWER: Duration = Duration::from_secs(1);

/// Settings of the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database; empty: order-query.db in the data directory.
    pub database_url: MaskedUrl,
    /// How long a query waits for the read model to reach its `at_least`, in milliseconds. Default 2000. At most what
    /// calls wait for the database, less a second for the answer.
    pub at_least_wait_ms: u64,
    /// How the order feed is followed.
    pub consumer: ConsumerConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: MaskedUrl::default(),
            at_least_wait_ms: 2000,
            consumer: ConsumerConfig::default(),
        }
    }
}

impl Config {
    /// How the feed is followed. Refuses what cannot be used, by name. Calls are cut off after `patience`.
    pub(crate) fn follower(&self, patience: Duration) -> Result<FollowerSettings, ConfigError> {
        // A caller who waits longer would be told that the database does not answer.
        let longest = patience.saturating_sub(TIME_TO_ANSWER);
        if Duration::from_millis(self.at_least_wait_ms) > longest {
            let must = format!("at most {}, the sum of database.*_timeout_ms", longest.as_millis());
            return Err(ConfigError::invalid(
                &format!("{SECTION}.at_least_wait_ms"),
                self.at_least_wait_ms,
                &must,
            ));
        }
        self.consumer.of(NAME).map_err(unusable)
    }
}

fn unusable(setting: Unusable) -> ConfigError {
    ConfigError::invalid(&format!("{SECTION}.{}", setting.key), setting.value, &setting.must)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ordermesh_service::config::DatabaseSettings;

    #[test]
    fn a_query_may_wait_as_long_as_calls_wait_for_the_database_less_the_time_to_answer() {
        let config = Config { at_least_wait_ms: 15_000, ..Config::default() };
        config.follower(DatabaseSettings::default().patience()).unwrap();
        let for_ever = DatabaseSettings { statement_timeout_ms: 0, ..DatabaseSettings::default() };
        Config { at_least_wait_ms: u64::MAX, ..config }.follower(for_ever.patience()).unwrap();
    }

    #[test]
    fn a_value_that_cannot_be_used_is_refused_by_name() {
        let with = |edit: fn(&mut Config)| {
            let mut config = Config::default();
            edit(&mut config);
            config.follower(DatabaseSettings::default().patience()).unwrap_err().to_string()
        };
        for (refusal, key) in [
            (
                with(|config| config.consumer.subscriber_name = "two words".to_owned()),
                "consumer.subscriber_name",
            ),
            (with(|config| config.consumer.lease_ms = 99), "consumer.lease_ms"),
            (with(|config| config.at_least_wait_ms = 15_001), "at_least_wait_ms"),
        ] {
            assert!(refusal.contains(&format!("`order_query.{key}`")), "{refusal}");
        }
    }
}
