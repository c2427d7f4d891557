//! The house's rules, as tests: arrows between crates, what each layer may name, and that errors are documented.
//! docs/architecture.md says why each rule is there.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod dependencies;
mod errors;
mod layers;
mod scan;

use std::path::{Path, PathBuf};

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Fails with what to do and everything that is against it.
#[track_caller]
fn assert_none(faults: &[String], what_to_do: &str) {
    assert!(faults.is_empty(), "{what_to_do}\n  {}", faults.join("\n  "));
}
