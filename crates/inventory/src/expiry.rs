//! Reservations that belong to no order end when their time is over. The deadline stands in the database; every replica
//! looks for those that have passed, and the decision on the locked row makes sure that it is made once.

use async_trait::async_trait;
use ordermesh_feed::commit::{CommandIdentity, CommitError, Committer, fingerprint};
use ordermesh_feed::due::DueWork;
use ordermesh_feed::event::Cause;
use ordermesh_feed::store::PatientConnection;
use ordermesh_kernel::Timestamp;
use sea_orm::DbErr;

use crate::command::expire_hold::{ExpireHold, NotDue};
use crate::domain::ReservationId;
use crate::store::{StockUnit, read};

/// Ends what is over.
pub struct Expiry {
    db: PatientConnection,
    committer: Committer<StockUnit>,
}

impl Expiry {
    /// Finds them in `db` and ends them through `committer`.
    pub fn new(db: PatientConnection, committer: Committer<StockUnit>) -> Self {
        Self { db, committer }
    }
}

#[async_trait]
impl DueWork for Expiry {
    type Item = ReservationId;

    fn name(&self) -> &'static str {
        "expiry of reservations"
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<ReservationId>, DbErr> {
        read::expired(&self.db, now, limit as u64).await
    }

    async fn run(&self, id: ReservationId) -> Result<(), String> {
        let request_id = id.to_string();
        let identity = CommandIdentity {
            method: "ExpireHold",
            principal: format!("workload:{}", crate::NAME),
            fingerprint: fingerprint(request_id.as_bytes()),
            bytes: request_id.len(),
            cause: Cause {
                correlation_id: request_id.clone(),
                causation_id: request_id.clone(),
                traceparent: String::new(),
            },
            request_id,
        };
        match self.committer.execute(identity, ExpireHold { id }).await {
            // It has ended meanwhile, or by the committer's clock there is time left.
            Ok(_) | Err(CommitError::Refused(NotDue(_))) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}
