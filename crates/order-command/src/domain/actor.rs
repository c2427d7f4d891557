//! Who caused a change.

use std::fmt;

/// Who caused a change: a kind and a name within it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A workload such as the shop's backend, by its name.
    Workload(String),
    /// A member of staff, by user id.
    Staff(String),
    /// A customer, by customer id.
    Customer(String),
    /// The platform itself: a rule or a deadline, by its name.
    Policy(String),
}

impl Actor {
    /// The actor of a kind's word and a name.
    pub fn parse(kind: &str, name: String) -> Option<Self> {
        let actor = match kind {
            "workload" => Self::Workload,
            "staff" => Self::Staff,
            "customer" => Self::Customer,
            "policy" => Self::Policy,
            _ => return None,
        };
        Some(actor(name))
    }

    /// The kind: workload, staff, customer or policy.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Workload(_) => "workload",
            Self::Staff(_) => "staff",
            Self::Customer(_) => "customer",
            Self::Policy(_) => "policy",
        }
    }

    /// The name or id within the kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Workload(name) | Self::Staff(name) | Self::Customer(name) | Self::Policy(name) => name,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind(), self.name())
    }
}
