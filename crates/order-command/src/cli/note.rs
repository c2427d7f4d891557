//! `ordermesh order note`: adds a note for the staff.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::AddOrderNoteRequest;

use super::change::{Target, change};

/// Which order and what to note.
#[derive(Debug, Args)]
pub struct Note {
    #[command(flatten)]
    target: Target,
    /// What to note; it may be personal, and is shown by --show-personal only
    text: String,
}

/// Asks and prints.
pub async fn run(verb: Note, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = AddOrderNoteRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        text: verb.text,
    };
    change(common, request_id, request, async |mut client, request| client.add_order_note(request).await)
        .await
}
