//! The words of inventory, checked when they are made.

use std::fmt;

use ordermesh_kernel::text::is_visible_ascii;
use ordermesh_kernel::{OrderId, TextError, Timestamp, text_value};

text_value! {
    /// An article, by the caller's own code.
    pub struct Sku: shown,
        "must be 1 to 64 letters, digits, dots, underscores or hyphens", is_code;
    /// A place where articles lie.
    pub struct Location: shown,
        "must be 1 to 64 letters, digits, dots, underscores or hyphens", is_code;
    /// More about a change, for people.
    pub struct Note: shown,
        "must have at most 500 characters, none of them NUL", is_note;
    /// Who caused a change, such as `workload:shop`.
    pub struct Actor: shown,
        "must not be empty", |text| !text.is_empty();
}

fn is_code(text: &str) -> bool {
    is_visible_ascii(text, 64)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn is_note(text: &str) -> bool {
    text.chars().count() <= 500 && !text.contains('\0')
}

impl Note {
    /// Nothing more to say.
    pub fn none() -> Self {
        Self(String::new())
    }
}

impl Actor {
    /// Another program.
    pub fn workload(name: &str) -> Self {
        Self(format!("workload:{name}"))
    }
}

macro_rules! id {
    ($($(#[$docs:meta])* pub struct $name:ident;)+) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(OrderId);

        impl $name {
            /// Reads the hyphenated form, in either case.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                OrderId::parse(text).map(Self)
            }

            /// The id of an order, which an order's reservation has too.
            pub const fn of(order: OrderId) -> Self {
                Self(order)
            }

            /// The same as an order's id would be.
            pub const fn order_id(self) -> OrderId {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )+};
}

id! {
    /// Identity of a reservation. An order's reservation has the order's id.
    pub struct ReservationId;
    /// Identity of a return, given by order.
    pub struct ReturnId;
}

impl ReservationId {
    /// A new one, for a reservation that belongs to no order. Later ones sort later.
    pub fn new_v7(now: Timestamp) -> Self {
        Self(OrderId::new_v7(now))
    }
}

/// Why stock has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeReason {
    /// Goods came in.
    Received,
    /// Somebody counted.
    Counted,
    /// Goods broke, were stolen, or went bad.
    Lost,
    /// Goods went to or came from another location.
    Transferred,
    /// A customer sent them back.
    Returned,
}
