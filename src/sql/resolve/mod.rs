//! The walk over PostgreSQL's tree: names are resolved as PostgreSQL resolves them, uses and flows recorded, and the tree edited in
//! place so that every relation, type and function in it carries its schema. Each node is taken apart whole; what is not named here
//! is refused. What a policy makes of the result is not here.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the tree has 270 kinds of node: what a walk does not name it refuses, or hands to the walk that refuses it"
)]

mod alter;
mod body;
mod call;
mod colname;
mod column;
mod copy;
mod cte;
mod define;
mod definition;
mod expr;
mod fence;
mod from;
mod function;
mod in_place;
mod join;
mod json;
mod leak;
mod literal;
mod merge;
mod moment;
mod names;
mod operator;
mod own_key;
mod parameter;
mod result;
mod row;
mod row_check;
mod scope;
mod select;
mod session;
mod setop;
mod since;
mod statement;
mod target;
mod turn;
mod types;
mod utility;
mod veil;
mod write;

pub use row_check::UNFIT;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use pg_query::NodeEnum;
use pg_query::protobuf::Node;

use super::model::{Access, Analysis, Flow, Instance, InstanceId, InstanceOf, New, Part, Source, Use, UseKind};
use super::parse::Parsed;
use super::reject::{Checked, Reject};
use super::veil::Veils;
use crate::base::QualifiedName;
use crate::catalog::{Catalog, Function, Oid, Relation};
pub use definition::{Definition, gives_rows_of_one};
use scope::{Item, Level};

/// A relation of the session that the catalog does not know.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    /// `None` for the temporary schema.
    pub schema: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// Its columns, where only their names are known.
    pub columns: Option<&'a [Box<str>]>,
    /// What a look-up on the session's own connection gave.
    pub relation: Option<&'a Relation>,
}

/// What names mean where the statement stands.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The database's schema.
    pub catalog: &'a Catalog,
    /// Effective schemas in order, `pg_catalog` among them, `pg_temp` as a word.
    pub path: &'a [Box<str>],
    /// The session's own relations.
    pub locals: &'a [Local<'a>],
    /// Types of parameters as the client declared them, 0 where it did not.
    pub params: &'a [Oid],
    /// Whether a column does not exist for the principal.
    pub hidden: &'a dyn Fn(Oid, i16) -> bool,
    /// Views in whose place their definitions are to be put.
    pub inside: &'a dyn Fn(Oid) -> Option<Definition>,
    /// Functions in whose place their bodies are to be put. Beside the function it is told how high the tree may be in which the walk is.
    pub bodies: &'a dyn Fn(Oid, u32) -> bool,
    /// A bound on the height of the tree from within which this one is walked.
    pub below: u32,
    /// Within a function's body: the function, whose parameters can be named.
    pub function: Option<&'a Function>,
    /// On the second walk: what stands in the place of relations.
    pub veils: Option<&'a Veils>,
    /// Within a veil's own SQL: what `current_setting` gives for the proxy's own settings.
    pub says: Option<&'a BTreeMap<Box<str>, Arc<str>>>,
    /// Within the policy's own SQL over the target of a write: the alias by which its columns are to be named.
    pub alias: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// Where there is nothing but a schema and a path: everything in it exists, as it is.
    #[must_use]
    pub fn bare(catalog: &'a Catalog, path: &'a [Box<str>]) -> Self {
        Self {
            catalog,
            path,
            locals: &[],
            params: &[],
            hidden: &|_, _| false,
            inside: &|_| None,
            bodies: &|_, _| false,
            below: 0,
            function: None,
            veils: None,
            says: None,
            alias: None,
        }
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("path", &self.path).field("locals", &self.locals).finish_non_exhaustive()
    }
}

/// Analyses a statement and edits its tree so that names cannot be resolved otherwise by the server. What was found before a
/// rejection comes back with it, for the audit.
///
/// # Errors
/// What PostgreSQL would refuse, and what is not understood.
pub fn analyse(parsed: &mut Parsed, cx: Context<'_>) -> Result<Analysis, (Reject, Box<Analysis>)> {
    if let Err(reject) = since::numbers(parsed, cx.catalog) {
        return Err((reject, Box::default()));
    }
    let mut resolver = Resolver::new(cx);
    if let Some(function) = cx.function {
        let level = resolver.arguments(function);
        resolver.levels.push(level);
    }
    resolver.depth.nodes = cx.below + parsed.depth;
    resolver.out.parameters.clone_from(&parsed.parameters);
    match resolver.statement(&mut parsed.node).and_then(|()| resolver.texts_are_plain()) {
        Ok(()) => {
            resolver.name_unread();
            resolver.spread_leaks();
            Ok(resolver.out)
        }
        Err(reject) => Err((reject, Box::new(resolver.out))),
    }
}

