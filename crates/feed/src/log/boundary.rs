//! Where a truncated log begins: the newest event that it no longer holds.
//!
//! The event's id is kept, so that a cursor exactly at the boundary is compared as any other; its time too, so that
//! "since" a time within what is gone is refused instead of answered with a gap.

use std::sync::PoisonError;

use ordermesh_kernel::EventId;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait};

use super::{EventLog, PageError};
use crate::store::log_head;

/// The newest event that is gone; position 0 when none is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Boundary {
    /// Its position.
    pub position: i64,
    /// Its id.
    pub event_id: Option<EventId>,
    /// When it was recorded, in microseconds since 1970.
    pub recorded: Option<i64>,
}

impl Boundary {
    /// The boundary of the log in a database.
    pub async fn load<C: ConnectionTrait>(db: &C) -> Result<Self, DbErr> {
        let head = log_head::Entity::find_by_id(1).one(db).await?;
        Ok(head.as_ref().map(Self::of).unwrap_or_default())
    }

    /// The boundary that a head tells.
    pub fn of(head: &log_head::Model) -> Self {
        Self {
            position: head.truncated_position,
            event_id: head.truncated_event_id.map(EventId::from),
            recorded: head.truncated_time,
        }
    }

    pub(super) fn event_id_at(&self, position: i64) -> Option<EventId> {
        self.event_id.filter(|_| position == self.position)
    }

    /// The first position that the log can hold; `None` when nothing is gone.
    pub(super) fn after(&self) -> Option<i64> {
        (self.position > 0).then_some(self.position + 1)
    }

    /// Where "since a time", in microseconds since 1970, starts when all that the log holds is of that time or later.
    pub(super) fn position_before(&self, micros: i64) -> i64 {
        match self.recorded.is_some_and(|recorded| recorded >= micros) {
            // Events of that time are gone: a place before the boundary, which is refused.
            true => self.position - 1,
            false => self.position,
        }
    }
}

impl EventLog {
    pub(super) async fn boundary(&self) -> Result<Boundary, DbErr> {
        Boundary::load(&self.reader).await
    }

    /// An error when what follows `position` is gone; `first` is the position that was found instead.
    pub(super) async fn refuse_truncated(&self, position: i64, first: Option<i64>) -> Result<(), PageError> {
        let boundary = self.boundary().await?;
        if boundary.position > position {
            return Err(PageError::Truncated { position, earliest: boundary.position + 1 });
        }
        match first {
            Some(first) => Err(PageError::Store(gap(position, first))),
            None => Ok(()),
        }
    }

    /// Moves the head to the boundary when all between them is gone, as on a replica that was away meanwhile. Whoever
    /// was reading there is told by its next page. True when the head has moved.
    pub(super) async fn skip_truncated(&self) -> Result<bool, DbErr> {
        let boundary = self.boundary().await?;
        let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
        if boundary.position <= *self.head.borrow() {
            return Ok(false);
        }
        tail.clear(boundary.position, boundary.event_id);
        self.head.send_replace(boundary.position);
        Ok(true)
    }
}

/// Positions are gapless and a truncation moves the boundary with them: a log with a gap is damaged.
pub(super) fn gap(position: i64, first: i64) -> DbErr {
    DbErr::Custom(format!("the log has a gap: position {first} follows {position}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_a_time_whose_events_are_gone_lies_before_the_boundary() {
        let boundary = Boundary { position: 7, event_id: None, recorded: Some(1_000) };
        let at = |micros| boundary.position_before(micros);
        assert_eq!([at(999), at(1_000), at(1_001)], [6, 6, 7]);
        assert_eq!(Boundary::default().position_before(0), 0);
    }
}
