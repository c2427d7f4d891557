//! `ordermesh order place`: places an order and tells what to do next.

use std::time::Duration;

use clap::Args;
use ordermesh_console::address::address;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::order::{self, state};
use ordermesh_console::render::{facts, money, time, wire_money};
use ordermesh_kernel::Money;
use ordermesh_proto::common::v1::Address;
use ordermesh_proto::order::v1::place_order_request::Buyer;
use ordermesh_proto::order::v1::watch_order_response::Frame;
use ordermesh_proto::order::v1::{
    Contact, Discount, GetOrderRequest, GetOrderResponse, Order, OrderState, PlaceOrderRequest,
    PlaceOrderResponse, ShippingCharge, WaitingFor, WaitingForWhat, WatchOrderRequest, WatchOrderResponse,
};
use uuid::Uuid;

use super::basket::Basket;
use super::parse::{DiscountArgument, TaxRate, discount, tax_rate};
use super::{QUERIES, READ_ELSEWHERE, commands, queries};

/// How long a person waits for what inventory and payment say.
const DECISION: Duration = Duration::from_secs(5);

/// What is bought by whom, and what else the order says.
#[derive(Debug, Args)]
pub struct Place {
    #[command(flatten)]
    basket: Basket,
    /// The shop's own number of the order; the order's id when left out
    #[arg(long)]
    reference: Option<String>,
    /// The customer's id in the shop; a guest when left out
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Mail address to write to; no mail when left out
    #[arg(long)]
    email: Option<String>,
    /// Name to greet with
    #[arg(long, requires = "email")]
    name: Option<String>,
    /// Language of the mails, such as de-CH
    #[arg(long, requires = "email")]
    locale: Option<String>,
    /// Where the goods go, such as "Ada Lovelace; Hauptstr. 1; 10115 Berlin; DE", with 1 to 6 lines before the city;
    /// its postal code is the words with a digit before it (1012AB is one word), or none
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    ship_to: Option<Address>,
    /// Whom the invoice names, in the form of --ship-to; the same as there when left out
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    bill_to: Option<Address>,
    /// The account that pays, when it is not the buyer's own
    #[arg(long, value_name = "ID")]
    billing_account: Option<String>,
    /// The payment provider's token for the means of payment
    #[arg(long, value_name = "TOKEN")]
    payment_token: Option<String>,
    /// What the shipping costs, such as "4.90 EUR"
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    shipping: Option<Money>,
    /// Tax rate of the shipping in percent
    #[arg(
        long,
        value_name = "PERCENT",
        value_parser = tax_rate,
        requires = "shipping",
        allow_negative_numbers = true
    )]
    shipping_tax: Option<TaxRate>,
    /// A reduction, such as WELCOME="1.00 EUR"; may be repeated
    #[arg(long, value_name = "CODE=AMOUNT", value_parser = discount)]
    discount: Vec<DiscountArgument>,
    /// All amounts contain the tax
    #[arg(long)]
    prices_include_tax: bool,
    /// Refuse the order when it costs anything else
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    expected_total: Option<Money>,
    /// Idempotency key: repeated with the same one, the order is placed only once; made up when left out
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Show the order as soon as stock and payment have answered, or after five seconds; one that is rejected by then is a failure
    #[arg(long)]
    wait: bool,
}

impl Place {
    fn into_request(self) -> Result<PlaceOrderRequest, Failure> {
        let shipping_rate = self.shipping_tax.map(TaxRate::ppm).unwrap_or_default();
        Ok(PlaceOrderRequest {
            request_id: self.request_id.unwrap_or_else(|| Uuid::now_v7().to_string()),
            order_reference: self.reference.unwrap_or_default(),
            buyer: self.customer.map(Buyer::CustomerId),
            contact: self.email.map(|email| Contact {
                email,
                name: self.name.unwrap_or_default(),
                locale: self.locale.unwrap_or_default(),
            }),
            ship_to: self.ship_to,
            bill_to: self.bill_to,
            billing_account_id: self.billing_account.unwrap_or_default(),
            payment_method_token: self.payment_token.unwrap_or_default(),
            lines: self.basket.into_lines()?,
            shipping: self.shipping.map(|amount| ShippingCharge {
                amount: Some(wire_money(amount)),
                tax_rate_ppm: shipping_rate,
            }),
            discounts: self
                .discount
                .into_iter()
                .map(|it| Discount { code: it.code, amount: Some(wire_money(it.amount)) })
                .collect(),
            prices_include_tax: self.prices_include_tax,
            expected_total: self.expected_total.map(wire_money),
        })
    }
}

/// Places the order; with --wait it is then read back.
pub async fn run(place: Place, common: Common) -> Result<(), Failure> {
    let (wait, include_tax) = (place.wait, place.prices_include_tax);
    // What is wrong with the options is said before a server is looked for.
    let request = place.into_request()?;
    let session = Session::open(common).await?;
    let request_id = request.request_id.clone();
    let placed = match commands(&session).place_order(unary(request)).await {
        Ok(response) => response.into_inner(),
        Err(status) => return Err(unplaced(status.into(), &request_id)),
    };
    let shown = match wait {
        true => Some(read_back(&placed, &session).await),
        false => None,
    };
    print(&placed, &request_id, shown.as_ref().and_then(|it| it.as_ref().ok()), include_tax, &session)?;
    // What was printed says already how to read it later.
    let shown = shown.transpose().map_err(unread)?;
    expect_alive(shown.and_then(|response| response.order).as_ref())
}

