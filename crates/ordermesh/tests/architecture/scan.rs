//! Reads Rust sources as far as the rules need it: which paths does a file name, and where.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

/// A source file of ours.
#[derive(Debug)]
pub struct Source {
    /// Its place below the root, such as `crates/feed/src/lib.rs`.
    pub place: String,
    /// Its text.
    pub text: String,
}

/// A path that a file names, such as `crate::store::Table`: written out, or in a `use` with its braces expanded.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// Its line, from 1 on.
    pub line: usize,
    /// Its segments.
    pub segments: Vec<String>,
}

/// All Rust sources of the workspace.
pub fn sources(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    for place in ["build.rs", "proto", "crates"] {
        walk(root, &root.join(place), &mut found);
    }
    assert!(found.len() > 50, "the scan must see the sources; it saw {}", found.len());
    found
}

fn walk(root: &Path, path: &Path, found: &mut Vec<Source>) {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.iter().filter(|entry| !entry.ends_with("target")).for_each(|entry| walk(root, entry, found));
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let place = path.strip_prefix(root).unwrap().display().to_string();
        found.push(Source { place, text: fs::read_to_string(path).unwrap() });
    }
}

impl Source {
    /// Every path of two segments or more.
    pub fn paths(&self) -> Vec<Named> {
        paths(&self.text)
    }

    /// Whether its place is one of these: a file, or a folder when it ends with a slash. `*` stands for one name.
    pub fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| fits(place, &self.place))
    }

    /// A fault at a line of it.
    pub fn fault(&self, named: &Named) -> String {
        format!("{}:{}: {}", self.place, named.line, named.segments.join("::"))
    }
}

fn fits(pattern: &str, place: &str) -> bool {
    let whole_folder = pattern.ends_with('/');
    let (pattern, place): (Vec<_>, Vec<_>) =
        (pattern.trim_end_matches('/').split('/').collect(), place.split('/').collect());
    let long_enough = if whole_folder { place.len() > pattern.len() } else { place.len() == pattern.len() };
    long_enough && pattern.iter().zip(&place).all(|(wanted, found)| *wanted == "*" || wanted == found)
}

/// Every path of two segments or more that the code names; comments and texts are not code.
pub fn paths(text: &str) -> Vec<Named> {
    let mut tokens = tokens(text);
    let mut found = Vec::new();
    while let Some((line, token)) = tokens.pop_front() {
        if token == "use" {
            expand(&mut tokens, &[], line, &mut found);
        } else if is_name(&token) {
            let mut segments = vec![token];
            while follows(&mut tokens, "::") {
                match tokens.front() {
                    Some((_, name)) if is_name(name) => {
                        segments.extend(tokens.pop_front().map(|(_, name)| name))
                    }
                    _ => break,
                }
            }
            found.push(Named { line, segments });
        }
    }
    found.retain(|named| named.segments.len() > 1);
    found
}

/// One tree of a `use`, up to the comma, brace or semicolon after it.
fn expand(tokens: &mut VecDeque<(usize, String)>, before: &[String], line: usize, found: &mut Vec<Named>) {
    let mut segments = before.to_vec();
    loop {
        match tokens.front().map(|(line, token)| (*line, token.clone())) {
            Some((line, token)) if token == "{" => {
                tokens.pop_front();
                while !follows(tokens, "}") && !tokens.is_empty() {
                    expand(tokens, &segments, line, found);
                    follows(tokens, ",");
                }
                return;
            }
            Some((_, token)) if ["::", "as"].contains(&token.as_str()) || is_name(&token) || token == "*" => {
                tokens.pop_front();
                if token == "as" {
                    tokens.pop_front();
                } else if token != "::" {
                    segments.push(token);
                }
            }
            _ => {
                found.push(Named { line, segments });
                return;
            }
        }
    }
}

fn follows(tokens: &mut VecDeque<(usize, String)>, wanted: &str) -> bool {
    let there = tokens.front().is_some_and(|(_, token)| token == wanted);
    if there {
        tokens.pop_front();
    }
    there
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, `::` and single signs with their lines. Comments, texts and characters are left out.
fn tokens(text: &str) -> VecDeque<(usize, String)> {
    let characters: Vec<char> = text.chars().collect();
    let (mut tokens, mut at, mut line) = (VecDeque::new(), 0, 1);
    while at < characters.len() {
        let rest = &characters[at..];
        let length = skipped(rest).unwrap_or_else(|| {
            let name = rest.iter().take_while(|sign| sign.is_alphanumeric() || **sign == '_').count();
            let length = if name > 0 { name } else { 1 + usize::from(rest.starts_with(&[':', ':'])) };
            if !rest[0].is_whitespace() {
                tokens.push_back((line, rest[..length].iter().collect()));
            }
            length
        });
        line += rest[..length].iter().filter(|sign| **sign == '\n').count();
        at += length;
    }
    tokens
}

/// How long the comment, text or character is that starts here.
fn skipped(rest: &[char]) -> Option<usize> {
    let until = |from: usize, end: &[char]| {
        let found = (from..rest.len()).find(|at| rest[*at..].starts_with(end));
        found.map_or(rest.len(), |at| at + end.len())
    };
    match rest {
        ['/', '/', ..] => Some(until(2, &['\n'])),
        ['/', '*', ..] => Some(until(2, &['*', '/'])),
        ['r', '#', '"', ..] => Some(until(3, &['"', '#'])),
        ['r', '"', ..] => Some(until(2, &['"'])),
        ['"', ..] => Some(quoted(rest)),
        ['\'', '\\', _, ..] => Some(until(3, &['\''])),
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

fn quoted(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

#[test]
fn paths_are_found_in_uses_and_in_code_and_nowhere_else() {
    let text = r#"
        //! tonic::in_a_comment
        use crate::{domain::{self, Order as Mine}, store::entity::*};
        /* sea_orm::left_out */
        fn f<'a>(x: &'a str) -> tonic::Status { let _ = ("sea_orm::text \" ", 'x', '\'', r"a::b"); x.y::<u8>() }
        pub(crate) use super::super::escape;
    "#;
    let found: Vec<_> =
        paths(text).into_iter().map(|named| (named.line, named.segments.join("::"))).collect();
    let expected = [
        (3, "crate::domain::self"),
        (3, "crate::domain::Order"),
        (3, "crate::store::entity::*"),
        (5, "tonic::Status"),
        (6, "super::super::escape"),
    ];
    assert_eq!(found, expected.map(|(line, path)| (line, path.to_owned())));
}

#[test]
fn a_place_fits_its_file_its_folder_and_one_name_for_a_star() {
    for (pattern, place, expected) in [
        ("crates/*/src/grpc.rs", "crates/order-command/src/grpc.rs", true),
        ("crates/*/src/grpc.rs", "crates/order-command/src/grpc/problem.rs", false),
        ("crates/*/src/grpc/", "crates/order-command/src/grpc/problem.rs", true),
        ("crates/*/src/grpc/", "crates/order-command/src/grpc.rs", false),
        ("crates/feed/", "crates/feed/src/commit/batch.rs", true),
        ("crates/feed/", "crates/feedback/src/lib.rs", false),
    ] {
        assert_eq!(fits(pattern, place), expected, "{pattern} {place}");
    }
}
