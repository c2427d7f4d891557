//! The services that the verbs on the feed call: which server has each, and a client of it.

use ordermesh_console::connect::{MAX_ANSWER_BYTES, Session};
use ordermesh_console::failure::Service;
use ordermesh_proto::feed::v1::consumer_service_client::ConsumerServiceClient;
use ordermesh_proto::feed::v1::projection_service_client::ProjectionServiceClient;
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use tonic::transport::Channel;

/// The order feed.
pub const EVENTS: Service = Service::new("OrderEventService", "the write server (order-command)");
/// Looks after what follows a feed.
pub const CONSUMERS: Service = Service::new("ConsumerService", "a read server such as order-query");
/// Looks after the read models.
pub const PROJECTIONS: Service = Service::new("ProjectionService", "a read server such as order-query");

/// The order feed.
pub fn events(session: &Session) -> OrderEventServiceClient<Channel> {
    OrderEventServiceClient::new(session.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
}

/// What follows a feed in the server. A page of parked events may hold one that is large.
pub fn consumers(session: &Session) -> ConsumerServiceClient<Channel> {
    ConsumerServiceClient::new(session.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
}

/// The read models of the server.
pub fn projections(session: &Session) -> ProjectionServiceClient<Channel> {
    ProjectionServiceClient::new(session.channel())
}
