//! Due work is done when its time has come, by a clock that the test moves.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ordermesh_feed::due::{self, DueSettings, DueWork, Wake};
use ordermesh_feed::runtime::Runtime;
use ordermesh_kernel::{ManualClock, Timestamp};
use ordermesh_testkit::eventually;
use ordermesh_testkit::wait::soon;
use sea_orm::DbErr;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// An interval that no test waits for.
const NEVER: Duration = Duration::from_secs(3600);
/// One that every test can wait for.
const SOON: Duration = Duration::from_millis(2);

/// Deadlines, and what has become of them.
#[derive(Default)]
struct Book {
    /// When each is due, in seconds.
    open: BTreeMap<u32, i64>,
    done: Vec<u32>,
    asked: usize,
    /// So many more questions are not answered.
    silent: usize,
    /// How often each of these fails before it is done.
    failing: BTreeMap<u32, usize>,
    /// Panics once.
    panics: Option<u32>,
    running: usize,
    most_running: usize,
}

#[derive(Clone)]
struct Deadlines {
    book: Arc<Mutex<Book>>,
    /// What is begun waits while it is closed.
    gate: watch::Receiver<bool>,
}

#[async_trait::async_trait]
impl DueWork for Deadlines {
    type Item = u32;

    fn name(&self) -> &'static str {
        "deadlines"
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<u32>, DbErr> {
        let mut book = self.book.lock().unwrap();
        book.asked += 1;
        if book.silent > 0 {
            book.silent -= 1;
            return Err(DbErr::Custom("away".to_owned()));
        }
        let due = book.open.iter().filter(|(_, at)| **at <= now.as_second());
        Ok(due.map(|(id, _)| *id).take(limit).collect())
    }

    async fn run(&self, item: u32) -> Result<(), String> {
        self.edit(|book| {
            book.running += 1;
            book.most_running = book.most_running.max(book.running);
        });
        self.gate.clone().wait_for(|open| *open).await.unwrap();
        let panics = self.edit(|book| {
            book.running -= 1;
            book.panics.take_if(|id| *id == item).is_some()
        });
        assert!(!panics, "item {item} panics");
        self.edit(|book| {
            if let Some(times) = book.failing.get_mut(&item).filter(|times| **times > 0) {
                *times -= 1;
                return Err("not yet".to_owned());
            }
            book.open.remove(&item);
            book.done.push(item);
            Ok(())
        })
    }
}

impl Deadlines {
    fn edit<T>(&self, edit: impl FnOnce(&mut Book) -> T) -> T {
        edit(&mut self.book.lock().unwrap())
    }
}

struct Office {
    work: Deadlines,
    clock: Arc<ManualClock>,
    gate: watch::Sender<bool>,
    runtime: Runtime,
    wake: Wake,
}

fn office(settings: DueSettings, book: Book) -> Office {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let gate = watch::Sender::new(true);
    let runtime = Runtime {
        clock: clock.clone(),
        tasks: TaskTracker::new(),
        shutdown: CancellationToken::new(),
        patience: Duration::from_secs(30),
    };
    let work = Deadlines { book: Arc::new(Mutex::new(book)), gate: gate.subscribe() };
    let wake = due::start(work.clone(), settings, &runtime);
    Office { work, clock, gate, runtime, wake }
}

impl Office {
    async fn done(&self, count: usize) -> Vec<u32> {
        eventually!(self.work.edit(|book| book.done.len() >= count), "{count} deadlines have passed");
        self.work.edit(|book| book.done.clone())
    }

    async fn stop(self) {
        self.runtime.shutdown.cancel();
        self.runtime.tasks.close();
        soon("the work ends", self.runtime.tasks.wait()).await;
    }
}

fn open(deadlines: impl IntoIterator<Item = (u32, i64)>) -> Book {
    Book { open: deadlines.into_iter().collect(), ..Book::default() }
}

fn every(interval: Duration) -> DueSettings {
    DueSettings { interval, max_backoff: interval, ..DueSettings::default() }
}

#[tokio::test]
async fn what_is_due_is_done_when_its_time_has_come_and_not_before() {
    let office = office(every(SOON), open([(1, 0), (2, 60), (3, 61)]));
    assert_eq!(office.done(1).await, [1]);
    office.clock.advance(Duration::from_secs(60));
    assert_eq!(office.done(2).await, [1, 2]);
    let asked = office.work.edit(|book| book.asked);
    eventually!(office.work.edit(|book| book.asked > asked + 2), "it goes on looking");
    assert_eq!(office.done(2).await, [1, 2]);
    office.stop().await;
}

#[tokio::test]
async fn being_woken_looks_at_once() {
    let office = office(every(NEVER), Book::default());
    eventually!(office.work.edit(|book| book.asked == 1), "it looks at the start");
    office.work.edit(|book| book.open.insert(7, 0));
    office.wake.wake();
    assert_eq!(office.done(1).await, [7]);
    office.stop().await;
}

#[tokio::test]
async fn while_pages_are_full_it_goes_on_at_once_and_does_no_more_at_a_time_than_it_may() {
    let settings = DueSettings { limit: 10, concurrency: 3, ..every(NEVER) };
    let office = office(settings, open((0..35).map(|id| (id, 0))));
    office.gate.send_replace(false);
    eventually!(office.work.edit(|book| book.running == 3), "as many as may are begun");
    office.gate.send_replace(true);
    let mut done = office.done(35).await;
    done.sort_unstable();
    assert_eq!(done, (0..35).collect::<Vec<_>>());
    let (asked, most) = office.work.edit(|book| (book.asked, book.most_running));
    assert_eq!(asked, 4, "three full pages and one that is not");
    assert!(most <= 3, "{most} at once");
    office.stop().await;
}

#[tokio::test]
async fn a_database_that_is_away_and_work_that_fails_or_panics_are_tried_again() {
    let mut book = open([(1, 0), (2, 0), (3, 0)]);
    (book.silent, book.failing, book.panics) = (3, [(1, 2)].into(), Some(2));
    let office = office(every(SOON), book);
    let mut done = office.done(3).await;
    assert_eq!((done[0], done.last()), (3, Some(&1)), "one does not wait for the other");
    done.sort_unstable();
    assert_eq!(done, [1, 2, 3]);
    office.stop().await;
}

#[tokio::test]
async fn a_full_page_that_fails_waits_before_it_is_tried_again() {
    let mut book = open([(1, 0), (2, 0)]);
    book.failing = [(1, usize::MAX), (2, usize::MAX)].into();
    let office = office(DueSettings { limit: 2, ..every(NEVER) }, book);
    let failed = || office.work.edit(|book| book.failing.values().all(|left| *left < usize::MAX));
    eventually!(failed(), "both are tried");
    // Neither being full nor being woken makes it try at once.
    office.wake.wake();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(office.work.edit(|book| book.asked), 1);
    office.stop().await;
}

#[tokio::test]
async fn at_shutdown_what_is_begun_is_done_and_nothing_else_is_begun() {
    let settings = DueSettings { concurrency: 2, ..every(NEVER) };
    let office = office(settings, open((0..5).map(|id| (id, 0))));
    office.gate.send_replace(false);
    eventually!(office.work.edit(|book| book.running == 2), "two are begun");
    office.runtime.shutdown.cancel();
    office.gate.send_replace(true);
    let work = office.work.clone();
    office.stop().await;
    assert_eq!(work.edit(|book| (book.done.len(), book.running)), (2, 0));
}
