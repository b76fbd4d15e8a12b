//! SELECT and VALUES, clause by clause in PostgreSQL's order (`transformSelectStmt` in analyze.c, findTargetlistEntry in
//! `parse_clause.c`). Set operations stand in `setop`, FROM in `from`.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node, SelectStmt};

use super::call::literal;
use super::expr::is_constant;
use super::fence::Held;
use super::scope::Column;
use super::target::Out;
use super::{Resolver, Value, absent, inner, strings, unknown};
use crate::sql::model::{Flow, InstanceId, New, Source, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

impl Resolver<'_> {
    /// A query that stands inside a statement: what it gives.
    pub(super) fn query(&mut self, node: &mut Node) -> Checked<Vec<Out>> {
        match inner(node)? {
            NodeEnum::SelectStmt(select) => self.select(select),
            // only WITH can hold one
            other => match self.modify(other) {
                Some(returned) => Ok(returned?.unwrap_or_default()),
                None => Err(unknown("a query of this kind")),
            },
        }
    }

    /// A query on a level of its own.
    pub(super) fn select(&mut self, select: &mut SelectStmt) -> Checked<Vec<Out>> {
        absent("SELECT INTO at this place", select.into_clause.is_none())?;
        self.queries += 1;
        let outs = self.inside(|r| r.on_level(Vec::new(), |r| r.select_here(select)));
        self.queries -= 1;
        outs
    }

    fn select_here(&mut self, select: &mut SelectStmt) -> Checked<Vec<Out>> {
        self.with(&mut select.with_clause)?;
        let (first, bodies) = (self.out.instances.len(), self.out.bodies.len());
        let outs = match protobuf::SetOperation::try_from(select.op) {
            Ok(protobuf::SetOperation::SetopNone) if !select.values_lists.is_empty() => self.values(select)?,
            Ok(protobuf::SetOperation::SetopNone) => self.plain(select)?,
            Ok(protobuf::SetOperation::SetopUnion | protobuf::SetOperation::SetopIntersect | protobuf::SetOperation::SetopExcept) => {
                self.set_operation(select)?
            }
            Ok(protobuf::SetOperation::Undefined) | Err(_) => return Err(unknown("a set operation")),
        };
        self.used_opt(&mut select.limit_offset, UseKind::Expression)?;
        self.used_opt(&mut select.limit_count, UseKind::Expression)?;
        if !select.locking_clause.is_empty() {
            // what it locks stays to be seen: further in than the outermost query, it may be run for rows that do not exist
            self.may_leak(!self.is_outermost());
            // PostgreSQL locks nothing that a function reads
            absent("a locking clause beside a function whose body reads what is veiled", self.out.bodies.len() == bodies)?;
            let last = self.out.instances.len();
            let ids = (first..last).filter_map(|i| u32::try_from(i).ok()).map(InstanceId);
            self.out.locks.extend(ids);
        }
        Ok(outs)
    }

    fn plain(&mut self, select: &mut SelectStmt) -> Checked<Vec<Out>> {
        let SelectStmt {
            distinct_clause,
            into_clause: _, // refused, or the statement's own
            target_list,
            from_clause,
            where_clause,
            group_clause,
            group_distinct: _,
            having_clause,
            window_clause,
            values_lists: _, // empty here
            sort_clause,
            limit_offset: _, // with the set operations'
            limit_count: _,
            limit_option: _,
            locking_clause: _,
            with_clause: _,
            op: _,
            all: _,
            larg,
            rarg,
        } = select;
        absent("a set operation", larg.is_none() && rarg.is_none())?;
        self.from_clause(from_clause)?;
        let bodies = self.out.bodies.len();
        let mut outs = self.behind(|r| r.targets(target_list))?;
        if let Some(condition) = where_clause {
            let held = self.condition(condition, UseKind::Filter)?;
            self.pass_fences(from_clause, &held);
        }
        if let Some(condition) = having_clause {
            self.having(condition)?;
        }
        self.behind(|r| r.order_by(sort_clause, &mut outs))?;
        let first_use = self.out.uses.len();
        let common = self.behind(|r| r.group_by(group_clause, &mut outs))?;
        let grouped = self.out.uses.len();
        self.behind(|r| r.distinct(distinct_clause, &mut outs))?;
        for window in window_clause {
            match inner(window)? {
                NodeEnum::WindowDef(window) => self.behind(|r| r.window(window))?,
                _ => return Err(unknown("WINDOW")),
            }
        }
        let computed = self.out.bodies.iter().skip(bodies).any(|b| b.computed);
        if computed && super::body::groups_by_expression(group_clause, target_list) {
            let message = "a function of an expression, whose body reads what is veiled, in a query that is grouped by an expression";
            return Err(Reject::unclear("function", message).hint("compute the expression in a subquery"));
        }
        self.restore_dependents(group_clause, &common, first_use..grouped);
        Ok(outs)
    }

    /// VALUES: each column is what any of its rows says.
    fn values(&mut self, select: &mut SelectStmt) -> Checked<Vec<Out>> {
        absent("a clause beside VALUES", select.from_clause.is_empty() && select.target_list.is_empty() && select.where_clause.is_none())?;
        let mut columns: Vec<Value> = Vec::new();
        for (number, row) in select.values_lists.iter_mut().enumerate() {
            let NodeEnum::List(protobuf::List { items }) = inner(row)? else { return Err(unknown("VALUES")) };
            let row: Vec<Value> = self.members_of(items, |r, node| r.expr(node, UseKind::Expression))?;
            if number == 0 {
                columns = row;
                continue;
            }
            if columns.len() != row.len() {
                return Err(Reject::postgres(Syntax::SyntaxError, "VALUES lists must all be the same length"));
            }
            columns = columns.into_iter().zip(row).map(|(a, b)| self.either(a, b)).collect();
        }
        let given = self.columns_of(&select.values_lists).into_iter().chain(std::iter::repeat(New::Other));
        let mut outs: Vec<Out> = columns
            .into_iter()
            .zip(given)
            .enumerate()
            .map(|(i, (value, given))| Out {
                name: format!("column{}", i + 1).into(),
                value: Value { row: None, origin: None, given, ..value },
                own: Vec::new(),
            })
            .collect();
        let mut sort = std::mem::take(&mut select.sort_clause);
        let sorted = self.order_by(&mut sort, &mut outs);
        select.sort_clause = sort;
        sorted.map(|()| outs)
    }

    /// A value that is this one in some rows, that one in others.
    pub(super) fn either(&mut self, a: Value, b: Value) -> Value {
        let ty = if matches!(a.flow, Flow::Null) { b.ty } else { a.ty.filter(|t| b.ty == Some(*t) || matches!(b.flow, Flow::Null)) };
        let at = if a.at >= 0 { a.at } else { b.at };
        self.may_leak(ty.is_none()); // one may be cast to the other's
        let value = Value::new(a.flow.or(b.flow), ty, at);
        if matches!(value.flow, Flow::Mixed(_)) {
            self.consume(&value, UseKind::MixedOutput);
        }
        value
    }

    /// WHERE, HAVING, ON: its conjuncts may be lookups. Gives those that may stand inside a fence, too.
    pub(super) fn condition(&mut self, node: &mut Node, kind: UseKind) -> Checked<Vec<Held>> {
        if let NodeEnum::BoolExpr(boolean) = inner(node)?
            && boolean.boolop == protobuf::BoolExprType::AndExpr as i32
        {
            let protobuf::BoolExpr { xpr: _, boolop: _, args, location: _ } = &mut **boolean;
            let held = args.iter_mut().map(|arg| self.condition(arg, kind)).collect::<Checked<Vec<_>>>()?;
            return Ok(held.into_iter().flatten().collect());
        }
        let lookup = lookup(node);
        let before = self.out.uses.len();
        let (used, sound) = self.conjunct(node, |r, node| r.used(node, kind).map(|_| ()));
        used?;
        let held = if sound { self.held(node)? } else { None };
        if let Some(lookup) = lookup {
            for found in self.out.uses.iter_mut().skip(before).filter(|u| u.kind == UseKind::EqualsConstant) {
                found.kind = lookup;
            }
        }
        Ok(held.into_iter().collect())
    }

    /// HAVING: no conjunct of it is a look-up, which stands in WHERE or ON.
    fn having(&mut self, node: &mut Node) -> Checked<()> {
        match inner(node)? {
            NodeEnum::BoolExpr(boolean) if boolean.boolop == protobuf::BoolExprType::AndExpr as i32 => {
                boolean.args.iter_mut().try_for_each(|arg| self.having(arg))
            }
            _ => self.conjunct(node, |r, node| r.used(node, UseKind::Filter).map(|_| ())).0,
        }
    }

    /// ORDER BY of a query: output names and positions come first.
    pub(super) fn order_by(&mut self, nodes: &mut [Node], outs: &mut [Out]) -> Checked<()> {
        for node in nodes {
            let NodeEnum::SortBy(sort) = inner(node)? else { return Err(unknown("ORDER BY")) };
            let protobuf::SortBy { node, sortby_dir: _, sortby_nulls: _, use_op, location } = &mut **sort;
            if !use_op.is_empty() {
                self.operator(use_op, 2, *location)?;
            }
            match node {
                Some(node) => self.clause_item(node, outs, UseKind::Order)?,
                None => return Err(unknown("ORDER BY")),
            }
        }
        Ok(())
    }

    /// GROUP BY; gives the columns by which rows are grouped in each of its grouping sets.
    fn group_by(&mut self, nodes: &mut [Node], outs: &mut [Out]) -> Checked<Vec<Source>> {
        let mut common = Vec::new();
        for node in nodes {
            common.extend(self.group_item(node, outs)?);
        }
        Ok(common)
    }

    fn group_item(&mut self, node: &mut Node, outs: &mut [Out]) -> Checked<Vec<Source>> {
        match inner(node)? {
            NodeEnum::GroupingSet(set) => {
                let protobuf::GroupingSet { kind, content, location: _ } = set;
                let sets = content.iter_mut().map(|n| self.group_item(n, outs)).collect::<Checked<Vec<_>>>()?;
                // ROLLUP and CUBE have the empty set among theirs
                let listed = *kind == protobuf::GroupingSetKind::GroupingSetSets as i32;
                let (first, rest) = sets.split_first().filter(|_| listed).unzip();
                let in_all = |s: &&Source| rest.iter().copied().flatten().all(|set| set.contains(s));
                Ok(first.into_iter().flatten().filter(in_all).copied().collect())
            }
            NodeEnum::RowExpr(row) => self.group_by(&mut row.args, outs),
            _ => {
                let before = self.out.uses.len();
                self.clause_item(node, outs, UseKind::Group)?;
                let uses = self.out.uses.iter().skip(before).filter(|u| u.kind == UseKind::Group);
                Ok(uses.map(|u| u.source).collect())
            }
        }
    }

    fn distinct(&mut self, nodes: &mut [Node], outs: &mut [Out]) -> Checked<()> {
        let plain = matches!(nodes, [Node { node: None }]);
        if plain {
            for out in outs {
                out.own.clear();
                self.consume(&out.value, UseKind::Distinct);
            }
            return Ok(());
        }
        nodes.iter_mut().try_for_each(|n| self.clause_item(n, outs, UseKind::Distinct))
    }

    /// An item of ORDER BY, GROUP BY or DISTINCT ON: a bare name may be an output's, an integer is a position. GROUP BY takes a
    /// column of FROM before an output's name.
    fn clause_item(&mut self, node: &mut Node, outs: &mut [Out], kind: UseKind) -> Checked<()> {
        match inner(node)? {
            NodeEnum::ColumnRef(reference) => {
                if let Some(Node { node: Some(NodeEnum::String(name)) }) = reference.fields.first()
                    && reference.fields.len() == 1
                    && !(kind == UseKind::Group && self.is_local(&name.sval))
                {
                    let mut named = outs.iter_mut().filter(|o| *o.name == *name.sval).peekable();
                    if named.peek().is_some() {
                        let at = reference.location;
                        self.out.seen.columns.insert(name.sval.as_str().into());
                        for out in named {
                            out.own.clear();
                            self.consume(&Value { at, ..out.value.clone() }, kind);
                        }
                        return Ok(());
                    }
                }
            }
            NodeEnum::AConst(protobuf::AConst { isnull: false, val: Some(protobuf::a_const::Val::Ival(position)), location }) => {
                let index = usize::try_from(position.ival).ok().and_then(|p| p.checked_sub(1));
                let Some(out) = index.and_then(|i| outs.get_mut(i)) else {
                    return Err(no_position(kind, position.ival).at(*location));
                };
                out.own.clear();
                self.consume(&Value { at: *location, ..out.value.clone() }, kind);
                return Ok(());
            }
            _ => {}
        }
        self.used(node, kind).map(|_| ())
    }

    /// Whether this level's FROM has a column of that name.
    fn is_local(&self, name: &str) -> bool {
        let has = |columns: &[Column]| columns.iter().any(|c| &*c.name == name);
        self.levels.last().is_some_and(|l| l.items.iter().any(|i| i.by_column && has(&i.columns)))
    }
}

