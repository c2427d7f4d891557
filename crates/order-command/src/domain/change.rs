//! A decision on an order under way: the order as the facts so far have left it, and those facts.

use ordermesh_kernel::{Money, Timestamp};

use super::{Actor, Fact, OrderEvent, OrderHead, OrderState, Parts, Refusal, Stamp};

/// The name of the actor of what follows from the facts by themselves.
const PROCESS_MANAGER: &str = "order-process";

/// An order that a command or a reaction changes. Decisions are its methods, a file a concern; when one refuses, the
/// change is thrown away with what it had decided so far.
#[derive(Clone, Debug)]
pub struct Change {
    pub(super) head: OrderHead,
    pub(super) parts: Parts,
    pub(super) actor: Actor,
    pub(super) now: Timestamp,
    events: Vec<OrderEvent>,
}

impl Change {
    /// Begins with an order as it is. Decisions about pieces need its parts; others may be given none.
    pub const fn new(head: OrderHead, parts: Parts, actor: Actor, now: Timestamp) -> Self {
        Self { head, parts, actor, now, events: Vec::new() }
    }

    /// Refuses when the order has another revision than the caller expects.
    pub fn expect_revision(&self, expected: Option<i64>) -> Result<(), Refusal> {
        match expected {
            Some(expected) if expected != self.head.revision => {
                Err(Refusal::RevisionMismatch { expected, actual: self.head.revision })
            }
            _ => Ok(()),
        }
    }

    /// The order and its parts after the decision, and what happened.
    pub fn finish(self) -> (OrderHead, Parts, Vec<OrderEvent>) {
        (self.head, self.parts, self.events)
    }

    pub(super) fn expect_state(&self, allowed: impl FnOnce(OrderState) -> bool) -> Result<(), Refusal> {
        match allowed(self.head.state) {
            true => Ok(()),
            false => Err(Refusal::StateForbids { state: self.head.state }),
        }
    }

    /// A fact that leaves what is owed as it is.
    pub(super) fn happened(&mut self, fact: Fact) {
        self.happened_owing(fact, self.head.amount_due);
    }

    /// A fact after which so much is owed.
    pub(super) fn happened_owing(&mut self, fact: Fact, amount_due: Money) {
        let actor = self.actor.clone();
        self.took_place(fact, amount_due, actor);
    }

    /// A fact after which nothing is owed.
    pub(super) fn happened_owing_nothing(&mut self, fact: Fact) {
        self.happened_owing(fact, Money::zero(self.head.currency()));
    }

    /// A fact that follows from those before by itself.
    pub(super) fn follows(&mut self, fact: Fact, amount_due: Money) {
        self.took_place(fact, amount_due, Actor::Policy(PROCESS_MANAGER.to_owned()));
    }

    fn took_place(&mut self, fact: Fact, amount_due: Money, actor: Actor) {
        let stamp = Stamp {
            order_id: self.head.id,
            actor,
            amount_due,
            order_revision: self.head.revision + 1,
            occurred_time: self.now,
        };
        let was_final = self.head.state.is_final();
        self.head.take_in(&stamp, &fact);
        self.parts.apply(&fact);
        self.events.push(OrderEvent { stamp, fact, status: self.head.status() });
        if self.head.state.is_final() && !was_final {
            self.release_manual_holds();
        }
    }

    /// What follows from the facts by itself: the steps of the process that waited for the last of several facts, in
    /// whichever order they came.
    pub(super) fn settle(&mut self) {
        let head = &self.head;
        let (due, nothing) = (head.amount_due, Money::zero(head.currency()));
        match head.state {
            OrderState::Placed if self.may_be_confirmed() => self.follows(Fact::Confirmed, due),
            OrderState::Cancelling if head.stock.is_at_rest() && head.payment.is_at_rest() => {
                let reason = head.cancel_reason.clone().unwrap_or_default();
                self.follows(Fact::Cancelled { reason }, nothing);
            }
            OrderState::Confirmed if self.is_complete() => self.follows(Fact::Completed, due),
            _ => {}
        }
    }

    fn may_be_confirmed(&self) -> bool {
        let head = &self.head;
        head.holds.is_empty() && head.stock.is_reserved() && head.payment_is_ready()
    }

    fn is_complete(&self) -> bool {
        let head = &self.head;
        let at_rest = !head.owes() && !head.is_owed() || !head.needs_payment();
        head.pieces.to_dispatch() == 0 && head.pieces.under_way() == 0 && at_rest && head.holds.is_empty()
    }
}
