//! `ordermesh stock reservations`: pages of reservations, the newest first, or one of them.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::inventory::v1::{
    GetReservationRequest, GetReservationResponse, ListReservationsRequest, ListReservationsResponse,
    ReservationState,
};

use super::{queries, show};

/// Which reservations, and how many at once.
#[derive(Debug, Args)]
pub struct Reservations {
    /// This one only: its id, or its order's
    #[arg(conflicts_with_all = ["state", "sku", "page_size", "page_token", "all"])]
    id: Option<String>,
    /// In this state only: held, committed, consumed, released or rejected
    #[arg(long, value_parser = state)]
    state: Option<ReservationState>,
    /// Of this article only
    #[arg(long, default_value = "", hide_default_value = true)]
    sku: String,
    /// Reservations a page, 1 to 200; 0 means 50
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

/// Prints one, a page, or page after page.
pub async fn run(mut list: Reservations, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    if let Some(reservation_id) = list.id {
        let request = GetReservationRequest { reservation_id };
        let found = queries(&session).get_reservation(unary(request)).await?.into_inner();
        return session.out.answer(&found, shown);
    }
    loop {
        let request = ListReservationsRequest {
            page_size: list.page_size,
            page_token: list.page_token.clone(),
            state: list.state.unwrap_or_default().into(),
            sku: list.sku.clone(),
        };
        let page = queries(&session).list_reservations(unary(request)).await?.into_inner();
        if !list.all {
            return session.out.answer(&page, |page| with_next_page(page, &list, &session));
        }
        session.out.item(&page, |page| show::reservations(&page.reservations))?;
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        list.page_token = page.next_page_token;
    }
}

fn shown(found: &GetReservationResponse) -> String {
    found.reservation.as_ref().map_or_else(String::new, show::reservation)
}

fn with_next_page(page: &ListReservationsResponse, list: &Reservations, session: &Session) -> String {
    let table = show::reservations(&page.reservations);
    if page.next_page_token.is_empty() {
        return table;
    }
    let mut next = format!("stock reservations --page-token {}", page.next_page_token);
    // A page token belongs to its question, which must therefore be repeated.
    if list.page_size > 0 {
        next += &format!(" --page-size {}", list.page_size);
    }
    if let Some(state) = list.state {
        next += &format!(" --state {}", word(state));
    }
    if !list.sku.is_empty() {
        next += &format!(" --sku {}", list.sku);
    }
    format!("{table}\n\nnext:  {}", session.address.command(next))
}

const STATES: [ReservationState; 5] = [
    ReservationState::Held,
    ReservationState::Committed,
    ReservationState::Consumed,
    ReservationState::Released,
    ReservationState::Rejected,
];

fn word(state: ReservationState) -> String {
    state.as_str_name().trim_start_matches("RESERVATION_STATE_").to_lowercase()
}

fn state(text: &str) -> Result<ReservationState, String> {
    let found = STATES.into_iter().find(|state| word(*state) == text.to_lowercase());
    found.ok_or_else(|| format!("must be {}", STATES.map(word).join(", ")))
}
