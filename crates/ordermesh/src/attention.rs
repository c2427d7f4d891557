//! Parked keys in the queue of what needs a person: one source a consumer.

use std::sync::Arc;

use async_trait::async_trait;
use ordermesh_feed::consume::{ConsumerControl, ControlError};
use ordermesh_feed::parking::ParkedEvent;
use ordermesh_service::attention::{AttentionError, AttentionItem, AttentionSource, Settlement};
use sea_orm::DbErr;

const DISCARDED: &str = "DISCARDED";
/// Events that are looked at in one go for those with which their keys were parked.
const EVENTS: u64 = 200;

/// The keys that a consumer has parked. An item's id is the position of its key's oldest parked event.
pub struct ParkedKeys {
    name: String,
    consumer: Arc<dyn ConsumerControl>,
}

impl ParkedKeys {
    /// The keys of this consumer, under its name: `order-command payment` is `order-command-payment.parked`.
    pub fn new(consumer: Arc<dyn ConsumerControl>) -> Self {
        let name = consumer.name().replace([' ', '/'], "-");
        Self { name: format!("{name}.parked"), consumer }
    }

    /// The oldest parked event of a key, when it stands at that position.
    async fn oldest(&self, position: i64) -> Result<Option<(ParkedEvent, bool)>, DbErr> {
        let at = self.consumer.parked(None, position - 1, 1).await?;
        let Some((event, _)) = at.first().filter(|(event, _)| event.position == position) else {
            return Ok(None);
        };
        let of_key = self.consumer.parked(Some(&event.key), 0, 1).await?;
        Ok(of_key.into_iter().next().filter(|(oldest, _)| oldest.position == position))
    }

    async fn key(&self, id: &str) -> Result<String, AttentionError> {
        let Some(position) = position(id) else { return Err(AttentionError::NotFound) };
        let (event, _) = self.oldest(position).await?.ok_or(AttentionError::NotFound)?;
        Ok(event.key)
    }
}

fn position(id: &str) -> Option<i64> {
    id.parse().ok().filter(|position| *position > 0)
}

#[async_trait]
impl AttentionSource for ParkedKeys {
    fn name(&self) -> &str {
        &self.name
    }

    async fn list(&self, after: &str, limit: u64) -> Result<Vec<AttentionItem>, DbErr> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut after, mut items) = (position(after).unwrap_or(0), Vec::new());
        while items.len() < limit {
            let events = self.consumer.parked(None, after, EVENTS).await?;
            let Some((last, _)) = events.last() else { break };
            after = last.position;
            for (event, replaying) in events {
                let of_key = self.consumer.parked(Some(&event.key), 0, 1).await?;
                if items.len() < limit
                    && of_key.first().is_some_and(|(first, _)| first.position == event.position)
                {
                    items.push(item(event, replaying));
                }
            }
        }
        Ok(items)
    }

    async fn find(&self, id: &str) -> Result<Option<AttentionItem>, DbErr> {
        let Some(position) = position(id) else { return Ok(None) };
        Ok(self.oldest(position).await?.map(|(event, replaying)| item(event, replaying)))
    }

    async fn retry(&self, id: &str, _: &str) -> Result<(), AttentionError> {
        let key = self.key(id).await?;
        self.consumer.replay(Some(&[key]), false).await.map(drop).map_err(problem)
    }

    async fn resolve(&self, id: &str, _: &Settlement) -> Result<(), AttentionError> {
        let key = self.key(id).await?;
        self.consumer.discard(&key, i64::MAX).await.map(drop).map_err(problem)
    }
}

fn problem(error: ControlError) -> AttentionError {
    match error {
        ControlError::NotParked(_) => AttentionError::NotFound,
        ControlError::Store(error) => error.into(),
    }
}

fn item(event: ParkedEvent, replaying: bool) -> AttentionItem {
    let state = if replaying { "; it is being applied again" } else { "" };
    AttentionItem {
        id: event.position.to_string(),
        kind: "KEY_PARKED",
        detail: format!("the events of this key cannot be applied: {}{state}", event.reason),
        subject: event.key,
        since: event.key_parked,
        attempts: event.attempts,
        next_attempt: None,
        retryable: true,
        resolutions: &[DISCARDED],
        last_action: None,
    }
}
