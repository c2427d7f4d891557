//! The test harness of ordermesh: the real program on port 0, valid requests to change, and judges of answers.
//!
//! But for [`house`] it knows the contracts and nothing behind them: what it tells of a server, any client could have
//! seen. A test gives it the program's path, `env!("CARGO_BIN_EXE_ordermesh")`, so that no crate depends on the program.
//!
//! # Layout
//! - [`server`]: starts, kills and ends the program
//! - [`backend`]: which database a run is for, and the databases of a test
//! - [`postgres`]: a PostgreSQL server of a test's own
//! - [`proxy`]: a wire to it that can be interrupted
//! - [`client`]: typed clients, and calls with raw bytes
//! - [`order`]: valid commands to start from
//! - [`stock`]: the same for stock
//! - [`orders`]: many orders at once, placed and listed
//! - [`problem`]: what a refusal says, and the assertion on it
//! - [`error_page`]: a page of docs/errors beside the server's answers
//! - [`feed`]: reads a feed to its end or along with it
//! - [`history`]: whether a log, and what clients and subscribers saw of it, keep what the platform promises
//! - [`fold`]: the orders that a log makes
//! - [`house`]: a log in a database of its own, for tests of what serves and keeps logs
//! - [`random`]: random numbers that can be had again
//! - [`rows`]: the rows of a database
//! - [`shop`]: a shop at work: who buys, ships, cancels and returns, and the checker of all invariants
//! - [`wait`]: [`eventually!`], the one way to wait for something

pub mod backend;
pub mod client;
pub mod error_page;
pub mod feed;
pub mod fold;
pub mod history;
pub mod house;
pub mod order;
pub mod orders;
pub mod postgres;
pub mod problem;
pub mod proxy;
pub mod random;
pub mod rows;
pub mod server;
pub mod shop;
pub mod stock;
pub mod wait;

pub use backend::Backend;
pub use feed::{Subscription, read_feed};
pub use fold::fold_orders;
pub use history::assert_log_is_sound;
pub use order::{cancel, euro, money, order};
pub use postgres::Postgres;
pub use problem::{assert_refused, problem};
pub use proxy::Proxy;
pub use server::{Launch, Server};
pub use shop::Shop;