/// A value in the tree: where it comes from, and its type where that is certain.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) flow: Flow,
    pub(super) ty: Option<Oid>,
    /// Its fields, where it is a row and its type does not say them.
    row: Option<row::Row>,
    /// The column that it is, by itself or through subqueries: what `RowDescription` names (`markTargetListOrigin` in `parse_target.c`).
    origin: Option<Source>,
    /// What it can be, where that is written out: a column of VALUES, or of the row that was not inserted.
    given: New,
    pub(super) at: i32,
}

impl Value {
    fn new(flow: Flow, ty: Option<Oid>, at: i32) -> Self {
        Self { flow, ty, row: None, origin: None, given: New::Other, at }
    }

    fn computed(ty: Option<Oid>) -> Self {
        Self::new(Flow::Computed, ty, -1)
    }

    /// A column as it stands in its relation.
    fn column(source: Source, ty: Option<Oid>, at: i32) -> Self {
        Self { origin: Some(source), ..Self::new(Flow::Plain(vec![source]), ty, at) }
    }

    /// Something of it, or made of it.
    fn part(self) -> Self {
        Self { flow: Flow::Computed, origin: None, given: New::Other, ..self }
    }

    /// Its type; rows without one of their own are records.
    pub(super) fn type_of(&self) -> Option<Oid> {
        self.ty.or_else(|| self.row.as_ref().map(|_| row::RECORD))
    }

    /// The same value where PostgreSQL does not look for the fields of a record: only columns, calls and ROW say them.
    fn opaque(self) -> Self {
        Self { ty: self.type_of(), row: None, origin: None, given: New::Other, ..self }
    }
}

/// The state of one walk.
#[derive(Debug)]
pub(super) struct Resolver<'a> {
    cx: Context<'a>,
    out: Analysis,
    levels: Vec<Level>,
    /// The schemas in which the server looks for what has none.
    session: &'a [Box<str>],
    /// Within the policy's own SQL: types from outside PostgreSQL of which it may have operands.
    operands: &'a [Oid],
    /// Types of parameters, 0 where one is not declared.
    params: Vec<Oid>,
    /// Parameters without a declared type that were met, and the types that this gave them, where those are certain.
    met: BTreeMap<i32, Option<Oid>>,
    /// On the second walk: what stands for masked columns of the targets of writes.
    in_place: BTreeMap<Source, in_place::InPlace>,
    /// The same: targets whose rows are held against their condition as they are stored.
    checked: BTreeSet<InstanceId>,
    /// Columns in select lists of subqueries, and where.
    listed: BTreeMap<Source, i32>,
    /// Columns of all items of FROM so far.
    width: usize,
    depth: definition::Depth,
    /// What is walked is computed for rows that were chosen, if it is not in a query inside.
    behind: bool,
    /// The conjunct of a condition that the walk is in, if it is not in a query inside.
    conjunct: Option<leak::Conjunct>,
    /// Some condition has a query in it.
    asks: bool,
    /// How many SELECTs the walk is in.
    queries: u32,
    /// Within the policy's own SQL: its texts, by where they stand.
    literals: BTreeMap<i32, literal::Literal>,
}

impl<'a> Resolver<'a> {
    fn new(cx: Context<'a>) -> Self {
        Self {
            cx,
            out: Analysis { declared: cx.params.to_vec(), ..Analysis::default() },
            levels: Vec::new(),
            session: cx.path,
            operands: &[],
            params: cx.params.to_vec(),
            met: BTreeMap::new(),
            in_place: BTreeMap::new(),
            checked: BTreeSet::new(),
            listed: BTreeMap::new(),
            width: 0,
            depth: definition::Depth::default(),
            behind: false,
            conjunct: None,
            asks: false,
            queries: 0,
            literals: BTreeMap::new(),
        }
    }
}

