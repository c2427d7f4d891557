//! Time as an argument. Times are whole microseconds, as the databases keep them, so that what is stored is
//! what was decided on.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

pub use jiff::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in whole microseconds.
    fn now(&self) -> Timestamp;
}

/// A number of microseconds that no timestamp has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{micros} microseconds since 1970 are outside of the years -9999 to 9999")]
pub struct TimeOutOfRange {
    /// The number.
    pub micros: i64,
}

/// Microseconds since 1970, negative before; what is finer is cut off.
pub fn to_micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// The time so many microseconds after 1970.
pub fn from_micros(micros: i64) -> Result<Timestamp, TimeOutOfRange> {
    Timestamp::from_microsecond(micros).map_err(|_| TimeOutOfRange { micros })
}

fn whole_micros(time: Timestamp) -> Timestamp {
    // Cutting off moves a time towards 1970, and so never out of range.
    from_micros(to_micros(time)).unwrap_or(time)
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        whole_micros(Timestamp::now())
    }
}

/// The machine's clock, ahead or behind by so many milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct SkewedClock {
    /// How far it is ahead; negative: behind.
    pub by_ms: i64,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        let micros = to_micros(SystemClock.now()).saturating_add(self.by_ms.saturating_mul(1_000));
        let end = if self.by_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
        from_micros(micros).unwrap_or(end)
    }
}

/// A clock that stands still until it is moved, for tests. Shared by reference.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at that time.
    pub fn new(now: Timestamp) -> Self {
        Self { micros: AtomicI64::new(to_micros(now)) }
    }

    /// Moves to that time, which may be earlier.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(to_micros(now), Ordering::SeqCst);
    }

    /// Moves on by that much, at most to the end of time.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let moved = |now: i64| Some(now.saturating_add(by).min(to_micros(Timestamp::MAX)));
        // The closure always gives a new value, so that the update cannot fail.
        let _ = self.micros.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        // new, set and advance let only times in.
        from_micros(self.micros.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_tells_whole_microseconds() {
        assert_eq!(SystemClock.now().subsec_nanosecond() % 1_000, 0);
    }

    #[test]
    fn a_skewed_clock_is_ahead_or_behind_and_ends_with_time() {
        let (behind, ahead) = (SkewedClock { by_ms: -3_600_000 }, SkewedClock { by_ms: 3_600_000 });
        let now = SystemClock.now();
        assert!(behind.now() < now && now < ahead.now());
        assert!(to_micros(ahead.now()) - to_micros(now) >= 3_600_000_000);
        assert_eq!(SkewedClock { by_ms: i64::MAX }.now(), Timestamp::MAX);
        assert_eq!(SkewedClock { by_ms: i64::MIN }.now(), Timestamp::MIN);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let start = Timestamp::from_nanosecond(1_700_000_000_000_000_999).unwrap();
        let clock = ManualClock::new(start);
        assert_eq!(to_micros(clock.now()), 1_700_000_000_000_000);
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(2));
        assert_eq!(to_micros(clock.now()), 1_700_000_002_000_000);
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn a_manual_clock_stops_at_the_end_of_time() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        clock.advance(Duration::MAX);
        assert_eq!(to_micros(clock.now()), to_micros(Timestamp::MAX));
    }

    #[test]
    fn microseconds_outside_of_time_are_refused() {
        assert_eq!(from_micros(i64::MAX), Err(TimeOutOfRange { micros: i64::MAX }));
        assert_eq!(from_micros(1).map(to_micros), Ok(1));
    }
}
