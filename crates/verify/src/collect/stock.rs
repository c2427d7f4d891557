//! Stock and reservations: as inventory answers them, and what its feed says has come and gone.

use std::collections::{BTreeMap, BTreeSet};

use ordermesh_proto::inventory::v1::inventory_event::Payload;
use ordermesh_proto::inventory::v1::inventory_event_service_client::InventoryEventServiceClient;
use ordermesh_proto::inventory::v1::inventory_query_service_client::InventoryQueryServiceClient;
use ordermesh_proto::inventory::v1::{
    InventoryEvent, ListReservationsRequest, ListReservationsResponse, ListStockRequest, ListStockResponse,
    StockItem,
};
use tonic::Response;
use tonic::transport::Channel;

use super::{CollectError, Endpoints, MAX_ANSWER_BYTES, PAGE, decoded, each_event, each_page};
use crate::snapshot::{FeedFault, Place, Snapshot};

type Items = BTreeMap<Place, StockItem>;

fn queries(endpoints: &Endpoints) -> InventoryQueryServiceClient<Channel> {
    InventoryQueryServiceClient::new(endpoints.inventory.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
}

/// All stock.
pub(super) async fn items(endpoints: &Endpoints) -> Result<Items, CollectError> {
    let (client, mut items) = (queries(endpoints), BTreeMap::new());
    let ask = |page_token| {
        let (mut client, page_size) = (client.clone(), PAGE);
        let request = ListStockRequest { page_size, page_token, ..ListStockRequest::default() };
        async move { client.list_stock(request).await }
    };
    let take = |page: ListStockResponse| {
        items.extend(page.items.into_iter().map(|item| ((item.sku.clone(), item.location.clone()), item)));
        page.next_page_token
    };
    each_page("ListStock", ask, take).await?;
    Ok(items)
}

/// All reservations.
pub(super) async fn reservations(endpoints: &Endpoints, snapshot: &mut Snapshot) -> Result<(), CollectError> {
    let client = queries(endpoints);
    let ask = |page_token| {
        let (mut client, page_size) = (client.clone(), PAGE);
        let request = ListReservationsRequest { page_size, page_token, ..ListReservationsRequest::default() };
        async move { client.list_reservations(request).await }
    };
    let take = |page: ListReservationsResponse| {
        let reservations = page.reservations.into_iter();
        snapshot.reservations.extend(reservations.map(|one| (one.reservation_id.clone(), one)));
        page.next_page_token
    };
    each_page("ListReservations", ask, take).await
}

/// Takes the stock as it is after everything of inventory was read. What was another `before` is moving; what the feed
/// does not tell of from its first change on is truncated.
pub(super) fn settle(
    before: &Items,
    after: Items,
    from_the_first: Option<&BTreeSet<Place>>,
    snapshot: &mut Snapshot,
) {
    let places = |fits: &dyn Fn(&Place, &StockItem) -> bool| {
        after.iter().filter(|(place, item)| fits(place, item)).map(|(place, _)| place.clone()).collect()
    };
    snapshot.moving_stock = places(&|place, item| before.get(place) != Some(item));
    snapshot.truncated_stock = places(&|place, _| from_the_first.is_some_and(|first| !first.contains(place)));
    snapshot.stock = after;
}

/// What has come and gone; the stock that is told of from its first change on, none when all is.
pub(super) async fn feed(
    endpoints: &Endpoints,
    snapshot: &mut Snapshot,
) -> Result<Option<BTreeSet<Place>>, CollectError> {
    let client = InventoryEventServiceClient::new(endpoints.inventory.clone())
        .max_decoding_message_size(MAX_ANSWER_BYTES);
    let what = "SubscribeInventoryEvents";
    let open = |request| {
        let mut client = client.clone();
        async move { client.subscribe_inventory_events(request).await.map(Response::into_inner) }
    };
    let (mut revisions, mut from_the_first) = (BTreeMap::<String, i64>::new(), BTreeSet::new());
    let take = |bytes| {
        let Some(event) = decoded::<InventoryEvent>("inventory", bytes, snapshot)? else {
            return Ok(());
        };
        snapshot.heard("inventory", event.position, &event.key);
        let before = revisions.insert(event.key.clone(), event.key_revision);
        // A key's first event that is there need not be its first, once the log was truncated.
        if before.is_some_and(|before| event.key_revision != before + 1) {
            let detail = format!("{} follows {}", event.key_revision, before.unwrap_or(0));
            snapshot.feed_faults.push(FeedFault { feed: "inventory", key: event.key.clone(), detail });
        }
        let place = match event.payload {
            Some(Payload::StockAdjusted(adjusted)) => {
                let place = (adjusted.sku, adjusted.location);
                *snapshot.stock_changes.entry(place.clone()).or_default() += adjusted.change;
                place
            }
            Some(Payload::ReorderLevelSet(set)) => (set.sku, set.location),
            _ => return Ok(()),
        };
        if event.key_revision == 1 {
            from_the_first.insert(place);
        }
        Ok(())
    };
    let truncated = each_event(what, open, take).await?.truncated;
    Ok(truncated.then_some(from_the_first))
}
