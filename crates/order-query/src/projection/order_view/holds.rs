//! The holds that are in force.

use ordermesh_proto::order::v1::{Order, OrderHold};

use super::parts::{add, remove};

/// Holds that an order may have at once: a hundred by people, and one of each reason of the payment.
const MAX_HOLDS: usize = 103;

pub(super) fn placed(order: &mut Order, hold: Option<&OrderHold>) -> Result<(), String> {
    add("hold", MAX_HOLDS, &mut order.holds, hold)
}

pub(super) fn released(order: &mut Order, hold: Option<&OrderHold>) -> Result<(), String> {
    remove("hold", &mut order.holds, hold)
}
