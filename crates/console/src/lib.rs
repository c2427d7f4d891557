//! What the verbs of the command line share, whichever context brings them: the way to a server, how results and
//! failures look, how arguments are read. A verb is a client: it knows the contracts, and no server's insides.
//!
//! # Layout
//! - [`verb`]: how a context registers its verbs, and how those of all contexts become one command line
//! - [`connect`]: the options of every verb, the address and the connection
//! - [`failure`]: why a verb failed, in plain words and as an exit code
//! - [`output`], [`json`], [`render`], [`order`], [`progress`]: results as text or as JSON
//! - [`parse`], [`address`]: what people write as arguments
//! - [`resume`]: following a stream across broken connections

pub mod address;
pub mod connect;
pub mod failure;
pub mod json;
pub mod order;
pub mod output;
pub mod parse;
pub mod progress;
pub mod render;
pub mod resume;
pub mod verb;
