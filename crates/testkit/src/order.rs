//! Valid commands to start from: a test changes what it is about and leaves the rest.

use ordermesh_proto::common::v1::{Address, Money};
use ordermesh_proto::order::v1::place_order_request::Buyer;
use ordermesh_proto::order::v1::{
    AddOrderNoteRequest, CancelOrderRequest, Contact, Discount, NewOrderLine, PlaceOrderRequest,
    ShippingCharge,
};
use tonic::{IntoRequest, Request};
use uuid::Uuid;

/// An amount in minor units.
pub fn money(currency_code: &str, minor_units: i64) -> Money {
    Money { currency_code: currency_code.to_owned(), minor_units }
}

/// An amount in cents.
pub fn euro(cents: i64) -> Money {
    money("EUR", cents)
}

/// A request_id that nobody has used.
pub fn fresh_id() -> String {
    Uuid::now_v7().to_string()
}

/// A PlaceOrder of a guest with one line at a price in cents, without tax, under a fresh request_id.
pub fn order(sku: &str, quantity: i32, cents: i64) -> PlaceOrderBuilder {
    let request = PlaceOrderRequest { request_id: fresh_id(), ..PlaceOrderRequest::default() };
    PlaceOrderBuilder(request).with_line(sku, quantity, cents, 0)
}

/// A CancelOrder under a fresh request_id.
pub fn cancel(order_id: &str) -> CancelOrderRequest {
    CancelOrderRequest {
        request_id: fresh_id(),
        order_id: order_id.to_owned(),
        reason: "changed my mind".to_owned(),
        expected_revision: None,
    }
}

/// An AddOrderNote under a fresh request_id.
pub fn note(order_id: &str) -> AddOrderNoteRequest {
    AddOrderNoteRequest {
        request_id: fresh_id(),
        order_id: order_id.to_owned(),
        text: "rings twice".to_owned(),
        expected_revision: None,
    }
}

/// Makes a [`PlaceOrderRequest`]; goes wherever one goes.
#[derive(Debug, Clone)]
#[must_use]
pub struct PlaceOrderBuilder(PlaceOrderRequest);

impl PlaceOrderBuilder {
    /// The request.
    pub fn build(self) -> PlaceOrderRequest {
        self.0
    }

    /// Any change, valid or not.
    pub fn with(mut self, change: impl FnOnce(&mut PlaceOrderRequest)) -> Self {
        change(&mut self.0);
        self
    }

    /// The idempotency key.
    pub fn with_request_id(self, id: &str) -> Self {
        self.with(|request| request.request_id = id.to_owned())
    }

    /// The shop's own number.
    pub fn with_reference(self, reference: &str) -> Self {
        self.with(|request| request.order_reference = reference.to_owned())
    }

    /// A customer instead of a guest.
    pub fn with_customer(self, id: &str) -> Self {
        self.with(|request| request.buyer = Some(Buyer::CustomerId(id.to_owned())))
    }

    /// One more line, its price in cents.
    pub fn with_line(self, sku: &str, quantity: i32, cents: i64, tax_rate_ppm: i32) -> Self {
        let unit_price = Some(euro(cents));
        let line =
            NewOrderLine { sku: sku.to_owned(), quantity, unit_price, tax_rate_ppm, ..Default::default() };
        self.with(|request| request.lines.push(line))
    }

    /// The shipping charge in cents.
    pub fn with_shipping(self, cents: i64, tax_rate_ppm: i32) -> Self {
        self.with(|request| {
            request.shipping = Some(ShippingCharge { amount: Some(euro(cents)), tax_rate_ppm })
        })
    }

    /// One more discount, in cents.
    pub fn with_discount(self, code: &str, cents: i64) -> Self {
        let discount = Discount { code: code.to_owned(), amount: Some(euro(cents)) };
        self.with(|request| request.discounts.push(discount))
    }

    /// Prices contain the tax.
    pub fn with_tax_included(self) -> Self {
        self.with(|request| request.prices_include_tax = true)
    }

    /// The total that the caller showed, in cents.
    pub fn with_expected_total(self, cents: i64) -> Self {
        self.with(|request| request.expected_total = Some(euro(cents)))
    }

    /// Contact and both addresses.
    pub fn with_personal(self) -> Self {
        self.with(|request| {
            request.contact = Some(contact());
            request.ship_to = Some(address("Mia Muster"));
            request.bill_to = Some(address("Muster GmbH"));
        })
    }
}

impl From<PlaceOrderBuilder> for PlaceOrderRequest {
    fn from(builder: PlaceOrderBuilder) -> Self {
        builder.build()
    }
}

impl IntoRequest<PlaceOrderRequest> for PlaceOrderBuilder {
    fn into_request(self) -> Request<PlaceOrderRequest> {
        Request::new(self.build())
    }
}

/// Somebody to write to.
pub fn contact() -> Contact {
    Contact { email: "mia@example.org".to_owned(), name: "Mia Muster".to_owned(), locale: "de-CH".to_owned() }
}

/// A place to send something to.
pub fn address(recipient: &str) -> Address {
    Address {
        recipient: recipient.to_owned(),
        address_lines: vec!["Hinterhaus".to_owned(), "Lange Gasse 7".to_owned()],
        locality: "Basel".to_owned(),
        administrative_area: "BS".to_owned(),
        postal_code: "4001".to_owned(),
        country_code: "CH".to_owned(),
    }
}
