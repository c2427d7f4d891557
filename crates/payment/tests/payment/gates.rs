//! Gateways in front of the sandbox that stop where a test wants them to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use ordermesh_payment::domain::{ActionResult, Outcome};
use ordermesh_payment::gateway::{Charge, Gateway};

use crate::house::Around;

/// Counts the calls, and while it is shut never answers after a call of one kind was made.
#[derive(Clone, Default)]
pub struct Gate(Arc<Parts>);

#[derive(Default)]
struct Parts {
    shut_after: Mutex<&'static str>,
    reached: AtomicBool,
    calls: Mutex<BTreeMap<String, usize>>,
}

impl Gate {
    /// Never answers such a call, though it is made.
    pub fn shut_after(kind: &'static str) -> Self {
        let gate = Self::default();
        *gate.0.shut_after.lock().unwrap() = kind;
        gate
    }

    /// A call that is not answered was made.
    pub fn is_reached(&self) -> bool {
        self.0.reached.load(Ordering::SeqCst)
    }

    /// How often each kind of call was made under each key.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        self.0.calls.lock().unwrap().clone()
    }

    pub fn before(self) -> Around {
        Box::new(move |sandbox| Arc::new(Gated { gate: self, sandbox }))
    }
}

struct Gated {
    gate: Gate,
    sandbox: Arc<dyn Gateway>,
}

impl Gated {
    async fn pass(&self, kind: &'static str, charge: &Charge, outcome: Outcome) -> Outcome {
        *self.gate.0.calls.lock().unwrap().entry(format!("{kind} {}", charge.key)).or_default() += 1;
        if *self.gate.0.shut_after.lock().unwrap() == kind {
            self.gate.0.reached.store(true, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        outcome
    }
}

#[async_trait::async_trait]
impl Gateway for Gated {
    fn is_told_of_actions(&self) -> bool {
        true
    }

    async fn prepare(&self, charge: &Charge) -> Outcome {
        let outcome = self.sandbox.prepare(charge).await;
        self.pass("prepare", charge, outcome).await
    }

    async fn authorize(&self, charge: &Charge) -> Outcome {
        let outcome = self.sandbox.authorize(charge).await;
        self.pass("authorize", charge, outcome).await
    }

    async fn inquire(&self, charge: &Charge, action: Option<ActionResult>) -> Outcome {
        let outcome = self.sandbox.inquire(charge, action).await;
        self.pass("inquire", charge, outcome).await
    }

    async fn capture(&self, charge: &Charge) -> Outcome {
        let outcome = self.sandbox.capture(charge).await;
        self.pass("capture", charge, outcome).await
    }

    async fn void(&self, charge: &Charge) -> Outcome {
        let outcome = self.sandbox.void(charge).await;
        self.pass("void", charge, outcome).await
    }

    async fn refund(&self, charge: &Charge) -> Outcome {
        let outcome = self.sandbox.refund(charge).await;
        self.pass("refund", charge, outcome).await
    }

    async fn find_refund(&self, charge: &Charge) -> Outcome {
        let outcome = self.sandbox.find_refund(charge).await;
        self.pass("find_refund", charge, outcome).await
    }
}
