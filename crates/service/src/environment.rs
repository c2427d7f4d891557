//! What a context is given when it starts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ordermesh_kernel::Clock;
use sea_orm_migration::MigratorTrait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::{Channel, Endpoint};

use crate::config::{ConfigError, MaskedUrl, Settings};
use crate::database::{Database, OpenError, is_postgres};

/// Everything around a context.
#[derive(Clone)]
pub struct Environment {
    /// The settings of the process.
    pub settings: Settings,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Fires when the process shall end: streams close, loops stop.
    pub shutdown: CancellationToken,
    /// Tasks that the process waits for when it ends.
    pub tasks: TaskTracker,
    /// Every database that was opened, with its lock, to be closed after the tasks.
    opened: Arc<Mutex<Vec<Database>>>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A database cannot be opened.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// A database refuses what a start needs.
    #[error("the database refuses: {0}")]
    Store(#[from] sea_orm::DbErr),
    /// The server stopped listening by itself.
    #[error("the server ended: {0}")]
    Ended(String),
    /// The process was told to end while it waited for a database.
    #[error("stopped before the start was over")]
    Stopped,
    /// An address cannot be used.
    #[error("{what} {address:?}: {error}")]
    Address {
        /// What the address is for.
        what: &'static str,
        /// The address.
        address: String,
        /// Why it cannot be used.
        error: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Environment {
    /// An environment without tasks and databases yet.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, shutdown: CancellationToken) -> Self {
        Self { settings, clock, shutdown, tasks: TaskTracker::new(), opened: Arc::default() }
    }

    /// Clock, tasks, shutdown and the database's patience: what the runtime of a feed is made of, which does not know this
    /// crate.
    pub fn parts(&self) -> (Arc<dyn Clock>, TaskTracker, CancellationToken, Duration) {
        let patience = self.settings.database.patience();
        (self.clock.clone(), self.tasks.clone(), self.shutdown.clone(), patience)
    }

    /// Closes every database, so that a copy of SQLite's file alone is complete: the last connection folds the
    /// write-ahead log into it.
    pub(crate) async fn close_databases(&self) {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for database in opened {
            if let Err(error) = database.close().await {
                tracing::warn!(%error, "a database could not be closed well");
            }
        }
    }

    /// Opens the database of a context, see [`Settings::database_url`]. A shutdown meanwhile ends the
    /// wait for a server that is away, or for a tool that has the database for itself.
    pub async fn database<M: MigratorTrait>(
        &self,
        name: &str,
        url: &MaskedUrl,
    ) -> Result<Database, StartError> {
        let url = self.settings.database_url(name, url);
        let opening = Database::open::<M>(&url, self.settings.in_memory, &self.settings.database);
        let database = match is_postgres(url.reveal()) {
            // Its migrations are transactions: one that is broken off leaves nothing behind.
            true => self.shutdown.run_until_cancelled(opening).await.ok_or(StartError::Stopped)??,
            false => opening.await?,
        };
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(database.clone());
        Ok(database)
    }

    /// A connection to another server by its name such as `order_command`, made when it is first used.
    pub fn peer(&self, name: &str) -> Result<Channel, StartError> {
        let address = self.settings.peers.get(name).map(|url| url.reveal().to_owned());
        let address = address
            .ok_or_else(|| ConfigError::missing(&format!("peers.{name}"), "the URL of that server"))?;
        let endpoint = Endpoint::from_shared(address.clone()).map_err(|error| StartError::Address {
            what: "peer",
            address,
            error: error.into(),
        })?;
        Ok(endpoint
            .connect_timeout(Duration::from_secs(2))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(10))
            // A server that stands still, or a network that swallows everything, is given up after 15 s.
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true)
            // Feeds are read at full speed: the default window of 64 KiB would wait for the network's round trips.
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .connect_lazy())
    }
}
