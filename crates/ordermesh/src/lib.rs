//! The ordermesh program: every server of the platform in one binary, and the command line for people.
//!
//! # Layout
//! - [`contexts`]: the one list of the contexts that the program knows
//! - [`run`]: starts contexts behind listeners; `main` and the tests call the same function
//! - [`cli`]: the command line: `dev`, `serve`, `config`, `contracts`, the verbs that contexts bring, and the program's own
//! - `attention`: parked keys in the queue of what needs a person
//! - `bench`: measures this build beside baselines
//! - [`verbs`]: the program's own verbs: `feed …`, which talks gRPC to a running server, and `store …` on a database

mod attention;
mod bench;
pub mod cli;
pub mod contexts;
pub mod run;
pub mod verbs;
