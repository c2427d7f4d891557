//! `ordermesh order get`: shows one order, if wanted as new as a command's answer.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::order;
use ordermesh_console::output;
use ordermesh_proto::order::v1::GetOrderRequest;

use super::{STALE, queries};

/// Which order.
#[derive(Debug, Args)]
pub struct Get {
    /// The order's id
    id: String,
    /// Wait until the read model has what this consistency token stands for
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    at_least: String,
    /// Show what is there when that takes too long
    #[arg(long)]
    allow_stale: bool,
}

/// Asks and prints.
pub async fn run(get: Get, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let token = !get.at_least.is_empty();
    let request = GetOrderRequest { order_id: get.id, at_least: get.at_least, allow_stale: get.allow_stale };
    let response = queries(&session).get_order(unary(request)).await?.into_inner();
    if response.stale {
        output::note(match token {
            true => "note: the order may be newer than shown, the read model is behind the token",
            false => STALE,
        });
    }
    let personal = session.out.personal();
    session
        .out
        .answer(&response, |it| it.order.as_ref().map(|it| order::order(it, personal)).unwrap_or_default())
}
