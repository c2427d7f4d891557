//! A shop at work, through public calls only: its doors, and the people who go in and out.
//!
//! Servers may be killed and started again meanwhile, at the same addresses: a call without an answer is made again under
//! the same request_id. A typed refusal is an answer; which ones a person may get says who asks.

mod people;

use std::collections::BTreeMap;
use std::time::Duration;

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::inventory::v1::inventory_command_service_client::InventoryCommandServiceClient;
use ordermesh_proto::inventory::v1::inventory_query_service_client::InventoryQueryServiceClient;
use ordermesh_proto::inventory::v1::{GetStockRequest, ReceiveStockRequest, StockItem};
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_proto::order::v1::order_query_service_client::OrderQueryServiceClient;
use ordermesh_proto::order::v1::{GetOrderRequest, Order, OrderState, PlaceOrderRequest};
use ordermesh_proto::payment::v1::payment_command_service_client::PaymentCommandServiceClient;
use ordermesh_proto::payment::v1::payment_query_service_client::PaymentQueryServiceClient;
use ordermesh_proto::payment::v1::{GetPaymentRequest, ListPaymentsRequest, Payment};
use ordermesh_verify::{Endpoints, Verdict};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::problem::{Refusal, problem};
use crate::{Server, ask, client, eventually, wait};

pub use people::{Habits, Seen};

/// A call that has no answer by then never gets one: its connection was lost without anybody telling.
const ANSWER: Duration = Duration::from_secs(20);

/// Between two tries of a call that had no answer.
const BACK_OFF: Duration = Duration::from_millis(20);

/// Where the servers of a shop are; all may be one.
#[derive(Debug, Clone)]
pub struct Shop {
    order_command: Channel,
    order_query: Channel,
    inventory: Channel,
    payment: Channel,
}

impl Shop {
    /// A shop in one process.
    pub fn in_one(server: &Server) -> Self {
        let channel = client::channel(server.addr());
        Self {
            order_command: channel.clone(),
            order_query: channel.clone(),
            inventory: channel.clone(),
            payment: channel,
        }
    }

    /// A shop whose servers are at these addresses: order-command, order-query, inventory, payment.
    pub fn at(addresses: [&str; 4]) -> Self {
        let [order_command, order_query, inventory, payment] = addresses.map(client::channel);
        Self { order_command, order_query, inventory, payment }
    }

    /// The order write server's commands.
    pub fn commands(&self) -> OrderCommandServiceClient<Channel> {
        OrderCommandServiceClient::new(self.order_command.clone())
    }

    /// The order read server's queries.
    pub fn queries(&self) -> OrderQueryServiceClient<Channel> {
        OrderQueryServiceClient::new(self.order_query.clone()).max_decoding_message_size(64 << 20)
    }

    /// Inventory's commands.
    pub fn inventory(&self) -> InventoryCommandServiceClient<Channel> {
        InventoryCommandServiceClient::new(self.inventory.clone())
    }

    /// Inventory's queries.
    pub fn stock(&self) -> InventoryQueryServiceClient<Channel> {
        InventoryQueryServiceClient::new(self.inventory.clone())
    }

    /// Payment's commands.
    pub fn payments(&self) -> PaymentCommandServiceClient<Channel> {
        PaymentCommandServiceClient::new(self.payment.clone())
    }

    /// Payment's queries.
    pub fn payment_queries(&self) -> PaymentQueryServiceClient<Channel> {
        PaymentQueryServiceClient::new(self.payment.clone())
    }

    /// Puts pieces of an article on the shelf.
    pub async fn receive(&self, sku: &str, location: &str, quantity: i64) -> StockItem {
        let request = ReceiveStockRequest {
            request_id: crate::order::fresh_id(),
            sku: sku.to_owned(),
            location: location.to_owned(),
            quantity,
            note: String::new(),
        };
        let receive = ask!(self.inventory(), receive_stock, request);
        let received = receive.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        received.item.expect("an answer has the item")
    }

    /// Places an order, asked for until there is an answer; its id.
    pub async fn place(&self, request: impl Into<PlaceOrderRequest>) -> String {
        let request = request.into();
        let place = ask!(self.commands(), place_order, request);
        place.unwrap_or_else(|refusal| panic!("{refusal:?}")).order_id
    }

    /// The order as the read server has it now; none while it does not.
    pub async fn order(&self, order_id: &str) -> Option<Order> {
        let request = GetOrderRequest { order_id: order_id.to_owned(), ..GetOrderRequest::default() };
        let found = ask!(self.queries(), get_order, request);
        match found {
            Ok(found) => found.order,
            Err(refusal) if refusal.code == Code::NotFound => None,
            Err(refusal) => panic!("{refusal:?}"),
        }
    }

