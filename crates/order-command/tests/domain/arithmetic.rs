//! The sums of an order, by example and as laws that hold for every order.

use ordermesh_kernel::{Currency, Money};
use ordermesh_order_command::domain::{Order, OrderDraft, Refusal};
use proptest::prelude::*;

use crate::support::{discount, draft, line, money, place, rate, shipping, tea};

#[test]
fn tax_comes_on_top_of_net_prices() {
    // 13.50 and 9.00; 2.25 off in proportion is 1.35 and 0.90; 19 % of 12.15 is 2.3085, of 8.10 is 1.539.
    let draft = OrderDraft {
        discounts: vec![discount(money("2.00 EUR")), discount(money("0.25 EUR"))],
        shipping: shipping(money("4.90 EUR"), rate(70_000)),
        ..tea()
    };
    let (order, _) = place(draft).unwrap();
    let taxes: Vec<_> = order.terms.lines.iter().map(|line| (line.discount, line.tax)).collect();
    assert_eq!(taxes, [(money("1.35 EUR"), money("2.31 EUR")), (money("0.90 EUR"), money("1.54 EUR"))]);
    let totals = order.terms.totals;
    assert_eq!(totals.goods, money("22.50 EUR"));
    assert_eq!(totals.discount, money("2.25 EUR"));
    assert_eq!(totals.shipping, money("4.90 EUR"));
    assert_eq!(totals.tax, money("4.19 EUR"));
    assert_eq!(totals.total, money("29.34 EUR"));
}

#[test]
fn tax_is_contained_in_gross_prices() {
    let lines = vec![line(money("119 JPY"), 1, rate(190_000))];
    let shipping = shipping(money("107 JPY"), rate(70_000));
    let (order, _) = place(OrderDraft { shipping, prices_include_tax: true, ..draft(lines) }).unwrap();
    assert_eq!(order.terms.lines[0].tax, money("19 JPY"));
    assert_eq!(order.terms.totals.tax, money("26 JPY"));
    assert_eq!(order.terms.totals.total, money("226 JPY"));
}

#[test]
fn half_a_minor_unit_of_tax_goes_to_the_even_one() {
    // 50 % of 1, 3 and 5 minor units.
    let lines = [1, 3, 5].map(|minor| line(Money::new(minor, money("1 EUR").currency()), 1, rate(500_000)));
    let (order, _) = place(draft(lines.to_vec())).unwrap();
    let taxes: Vec<_> = order.terms.lines.iter().map(|line| line.tax.minor_units()).collect();
    assert_eq!(taxes, [0, 2, 2]);
}

#[test]
fn the_cent_of_a_discount_that_does_not_divide_goes_to_the_first_of_equal_lines() {
    let lines = vec![line(money("1.00 EUR"), 1, rate(0)); 3];
    let (order, _) =
        place(OrderDraft { discounts: vec![discount(money("1.00 EUR"))], ..draft(lines) }).unwrap();
    let shares: Vec<_> = order.terms.lines.iter().map(|line| line.discount.minor_units()).collect();
    assert_eq!(shares, [34, 33, 33]);
}

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

/// Drafts whose amounts are drawn from a range; the discounts may exceed the goods.
fn drafts(amounts: impl Strategy<Value = i64> + Clone + 'static) -> impl Strategy<Value = OrderDraft> {
    let rates = || prop_oneof![Just(0), Just(190_000), 0..=1_000_000].prop_map(rate);
    let lines = (amounts.clone(), prop_oneof![1..10, 1..=1_000_000], rates())
        .prop_map(|(minor, quantity, rate)| line(euros(minor), quantity, rate));
    let charge = (amounts.clone(), rates()).prop_map(|(minor, rate)| shipping(euros(minor), rate));
    let discounts = amounts.prop_map(|minor| discount(euros(minor)));
    let parts = (
        prop::collection::vec(lines, 1..12),
        prop_oneof![Just(None), charge],
        prop::collection::vec(discounts, 0..4),
        any::<bool>(),
    );
    parts.prop_map(|(lines, shipping, discounts, prices_include_tax)| OrderDraft {
        shipping,
        discounts,
        prices_include_tax,
        ..draft(lines)
    })
}

