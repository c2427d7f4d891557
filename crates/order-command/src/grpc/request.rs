//! Requests to commands: every field parsed into the domain's value objects, every broken rule named by its path.
//!
//! Here is PlaceOrder; `change` has the commands on an order that exists.

mod change;

use std::time::Duration;

use ordermesh_kernel::{
    BillingAccountId, Currency, CustomerId, Money, OrderReference, PaymentMethodToken, RequestId,
};
use ordermesh_proto::common::v1 as common;
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::order::v1::{self as wire, place_order_request};

use crate::command::place_order::PlaceOrder;
use crate::domain::{
    Actor, Address, AddressLine, AddressLines, AdministrativeArea, Buyer, Contact, ContactName, CountryCode,
    Discount, DiscountCode, Email, Locale, Locality, MAX_DISCOUNTS, MAX_LINES, NewLine, OrderDraft,
    PersonalData, PostalCode, Quantity, Recipient, Shipping, Sku, TaxRate, Title,
};

pub(super) use change::ChangeRequest;

/// Gives what means the same one spelling, so that a retry which spells it otherwise is the same request.
pub(super) fn normalize(request: &mut wire::PlaceOrderRequest) {
    request.buyer.take_if(|buyer| matches!(buyer, place_order_request::Buyer::Guest(_)));
}

/// The command of a PlaceOrder request.
pub(super) fn place_order(
    request: wire::PlaceOrderRequest,
    actor: Actor,
    payment_window: Duration,
) -> Result<(RequestId, PlaceOrder), Problem> {
    let mut violations = Violations::default();
    let v = &mut violations;
    let request_id = v.check("request_id", RequestId::parse(request.request_id));
    let order_reference = optional(v, "order_reference", request.order_reference, OrderReference::parse);
    let buyer = match request.buyer {
        Some(place_order_request::Buyer::CustomerId(id)) => {
            v.check("customer_id", CustomerId::parse(id)).map_or(Buyer::Guest, Buyer::Customer)
        }
        Some(place_order_request::Buyer::Guest(_)) | None => Buyer::Guest,
    };
    let contact = request.contact.and_then(|wire| contact(v, wire));
    let ship_to = request.ship_to.and_then(|wire| address(v, "ship_to", wire));
    let bill_to = request.bill_to.and_then(|wire| address(v, "bill_to", wire));
    let billing_account_id =
        optional(v, "billing_account_id", request.billing_account_id, BillingAccountId::parse);
    let payment_method_token =
        optional(v, "payment_method_token", request.payment_method_token, PaymentMethodToken::parse);
    let lines = lines(v, request.lines);
    let shipping = request.shipping.and_then(|wire| shipping(v, wire));
    let discounts = discounts(v, request.discounts);
    let expected_total = request.expected_total.and_then(|wire| money(v, "expected_total", Some(wire)));
    violations.into_problem()?;
    let draft = OrderDraft {
        order_reference,
        buyer,
        personal: PersonalData::of(contact, ship_to, bill_to),
        billing_account_id,
        payment_method_token,
        lines,
        shipping,
        discounts,
        prices_include_tax: request.prices_include_tax,
        expected_total,
    };
    // Nothing was violated, so the id is there.
    let request_id = request_id.ok_or_else(unchecked_field)?;
    Ok((request_id, PlaceOrder { draft, actor, payment_window }))
}

fn unchecked_field() -> Problem {
    use ordermesh_proto::common::v1::CommonErrorReason;
    Problem::new(tonic::Code::Internal, CommonErrorReason::Internal, "a checked field is missing")
}

