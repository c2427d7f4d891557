//! Reads what people write on the command line, whatever the verb: numbers, points in time.

use jiff::{SignedDuration, Timestamp};
use ordermesh_kernel::{Clock, SystemClock};

/// Reads a number of at least `MIN`, such as a position. Its option needs `allow_negative_numbers`, or else clap takes
/// `-1` for the name of another one.
pub fn at_least<const MIN: i64>(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(number) if number >= MIN => Ok(number),
        Ok(_) => Err(format!("must be {MIN} or more")),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads a point in time: RFC 3339, or a duration such as `10m` or `2h 30m` back from now. So are `-10m` and `10m ago`:
/// whoever writes them means nothing else. Its option needs `allow_hyphen_values`.
pub fn since(text: &str) -> Result<Timestamp, String> {
    since_at(text, SystemClock.now())
}

fn since_at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let back: SignedDuration = text.parse().map_err(|_| {
        "must be RFC 3339 such as 2026-01-01T00:00:00Z, or how long ago such as 10m".to_owned()
    })?;
    now.checked_sub(back.unsigned_abs()).map_err(|_| "is before the beginning of time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_how_long_ago() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let at = |text| since_at(text, now).map(|time| time.to_string());
        assert_eq!(at("10m"), Ok("2026-01-01T11:50:00Z".to_owned()));
        assert_eq!(at("2h 30m"), Ok("2026-01-01T09:30:00Z".to_owned()));
        assert_eq!([at("-10m"), at("10m ago")], [at("10m"), at("10m")]);
        assert_eq!(at("2025-06-01T02:00:00+02:00"), Ok("2025-06-01T00:00:00Z".to_owned()));
    }

    #[test]
    fn since_is_never_nonsense() {
        for text in ["yesterday", "", "10", "-", "--json"] {
            assert!(since_at(text, Timestamp::UNIX_EPOCH).is_err(), "{text}");
        }
    }
}
