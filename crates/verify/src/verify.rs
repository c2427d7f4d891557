//! Reads and judges a running system until nothing is left, or what is left stays.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::collect::{CollectError, Endpoints, collect};
use crate::judge::{Offence, Verdict, judge};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Judges the system behind `endpoints`. An offence counts when every look finds it, until `patience` is over: contexts
/// hear of each other later, and what was read at different times need not fit. At least two looks are taken before
/// anything is said to be wrong.
pub async fn verify(endpoints: &Endpoints, patience: Duration) -> Result<Verdict, CollectError> {
    let begun = Instant::now();
    let mut standing: Option<BTreeSet<(&'static str, String)>> = None;
    loop {
        let mut verdict = judge(&collect(endpoints).await?);
        let name = |offence: &Offence| (offence.invariant, offence.subject.clone());
        let again = standing.is_some();
        if let Some(standing) = &standing {
            verdict.offences.retain(|offence| standing.contains(&name(offence)));
        }
        if verdict.offences.is_empty() || again && begun.elapsed() >= patience {
            return Ok(verdict);
        }
        standing = Some(verdict.offences.iter().map(name).collect());
        tokio::time::sleep(PAUSE).await;
    }
}
