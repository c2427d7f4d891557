//! The group of a subscription's request, checked, and what else names a group, a member or a key.

use std::time::Duration;

use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::feed::v1::{FeedErrorReason, Group, SubscribeRequest};

pub(super) use super::terms::Terms;
use crate::token::LogPosition;

const DEFAULT_UNACKNOWLEDGED: usize = 1000;
const DEFAULT_ACK_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the request says what the member has seen.
pub(super) const LAST_CURSOR: &str = "group.last_cursor";
const MAX_KEY: usize = 512;

/// A membership that keeps the contract.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub group: String,
    pub member: String,
    pub max_unacknowledged: usize,
    pub ack_timeout: Duration,
    pub max_batch: usize,
    pub heartbeat: Option<Duration>,
    /// What the member has seen of the log.
    pub last: Option<LogPosition>,
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
    let last = match group.last_cursor.as_str() {
        "" => None,
        cursor => Some(LogPosition::from_cursor(cursor).map_err(|_| no_cursor())?),
    };
    Ok(Wish {
        last,
        group: group.name.clone(),
        member: group.member.clone(),
        max_unacknowledged,
        ack_timeout,
        // The caller fills these in from the parts that all subscriptions share.
        max_batch: 1,
        heartbeat: None,
    })
}

fn no_cursor() -> Problem {
    Problem::invalid(FeedErrorReason::InvalidCursor, "group.last_cursor is not a cursor of a feed")
        .field(LAST_CURSOR, "must be empty or a cursor that a feed gave")
}

/// Checks a key of the feed. No event has one that breaks these rules, and the databases differ in what they say to it.
pub(super) fn key(violations: &mut Violations, field: &str, key: &str) {
    if key.chars().count() > MAX_KEY || key.contains('\0') {
        violations.add(field, "must have at most 512 characters and no NUL");
    }
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
