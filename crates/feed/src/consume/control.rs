//! A consumer of any type, as operators see it.

use async_trait::async_trait;
use ordermesh_kernel::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, DbErr};

use super::parked::Due;
use super::{Consumer, Handler, Progress, checkpoint, parked};
use crate::parking::{ParkedEvent, Usage};

/// Why an operator's wish is not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nothing of this key is parked.
    #[error("nothing of the key {0} is parked")]
    NotParked(String),
    /// The parking cannot be used.
    #[error(transparent)]
    Store(#[from] DbErr),
}

/// What operators can do with a consumer.
#[async_trait]
pub trait ConsumerControl: Send + Sync {
    /// Name of the consumer.
    fn name(&self) -> &'static str;
    /// How far it has come.
    fn progress(&self) -> Progress;
    /// The time of its clock.
    fn now(&self) -> Timestamp;
    /// How much it has parked.
    async fn usage(&self) -> Result<Usage, DbErr>;
    /// Parked events after a position, perhaps of one key only, in order; with each, whether the consumer applies its
    /// key's events again, or will by itself soon.
    async fn parked(
        &self,
        key: Option<&str>,
        after: i64,
        limit: u64,
    ) -> Result<Vec<(ParkedEvent, bool)>, DbErr>;
    /// Has parked keys applied again, all or some; gives their number. When one of some is not parked, none is.
    async fn replay(&self, keys: Option<&[String]>, suppress_effects: bool) -> Result<usize, ControlError>;
    /// Gives up parked events of a parked key up to a position; gives their number.
    async fn discard(&self, key: &str, up_to: i64) -> Result<u64, ControlError>;
}

#[async_trait]
impl<H: Handler> ConsumerControl for Consumer<H> {
    fn name(&self) -> &'static str {
        self.handler.name()
    }

    fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn usage(&self) -> Result<Usage, DbErr> {
        match self.blocked.is_empty() {
            true => Ok(Usage::default()),
            false => self.parking().usage(&self.db).await,
        }
    }

    async fn parked(
        &self,
        key: Option<&str>,
        after: i64,
        limit: u64,
    ) -> Result<Vec<(ParkedEvent, bool)>, DbErr> {
        let events = self.parking().list(&self.db, key, after, limit).await?;
        let planned = parked::planned_keys(&self.db, self.handler.name()).await?;
        let with_plan = |event: ParkedEvent| {
            let replaying = planned.contains(&event.key);
            (event, replaying)
        };
        Ok(events.into_iter().map(with_plan).collect())
    }

    async fn replay(&self, keys: Option<&[String]>, suppress_effects: bool) -> Result<usize, ControlError> {
        let tx = self.db.begin().await?;
        let planned = self.plan_replay(&tx, keys, suppress_effects).await;
        let planned = tx.end(planned).await?;
        self.wake.notify_one();
        Ok(planned)
    }

    async fn discard(&self, key: &str, up_to: i64) -> Result<u64, ControlError> {
        let tx = self.db.begin().await?;
        let gone = async {
            checkpoint::load_locked(&tx, self.handler.name()).await?;
            if !self.parking().reasons(&tx).await?.contains_key(key) {
                return Err(ControlError::NotParked(key.to_owned()));
            }
            let discarded = self.parking().discard(&tx, key, Some(up_to)).await?;
            if discarded.unblocked {
                parked::forget_plan(&tx, self.handler.name(), key).await?;
            }
            Ok(discarded.events)
        }
        .await;
        let gone = tx.end(gone).await?;
        self.look_at_parking().await?;
        Ok(gone)
    }
}

impl<H: Handler> Consumer<H> {
    async fn plan_replay<C: ConnectionTrait>(
        &self,
        db: &C,
        wanted: Option<&[String]>,
        suppress_effects: bool,
    ) -> Result<usize, ControlError> {
        let stopped = self.parking().reasons(db).await?;
        if let Some(missing) = wanted.unwrap_or_default().iter().find(|key| !stopped.contains_key(*key)) {
            return Err(ControlError::NotParked(missing.clone()));
        }
        let is_wanted = |key: &String| wanted.is_none_or(|wanted| wanted.contains(key));
        let time = to_micros(self.clock.now());
        let mut planned = 0;
        for key in stopped.into_keys().filter(is_wanted) {
            parked::plan(db, self.handler.name(), Due { key, time, tries: -1, suppress_effects }).await?;
            planned += 1;
        }
        Ok(planned)
    }
}
