//! The arrows between our crates, as cargo knows them.

use std::fs;

use cargo_metadata::{DependencyKind, MetadataCommand, Package, TargetKind};

use crate::{assert_none, root};

const PROTO: &str = "ordermesh-proto";
const KERNEL: &str = "ordermesh-kernel";
const FEED: &str = "ordermesh-feed";
const MESH: &str = "ordermesh-mesh";
const SERVICE: &str = "ordermesh-service";
/// What the verbs of the command line share. Servers have no use for it.
const CONSOLE: &str = "ordermesh-console";
/// PostgreSQL for development and tests: no part of what servers are made of.
const CLUSTER: &str = "ordermesh-cluster";
const TESTKIT: &str = "ordermesh-testkit";
/// The checker of running systems: it knows the contracts only.
const VERIFY: &str = "ordermesh-verify";
const PROGRAM: &str = "ordermesh";
/// What everybody builds on; all other crates but the program and testkit are contexts.
const FRAME: [&str; 6] = [PROTO, KERNEL, FEED, MESH, SERVICE, CONSOLE];

/// An arrow: who depends on whom, and for what.
pub type Arrow = (String, String, DependencyKind);

fn packages() -> Vec<Package> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps().other_options(["--offline".to_owned()]);
    command.exec().unwrap().packages
}

/// Every arrow of our crates.
pub fn arrows() -> Vec<Arrow> {
    let arrows = packages().into_iter().flat_map(|package| {
        let from = package.name.to_string();
        package
            .dependencies
            .into_iter()
            .map(move |dependency| (from.clone(), dependency.name, dependency.kind))
    });
    let arrows: Vec<_> = arrows.collect();
    assert!(arrows.len() > 50, "cargo knows our dependencies");
    arrows
}

fn is_ours(name: &str) -> bool {
    name == PROGRAM || name.starts_with("ordermesh-")
}

fn is_context(name: &str) -> bool {
    is_ours(name) && !FRAME.contains(&name) && ![PROGRAM, TESTKIT, CLUSTER, VERIFY].contains(&name)
}

/// Arrows of `from` to crates of ours that are not among `allowed`. Tests may use testkit, too.
fn wrong(arrows: &[Arrow], from: impl Fn(&str) -> bool, allowed: &[&str]) -> Vec<String> {
    let for_tests = |kind: &DependencyKind, to: &str| *kind == DependencyKind::Development && to == TESTKIT;
    let wrong = arrows.iter().filter(|(package, to, kind)| {
        from(package) && is_ours(to) && !allowed.contains(&to.as_str()) && !for_tests(kind, to)
    });
    wrong.map(|(package, to, kind)| format!("{package} -> {to} ({kind})")).collect()
}

#[test]
fn the_kernel_depends_on_nothing_of_ours() {
    assert_none(&wrong(&arrows(), |name| name == KERNEL, &[]), "take these out of crates/kernel/Cargo.toml:");
}

#[test]
fn the_contracts_depend_on_prost_and_tonic_only() {
    let family = ["prost", "prost-types", "tonic", "tonic-prost", "tonic-types"];
    let others: Vec<_> = arrows()
        .into_iter()
        .filter(|(from, to, kind)| {
            from == PROTO && *kind == DependencyKind::Normal && !family.contains(&to.as_str())
        })
        .map(|(_, to, _)| to)
        .collect();
    assert_none(&others, "whoever uses the contracts gets these too; move what needs them out of proto/:");
}

#[test]
fn the_frame_depends_on_kernel_and_contracts_only() {
    let frame = |name: &str| [FEED, MESH, SERVICE, CONSOLE].contains(&name);
    let wrong = wrong(&arrows(), frame, &[KERNEL, PROTO]);
    assert_none(
        &wrong,
        "feed, mesh, service and console do not know each other; what joins them belongs into a context:",
    );
}

#[test]
fn a_context_depends_on_the_frame_only_and_never_on_another_context() {
    let what_to_do =
        "contexts meet in the contracts: use the other one's service or feed instead of its crate:";
    assert_none(&wrong(&arrows(), is_context, &FRAME), what_to_do);
}

#[test]
fn only_the_program_knows_contexts_and_nobody_knows_the_program() {
    let wrong: Vec<_> = arrows()
        .into_iter()
        .filter(|(from, to, _)| {
            to == PROGRAM || (is_context(to) && ![PROGRAM, TESTKIT].contains(&from.as_str()))
        })
        .map(|(from, to, kind)| format!("{from} -> {to} ({kind})"))
        .collect();
    assert_none(
        &wrong,
        "turn these arrows round; crates/ordermesh/src/contexts.rs joins what must run together:",
    );
}

