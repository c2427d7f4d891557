//! `ordermesh stock adjust`: somebody counted, or goods are lost.

use clap::Args;
use ordermesh_console::connect::{Common, Session};
use ordermesh_console::failure::Failure;
use ordermesh_proto::inventory::v1::adjust_stock_request::Adjustment;
use ordermesh_proto::inventory::v1::{AdjustStockRequest, AdjustStockResponse, StockChangeReason};

use super::change::{Key, Remark, change};
use super::{commands, show};

/// What is known of which article.
#[derive(Debug, Args)]
pub struct Adjust {
    /// The article
    sku: String,
    /// So many pieces are there
    #[arg(long, value_name = "PIECES", required_unless_present = "by", allow_negative_numbers = true)]
    counted: Option<i64>,
    /// So many more pieces are there than were thought, or fewer, such as -3
    #[arg(long, value_name = "PIECES", conflicts_with = "counted", allow_negative_numbers = true)]
    by: Option<i64>,
    /// The goods broke, were stolen or went bad, rather than were counted wrong
    #[arg(long, conflicts_with = "counted")]
    lost: bool,
    /// Where
    #[arg(long, default_value = "main")]
    location: String,
    #[command(flatten)]
    remark: Remark,
    #[command(flatten)]
    key: Key,
}

/// Asks and prints.
pub async fn run(adjust: Adjust, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request_id = adjust.key.or_new();
    let reason = match adjust.lost {
        true => StockChangeReason::Lost,
        false => StockChangeReason::Counted,
    };
    let counted = adjust.counted.map(Adjustment::Counted);
    let request = AdjustStockRequest {
        request_id: request_id.clone(),
        sku: adjust.sku,
        location: adjust.location,
        adjustment: counted.or(adjust.by.map(Adjustment::Change)),
        reason: reason.into(),
        note: adjust.remark.note,
    };
    let ask = async |request| commands(&session).adjust_stock(request).await;
    change(&session, &request_id, request, ask, adjusted).await
}

fn adjusted(answer: &AdjustStockResponse) -> (String, bool, String) {
    let mut shown = show::items(&answer.item);
    for loss in &answer.losses {
        let loser = match loss.order_id.as_str() {
            "" => format!("the reservation {} has ended", loss.reservation_id),
            order => format!("the order {order}"),
        };
        shown += &format!("\nlost {} reserved pieces: {loser}", loss.quantity);
    }
    (shown, answer.replayed, answer.consistency_token.clone())
}
