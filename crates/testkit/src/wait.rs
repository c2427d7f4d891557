//! Waiting for a condition instead of for a time: `eventually!(condition, "message")`.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// Longer than this nothing takes in a test, even on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What a condition can be: `bool`, `Option`, or `Result`, whose error tells how things stand.
pub trait Condition {
    /// What is known once the condition holds.
    type Value;
    /// The value, or what to say when it never comes.
    fn check(self) -> Result<Self::Value, String>;
}

impl Condition for bool {
    type Value = ();

    fn check(self) -> Result<(), String> {
        self.then_some(()).ok_or_else(|| "false".to_owned())
    }
}

impl<T> Condition for Option<T> {
    type Value = T;

    fn check(self) -> Result<T, String> {
        self.ok_or_else(|| "None".to_owned())
    }
}

impl<T, E: Display> Condition for Result<T, E> {
    type Value = T;

    fn check(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// Evaluates a condition, which may await, until it holds, and gives its value; panics with the message and the
/// last state after 20 s.
#[macro_export]
macro_rules! eventually {
    ($condition:expr, $($message:tt)+) => {
        $crate::wait::until($crate::wait::LIMIT, async || $condition, &format!($($message)+)).await
    };
}

/// What [`eventually!`] calls.
#[track_caller]
pub fn until<C: Condition>(
    limit: Duration,
    mut condition: impl AsyncFnMut() -> C,
    message: &str,
) -> impl Future<Output = C::Value> {
    let at = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + limit;
        let mut last = "never evaluated to the end".to_owned();
        let mut pause = FIRST_PAUSE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, condition()).await.map(Condition::check) {
                Ok(Ok(value)) => return value,
                Ok(Err(state)) if Instant::now() < deadline => last = state,
                Ok(Err(state)) => panic!("{at}: within {limit:?}, {message}; last: {state}"),
                Err(_) => panic!("{at}: within {limit:?}, {message}; last: {last}"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// The time between two faults, or between two tries of a client. Never to wait for something: that is [`eventually!`].
pub async fn pause(duration: Duration) {
    sleep(duration).await;
}

/// The future's output; panics with the message when it takes longer than anything should.
#[track_caller]
pub fn soon<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let at = std::panic::Location::caller();
    async move {
        match timeout(LIMIT, future).await {
            Ok(output) => output,
            Err(_) => panic!("{at}: {what} took longer than {LIMIT:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_holds_later_gives_its_value() {
        let mut calls = 0;
        let value = eventually!(
            {
                calls += 1;
                (calls == 4).then_some(calls * 10)
            },
            "four calls"
        );
        assert_eq!(value, 40);
    }

    #[tokio::test]
    #[should_panic(expected = "the shop opens; last: still closed")]
    async fn a_condition_that_never_holds_panics_with_its_last_state() {
        until(Duration::from_millis(20), async || Err::<(), _>("still closed"), "the shop opens").await;
    }

    #[tokio::test]
    #[should_panic(expected = "an answer; last: never evaluated to the end")]
    async fn a_condition_that_hangs_panics_too() {
        until(Duration::from_millis(20), std::future::pending::<bool>, "an answer").await;
    }
}
