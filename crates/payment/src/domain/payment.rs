//! The payment: what is known of the money of one order.

use ordermesh_kernel::{Currency, Money, OrderId, Timestamp};

use super::{Amounts, Attempt, AttemptState, Operation, PaymentEvent, Stamp, What};

/// What the order wants of its money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Set it aside.
    Placed,
    /// Take it.
    Confirmed,
    /// Give all of it back.
    Ended,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::Placed, Self::Confirmed, Self::Ended];

    /// The phase's word in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Confirmed => "confirmed",
            Self::Ended => "ended",
        }
    }

    /// The phase of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == word)
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// An authorization is under way.
    Initiated,
    /// The customer must do something.
    ActionRequired,
    /// The money is set aside.
    Authorized,
    /// Less than what was set aside is captured.
    PartlyCaptured,
    /// All that was set aside is captured.
    Captured,
    /// The last attempt was declined.
    Declined,
    /// Given up, or never begun.
    Voided,
    /// The outcome of an authorization is not known.
    Unknown,
    /// A part of what was captured was given back.
    PartlyRefunded,
    /// All that was captured was given back.
    Refunded,
}

impl PaymentStatus {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Initiated,
        Self::ActionRequired,
        Self::Authorized,
        Self::PartlyCaptured,
        Self::Captured,
        Self::Declined,
        Self::Voided,
        Self::Unknown,
        Self::PartlyRefunded,
        Self::Refunded,
    ];

    /// The status of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The status's word in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::ActionRequired => "action_required",
            Self::Authorized => "authorized",
            Self::PartlyCaptured => "partly_captured",
            Self::Captured => "captured",
            Self::Declined => "declined",
            Self::Voided => "voided",
            Self::Unknown => "unknown",
            Self::PartlyRefunded => "partly_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// The status in a sentence.
    pub fn words(self) -> String {
        self.as_str().replace('_', " ")
    }
}

/// What is over since the payment was loaded. History only: no decision looks at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Over {
    /// Attempts that another one has followed.
    pub attempts: Vec<Attempt>,
    /// Operations that are closed.
    pub operations: Vec<Operation>,
}

/// The payment of an order. Amounts are minor units of its currency, and none is negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The order's id.
    pub id: OrderId,
    /// Number of the newest event; 0 before the first.
    pub revision: i64,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The newest revision of the order that is known.
    pub order_revision: i64,
    /// What the customer owes, as that revision says.
    pub amount_due: i64,
    /// What the order wants of its money.
    pub phase: Phase,
    /// The newest attempt.
    pub attempt: Option<Attempt>,
    /// What was captured.
    pub captured: i64,
    /// What was given back of it.
    pub refunded: i64,
    /// The open operation.
    pub operation: Option<Operation>,
    /// Number of the newest operation; 0 before the first.
    pub operations: i32,
    /// The order was told that nothing of its money is here any more, after it had ended.
    pub answered: bool,
    /// The correlation id of the newest fact, which what is done for it carries on.
    pub correlation_id: String,
    /// When it began.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
    /// What is over since it was loaded.
    pub over: Over,
}

impl Payment {
    /// Where it stands.
    pub fn status(&self) -> PaymentStatus {
        let Some(attempt) = &self.attempt else {
            return match self.phase {
                Phase::Ended => PaymentStatus::Voided,
                Phase::Placed | Phase::Confirmed => PaymentStatus::Declined,
            };
        };
        match attempt.state {
            AttemptState::Initiated => PaymentStatus::Initiated,
            AttemptState::ActionRequired => PaymentStatus::ActionRequired,
            AttemptState::Authorized => PaymentStatus::Authorized,
            AttemptState::Declined => PaymentStatus::Declined,
            AttemptState::Voided => PaymentStatus::Voided,
            AttemptState::Unknown => PaymentStatus::Unknown,
            AttemptState::Captured if self.refunded >= self.captured => PaymentStatus::Refunded,
            AttemptState::Captured if self.refunded > 0 => PaymentStatus::PartlyRefunded,
            AttemptState::Captured if self.captured < attempt.authorized => PaymentStatus::PartlyCaptured,
            AttemptState::Captured => PaymentStatus::Captured,
        }
    }

    /// What has become of the money.
    pub fn amounts(&self) -> Amounts {
        let authorized = self.attempt.as_ref().map_or(0, Attempt::in_force);
        Amounts {
            authorized: self.money(authorized),
            captured: self.money(self.captured),
            refunded: self.money(self.refunded),
        }
    }

    /// What captured − refunded is steered towards.
    pub fn target(&self) -> i64 {
        match self.phase {
            Phase::Ended => 0,
            Phase::Placed | Phase::Confirmed => self.amount_due.max(0),
        }
    }

    /// What is captured and not given back.
    pub fn kept(&self) -> i64 {
        self.captured - self.refunded
    }

    /// Nothing is under way and nothing that is set aside waits to be taken or given up.
    pub fn is_at_rest(&self) -> bool {
        let waits = self.attempt.as_ref().is_some_and(|attempt| {
            !matches!(attempt.state, AttemptState::Declined | AttemptState::Voided | AttemptState::Captured)
        });
        self.operation.is_none() && !waits
    }

    /// Whether a person should look at it.
    pub fn needs_person(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| operation.needs_person(self.attempt.as_ref()))
    }

    /// An amount in the payment's currency.
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// The next event, which says how things are now.
    pub(super) fn publish(&mut self, what: What, now: Timestamp) -> PaymentEvent {
        self.revision += 1;
        PaymentEvent {
            stamp: Stamp {
                payment_id: self.id,
                revision: self.revision,
                attempt: self.attempt.as_ref().map_or(0, |attempt| attempt.number),
                amounts: self.amounts(),
                order_revision: self.order_revision,
                occurred_time: now,
            },
            what,
        }
    }

    /// Closes the open operation.
    pub(super) fn close(&mut self) {
        if let Some(mut operation) = self.operation.take() {
            operation.next_try = None;
            operation.claim = None;
            self.over.operations.push(operation);
        }
    }
}
