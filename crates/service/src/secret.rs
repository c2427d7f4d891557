//! A secret of the settings: whoever prints it sees that there is one, and nothing of it.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A secret such as a key of a provider. Printed and serialized as `***`, or as nothing when it is not set.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True when none is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_empty() { "" } else { "***" })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed_and_one_that_is_not_set_can_be_told() {
        let secret = Secret::from("sk_live_1".to_owned());
        assert_eq!(format!("{secret} {secret:?} {}", Secret::default()), "*** *** ");
        assert_eq!(secret.reveal(), "sk_live_1");
    }
}
