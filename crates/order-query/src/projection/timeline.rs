//! What happened to an order, an entry an event: pure. An entry quotes the reason that a caller gave, and holds no
//! name or address that the order's personal data has, and no word of a note.

mod summary;

use ordermesh_kernel::EventId;
use ordermesh_proto::order::v1::{Actor, OrderEvent, OrderState};
use uuid::Uuid;

use super::common::Common;
use super::order_view::OrderView;

/// One event in the life of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEntry {
    /// The order.
    pub order_id: Uuid,
    /// The order's revision after it.
    pub revision: i64,
    /// Place in the order feed.
    pub position: i64,
    /// Identity of the event.
    pub event_id: EventId,
    /// Name of the event such as OrderCreated.
    pub kind: String,
    /// When it happened, in microseconds since 1970.
    pub occurred_micros: i64,
    /// Who or what caused it.
    pub actor: Option<Actor>,
    /// A command's request_id or the id of the event that led to it.
    pub causation_id: String,
    /// One line for people.
    pub summary: String,
    /// Where the order stood after it.
    pub state: OrderState,
}

impl TimelineEntry {
    /// The entry of `event`, after which the order is `view`. The error says what is wrong with the event.
    pub fn of(order_id: Uuid, event: &OrderEvent, view: &OrderView) -> Result<Self, String> {
        let event_id = EventId::parse(&event.event_id).map_err(|error| format!("event_id {error}"))?;
        let occurred_micros =
            super::micros(event.occurred_time.as_ref()).ok_or("occurred_time must be a time")?;
        let payload = event.payload.as_ref().ok_or("it has no payload")?;
        Ok(Self {
            order_id,
            revision: event.key_revision,
            position: event.position,
            event_id,
            kind: event.r#type.clone(),
            occurred_micros,
            actor: Common::of(payload).actor.cloned(),
            causation_id: event.causation_id.clone(),
            summary: summary::summary(payload, &view.order),
            state: view.order.state(),
        })
    }
}
