//! `ordermesh feed delete-group`: groups that nobody uses any more, with what they have parked.
//!
//! Group by group: those that were deleted before a failure stay so, and the failure names them.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::feed::v1::DeleteGroupRequest;
use serde_json::json;

use super::services;

/// Which groups. They hold the log back no more; a member that joins later makes its group anew.
#[derive(Debug, Args)]
pub struct DeleteGroup {
    /// Names of the groups, as `feed groups` lists them
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Do it although members have open streams; these end
    #[arg(long)]
    force: bool,
}

/// Deletes and prints.
pub async fn run(delete: DeleteGroup, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let mut deleted = Vec::new();
    for group in delete.names {
        let request = DeleteGroupRequest { group: group.clone(), force: delete.force };
        if let Err(status) = services::events(&session).delete_group(unary(request)).await {
            return Err(Failure::from(status).after_some(&deleted, "deleted"));
        }
        deleted.push(group);
    }
    match session.out.is_json() {
        true => session.out.document(&json!({ "deleted_groups": deleted })),
        false => {
            let lines: Vec<_> = deleted.iter().map(|group| format!("{group} is deleted")).collect();
            session.out.text(&lines.join("\n"))
        }
    }
}
