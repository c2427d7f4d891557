//! The process is killed again and again under load: what was acknowledged is there, exactly once, and nothing else.
//!
//! `ORDERMESH_CRASH_ROUNDS` sets how often it is killed, `ORDERMESH_CRASH_SEED` repeats the moments of an earlier run.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ordermesh_proto::feed::v1::ListProjectionsRequest;
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_proto::order::v1::{OrderEvent, OrderState};
use ordermesh_testkit::orders::list_all;
use ordermesh_testkit::random::Random;
use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{
    Launch, Server, assert_log_is_sound, cancel, client, eventually, fold_orders, order, problem, read_feed,
};
use tokio::sync::{mpsc, watch};
use tonic::transport::Channel;
use tonic::{Response, Status};

type Commands = OrderCommandServiceClient<Channel>;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");
const ROUNDS: usize = 20;
const CLIENTS: usize = 8;
/// One order of so many is cancelled again.
const CANCEL_EVERY: usize = 4;

/// What one client was told, once it was told everything.
#[derive(Debug, Default)]
struct Told {
    /// Order ids by reference.
    placed: BTreeMap<String, String>,
    cancelled: BTreeSet<String>,
    /// Answers that had been made before a kill swallowed them.
    replayed: usize,
}

/// Where the server is now, and whether to go on.
#[derive(Debug, Clone)]
struct Place {
    address: String,
    open: bool,
}

struct Client {
    place: watch::Receiver<Place>,
    commands: Commands,
}

impl Client {
    fn new(mut place: watch::Receiver<Place>) -> Self {
        let commands = client::commands(&place.borrow_and_update().address);
        Self { place, commands }
    }

    /// Calls until there is an answer: after each failure again, at the server's next address.
    async fn answer<T, F>(&mut self, call: impl Fn(Commands) -> F) -> T
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        loop {
            let status = match call(self.commands.clone()).await {
                Ok(answer) => return answer.into_inner(),
                Err(status) => status,
            };
            // A server that is killed says nothing: whatever says why is a refusal, and there is nothing to refuse.
            assert!(problem(&status).is_err(), "no command of this test may be refused: {status:?}");
            self.place.changed().await.unwrap();
            self.commands = client::commands(&self.place.borrow_and_update().address);
        }
    }
}

/// Places orders until the shop closes; each is asked for under one request_id until it is acknowledged.
async fn shop(number: usize, place: watch::Receiver<Place>, acknowledged: mpsc::UnboundedSender<()>) -> Told {
    let mut client = Client::new(place);
    let mut told = Told::default();
    for count in 0.. {
        if !client.place.borrow().open {
            break;
        }
        let reference = format!("shop-{number}-{count}");
        let request = order("TEA", 1, 450).with_line("MUG", 2, 1_299, 190_000).with_reference(&reference);
        let request = request.with_personal().build();
        let place = |mut commands: Commands| {
            let request = request.clone();
            async move { commands.place_order(request).await }
        };
        let placed = client.answer(place).await;
        told.replayed += usize::from(placed.replayed);
        told.placed.insert(reference, placed.order_id.clone());
        if count % CANCEL_EVERY == 0 {
            let request = cancel(&placed.order_id);
            let cancel = |mut commands: Commands| {
                let request = request.clone();
                async move { commands.cancel_order(request).await }
            };
            let cancelled = client.answer(cancel).await;
            told.replayed += usize::from(cancelled.replayed);
            told.cancelled.insert(placed.order_id);
        }
        // Nobody listens any more when the shop closes.
        let _ = acknowledged.send(());
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_again_and_again_loses_nothing_and_invents_nothing() {
    let rounds = std::env::var("ORDERMESH_CRASH_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut random = Random::from_env("ORDERMESH_CRASH_SEED");
    let mut server = Server::scratch(BINARY).await;
    let place = |server: &Server, open| Place { address: server.addr().to_owned(), open };
    let (address, watching) = watch::channel(place(&server, true));
    let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
    let shops = (0..CLIENTS).map(|number| tokio::spawn(shop(number, watching.clone(), acknowledge.clone())));
    let shops: Vec<_> = shops.collect();

    for _ in 0..rounds {
        while acknowledged.try_recv().is_ok() {}
        soon("the first acknowledgement of the round", acknowledged.recv()).await;
        let moment = Duration::from_micros(20_000 + random.below(180_000));
        let _ = tokio::time::timeout(moment, async { while acknowledged.recv().await.is_some() {} }).await;
        server.kill9();
        server.start_again().await;
        address.send_replace(place(&server, true));
    }
    address.send_replace(place(&server, false));
    let mut told = Told::default();
    for shop in shops {
        let mut one = soon("the end of a shop", shop).await.unwrap();
        told.placed.append(&mut one.placed);
        told.cancelled.append(&mut one.cancelled);
        told.replayed += one.replayed;
    }

    let log = read_feed(&mut server.events()).await;
    eprintln!(
        "{rounds} kills, {} orders, {} events, {} replays",
        told.placed.len(),
        log.len(),
        told.replayed
    );
    assert_told(&told, &log);

    // The log that the killed processes wrote is what a process that ended well leaves behind, too.
    server.terminate().await;
    server.start_again().await;
    assert_eq!(read_feed(&mut server.events()).await, log);

    // The read model was killed as often; it has followed to the end and is the fold of the feed.
    let orders = fold_orders(&log);
    eventually!(
        {
            let projections = server.projections().list_projections(ListProjectionsRequest {}).await;
            let all = projections.map_err(|status| status.to_string())?.into_inner().projections;
            let behind = all.iter().find(|one| one.position < log.len() as i64 || !one.error.is_empty());
            behind.map_or(Ok(all.len()), |one| Err(format!("{one:?}")))
        },
        "every projection reaches position {}",
        log.len()
    );
    let listed = list_all(server.addr(), "").await;
    assert_eq!(listed.len(), orders.len());
    for (id, order) in &orders {
        assert_eq!(listed.get(id), Some(order), "the read model differs from the fold of the feed");
    }
}

/// Every command was asked for until it was acknowledged, so the log has what was told and nothing else.
fn assert_told(told: &Told, log: &[OrderEvent]) {
    assert_log_is_sound(log);
    let orders = fold_orders(log);
    let created = log.iter().filter(|event| event.r#type == "OrderCreated").count();
    assert_eq!(created, orders.len(), "each order is created once");
    let by_reference: BTreeMap<_, _> =
        orders.values().map(|order| (order.order_reference.clone(), order.order_id.clone())).collect();
    assert_eq!(by_reference.len(), orders.len(), "no reference is there twice");
    let missing: Vec<_> = told.placed.iter().filter(|(key, id)| by_reference.get(*key) != Some(id)).collect();
    assert!(missing.is_empty(), "acknowledged and not in the log under that id: {missing:?}");
    assert_eq!(by_reference.len(), told.placed.len(), "the log has orders that nobody was told of");
    for order in orders.values() {
        let expected = match told.cancelled.contains(&order.order_id) {
            true => (OrderState::Cancelling, 2),
            false => (OrderState::Placed, 1),
        };
        assert_eq!((order.state(), order.revision), expected, "{}", order.order_reference);
    }
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_makes_its_database_starts_the_next_time() {
    let mut random = Random::from_env("ORDERMESH_CRASH_SEED");
    for _ in 0..10 {
        let data = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            let moment = Duration::from_micros(random.below(40_000));
            Launch::orders(BINARY, data.path()).start_and_kill(moment).await;
        }
        let server = Server::orders(BINARY, data.path()).await;
        server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
        assert_eq!(read_feed(&mut server.events()).await.len(), 1);
    }
}
