//! PostgreSQL's own parser, behind the caps. The trees stay private to `sql`.

use std::ffi::CString;
use std::ops::Range;

use parser::{Failure, Fingerprints};
use pg_query::protobuf::{self, ScanToken, Token};
use prost::Message;

use super::caps::{self, Scanned};
use super::reject::{Checked, Reject, Syntax};

/// One statement of a text, as PostgreSQL's parser reads it.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The statement's tree.
    pub(super) node: protobuf::Node,
    /// The parser's version number, which belongs to each tree.
    pub(super) version: i32,
    /// Its fingerprint, and whether it can be printed.
    pub(super) known: parser::Statement,
    /// A bound on the height of the trees of its text.
    pub(super) depth: u32,
    /// Numbers of the parameters in it, each as often as it is named.
    pub(super) parameters: Vec<i32>,
    /// Where a number stands in it that PostgreSQL reads so since 16: in another base than ten, or with `_` between its digits.
    pub(super) number_since_16: Option<usize>,
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
    let raw = raw(text, Fingerprints::Wanted)?;
    let protobuf::ParseResult { version, stmts } = decoded(&raw)?;
    let mut statements = Vec::with_capacity(stmts.len());
    for (protobuf::RawStmt { stmt, stmt_location, stmt_len }, known) in stmts.into_iter().zip(raw.statements()) {
        let Some(node) = stmt.map(|n| *n) else { return Err(Reject::unclear("tree", "the parser gave an empty statement")) };
        let start = usize::try_from(stmt_location).unwrap_or(0).min(text.len());
        let length = usize::try_from(stmt_len).unwrap_or(0);
        let end = if length == 0 { text.len() } else { (start + length).min(text.len()) };
        let tokens = within(&scanned.tokens, start..end);
        let (parameters, number_since_16) = (parameters(text, tokens), number_since_16(text, tokens));
        statements.push(Parsed { node, version, known: *known, depth: scanned.depth, parameters, number_since_16, start, end });
    }
    Ok(Text { scanned, statements })
}

/// The tokens that begin in a part of the text; they stand in its order.
fn within(tokens: &[ScanToken], part: Range<usize>) -> &[ScanToken] {
    let before = |place: usize| tokens.partition_point(|t| usize::try_from(t.start).is_ok_and(|start| start < place));
    tokens.get(before(part.start)..before(part.end)).unwrap_or_default()
}

/// The parameters that tokens name.
fn parameters(text: &str, tokens: &[ScanToken]) -> Vec<i32> {
    let number = |token: &ScanToken| {
        let (from, to) = (usize::try_from(token.start).ok()?, usize::try_from(token.end).ok()?);
        text.get(from + 1..to)?.parse().ok()
    };
    tokens.iter().filter(|t| t.token() == Token::Param).filter_map(number).collect()
}

/// The first such number; an older server takes what stands behind its leading digits for a name.
fn number_since_16(text: &str, tokens: &[ScanToken]) -> Option<usize> {
    let place = |token: &ScanToken| {
        let (from, to) = (usize::try_from(token.start).ok()?, usize::try_from(token.end).ok()?);
        let word = text.get(from..to)?;
        word.contains(|c: char| c == '_' || c.is_ascii_alphabetic() && !c.eq_ignore_ascii_case(&'e')).then_some(from)
    };
    tokens.iter().filter(|t| matches!(t.token(), Token::Iconst | Token::Fconst)).find_map(place)
}

/// The parser alone, for texts that passed the caps.
pub(super) fn tree(text: &str) -> Checked<protobuf::ParseResult> {
    raw(text, Fingerprints::Unwanted).and_then(|raw| decoded(&raw))
}

fn raw(text: &str, fingerprints: Fingerprints) -> Checked<parser::Tree> {
    let ended = CString::new(text).map_err(|_| Reject::unclear("parser", "a text with a zero in it"))?;
    parser::read(&ended, fingerprints).map_err(|failure| syntax_error(text, &failure))
}

fn decoded(raw: &parser::Tree) -> Checked<protobuf::ParseResult> {
    protobuf::ParseResult::decode(raw.bytes()).map_err(|_| Reject::unclear("parser", "the parser's tree could not be read"))
}

/// What PostgreSQL says of a text that its lexer cannot read: the grammar may stop before that.
pub(super) fn unread(text: &str) -> Reject {
    raw(text, Fingerprints::Unwanted).err().unwrap_or_else(|| Reject::unclear("parser", "the parser reads what its lexer cannot"))
}

/// PostgreSQL's words for a text that it cannot read; the token that it quotes is left out where it is a literal.
fn syntax_error(text: &str, failure: &Failure) -> Reject {
    let message = failure.message.as_str();
    let shown = match message.split_once(AT_OR_NEAR) {
        Some((what, near)) if !is_word(near.strip_suffix('"').unwrap_or(near)) => what,
        Some(_) | None => message,
    };
    let place = |at| text.char_indices().map(|(place, _)| place).chain([text.len()]).nth(at);
    let at = failure.at.and_then(place).and_then(|at| i32::try_from(at).ok());
    let code = match &failure.sqlstate {
        b"0A000" => Syntax::FeatureNotSupported,
        b"22021" => Syntax::CharacterNotInRepertoire,
        b"22023" => Syntax::InvalidParameterValue,
        b"22025" => Syntax::InvalidEscapeSequence,
        b"42P20" => Syntax::WindowingError,
        _ => Syntax::SyntaxError,
    };
    // the bytes that are wrong are a literal's
    let shown = if code == Syntax::CharacterNotInRepertoire { shown.split(": ").next().unwrap_or_default() } else { shown };
    let hint = failure.hint.as_deref().map(Into::into);
    Reject { hint, reason: UNREADABLE, ..Reject::postgres(code, shown).at(at.unwrap_or(-1)) }
}

/// The reason of a refusal in PostgreSQL's words of a text that its grammar does not take: PostgreSQL says so whatever state the transaction
/// is in.
pub const UNREADABLE: &str = "syntax";

/// What stands before the token that PostgreSQL could not read on at.
const AT_OR_NEAR: &str = " at or near \"";

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
