//! Whatever happens to orders: the read model is what a plain fold of the feed says, in whatever batches the events came,
//! each filter finds what it says, and a rebuild gives the same rows.

use std::collections::BTreeSet;

use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_proto::order::v1::{self as wire, ListOrdersRequest, Order, OrderEvent, OrderStatus};
use ordermesh_testkit::fold_orders;
use ordermesh_testkit::random::Random;
use tonic::Request;

use crate::histories::{History, line, sent_back, shipment, tell, waiting};
use crate::rebuilding::{SUFFIX, create, dump, swap};
use crate::support::{Sample, Shelf, actor, samples};

const ORDERS: u8 = 40;

/// What a history may go on with.
#[derive(Default)]
struct Open {
    holds: Vec<String>,
    shipments: Vec<String>,
    returns: Vec<String>,
}

fn number(random: &mut Random, bound: i32) -> i32 {
    i32::try_from(random.below(bound as u64)).unwrap()
}

fn status(random: &mut Random) -> OrderStatus {
    let mut status = OrderStatus {
        state: 1 + number(random, 7),
        stock: 1 + number(random, 6),
        payment: 1 + number(random, 11),
        fulfilment: 1 + number(random, 3),
        ..OrderStatus::default()
    };
    let count = number(random, 3);
    status.waiting_for = (0..count).map(|_| waiting((1 + number(random, 10)).try_into().unwrap())).collect();
    status
}

fn progress(random: &mut Random) -> Vec<wire::LineProgress> {
    let entry = |line_id, random: &mut Random| wire::LineProgress {
        shipped: number(random, 9),
        ..line(line_id, "TEA")
    };
    (1..=2)
        .filter(|_| number(random, 2) == 1)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|id| entry(id, random))
        .collect()
}

/// One of `ids`, or a new one.
fn pick(ids: &[String], random: &mut Random) -> Option<String> {
    (!ids.is_empty()).then(|| ids[number(random, ids.len() as i32) as usize].clone())
}

fn history(sample: Sample, random: &mut Random) -> Vec<OrderEvent> {
    let mut history = match number(random, 2) {
        0 => History::of(sample),
        _ => History { events: vec![sample.created()], ..History::of(sample) },
    };
    let mut open = Open::default();
    for _ in 0..number(random, 25) {
        history.status = status(random);
        history.due.minor_units = i64::from(number(random, 1000));
        match number(random, 3) {
            0 => life_goes_on(&mut history, random),
            1 => goods_move(&mut history, &mut open, random),
            _ => people_act(&mut history, &mut open, random),
        }
    }
    history.events
}

fn life_goes_on(history: &mut History, random: &mut Random) {
    match number(random, 9) {
        0 => tell!(history, OrderConfirmed, |it| it.actor = None),
        1 => tell!(history, OrderRejected, |it| (it.reason, it.detail) = (1, "gone".to_owned())),
        2 => tell!(history, OrderExpired, |it| it.payment_deadline = None),
        3 => tell!(history, OrderCompleted, |it| it.actor = None),
        4 => tell!(history, OrderStockRecorded, |it| it.detail = "so".to_owned()),
        5 => tell!(history, OrderPaymentRecorded, |it| {
            (it.code, it.action_url) = (number(random, 9).to_string(), "https://pay.example".to_owned());
        }),
        6 => tell!(history, PaymentRetryRequested, |it| it.attempt = 2),
        // Of the earlier version.
        7 => tell!(history, OrderCancellationRequested, |it| it.status = None),
        _ => tell!(history, OrderCancelled, |it| it.reason = number(random, 9).to_string()),
    }
}

fn goods_move(history: &mut History, open: &mut Open, random: &mut Random) {
    let entries = progress(random);
    let id = history.next_revision().to_string();
    match (number(random, 7), pick(&open.shipments, random), pick(&open.returns, random)) {
        (0, Some(id), _) => {
            tell!(history, ShipmentDelivered, |it| (it.shipment, it.progress) =
                (Some(shipment(&id)), entries));
        }
        (1, Some(id), _) => tell!(history, ShipmentLost, |it| it.shipment = Some(shipment(&id))),
        (2, _, Some(id)) => tell!(history, ReturnApproved, |it| it.order_return = Some(sent_back(&id))),
        (3, _, Some(id)) => tell!(history, ReturnRejected, |it| it.order_return = Some(sent_back(&id))),
        (4, _, Some(id)) => {
            tell!(history, ReturnReceived, |it| (it.order_return, it.progress) =
                (Some(sent_back(&id)), entries));
        }
        (5, ..) => {
            tell!(history, ReturnRequested, |it| it.order_return = Some(sent_back(&id)));
            open.returns.push(id);
        }
        _ => {
            tell!(history, ShipmentDispatched, |it| (it.shipment, it.progress) =
                (Some(shipment(&id)), entries));
            open.shipments.push(id);
        }
    }
}

