//! WatchOrder: an order as it is now, then again after each change, and when it stops or flows again.

use std::sync::Arc;

use futures_util::stream::{self, Stream, StreamExt};
use ordermesh_feed::token::ConsistencyToken;
use ordermesh_kernel::OrderId;

use super::consistency::{Consistency, token_of};
use super::{QueryError, ReadModel};
use crate::projection::changes::Watcher;
use crate::projection::order_view::OrderView;

/// Asks to follow one order.
#[derive(Debug, Clone)]
pub struct WatchOrder {
    /// The order.
    pub order_id: OrderId,
    /// How new the beginning must be.
    pub consistency: Consistency,
}

/// What a watcher is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// How far the read model was.
    pub as_of: ConsistencyToken,
    /// The order; `None` when the server shuts down, which ends the stream.
    pub view: Option<OrderView>,
    /// Why newer events of the order are not in it; `None` for an order that keeps up.
    pub parked: Option<String>,
}

impl WatchOrder {
    /// The order as it is now, then again after each change, and when newer events of it are parked or no longer
    /// are. Changes in quick succession, or faster than the stream is read, are joined. The stream ends after a
    /// failure or with the server.
    pub async fn run(
        self,
        model: Arc<ReadModel>,
    ) -> Result<impl Stream<Item = Result<Sight, QueryError>> + Send + use<>, QueryError> {
        // Watching begins before reading, so that no change falls between the two.
        let watcher = model.changes.watch(*self.order_id.as_uuid());
        let as_of = model.reach(&self.consistency).await?.as_of;
        let stopped = model.parked();
        let view = model.reader.get(*self.order_id.as_uuid()).await?;
        let view = view.ok_or_else(|| stopped.absent(self.order_id))?;
        let parked = stopped.reason(self.order_id);
        let (revision, order_id) = (view.order.revision, self.order_id);
        let watch = Watch { order_id, revision, parked: parked.clone(), watcher, model };
        let now = Sight { as_of, view: Some(view), parked };
        Ok(stream::once(async { Ok(now) }).chain(stream::unfold(Some(watch), next)))
    }
}

struct Watch {
    order_id: OrderId,
    /// Of the order that was told last.
    revision: i64,
    /// Told with it.
    parked: Option<String>,
    watcher: Watcher,
    model: Arc<ReadModel>,
}

async fn next(watch: Option<Watch>) -> Option<(Result<Sight, QueryError>, Option<Watch>)> {
    let mut watch = watch?;
    let sight = watch.next().await;
    let goes_on = matches!(&sight, Ok(Sight { view: Some(_), .. }));
    Some((sight, goes_on.then_some(watch)))
}

impl Watch {
    async fn next(&mut self) -> Result<Sight, QueryError> {
        loop {
            tokio::select! {
                biased;
                () = self.model.shutdown.cancelled() => return Ok(Sight { as_of: self.as_of(), view: None, parked: None }),
                () = self.watcher.changed() => {}
                () = self.model.parked_otherwise(self.order_id, self.parked.as_deref()) => {}
            }
            let as_of = self.as_of();
            let stopped = self.model.parked();
            let view = self.model.reader.get(*self.order_id.as_uuid()).await?;
            // A rebuild from a history that has no such order.
            let view = view.ok_or_else(|| stopped.absent(self.order_id))?;
            let parked = stopped.reason(self.order_id);
            if view.order.revision != self.revision || parked != self.parked {
                (self.revision, self.parked) = (view.order.revision, parked.clone());
                return Ok(Sight { as_of, view: Some(view), parked });
            }
        }
    }

    fn as_of(&self) -> ConsistencyToken {
        token_of(&self.model.progress.borrow())
    }
}
