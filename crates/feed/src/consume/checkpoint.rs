//! Where a consumer stands, moved only from where it was found.

use ordermesh_kernel::EventId;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, Set};
use uuid::Uuid;

use super::ConsumeError;
use crate::store::WriteTransaction;
use crate::store::checkpoint::{ActiveModel, Column, Entity, Model};
use crate::token::LogPosition;

/// Where the consumer stands; `None` before it has first stored a place.
pub(crate) async fn load<C: ConnectionTrait>(db: &C, consumer: &str) -> Result<Option<LogPosition>, DbErr> {
    let row = Entity::find_by_id(consumer.to_owned()).one(db).await?;
    Ok(row.map(place))
}

/// The same, and keeps every other transaction of the consumer waiting until this one has ended.
pub(crate) async fn load_locked(tx: &WriteTransaction, consumer: &str) -> Result<Option<LogPosition>, DbErr> {
    let row = Entity::find_by_id(consumer.to_owned()).lock_exclusive().one(tx).await?;
    Ok(row.map(place))
}

/// Moves the checkpoint from `from` to `to`; [`ConsumeError::Superseded`] when it is no longer at `from`.
pub(crate) async fn advance(
    tx: &WriteTransaction,
    consumer: &str,
    from: Option<LogPosition>,
    to: LogPosition,
) -> Result<(), ConsumeError> {
    let event_id = to.event_id.map(|id| *id.as_uuid());
    let moved = match from {
        Some(from) => {
            let update = Entity::update_many()
                .col_expr(Column::FeedId, Expr::value(to.feed_id))
                .col_expr(Column::Position, Expr::value(to.position))
                .col_expr(Column::EventId, Expr::value(event_id))
                .filter(Column::Consumer.eq(consumer))
                .filter(Column::FeedId.eq(from.feed_id))
                .filter(Column::Position.eq(from.position));
            update.exec(tx).await?.rows_affected
        }
        None => {
            let row = ActiveModel {
                consumer: Set(consumer.to_owned()),
                feed_id: Set(to.feed_id),
                position: Set(to.position),
                event_id: Set(event_id),
            };
            let taken = OnConflict::column(Column::Consumer).do_nothing().to_owned();
            Entity::insert(row).on_conflict(taken).exec_without_returning(tx).await?
        }
    };
    match moved {
        0 => Err(ConsumeError::Superseded),
        _ => Ok(()),
    }
}

fn place(row: Model) -> LogPosition {
    LogPosition { feed_id: row.feed_id, position: row.position, event_id: row.event_id.map(EventId::from) }
}

/// The position up to which `place` is done with the log `feed_id`.
pub(crate) fn check_same_log(place: Option<LogPosition>, feed_id: Uuid) -> Result<i64, ConsumeError> {
    match place {
        None => Ok(0),
        Some(place) if place.feed_id == feed_id => Ok(place.position),
        Some(place) => Err(ConsumeError::Diverged { feed: feed_id, checkpoint: place.feed_id }),
    }
}

/// A place in a log by an event's position and id.
pub(crate) fn place_of(feed_id: Uuid, position: i64, event_id: &str) -> Result<LogPosition, ConsumeError> {
    let id = EventId::parse(event_id).map_err(|_| ConsumeError::Contract("an event id is no UUID"))?;
    Ok(LogPosition { feed_id, position, event_id: Some(id) })
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectOptions, Database};
    use sea_orm_migration::{MigrationTrait, MigratorTrait};

    use super::*;
    use crate::store::ConsumerMigration;

    struct Migrator;

    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            vec![Box::new(ConsumerMigration)]
        }
    }

    fn at(log: u128, position: i64) -> LogPosition {
        let event_id = Some(EventId::from(Uuid::from_u128(position.unsigned_abs().into())));
        LogPosition { feed_id: Uuid::from_u128(log), position, event_id }
    }

    #[tokio::test]
    async fn a_checkpoint_moves_only_from_where_it_was_found() {
        let mut options = ConnectOptions::new("sqlite::memory:");
        let db = Database::connect(options.max_connections(1).clone()).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let moves = async |from, to| {
            let tx = WriteTransaction::begin(&db).await.unwrap();
            let moved = advance(&tx, "mail", from, to).await;
            tx.end(moved).await
        };
        moves(None, at(1, 5)).await.unwrap();
        for stale in [None, Some(at(1, 4)), Some(at(2, 5))] {
            let refused = moves(stale, at(1, 9)).await;
            assert!(matches!(refused, Err(ConsumeError::Superseded)), "{stale:?}");
        }
        moves(Some(at(1, 5)), at(1, 6)).await.unwrap();
        assert_eq!(load(&db, "mail").await.unwrap(), Some(at(1, 6)));
        assert_eq!(load(&db, "other").await.unwrap(), None);
    }
}
