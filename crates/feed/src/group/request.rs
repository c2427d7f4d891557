//! The group of a subscription's request, checked, and the terms that the group was made with.

use std::time::Duration;

use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::feed::v1::{FeedErrorReason, Group, SubscribeRequest};
use prost::Message;
use tonic::Code;

const DEFAULT_UNACKNOWLEDGED: usize = 1000;
const DEFAULT_ACK_TIMEOUT: Duration = Duration::from_secs(30);

/// A membership that keeps the contract.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub group: String,
    pub member: String,
    pub max_unacknowledged: usize,
    pub ack_timeout: Duration,
    pub max_batch: usize,
    pub heartbeat: Option<Duration>,
}

pub(super) fn parse(request: &SubscribeRequest, group: &Group) -> Result<Wish, Problem> {
    let mut violations = Violations::default();
    name(&mut violations, "group.name", &group.name);
    member(&mut violations, "group.member", &group.member);
    if request.shard.is_some() {
        violations.add("shard", "must be unset with a group");
    }
    if request.until.is_some() {
        violations.add("until", "must be unset with a group, which has no end");
    }
    let max_unacknowledged = match usize::try_from(group.max_unacknowledged) {
        Ok(0) => DEFAULT_UNACKNOWLEDGED,
        Ok(count) if count <= 10_000 => count,
        _ => {
            violations.add("group.max_unacknowledged", "must be from 0 to 10000");
            DEFAULT_UNACKNOWLEDGED
        }
    };
    let allowed = Duration::from_secs(1)..=Duration::from_secs(3600);
    let ack_timeout = match group.ack_timeout.map(Duration::try_from) {
        None => DEFAULT_ACK_TIMEOUT,
        Some(Ok(timeout)) if allowed.contains(&timeout) => timeout,
        Some(_) => {
            violations.add("group.ack_timeout", "must be from 1s to 3600s");
            DEFAULT_ACK_TIMEOUT
        }
    };
    violations.into_problem()?;
    Ok(Wish {
        group: group.name.clone(),
        member: group.member.clone(),
        max_unacknowledged,
        ack_timeout,
        // The caller fills these in from the parts that all subscriptions share.
        max_batch: 1,
        heartbeat: None,
    })
}

/// Checks the name of a group or of a subscriber.
pub(super) fn name(violations: &mut Violations, field: &str, name: &str) {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > 100 || !name.bytes().all(allowed) {
        violations.add(field, "must have 1 to 100 characters of a-z, 0-9, '.', '_' and '-'");
    }
}

/// Checks the name of a member.
pub(super) fn member(violations: &mut Violations, field: &str, name: &str) {
    if name.is_empty() || name.len() > 100 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        violations.add(field, "must have 1 to 100 visible ASCII characters");
    }
}

/// The start and the filter of a request, as a group keeps them.
pub(super) fn terms(request: &SubscribeRequest) -> SubscribeRequest {
    let (start, filter) = (request.start.clone(), request.filter.clone());
    SubscribeRequest { start, filter, ..SubscribeRequest::default() }
}

/// Refuses a start or filter that are not those of the group.
pub(super) fn same_terms(
    stored: &[u8],
    request: &SubscribeRequest,
    group: &str,
) -> Result<SubscribeRequest, Problem> {
    let stored = SubscribeRequest::decode(stored)
        .map_err(|_| super::internal("the terms of a group cannot be read"))?;
    let differs = |field: &str| {
        let message = format!("the group {group} was made with another {field}");
        Problem::new(Code::FailedPrecondition, FeedErrorReason::GroupMismatch, message)
            .field(field, "must be unset or that of the group")
            .with("group", group)
    };
    if request.start.is_some() && request.start != stored.start {
        return Err(differs("start"));
    }
    if request.filter.is_some() && request.filter != stored.filter {
        return Err(differs("filter"));
    }
    Ok(stored)
}
