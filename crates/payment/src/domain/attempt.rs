//! One means of payment, tried.

use ordermesh_kernel::{PaymentMethodToken, Timestamp};

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptState {
    /// The authorization is under way.
    Initiated,
    /// The customer must do something.
    ActionRequired,
    /// The money is set aside.
    Authorized,
    /// Some or all of it is taken; the rest is free.
    Captured,
    /// The provider said no. Final.
    Declined,
    /// Given up. Final.
    Voided,
    /// What the provider has done is not known.
    Unknown,
}

impl AttemptState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Initiated,
        Self::ActionRequired,
        Self::Authorized,
        Self::Captured,
        Self::Declined,
        Self::Voided,
        Self::Unknown,
    ];

    /// The state's word in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::ActionRequired => "action_required",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Declined => "declined",
            Self::Voided => "voided",
            Self::Unknown => "unknown",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Why an attempt was declined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The provider's code, or one of ours.
    pub code: String,
    /// More about it, for people.
    pub detail: String,
    /// Another means of payment may be tried.
    pub retryable: bool,
}

/// One means of payment, tried. Amounts are minor units of the payment's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// From 1 on.
    pub number: i32,
    /// The means of payment.
    pub token: PaymentMethodToken,
    /// What is to be set aside.
    pub amount: i64,
    /// What was set aside; zero when nothing is or was.
    pub authorized: i64,
    /// Where it stands.
    pub state: AttemptState,
    /// The key of its authorization at the provider; the same however often it is sent.
    pub key: String,
    /// The provider's id, known before any money can move.
    pub provider_reference: Option<String>,
    /// When its authorization was first sent.
    pub first_sent: Option<Timestamp>,
    /// Where the customer must go.
    pub action_url: Option<String>,
    /// Why it was declined.
    pub decline: Option<Decline>,
}

impl Attempt {
    /// What counts as set aside: as long as it can be captured, and once it was.
    pub fn in_force(&self) -> i64 {
        match self.state {
            AttemptState::Authorized | AttemptState::Captured => self.authorized,
            _ => 0,
        }
    }
}
