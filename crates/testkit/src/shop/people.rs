//! Who buys, ships, cancels and returns: each order is taken on its way by one task that acts as all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use ordermesh_proto::order::v1::{
    ApproveReturnRequest, CancelOrderLinesRequest, ConfirmShipmentDeliveryRequest, DispatchShipmentRequest,
    LineQuantity, Order, OrderState, PlaceOrderRequest, ReceiveReturnRequest, ReceivedLine,
    RejectReturnRequest, ReportShipmentLossRequest, RequestReturnRequest, RetryPaymentRequest,
    ReturnCondition, ShipmentState, WaitingForWhat,
};
use ordermesh_proto::payment::v1::{CompletePaymentActionRequest, PaymentActionResult};

use super::Shop;
use crate::ask;
use crate::order::{cancel, fresh_id, order};
use crate::problem::Refusal;
use crate::random::Random;
use crate::wait;

/// What a person may be told who was a moment too late: somebody or something else was faster.
const TOO_LATE: [&str; 12] = [
    "STATE_FORBIDS",
    "ORDER_PARTLY_SHIPPED",
    "ORDER_HELD",
    "PAYMENT_NOT_CAPTURED",
    "PAYMENT_NOT_RETRYABLE",
    "QUANTITY_EXCEEDED",
    "SHIPMENT_ENDED",
    "RETURN_STATE_FORBIDS",
    "PAYMENT_ACTION_NOT_REQUIRED",
    "PAYMENT_NOT_FOUND",
    "PAYMENT_OPERATION_RUNNING",
    "PAYMENT_OPERATION_NOT_OPEN",
];

/// Looks at an order that long apart.
const LOOK: Duration = Duration::from_millis(30);
/// So many looks at an order that somebody waits for without anything new are a minute: it stands still.
const LOOKS: usize = 2000;

/// What people are like: the articles, and the cards with their weights.
#[derive(Debug, Clone)]
pub struct Habits {
    /// Articles that are bought.
    pub skus: Vec<String>,
    /// Cards, and how often each comes.
    pub cards: Vec<(&'static str, u64)>,
}

impl Habits {
    /// Mostly good cards, and some of each kind that fails.
    pub fn mixed(skus: impl IntoIterator<Item = String>) -> Self {
        let cards = vec![
            ("tok_approve", 70),
            ("tok_decline", 5),
            ("tok_decline_funds", 5),
            ("tok_3ds", 5),
            ("tok_3ds_fail", 2),
            ("tok_timeout", 4),
            ("tok_timeout_decline", 2),
            ("tok_flaky", 3),
            ("tok_capture_fails", 2),
            ("tok_refund_fails", 2),
        ];
        Self { skus: skus.into_iter().collect(), cards }
    }

    fn card(&self, random: &mut Random) -> &'static str {
        let all = self.cards.iter().map(|(_, weight)| weight).sum();
        let mut pick = random.below(all);
        for (card, weight) in &self.cards {
            match pick.checked_sub(*weight) {
                Some(rest) => pick = rest,
                None => return card,
            }
        }
        "tok_approve"
    }

    fn order(&self, random: &mut Random) -> PlaceOrderRequest {
        let sku = |random: &mut Random| &self.skus[random.below(self.skus.len() as u64) as usize];
        let quantity = |random: &mut Random| 1 + random.below(3) as i32;
        let mut placed = order(sku(random), quantity(random), 450 + random.below(2000) as i64);
        for _ in 0..random.below(3) {
            placed = placed.with_line(sku(random), quantity(random), 99 + random.below(5000) as i64, 190_000);
        }
        if random.below(3) == 0 {
            placed = placed.with_discount("SPRING", 1 + random.below(200) as i64).with_shipping(490, 190_000);
        }
        let card = self.card(random);
        placed.with(|request| request.payment_method_token = card.to_owned()).build()
    }
}

/// What became of orders, by the words of their states.
pub type Seen = BTreeMap<&'static str, usize>;

impl Shop {
    /// Takes so many orders on their way, one after the other, and tells where each was left. Panics over one that stands
    /// still while somebody waits for it.
    pub async fn serve(&self, habits: &Habits, mut random: Random, orders: usize) -> Seen {
        let mut seen = Seen::new();
        for _ in 0..orders {
            let left = self.one(habits, &mut random).await;
            *seen.entry(left.as_str_name()).or_default() += 1;
        }
        seen
    }

