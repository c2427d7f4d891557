//! The bare echo: a server that decodes the same requests and sends answers of the same size, and does nothing else.
//! What it reaches is what gRPC leaves for a server to do on this machine.

use std::path::PathBuf;

use clap::Args;
use ordermesh_proto::order::v1::{GetOrderRequest, GetOrderResponse, PlaceOrderRequest, PlaceOrderResponse};
use prost::Message;
use tonic::Status;

use super::BenchError;
use super::baseline::{self, Answers};

/// What the echo answers.
#[derive(Debug, Args)]
pub(crate) struct EchoArgs {
    /// File with the encoded answer to every PlaceOrder.
    #[arg(long)]
    place: Option<PathBuf>,
    /// File with the encoded answer to every GetOrder.
    #[arg(long)]
    get: Option<PathBuf>,
    /// Address and port to listen on.
    #[arg(long)]
    listen: String,
}

#[derive(Clone, Default)]
struct Echo {
    place: PlaceOrderResponse,
    get: GetOrderResponse,
}

/// Serves until SIGTERM.
pub(super) async fn serve(args: EchoArgs) -> Result<(), BenchError> {
    let echo = Echo { place: answer(args.place)?, get: answer(args.get)? };
    baseline::serve(&args.listen, echo).await
}

fn answer<M: Message + Default>(file: Option<PathBuf>) -> Result<M, BenchError> {
    let Some(file) = file else { return Ok(M::default()) };
    let failed = |error| BenchError::Io { what: file.display().to_string(), error };
    let bytes = std::fs::read(&file).map_err(failed)?;
    M::decode(&*bytes).map_err(|error| BenchError::Other(format!("{}: {error}", file.display())))
}

#[tonic::async_trait]
impl Answers for Echo {
    async fn place(&self, _: PlaceOrderRequest) -> Result<PlaceOrderResponse, Status> {
        Ok(self.place.clone())
    }

    async fn get(&self, _: GetOrderRequest) -> Result<GetOrderResponse, Status> {
        Ok(self.get.clone())
    }
}
