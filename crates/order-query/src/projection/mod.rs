//! The order feed's events as order views and timelines. The same events make the same rows: no clock, no random ids.

pub mod changes;
mod common;
pub mod order_view;
pub mod timeline;
pub mod words;

use ordermesh_feed::store::WriteTransaction;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use ordermesh_feed::consume::HandlerError;
use ordermesh_feed::event::kernel_time;
use ordermesh_feed::project::Projection;
use ordermesh_kernel::to_micros;
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_proto::order::v1::order_event::Payload;
use sea_orm::DbErr;
use uuid::Uuid;

pub use changes::Changes;
use order_view::OrderView;
use timeline::TimelineEntry;

use crate::{NAME, store};

/// Applies order events to the read model's tables and wakes who watches.
#[derive(Debug)]
pub struct OrderProjection {
    changes: Arc<Changes>,
}

impl OrderProjection {
    /// A projection that tells `changes` which orders have changed.
    pub fn new(changes: Arc<Changes>) -> Self {
        Self { changes }
    }
}

#[async_trait]
impl Projection for OrderProjection {
    type Event = OrderEvent;

    fn name(&self) -> &'static str {
        NAME
    }

    async fn apply(
        &self,
        tx: &WriteTransaction,
        suffix: &str,
        events: &[OrderEvent],
    ) -> Result<(), HandlerError> {
        let ids: BTreeSet<Uuid> = events.iter().map(order_id).collect::<Result<_, _>>()?;
        let mut batch = Batch::default();
        for (id, view) in store::load_views(tx, suffix, ids).await? {
            match view {
                Ok(view) => batch.views.insert(id, view).map(drop),
                Err(reason) => batch.unreadable.insert(id, reason.to_string()).map(drop),
            };
        }
        for event in events {
            batch.apply(event)?;
        }
        let created = batch.created.iter().filter_map(|id| Some((*id, batch.views.get(id)?)));
        store::write_skus(tx, suffix, created).await?;
        store::write_views(tx, suffix, &batch.views).await?;
        Ok(store::write_timeline(tx, suffix, &batch.timeline).await?)
    }

    fn applied(&self, events: &[OrderEvent]) {
        self.changes.tell(events);
    }

    /// A replica that stands by hears of this as often as it looks where the active one is, some times a second.
    fn applied_elsewhere(&self) {
        self.changes.tell_all();
    }

    async fn create_tables(&self, tx: &WriteTransaction, suffix: &str) -> Result<(), DbErr> {
        store::tables::create(tx, suffix).await
    }

    async fn swap_tables(&self, tx: &WriteTransaction, suffix: &str) -> Result<(), DbErr> {
        store::tables::swap(tx, suffix).await
    }
}

/// What a batch of events works on: each order is loaded once and written once.
#[derive(Debug, Default)]
struct Batch {
    /// Sorted keys: writers that touch the same rows do it in the same order and cannot wait for each other.
    views: BTreeMap<Uuid, OrderView>,
    /// Orders whose row this server cannot have written: their events stop, not everybody's.
    unreadable: BTreeMap<Uuid, String>,
    created: BTreeSet<Uuid>,
    timeline: Vec<TimelineEntry>,
}

impl Batch {
    fn apply(&mut self, event: &OrderEvent) -> Result<(), HandlerError> {
        let id = order_id(event)?;
        if let Some(reason) = self.unreadable.get(&id) {
            return Err(refused(event, reason.clone()));
        }
        let view =
            OrderView::after(self.views.remove(&id), event).map_err(|reason| refused(event, reason))?;
        let entry = TimelineEntry::of(id, event, &view).map_err(|reason| refused(event, reason))?;
        self.timeline.push(entry);
        self.views.insert(id, view);
        if matches!(event.payload, Some(Payload::OrderCreated(_))) {
            self.created.insert(id);
        }
        Ok(())
    }
}

fn order_id(event: &OrderEvent) -> Result<Uuid, HandlerError> {
    Uuid::try_parse(&event.key).map_err(|_| refused(event, "the key is no order id".to_owned()))
}

fn refused(event: &OrderEvent, reason: String) -> HandlerError {
    HandlerError::Event { position: event.position, key: event.key.clone(), reason }
}

/// A time of the contract in microseconds since 1970; `None` when it is not there or out of range.
pub(crate) fn micros(time: Option<&prost_types::Timestamp>) -> Option<i64> {
    time.and_then(kernel_time).map(to_micros)
}

#[cfg(test)]
mod tests;
