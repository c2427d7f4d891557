//! Reads and judges a running system until nothing is left, or what is left stays.

use std::time::Duration;

use tokio::time::Instant;

use crate::collect::{CollectError, Endpoints, collect};
use crate::judge::{Verdict, judge};
use crate::looks::Looks;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Judges the system behind `endpoints`. An offence counts when every look for as long as `patience` finds it, and finds
/// it the same, as far as it can judge it: contexts hear of each other later, what was read at different times need not
/// fit, and what is wrong in another way at each look is on its way. Nothing is said to be wrong by the look alone that has
/// first found it. What no look could judge, or what did not stop changing, is told as not judged.
pub async fn verify(endpoints: &Endpoints, patience: Duration) -> Result<Verdict, CollectError> {
    let (begun, mut looks) = (Instant::now(), Looks::default());
    loop {
        let seen = judge(&collect(endpoints).await?);
        let now = begun.elapsed();
        let mut verdict = looks.take(seen, now);
        let unsettled = looks.unsettled(now, patience);
        if unsettled.is_empty() {
            return Ok(verdict);
        }
        if looks.give_up(now, patience.max(PAUSE)) {
            verdict.offences.retain(|offence| !unsettled.contains(&offence.question()));
            verdict.unjudged.extend(unsettled);
            return Ok(verdict);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
