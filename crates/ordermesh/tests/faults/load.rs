//! Callers who place orders without a pause, and how long their answers take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ordermesh_testkit::{client, order, problem};
use tokio::task::JoinHandle;
use tonic::Code;

/// Callers of one server.
pub struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Told>>,
}

/// What callers were told.
#[derive(Debug, Default)]
pub struct Told {
    /// Ids of the orders that were acknowledged.
    pub orders: Vec<String>,
    /// The longest that an answer took.
    pub slowest: Duration,
}

impl Load {
    /// Starts so many callers; each asks under one request_id until it is acknowledged.
    pub fn on(address: &str, callers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let caller = |_| tokio::spawn(call(address.to_owned(), stop.clone()));
        Self { callers: (0..callers).map(caller).collect(), stop }
    }

    /// Lets the callers end with their present order.
    pub async fn end(self) -> Told {
        self.stop.store(true, Ordering::Relaxed);
        let mut told = Told::default();
        for caller in self.callers {
            let mut one = caller.await.unwrap();
            told.orders.append(&mut one.orders);
            told.slowest = told.slowest.max(one.slowest);
        }
        told
    }
}

async fn call(address: String, stop: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    let mut commands = client::commands(&address);
    while !stop.load(Ordering::Relaxed) {
        let (request, start) = (order("TEA", 1, 450).build(), Instant::now());
        loop {
            match commands.place_order(request.clone()).await {
                Ok(answer) => break told.orders.push(answer.into_inner().order_id),
                Err(status) => {
                    let code = problem(&status).unwrap().code;
                    assert!(matches!(code, Code::Unavailable | Code::Aborted), "{status:?}");
                }
            }
        }
        told.slowest = told.slowest.max(start.elapsed());
    }
    told
}
