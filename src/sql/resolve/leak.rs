//! What may tell of the values that it is run on, and beside which relations' rows it runs (ADR 0035): where a row condition needs a fence.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, AExprKind, Node, SelectStmt, a_const::Val};

use super::column::Hit;
use super::{Resolver, strings};
use crate::sql::model::{Beside, InstanceId};

/// What is found in a conjunct of WHERE, HAVING or ON.
#[derive(Debug, Default)]
pub(super) struct Conjunct {
    leaks: bool,
    /// How many names were looked up.
    names: usize,
    /// Instances of which a column itself is named.
    of: BTreeSet<InstanceId>,
    /// Something else is named, whose values may be anybody's: a column of a subquery, a whole row; or there is a query inside.
    other: bool,
}

impl Resolver<'_> {
    /// Whether the walk is in the outermost query itself, neither in one inside it nor in a view's.
    pub(super) fn is_outermost(&self) -> bool {
        self.levels.len() == 1 && !self.is_aside()
    }

    /// Walks what a query computes for rows that were chosen. What one further in than the outermost computes may become a part of a condition.
    pub(super) fn behind<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.behind, true);
        let walked = walk(self);
        self.behind = before;
        walked
    }

    /// Records that what runs here may tell of the values that it is run on.
    pub(super) fn may_leak(&mut self, may: bool) {
        let behind = self.behind && self.is_outermost();
        match &mut self.conjunct {
            _ if !may => {}
            Some(conjunct) => conjunct.leaks = true,
            None if behind => self.out.leaks.behind = true,
            None => self.out.leaks.beside = Beside::Anything,
        }
    }

    /// The same of an operator in whose order an index may be read (`pg_amop.amoppurpose`): it is run on rows that no condition was held against.
    pub(super) fn order_may_leak(&mut self) {
        if self.conjunct.is_none() {
            self.out.leaks.beside = Beside::Anything;
        }
    }

    /// Records that a query which stands for a value fails where it gives more rows than one (21000), unless it gives one at most: so it tells of the
    /// row for which it is run.
    pub(super) fn may_give_more(&mut self, query: Option<&Node>) {
        let one = match query.and_then(|q| q.node.as_ref()) {
            Some(NodeEnum::SelectStmt(select)) => is_first(select) || self.is_aggregated(select),
            _ => false,
        };
        self.may_leak(!one);
    }

    /// Whether a query aggregates all its rows, for certain: its one column is an aggregate.
    fn is_aggregated(&self, select: &SelectStmt) -> bool {
        let [target] = select.target_list.as_slice() else { return false };
        let Some(NodeEnum::ResTarget(target)) = &target.node else { return false };
        let Some(NodeEnum::FuncCall(call)) = target.val.as_deref().and_then(|v| v.node.as_ref()) else { return false };
        let named = strings(&call.funcname).ok().and_then(|parts| parts.last().copied());
        let aggregate = |name| {
            let mut all = self.cx.catalog.functions_named(name).peekable();
            all.peek().is_some() && all.all(|f| f.kind == 'a')
        };
        select.group_clause.is_empty() && call.over.is_none() && named.is_some_and(aggregate)
    }

    /// Walks a conjunct; gives whether nothing in it leaks.
    pub(super) fn conjunct<T>(&mut self, node: &mut Node, walk: impl FnOnce(&mut Self, &mut Node) -> T) -> (T, bool) {
        let (names, derives) = (plain_names(node), derives(node));
        let before = self.conjunct.replace(Conjunct::default());
        let walked = walk(self, node);
        let Conjunct { leaks, names: found, of, other } = std::mem::replace(&mut self.conjunct, before).unwrap_or_default();
        let known = !derives && !other && !of.is_empty() && names.is_some_and(|names| names == found);
        if leaks {
            self.out.leaks.beside.add(if known { Beside::Of(of) } else { Beside::Anything });
        }
        (walked, !leaks)
    }

    /// Notes what a name in a conjunct stands for.
    pub(super) fn names(&mut self, hit: &Hit) {
        let Some(conjunct) = &mut self.conjunct else { return };
        conjunct.names += 1;
        match hit.of {
            Some(id) => drop(conjunct.of.insert(id)),
            None => conjunct.other = true,
        }
    }

    /// Walks a query inside: it has conjuncts of its own, and what it gives may be anybody's.
    pub(super) fn inside<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.conjunct.take();
        self.asks |= before.is_some();
        let walked = walk(self);
        self.conjunct = before.map(|conjunct| Conjunct { other: true, ..conjunct });
        walked
    }

    /// A condition with a query in it may run that for each row that it is held against, with all that the query reads (a WITH query, too): what
    /// leaks there leaks beside the rows of any relation.
    pub(super) fn spread_leaks(&mut self) {
        if self.asks && self.out.leaks.beside != Beside::Nothing {
            self.out.leaks.beside = Beside::Anything;
        }
    }
}

