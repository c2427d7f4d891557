//! Several members: they share the slots, and take over from those that are gone.

use std::collections::BTreeSet;

use ordermesh_testkit::eventually;
use tonic::Code;

use crate::*;

/// Reads frames of both until each has half of the slots.
pub async fn settle(one: &mut Member, two: &mut Member) {
    while one.assignment.slots.len() != 32 {
        one.frame().await.unwrap();
    }
    while two.assignment.slots.len() != 32 {
        two.frame().await.unwrap();
    }
}

#[tokio::test]
async fn two_members_share_the_keys_and_each_event_goes_to_one_of_them_in_order() {
    let server = server().await;
    let mut one = Member::join(&server, "one").await;
    assert_eq!(one.assignment.slots.len(), 64);
    let mut two = Member::join(&server, "two").await;
    settle(&mut one, &mut two).await;
    let all: BTreeSet<i32> = one.assignment.slots.iter().chain(&two.assignment.slots).copied().collect();
    assert_eq!(all.len(), 64, "no slot has two owners");
    for _ in 0..40 {
        let id = place(&server).await;
        cancel_order(&server, &id).await;
    }
    let mut events = Vec::new();
    let mut counts = [0, 0];
    while events.len() < 120 {
        tokio::select! {
            taken = one.take() => { one.acknowledge(&server, &taken).await; counts[0] += taken.len(); events.extend(taken); }
            taken = two.take() => { two.acknowledge(&server, &taken).await; counts[1] += taken.len(); events.extend(taken); }
        }
    }
    assert_each_once_in_order(&events, 120);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    eventually!(get_group(&server).await.group.unwrap().lag_events == 0, "nothing is left");
}

#[tokio::test]
async fn a_member_that_leaves_gives_its_slots_to_the_others_with_what_it_had() {
    let server = server().await;
    let mut one = Member::join(&server, "one").await;
    let mut two = Member::join(&server, "two").await;
    settle(&mut one, &mut two).await;
    place_many(&server, 20).await;
    let mut events = one.take().await;
    let had = two.take().await;
    assert!(!had.is_empty());
    drop(two);
    while events.len() < 20 {
        events.extend(one.take().await);
    }
    assert_each_once_in_order(&events, 20);
    assert_eq!(one.assignment.slots.len(), 64);
}

#[tokio::test]
async fn a_newer_stream_of_a_member_ends_the_older_one_whose_epoch_counts_no_more() {
    let server = server().await;
    place(&server).await;
    let mut older = Member::join(&server, "one").await;
    let events = older.take().await;
    let mut newer = Member::join(&server, "one").await;
    assert!(newer.assignment.epoch > older.assignment.epoch);
    let refusal = older.say(&server, positions(&events), Vec::new()).await.unwrap_err();
    refused(&refusal, Code::Aborted, "LEASE_LOST");
    refused(&older.end().await, Code::Aborted, "LEASE_LOST");
    let again = newer.take().await;
    assert_eq!(positions(&again), positions(&events));
    assert_eq!(newer.acknowledge(&server, &again).await, 1);
}

#[tokio::test]
async fn the_slots_of_a_killed_servers_members_move_when_the_lease_is_over() {
    let mut server = server().await;
    place_many(&server, 10).await;
    let mut gone = Member::join(&server, "gone").await;
    let events = gone.take_count(10).await;
    server.start_again().await;
    let mut next = Member::join(&server, "next").await;
    let again = next.take_count(10).await;
    assert_eq!(positions(&again), positions(&events));
    assert_eq!(next.assignment.slots.len(), 64);
    let group = get_group(&server).await;
    assert_eq!(group.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["next"]);
    assert!(group.slots.iter().all(|slot| slot.member == "next"));
}
