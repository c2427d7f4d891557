//! How amounts, times and tables look to people, the same in every verb.

use comfy_table::{Table, presets};
use jiff::Timestamp;
use ordermesh_kernel::{Currency, Money};
use ordermesh_proto::common::v1 as wire;

/// An amount such as `4.50 EUR`; `-` when it is unset.
pub fn money(amount: Option<&wire::Money>) -> String {
    let Some(amount) = amount else { return "-".to_owned() };
    match Currency::parse(&amount.currency_code) {
        Ok(currency) => Money::new(amount.minor_units, currency).to_string(),
        // A currency that is younger than this program: its minor units are all that is known.
        Err(_) => format!("{} minor units of {}", amount.minor_units, amount.currency_code),
    }
}

/// An amount as the contracts carry it.
pub fn wire_money(amount: Money) -> wire::Money {
    wire::Money { currency_code: amount.currency().code().to_owned(), minor_units: amount.minor_units() }
}

/// A time in UTC to the millisecond; `-` when it is unset.
pub fn time(time: Option<&prost_types::Timestamp>) -> String {
    time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok())
        .map_or("-".to_owned(), |time| format!("{time:.3}"))
}

/// A time in UTC to the minute, such as `2026-01-01 09:30`; `-` when it is unset.
pub fn minute(time: Option<&prost_types::Timestamp>) -> String {
    time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok())
        .map_or("-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

/// A tax rate such as `19 %` or `8.875 %`, from millionths.
pub fn tax_rate(ppm: i32) -> String {
    let decimals = format!("{:04}", ppm.rem_euclid(10_000));
    match decimals.trim_end_matches('0') {
        "" => format!("{} %", ppm.div_euclid(10_000)),
        decimals => format!("{}.{decimals} %", ppm.div_euclid(10_000)),
    }
}

/// Names and values below each other; empty values are left out.
pub fn facts(facts: &[(&str, String)]) -> String {
    let present = || facts.iter().filter(|(_, value)| !value.is_empty());
    let width = present().map(|(name, _)| name.len()).max().unwrap_or_default();
    present().map(|(name, value)| format!("{name:width$}  {value}")).collect::<Vec<_>>().join("\n")
}

/// A table without frames, which is easy to read and to cut with other tools.
pub fn table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    rows.into_iter().for_each(|row| {
        table.add_row(row);
    });
    table.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_of_an_unknown_currency_is_shown_in_minor_units() {
        let amount = wire::Money { currency_code: "ZZZ".to_owned(), minor_units: 5 };
        assert_eq!(money(Some(&amount)), "5 minor units of ZZZ");
    }

    #[test]
    fn a_tax_rate_is_shown_as_it_is_written() {
        assert_eq!([190_000, 88_750, 1, 0].map(tax_rate), ["19 %", "8.875 %", "0.0001 %", "0 %"]);
    }

    #[test]
    fn empty_facts_are_left_out() {
        assert_eq!(facts(&[("id", "1".to_owned()), ("reason", String::new())]), "id  1");
    }
}
