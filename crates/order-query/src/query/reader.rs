//! Reads orders by id for all callers at once: the ids that queue up while one statement runs are the next
//! statement. No timer: a lone caller does not wait, and the busier it gets the fewer statements an order costs.

use ordermesh_feed::store::PatientConnection;
use sea_orm::DbErr;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::projection::order_view::OrderView;
use crate::store;

/// Ids a statement round takes at most.
const MAX_BATCH: usize = 256;
/// Ids that may queue before callers wait.
const QUEUE: usize = 1024;

type Answer = Result<Option<OrderView>, DbErr>;

struct Wanted {
    order_id: Uuid,
    answer: oneshot::Sender<Answer>,
}

/// A handle to the task that reads.
#[derive(Debug, Clone)]
pub struct Reader {
    queue: mpsc::Sender<Wanted>,
}

impl Reader {
    /// Starts the task on `tasks`; it ends when the last handle is gone.
    pub fn start(database: PatientConnection, tasks: &TaskTracker) -> Self {
        let (queue, wanted) = mpsc::channel(QUEUE);
        tasks.spawn(read(database, wanted));
        Self { queue }
    }

    /// The order, if there is one. What was committed before the call is seen.
    pub async fn get(&self, order_id: Uuid) -> Result<Option<OrderView>, DbErr> {
        let (answer, answered) = oneshot::channel();
        let ended = || DbErr::Custom("the reader task has ended".to_owned());
        self.queue.send(Wanted { order_id, answer }).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

async fn read(database: PatientConnection, mut queue: mpsc::Receiver<Wanted>) {
    let mut wanted = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut wanted, MAX_BATCH).await > 0 {
        // Who has left meanwhile needs no answer.
        wanted.retain(|wanted| !wanted.answer.is_closed());
        let ids: Vec<_> = wanted.iter().map(|wanted| wanted.order_id).collect();
        let found = store::find_views(&database, ids).await;
        for Wanted { order_id, answer } in wanted.drain(..) {
            let view = match &found {
                Ok(views) => views.get(&order_id).cloned().transpose(),
                Err(error) => Err(error.clone()),
            };
            let _ = answer.send(view);
        }
    }
}
