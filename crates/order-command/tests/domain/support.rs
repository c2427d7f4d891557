//! Orders to try the rules on.

use std::time::Duration;

use ordermesh_kernel::{Money, OrderId, Timestamp};
use ordermesh_order_command::domain::{
    Actor, Buyer, Discount, DiscountCode, NewLine, Order, OrderDraft, OrderEvent, Quantity, Refusal,
    Shipping, Sku, TaxRate,
};

/// How long a payment may take here.
pub const WINDOW: Duration = Duration::from_secs(3_600);

pub fn order_id() -> OrderId {
    OrderId::parse("01932c07-209c-7f5a-8d3e-4b2a9c1d0e6f").unwrap()
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub fn shop() -> Actor {
    Actor::Workload("shop".to_owned())
}

pub fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

pub fn rate(ppm: i32) -> TaxRate {
    TaxRate::from_ppm(ppm).unwrap()
}

pub fn line(unit_price: Money, quantity: i32, tax_rate: TaxRate) -> NewLine {
    let quantity = Quantity::new(quantity).unwrap();
    NewLine { sku: Sku::parse("TEA-100").unwrap(), title: None, quantity, unit_price, tax_rate }
}

pub fn discount(amount: Money) -> Discount {
    Discount { code: DiscountCode::parse("SPRING").unwrap(), amount }
}

pub fn shipping(amount: Money, tax_rate: TaxRate) -> Option<Shipping> {
    Some(Shipping { amount, tax_rate })
}

/// The smallest order with these lines: a guest's, nothing else given.
pub fn draft(lines: Vec<NewLine>) -> OrderDraft {
    OrderDraft {
        order_reference: None,
        buyer: Buyer::Guest,
        personal: None,
        billing_account_id: None,
        payment_method_token: None,
        lines,
        shipping: None,
        discounts: vec![],
        prices_include_tax: false,
        expected_total: None,
    }
}

/// Three packets of tea and a pot: 22.50 EUR and 19 % tax on top, 2.565 and 1.71, make 26.77.
pub fn tea() -> OrderDraft {
    draft(vec![line(money("4.50 EUR"), 3, rate(190_000)), line(money("9.00 EUR"), 1, rate(190_000))])
}

pub fn place(draft: OrderDraft) -> Result<(Order, Vec<OrderEvent>), Refusal> {
    Order::place(order_id(), draft, shop(), at(0), WINDOW)
}

pub fn refusal(draft: OrderDraft) -> Refusal {
    place(draft).unwrap_err()
}
