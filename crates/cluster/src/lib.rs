//! A PostgreSQL server of one's own, for `ordermesh dev --postgres`, the tests and `scripts/postgres`.
//!
//! It is made by the installed programs of PostgreSQL 15 or later, listens on 127.0.0.1 only, and trusts everybody who
//! reaches it: never use it for data that matters. It waits for the disk as a real one does.
//!
//! # Layout
//! - [`Binaries`]: where PostgreSQL's programs are
//! - [`Owner`]: who runs the server, which refuses root
//! - [`Cluster`]: makes, starts, ends, kills and freezes one

mod binaries;
mod cluster;
mod owner;
mod process;

pub use binaries::Binaries;
pub use cluster::Cluster;
pub use owner::Owner;

use std::io;
use std::path::PathBuf;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The programs are not installed.
    #[error(
        "no PostgreSQL {} or later is installed (looked for initdb and postgres in /usr/lib/postgresql/*/bin and on the \
         PATH); with Debian or Ubuntu: apt-get install postgresql",
        binaries::OLDEST
    )]
    NotInstalled,
    /// The server refuses to run as root, and there is nobody else to run it.
    #[error("PostgreSQL refuses to run as root, and this machine has neither a user postgres nor nobody")]
    NobodyToRunIt,
    /// Another process uses the directory.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it said.
        output: String,
    },
    /// A file, a port or a process cannot be had.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        error: io::Error,
    },
}

impl ClusterError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }
}
