//! Only one rebuild of a projection at a time, on all replicas: they would fill the same tables.
//!
//! A rebuild holds a lease beside the consumer's own, and renews it in each of its transactions. So nothing is written
//! by one whose lease another has got meanwhile.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::{Clock, EventId};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::consume::{ConsumeError, lease};
use crate::store::PatientConnection;

/// How long a rebuild may be silent before another may begin, beside the time that one of its statements may take.
const GRACE: Duration = Duration::from_secs(5);
/// A statement may be allowed to take for ever; the turn of a rebuild that was killed must end.
const LONGEST: Duration = Duration::from_secs(600);

/// The right to rebuild a projection, until it is dropped.
pub(super) struct Turn {
    projection: &'static str,
    db: PatientConnection,
    clock: Arc<dyn Clock>,
    /// Of the lease.
    name: String,
    holder: Uuid,
}

impl Turn {
    /// A turn that is still to be taken.
    pub fn of(projection: &'static str, db: &PatientConnection, clock: &Arc<dyn Clock>) -> Self {
        let (name, holder) = (format!("{projection} rebuild"), *EventId::new_v7(clock.now()).as_uuid());
        Self { projection, db: db.clone(), clock: clock.clone(), name, holder }
    }

    /// Takes the turn; [`ConsumeError::Rebuilding`] while another rebuild has it.
    pub async fn take<C: ConnectionTrait>(&self, tx: &C) -> Result<(), ConsumeError> {
        self.held(lease::acquire(tx, &self.name, self.holder, self.clock.now(), self.length()).await?)
    }

    /// Keeps the turn through the transaction; [`ConsumeError::Rebuilding`] when another rebuild has got it.
    pub async fn keep<C: ConnectionTrait>(&self, tx: &C) -> Result<(), ConsumeError> {
        self.held(lease::renew(tx, &self.name, self.holder, self.clock.now(), self.length()).await?)
    }

    fn length(&self) -> Duration {
        self.db.patience().min(LONGEST) + GRACE
    }

    fn held(&self, held: bool) -> Result<(), ConsumeError> {
        match held {
            true => Ok(()),
            false => Err(ConsumeError::Rebuilding { projection: self.projection }),
        }
    }

    /// Gives the turn back, so that the next rebuild need not wait.
    pub async fn give_back(&self) {
        if let Err(error) = lease::release(&self.db, &self.name, self.holder).await {
            tracing::warn!(projection = self.projection, %error, "the next rebuild has to wait a little");
        }
    }
}

/// For a rebuild that was called off. One that ends has given its turn back already.
impl Drop for Turn {
    fn drop(&mut self) {
        let (db, name, holder) = (self.db.clone(), std::mem::take(&mut self.name), self.holder);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { lease::release(&db, &name, holder).await });
        }
    }
}
