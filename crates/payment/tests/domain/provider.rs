//! A provider that does what is asked once a key, and a worker that may crash, lose answers or be refused.

use std::collections::{BTreeMap, BTreeSet};

use ordermesh_kernel::Timestamp;
use ordermesh_payment::domain::{
    ActionResult, Decline, OperationKind, Outcome, Payment, PaymentEvent, Report, Resolution, Step,
};

use crate::support::{TERMS, at};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Created,
    Waiting,
    Authorized,
    Declined,
    Canceled,
    Captured(i64),
}

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Luck {
    Good,
    /// Done, and the answer is lost.
    AnswerLost,
    /// Not done, and nobody knows.
    CallLost,
    /// Done, and the worker dies before it can tell.
    Crash,
    /// Turned away.
    Busy,
    /// Refused by the provider.
    Refused,
    /// Authorization only: the customer must act.
    Action,
}

#[derive(Default)]
pub struct Provider {
    /// By reference, which is made of the key.
    pub intents: BTreeMap<String, (Standing, i64)>,
    pub refunds: BTreeMap<String, i64>,
    /// Keys whose answer stands: refused ones, and those that were carried out.
    refused: BTreeSet<String>,
    done: BTreeSet<String>,
}

impl Provider {
    /// Authorizations and captures that the customer pays for.
    pub fn charges(&self) -> usize {
        let charged = |standing: &Standing| matches!(standing, Standing::Authorized | Standing::Captured(_));
        self.intents.values().filter(|(standing, _)| charged(standing)).count()
    }

    pub fn kept(&self) -> i64 {
        let captured = self.intents.values().map(|(standing, _)| match standing {
            Standing::Captured(amount) => *amount,
            _ => 0,
        });
        captured.sum::<i64>() - self.refunds.values().sum::<i64>()
    }

    fn standing(&mut self, reference: &str) -> &mut (Standing, i64) {
        self.intents.get_mut(reference).expect("the provider has given this reference")
    }

    fn tell(&mut self, reference: &str) -> Outcome {
        match *self.standing(reference) {
            (Standing::Created, _) => Outcome::NotStarted,
            (Standing::Waiting, _) => Outcome::ActionRequired { url: "https://bank".to_owned() },
            (Standing::Authorized, amount) => Outcome::Authorized { amount },
            (Standing::Declined, _) => declined(),
            (Standing::Canceled, _) => Outcome::Voided,
            (Standing::Captured(amount), _) => Outcome::Captured { amount },
        }
    }

    fn act(
        &mut self,
        kind: OperationKind,
        (key, reference): (&str, &str),
        amount: i64,
        luck: Luck,
    ) -> Outcome {
        if luck == Luck::Refused && kind != OperationKind::Authorize && !self.done.contains(key) {
            self.refused.insert(key.to_owned());
        }
        if self.refused.contains(key) {
            return Outcome::Failed { code: "refused".to_owned(), detail: "no".to_owned() };
        }
        self.done.insert(key.to_owned());
        match (kind, *self.standing(reference)) {
            (OperationKind::Authorize, (Standing::Created, amount)) => {
                let standing = match luck {
                    Luck::Refused => Standing::Declined,
                    Luck::Action => Standing::Waiting,
                    _ => Standing::Authorized,
                };
                *self.standing(reference) = (standing, amount);
            }
            (OperationKind::Capture, (Standing::Authorized, set_aside)) => {
                assert!(amount <= set_aside, "captured {amount} of {set_aside}");
                *self.standing(reference) = (Standing::Captured(amount), set_aside);
            }
            (OperationKind::Void, (standing, amount))
                if !matches!(standing, Standing::Captured(_) | Standing::Declined) =>
            {
                *self.standing(reference) = (Standing::Canceled, amount);
            }
            (OperationKind::Refund, (Standing::Captured(captured), _)) => {
                self.refunds.entry(key.to_owned()).or_insert(amount);
                assert!(self.refunds.values().sum::<i64>() <= captured, "more given back than taken");
                return Outcome::Refunded;
            }
            _ => {}
        }
        self.tell(reference)
    }

