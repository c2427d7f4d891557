//! The unit of work of a batch of commands: what they want is locked and loaded once, and every row that they change
//! is written once, however many of them changed it.
//!
//! Locks are taken in one order, reservations by id and then articles by SKU, so that writers do not wait for each other in
//! a circle. An article's row stands for all its items and for all reserved pieces of it: who has it locked sees them
//! stand still. Decisions of a batch follow each other in memory, so everybody's favourite article costs one lock and
//! one row a batch.

use std::collections::BTreeSet;

use ordermesh_feed::commit::UnitOfWork;
use ordermesh_feed::event::NewEvent;
use ordermesh_feed::store::{Table, WriteTransaction, Writes};
use sea_orm::sea_query::Value;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::{article, item, part, reservation, restocked_return};
use super::rows;
use crate::codec;
use crate::domain::{ItemKey, Ledger, ReservationId, Sku};

/// What a command needs to have loaded.
#[derive(Debug)]
pub enum Want {
    /// All stock of an article.
    Article(Sku),
    /// A reservation, with all stock of its articles.
    Reservation(ReservationId),
    /// Every reservation with pieces of an item, since the item may lose some.
    Holders(ItemKey),
}

/// What a batch works on.
#[derive(Default)]
pub struct StockUnit {
    /// The decisions' view of it.
    pub ledger: Ledger,
    articles: BTreeSet<String>,
    items: BTreeSet<ItemKey>,
    reservations: BTreeSet<ReservationId>,
    returns: BTreeSet<(Uuid, Uuid)>,
}

/// The rows of reservations.
#[derive(Default)]
struct Loaded {
    ids: BTreeSet<Uuid>,
    rows: Vec<reservation::Model>,
    parts: Vec<part::Model>,
    returns: Vec<restocked_return::Model>,
}

impl Loaded {
    /// Locks and reads reservations that are not here yet.
    async fn add(&mut self, tx: &WriteTransaction, ids: BTreeSet<Uuid>) -> Result<(), DbErr> {
        let new: Vec<_> = ids.difference(&self.ids).copied().collect();
        let values = || new.iter().map(|id| Value::from(*id));
        let rows = Table::<reservation::Entity>::default();
        let rows = rows.find_in_and_lock(tx, reservation::Column::ReservationId, values()).await?;
        self.ids.extend(&new);
        if rows.is_empty() {
            return Ok(());
        }
        self.rows.extend(rows);
        let parts = Table::<part::Entity>::default();
        self.parts.extend(parts.find_in(tx, part::Column::ReservationId, values()).await?);
        let returns = Table::<restocked_return::Entity>::default();
        self.returns.extend(returns.find_in(tx, restocked_return::Column::ReservationId, values()).await?);
        Ok(())
    }

    fn skus(&self) -> impl Iterator<Item = String> {
        self.parts.iter().map(|part| part.sku.clone())
    }
}

#[async_trait::async_trait]
impl UnitOfWork for StockUnit {
    type Want = Want;

    async fn load(tx: &WriteTransaction, wants: Vec<Want>) -> Result<Self, DbErr> {
        let (mut articles, mut ids, mut losing) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for want in wants {
            match want {
                Want::Article(sku) => _ = articles.insert(sku.into_string()),
                Want::Reservation(id) => _ = ids.insert(rows::uuid_of(id)),
                Want::Holders(key) => {
                    articles.insert(key.sku.as_str().to_owned());
                    losing.insert(key);
                }
            }
        }
        let mut unit = Self::default();
        let mut loaded = Loaded::default();
        loop {
            // Before the articles, in the order of all locks. Who becomes a holder while we wait for an article is found by
            // another round: out of order, so that in the worst case the database ends one of two and it is tried again.
            ids.extend(holders(tx, &losing).await?);
            loaded.add(tx, std::mem::take(&mut ids)).await?;
            articles.extend(loaded.skus());
            unit.lock_articles(tx, &articles).await?;
            if holders(tx, &losing).await?.is_subset(&loaded.ids) {
                break;
            }
        }
        unit.load_items(tx).await?;
        unit.load_reservations(loaded)?;
        losing.into_iter().for_each(|key| unit.ledger.load_complete(key));
        Ok(unit)
    }

