//! Parameters without a declared type: they have that of the place where PostgreSQL meets them first, and are cast wherever they stand again
//! (`parse_param.c`). Such a cast runs for rows, and may fail.

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, ParamRef};

use super::expr::is_constant;
use super::operator::{Operand, Operands};
use super::{Resolver, strings};
use crate::catalog::Oid;

impl Resolver<'_> {
    /// The type of a parameter, declared or found.
    pub(super) fn parameter_type(&self, number: i32) -> Option<Oid> {
        self.declared(number).or_else(|| self.met.get(&number).copied().flatten())
    }

    /// The same, where it stands.
    pub(super) fn meet(&mut self, number: i32) -> Option<Oid> {
        self.met.entry(number).or_default();
        self.parameter_type(number)
    }

    /// Whether it is a parameter that may have been given some other type where it was met before, or an array with one in it.
    pub(super) fn holds_met(&self, node: &Node) -> bool {
        match &node.node {
            Some(NodeEnum::ParamRef(ParamRef { number, location: _ })) => {
                self.met.contains_key(number) && self.parameter_type(*number).is_none()
            }
            Some(NodeEnum::AArrayExpr(array)) => array.elements.iter().any(|element| self.holds_met(element)),
            Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().is_some_and(|arg| self.holds_met(arg)),
            _ => false,
        }
    }

    /// Whether it is a constant or parameter whose type is its own, or that of what it is compared with.
    pub(super) fn is_literal(&self, node: &Node) -> bool {
        is_constant(node) && !self.holds_met(node)
    }

    /// The same of each member of a row, or of the one value.
    pub(super) fn literals(&self, node: &Node) -> Vec<bool> {
        match &node.node {
            Some(NodeEnum::RowExpr(row)) => row.args.iter().map(|member| self.is_literal(member)).collect(),
            _ => vec![self.is_literal(node)],
        }
    }

    /// A parameter that stands there for the first time has this type.
    pub(super) fn has_type(&mut self, node: &Node, ty: Oid) {
        if let Some(NodeEnum::ParamRef(ParamRef { number, location: _ })) = &node.node
            && let Some(found @ None) = self.met.get_mut(number)
        {
            *found = Some(ty);
        }
    }

    /// Of two sides that are compared one may be such a parameter: it has the other's type, where an operator of just that type is known.
    pub(super) fn gives_type(&mut self, names: &[Node], (left, right): (&Node, &Node), operands: &[Operands]) {
        let (node, ty) = match operands {
            [(Operand::Literal, Operand::Known(ty) | Operand::Text(ty))] => (left, *ty),
            [(Operand::Known(ty) | Operand::Text(ty), Operand::Literal)] => (right, *ty),
            _ => return,
        };
        let name = strings(names).ok().and_then(|parts| parts.last().copied()).unwrap_or_default();
        if let Some(ty) = self.compared_as(ty).filter(|ty| self.is_leakproof(name, Operand::Known(*ty), Operand::Literal)) {
            self.has_type(node, ty);
        }
    }
}
