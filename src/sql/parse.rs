//! PostgreSQL's own parser, behind the caps. The trees stay private to `sql`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pg_query::protobuf;

use super::caps::{self, Scanned};
use super::reject::{Checked, Reject, Syntax};

/// One statement of a text, as PostgreSQL's parser reads it.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The statement's tree.
    pub(super) node: protobuf::Node,
    /// The parser's version number, which belongs to each tree.
    pub(super) version: i32,
    /// Where it starts in the text, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// A text that was read.
#[derive(Debug)]
pub struct Text {
    /// Its tokens, for descriptions.
    pub scanned: Scanned,
    /// Its statements, in order; none for an empty text.
    pub statements: Vec<Parsed>,
}

/// Reads a text: caps, then the parser.
///
/// # Errors
/// A limit, or PostgreSQL's own syntax error.
pub fn read(text: &str, limit: usize) -> Checked<Text> {
    let scanned = caps::scan(text, limit)?;
    let tree = tree(text)?;
    let version = tree.version;
    let mut statements = Vec::with_capacity(tree.stmts.len());
    for protobuf::RawStmt { stmt, stmt_location, stmt_len } in tree.stmts {
        let Some(node) = stmt.map(|n| *n) else { return Err(Reject::unclear("tree", "the parser gave an empty statement")) };
        let start = usize::try_from(stmt_location).unwrap_or(0).min(text.len());
        let length = usize::try_from(stmt_len).unwrap_or(0);
        let end = if length == 0 { text.len() } else { (start + length).min(text.len()) };
        statements.push(Parsed { node, version, start, end });
    }
    Ok(Text { scanned, statements })
}

/// The parser alone, for texts that passed the caps. The crate's wrapper indexes and casts while it collects a summary that we do
/// not need; a panic there must end as a refusal. INVARIANT 1.
pub(super) fn tree(text: &str) -> Checked<protobuf::ParseResult> {
    match catch_unwind(AssertUnwindSafe(|| pg_query::parse(text, 0))) {
        Ok(Ok(result)) => Ok(result.protobuf),
        Ok(Err(error)) => Err(syntax_error(text, &error)),
        Err(_) => Err(Reject::unclear("parser", "the parser's tree could not be read")),
    }
}

/// PostgreSQL's words for a text that it cannot read; the token that it quotes is left out where it is a literal.
pub(super) fn syntax_error(text: &str, error: &pg_query::Error) -> Reject {
    let Some(message) = words(error) else { return Reject::unclear("parser", "the parser's tree could not be read") };
    let Some((what, near)) = message.split_once(AT_OR_NEAR) else {
        let end = if message.ends_with("at end of input") { i32::try_from(text.len()).unwrap_or(-1) } else { -1 };
        return Reject::postgres(Syntax::SyntaxError, message).at(end);
    };
    let near = near.strip_suffix('"').unwrap_or(near);
    let place = place(text, near, message).and_then(|at| i32::try_from(at).ok()).unwrap_or(-1);
    Reject::postgres(Syntax::SyntaxError, if is_word(near) { message } else { what }).at(place)
}

/// What stands before the token that PostgreSQL could not read on at.
const AT_OR_NEAR: &str = " at or near \"";

/// Texts longer than this give no position of a syntax error: it takes several readings.
const MAX_SEARCHED: usize = 16 << 10;

/// PostgreSQL's message; `None` where the crate failed and not the text.
fn words(error: &pg_query::Error) -> Option<&str> {
    match error {
        pg_query::Error::Parse(m) | pg_query::Error::Scan(m) | pg_query::Error::Split(m) | pg_query::Error::IsUtility(m) => Some(m),
        pg_query::Error::Conversion(_) | pg_query::Error::Decode(_) | pg_query::Error::InvalidJson(_) | pg_query::Error::InvalidPointer => {
            None
        }
    }
}

/// Where the token stands that the parser stopped at, which the crate does not say: of the places where that text stands it is the
/// first at whose end a reading of the text so far fails in the same way. The parser reads no further than that token, so all
/// later places fail in the same way too, and the search can halve them.
fn place(text: &str, near: &str, message: &str) -> Option<usize> {
    let places: Vec<usize> = text.match_indices(near).map(|(at, _)| at).collect();
    if let [only] = places.as_slice() {
        return Some(*only);
    }
    if near.is_empty() || text.len() > MAX_SEARCHED {
        return None;
    }
    let fails = |at: &usize| {
        let so_far = text.get(..at + near.len()).unwrap_or_default();
        let error = catch_unwind(AssertUnwindSafe(|| pg_query::parse(so_far, 0).err())).ok().flatten();
        error.as_ref().and_then(words) == Some(message)
    };
    places.get(places.partition_point(|at| !fails(at))).copied()
}

/// A key word, plain name or operator: nothing that can hold a literal.
fn is_word(near: &str) -> bool {
    if near == "$" {
        return true;
    }
    let mut chars = near.chars();
    let head = chars.next();
    head.is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        || near.chars().all(|c| c.is_ascii_punctuation() && !matches!(c, '\'' | '"' | '$'))
}
