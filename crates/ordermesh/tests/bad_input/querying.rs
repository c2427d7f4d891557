//! Queries that ask for what cannot be answered.

use std::fmt::Debug;

use ordermesh_proto::order::v1::{
    BatchGetOrdersRequest, GetOrderRequest, GetOrderTimelineRequest, ListCustomerOrdersRequest,
    ListOrdersRequest, WatchOrderRequest,
};
use ordermesh_testkit::order::fresh_id;
use ordermesh_testkit::{assert_refused, eventually, order};
use tonic::{Code, Response, Status};

use crate::{assert_nothing_written, untouched_server};

fn invalid<T: Debug>(answer: Result<Response<T>, Status>, field: &str) {
    assert_refused(answer, Code::InvalidArgument, "INVALID_REQUEST", Some(field));
}

#[tokio::test]
async fn a_malformed_or_unknown_id_is_refused_by_every_query() {
    let server = untouched_server().await;
    let mut queries = server.queries();
    for id in ["", "7", &fresh_id().replace('-', "")] {
        let order_id = id.to_owned();
        let get = GetOrderRequest { order_id: order_id.clone(), ..Default::default() };
        invalid(queries.get_order(get).await, "order_id");
        let watch = WatchOrderRequest { order_id: order_id.clone(), ..Default::default() };
        invalid(queries.watch_order(watch).await, "order_id");
        let timeline = GetOrderTimelineRequest { order_id: order_id.clone(), ..Default::default() };
        invalid(queries.get_order_timeline(timeline).await, "order_id");
        let batch = BatchGetOrdersRequest { order_ids: vec![fresh_id(), order_id], ..Default::default() };
        invalid(queries.batch_get_orders(batch).await, "order_ids[1]");
        let customer = ListCustomerOrdersRequest { customer_id: "a b".to_owned(), ..Default::default() };
        invalid(queries.list_customer_orders(customer).await, "customer_id");
    }
    for order_ids in [vec![], vec![fresh_id(); 101]] {
        let batch = BatchGetOrdersRequest { order_ids, ..Default::default() };
        invalid(queries.batch_get_orders(batch).await, "order_ids");
    }
    let get = GetOrderRequest { order_id: fresh_id(), ..Default::default() };
    assert_refused(queries.get_order(get).await, Code::NotFound, "ORDER_NOT_FOUND", Some("order_id"));
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn a_list_that_cannot_be_made_is_refused_by_its_field() {
    let server = untouched_server().await;
    let mut queries = server.queries();
    let list = |change: &dyn Fn(&mut ListOrdersRequest)| {
        let mut request = ListOrdersRequest::default();
        change(&mut request);
        request
    };
    let long = "x".repeat(5_000);
    let cases = [
        (list(&|request| request.page_size = -1), "page_size"),
        (list(&|request| request.page_size = 201), "page_size"),
        (list(&|request| request.filter = "colour = red".to_owned()), "filter"),
        (list(&|request| request.filter = "state = FLYING".to_owned()), "filter"),
        (list(&|request| request.filter = "state = ORDER_STATE_UNSPECIFIED".to_owned()), "filter"),
        (list(&|request| request.filter = "state > PLACED".to_owned()), "filter"),
        (list(&|request| request.filter = "state = PLACED OR sku = TEA".to_owned()), "filter"),
        (list(&|request| request.filter = "placed_time > \"yesterday\"".to_owned()), "filter"),
        (list(&|request| request.filter.clone_from(&long)), "filter"),
        (list(&|request| request.order_by = "customer_id".to_owned()), "order_by"),
        (list(&|request| request.order_by.clone_from(&long)), "order_by"),
        (list(&|request| request.page_token.clone_from(&long)), "page_token"),
        (list(&|request| request.at_least.clone_from(&long)), "at_least"),
    ];
    for (request, field) in cases {
        eprintln!("case: {request:?}");
        invalid(queries.list_orders(request).await, field);
    }
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn text_that_is_no_token_is_refused_as_one() {
    let server = untouched_server().await;
    let mut queries = server.queries();
    for token in ["garbage!", "AAAA", "🦀"] {
        let pages = ListOrdersRequest { page_token: token.to_owned(), ..Default::default() };
        let refused = queries.list_orders(pages).await;
        assert_refused(refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN", Some("page_token"));
        let at_least =
            GetOrderRequest { order_id: fresh_id(), at_least: token.to_owned(), allow_stale: true };
        let refused = queries.get_order(at_least).await;
        assert_refused(refused, Code::InvalidArgument, "INVALID_CONSISTENCY_TOKEN", Some("at_least"));
    }
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn a_page_token_of_another_filter_order_or_method_is_refused() {
    let server = untouched_server().await;
    let (mut commands, mut queries) = (server.commands(), server.queries());
    for _ in 0..3 {
        commands.place_order(order("TEA", 1, 450).with_customer("mia")).await.unwrap();
    }
    let ask = |filter: &str, order_by: &str, page_token: &str| ListOrdersRequest {
        page_size: 1,
        page_token: page_token.to_owned(),
        filter: filter.to_owned(),
        order_by: order_by.to_owned(),
        ..Default::default()
    };
    let first = eventually!(
        {
            let page = queries.list_orders(ask("sku = TEA", "total", "")).await.unwrap().into_inner();
            Some(page.next_page_token).filter(|token| !token.is_empty())
        },
        "the read model has a second page"
    );
    queries.list_orders(ask("sku = TEA", "total", &first)).await.unwrap();
    for (filter, order_by) in
        [("sku = MUG", "total"), ("", "total"), ("sku = TEA", "total desc"), ("sku = TEA", "")]
    {
        let refused = queries.list_orders(ask(filter, order_by, &first)).await;
        assert_refused(refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN", Some("page_token"));
    }
    let customer_id = "mia".to_owned();
    let other = ListCustomerOrdersRequest { customer_id, page_token: first, ..Default::default() };
    let refused = queries.list_customer_orders(other).await;
    assert_refused(refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN", Some("page_token"));
}