fn minor(amounts: impl IntoIterator<Item = Money>) -> i64 {
    amounts.into_iter().map(Money::minor_units).sum()
}

/// Whether tax is the nearest minor unit to the exact tax, without ever dividing.
fn is_nearest(tax: i64, base: i64, ppm: i32, included: bool) -> bool {
    let (tax, base, ppm) = (i128::from(tax), i128::from(base), i128::from(ppm));
    let whole = 1_000_000 + if included { ppm } else { 0 };
    (2 * (tax * whole - base * ppm)).abs() <= whole
}

proptest! {
    #[test]
    fn the_total_is_goods_less_discount_plus_shipping_and_the_tax_on_top(draft in drafts(1..1_000_000_i64)) {
        let (lines, included) = (draft.lines.len(), draft.prices_include_tax);
        let discounts = minor(draft.discounts.iter().map(|discount| discount.amount));
        let charge = draft.shipping.map_or(0, |shipping| shipping.amount.minor_units());
        let outcome = place(draft);
        prop_assume!(!matches!(outcome, Err(Refusal::DiscountExceedsGoods { .. })));
        let terms = outcome.unwrap().0.terms;
        let sums = terms.totals;
        prop_assert_eq!(terms.lines.len(), lines);
        prop_assert_eq!(minor([sums.goods]), minor(terms.lines.iter().map(|line| line.amount)));
        prop_assert_eq!(minor([sums.discount]), discounts);
        prop_assert_eq!(minor([sums.shipping]), charge);
        let on_top = if included { 0 } else { minor([sums.tax]) };
        prop_assert_eq!(minor([sums.total]), minor([sums.goods]) - discounts + charge + on_top);
    }

    #[test]
    fn the_lines_bear_all_discounts_and_none_more_than_it_costs(draft in drafts(1..1_000_000_i64)) {
        let outcome = place(draft);
        prop_assume!(!matches!(outcome, Err(Refusal::DiscountExceedsGoods { .. })));
        let terms = outcome.unwrap().0.terms;
        prop_assert_eq!(minor(terms.lines.iter().map(|line| line.discount)), minor([terms.totals.discount]));
        for line in &terms.lines {
            prop_assert!((0..=minor([line.amount])).contains(&minor([line.discount])), "{:?}", line);
        }
    }

    #[test]
    fn every_tax_is_the_nearest_to_the_exact(draft in drafts(1..1_000_000_i64)) {
        let included = draft.prices_include_tax;
        let outcome = place(draft);
        prop_assume!(!matches!(outcome, Err(Refusal::DiscountExceedsGoods { .. })));
        let terms = outcome.unwrap().0.terms;
        let mut shipping_tax = minor([terms.totals.tax]);
        for line in &terms.lines {
            let (tax, base) = (minor([line.tax]), minor([line.amount]) - minor([line.discount]));
            prop_assert!(is_nearest(tax, base, line.tax_rate.ppm(), included), "{:?}", line);
            shipping_tax -= tax;
        }
        let (base, ppm) = terms.shipping.map_or((0, 0), |it| (it.amount.minor_units(), it.tax_rate.ppm()));
        prop_assert!(is_nearest(shipping_tax, base, ppm, included), "{} on {}", shipping_tax, base);
    }

    // Placing answers for any amounts at all: with an order that its events tell, or with a refusal.
    #[test]
    fn no_amounts_make_placing_panic(draft in drafts(prop_oneof![any::<i64>(), 0..=i64::MAX, -3..=3_i64])) {
        match place(draft) {
            Ok((order, events)) => prop_assert_eq!(Order::fold(&events), Some(order)),
            Err(refusal) => prop_assert!(refusal.field().is_some(), "{:?}", refusal),
        }
    }
}
