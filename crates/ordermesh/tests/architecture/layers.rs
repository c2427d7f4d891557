//! What each layer may name.

use std::collections::BTreeSet;

use crate::dependencies::arrows;
use crate::scan::{Named, Source, paths, sources};
use crate::{assert_none, root};

/// Where tonic may be named, and why. It is in maintenance in favour of grpc-rust: a switch touches these places.
const TONIC: [(&str, &str); 21] = [
    ("build.rs", "generates the contracts"),
    ("proto/", "the contracts: generated code, the codec, the shape of an error"),
    ("crates/mesh/", "client and server stacks"),
    ("crates/service/", "starts servers and connects to peers"),
    ("crates/feed/src/serve.rs", "the feed's wire: serving"),
    ("crates/feed/src/serve/", "the feed's wire: serving"),
    ("crates/feed/src/consume.rs", "the feed's wire: consuming"),
    ("crates/feed/src/consume/", "the feed's wire: consuming"),
    ("crates/feed/src/commit/problem.rs", "the code of what every context's commands fail with"),
    ("crates/feed/src/project.rs", "the feed's wire: the service of the projections"),
    ("crates/feed/src/group.rs", "the feed's wire: streams and calls of consumer groups"),
    ("crates/feed/src/group/", "the feed's wire: streams and calls of consumer groups"),
    ("crates/feed/src/project/", "the feed's wire: the service of the projections"),
    ("crates/*/src/grpc.rs", "a context's services: wire to domain and back"),
    ("crates/*/src/grpc/", "a context's services: wire to domain and back"),
    ("crates/*/src/cli.rs", "a context's verbs: they are clients"),
    ("crates/*/src/cli/", "a context's verbs: they are clients"),
    ("crates/console/", "what verbs share: they are clients"),
    ("crates/ordermesh/", "the program: starts servers; its verbs are clients"),
    ("crates/testkit/", "clients of what is tested"),
    ("crates/verify/", "a client of all servers"),
];

/// Where a context's verbs are.
const VERBS: [&str; 2] = ["crates/*/src/cli.rs", "crates/*/src/cli/"];
/// What servers are made of.
const INSIDES: [&str; 4] = ["ordermesh_feed", "ordermesh_service", "ordermesh_mesh", "sea_orm"];

/// Crates that a domain may name.
const DOMAIN: [&str; 3] = ["ordermesh_kernel", "thiserror", "uuid"];

fn faults(is_subject: impl Fn(&Source) -> bool, is_wrong: impl Fn(&Source, &Named) -> bool) -> Vec<String> {
    let (mut faults, mut subjects) = (Vec::new(), 0);
    for source in sources(&root()).into_iter().filter(is_subject) {
        subjects += 1;
        let wrong = source.paths().into_iter().filter(|named| is_wrong(&source, named));
        faults.extend(wrong.map(|named| source.fault(&named)));
    }
    assert!(subjects > 0, "the rule is about no file at all: its places have moved");
    faults
}

fn is_test(source: &Source) -> bool {
    source.is_in(&["crates/*/tests/"])
}

fn first(named: &Named) -> &str {
    &named.segments[0]
}

#[test]
fn a_domain_knows_the_kernel_and_itself_only() {
    let domain = ["crates/*/src/domain.rs", "crates/*/src/domain/"];
    let crates = crates();
    let faults =
        faults(|source| source.is_in(&domain), |source, named| leaves_domain(&source.place, named, &crates));
    assert_none(
        &faults,
        "a domain is pure: hand it what it needs as an argument, or move this to another layer:",
    );
}

/// Every crate that any crate of ours depends on, as code names it.
fn crates() -> BTreeSet<String> {
    arrows().into_iter().map(|(_, to, _)| to.replace('-', "_")).collect()
}

/// Whether a path leads out of the domain: into another layer, or into a crate that is not allowed there.
fn leaves_domain(place: &str, named: &Named, crates: &BTreeSet<String>) -> bool {
    let root = first(named);
    leaves_layer("domain", place, named) || (crates.contains(root) && !DOMAIN.contains(&root))
}

/// Whether a path leads from a file of the layer into another one of the same crate.
fn leaves_layer(layer: &str, place: &str, named: &Named) -> bool {
    let below = place.split(&format!("/{layer}/")).nth(1);
    let in_folder = below.map_or(0, |below| below.split('/').count());
    // A mod.rs stands for its folder, so that its `super` leads one further up.
    let depth = if place.ends_with("/mod.rs") { in_folder - 1 } else { in_folder };
    match first(named) {
        "crate" => named.segments[1] != layer,
        "super" => named.segments.iter().take_while(|segment| *segment == "super").count() > depth,
        _ => false,
    }
}

#[test]
fn a_verb_is_a_client_and_knows_nothing_of_its_contexts_insides() {
    let faults = faults(
        |source| source.is_in(&VERBS) && !is_of_program(source),
        |source, named| leaves_layer("cli", &source.place, named) || INSIDES.contains(&first(named)),
    );
    assert_none(&faults, "a verb may run far from the server: ask for this over the contract:");
}

#[test]
fn only_verbs_know_the_console() {
    let own = ["crates/console/"];
    let faults = faults(
        |source| !source.is_in(&VERBS) && !source.is_in(&own) && !is_of_program(source),
        |_, named| first(named) == "ordermesh_console",
    );
    assert_none(&faults, "a server has no console; move this into the context's cli:");
}

