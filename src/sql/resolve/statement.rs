//! Statements by kind. What is not named here is refused.

use pg_query::NodeEnum;
use pg_query::protobuf::Node;

use super::target::Out;
use super::{Resolver, inner, unknown};
use crate::sql::model::Output;
use crate::sql::reject::Checked;

impl Resolver<'_> {
    /// A whole statement.
    pub(super) fn statement(&mut self, node: &mut Node) -> Checked<()> {
        match inner(node)? {
            NodeEnum::SelectStmt(_) => {
                let outs = self.query(node)?;
                self.rows(outs);
                Ok(())
            }
            _ => Err(unknown("a statement of this kind")),
        }
    }

    /// The result columns that the client gets.
    pub(super) fn rows(&mut self, outs: Vec<Out>) {
        let output = |o: Out| Output { name: o.name, flow: o.value.flow, at: o.value.at };
        self.out.outputs = Some(outs.into_iter().map(output).collect());
        self.out.returns_rows = true;
    }
}
