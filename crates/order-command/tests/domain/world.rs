//! The order among its neighbours: models of inventory and payment that follow its events and answer as agreed, each
//! in its own time. Whatever the scheduler does, all of them come to rest, and at rest the books agree.

use std::collections::VecDeque;

use ordermesh_kernel::{Money, PaymentMethodToken};
use ordermesh_order_command::domain::{
    Fact, LineQuantity, LinesCancelReason, OrderDraft, OrderState, PaymentFact, PaymentNews, ReceivedLine,
    ReturnCondition, StockFact,
};
use proptest::prelude::*;

use crate::life::{ATTEMPTS, Life, RELEASED, everything, of_line};
use crate::support::{money, rate, shipping, tea};

/// How attempts at the payment end, and what else goes wrong.
#[derive(Clone, Debug)]
struct Fate {
    in_stock: bool,
    /// One an attempt; the last goes on.
    attempts: Vec<Attempt>,
    unknown_first: bool,
    capture_fails: bool,
    refund_fails: bool,
}

#[derive(Clone, Copy, Debug)]
enum Attempt {
    Approve,
    Decline { retryable: bool },
}

/// What a neighbour knows: how many of the order's events, and what it has said but order not heard.
struct Neighbour<T> {
    read: usize,
    said: VecDeque<T>,
}

struct World {
    life: Life,
    fate: Fate,
    inventory: Neighbour<StockFact>,
    /// Pieces reserved, a line; none before the order is known, and when nothing is left.
    reserved: Option<[i32; 2]>,
    /// Pieces that have left as far as inventory knows, a line.
    consumed: [i32; 2],
    /// Pieces that broke.
    broken: i32,
    payment: Neighbour<PaymentFact>,
    authorized: bool,
    attempt: usize,
    captured: i64,
    refunded: i64,
    confirmed: bool,
    closed: bool,
}

impl World {
    fn new(draft: OrderDraft, fate: Fate) -> Self {
        let life = Life::of(draft);
        let inventory = Neighbour { read: 0, said: VecDeque::new() };
        let payment = Neighbour { read: 0, said: VecDeque::new() };
        let (reserved, authorized, attempt, captured, refunded) = (None, false, 0, 0, 0);
        let (confirmed, closed) = (false, false);
        Self {
            life,
            fate,
            inventory,
            reserved,
            consumed: [0, 0],
            broken: 0,
            payment,
            authorized,
            attempt,
            captured,
            refunded,
            confirmed,
            closed,
        }
    }

    /// Inventory reads one event, or order hears one thing; whether there was anything to do.
    fn inventory_reads(&mut self) -> bool {
        let Some(event) = self.life.events.get(self.inventory.read) else { return false };
        self.inventory.read += 1;
        let said = &mut self.inventory.said;
        match &event.fact {
            Fact::Created { .. } if self.fate.in_stock => {
                self.reserved = Some([3, 1]);
                said.push_back(StockFact::Reserved);
            }
            Fact::Created { .. } => said.push_back(StockFact::Rejected { detail: String::new() }),
            Fact::Rejected { .. } | Fact::Expired { .. } | Fact::CancellationRequested { .. } => {
                self.reserved = None;
                said.push_back(RELEASED);
            }
            Fact::LinesCancelled { progress, .. } => {
                let Some(reserved) = &mut self.reserved else { return true };
                let before = *reserved;
                for line in progress {
                    let left = line.ordered - line.progress.cancelled - line.progress.shipped;
                    let place = &mut reserved[usize::try_from(line.line_id - 1).unwrap()];
                    *place = (*place).min(left);
                }
                if *reserved != before {
                    let whole = *reserved == [0, 0] && self.consumed == [0, 0];
                    said.push_back(StockFact::Released { whole });
                }
            }
            // What is to leave yet stays: pieces that were taken for lost may be those that left.
            Fact::ShipmentDispatched { progress, .. } => {
                let Some(reserved) = &mut self.reserved else { return true };
                for line in progress {
                    let place = usize::try_from(line.line_id - 1).unwrap();
                    let open = line.ordered - line.progress.cancelled - line.progress.shipped;
                    let leave =
                        (line.progress.shipped - self.consumed[place]).min(reserved[place] - open).max(0);
                    reserved[place] -= leave;
                    self.consumed[place] += leave;
                }
            }
            _ => {}
        }
        true
    }

    /// A piece of what is reserved breaks.
    fn lose(&mut self, line: usize) {
        let Some(reserved) = &mut self.reserved else { return };
        if reserved[line] > 0 {
            reserved[line] -= 1;
            self.broken += 1;
            let left = vec![of_line(i32::try_from(line + 1).unwrap(), reserved[line])];
            self.inventory.said.push_back(StockFact::Shortfall { left });
        }
    }

