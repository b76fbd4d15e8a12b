//! What passes the fence of a row condition. Behind a fence (`OFFSET 0`) PostgreSQL looks at every row that exists for the principal, whatever the
//! statement asks for. So conjuncts of WHERE that hold a column of the relation against constants, by leakproof operators, stand inside it
//! once more, as PostgreSQL itself moves them into a `security_barrier` view (`subquery_is_pushdown_safe` in allpaths.c), and indexes serve them.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, AExprKind, Node};

use super::column::{Hit, reference};
use super::expr::is_constant;
use super::in_place::{and, conjuncts};
use super::leak::is_arithmetic;
use super::operator::is_constant_array;
use super::select::is_column;
use super::{Resolver, inner};
use crate::sql::model::{Flow, InstanceOf, Source};
use crate::sql::reject::Checked;

/// A conjunct of WHERE that may be looked at for any row of its relation: nothing in it leaks, and no row that it is not true of is asked for.
#[derive(Debug)]
pub(super) struct Held {
    /// The one column in it, of an item of the conjunct's own level or of one around that.
    pub(super) source: Source,
    /// As the walk left it.
    pub(super) node: Node,
}

impl Resolver<'_> {
    /// A conjunct that does not leak, if it holds one column against constants by an operator that is not true of NULL: an outer join may have
    /// put NULL in the place of what is left out inside.
    pub(super) fn held(&mut self, node: &Node) -> Checked<Option<Held>> {
        if !self.cx.veils.is_some_and(|v| v.fenced) {
            return Ok(None);
        }
        let mut node = node.clone();
        let Some(column) = self.held_column(&mut node) else { return Ok(None) };
        let NodeEnum::ColumnRef(name) = inner(column)? else { return Ok(None) };
        let Hit { value, of, named, aside } = self.column(name)?;
        let source = match value.flow {
            Flow::Plain(sources) if named && !aside => sources.first().copied().filter(|s| sources.len() == 1 && Some(s.instance) == of),
            _ => None,
        };
        Ok(source.filter(|s| s.column > 0).map(|source| Held { source, node }))
    }

    /// Puts conjuncts inside the fences of this level's veils.
    pub(super) fn pass_fences(&self, from: &mut [Node], held: &[Held]) {
        for conjunct in held {
            self.pass_fence(from, conjunct);
        }
    }

    fn pass_fence(&self, from: &mut [Node], Held { source, node }: &Held) -> Option<()> {
        let veil = self.cx.veils?.of(source.instance).filter(|v| v.fenced)?;
        veil.columns.iter().find(|c| c.number == source.column && c.mask.is_none())?;
        let of = |i: &&std::rc::Rc<super::scope::Item>| i.instance.is_some_and(|(id, _)| id == source.instance);
        let item = self.levels.last()?.items.iter().find(of).filter(|i| i.veiled)?;
        let Some((_, InstanceOf::Catalog(oid))) = item.instance else { return None };
        let relation = self.cx.catalog.relation(oid)?;
        let column = relation.columns.iter().find(|c| c.number == source.column)?;
        let query = from.iter_mut().find_map(|node| fenced(node, &item.name))?;
        let mut inside = node.clone();
        *self.held_column(&mut inside)? = reference(&[&relation.name.name, &column.name]);
        let rows = query.where_clause.take()?;
        query.where_clause = Some(Box::new(and(conjuncts(*rows).into_iter().chain([inside]).collect())));
        Some(())
    }

    /// The column in `column = constant`, `constant = column`, `column IN (constants)`, `BETWEEN` and `= ANY (constants)`.
    fn held_column<'n>(&self, node: &'n mut Node) -> Option<&'n mut Node> {
        let Some(NodeEnum::AExpr(expr)) = &mut node.node else { return None };
        let protobuf::AExpr { kind, name: _, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location: _ } = &mut **expr;
        let (left, right) = (lexpr.as_deref_mut()?, rexpr.as_deref_mut()?);
        let constants = match AExprKind::try_from(*kind).ok()? {
            AExprKind::AexprOp if self.is_fixed(left) => return Some(right).filter(|r| is_column(r)),
            AExprKind::AexprOp => self.is_fixed(right),
            AExprKind::AexprIn | AExprKind::AexprBetween => {
                matches!(&right.node, Some(NodeEnum::List(list)) if list.items.iter().all(|item| self.is_fixed(item)))
            }
            AExprKind::AexprOpAny => is_constant_array(right),
            _ => false,
        };
        Some(left).filter(|l| constants && is_column(l))
    }

    /// What is the same for every row.
    fn is_fixed(&self, node: &Node) -> bool {
        is_constant(node) || is_arithmetic(node) || self.moment(node).is_some()
    }
}

/// The query of the item that has this alias. Items of a join with an alias of its own have other names outside it.
fn fenced<'n>(node: &'n mut Node, name: &str) -> Option<&'n mut protobuf::SelectStmt> {
    match node.node.as_mut()? {
        NodeEnum::JoinExpr(join) if join.alias.is_none() => {
            let protobuf::JoinExpr {
                jointype: _,
                is_natural: _,
                larg,
                rarg,
                using_clause: _,
                join_using_alias: _,
                quals: _,
                alias: _,
                rtindex: _,
            } = &mut **join;
            larg.as_deref_mut().and_then(|l| fenced(l, name)).or_else(|| rarg.as_deref_mut().and_then(|r| fenced(r, name)))
        }
        NodeEnum::RangeSubselect(subselect) if subselect.alias.as_ref().is_some_and(|a| a.aliasname == name) => {
            match subselect.subquery.as_mut()?.node.as_mut()? {
                NodeEnum::SelectStmt(select) => Some(select),
                _ => None,
            }
        }
        _ => None,
    }
}
