//! What runs around a context: the parts of its process that everything about feeds needs.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::Clock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The clock, the tasks and the end of a process.
#[derive(Clone)]
pub struct Runtime {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What the process waits for when it ends.
    pub tasks: TaskTracker,
    /// Fires when the process shall end.
    pub shutdown: CancellationToken,
    /// How long the database may take for an answer before the work counts as failed.
    pub patience: Duration,
}

impl From<(Arc<dyn Clock>, TaskTracker, CancellationToken, Duration)> for Runtime {
    fn from(
        (clock, tasks, shutdown, patience): (Arc<dyn Clock>, TaskTracker, CancellationToken, Duration),
    ) -> Self {
        Self { clock, tasks, shutdown, patience }
    }
}