    /// Pieces that the order has cancelled since they were not there.
    fn given_up(&self) -> i32 {
        let lines = self.life.events.iter().map(|event| match &event.fact {
            Fact::LinesCancelled { lines, reason: LinesCancelReason::StockLost, .. } => lines.as_slice(),
            _ => &[],
        });
        let rest = match self.life.order.head.cancel_reason.as_deref() {
            Some("stock lost") => self.life.order.head.pieces.to_dispatch(),
            _ => 0,
        };
        lines.flatten().map(|line| line.quantity).sum::<i32>() + i32::try_from(rest).unwrap()
    }

    fn payment_reads(&mut self) -> bool {
        let Some(event) = self.life.events.get(self.payment.read).cloned() else { return false };
        self.payment.read += 1;
        let due = event.stamp.amount_due.minor_units();
        match &event.fact {
            Fact::Created { .. } if due > 0 => self.authorize(due),
            Fact::PaymentRetryRequested { .. } => self.authorize(due),
            Fact::Rejected { .. } | Fact::Expired { .. } | Fact::CancellationRequested { .. } => {
                self.closed = true;
                if self.captured == 0 {
                    self.authorized = false;
                    self.say(PaymentNews::Voided);
                }
            }
            Fact::Confirmed => self.confirmed = true,
            _ => {}
        }
        if self.confirmed && self.authorized && self.captured == 0 && !self.closed && due > 0 {
            if self.fate.capture_fails {
                self.say(PaymentNews::CaptureFailed);
            }
            self.captured = due;
            self.say(PaymentNews::Captured);
        }
        if self.captured - self.refunded > due {
            if self.fate.refund_fails {
                self.say(PaymentNews::RefundFailed);
            }
            self.refunded = self.captured - due;
            self.say(PaymentNews::Refunded);
        }
        true
    }

    fn authorize(&mut self, _due: i64) {
        if self.closed {
            return;
        }
        let fate = self.fate.attempts[self.attempt.min(self.fate.attempts.len() - 1)];
        self.attempt += 1;
        if self.fate.unknown_first {
            self.say(PaymentNews::OutcomeUnknown);
        }
        match fate {
            Attempt::Approve => {
                self.authorized = true;
                self.say(PaymentNews::Authorized);
            }
            Attempt::Decline { retryable } => self.say(PaymentNews::Declined { retryable }),
        }
    }

    fn say(&mut self, what: PaymentNews) {
        let total = self.life.order.terms.totals.total;
        let euro = |minor| Money::new(minor, total.currency());
        let mut fact = self.life.fact(i32::try_from(self.attempt).unwrap());
        fact.what = what;
        fact.amounts.authorized = if self.authorized { total } else { euro(0) };
        fact.amounts.captured = euro(self.captured);
        fact.amounts.refunded = euro(self.refunded);
        self.payment.said.push_back(fact);
    }

    /// One step of whoever; whether there was anything to do.
    fn step(&mut self, who: u8) -> bool {
        match who % 4 {
            0 => self.inventory_reads(),
            1 => self.payment_reads(),
            2 => self.inventory.said.pop_front().map(|fact| self.life.stock(fact)).is_some(),
            _ => self.payment.said.pop_front().map(|fact| self.life.tell(fact)).is_some(),
        }
    }

    fn rest(&mut self) {
        // An order takes some dozens of steps; one that never rests would go on for ever.
        for round in 0..10_000 {
            if (0..4).all(|who| !self.step(who)) {
                return;
            }
            assert!(round < 9_999, "the world does not come to rest: {:?}", self.life.names());
        }
    }

    /// What is refused is not allowed at that moment; that is for the other tests.
    fn people(&mut self, wish: &Wish) {
        let life = &mut self.life;
        let shipment = life.parts.shipments.last().map(|shipment| shipment.id);
        let _ = match wish {
            Wish::Cancel => life.attempt(|change| change.cancel(String::new())),
            Wish::CancelLine(line) => life.attempt(|change| change.cancel_lines(vec![*line], String::new())),
            Wish::Retry => {
                life.attempt(|change| change.retry_payment(PaymentMethodToken::parse("tok").unwrap()))
            }
            Wish::Dispatch(line) => life.attempt(|change| change.dispatch(vec![*line], None, None).map(drop)),
            Wish::Deliver => life.attempt(|change| shipment.map_or(Ok(()), |id| change.deliver(id))),
            Wish::Lose => life.attempt(|change| shipment.map_or(Ok(()), |id| change.lose(id, String::new()))),
            Wish::SendBack(line) => send_back(life, *line),
            Wish::TimeOut => {
                life.second += 3_600;
                life.attempt(|change| {
                    change.expire();
                    Ok(())
                })
            }
            Wish::Break(line) => {
                self.lose(*line);
                Ok(())
            }
        };
    }
}

