//! Validated texts: a type for every kind of text that has a rule, so that what was checked once stays
//! checked.

/// The rule that a text breaks, such as "must be 1 to 64 visible ASCII characters".
///
/// It never repeats the text, which may be personal or secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(&'static str);

impl TextError {
    /// An error that states a rule, worded to follow a field's name.
    pub const fn new(rule: &'static str) -> Self {
        Self(rule)
    }

    /// The rule.
    pub const fn rule(self) -> &'static str {
        self.0
    }
}

/// Whether a text has 1 to `max` characters, all of them visible ASCII, `!` to `~`.
pub fn is_visible_ascii(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a text has 1 to `max` characters, none of them a control character: those break labels, mail
/// headers and databases.
pub fn is_printable(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Declares a validated text: `/// docs`, then `pub struct Name: shown | masked, "the rule", check;`.
///
/// The check is a `fn(&str) -> bool`. A masked text has no Display and hides itself in Debug, so that it
/// cannot slip into a log; who means to read it calls `as_str`.
#[macro_export]
macro_rules! text_value {
    (@shown $name:ident) => {
        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    };
    (@masked $name:ident) => {
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    };
    ($($(#[$docs:meta])* pub struct $name:ident: $visibility:ident, $rule:expr, $check:expr;)+) => {$(
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes a text that follows the rule; the error states the rule.
            pub fn parse(text: impl Into<String>) -> Result<Self, $crate::TextError> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err($crate::TextError::new($rule)) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        $crate::text_value!(@$visibility $name);
    )+};
}

/// Declares an enum whose values have words: `pub enum Name { Value = "word", … }`, each with its docs.
///
/// The words are what rows, sentences and metadata show; they are lower case and never change.
#[macro_export]
macro_rules! word_enum {
    ($($(#[$docs:meta])* pub enum $name:ident { $($(#[$value_docs:meta])* $value:ident = $word:literal,)+ })+) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$value_docs])* $value,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The value's word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }

            /// The value of that word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    )+};
}
