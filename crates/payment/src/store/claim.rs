//! The claims of workers on operations that are due. A claim is a compare-and-set of its own, so that of several
//! workers on one database each gets other operations; it ends by itself when its worker does.

use std::collections::HashMap;
use std::time::Duration;

use ordermesh_feed::store::{PatientConnection, Table};
use ordermesh_kernel::{Currency, OrderId, Timestamp, to_micros};
use sea_orm::sea_query::Value;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, QueryFilter, Statement,
};
use uuid::Uuid;

use super::entity::{attempt, operation, payment};
use super::rows;
use crate::domain::{Attempt, Operation};

/// A claimed operation with what is needed to carry it out.
#[derive(Debug, Clone)]
pub struct Work {
    /// The payment.
    pub payment_id: OrderId,
    /// The currency of its amounts.
    pub currency: Currency,
    /// What its events carry on.
    pub correlation_id: String,
    /// The attempt.
    pub attempt: Attempt,
    /// The operation, with its claim.
    pub operation: Operation,
}

/// Operations as workers see them.
#[derive(Debug, Clone)]
pub struct Claims {
    db: PatientConnection,
}

impl Claims {
    /// Claims on connections that write.
    pub fn new(db: PatientConnection) -> Self {
        Self { db }
    }

    /// Claims at most `limit` operations that are due, the longest due first, until `lease` from now. That they were
    /// sent is on record before they are.
    pub async fn claim(&self, now: Timestamp, lease: Duration, limit: u64) -> Result<Vec<Work>, DbErr> {
        let skip = match self.db.get_database_backend() {
            DbBackend::Postgres => " FOR UPDATE SKIP LOCKED",
            _ => "",
        };
        // Materialized: the planner must not look for what is due a second time.
        let sql = format!(
            "WITH due AS MATERIALIZED (SELECT payment_id, number FROM payment_operations \
             WHERE next_try_time <= $1 AND (claim_until IS NULL OR claim_until <= $1) \
             ORDER BY next_try_time LIMIT $2{skip}) \
             UPDATE payment_operations SET claim_id = $3, claim_until = $4, tries = tries + 1, \
             first_sent_time = COALESCE(first_sent_time, $1) \
             WHERE (payment_id, number) IN (SELECT payment_id, number FROM due) RETURNING *"
        );
        let lease = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
        let micros = to_micros(now);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let claim_id = Uuid::now_v7();
        let values: [Value; 4] =
            [micros.into(), limit.into(), claim_id.into(), micros.saturating_add(lease).into()];
        let statement = Statement::from_sql_and_values(self.db.get_database_backend(), sql, values);
        let claimed = self.db.query_all_raw(statement).await?;
        let claimed = claimed.iter().map(|row| operation::Model::from_query_result(row, ""));
        let works = match claimed.collect::<Result<_, _>>() {
            Ok(claimed) => self.complete(claimed).await,
            Err(error) => Err(error),
        };
        if works.is_err() {
            // Nobody would be at them until the lease ends. Where this fails too, that is how long it takes.
            self.forget(claim_id).await.ok();
        }
        works
    }

    async fn forget(&self, claim_id: Uuid) -> Result<(), DbErr> {
        let sql = "UPDATE payment_operations SET claim_id = NULL, claim_until = NULL WHERE claim_id = $1";
        let backend = self.db.get_database_backend();
        self.db.execute_raw(Statement::from_sql_and_values(backend, sql, [claim_id.into()])).await.map(drop)
    }

    async fn complete(&self, claimed: Vec<operation::Model>) -> Result<Vec<Work>, DbErr> {
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Value> = claimed.iter().map(|row| Value::from(row.payment_id)).collect();
        let payments = Table::<payment::Entity>::default();
        let payments = payments.find_in(&self.db, payment::Column::PaymentId, ids.clone()).await?;
        let payments: HashMap<_, _> = payments.into_iter().map(|row| (row.payment_id, row)).collect();
        let attempts = Table::<attempt::Entity>::default();
        let attempts = attempts.find_in(&self.db, attempt::Column::PaymentId, ids).await?;
        let mut attempts: HashMap<_, _> =
            attempts.into_iter().map(|row| ((row.payment_id, row.number), row)).collect();
        let mut works = Vec::with_capacity(claimed.len());
        for row in claimed {
            let payment = payments.get(&row.payment_id);
            let Some((payment, attempt)) = payment.zip(attempts.remove(&(row.payment_id, row.attempt)))
            else {
                return Err(DbErr::RecordNotFound(format!("the payment or attempt of {}", row.payment_id)));
            };
            let payment_id = row.payment_id;
            match work(payment, attempt, row) {
                Ok(work) => works.push(work),
                // It stays claimed, so that it does not stand before the others again at once.
                Err(error) => tracing::error!(%payment_id, %error, "a payment cannot be read"),
            }
        }
        Ok(works)
    }

    /// Ends all claims, where the database is this process's own: whoever had them is gone.
    pub async fn forget_all(&self) -> Result<(), DbErr> {
        let forget =
            "UPDATE payment_operations SET claim_id = NULL, claim_until = NULL WHERE claim_id IS NOT NULL";
        self.db.execute_unprepared(forget).await.map(drop)
    }

    /// The payment of an attempt by the provider's id of it.
    pub async fn payment_of(&self, reference: &str) -> Result<Option<OrderId>, DbErr> {
        let row = attempt::Entity::find()
            .filter(attempt::Column::ProviderReference.eq(reference))
            .one(&self.db)
            .await?;
        Ok(row.map(|row| OrderId::from(row.payment_id)))
    }
}

fn work(
    payment: &payment::Model,
    attempt: attempt::Model,
    operation: operation::Model,
) -> Result<Work, DbErr> {
    let known = rows::payment(payment)?;
    Ok(Work {
        payment_id: known.id,
        currency: known.currency,
        correlation_id: known.correlation_id,
        attempt: rows::attempt(attempt)?,
        operation: rows::operation(operation)?,
    })
}
