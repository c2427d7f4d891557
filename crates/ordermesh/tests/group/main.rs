//! Consumer groups on the real server: keys shared, order per key kept, nothing lost, poison set aside.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod admin;
mod bounds;
mod delivery;
mod history;
mod members;
mod parking;
mod replicas;
mod silent;

use std::collections::BTreeMap;

use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{
    AcknowledgeRequest, AcknowledgeResponse, Assignment, DeliveryFailure, GetGroupRequest, GetGroupResponse,
    Group, SubscribeRequest,
};
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_testkit::feed::key_hash;
use ordermesh_testkit::{Server, Subscription, order, orders};
use tonic::{Code, Status};

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");
const GROUP: &str = "billing-mail";

/// A new server whose leases and pauses are short.
async fn server() -> Server {
    server_with(&[]).await
}

async fn server_with(settings: &[(&str, &str)]) -> Server {
    Server::scratch_with(BINARY, |launch| {
        let all = [("LEASE_MS", "1500"), ("RETRY_MS", "20"), ("MAX_ATTEMPTS", "2")];
        let env = |launch: ordermesh_testkit::Launch, (name, value): &(&str, &str)| {
            launch.env(&format!("ORDERMESH_ORDER_COMMAND__GROUPS__{name}"), value)
        };
        all.iter().chain(settings).fold(launch, env)
    })
    .await
}

/// Places an order and gives its id.
async fn place(server: &Server) -> String {
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap().into_inner().order_id
}

/// Places orders until one is of another slot than a key, and gives their number.
async fn place_in_another_slot(server: &Server, than: &str) -> i64 {
    let slot = |key: &str| key_hash(key) % 64;
    let mut placed = 1;
    while slot(&place(server).await) == slot(than) {
        placed += 1;
    }
    placed
}

/// Cancels an order that it notes something on: two more events of its key.
async fn cancel_order(server: &Server, id: &str) {
    orders::note_and_cancel(server.addr(), id).await;
}

async fn place_many(server: &Server, count: usize) {
    orders::place_many(server.addr(), count, 16).await;
}

fn joining(member: &str) -> SubscribeRequest {
    let group = Group { name: GROUP.to_owned(), member: member.to_owned(), ..Group::default() };
    SubscribeRequest { group: Some(group), ..SubscribeRequest::default() }
}

/// The same with a bound on what the member may have, and a second to acknowledge it.
fn joining_with(member: &str, max_unacknowledged: i32) -> SubscribeRequest {
    let ack_timeout = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    let (name, member) = (GROUP.to_owned(), member.to_owned());
    let group = Group { name, member, max_unacknowledged, ack_timeout, ..Group::default() };
    SubscribeRequest { group: Some(group), ..SubscribeRequest::default() }
}

/// A member with its stream.
struct Member {
    name: String,
    stream: Subscription,
    assignment: Assignment,
    /// Events that were taken out of the stream.
    seen: usize,
}

impl Member {
    async fn join(server: &Server, name: &str) -> Self {
        Self::open(server, name, joining(name)).await
    }

    async fn open(server: &Server, name: &str, request: SubscribeRequest) -> Self {
        Self::try_open(server, name, request).await.unwrap()
    }

    async fn try_open(server: &Server, name: &str, request: SubscribeRequest) -> Result<Self, Status> {
        let stream = Subscription::open(&mut server.events(), request).await?;
        let mut member = Self { name: name.to_owned(), stream, assignment: Assignment::default(), seen: 0 };
        while member.assignment.epoch == 0 {
            member.frame().await?;
        }
        Ok(member)
    }

    /// Reads one frame; the end of the stream is an error.
    async fn frame(&mut self) -> Result<(), Status> {
        match self.stream.next().await? {
            Some(Frame::Assignment(assignment)) => self.assignment = assignment,
            Some(_) => {}
            None => return Err(Status::ok("the stream ended")),
        }
        Ok(())
    }

    /// The next events that nobody has looked at, one or more.
    async fn take(&mut self) -> Vec<OrderEvent> {
        while self.stream.events.len() == self.seen {
            self.frame().await.unwrap();
        }
        let events = self.stream.events[self.seen..].to_vec();
        self.seen = self.stream.events.len();
        events
    }

    /// The events of the next frame; none when it has others to say.
    async fn take_or_assignment(&mut self) -> Vec<OrderEvent> {
        self.frame().await.unwrap();
        let events = self.stream.events[self.seen..].to_vec();
        self.seen = self.stream.events.len();
        events
    }

    /// Exactly so many events.
    async fn take_count(&mut self, count: usize) -> Vec<OrderEvent> {
        let mut events = Vec::new();
        while events.len() < count {
            events.extend(self.take().await);
        }
        assert_eq!(events.len(), count, "{events:#?}");
        events
    }

    async fn say(
        &self,
        server: &Server,
        positions: Vec<i64>,
        failures: Vec<DeliveryFailure>,
    ) -> Result<AcknowledgeResponse, Status> {
        let request = AcknowledgeRequest {
            group: GROUP.to_owned(),
            member: self.name.clone(),
            epoch: self.assignment.epoch,
            positions,
            failures,
        };
        server.events().acknowledge(request).await.map(tonic::Response::into_inner)
    }

    async fn acknowledge(&self, server: &Server, events: &[OrderEvent]) -> i32 {
        let positions = events.iter().map(|event| event.position).collect();
        self.say(server, positions, Vec::new()).await.unwrap().acknowledged
    }

    /// Says that an event is poison.
    async fn refuse(&self, server: &Server, position: i64) {
        let failure = DeliveryFailure { position, reason: "no such mailbox".to_owned(), park: true };
        self.say(server, Vec::new(), vec![failure]).await.unwrap();
    }

    /// Reads until the stream ends, and gives its error.
    async fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.frame().await {
                return status;
            }
        }
    }
}

async fn get_group(server: &Server) -> GetGroupResponse {
    let request = GetGroupRequest { group: GROUP.to_owned() };
    server.events().get_group(request).await.unwrap().into_inner()
}

#[track_caller]
fn refused(status: &Status, code: Code, reason: &str) {
    let told = ordermesh_proto::error::reason_of(status);
    assert_eq!((status.code(), told.as_deref()), (code, Some(reason)), "{status:?}");
}

fn positions(events: &[OrderEvent]) -> Vec<i64> {
    events.iter().map(|event| event.position).collect()
}

/// Panics unless the events of each key come in the order of their revisions, from 1 on, each once.
#[track_caller]
fn assert_each_once_in_order(events: &[OrderEvent], count: usize) {
    let mut revisions: BTreeMap<&str, i64> = BTreeMap::new();
    for event in events {
        let revision = revisions.entry(&event.key).or_default();
        assert_eq!(event.key_revision, *revision + 1, "key {}", event.key);
        *revision += 1;
    }
    assert_eq!(events.len(), count);
}
