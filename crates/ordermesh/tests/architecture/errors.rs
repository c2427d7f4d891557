//! Every reason that an error can have is documented, and nothing else is.

use std::collections::BTreeSet;
use std::fs;

use ordermesh_proto::DESCRIPTORS;
use prost_reflect::DescriptorPool;

use crate::{assert_none, root};

/// All reasons of the contracts, as ErrorInfo carries them.
fn all() -> Vec<String> {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let mut reasons = Vec::new();
    for enumeration in pool.all_enums().filter(|enumeration| enumeration.name().ends_with("ErrorReason")) {
        let values: Vec<_> = enumeration.values().map(|value| value.name().to_owned()).collect();
        let prefix = values[0].strip_suffix("UNSPECIFIED").unwrap();
        reasons.extend(values[1..].iter().map(|value| value.strip_prefix(prefix).unwrap().to_owned()));
    }
    reasons
}

fn reasons() -> BTreeSet<String> {
    let reasons: BTreeSet<_> = all().into_iter().collect();
    assert!(reasons.contains("ORDER_NOT_FOUND") && reasons.len() > 20, "{reasons:?}");
    reasons
}

#[test]
fn every_reason_has_a_page_that_begins_with_its_name() {
    let page = |reason: &String| {
        fs::read_to_string(root().join(format!("docs/errors/{reason}.md"))).unwrap_or_default()
    };
    let starts = |reason: &String| page(reason).starts_with(&format!("# {reason}\n"));
    let missing: Vec<_> = reasons().into_iter().filter(|reason| !starts(reason)).collect();
    assert_none(&missing, "write docs/errors/<REASON>.md: what it means, what the caller does:");
}

#[test]
fn every_page_is_of_a_reason_and_in_the_table() {
    let table = fs::read_to_string(root().join("docs/errors/README.md")).unwrap();
    let reasons = reasons();
    let untold = reasons.iter().filter(|reason| !table.contains(&format!("[{reason}]({reason}.md)")));
    let mut faults: Vec<_> =
        untold.map(|reason| format!("{reason} is not in docs/errors/README.md")).collect();
    for entry in fs::read_dir(root().join("docs/errors")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let reason = name.trim_end_matches(".md");
        if reason != "README" && !reasons.contains(reason) {
            faults.push(format!("docs/errors/{name} is of no reason"));
        }
    }
    assert_none(&faults, "bring docs/errors and the contracts together:");
}

#[test]
fn no_two_contexts_have_a_reason_of_the_same_name() {
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = all().into_iter().filter(|reason| !seen.insert(reason.clone())).collect();
    assert_none(&twice, "a client decides by the reason alone; give one of these another name:");
}
