//! Which keys of a parking a verb is about.

use std::collections::BTreeSet;

use clap::Args;
use ordermesh_console::connect::Session;
use ordermesh_console::failure::Failure;

use super::follower::Whose;
use super::parked;

/// Some keys, or all that are parked: never all by leaving them out.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false, id = "which")]
pub struct Keys {
    /// The events of this key, which is an order id; may be repeated
    #[arg(long = "key", value_name = "KEY")]
    pub keys: Vec<String>,
    /// All that are parked
    #[arg(long)]
    pub all: bool,
}

impl Keys {
    /// The keys by name, each once; `--all` asks the server which there are.
    pub async fn named(&self, session: &Session, whose: &Whose) -> Result<Vec<String>, Failure> {
        if !self.all {
            let mut seen = BTreeSet::new();
            return Ok(self.keys.iter().filter(|key| seen.insert(*key)).cloned().collect());
        }
        let rows = parked::rows(session, whose, "").await?;
        let keys: BTreeSet<_> = rows.into_iter().map(|row| row.envelope.key).collect();
        Ok(keys.into_iter().collect())
    }
}