    fn take_events(&mut self) -> Vec<NewEvent> {
        self.ledger.take_events().iter().map(codec::encode_event).collect()
    }

    fn store(self, writes: &mut Writes) -> Result<(), DbErr> {
        let ledger = &self.ledger;
        let skus: BTreeSet<_> = ledger.changed_items().map(|item| item.key.sku.as_str().to_owned()).collect();
        let articles = skus.difference(&self.articles).map(|sku| article::Model { sku: sku.clone() });
        writes.insert(&Table::<article::Entity>::default(), articles.collect())?;
        let (known, new) = split(ledger.changed_items(), |item| self.items.contains(&item.key));
        let items = Table::<item::Entity>::default();
        writes.insert(&items, new.into_iter().map(rows::item_row).collect())?;
        writes.upsert(&items, known.into_iter().map(rows::item_row).collect())?;

        let (known, new) = split(ledger.changed_reservations(), |changed| self.is_known(changed));
        let reservations = Table::<reservation::Entity>::default();
        writes.insert(&reservations, new.iter().map(|new| rows::reservation_row(new)).collect())?;
        writes.upsert(&reservations, known.iter().map(|known| rows::reservation_row(known)).collect())?;
        let parts = Table::<part::Entity>::default();
        writes.insert(&parts, new.iter().flat_map(|new| rows::part_rows(new)).collect())?;
        writes.upsert(&parts, known.iter().flat_map(|known| rows::part_rows(known)).collect())?;
        let returns = ledger.changed_reservations().flat_map(rows::return_rows);
        let new = returns.filter(|row| !self.returns.contains(&(row.reservation_id, row.return_id)));
        writes.insert(&Table::<restocked_return::Entity>::default(), new.collect())
    }
}

impl StockUnit {
    fn is_known(&self, reservation: &crate::domain::Reservation) -> bool {
        self.reservations.contains(&reservation.id)
    }

    /// Locks those of the articles that are not locked yet.
    async fn lock_articles(
        &mut self,
        tx: &WriteTransaction,
        articles: &BTreeSet<String>,
    ) -> Result<(), DbErr> {
        let new: Vec<_> = articles.difference(&self.articles).cloned().map(Value::from).collect();
        let table = Table::<article::Entity>::default();
        let rows = table.find_in_and_lock(tx, article::Column::Sku, new).await?;
        self.articles.extend(rows.into_iter().map(|row| row.sku));
        Ok(())
    }

    async fn load_items(&mut self, tx: &WriteTransaction) -> Result<(), DbErr> {
        let skus: Vec<_> = self.articles.iter().cloned().map(Value::from).collect();
        let rows = Table::<item::Entity>::default().find_in(tx, item::Column::Sku, skus).await?;
        let items = rows.into_iter().map(rows::item).collect::<Result<Vec<_>, _>>()?;
        self.items.extend(items.iter().map(|item| item.key.clone()));
        self.ledger.load(items, []);
        Ok(())
    }

    fn load_reservations(&mut self, loaded: Loaded) -> Result<(), DbErr> {
        self.returns.extend(loaded.returns.iter().map(|row| (row.reservation_id, row.return_id)));
        let reservations = rows::reservations(loaded.rows, loaded.parts, loaded.returns)?;
        self.reservations.extend(reservations.iter().map(|reservation| reservation.id));
        self.ledger.load([], reservations);
        Ok(())
    }
}

/// The reservations with pieces of any of the items.
async fn holders(tx: &WriteTransaction, items: &BTreeSet<ItemKey>) -> Result<BTreeSet<Uuid>, DbErr> {
    let mut found = BTreeSet::new();
    for key in items {
        let ids: Vec<Uuid> = part::Entity::find()
            .select_only()
            .column(part::Column::ReservationId)
            .filter(part::Column::Sku.eq(key.sku.as_str()))
            .filter(part::Column::Location.eq(key.location.as_str()))
            .filter(part::Column::Reserved.gt(0))
            .into_tuple()
            .all(tx)
            .await?;
        found.extend(ids);
    }
    Ok(found)
}

fn split<T>(all: impl Iterator<Item = T>, known: impl Fn(&T) -> bool) -> (Vec<T>, Vec<T>) {
    all.partition(known)
}
