//! Amounts of money: whole minor units of one currency, and arithmetic that refuses rather than wraps.
//!
//! Nothing here rounds or drops a remainder without saying so in its name.

use std::{fmt, str::FromStr};

use crate::Currency;

/// An amount in the minor units of one currency: 4.50 EUR is 450, 450 JPY is 450, 4.500 KWD is 4500.
///
/// Amounts have no order, since those of different currencies cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount could not be read or computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result has more minor units than can be counted.
    #[error("the amount is larger than money can be counted")]
    Overflow,
    /// Two amounts that belong together have different currencies.
    #[error("{left} and {right} cannot be reckoned together")]
    MixedCurrencies {
        /// Currency of the left amount.
        left: Currency,
        /// Currency of the right amount.
        right: Currency,
    },
    /// The code is not one of an active currency.
    #[error("the currency must be an active ISO 4217 code in upper case such as EUR")]
    UnknownCurrency,
    /// The text is not an amount of its currency.
    #[error(
        "must be an amount and its currency such as 4.50 EUR, with no more decimals than the currency has"
    )]
    InvalidAmount,
    /// The amount cannot be divided like that.
    #[error("a share needs a positive denominator, or weights of which none is negative and one is not zero")]
    InvalidShare,
}

impl Money {
    /// So many minor units of a currency.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Reads "4.50 EUR", the form that Display writes. Decimals may be fewer than the currency has, never
    /// more.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (amount, code) = text.split_once(' ').ok_or(MoneyError::InvalidAmount)?;
        let currency = Currency::parse(code)?;
        Ok(Self::new(parse_minor(amount, currency.exponent() as usize)?, currency))
    }

    /// The amount in minor units.
    pub const fn minor_units(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_add(other.minor))
    }

    /// The difference.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_sub(other.minor))
    }

    /// So many times the amount.
    pub fn checked_mul(self, quantity: i64) -> Result<Self, MoneyError> {
        self.with(self.minor.checked_mul(quantity))
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::MixedCurrencies { left: self.currency, right: other.currency })
    }

    fn with(self, minor: Option<i64>) -> Result<Self, MoneyError> {
        minor.map(|minor| Self::new(minor, self.currency)).ok_or(MoneyError::Overflow)
    }
}

fn parse_minor(amount: &str, exponent: usize) -> Result<i64, MoneyError> {
    let (sign, digits) = amount.strip_prefix('-').map_or(("", amount), |digits| ("-", digits));
    let (whole, decimals) = match digits.split_once('.') {
        Some((_, "")) => return Err(MoneyError::InvalidAmount),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !only_digits(whole) || !only_digits(decimals) || decimals.len() > exponent {
        return Err(MoneyError::InvalidAmount);
    }
    // Nothing but a sign and digits is left, so that all that can be wrong is the size.
    format!("{sign}{whole}{decimals:0<exponent$}").parse().map_err(|_| MoneyError::Overflow)
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let sign = if self.is_negative() { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        if exponent == 0 {
            return write!(formatter, "{sign}{minor} {}", self.currency);
        }
        let unit = 10_u64.pow(exponent);
        let (whole, decimals, width) = (minor / unit, minor % unit, exponent as usize);
        write!(formatter, "{sign}{whole}.{decimals:0width$} {}", self.currency)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Self::parse(text)
    }
}

/// `amount * numerator / denominator` to the nearest whole number, a tie going to the even one: over many
/// amounts, ties then favour neither side. The denominator is positive.
pub fn fraction_half_even(amount: i64, numerator: i64, denominator: i64) -> Result<i64, MoneyError> {
    if denominator <= 0 {
        return Err(MoneyError::InvalidShare);
    }
    let product = i128::from(amount) * i128::from(numerator);
    let denominator = i128::from(denominator);
    let floor = product.div_euclid(denominator);
    let up = match (product.rem_euclid(denominator) * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => floor & 1,
        std::cmp::Ordering::Greater => 1,
    };
    i64::try_from(floor + up).map_err(|_| MoneyError::Overflow)
}

/// Divides a total in proportion to weights so that the shares sum to it exactly.
///
/// Every share is its exact part rounded towards zero; the units left over go one each to the largest
/// fractional parts, and of equal ones to the earlier. Weights are zero or more; when all are zero there is
/// nobody to give to, so that only a total of zero can be divided.
pub fn allocate_largest_remainder(total: i64, weights: &[i64]) -> Result<Vec<i64>, MoneyError> {
    let sum: i128 = weights.iter().copied().map(i128::from).sum();
    if weights.iter().any(|weight| *weight < 0) || (sum == 0 && total != 0) {
        return Err(MoneyError::InvalidShare);
    }
    if total == 0 {
        return Ok(vec![0; weights.len()]);
    }
    // |total| * weight stays below 2^126.
    let magnitude = i128::from(total).abs();
    let exact = |weight: &i64| magnitude * i128::from(*weight);
    let mut shares: Vec<i128> = weights.iter().map(|weight| exact(weight) / sum).collect();
    let left = magnitude - shares.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    // The sort is stable, which settles ties.
    order.sort_by_key(|index| std::cmp::Reverse(exact(&weights[*index]) % sum));
    for (index, _) in order.into_iter().zip(0..left) {
        shares[index] += 1;
    }
    let sign = i128::from(total.signum());
    shares.into_iter().map(|share| i64::try_from(share * sign).map_err(|_| MoneyError::Overflow)).collect()
}
