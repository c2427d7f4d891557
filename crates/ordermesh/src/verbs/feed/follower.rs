//! Who follows a feed and has parked events: a group of the write server, or a consumer of the server that is asked.

use clap::Args;
use ordermesh_console::failure::Service;

use super::services;

/// Whose parking.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false, id = "follower")]
pub struct Follower {
    /// A consumer group, as `feed groups` lists it
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// A consumer such as order-query, as `feed lag` lists it
    #[arg(long, value_name = "CONSUMER")]
    consumer: Option<String>,
}

/// A follower by its kind and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Its progress is the server's.
    Group(String),
    /// Its progress is its own.
    Consumer(String),
}

impl Follower {
    /// Who is meant.
    pub fn whose(self) -> Whose {
        // The command line has exactly one of the two.
        match (self.group, self.consumer) {
            (Some(group), _) => Whose::Group(group),
            (None, consumer) => Whose::Consumer(consumer.unwrap_or_default()),
        }
    }

    /// The service that looks after its parking.
    pub fn service(&self) -> Service {
        match self.group {
            Some(_) => services::EVENTS,
            None => services::CONSUMERS,
        }
    }
}

impl Whose {
    /// The options that name it, for the command to run next.
    pub fn flag(&self) -> String {
        match self {
            Self::Group(group) => format!("--group {group}"),
            Self::Consumer(consumer) => format!("--consumer {consumer}"),
        }
    }
}
