//! Command lines that contradict themselves or ask for nothing are refused before any server or database is.

use ordermesh_testkit::Launch;
use ordermesh_testkit::server::Finished;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

async fn feed(arguments: &[&str]) -> Finished {
    Launch::program(BINARY, &[&["feed"], arguments].concat()).finish().await
}

#[track_caller]
fn assert_wrong(finished: &Finished, what: &str) {
    assert!(finished.code == Some(2) && finished.stderr.contains(what), "{what:?} in {finished:#?}");
}

#[tokio::test]
async fn verbs_that_do_not_say_whose_events_or_which_are_wrong_usage() {
    for arguments in [
        ["parked"].as_slice(),
        &["parked", "--group", "a", "--consumer", "b"],
        &["replay", "--group", "a"],
        &["replay", "--group", "a", "--key", "k", "--all"],
        &["replay", "--group", "a", "--all", "--suppress-effects"],
        &["discard", "--consumer", "a"],
        &["discard", "--consumer", "a", "--all", "--up-to-position", "3"],
        &["reset-group", "a"],
        &["reset-group", "a", "--earliest", "--latest"],
        &["delete-group"],
        &["tail", "--since", "yesterday"],
    ] {
        assert_wrong(&feed(arguments).await, "error: ");
    }
}

#[tokio::test]
async fn the_verbs_of_both_order_servers_are_one_list() {
    let help = Launch::program(BINARY, &["order", "--help"]).finish().await.stdout;
    let verbs = ["place", "get", "list", "cancel", "watch", "timeline", "help"];
    let places = verbs.map(|verb| help.find(&format!("\n  {verb} ")));
    assert!(places.is_sorted() && places[0].is_some(), "{help}");
    let unknown = Launch::program(BINARY, &["order", "plac"]).finish().await;
    assert_wrong(&unknown, "a similar subcommand exists: 'place'");
}

#[tokio::test]
async fn the_nouns_of_the_contexts_stand_before_those_of_the_program() {
    let help = Launch::program(BINARY, &["--help"]).finish().await.stdout;
    let commands = ["bench", "order", "feed", "store"].map(|name| help.find(&format!("\n  {name} ")));
    assert!(commands.is_sorted() && commands[0].is_some(), "{help}");
}

#[tokio::test]
async fn verbs_on_a_database_offer_no_option_of_a_server_and_refuse_it_by_name() {
    for verb in ["export", "import", "truncate"] {
        let help = feed(&[verb, "--help"]).await.stdout;
        assert!(help.contains("--json") && !help.contains("--addr") && !help.contains("personal"), "{help}");
        for option in [["--addr", "shop:7"].as_slice(), &["--show-personal"]] {
            let refused = feed(&[&[verb], option].concat()).await;
            assert_wrong(&refused, option[0]);
            assert_wrong(&refused, "calls no server");
        }
    }
}

#[tokio::test]
async fn a_negative_number_is_told_its_range_and_not_taken_for_an_option() {
    for (verb, option, said) in [
        (["export", "--to=a"].as_slice(), "--from-position", "must be 1 or more"),
        (&["truncate", "--archive=a"], "--before-position", "must be 1 or more"),
        (&["discard", "--group=a", "--key=k"], "--up-to-position", "must be 1 or more"),
        (&["reset-group", "a"], "--after-position", "must be 0 or more"),
    ] {
        let refused = feed(&[verb, &[option, "-1"]].concat()).await;
        assert_wrong(&refused, &format!("invalid value '-1' for '{option} <N>': {said}"));
    }
}
