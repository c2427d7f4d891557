//! Reads pages: where the rows stand and what they weigh first, then only the orders that the page shows.
//!
//! Pages are read by turns. A page may take long, and the connections that are left serve who asks for one order.

use std::time::Duration;

use sea_orm::error::ConnAcquireErr;
use sea_orm::{DatabaseConnection, DbErr};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::page::fill;
use crate::projection::order_view::OrderView;
use crate::store::{self, Listed};

/// Pages that are read at once: half of the connections that read.
const TURNS: usize = 2;
/// How long a page waits for its turn: as long as for a connection.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Orders a statement loads at most.
const GROUP: usize = 32;
/// Bytes of orders that a statement loads at most, but for a single larger one.
const GROUP_BYTES: usize = 512 << 10;

/// Gives the turns.
#[derive(Debug)]
pub struct PageReader {
    database: DatabaseConnection,
    turns: Semaphore,
}

impl PageReader {
    /// Reads from `database`.
    pub fn new(database: DatabaseConnection) -> Self {
        Self { database, turns: Semaphore::new(TURNS) }
    }

    /// Waits for a turn, which ends when it is dropped.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, DbErr> {
        let refused = DbErr::ConnectionAcquire;
        let permit = tokio::time::timeout(MAX_WAIT, self.turns.acquire()).await;
        let permit = permit.map_err(|_| refused(ConnAcquireErr::Timeout))?;
        let permit = permit.map_err(|_| refused(ConnAcquireErr::ConnectionClosed))?;
        Ok(Turn { database: &self.database, _permit: permit })
    }
}

/// A turn to read a page.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    database: &'a DatabaseConnection,
    _permit: SemaphorePermit<'a>,
}

impl Turn<'_> {
    /// Where to read from.
    pub fn database(&self) -> &DatabaseConnection {
        self.database
    }

    /// The orders of the rows, in their order, without those that are gone meanwhile.
    pub async fn load(&self, mut listed: &[Listed]) -> Result<Vec<OrderView>, DbErr> {
        let mut orders = Vec::with_capacity(listed.len());
        while !listed.is_empty() {
            let bytes = listed.iter().take(GROUP).map(|row| row.bytes);
            let (group, rest) = listed.split_at(fill(bytes, GROUP_BYTES));
            let ids: Vec<_> = group.iter().map(|row| row.order_id).collect();
            let mut views = store::load_views(self.database, "", ids).await?;
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
    use uuid::Uuid;

    #[tokio::test(start_paused = true)]
    async fn a_page_waits_while_others_have_all_turns_and_not_for_ever() {
        let pages = PageReader::new(DatabaseConnection::default());
        let (first, _second) = (pages.turn().await.unwrap(), pages.turn().await.unwrap());
        let waiting = pages.turn();
        tokio::pin!(waiting);
        assert!(poll!(&mut waiting).is_pending());
        drop(first);
        let _third = waiting.await.unwrap();
        assert!(is_transient(&pages.turn().await.unwrap_err()));
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
        let pages = PageReader::new(database.reader.clone());
        let gone = [1, 2].map(|id| Listed { order_id: Uuid::from_u128(id), bytes: GROUP_BYTES });
        assert_eq!(pages.turn().await.unwrap().load(&gone).await.unwrap(), []);
    }
}
