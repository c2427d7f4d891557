//! Money as the other crates see it: read and written, added up, rounded and divided.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

use ordermesh_kernel::{Currency, Money, MoneyError, allocate_largest_remainder, fraction_half_even};
use proptest::prelude::*;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF", "CHF"]).prop_map(currency)
}

#[test]
fn an_amount_is_read_as_it_is_written() {
    for (text, minor) in [
        ("4.50 EUR", 450),
        ("4.5 EUR", 450),
        ("4 EUR", 400),
        ("0.05 EUR", 5),
        ("-0.05 EUR", -5),
        ("450 JPY", 450),
        ("4.500 KWD", 4_500),
        ("-92233720368547758.08 EUR", i64::MIN),
    ] {
        assert_eq!(Money::parse(text).unwrap().minor_units(), minor, "{text}");
    }
    assert_eq!(Money::new(-5, currency("EUR")).to_string(), "-0.05 EUR");
    assert_eq!(Money::zero(currency("JPY")).to_string(), "0 JPY");
}

#[test]
fn what_is_not_exactly_an_amount_is_refused() {
    for text in [
        "",
        "EUR",
        " EUR",
        "4.505 EUR",
        "4.5 JPY",
        "4. EUR",
        ".5 EUR",
        "- EUR",
        "+4 EUR",
        "--4 EUR",
        "4,50 EUR",
        "1 000 EUR",
        "4.5.0 EUR",
        "4.-5 EUR",
        "٤ EUR",
        "4.50EUR",
        "1e3 EUR",
    ] {
        assert!(
            matches!(Money::parse(text), Err(MoneyError::InvalidAmount | MoneyError::UnknownCurrency)),
            "{text}"
        );
    }
    assert_eq!(Money::parse("4.50 eur"), Err(MoneyError::UnknownCurrency));
    assert_eq!(Money::parse("4.50  EUR"), Err(MoneyError::UnknownCurrency));
    assert_eq!(Money::parse("92233720368547758.08 EUR"), Err(MoneyError::Overflow));
}

#[test]
fn currencies_do_not_mix() {
    let (left, right) = (currency("EUR"), currency("CHF"));
    let mixed = Err(MoneyError::MixedCurrencies { left, right });
    assert_eq!(Money::zero(left).checked_add(Money::zero(right)), mixed);
    assert_eq!(Money::zero(left).checked_sub(Money::zero(right)), mixed);
}

#[test]
fn a_tie_goes_to_the_even_number() {
    for (amount, rounded) in [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2), (4, 2)] {
        assert_eq!(fraction_half_even(amount, 1, 2), Ok(rounded), "{amount} / 2");
    }
}

#[test]
fn a_fraction_needs_a_positive_denominator() {
    assert_eq!(fraction_half_even(1, 1, 0), Err(MoneyError::InvalidShare));
    assert_eq!(fraction_half_even(1, 1, -2), Err(MoneyError::InvalidShare));
}

#[test]
fn units_left_over_go_to_the_largest_remainder_and_then_to_the_earlier() {
    assert_eq!(allocate_largest_remainder(100, &[1, 1, 1]), Ok(vec![34, 33, 33]));
    assert_eq!(allocate_largest_remainder(-100, &[1, 1, 1]), Ok(vec![-34, -33, -33]));
    assert_eq!(allocate_largest_remainder(10, &[1, 5, 1]), Ok(vec![2, 7, 1]));
    assert_eq!(allocate_largest_remainder(1, &[0, 1, 2]), Ok(vec![0, 0, 1]));
    assert_eq!(allocate_largest_remainder(i64::MIN, &[0, 7]), Ok(vec![0, i64::MIN]));
}

#[test]
fn nothing_can_be_given_to_nobody() {
    assert_eq!(allocate_largest_remainder(0, &[]), Ok(vec![]));
    assert_eq!(allocate_largest_remainder(0, &[0, 0]), Ok(vec![0, 0]));
    for (total, weights) in [(1, vec![]), (1, vec![0, 0]), (0, vec![-1]), (1, vec![2, -1])] {
        assert_eq!(allocate_largest_remainder(total, &weights), Err(MoneyError::InvalidShare));
    }
}

proptest! {
    #[test]
    fn every_amount_survives_being_written_and_read(minor: i64, currency in any_currency()) {
        let money = Money::new(minor, currency);
        prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
    }

    #[test]
    fn no_text_makes_parsing_panic(text in "[-+0-9. A-Z]{0,24}|.{0,12}") {
        let _ = Money::parse(&text);
    }

    #[test]
    fn sums_are_exact_or_refused(left: i64, right: i64, currency in any_currency()) {
        let [a, b] = [left, right].map(|minor| Money::new(minor, currency));
        let exactly = |value: i128| {
            i64::try_from(value).map(|minor| Money::new(minor, currency)).map_err(|_| MoneyError::Overflow)
        };
        let (left, right) = (i128::from(left), i128::from(right));
        prop_assert_eq!(a.checked_add(b), exactly(left + right));
        prop_assert_eq!(a.checked_sub(b), exactly(left - right));
        prop_assert_eq!(a.checked_mul(b.minor_units()), exactly(left * right));
    }

    #[test]
    fn a_fraction_is_the_nearest_whole_number(amount: i64, numerator: i64, denominator in 1..=i64::MAX) {
        let expected = nearest(amount, numerator, denominator);
        prop_assert_eq!(fraction_half_even(amount, numerator, denominator), expected);
    }

    // Small numbers, so that ties are common.
    #[test]
    fn a_small_fraction_is_the_nearest_whole_number(
        amount in -300_i64..300,
        numerator in -20_i64..20,
        denominator in 1_i64..20,
    ) {
        let expected = nearest(amount, numerator, denominator);
        prop_assert_eq!(fraction_half_even(amount, numerator, denominator), expected);
    }

    #[test]
    fn shares_sum_to_the_total_and_are_within_one_of_the_exact(
        total: i64,
        weights in prop::collection::vec(prop_oneof![0..=9_i64, 0..=i64::MAX], 1..40),
    ) {
        let sum: i128 = weights.iter().copied().map(i128::from).sum();
        prop_assume!(sum > 0);
        let shares = allocate_largest_remainder(total, &weights).unwrap();
        prop_assert_eq!(shares.iter().copied().map(i128::from).sum::<i128>(), i128::from(total));
        for (share, weight) in shares.iter().zip(&weights) {
            // |share - total * weight / sum| < 1, multiplied by sum so that it stays exact.
            let floor = (i128::from(total) * i128::from(*weight)).div_euclid(sum);
            let rest = (i128::from(total) * i128::from(*weight)).rem_euclid(sum);
            let share = i128::from(*share);
            prop_assert!(share == floor || (rest > 0 && share == floor + 1), "{} of {}", share, weight);
        }
    }
}

/// The slow way: of the whole numbers around the quotient, the one that is nearest, and of two the even one.
fn nearest(amount: i64, numerator: i64, denominator: i64) -> Result<i64, MoneyError> {
    let (product, denominator) = (i128::from(amount) * i128::from(numerator), i128::from(denominator));
    let around = product / denominator;
    let best = (around - 1..=around + 1)
        .min_by_key(|candidate| ((candidate * denominator - product).unsigned_abs(), candidate % 2 != 0))
        .unwrap();
    i64::try_from(best).map_err(|_| MoneyError::Overflow)
}
