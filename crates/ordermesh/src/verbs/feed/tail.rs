//! `ordermesh feed tail`: prints the events of the order feed and follows, across broken connections.
//!
//! After a break it resumes by cursor, so that no event is lost and none is shown twice. With `--json` every line is
//! an `ordermesh.order.v1.OrderEvent`; the last one of each frame has the feed's `cursor` as well, to store and to
//! resume with.

use std::io::{IsTerminal, stdout};

use clap::Args;
use jiff::Timestamp;
use ordermesh_console::connect::{Common, Session};
use ordermesh_console::failure::Failure;
use ordermesh_console::output;
use ordermesh_console::parse::since;
use ordermesh_console::resume::{Broken, Ended, Follower, follow};
use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{EventBatch, EventFilter, SubscribeRequest, Until};
use ordermesh_proto::order::v1::OrderEvent;
use prost::Message;

use super::event;
use super::services;

/// Which events, from where, until when.
#[derive(Debug, Args)]
pub struct Tail {
    /// Only events of this type, such as OrderCreated; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only events of this key, which is an order id; may be repeated
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,
    /// Start at a time: RFC 3339, or how long ago, such as 10m
    #[arg(long, value_name = "TIME", value_parser = since, allow_hyphen_values = true, group = "start")]
    since: Option<Timestamp>,
    /// Start after the place where another tail ended
    #[arg(long, value_name = "CURSOR", group = "start")]
    after_cursor: Option<String>,
    /// Start with what happens from now on
    #[arg(long, group = "start")]
    latest: bool,
    /// End after the event that is the newest one now
    #[arg(long)]
    until_caught_up: bool,
}

impl Tail {
    fn into_request(self) -> SubscribeRequest {
        let since = self.since.map(|time| Start::Since(wire(time)));
        let filtered = !self.types.is_empty() || !self.keys.is_empty();
        SubscribeRequest {
            start: self
                .after_cursor
                .map(Start::AfterCursor)
                .or(since)
                .or(self.latest.then_some(Start::Latest(true))),
            filter: filtered.then_some(EventFilter { types: self.types, keys: self.keys }),
            until: self.until_caught_up.then_some(Until { bound: Some(Bound::CaughtUp(true)) }),
            ..SubscribeRequest::default()
        }
    }
}

