//! The sandbox: a provider whose answers depend on the card's token, see docs/payment.md. It is stateful and idempotent by
//! key, as a real one is, and works in transactions of its own, as if it were elsewhere.

use std::time::Duration;

use async_trait::async_trait;
use ordermesh_feed::store::{PatientConnection, WriteTransaction};
use sea_orm::sea_query::Value;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, Statement,
};

use super::{Charge, Gateway};
use crate::domain::{ActionResult, Decline, Outcome};
use crate::store::sandbox::{call, charge};

/// How long the slow card takes.
const SLOW: Duration = Duration::from_secs(3);
/// How often the cards that fail do so before they succeed.
const FAILURES: u64 = 2;

/// The sandbox.
#[derive(Debug, Clone)]
pub struct Sandbox {
    db: PatientConnection,
}

impl Sandbox {
    /// A sandbox that keeps its state by these connections.
    pub fn new(db: PatientConnection) -> Self {
        Self { db }
    }

    /// A transaction on the charge, which nobody else changes meanwhile.
    async fn with_charge(&self, reference: &str, change: Change<'_>) -> Outcome {
        let changed = async {
            let tx = self.db.begin().await?;
            let outcome = change_locked(&tx, reference, change).await;
            tx.end(outcome).await
        };
        changed.await.unwrap_or_else(not_now)
    }
}

/// What is done with a charge.
enum Change<'a> {
    Authorize,
    Inquire(Option<ActionResult>),
    Void,
    Capture(&'a Charge),
    Refund(&'a Charge),
}

async fn change_locked(tx: &WriteTransaction, reference: &str, change: Change<'_>) -> Result<Outcome, DbErr> {
    // A write before the reading locks the row on every database.
    let lock = "UPDATE sandbox_charges SET tries = tries WHERE reference = $1";
    let values = [Value::from(reference)];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), lock, values)).await?;
    let Some(mut row) = charge::Entity::find_by_id(reference).one(tx).await? else {
        return Ok(failed("unknown_charge", "the sandbox has no such charge"));
    };
    let before = row.clone();
    let outcome = match change {
        Change::Authorize => authorize(&mut row),
        Change::Inquire(action) => inquire(&mut row, action),
        Change::Void => void(&mut row),
        Change::Capture(charge) => capture(tx, &mut row, charge).await?,
        Change::Refund(charge) => refund(tx, &row, charge).await?,
    };
    if row != before {
        row.into_active_model().reset_all().update(tx).await?;
    }
    Ok(outcome)
}

fn authorize(row: &mut charge::Model) -> Outcome {
    row.tries += 1;
    if row.standing != "created" {
        return standing(row);
    }
    let answers = match row.token.as_str() {
        "tok_flaky" if row.tries <= 2 => {
            return Outcome::NotNow { detail: "try again".to_owned(), key_is_spent: false };
        }
        "tok_decline" | "tok_decline_funds" | "tok_timeout_decline" => "declined",
        "tok_3ds" | "tok_3ds_fail" => "action_required",
        "tok_approve" | "tok_timeout" | "tok_slow" | "tok_flaky" | "tok_capture_fails"
        | "tok_refund_fails" => "authorized",
        _ => "declined",
    };
    row.standing = answers.to_owned();
    match row.token.as_str() {
        "tok_timeout" | "tok_timeout_decline" => {
            Outcome::Unknown { detail: "the sandbox has swallowed its answer".to_owned() }
        }
        _ => standing(row),
    }
}

fn inquire(row: &mut charge::Model, action: Option<ActionResult>) -> Outcome {
    if row.standing == "action_required"
        && let Some(action) = action
    {
        let passes = action == ActionResult::Done && row.token == "tok_3ds";
        row.standing = if passes { "authorized" } else { "declined" }.to_owned();
    }
    standing(row)
}

fn void(row: &mut charge::Model) -> Outcome {
    if row.standing != "captured" && row.standing != "declined" {
        row.standing = "canceled".to_owned();
    }
    standing(row)
}

async fn capture(tx: &WriteTransaction, row: &mut charge::Model, charge: &Charge) -> Result<Outcome, DbErr> {
    if let Some(known) = call::Entity::find_by_id(&charge.key).one(tx).await? {
        return Ok(match known.done {
            true => standing(row),
            false => refused("capture_refused"),
        });
    }
    let amount = charge.amount.minor_units();
    if row.standing != "authorized" || amount > row.amount {
        return Ok(standing(row));
    }
    let refuses = row.token == "tok_capture_fails" && refusals(tx, row, "capture").await? < FAILURES;
    keep(tx, row, charge, "capture", !refuses).await?;
    if refuses {
        return Ok(refused("capture_refused"));
    }
    row.captured = amount;
    row.standing = "captured".to_owned();
    Ok(standing(row))
}

