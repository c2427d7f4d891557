//! What queries read: payments as rows, fresh from where they are written.

use std::collections::HashMap;

use ordermesh_feed::store::{PatientConnection, Table};
use ordermesh_kernel::OrderId;
use sea_orm::sea_query::Value;
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, RuntimeErr};
use uuid::Uuid;

use super::entity::{attempt, operation, payment};
use super::rows;
use crate::domain::{Attempt, Operation, Payment, PaymentStatus};

/// A payment with its whole history.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The payment.
    pub payment: Payment,
    /// All attempts, by number.
    pub attempts: Vec<Attempt>,
    /// All operations, by number.
    pub operations: Vec<Operation>,
}

/// The place of a payment in lists, the last changed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Microseconds since 1970.
    pub update_time: i64,
    /// The payment.
    pub payment_id: Uuid,
}

/// A payment with its place in the list.
pub type Listed = (Place, Payment);

/// Reads payments.
#[derive(Debug, Clone)]
pub struct PaymentReader {
    db: PatientConnection,
}

impl PaymentReader {
    /// Reads by these connections.
    pub fn new(db: PatientConnection) -> Self {
        Self { db }
    }

    /// One payment with its history.
    pub async fn get(&self, id: OrderId) -> Result<Option<Whole>, DbErr> {
        let Some(row) = payment::Entity::find_by_id(*id.as_uuid()).one(&self.db).await? else {
            return Ok(None);
        };
        Ok(self.complete(vec![row]).await?.pop())
    }

    /// A page of payments, the last changed first, each with its newest attempt and its open operation.
    pub async fn list(
        &self,
        status: Option<PaymentStatus>,
        needs_person: bool,
        after: Option<Place>,
        limit: u64,
    ) -> Result<Vec<Listed>, DbErr> {
        let mut select = payment::Entity::find();
        if let Some(status) = status {
            select = select.filter(payment::Column::Status.eq(status.as_str()));
        }
        if needs_person {
            select = select.filter(payment::Column::NeedsPerson.eq(true));
        }
        if let Some(place) = after {
            let same_time = Condition::all()
                .add(payment::Column::UpdateTime.eq(place.update_time))
                .add(payment::Column::PaymentId.lt(place.payment_id));
            let later = payment::Column::UpdateTime.lt(place.update_time);
            select = select.filter(Condition::any().add(later).add(same_time));
        }
        let rows = select
            .order_by_desc(payment::Column::UpdateTime)
            .order_by_desc(payment::Column::PaymentId)
            .limit(limit)
            .all(&self.db)
            .await?;
        let places: Vec<_> = rows
            .iter()
            .map(|row| Place { update_time: row.update_time, payment_id: row.payment_id })
            .collect();
        let payments = self.complete(rows).await?.into_iter().map(|whole| whole.payment);
        Ok(places.into_iter().zip(payments).collect())
    }

    /// Payments whose open operation needs a person, by id: those of later orders come later.
    pub async fn in_need(&self, after: Option<OrderId>, limit: u64) -> Result<Vec<Payment>, DbErr> {
        let mut select = payment::Entity::find().filter(payment::Column::NeedsPerson.eq(true));
        if let Some(after) = after {
            select = select.filter(payment::Column::PaymentId.gt(*after.as_uuid()));
        }
        let rows = select.order_by_asc(payment::Column::PaymentId).limit(limit).all(&self.db).await?;
        Ok(self.complete(rows).await?.into_iter().map(|whole| whole.payment).collect())
    }

    /// The payments with their attempts and operations. One that changed meanwhile is read anew: every change of what
    /// belongs to a payment changes its own row, too.
    async fn complete(&self, found: Vec<payment::Model>) -> Result<Vec<Whole>, DbErr> {
        let mut wholes: Vec<Option<Whole>> = vec![None; found.len()];
        let mut moving: Vec<(usize, payment::Model)> = found.into_iter().enumerate().collect();
        for _ in 0..LOOKS {
            let ids: Vec<Value> = moving.iter().map(|(_, row)| Value::from(row.payment_id)).collect();
            let parts = self.parts(&ids).await?;
            let again = Table::<payment::Entity>::default();
            let again = again.find_in(&self.db, payment::Column::PaymentId, ids).await?;
            let mut again: HashMap<_, _> = again.into_iter().map(|row| (row.payment_id, row)).collect();
            let mut newer = Vec::new();
            for (place, row) in moving {
                match again.remove(&row.payment_id) {
                    Some(now) if now == row => wholes[place] = Some(whole(&row, &parts)?),
                    Some(now) => newer.push((place, now)),
                    None => {}
                }
            }
            if newer.is_empty() {
                return Ok(wholes.into_iter().flatten().collect());
            }
            moving = newer;
        }
        Err(DbErr::Conn(RuntimeErr::Internal("a payment changes faster than it can be read".to_owned())))
    }

    async fn parts(&self, ids: &[Value]) -> Result<Parts, DbErr> {
        let attempts = Table::<attempt::Entity>::default();
        let mut attempts = attempts.find_in(&self.db, attempt::Column::PaymentId, ids.to_vec()).await?;
        attempts.sort_unstable_by_key(|row| row.number);
        let operations = Table::<operation::Entity>::default();
        let mut operations = operations.find_in(&self.db, operation::Column::PaymentId, ids.to_vec()).await?;
        operations.sort_unstable_by_key(|row| row.number);
        Ok((attempts, operations))
    }
}

/// How often a payment is read until it stands still.
const LOOKS: usize = 10;

type Parts = (Vec<attempt::Model>, Vec<operation::Model>);

fn whole(row: &payment::Model, (attempts, operations): &Parts) -> Result<Whole, DbErr> {
    let own = attempts.iter().filter(|attempt| attempt.payment_id == row.payment_id);
    let attempts = own.map(|own| rows::attempt(own.clone())).collect::<Result<Vec<_>, _>>()?;
    let own = operations.iter().filter(|operation| operation.payment_id == row.payment_id);
    let operations = own.map(|own| rows::operation(own.clone())).collect::<Result<Vec<_>, _>>()?;
    let mut payment = rows::payment(row)?;
    payment.attempt = attempts.iter().find(|attempt| attempt.number == row.attempt).cloned();
    payment.operation =
        operations.iter().find(|operation| Some(operation.number) == row.open_operation).cloned();
    Ok(Whole { payment, attempts, operations })
}
