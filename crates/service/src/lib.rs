//! What every server of ordermesh shares: configuration, databases, start-up, shutdown, health, reflection, errors.
//!
//! # Layout
//! - [`attention`]: the queue of what needs a person
//! - [`around`]: a tower layer made of what is to become of a call's answer
//! - [`caller`]: who calls
//! - [`config`]: file, environment and flags to typed settings; secrets masked; unknown keys refused by name
//! - [`database`]: opens a context's database and brings its tables up to date
//! - [`environment`]: what a context is given when it starts
//! - [`server`]: the one way to serve: listeners and a shutdown signal in, gRPC and HTTP out
//! - [`http`]: what is served over plain HTTP
//! - [`patience`]: bounds how long a call waits for its answer
//! - [`rescue`]: gives every error its ErrorInfo
//! - [`secret`]: a secret of the settings
//! - [`telemetry`]: what is logged, and how

pub mod around;
pub mod attention;
pub mod caller;
pub mod config;
pub mod database;
pub mod environment;
pub mod http;
pub mod patience;
pub mod rescue;
pub mod secret;
pub mod server;
pub mod telemetry;

pub use caller::Caller;
pub use database::Database;
pub use environment::{Environment, StartError};
pub use secret::Secret;
pub use server::Services;
