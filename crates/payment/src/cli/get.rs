//! `ordermesh payment get`: shows one payment.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::payment::v1::GetPaymentRequest;

use super::{queries, show};

/// Which payment.
#[derive(Debug, Args)]
pub(super) struct Get {
    /// The payment's id: the order's
    id: String,
}

/// Asks and prints.
pub(super) async fn run(get: Get, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request = GetPaymentRequest { payment_id: get.id };
    let response = queries(&session).get_payment(unary(request)).await?.into_inner();
    session.out.answer(&response, |it| it.payment.as_ref().map(show::payment).unwrap_or_default())
}
