//! Reads tax rates and discounts as people write them. No floats anywhere.

use ordermesh_kernel::Money;

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
}
