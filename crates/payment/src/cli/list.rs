//! `ordermesh payment list`: pages of payments.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::payment::v1::{ListPaymentsRequest, ListPaymentsResponse, PaymentStatus};

use super::{queries, show};

/// Which payments, how many at once.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those that stand here, such as authorized or partly-captured
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<PaymentStatus>,
    /// Only those with an operation that waits for a person
    #[arg(long)]
    needs_person: bool,
    /// Payments a page, 1 to 200; 0 means 50
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

fn status(text: &str) -> Result<PaymentStatus, String> {
    let name = format!("PAYMENT_STATUS_{}", text.to_ascii_uppercase().replace(['-', ' '], "_"));
    PaymentStatus::from_str_name(&name)
        .filter(|status| *status != PaymentStatus::Unspecified)
        .ok_or_else(|| "must be a status such as authorized or partly-captured".to_owned())
}

/// Prints a page, or page after page.
pub(super) async fn run(mut list: List, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    loop {
        let request = ListPaymentsRequest {
            status: list.status.unwrap_or_default().into(),
            needs_person: list.needs_person,
            page_size: list.page_size,
            page_token: list.page_token.clone(),
        };
        let page = queries(&session).list_payments(unary(request)).await?.into_inner();
        if !list.all {
            return session.out.answer(&page, |page| with_next_page(page, &list, &session));
        }
        session.out.item(&page, |page| show::list(&page.payments))?;
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        list.page_token = page.next_page_token;
    }
}

fn with_next_page(page: &ListPaymentsResponse, list: &List, session: &Session) -> String {
    let table = show::list(&page.payments);
    if page.next_page_token.is_empty() {
        return table;
    }
    // A page token belongs to its question, which must therefore be repeated.
    let mut next = format!("payment list --page-token {}", page.next_page_token);
    if let Some(status) = list.status {
        next += &format!(" --status {}", show::status(status.into()).replace(' ', "-"));
    }
    if list.needs_person {
        next += " --needs-person";
    }
    if list.page_size > 0 {
        next += &format!(" --page-size {}", list.page_size);
    }
    format!("{table}\n\nnext:  {}", session.address.command(next))
}
