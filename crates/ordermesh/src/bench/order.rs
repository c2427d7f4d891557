//! The order that benchmarks place, and the worker that places it: a customer, contact and address, three lines with
//! tax, shipping.

use ordermesh_proto::common::v1::{Address, Money};
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_proto::order::v1::place_order_request::Buyer;
use ordermesh_proto::order::v1::{
    Contact, NewOrderLine, PlaceOrderRequest, PlaceOrderResponse, ShippingCharge,
};
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

use super::load::Worker;

fn euro(minor_units: i64) -> Option<Money> {
    Some(Money { currency_code: "EUR".to_owned(), minor_units })
}

fn line(sku: &str, title: &str, quantity: i32, cents: i64) -> NewOrderLine {
    NewOrderLine {
        sku: sku.to_owned(),
        title: title.to_owned(),
        quantity,
        unit_price: euro(cents),
        tax_rate_ppm: 190_000,
    }
}

/// A PlaceOrder under a request_id that nobody has used.
pub(super) fn place_order() -> PlaceOrderRequest {
    let id = Uuid::now_v7();
    PlaceOrderRequest {
        request_id: id.to_string(),
        order_reference: id.simple().to_string(),
        buyer: Some(Buyer::CustomerId("customer-4711".to_owned())),
        contact: Some(Contact {
            email: "ada@example.org".to_owned(),
            name: "Ada Example".to_owned(),
            locale: "de-CH".to_owned(),
        }),
        ship_to: Some(Address {
            recipient: "Ada Example".to_owned(),
            address_lines: vec!["Lange Gasse 7".to_owned()],
            locality: "Basel".to_owned(),
            postal_code: "4001".to_owned(),
            country_code: "CH".to_owned(),
            ..Address::default()
        }),
        payment_method_token: "tok_1PZx2eLkdIwHu7ix".to_owned(),
        lines: vec![
            line("TEA-GREEN-100", "Green tea, 100 g", 2, 450),
            line("CUP-WHITE-2", "Cup, white, set of two", 1, 1990),
            line("POT-CAST-1L", "Cast iron pot, 1 litre", 1, 5900),
        ],
        shipping: Some(ShippingCharge { amount: euro(490), tax_rate_ppm: 190_000 }),
        prices_include_tax: true,
        ..PlaceOrderRequest::default()
    }
}

/// Places one order after the other.
pub(super) struct Placer {
    client: OrderCommandServiceClient<Channel>,
    template: PlaceOrderRequest,
    /// The answers, when they are kept.
    pub answers: Option<Vec<PlaceOrderResponse>>,
}

impl Placer {
    pub(super) fn new(channel: Channel) -> Self {
        Self { client: OrderCommandServiceClient::new(channel), template: place_order(), answers: None }
    }

    /// One that keeps what it was answered.
    pub(super) fn keeping(channel: Channel) -> Self {
        Self { answers: Some(Vec::new()), ..Self::new(channel) }
    }
}

/// `count` workers, dealt out over the connections.
pub(super) fn deal<W>(channels: &[Channel], count: usize, make: impl Fn(Channel) -> W) -> Vec<W> {
    channels.iter().cycle().take(count).map(|channel| make(channel.clone())).collect()
}

impl Worker for Placer {
    async fn call(&mut self) -> Result<(), Status> {
        let id = Uuid::now_v7();
        let mut request = self.template.clone();
        request.request_id = id.to_string();
        request.order_reference = id.simple().to_string();
        let answer = self.client.place_order(request).await?.into_inner();
        if let Some(answers) = &mut self.answers {
            answers.push(answer);
        }
        Ok(())
    }
}
