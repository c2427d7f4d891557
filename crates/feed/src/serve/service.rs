//! A context's typed event service over its [`FeedServer`](super::FeedServer).

/// Defines `$name`, which serves a context's generated event service:
/// `event_service!(EventService, OrderEventService, SubscribeOrderEventsStream, subscribe_order_events);`.
/// The build sees to it that the messages of all contexts' event services are the same Rust types; only the names of
/// the service and of its subscription differ. The context's crate depends on `tonic` and `ordermesh-proto`.
#[macro_export]
macro_rules! event_service {
    ($name:ident, $service:ident, $stream:ident, $subscribe:ident) => {
        $crate::event_service! {
            @methods $name, $service, $stream, $subscribe;
            acknowledge(AcknowledgeRequest) -> AcknowledgeResponse,
            list_parked_events(ListParkedEventsRequest) -> ListParkedEventsResponse,
            replay_parked_events(ReplayParkedEventsRequest) -> ReplayParkedEventsResponse,
            discard_parked_events(DiscardParkedEventsRequest) -> DiscardParkedEventsResponse,
            get_group(GetGroupRequest) -> GetGroupResponse,
            list_groups(ListGroupsRequest) -> ListGroupsResponse,
            reset_group(ResetGroupRequest) -> ResetGroupResponse,
            delete_group(DeleteGroupRequest) -> DeleteGroupResponse,
            report_checkpoint(ReportCheckpointRequest) -> ReportCheckpointResponse,
            list_subscribers(ListSubscribersRequest) -> ListSubscribersResponse,
            forget_subscriber(ForgetSubscriberRequest) -> ForgetSubscriberResponse,
        }
    };
    (
        @methods $name:ident, $service:ident, $stream:ident, $subscribe:ident;
        $($method:ident($request:ident) -> $response:ident,)*
    ) => {
        /// The context's event service.
        pub struct $name($crate::serve::FeedServer);

        impl $name {
            /// Serves the context's feed.
            pub fn new(feed: $crate::serve::FeedServer) -> Self {
                Self(feed)
            }
        }

        #[::tonic::async_trait]
        impl $service for $name {
            type $stream = $crate::serve::Frames;

            async fn $subscribe(
                &self,
                request: ::tonic::Request<::ordermesh_proto::feed::v1::SubscribeRequest>,
            ) -> Result<::tonic::Response<Self::$stream>, ::tonic::Status> {
                Ok(::tonic::Response::new(self.0.subscribe(request.into_inner()).await?))
            }

            async fn get_feed(
                &self,
                _: ::tonic::Request<::ordermesh_proto::feed::v1::GetFeedRequest>,
            ) -> Result<::tonic::Response<::ordermesh_proto::feed::v1::GetFeedResponse>, ::tonic::Status> {
                Ok(::tonic::Response::new(self.0.get_feed().await?))
            }

            $(async fn $method(
                &self,
                request: ::tonic::Request<::ordermesh_proto::feed::v1::$request>,
            ) -> Result<::tonic::Response<::ordermesh_proto::feed::v1::$response>, ::tonic::Status> {
                Ok(::tonic::Response::new(self.0.$method(request.into_inner()).await?))
            })*
        }
    };
}
