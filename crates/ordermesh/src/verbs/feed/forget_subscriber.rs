//! `ordermesh feed forget-subscriber`: a subscriber that reports no more shall not keep the log from being truncated.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::feed::v1::ForgetSubscriberRequest;

use super::services;

/// Which subscriber.
#[derive(Debug, Args)]
pub struct ForgetSubscriber {
    /// Name of the subscriber, as `feed lag` lists it
    name: String,
}

/// Forgets it; one that still lives is back with its next report.
pub async fn run(forget: ForgetSubscriber, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let subscriber = forget.name.clone();
    let request = unary(ForgetSubscriberRequest { subscriber });
    let forgotten = services::events(&session).forget_subscriber(request).await?.into_inner();
    session.out.answer(&forgotten, |_| format!("{} is forgotten", forget.name))
}
