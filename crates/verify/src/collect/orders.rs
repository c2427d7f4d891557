//! The orders: as the read server shows them, and as the order feed tells them.

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use ordermesh_proto::order::v1::order_query_service_client::OrderQueryServiceClient;
use ordermesh_proto::order::v1::{
    LineProgress, ListOrdersRequest, ListOrdersResponse, OrderCreated, OrderEvent, OrderState, OrderStatus,
    StockStatus,
};
use tonic::Response;

use super::{CollectError, Endpoints, MAX_ANSWER_BYTES, PAGE, decoded, each_event, each_page};
use crate::shown;
use crate::snapshot::{Confirmation, FeedFault, OrderHistory, Snapshot};

pub(super) async fn answers(endpoints: &Endpoints, snapshot: &mut Snapshot) -> Result<(), CollectError> {
    let client = OrderQueryServiceClient::new(endpoints.order_query.clone())
        .max_decoding_message_size(MAX_ANSWER_BYTES);
    let ask = |page_token| {
        let (mut client, page_size) = (client.clone(), PAGE);
        let order_by = "placed_time".to_owned();
        let request = ListOrdersRequest { page_size, page_token, order_by, ..ListOrdersRequest::default() };
        async move { client.list_orders(request).await }
    };
    let take = |page: ListOrdersResponse| {
        snapshot.views.extend(page.orders.into_iter().map(|order| (order.order_id.clone(), order)));
        page.next_page_token
    };
    each_page("ListOrders", ask, take).await
}

pub(super) async fn feed(endpoints: &Endpoints, snapshot: &mut Snapshot) -> Result<(), CollectError> {
    let client = OrderEventServiceClient::new(endpoints.order_command.clone())
        .max_decoding_message_size(MAX_ANSWER_BYTES);
    let what = "SubscribeOrderEvents";
    let open = |request| {
        let mut client = client.clone();
        async move { client.subscribe_order_events(request).await.map(Response::into_inner) }
    };
    let take = |bytes| {
        let Some(event) = decoded::<OrderEvent>("order", bytes, snapshot)? else {
            return Ok(());
        };
        snapshot.heard("order", event.position, &event.key);
        history(snapshot, &event);
        Ok(())
    };
    let reading = each_event(what, open, take).await?;
    snapshot.time = reading.time;
    if reading.truncated {
        // Of an order that has been quiet for long no event is left at all; the read server knows it.
        let shown = snapshot.views.keys().filter(|id| !snapshot.orders.contains_key(*id));
        snapshot.truncated.extend(shown.cloned());
    }
    Ok(())
}

fn history(snapshot: &mut Snapshot, event: &OrderEvent) {
    let Some(payload) = &event.payload else {
        let detail =
            format!("event {} of type {} has no payload that is known", event.position, event.r#type);
        snapshot.feed_faults.push(FeedFault { feed: "order", key: event.key.clone(), detail });
        return;
    };
    if let Payload::OrderCreated(created) = payload
        && !snapshot.orders.contains_key(&event.key)
    {
        snapshot.orders.insert(event.key.clone(), placed(created, event));
    }
    match snapshot.orders.get_mut(&event.key) {
        Some(order) => order.take(event, payload),
        // Its first events are gone: nothing can be said about it.
        None => {
            snapshot.truncated.insert(event.key.clone());
        }
    }
}

fn placed(created: &OrderCreated, event: &OrderEvent) -> OrderHistory {
    let line = |line: &ordermesh_proto::order::v1::OrderLine| {
        let progress = LineProgress {
            line_id: line.line_id,
            sku: line.sku.clone(),
            ordered: line.quantity,
            ..LineProgress::default()
        };
        (line.line_id, progress)
    };
    OrderHistory {
        lines: created.lines.iter().map(line).collect(),
        shown: shown::placed(created, event),
        ..OrderHistory::default()
    }
}

/// What an event of any type has: what is owed, the status, and what has become of lines.
struct Common<'a> {
    amount_due: i64,
    status: Option<&'a OrderStatus>,
    progress: &'a [LineProgress],
    /// The state that the event stands for by itself, for events without status.
    state: Option<OrderState>,
}

/// The fields that the payloads have in common.
macro_rules! common {
    ($payload:expr; $($variant:ident $(=> $state:ident)? $([$progress:ident])?),+ $(,)?) => {
        match $payload {
            $(Payload::$variant(event) => {
                #[allow(unused_mut, unused_assignments)]
                let mut common = Common {
                    amount_due: event.amount_due.as_ref().map_or(0, |due| due.minor_units),
                    status: event.status.as_ref(),
                    progress: &[],
                    state: None,
                };
                $(common.state = Some(OrderState::$state);)?
                $(common.progress = &event.$progress;)?
                common
            })+
        }
    };
}

fn common(payload: &Payload) -> Common<'_> {
    common!(payload;
        OrderCreated => Placed,
        OrderConfirmed => Confirmed,
        OrderRejected => Rejected,
        OrderExpired => Expired,
        OrderCancellationRequested => Cancelling,
        OrderCancelled => Cancelled,
        OrderCompleted => Completed,
        OrderLinesCancelled [progress],
        OrderHoldPlaced,
        OrderHoldReleased,
        PaymentRetryRequested,
        ShipmentDispatched [progress],
        ShipmentDelivered [progress],
        ShipmentLost [progress],
        ReturnRequested,
        ReturnApproved,
        ReturnRejected,
        ReturnReceived [progress],
        OrderStockRecorded,
        OrderPaymentRecorded,
        OrderNoteAdded,
    )
}

impl OrderHistory {
    fn take(&mut self, event: &OrderEvent, payload: &Payload) {
        let common = common(payload);
        if event.key_revision != self.revision + 1 {
            self.wrong_revision.get_or_insert((self.revision, event.key_revision));
        }
        self.revision = event.key_revision;
        if self.revision > 1 && common.amount_due > self.amount_due {
            self.amount_grew.get_or_insert((self.amount_due, common.amount_due));
        }
        self.amount_due = common.amount_due;
        for line in common.progress {
            self.lines.insert(line.line_id, line.clone());
        }
        if let Payload::OrderConfirmed(_) = payload {
            self.confirmed = Some(self.confirmation());
        }
        shown::take(&mut self.shown, event, payload);
        let state = match common.status {
            Some(status) => {
                self.status = status.clone();
                self.without_status = false;
                Some(status.state())
            }
            None => {
                self.without_status = true;
                common.state
            }
        };
        if let Some(state) = state.filter(|state| self.states.last() != Some(state)) {
            self.states.push(state);
        }
    }

    /// What was on record before the confirmation.
    fn confirmation(&self) -> Confirmation {
        let status = &self.status;
        let minor = |money: Option<&Money>| money.map_or(0, |money| money.minor_units);
        Confirmation {
            reserved: matches!(status.stock(), StockStatus::Reserved | StockStatus::Shortfall),
            payment: status.payment(),
            amount_due: self.amount_due,
            authorized: minor(status.authorized.as_ref()),
            captured: minor(status.captured.as_ref()),
            refunded: minor(status.refunded.as_ref()),
            held: !self.shown.holds.is_empty(),
        }
    }
}
