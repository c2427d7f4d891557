//! A filter's text as tokens, each with the number of its first character.

use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

use super::FilterError;

/// A piece of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    /// A field, a bare value or AND.
    Word(&'a str),
    /// A value in quotes, without them and with its escapes resolved.
    Quoted(String),
    /// A comparison.
    Operator(&'a str),
    /// A character that nothing begins with.
    Other(char),
    /// The end of the text.
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(formatter, "{word:?}"),
            Self::Quoted(text) => write!(formatter, "the quoted {text:?}"),
            Self::Operator(operator) => formatter.write_str(operator),
            Self::Other(character) => write!(formatter, "{character:?}"),
            Self::End => formatter.write_str("the end"),
        }
    }
}

/// Reads tokens off a text.
pub(super) struct Lexer<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    /// Number of the next character, from 1 on.
    at: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, rest: text.char_indices().peekable(), at: 1 }
    }

    /// The next token; the end again and again once it is reached.
    pub fn next(&mut self) -> Result<(usize, Token<'a>), FilterError> {
        while self.bump_if(char::is_whitespace).is_some() {}
        let at = self.at;
        let Some((start, first)) = self.bump_if(|_| true) else { return Ok((at, Token::End)) };
        let token = match first {
            '"' => self.quoted(at)?,
            '<' | '>' | '!' | '=' => {
                self.bump_if(|character| character == '=');
                Token::Operator(self.since(start))
            }
            first if is_bare(first) => {
                while self.bump_if(is_bare).is_some() {}
                Token::Word(self.since(start))
            }
            other => Token::Other(other),
        };
        Ok((at, token))
    }

    /// The rest of a quoted value whose opening quote, at `opened`, is read.
    fn quoted(&mut self, opened: usize) -> Result<Token<'a>, FilterError> {
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.bump_if(|_| true).map(|(_, character)| character) {
                Some('"') => return Ok(Token::Quoted(text)),
                Some('\\') => match self.bump_if(|character| character == '"' || character == '\\') {
                    Some((_, escaped)) => text.push(escaped),
                    None => {
                        let what = r#"a backslash in quotes is followed by " or \"#.to_owned();
                        return Err(FilterError { at, what });
                    }
                },
                Some(character) => text.push(character),
                None => {
                    return Err(FilterError { at: opened, what: "the quote is never closed".to_owned() });
                }
            }
        }
    }

    fn bump_if(&mut self, wanted: impl FnOnce(char) -> bool) -> Option<(usize, char)> {
        let next = self.rest.next_if(|(_, character)| wanted(*character))?;
        self.at += 1;
        Some(next)
    }

    fn since(&mut self, start: usize) -> &'a str {
        let end = self.rest.peek().map_or(self.text.len(), |(index, _)| *index);
        &self.text[start..end]
    }
}

/// Whether a word may have the character without quotes.
fn is_bare(character: char) -> bool {
    !character.is_whitespace() && !character.is_control() && !r#""'\<>=!(),"#.contains(character)
}
