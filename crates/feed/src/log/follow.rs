//! Keeps a replica's view of the log up with what other replicas commit.
//!
//! A replica that has committed tells the others by a NOTIFY, sent after the commit in a transaction of its own:
//! inside the commit its lock would let all contexts of a cluster wait for each other. A notice says only that
//! there is something; what it is comes from the log, in order. A slow poll makes up for notices that were lost.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::EventId;
use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, Statement};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::EventLog;
use super::boundary::gap;
use crate::store::{is_transient, log_head};

/// Channel of the notices. A database holds one log.
const CHANNEL: &str = "ordermesh_log";
/// How long a lost notice can go unnoticed.
const POLL: Duration = Duration::from_millis(500);
/// The least time between two notices: under load one stands for many commits.
const NOTICE_INTERVAL: Duration = Duration::from_millis(5);
/// How often in a row the log may be unreadable for a reason that does not pass by itself.
const FAULTS: u32 = 5;
/// Events read at once to catch up.
const PAGE: usize = 1000;

impl EventLog {
    /// Follows, until `shutdown`, what other processes write to the same database; SQLite has no others. Fires
    /// `shutdown` when the database turns out to hold another history than this process knows, as after a
    /// restore: what it keeps in memory is then wrong, and whoever resumes after a new start is told. Fires it, too,
    /// when the log cannot be read for good: its subscribers would wait for ever, and are to go to another replica.
    pub fn follow(self: &Arc<Self>, tasks: &TaskTracker, shutdown: CancellationToken) {
        if self.reader.get_database_backend() != DbBackend::Postgres {
            return;
        }
        // Notices of our own are left out: what was committed here is known here.
        let replica = Uuid::now_v7().simple().to_string();
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(self.clone().tell(replica.clone())));
        let (log, unreadable) = (self.clone(), shutdown.clone());
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
            let error = log.listen(replica).await;
            tracing::error!(%error, "this server cannot read what others have written to the log; the server ends");
            unreadable.cancel();
        }));
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
            if let Err(error) = self.in_time(self.reader.execute_raw(statement.clone())).await {
                // The others find the commit by their poll.
                tracing::debug!(%error, "other replicas could not be told of a commit");
            }
            tokio::time::sleep(NOTICE_INTERVAL).await;
        }
    }

    /// Takes from the database whatever others have committed, until that fails for good.
    async fn listen(self: Arc<Self>, replica: String) -> DbErr {
        let (mut ear, mut faults) = (Ear::new(replica), 0);
        loop {
            let error = match self.hear(&mut ear).await {
                Ok(()) => {
                    faults = 0;
                    continue;
                }
                Err(error) => error,
            };
            faults = if is_transient(&error) { 0 } else { faults + 1 };
            if faults == FAULTS {
                return error;
            }
            tracing::warn!(%error, "the log cannot be followed");
            ear.listener = None;
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until there may be something that is not known here, and takes it.
    async fn hear(&self, ear: &mut Ear) -> Result<(), DbErr> {
        let woken = ear.wait(self).await?;
        if woken != Woken::Notice {
            // Connections are cut where a database is exchanged, and an exchange may go unheard.
            self.in_time(self.check_head()).await?;
            ear.poll = Instant::now() + POLL;
        }
        self.in_time(self.catch_up()).await?;
        if ear.is_deaf(woken, *self.head.borrow()) {
            ear.listener = None;
        }
        Ok(())
    }

    async fn open_listener(&self) -> Result<PgListener, DbErr> {
        // A pool of its own: a listener that is given up says goodbye without a limit of time, and on a lost connection would
        // keep its place among those that read until the kernel gives up.
        let reader = self.reader.pool().get_postgres_connection_pool();
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .acquire_timeout(reader.options().get_acquire_timeout())
            .connect_lazy_with(reader.connect_options().as_ref().clone());
        let mut listener = PgListener::connect_with(&own).await.map_err(cut)?;
        listener.listen(CHANNEL).await.map_err(cut)?;
        Ok(listener)
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
            match events.first().map(|first| first.position) {
                Some(first) if first == head + 1 => self.take(events),
                first if self.skip_truncated().await? => {
                    tracing::info!(head, ?first, "a truncation took what this server had not seen yet");
                }
                Some(first) => return Err(gap(head, first)),
                None => return Ok(()),
            }
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

/// What wakes a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// Another replica says so.
    Notice,
    /// Notices may have been lost.
    Connected,
    /// It is time to look.
    Poll,
}

/// Where notices come in, and when to look without one.
struct Ear {
    listener: Option<PgListener>,
    /// Who we are.
    replica: String,
    /// Kept while notices come: under steady ones the log's head must be compared, too.
    poll: Instant,
    /// A notice, perhaps our own, has come since the head was noted.
    heard: bool,
    /// The head when a notice was heard, and at the last poll.
    heard_head: i64,
    polled_head: i64,
}

impl Ear {
    fn new(replica: String) -> Self {
        let poll = Instant::now();
        Self { listener: None, replica, poll, heard: false, heard_head: 0, polled_head: 0 }
    }

    /// Whether events that were there a poll ago have had no notice until now, not even one of our own: then the
    /// connection only seems to be open. `head` is the newest position after what has woken us was done.
    fn is_deaf(&mut self, woken: Woken, head: i64) -> bool {
        let deaf = woken == Woken::Poll && !self.heard && self.polled_head > self.heard_head;
        if std::mem::take(&mut self.heard) || deaf || woken == Woken::Connected {
            self.heard_head = head;
        }
        if woken == Woken::Poll {
            self.polled_head = head;
        }
        deaf
    }

    async fn wait(&mut self, log: &EventLog) -> Result<Woken, DbErr> {
        let Some(listener) = &mut self.listener else {
            self.listener = Some(log.in_time(log.open_listener()).await?);
            return Ok(Woken::Connected);
        };
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.poll) => return Ok(Woken::Poll),
                notice = listener.try_recv() => {
                    // None: the connection was lost and is there again.
                    let Some(notice) = notice.map_err(cut)? else { return Ok(Woken::Connected) };
                    self.heard = true;
                    if notice.payload() != self.replica {
                        return Ok(Woken::Notice);
                    }
                }
            }
        }
    }
}

fn cut(error: sea_orm::sqlx::Error) -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_that_hears_nothing_of_events_that_are_there_is_given_up() {
        let mut ear = Ear::new("we".to_owned());
        assert!(!ear.is_deaf(Woken::Connected, 5));
        assert!(!ear.is_deaf(Woken::Poll, 5));
        // The notice of the newest events may be on its way.
        assert!(!ear.is_deaf(Woken::Poll, 7));
        ear.heard = true;
        assert!(!ear.is_deaf(Woken::Poll, 8));
        assert!(!ear.is_deaf(Woken::Poll, 8));
        assert!(!ear.is_deaf(Woken::Poll, 9));
        assert!(ear.is_deaf(Woken::Poll, 9));
        assert!(!ear.is_deaf(Woken::Connected, 9));
        assert!(!ear.is_deaf(Woken::Poll, 9));
        ear.heard = true;
        assert!(!ear.is_deaf(Woken::Notice, 12));
        assert!(!ear.is_deaf(Woken::Poll, 12));
    }
}
