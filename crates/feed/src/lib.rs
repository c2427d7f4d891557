//! The event log of a context and everything about feeds.
//!
//! An event is in the log if and only if its command's change is in the database, positions are gapless and in
//! commit order, and a subscriber resumes where it was. `docs/architecture.md` tells the reasons.
//!
//! # Layout
//! - [`event`]: an event before, in and after the log; how stored bytes are spliced into the wire's form
//! - [`commit`]: the group committer: commands in, rows + events + idempotency records in one transaction
//! - [`group`]: consumer groups, whose progress the server keeps, and registered subscribers
//! - [`log`]: the log as a [`log::FeedSource`]: pages, head, and the tail in memory
//! - [`serve`]: a context's event service: Subscribe…Events and GetFeed
//! - [`publish`]: all that a context needs to publish a feed; [`follow`]: to follow others
//! - [`config`]: their settings, the same in every context; [`runtime`]: clock, tasks and shutdown
//! - [`react`]: events of another context become commands here, through the committer
//! - [`due`]: work that becomes due at a time that stands in the database
//! - [`consume`]: the consumer runtime: events in, effect + checkpoint in one transaction
//! - [`parking`]: keys that a consumer set aside, with their events
//! - [`project`]: the projections of a server: where they stand, rebuilding them
//! - [`token`]: cursors and consistency tokens
//! - [`archive`]: a log as a file: export and import
//! - [`retention`]: truncating a log, pruning by age
//! - [`store`]: tables of the log, bulk statements over sea-orm entities

pub mod archive;
pub mod commit;
pub mod config;
pub mod consume;
pub mod due;
pub mod event;
pub mod follow;
pub mod group;
pub mod log;
pub mod parking;
pub mod project;
pub mod publish;
pub mod react;
pub mod retention;
pub mod runtime;
pub mod serve;
pub mod store;
pub mod token;
