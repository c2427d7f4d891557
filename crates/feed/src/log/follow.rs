//! Keeps a replica's view of the log up with what other replicas commit.
//!
//! A replica that has committed tells the others by a NOTIFY, sent after the commit in a transaction of its own:
//! inside the commit its lock would let all contexts of a cluster wait for each other. A notice says only that
//! there is something; what it is comes from the log, in order. A slow poll makes up for notices that were lost.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::EventId;
use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, Statement};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::EventLog;
use crate::store::log_head;

/// Channel of the notices. A database holds one log.
const CHANNEL: &str = "ordermesh_log";
/// How long a lost notice can go unnoticed.
const POLL: Duration = Duration::from_millis(500);
/// The least time between two notices: under load one stands for many commits.
const NOTICE_INTERVAL: Duration = Duration::from_millis(5);
/// Events read at once to catch up.
const PAGE: usize = 1000;

impl EventLog {
    /// Follows, until `shutdown`, what other processes write to the same database; SQLite has no others. Fires
    /// `shutdown` when the database turns out to hold another history than this process knows, as after a
    /// restore: what it keeps in memory is then wrong, and whoever resumes after a new start is told.
    pub fn follow(self: &Arc<Self>, tasks: &TaskTracker, shutdown: CancellationToken) {
        if self.reader.get_database_backend() != DbBackend::Postgres {
            return;
        }
        // Notices of our own are left out: what was committed here is known here.
        let replica = Uuid::now_v7().simple().to_string();
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(self.clone().tell(replica.clone())));
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(self.clone().listen(replica)));
        let diverged = self.diverged.clone();
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
            diverged.cancelled().await;
            tracing::error!("the database holds another history than this server knows; the server ends");
            shutdown.cancel();
        }));
    }

    /// Tells the other replicas of commits.
    async fn tell(self: Arc<Self>, replica: String) {
        // A notice is a transaction; that it survives a crash is not worth waiting for the disk.
        let sql = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";
        let values = [CHANNEL.into(), replica.into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        loop {
            self.news.notified().await;
            if let Err(error) = self.reader.execute_raw(statement.clone()).await {
                // The others find the commit by their poll.
                tracing::debug!(%error, "other replicas could not be told of a commit");
            }
            tokio::time::sleep(NOTICE_INTERVAL).await;
        }
    }

    /// Takes from the database whatever others have committed.
    async fn listen(self: Arc<Self>, replica: String) {
        let mut listener = None;
        loop {
            let caught_up = match &mut listener {
                None => self.open_listener().await.map(|opened| listener = Some(opened)),
                Some(listener) => self.wait(listener, &replica).await,
            };
            let caught_up = match caught_up {
                Ok(()) => self.catch_up().await,
                Err(error) => Err(error),
            };
            if let Err(error) = caught_up {
                tracing::warn!(%error, "the log cannot be followed");
                listener = None;
                tokio::time::sleep(POLL).await;
            }
        }
    }

    async fn open_listener(&self) -> Result<PgListener, DbErr> {
        let failed = |error| DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error)));
        let pool = self.reader.get_postgres_connection_pool();
        let mut listener = PgListener::connect_with(pool).await.map_err(failed)?;
        listener.listen(CHANNEL).await.map_err(failed)?;
        // Connections are cut where a database is exchanged.
        self.check_head().await?;
        Ok(listener)
    }

    /// Waits until there may be something that is not known here.
    async fn wait(&self, listener: &mut PgListener, replica: &str) -> Result<(), DbErr> {
        let poll = tokio::time::sleep(POLL);
        tokio::pin!(poll);
        loop {
            tokio::select! {
                notice = listener.try_recv() => match notice {
                    Ok(Some(notice)) if notice.payload() == replica => {}
                    // None: the connection was lost, and with it perhaps notices.
                    Ok(_) => return Ok(()),
                    Err(error) => {
                        return Err(DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error))));
                    }
                },
                () = &mut poll => return self.check_head().await,
            }
        }
    }

    /// Reads up to the head of the database.
    async fn catch_up(&self) -> Result<(), DbErr> {
        loop {
            let (head, known) = self.known_head();
            let events = self.stored(head, PAGE).await?;
            // What follows another event than the one known here is another history.
            if !events.is_empty() && self.is_another(head, known).await? {
                tracing::error!(head, "another event stands in the database at the head known here");
                self.diverged.cancel();
                return Ok(());
            }
            if events.first().is_none_or(|first| first.position != head + 1) && self.skip_truncated().await? {
                continue;
            }
            if events.is_empty() {
                return Ok(());
            }
            self.take(events);
        }
    }

    /// Notices a database that was exchanged for an older copy.
    async fn check_head(&self) -> Result<(), DbErr> {
        let (head, known) = self.known_head();
        let stored = log_head::Entity::find()
            .filter(log_head::Column::Id.eq(1))
            .one(&self.reader)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound("log_head has no row".to_owned()))?;
        let same = stored.feed_id == self.feed_id && stored.position >= head;
        if !same || self.is_another(head, known).await? {
            tracing::error!(
                head,
                stored = stored.position,
                "the log in the database is not the one known here"
            );
            self.diverged.cancel();
        }
        Ok(())
    }

    /// Whether another event stands at a position than the one known here.
    async fn is_another(&self, position: i64, known: Option<EventId>) -> Result<bool, DbErr> {
        match known {
            Some(known) => Ok(self.stored_id(position).await?.is_some_and(|id| id != known)),
            None => Ok(false),
        }
    }
}
