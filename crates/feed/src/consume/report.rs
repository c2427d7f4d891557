//! Tells the feed how far the consumer has come, so that a truncation spares what it still needs.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Consumer, Handler};
use crate::token::LogPosition;

/// A feed that does not take a checkpoint within this time is told the next one.
const REPORT_LIMIT: Duration = Duration::from_secs(2);

impl<H: Handler> Consumer<H> {
    /// Tells the feed the stored place as soon as there is one, so that a new consumer's history stays, then from time
    /// to time; gives what was told last.
    pub(super) async fn report_for_ever(&self, active: &CancellationToken) -> Option<LogPosition> {
        let (mut told, mut stored) = (None, self.stored.subscribe());
        while self.report.is_some() && !active.is_cancelled() {
            let known = async { stored.wait_for(Option::is_some).await.map(drop) };
            if active.run_until_cancelled(known).await.is_some() {
                told = self.report_after(told).await;
                let pause = tokio::time::sleep(self.settings.report_interval);
                let _ = active.run_until_cancelled(pause).await;
            }
        }
        told
    }

    /// Tells the feed the stored place if it is another than `told`. That the feed does not hear it never stops the
    /// consumer: the log then only keeps more than it needs.
    pub(super) async fn report_after(&self, told: Option<LogPosition>) -> Option<LogPosition> {
        let stored = *self.stored.borrow();
        let (Some(report), Some(place)) = (&self.report, stored.filter(|_| stored != told)) else {
            return told;
        };
        match tokio::time::timeout(REPORT_LIMIT, report(place.to_cursor())).await {
            Ok(Ok(())) => return stored,
            Ok(Err(error)) => {
                tracing::warn!(consumer = self.name(), %error, "the feed was not told the checkpoint");
            }
            Err(_) => tracing::warn!(consumer = self.name(), "the feed did not answer to the checkpoint"),
        }
        told
    }
}
