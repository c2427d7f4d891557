//! Members that are slow, hung or gone, and events that are large: nobody else suffers, and nothing grows without end.

use std::time::Duration;

use ordermesh_proto::feed::v1::{EventFilter, Group, SubscribeRequest};
use ordermesh_testkit::client::reluctant_events;
use ordermesh_testkit::{Subscription, eventually};
use prost::Message;
use tonic::Code;

use crate::*;

/// Standard clients take 4 MiB; a frame is cut far below.
const LARGEST_FRAME: usize = 1_600 << 10;

/// Places an order whose event is about 900 KB.
async fn place_large(server: &Server) {
    let large = order("TEA", 1, 450).with(|order| {
        let mut line = order.lines[0].clone();
        line.title = "茶".repeat(200);
        order.lines = vec![line; 1000];
    });
    server.commands().place_order(large).await.unwrap();
}

#[tokio::test]
async fn no_frame_is_larger_than_clients_take_when_large_events_come_again_or_from_a_member_that_left() {
    let server = server_with(&[("HELD_BYTES", "2000000"), ("MAX_ATTEMPTS", "9")]).await;
    for _ in 0..8 {
        place_large(&server).await;
    }
    let mut gone = Member::open(&server, "gone", joining_with("gone", 100)).await;
    // What is told comes again after a second.
    while gone.stream.events.len() < 6 {
        gone.frame().await.unwrap();
    }
    drop(gone);
    let mut member = Member::join(&server, "one").await;
    let mut events = Vec::new();
    while events.len() < 8 {
        let taken = member.take().await;
        member.acknowledge(&server, &taken).await;
        events.extend(taken);
    }
    assert_each_once_in_order(&events, 8);
    let sizes: Vec<_> = member.stream.frames.iter().map(Message::encoded_len).collect();
    assert!(sizes.iter().all(|size| *size < LARGEST_FRAME), "{sizes:?}");
    assert!(sizes.iter().any(|size| *size > 500_000), "the events of this test are large: {sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_reads_nothing_loses_its_slots_and_is_told_when_it_reads_again() {
    let server = server_with(&[("MAX_ATTEMPTS", "5")]).await;
    let mut events = reluctant_events(server.addr());
    let mut stuck = Subscription::open(&mut events, joining_with("stuck", 100)).await.unwrap();
    for _ in 0..4 {
        place_large(&server).await;
    }
    eventually!(get_group(&server).await.members.is_empty(), "it is no member any more");
    let mut next = Member::join(&server, "next").await;
    assert_eq!(next.take_count(4).await.len(), 4);
    let refusal = loop {
        match stuck.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended without a word"),
            Err(status) => break status,
        }
    };
    refused(&refusal, Code::Aborted, "LEASE_LOST");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_answers_nothing_loses_its_keys_before_any_is_parked() {
    let server = server_with(&[("MAX_ATTEMPTS", "5")]).await;
    place_many(&server, 10).await;
    let mut hung = Member::open(&server, "hung", joining_with("hung", 100)).await;
    refused(&hung.end().await, Code::Aborted, "LEASE_LOST");
    assert!(hung.stream.events.len() >= 30, "it had three times to answer: {:?}", hung.stream.positions());
    let mut next = Member::join(&server, "next").await;
    let events = next.take_count(10).await;
    next.acknowledge(&server, &events).await;
    assert_each_once_in_order(&events, 10);
    let group = get_group(&server).await.group.unwrap();
    assert_eq!((group.parked_keys, group.unacknowledged_events), (0, 0));
}

#[tokio::test]
async fn an_event_whose_members_leave_each_time_is_parked() {
    let server = server().await;
    place(&server).await;
    // Twice it may have been another event; twice it was this one.
    for _ in 0..4 {
        let mut member = Member::join(&server, "one").await;
        assert_eq!(positions(&member.take().await), [1]);
        leave(&server, member).await;
    }
    let mut member = Member::join(&server, "one").await;
    eventually!(get_group(&server).await.group.unwrap().parked_events == 1, "two attempts are all it gets");
    place(&server).await;
    assert_eq!(positions(&member.take().await), [2], "everything else flows on");
}

/// A member goes away without a word.
async fn leave(server: &Server, member: Member) {
    drop(member);
    eventually!(get_group(server).await.members.is_empty(), "the member has left");
}

#[tokio::test]
async fn a_member_that_crashes_in_a_loop_has_nothing_parked_and_the_next_one_gets_all() {
    let server = server_with(&[("MAX_ATTEMPTS", "5")]).await;
    place_many(&server, 20).await;
    for _ in 0..6 {
        let mut member = Member::join(&server, "one").await;
        member.take().await;
        leave(&server, member).await;
    }
    let mut member = Member::join(&server, "one").await;
    let mut all = Vec::new();
    while all.len() < 20 {
        let events = member.take().await;
        member.acknowledge(&server, &events).await;
        all.extend(events);
    }
    assert_eq!(get_group(&server).await.group.unwrap().parked_events, 0);
    let each: std::collections::BTreeSet<_> = positions(&all).into_iter().collect();
    assert_eq!(each.len(), 20, "each once");
}

#[tokio::test]
async fn an_event_that_kills_each_member_is_parked_and_none_that_was_with_it() {
    const KILLS: i64 = 7;
    let server = server().await;
    place_many(&server, 20).await;
    let mut done = std::collections::BTreeSet::new();
    let group = async || get_group(&server).await.group.unwrap();
    while done.is_empty() || group().await.parked_events == 0 {
        let mut member = Member::join(&server, "one").await;
        loop {
            let events = tokio::select! {
                events = member.take() => events,
                () = async { eventually!(group().await.parked_events > 0, "it is parked") } => break,
            };
            if positions(&events).contains(&KILLS) {
                break;
            }
            member.acknowledge(&server, &events).await;
            done.extend(positions(&events));
        }
        leave(&server, member).await;
    }
    let mut member = Member::join(&server, "one").await;
    while done.len() < 19 {
        let events = member.take().await;
        member.acknowledge(&server, &events).await;
        done.extend(positions(&events));
    }
    assert!(!done.contains(&KILLS));
    assert_eq!((group().await.parked_events, group().await.parked_keys), (1, 1));
}

/// Members that answer all the time, and are many, are no less careful with what drives them away.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_kills_each_member_is_found_among_members_that_have_much_to_do() {
    const KILLS: i64 = 5;
    let server = server().await;
    place_many(&server, 20).await;
    let group = async || get_group(&server).await.group.unwrap();
    let mut members = [Member::join(&server, "one").await, Member::join(&server, "two").await];
    let mut deaths = 0;
    while group().await.parked_events == 0 {
        place_many(&server, 5).await;
        for member in &mut members {
            let Ok(events) = tokio::time::timeout(Duration::from_millis(20), member.take()).await else {
                continue;
            };
            if positions(&events).contains(&KILLS) {
                deaths += 1;
                *member = Member::join(&server, &format!("{deaths}")).await;
            } else {
                let done = member.say(&server, positions(&events), Vec::new()).await;
                done.unwrap();
            }
        }
    }
    assert_eq!((group().await.parked_events, group().await.parked_keys), (1, 1));
    assert!(deaths < 20, "{deaths} members are a high price");
}

