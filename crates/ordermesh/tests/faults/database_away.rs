//! The database is killed under the replicas and comes back.

use std::collections::BTreeSet;
use std::time::Instant;

use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{assert_log_is_sound, assert_refused, eventually, order, read_feed};
use tonic::Code;

use crate::{not_here, replicas};

#[tokio::test(flavor = "multi_thread")]
async fn commands_say_try_again_while_the_database_is_away_and_work_when_it_is_back() {
    if not_here() {
        return;
    }
    let (mut postgres, _database, servers) = replicas(2, |launch| launch).await;
    let mut acknowledged = BTreeSet::new();
    for round in 0..3 {
        for server in &servers {
            let placed = eventually!(
                server
                    .commands()
                    .place_order(order("TEA", 1, 450))
                    .await
                    .map_err(|status| status.to_string()),
                "the service returns by itself, round {round}"
            );
            acknowledged.insert(placed.into_inner().order_id);
        }
        postgres.kill9().await;
        let waiting = order("TEA", 1, 450).build();
        for server in &servers {
            let start = Instant::now();
            let answer = soon("a refusal", server.commands().place_order(waiting.clone())).await;
            let refusal = assert_refused(answer, Code::Unavailable, "STORE_UNAVAILABLE", None);
            eprintln!("refused after {:?}", start.elapsed());
            assert!(refusal.retryable, "RetryInfo says when: {refusal:?}");
        }
        postgres.start_again().await;
        // The very same request, as a client tries it again.
        let placed = eventually!(
            servers[0].commands().place_order(waiting.clone()).await.map_err(|status| status.to_string()),
            "the refused order can be placed, round {round}"
        );
        acknowledged.insert(placed.into_inner().order_id);
    }
    let log = eventually!(
        {
            let log = read_feed(&mut servers[1].events()).await;
            (log.len() >= acknowledged.len()).then_some(log)
        },
        "the feed has what was acknowledged"
    );
    assert_log_is_sound(&log);
    assert_eq!(log.iter().map(|event| event.key.clone()).collect::<BTreeSet<_>>(), acknowledged);
}
