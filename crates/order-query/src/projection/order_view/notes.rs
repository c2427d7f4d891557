//! The staff's notes. What they say is apart from who wrote them when, as the order's other personal data is.

use ordermesh_proto::order::v1::{OrderEvent, OrderNote, OrderNoteAdded};

use super::parts::add;
use super::{MAX_PARTS, OrderView};

pub(super) fn added(view: &mut OrderView, note: &OrderNoteAdded, event: &OrderEvent) -> Result<(), String> {
    let bare = OrderNote {
        note_id: note.note_id.clone(),
        personal_data: None,
        actor: note.actor.clone(),
        added_time: event.occurred_time,
    };
    add("note", MAX_PARTS, &mut view.order.notes, Some(&bare))?;
    match &note.personal_data {
        Some(text) => view.note_texts.insert(note.note_id.clone(), text.clone()),
        None => view.note_texts.remove(&note.note_id),
    };
    Ok(())
}
