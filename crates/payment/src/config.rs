//! Settings of the server.

use std::fmt::Display;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ordermesh_feed::config::{ConsumerConfig, FeedConfig, GroupsConfig, Unusable};
use ordermesh_service::Secret;
use ordermesh_service::config::{ConfigError, MaskedUrl};
use serde::{Deserialize, Serialize};

use crate::SECTION;
use crate::domain::Terms;
use crate::worker::WorkerSettings;

/// Settings of the server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database, sqlite:PATH or postgres://…; empty: payment.db in the data directory.
    pub database_url: MaskedUrl,
    /// Who moves the money.
    pub gateway: GatewayKind,
    /// What is done at the provider.
    pub operations: OperationsConfig,
    /// Stripe, when it is the gateway.
    pub stripe: StripeConfig,
    /// The payment feed.
    pub feed: FeedConfig,
    /// Its consumer groups.
    pub groups: GroupsConfig,
    /// How the order feed is followed.
    pub consumer: ConsumerConfig,
}

/// Who moves the money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayKind {
    /// Nobody: cards by token, see docs/payment.md.
    #[default]
    Sandbox,
    /// Stripe.
    Stripe,
}

/// `[payment.operations]`: what is done at the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperationsConfig {
    /// The wait after a first failure; doubled for each further one, for ever. Default 1000.
    pub retry_ms: u64,
    /// The longest wait after a failure. Default 3600000, an hour.
    pub max_retry_ms: u64,
    /// How often the provider is asked about an attempt that waits for the customer. Default 300000.
    pub action_wait_ms: u64,
    /// How long the provider knows an idempotency key; past it nothing is sent again under it. Default 24, Stripe's.
    pub key_lifetime_hours: NonZeroU32,
    /// How long a call of the provider may take until its outcome is unknown. Default 30000.
    pub call_timeout_ms: u64,
    /// How long a worker has an operation for itself; at least three times `call_timeout_ms`, at most half of
    /// `key_lifetime_hours`. Default 120000.
    pub lease_ms: u64,
    /// Operations that are carried out at once; at least 1. Default 32.
    pub concurrency: usize,
    /// How often it is looked for what is due; at least 10. Default 500.
    pub interval_ms: u64,
}

impl Default for OperationsConfig {
    fn default() -> Self {
        Self {
            retry_ms: 1000,
            max_retry_ms: 3_600_000,
            action_wait_ms: 300_000,
            key_lifetime_hours: NonZeroU32::new(24).expect("24 is not zero"),
            call_timeout_ms: 30_000,
            lease_ms: 120_000,
            concurrency: 32,
            interval_ms: 500,
        }
    }
}

/// `[payment.stripe]`: Stripe, when it is the gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StripeConfig {
    /// Where its API answers: https, or http on this machine alone. Default `https://api.stripe.com`.
    pub base_url: MaskedUrl,
    /// The secret key of the account.
    pub secret_key: Secret,
    /// Where the customer comes back to after an action such as 3-D Secure; empty: the shop's page sees to the action.
    pub return_url: String,
    /// The secret that webhooks are signed with; empty: none are taken. They come to `/webhooks/stripe` of
    /// `server.http_listen`.
    pub webhook_secret: Secret,
    /// How old a webhook's signature may be. Default 300.
    pub webhook_tolerance_seconds: u32,
}

impl Default for StripeConfig {
    fn default() -> Self {
        Self {
            base_url: MaskedUrl::from("https://api.stripe.com".to_owned()),
            secret_key: Secret::default(),
            return_url: String::new(),
            webhook_secret: Secret::default(),
            webhook_tolerance_seconds: 300,
        }
    }
}

fn refused<T>(key: &str, value: &dyn Display, must: &str) -> Result<T, ConfigError> {
    Err(ConfigError::invalid(&format!("{SECTION}.{key}"), value, must))
}

/// A setting of the shared sections that cannot be used.
pub(crate) fn unusable(setting: Unusable) -> ConfigError {
    ConfigError::invalid(&format!("{SECTION}.{}", setting.key), setting.value, &setting.must)
}

impl StripeConfig {
    /// Refuses what cannot be used, by name.
    pub(crate) fn check(&self, http_listen: &str) -> Result<(), ConfigError> {
        let url = self.base_url.reveal();
        let Ok(uri) = url.parse::<http::Uri>() else {
            return refused("stripe.base_url", &self.base_url, "an https URL");
        };
        // The secret key goes with every call: in clear it does not leave the machine.
        let is_safe = url.starts_with("https://") || url.starts_with("http://") && is_this_machine(&uri);
        if !is_safe {
            let must = "an https URL, or an http one of this machine (localhost, 127.0.0.1, [::1]), since the secret key is sent there";
            return refused("stripe.base_url", &self.base_url, must);
        }
        if self.secret_key.is_empty() {
            let what = "the secret key of the account, since payment.gateway is stripe";
            return Err(ConfigError::missing(&format!("{SECTION}.stripe.secret_key"), what));
        }
        if !self.webhook_secret.is_empty() && http_listen.is_empty() {
            let what = "where webhooks come to, since payment.stripe.webhook_secret is set";
            return Err(ConfigError::missing("server.http_listen", what));
        }
        Ok(())
    }
}

