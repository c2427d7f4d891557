//! Reads and judges a running system until nothing is left, or what is left stays.

use std::time::Duration;

use tokio::time::Instant;

use crate::collect::{CollectError, Endpoints, collect};
use crate::judge::{Verdict, judge};
use crate::looks::Looks;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Judges the system behind `endpoints`. An offence counts when every look finds it that can judge it, until `patience` is
/// over: contexts hear of each other later, and what was read at different times need not fit. Nothing is said to be wrong
/// by the look alone that has first found it. What no look could judge is told.
pub async fn verify(endpoints: &Endpoints, patience: Duration) -> Result<Verdict, CollectError> {
    let (begun, mut looks) = (Instant::now(), Looks::default());
    loop {
        let verdict = looks.take(judge(&collect(endpoints).await?));
        if looks.is_clear() || !looks.has_news() && begun.elapsed() >= patience {
            return Ok(verdict);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
