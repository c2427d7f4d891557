//! An order under way: each step is checked against what every step must keep.

use std::collections::BTreeMap;

use ordermesh_kernel::Money;
use ordermesh_order_command::domain::{
    Actor, Change, Fact, LineProgress, LineQuantity, Order, OrderDraft, OrderEvent, OrderState, Parts,
    PaymentAmounts, PaymentFact, PaymentNews, Progress, Refusal, StockFact, WaitingFor,
};

use crate::support::{at, place, tea};

/// Attempts at a payment that may be declined here.
pub const ATTEMPTS: i32 = 3;

/// An order with all that has happened to it.
#[derive(Clone, Debug)]
pub struct Life {
    pub order: Order,
    pub parts: Parts,
    pub events: Vec<OrderEvent>,
    /// What payment has told last.
    pub amounts: PaymentAmounts,
    pub second: i64,
}

impl Life {
    pub fn of(draft: OrderDraft) -> Self {
        let (order, events) = place(draft).unwrap();
        let (parts, amounts) = (order.parts(), order.head.amounts);
        Self { order, parts, events, amounts, second: 0 }
    }

    /// Three packets of tea and a pot, for which stock and money are there.
    pub fn confirmed() -> Self {
        let mut life = Self::of(tea());
        life.stock(StockFact::Reserved);
        life.pay(PaymentNews::Authorized);
        assert_eq!(life.state(), OrderState::Confirmed);
        life
    }

    /// The same, paid.
    pub fn captured() -> Self {
        let mut life = Self::confirmed();
        life.pay(PaymentNews::Captured);
        life
    }

    pub fn state(&self) -> OrderState {
        self.order.head.state
    }

    pub fn due(&self) -> Money {
        self.order.head.amount_due
    }

    pub fn waiting(&self) -> Vec<WaitingFor> {
        self.order.head.status().waiting_for.iter().map(|one| one.what).collect()
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.events.iter().map(OrderEvent::name).collect()
    }

    pub fn progress(&self, line_id: i32) -> Progress {
        self.parts.line(line_id).unwrap().progress
    }

    /// A decision a second later. One that is refused leaves everything as it was.
    pub fn attempt<T>(
        &mut self,
        decide: impl FnOnce(&mut Change) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.second += 1;
        let actor = Actor::Customer("mia".to_owned());
        let mut change = Change::new(self.order.head.clone(), self.parts.clone(), actor, at(self.second));
        let answer = decide(&mut change)?;
        let (head, parts, events) = change.finish();
        for event in events {
            self.take(event);
        }
        assert_eq!(self.order.head, head, "the head is a fold of the events");
        assert_eq!(Order::fold(&self.events).as_ref(), Some(&self.order));
        self.parts = parts;
        self.check_pieces();
        Ok(answer)
    }

    /// A decision that is not refused.
    pub fn must<T>(&mut self, decide: impl FnOnce(&mut Change) -> Result<T, Refusal>) -> T {
        self.attempt(decide).unwrap()
    }

    /// How a decision is refused.
    pub fn refused<T: std::fmt::Debug>(
        &mut self,
        decide: impl FnOnce(&mut Change) -> Result<T, Refusal>,
    ) -> Refusal {
        self.attempt(decide).unwrap_err()
    }

    pub fn stock(&mut self, fact: StockFact) {
        self.must(|change| change.record_stock(fact));
    }

    /// Payment tells this of the newest attempt, with the money that goes with it.
    pub fn pay(&mut self, what: PaymentNews) {
        let (due, nothing) = (self.due(), Money::zero(self.due().currency()));
        match what {
            PaymentNews::Authorized => self.amounts.authorized = due,
            PaymentNews::Captured => {
                let most = self.amounts.captured.minor_units().max(due.minor_units());
                self.amounts.captured = Money::new(most, due.currency());
            }
            PaymentNews::Voided => self.amounts.authorized = nothing,
            PaymentNews::Refunded => {
                let too_much = self.amounts.captured.checked_sub(due).unwrap();
                self.amounts.refunded = if too_much.is_negative() { nothing } else { too_much };
            }
            _ => {}
        }
        let attempt = self.order.head.attempt;
        self.tell(PaymentFact { what, ..self.fact(attempt) });
    }

    pub fn tell(&mut self, fact: PaymentFact) {
        self.must(|change| change.record_payment(fact, ATTEMPTS));
    }