    /// The order once it is in one of these states.
    #[track_caller]
    pub fn until(&self, order_id: &str, states: &[OrderState]) -> impl Future<Output = Order> {
        self.until_it(order_id, move |order| states.contains(&order.state()))
    }

    /// The order once it is as wanted.
    #[track_caller]
    pub fn until_it(
        &self,
        order_id: &str,
        is_wanted: impl Fn(&Order) -> bool,
    ) -> impl Future<Output = Order> {
        let at = std::panic::Location::caller();
        async move {
            eventually!(
                match self.order(order_id).await {
                    Some(order) if is_wanted(&order) => Ok(order),
                    Some(order) => Err(format!("{:?} {:?}", order.state(), order.status)),
                    None => Err("the read server does not know it".to_owned()),
                },
                "the order {order_id} is as wanted at {at}"
            )
        }
    }

    /// The payment of an order, in full.
    pub async fn payment(&self, order_id: &str) -> Payment {
        let request = GetPaymentRequest { payment_id: order_id.to_owned() };
        let found = ask!(self.payment_queries(), get_payment, request);
        found.unwrap_or_else(|refusal| panic!("{refusal:?}")).payment.expect("an answer has the payment")
    }

    /// How many pieces of an article there are in all, and how many of them are not reserved.
    pub async fn stock_of(&self, sku: &str) -> (i64, i64) {
        let request = GetStockRequest { sku: sku.to_owned() };
        let stock = ask!(self.stock(), get_stock, request).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        (stock.on_hand, stock.available)
    }

    /// What was captured and given back for each order, in minor units; at most 200 orders.
    pub async fn charges(&self) -> BTreeMap<String, (i64, i64)> {
        let request = ListPaymentsRequest { page_size: 200, ..ListPaymentsRequest::default() };
        let page = ask!(self.payment_queries(), list_payments, request);
        let page = page.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let minor = |money: Option<Money>| money.map_or(0, |money| money.minor_units);
        let charge = |payment: Payment| {
            let amounts = payment.amounts.unwrap_or_default();
            (payment.payment_id, (minor(amounts.captured), minor(amounts.refunded)))
        };
        page.payments.into_iter().map(charge).collect()
    }

    /// Judges all invariants; what is wrong after a while is an offence.
    pub async fn verify(&self) -> Verdict {
        let endpoints = Endpoints {
            order_command: self.order_command.clone(),
            order_query: self.order_query.clone(),
            inventory: self.inventory.clone(),
            payment: self.payment.clone(),
        };
        let verified = ordermesh_verify::verify(&endpoints, wait::LIMIT).await;
        verified.unwrap_or_else(|error| panic!("the shop cannot be verified: {error}"))
    }

    /// Panics with all offences, if there is one.
    pub async fn assert_sound(&self) -> Verdict {
        let verdict = self.verify().await;
        let offences: Vec<_> = verdict.offences.iter().map(ToString::to_string).collect();
        assert!(offences.is_empty(), "{} offences:\n{}", offences.len(), offences.join("\n"));
        verdict
    }
}

/// A refusal of the contract that is not about being away; none when the call should be made again. A killed server says
/// nothing; one that comes up or goes down says that it is away.
pub fn refused(status: &Status) -> Option<Refusal> {
    problem(status).ok().filter(|refusal| !matches!(refusal.code, Code::Unavailable | Code::Aborted))
}

/// What a call comes to, or that it has had no answer for long.
pub async fn in_time<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let answer = tokio::time::timeout(ANSWER, call).await;
    answer.unwrap_or_else(|_| {
        eprintln!("a call has had no answer for {ANSWER:?}, and is made again");
        Err(Status::unavailable("no answer"))
    })
}

/// The wait before the next try of a call that had no answer.
pub async fn back_off() {
    wait::pause(BACK_OFF).await;
}

/// Calls `client.method(request)` until there is an answer, or a refusal.
#[macro_export]
macro_rules! ask {
    ($client:expr, $method:ident, $request:expr) => {{
        let mut client = $client;
        loop {
            match $crate::shop::in_time(client.$method($request.clone())).await {
                Ok(answer) => break Ok(answer.into_inner()),
                Err(status) => match $crate::shop::refused(&status) {
                    Some(refusal) => break Err(refusal),
                    None => $crate::shop::back_off().await,
                },
            }
        }
    }};
}
