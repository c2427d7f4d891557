//! What a replica does while another one works: follow its place, so that queries here are answered, and ask the feed
//! whether that place still is of its history, which otherwise only the active one would learn.

use std::sync::PoisonError;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::feed::Feed;
use super::{ConsumeError, Consumer, ConsumerSettings, Handler, checkpoint};
use crate::token::LogPosition;

/// A feed that does not answer within this time is asked the next time.
const ASK_LIMIT: Duration = Duration::from_secs(2);

impl<H: Handler> Consumer<H> {
    /// Another replica works: its place is this one's too, since both have the same tables.
    pub(super) async fn look_on(&self) -> Result<(), ConsumeError> {
        let place = checkpoint::load(&self.db, self.name()).await?;
        let foreign = self.foreign().clone().filter(|(foreign, _)| Some(*foreign) == place);
        if let Some((_, error)) = foreign {
            self.look_at_parking().await?;
            self.progress.send_modify(|progress| {
                (progress.error, progress.diverged) = (Some(error), true);
            });
        } else {
            self.stand_at(place).await?;
            self.progress.send_modify(|progress| (progress.error, progress.diverged) = (None, false));
        }
        self.standing_by.notify_one();
        Ok(())
    }

    /// Asks the feed from time to time, while this replica stands by.
    pub(super) async fn ask_for_ever(&self, shutdown: &CancellationToken) {
        while shutdown.run_until_cancelled(self.standing_by.notified()).await.is_some() {
            let asked = tokio::time::timeout(ASK_LIMIT, self.ask_the_feed());
            if let Some(Ok(Err(error))) = shutdown.run_until_cancelled(asked).await {
                // That is the active replica's to mend; this one only wants to know.
                tracing::debug!(consumer = self.name(), error = error.detail(), "the feed does not tell");
            }
            let _ = shutdown.run_until_cancelled(tokio::time::sleep(self.settings.ask_interval)).await;
        }
    }

    /// Learns whether the checkpoint is of the feed's history.
    async fn ask_the_feed(&self) -> Result<(), ConsumeError> {
        let Some(place) = checkpoint::load(&self.db, self.name()).await? else { return Ok(()) };
        // Nothing is read: the feed refuses a foreign place when it is opened.
        let settings = ConsumerSettings { max_batch: 1, ..self.settings };
        let opened = Feed::open(&self.open, Some(place), self.handler.filter(), &settings).await;
        match opened {
            Ok(_) => *self.foreign() = None,
            Err(error) if error.is_divergence() => self.is_foreign(place, &error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Notes that the feed does not have the history of a place, also for when this replica stands by again.
    pub(super) fn is_foreign(&self, place: LogPosition, error: &ConsumeError) {
        *self.foreign() = Some((place, error.to_string()));
    }

    /// The place that the feed has refused, and its words. Never held while anything is waited for.
    fn foreign(&self) -> std::sync::MutexGuard<'_, Option<(LogPosition, String)>> {
        self.foreign.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