fn send_back(life: &mut Life, line: LineQuantity) -> Result<(), ordermesh_order_command::domain::Refusal> {
    let back = life.attempt(|change| change.request_return(vec![line], String::new()))?;
    life.must(|change| change.approve_return(back));
    let (line_id, accepted) = (line.line_id, line.quantity);
    let received = ReceivedLine { line_id, accepted, condition: ReturnCondition::Resaleable };
    life.attempt(|change| change.receive_return(back, vec![received]))
}

#[derive(Clone, Debug)]
enum Wish {
    Cancel,
    CancelLine(LineQuantity),
    Retry,
    Dispatch(LineQuantity),
    Deliver,
    Lose,
    SendBack(LineQuantity),
    TimeOut,
    Break(usize),
}

fn wishes() -> impl Strategy<Value = Wish> {
    let line = || (1..=2, 1..=2).prop_map(|(line, pieces)| of_line(line, pieces));
    prop_oneof![
        1 => Just(Wish::Cancel),
        2 => line().prop_map(Wish::CancelLine),
        3 => Just(Wish::Retry),
        4 => line().prop_map(Wish::Dispatch),
        3 => Just(Wish::Deliver),
        1 => Just(Wish::Lose),
        2 => line().prop_map(Wish::SendBack),
        1 => Just(Wish::TimeOut),
        2 => (0..2_usize).prop_map(Wish::Break),
    ]
}

fn fates() -> impl Strategy<Value = Fate> {
    let attempt = prop_oneof![
        3 => Just(Attempt::Approve),
        2 => Just(Attempt::Decline { retryable: true }),
        1 => Just(Attempt::Decline { retryable: false }),
    ];
    let attempts = prop::collection::vec(attempt, 1..4);
    (prop::bool::weighted(0.8), attempts, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(in_stock, attempts, unknown_first, capture_fails, refund_fails)| Fate {
            in_stock,
            attempts,
            unknown_first,
            capture_fails,
            refund_fails,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn at_rest_the_books_of_order_inventory_and_payment_agree(
        fate in fates(),
        steps in prop::collection::vec(prop_oneof![4 => any::<u8>().prop_map(Ok), 1 => wishes().prop_map(Err)], 0..80),
        free in prop::bool::weighted(0.2),
    ) {
        let mut draft = OrderDraft { shipping: shipping(money("4.90 EUR"), rate(190_000)), ..tea() };
        if free {
            draft.shipping = None;
            draft.lines.iter_mut().for_each(|line| line.unit_price = money("0 EUR"));
        }
        let mut world = World::new(draft, fate);
        for step in &steps {
            match step {
                Ok(who) => drop(world.step(*who)),
                Err(wish) => world.people(wish),
            }
        }
        world.rest();
        let (life, head) = (&world.life, &world.life.order.head);
        let kept = world.captured - world.refunded;
        prop_assert_eq!(head.amounts.kept(), kept);
        prop_assert!(head.state == OrderState::Placed || kept == head.amount_due.minor_units(), "{:?}", life.names());
        prop_assert!(head.holds.is_empty(), "what payment held it has released");
        let waiting = life.waiting();
        use ordermesh_order_command::domain::WaitingFor::{Delivery, Dispatch, PaymentRetry};
        match head.state {
            OrderState::Placed => prop_assert_eq!(waiting, vec![PaymentRetry]),
            OrderState::Confirmed => prop_assert!(waiting.iter().all(|what| matches!(what, Dispatch | Delivery))),
            OrderState::Cancelling => prop_assert!(false, "it is never cancelled: {:?}", life.names()),
            _ => prop_assert!(waiting.is_empty(), "{waiting:?}"),
        }
        let left = [1, 2].map(|line| {
            let ordered = life.parts.line(line).unwrap().line.quantity.get();
            ordered - life.progress(line).cancelled - life.progress(line).shipped
        });
        if head.state.is_open() || head.state == OrderState::Completed {
            prop_assert_eq!(world.reserved, Some(left), "what is to leave is reserved");
        } else {
            prop_assert_eq!(world.reserved, None);
        }
        prop_assert!(world.given_up() <= world.broken, "pieces that were there are cancelled: {:?}", life.names());
        prop_assert!(world.attempt <= usize::try_from(ATTEMPTS).unwrap());
    }
}

#[test]
fn an_order_that_nothing_befalls_is_confirmed_shipped_and_completed() {
    let (attempts, no) = (vec![Attempt::Approve], false);
    let fate = Fate { in_stock: true, attempts, unknown_first: no, capture_fails: no, refund_fails: no };
    let mut world = World::new(tea(), fate);
    world.rest();
    everything().into_iter().for_each(|line| {
        world.people(&Wish::Dispatch(line));
        world.people(&Wish::Deliver);
    });
    world.rest();
    assert_eq!((world.life.state(), world.captured, world.refunded), (OrderState::Completed, 2_677, 0));
}