#[tokio::test]
async fn a_takeover_brings_a_member_no_more_than_it_may_have() {
    let server = server().await;
    place_many(&server, 30).await;
    let mut gone = Member::join(&server, "gone").await;
    gone.take_count(30).await;
    drop(gone);
    let mut member = Member::open(&server, "one", joining_with("one", 3)).await;
    let mut all = Vec::new();
    while all.len() < 30 {
        let events = member.take().await;
        assert!(events.len() <= 3, "{}", events.len());
        member.acknowledge(&server, &events).await;
        all.extend(events);
    }
    assert_each_once_in_order(&all, 30);
}

/// The time to which a member's lease reaches tells whether its stream has written.
#[tokio::test]
async fn commits_that_are_nothing_to_a_member_do_not_make_its_stream_write() {
    let server = server_with(&[("LEASE_MS", "60000")]).await;
    let group = Group { name: GROUP.to_owned(), member: "one".to_owned(), ..Group::default() };
    let filter = Some(EventFilter { types: vec!["OrderCancellationRequested".to_owned()], keys: Vec::new() });
    let request = SubscribeRequest { group: Some(group), filter, ..SubscribeRequest::default() };
    let _member = Member::open(&server, "one", request).await;
    let mut leases = std::collections::BTreeSet::new();
    let start = std::time::Instant::now();
    for _ in 0..40 {
        place(&server).await;
        let lease = get_group(&server).await.members[0].lease_expire_time.unwrap();
        leases.insert((lease.seconds, lease.nanos));
    }
    let may = 3 + start.elapsed().as_secs();
    assert!(leases.len() as u64 <= may, "{} writes for 40 commits of others", leases.len());
    eventually!(get_group(&server).await.group.unwrap().lag_events == 0, "its progress is written in time");
}

#[tokio::test]
async fn a_lease_that_ran_out_is_lost_although_nobody_has_taken_the_slots() {
    let mut server = server().await;
    place(&server).await;
    let mut member = Member::join(&server, "one").await;
    let events = member.take_count(1).await;
    server.start_again().await;
    let refusal = eventually!(
        member.say(&server, Vec::new(), Vec::new()).await.err(),
        "a lease that nothing renews runs out"
    );
    refused(&refusal, Code::Aborted, "LEASE_LOST");
    let late = member.say(&server, positions(&events), Vec::new()).await.unwrap_err();
    refused(&late, Code::Aborted, "LEASE_LOST");
    assert_eq!(get_group(&server).await.group.unwrap().unacknowledged_events, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_says_closing_and_frees_the_slots_at_once() {
    let mut server = server_with(&[("LEASE_MS", "600000")]).await;
    place_many(&server, 5).await;
    let mut member = Member::join(&server, "one").await;
    let events = member.take_count(5).await;
    member.acknowledge(&server, &events[..2]).await;
    let reading = tokio::spawn(async move { member.stream.read_to_end().await });
    let ended = server.terminate().await;
    assert!(ended.took < Duration::from_secs(5), "it took {:?}", ended.took);
    assert_eq!(reading.await.unwrap(), ordermesh_proto::feed::v1::ClosingReason::ServerShutdown);
    server.start_again().await;
    assert_eq!(get_group(&server).await.members, [], "a lease of ten minutes holds nothing up");
    let mut next = Member::join(&server, "next").await;
    assert_eq!(next.assignment.slots.len(), 64);
    assert_eq!(positions(&next.take_count(3).await), positions(&events[2..]));
}

#[tokio::test]
async fn a_heartbeat_breaks_the_silence_of_a_member_that_asked_for_it() {
    let server = server().await;
    let interval = prost_types::Duration { seconds: 0, nanos: 100_000_000 };
    let request = SubscribeRequest { heartbeat_interval: Some(interval), ..joining("one") };
    let mut member = Member::open(&server, "one", request).await;
    for _ in 0..3 {
        member.stream.read_until("a heartbeat", |frame| matches!(frame, Frame::Heartbeat(_))).await;
    }
    place(&server).await;
    assert_eq!(positions(&member.take().await), [1]);
}
