//! What `dev` puts on the shelves of a shop that has never had anything: a few articles, by the public command.

use std::time::Duration;

use ordermesh_proto::feed::v1::GetFeedRequest;
use ordermesh_proto::inventory::v1::ReceiveStockRequest;
use ordermesh_proto::inventory::v1::inventory_command_service_client::InventoryCommandServiceClient;
use ordermesh_proto::inventory::v1::inventory_event_service_client::InventoryEventServiceClient;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

/// Articles, and how many pieces of each.
const SAMPLES: [(&str, i64); 4] = [("TEA", 1000), ("COFFEE", 1000), ("MUG", 200), ("HONEY", 50)];
const LOCATION: &str = "main";
const PATIENCE: Duration = Duration::from_secs(10);

/// Stocks the samples when inventory's feed is empty, and says so; nothing when it is not.
pub(super) async fn stock(address: &str) -> Result<Option<String>, String> {
    let channel = Endpoint::from_shared(format!("http://{address}")).map_err(|error| error.to_string())?;
    let channel = channel.timeout(PATIENCE).connect_lazy();
    stock_through(channel).await.map_err(|status| status.message().to_owned())
}

async fn stock_through(channel: Channel) -> Result<Option<String>, Status> {
    let feed = InventoryEventServiceClient::new(channel.clone()).get_feed(GetFeedRequest {}).await?;
    if feed.into_inner().head_position > 0 {
        return Ok(None);
    }
    let mut inventory = InventoryCommandServiceClient::new(channel);
    for (sku, quantity) in SAMPLES {
        let request = ReceiveStockRequest {
            // The same for ever: a start that was broken off is gone on with.
            request_id: format!("dev-sample-{sku}"),
            sku: sku.to_owned(),
            location: LOCATION.to_owned(),
            quantity,
            note: "a sample of dev".to_owned(),
        };
        inventory.receive_stock(request).await?;
    }
    let articles: Vec<_> = SAMPLES.iter().map(|(sku, quantity)| format!("{quantity} {sku}")).collect();
    Ok(Some(articles.join(", ")))
}
