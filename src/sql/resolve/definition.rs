//! Views in whose place their definitions are put, as fenced subqueries, so that what stands below them can be veiled like anything else that
//! a statement names. Which views those are is decided in `plan`. A definition's names are those of a `search_path` of `pg_catalog`.

use std::sync::LazyLock;

use pg_query::protobuf::{self, Alias, Node, SelectStmt, SetOperation, a_const::Val};
use pg_query::{NodeEnum, NodeRef};

use super::names::Found;
use super::scope::{Column, Item, Level};
use super::target::Out;
use super::veil::single;
use super::{Context, Resolver, Value, inner, unknown};
use crate::base::QualifiedName;
use crate::catalog::{FIRST_NORMAL_OID, Operator, Relation, RelationKind};
use crate::sql::caps::{self, MAX_DEPTH};
use crate::sql::model::{Access, InstanceId, Source};
use crate::sql::reject::{Checked, Reject};

/// The most bytes of definitions that one statement may come to hold.
const MOST: usize = 256 << 10;

pub(super) static CATALOG: LazyLock<[Box<str>; 1]> = LazyLock::new(|| ["pg_catalog".into()]);

/// A view's definition.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The query, as PostgreSQL prints it.
    pub text: Box<str>,
    /// For each of the view's columns, whether it exists for the principal.
    pub visible: Vec<bool>,
}

/// How deep the walk is in definitions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Depth {
    /// A bound on the height of the tree above.
    pub(super) nodes: u32,
    /// Definitions and bodies that the walk is in.
    texts: u32,
    /// The innermost of them names all but what is in `pg_catalog` with its schema.
    bound: bool,
    /// Their bytes so far.
    bytes: usize,
}

impl<'a> Resolver<'a> {
    /// The view that a FROM item names, where its definition is to be put in its place.
    pub(super) fn defined(&self, node: &Node) -> Option<(&'a Relation, Definition)> {
        let Some(NodeEnum::RangeVar(range)) = &node.node else { return None };
        let bare = range.schemaname.is_empty() && range.catalogname.is_empty();
        if bare && self.cte_named(&range.relname).is_some() {
            return None;
        }
        match self.find(&range.schemaname, &range.relname)? {
            Found::Catalog(relation) => (self.cx.inside)(relation.oid).map(|definition| (relation, definition)),
            Found::Local(_) => None,
        }
    }

    /// Puts a definition in the place of a FROM item.
    pub(super) fn put_in(&mut self, node: &mut Node, relation: &'a Relation, definition: &Definition) -> Checked<Item> {
        let NodeEnum::RangeVar(range) = inner(node)? else { return Err(unknown("a view at this place")) };
        let (id, ..) = self.relation(range, Access::Read)?;
        let named = self.alias(range.alias.as_ref())?;
        let at = range.location;
        let failed = |why: Reject| Reject::unclear("view", format!("the definition of view \"{}\": {}", relation.name, why.message)).at(at);
        let (mut query, outs, simple) = self.definition(definition, at).map_err(failed)?;
        let last = u32::try_from(self.out.instances.len()).unwrap_or(u32::MAX);
        self.out.inlined.insert(id, id.0 + 1..last);
        let simple = simple && (id.0 + 1..last).all(|id| self.is_looked_at_alone(InstanceId(id)));
        if self.cx.veils.is_some_and(|v| v.beside || (v.fenced && !simple)) {
            fence(&mut query)?;
        }
        let names = relation.columns.iter().zip(&definition.visible).filter(|(_, visible)| **visible).map(|(c, _)| c.name.clone());
        let colnames: Vec<Box<str>> = named.columns.iter().cloned().chain(names.skip(named.columns.len())).collect();
        let columns = columns(relation, definition, id, outs)?;
        let qualified = named.name.is_none().then(|| QualifiedName::new(&*range.schemaname, &*range.relname));
        let name = named.name.unwrap_or_else(|| range.relname.as_str().into());
        let item = self.item_of(name.clone(), columns, &named.columns, false)?;
        let colnames: Vec<&str> = colnames.iter().map(|c| &**c).collect();
        let alias = Alias { aliasname: name.into(), colnames: super::name_nodes(&colnames) };
        let subselect = protobuf::RangeSubselect { lateral: false, subquery: Some(Box::new(query)), alias: Some(alias) };
        *node = Node { node: Some(NodeEnum::RangeSubselect(Box::new(subselect))) };
        Ok(Item { relation: qualified, veiled: true, ..item })
    }

