//! Many orders at once, placed and listed: what tests of whole servers start and end with.

use std::collections::BTreeMap;

use ordermesh_proto::order::v1::{ListOrdersRequest, Order};

use crate::client::{channel, commands, queries};
use crate::order::{cancel, note, order};

/// Places `count` orders of two lines by `clients` callers at once, over several connections.
pub async fn place_many(address: &str, count: usize, clients: usize) {
    let channels: Vec<_> = (0..4).map(|_| channel(address)).collect();
    let callers = (0..clients).map(|caller| {
        let channel = channels[caller % channels.len()].clone();
        let orders = count / clients + usize::from(caller < count % clients);
        tokio::spawn(async move {
            let mut client =
                ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient::new(
                    channel,
                );
            for number in 0..orders {
                let customer = format!("customer-{}", number % 10);
                let order = order("TEA", 2, 450)
                    .with_line("CUP", 1, 1_200, 190_000)
                    .with_customer(&customer)
                    .with_personal();
                client
                    .place_order(order.build())
                    .await
                    .unwrap_or_else(|status| panic!("an order is refused: {status}"));
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap_or_else(|error| panic!("a caller failed: {error}"));
    }
}

/// Two more events of an order: a note, and that somebody wants it cancelled. Gives the consistency token.
pub async fn note_and_cancel(address: &str, order_id: &str) -> String {
    let mut client = commands(address);
    client
        .add_order_note(note(order_id))
        .await
        .unwrap_or_else(|status| panic!("a note is refused: {status}"));
    let cancelled = client.cancel_order(cancel(order_id)).await;
    let cancelled = cancelled.unwrap_or_else(|status| panic!("a cancellation is refused: {status}"));
    cancelled.into_inner().consistency_token
}

/// All orders that a filter selects, page by page, by id. An order on two pages is a failure.
pub async fn list_all(address: &str, filter: &str) -> BTreeMap<String, Order> {
    let mut client = queries(address);
    let mut request =
        ListOrdersRequest { page_size: 200, filter: filter.to_owned(), ..ListOrdersRequest::default() };
    let mut orders = BTreeMap::new();
    loop {
        let page =
            client.list_orders(request.clone()).await.unwrap_or_else(|status| panic!("{filter:?}: {status}"));
        let page = page.into_inner();
        for order in page.orders {
            let id = order.order_id.clone();
            assert!(orders.insert(id.clone(), order).is_none(), "the order {id} is on two pages");
        }
        if page.next_page_token.is_empty() {
            return orders;
        }
        request.page_token = page.next_page_token;
    }
}
