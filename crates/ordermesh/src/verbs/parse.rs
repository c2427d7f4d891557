//! Reads what people write on the command line: tax rates, discounts, points in time. No floats anywhere.

use jiff::{SignedDuration, Timestamp};
use ordermesh_kernel::{Clock, Money, SystemClock};

/// A tax rate in millionths, read from a percentage such as `19`, `8.875` or `7.7%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxRate(i32);

impl TaxRate {
    /// Nothing is taxed.
    pub const ZERO: Self = Self(0);

    /// The rate in millionths.
    pub fn ppm(self) -> i32 {
        self.0
    }
}

/// A percentage has four decimals before it is finer than a millionth.
const PERCENT_DECIMALS: usize = 4;
const PPM_PER_PERCENT: i32 = 10_000;

/// Reads a percentage exactly; what does not fit into millionths is refused rather than rounded.
pub fn tax_rate(text: &str) -> Result<TaxRate, String> {
    let refusal =
        || "must be a percentage from 0 to 100 such as 19 or 8.875, with at most 4 decimals".to_owned();
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    let (whole, decimals) = match number.split_once('.') {
        Some((_, "")) => return Err(refusal()),
        Some(parts) => parts,
        None => (number, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || !digits(whole) || !digits(decimals) {
        return Err(refusal());
    }
    if decimals.len() > PERCENT_DECIMALS {
        return Err(refusal());
    }
    let ppm: i32 = format!("{whole}{decimals:0<PERCENT_DECIMALS$}").parse().map_err(|_| refusal())?;
    match ppm <= 100 * PPM_PER_PERCENT {
        true => Ok(TaxRate(ppm)),
        false => Err(refusal()),
    }
}

/// A discount as people write it: `CODE=1.00 EUR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscountArgument {
    /// The code, such as a voucher's.
    pub code: String,
    /// How much is taken off.
    pub amount: Money,
}

/// Reads `CODE=AMOUNT`. An amount never contains `=`, so that a code may.
pub fn discount(text: &str) -> Result<DiscountArgument, String> {
    let (code, amount) = text.rsplit_once('=').ok_or("must be CODE=AMOUNT such as \"WELCOME=1.00 EUR\"")?;
    if code.is_empty() {
        return Err("the code before = is missing".to_owned());
    }
    let amount = Money::parse(amount).map_err(|error| format!("the amount {error}"))?;
    Ok(DiscountArgument { code: code.to_owned(), amount })
}

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
    fn a_percentage_becomes_millionths_exactly() {
        for (text, ppm) in [
            ("19", 190_000),
            ("8.875", 88_750),
            ("7.7%", 77_000),
            ("0", 0),
            ("100", 1_000_000),
            ("0.0001", 1),
        ] {
            assert_eq!(tax_rate(text), Ok(TaxRate(ppm)), "{text}");
        }
    }

    #[test]
    fn a_percentage_finer_than_a_millionth_is_refused_not_rounded() {
        assert!(tax_rate("8.87555").is_err());
    }

    #[test]
    fn what_is_no_percentage_is_refused() {
        for text in ["", "%", "-1", "+1", "100.0001", "101", "1,5", "1.", ".5", "1e1", "99999999999", "１"] {
            assert!(tax_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_discount_is_a_code_and_an_amount() {
        let read = discount("A=B=1.00 EUR").unwrap();
        assert_eq!((read.code.as_str(), read.amount.minor_units()), ("A=B", 100));
    }

    #[test]
    fn a_discount_without_code_or_amount_is_refused() {
        for text in ["WELCOME", "=1.00 EUR", "WELCOME=", "WELCOME=1.00", "WELCOME=1.001 EUR"] {
            assert!(discount(text).is_err(), "{text}");
        }
    }

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