    /// A definition's tree, walked by itself: no name of the statement around it means anything in it, and none of its names is the client's. Says, too,
    /// whether it is a simple one.
    fn definition(&mut self, definition: &Definition, at: i32) -> Checked<(Node, Vec<Out>, bool)> {
        let mut query = single(&definition.text)?;
        prune(&mut query, &definition.visible)?;
        let simple = is_simple(&definition.text, &query);
        let cx = Context { locals: &[], hidden: &|_, _| false, function: None, ..self.cx };
        let outs = self.aside(&definition.text, &mut query, Context { path: &*CATALOG, ..cx }, Vec::new(), at)?;
        Ok((query, outs, simple))
    }

    /// Whether an instance's rows are looked at where they are read: those of a view that is left as it is may be joined.
    fn is_looked_at_alone(&self, id: InstanceId) -> bool {
        let view = |oid| self.cx.catalog.relation(oid).is_none_or(|r| r.kind == RelationKind::View);
        self.out.inlined.contains_key(&id) || self.out.relation_of(id).is_some_and(|oid| !view(oid))
    }

    /// Walks a query that is not the client's by itself: no name of the statement around it means anything in it but those of `levels`, and none of its
    /// names is the client's.
    pub(super) fn aside(&mut self, text: &str, query: &mut Node, cx: Context<'a>, levels: Vec<Level>, at: i32) -> Checked<Vec<Out>> {
        let cx = Context { params: &[], says: None, alias: None, ..cx };
        let depth = self.deeper(text, *cx.path == *CATALOG)?;
        let first = self.part_from(&crate::sql::model::Part::default());
        let instances = self.out.instances.len();
        let (levels, seen) = (std::mem::replace(&mut self.levels, levels), std::mem::take(&mut self.out.seen));
        let cx = std::mem::replace(&mut self.cx, cx);
        let outs = self.query(query);
        let bytes = self.depth.bytes;
        (self.levels, self.out.seen, self.cx, self.depth) = (levels, seen, cx, Depth { bytes, ..depth });
        // what is said of it is said of the view or the function, where the client named it
        self.out.instances.iter_mut().skip(instances).for_each(|i| i.at = at);
        self.out.uses.iter_mut().skip(first.uses.end).for_each(|u| u.at = at);
        self.out.equalities.iter_mut().skip(first.equalities.end).for_each(|e| e.at = at);
        self.out.calls.iter_mut().skip(first.calls.end).for_each(|c| c.at = at);
        self.out.types.iter_mut().skip(first.types.end).for_each(|(_, place)| *place = at);
        outs
    }

    /// Goes into a text; gives where the walk was before.
    fn deeper(&mut self, text: &str, bound: bool) -> Checked<Depth> {
        let before = self.depth;
        let nodes = before.nodes + caps::scan(text, MOST)?.depth + 2;
        let bytes = before.bytes + text.len();
        if nodes > MAX_DEPTH || bytes > MOST {
            return Err(Reject::unclear("view", "is too long or too deep to be put in its place"));
        }
        self.depth = Depth { nodes, texts: before.texts + 1, bound, bytes };
        Ok(before)
    }

    /// A bound on the height of the tree that the walk is in.
    pub(super) fn height(&self) -> u32 {
        self.depth.nodes
    }

    /// Whether the walk is in a text that is not the client's.
    pub(super) fn is_aside(&self) -> bool {
        self.depth.texts > 0
    }

    /// Whether the walk is in a definition, where a bare name is one of `pg_catalog`.
    pub(super) fn in_definition(&self) -> bool {
        self.depth.bound
    }

    /// Gives a bare operator its schema, where another could be taken for it: one of a definition that of `pg_catalog`, one of the policy's own SQL that
    /// of the schemas it may mean which has such a one, if one alone has.
    pub(super) fn qualify_operator(&self, names: &mut Vec<Node>) {
        let [Node { node: Some(NodeEnum::String(name)) }] = names.as_slice() else { return };
        let name = name.sval.clone();
        if !self.others_have(&name) {
            return;
        }
        let mut homes = self.homes(&name, self.cx.path);
        match (homes.next(), homes.next()) {
            _ if self.in_definition() => *names = super::name_nodes(&["pg_catalog", &name]),
            (Some(home), None) if self.cx.path != self.session => *names = super::name_nodes(&[home, &name]),
            _ => {}
        }
    }

    /// Whether a bare operator of the policy's own SQL means what it says, whose names are not looked for where the session's are.
    pub(super) fn means_its_own(&self, operator: &str) -> bool {
        self.homes(operator, self.cx.path).eq(self.homes(operator, self.session))
    }

