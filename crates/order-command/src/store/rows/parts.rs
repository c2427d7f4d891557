//! What facts change among the parts of orders, as rows.

use std::collections::BTreeMap;

use ordermesh_feed::store::{Table, Writes};
use ordermesh_kernel::to_micros;
use sea_orm::DbErr;
use uuid::Uuid;

use super::super::entity::{
    order_hold, order_line_progress, order_note, order_return, order_return_line, order_return_receipt,
    order_shipment, order_shipment_line,
};
use crate::domain::{Fact, Hold, LineProgress, OrderEvent, Progress, Return, Shipment};

/// What facts have changed among the parts of orders, each row once, by its key.
#[derive(Default)]
pub(in crate::store) struct ChangedParts {
    progress: BTreeMap<(Uuid, i32), order_line_progress::Model>,
    holds: BTreeMap<Uuid, order_hold::Model>,
    notes: Vec<order_note::Model>,
    shipments: BTreeMap<Uuid, order_shipment::Model>,
    shipment_lines: Vec<order_shipment_line::Model>,
    returns: BTreeMap<Uuid, order_return::Model>,
    return_lines: Vec<order_return_line::Model>,
    receipts: Vec<order_return_receipt::Model>,
}

impl ChangedParts {
    /// Adds what an event changes.
    pub fn add(&mut self, event: &OrderEvent) {
        let order_id = *event.stamp.order_id.as_uuid();
        match &event.fact {
            Fact::LinesCancelled { progress, .. } => self.progress(order_id, progress),
            Fact::HoldPlaced(hold) => {
                self.holds.insert(*hold.id.as_uuid(), hold_row(order_id, hold));
            }
            Fact::HoldReleased { hold, note } => {
                let released = order_hold::Model {
                    released_time: Some(to_micros(event.stamp.occurred_time)),
                    released_by: Some(event.stamp.actor.to_string()),
                    release_note: Some(note.clone()),
                    ..hold_row(order_id, hold)
                };
                self.holds.insert(*hold.id.as_uuid(), released);
            }
            Fact::ShipmentDispatched { shipment, progress } => {
                self.progress(order_id, progress);
                self.shipment(order_id, shipment);
                let (shipment_id, lines) = (*shipment.id.as_uuid(), &shipment.lines);
                self.shipment_lines.extend(lines.iter().map(|line| order_shipment_line::Model {
                    order_id,
                    shipment_id,
                    line_id: line.line_id,
                    quantity: line.quantity,
                }));
            }
            Fact::ShipmentDelivered { shipment, progress }
            | Fact::ShipmentLost { shipment, progress, .. } => {
                self.progress(order_id, progress);
                self.shipment(order_id, shipment);
            }
            Fact::ReturnRequested(goods) => {
                self.goods_back(order_id, goods);
                let return_id = *goods.id.as_uuid();
                self.return_lines.extend(goods.lines.iter().map(|line| order_return_line::Model {
                    order_id,
                    return_id,
                    line_id: line.line_id,
                    quantity: line.quantity,
                }));
            }
            Fact::ReturnApproved(goods) | Fact::ReturnRejected(goods) => self.goods_back(order_id, goods),
            Fact::ReturnReceived { goods, progress } => {
                self.progress(order_id, progress);
                self.goods_back(order_id, goods);
                let return_id = *goods.id.as_uuid();
                self.receipts.extend(goods.received.iter().map(|line| order_return_receipt::Model {
                    order_id,
                    return_id,
                    line_id: line.line_id,
                    condition: line.condition.as_str().to_owned(),
                    accepted: line.accepted,
                }));
            }
            Fact::NoteAdded { id, text } => self.notes.push(order_note::Model {
                order_id,
                note_id: *id.as_uuid(),
                text: text.as_str().to_owned(),
                actor_kind: event.stamp.actor.kind().to_owned(),
                actor_name: event.stamp.actor.name().to_owned(),
                added_time: to_micros(event.stamp.occurred_time),
            }),
            _ => {}
        }
    }

    fn progress(&mut self, order_id: Uuid, progress: &[LineProgress]) {
        for line in progress {
            let Progress { cancelled, shipped, delivered, lost, returned } = line.progress;
            let line_id = line.line_id;
            let row = order_line_progress::Model {
                order_id,
                line_id,
                cancelled,
                shipped,
                delivered,
                lost,
                returned,
            };
            self.progress.insert((order_id, line_id), row);
        }
    }

    fn shipment(&mut self, order_id: Uuid, shipment: &Shipment) {
        let shipment_id = *shipment.id.as_uuid();
        let row = order_shipment::Model {
            order_id,
            shipment_id,
            carrier: shipment.carrier.as_ref().map(|carrier| carrier.as_str().to_owned()),
            tracking_number: shipment.tracking_number.as_ref().map(|number| number.as_str().to_owned()),
            state: shipment.state.as_str().to_owned(),
            dispatched_time: to_micros(shipment.dispatched_time),
            ended_time: shipment.ended_time.map(to_micros),
        };
        self.shipments.insert(shipment_id, row);
    }

    fn goods_back(&mut self, order_id: Uuid, goods: &Return) {
        let return_id = *goods.id.as_uuid();
        let row = order_return::Model {
            order_id,
            return_id,
            reason: goods.reason.clone(),
            state: goods.state.as_str().to_owned(),
            rejection_reason: goods.rejection_reason.clone(),
            requested_time: to_micros(goods.requested_time),
        };
        self.returns.insert(return_id, row);
    }

    /// Adds the rows to what is written.
    pub fn store(self, writes: &mut Writes) -> Result<(), DbErr> {
        fn rows<K, V>(map: BTreeMap<K, V>) -> Vec<V> {
            map.into_values().collect()
        }
        writes.upsert(&Table::<order_line_progress::Entity>::default(), rows(self.progress))?;
        writes.upsert(&Table::<order_hold::Entity>::default(), rows(self.holds))?;
        writes.insert(&Table::<order_note::Entity>::default(), self.notes)?;
        writes.upsert(&Table::<order_shipment::Entity>::default(), rows(self.shipments))?;
        writes.insert(&Table::<order_shipment_line::Entity>::default(), self.shipment_lines)?;
        writes.upsert(&Table::<order_return::Entity>::default(), rows(self.returns))?;
        writes.insert(&Table::<order_return_line::Entity>::default(), self.return_lines)?;
        writes.insert(&Table::<order_return_receipt::Entity>::default(), self.receipts)
    }
}

fn hold_row(order_id: Uuid, hold: &Hold) -> order_hold::Model {
    order_hold::Model {
        order_id,
        hold_id: *hold.id.as_uuid(),
        reason: hold.reason.as_str().to_owned(),
        note: hold.note.clone(),
        actor_kind: hold.actor.kind().to_owned(),
        actor_name: hold.actor.name().to_owned(),
        placed_time: to_micros(hold.placed_time),
        released_time: None,
        released_by: None,
        release_note: None,
    }
}
