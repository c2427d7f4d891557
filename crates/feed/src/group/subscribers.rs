//! Registered subscribers: those that keep their own place and report it, so that retention heeds it.

use ordermesh_kernel::{EventId, clock};
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::feed::v1::{
    FeedErrorReason, ForgetSubscriberRequest, ForgetSubscriberResponse, ListSubscribersRequest,
    ListSubscribersResponse, RegisteredSubscriber, ReportCheckpointRequest, ReportCheckpointResponse,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tonic::Code;

use super::{page, request};
use crate::event::wire_time;
use crate::serve::{FeedServer, Start, resolve_start, store_problem};
use crate::store::{Table, subscriber};
use crate::token::LogPosition;

const SUBSCRIBERS: &str = "subscribers";

impl FeedServer {
    /// Keeps a subscriber's place. A report that is older than the one before counts too: the subscriber went back.
    pub async fn report_checkpoint(
        &self,
        request: ReportCheckpointRequest,
    ) -> Result<ReportCheckpointResponse, Problem> {
        let mut violations = Violations::default();
        request::name(&mut violations, "subscriber", &request.subscriber);
        violations.into_problem()?;
        let place = LogPosition::from_cursor(&request.cursor)?;
        // The same checks as of a start: another feed, past the head, another event there.
        resolve_start(&Start::Cursor(place), self.source.as_ref()).await?;
        let row = subscriber::Model {
            name: request.subscriber,
            position: place.position,
            event_id: place.event_id.map(|id: EventId| *id.as_uuid()),
            reported_time: clock::to_micros(self.clock.now()),
        };
        let kept = Table::<subscriber::Entity>::default().upsert(&self.groups.writer, &[row]).await;
        kept.map_err(|error| store_problem(&error))?;
        Ok(ReportCheckpointResponse {})
    }

    /// A page of the registered subscribers.
    pub async fn list_subscribers(
        &self,
        request: ListSubscribersRequest,
    ) -> Result<ListSubscribersResponse, Problem> {
        let mut violations = Violations::default();
        let size = page::size(&mut violations, request.page_size);
        violations.into_problem()?;
        let after = page::after(SUBSCRIBERS, &request.page_token)?;
        let found = subscriber::Entity::find()
            .filter(subscriber::Column::Name.gt(after))
            .order_by_asc(subscriber::Column::Name)
            .limit(size + 1)
            .all(&self.groups.reader)
            .await;
        let mut found = found.map_err(|error| store_problem(&error))?;
        let more = found.len() as u64 > size;
        found.truncate(size as usize);
        let last = found.last().filter(|_| more);
        let next_page_token = last.map_or_else(String::new, |last| page::token(SUBSCRIBERS, &last.name));
        let head = self.source.stored_head().await.map_err(|error| store_problem(&error))?;
        let subscriber = |row: subscriber::Model| RegisteredSubscriber {
            name: row.name,
            position: row.position,
            reported_time: clock::from_micros(row.reported_time).ok().map(wire_time),
            lag_events: (head - row.position).max(0),
        };
        Ok(ListSubscribersResponse {
            subscribers: found.into_iter().map(subscriber).collect(),
            next_page_token,
        })
    }

    /// Forgets a registered subscriber.
    pub async fn forget_subscriber(
        &self,
        request: ForgetSubscriberRequest,
    ) -> Result<ForgetSubscriberResponse, Problem> {
        let mut violations = Violations::default();
        request::name(&mut violations, "subscriber", &request.subscriber);
        violations.into_problem()?;
        let deleted = subscriber::Entity::delete_by_id(&request.subscriber).exec(&self.groups.writer).await;
        match deleted.map_err(|error| store_problem(&error))?.rows_affected {
            0 => {
                let message = format!("no subscriber {} has reported", request.subscriber);
                Err(Problem::new(Code::NotFound, FeedErrorReason::SubscriberNotFound, message)
                    .field("subscriber", "must be a registered subscriber's name")
                    .with("subscriber", request.subscriber))
            }
            _ => Ok(ForgetSubscriberResponse {}),
        }
    }
}
