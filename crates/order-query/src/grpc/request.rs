//! Requests to queries: every field parsed, every broken rule named by its path.

use std::time::Duration;

use ordermesh_feed::token::ConsistencyToken;
use ordermesh_kernel::{CustomerId, OrderId};
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::order::v1 as wire;
use tonic::Request;

use super::problem;
use crate::query::batch_get_orders::{self, BatchGetOrders};
use crate::query::consistency::Consistency;
use crate::query::filter::Filter;
use crate::query::get_order::GetOrder;
use crate::query::get_order_timeline::{self, GetOrderTimeline};
use crate::query::list_customer_orders::ListCustomerOrders;
use crate::query::list_orders::{self, ListOrders};
use crate::query::order_by::OrderBy;
use crate::query::page::Page;
use crate::query::watch_order::WatchOrder;

/// Characters that the contract allows these fields.
const MAX_AT_LEAST: usize = 1024;
const MAX_PAGE_TOKEN: usize = 2048;
const MAX_ORDER_BY: usize = 100;
/// Left of a call's deadline for the answer itself, as the contract's policy says.
const DEADLINE_MARGIN: Duration = Duration::from_millis(20);

pub(super) fn get_order(request: Request<wire::GetOrderRequest>) -> Result<GetOrder, Problem> {
    let deadline = deadline(&request);
    let wire = request.into_inner();
    let mut violations = Violations::default();
    let order_id = violations.check("order_id", OrderId::parse(&wire.order_id));
    let consistency = consistency(violations, &wire.at_least, wire.allow_stale, deadline)?;
    Ok(GetOrder { order_id: checked(order_id)?, consistency })
}

pub(super) fn watch_order(request: Request<wire::WatchOrderRequest>) -> Result<WatchOrder, Problem> {
    let deadline = deadline(&request);
    let wire = request.into_inner();
    let mut violations = Violations::default();
    let order_id = violations.check("order_id", OrderId::parse(&wire.order_id));
    let consistency = consistency(violations, &wire.at_least, wire.allow_stale, deadline)?;
    Ok(WatchOrder { order_id: checked(order_id)?, consistency })
}

pub(super) fn batch_get_orders(
    request: Request<wire::BatchGetOrdersRequest>,
) -> Result<BatchGetOrders, Problem> {
    let deadline = deadline(&request);
    let wire = request.into_inner();
    let mut violations = Violations::default();
    let mut order_ids = Vec::new();
    let max = batch_get_orders::MAX_IDS;
    match wire.order_ids.len() {
        count if (1..=max).contains(&count) => {
            for (index, id) in wire.order_ids.iter().enumerate() {
                order_ids.extend(violations.check(format!("order_ids[{index}]"), OrderId::parse(id)));
            }
        }
        count => violations.add("order_ids", format!("must have 1 to {max} entries, not {count}")),
    }
    let consistency = consistency(violations, &wire.at_least, wire.allow_stale, deadline)?;
    Ok(BatchGetOrders { order_ids, consistency })
}

pub(super) fn list_orders(request: Request<wire::ListOrdersRequest>) -> Result<ListOrders, Problem> {
    let deadline = deadline(&request);
    let wire = request.into_inner();
    let mut violations = Violations::default();
    let v = &mut violations;
    let page = page(v, wire.page_size, list_orders::DEFAULT_PAGE, list_orders::MAX_PAGE, wire.page_token);
    let filter = v.check("filter", Filter::parse(&wire.filter));
    let order_by = match wire.order_by.len() > MAX_ORDER_BY {
        true => v.check("order_by", Err(format!("must have at most {MAX_ORDER_BY} characters"))),
        false => v.check("order_by", OrderBy::parse(&wire.order_by)),
    };
    let consistency = consistency(violations, &wire.at_least, wire.allow_stale, deadline)?;
    Ok(ListOrders {
        filter: checked(filter)?,
        order_by: checked(order_by)?,
        page: checked(page)?,
        consistency,
    })
}

pub(super) fn list_customer_orders(
    request: Request<wire::ListCustomerOrdersRequest>,
) -> Result<ListCustomerOrders, Problem> {
    let deadline = deadline(&request);
    let wire = request.into_inner();
    let mut violations = Violations::default();
    let v = &mut violations;
    let customer_id = v.check("customer_id", CustomerId::parse(wire.customer_id));
    let page = page(v, wire.page_size, list_orders::DEFAULT_PAGE, list_orders::MAX_PAGE, wire.page_token);
    let consistency = consistency(violations, &wire.at_least, wire.allow_stale, deadline)?;
    Ok(ListCustomerOrders { customer_id: checked(customer_id)?, page: checked(page)?, consistency })
}

