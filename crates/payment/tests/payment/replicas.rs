//! Two replicas on one PostgreSQL.

use ordermesh_proto::payment::v1::PaymentStatus;
use ordermesh_testkit::backend::Backend;

use crate::gates::Gate;
use crate::house::House;
use crate::orders::{Fact, Order};

#[tokio::test]
async fn two_workers_never_carry_out_one_operation_twice() {
    if Backend::needs_postgres("SQLite's file has one process") {
        return;
    }
    let house = House::open().await;
    let gates = [Gate::default(), Gate::default()];
    let mut servers = Vec::new();
    for gate in &gates {
        servers.push(house.start_with(gate.clone().before()).await);
    }
    let orders: Vec<_> = (0..40).map(|_| Order::new()).collect();
    for order in &orders {
        house.orders.tell(order, 1, 100, Fact::Created("tok_approve")).await;
        house.orders.tell(order, 2, 100, Fact::Confirmed).await;
    }
    for order in &orders {
        servers[0].reaches(order, PaymentStatus::Captured).await;
        assert_eq!((house.charges(order).await, house.kept(order).await), (1, 100));
    }
    let mut calls = gates[0].calls();
    for (call, count) in gates[1].calls() {
        *calls.entry(call).or_default() += count;
    }
    assert_eq!(calls.len(), 40 * 3, "an id, an authorization and a capture each");
    assert!(calls.values().all(|count| *count == 1), "{calls:?}");
}
