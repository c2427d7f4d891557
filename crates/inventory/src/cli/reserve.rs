//! `ordermesh stock reserve`: pieces are set aside for a while.

use clap::Args;
use ordermesh_console::connect::{Common, Session};
use ordermesh_console::failure::Failure;
use ordermesh_console::render::{facts, time};
use ordermesh_proto::inventory::v1::{NewReservationLine, ReserveStockRequest, ReserveStockResponse};
use prost_types::Duration;

use super::change::{Key, change};
use super::{commands, show};

/// What is wanted, and for how long.
#[derive(Debug, Args)]
pub struct Reserve {
    /// What is wanted: SKU=PIECES, or SKU for one piece
    #[arg(required = true, value_name = "SKU=PIECES", value_parser = line)]
    lines: Vec<NewReservationLine>,
    /// How long the pieces are set aside
    #[arg(long, value_name = "SECONDS", default_value_t = 900, allow_negative_numbers = true)]
    seconds: i64,
    #[command(flatten)]
    key: Key,
}

/// Asks and prints.
pub async fn run(reserve: Reserve, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request_id = reserve.key.or_new();
    let request = ReserveStockRequest {
        request_id: request_id.clone(),
        lines: reserve.lines,
        hold_duration: Some(Duration { seconds: reserve.seconds, nanos: 0 }),
    };
    let ask = async |request| commands(&session).reserve_stock(request).await;
    change(&session, &request_id, request, ask, reserved).await
}

fn reserved(answer: &ReserveStockResponse) -> (String, bool, String) {
    let about =
        facts(&[("reservation", answer.reservation_id.clone()), ("ends", time(answer.expire_time.as_ref()))]);
    let shown = format!("{about}\n\n{}", show::lines(&answer.lines));
    (shown, answer.replayed, answer.consistency_token.clone())
}

/// `TEA=3` or `TEA`. The server judges the numbers.
fn line(text: &str) -> Result<NewReservationLine, String> {
    let (sku, pieces) = text.split_once('=').unwrap_or((text, "1"));
    let quantity = pieces.parse().map_err(|_| format!("{pieces:?} is no number of pieces"))?;
    Ok(NewReservationLine { sku: sku.to_owned(), quantity })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_article_and_a_number_of_pieces_or_one() {
        assert_eq!(line("TEA=3").map(|line| (line.sku, line.quantity)), Ok(("TEA".to_owned(), 3)));
        assert_eq!(line("TEA").map(|line| (line.sku, line.quantity)), Ok(("TEA".to_owned(), 1)));
        assert!(line("TEA=some").is_err());
    }
}