pub(super) fn get_order_timeline(
    request: Request<wire::GetOrderTimelineRequest>,
) -> Result<GetOrderTimeline, Problem> {
    use get_order_timeline::{DEFAULT_PAGE, MAX_PAGE};
    let deadline = deadline(&request);
    let wire = request.into_inner();
    let mut violations = Violations::default();
    let order_id = violations.check("order_id", OrderId::parse(&wire.order_id));
    let page = page(&mut violations, wire.page_size, DEFAULT_PAGE, MAX_PAGE, wire.page_token);
    let consistency = consistency(violations, &wire.at_least, wire.allow_stale, deadline)?;
    Ok(GetOrderTimeline { order_id: checked(order_id)?, page: checked(page)?, consistency })
}

fn page(violations: &mut Violations, size: i32, default: usize, max: usize, token: String) -> Option<Page> {
    if token.len() > MAX_PAGE_TOKEN {
        violations.add("page_token", format!("must have at most {MAX_PAGE_TOKEN} characters"));
    }
    let size = match usize::try_from(size) {
        Ok(0) => Some(default),
        Ok(size) if size <= max => Some(size),
        _ => {
            violations.add("page_size", format!("must be from 0 to {max}, not {size}"));
            None
        }
    };
    Some(Page { size: size?, token })
}

/// The last step of every request: tells what is wrong with the fields before, then reads the token.
fn consistency(
    mut violations: Violations,
    at_least: &str,
    allow_stale: bool,
    deadline: Option<Duration>,
) -> Result<Consistency, Problem> {
    if at_least.len() > MAX_AT_LEAST {
        violations.add("at_least", format!("must have at most {MAX_AT_LEAST} characters"));
    }
    violations.into_problem()?;
    Ok(Consistency { at_least: ConsistencyToken::decode(at_least)?, allow_stale, deadline })
}

/// Nothing was violated, so the field is there.
fn checked<T>(field: Option<T>) -> Result<T, Problem> {
    field.ok_or_else(|| problem::internal("a checked field is missing"))
}

/// What a query may wait: the time that the caller gives the call, less what the answer itself takes.
fn deadline<T>(request: &Request<T>) -> Option<Duration> {
    let text = request.metadata().get("grpc-timeout")?.to_str().ok()?;
    Some(grpc_timeout(text)?.saturating_sub(DEADLINE_MARGIN))
}

/// At most eight digits and a unit, as gRPC writes it.
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Status;
    use tonic_types::StatusExt;

    /// The fields that a refusal names.
    fn fields<T: std::fmt::Debug>(refusal: Result<T, Problem>) -> Vec<String> {
        let status = Status::from(refusal.unwrap_err());
        let violations = status.get_details_bad_request().unwrap().field_violations;
        violations.into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let request = wire::ListOrdersRequest {
            page_size: 201,
            page_token: "x".repeat(2049),
            filter: "colour = red".to_owned(),
            order_by: "colour".to_owned(),
            at_least: "x".repeat(1025),
            ..Default::default()
        };
        let named = fields(list_orders(Request::new(request)));
        assert_eq!(named, ["page_token", "page_size", "filter", "order_by", "at_least"]);
    }

    #[test]
    fn a_malformed_id_of_a_batch_is_named_by_its_index() {
        let good = OrderId::from(uuid::Uuid::from_u128(1)).to_string();
        let batch = |order_ids| wire::BatchGetOrdersRequest { order_ids, ..Default::default() };
        let ids = vec![good.clone(), good.clone(), good.clone(), "x".to_owned()];
        assert_eq!(fields(batch_get_orders(Request::new(batch(ids)))), ["order_ids[3]"]);
        assert_eq!(fields(batch_get_orders(Request::new(batch(vec![])))), ["order_ids"]);
        assert_eq!(fields(batch_get_orders(Request::new(batch(vec![good; 101])))), ["order_ids"]);
    }

    #[test]
    fn a_page_has_its_default_size_and_no_negative_one() {
        let id = OrderId::from(uuid::Uuid::from_u128(1)).to_string();
        let timeline = |page_size| wire::GetOrderTimelineRequest {
            order_id: id.clone(),
            page_size,
            ..Default::default()
        };
        assert_eq!(get_order_timeline(Request::new(timeline(0))).unwrap().page.size, 100);
        assert_eq!(get_order_timeline(Request::new(timeline(500))).unwrap().page.size, 500);
        assert_eq!(fields(get_order_timeline(Request::new(timeline(501)))), ["page_size"]);
        assert_eq!(fields(get_order_timeline(Request::new(timeline(-1)))), ["page_size"]);
    }

    #[test]
    fn a_query_waits_no_longer_than_the_call_less_a_margin() {
        for (header, millis) in [("1S", 980), ("100m", 80), ("30000u", 10), ("5m", 0), ("00000002M", 119_980)]
        {
            let mut request = Request::new(wire::GetOrderRequest::default());
            request.metadata_mut().insert("grpc-timeout", header.parse().unwrap());
            assert_eq!(deadline(&request), Some(Duration::from_millis(millis)), "{header}");
        }
        for header in ["", "S", "1", "1s", "-1S", "+1S", "123456789S", "1é"] {
            assert_eq!(grpc_timeout(header), None, "{header}");
        }
    }
}
