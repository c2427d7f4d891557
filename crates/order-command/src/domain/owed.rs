//! What is still owed once pieces are cancelled, lost or returned.
//!
//! A line's due is reckoned anew from the pieces that count, never by taking parts off: so a sequence of cancellations
//! and the same cancellations at once lead to the same amount. The discount of a part of the pieces is its share,
//! rounded half to even; the tax follows from it as at the placing. The shipping is owed as long as a piece reached or
//! may reach the customer.

use ordermesh_kernel::{Currency, Money, fraction_half_even};

use super::totals::{overflow, tax};
use super::{Field, LineInProgress, Parts, Refusal};

/// What is owed for the pieces that count.
pub(super) fn amount_due(parts: &Parts, currency: Currency) -> Result<Money, Refusal> {
    let add = |sum: Money, amount| sum.checked_add(amount).map_err(overflow(Field::Lines));
    let mut due = Money::zero(currency);
    for line in &parts.lines {
        due = add(due, line_due(line, parts.prices_include_tax)?)?;
    }
    let gone =
        |line: &LineInProgress| line.progress.cancelled + line.progress.lost >= line.line.quantity.get();
    match &parts.shipping {
        Some(shipping) if !parts.lines.iter().all(gone) => {
            let included = parts.prices_include_tax;
            let tax = tax(shipping.amount, shipping.tax_rate, included, Field::Shipping)?;
            let due = add(due, shipping.amount)?;
            if included { Ok(due) } else { add(due, tax) }
        }
        _ => Ok(due),
    }
}

fn line_due(line: &LineInProgress, included: bool) -> Result<Money, Refusal> {
    let (agreed, pieces) = (&line.line, line.owed());
    let amount = agreed.unit_price.checked_mul(pieces.into()).map_err(overflow(Field::Lines))?;
    let share =
        fraction_half_even(agreed.discount.minor_units(), pieces.into(), agreed.quantity.get().into());
    let share = share.map_err(overflow(Field::Lines))?;
    let discount = Money::new(share, amount.currency());
    let base = amount.checked_sub(discount).map_err(overflow(Field::Lines))?;
    if included {
        return Ok(base);
    }
    base.checked_add(tax(base, agreed.tax_rate, included, Field::Lines)?).map_err(overflow(Field::Lines))
}