/// PostgreSQL's words for a position that is not there (`findTargetlistEntrySQL92`).
fn no_position(kind: UseKind, position: i32) -> Reject {
    let clause = match kind {
        UseKind::Order => "ORDER BY",
        UseKind::Group => "GROUP BY",
        _ => "DISTINCT ON",
    };
    Reject::postgres(Syntax::InvalidColumnReference, format!("{clause} position {position} is not in select list"))
}

/// `col = constant`, `col IN (constants)`, `col = ANY (constants)`: what a `lookup` may see, with how many values are compared.
fn lookup(node: &Node) -> Option<UseKind> {
    use protobuf::AExprKind::{
        AexprBetween, AexprBetweenSym, AexprDistinct, AexprIlike, AexprIn, AexprLike, AexprNotBetween, AexprNotBetweenSym,
        AexprNotDistinct, AexprNullif, AexprOp, AexprOpAll, AexprOpAny, AexprSimilar, Undefined,
    };
    let Some(NodeEnum::AExpr(expr)) = &node.node else { return None };
    let protobuf::AExpr { kind, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location: _ } = &**expr;
    let is_equals = matches!(strings(name).ok()?.as_slice(), ["="] | ["pg_catalog", "="]);
    let (left, right) = (lexpr.as_deref()?, rexpr.as_deref()?);
    if !is_equals {
        return None;
    }
    match protobuf::AExprKind::try_from(*kind).ok()? {
        AexprOp => ((is_column(left) && is_constant(right)) || (is_constant(left) && is_column(right))).then_some(UseKind::Lookup(1)),
        AexprIn if is_column(left) => match &right.node {
            Some(NodeEnum::List(list)) if list.items.iter().all(is_constant) => u32::try_from(list.items.len()).ok().map(UseKind::Lookup),
            _ => None,
        },
        AexprOpAny if is_column(left) => array_length(right),
        AexprIn | AexprOpAny | Undefined | AexprOpAll | AexprDistinct | AexprNotDistinct | AexprNullif | AexprLike | AexprIlike
        | AexprSimilar | AexprBetween | AexprNotBetween | AexprBetweenSym | AexprNotBetweenSym => None,
    }
}

