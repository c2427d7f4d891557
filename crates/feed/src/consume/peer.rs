//! Another context's feed, as the two calls of its event service that a consumer makes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ordermesh_proto::feed::v1::ReportCheckpointRequest;
use tonic::Status;

use super::{OpenFeed, ReportCheckpoint};

/// Bytes of a feed frame that are accepted: a frame is about 512 KiB, but a single event may be larger.
pub const MAX_FRAME_BYTES: usize = 16 << 20;

/// Tells a feed the checkpoint of a subscriber.
type Report = Arc<dyn Fn(ReportCheckpointRequest) -> BoxFuture<'static, Result<(), Status>> + Send + Sync>;

/// A feed that can be followed, see [`peer_feed!`](crate::peer_feed).
#[derive(Clone)]
pub struct PeerFeed {
    open: OpenFeed,
    report: Report,
}

impl PeerFeed {
    /// A feed that is opened, and told checkpoints, by these calls.
    pub fn new(open: OpenFeed, report: Report) -> Self {
        Self { open, report }
    }

    /// What a consumer takes, which tells its checkpoints under the subscriber's name.
    pub fn parts(self, subscriber: &str) -> (OpenFeed, ReportCheckpoint) {
        let (report, subscriber) = (self.report, subscriber.to_owned());
        let report = Arc::new(move |cursor| {
            report(ReportCheckpointRequest { subscriber: subscriber.clone(), cursor })
        });
        (self.open, report)
    }
}

/// The [`PeerFeed`](crate::consume::PeerFeed) behind a generated client and a channel to its server:
/// `peer_feed!(OrderEventServiceClient, subscribe_order_events, channel)`. The messages of all contexts' event
/// services are the same Rust types; only the client's type and the name of its subscription differ.
#[macro_export]
macro_rules! peer_feed {
    ($client:ident, $subscribe:ident, $channel:expr) => {{
        let feed = $client::new($channel).max_decoding_message_size($crate::consume::MAX_FRAME_BYTES);
        let reports = feed.clone();
        $crate::consume::PeerFeed::new(
            ::std::sync::Arc::new(move |request| {
                let mut feed = feed.clone();
                ::std::boxed::Box::pin(async move { Ok(feed.$subscribe(request).await?.into_inner()) })
            }),
            ::std::sync::Arc::new(move |request| {
                let mut reports = reports.clone();
                ::std::boxed::Box::pin(async move { reports.report_checkpoint(request).await.map(drop) })
            }),
        )
    }};
}
