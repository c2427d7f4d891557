//! The unit of work of a batch of commands: payments loaded once, with attempt and open operation, and written once.

use std::collections::{BTreeSet, HashMap};

use ordermesh_feed::commit::UnitOfWork;
use ordermesh_feed::event::NewEvent;
use ordermesh_feed::store::{Table, WriteTransaction, Writes};
use ordermesh_kernel::OrderId;
use sea_orm::DbErr;
use sea_orm::sea_query::Value;

use super::entity::{attempt, operation, payment};
use super::rows;
use crate::codec;
use crate::domain::{Payment, PaymentEvent};

/// The payments that a batch works on.
#[derive(Default)]
pub struct PaymentsUnit {
    payments: HashMap<OrderId, Payment>,
    /// Sorted keys: writers that touch the same rows do it in the same order and cannot wait for each other.
    changed: BTreeSet<OrderId>,
    /// Those of them that were begun just now.
    begun: BTreeSet<OrderId>,
    events: Vec<NewEvent>,
}

impl PaymentsUnit {
    /// A payment as the commands before left it.
    pub fn payment(&self, id: OrderId) -> Option<&Payment> {
        self.payments.get(&id)
    }

    /// Puts a new or changed payment in its place and publishes why.
    pub fn put(&mut self, payment: Payment, events: &[PaymentEvent]) {
        self.events.extend(events.iter().map(codec::encode_event));
        let id = payment.id;
        self.changed.insert(id);
        if self.payments.insert(id, payment).is_none() {
            self.begun.insert(id);
        }
    }
}

#[async_trait::async_trait]
impl UnitOfWork for PaymentsUnit {
    type Want = OrderId;

    async fn load(tx: &WriteTransaction, wants: Vec<OrderId>) -> Result<Self, DbErr> {
        let ids = || wants.iter().map(|id| Value::from(*id.as_uuid()));
        let payments = Table::<payment::Entity>::default();
        let mut unit = Self::default();
        let mut newest = HashMap::new();
        for row in payments.find_in_and_lock(tx, payment::Column::PaymentId, ids()).await? {
            newest.insert(row.payment_id, (row.attempt, row.open_operation));
            let payment = rows::payment(&row)?;
            unit.payments.insert(payment.id, payment);
        }
        if newest.is_empty() {
            return Ok(unit);
        }
        let attempts = Table::<attempt::Entity>::default();
        for row in attempts.find_in(tx, attempt::Column::PaymentId, ids()).await? {
            let is_newest = newest.get(&row.payment_id).is_some_and(|(number, _)| *number == row.number);
            if let Some(payment) = unit.payments.get_mut(&OrderId::from(row.payment_id)).filter(|_| is_newest)
            {
                payment.attempt = Some(rows::attempt(row)?);
            }
        }
        // Locked, since a worker claims operations without a look at their payments.
        let operations = Table::<operation::Entity>::default();
        for row in operations.find_in_and_lock(tx, operation::Column::PaymentId, ids()).await? {
            let is_open = newest.get(&row.payment_id).is_some_and(|(_, open)| *open == Some(row.number));
            if let Some(payment) = unit.payments.get_mut(&OrderId::from(row.payment_id)).filter(|_| is_open) {
                payment.operation = Some(rows::operation(row)?);
            }
        }
        Ok(unit)
    }

    fn take_events(&mut self) -> Vec<NewEvent> {
        std::mem::take(&mut self.events)
    }

    fn store(self, writes: &mut Writes) -> Result<(), DbErr> {
        let payments = |ids: &mut dyn Iterator<Item = &OrderId>| {
            ids.filter_map(|id| self.payments.get(id)).map(rows::payment_row).collect::<Vec<_>>()
        };
        let table = Table::<payment::Entity>::default();
        writes.insert(&table, payments(&mut self.begun.iter()))?;
        writes.upsert(&table, payments(&mut self.changed.difference(&self.begun)))?;
        let (mut attempts, mut operations) = (Vec::new(), Vec::new());
        for payment in self.changed.iter().filter_map(|id| self.payments.get(id)) {
            let own = payment.over.attempts.iter().chain(&payment.attempt);
            attempts.extend(own.map(|attempt| rows::attempt_row(payment.id, attempt)));
            let own = payment.over.operations.iter().chain(&payment.operation);
            operations.extend(own.map(|operation| rows::operation_row(payment.id, operation)));
        }
        writes.upsert(&Table::<attempt::Entity>::default(), attempts)?;
        writes.upsert(&Table::<operation::Entity>::default(), operations)
    }
}
