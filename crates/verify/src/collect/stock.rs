//! Stock and reservations: as inventory answers them, and what its feed says has come and gone.

use std::collections::BTreeMap;

use ordermesh_proto::inventory::v1::inventory_event::Payload;
use ordermesh_proto::inventory::v1::inventory_event_service_client::InventoryEventServiceClient;
use ordermesh_proto::inventory::v1::inventory_query_service_client::InventoryQueryServiceClient;
use ordermesh_proto::inventory::v1::{InventoryEvent, ListReservationsRequest, ListStockRequest, StockItem};
use tonic::transport::Channel;

use super::{CollectError, Endpoints, MAX_ANSWER_BYTES, PAGE, all_until_now, asking, decoded, each_event};
use crate::snapshot::{FeedFault, Place, Snapshot};

/// Reservations, and the stock before and after them: what has changed in between is moving, and says nothing.
pub(super) async fn answers(endpoints: &Endpoints, snapshot: &mut Snapshot) -> Result<(), CollectError> {
    let mut client = InventoryQueryServiceClient::new(endpoints.inventory.clone())
        .max_decoding_message_size(MAX_ANSWER_BYTES);
    let before = stock(&mut client).await?;
    let mut page_token = String::new();
    loop {
        let request =
            ListReservationsRequest { page_size: PAGE, page_token, ..ListReservationsRequest::default() };
        let page = client.list_reservations(request).await.map_err(asking("ListReservations"))?.into_inner();
        let reservations = page.reservations.into_iter();
        snapshot.reservations.extend(reservations.map(|one| (one.reservation_id.clone(), one)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    snapshot.stock = stock(&mut client).await?;
    let moving = snapshot.stock.iter().filter(|(place, item)| before.get(*place) != Some(item));
    snapshot.moving_stock = moving.map(|(place, _)| place.clone()).collect();
    Ok(())
}

async fn stock(
    client: &mut InventoryQueryServiceClient<Channel>,
) -> Result<BTreeMap<Place, StockItem>, CollectError> {
    let (mut items, mut page_token) = (BTreeMap::new(), String::new());
    loop {
        let request = ListStockRequest { page_size: PAGE, page_token, ..ListStockRequest::default() };
        let page = client.list_stock(request).await.map_err(asking("ListStock"))?.into_inner();
        items.extend(page.items.into_iter().map(|item| ((item.sku.clone(), item.location.clone()), item)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(items);
        }
    }
}

pub(super) async fn feed(endpoints: &Endpoints, snapshot: &mut Snapshot) -> Result<(), CollectError> {
    let mut client = InventoryEventServiceClient::new(endpoints.inventory.clone())
        .max_decoding_message_size(MAX_ANSWER_BYTES);
    let what = "SubscribeInventoryEvents";
    let stream = client.subscribe_inventory_events(all_until_now()).await.map_err(asking(what))?;
    let mut revisions = BTreeMap::<String, i64>::new();
    each_event(what, stream.into_inner(), |bytes| {
        let Some(event) = decoded::<InventoryEvent>("inventory", bytes, &mut snapshot.feed_faults)? else {
            return Ok(());
        };
        snapshot.events += 1;
        let before = revisions.insert(event.key.clone(), event.key_revision);
        // A key's first event that is there need not be its first, once the log was truncated.
        if before.is_some_and(|before| event.key_revision != before + 1) {
            let detail = format!("{} follows {}", event.key_revision, before.unwrap_or(0));
            snapshot.feed_faults.push(FeedFault { feed: "inventory", key: event.key.clone(), detail });
        }
        if let Some(Payload::StockAdjusted(adjusted)) = event.payload {
            let place = (adjusted.sku, adjusted.location);
            if before.is_none() && event.key_revision > 1 {
                snapshot.moving_stock.insert(place.clone());
            }
            *snapshot.stock_changes.entry(place).or_default() += adjusted.change;
        }
        Ok(())
    })
    .await
}