    async fn one(&self, habits: &Habits, random: &mut Random) -> OrderState {
        let order_id = self.place(habits.order(random)).await;
        if random.below(10) == 0 {
            self.cancel(&order_id).await;
        }
        let (patient, mut asked_back) = (random.below(4) > 0, false);
        let (mut revision, mut looks) = (0, 0);
        loop {
            let order = self.order(&order_id).await;
            if let Some(order) = &order {
                if self.is_left(order, patient, asked_back) {
                    return order.state();
                }
                self.act(order, random, &mut asked_back).await;
            }
            let newest = order.as_ref().map_or(0, |order| order.revision);
            looks = if newest == revision { looks + 1 } else { 0 };
            revision = newest;
            assert!(looks < LOOKS, "the order {order_id} stands still: {order:#?}");
            wait::pause(LOOK).await;
        }
    }

    /// Whether nobody does anything more about the order.
    fn is_left(&self, order: &Order, patient: bool, asked_back: bool) -> bool {
        match order.state() {
            OrderState::Completed => !patient || asked_back && order.returns.iter().all(is_over),
            OrderState::Rejected | OrderState::Expired | OrderState::Cancelled => true,
            // Some customers walk away from a card that did not work; the deadline does the rest.
            OrderState::Placed => {
                let waits = [WaitingForWhat::PaymentAction, WaitingForWhat::PaymentRetry];
                !patient && waits.iter().any(|what| waits_for(order, *what))
            }
            _ => false,
        }
    }

    async fn act(&self, order: &Order, random: &mut Random, asked_back: &mut bool) {
        let id = &order.order_id;
        match order.state() {
            OrderState::Placed if waits_for(order, WaitingForWhat::PaymentAction) => {
                self.complete_action(id, random).await;
            }
            OrderState::Placed if waits_for(order, WaitingForWhat::PaymentRetry) => {
                self.retry_payment(id, random).await;
            }
            OrderState::Placed | OrderState::Confirmed if random.below(60) == 0 => self.cancel(id).await,
            OrderState::Confirmed => self.fulfil(order, random).await,
            OrderState::Completed => {
                if order.returns.is_empty() && !*asked_back {
                    *asked_back = true;
                    if random.below(3) == 0 {
                        self.ask_back(order, random).await;
                    }
                }
                self.take_back(order, random).await;
            }
            _ => {}
        }
    }

    async fn cancel(&self, order_id: &str) {
        let request = cancel(order_id);
        may_be_late(ask!(self.commands(), cancel_order, request));
    }

    async fn complete_action(&self, order_id: &str, random: &mut Random) {
        let result = match random.below(4) {
            0 => PaymentActionResult::Failed,
            _ => PaymentActionResult::Done,
        };
        let request = CompletePaymentActionRequest {
            request_id: fresh_id(),
            payment_id: order_id.to_owned(),
            result: result.into(),
        };
        may_be_late(ask!(self.payments(), complete_payment_action, request));
    }

    async fn retry_payment(&self, order_id: &str, random: &mut Random) {
        let card = if random.below(3) == 0 { "tok_decline_funds" } else { "tok_approve" };
        let request = RetryPaymentRequest {
            request_id: fresh_id(),
            order_id: order_id.to_owned(),
            expected_revision: None,
            payment_method_token: card.to_owned(),
        };
        may_be_late(ask!(self.commands(), retry_payment, request));
    }

    async fn fulfil(&self, order: &Order, random: &mut Random) {
        let under_way = order.shipments.iter().filter(|one| one.state() == ShipmentState::Dispatched);
        for shipment in under_way {
            self.end_shipment(&order.order_id, &shipment.shipment_id, random).await;
        }
        let left = left(order, random);
        if left.is_empty() || !waits_for(order, WaitingForWhat::Dispatch) {
            return;
        }
        if random.below(12) == 0 {
            let request = CancelOrderLinesRequest {
                request_id: fresh_id(),
                order_id: order.order_id.clone(),
                expected_revision: None,
                lines: left,
                reason: "no longer needed".to_owned(),
            };
            may_be_late(ask!(self.commands(), cancel_order_lines, request));
            return;
        }
        let request = DispatchShipmentRequest {
            request_id: fresh_id(),
            order_id: order.order_id.clone(),
            expected_revision: None,
            lines: left,
            carrier: "Snail".to_owned(),
            tracking_number: String::new(),
        };
        may_be_late(ask!(self.commands(), dispatch_shipment, request));
    }

