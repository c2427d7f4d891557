//! A group whose places are not in the log that the server has, as when only some of the tables were restored.

use ordermesh_proto::feed::v1::ResetGroupRequest;
use ordermesh_proto::feed::v1::reset_group_request::To;
use ordermesh_testkit::{Subscription, backend};
use sea_orm::ConnectionTrait;
use tonic::Code;

use crate::*;

/// Changes the database of a server that is away meanwhile.
async fn change(server: &mut Server, sql: &str) {
    server.terminate().await;
    let database = backend::open(&server.data("order-command.db")).await.unwrap();
    let changed = database.execute_unprepared(sql).await.unwrap().rows_affected();
    assert!(changed > 0, "{sql}");
    database.close().await.unwrap();
    server.start_again().await;
}

/// A server with a group that has done what three orders made.
async fn with_a_group() -> Server {
    let server = server().await;
    place_many(&server, 3).await;
    let mut member = Member::join(&server, "one").await;
    let events = member.take_count(3).await;
    assert_eq!(member.acknowledge(&server, &events).await, 3);
    server
}

#[tokio::test]
async fn a_group_of_another_history_is_told_so_until_it_is_reset() {
    const OTHER: [(&str, &str); 3] = [
        (
            "UPDATE group_slots SET event_id = (SELECT event_id FROM events WHERE position = 1)",
            "another event",
        ),
        ("UPDATE group_slots SET position = 9", "past the head 3"),
        (
            "UPDATE consumer_groups SET feed_id = (SELECT event_id FROM events WHERE position = 1)",
            "of the log",
        ),
    ];
    let mut server = with_a_group().await;
    for (sql, what) in OTHER {
        change(&mut server, sql).await;
        let refusal = Subscription::open(&mut server.events(), joining("one")).await.unwrap_err();
        refused(&refusal, Code::FailedPrecondition, "FEED_DIVERGED");
        assert!(refusal.message().contains(what), "{refusal:?}");
        let group = get_group(&server).await;
        assert_eq!(group.members, [], "who was refused is no member");

        let to = Some(To::AfterPosition(1));
        let reset = ResetGroupRequest { group: GROUP.to_owned(), to, force: false };
        server.events().reset_group(reset).await.unwrap();
        let mut member = Member::join(&server, "one").await;
        let events = member.take_count(2).await;
        assert_eq!(positions(&events), [2, 3]);
        assert_eq!(member.acknowledge(&server, &events).await, 2);
    }
}

/// The whole database was restored: group and log agree, and only the member knows better.
#[tokio::test]
async fn a_member_that_has_seen_another_history_is_told_so_when_it_says_what_it_has_seen() {
    const LATER: &str = "UPDATE events SET event_id = (SELECT feed_id FROM log_head) WHERE position = 3";
    let mut server = server().await;
    place_many(&server, 3).await;
    let mut member = Member::join(&server, "one").await;
    let events = member.take_count(3).await;
    let seen = member.stream.cursor.clone();
    let having_seen = |cursor: &str| {
        let mut request = joining("one");
        request.group.as_mut().unwrap().last_cursor = cursor.to_owned();
        request
    };
    let mut member = Member::open(&server, "one", having_seen(&seen)).await;
    assert_eq!(positions(&member.take_count(3).await), positions(&events), "it does not move the group");
    // All slots go past the event that will be another one.
    place(&server).await;
    assert_eq!(positions(&member.take_count(1).await), [4]);
    let refusal = Subscription::open(&mut server.events(), having_seen("no cursor")).await.unwrap_err();
    refused(&refusal, Code::InvalidArgument, "INVALID_CURSOR");

    change(&mut server, LATER).await;
    let refusal = Subscription::open(&mut server.events(), having_seen(&seen)).await.unwrap_err();
    refused(&refusal, Code::FailedPrecondition, "FEED_DIVERGED");
    assert!(refusal.message().contains("another event stands at position 3"), "{refusal:?}");
    drop(member);
    Member::join(&server, "one").await;
}
