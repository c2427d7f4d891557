//! The unit of work of a batch of order commands: heads loaded once, everything written once.

use std::collections::{BTreeSet, HashMap};

use ordermesh_feed::commit::UnitOfWork;
use ordermesh_feed::event::NewEvent;
use ordermesh_feed::store::{Table, WriteTransaction, Writes};
use ordermesh_kernel::{OrderId, OrderReference};
use sea_orm::DbErr;
use sea_orm::sea_query::Value;

use super::entity::{order, order_address, order_contact, order_discount, order_line, order_terms};
use super::rows::{self, NewRows};
use crate::codec;
use crate::domain::{Order, OrderEvent, OrderHead};

/// What a command needs to have loaded.
#[derive(Debug)]
pub enum Want {
    /// The head of an order, if there is one.
    Order(OrderId),
    /// Whose a reference is, if it is anybody's.
    Reference(OrderReference),
}

/// The orders that a batch works on.
#[derive(Default)]
pub struct OrdersUnit {
    heads: HashMap<OrderId, OrderHead>,
    references: HashMap<String, OrderId>,
    /// Sorted keys: writers that touch the same rows do it in the same order and cannot wait for each other.
    changed: BTreeSet<OrderId>,
    /// Those of them that were placed just now.
    placed: BTreeSet<OrderId>,
    new: NewRows,
    events: Vec<NewEvent>,
}

impl OrdersUnit {
    /// The head of an order as the commands before left it.
    pub fn head(&self, id: OrderId) -> Option<&OrderHead> {
        self.heads.get(&id)
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
        self.change(order.head, events);
    }

    /// Changes an order and publishes why.
    pub fn change(&mut self, head: OrderHead, events: &[OrderEvent]) {
        self.events.extend(events.iter().map(codec::encode_event));
        self.changed.insert(head.id);
        self.heads.insert(head.id, head);
    }
}

#[async_trait::async_trait]
impl UnitOfWork for OrdersUnit {
    type Want = Want;

    fn is_guarded(want: &Want) -> bool {
        match want {
            Want::Order(_) => false,
            // order_terms_order_reference is unique.
            Want::Reference(_) => true,
        }
    }

    async fn load(tx: &WriteTransaction, wants: Vec<Want>) -> Result<Self, DbErr> {
        let (mut ids, mut references) = (Vec::new(), Vec::new());
        for want in wants {
            match want {
                Want::Order(id) => ids.push(Value::from(*id.as_uuid())),
                Want::Reference(reference) => references.push(Value::from(reference.into_string())),
            }
        }
        let mut unit = Self::default();
        let orders = Table::<order::Entity>::default();
        for row in orders.find_in_and_lock(tx, order::Column::OrderId, ids).await? {
            let head = rows::head(row)?;
            unit.heads.insert(head.id, head);
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
        writes.insert(&Table::<order_address::Entity>::default(), new.addresses)
    }
}
