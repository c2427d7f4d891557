//! An order as the caller asks for it: every field valid by itself, the whole not yet judged.

use ordermesh_kernel::{
    BillingAccountId, CustomerId, Money, OrderReference, PaymentMethodToken, text::is_printable, text_value,
};

use super::{NewLine, PersonalData, TaxRate};

/// The most lines an order has.
pub const MAX_LINES: usize = 1_000;
/// The most discounts an order has.
pub const MAX_DISCOUNTS: usize = 20;

text_value! {
    /// The caller's code for a discount, such as a voucher's.
    pub struct DiscountCode: shown,
        "must be 1 to 64 characters without control characters", |text| is_printable(text, 64);
}

/// What PlaceOrder carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderDraft {
    /// The shop's own number; none means the order's id.
    pub order_reference: Option<OrderReference>,
    /// Who buys.
    pub buyer: Buyer,
    /// Contact and addresses; none when none of them was given.
    pub personal: Option<PersonalData>,
    /// The account that pays, when it is not the buyer's own.
    pub billing_account_id: Option<BillingAccountId>,
    /// The payment provider's token for the means of payment.
    pub payment_method_token: Option<PaymentMethodToken>,
    /// What is bought. The first unit price gives the order its currency.
    pub lines: Vec<NewLine>,
    /// What the shipping costs; none means nothing.
    pub shipping: Option<Shipping>,
    /// Reductions of the price of the goods.
    pub discounts: Vec<Discount>,
    /// Whether unit prices, shipping and discounts contain the tax.
    pub prices_include_tax: bool,
    /// What the caller showed the customer; an order with another total is refused.
    pub expected_total: Option<Money>,
}

/// Who buys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Buyer {
    /// A customer, by the id in the shop.
    Customer(CustomerId),
    /// Somebody without an account.
    Guest,
}

/// What the shipping costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipping {
    /// The charge, zero or more.
    pub amount: Money,
    /// The tax rate.
    pub tax_rate: TaxRate,
}

/// A reduction of the price of the goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discount {
    /// The caller's code for it.
    pub code: DiscountCode,
    /// How much is taken off, more than zero.
    pub amount: Money,
}
