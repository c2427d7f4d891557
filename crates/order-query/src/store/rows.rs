//! Order views and timeline entries as rows, and back.

use std::collections::BTreeMap;

use ordermesh_kernel::EventId;
use ordermesh_proto::order::v1::actor::Kind;
use ordermesh_proto::order::v1::{
    Actor, Order, OrderNoteText, OrderPersonalData, OrderStatus, WaitingForWhat,
};
use prost::Message;
use sea_orm::DbErr;
use uuid::Uuid;

use super::entity::{order_timeline, order_view, order_view_sku};
use crate::projection::micros;
use crate::projection::order_view::OrderView;
use crate::projection::timeline::TimelineEntry;
use crate::projection::words::{of_word, word};

/// A row that this server cannot have written, or a view that cannot be written.
fn broken(what: &str, order_id: Uuid) -> DbErr {
    DbErr::Custom(format!("order view {order_id}: {what}"))
}

pub(super) fn view_row(order_id: Uuid, view: &OrderView) -> Result<order_view::Model, DbErr> {
    use ordermesh_proto::order::v1::order::Buyer;
    let order = &view.order;
    let total = order.totals.as_ref().and_then(|totals| totals.total.as_ref());
    let total = total.ok_or_else(|| broken("it has no total", order_id))?;
    let status = order.status.as_ref().ok_or_else(|| broken("it has no status", order_id))?;
    let time = |time| micros(time).ok_or_else(|| broken("it has no time", order_id));
    Ok(order_view::Model {
        order_id,
        order_reference: order.order_reference.clone(),
        customer_id: match &order.buyer {
            Some(Buyer::CustomerId(id)) => Some(id.clone()),
            Some(Buyer::Guest(_)) | None => None,
        },
        state: word(order.state()).to_owned(),
        currency: total.currency_code.clone(),
        total_minor: total.minor_units,
        placed_time: time(order.placed_time.as_ref())?,
        update_time: time(order.update_time.as_ref())?,
        revision: order.revision,
        body: order.encode_to_vec(),
        personal: view.personal.as_ref().map(Message::encode_to_vec),
        note_texts: note_texts(view),
        payment: word(status.payment()).to_owned(),
        stock: word(status.stock()).to_owned(),
        fulfilment: word(status.fulfilment()).to_owned(),
        held: !order.holds.is_empty(),
        waiting_for: waiting_bits(status),
    })
}

/// The bit of one thing that orders wait for.
pub(super) fn waiting_bit(what: WaitingForWhat) -> i64 {
    1 << i32::from(what)
}

fn waiting_bits(status: &OrderStatus) -> i64 {
    status.waiting_for.iter().fold(0, |bits, waiting| bits | waiting_bit(waiting.what()))
}

/// What the notes of an order say, in one column. The wire's own message says it with when and by whom.
#[derive(Clone, PartialEq, Message)]
struct NoteTexts {
    #[prost(btree_map = "string, message", tag = "1")]
    by_id: BTreeMap<String, OrderNoteText>,
}

fn note_texts(view: &OrderView) -> Option<Vec<u8>> {
    let texts = NoteTexts { by_id: view.note_texts.clone() };
    (!texts.by_id.is_empty()).then(|| texts.encode_to_vec())
}

pub(super) fn sku_rows(order_id: Uuid, view: &OrderView) -> Result<Vec<order_view_sku::Model>, DbErr> {
    let placed_time = micros(view.order.placed_time.as_ref());
    let placed_time = placed_time.ok_or_else(|| broken("it has no time", order_id))?;
    let row = |sku: &str| order_view_sku::Model { sku: sku.to_owned(), order_id, placed_time };
    Ok(view.skus().into_iter().map(row).collect())
}

pub(super) fn view(row: &order_view::Model) -> Result<OrderView, DbErr> {
    let undecodable = |error: prost::DecodeError| broken(&error.to_string(), row.order_id);
    let order = Order::decode(row.body.as_slice()).map_err(undecodable)?;
    let personal = row.personal.as_deref().map(OrderPersonalData::decode).transpose().map_err(undecodable)?;
    let texts = row.note_texts.as_deref().map(NoteTexts::decode).transpose().map_err(undecodable)?;
    Ok(OrderView::stored(order, personal, texts.unwrap_or_default().by_id))
}

pub(super) fn timeline_row(entry: &TimelineEntry) -> order_timeline::Model {
    let (actor_kind, actor_name) = actor_words(entry.actor.as_ref());
    order_timeline::Model {
        order_id: entry.order_id,
        revision: entry.revision,
        position: entry.position,
        event_id: *entry.event_id.as_uuid(),
        kind: entry.kind.clone(),
        occurred_time: entry.occurred_micros,
        actor_kind: actor_kind.to_owned(),
        actor_name: actor_name.to_owned(),
        causation_id: entry.causation_id.clone(),
        summary: entry.summary.clone(),
        state: word(entry.state).to_owned(),
    }
}

pub(super) fn timeline_entry(row: order_timeline::Model) -> Result<TimelineEntry, DbErr> {
    let state = of_word(&row.state).ok_or_else(|| broken("its state is unknown", row.order_id))?;
    Ok(TimelineEntry {
        order_id: row.order_id,
        revision: row.revision,
        position: row.position,
        event_id: EventId::from(row.event_id),
        kind: row.kind,
        occurred_micros: row.occurred_time,
        actor: actor(&row.actor_kind, row.actor_name),
        causation_id: row.causation_id,
        summary: row.summary,
        state,
    })
}

fn actor_words(actor: Option<&Actor>) -> (&'static str, &str) {
    match actor.and_then(|actor| actor.kind.as_ref()) {
        Some(Kind::Workload(name)) => ("workload", name),
        Some(Kind::Staff(id)) => ("staff", id),
        Some(Kind::Customer(id)) => ("customer", id),
        Some(Kind::Policy(name)) => ("policy", name),
        None => ("", ""),
    }
}

fn actor(kind: &str, name: String) -> Option<Actor> {
    let kind = match kind {
        "workload" => Kind::Workload(name),
        "staff" => Kind::Staff(name),
        "customer" => Kind::Customer(name),
        "policy" => Kind::Policy(name),
        _ => return None,
    };
    Some(Actor { kind: Some(kind) })
}
