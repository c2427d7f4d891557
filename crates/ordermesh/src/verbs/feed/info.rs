//! `ordermesh feed info`: what the order feed is and where it stands.

use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::render::{facts, time};
use ordermesh_proto::feed::v1::{GetFeedRequest, GetFeedResponse};

use super::services;

/// Asks and prints.
pub async fn run(common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let feed = services::events(&session).get_feed(unary(GetFeedRequest {})).await?.into_inner();
    session.out.answer(&feed, text)
}

fn text(feed: &GetFeedResponse) -> String {
    facts(&[
        ("feed", feed.feed_id.clone()),
        ("key", feed.key_description.clone()),
        ("earliest", feed.earliest_position.to_string()),
        ("head", feed.head_position.to_string()),
        ("head time", time(feed.head_time.as_ref())),
        ("head cursor", feed.head_cursor.clone()),
        ("events", feed.event_types.join(", ")),
    ])
}
