//! Consumer groups and registered subscribers. The contract stands; the engine follows in the next commits, and until
//! then the methods answer UNIMPLEMENTED.

use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::{
    AcknowledgeRequest, AcknowledgeResponse, DeleteGroupRequest, DeleteGroupResponse,
    DiscardParkedEventsRequest, DiscardParkedEventsResponse, ForgetSubscriberRequest,
    ForgetSubscriberResponse, GetGroupRequest, GetGroupResponse, ListGroupsRequest, ListGroupsResponse,
    ListParkedEventsRequest, ListParkedEventsResponse, ListSubscribersRequest, ListSubscribersResponse,
    ReplayParkedEventsRequest, ReplayParkedEventsResponse, ReportCheckpointRequest, ReportCheckpointResponse,
    ResetGroupRequest, ResetGroupResponse,
};
use tonic::Code;

use crate::serve::FeedServer;

fn not_served() -> Problem {
    Problem::new(Code::Unimplemented, CommonErrorReason::UnknownMethod, "groups are not served yet")
}

impl FeedServer {
    /// Acknowledge, see the contract.
    pub async fn acknowledge(&self, _: AcknowledgeRequest) -> Result<AcknowledgeResponse, Problem> {
        Err(not_served())
    }

    /// ListParkedEvents, see the contract.
    pub async fn list_parked_events(
        &self,
        _: ListParkedEventsRequest,
    ) -> Result<ListParkedEventsResponse, Problem> {
        Err(not_served())
    }

    /// ReplayParkedEvents, see the contract.
    pub async fn replay_parked_events(
        &self,
        _: ReplayParkedEventsRequest,
    ) -> Result<ReplayParkedEventsResponse, Problem> {
        Err(not_served())
    }

    /// DiscardParkedEvents, see the contract.
    pub async fn discard_parked_events(
        &self,
        _: DiscardParkedEventsRequest,
    ) -> Result<DiscardParkedEventsResponse, Problem> {
        Err(not_served())
    }

    /// GetGroup, see the contract.
    pub async fn get_group(&self, _: GetGroupRequest) -> Result<GetGroupResponse, Problem> {
        Err(not_served())
    }

    /// ListGroups, see the contract.
    pub async fn list_groups(&self, _: ListGroupsRequest) -> Result<ListGroupsResponse, Problem> {
        Err(not_served())
    }

    /// ResetGroup, see the contract.
    pub async fn reset_group(&self, _: ResetGroupRequest) -> Result<ResetGroupResponse, Problem> {
        Err(not_served())
    }

    /// DeleteGroup, see the contract.
    pub async fn delete_group(&self, _: DeleteGroupRequest) -> Result<DeleteGroupResponse, Problem> {
        Err(not_served())
    }

    /// ReportCheckpoint, see the contract.
    pub async fn report_checkpoint(
        &self,
        _: ReportCheckpointRequest,
    ) -> Result<ReportCheckpointResponse, Problem> {
        Err(not_served())
    }

    /// ListSubscribers, see the contract.
    pub async fn list_subscribers(
        &self,
        _: ListSubscribersRequest,
    ) -> Result<ListSubscribersResponse, Problem> {
        Err(not_served())
    }

    /// ForgetSubscriber, see the contract.
    pub async fn forget_subscriber(
        &self,
        _: ForgetSubscriberRequest,
    ) -> Result<ForgetSubscriberResponse, Problem> {
        Err(not_served())
    }
}
