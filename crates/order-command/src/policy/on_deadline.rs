//! When the payment of an order was not there in time: the order expires, judged by order's own clock.
//!
//! What payment told in time may not have been heard yet, after an outage of either server. So an order expires when
//! all that was told until its deadline is heard; and when payment could not be heard at all for a while, all the same,
//! since its stock must not wait for ever.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ordermesh_feed::commit::{CommandIdentity, CommitError, Committer, fingerprint};
use ordermesh_feed::consume::ConsumerControl;
use ordermesh_feed::due::DueWork;
use ordermesh_feed::event::Cause;
use ordermesh_feed::store::PatientConnection;
use ordermesh_kernel::{OrderId, Timestamp};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::command::Target;
use crate::command::expire_order::{ExpireOrder, NotExpired};
use crate::domain::Actor;
use crate::store::{OrdersUnit, due_orders};

/// Name of the deadline, as the timeline has it and as the keys of its commands do.
const PAYMENT_DEADLINE: &str = "payment-deadline";

/// How long payment must not have been heard, and a deadline have passed, for an order to expire all the same.
const UNHEARD: Duration = Duration::from_secs(600);

/// Expires orders. The replica that follows payment's feed does it; should two think so, the command is judged on the order
/// as it is, and they ask under the same request_id.
pub struct PaymentDeadlines {
    db: PatientConnection,
    committer: Committer<OrdersUnit>,
    payment: Arc<dyn ConsumerControl>,
    /// When payment was last heard here, or need not have been. Never held while anything is waited for.
    heard_at: Mutex<Timestamp>,
}

impl PaymentDeadlines {
    /// Looks for deadlines in `db`; `payment` is what follows the feed of payment.
    pub fn new(
        db: PatientConnection,
        committer: Committer<OrdersUnit>,
        payment: Arc<dyn ConsumerControl>,
    ) -> Self {
        let heard_at = Mutex::new(payment.now());
        Self { db, committer, payment, heard_at }
    }

    /// The deadlines until then may be judged; none when none may.
    fn heard_until(&self, now: Timestamp) -> Option<Timestamp> {
        let progress = self.payment.progress();
        let hears = progress.contact.is_some() && progress.error.is_none();
        let lag = progress.lag_time(now).filter(|_| hears);
        let mut heard_at = self.heard_at.lock().unwrap_or_else(PoisonError::into_inner);
        // A replica that stands by hears nothing; the one that hears does this work.
        if !progress.active || lag.is_some() {
            *heard_at = now;
        }
        let patience_ends = heard_at.checked_add(UNHEARD).unwrap_or(Timestamp::MAX);
        let behind = lag.or_else(|| (patience_ends <= now).then_some(UNHEARD));
        behind.filter(|_| progress.active).and_then(|behind| now.checked_sub(behind).ok())
    }
}

#[async_trait]
impl DueWork for PaymentDeadlines {
    type Item = (OrderId, Timestamp);

    fn name(&self) -> &'static str {
        PAYMENT_DEADLINE
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Self::Item>, DbErr> {
        match self.heard_until(now) {
            Some(heard_until) => due_orders(&self.db, heard_until, limit as u64).await,
            None => Ok(Vec::new()),
        }
    }

    async fn run(&self, (order_id, deadline): Self::Item) -> Result<(), String> {
        let request_id =
            Uuid::new_v5(order_id.as_uuid(), format!("{PAYMENT_DEADLINE} {deadline}").as_bytes());
        let request_id = request_id.to_string();
        let identity = CommandIdentity {
            method: "ExpireOrder",
            principal: format!("policy:{PAYMENT_DEADLINE}"),
            fingerprint: fingerprint(request_id.as_bytes()),
            bytes: size_of::<Uuid>(),
            cause: Cause {
                correlation_id: request_id.clone(),
                causation_id: request_id.clone(),
                ..Cause::default()
            },
            request_id,
        };
        let actor = Actor::Policy(PAYMENT_DEADLINE.to_owned());
        let target = Target { order_id, expected_revision: None, actor };
        match self.committer.execute(identity, ExpireOrder { target }).await {
            // The payment came meanwhile, or by the committer's clock there is time left.
            Ok(_) | Err(CommitError::Refused(NotExpired::NotDue(_))) => Ok(()),
            Err(CommitError::Refused(refusal)) => Err(refusal.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}
