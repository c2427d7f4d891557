//! Read your writes: waits until the read model has what a consistency token stands for.

use std::time::Duration;

use ordermesh_feed::consume::Progress;
use ordermesh_feed::token::ConsistencyToken;
use tokio::sync::watch;

use super::QueryError;

/// What a caller demands of the read model's age.
#[derive(Debug, Clone, Default)]
pub struct Consistency {
    /// The read model must have this; empty: no demand.
    pub at_least: ConsistencyToken,
    /// Answer with what is there when the wait is over.
    pub allow_stale: bool,
    /// What is left of the call's deadline, if it has one.
    pub deadline: Option<Duration>,
}

/// How old an answer is. Taken before its rows are read: they are as new as it says, or newer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freshness {
    /// How far the read model was.
    pub as_of: ConsistencyToken,
    /// It had not reached the demand, or has another history than its feed.
    pub stale: bool,
}

impl Consistency {
    /// Waits until the demand is met, at most `cap` and as long as the deadline leaves time to answer.
    pub(super) async fn wait(
        &self,
        progress: &watch::Receiver<Progress>,
        cap: Duration,
    ) -> Result<Freshness, QueryError> {
        let mut progress = progress.clone();
        // A history is not mended by waiting.
        let settled = |progress: &Progress| {
            progress.diverged || !matches!(self.judge(progress), Judgement::Behind { .. })
        };
        let limit = self.deadline.map_or(cap, |left| cap.min(left));
        // Whether it was met in time is judged below, on one and the same progress as the answer's age.
        let _ = tokio::time::timeout(limit, progress.wait_for(settled)).await;
        let progress = progress.borrow();
        let stale = match self.judge(&progress) {
            Judgement::Met => progress.diverged,
            Judgement::Behind { .. } if self.allow_stale => true,
            Judgement::Behind { wanted, reached } => return Err(QueryError::Behind { wanted, reached }),
            Judgement::Diverged { position } => return Err(QueryError::Diverged { position }),
        };
        Ok(Freshness { as_of: token_of(&progress), stale })
    }

    fn judge(&self, progress: &Progress) -> Judgement {
        if self.at_least == ConsistencyToken::default() {
            return Judgement::Met;
        }
        let place = match progress.place {
            Some(place) if !progress.diverged => place,
            // Which log feeds the read model is not known yet, or it is another than the one that made it: any entry
            // may be of it.
            place => {
                let reached = place.map_or(0, |place| place.position);
                return Judgement::Behind { wanted: None, reached };
            }
        };
        // Entries of other logs are no demand on this read model.
        let Some(wanted) = self.at_least.position_in(place.feed_id) else { return Judgement::Met };
        let reached = place.position;
        if wanted.position > reached {
            return Judgement::Behind { wanted: Some(wanted.position), reached };
        }
        match wanted.position == reached && wanted.event_id != place.event_id {
            true => Judgement::Diverged { position: reached },
            false => Judgement::Met,
        }
    }
}

/// Where the progress stands as a token; empty before the read model has first reached its feed.
pub(super) fn token_of(progress: &Progress) -> ConsistencyToken {
    progress.place.map(ConsistencyToken::from).unwrap_or_default()
}

enum Judgement {
    Met,
    Behind { wanted: Option<i64>, reached: i64 },
    Diverged { position: i64 },
}

#[cfg(test)]
mod tests {
    use super::*;
    use ordermesh_feed::token::LogPosition;
    use ordermesh_kernel::EventId;
    use uuid::Uuid;

    const CAP: Duration = Duration::from_secs(2);

    /// The place of event `event` at `position` in log `log`.
    fn place(log: u128, position: i64, event: u128) -> LogPosition {
        let event_id = (position > 0).then(|| EventId::from(Uuid::from_u128(event)));
        LogPosition { feed_id: Uuid::from_u128(log), position, event_id }
    }

    fn at(place: Option<LogPosition>) -> watch::Sender<Progress> {
        watch::Sender::new(Progress { place, ..Progress::default() })
    }

