//! What is owed once pieces are gone, by example. `laws` has it for every order.

use ordermesh_order_command::domain::{OrderDraft, PaymentNews, StockFact};

use crate::life::{Life, of_line};
use crate::support::{discount, draft, line, money, rate, shipping, tea};

fn without(draft: OrderDraft, pieces: &[(i32, i32)]) -> Life {
    let mut life = Life::of(draft);
    let lines = pieces.iter().map(|(line, pieces)| of_line(*line, *pieces)).collect();
    life.must(|change| change.cancel_lines(lines, String::new()));
    life
}

#[test]
fn tax_on_top_is_reckoned_anew_on_what_is_left() {
    // 19 % of 9.00 is 1.71, of 4.50 is 0.855, which goes to the even cent.
    assert_eq!(without(tea(), &[(1, 1)]).due(), money("21.42 EUR"));
    assert_eq!(without(tea(), &[(1, 2)]).due(), money("16.07 EUR"));
}

#[test]
fn contained_tax_adds_nothing() {
    let gross = OrderDraft {
        shipping: shipping(money("4.90 EUR"), rate(190_000)),
        prices_include_tax: true,
        ..tea()
    };
    assert_eq!(without(gross, &[(1, 1)]).due(), money("22.90 EUR"));
}

#[test]
fn a_discount_stays_in_proportion_to_the_pieces_of_its_line() {
    // 0.01 off 3 pieces: a third rounds to nothing, two thirds to the cent.
    let cent = OrderDraft {
        discounts: vec![discount(money("0.01 EUR"))],
        ..draft(vec![line(money("1.00 EUR"), 3, rate(0))])
    };
    assert_eq!(without(cent.clone(), &[]).due(), money("2.99 EUR"));
    assert_eq!(without(cent.clone(), &[(1, 1)]).due(), money("1.99 EUR"));
    assert_eq!(without(cent, &[(1, 2)]).due(), money("1.00 EUR"));
}

#[test]
fn a_discount_of_everything_leaves_nothing_of_any_part() {
    let gift = OrderDraft {
        discounts: vec![discount(money("13.50 EUR"))],
        shipping: shipping(money("4.90 EUR"), rate(0)),
        ..draft(vec![line(money("4.50 EUR"), 3, rate(190_000))])
    };
    assert_eq!(without(gift, &[(1, 2)]).due(), money("4.90 EUR"));
}

#[test]
fn shipping_is_owed_as_long_as_a_piece_reached_or_may_reach_the_customer() {
    let with_shipping = OrderDraft { shipping: shipping(money("5.00 EUR"), rate(190_000)), ..tea() };
    let mut life = Life::of(with_shipping);
    life.stock(StockFact::Reserved);
    life.pay(PaymentNews::Authorized);
    life.pay(PaymentNews::Captured);
    life.must(|change| change.cancel_lines(vec![of_line(1, 2)], String::new()));
    assert_eq!(life.due(), money("22.02 EUR"), "16.07 and 5.95");
    let [tea, pot] =
        [1, 2].map(|line| life.must(|change| change.dispatch(vec![of_line(line, 1)], None, None)));
    life.must(|change| change.lose(tea, String::new()));
    assert_eq!(life.due(), money("16.66 EUR"), "10.71 and 5.95");
    life.must(|change| change.lose(pot, String::new()));
    assert_eq!(life.due(), money("0 EUR"));
}

#[test]
fn shipping_is_owed_for_what_came_and_went_back() {
    let with_shipping = OrderDraft { shipping: shipping(money("5.00 EUR"), rate(0)), ..tea() };
    let mut life = Life::of(with_shipping);
    life.stock(StockFact::Reserved);
    life.pay(PaymentNews::Authorized);
    life.pay(PaymentNews::Captured);
    let all = crate::life::everything();
    let shipment = life.must(|change| change.dispatch(all.clone(), None, None));
    life.must(|change| change.deliver(shipment));
    let back = life.must(|change| change.request_return(all, String::new()));
    life.must(|change| change.approve_return(back));
    let received = [(1, 3), (2, 1)].map(|(line, pieces)| crate::fulfilling::received(line, pieces));
    life.must(|change| change.receive_return(back, received.to_vec()));
    assert_eq!(life.due(), money("5.00 EUR"));
}

#[test]
fn amounts_without_and_with_three_decimals_round_in_their_own_unit() {
    let yen = draft(vec![line(money("105 JPY"), 3, rate(100_000))]);
    // 10 % of 210 is 21, of 105 is 10.5, which goes to the even yen.
    assert_eq!(without(yen.clone(), &[(1, 1)]).due(), money("231 JPY"));
    assert_eq!(without(yen, &[(1, 2)]).due(), money("115 JPY"));
    let dinar = draft(vec![line(money("1.005 KWD"), 2, rate(50_000))]);
    assert_eq!(without(dinar, &[(1, 1)]).due(), money("1.055 KWD"));
}

#[test]
fn pieces_taken_off_one_by_one_or_at_once_leave_the_same() {
    let odd = OrderDraft {
        discounts: vec![discount(money("3.33 EUR"))],
        shipping: shipping(money("4.99 EUR"), rate(70_000)),
        ..draft(vec![line(money("3.37 EUR"), 7, rate(190_000)), line(money("0.99 EUR"), 5, rate(70_000))])
    };
    let at_once = without(odd.clone(), &[(1, 4), (2, 3)]);
    let mut one_by_one = Life::of(odd);
    for line_id in [1, 2, 1, 2, 1, 2, 1] {
        one_by_one.must(|change| change.cancel_lines(vec![of_line(line_id, 1)], String::new()));
    }
    assert_eq!(one_by_one.due(), at_once.due());
}
