//! Verbs.

use ordermesh_console::verb::Verbs;

/// The verbs of this context.
pub fn verbs() -> Vec<Verbs> {
    vec![]
}
