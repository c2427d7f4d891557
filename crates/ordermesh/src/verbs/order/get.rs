//! `ordermesh order get`: shows one order, if wanted as new as a command's answer.

use clap::Args;
use ordermesh_proto::order::v1::GetOrderRequest;

use super::show;
use crate::verbs::connect::{Common, Session, unary};
use crate::verbs::failure::Failure;
use crate::verbs::output;

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

/// Of answers that nobody can vouch for.
pub(super) const STALE: &str = "note: this may not be how it is, the read model has stopped or set events aside: see feed projections, feed parked";

/// Asks and prints.
pub async fn run(get: Get, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let token = !get.at_least.is_empty();
    let request = GetOrderRequest { order_id: get.id, at_least: get.at_least, allow_stale: get.allow_stale };
    let response = session.queries().get_order(unary(request)).await?.into_inner();
    if response.stale {
        output::note(match token {
            true => "note: the order may be newer than shown, the read model is behind the token",
            false => STALE,
        });
    }
    let personal = session.out.personal();
    session
        .out
        .answer(&response, |it| it.order.as_ref().map(|it| show::order(it, personal)).unwrap_or_default())
}
