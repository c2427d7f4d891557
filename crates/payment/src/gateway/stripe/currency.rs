//! Currencies that Stripe counts otherwise than ISO 4217 does, and with it every order: sent as they are, the amounts would be a
//! hundred times too small or too large, or refused when money is on hold already.

use ordermesh_kernel::Money;

use crate::domain::Decline;

/// What is taken of a currency.
enum Takes {
    /// No amount: Stripe's minor unit is another one.
    Nothing,
    /// Amounts that end in a zero: Stripe knows thousandths, but takes none.
    Tens,
}

/// See <https://docs.stripe.com/currencies>. All others that Stripe takes have ISO's minor units there.
const COUNTED_OTHERWISE: [(&str, Takes); 8] = [
    // No decimals by ISO, two at Stripe.
    ("ISK", Takes::Nothing),
    ("UGX", Takes::Nothing),
    // Two decimals by ISO, none at Stripe.
    ("MGA", Takes::Nothing),
    ("BHD", Takes::Tens),
    ("JOD", Takes::Tens),
    ("KWD", Takes::Tens),
    ("OMR", Takes::Tens),
    ("TND", Takes::Tens),
];

/// Why an amount cannot be sent to Stripe, if it cannot. No other card would change that.
pub(super) fn unfit(amount: Money) -> Option<Decline> {
    let own = amount.currency();
    let (_, takes) = COUNTED_OTHERWISE.iter().find(|(code, _)| *code == own.code())?;
    let detail = match takes {
        Takes::Nothing => format!("Stripe counts {own} in other units than ISO 4217"),
        Takes::Tens if amount.minor_units() % 10 == 0 => return None,
        Takes::Tens => format!("Stripe takes no amount of {own} whose last decimal is not zero"),
    };
    Some(Decline { code: "currency_not_supported".to_owned(), detail, retryable: false })
}
