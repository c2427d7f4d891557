//! Placing an order: what is agreed, and what is refused under which field.

use ordermesh_kernel::{Money, OrderReference, Timestamp};
use ordermesh_order_command::domain::{
    Fact, FulfilmentStatus, Order, OrderDraft, OrderState, PaymentStatus, Quantity, Refusal, StockStatus,
    Title, Waiting, WaitingFor,
};

use crate::life::Life;
use crate::support::{
    WINDOW, at, discount, draft, line, money, order_id, place, rate, refusal, shipping, shop, tea,
};

#[test]
fn a_placed_order_tells_one_event_and_is_its_fold() {
    let (order, events) = place(tea()).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(Order::fold(&events), Some(order.clone()));
    let stamp = &events[0].stamp;
    assert_eq!(events[0].name(), "OrderCreated");
    assert_eq!((stamp.order_id, stamp.order_revision, stamp.occurred_time), (order_id(), 1, at(0)));
    assert_eq!((stamp.actor.clone(), stamp.amount_due), (shop(), order.terms.totals.total));
    assert_eq!((order.head.state, order.head.revision), (OrderState::Placed, 1));
    assert_eq!((order.placed_time, order.head.update_time), (at(0), at(0)));
    assert_eq!((order.head.amount_due, order.head.cancel_reason), (money("26.77 EUR"), None));
}

#[test]
fn a_history_that_does_not_begin_with_the_creation_makes_no_order() {
    let mut life = Life::of(tea());
    life.must(|change| change.cancel(String::new()));
    assert_eq!(Order::fold(&life.events[1..]), None);
    assert_eq!(Order::fold(&[]), None);
}

#[test]
fn what_is_left_out_gets_its_default() {
    let mut draft = tea();
    draft.lines[1].title = Some(Title::parse("Pot").unwrap());
    let (order, _) = place(draft).unwrap();
    assert_eq!(order.terms.order_reference.to_string(), order_id().to_string());
    let lines: Vec<_> = order.terms.lines.iter().map(|line| (line.line_id, line.title.as_str())).collect();
    assert_eq!(lines, [(1, "TEA-100"), (2, "Pot")]);
}

#[test]
fn the_shops_own_number_is_kept() {
    let reference = OrderReference::parse("2024-0001").unwrap();
    let (order, _) = place(OrderDraft { order_reference: Some(reference.clone()), ..tea() }).unwrap();
    assert_eq!(order.terms.order_reference, reference);
}

#[test]
fn an_order_has_1_to_1000_lines_and_at_most_20_discounts() {
    let lines = |count| vec![line(money("1.00 EUR"), 1, rate(0)); count];
    assert_eq!(refusal(draft(vec![])), Refusal::NoLines);
    assert_eq!(refusal(draft(lines(1_001))), Refusal::TooManyLines { count: 1_001 });
    assert!(place(draft(lines(1_000))).is_ok());
    let discounts = |count| OrderDraft { discounts: vec![discount(money("0.01 EUR")); count], ..tea() };
    assert_eq!(refusal(discounts(21)), Refusal::TooManyDiscounts { count: 21 });
    assert!(place(discounts(20)).is_ok());
}

#[test]
fn an_amount_in_another_currency_is_refused_by_its_field() {
    let dollar = money("1.00 USD");
    let mut second_line = tea();
    second_line.lines[1].unit_price = dollar;
    let cases = [
        (second_line, "lines[1].unit_price"),
        (OrderDraft { shipping: shipping(dollar, rate(0)), ..tea() }, "shipping.amount"),
        (
            OrderDraft { discounts: vec![discount(money("1.00 EUR")), discount(dollar)], ..tea() },
            "discounts[1].amount",
        ),
        (OrderDraft { expected_total: Some(dollar), ..tea() }, "expected_total"),
    ];
    for (draft, path) in cases {
        let refusal = refusal(draft);
        assert!(matches!(refusal, Refusal::MixedCurrencies { .. }), "{refusal:?}");
        assert_eq!(refusal.field().as_deref(), Some(path));
        let sentence = format!("{path} is in USD, but the order is in EUR, the currency of its first line");
        assert_eq!(refusal.to_string(), sentence);
    }
}

#[test]
fn an_amount_below_its_least_is_refused_by_its_field() {
    let (owed, nothing) = (money("-0.01 EUR"), money("0.00 EUR"));
    let mut price = tea();
    price.lines[1].unit_price = owed;
    let charge = OrderDraft { shipping: shipping(owed, rate(0)), ..tea() };
    let [negative, zero] =
        [owed, nothing].map(|amount| OrderDraft { discounts: vec![discount(amount)], ..tea() });
    for (draft, path, is_discount) in [
        (price, "lines[1].unit_price", false),
        (charge, "shipping.amount", false),
        (negative, "discounts[0].amount", true),
        (zero, "discounts[0].amount", true),
    ] {
        let refusal = refusal(draft);
        assert_eq!(refusal.field().as_deref(), Some(path));
        assert_eq!(matches!(refusal, Refusal::DiscountNotPositive { .. }), is_discount, "{refusal:?}");
        assert_eq!(matches!(refusal, Refusal::NegativeAmount { .. }), !is_discount, "{refusal:?}");
    }
}