/// A field that is empty when it is not given.
fn optional<T, E: ToString>(
    violations: &mut Violations,
    path: &str,
    text: String,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Option<T> {
    match text.is_empty() {
        true => None,
        false => violations.check(path, parse(text)),
    }
}

fn lines(violations: &mut Violations, wire: Vec<wire::NewOrderLine>) -> Vec<NewLine> {
    if wire.is_empty() || wire.len() > MAX_LINES {
        violations.add("lines", format!("must have 1 to {MAX_LINES} entries, not {}", wire.len()));
        return Vec::new();
    }
    let line = |(index, wire): (usize, wire::NewOrderLine)| {
        let path = |field| format!("lines[{index}].{field}");
        let sku = violations.check(path("sku"), Sku::parse(wire.sku));
        let title = optional(violations, &path("title"), wire.title, Title::parse);
        let quantity = violations.check(path("quantity"), Quantity::new(wire.quantity));
        let unit_price = money(violations, &path("unit_price"), wire.unit_price);
        let tax_rate = violations.check(path("tax_rate_ppm"), TaxRate::from_ppm(wire.tax_rate_ppm));
        Some(NewLine { sku: sku?, title, quantity: quantity?, unit_price: unit_price?, tax_rate: tax_rate? })
    };
    wire.into_iter().enumerate().filter_map(line).collect()
}

fn shipping(violations: &mut Violations, wire: wire::ShippingCharge) -> Option<Shipping> {
    let amount = money(violations, "shipping.amount", wire.amount);
    let tax_rate = violations.check("shipping.tax_rate_ppm", TaxRate::from_ppm(wire.tax_rate_ppm));
    Some(Shipping { amount: amount?, tax_rate: tax_rate? })
}

fn discounts(violations: &mut Violations, wire: Vec<wire::Discount>) -> Vec<Discount> {
    if wire.len() > MAX_DISCOUNTS {
        violations.add("discounts", format!("must have at most {MAX_DISCOUNTS} entries, not {}", wire.len()));
        return Vec::new();
    }
    let discount = |(index, wire): (usize, wire::Discount)| {
        let code = violations.check(format!("discounts[{index}].code"), DiscountCode::parse(wire.code));
        let amount = money(violations, &format!("discounts[{index}].amount"), wire.amount);
        Some(Discount { code: code?, amount: amount? })
    };
    wire.into_iter().enumerate().filter_map(discount).collect()
}

fn money(violations: &mut Violations, path: &str, wire: Option<common::Money>) -> Option<Money> {
    let Some(wire) = wire else {
        violations.add(path, "must be given");
        return None;
    };
    let currency = violations.check(format!("{path}.currency_code"), Currency::parse(&wire.currency_code))?;
    Some(Money::new(wire.minor_units, currency))
}

fn contact(violations: &mut Violations, wire: wire::Contact) -> Option<Contact> {
    let email = violations.check("contact.email", Email::parse(wire.email));
    let name = optional(violations, "contact.name", wire.name, ContactName::parse);
    let locale = optional(violations, "contact.locale", wire.locale, Locale::parse);
    Some(Contact { email: email?, name, locale })
}

fn address(violations: &mut Violations, at: &str, wire: common::Address) -> Option<Address> {
    let path = |field: &str| format!("{at}.{field}");
    let recipient = violations.check(path("recipient"), Recipient::parse(wire.recipient));
    let mut lines = Vec::with_capacity(wire.address_lines.len());
    for (index, line) in wire.address_lines.into_iter().enumerate().take(7) {
        lines.extend(violations.check(path(&format!("address_lines[{index}]")), AddressLine::parse(line)));
    }
    let address_lines = violations.check(path("address_lines"), AddressLines::new(lines));
    let locality = violations.check(path("locality"), Locality::parse(wire.locality));
    let administrative_area = optional(
        violations,
        &path("administrative_area"),
        wire.administrative_area,
        AdministrativeArea::parse,
    );
    let postal_code = optional(violations, &path("postal_code"), wire.postal_code, PostalCode::parse);
    let country_code = violations.check(path("country_code"), CountryCode::parse(wire.country_code));
    Some(Address {
        recipient: recipient?,
        address_lines: address_lines?,
        locality: locality?,
        administrative_area,
        postal_code,
        country_code: country_code?,
    })
}