impl Resolver<'_> {
    /// A new instance of a relation.
    fn instance(&mut self, of: InstanceOf, name: QualifiedName, access: Access, at: i32) -> InstanceId {
        let id = InstanceId(u32::try_from(self.out.instances.len()).unwrap_or(u32::MAX));
        self.out.instances.push(Instance { of, name, access, at });
        id
    }

    /// What was recorded since `before` ended.
    fn part_from(&self, before: &Part) -> Part {
        Part {
            uses: before.uses.end..self.out.uses.len(),
            equalities: before.equalities.end..self.out.equalities.len(),
            calls: before.calls.end..self.out.calls.len(),
            types: before.types.end..self.out.types.len(),
        }
    }

    /// Walks on a level of its own, where these items can be named.
    fn on_level<T>(&mut self, items: Vec<Rc<Item>>, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.levels.push(Level { items, ..Level::default() });
        let walked = walk(self);
        self.levels.pop();
        walked
    }

    /// Records that a name in the text was looked at.
    fn saw(&mut self, name: &str) {
        if !self.out.seen.columns.contains(name) {
            self.out.seen.columns.insert(name.into());
        }
    }

    /// Records that a value is used in a way that its flow does not survive.
    fn consume(&mut self, value: &Value, kind: UseKind) {
        for source in value.flow.sources() {
            self.out.uses.push(Use { source: *source, kind, at: value.at });
        }
    }

    /// Columns of subqueries' select lists that nothing reads are named all the same.
    fn name_unread(&mut self) {
        if self.listed.is_empty() {
            return;
        }
        let outputs = self.out.outputs.iter().flatten().flat_map(|o| o.flow.sources());
        let read: BTreeSet<Source> = self.out.uses.iter().map(|u| u.source).chain(outputs.copied()).collect();
        let unread = self.listed.iter().filter(|(source, _)| !read.contains(source));
        self.out.uses.extend(unread.map(|(source, at)| Use { source: *source, kind: UseKind::Named, at: *at }));
    }

    /// Whether a column does not exist for the principal.
    fn is_hidden(&self, of: InstanceOf, column: i16) -> bool {
        match of {
            InstanceOf::Catalog(oid) => (self.cx.hidden)(oid, column),
            InstanceOf::Temporary | InstanceOf::Uncommitted => false,
        }
    }

    /// An expression whose value is used as `kind`. What stands inside it is not: `nullif(a, 'x') IS NULL` is no NULL test of `a`,
    /// and to group by `left(a, 3)` is not to group by `a`.
    fn used(&mut self, node: &mut Node, kind: UseKind) -> Checked<Value> {
        let value = self.expr(node, inside(kind))?;
        self.consume(&value, kind);
        Ok(value)
    }

    /// The same for one that may be missing.
    fn used_opt(&mut self, node: &mut Option<Box<Node>>, kind: UseKind) -> Checked<()> {
        match node {
            Some(node) => self.used(node, kind).map(|_| ()),
            None => Ok(()),
        }
    }

    /// The same for each of a list.
    fn used_all(&mut self, nodes: &mut [Node], kind: UseKind) -> Checked<()> {
        nodes.iter_mut().try_for_each(|node| self.used(node, kind).map(|_| ()))
    }
}

/// How parts of an expression are used whose value is used as `kind`. INVARIANT 1.
fn inside(kind: UseKind) -> UseKind {
    match kind {
        UseKind::Filter | UseKind::Join | UseKind::Aggregate | UseKind::WriteSource => kind,
        UseKind::Output
        | UseKind::NullTest
        | UseKind::Count
        | UseKind::CountDistinct
        | UseKind::MinMax
        | UseKind::Lookup(_)
        | UseKind::LookupMany(_)
        | UseKind::EqualsConstant
        | UseKind::Equality
        | UseKind::Using
        | UseKind::Group
        | UseKind::Distinct
        | UseKind::Order
        | UseKind::Expression
        | UseKind::Member(_)
        | UseKind::SetOperation
        | UseKind::MixedOutput
        | UseKind::Recursive
        | UseKind::WholeRow
        | UseKind::Conflict
        | UseKind::Shadow
        | UseKind::Named => UseKind::Expression,
    }
}

/// The node inside; an empty one is refused.
fn inner(node: &mut Node) -> Checked<&mut NodeEnum> {
    node.node.as_mut().ok_or_else(|| unknown("an empty node"))
}

/// What is not named in the walk is refused. INVARIANT 1.
fn unknown(what: &str) -> Reject {
    Reject::unclear("construct", format!("{what} is not understood"))
}

/// A part of a node that has no meaning where it stands.
fn absent(what: &str, is_absent: bool) -> Checked<()> {
    if is_absent { Ok(()) } else { Err(unknown(what)) }
}

/// The strings of a list of names.
pub(super) fn strings(nodes: &[Node]) -> Checked<Vec<&str>> {
    nodes
        .iter()
        .map(|n| match &n.node {
            Some(NodeEnum::String(s)) => Ok(s.sval.as_str()),
            _ => Err(unknown("a name")),
        })
        .collect()
}

/// `x.f` where `f` is no column that is known: PostgreSQL may take it for a call.
fn field_notation() -> Reject {
    Reject::unclear("field_notation", "a function or type called in field notation").hint("write it as name(value)")
}

/// A list of names as nodes.
fn name_nodes(parts: &[&str]) -> Vec<Node> {
    parts.iter().map(|p| Node { node: Some(NodeEnum::String(pg_query::protobuf::String { sval: (*p).to_owned() })) }).collect()
}

#[cfg(test)]
pub(super) mod tests;
