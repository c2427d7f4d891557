//! Goods come in, are counted, and are moved.

use ordermesh_kernel::Timestamp;

use super::{
    Actor, ChangeReason, InventoryEvent, ItemKey, Ledger, Location, Loss, MAX_ON_HAND, Note, Refusal,
    Shortage, StockItem,
};

/// Who changes what, and why.
#[derive(Clone, Debug)]
pub struct Change {
    /// The item.
    pub key: ItemKey,
    /// Why.
    pub reason: ChangeReason,
    /// More about it.
    pub note: Note,
    /// Who causes it.
    pub actor: Actor,
}

impl Ledger {
    /// So many pieces came in.
    pub fn receive(&mut self, change: Change, quantity: i64, now: Timestamp) -> Result<StockItem, Refusal> {
        self.room_for(&change.key, quantity)?;
        Ok(self.count(change, quantity, now))
    }

    /// So many pieces are there, whatever was thought.
    pub fn count_to(
        &mut self,
        change: Change,
        counted: i64,
        now: Timestamp,
    ) -> Result<(StockItem, Vec<Loss>), Refusal> {
        let on_hand = self.on_hand(&change.key);
        self.adjust(change, counted - on_hand, now)
    }

    /// So many more or fewer pieces are there than were thought; 0 changes nothing. Where fewer are left than are reserved,
    /// reservations lose them, see [`losing`](super::losing).
    pub fn adjust(
        &mut self,
        change: Change,
        difference: i64,
        now: Timestamp,
    ) -> Result<(StockItem, Vec<Loss>), Refusal> {
        if difference == 0 {
            let item = self.item(&change.key).cloned();
            return Ok((item.unwrap_or_else(|| StockItem::new(change.key, now)), Vec::new()));
        }
        let on_hand = self.on_hand(&change.key);
        if on_hand + difference < 0 {
            return Err(Refusal::LessOnHand { key: change.key, wanted: -difference, on_hand });
        }
        self.room_for(&change.key, difference)?;
        let losses = self.lose(&change.key, -difference, now)?;
        let lost: i64 = losses.iter().map(|loss| loss.quantity).sum();
        // What reservations lost is gone already.
        let item = self.count_with(change, difference, difference + lost, now);
        Ok((item, losses))
    }

    /// Moves available pieces to another location.
    pub fn transfer(
        &mut self,
        change: Change,
        to: Location,
        quantity: i64,
        now: Timestamp,
    ) -> Result<(StockItem, StockItem), Refusal> {
        let available = self.item(&change.key).map_or(0, StockItem::available);
        let there = ItemKey { sku: change.key.sku.clone(), location: to };
        if available < quantity {
            let sku = there.sku;
            return Err(Refusal::Insufficient(vec![Shortage { sku, requested: quantity, available }]));
        }
        self.room_for(&there, quantity)?;
        let arrival = Change { key: there, ..change.clone() };
        let left = self.count(change, -quantity, now);
        Ok((left, self.count(arrival, quantity, now)))
    }

    /// Says at how few available pieces an item is low; none: never. Tells so unless it was said before.
    pub fn set_reorder_level(
        &mut self,
        key: &ItemKey,
        level: Option<i64>,
        actor: Actor,
        now: Timestamp,
    ) -> StockItem {
        if let Some(item) = self.item(key)
            && item.reorder_level == level
        {
            return item.clone();
        }
        let item = self.change_item(key, now, |item| {
            item.reorder_level = level;
            item.revision += 1;
            item.update_time = now;
            item.clone()
        });
        self.tell(InventoryEvent::ReorderLevelSet { item: item.clone(), actor, occurred_time: now });
        item
    }

    fn on_hand(&self, key: &ItemKey) -> i64 {
        self.item(key).map_or(0, |item| item.on_hand)
    }

    fn room_for(&self, key: &ItemKey, more: i64) -> Result<(), Refusal> {
        match more <= MAX_ON_HAND - self.on_hand(key).min(MAX_ON_HAND) {
            true => Ok(()),
            false => Err(Refusal::Overflow(key.clone())),
        }
    }

    /// Changes the pieces on hand and tells so.
    pub(super) fn count(&mut self, change: Change, difference: i64, now: Timestamp) -> StockItem {
        self.count_with(change, difference, difference, now)
    }

    /// The same, where only `left` of the difference is still to be made.
    fn count_with(&mut self, change: Change, difference: i64, left: i64, now: Timestamp) -> StockItem {
        let Change { key, reason, note, actor } = change;
        let item = self.change_item(&key, now, |item| {
            item.on_hand += left;
            item.revision += 1;
            item.update_time = now;
            item.clone()
        });
        let (told, change) = (item.clone(), difference);
        self.tell(InventoryEvent::Adjusted { item: told, change, reason, note, actor, occurred_time: now });
        item
    }
}
