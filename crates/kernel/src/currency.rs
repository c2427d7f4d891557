//! An active ISO 4217 currency, and how many decimals its amounts have.

use std::{cmp::Ordering, fmt};

use crate::MoneyError;

/// A currency of the ISO 4217 list in force that has minor units: metals, test codes and withdrawn currencies
/// are none. Ordered by its code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Reads an alphabetic code. Upper case only: one spelling a currency keeps stored and compared codes
    /// equal.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        let known = iso_currency::Currency::from_code(code).filter(|known| known.code() == code);
        known.filter(|known| is_active(*known)).map(Self).ok_or(MoneyError::UnknownCurrency)
    }

    /// The alphabetic code, such as EUR.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The number of decimals: 2 for EUR, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        // parse lets no currency in that has none.
        self.0.exponent().map_or(0, u32::from)
    }
}

fn is_active(currency: iso_currency::Currency) -> bool {
    // The table counts VES as superseded by VED, but ISO 4217 lists both: VED is the same money in other
    // units.
    let withdrawn = currency.is_superseded().is_some() && currency != iso_currency::Currency::VES;
    currency.exponent().is_some() && !withdrawn
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_follows_from_the_code() {
        for (code, exponent) in [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)] {
            assert_eq!(Currency::parse(code).unwrap().exponent(), exponent, "{code}");
        }
    }

    #[test]
    fn only_active_upper_case_codes_are_currencies() {
        for code in ["", "eur", "Eur", "EURO", "EU", " EUR", "ABC", "HRK", "SLL", "XAU", "XTS", "XXX"] {
            assert_eq!(Currency::parse(code), Err(MoneyError::UnknownCurrency), "{code}");
        }
    }

    #[test]
    fn both_venezuelan_currencies_are_active() {
        assert!(Currency::parse("VES").is_ok());
        assert!(Currency::parse("VED").is_ok());
    }

    #[test]
    fn currencies_are_ordered_by_code() {
        let [ang, xcg] = ["AOA", "XCG"].map(|code| Currency::parse(code).unwrap());
        assert!(ang < xcg);
    }
}
