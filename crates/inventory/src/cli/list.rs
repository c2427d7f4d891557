//! `ordermesh stock list`: pages of stock, by article and location.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::inventory::v1::{ListStockRequest, ListStockResponse};

use super::{queries, show};

/// Which stock, and how many items at once.
#[derive(Debug, Args)]
pub struct List {
    /// At this location only
    #[arg(long, default_value = "", hide_default_value = true)]
    location: String,
    /// Only what is low
    #[arg(long)]
    low: bool,
    /// Items a page, 1 to 200; 0 means 50
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
    /// Go on until the last page; with --json a line a page
    #[arg(long)]
    all: bool,
}

/// Prints a page, or page after page.
pub async fn run(mut list: List, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    loop {
        let request = ListStockRequest {
            page_size: list.page_size,
            page_token: list.page_token.clone(),
            location: list.location.clone(),
            low_only: list.low,
        };
        let page = queries(&session).list_stock(unary(request)).await?.into_inner();
        if !list.all {
            return session.out.answer(&page, |page| with_next_page(page, &list, &session));
        }
        session.out.item(&page, |page| show::items(&page.items))?;
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        list.page_token = page.next_page_token;
    }
}

fn with_next_page(page: &ListStockResponse, list: &List, session: &Session) -> String {
    let table = show::items(&page.items);
    if page.next_page_token.is_empty() {
        return table;
    }
    let mut next = format!("stock list --page-token {}", page.next_page_token);
    // A page token belongs to its question, which must therefore be repeated.
    if list.page_size > 0 {
        next += &format!(" --page-size {}", list.page_size);
    }
    if !list.location.is_empty() {
        next += &format!(" --location {}", list.location);
    }
    if list.low {
        next += " --low";
    }
    format!("{table}\n\nnext:  {}", session.address.command(next))
}
