//! What happened to an order, an entry an event: pure. An entry quotes the reason that a caller gave, and holds no
//! name or address that the order's personal data has.

use ordermesh_kernel::{Currency, EventId, Money};
use ordermesh_proto::common::v1 as common;
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{Actor, OrderEvent, OrderState};
use uuid::Uuid;

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
        let (actor, summary) = match event.payload.as_ref().ok_or("it has no payload")? {
            Payload::OrderCreated(created) => (&created.actor, placed(view)),
            Payload::OrderCancellationRequested(requested) => {
                (&requested.actor, with_reason("cancellation requested", &requested.reason))
            }
            Payload::OrderCancelled(cancelled) => {
                (&cancelled.actor, with_reason("cancelled", &cancelled.reason))
            }
        };
        Ok(Self {
            order_id,
            revision: event.key_revision,
            position: event.position,
            event_id,
            kind: event.r#type.clone(),
            occurred_micros,
            actor: actor.clone(),
            causation_id: event.causation_id.clone(),
            summary,
            state: view.order.state(),
        })
    }
}

fn placed(view: &OrderView) -> String {
    let lines = match view.order.lines.len() {
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    };
    let total = view.order.totals.as_ref().and_then(|totals| totals.total.as_ref());
    format!("placed: {lines}, {}", total.map_or_else(String::new, amount))
}

fn amount(money: &common::Money) -> String {
    match Currency::parse(&money.currency_code) {
        Ok(currency) => Money::new(money.minor_units, currency).to_string(),
        // A currency may be withdrawn after the order: history keeps it, though its decimals are forgotten.
        Err(_) => format!("{} minor units of {}", money.minor_units, money.currency_code),
    }
}

/// The reason is what the caller of CancelOrder wrote for people to read; it is put on one line.
fn with_reason(what: &str, reason: &str) -> String {
    let words: Vec<_> =
        reason.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    match words.is_empty() {
        true => what.to_owned(),
        false => format!("{what}: {}", words.join(" ")),
    }
}
