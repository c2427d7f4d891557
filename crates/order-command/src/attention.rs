//! What needs a person here: the holds in force. A hold is settled by releasing it; what it waits for, such as a capture
//! that fails, is tried again where it is made.

use async_trait::async_trait;
use ordermesh_feed::commit::{CommandIdentity, Committer, fingerprint};
use ordermesh_feed::event::Cause;
use ordermesh_feed::store::PatientConnection;
use ordermesh_kernel::{HoldId, OrderId};
use ordermesh_service::attention::{AttentionError, AttentionItem, AttentionSource, LastAction, Settlement};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::command::Target;
use crate::command::release_order_hold::ReleaseOrderHold;
use crate::domain::{Actor, Hold, HoldReason};
use crate::grpc;
use crate::store::{OrdersUnit, hold_in_force, holds_in_force};

/// The holds in force.
pub struct HeldOrders {
    db: PatientConnection,
    committer: Committer<OrdersUnit>,
}

impl HeldOrders {
    /// Finds holds in `db` and releases them through `committer`.
    pub fn new(db: PatientConnection, committer: Committer<OrdersUnit>) -> Self {
        Self { db, committer }
    }

    async fn hold(&self, id: &str) -> Result<Option<(OrderId, Hold)>, DbErr> {
        match hold_id(id) {
            Some(id) => hold_in_force(&self.db, id).await,
            None => Ok(None),
        }
    }
}

fn hold_id(id: &str) -> Option<HoldId> {
    HoldId::parse(id).ok()
}

#[async_trait]
impl AttentionSource for HeldOrders {
    fn name(&self) -> &'static str {
        "order-command.holds"
    }

    async fn list(&self, after: &str, limit: u64) -> Result<Vec<AttentionItem>, DbErr> {
        let holds = holds_in_force(&self.db, hold_id(after), limit).await?;
        Ok(holds.into_iter().map(|(order_id, hold)| item(order_id, hold)).collect())
    }

    async fn find(&self, id: &str) -> Result<Option<AttentionItem>, DbErr> {
        Ok(self.hold(id).await?.map(|(order_id, hold)| item(order_id, hold)))
    }

    async fn retry(&self, _: &str, _: &str) -> Result<(), AttentionError> {
        Err(AttentionError::Forbidden { what: "tried again".to_owned() })
    }

    async fn resolve(&self, id: &str, settlement: &Settlement) -> Result<(), AttentionError> {
        let (order_id, hold) = self.hold(id).await?.ok_or(AttentionError::NotFound)?;
        let name = settlement.actor.strip_prefix("workload:").unwrap_or(&settlement.actor);
        let target = Target { order_id, expected_revision: None, actor: Actor::Workload(name.to_owned()) };
        let command = ReleaseOrderHold { target, hold_id: hold.id, note: settlement.note.clone() };
        // Whoever settles it, it is settled once.
        let request_id = Uuid::new_v5(hold.id.as_uuid(), b"settled").to_string();
        let identity = CommandIdentity {
            method: "ReleaseOrderHold",
            principal: "policy:attention".to_owned(),
            fingerprint: fingerprint(request_id.as_bytes()),
            bytes: settlement.note.len(),
            cause: Cause {
                correlation_id: request_id.clone(),
                causation_id: request_id.clone(),
                ..Cause::default()
            },
            request_id,
        };
        let released = self.committer.execute(identity, command).await;
        released.map(drop).map_err(|error| AttentionError::Refused(grpc::problem(error)))
    }
}

fn item(order_id: OrderId, hold: Hold) -> AttentionItem {
    let what = match hold.reason {
        HoldReason::Manual => "held by a person",
        HoldReason::PaymentUnknown => "the outcome of the payment is not known",
        HoldReason::CaptureFailed => "the capture failed",
        HoldReason::RefundFailed => "a refund failed",
    };
    AttentionItem {
        id: hold.id.to_string(),
        kind: match hold.reason {
            HoldReason::Manual => "HOLD_MANUAL",
            HoldReason::PaymentUnknown => "HOLD_PAYMENT_UNKNOWN",
            HoldReason::CaptureFailed => "HOLD_CAPTURE_FAILED",
            HoldReason::RefundFailed => "HOLD_REFUND_FAILED",
        },
        subject: order_id.to_string(),
        detail: if hold.note.is_empty() { what.to_owned() } else { format!("{what}: {}", hold.note) },
        since: hold.placed_time,
        attempts: 0,
        next_attempt: None,
        retryable: false,
        resolutions: &["RELEASED"],
        last_action: Some(LastAction {
            actor: hold.actor.to_string().replacen(' ', ":", 1),
            what: "placed the hold".to_owned(),
            time: hold.placed_time,
        }),
    }
}
