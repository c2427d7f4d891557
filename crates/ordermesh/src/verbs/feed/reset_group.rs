//! `ordermesh feed reset-group`: sets a group to another place in the feed.

use clap::Args;
use jiff::Timestamp;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::parse::{at_least, since};
use ordermesh_proto::feed::v1::ResetGroupRequest;
use ordermesh_proto::feed::v1::reset_group_request::To;

use super::services;
use super::tail::wire;

/// Which group, and where it goes on. What is delivered or parked is forgotten.
#[derive(Debug, Args)]
pub struct ResetGroup {
    /// Name of the group, as `feed groups` lists it
    name: String,
    #[command(flatten)]
    to: Place,
    /// Do it although members have open streams; these end
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "to")]
struct Place {
    /// At the first event that the log holds
    #[arg(long)]
    earliest: bool,
    /// After the event that is the newest one now
    #[arg(long)]
    latest: bool,
    /// At a time: RFC 3339, or how long ago, such as 10m
    #[arg(long, value_name = "TIME", value_parser = since, allow_hyphen_values = true)]
    since: Option<Timestamp>,
    /// After the place that a cursor points to
    #[arg(long, value_name = "CURSOR")]
    after_cursor: Option<String>,
    /// After this position
    #[arg(long, value_name = "N", value_parser = at_least::<0>, allow_negative_numbers = true)]
    after_position: Option<i64>,
}

impl Place {
    fn into_wire(self) -> Option<To> {
        let since = self.since.map(|time| To::Since(wire(time)));
        let cursor = self.after_cursor.map(To::AfterCursor);
        let position = self.after_position.map(To::AfterPosition);
        let latest = self.latest.then_some(To::Latest(true));
        let earliest = self.earliest.then_some(To::Earliest(true));
        earliest.or(latest).or(since).or(cursor).or(position)
    }
}

/// Asks and prints.
pub async fn run(reset: ResetGroup, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let ResetGroup { name, to, force } = reset;
    let request = ResetGroupRequest { group: name.clone(), to: to.into_wire(), force };
    let done = services::events(&session).reset_group(unary(request)).await?.into_inner();
    session.out.answer(&done, |done| format!("{name} goes on after position {}", done.position))
}