    async fn end_shipment(&self, order_id: &str, shipment_id: &str, random: &mut Random) {
        let (order_id, shipment_id) = (order_id.to_owned(), shipment_id.to_owned());
        if random.below(15) == 0 {
            let request = ReportShipmentLossRequest {
                request_id: fresh_id(),
                order_id,
                shipment_id,
                reason: "fell into the sea".to_owned(),
                expected_revision: None,
            };
            may_be_late(ask!(self.commands(), report_shipment_loss, request));
        } else {
            let request = ConfirmShipmentDeliveryRequest {
                request_id: fresh_id(),
                order_id,
                shipment_id,
                expected_revision: None,
            };
            let confirm = ask!(self.commands(), confirm_shipment_delivery, request);
            may_be_late(confirm);
        }
    }

    async fn ask_back(&self, order: &Order, random: &mut Random) {
        let lines: Vec<_> = order
            .progress
            .iter()
            .filter(|line| line.delivered > line.returned && random.below(2) == 0)
            .map(|line| LineQuantity { line_id: line.line_id, quantity: line.delivered - line.returned })
            .collect();
        if lines.is_empty() {
            return;
        }
        let request = RequestReturnRequest {
            request_id: fresh_id(),
            order_id: order.order_id.clone(),
            expected_revision: None,
            lines,
            reason: "too green".to_owned(),
        };
        may_be_late(ask!(self.commands(), request_return, request));
    }

    async fn take_back(&self, order: &Order, random: &mut Random) {
        use ordermesh_proto::order::v1::ReturnState;
        for goods in &order.returns {
            let (request_id, order_id, return_id) =
                (fresh_id(), order.order_id.clone(), goods.return_id.clone());
            match goods.state() {
                ReturnState::Requested if random.below(6) == 0 => {
                    let reason = "worn".to_owned();
                    let request = RejectReturnRequest {
                        request_id,
                        order_id,
                        return_id,
                        reason,
                        expected_revision: None,
                    };
                    may_be_late(ask!(self.commands(), reject_return, request));
                }
                ReturnState::Requested => {
                    let request =
                        ApproveReturnRequest { request_id, order_id, return_id, expected_revision: None };
                    may_be_late(ask!(self.commands(), approve_return, request));
                }
                ReturnState::Approved => {
                    let condition = match random.below(3) {
                        0 => ReturnCondition::Damaged,
                        _ => ReturnCondition::Resaleable,
                    };
                    let line = |line: &LineQuantity| ReceivedLine {
                        line_id: line.line_id,
                        accepted_quantity: line.quantity,
                        condition: condition.into(),
                    };
                    let lines = goods.lines.iter().map(line).collect();
                    let request = ReceiveReturnRequest {
                        request_id,
                        order_id,
                        return_id,
                        lines,
                        expected_revision: None,
                    };
                    may_be_late(ask!(self.commands(), receive_return, request));
                }
                _ => {}
            }
        }
    }
}

/// Some of what is left to dispatch, or all.
fn left(order: &Order, random: &mut Random) -> Vec<LineQuantity> {
    let whole = random.below(3) > 0;
    let mut some = |pieces: i32| if whole { pieces } else { 1 + random.below(pieces as u64) as i32 };
    let open = order.progress.iter().map(|line| (line.line_id, line.ordered - line.cancelled - line.shipped));
    open.filter(|(_, pieces)| *pieces > 0)
        .map(|(line_id, pieces)| LineQuantity { line_id, quantity: some(pieces) })
        .collect()
}

fn is_over(goods: &ordermesh_proto::order::v1::OrderReturn) -> bool {
    use ordermesh_proto::order::v1::ReturnState;
    matches!(goods.state(), ReturnState::Rejected | ReturnState::Received)
}

/// Whether the order waits for this.
pub(super) fn waits_for(order: &Order, what: WaitingForWhat) -> bool {
    order.status.iter().flat_map(|status| &status.waiting_for).any(|waiting| waiting.what() == what)
}

fn may_be_late<T>(result: Result<T, Refusal>) {
    if let Err(refusal) = result {
        assert!(TOO_LATE.contains(&refusal.reason.as_str()), "a person is told: {refusal:?}");
    }
}