#[test]
fn the_checker_of_running_systems_knows_the_contracts_only_and_only_the_program_and_testkit_know_it() {
    assert_none(
        &wrong(&arrows(), |name| name == VERIFY, &[PROTO]),
        "what it checks it asks the servers for; take these out of crates/verify/Cargo.toml:",
    );
    let strangers: Vec<_> = arrows()
        .into_iter()
        .filter(|(from, to, _)| to == VERIFY && ![PROGRAM, TESTKIT].contains(&from.as_str()))
        .map(|(from, ..)| from)
        .collect();
    assert_none(&strangers, "a server does not judge itself; take ordermesh-verify out of:");
}

#[test]
fn only_the_program_and_testkit_know_the_cluster_which_knows_nothing_of_ours() {
    let strangers: Vec<_> = arrows()
        .into_iter()
        .filter(|(from, to, _)| to == CLUSTER && ![PROGRAM, TESTKIT].contains(&from.as_str()))
        .map(|(from, ..)| from)
        .collect();
    assert_none(&strangers, "servers are given a URL; take ordermesh-cluster out of:");
    assert_none(
        &wrong(&arrows(), |name| name == CLUSTER, &[]),
        "take these out of crates/cluster/Cargo.toml:",
    );
}

#[test]
fn testkit_is_for_tests_only() {
    let wrong: Vec<_> = arrows()
        .into_iter()
        .filter(|(_, to, kind)| to == TESTKIT && *kind != DependencyKind::Development)
        .map(|(from, ..)| from)
        .collect();
    assert_none(&wrong, "move ordermesh-testkit to [dev-dependencies] of:");
}

#[test]
fn the_program_is_the_only_binary() {
    let binaries = packages().into_iter().flat_map(|package| {
        let binaries = package.targets.into_iter().filter(|target| target.kind.contains(&TargetKind::Bin));
        binaries.map(move |target| format!("{} of {}", target.name, package.name))
    });
    let binaries: Vec<_> = binaries.collect();
    assert_eq!(
        binaries,
        ["ordermesh of ordermesh"],
        "`cargo run` must know what to run: make others a verb of it"
    );
}

#[test]
fn every_dependency_of_a_crate_is_declared_once_in_the_workspace() {
    let mut faults = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let manifest = entry.unwrap().path().join("Cargo.toml");
        let toml = fs::read_to_string(&manifest).unwrap();
        let faults_here = not_of_the_workspace(&toml);
        faults.extend(faults_here.into_iter().map(|name| format!("{}: {name}", manifest.display())));
    }
    assert_none(&faults, "write `name.workspace = true` and the rest into [workspace.dependencies]:");
}

/// Dependencies of a manifest that do not come from the workspace.
fn not_of_the_workspace(manifest: &str) -> Vec<String> {
    let table: toml::Table = manifest.parse().unwrap();
    let sections = table.iter().filter(|(name, _)| name.ends_with("dependencies"));
    let entries = sections.filter_map(|(_, section)| section.as_table()).flatten();
    let foreign =
        entries.filter(|(_, entry)| entry.get("workspace").and_then(toml::Value::as_bool) != Some(true));
    let mut names: Vec<_> = foreign.map(|(name, _)| name.clone()).collect();
    names.extend(table.get("target").map(|_| "[target] dependencies".to_owned()));
    names
}

#[test]
fn a_wrong_arrow_is_found() {
    let normal = DependencyKind::Normal;
    let arrow = |from: &str, to: &str, kind| (from.to_owned(), to.to_owned(), kind);
    let arrows = [
        arrow("ordermesh-inventory", "ordermesh-order-command", normal),
        arrow("ordermesh-inventory", FEED, normal),
        arrow("ordermesh-inventory", TESTKIT, DependencyKind::Development),
        arrow("ordermesh-inventory", "serde", normal),
        arrow(FEED, SERVICE, normal),
        arrow("ordermesh-inventory", CONSOLE, normal),
        arrow(FEED, CONSOLE, normal),
    ];
    assert_eq!(
        wrong(&arrows, is_context, &FRAME),
        ["ordermesh-inventory -> ordermesh-order-command (normal)"]
    );
    assert_eq!(
        wrong(&arrows, |name| name == FEED, &[KERNEL, PROTO]),
        ["ordermesh-feed -> ordermesh-service (normal)", "ordermesh-feed -> ordermesh-console (normal)"]
    );
}

#[test]
fn a_dependency_that_is_not_of_the_workspace_is_found() {
    let manifest =
        "[dependencies]\na.workspace = true\nb = \"1\"\n[dev-dependencies]\nc = { path = \"../c\" }";
    assert_eq!(not_of_the_workspace(manifest), ["b", "c"]);
}
