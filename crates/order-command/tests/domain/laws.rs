//! Laws that hold whatever people, inventory, payment and the clock do, in whichever order. That the head is a fold of
//! the events, that what is owed never grows, that an order in a state that is not final waits for something, and what
//! bounds its pieces is checked by `Life` at each step.

use ordermesh_kernel::PaymentMethodToken;
use ordermesh_order_command::domain::{
    Change, LineInProgress, LineQuantity, NoteText, OrderDraft, OrderState, PaymentNews, ReceivedLine,
    Refusal, ReturnCondition, StockFact,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::life::{DECLINE, FINAL_DECLINE, Life, RELEASED, left, of_line, out_of_stock};
use crate::support::{discount, draft, line, money, rate, shipping};

/// Something that somebody does or tells.
#[derive(Clone, Debug)]
enum Act {
    Cancel,
    CancelLine(LineQuantity),
    Hold,
    Release(Index),
    Retry,
    Dispatch(Vec<LineQuantity>),
    Deliver(Index),
    Lose(Index),
    AskBack(LineQuantity),
    Approve(Index),
    Refuse(Index),
    Receive(Index, LineQuantity, bool),
    Note,
    Stock(StockFact),
    Pay(PaymentNews),
    Wait,
    Expire,
}

fn pieces() -> impl Strategy<Value = LineQuantity> {
    (1..=4, 1..=3).prop_map(|(line, pieces)| of_line(line, pieces))
}

fn news() -> impl Strategy<Value = PaymentNews> {
    prop_oneof![
        4 => Just(PaymentNews::Authorized),
        3 => Just(PaymentNews::Captured),
        2 => Just(PaymentNews::Refunded),
        1 => Just(PaymentNews::Voided),
        1 => Just(PaymentNews::OutcomeUnknown),
        1 => Just(PaymentNews::CaptureFailed),
        1 => Just(PaymentNews::RefundFailed),
        1 => Just(PaymentNews::ActionRequired { url: String::new() }),
        1 => Just(DECLINE),
        1 => Just(FINAL_DECLINE),
    ]
}

fn stock() -> impl Strategy<Value = StockFact> {
    prop_oneof![
        6 => Just(StockFact::Reserved),
        1 => Just(out_of_stock()),
        1 => Just(RELEASED),
        1 => Just(StockFact::Released { whole: false }),
        2 => prop::collection::vec(pieces(), 1..3).prop_map(by_line).prop_map(left),
    ]
}

/// Each line once, as requests and inventory have it.
fn by_line(mut lines: Vec<LineQuantity>) -> Vec<LineQuantity> {
    lines.sort_unstable_by_key(|line| line.line_id);
    lines.dedup_by_key(|line| line.line_id);
    lines
}

fn acts() -> impl Strategy<Value = Act> {
    let index = any::<Index>;
    prop_oneof![
        1 => Just(Act::Cancel),
        3 => pieces().prop_map(Act::CancelLine),
        1 => Just(Act::Hold),
        2 => index().prop_map(Act::Release),
        1 => Just(Act::Retry),
        8 => prop::collection::vec(pieces(), 1..3).prop_map(by_line).prop_map(Act::Dispatch),
        4 => index().prop_map(Act::Deliver),
        2 => index().prop_map(Act::Lose),
        2 => pieces().prop_map(Act::AskBack),
        2 => index().prop_map(Act::Approve),
        1 => index().prop_map(Act::Refuse),
        2 => (index(), pieces(), any::<bool>()).prop_map(|(at, line, whole)| Act::Receive(at, line, whole)),
        1 => Just(Act::Note),
        6 => stock().prop_map(Act::Stock),
        12 => news().prop_map(Act::Pay),
        1 => Just(Act::Wait),
        1 => Just(Act::Expire),
    ]
}

fn drafts() -> impl Strategy<Value = OrderDraft> {
    let currency = prop_oneof![Just("EUR"), Just("JPY"), Just("KWD")];
    let amount = || prop_oneof![1 => Just(0), 4 => 1..2_000_i64];
    let rates = || prop_oneof![Just(0), Just(190_000), 0..=1_000_000];
    let lines = prop::collection::vec((amount(), 1..=3, rates()), 1..4);
    (currency, lines, prop::option::of((amount(), rates())), 0..=100_i64, any::<bool>()).prop_map(
        |(code, lines, charge, off, prices_include_tax)| {
            let unit = money(&format!("1 {code}")).currency();
            let money = |minor| ordermesh_kernel::Money::new(minor, unit);
            let goods: i64 = lines.iter().map(|(price, pieces, _)| price * i64::from(*pieces)).sum();
            let off = goods * off / 100;
            OrderDraft {
                discounts: if off > 0 { vec![discount(money(off))] } else { vec![] },
                shipping: charge.and_then(|(amount, ppm)| shipping(money(amount), rate(ppm))),
                prices_include_tax,
                ..draft(
                    lines
                        .into_iter()
                        .map(|(price, pieces, ppm)| line(money(price), pieces, rate(ppm)))
                        .collect(),
                )
            }
        },
    )
}

/// One of these, if there are any; the id of another thing otherwise.
fn pick<T: Copy>(all: &[T], at: &Index, none: T) -> T {
    if all.is_empty() { none } else { *at.get(all) }
}

type Decision = dyn FnOnce(&mut Change) -> Result<(), Refusal>;

fn act(life: &mut Life, act: Act) -> Result<(), Refusal> {
    use ordermesh_kernel::{HoldId, ReturnId, ShipmentId};
    let now = crate::support::at(life.second);
    let holds: Vec<_> = life.order.head.holds.iter().map(|hold| hold.id).collect();
    let shipments: Vec<_> = life.parts.shipments.iter().map(|one| one.id).collect();
    let returns: Vec<_> = life.parts.returns.iter().map(|one| one.id).collect();
    let shipment = |at: &Index| pick(&shipments, at, ShipmentId::new_v7(now));
    let back = |at: &Index| pick(&returns, at, ReturnId::new_v7(now));
    let words = String::new;
    let step: Box<Decision> = match act {
        Act::Cancel => Box::new(|change| change.cancel(String::new())),
        Act::CancelLine(line) => Box::new(move |change| change.cancel_lines(vec![line], words())),
        Act::Hold => Box::new(|change| change.hold(String::new()).map(drop)),
        Act::Release(at) => {
            let hold = pick(&holds, &at, HoldId::new_v7(now));
            Box::new(move |change| change.release_hold(hold, words()))
        }
        Act::Retry => Box::new(|change| change.retry_payment(PaymentMethodToken::parse("tok").unwrap())),
        Act::Dispatch(lines) => Box::new(move |change| change.dispatch(lines, None, None).map(drop)),
        Act::Deliver(at) => {
            let id = shipment(&at);
            Box::new(move |change| change.deliver(id))
        }
        Act::Lose(at) => {
            let id = shipment(&at);
            Box::new(move |change| change.lose(id, words()))
        }
        Act::AskBack(line) => Box::new(move |change| change.request_return(vec![line], words()).map(drop)),
        Act::Approve(at) => {
            let id = back(&at);
            Box::new(move |change| change.approve_return(id))
        }
        Act::Refuse(at) => {
            let id = back(&at);
            Box::new(move |change| change.reject_return(id, words()))
        }
        Act::Receive(at, line, damaged) => {
            let id = back(&at);
            let condition = if damaged { ReturnCondition::Damaged } else { ReturnCondition::Resaleable };
            let received = ReceivedLine { line_id: line.line_id, accepted: line.quantity, condition };
            Box::new(move |change| change.receive_return(id, vec![received]))
        }
        Act::Note => Box::new(|change| change.add_note(NoteText::parse("x").unwrap()).map(drop)),
        Act::Stock(fact) => Box::new(move |change| change.record_stock(fact)),
        Act::Expire => Box::new(|change| {
            change.expire();
            Ok(())
        }),
        Act::Pay(news) => {
            life.pay(news);
            return Ok(());
        }
        Act::Wait => {
            life.second += 1_800;
            return Ok(());
        }
    };
    life.attempt(step)
}

/// What the customer owes for the pieces that count, reckoned by the sentence in domain/owed.rs in wider numbers.
fn reckoned(life: &Life) -> i64 {
    let half_even = |numerator: i128, denominator: i128| {
        let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator) * 2);
        floor + i128::from(rest > denominator || rest == denominator && floor % 2 != 0)
    };
    let terms = &life.order.terms;
    let with_tax = |base: i128, ppm: i32| match terms.prices_include_tax {
        true => base,
        false => base + half_even(base * i128::from(ppm), 1_000_000),
    };
    let due = |line: &LineInProgress| {
        let (agreed, now) = (&line.line, &line.progress);
        let ordered = i128::from(agreed.quantity.get());
        let left = ordered - i128::from(now.cancelled + now.lost + now.returned);
        let discount = half_even(i128::from(agreed.discount.minor_units()) * left, ordered);
        with_tax(i128::from(agreed.unit_price.minor_units()) * left - discount, agreed.tax_rate.ppm())
    };
    let reached =
        |line: &LineInProgress| line.progress.cancelled + line.progress.lost < line.line.quantity.get();
    let goods: i128 = life.parts.lines.iter().map(due).sum();
    let charge = terms.shipping.filter(|_| life.parts.lines.iter().any(reached));
    let charge =
        charge.map_or(0, |charge| with_tax(charge.amount.minor_units().into(), charge.tax_rate.ppm()));
    i64::try_from(goods + charge).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_happens_to_an_order_it_stays_in_order(draft in drafts(), acts in prop::collection::vec(acts(), 0..60)) {
        let mut life = Life::of(draft);
        for one in acts {
            let before = (life.order.clone(), life.parts.clone(), life.events.len());
            if act(&mut life, one).is_err() {
                prop_assert_eq!(before, (life.order.clone(), life.parts.clone(), life.events.len()));
            }
            if life.state().is_open() || life.state() == OrderState::Completed {
                prop_assert_eq!(life.due().minor_units(), reckoned(&life));
            }
        }
    }
}