pub(super) fn is_column(node: &Node) -> bool {
    matches!(node.node, Some(NodeEnum::ColumnRef(_)))
}

/// How many elements a constant array has at most. Each part must be one element for certain: a cast could make an array of it, and a
/// vector type (`int2vector`) separates its own by spaces.
fn array_length(node: &Node) -> Option<UseKind> {
    match &node.node {
        Some(NodeEnum::TypeCast(cast)) if cast.type_name.as_ref().is_some_and(|t| !t.array_bounds.is_empty()) => {
            array_length(cast.arg.as_deref()?)
        }
        Some(NodeEnum::AArrayExpr(array)) if array.elements.iter().all(is_element) => {
            u32::try_from(array.elements.len()).ok().map(UseKind::Lookup)
        }
        Some(NodeEnum::ParamRef(protobuf::ParamRef { number, location: _ })) => Some(UseKind::LookupMany(*number)),
        _ => {
            let separators = literal(node)?.bytes().filter(|b| *b == b',' || b.is_ascii_whitespace()).count();
            u32::try_from(separators + 1).ok().map(UseKind::Lookup)
        }
    }
}

/// A constant that is a single value, cast to a well-known scalar type at most.
fn is_element(node: &Node) -> bool {
    const SCALARS: &[&str] = &[
        "text",
        "varchar",
        "bpchar",
        "int2",
        "int4",
        "int8",
        "numeric",
        "float4",
        "float8",
        "bool",
        "date",
        "time",
        "timestamp",
        "timestamptz",
        "uuid",
        "inet",
    ];
    match &node.node {
        Some(NodeEnum::AConst(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => {
            let scalar = |t: &protobuf::TypeName| {
                let name = matches!(strings(&t.names).as_deref(), Ok([name] | ["pg_catalog", name]) if SCALARS.contains(name));
                name && t.array_bounds.is_empty()
            };
            cast.type_name.as_ref().is_some_and(scalar) && cast.arg.as_deref().is_some_and(is_element)
        }
        _ => false,
    }
}