/// A time as the contracts carry it.
pub(super) fn wire(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// Prints until the end or Ctrl-C.
pub async fn run(tail: Tail, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request = tail.into_request();
    let awaited = awaited_keys(&request);
    let mut tailing = Tailing { request, session, frames: 0, awaited };
    tokio::select! {
        result = follow(&mut tailing) => return result,
        _ = tokio::signal::ctrl_c() => {}
    }
    if let Some(Start::AfterCursor(cursor)) = &tailing.request.start {
        let again = format_args!("feed tail --after-cursor {cursor}");
        output::note(&format!("go on with:  {}", tailing.session.address.command(again)));
    }
    Ok(())
}

struct Tailing {
    /// Its start moves on with what was printed.
    request: SubscribeRequest,
    session: Session,
    frames: u64,
    /// What to say when the whole log has nothing of the wanted keys.
    awaited: Option<String>,
}

/// The wanted keys of a tail that goes through the whole log and then waits: a key that is mistyped is waited for in
/// vain.
fn awaited_keys(request: &SubscribeRequest) -> Option<String> {
    let whole = request.start.is_none() && request.until.is_none();
    let keys = &request.filter.as_ref().filter(|filter| whole && !filter.keys.is_empty())?.keys;
    Some(format!("no such event of {} is in the log yet; waiting for one", keys.join(", ")))
}

impl Follower for Tailing {
    async fn stream(&mut self) -> Result<Ended, Broken> {
        let request = self.request.clone();
        let mut frames = services::events(&self.session).subscribe_order_events(request).await?.into_inner();
        while let Some(response) = frames.message().await? {
            self.frames += 1;
            if self.frames == 1 {
                self.print_header()?;
            }
            match response.frame {
                Some(Frame::Events(batch)) => {
                    self.awaited = None;
                    self.print(&batch, &response.cursor)?;
                }
                Some(Frame::FellBehind(behind)) => {
                    output::note(&format!(
                        "{} events behind the newest one, reading the log",
                        behind.lag_events
                    ));
                }
                Some(Frame::CaughtUp(_)) => {
                    if let Some(awaited) = self.awaited.take() {
                        output::note(&awaited);
                    }
                }
                Some(Frame::Closing(closing)) => return Ok(Ended::by(closing)),
                Some(
                    Frame::Opened(_)
                    | Frame::Checkpoint(_)
                    | Frame::Heartbeat(_)
                    // Of groups only, which a tail is not.
                    | Frame::Assignment(_),
                )
                | None => {}
            }
            // Only after the events are printed: what is resumed then is neither lost nor repeated.
            self.request.start = Some(Start::AfterCursor(response.cursor));
        }
        Ok(Ended::Interrupted("the stream ended".to_owned()))
    }

    fn frames(&self) -> u64 {
        self.frames
    }
}

impl Tailing {
    /// For people only: other programs want nothing but events.
    fn print_header(&self) -> Result<(), Failure> {
        match stdout().is_terminal() && !self.session.out.is_json() {
            true => self.session.out.text(&event::header()),
            false => Ok(()),
        }
    }

    /// Prints a frame's events at once: a tail through a long history is limited by how often it writes.
    fn print(&self, batch: &EventBatch, cursor: &str) -> Result<(), Failure> {
        let out = self.session.out;
        let events = batch.events.iter().map(|bytes| OrderEvent::decode(bytes.clone()));
        let events = events.collect::<Result<Vec<_>, _>>().map_err(|error| {
            Failure::unexpected(format_args!("an event of the feed cannot be read: {error}"))
        })?;
        if !out.is_json() {
            let lines: Vec<_> = events.iter().map(|event| event::line(event, out.personal())).collect();
            return out.text(&lines.join("\n"));
        }
        let mut values = events.iter().map(|event| out.value(event)).collect::<Result<Vec<_>, _>>()?;
        if let Some(last) = values.last_mut() {
            last["cursor"] = cursor.into();
        }
        out.lines(&values)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        tail: Tail,
    }

    fn request(arguments: &[&str]) -> Option<SubscribeRequest> {
        let line = Line::try_parse_from(std::iter::once(&"tail").chain(arguments)).ok()?;
        Some(line.tail.into_request())
    }

    #[test]
    fn a_plain_tail_asks_for_everything_from_the_earliest_event_on() {
        assert_eq!(request(&[]), Some(SubscribeRequest::default()));
    }

    #[test]
    fn types_keys_and_the_end_are_passed_on() {
        let request = request(&["--type=A", "--type=B", "--key=k", "--latest", "--until-caught-up"]).unwrap();
        let filter = EventFilter { types: vec!["A".to_owned(), "B".to_owned()], keys: vec!["k".to_owned()] };
        assert_eq!(request.filter, Some(filter));
        assert_eq!(request.start, Some(Start::Latest(true)));
        assert_eq!(request.until, Some(Until { bound: Some(Bound::CaughtUp(true)) }));
    }

    #[test]
    fn only_a_tail_of_keys_through_the_whole_log_says_that_there_is_nothing_yet() {
        let awaited = |arguments: &[&str]| awaited_keys(&request(arguments).unwrap());
        let said = "no such event of a, b is in the log yet; waiting for one";
        assert_eq!(awaited(&["--key=a", "--key=b", "--type=A"]).as_deref(), Some(said));
        let others = [&[][..], &["--type=A"], &["--key=a", "--latest"], &["--key=a", "--until-caught-up"]];
        for silent in others {
            assert_eq!(awaited(silent), None, "{silent:?}");
        }
    }

    #[test]
    fn two_starts_are_refused() {
        assert_eq!(request(&["--latest", "--since=10m"]), None);
        assert_eq!(request(&["--after-cursor=c", "--since=10m"]), None);
    }
}
