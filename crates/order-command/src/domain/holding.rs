//! Holding an order and letting it go on; notes.

use ordermesh_kernel::{HoldId, NoteId};

use super::{Change, Fact, Hold, HoldReason, MAX_HOLDS, MAX_PARTS, NoteText, OrderState, Part, Refusal};

impl Change {
    /// Holds the order because a person asks for it.
    pub fn hold(&mut self, note: String) -> Result<HoldId, Refusal> {
        self.expect_state(OrderState::is_open)?;
        if self.manual_holds().count() >= MAX_HOLDS {
            return Err(Refusal::TooManyParts { part: Part::Holds, most: MAX_HOLDS });
        }
        Ok(self.place_hold(HoldReason::Manual, note))
    }

    /// Releases a hold, whoever placed it.
    pub fn release_hold(&mut self, id: HoldId, note: String) -> Result<(), Refusal> {
        let hold = self.head.holds.iter().find(|hold| hold.id == id).cloned();
        let hold = hold.ok_or(Refusal::HoldNotFound { id })?;
        self.happened(Fact::HoldReleased { hold, note });
        self.settle();
        Ok(())
    }

    pub(super) fn place_hold(&mut self, reason: HoldReason, note: String) -> HoldId {
        let id = HoldId::new_v7(self.now);
        let actor = self.actor.clone();
        self.happened(Fact::HoldPlaced(Hold { id, reason, note, actor, placed_time: self.now }));
        id
    }

    /// What a policy held the order for is over, if it did.
    pub(super) fn release_hold_for(&mut self, reason: HoldReason) {
        if let Some(hold) = self.head.hold_for(reason).cloned() {
            self.happened(Fact::HoldReleased { hold, note: String::new() });
        }
    }

    /// An order that has ended needs nobody to let it go on. What its payment still needs stays.
    pub(super) fn release_manual_holds(&mut self) {
        for hold in self.manual_holds().cloned().collect::<Vec<_>>() {
            let note = "the order has ended".to_owned();
            self.follows(Fact::HoldReleased { hold, note }, self.head.amount_due);
        }
    }

    fn manual_holds(&self) -> impl Iterator<Item = &Hold> {
        self.head.holds.iter().filter(|hold| hold.reason == HoldReason::Manual)
    }

    /// Adds a note; every order may have some, whatever its state.
    pub fn add_note(&mut self, text: NoteText) -> Result<NoteId, Refusal> {
        if usize::try_from(self.head.notes).is_ok_and(|notes| notes >= MAX_PARTS) {
            return Err(Refusal::TooManyParts { part: Part::Notes, most: MAX_PARTS });
        }
        let id = NoteId::new_v7(self.now);
        self.happened(Fact::NoteAdded { id, text });
        Ok(id)
    }
}
