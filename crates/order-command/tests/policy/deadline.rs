//! An order expires when what payment told until its deadline has been heard.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ordermesh_feed::consume::{ConsumerControl, ControlError, Progress};
use ordermesh_feed::due::DueWork;
use ordermesh_feed::parking::{ParkedEvent, Usage};
use ordermesh_feed::token::LogPosition;
use ordermesh_kernel::{Clock, SystemClock, Timestamp};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::house::House;

/// A consumer of payment's feed that has come so far, since its start.
struct Heard(Progress, Timestamp);

#[async_trait]
impl ConsumerControl for Heard {
    fn name(&self) -> &'static str {
        "payment"
    }

    fn progress(&self) -> Progress {
        self.0.clone()
    }

    fn now(&self) -> Timestamp {
        self.1
    }

    async fn usage(&self) -> Result<Usage, DbErr> {
        Ok(Usage::default())
    }

    async fn parked(
        &self,
        _key: Option<&str>,
        _after: i64,
        _limit: u64,
    ) -> Result<Vec<(ParkedEvent, bool)>, DbErr> {
        Ok(vec![])
    }

    async fn replay(&self, _keys: Option<&[String]>, _suppress: bool) -> Result<usize, ControlError> {
        Ok(0)
    }

    async fn discard(&self, _key: &str, _up_to: i64) -> Result<u64, ControlError> {
        Ok(0)
    }
}

#[tokio::test]
async fn an_order_expires_when_payment_is_heard_until_its_deadline_or_not_heard_for_long() {
    let house = House::open().await;
    let order = house.place().await;
    let minutes = |minutes: u64| SystemClock.now() + Duration::from_secs(60 * minutes);
    let heard = Progress {
        place: Some(LogPosition { feed_id: Uuid::nil(), event_id: None, position: 9 }),
        head: 9,
        contact: Some(minutes(0)),
        active: true,
        ..Progress::default()
    };
    let behind = Progress { head: 10, newest: Some(minutes(58)), ..heard.clone() };
    let unheard = Progress { contact: None, ..heard.clone() };
    let cases = [
        ("heard all", heard.clone(), 0, 59, false),
        ("heard all", heard.clone(), 0, 61, true),
        ("behind, from before the deadline", behind.clone(), 0, 61, false),
        ("behind, from after the deadline", Progress { newest: Some(minutes(61)), ..behind }, 0, 61, true),
        ("not heard since its start", unheard.clone(), 0, 69, false),
        ("not heard since its start", unheard.clone(), 0, 71, true),
        ("not heard since its late start", unheard.clone(), 100, 109, false),
        ("not heard since its late start", unheard, 100, 111, true),
        ("payment is away", Progress { error: Some("away".to_owned()), ..heard.clone() }, 0, 69, false),
        ("another replica hears", Progress { active: false, ..heard }, 0, 1000, false),
    ];
    for (case, progress, start, after, expires) in cases {
        let deadlines = house.deadlines(Arc::new(Heard(progress, minutes(start))));
        let due = deadlines.due(minutes(after), 10).await.unwrap();
        assert_eq!(due.iter().any(|(id, _)| *id == order), expires, "{case}, after {after} minutes");
    }
}