    /// News of an attempt, the kind to be said.
    pub fn fact(&self, attempt: i32) -> PaymentFact {
        let (code, detail) = (String::new(), String::new());
        PaymentFact { what: PaymentNews::Authorized, amounts: self.amounts, attempt, code, detail }
    }

    fn take(&mut self, event: OrderEvent) {
        let (before, due) = (self.state(), self.due());
        assert_eq!(event.stamp.order_revision, self.order.head.revision + 1);
        self.order.apply(&event);
        let head = &self.order.head;
        assert_eq!(event.status, head.status(), "an event carries the status after it");
        assert_eq!(event.stamp.amount_due, head.amount_due);
        assert_eq!(head.update_time, at(self.second));
        assert!(may_follow(before, head.state), "{before} -> {}", head.state);
        assert!(
            head.amount_due.minor_units() <= due.minor_units(),
            "what is owed grew from {due} to {}",
            head.amount_due
        );
        let closed = !head.state.is_open() && head.state != OrderState::Completed;
        assert!(!closed || head.amount_due.is_zero(), "{} owes {}", head.state, head.amount_due);
        self.events.push(event);
    }

    /// What must hold between the commands: a step of the process may stand between two events of one.
    fn check_pieces(&self) {
        let head = &self.order.head;
        assert!(head.state.is_final() || !head.status().waiting_for.is_empty(), "{head:?} waits for nothing");
        let mut told = BTreeMap::<i32, Progress>::new();
        for event in &self.events {
            told.extend(progress_of(&event.fact).iter().map(|line| (line.line_id, line.progress)));
        }
        let mut pieces = Progress::default();
        for line in &self.parts.lines {
            let now = line.progress;
            assert_eq!(now, told.get(&line.line.line_id).copied().unwrap_or_default());
            assert!(now.cancelled + now.shipped <= line.line.quantity.get(), "{line:?}");
            assert!(now.delivered + now.lost <= now.shipped && now.returned <= now.delivered, "{line:?}");
            pieces.cancelled += now.cancelled;
            pieces.shipped += now.shipped;
            pieces.delivered += now.delivered;
            pieces.lost += now.lost;
        }
        let all = [pieces.cancelled, pieces.shipped, pieces.delivered, pieces.lost].map(i64::from);
        assert_eq!(
            [head.pieces.cancelled, head.pieces.shipped, head.pieces.delivered, head.pieces.lost],
            all
        );
    }
}

fn progress_of(fact: &Fact) -> &[LineProgress] {
    match fact {
        Fact::LinesCancelled { progress, .. }
        | Fact::ShipmentDispatched { progress, .. }
        | Fact::ShipmentDelivered { progress, .. }
        | Fact::ShipmentLost { progress, .. }
        | Fact::ReturnReceived { progress, .. } => progress,
        _ => &[],
    }
}

/// Which state may come after which.
fn may_follow(before: OrderState, after: OrderState) -> bool {
    use OrderState as S;
    let steps = [
        (S::Placed, S::Confirmed),
        (S::Placed, S::Rejected),
        (S::Placed, S::Expired),
        (S::Placed, S::Cancelling),
        (S::Confirmed, S::Cancelling),
        (S::Confirmed, S::Completed),
        (S::Cancelling, S::Cancelled),
    ];
    before == after || steps.contains(&(before, after))
}

/// So many pieces of a line.
pub fn of_line(line_id: i32, quantity: i32) -> LineQuantity {
    LineQuantity { line_id, quantity }
}

/// All of the tea and the pot.
pub fn everything() -> Vec<LineQuantity> {
    vec![of_line(1, 3), of_line(2, 1)]
}

pub const RELEASED: StockFact = StockFact::Released { whole: true };
pub const FINAL_DECLINE: PaymentNews = PaymentNews::Declined { retryable: false };
pub const DECLINE: PaymentNews = PaymentNews::Declined { retryable: true };

pub fn out_of_stock() -> StockFact {
    StockFact::Rejected { detail: "2 of TEA-100 wanted, 1 there".to_owned() }
}

/// Pieces are lost, and so many of these lines are still reserved.
pub fn left(left: Vec<LineQuantity>) -> StockFact {
    StockFact::Shortfall { left }
}

pub fn nothing_left() -> StockFact {
    left(vec![of_line(1, 0), of_line(2, 0)])
}