fn people_act(history: &mut History, open: &mut Open, random: &mut Random) {
    let id = history.next_revision().to_string();
    let hold = |hold_id| Some(wire::OrderHold { hold_id, reason: 1, ..wire::OrderHold::default() });
    match (number(random, 5), pick(&open.holds, random)) {
        (0 | 1, Some(id)) => {
            open.holds.retain(|known| *known != id);
            tell!(history, OrderHoldReleased, |it| it.hold = hold(id));
        }
        (2, _) => tell!(history, OrderLinesCancelled, |it| it.progress = progress(random)),
        (3, _) => tell!(history, OrderNoteAdded, |it| {
            let text = wire::OrderNoteText { text: format!("note {id}") };
            (it.note_id, it.personal_data) = (id, (number(random, 3) > 0).then_some(text));
        }),
        _ => {
            tell!(history, OrderHoldPlaced, |it| it.hold = hold(id.clone()));
            open.holds.push(id);
        }
    }
}

/// All events, those of each order in their order and orders all mixed.
fn shuffled(mut histories: Vec<Vec<OrderEvent>>, random: &mut Random) -> Vec<OrderEvent> {
    let mut events = Vec::new();
    while !histories.is_empty() {
        let next = random.below(histories.len() as u64) as usize;
        events.push(histories[next].remove(0));
        histories.retain(|history| !history.is_empty());
    }
    events
}

async fn apply(shelf: &Shelf, suffix: &str, mut events: &[OrderEvent], random: &mut Random) {
    while !events.is_empty() {
        let count = events.len().min(1 + random.below(60) as usize);
        shelf.apply_to(suffix, &events[..count]).await.unwrap();
        events = &events[count..];
    }
}

async fn found(shelf: &Shelf, filter: &str) -> Vec<Order> {
    let request = ListOrdersRequest { page_size: 200, filter: filter.to_owned(), ..Default::default() };
    shelf.service.list_orders(Request::new(request)).await.unwrap().into_inner().orders
}

async fn assert_finds(
    shelf: &Shelf,
    all: &[Order],
    filter: &str,
    meets: impl Fn(&Order, &OrderStatus) -> bool,
) {
    let ids = |orders: &[Order]| orders.iter().map(|order| order.order_id.clone()).collect::<BTreeSet<_>>();
    let expected = all.iter().filter(|order| meets(order, order.status.as_ref().unwrap()));
    assert_eq!(ids(&found(shelf, filter).await), ids(&expected.cloned().collect::<Vec<_>>()), "{filter}");
}

async fn assert_every_filter_finds_its_orders(shelf: &Shelf, all: &[Order]) {
    for payment in 1..=11 {
        let word = wire::PaymentStatus::try_from(payment).unwrap().as_str_name();
        assert_finds(shelf, all, &format!("payment = {word}"), |_, it| it.payment == payment).await;
        assert_finds(shelf, all, &format!("payment != {word}"), |_, it| it.payment != payment).await;
    }
    for stock in 1..=6 {
        let word = wire::StockStatus::try_from(stock).unwrap().as_str_name();
        assert_finds(shelf, all, &format!("stock = {word}"), |_, it| it.stock == stock).await;
        assert_finds(shelf, all, &format!("stock != {word}"), |_, it| it.stock != stock).await;
    }
    for goods in 1..=3 {
        let word = wire::FulfilmentStatus::try_from(goods).unwrap().as_str_name();
        assert_finds(shelf, all, &format!("fulfilment = {word}"), |_, it| it.fulfilment == goods).await;
        assert_finds(shelf, all, &format!("fulfilment != {word}"), |_, it| it.fulfilment != goods).await;
    }
    for what in 1..=10 {
        let word = wire::WaitingForWhat::try_from(what).unwrap().as_str_name();
        let waits = |it: &OrderStatus| it.waiting_for.iter().any(|waiting| waiting.what == what);
        assert_finds(shelf, all, &format!("waiting_for = {word}"), |_, it| waits(it)).await;
        let filter = format!("sku = TEA AND held = true AND waiting_for = {word}");
        let tea = |order: &Order| order.lines.iter().any(|line| line.sku == "TEA");
        assert_finds(shelf, all, &filter, |order, it| tea(order) && !order.holds.is_empty() && waits(it))
            .await;
    }
    assert_finds(shelf, all, "held = true", |order, _| !order.holds.is_empty()).await;
    assert_finds(shelf, all, "held = false", |order, _| order.holds.is_empty()).await;
}

#[tokio::test]
async fn after_any_history_the_read_model_is_a_fold_of_the_feed_and_a_rebuild_gives_the_same_rows() {
    let mut random = Random::from_env("ORDERMESH_TEST_SEED");
    let sample = |number: u8| Sample { number, ..samples()[usize::from(number) % 5].clone() };
    let histories = (1..=ORDERS).map(|number| history(sample(number), &mut random)).collect();
    let events = shuffled(histories, &mut random);
    let shelf = Shelf::open().await;
    apply(&shelf, "", &events, &mut random).await;
    let folded = fold_orders(&events);
    let shown = found(&shelf, "").await;
    assert_eq!(shown.len(), folded.len());
    for order in &shown {
        assert_eq!(*order, folded[&order.order_id]);
    }
    assert_every_filter_finds_its_orders(&shelf, &shown).await;
    let before = dump(&shelf).await;
    create(&shelf).await;
    apply(&shelf, SUFFIX, &events, &mut random).await;
    swap(&shelf).await;
    assert_eq!(dump(&shelf).await, before);
}
