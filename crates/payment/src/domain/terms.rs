//! How patient payment is with its provider.

use std::time::Duration;

use ordermesh_kernel::{Timestamp, from_micros, to_micros};

/// How patient payment is with its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The wait after the first failure; doubled for each further one.
    pub first_wait: Duration,
    /// The longest wait after a failure. It is kept for ever: nothing is dropped.
    pub longest_wait: Duration,
    /// How long an attempt that waits for the customer is left alone before the provider is asked about it.
    pub action_wait: Duration,
    /// How long the provider knows an idempotency key. Past it nothing is sent again under the key.
    pub key_lifetime: Duration,
}

impl Terms {
    /// When to try again after so many failures in a row.
    pub fn after_failures(&self, failures: i32, now: Timestamp) -> Timestamp {
        let doublings = u32::try_from(failures).unwrap_or(0).clamp(1, 20) - 1;
        after(now, self.first_wait.saturating_mul(1 << doublings).min(self.longest_wait))
    }

    /// Whether the provider may have forgotten a key that was first sent at that time.
    pub fn is_forgotten(&self, first_sent: Option<Timestamp>, now: Timestamp) -> bool {
        first_sent.is_some_and(|sent| after(sent, self.key_lifetime) <= now)
    }
}

/// The time that much later, at most the end of time.
pub(super) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    from_micros(to_micros(now).saturating_add(micros)).unwrap_or(Timestamp::MAX)
}