fn is_this_machine(uri: &http::Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

impl OperationsConfig {
    /// How patient payment is with its provider, and how its worker works; or the first setting that cannot be used.
    pub(crate) fn check(&self) -> Result<(Terms, WorkerSettings), ConfigError> {
        if self.retry_ms < 1 || self.max_retry_ms < self.retry_ms {
            let must = "at least 1 and at most payment.operations.max_retry_ms";
            return refused("operations.retry_ms", &self.retry_ms, must);
        }
        if self.call_timeout_ms < 1 || self.lease_ms / 3 < self.call_timeout_ms {
            let must = "at least 1 and at most a third of payment.operations.lease_ms";
            return refused("operations.call_timeout_ms", &self.call_timeout_ms, must);
        }
        // A key counts as forgotten once a call that is claimed now may arrive too late: none would ever be sent.
        let key_lifetime_ms = u64::from(self.key_lifetime_hours.get()) * 3_600_000;
        if self.lease_ms > key_lifetime_ms / 2 {
            let must = "at most half of payment.operations.key_lifetime_hours";
            return refused("operations.lease_ms", &self.lease_ms, must);
        }
        if self.concurrency < 1 {
            return refused("operations.concurrency", &self.concurrency, "at least 1");
        }
        if self.interval_ms < 10 {
            return refused("operations.interval_ms", &self.interval_ms, "at least 10");
        }
        let terms = Terms {
            first_wait: Duration::from_millis(self.retry_ms),
            longest_wait: Duration::from_millis(self.max_retry_ms),
            action_wait: Duration::from_millis(self.action_wait_ms),
            key_lifetime: Duration::from_millis(key_lifetime_ms),
        };
        let settings = WorkerSettings {
            lease: Duration::from_millis(self.lease_ms),
            call_timeout: Duration::from_millis(self.call_timeout_ms),
            concurrency: self.concurrency,
            interval: Duration::from_millis(self.interval_ms),
        };
        Ok((terms, settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used() {
        OperationsConfig::default().check().unwrap();
    }

    fn stripe(base_url: &str) -> StripeConfig {
        StripeConfig {
            base_url: MaskedUrl::from(base_url.to_owned()),
            secret_key: Secret::from("sk_test".to_owned()),
            ..StripeConfig::default()
        }
    }

    #[test]
    fn the_secret_key_leaves_the_machine_by_tls_alone() {
        let good = [
            "https://api.stripe.com",
            "https://127.0.0.1",
            "http://localhost:1/",
            "http://127.0.0.1:12111",
            "http://[::1]:1",
        ];
        for url in good {
            stripe(url).check("").unwrap();
        }
        let bad = [
            "http://api.stripe.com",
            "http://127.0.0.1.example.org",
            "http://127.0.0.1@example.org",
            "http://localhost.example.org:80",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://[::]",
            "http://",
            "ftp://localhost",
            "localhost",
            "",
        ];
        for url in bad {
            let refusal = stripe(url).check("").unwrap_err().to_string();
            assert!(refusal.contains("`payment.stripe.base_url`"), "{url}: {refusal}");
        }
    }

    #[test]
    fn a_secret_for_webhooks_needs_a_listener_that_they_come_to() {
        let webhook_secret = Secret::from("whsec".to_owned());
        let config = StripeConfig { webhook_secret, ..stripe("https://api.stripe.com") };
        let refusal = config.check("").unwrap_err().to_string();
        assert!(refusal.contains("`server.http_listen`") && refusal.contains("webhook_secret"), "{refusal}");
        config.check("127.0.0.1:8080").unwrap();
    }

    #[test]
    fn a_value_that_cannot_be_used_is_refused_by_name() {
        let refused = |edit: fn(&mut OperationsConfig)| {
            let mut config = OperationsConfig::default();
            edit(&mut config);
            config.check().unwrap_err().to_string()
        };
        for (refusal, key) in [
            (refused(|config| config.retry_ms = 0), "retry_ms"),
            (refused(|config| config.max_retry_ms = 10), "retry_ms"),
            (refused(|config| config.lease_ms = 89_999), "call_timeout_ms"),
            (refused(|config| config.lease_ms = 12 * 3_600_000 + 1), "lease_ms"),
            (refused(|config| config.concurrency = 0), "concurrency"),
            (refused(|config| config.interval_ms = 9), "interval_ms"),
        ] {
            assert!(refusal.contains(&format!("`payment.operations.{key}`")), "{refusal}");
        }
    }
}
