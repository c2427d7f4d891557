//! AddOrderNote: a note for the staff.

use super::{Target, change_command};
use crate::domain::NoteText;

/// Adds a note to an order.
#[derive(Debug)]
pub struct AddOrderNote {
    /// The order.
    pub target: Target,
    /// What it says.
    pub text: NoteText,
}

change_command!(AddOrderNote, Order, |this, change| change
    .add_note(this.text.clone())
    .map(|note| Some(note.into())));