    fn demand(place: LogPosition) -> Consistency {
        Consistency { at_least: place.into(), ..Consistency::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_demand_that_is_met_or_of_another_log_does_not_wait() {
        let progress = at(Some(place(1, 5, 50)));
        let started = tokio::time::Instant::now();
        for wanted in [place(1, 0, 0), place(1, 4, 40), place(1, 5, 50), place(2, 99, 1)] {
            let freshness = demand(wanted).wait(&progress.subscribe(), CAP).await.unwrap();
            assert_eq!(freshness, Freshness { as_of: place(1, 5, 50).into(), stale: false });
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_demand_is_answered_as_soon_as_the_read_model_has_it() {
        let progress = at(None);
        let consistency = demand(place(1, 2, 20));
        let told = progress.subscribe();
        let waiting = consistency.wait(&told, CAP);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        progress.send_modify(|progress| progress.place = Some(place(1, 1, 10)));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        progress.send_modify(|progress| progress.place = Some(place(1, 2, 20)));
        assert_eq!(waiting.await.unwrap().as_of, place(1, 2, 20).into());
    }

    #[tokio::test(start_paused = true)]
    async fn past_the_cap_or_the_deadline_the_answer_is_behind_or_stale() {
        let progress = at(Some(place(1, 5, 50)));
        let mut consistency = demand(place(1, 6, 60));
        let started = tokio::time::Instant::now();
        let refusal = consistency.wait(&progress.subscribe(), CAP).await.unwrap_err();
        assert!(matches!(refusal, QueryError::Behind { wanted: Some(6), reached: 5 }));
        assert_eq!(started.elapsed(), CAP);
        (consistency.allow_stale, consistency.deadline) = (true, Some(Duration::from_millis(300)));
        let freshness = consistency.wait(&progress.subscribe(), CAP).await.unwrap();
        assert!(freshness.stale);
        assert_eq!(started.elapsed(), CAP + Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_model_that_has_not_reached_its_feed_meets_no_demand_but_none() {
        let progress = at(None);
        let refusal = demand(place(1, 0, 0)).wait(&progress.subscribe(), CAP).await.unwrap_err();
        assert!(matches!(refusal, QueryError::Behind { wanted: None, reached: 0 }));
        let freshness = Consistency::default().wait(&progress.subscribe(), CAP).await.unwrap();
        assert_eq!(freshness, Freshness::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_model_of_another_history_than_its_feed_promises_nothing_and_says_so_at_once() {
        let progress = at(Some(place(1, 5, 50)));
        progress.send_modify(|progress| progress.diverged = true);
        let started = tokio::time::Instant::now();
        for wanted in [place(1, 4, 40), place(1, 5, 50), place(1, 5, 51), place(1, 6, 60), place(2, 1, 1)] {
            let mut consistency = demand(wanted);
            let refusal = consistency.wait(&progress.subscribe(), CAP).await.unwrap_err();
            assert!(matches!(refusal, QueryError::Behind { wanted: None, reached: 5 }), "{refusal}");
            consistency.allow_stale = true;
            assert!(consistency.wait(&progress.subscribe(), CAP).await.unwrap().stale);
        }
        let freshness = Consistency::default().wait(&progress.subscribe(), CAP).await.unwrap();
        assert_eq!(freshness, Freshness { as_of: place(1, 5, 50).into(), stale: true });
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_waits_is_told_when_the_history_turns_out_to_be_another() {
        let progress = at(Some(place(1, 5, 50)));
        let (consistency, told) = (demand(place(1, 6, 60)), progress.subscribe());
        let waiting = consistency.wait(&told, CAP);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        progress.send_modify(|progress| progress.diverged = true);
        let told = futures_util::poll!(&mut waiting);
        assert!(matches!(told, std::task::Poll::Ready(Err(QueryError::Behind { wanted: None, reached: 5 }))));
    }

    #[tokio::test]
    async fn another_event_at_the_same_position_is_another_history() {
        let progress = at(Some(place(1, 5, 50)));
        let refusal = demand(place(1, 5, 51)).wait(&progress.subscribe(), CAP).await.unwrap_err();
        assert!(matches!(refusal, QueryError::Diverged { position: 5 }));
    }
}
