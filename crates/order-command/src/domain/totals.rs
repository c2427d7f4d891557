//! The arithmetic of an order: from agreed prices to what is owed, in minor units and one currency.
//!
//! Discounts are spread over the lines by largest remainder, in proportion to the lines' amounts; tax is
//! computed a line, on amount less discount, and rounded half to even. Shipping is taxed likewise and not
//! discounted.

use ordermesh_kernel::{Currency, Money, MoneyError, allocate_largest_remainder, fraction_half_even};

use super::{Field, Line, MAX_DISCOUNTS, MAX_LINES, NewLine, OrderDraft, Refusal, TaxRate, Title};

/// The sums of an order. total = goods - discount + shipping, plus tax unless prices include it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Sum of the lines' amounts.
    pub goods: Money,
    /// Sum of the discounts.
    pub discount: Money,
    /// The shipping charge.
    pub shipping: Money,
    /// Tax on goods and shipping.
    pub tax: Money,
    /// What the order costs.
    pub total: Money,
}

/// The lines with their arithmetic, and the sums.
pub(super) fn price(draft: &OrderDraft) -> Result<(Vec<Line>, Totals), Refusal> {
    let currency = check_amounts(draft)?;
    let amounts = line_amounts(&draft.lines)?;
    let goods = sum(currency, amounts.iter().copied(), Field::Lines)?;
    let discount = sum(currency, draft.discounts.iter().map(|discount| discount.amount), Field::Discounts)?;
    if discount.minor_units() > goods.minor_units() {
        return Err(Refusal::DiscountExceedsGoods { discount, goods });
    }
    let lines = price_lines(draft, &amounts, discount)?;
    let shipping = draft.shipping.map_or(Money::zero(currency), |shipping| shipping.amount);
    let shipping_tax = match &draft.shipping {
        Some(shipping) => tax(shipping.amount, shipping.tax_rate, draft.prices_include_tax, Field::Shipping)?,
        None => Money::zero(currency),
    };
    let tax = sum(currency, lines.iter().map(|line| line.tax).chain([shipping_tax]), Field::Lines)?;
    let total = goods.checked_sub(discount).and_then(|reduced| reduced.checked_add(shipping));
    let total = if draft.prices_include_tax { total } else { total.and_then(|net| net.checked_add(tax)) };
    let total = total.map_err(overflow(Field::Lines))?;
    expect_total(draft.expected_total, total)?;
    Ok((lines, Totals { goods, discount, shipping, tax, total }))
}

/// Judges counts, signs and currencies before anything is reckoned; answers the order's currency.
fn check_amounts(draft: &OrderDraft) -> Result<Currency, Refusal> {
    let currency = draft.lines.first().ok_or(Refusal::NoLines)?.unit_price.currency();
    if draft.lines.len() > MAX_LINES {
        return Err(Refusal::TooManyLines { count: draft.lines.len() });
    }
    if draft.discounts.len() > MAX_DISCOUNTS {
        return Err(Refusal::TooManyDiscounts { count: draft.discounts.len() });
    }
    for (index, line) in draft.lines.iter().enumerate() {
        expect_charge(line.unit_price, currency, Field::UnitPrice(index))?;
    }
    if let Some(shipping) = &draft.shipping {
        expect_charge(shipping.amount, currency, Field::Shipping)?;
    }
    for (index, discount) in draft.discounts.iter().enumerate() {
        let field = Field::Discount(index);
        expect_currency(discount.amount, currency, field)?;
        if discount.amount.is_negative() || discount.amount.is_zero() {
            return Err(Refusal::DiscountNotPositive { field });
        }
    }
    match draft.expected_total {
        Some(expected) => expect_currency(expected, currency, Field::ExpectedTotal).map(|()| currency),
        None => Ok(currency),
    }
}

fn expect_charge(amount: Money, currency: Currency, field: Field) -> Result<(), Refusal> {
    expect_currency(amount, currency, field)?;
    if amount.is_negative() { Err(Refusal::NegativeAmount { field }) } else { Ok(()) }
}

fn expect_currency(amount: Money, expected: Currency, field: Field) -> Result<(), Refusal> {
    let found = amount.currency();
    if found == expected { Ok(()) } else { Err(Refusal::MixedCurrencies { field, expected, found }) }
}

fn expect_total(expected: Option<Money>, computed: Money) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != computed => Err(Refusal::TotalMismatch { expected, computed }),
        _ => Ok(()),
    }
}

fn line_amounts(lines: &[NewLine]) -> Result<Vec<Money>, Refusal> {
    let amount = |(index, line): (usize, &NewLine)| {
        line.unit_price.checked_mul(line.quantity.get().into()).map_err(overflow(Field::UnitPrice(index)))
    };
    lines.iter().enumerate().map(amount).collect()
}

fn price_lines(draft: &OrderDraft, amounts: &[Money], discount: Money) -> Result<Vec<Line>, Refusal> {
    let weights: Vec<i64> = amounts.iter().map(|amount| amount.minor_units()).collect();
    // Not more than the goods cost is taken off, so that no line's share exceeds its amount.
    let shares =
        allocate_largest_remainder(discount.minor_units(), &weights).map_err(overflow(Field::Discounts))?;
    let parts = draft.lines.iter().zip(amounts).zip(shares).zip(1..);
    let lines = parts.map(|(((line, amount), share), line_id)| {
        let discount = Money::new(share, amount.currency());
        price_line(line, line_id, *amount, discount, draft.prices_include_tax)
    });
    lines.collect()
}

fn price_line(
    line: &NewLine,
    line_id: i32,
    amount: Money,
    discount: Money,
    prices_include_tax: bool,
) -> Result<Line, Refusal> {
    let base = amount.checked_sub(discount).map_err(overflow(Field::Lines))?;
    Ok(Line {
        line_id,
        sku: line.sku.clone(),
        title: line.title.clone().unwrap_or_else(|| Title::from(&line.sku)),
        quantity: line.quantity,
        unit_price: line.unit_price,
        tax_rate: line.tax_rate,
        amount,
        discount,
        tax: tax(base, line.tax_rate, prices_include_tax, Field::Lines)?,
    })
}

/// The tax contained in a gross amount, or due on top of a net one.
pub(super) fn tax(base: Money, rate: TaxRate, included: bool, field: Field) -> Result<Money, Refusal> {
    const WHOLE: i64 = 1_000_000;
    let rate = i64::from(rate.ppm());
    let of = if included { WHOLE + rate } else { WHOLE };
    let minor = fraction_half_even(base.minor_units(), rate, of).map_err(overflow(field))?;
    Ok(Money::new(minor, base.currency()))
}

fn sum(currency: Currency, amounts: impl Iterator<Item = Money>, field: Field) -> Result<Money, Refusal> {
    let mut amounts = amounts;
    amounts.try_fold(Money::zero(currency), Money::checked_add).map_err(overflow(field))
}

/// Once check_amounts has passed, all that arithmetic can fail by is size.
pub(super) fn overflow(field: Field) -> impl FnOnce(MoneyError) -> Refusal {
    move |_| Refusal::AmountOverflow { field }
}