    fn ask(
        &mut self,
        kind: OperationKind,
        (key, reference): (&str, &str),
        action: Option<ActionResult>,
    ) -> Outcome {
        if kind == OperationKind::Refund {
            return match self.refunds.contains_key(key) {
                true => Outcome::Refunded,
                false => Outcome::NotStarted,
            };
        }
        if let (Some(result), (Standing::Waiting, amount)) = (action, *self.standing(reference)) {
            let standing = match result {
                ActionResult::Done => Standing::Authorized,
                ActionResult::Failed => Standing::Declined,
            };
            *self.standing(reference) = (standing, amount);
        }
        match (kind, self.tell(reference)) {
            (OperationKind::Capture, Outcome::Captured { amount }) => Outcome::Captured { amount },
            (_, told) => told,
        }
    }
}

fn declined() -> Outcome {
    let (code, detail) = ("no_funds".to_owned(), "no".to_owned());
    Outcome::Declined(Decline { code, detail, retryable: true })
}

/// One try of the open operation, as the worker makes it.
pub fn work(payment: &mut Payment, provider: &mut Provider, luck: Luck, now: Timestamp) -> Vec<PaymentEvent> {
    let Some(operation) = &mut payment.operation else { return Vec::new() };
    let reference = payment.attempt.as_ref().and_then(|attempt| attempt.provider_reference.clone());
    let step = operation.step(reference.is_some(), &TERMS, now);
    operation.tries += 1;
    let first_sent = *operation.first_sent.get_or_insert(now);
    let (number, round, kind) = (operation.number, operation.round, operation.kind);
    let (key, amount, action) = (operation.key.clone(), operation.amount, operation.action);
    let reference = reference.unwrap_or_else(|| format!("intent of {key}"));
    let outcome = match (step, luck) {
        (Step::GiveUp, _) => Outcome::Unknown { detail: "too late".to_owned() },
        (Step::Send, Luck::CallLost) => Outcome::Unknown { detail: "lost".to_owned() },
        (_, Luck::Busy | Luck::CallLost) => {
            Outcome::NotNow { detail: "busy".to_owned(), key_is_spent: false }
        }
        (Step::Prepare, _) => {
            provider.intents.entry(reference.clone()).or_insert((Standing::Created, amount));
            Outcome::Prepared { reference }
        }
        (Step::Ask, _) => provider.ask(kind, (&key, &reference), action),
        (Step::Send, _) => match (provider.act(kind, (&key, &reference), amount, luck), luck) {
            (_, Luck::AnswerLost) => Outcome::Unknown { detail: "lost".to_owned() },
            (told, _) => told,
        },
    };
    if luck == Luck::Crash {
        return Vec::new();
    }
    payment.record(&Report { operation: number, round, first_sent, outcome }, &TERMS, now)
}

/// What a person finds at the provider about the open operation, and states; refused while nothing has failed.
pub fn state(payment: &mut Payment, provider: &mut Provider, now: Timestamp) -> Vec<PaymentEvent> {
    let Some(operation) = &payment.operation else { return Vec::new() };
    let (number, kind, key) = (operation.number, operation.kind, operation.key.clone());
    let reference = payment.attempt.as_ref().and_then(|attempt| attempt.provider_reference.clone());
    let found = reference.map(|reference| provider.ask(kind, (&key, &reference), None));
    let resolution = match (kind, found) {
        (OperationKind::Authorize | OperationKind::Inquire, Some(Outcome::Authorized { .. }))
        | (OperationKind::Void, Some(Outcome::Voided))
        | (OperationKind::Refund, Some(Outcome::Refunded)) => Resolution::Done,
        (OperationKind::Capture, Some(Outcome::Captured { .. })) => Resolution::Done,
        _ => Resolution::NotDone,
    };
    payment.resolve(number, resolution, ("user:ada", "seen there"), &TERMS, now).unwrap_or_default()
}

/// Lets the provider answer well until nothing is left to do, with the customer's action done.
pub fn work_to_rest(payment: &mut Payment, provider: &mut Provider, mut second: i64) -> Vec<PaymentEvent> {
    let mut events = Vec::new();
    for _ in 0..50 {
        if payment.operation.is_none() {
            return events;
        }
        second += 1;
        if payment.complete_action(ActionResult::Done, at(second)).is_ok() {
            second += 1;
        }
        events.extend(work(payment, provider, Luck::Good, at(second)));
    }
    panic!("it never comes to rest: {payment:?}");
}
