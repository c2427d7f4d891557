//! What is done or asked at the provider: an intent that a worker carries out, outside of any transaction.

use ordermesh_kernel::Timestamp;
use uuid::Uuid;

use super::{Attempt, AttemptState};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Sets money aside.
    Authorize,
    /// Asks what has become of an authorization. Changes nothing.
    Inquire,
    /// Takes what was set aside.
    Capture,
    /// Gives up what was set aside.
    Void,
    /// Gives back what was captured.
    Refund,
}

impl OperationKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Authorize, Self::Inquire, Self::Capture, Self::Void, Self::Refund];

    /// Whether it sets money aside or asks about that.
    pub const fn is_about_authorization(self) -> bool {
        matches!(self, Self::Authorize | Self::Inquire)
    }

    /// The kind's word in rows, keys and sentences.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Inquire => "inquire",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What the customer has made of a required action, where the provider is told so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionResult {
    /// Done.
    Done,
    /// Failed or given up.
    Failed,
}

/// The worker that carries an operation out just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The claim's own id.
    pub id: Uuid,
    /// When another worker may take over.
    pub until: Timestamp,
}

/// What somebody did about an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Who, such as "workload:shop".
    pub actor: String,
    /// What, with the note.
    pub action: String,
    /// When.
    pub time: Timestamp,
}

/// An operation. Amounts are minor units of the payment's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// From 1 on within its payment.
    pub number: i32,
    /// What it does.
    pub kind: OperationKind,
    /// The attempt that it belongs to.
    pub attempt: i32,
    /// How much.
    pub amount: i64,
    /// The key under which the provider does it once.
    pub key: String,
    /// Counts up whenever an answer to what was sent before shall no longer count.
    pub round: i32,
    /// How often it was sent.
    pub tries: i32,
    /// How often in a row it did not succeed.
    pub failures: i32,
    /// It was sent, and not told whether it was done: asked about before it is sent again.
    pub uncertain: bool,
    /// Its failure is published.
    pub told: bool,
    /// When it was first sent under its key.
    pub first_sent: Option<Timestamp>,
    /// When it is due; none when it is closed.
    pub next_try: Option<Timestamp>,
    /// Who carries it out.
    pub claim: Option<Claim>,
    /// What the provider is to be told with an inquiry.
    pub action: Option<ActionResult>,
    /// Why it did not succeed last.
    pub last_error: Option<String>,
    /// What somebody did about it last.
    pub deed: Option<Deed>,
    /// When it began.
    pub create_time: Timestamp,
}

impl Operation {
    /// Whether anything may have reached the provider under its key.
    pub fn is_sent(&self) -> bool {
        self.first_sent.is_some()
    }

    /// Whether a worker has it at that time.
    pub fn is_running(&self, now: Timestamp) -> bool {
        self.claim.is_some_and(|claim| claim.until > now)
    }

    /// Whether a person should look at it: what gives money back or takes it from its first failure on, an unknown
    /// outcome once asking did not settle it, anything else when it fails again and again.
    pub fn needs_person(&self, attempt: Option<&Attempt>) -> bool {
        const PATIENCE: i32 = 5;
        match self.kind {
            OperationKind::Capture | OperationKind::Void | OperationKind::Refund => self.failures > 0,
            OperationKind::Inquire if attempt.is_some_and(|own| own.state == AttemptState::Unknown) => {
                self.failures > 0
            }
            OperationKind::Authorize | OperationKind::Inquire => self.failures >= PATIENCE,
        }
    }

    /// Has it done as soon as a worker is free. An answer that is on its way still counts.
    pub(super) fn due(&mut self, now: Timestamp) {
        self.next_try = Some(now);
    }

    /// Has it done again from the start: what is on its way does not count any more. Only for what changes nothing.
    pub(super) fn ask_again(&mut self, now: Timestamp) {
        self.round += 1;
        self.claim = None;
        self.due(now);
    }

    /// Takes a new key, after the provider has said that nothing was done under the old one.
    pub(super) fn renew_key(&mut self) {
        self.round += 1;
        // Counted by the key itself: an authorization is opened anew under a key that was renewed before.
        let (stem, count) = self.key.split_once('.').unwrap_or((&self.key, "0"));
        self.key = format!("{stem}.{}", count.parse::<u32>().unwrap_or(0).saturating_add(1));
        self.first_sent = None;
        self.uncertain = false;
    }

    /// Takes down that it did not succeed.
    pub(super) fn failed(&mut self, detail: String, next_try: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.last_error = Some(detail);
        self.claim = None;
        self.next_try = Some(next_try);
    }
}