    /// The schemas of a path that have an operator of that name, in its order. One over a type from outside PostgreSQL counts where there may be operands of
    /// it: others have an operator of just their own types, which comes first (`binary_oper_exact` in `parse_oper.c`).
    fn homes<'p>(&self, operator: &str, path: &'p [Box<str>]) -> impl Iterator<Item = &'p str> {
        let counts = |o: &Operator| {
            let mut foreign = [o.left, o.right].into_iter().filter(|ty| *ty >= FIRST_NORMAL_OID).peekable();
            foreign.peek().is_none() || foreign.any(|ty| self.operands.contains(&ty))
        };
        those(path, move |schema| self.cx.catalog.operators_named(operator).any(|o| *o.name.schema == *schema && counts(o)))
    }

    /// The same of a function.
    pub(super) fn calls_its_own(&self, function: &str) -> bool {
        let has = |schema: &str| self.cx.catalog.functions_named(function).any(|f| *f.name.schema == *schema);
        those(self.cx.path, has).eq(those(self.session, has))
    }

    /// Whether a column is not there at all: a definition was put in its view's place without it.
    pub(super) fn is_gone(&self, column: &Column) -> bool {
        column.hidden && column.value.flow.sources().iter().any(|s| self.out.inlined.contains_key(&s.instance))
    }
}

/// The schemas of a path that have something.
fn those(path: &[Box<str>], has: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
    path.iter().map(AsRef::as_ref).filter(move |schema| has(schema))
}

/// The view's columns: those of the query, and hidden ones where it lacks them.
fn columns(relation: &Relation, definition: &Definition, id: InstanceId, outs: Vec<Out>) -> Checked<Vec<Column>> {
    let mut outs = outs.into_iter();
    let mut columns = Vec::with_capacity(relation.columns.len());
    for (column, visible) in relation.columns.iter().zip(&definition.visible) {
        let source = Source { instance: id, column: column.number };
        let value = if *visible {
            let out = outs.next().ok_or_else(|| unknown("a view with fewer columns than it has"))?;
            Value { at: -1, ty: Some(column.ty.oid), origin: Some(source), ..out.value }
        } else {
            Value::column(source, Some(column.ty.oid), -1)
        };
        columns.push(Column { name: column.name.clone(), value, hidden: !visible, qualifier: None });
    }
    if outs.next().is_some() { Err(unknown("a view with more columns than it has")) } else { Ok(columns) }
}

/// Takes out of a query what does not exist for the principal.
fn prune(query: &mut Node, visible: &[bool]) -> Checked<()> {
    match inner(query)? {
        NodeEnum::SelectStmt(_) if visible.iter().all(|v| *v) => Ok(()),
        NodeEnum::SelectStmt(select) => prune_select(select, visible),
        _ => Err(unknown("a definition that is no query")),
    }
}

fn prune_select(select: &mut SelectStmt, visible: &[bool]) -> Checked<()> {
    let lost = || unknown("a definition of this form, with columns that do not exist for the role,");
    let clauses = select.sort_clause.iter().chain(&select.group_clause).chain(&select.distinct_clause);
    if clauses.into_iter().any(names_a_position) {
        return Err(lost());
    }
    match SetOperation::try_from(select.op) {
        Ok(SetOperation::SetopNone) if select.target_list.len() == visible.len() => {
            // without GROUP BY an aggregate makes one row of all: it cannot be taken out
            let mut taken = select.target_list.iter().zip(visible).filter(|(_, v)| !**v).map(|(target, _)| target);
            if select.group_clause.is_empty() && taken.any(may_aggregate) {
                return Err(lost());
            }
            let mut kept = visible.iter();
            select.target_list.retain(|_| kept.next().is_some_and(|v| *v));
            Ok(())
        }
        Ok(SetOperation::SetopUnion) if select.all => {
            for side in [&mut select.larg, &mut select.rarg] {
                prune_select(side.as_mut().ok_or_else(lost)?, visible)?;
            }
            Ok(())
        }
        _ => Err(lost()),
    }
}

/// Whether a column may hold an aggregate: all but a few nodes may.
fn may_aggregate(target: &Node) -> bool {
    let plain = |node: &NodeRef<'_>| {
        let leaf = matches!(node, NodeRef::ResTarget(_) | NodeRef::ColumnRef(_) | NodeRef::AConst(_));
        leaf || matches!(node, NodeRef::TypeCast(_) | NodeRef::AExpr(_) | NodeRef::BoolExpr(_))
    };
    target.node.as_ref().is_none_or(|node| node.nodes().iter().any(|(node, ..)| !plain(node)))
}

/// A number in ORDER BY or its like means another column once one is taken out.
fn names_a_position(node: &Node) -> bool {
    let constant = |node: &Node| matches!(&node.node, Some(NodeEnum::AConst(_)));
    match &node.node {
        Some(NodeEnum::SortBy(sort)) => sort.node.as_deref().is_none_or(constant),
        Some(NodeEnum::GroupingSet(set)) => set.content.iter().any(names_a_position),
        _ => constant(node),
    }
}