/// A script that waits wants to know by the exit code whether the order came to anything.
fn expect_alive(order: Option<&Order>) -> Result<(), Failure> {
    let ended = match order.map(Order::state) {
        Some(OrderState::Rejected) => "rejected",
        Some(OrderState::Expired) => "expired",
        Some(OrderState::Cancelled) => "cancelled",
        _ => return Ok(()),
    };
    Err(Failure::unexpected(format_args!("placed, and {ended}")))
}

fn unread(failure: Failure) -> Failure {
    failure.of(QUERIES).after("placed, but could not be read back")
}

/// Nobody knows whether an order without answer was placed: the key makes asking again harmless.
fn unplaced(failure: Failure, request_id: &str) -> Failure {
    match failure.outcome_is_open() {
        true => {
            failure.hint(format_args!("repeat it with --request-id {request_id}, it is placed only once"))
        }
        false => failure,
    }
}

/// The order once inventory and payment have answered, or once a person is needed, or as it is when that takes longer
/// than a person waits.
async fn read_back(placed: &PlaceOrderResponse, session: &Session) -> Result<GetOrderResponse, Failure> {
    let (order_id, at_least) = (placed.order_id.clone(), placed.consistency_token.clone());
    let request =
        GetOrderRequest { order_id: order_id.clone(), at_least: at_least.clone(), allow_stale: false };
    let read = queries(session).get_order(unary(request)).await?.into_inner();
    if read.order.as_ref().is_none_or(is_decided) {
        return Ok(read);
    }
    let request = WatchOrderRequest { order_id, at_least, allow_stale: false };
    let mut frames = queries(session).watch_order(request).await?.into_inner();
    let mut newest = read;
    let decided = async {
        while let Some(WatchOrderResponse { as_of, frame, parked_reason }) = frames.message().await? {
            let Some(Frame::Order(order)) = frame else { continue };
            let is_decided = is_decided(&order);
            newest = GetOrderResponse { order: Some(order), as_of, parked_reason, stale: false };
            if is_decided {
                break;
            }
        }
        Ok::<_, Failure>(())
    };
    // Too late for a person, it is shown as far as it came.
    if let Ok(read) = tokio::time::timeout(DECISION, decided).await {
        read?;
    }
    Ok(newest)
}

/// Whether the order waits neither for inventory nor for payment, nor for the capture that follows.
fn is_decided(order: &Order) -> bool {
    let waits = |waiting: &WaitingFor| {
        use WaitingForWhat::{Capture, Payment, Stock, StockRelease};
        [Stock, Payment, Capture, StockRelease].contains(&waiting.what())
    };
    !order.status.iter().flat_map(|status| &status.waiting_for).any(waits)
}

fn get_command(placed: &PlaceOrderResponse, session: &Session) -> String {
    let (id, token) = (&placed.order_id, &placed.consistency_token);
    session.address.command(format_args!("order get {id} --at-least {token}"))
}

fn print(
    placed: &PlaceOrderResponse,
    request_id: &str,
    shown: Option<&GetOrderResponse>,
    include_tax: bool,
    session: &Session,
) -> Result<(), Failure> {
    let out = session.out;
    let order = shown.and_then(|response| response.order.as_ref());
    if out.is_json() {
        let mut document = out.value(placed)?;
        document["request_id"] = request_id.into();
        if let Some(order) = order {
            document["order"] = out.value(order)?;
        }
        return out.document(&document);
    }
    let receipt = facts(&receipt(placed, request_id));
    match order {
        Some(order) => out.text(&format!("{}\n\n{receipt}", order::order(order, out.personal()))),
        None => {
            let watch = session.address.command(format_args!("order watch {}", placed.order_id));
            let next =
                format!("next:  {}\n       {watch}\n       {READ_ELSEWHERE}", get_command(placed, session));
            out.text(&format!("{}\n\n{receipt}\n\n{next}", summary(placed, include_tax)))
        }
    }
}

/// What the write server says of the order.
fn summary(placed: &PlaceOrderResponse, include_tax: bool) -> String {
    let mut lines = vec![
        ("order", placed.order_id.clone()),
        ("reference", placed.order_reference.clone()),
        ("state", state(placed.state)),
        ("revision", placed.revision.to_string()),
        ("placed", time(placed.placed_time.as_ref())),
    ];
    lines.extend(order::totals(placed.totals.as_ref(), include_tax));
    lines.push(("due", money(placed.amount_due.as_ref())));
    facts(&lines)
}

/// What it takes to repeat the command and to read what it wrote.
fn receipt(placed: &PlaceOrderResponse, request_id: &str) -> Vec<(&'static str, String)> {
    let replayed = if placed.replayed { "the request id was known: nothing was done again" } else { "" };
    vec![
        ("request id", request_id.to_owned()),
        ("replayed", replayed.to_owned()),
        ("token", placed.consistency_token.clone()),
    ]
}
