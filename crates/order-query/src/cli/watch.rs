//! `ordermesh order watch`: follows one order, across broken connections, until it is final or the person has seen enough.

use clap::Args;
use ordermesh_console::connect::{Common, Session};
use ordermesh_console::failure::Failure;
use ordermesh_console::order::{state, waits_for};
use ordermesh_console::render::{money, time};
use ordermesh_console::resume::{Broken, Ended, Follower, follow};
use ordermesh_proto::order::v1::watch_order_response::Frame;
use ordermesh_proto::order::v1::{Order, OrderState, WatchOrderRequest, WatchOrderResponse};

use super::queries;

/// Which order, and when to stop.
#[derive(Debug, Args)]
pub struct Watch {
    /// The order's id
    id: String,
    /// Wait until the read model has what this consistency token stands for
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    at_least: String,
    /// Go on until Ctrl-C, even when the order is completed, rejected, expired or cancelled
    #[arg(long)]
    forever: bool,
}

/// Follows until the end or Ctrl-C.
pub async fn run(watch: Watch, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let mut watching = Watching { watch, session, seen: None, frames: 0 };
    tokio::select! {
        result = follow(&mut watching) => result,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

struct Watching {
    /// Its token moves on with what was seen.
    watch: Watch,
    session: Session,
    /// The revision shown last and why newer events were missing; `None` before the first.
    seen: Option<(i64, String)>,
    frames: u64,
}

impl Follower for Watching {
    async fn stream(&mut self) -> Result<Ended, Broken> {
        let (order_id, at_least) = (self.watch.id.clone(), self.watch.at_least.clone());
        let request = WatchOrderRequest { order_id, at_least, allow_stale: false };
        let mut frames = queries(&self.session).watch_order(request).await?.into_inner();
        while let Some(response) = frames.message().await? {
            self.frames += 1;
            self.watch.at_least.clone_from(&response.as_of);
            match &response.frame {
                Some(Frame::Order(order)) if self.shown(order, &response)? => return Ok(Ended::Complete),
                Some(Frame::Closing(closing)) => return Ok(Ended::by(*closing)),
                Some(Frame::Order(_)) | None => {}
            }
        }
        Ok(Ended::Interrupted("the stream ended".to_owned()))
    }

    fn frames(&self) -> u64 {
        self.frames
    }
}

impl Watching {
    /// Shows what is new; true when there is nothing more to wait for. A resumed stream repeats the last frame.
    fn shown(&mut self, order: &Order, response: &WatchOrderResponse) -> Result<bool, Failure> {
        let told = Some((order.revision, response.parked_reason.clone()));
        if self.seen != told {
            self.session.out.item(response, |response| line(order, &response.parked_reason))?;
            self.seen = told;
        }
        Ok(!self.watch.forever && is_final(order.state()))
    }
}

fn line(order: &Order, parked_reason: &str) -> String {
    let stands_still = match parked_reason {
        "" => String::new(),
        reason => format!("  newer events are parked: {reason}"),
    };
    format!(
        "{}  revision {}  {:<10}  due {}  {}  waits for {}{stands_still}",
        time(order.update_time.as_ref()),
        order.revision,
        state(order.state),
        money(order.amount_due.as_ref()),
        order.order_reference,
        waits_for(order),
    )
}

fn is_final(state: OrderState) -> bool {
    use OrderState::{Cancelled, Completed, Expired, Rejected};
    matches!(state, Completed | Rejected | Expired | Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_goes_on_is_not_final_yet() {
        use OrderState::{Cancelled, Cancelling, Completed, Confirmed, Expired, Placed, Rejected};
        assert_eq!([Placed, Confirmed, Cancelling].map(is_final), [false; 3]);
        assert_eq!([Completed, Rejected, Expired, Cancelled].map(is_final), [true; 4]);
    }

    #[test]
    fn a_line_says_what_the_order_waits_for() {
        let order = Order { order_reference: "A-1".to_owned(), revision: 3, ..Order::default() };
        assert!(line(&order, "").ends_with("A-1  waits for -"));
        assert!(line(&order, "poison").ends_with("newer events are parked: poison"));
    }
}
