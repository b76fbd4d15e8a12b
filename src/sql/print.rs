//! From the judged tree to the text that goes upstream: printed by the parser's own deparser, read again, and the tree of that text
//! must be the judged one, locations aside. [`Rendered`] is made here alone (INVARIANT 2).

use std::sync::Arc;

use pg_query::protobuf;

use super::parse::{self, Parsed};
use super::reject::{Checked, Reject};
use super::tree;

/// A text that was printed from a judged tree and reads back as that tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered(Arc<str>);

impl Rendered {
    /// The text.
    #[must_use]
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

/// Prints a tree.
///
/// # Errors
/// The printer fails, or its text reads back as another tree.
pub fn print(parsed: &Parsed) -> Checked<Rendered> {
    let raw = protobuf::RawStmt { stmt: Some(Box::new(parsed.node.clone())), stmt_location: 0, stmt_len: 0 };
    let whole = protobuf::ParseResult { version: parsed.version, stmts: vec![raw] };
    let text = pg_query::deparse(&whole, pg_query::DeparseOptions::default()).map_err(|_| unprintable())?;
    let again = parse::tree(&text).map_err(|_| unprintable())?;
    let [protobuf::RawStmt { stmt: Some(node), stmt_location: _, stmt_len: _ }] = again.stmts.as_slice() else {
        return Err(unprintable());
    };
    if tree::same(node, &parsed.node)? { Ok(Rendered(text.into())) } else { Err(unprintable()) }
}

fn unprintable() -> Reject {
    Reject::unclear("reprint", "its tree cannot be printed and read back without a difference")
}
