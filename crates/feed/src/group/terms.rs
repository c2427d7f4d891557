//! The terms of a group: the start and the filter that it was made with, and the start that it was last reset to.

use ordermesh_kernel::{Timestamp, clock};
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::{FeedErrorReason, SubscribeRequest};
use prost::Message;
use tonic::Code;

use super::{GroupError, internal};
use crate::log::FeedSchema;
use crate::serve::{Filter, parse};

/// What a group was made with. Members compare theirs with it for ever, so that a reset is kept beside it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Terms {
    made: SubscribeRequest,
    reset: Option<Reset>,
}

/// What a reset leaves, stored in the same bytes behind the request: neither message has a field of the other.
#[derive(Clone, Copy, PartialEq, Message)]
struct Reset {
    #[prost(bool, tag = "1000")]
    done: bool,
    /// Only events recorded then or later, in microseconds since 1970: a time to come has no position yet.
    #[prost(int64, optional, tag = "1001")]
    since: Option<i64>,
}

impl Terms {
    /// The start and the filter of a request.
    pub fn of(request: &SubscribeRequest) -> Self {
        let (start, filter) = (request.start.clone(), request.filter.clone());
        Self { made: SubscribeRequest { start, filter, ..SubscribeRequest::default() }, reset: None }
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        let broken = |_| internal("the terms of a group cannot be read");
        let made = SubscribeRequest::decode(bytes).map_err(broken)?;
        let reset = Reset::decode(bytes).map_err(broken)?;
        Ok(Self { made, reset: Some(reset).filter(|reset| reset.done) })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.made.encode_to_vec();
        bytes.extend(self.reset.map(|reset| reset.encode_to_vec()).unwrap_or_default());
        bytes
    }

    /// The same after a reset; `since` when it was to a time.
    pub fn reset(self, since: Option<Timestamp>) -> Self {
        let since = since.map(clock::to_micros);
        Self { reset: Some(Reset { done: true, since }), ..self }
    }

    /// Which events members see.
    pub fn filter(&self, schema: FeedSchema) -> Result<Filter, GroupError> {
        let filter = parse(self.made.clone(), schema)?.filter;
        Ok(match self.reset {
            Some(reset) => filter.since(reset.since.and_then(|since| clock::from_micros(since).ok())),
            None => filter,
        })
    }

    /// Refuses a start or filter that are not those of the group.
    pub fn same_as(self, request: &SubscribeRequest, group: &str) -> Result<Self, Problem> {
        let differs = |field: &str| {
            let message = format!("the group {group} was made with another {field}");
            Problem::new(Code::FailedPrecondition, FeedErrorReason::GroupMismatch, message)
                .field(field, "must be unset or that of the group")
                .with("group", group)
        };
        if request.start.is_some() && request.start != self.made.start {
            return Err(differs("start"));
        }
        if request.filter.is_some() && request.filter != self.made.filter {
            return Err(differs("filter"));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ordermesh_proto::feed::v1::EventFilter;
    use ordermesh_proto::feed::v1::subscribe_request::Start;

    #[test]
    fn terms_survive_being_stored_and_a_reset_changes_none_that_members_compare() {
        let filter = EventFilter { types: vec!["OrderCreated".to_owned()], keys: vec!["a".to_owned()] };
        let request = SubscribeRequest {
            start: Some(Start::Earliest(true)),
            filter: Some(filter),
            max_batch: 3,
            ..SubscribeRequest::default()
        };
        let terms = Terms::of(&request);
        assert_eq!(Terms::decode(&terms.encode()).unwrap(), terms);
        let reset = terms.reset(Some(Timestamp::UNIX_EPOCH));
        let again = Terms::decode(&reset.encode()).unwrap();
        assert_eq!(again, reset);
        assert_eq!(again.clone().same_as(&request, "g").unwrap(), reset);
        let other = again.reset(None);
        assert_eq!(Terms::decode(&other.encode()).unwrap().reset, Some(Reset { done: true, since: None }));
    }
}
