//! The items and reservations that decisions see and change, and what they tell.
//!
//! Every decision looks first and changes then, so that a refusal leaves the ledger as it was. Whatever moves pieces goes
//! through the few functions here, which move them on both sides: in the item and in the reservation.

use std::collections::{BTreeMap, BTreeSet};

use ordermesh_kernel::Timestamp;

use super::{InventoryEvent, ItemKey, Location, Part, Pieces, Reservation, ReservationId, Sku, StockItem};

/// What a batch of decisions works on.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    items: BTreeMap<Sku, BTreeMap<Location, StockItem>>,
    reservations: BTreeMap<ReservationId, Reservation>,
    /// Items of which every reservation that has pieces is here.
    complete: BTreeSet<ItemKey>,
    changed_items: BTreeSet<ItemKey>,
    changed_reservations: BTreeSet<ReservationId>,
    events: Vec<InventoryEvent>,
}

/// What becomes of a reserved piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is available again.
    Released,
    /// It leaves.
    Consumed,
    /// It is not there.
    Lost,
}

impl Ledger {
    /// Adds what is stored.
    pub fn load(
        &mut self,
        items: impl IntoIterator<Item = StockItem>,
        reservations: impl IntoIterator<Item = Reservation>,
    ) {
        for item in items {
            let ItemKey { sku, location } = item.key.clone();
            self.items.entry(sku).or_default().insert(location, item);
        }
        self.reservations.extend(reservations.into_iter().map(|reservation| (reservation.id, reservation)));
    }

    /// Says that every reservation with pieces of an item is loaded.
    pub fn load_complete(&mut self, key: ItemKey) {
        self.complete.insert(key);
    }

    /// An item.
    pub fn item(&self, key: &ItemKey) -> Option<&StockItem> {
        self.items.get(&key.sku)?.get(&key.location)
    }

    /// All items, by key.
    pub fn items(&self) -> impl Iterator<Item = &StockItem> {
        self.items.values().flat_map(BTreeMap::values)
    }

    /// A reservation.
    pub fn reservation(&self, id: ReservationId) -> Option<&Reservation> {
        self.reservations.get(&id)
    }

    /// All reservations, by id.
    pub fn reservations(&self) -> impl Iterator<Item = &Reservation> {
        self.reservations.values()
    }

    /// The items that decisions have changed, by key.
    pub fn changed_items(&self) -> impl Iterator<Item = &StockItem> {
        self.changed_items.iter().filter_map(|key| self.item(key))
    }

    /// The reservations that decisions have changed, by id.
    pub fn changed_reservations(&self) -> impl Iterator<Item = &Reservation> {
        self.changed_reservations.iter().filter_map(|id| self.reservations.get(id))
    }

    /// Takes what decisions have told since the last call.
    pub fn take_events(&mut self) -> Vec<InventoryEvent> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn tell(&mut self, event: InventoryEvent) {
        self.events.push(event);
    }

    pub(super) fn is_complete(&self, key: &ItemKey) -> bool {
        self.complete.contains(key)
    }

    /// What is available of an article, by location.
    pub(super) fn available(&self, sku: &Sku) -> Vec<(ItemKey, i64)> {
        let items = self.items.get(sku).into_iter().flat_map(BTreeMap::values);
        items.filter(|item| item.available() > 0).map(|item| (item.key.clone(), item.available())).collect()
    }

    /// Changes an item, which is made if there is none.
    pub(super) fn change_item<T>(
        &mut self,
        key: &ItemKey,
        now: Timestamp,
        change: impl FnOnce(&mut StockItem) -> T,
    ) -> T {
        let ItemKey { sku, location } = key.clone();
        let places = self.items.entry(sku).or_default();
        let item = places.entry(location).or_insert_with(|| StockItem::new(key.clone(), now));
        let changed = change(item);
        item.update_time = now;
        debug_assert!(item.is_sound(), "{item:?}");
        self.changed_items.insert(key.clone());
        changed
    }

    /// Puts a reservation there, whose pieces are reserved from now on.
    pub(super) fn add_reservation(&mut self, reservation: Reservation, now: Timestamp) {
        for part in &reservation.parts {
            self.change_item(&part.key(), now, |item| item.reserved += part.reserved);
        }
        self.changed_reservations.insert(reservation.id);
        self.reservations.insert(reservation.id, reservation);
    }

    /// Changes a reservation but for its pieces.
    pub(super) fn change_reservation<T>(
        &mut self,
        id: ReservationId,
        change: impl FnOnce(&mut Reservation) -> T,
    ) -> Option<T> {
        let changed = change(self.reservations.get_mut(&id)?);
        self.changed_reservations.insert(id);
        Some(changed)
    }

    /// Moves reserved pieces: of each part as many as `quantity` says, of those that are still reserved at most. Tells
    /// which ones it moved; nothing has changed when there were none.
    pub(super) fn move_reserved(
        &mut self,
        id: ReservationId,
        fate: Fate,
        now: Timestamp,
        mut quantity: impl FnMut(usize, &Part) -> i64,
    ) -> Vec<Pieces> {
        let Some(reservation) = self.reservations.get_mut(&id) else { return Vec::new() };
        let mut moved = Vec::new();
        for (index, part) in reservation.parts.iter_mut().enumerate() {
            let pieces = quantity(index, part).clamp(0, part.reserved);
            if pieces == 0 {
                continue;
            }
            part.reserved -= pieces;
            *match fate {
                Fate::Released => &mut part.released,
                Fate::Consumed => &mut part.consumed,
                Fate::Lost => &mut part.lost,
            } += pieces;
            moved.push(part.pieces(pieces));
        }
        if moved.is_empty() {
            return moved;
        }
        reservation.settle(now);
        self.changed_reservations.insert(id);
        for Pieces { sku, location, quantity, .. } in &moved {
            let key = ItemKey { sku: sku.clone(), location: location.clone() };
            self.change_item(&key, now, |item| {
                item.reserved -= quantity;
                if fate != Fate::Released {
                    item.on_hand -= quantity;
                }
            });
        }
        moved
    }
}
