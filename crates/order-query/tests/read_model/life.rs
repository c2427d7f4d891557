//! The whole life of an order, from its events alone.

use futures_util::StreamExt;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_proto::order::v1::watch_order_response::Frame;
use ordermesh_proto::order::v1::{
    GetOrderRequest, GetOrderTimelineRequest, Order, OrderState, PaymentStatus, StockStatus, WaitingForWhat,
    WatchOrderRequest,
};
use ordermesh_testkit::fold_orders;
use sea_orm::ConnectionTrait;
use tonic::Request;

use crate::histories::{DEADLINE, History, NOTE};
use crate::rebuilding::dump;
use crate::support::{Sample, Shelf, seconds};

async fn get(shelf: &Shelf, order_id: String) -> Order {
    let request = GetOrderRequest { order_id, ..Default::default() };
    shelf.service.get_order(Request::new(request)).await.unwrap().into_inner().order.unwrap()
}

#[tokio::test]
async fn an_order_is_after_each_event_what_a_plain_fold_of_the_feed_says() {
    let shelf = Shelf::open().await;
    let history = History::whole(Sample::default());
    for (count, event) in history.events.iter().enumerate() {
        shelf.apply(std::slice::from_ref(event)).await;
        let folded = fold_orders(&history.events[..=count]).remove(&history.sample.id()).unwrap();
        assert_eq!(get(&shelf, history.sample.id()).await, folded, "after {}", event.r#type);
    }
}

#[tokio::test]
async fn a_completed_order_shows_all_that_happened_to_it() {
    let shelf = Shelf::open().await;
    let history = History::whole(Sample::default());
    shelf.apply(&history.events).await;
    let order = get(&shelf, history.sample.id()).await;
    let status = order.status.clone().unwrap();
    assert_eq!((order.state(), status.state()), (OrderState::Completed, OrderState::Completed));
    assert_eq!((status.stock(), status.payment()), (StockStatus::Committed, PaymentStatus::PartlyRefunded));
    assert_eq!(status.captured.unwrap().minor_units, 1300);
    assert_eq!(
        (status.refunded.unwrap().minor_units, order.amount_due.clone().unwrap().minor_units),
        (650, 650)
    );
    let became = |line: usize| {
        let it = &order.progress[line];
        [it.ordered, it.cancelled, it.shipped, it.delivered, it.lost, it.returned]
    };
    assert_eq!((became(0), became(1)), ([2, 0, 2, 2, 0, 1], [2, 2, 0, 0, 0, 0]));
    assert_eq!((order.holds.len(), order.shipments.len(), order.returns.len()), (0, 1, 1));
    assert_eq!(order.shipments[0].ended_time, Some(seconds(3_000)));
    assert_eq!(order.returns[0].received[0].accepted_quantity, 1);
    assert_eq!(order.notes[0].personal_data.as_ref().unwrap().text, NOTE);
    assert_eq!(order.payment_deadline, Some(seconds(DEADLINE)));
    assert_eq!([order.payment_action_url, order.payment_code, order.payment_detail], ["", "", ""]);
}

#[tokio::test]
async fn an_order_of_events_of_the_earlier_version_is_shown_with_what_they_say() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created(), sample.requested(), sample.cancelled()]).await;
    let order = get(&shelf, sample.id()).await;
    let status = order.status.unwrap();
    assert_eq!((order.state, status.state), (OrderState::Cancelled.into(), OrderState::Cancelled.into()));
    assert_eq!((status.stock(), status.payment()), (StockStatus::Pending, PaymentStatus::Pending));
    assert_eq!((status.waiting_for, status.captured), (vec![], None));
    let lines: Vec<_> = order.progress.iter().map(|it| (it.line_id, it.sku.as_str(), it.ordered)).collect();
    assert_eq!(lines, [(1, "TEA", 2), (2, "TEA", 2)]);
}

