//! Reads pages: where the rows stand and what they weigh first, then only the orders that the page shows.
//!
//! Pages are read by turns. A page may take long, and the connections that are left serve who asks for one order. A
//! turn lasts as long as the database works for it: a caller who has left does not end the statement.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::store::PatientConnection;
use sea_orm::error::ConnAcquireErr;
use sea_orm::{DbBackend, DbErr};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::page::fill;
use crate::projection::order_view::OrderView;
use crate::store::{self, Listed};

/// How long a page waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Orders a statement loads at most.
const GROUP: usize = 32;
/// Bytes of orders that a statement loads at most, but for a single larger one.
const GROUP_BYTES: usize = 512 << 10;

/// Gives the turns.
#[derive(Debug)]
pub struct PageReader {
    database: PatientConnection,
    turns: Arc<Semaphore>,
}

impl PageReader {
    /// Reads from `database`, as many pages at once as half of its connections.
    pub fn new(database: PatientConnection) -> Self {
        let pool = database.pool();
        let connections = match pool.get_database_backend() {
            DbBackend::Postgres => pool.get_postgres_connection_pool().options().get_max_connections(),
            _ => pool.get_sqlite_connection_pool().options().get_max_connections(),
        };
        Self::with_turns(database, usize::try_from(connections / 2).unwrap_or(1).max(1))
    }

    fn with_turns(database: PatientConnection, turns: usize) -> Self {
        Self { database, turns: Arc::new(Semaphore::new(turns)) }
    }

    /// Waits for a turn and reads to the end, whether the caller stays or not.
    pub(super) async fn read<T, F>(&self, read: impl FnOnce(Turn) -> F) -> Result<T, DbErr>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DbErr>> + Send + 'static,
    {
        let page = tokio::spawn(read(self.turn().await?));
        page.await.map_err(|error| DbErr::Custom(format!("the page could not be read: {error}")))?
    }

    /// Waits for a turn, which ends when it is dropped.
    async fn turn(&self) -> Result<Turn, DbErr> {
        let refused = DbErr::ConnectionAcquire;
        let permit = tokio::time::timeout(MAX_WAIT, self.turns.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| refused(ConnAcquireErr::Timeout))?;
        let permit = permit.map_err(|_| refused(ConnAcquireErr::ConnectionClosed))?;
        Ok(Turn { database: self.database.clone(), _permit: permit })
    }
}

/// A turn to read a page.
#[derive(Debug)]
pub(super) struct Turn {
    database: PatientConnection,
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    /// Where to read from.
    pub fn database(&self) -> &PatientConnection {
        &self.database
    }

    /// The orders of the rows, in their order, without those that are gone meanwhile.
    pub async fn load(&self, mut listed: &[Listed]) -> Result<Vec<OrderView>, DbErr> {
        let mut orders = Vec::with_capacity(listed.len());
        while !listed.is_empty() {
            let bytes = listed.iter().take(GROUP).map(|row| row.bytes);
            let (group, rest) = listed.split_at(fill(bytes, GROUP_BYTES));
            let ids: Vec<_> = group.iter().map(|row| row.order_id).collect();
            let mut views = store::load_views(&self.database, "", ids).await?;
            for view in group.iter().filter_map(|row| views.remove(&row.order_id)) {
                orders.push(view?);
            }
            listed = rest;
        }
        Ok(orders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::poll;
    use ordermesh_feed::store::is_transient;
    use ordermesh_service::Database;
    use sea_orm::DatabaseConnection;
    use uuid::Uuid;

    fn nowhere() -> PatientConnection {
        PatientConnection::new(DatabaseConnection::default(), MAX_WAIT)
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_waits_while_others_have_all_turns_and_not_for_ever() {
        let pages = PageReader::with_turns(nowhere(), 2);
        let (first, _second) = (pages.turn().await.unwrap(), pages.turn().await.unwrap());
        let waiting = pages.turn();
        tokio::pin!(waiting);
        assert!(poll!(&mut waiting).is_pending());
        drop(first);
        let _third = waiting.await.unwrap();
        assert!(is_transient(&pages.turn().await.unwrap_err()));
    }

    #[tokio::test]
    async fn a_caller_who_has_left_does_not_end_the_turn_before_its_page_is_read() {
        let pages = PageReader::with_turns(nowhere(), 1);
        let (finish, finished) = tokio::sync::oneshot::channel::<()>();
        let mut calling = Box::pin(pages.read(|turn| async move {
            let _ = finished.await;
            drop(turn);
            Ok(())
        }));
        assert!(poll!(&mut calling).is_pending());
        drop(calling);
        let next = pages.turn();
        tokio::pin!(next);
        assert!(poll!(&mut next).is_pending());
        finish.send(()).unwrap();
        next.await.unwrap();
    }

    #[tokio::test]
    async fn orders_that_are_gone_meanwhile_are_left_out() {
        let database = Database::open::<store::Migrator>(
            &String::new().into(),
            true,
            &ordermesh_service::config::DatabaseSettings::default(),
        )
        .await
        .unwrap();
        let pages = PageReader::new(PatientConnection::new(database.reader.clone(), MAX_WAIT));
        let gone = [1, 2].map(|id| Listed { order_id: Uuid::from_u128(id), bytes: GROUP_BYTES });
        assert_eq!(pages.turn().await.unwrap().load(&gone).await.unwrap(), []);
    }
}