/// Whether a query gives its first row alone.
fn is_first(select: &SelectStmt) -> bool {
    let limit = select.limit_count.as_deref().and_then(|l| l.node.as_ref());
    let one = matches!(limit, Some(NodeEnum::AConst(protobuf::AConst { isnull: _, location: _, val: Some(Val::Ival(n)) })) if n.ival == 1);
    one && select.limit_option == protobuf::LimitOption::Count as i32
}

/// Whether PostgreSQL may derive another condition from it, over another relation: of columns that are equal to the same (equivclass.c).
fn derives(node: &Node) -> bool {
    let Some(NodeEnum::AExpr(expr)) = &node.node else { return false };
    let kind = AExprKind::try_from(expr.kind).unwrap_or(AExprKind::Undefined);
    let equal = || strings(&expr.name).ok().is_none_or(|parts| parts.last() == Some(&"="));
    matches!(kind, AExprKind::AexprIn | AExprKind::Undefined) || (kind == AExprKind::AexprOp && equal())
}

/// How many columns are named in what is made of operators, calls and casts alone; `None` of anything else.
fn plain_names(node: &Node) -> Option<usize> {
    let of_one = |node: &Option<Box<Node>>| node.as_deref().map_or(Some(0), plain_names);
    let of_all = |nodes: &[Node]| nodes.iter().map(plain_names).sum::<Option<usize>>();
    match node.node.as_ref()? {
        NodeEnum::ColumnRef(column) => {
            let star = column.fields.iter().any(|f| matches!(f.node, Some(NodeEnum::AStar(_))));
            (!star).then_some(1)
        }
        NodeEnum::AConst(_) | NodeEnum::ParamRef(_) => Some(0),
        NodeEnum::AExpr(expr) => Some(of_one(&expr.lexpr)? + of_one(&expr.rexpr)?),
        NodeEnum::List(list) => of_all(&list.items),
        NodeEnum::BoolExpr(boolean) => of_all(&boolean.args),
        NodeEnum::TypeCast(cast) => of_one(&cast.arg),
        NodeEnum::NullTest(test) => of_one(&test.arg),
        NodeEnum::BooleanTest(test) => of_one(&test.arg),
        NodeEnum::CoalesceExpr(coalesce) => of_all(&coalesce.args),
        NodeEnum::FuncCall(call) if call.over.is_none() && call.agg_filter.is_none() && call.agg_order.is_empty() => of_all(&call.args),
        _ => None,
    }
}

/// Whether it is made of numbers alone: PostgreSQL computes it when it plans, whatever rows there are.
pub(super) fn is_arithmetic(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::AConst(protobuf::AConst { isnull: _, location: _, val })) => matches!(val, Some(Val::Ival(_) | Val::Fval(_))),
        Some(NodeEnum::AExpr(expr)) => {
            let own = matches!(strings(&expr.name).as_deref(), Ok([name] | ["pg_catalog", name]) if ARITHMETIC.contains(name));
            let both = [&expr.lexpr, &expr.rexpr].into_iter().all(|side| side.as_deref().is_some_and(is_arithmetic));
            own && both && expr.kind == AExprKind::AexprOp as i32
        }
        _ => false,
    }
}

/// Of numbers they are immutable.
pub(super) const ARITHMETIC: [&str; 5] = ["+", "-", "*", "/", "%"];
