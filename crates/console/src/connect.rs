//! The way to the server: the address that people give, the channel, and the deadline of unary calls.

use std::time::Duration;

use clap::{Arg, ArgAction, Args};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::failure::Failure;
use crate::output::Output;

const DEFAULT_ADDRESS: &str = "http://127.0.0.1:50051";

/// A person waits: an answer that takes longer than this is a failure.
const UNARY_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Who follows a silent stream still wants to notice that the other end is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// What a client takes in one message of events or of pages: a frame of a feed may hold 10,000 events, which is more than
/// tonic's default of 4 MB.
pub const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The options of every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every verb")]
pub struct Common {
    /// Address of the server
    #[arg(
        long,
        global = true,
        env = "ORDERMESH_ADDR",
        default_value = DEFAULT_ADDRESS,
        value_name = "HOST:PORT",
        value_parser = parse_address
    )]
    pub addr: Address,
    /// Print JSON with the field names of the .proto files: one document, or one line a message of a stream
    #[arg(long, global = true)]
    pub json: bool,
    /// Show personal data, which is *** otherwise
    #[arg(long, global = true)]
    pub show_personal: bool,
}

/// The options of [`Common`] that a verb on a database itself does not offer. It has them under the same ids, which keeps
/// those of every verb away, and refuses them by name: who gives one expects something that does not happen.
pub fn of_servers_only() -> [Arg; 2] {
    fn refuse<T>(_: &str) -> Result<T, String> {
        Err("this verb works on a database and calls no server".to_owned())
    }
    let hidden = |id, long| Arg::new(id).long(long).hide(true);
    [
        hidden("addr", "addr").value_name("HOST:PORT").value_parser(refuse::<Address>),
        hidden("show_personal", "show-personal")
            .action(ArgAction::Set)
            .num_args(0)
            .default_missing_value("true")
            .value_parser(refuse::<bool>),
    ]
}

/// A server's address as a URI with scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// A command on the same server for the person to run next, such as `order get ID`.
    pub fn command(&self, words: impl std::fmt::Display) -> String {
        format!("{} {words}{}", program(), self.flag())
    }

    /// What a repeated command must add to reach the same server; empty for the default address.
    fn flag(&self) -> String {
        match self.0 == DEFAULT_ADDRESS {
            true => String::new(),
            false => format!(" --addr {}", self.0.trim_start_matches("http://")),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// This program as it was started: commands in hints work as printed, whether or not it is on the PATH.
pub fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "ordermesh".to_owned())
}

/// Reads an address: `HOST:PORT`, or a URI of the scheme http.
pub fn parse_address(text: &str) -> Result<Address, String> {
    let uri = match text.split_once("://") {
        None => format!("http://{text}"),
        Some(("http", _)) => text.to_owned(),
        Some((scheme, _)) => return Err(format!("{scheme}:// is not supported, use http:// or host:port")),
    };
    match Endpoint::from_shared(uri.clone()) {
        Ok(endpoint) if endpoint.uri().port().is_some() => Ok(Address(uri.trim_end_matches('/').to_owned())),
        Ok(_) => Err("the port is missing, write host:port".to_owned()),
        Err(_) => Err("not an address, write host:port".to_owned()),
    }
}

/// A connection to the server, and where to print what it answers.
pub struct Session {
    /// Where results are printed.
    pub out: Output,
    /// The server, for hints about the next command.
    pub address: Address,
    channel: Channel,
}

impl Session {
    /// Connects before anything is sent, so that a server that is not there is told apart from one that refuses.
    pub async fn open(common: Common) -> Result<Self, Failure> {
        let unreachable = |error: tonic::transport::Error| Failure::unreachable(&common.addr, &error);
        let channel = Endpoint::from_shared(common.addr.0.clone())
            .map_err(unreachable)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .connect()
            .await
            .map_err(unreachable)?;
        Ok(Self { out: Output::new(common.json, common.show_personal), address: common.addr, channel })
    }

    /// The connection, from which a verb makes the client of its own service. Connections are shared: a copy is cheap.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

/// The request of a unary call, with its deadline.
pub fn unary<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(UNARY_TIMEOUT);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_scheme_is_plain_http() {
        assert_eq!(parse_address("localhost:50051"), Ok(Address("http://localhost:50051".to_owned())));
        assert_eq!(parse_address("[::1]:50051"), Ok(Address("http://[::1]:50051".to_owned())));
        assert_eq!(parse_address("http://shop:80/"), Ok(Address("http://shop:80".to_owned())));
    }

    #[test]
    fn an_address_without_port_or_with_another_scheme_is_refused() {
        for text in ["localhost", "https://localhost:50051", "not an address:1", ""] {
            assert!(parse_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hints_name_the_server_unless_it_is_the_default() {
        assert_eq!(parse_address("127.0.0.1:50051").unwrap().flag(), "");
        assert_eq!(parse_address("shop:7").unwrap().flag(), " --addr shop:7");
    }

    #[test]
    fn a_command_in_a_hint_starts_with_the_program_as_it_was_started() {
        let started_as = std::env::args().next().unwrap();
        let command = parse_address("shop:7").unwrap().command("feed info");
        assert_eq!(command, format!("{started_as} feed info --addr shop:7"));
    }
}
