//! The unit of work of a batch of order commands: orders loaded once, everything written once.

use std::collections::{BTreeSet, HashMap};

use ordermesh_feed::commit::UnitOfWork;
use ordermesh_feed::event::NewEvent;
use ordermesh_feed::store::{Table, WriteTransaction, Writes};
use ordermesh_kernel::{OrderId, OrderReference, Timestamp};
use sea_orm::DbErr;
use sea_orm::sea_query::Value;

use super::entity::{
    order, order_address, order_contact, order_discount, order_hold, order_line, order_terms,
};
use super::rows::{self, ChangedParts, Loading, NewRows};
use crate::codec;
use crate::domain::{Actor, Change, Hold, Order, OrderEvent, OrderHead, Parts};

/// What a command needs to have loaded.
#[derive(Debug)]
pub enum Want {
    /// The head of an order, if there is one.
    Order(OrderId),
    /// The head, and the parts if something was dispatched.
    PartsIfShipped(OrderId),
    /// The head and the parts.
    Parts(OrderId),
    /// Whose a reference is, if it is anybody's.
    Reference(OrderReference),
}

/// The orders that a batch works on.
#[derive(Default)]
pub struct OrdersUnit {
    heads: HashMap<OrderId, OrderHead>,
    parts: HashMap<OrderId, Parts>,
    references: HashMap<String, OrderId>,
    /// Sorted keys: writers that touch the same rows do it in the same order and cannot wait for each other.
    changed: BTreeSet<OrderId>,
    /// Those of them that were placed just now.
    placed: BTreeSet<OrderId>,
    new: NewRows,
    changed_parts: ChangedParts,
    events: Vec<NewEvent>,
}

impl OrdersUnit {
    /// Begins a change of an order as the commands before left it; none when there is no such order.
    pub fn begin(&self, id: OrderId, actor: Actor, now: Timestamp) -> Option<Change> {
        let head = self.heads.get(&id)?.clone();
        let parts = self.parts.get(&id).cloned().unwrap_or_default();
        Some(Change::new(head, parts, actor, now))
    }

    /// The order that has this reference.
    pub fn reference_owner(&self, reference: &OrderReference) -> Option<OrderId> {
        self.references.get(reference.as_str()).copied()
    }

    /// Adds a new order with what it publishes.
    pub fn place(&mut self, order: Order, events: &[OrderEvent]) {
        self.references.insert(order.terms.order_reference.as_str().to_owned(), order.head.id);
        self.new.add(&order);
        self.placed.insert(order.head.id);
        self.publish(events);
        self.put(order.head);
    }

    /// Takes a change over and publishes what happened; answers the order after it. One in which nothing happened
    /// writes nothing.
    pub fn take(&mut self, change: Change) -> &OrderHead {
        let (head, parts, events) = change.finish();
        let id = head.id;
        if !events.is_empty() {
            self.publish(&events);
            events.iter().for_each(|event| self.changed_parts.add(event));
            if self.parts.contains_key(&id) {
                self.parts.insert(id, parts);
            }
            self.put(head.clone());
        }
        self.heads.entry(id).or_insert(head)
    }

    fn put(&mut self, head: OrderHead) {
        self.changed.insert(head.id);
        self.heads.insert(head.id, head);
    }

    fn publish(&mut self, events: &[OrderEvent]) {
        self.events.extend(events.iter().map(codec::encode_event));
    }

    async fn load_heads(&mut self, tx: &WriteTransaction, ids: Vec<Value>) -> Result<(), DbErr> {
        let orders = Table::<order::Entity>::default();
        let rows = orders.find_in_and_lock(tx, order::Column::OrderId, ids).await?;
        let held = rows.iter().filter(|row| row.holds > 0).map(|row| Value::from(row.order_id));
        let mut holds: HashMap<OrderId, Vec<Hold>> = HashMap::new();
        let table = Table::<order_hold::Entity>::default();
        for row in table.find_in(tx, order_hold::Column::OrderId, held).await? {
            if row.released_time.is_none() {
                holds.entry(row.order_id.into()).or_default().push(rows::hold(row)?);
            }
        }
        for row in rows {
            let mut holds = holds.remove(&row.order_id.into()).unwrap_or_default();
            // Ids are made of the time.
            holds.sort_unstable_by_key(|hold| hold.id);
            let head = rows::head(row, holds)?;
            self.heads.insert(head.id, head);
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl UnitOfWork for OrdersUnit {
    type Want = Want;

    fn is_guarded(want: &Want) -> bool {
        match want {
            Want::Order(_) | Want::PartsIfShipped(_) | Want::Parts(_) => false,
            // order_terms_order_reference is unique.
            Want::Reference(_) => true,
        }
    }

    async fn load(tx: &WriteTransaction, wants: Vec<Want>) -> Result<Self, DbErr> {
        let (mut ids, mut parts, mut if_shipped) = (Vec::new(), BTreeSet::new(), Vec::new());
        let mut references = Vec::new();
        for want in wants {
            match want {
                Want::Order(id) => ids.push(Value::from(*id.as_uuid())),
                Want::PartsIfShipped(id) => {
                    ids.push(Value::from(*id.as_uuid()));
                    if_shipped.push(id);
                }
                Want::Parts(id) => {
                    ids.push(Value::from(*id.as_uuid()));
                    parts.insert(id);
                }
                Want::Reference(reference) => references.push(Value::from(reference.into_string())),
            }
        }
        let mut unit = Self::default();
        unit.load_heads(tx, ids).await?;
        let shipped = |id: &OrderId| unit.heads.get(id).is_some_and(|head| head.pieces.shipped > 0);
        parts.extend(if_shipped.into_iter().filter(shipped));
        if !parts.is_empty() {
            let orders = parts.iter().map(|id| Value::from(*id.as_uuid())).collect();
            unit.parts = Loading { tx, heads: &unit.heads, orders }.parts().await?;
        }
        let terms = Table::<order_terms::Entity>::default();
        for row in terms.find_in(tx, order_terms::Column::OrderReference, references).await? {
            unit.references.insert(row.order_reference, OrderId::from(row.order_id));
        }
        Ok(unit)
    }

    fn take_events(&mut self) -> Vec<NewEvent> {
        std::mem::take(&mut self.events)
    }

    fn store(self, writes: &mut Writes) -> Result<(), DbErr> {
        let heads = |ids: &mut dyn Iterator<Item = &OrderId>| {
            ids.filter_map(|id| self.heads.get(id)).map(rows::head_row).collect::<Vec<_>>()
        };
        let orders = Table::<order::Entity>::default();
        writes.insert(&orders, heads(&mut self.placed.iter()))?;
        writes.upsert(&orders, heads(&mut self.changed.difference(&self.placed)))?;
        let mut new = self.new;
        // Writers that want the same reference do not wait for each other in a circle.
        new.terms.sort_unstable_by(|one, other| one.order_reference.cmp(&other.order_reference));
        writes.insert(&Table::<order_terms::Entity>::default(), new.terms)?;
        writes.insert(&Table::<order_line::Entity>::default(), new.lines)?;
        writes.insert(&Table::<order_discount::Entity>::default(), new.discounts)?;
        writes.insert(&Table::<order_contact::Entity>::default(), new.contacts)?;
        writes.insert(&Table::<order_address::Entity>::default(), new.addresses)?;
        self.changed_parts.store(writes)
    }
}