#[tokio::test]
async fn a_timeline_has_a_line_for_every_event_and_no_personal_data() {
    let shelf = Shelf::open().await;
    let history = History::whole(Sample::default());
    shelf.apply(&history.events).await;
    let request = GetOrderTimelineRequest { order_id: history.sample.id(), ..Default::default() };
    let entries = shelf.service.get_order_timeline(Request::new(request)).await.unwrap().into_inner().entries;
    let summaries: Vec<_> = entries.iter().map(|entry| entry.summary.as_str()).collect();
    let expected = [
        "placed: 2 lines, 13.00 EUR",
        "stock reserved: from Bern",
        "payment action required",
        "payment declined, insufficient_funds: try another",
        "payment to be tried again, attempt 2",
        "payment authorized, 13.00 EUR, attempt 2",
        "confirmed",
        "payment captured, 13.00 EUR, attempt 2",
        "held, manual: looks odd",
        "note added",
        "hold released, manual: all is well",
        "dispatched: 2 × TEA by Post, tracking number 99.1",
        "cancelled 2 × TEA, stock lost",
        "delivered: 2 × TEA",
        "completed",
        "return requested, 1 × TEA: too bitter",
        "return approved, 1 × TEA",
        "return received, accepted 1 × TEA",
    ];
    assert_eq!(summaries, expected);
    for (entry, event) in entries.iter().zip(&history.events) {
        assert_eq!((&entry.r#type, &entry.causation_id), (&event.r#type, &event.causation_id));
    }
    let rows = dump(&shelf).await.into_iter().filter(|row| row.starts_with("order_timeline"));
    for secret in ["zebra", "mia@example.org", "tok_secret", "pay.example"] {
        assert!(!rows.clone().any(|row| row.contains(secret)), "{secret}");
    }
}

#[tokio::test]
async fn what_notes_say_stands_in_a_column_of_its_own_and_can_be_erased_alone() {
    let shelf = Shelf::open().await;
    let history = History::whole(Sample::default());
    shelf.apply(&history.events).await;
    shelf
        .writer
        .execute_unprepared("UPDATE order_views SET note_texts = NULL, personal = NULL")
        .await
        .unwrap();
    let order = get(&shelf, history.sample.id()).await;
    let [note] = &order.notes[..] else { panic!("{order:?}") };
    assert_eq!((note.note_id.as_str(), &note.personal_data), ("n-1", &None));
    assert!(note.actor.is_some() && note.added_time.is_some());
    let everything = format!("{order:?}");
    assert!(!everything.contains("zebra") && !everything.contains("mia@example.org"), "{everything}");
}

#[tokio::test]
async fn a_watcher_sees_a_hold_come_and_go() {
    let shelf = Shelf::open().await;
    let history = History::whole(Sample::default());
    let until = |kind: &str| history.events.iter().position(|event| event.r#type == kind).unwrap();
    let (placed, released) = (until("OrderHoldPlaced"), until("OrderHoldReleased"));
    shelf.apply(&history.events[..placed]).await;
    let request = WatchOrderRequest { order_id: history.sample.id(), ..Default::default() };
    let mut frames = shelf.service.watch_order(Request::new(request)).await.unwrap().into_inner();
    let mut seen = Vec::new();
    for more in [&[][..], &history.events[placed..=placed], &history.events[placed + 1..=released]] {
        shelf.apply(more).await;
        let frame = frames.next().await.unwrap().unwrap().frame;
        let Some(Frame::Order(order)) = frame else { panic!("{frame:?}") };
        let waits = order.status.as_ref().unwrap().waiting_for.iter().map(|it| it.what());
        seen.push((order.holds.len(), waits.collect::<Vec<_>>()));
    }
    let (hold, dispatch) = (WaitingForWhat::Hold, WaitingForWhat::Dispatch);
    assert_eq!(seen, [(0, vec![dispatch]), (1, vec![hold, dispatch]), (0, vec![dispatch])]);
}
