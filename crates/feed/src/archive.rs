//! A log as a file: exported while servers write, imported into an empty log, kept by a truncation.
//!
//! The format stands in `ordermesh/feed/v1/archive.proto`. A file appears under its name only when it is complete and
//! on disk; whoever reads one checks all of it before the first byte of it has an effect.
//!
//! # Layout
//! - [`export`]: a log, or a range of it, to a file
//! - [`check`], [`import`]: a file, checked, into an empty log, or after what an earlier import brought
//! - [`read`](self): entries off a file, checked; [`write`](self): entries to a file

mod error;
mod export;
mod import;
mod read;
mod write;

pub use error::ArchiveError;
pub use export::{Range, export};
pub use import::{Checked, check, import};
pub use read::{ArchiveReader, Archived, verify};

pub(crate) use export::open_range;

/// What the header of every archive says it is.
const FORMAT: &str = "ordermesh feed archive";
/// The version that this program writes and reads.
const FORMAT_VERSION: i32 = 1;

/// Is told what is being done, with how many events, and how many there are in all; 0 when that is not known yet.
pub type Progress<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);
