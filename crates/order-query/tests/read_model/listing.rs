//! ListOrders and ListCustomerOrders.

use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_proto::order::v1::{ListCustomerOrdersRequest, ListOrdersRequest, ListOrdersResponse};
use tonic::{Request, Status};
use tonic_types::StatusExt;

use crate::support::{Sample, Shelf, numbers, samples};

async fn shelf() -> Shelf {
    let shelf = Shelf::open().await;
    let mut events = samples().map(|sample| sample.created()).to_vec();
    events.push(samples()[3].requested());
    shelf.apply(&events).await;
    shelf
}

async fn list(shelf: &Shelf, request: ListOrdersRequest) -> Result<ListOrdersResponse, Status> {
    shelf.service.list_orders(Request::new(request)).await.map(tonic::Response::into_inner)
}

fn ask(filter: &str, order_by: &str) -> ListOrdersRequest {
    ListOrdersRequest { filter: filter.to_owned(), order_by: order_by.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn every_filter_leaves_the_orders_that_meet_it() {
    let shelf = shelf().await;
    for (filter, expected) in [
        ("", vec![5, 4, 3, 2, 1]),
        ("state = PLACED", vec![5, 3, 2, 1]),
        ("state != PLACED", vec![4]),
        ("state = ORDER_STATE_CANCELLING", vec![4]),
        ("customer_id = mia", vec![5, 3, 1]),
        ("order_reference = shop-2", vec![2]),
        ("sku = \"TEA\"", vec![3, 1]),
        ("sku = TEA AND sku = CUP", vec![]),
        ("sku = TEA AND sku = TEA AND state = PLACED", vec![3, 1]),
        ("currency = EUR", vec![4, 3, 1]),
        ("placed_time = \"1970-01-01T00:50:00Z\"", vec![4, 3]),
        ("placed_time < \"1970-01-01T00:50:00Z\"", vec![2, 1]),
        ("placed_time <= \"1970-01-01T00:50:00Z\"", vec![4, 3, 2, 1]),
        ("placed_time > \"1970-01-01T00:50:00Z\"", vec![5]),
        ("placed_time >= \"1970-01-01T00:50:00Z\"", vec![5, 4, 3]),
        ("customer_id = mia AND sku = TEA AND placed_time > \"1970-01-01T00:20:00Z\"", vec![3]),
        ("sku = TEA AND placed_time > \"1970-01-01T00:20:00Z\"", vec![3]),
        ("order_reference = shop-1 AND sku = TEA", vec![1]),
        ("state = COMPLETED", vec![]),
    ] {
        let page = list(&shelf, ask(filter, "")).await.unwrap();
        assert_eq!(numbers(&page.orders), expected, "{filter}");
        assert_eq!(page.next_page_token, "", "{filter}");
    }
}

#[tokio::test]
async fn every_order_comes_whole_and_in_pages_alike() {
    let shelf = shelf().await;
    for (order_by, expected) in [
        ("placed_time", [1, 2, 3, 4, 5]),
        ("placed_time desc", [5, 4, 3, 2, 1]),
        ("total", [5, 4, 1, 3, 2]),
        ("total desc", [2, 3, 1, 4, 5]),
    ] {
        for page_size in 1..=6 {
            let mut seen = Vec::new();
            let mut request = ListOrdersRequest { page_size, ..ask("", order_by) };
            loop {
                let page = list(&shelf, request.clone()).await.unwrap();
                assert!(!page.orders.is_empty() && page.orders.len() <= page_size as usize);
                seen.extend(numbers(&page.orders));
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{order_by} by {page_size}");
        }
    }
}

#[tokio::test]
async fn orders_of_an_article_come_in_pages_too() {
    let shelf = shelf().await;
    for (order_by, expected) in
        [("placed_time", [2, 5]), ("placed_time desc", [5, 2]), ("total", [5, 2]), ("total desc", [2, 5])]
    {
        let first = ListOrdersRequest { page_size: 1, ..ask("sku = CUP", order_by) };
        let page = list(&shelf, first.clone()).await.unwrap();
        let page_token = page.next_page_token.clone();
        let rest = list(&shelf, ListOrdersRequest { page_token, ..first }).await.unwrap();
        assert_eq!([numbers(&page.orders), numbers(&rest.orders)].concat(), expected, "{order_by}");
        assert_eq!(rest.next_page_token, "");
    }
}

#[tokio::test]
async fn a_page_token_of_another_question_is_refused() {
    let shelf = shelf().await;
    let first = ListOrdersRequest { page_size: 1, ..ask("currency = EUR", "total") };
    let page_token = list(&shelf, first.clone()).await.unwrap().next_page_token;
    for other in [ask("currency = CHF", "total"), ask("currency = EUR", "total desc"), ask("", "total")] {
        let status =
            list(&shelf, ListOrdersRequest { page_token: page_token.clone(), ..other }).await.unwrap_err();
        assert_eq!(status.get_details_error_info().unwrap().reason, "INVALID_PAGE_TOKEN");
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "page_token");
    }
    let another_size = ListOrdersRequest { page_size: 2, page_token, ..first };
    assert_eq!(numbers(&list(&shelf, another_size).await.unwrap().orders), [1, 3]);
}

#[tokio::test]
async fn a_customer_sees_only_their_orders_newest_first() {
    let shelf = shelf().await;
    let ask = |customer_id: &str, page_token: String| {
        let customer_id = customer_id.to_owned();
        let request =
            ListCustomerOrdersRequest { customer_id, page_size: 2, page_token, ..Default::default() };
        shelf.service.list_customer_orders(Request::new(request))
    };
    let first = ask("mia", String::new()).await.unwrap().into_inner();
    assert_eq!(numbers(&first.orders), [5, 3]);
    let second = ask("mia", first.next_page_token.clone()).await.unwrap().into_inner();
    assert_eq!((numbers(&second.orders), second.next_page_token.as_str()), (vec![1], ""));
    assert!(ask("tom", first.next_page_token).await.is_err());
    assert_eq!(ask("nobody", String::new()).await.unwrap().into_inner().orders, []);
}

#[tokio::test]
async fn a_page_of_large_orders_is_shorter_and_the_next_one_goes_on() {
    let shelf = Shelf::open().await;
    let sample = |number| Sample { number, customer: Some("mia"), ..Sample::default() };
    shelf.apply(&(1..=7).map(|number| sample(number).large()).collect::<Vec<_>>()).await;
    let first = list(&shelf, ask("", "")).await.unwrap();
    assert_eq!(numbers(&first.orders), [7, 6, 5, 4, 3]);
    let page_token = first.next_page_token;
    let rest = list(&shelf, ListOrdersRequest { page_token, ..ask("", "") }).await.unwrap();
    assert_eq!((numbers(&rest.orders), rest.next_page_token.as_str()), (vec![2, 1], ""));

    let mia = ListCustomerOrdersRequest { customer_id: "mia".to_owned(), ..Default::default() };
    let page = shelf.service.list_customer_orders(Request::new(mia)).await.unwrap().into_inner();
    assert_eq!(numbers(&page.orders), [7, 6, 5, 4, 3]);
}

#[tokio::test]
async fn only_the_orders_that_a_page_shows_are_loaded() {
    let shelf = shelf().await;
    shelf.spoil(&samples()[2]).await;
    let two = ListOrdersRequest { page_size: 2, ..ask("", "") };
    let page = list(&shelf, two.clone()).await.unwrap();
    assert_eq!(numbers(&page.orders), [5, 4]);
    let next = ListOrdersRequest { page_token: page.next_page_token, ..two };
    assert_eq!(list(&shelf, next).await.unwrap_err().code(), tonic::Code::Internal);
}

#[tokio::test]
async fn a_wrong_filter_is_refused_with_the_place_of_the_fault() {
    let shelf = shelf().await;
    let status = list(&shelf, ask("colour = red", "")).await.unwrap_err();
    let violation = status.get_details_bad_request().unwrap().field_violations.remove(0);
    assert_eq!(violation.field, "filter");
    assert!(violation.description.starts_with("at character 1: there is no field \"colour\""));
}
