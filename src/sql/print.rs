//! From the judged tree to the text that goes upstream: printed by the parser's own deparser, read again, and the tree of that text
//! must be the judged one, locations aside; and the second reader must not find more in the client's text than the analysis did.
//! [`Rendered`] is made here alone (INVARIANT 2).

use std::sync::Arc;

use parser::Fingerprints;
use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node};

use super::census;
use super::model::Analysis;
use super::parse::Parsed;
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

/// Prints a tree, and has the second reader hold the client's own text of it against the analysis.
///
/// # Errors
/// The printer fails, its text reads back as another tree, or the second reader finds more than the analysis.
pub fn print(parsed: &Parsed, own: &str, analysis: &Analysis) -> Checked<Rendered> {
    if let Some(census) = census::take(own) {
        census::hold(&census, analysis)?;
    }
    printed(parsed)
}

/// Prints a tree, and reads it back.
fn printed(parsed: &Parsed) -> Checked<Rendered> {
    if parsed.known.emptied {
        return Err(Reject::unclear("empty text", "an empty text stands where only some other could be printed"));
    }
    let tree = tree::encode(&parsed.node, parsed.version);
    let printed = parser::print(&tree).map_err(|_| unprintable())?;
    let again = parser::read(printed.text(), Fingerprints::Unwanted).map_err(|_| unprintable())?;
    if !tree::same(&tree, again.bytes())? {
        return Err(unprintable());
    }
    printed.text().to_str().map(|text| Rendered(text.into())).map_err(|_| unprintable())
}

/// The query whose rows a COPY to the client gives: what is described before it, since COPY says nothing of its columns. `None` for
/// any other statement.
///
/// # Errors
/// As [`print`].
pub fn copied(parsed: &Parsed) -> Checked<Option<Rendered>> {
    let Some(NodeEnum::CopyStmt(copy)) = &parsed.node.node else { return Ok(None) };
    let node = match (&copy.query, &copy.relation) {
        _ if copy.is_from => return Ok(None),
        (Some(query), _) => (**query).clone(),
        (None, Some(relation)) => select(NodeEnum::RangeVar(relation.clone()), &copy.attlist),
        (None, None) => return Err(unprintable()),
    };
    printed(&Parsed { node, ..parsed.clone() }).map(Some)
}

/// `SELECT columns FROM item`.
pub(super) fn select(from: NodeEnum, columns: &[Node]) -> Node {
    let target = |name: &Node| {
        let reference = protobuf::ColumnRef { fields: vec![name.clone()], location: -1 };
        let val = Some(Box::new(Node { node: Some(NodeEnum::ColumnRef(reference)) }));
        let target = protobuf::ResTarget { name: String::new(), indirection: Vec::new(), val, location: -1 };
        Node { node: Some(NodeEnum::ResTarget(Box::new(target))) }
    };
    let select = protobuf::SelectStmt {
        target_list: columns.iter().map(target).collect(),
        from_clause: vec![Node { node: Some(from) }],
        limit_option: protobuf::LimitOption::Default as i32,
        op: protobuf::SetOperation::SetopNone as i32,
        ..protobuf::SelectStmt::default()
    };
    Node { node: Some(NodeEnum::SelectStmt(Box::new(select))) }
}

fn unprintable() -> Reject {
    Reject::unclear("reprint", "its tree cannot be printed and read back without a difference")
}

#[cfg(test)]
mod tests;
