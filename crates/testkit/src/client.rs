//! Clients of a server by its address: typed ones, and one that sends whatever bytes it is given.

use ordermesh_proto::feed::v1::consumer_service_client::ConsumerServiceClient;
use ordermesh_proto::feed::v1::projection_service_client::ProjectionServiceClient;
use ordermesh_proto::inventory::v1::inventory_command_service_client::InventoryCommandServiceClient;
use ordermesh_proto::inventory::v1::inventory_query_service_client::InventoryQueryServiceClient;
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use ordermesh_proto::order::v1::order_query_service_client::OrderQueryServiceClient;
use prost::bytes::{Buf, BufMut, Bytes};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// What HTTP/2 lets a server send ahead unless a client wants more, in bytes.
const SMALLEST_WINDOW: u32 = 65_535;

/// A connection of its own to `address`, made when it is first used and made again when it breaks.
pub fn channel(address: &str) -> Channel {
    endpoint(address).connect_lazy()
}

fn endpoint(address: &str) -> Endpoint {
    let url = format!("http://{address}");
    Endpoint::from_shared(url).expect("the address of a server makes a URL").tcp_nodelay(true)
}

/// `ordermesh.order.v1.OrderEventService` at `address` for a subscriber that stops reading: what the server can
/// send ahead is small, so that it soon has to wait.
pub fn reluctant_events(address: &str) -> OrderEventServiceClient<Channel> {
    let endpoint = endpoint(address).initial_stream_window_size(SMALLEST_WINDOW);
    OrderEventServiceClient::new(endpoint.initial_connection_window_size(SMALLEST_WINDOW).connect_lazy())
}

/// `ordermesh.order.v1.OrderCommandService` at `address`.
pub fn commands(address: &str) -> OrderCommandServiceClient<Channel> {
    OrderCommandServiceClient::new(channel(address))
}

/// `ordermesh.order.v1.OrderQueryService` at `address`.
pub fn queries(address: &str) -> OrderQueryServiceClient<Channel> {
    OrderQueryServiceClient::new(channel(address))
}

/// `ordermesh.order.v1.OrderEventService` at `address`.
pub fn events(address: &str) -> OrderEventServiceClient<Channel> {
    OrderEventServiceClient::new(channel(address))
}

/// `ordermesh.inventory.v1.InventoryCommandService` at `address`.
pub fn stock_commands(address: &str) -> InventoryCommandServiceClient<Channel> {
    InventoryCommandServiceClient::new(channel(address))
}

/// `ordermesh.inventory.v1.InventoryQueryService` at `address`.
pub fn stock_queries(address: &str) -> InventoryQueryServiceClient<Channel> {
    InventoryQueryServiceClient::new(channel(address))
}

/// `ordermesh.feed.v1.ProjectionService` at `address`.
pub fn projections(address: &str) -> ProjectionServiceClient<Channel> {
    ProjectionServiceClient::new(channel(address))
}

/// `ordermesh.feed.v1.ConsumerService` at `address`.
pub fn consumers(address: &str) -> ConsumerServiceClient<Channel> {
    ConsumerServiceClient::new(channel(address))
}

/// Calls the method of a path such as `/ordermesh.order.v1.OrderCommandService/PlaceOrder` with these very bytes as
/// its messages: one for a call as it should be. Gives the first message of the answer.
pub async fn call_raw(
    address: &str,
    path: &str,
    messages: impl IntoIterator<Item = Vec<u8>>,
) -> Result<Bytes, Status> {
    let mut client = tonic::client::Grpc::new(channel(address));
    client.ready().await.map_err(|error| Status::unknown(format!("no connection: {error}")))?;
    let messages: Vec<_> = messages.into_iter().map(Bytes::from).collect();
    let path = path.parse().expect("a method's path is one of a URL");
    let messages = Request::new(tonic::codegen::tokio_stream::iter(messages));
    let mut answer = client.streaming(messages, path, RawCodec).await?.into_inner();
    answer.message().await?.ok_or_else(|| Status::unknown("an answer without a message"))
}

/// Messages are bytes.
#[derive(Debug, Clone, Copy)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