#[test]
fn discounts_may_take_off_all_goods_but_not_more() {
    let goods = money("22.50 EUR");
    let with = |text| OrderDraft { discounts: vec![discount(money(text))], ..tea() };
    let (order, _) = place(with("22.50 EUR")).unwrap();
    assert_eq!(order.head.amount_due, money("0.00 EUR"));
    let refused = refusal(with("22.51 EUR"));
    assert_eq!(refused, Refusal::DiscountExceedsGoods { discount: money("22.51 EUR"), goods });
    assert_eq!(refused.field().as_deref(), Some("discounts"));
}

#[test]
fn another_total_than_the_expected_is_refused() {
    let expecting = |text| OrderDraft { expected_total: Some(money(text)), ..tea() };
    assert!(place(expecting("26.77 EUR")).is_ok());
    let refused = refusal(expecting("26.78 EUR"));
    assert_eq!(refused.to_string(), "the total is 26.77 EUR, not the expected 26.78 EUR");
    assert_eq!(refused.field().as_deref(), Some("expected_total"));
}

#[test]
fn amounts_that_cannot_be_counted_are_refused_by_their_field() {
    let most = Money::new(i64::MAX, money("1 EUR").currency());
    let cases = [
        (draft(vec![line(money("1 EUR"), 1, rate(0)), line(most, 2, rate(0))]), "lines[1].unit_price"),
        (draft(vec![line(most, 1, rate(0)), line(most, 1, rate(0))]), "lines"),
        (OrderDraft { discounts: vec![discount(most), discount(most)], ..tea() }, "discounts"),
        (draft(vec![line(most, 1, rate(1_000_000))]), "lines"),
    ];
    for (draft, path) in cases {
        let refusal = refusal(draft);
        assert!(matches!(refusal, Refusal::AmountOverflow { .. }), "{refusal:?}");
        assert_eq!(refusal.field().as_deref(), Some(path));
    }
}

#[test]
fn a_million_pieces_of_something_free_cost_nothing() {
    let mut free = tea();
    free.lines = vec![line(money("0 JPY"), 1_000_000, rate(1_000_000))];
    assert!(Quantity::new(1_000_001).is_err());
    let (order, events) = Order::place(order_id(), free, shop(), Timestamp::MIN, WINDOW).unwrap();
    assert_eq!(order.terms.totals.total, money("0 JPY"));
    assert!(matches!(events[0].fact, Fact::Created { payment_deadline: None, .. }) && events.len() == 1);
}

#[test]
fn a_placed_order_waits_for_stock_and_until_its_deadline_for_payment() {
    let (order, events) = place(tea()).unwrap();
    let status = &events[0].status;
    assert_eq!(*status, order.head.status());
    assert_eq!((status.stock, status.payment), (StockStatus::Pending, PaymentStatus::Pending));
    assert_eq!(status.fulfilment, FulfilmentStatus::None);
    let deadline = Some(at(3_600));
    let waiting = |what, deadline| Waiting { what, since: at(0), deadline };
    assert_eq!(
        status.waiting_for,
        [waiting(WaitingFor::Stock, None), waiting(WaitingFor::Payment, deadline)]
    );
    assert_eq!((order.head.payment_deadline, order.head.due_time()), (deadline, deadline));
    assert!(matches!(events[0].fact, Fact::Created { payment_deadline, .. } if payment_deadline == deadline));
}

#[test]
fn an_order_that_costs_nothing_waits_for_stock_alone_and_has_no_deadline() {
    let (order, events) = place(draft(vec![line(money("0 JPY"), 2, rate(0))])).unwrap();
    assert_eq!(order.head.payment, PaymentStatus::NotRequired);
    assert_eq!((order.head.payment_deadline, order.head.due_time(), order.head.attempt), (None, None, 0));
    let waiting: Vec<_> = events[0].status.waiting_for.iter().map(|one| one.what).collect();
    assert_eq!(waiting, [WaitingFor::Stock]);
}

#[test]
fn a_payment_window_past_the_end_of_time_never_ends() {
    let (order, _) = Order::place(order_id(), tea(), shop(), Timestamp::MAX, WINDOW).unwrap();
    assert_eq!((order.head.payment, order.head.payment_deadline), (PaymentStatus::Pending, None));
}
