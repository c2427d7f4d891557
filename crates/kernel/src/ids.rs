//! Ids that cannot be mixed up: a type for each, checked when it is made.

use uuid::Uuid;

use crate::{TextError, Timestamp, text::is_visible_ascii, text_value};

macro_rules! uuid_id {
    ($($(#[$docs:meta])* pub struct $name:ident;)+) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new UUIDv7 of that time: ids made later sort later, to the millisecond; the rest is random.
            pub fn new_v7(now: Timestamp) -> Self {
                Self(uuid_v7(now))
            }

            /// Reads the hyphenated form, in either case.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                parse_uuid(text).map(Self)
            }

            /// The UUID.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0.hyphenated(), formatter)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )+};
}

uuid_id! {
    /// Identity of an order, a UUIDv7 given by the order write server.
    pub struct OrderId;
    /// Identity of an event, a UUIDv7 given by the context that publishes it.
    pub struct EventId;
    /// Identity of a hold on an order, a UUIDv7.
    pub struct HoldId;
    /// Identity of a shipment of an order, a UUIDv7.
    pub struct ShipmentId;
    /// Identity of a return of an order, a UUIDv7.
    pub struct ReturnId;
    /// Identity of a note on an order, a UUIDv7.
    pub struct NoteId;
}

text_value! {
    /// Idempotency key of a command: a UUID or the caller's own key.
    pub struct RequestId: shown,
        "must be 1 to 128 visible ASCII characters", |text| is_visible_ascii(text, 128);
    /// The shop's own number of an order.
    pub struct OrderReference: shown,
        "must be 1 to 64 visible ASCII characters", |text| is_visible_ascii(text, 64);
    /// A customer's id in the shop.
    pub struct CustomerId: shown,
        "must be 1 to 64 visible ASCII characters", |text| is_visible_ascii(text, 64);
    /// The account that pays, when it is not the buyer's own.
    pub struct BillingAccountId: shown,
        "must be 1 to 64 visible ASCII characters", |text| is_visible_ascii(text, 64);
    /// The payment provider's token for the means of payment: as good as money, so
    /// that it is never shown.
    pub struct PaymentMethodToken: masked,
        "must be 1 to 256 visible ASCII characters", |text| is_visible_ascii(text, 256);
}

impl From<OrderId> for OrderReference {
    /// The reference of an order that the shop gave none.
    fn from(id: OrderId) -> Self {
        Self(id.to_string())
    }
}

fn uuid_v7(now: Timestamp) -> Uuid {
    // A UUIDv7 cannot say a time before 1970; such a clock is broken anyway.
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix_time(seconds, nanos, 0, 0))
}

fn parse_uuid(text: &str) -> Result<Uuid, TextError> {
    // Braced, URN and bare forms have other lengths: one spelling an id keeps keys and logs comparable.
    const HYPHENATED: usize = 36;
    let parsed = if text.len() == HYPHENATED { Uuid::try_parse(text).ok() } else { None };
    parsed.ok_or(TextError::new("must be a UUID in its hyphenated form"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "01932c07-209c-7f5a-8d3e-4b2a9c1d0e6f";

    #[test]
    fn an_id_is_read_in_either_case_and_shown_in_lower_case() {
        let id = OrderId::parse(&TEXT.to_uppercase()).unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(OrderId::from(*id.as_uuid()), id);
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let bare = TEXT.replace('-', "");
        let moved_hyphen = "0193-2c07209c-7f5a-8d3e-4b2a9c1d0e6f";
        for text in ["", &bare, &format!("{{{TEXT}}}"), &format!("urn:uuid:{TEXT}"), moved_hyphen, " "] {
            assert!(EventId::parse(text).is_err(), "{text}");
        }
        assert!(EventId::parse(&TEXT.replace('0', "é")).is_err());
    }

    #[test]
    fn later_ids_sort_later_and_no_two_are_equal() {
        let early = Timestamp::from_millisecond(1_700_000_000_000).unwrap();
        let late = Timestamp::from_millisecond(1_700_000_000_001).unwrap();
        assert!(OrderId::new_v7(early) < OrderId::new_v7(late));
        assert_ne!(OrderId::new_v7(early), OrderId::new_v7(early));
        assert_eq!(OrderId::new_v7(early).as_uuid().get_version_num(), 7);
    }

    #[test]
    fn a_time_before_1970_still_gives_an_id() {
        let id = OrderId::new_v7(Timestamp::MIN);
        assert!(id.to_string().starts_with("00000000-0000-7"));
    }

    #[test]
    fn a_text_id_has_only_visible_ascii_characters_and_a_length() {
        for text in ["", " ", "a b", "ä", "a\n", &"x".repeat(65)] {
            let refusal = OrderReference::parse(text).unwrap_err();
            assert_eq!(refusal.to_string(), "must be 1 to 64 visible ASCII characters");
        }
        assert_eq!(OrderReference::parse("!A-7~").unwrap().to_string(), "!A-7~");
        assert_eq!(RequestId::parse("x".repeat(128)).unwrap().as_str().len(), 128);
        assert!(RequestId::parse("x".repeat(129)).is_err());
    }

    #[test]
    fn a_payment_token_is_never_shown() {
        let token = PaymentMethodToken::parse("tok_secret").unwrap();
        assert_eq!(format!("{token:?}"), "PaymentMethodToken(***)");
        assert_eq!(token.into_string(), "tok_secret");
    }
}
