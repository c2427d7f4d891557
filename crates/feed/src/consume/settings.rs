//! The bounds of a consumer and its patience.

use std::time::Duration;

use crate::event::key_hash;
use crate::store::PATIENCE;

/// How a consumer works. The defaults suit a read model.
#[derive(Debug, Clone, Copy)]
pub struct ConsumerSettings {
    /// Events that a transaction takes at most.
    pub max_batch: usize,
    /// Bytes of events that a transaction takes at most, but for its last frame.
    pub max_batch_bytes: usize,
    /// Tries of an event that makes no sense, the first one included, before its key waits for an operator.
    pub max_tries: i32,
    /// Keys that may be parked; beyond, the consumer stops.
    pub max_parked_keys: u64,
    /// Bytes of events that may be parked; beyond, the consumer stops.
    pub max_parked_bytes: u64,
    /// The first wait after a failure; doubled for each further one.
    pub first_backoff: Duration,
    /// The longest wait after a failure.
    pub max_backoff: Duration,
    /// Progress past events that the filter leaves out is stored this often at most.
    pub checkpoint_interval: Duration,
    /// The checkpoint is told to the feed this often at most.
    pub report_interval: Duration,
    /// A feed that says nothing for so long, though it was asked for a heartbeat three times as often, is opened anew.
    pub silence: Duration,
    /// A replica that stands by asks the feed this often whether it still has the history of the checkpoint.
    pub ask_interval: Duration,
    /// How long the active replica of several on one database may be silent before another takes over. `None` where
    /// the database has one process only, as SQLite's lock sees to.
    pub lease: Option<Duration>,
    /// How long PostgreSQL may take for a statement until the work is begun again: longer than it lets one take itself.
    pub patience: Duration,
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        Self {
            max_batch: 1000,
            max_batch_bytes: 4 << 20,
            max_tries: 5,
            max_parked_keys: 1000,
            max_parked_bytes: 64 << 20,
            first_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(5),
            checkpoint_interval: Duration::from_secs(1),
            report_interval: Duration::from_secs(5),
            silence: Duration::from_secs(15),
            ask_interval: Duration::from_secs(3),
            lease: None,
            patience: PATIENCE,
        }
    }
}

impl ConsumerSettings {
    /// The wait after so many failures in a row (1 for the first), between a half and the whole of the doubled time,
    /// so that those who failed together do not come back together. `seed` is anything that differs among them.
    pub(crate) fn backoff(&self, failures: u32, seed: &str) -> Duration {
        let doubled = self.first_backoff.saturating_mul(1 << failures.clamp(1, 16).saturating_sub(1));
        let longest = doubled.min(self.max_backoff);
        // No generator is needed for this: the hash of what differs is as even.
        let share = (key_hash(&format!("{seed} {failures}")) % 1000) as u32;
        longest / 2 + longest / 2 * share / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_differ_among_consumers() {
        let settings = ConsumerSettings::default();
        for failures in 1..40 {
            let whole = Duration::from_millis(50)
                .saturating_mul(1 << (failures - 1).min(10))
                .min(Duration::from_secs(5));
            let wait = settings.backoff(failures, "one");
            assert!(whole / 2 <= wait && wait <= whole, "{failures}: {wait:?} of {whole:?}");
        }
        assert_ne!(settings.backoff(3, "one"), settings.backoff(3, "two"));
    }
}