/// Whether a query gives rows of one relation as they are, or some of them.
#[must_use]
pub fn gives_rows_of_one(text: &str) -> bool {
    single(text).is_ok_and(|query| is_simple(text, &query))
}

/// Whether it chooses rows of one relation, each looked at by itself: PostgreSQL does so where they are read, before the outermost query computes anything
/// of them (ADR 0035). Rows that are joined, or chosen by a query, it may sort before.
fn is_simple(text: &str, query: &Node) -> bool {
    let Some(NodeEnum::SelectStmt(select)) = &query.node else { return false };
    // a query inside can stand in more kinds of node than the parser's library looks into
    let text = text.to_ascii_uppercase();
    let asks = text.matches("SELECT").count() > 1 || text.contains("VALUES");
    let clauses = [
        &select.distinct_clause,
        &select.group_clause,
        &select.window_clause,
        &select.values_lists,
        &select.sort_clause,
        &select.locking_clause,
    ];
    let others = [&select.having_clause, &select.limit_count, &select.limit_offset];
    select.op == SetOperation::SetopNone as i32
        && matches!(select.from_clause.as_slice(), [Node { node: Some(NodeEnum::RangeVar(_)) }])
        && select.with_clause.is_none()
        && clauses.iter().all(|clause| clause.is_empty())
        && others.iter().all(|clause| clause.is_none())
        && !select.target_list.iter().any(may_aggregate)
        && !asks
}

/// OFFSET 0 is a fence: no condition of the client's is looked at before the view has chosen its rows.
pub(super) fn fence(query: &mut Node) -> Checked<()> {
    let NodeEnum::SelectStmt(select) = inner(query)? else { return Err(unknown("a definition that is no query")) };
    if select.limit_offset.is_none() && select.limit_count.is_none() {
        let zero = protobuf::AConst { isnull: false, location: -1, val: Some(Val::Ival(protobuf::Integer { ival: 0 })) };
        select.limit_offset = Some(Box::new(Node { node: Some(NodeEnum::AConst(zero)) }));
        select.limit_option = protobuf::LimitOption::Count as i32;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

    use super::*;

    #[test]
    fn what_chooses_rows_of_one_relation_is_simple() {
        for (text, simple) in [
            ("SELECT a, b || 'x', 1 FROM t WHERE a > 0 AND length(b) > 1", true),
            ("SELECT a FROM t, u", false),
            ("SELECT a FROM t JOIN u USING (a)", false),
            ("SELECT a FROM t WHERE a IN (SELECT b FROM u)", false),
            ("SELECT a FROM t WHERE (ARRAY[(SELECT b FROM u)])[1] = a", false),
            ("SELECT a FROM t WHERE (VALUES (1)) COLLATE \"C\" = a", false),
            ("SELECT a FROM (SELECT a FROM t) t", false),
            ("SELECT DISTINCT a FROM t", false),
            ("SELECT a FROM t GROUP BY a", false),
            ("SELECT a FROM t HAVING true", false),
            ("SELECT max(a) FROM t", false),
            ("SELECT (SELECT 1) FROM t", false),
            ("SELECT a FROM t LIMIT 1", false),
            ("SELECT a FROM t OFFSET 1", false),
            ("SELECT a FROM t ORDER BY a", false),
            ("SELECT a FROM t FOR UPDATE", false),
            ("SELECT a FROM t UNION ALL SELECT a FROM u", false),
            ("WITH w AS (SELECT 1) SELECT a FROM t", false),
            ("SELECT a FROM f(1) t", false),
            ("VALUES (1)", false),
        ] {
            let tree = crate::sql::parse::tree(text).unwrap();
            assert_eq!(is_simple(text, tree.stmts.first().unwrap().stmt.as_ref().unwrap()), simple, "{text}");
        }
    }

    #[test]
    fn a_column_that_makes_one_row_of_all_is_not_taken_out() {
        let pruned = |text: &str| {
            let mut tree = crate::sql::parse::tree(text).unwrap();
            prune(tree.stmts.first_mut().unwrap().stmt.as_mut().unwrap(), &[false, true])
        };
        for text in ["SELECT a, b FROM t", "SELECT (a || 'x')::text, b FROM t", "SELECT sum(a), b FROM t GROUP BY b"] {
            assert!(pruned(text).is_ok(), "{text}");
        }
        for text in [
            "SELECT sum(a), 'x' FROM t",
            "SELECT 1 + count(a), 'x' FROM t",
            "SELECT CASE count(a) WHEN 1 THEN 2 END, 'x' FROM t",
            "SELECT ARRAY[max(a)], 'x' FROM t",
            "SELECT a, 'x' FROM t UNION ALL SELECT sum(a), 'x' FROM t",
        ] {
            assert!(pruned(text).is_err(), "{text}");
        }
    }
}
