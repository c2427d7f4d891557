//! What a system says about itself at one time, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use ordermesh_proto::inventory::v1::{Reservation, StockItem};
use ordermesh_proto::order::v1::{LineProgress, Order, OrderState, OrderStatus, PaymentStatus};
use ordermesh_proto::payment::v1::{Payment, PaymentAmounts};

/// An article at a location.
pub type Place = (String, String);

/// A system at one time.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// What order's own clock, which alone judges its deadlines, showed at the look: seconds since 1970.
    pub time: i64,
    /// The orders as the order feed tells them, by id.
    pub orders: BTreeMap<String, OrderHistory>,
    /// The orders as the read server shows them, by id.
    pub views: BTreeMap<String, Order>,
    /// The stock as inventory answers it.
    pub stock: BTreeMap<Place, StockItem>,
    /// What the inventory feed says has come and gone, but for reservations, by article and location.
    pub stock_changes: BTreeMap<Place, i64>,
    /// The reservations as inventory answers them, by id.
    pub reservations: BTreeMap<String, Reservation>,
    /// The payments as payment answers them, by the order's id.
    pub payments: BTreeMap<String, Payment>,
    /// The payments as the payment feed tells them, by the order's id.
    pub payment_histories: BTreeMap<String, PaymentHistory>,
    /// What is wrong with the feeds themselves.
    pub feed_faults: Vec<FeedFault>,
    /// Orders whose first events were truncated: nothing can be said about them.
    pub truncated: BTreeSet<String>,
    /// Stock that changed while the look was taken: its sums say nothing this time.
    pub moving_stock: BTreeSet<Place>,
    /// Stock whose first changes were truncated: what came and what left do not add up.
    pub truncated_stock: BTreeSet<Place>,
    /// Events that were read.
    pub events: usize,
    /// The position of the newest event of each feed that was read.
    pub positions: BTreeMap<&'static str, i64>,
}

impl Snapshot {
    /// Counts an event of a feed, whose positions have no gap.
    pub fn heard(&mut self, feed: &'static str, position: i64, key: &str) {
        self.events += 1;
        let before = self.positions.insert(feed, position);
        if let Some(before) = before.filter(|before| position != before + 1) {
            let detail = format!("position {position} follows {before}");
            self.feed_faults.push(FeedFault { feed, key: key.to_owned(), detail });
        }
    }
}

/// A payment as its events tell it.
#[derive(Debug, Clone, Default)]
pub struct PaymentHistory {
    /// Number of its newest event.
    pub revision: i64,
    /// The amounts after it.
    pub amounts: PaymentAmounts,
    /// Its first event is there: nothing of it was truncated.
    pub has_beginning: bool,
    /// The most that was ever set aside at once, in minor units.
    pub most_authorized: i64,
    /// Money was set aside while an earlier attempt still had some, or had been captured.
    pub charged_twice: bool,
}

/// A feed that breaks its own rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedFault {
    /// Which feed.
    pub feed: &'static str,
    /// What the event is about.
    pub key: String,
    /// What is wrong.
    pub detail: String,
}

/// An order as its events tell it.
#[derive(Debug, Clone, Default)]
pub struct OrderHistory {
    /// Number of its newest event.
    pub revision: i64,
    /// Its states in the order in which it had them.
    pub states: Vec<OrderState>,
    /// Its status after the newest event.
    pub status: OrderStatus,
    /// What it owes, in minor units.
    pub amount_due: i64,
    /// What it owed at any time, if it once owed less than later.
    pub amount_grew: Option<(i64, i64)>,
    /// What has become of its lines, by number.
    pub lines: BTreeMap<i32, LineProgress>,
    /// What was known at its confirmation; none when it was never confirmed.
    pub confirmed: Option<Confirmation>,
    /// The numbers of its events in the order of the feed, if they are not 1, 2, 3, …
    pub wrong_revision: Option<(i64, i64)>,
    /// Events of earlier versions, which have no status: facets cannot be judged.
    pub without_status: bool,
    /// What its events say that the read server shows, but for what is above and for personal data.
    pub shown: Order,
}

/// What was on record when an order was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// Every piece was reserved.
    pub reserved: bool,
    /// The payment's status.
    pub payment: PaymentStatus,
    /// What was owed.
    pub amount_due: i64,
    /// What was set aside.
    pub authorized: i64,
    /// What was captured, as some providers do at once.
    pub captured: i64,
    /// What was given back of it.
    pub refunded: i64,
    /// A hold was in force.
    pub held: bool,
}
