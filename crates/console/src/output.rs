//! Where results go: stdout, as text for people or as JSON for programs; remarks go to stderr.
//!
//! Every print takes the lock and gives its error to the caller: a closed pipe ends a verb quietly.

use std::io::{self, Write};

use prost::Name;
use serde_json::Value;

use crate::failure::Failure;
use crate::json::{self, Personal};

/// Prints in the form that the person chose.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    personal: Personal,
}

impl Output {
    /// Output as JSON or text, personal data shown or masked.
    pub fn new(json: bool, show_personal: bool) -> Self {
        Self { json, personal: if show_personal { Personal::Shown } else { Personal::Masked } }
    }

    /// True when the person wants JSON.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// What to do with personal data.
    pub fn personal(self) -> Personal {
        self.personal
    }

    /// A message as JSON, with personal data as the person wishes.
    pub fn value(self, message: &impl Name) -> Result<Value, Failure> {
        json::value(message, self.personal).map_err(Failure::unexpected)
    }

    /// Prints an answer: as a JSON document, or as the text that `human` makes of it.
    pub fn answer<M: Name>(self, message: &M, human: impl FnOnce(&M) -> String) -> Result<(), Failure> {
        match self.json {
            true => self.document(&self.value(message)?),
            false => self.text(&human(message)),
        }
    }

    /// Prints one message of a stream: as a JSON line, or as the text that `human` makes of it.
    pub fn item<M: Name>(self, message: &M, human: impl FnOnce(&M) -> String) -> Result<(), Failure> {
        match self.json {
            true => self.lines(&[self.value(message)?]),
            false => self.text(&human(message)),
        }
    }

    /// Prints one JSON document, indented.
    pub fn document(self, value: &Value) -> Result<(), Failure> {
        Ok(write(io::stdout().lock(), &format!("{value:#}"))?)
    }

    /// Prints JSON, each value on a line of its own.
    pub fn lines(self, values: &[Value]) -> Result<(), Failure> {
        let lines: Vec<_> = values.iter().map(Value::to_string).collect();
        Ok(write(io::stdout().lock(), &lines.join("\n"))?)
    }

    /// Prints text for people.
    pub fn text(self, text: &str) -> Result<(), Failure> {
        Ok(write(io::stdout().lock(), &harmless(text))?)
    }
}

/// A remark for people on stderr. If even that is closed, nobody is there to be told.
pub fn note(text: &str) {
    let _ = write(io::stderr().lock(), &harmless(text));
}

fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.write_all(b"\n")?;
    to.flush()
}

/// Text from a server must not steer the terminal: control characters are replaced.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_from_a_server_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\nc");
    }
}