fn is_of_program(source: &Source) -> bool {
    source.is_in(&["crates/ordermesh/"])
}

#[test]
fn tonic_is_named_only_where_the_wire_is() {
    let places = TONIC.map(|(place, _)| place);
    let names_tonic = |named: &Named| first(named) == "tonic" || first(named).starts_with("tonic_");
    let faults = faults(|source| !source.is_in(&places) && !is_test(source), |_, named| names_tonic(named));
    assert_none(&faults, "move this into grpc.rs, or give the place and its reason in TONIC of this test:");
}

#[test]
fn rows_stop_at_the_store() {
    let is_entity = |named: &Named| named.segments.iter().any(|segment| segment == "entity");
    let faults = faults(
        |source| source.is_in(&["crates/*/src/"]) && !source.is_in(&["crates/*/src/store/"]),
        |_, named| is_entity(named),
    );
    assert_none(&faults, "give the store a function that speaks the domain's or the read model's own types:");
}

#[test]
fn commands_and_domains_do_not_know_the_wire() {
    let inner = ["crates/*/src/domain/", "crates/*/src/command/"];
    let faults = faults(|source| source.is_in(&inner), |_, named| first(named) == "ordermesh_proto");
    assert_none(
        &faults,
        "generated types stop at grpc.rs and the codec; parse them into the domain's there:",
    );
}

#[test]
fn tests_wait_for_conditions_and_do_not_sleep() {
    // The one place that may, and tells when.
    let excepted = ["crates/testkit/src/wait.rs"];
    let faults = faults(
        |source| !source.is_in(&excepted),
        |source, named| is_sleep(named) && named.line >= first_test_line(source),
    );
    assert_none(&faults, "wait with ordermesh_testkit::eventually!, or for the next message of a stream:");
}

/// From where on a source is of a test: all of it, its module of tests, or nothing.
fn first_test_line(source: &Source) -> usize {
    let is_whole =
        is_test(source) || source.is_in(&["crates/testkit/"]) || source.place.ends_with("/tests.rs");
    let module = || source.text.lines().position(|line| line.trim() == "#[cfg(test)]");
    if is_whole { 0 } else { module().unwrap_or(usize::MAX) }
}

fn is_sleep(named: &Named) -> bool {
    named.segments.last().is_some_and(|last| ["sleep", "sleep_until", "sleep_ms"].contains(&last.as_str()))
}

#[test]
fn every_source_says_in_its_first_line_what_it_is() {
    let silent = sources(&root()).into_iter().filter(|source| !source.text.starts_with("//! "));
    let silent: Vec<_> = silent.map(|source| source.place).collect();
    assert_none(&silent, "start with `//!` and what the module owns, publishes or reacts to:");
}

#[test]
fn what_leaves_a_domain_is_found() {
    let crates = crates();
    let leaves = |place, code| paths(code).iter().any(|named| leaves_domain(place, named, &crates));
    let (file, folder) = ("crates/x/src/domain/order.rs", "crates/x/src/domain/mod.rs");
    for bad in [
        "use crate::store::Rows;",
        "use crate::{domain::Order, grpc};",
        "use tonic::Status;",
        "fn f() -> sea_orm::DbErr {}",
        "use ordermesh_proto::order::v1;",
        "use super::super::store;",
    ] {
        assert!(leaves(file, bad), "{bad}");
    }
    assert!(leaves(folder, "use super::store;"));
    for good in [
        "use super::Order;",
        "use std::fmt; impl fmt::Display for X {}",
        "use ordermesh_kernel::{Money, text::is};",
        "use crate::domain::Line;",
        "#[derive(thiserror::Error)] struct X;",
        "// use tonic::Status",
    ] {
        assert!(!leaves(file, good), "{good}");
    }
}

#[test]
fn what_leaves_the_verbs_is_found() {
    let leaves = |place, code| paths(code).iter().any(|named| leaves_layer("cli", place, named));
    let (contents, verb) = ("crates/x/src/cli.rs", "crates/x/src/cli/get.rs");
    assert!(leaves(contents, "use super::query;") && leaves(verb, "use super::super::query;"));
    assert!(leaves(verb, "use crate::store::Rows;"));
    for good in ["use super::queries;", "use crate::cli::queries;", "use ordermesh_console::render::table;"] {
        assert!(!leaves(verb, good), "{good}");
    }
}

#[test]
fn a_module_of_tests_and_the_testkit_are_of_tests() {
    let line =
        |place: &str, text: &str| first_test_line(&Source { place: place.to_owned(), text: text.to_owned() });
    assert_eq!(line("crates/x/src/lib.rs", "fn f() {}\n\n#[cfg(test)]\nmod tests {}"), 2);
    assert_eq!(line("crates/x/src/lib.rs", "fn f() {}"), usize::MAX);
    for place in ["crates/x/src/pages/tests.rs", "crates/x/tests/shop.rs", "crates/testkit/src/lib.rs"] {
        assert_eq!(line(place, "fn f() {}"), 0, "{place}");
    }
}

#[test]
fn a_sleep_is_found_however_it_is_named() {
    for bad in ["tokio::time::sleep(x).await", "use std::{thread::sleep, fmt};", "time::sleep_until(x)"] {
        assert!(paths(bad).iter().any(is_sleep), "{bad}");
    }
    assert!(
        !paths("// tokio::time::sleep\n\"std::thread::sleep\"; tokio::time::timeout(x)").iter().any(is_sleep)
    );
}
