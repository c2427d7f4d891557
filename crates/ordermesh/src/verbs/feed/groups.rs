//! `ordermesh feed groups`: the consumer groups of the order feed, or one of them with its members and slots.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::render::{facts, table, time};
use ordermesh_proto::feed::v1::{
    ConsumerGroup, GetGroupRequest, GetGroupResponse, GroupMember, GroupSlot, ListGroupsRequest,
    ListGroupsResponse,
};

use super::services;

/// All groups, or one in detail.
#[derive(Debug, Args)]
pub struct Groups {
    /// Name of a group: show its members and slots too
    name: Option<String>,
}

/// Asks and prints.
pub async fn run(groups: Groups, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let Some(group) = groups.name else {
        let header =
            ["GROUP", "POSITION", "HEAD", "LAG", "LAG TIME", "UNACKED", "PARKED", "MEMBERS", "STATE"];
        let all = all(&session).await?;
        return session.out.answer(&all, |all| table(header, all.groups.iter().map(row)));
    };
    let group = services::events(&session).get_group(unary(GetGroupRequest { group })).await?.into_inner();
    session.out.answer(&group, detail)
}

/// Every page in one.
pub async fn all(session: &Session) -> Result<ListGroupsResponse, tonic::Status> {
    let mut all = ListGroupsResponse::default();
    loop {
        let page_token = std::mem::take(&mut all.next_page_token);
        let request = ListGroupsRequest { page_size: 0, page_token };
        let page = services::events(session).list_groups(unary(request)).await?.into_inner();
        all.groups.extend(page.groups);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() {
            return Ok(all);
        }
    }
}

/// A time behind in seconds.
pub fn behind(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

/// What a group does, in a word.
pub fn state(group: &ConsumerGroup) -> String {
    match (group.stopped_reason.as_str(), group.live_members) {
        ("", 0) => "nobody is here".to_owned(),
        ("", _) => "running".to_owned(),
        (reason, _) => format!("stopped: {reason}"),
    }
}

fn row(group: &ConsumerGroup) -> [String; 9] {
    [
        group.name.clone(),
        group.position.to_string(),
        group.head_position.to_string(),
        group.lag_events.to_string(),
        behind(group.lag_seconds),
        group.unacknowledged_events.to_string(),
        group.parked_events.to_string(),
        group.live_members.to_string(),
        state(group),
    ]
}

fn detail(response: &GetGroupResponse) -> String {
    let group = response.group.clone().unwrap_or_default();
    let parked = match group.parked_keys {
        0 => String::new(),
        keys => format!("{} events of {keys} keys, {} bytes", group.parked_events, group.parked_bytes),
    };
    let facts = facts(&[
        ("group", group.name.clone()),
        ("state", state(&group)),
        ("created", time(group.created_time.as_ref())),
        ("position", group.position.to_string()),
        ("head", group.head_position.to_string()),
        ("lag", format!("{} events, {}", group.lag_events, behind(group.lag_seconds))),
        ("unacknowledged", group.unacknowledged_events.to_string()),
        ("parked", parked),
    ]);
    let members = table(["MEMBER", "EPOCH", "SLOTS", "LEASE UNTIL"], response.members.iter().map(member));
    let slots = table(["SLOT", "MEMBER", "READ", "UNACKED"], response.slots.iter().map(slot));
    format!("{facts}\n\n{slots}\n\n{members}")
}

fn member(member: &GroupMember) -> [String; 4] {
    let lease = time(member.lease_expire_time.as_ref());
    [member.name.clone(), member.epoch.to_string(), member.slot_count.to_string(), lease]
}

fn slot(slot: &GroupSlot) -> [String; 4] {
    let member = if slot.member.is_empty() { "-" } else { &slot.member };
    [
        slot.slot.to_string(),
        member.to_owned(),
        slot.position.to_string(),
        slot.unacknowledged_events.to_string(),
    ]
}
