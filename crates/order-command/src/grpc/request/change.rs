//! Requests that change an order which exists: a request_id, the order, the revision that it should have, and what
//! each has of its own.

use std::collections::BTreeSet;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, PaymentMethodToken, RequestId, TextError};
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::order::v1 as wire;
use prost::Message;

use super::{optional, unchecked_field};
use crate::command::add_order_note::AddOrderNote;
use crate::command::approve_return::ApproveReturn;
use crate::command::cancel_order::CancelOrder;
use crate::command::cancel_order_lines::CancelOrderLines;
use crate::command::confirm_shipment_delivery::ConfirmShipmentDelivery;
use crate::command::dispatch_shipment::DispatchShipment;
use crate::command::hold_order::HoldOrder;
use crate::command::receive_return::ReceiveReturn;
use crate::command::reject_return::RejectReturn;
use crate::command::release_order_hold::ReleaseOrderHold;
use crate::command::report_shipment_loss::ReportShipmentLoss;
use crate::command::request_return::RequestReturn;
use crate::command::retry_payment::RetryPayment;
use crate::command::{OrderChanged, Refusal, Target};
use crate::domain::{
    Actor, Carrier, LineQuantity, MAX_LINES, NoteText, Quantity, ReceivedLine, ReturnCondition,
    TrackingNumber,
};
use crate::store::OrdersUnit;

/// Characters that a reason or a note on a hold may have.
const MAX_REASON: usize = 500;
/// Each line in each condition.
const MAX_RECEIVED: usize = 2 * MAX_LINES;

/// A request that changes one order.
pub(in crate::grpc) trait ChangeRequest: Message + Sized {
    /// The command that it stands for.
    type Command: Command<OrdersUnit, Answer = OrderChanged, Refusal = Refusal>;
    /// Its response.
    type Response: crate::codec::ChangeResponse;
    /// Full name of its method.
    const METHOD: &'static str;

    /// The command and its key, or every field that breaks a rule.
    fn command(self, actor: Actor) -> Result<(RequestId, Self::Command), Problem>;
}

/// Maps a request: `Request => Command, Response, "Method": |request, violations| { field: parsed, … }`. What is
/// parsed is an `Option`, none when a violation was added.
macro_rules! change_requests {
    ($($request:ident => $command:ident, $response:ident, $method:literal:
        |$wire:ident, $violations:ident| { $($field:ident: $parsed:expr),* $(,)? };)+) => {$(
        impl ChangeRequest for wire::$request {
            type Command = $command;
            type Response = wire::$response;
            const METHOD: &'static str = concat!("ordermesh.order.v1.OrderCommandService/", $method);

            fn command(mut self, actor: Actor) -> Result<(RequestId, $command), Problem> {
                let mut violations = Violations::default();
                let request_id = violations.check("request_id", RequestId::parse(&*self.request_id));
                let order_id = violations.check("order_id", OrderId::parse(&self.order_id));
                let expected_revision = self.expected_revision;
                if expected_revision.is_some_and(|revision| revision < 1) {
                    violations.add("expected_revision", "must be 1 or more");
                }
                let ($wire, $violations) = (&mut self, &mut violations);
                $(let $field = $parsed;)*
                violations.into_problem()?;
                // Nothing was violated, so everything is there.
                let order_id = order_id.ok_or_else(unchecked_field)?;
                let target = Target { order_id, expected_revision, actor };
                $(let $field = $field.ok_or_else(unchecked_field)?;)*
                Ok((request_id.ok_or_else(unchecked_field)?, $command { target, $($field),* }))
            }
        }
    )+};
}