async fn refund(tx: &WriteTransaction, row: &charge::Model, charge: &Charge) -> Result<Outcome, DbErr> {
    if let Some(known) = call::Entity::find_by_id(&charge.key).one(tx).await? {
        return Ok(match known.done {
            true => Outcome::Refunded,
            false => refused("refund_refused"),
        });
    }
    let made = call::Entity::find()
        .filter(call::Column::Reference.eq(&row.reference))
        .filter(call::Column::Kind.eq("refund"))
        .filter(call::Column::Done.eq(true));
    let refunded: i64 = made.all(tx).await?.iter().map(|refund| refund.amount).sum();
    if charge.amount.minor_units() > row.captured - refunded {
        return Ok(failed("refund_too_large", "more than what was captured and not given back"));
    }
    let refuses = row.token == "tok_refund_fails" && refusals(tx, row, "refund").await? < FAILURES;
    keep(tx, row, charge, "refund", !refuses).await?;
    Ok(match refuses {
        true => refused("refund_refused"),
        false => Outcome::Refunded,
    })
}

async fn refusals(tx: &WriteTransaction, row: &charge::Model, kind: &str) -> Result<u64, DbErr> {
    let refused = call::Entity::find()
        .filter(call::Column::Reference.eq(&row.reference))
        .filter(call::Column::Kind.eq(kind))
        .filter(call::Column::Done.eq(false));
    refused.count(tx).await
}

async fn keep(
    tx: &WriteTransaction,
    row: &charge::Model,
    charge: &Charge,
    kind: &str,
    done: bool,
) -> Result<(), DbErr> {
    let call = call::Model {
        idempotency_key: charge.key.clone(),
        reference: row.reference.clone(),
        kind: kind.to_owned(),
        amount: charge.amount.minor_units(),
        done,
    };
    call::Entity::insert(call.into_active_model()).exec_without_returning(tx).await.map(drop)
}

/// How a charge stands, as the sandbox tells it.
fn standing(row: &charge::Model) -> Outcome {
    match row.standing.as_str() {
        "created" => Outcome::NotStarted,
        "action_required" => {
            Outcome::ActionRequired { url: format!("https://sandbox.invalid/3ds/{}", row.reference) }
        }
        "authorized" => Outcome::Authorized { amount: row.amount },
        "captured" => Outcome::Captured { amount: row.captured },
        "declined" => Outcome::Declined(decline(&row.token)),
        _ => Outcome::Voided,
    }
}

fn decline(token: &str) -> Decline {
    let (code, detail, retryable) = match token {
        "tok_decline" => ("stolen_card", "the card was reported as stolen", false),
        "tok_decline_funds" | "tok_timeout_decline" => {
            ("insufficient_funds", "there is not enough money on the account", true)
        }
        "tok_3ds" | "tok_3ds_fail" => {
            ("authentication_failed", "the customer did not prove who they are", true)
        }
        _ => ("unknown_token", "the sandbox knows no such card", true),
    };
    Decline { code: code.to_owned(), detail: detail.to_owned(), retryable }
}

fn failed(code: &str, detail: &str) -> Outcome {
    Outcome::Failed { code: code.to_owned(), detail: detail.to_owned() }
}

fn refused(code: &str) -> Outcome {
    failed(code, "the card refuses this the first two times")
}

/// The sandbox's own database is away: nothing was done, or what was done is found by its key.
fn not_now(error: DbErr) -> Outcome {
    Outcome::NotNow { detail: format!("the sandbox is away: {error}"), key_is_spent: false }
}

#[async_trait]
impl Gateway for Sandbox {
    fn is_told_of_actions(&self) -> bool {
        true
    }

    async fn prepare(&self, charge: &Charge) -> Outcome {
        let reference = format!("sbx_{}", charge.key);
        let row = charge::Model {
            reference: reference.clone(),
            idempotency_key: charge.key.clone(),
            payment_id: charge.payment_id.to_string(),
            token: charge.token.as_str().to_owned(),
            amount: charge.amount.minor_units(),
            standing: "created".to_owned(),
            captured: 0,
            tries: 0,
        };
        let unless_known =
            sea_orm::sea_query::OnConflict::column(charge::Column::IdempotencyKey).do_nothing().to_owned();
        let insert = charge::Entity::insert(row.into_active_model()).on_conflict(unless_known);
        match insert.exec_without_returning(&self.db).await {
            Ok(_) | Err(DbErr::RecordNotInserted) => Outcome::Prepared { reference },
            Err(error) => not_now(error),
        }
    }

    async fn authorize(&self, charge: &Charge) -> Outcome {
        if charge.token.as_str() == "tok_slow" {
            tokio::time::sleep(SLOW).await;
        }
        self.with_charge(&charge.reference, Change::Authorize).await
    }

    async fn inquire(&self, charge: &Charge, action: Option<ActionResult>) -> Outcome {
        self.with_charge(&charge.reference, Change::Inquire(action)).await
    }

    async fn capture(&self, charge: &Charge) -> Outcome {
        self.with_charge(&charge.reference, Change::Capture(charge)).await
    }

    async fn void(&self, charge: &Charge) -> Outcome {
        self.with_charge(&charge.reference, Change::Void).await
    }

    async fn refund(&self, charge: &Charge) -> Outcome {
        self.with_charge(&charge.reference, Change::Refund(charge)).await
    }

    async fn find_refund(&self, charge: &Charge) -> Outcome {
        match call::Entity::find_by_id(&charge.key).one(&self.db).await {
            Ok(Some(known)) if known.done => Outcome::Refunded,
            Ok(_) => Outcome::NotStarted,
            Err(error) => not_now(error),
        }
    }
}
