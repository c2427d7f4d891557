//! `ordermesh order list`: pages of orders, by filter or of one customer.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::order;
use ordermesh_console::output;
use ordermesh_proto::order::v1::{ListCustomerOrdersRequest, ListOrdersRequest, ListOrdersResponse};

use super::{STALE, queries};

/// Which orders, in which order, how many at once.
#[derive(Debug, Args)]
pub struct List {
    /// Conditions such as 'state = PLACED AND sku = "TEA"'
    #[arg(long, default_value = "", hide_default_value = true)]
    filter: String,
    /// placed_time or total, each with an optional " desc"; newest first when left out
    #[arg(long, value_name = "FIELD", default_value = "", hide_default_value = true)]
    order_by: String,
    /// Orders a page, 1 to 200; 0 means 50
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    page_size: i32,
    /// Where the page before ended
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    page_token: String,
    /// Only the orders of this customer, newest first
    #[arg(long, value_name = "ID", conflicts_with_all = ["filter", "order_by"])]
    customer: Option<String>,
    /// Wait until the read model has what this consistency token stands for
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    at_least: String,
    /// Go on until the last page; with --json a line a page
    #[arg(long)]
    all: bool,
}

/// Prints a page, or page after page.
pub async fn run(mut list: List, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    loop {
        let page = page(&list, &session).await?;
        if page.as_of.is_empty() {
            output::note("note: the read model has not reached its feed yet");
        }
        if page.stale {
            output::note(STALE);
        }
        if !list.all {
            return session.out.answer(&page, |page| with_next_page(page, &list, &session));
        }
        session.out.item(&page, |page| order::list(&page.orders))?;
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        list.page_token = page.next_page_token;
    }
}

/// Both queries answer with the same fields.
async fn page(list: &List, session: &Session) -> Result<ListOrdersResponse, Failure> {
    let (page_size, page_token) = (list.page_size, list.page_token.clone());
    let (at_least, allow_stale) = (list.at_least.clone(), false);
    let Some(customer_id) = list.customer.clone() else {
        let (filter, order_by) = (list.filter.clone(), list.order_by.clone());
        let request = ListOrdersRequest { page_size, page_token, filter, order_by, at_least, allow_stale };
        return Ok(queries(session).list_orders(unary(request)).await?.into_inner());
    };
    let request = ListCustomerOrdersRequest { customer_id, page_size, page_token, at_least, allow_stale };
    let page = queries(session).list_customer_orders(unary(request)).await?.into_inner();
    Ok(ListOrdersResponse {
        orders: page.orders,
        next_page_token: page.next_page_token,
        as_of: page.as_of,
        stale: page.stale,
    })
}

fn with_next_page(page: &ListOrdersResponse, list: &List, session: &Session) -> String {
    let table = order::list(&page.orders);
    if page.next_page_token.is_empty() {
        return table;
    }
    let mut next = format!("order list --page-token {}", page.next_page_token);
    // A page token belongs to its question, which must therefore be repeated.
    if list.page_size > 0 {
        next += &format!(" --page-size {}", list.page_size);
    }
    let words = [("--filter", &list.filter), ("--order-by", &list.order_by)];
    let customer = list.customer.iter().map(|customer| ("--customer", customer));
    for (option, value) in words.into_iter().filter(|(_, value)| !value.is_empty()).chain(customer) {
        next += &format!(" {option} '{}'", value.replace('\'', r"'\''"));
    }
    format!("{table}\n\nnext:  {}", session.address.command(next))
}
