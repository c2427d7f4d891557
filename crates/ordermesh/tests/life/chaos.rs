//! Orders with all kinds of cards, cancellations, shipments and returns, while processes are killed and started again at
//! random: in the end every invariant holds, and no order stands still without a reason.
//!
//! `ORDERMESH_LIFE_ORDERS` sets how many, `ORDERMESH_LIFE_PEOPLE` how many people act at once, `ORDERMESH_LIFE_SEED` repeats
//! an earlier run's choices.

use std::time::Duration;

use ordermesh_testkit::random::Random;
use ordermesh_testkit::shop::{Habits, Seen};
use ordermesh_testkit::wait;
use ordermesh_verify::Verdict;

use crate::servers::{NAMES, Servers};

const ORDERS: usize = 320;
const PEOPLE: usize = 32;
const ARTICLES: usize = 12;
/// Pieces of each article: not quite enough for everybody.
const PIECES_AN_ORDER: usize = 3;

/// The longest time between two kills, and of an outage.
const CALM_MS: u64 = 900;
const OUTAGE_MS: u64 = 600;

/// The longest time until the last refund is through and the last payment window is over.
const REST: Duration = Duration::from_secs(60);

/// What people and goods do; everything else that an order can wait for happens by itself.
const OF_PEOPLE: [&str; 5] = ["payment_action", "payment_retry", "hold", "dispatch", "delivery"];

/// The verdict, once no order waits for what happens by itself, and none that is final waits at all.
fn at_rest(verdict: Verdict) -> Result<Verdict, String> {
    let by_itself = verdict.waiting.keys().any(|name| !OF_PEOPLE.contains(&name.as_str()));
    match by_itself || !verdict.waiting_when_final.is_empty() || !verdict.unjudged.is_empty() {
        true => Err(format!("{verdict:?}")),
        false => Ok(verdict),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_live_through_servers_that_are_killed_and_started_again_at_random() {
    let number = |name, usual| std::env::var(name).map_or(usual, |number| number.parse().unwrap());
    let (orders, crowd) = (number("ORDERMESH_LIFE_ORDERS", ORDERS), number("ORDERMESH_LIFE_PEOPLE", PEOPLE));
    let mut random = Random::from_env("ORDERMESH_LIFE_SEED");
    // Walked-away customers are over within the test.
    let variables = [
        ("ORDERMESH_ORDER_COMMAND__PAYMENT_WINDOW_SECONDS", "8"),
        ("ORDERMESH_PAYMENT__OPERATIONS__RETRY_MS", "100"),
        ("ORDERMESH_PAYMENT__OPERATIONS__MAX_RETRY_MS", "1000"),
        // What a killed payment server had under way is taken over soon.
        ("ORDERMESH_PAYMENT__OPERATIONS__CALL_TIMEOUT_MS", "1000"),
        ("ORDERMESH_PAYMENT__OPERATIONS__LEASE_MS", "3000"),
    ];
    let mut servers = Servers::start(&variables).await;
    let shop = servers.shop();
    let skus: Vec<_> = (0..ARTICLES).map(|number| format!("SKU-{number}")).collect();
    for sku in &skus {
        for location in ["north", "south"] {
            shop.receive(sku, location, (orders * PIECES_AN_ORDER / ARTICLES / 2).max(1) as i64).await;
        }
    }
    let habits = Habits::mixed(skus);
    let people: Vec<_> = (0..crowd)
        .map(|_| {
            let (shop, habits, random) = (servers.shop(), habits.clone(), Random::new(random.next()));
            tokio::spawn(async move { shop.serve(&habits, random, orders / crowd).await })
        })
        .collect();

    let mut kills = [0_usize; NAMES.len()];
    while !people.iter().all(tokio::task::JoinHandle::is_finished) {
        wait::pause(Duration::from_millis(random.below(CALM_MS))).await;
        let victim = random.below(NAMES.len() as u64) as usize;
        servers.servers[victim].kill9();
        kills[victim] += 1;
        wait::pause(Duration::from_millis(random.below(OUTAGE_MS))).await;
        servers.servers[victim].start_again_here().await;
    }
    let mut seen = Seen::new();
    for person in people {
        for (state, count) in person.await.unwrap() {
            *seen.entry(state).or_default() += count;
        }
    }
    let verdict = wait::until(
        REST,
        async || at_rest(shop.assert_sound().await),
        "nothing is left that happens without anybody doing it",
    );
    let verdict = verdict.await;
    eprintln!("killed {NAMES:?} {kills:?} times; {seen:?}; {verdict:?}");
    assert_eq!(verdict.orders, orders / crowd * crowd);
    assert!(kills.iter().sum::<usize>() > 4, "something was killed");
}
