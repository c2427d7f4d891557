//! Settings of a context that does due work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Unusable, at_least};
use crate::due::DueSettings;

/// `[<section>.due]`: what becomes due at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DueConfig {
    /// How often it is looked for what is due; at least 10. Default 500.
    pub interval_ms: u64,
}

/// A shorter interval would be a busy loop.
const MIN_INTERVAL_MS: u64 = 10;

impl Default for DueConfig {
    fn default() -> Self {
        Self { interval_ms: 500 }
    }
}

impl DueConfig {
    /// What the work takes, or the first setting that cannot be used.
    pub fn settings(&self) -> Result<DueSettings, Unusable> {
        at_least("due.interval_ms", self.interval_ms, MIN_INTERVAL_MS)?;
        Ok(DueSettings { interval: Duration::from_millis(self.interval_ms), ..DueSettings::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_that_of_the_runtime_and_a_busy_loop_is_refused_by_name() {
        let settings = DueConfig::default().settings().unwrap();
        assert_eq!(format!("{settings:?}"), format!("{:?}", DueSettings::default()));
        assert_eq!(DueConfig { interval_ms: 9 }.settings().unwrap_err().key, "due.interval_ms");
    }
}