change_requests! {
    CancelOrderRequest => CancelOrder, CancelOrderResponse, "CancelOrder": |wire, v| {
        reason: words(v, "reason", &mut wire.reason),
    };
    CancelOrderLinesRequest => CancelOrderLines, CancelOrderLinesResponse, "CancelOrderLines": |wire, v| {
        lines: quantities(v, &wire.lines),
        reason: words(v, "reason", &mut wire.reason),
    };
    HoldOrderRequest => HoldOrder, HoldOrderResponse, "HoldOrder": |wire, v| {
        note: words(v, "note", &mut wire.note),
    };
    ReleaseOrderHoldRequest => ReleaseOrderHold, ReleaseOrderHoldResponse, "ReleaseOrderHold": |wire, v| {
        hold_id: part(v, "hold_id", &wire.hold_id),
        note: words(v, "note", &mut wire.note),
    };
    RetryPaymentRequest => RetryPayment, RetryPaymentResponse, "RetryPayment": |wire, v| {
        token: v.check("payment_method_token", PaymentMethodToken::parse(&*wire.payment_method_token)),
    };
    DispatchShipmentRequest => DispatchShipment, DispatchShipmentResponse, "DispatchShipment": |wire, v| {
        lines: quantities(v, &wire.lines),
        carrier: Some(optional(v, "carrier", std::mem::take(&mut wire.carrier), Carrier::parse)),
        tracking_number: Some(optional(
            v,
            "tracking_number",
            std::mem::take(&mut wire.tracking_number),
            TrackingNumber::parse,
        )),
    };
    ConfirmShipmentDeliveryRequest => ConfirmShipmentDelivery, ConfirmShipmentDeliveryResponse,
        "ConfirmShipmentDelivery": |wire, v| {
        shipment_id: part(v, "shipment_id", &wire.shipment_id),
    };
    ReportShipmentLossRequest => ReportShipmentLoss, ReportShipmentLossResponse,
        "ReportShipmentLoss": |wire, v| {
        shipment_id: part(v, "shipment_id", &wire.shipment_id),
        reason: words(v, "reason", &mut wire.reason),
    };
    RequestReturnRequest => RequestReturn, RequestReturnResponse, "RequestReturn": |wire, v| {
        lines: quantities(v, &wire.lines),
        reason: words(v, "reason", &mut wire.reason),
    };
    ApproveReturnRequest => ApproveReturn, ApproveReturnResponse, "ApproveReturn": |wire, v| {
        return_id: part(v, "return_id", &wire.return_id),
    };
    RejectReturnRequest => RejectReturn, RejectReturnResponse, "RejectReturn": |wire, v| {
        return_id: part(v, "return_id", &wire.return_id),
        reason: words(v, "reason", &mut wire.reason),
    };
    ReceiveReturnRequest => ReceiveReturn, ReceiveReturnResponse, "ReceiveReturn": |wire, v| {
        return_id: part(v, "return_id", &wire.return_id),
        received: received(v, &wire.lines),
    };
    AddOrderNoteRequest => AddOrderNote, AddOrderNoteResponse, "AddOrderNote": |wire, v| {
        text: v.check("text", NoteText::parse(&*wire.text)),
    };
}

/// Free words for people, which may be none.
fn words(violations: &mut Violations, path: &str, text: &mut String) -> Option<String> {
    if text.chars().count() > MAX_REASON {
        violations.add(path, format!("must have at most {MAX_REASON} characters"));
    }
    if text.contains('\0') {
        violations.add(path, "must not contain the character NUL");
    }
    Some(std::mem::take(text))
}

/// The id of a hold, a shipment or a return.
fn part<I: From<uuid::Uuid>>(violations: &mut Violations, path: &str, text: &str) -> Option<I> {
    // All ids have one form.
    let id: Result<OrderId, TextError> = OrderId::parse(text);
    violations.check(path, id).map(|id| I::from(id.into()))
}

fn quantities(violations: &mut Violations, wire: &[wire::LineQuantity]) -> Option<Vec<LineQuantity>> {
    if wire.is_empty() || wire.len() > MAX_LINES {
        violations.add("lines", format!("must have 1 to {MAX_LINES} entries, not {}", wire.len()));
        return None;
    }
    let mut seen = BTreeSet::new();
    let line = |(index, wire): (usize, &wire::LineQuantity)| {
        let path = |field| format!("lines[{index}].{field}");
        let quantity = violations.check(path("quantity"), Quantity::new(wire.quantity));
        if wire.line_id < 1 {
            violations.add(path("line_id"), "must be 1 or more");
        } else if !seen.insert(wire.line_id) {
            violations.add(path("line_id"), "must not be given twice");
        }
        Some(LineQuantity { line_id: wire.line_id, quantity: quantity?.get() })
    };
    Some(wire.iter().enumerate().filter_map(line).collect())
}

fn received(violations: &mut Violations, wire: &[wire::ReceivedLine]) -> Option<Vec<ReceivedLine>> {
    if wire.len() > MAX_RECEIVED {
        violations.add("lines", format!("must have at most {MAX_RECEIVED} entries, not {}", wire.len()));
        return None;
    }
    let mut seen = BTreeSet::new();
    let line = |(index, wire): (usize, &wire::ReceivedLine)| {
        let path = |field| format!("lines[{index}].{field}");
        let accepted = violations.check(path("accepted_quantity"), Quantity::new(wire.accepted_quantity));
        let condition = match wire::ReturnCondition::try_from(wire.condition) {
            Ok(wire::ReturnCondition::Resaleable) => Some(ReturnCondition::Resaleable),
            Ok(wire::ReturnCondition::Damaged) => Some(ReturnCondition::Damaged),
            Ok(wire::ReturnCondition::Unspecified) | Err(_) => {
                violations.add(path("condition"), "must be RESALEABLE or DAMAGED");
                None
            }
        };
        if wire.line_id < 1 {
            violations.add(path("line_id"), "must be 1 or more");
        } else if !seen.insert((wire.line_id, wire.condition)) {
            violations.add(path("line_id"), "must not be given twice in one condition");
        }
        Some(ReceivedLine { line_id: wire.line_id, accepted: accepted?.get(), condition: condition? })
    };
    Some(wire.iter().enumerate().filter_map(line).collect())
}
