//! Functions in SQL in whose place their bodies are put, as LATERAL subqueries over their arguments, so that what stands below them can be veiled like
//! anything else that a statement names. Which functions those are is decided in `plan`. PostgreSQL does the same where it can (`inline_function`,
//! `inline_set_returning_function` in clauses.c); each argument stands there once, so it is computed once.

use std::fmt::Write as _;
use std::rc::Rc;

use pg_query::protobuf::{self, FuncCall, Node};
use pg_query::{NodeEnum, NodeRef};

use super::call::{is_named, is_undecorated};
use super::definition::{CATALOG, fence};
use super::from::{Named, computed};
use super::scope::{Column, Item, Level};
use super::veil::single;
use super::{Context, Resolver, Value, column, inner, strings, unknown};
use crate::base::quote_ident;
use crate::catalog::{Body, Function, Oid, SYSTEM_COLUMNS};
use crate::sql::model::{Access, Flow, InPlace, UseKind};
use crate::sql::parse;
use crate::sql::reject::{Checked, Reject};

/// The alias of a body's rows.
const ROWS: &str = "rows of it";

/// Types that PostgreSQL takes for one another without being asked, each for those behind it in its line (`pg_cast.castcontext`).
const IMPLICIT: [&[Oid]; 3] = [
    &[Oid(21), Oid(23), Oid(20), Oid(1700), Oid(700), Oid(701)], // smallint to double precision
    &[Oid(1043), Oid(25)],                                       // varchar, text
    &[Oid(1082), Oid(1114), Oid(1184)],                          // date, timestamps
];

impl<'a> Resolver<'a> {
    /// What a function's parameters are in its body: the columns of an item that is named as it is. A column of what the body reads comes before one of
    /// the same name (`sql_fn_post_column_ref` in functions.c).
    pub(super) fn arguments(&self, function: &Function) -> Level {
        let columns = function.arg_types.iter().enumerate().map(|(i, ty)| computed(&parameter(function, i), Some(*ty)));
        let name = function.name.name.clone();
        let item = Item { columns: columns.collect(), by_name: true, by_column: true, name, ..Item::default() };
        Level { items: vec![Rc::new(item)], ..Level::default() }
    }

    /// The reference that `$n` stands for in a body: by a name that nothing which the body reads has.
    pub(super) fn parameter(&self, function: &Function, number: i32) -> Checked<Node> {
        let place = usize::try_from(number - 1).ok().filter(|place| *place < function.arg_types.len());
        let name = parameter(function, place.ok_or_else(|| unknown("a parameter that the function does not have"))?);
        let own = &*function.name.name;
        let items = || self.levels.iter().skip(1).flat_map(|l| &l.items);
        let system = SYSTEM_COLUMNS.iter().any(|(column, ..)| *column == &*name);
        if !system && !items().any(|i| i.open || i.columns.iter().any(|c| c.name == name)) {
            return Ok(column::reference(&[&name]));
        }
        if !items().any(|i| *i.name == *own) {
            return Ok(column::reference(&[own, &name]));
        }
        Err(Reject::unclear("function", "a relation in it is named as it is itself"))
    }

    /// Puts a body in the place of a call that is a value.
    pub(super) fn body_as_value(&mut self, node: &mut Node, function: &'a Function, kind: UseKind) -> Checked<Value> {
        let NodeEnum::FuncCall(call) = inner(node)? else { return Err(unknown("a call")) };
        let at = call.location;
        let (query, columns) = self.body(call, function, kind, None).map_err(|why| failed(function, why, at))?;
        let [only] = columns.as_slice() else { return Err(failed(function, Reject::unclear("function", "gives more than one value"), at)) };
        if function.returns_set {
            return Err(failed(function, Reject::unclear("function", "gives rows, which only FROM can take"), at));
        }
        let value = Value { at, ..only.value.clone() };
        let sub_link_type = protobuf::SubLinkType::ExprSublink as i32;
        let link = protobuf::SubLink { sub_link_type, subselect: Some(Box::new(query)), location: -1, ..Default::default() };
        *node = Node { node: Some(NodeEnum::SubLink(Box::new(link))) };
        Ok(value)
    }

    /// Puts a body in the place of a function in FROM, where it is to be.
    pub(super) fn body_in_from(&mut self, node: &mut Node) -> Checked<Option<Item>> {
        let Some(NodeEnum::RangeFunction(range)) = &mut node.node else { return Ok(None) };
        let Some(call) = only_call(range) else { return Ok(None) };
        let Some(function) = self.has_body(call) else { return Ok(None) };
        let (at, alias) = (call.location, range.alias.clone());
        if range.ordinality || range.is_rowsfrom || !range.coldeflist.is_empty() {
            return Err(failed(
                function,
                Reject::unclear("function", "WITH ORDINALITY, ROWS FROM and column definitions are not understood"),
                at,
            ));
        }
        let Named { name, columns: aliases } = self.alias(alias.as_ref())?;
        let name = name.unwrap_or_else(|| function.name.name.clone());
        let Some(call) = only_call(range) else { return Ok(None) };
        let (query, columns) = self.body(call, function, UseKind::Expression, Some(&name)).map_err(|why| failed(function, why, at))?;
        // its whole row is the value itself
        let scalar = scalar(function) && !self.gives_row(function);
        if scalar && aliases.iter().any(|alias| *alias != name) {
            return Err(failed(function, Reject::unclear("function", "its column has another name than the alias"), at));
        }
        let item = self.item_of(name.clone(), columns, &aliases, false)?;
        let alias = alias.unwrap_or_else(|| protobuf::Alias { aliasname: name.into(), colnames: Vec::new() });
        let subselect = protobuf::RangeSubselect { lateral: true, subquery: Some(Box::new(query)), alias: Some(alias) };
        *node = Node { node: Some(NodeEnum::RangeSubselect(Box::new(subselect))) };
        Ok(Some(Item { veiled: true, scalar, ..item }))
    }

    /// The query that stands for a call, and its columns.
    fn body(&mut self, call: &mut FuncCall, function: &'a Function, kind: UseKind, named: Option<&str>) -> Checked<(Node, Vec<Column>)> {
        let body = function.body.as_ref().ok_or_else(|| unknown("a function without a body"))?;
        callable(call, function, body)?;
        let results = self.results(function, named)?;
        self.computes(&call.args)?;
        let types: Vec<String> = function.arg_types.iter().map(|ty| self.plain_type(*ty)).collect::<Checked<_>>()?;
        let computed = call.args.iter().any(is_computed);
        for (arg, ty) in call.args.iter_mut().zip(&function.arg_types) {
            let literal = self.is_literal(arg);
            let value = self.used(arg, kind)?;
            let fits = value.ty.map_or(literal || matches!(value.flow, Flow::Null), |from| converts(from, *ty));
            if !fits {
                return Err(Reject::unclear("function", "its arguments are not of its parameters' types").hint("cast them"));
            }
        }
        self.may_leak(true);
        let (query, outs) = self.body_query(function, body, computed, call.location)?;
        if outs.len() != results.len() {
            return Err(Reject::unclear("function", "its rows lack columns that do not exist for the role"));
        }
        let mut columns = Vec::with_capacity(results.len());
        let mut list = Vec::with_capacity(results.len());
        for (n, ((name, ty), value)) in results.into_iter().zip(outs).enumerate() {
            let place = format!("{}.c{n}", quote_ident(ROWS));
            let shown = quote_ident(&name);
            let value = if value.ty == Some(ty) {
                list.push(format!("{place} AS {shown}"));
                Value { origin: None, ..value.opaque() }
            } else {
                list.push(format!("CAST({place} AS {}) AS {shown}", self.plain_type(ty)?));
                self.consume(&value, UseKind::Expression);
                Value::computed(Some(ty))
            };
            columns.push(Column { name, value, hidden: false, qualifier: None });
        }
        Ok((frame(function, body, &types, &list, std::mem::take(&mut call.args), query)?, columns))
    }

    /// The body's query, walked where only its parameters can be named, and what it gives.
    fn body_query(&mut self, function: &'a Function, body: &Body, computed: bool, at: i32) -> Checked<(Node, Vec<Value>)> {
        let text = body.statements();
        let mut statements = parse::tree(&text)?.stmts;
        let (Some(only), true) = (statements.pop().and_then(|s| s.stmt), statements.is_empty()) else {
            return Err(Reject::unclear("function", "it is not one query"));
        };
        let mut query = *only;
        let Some(NodeEnum::SelectStmt(_)) = &query.node else { return Err(Reject::unclear("function", "it is not a query")) };
        let (calls, instances) = (self.out.calls.len(), self.out.instances.len());
        let locks = self.out.locks.len();
        let mut cx = Context { function: Some(function), ..self.cx };
        if body.bound {
            cx = Context { path: &*CATALOG, locals: &[], ..cx };
        }
        let levels = vec![self.arguments(function)];
        let outs = self.aside(&text, &mut query, cx, levels, at)?;
        let writes = self.out.instances.iter().skip(instances).any(|i| i.access != Access::Read);
        let is_volatile = |oid: &Oid| self.cx.catalog.function(*oid).is_none_or(|f| f.volatility == 'v');
        let volatile = self.out.calls.iter().skip(calls).flat_map(|c| &c.candidates).any(is_volatile);
        if writes || volatile || self.out.locks.len() > locks {
            return Err(Reject::unclear("function", "it writes, locks, or calls what gives another value each time"));
        }
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let range = number(instances)..number(self.out.instances.len());
        self.out.bodies.push(InPlace { function: function.oid, instances: range, computed, at });
        if self.cx.veils.is_some() {
            fence(&mut query)?;
        }
        Ok((query, outs.into_iter().map(|out| out.value).collect()))
    }

    /// Refuses an aggregate of parameters alone: where they are columns of another query, it would be that one's.
    pub(super) fn aggregates_here(&self, call: &FuncCall) -> Checked<()> {
        let Some(function) = self.cx.function.filter(|_| self.is_aside()) else { return Ok(()) };
        let items = || self.levels.iter().skip(1).flat_map(|l| &l.items);
        let (mut parameters, mut others) = (false, false);
        let nodes = call.args.iter().chain(&call.agg_order).chain(call.agg_filter.as_deref()).filter_map(|n| n.node.as_ref());
        for (node, ..) in nodes.flat_map(NodeEnum::nodes) {
            let of_parameter = match node {
                NodeRef::ParamRef(_) => true,
                NodeRef::ColumnRef(reference) => match strings(&reference.fields).as_deref() {
                    Ok([name]) => !items().any(|i| i.open || i.columns.iter().any(|c| *c.name == **name)),
                    Ok([item, _]) => **item == *function.name.name && !items().any(|i| *i.name == **item),
                    _ => false,
                },
                _ => continue,
            };
            parameters |= of_parameter;
            others |= !of_parameter;
        }
        if parameters && !others {
            return Err(Reject::unclear("function", "an aggregate in it is of parameters alone"));
        }
        Ok(())
    }

    /// The columns that a function gives, with their names; in FROM a single value has that of the alias.
    fn results(&self, function: &Function, named: Option<&str>) -> Checked<Vec<(Box<str>, Oid)>> {
        let single = || vec![(named.unwrap_or(&function.name.name).into(), function.returns)];
        let known = || unknown("a result of this type");
        let columns = match function.out_columns.as_slice() {
            [] if self.gives_row(function) => {
                let fields = self.fields_of_type(function.returns).ok_or_else(known)?;
                fields.into_iter().map(|c| c.value.ty.map(|ty| (c.name, ty))).collect::<Option<Vec<_>>>().ok_or_else(known)?
            }
            [] => single(),
            columns => columns.to_vec(),
        };
        columns.iter().try_for_each(|(_, ty)| self.plain_type(*ty).map(drop))?;
        Ok(columns)
    }

    fn gives_row(&self, function: &Function) -> bool {
        self.cx.catalog.base_type(function.returns).is_some_and(|t| t.relation != Oid(0))
    }

    /// A type's name as SQL, where it is no row, no domain and nothing polymorphic.
    fn plain_type(&self, ty: Oid) -> Checked<String> {
        let info = self.cx.catalog.type_info(ty).filter(|t| matches!(t.kind, 'b' | 'e' | 'r' | 'm') && !self.holds_rows(ty));
        let name =
            &info.ok_or_else(|| Reject::unclear("function", "a parameter or its result is of a type that is not understood here"))?.name;
        Ok(format!("{}.{}", quote_ident(&name.schema), quote_ident(&name.name)))
    }

    /// Refuses arguments whose meaning hangs on the query that they stand in: aggregates, windows, rows. Only nodes are let through of which the parser's
    /// library lists all that is in them.
    fn computes(&self, args: &[Node]) -> Checked<()> {
        let plain = |node: &NodeRef<'_>| match node {
            NodeRef::ColumnRef(_) | NodeRef::AConst(_) | NodeRef::ParamRef(_) | NodeRef::TypeCast(_) | NodeRef::SqlvalueFunction(_) => true,
            NodeRef::AExpr(_) | NodeRef::BoolExpr(_) | NodeRef::NullTest(_) | NodeRef::BooleanTest(_) | NodeRef::List(_) => true,
            NodeRef::CaseExpr(_) | NodeRef::CaseWhen(_) | NodeRef::CoalesceExpr(_) | NodeRef::MinMaxExpr(_) => true,
            NodeRef::FuncCall(call) => {
                let name = strings(&call.funcname).ok().and_then(|parts| parts.last().copied()).unwrap_or_default();
                let same = |f: &Function| f.kind == 'f' && !f.returns_set && f.volatility != 'v';
                is_undecorated(call) && self.cx.catalog.functions_named(name).all(same)
            }
            _ => false,
        };
        let all = |node: &Node| node.node.as_ref().is_none_or(|n| n.nodes().iter().all(|(n, ..)| plain(n)));
        if args.iter().all(all) {
            return Ok(());
        }
        let message = "an argument is an aggregate, a window function, VOLATILE, gives rows, or is not understood there";
        Err(Reject::unclear("function", message).hint("compute it in a subquery"))
    }
}

/// A parameter's name; `$n` where it has none.
fn parameter(function: &Function, place: usize) -> Box<str> {
    let named = function.body.as_ref().and_then(|b| b.parameters.get(place)).filter(|name| !name.is_empty());
    named.cloned().unwrap_or_else(|| format!("${}", place + 1).into())
}

/// Whether an argument is more than a column or a constant.
fn is_computed(arg: &Node) -> bool {
    !matches!(arg.node, Some(NodeEnum::ColumnRef(_) | NodeEnum::AConst(_) | NodeEnum::ParamRef(_)))
}

/// Whether rows may be grouped by more than columns and bodies in the place of calls: within a query of its own, PostgreSQL finds no other expression again.
pub(super) fn groups_by_expression(group: &[Node], targets: &[Node]) -> bool {
    let target = |node: &Node| match &node.node {
        Some(NodeEnum::ResTarget(target)) => target.val.as_deref().is_some_and(is_expression).then(|| target.name.clone()),
        _ => None,
    };
    group.iter().any(|node| match &node.node {
        Some(NodeEnum::GroupingSet(set)) => groups_by_expression(&set.content, targets),
        Some(NodeEnum::RowExpr(row)) => groups_by_expression(&row.args, targets),
        Some(NodeEnum::ColumnRef(reference)) => match strings(&reference.fields).as_deref() {
            Ok([name]) => targets.iter().filter_map(target).any(|t| t == **name),
            _ => false,
        },
        // a position
        Some(NodeEnum::AConst(_)) => targets.iter().any(|t| target(t).is_some()),
        _ => is_expression(node),
    })
}

fn is_expression(node: &Node) -> bool {
    !matches!(node.node, Some(NodeEnum::SubLink(_) | NodeEnum::ColumnRef(_) | NodeEnum::AConst(_)))
}

/// Whether a function gives one value, not a row.
fn scalar(function: &Function) -> bool {
    function.out_columns.len() < 2
}

/// The call of a FROM item that has one alone.
fn only_call(range: &mut protobuf::RangeFunction) -> Option<&mut FuncCall> {
    let [Node { node: Some(NodeEnum::List(protobuf::List { items })) }] = range.functions.as_mut_slice() else { return None };
    match items.as_mut_slice() {
        [Node { node: Some(NodeEnum::FuncCall(call)) }, rest @ ..] if rest.iter().all(|d| d.node.is_none()) => Some(call),
        _ => None,
    }
}

/// Refuses calls of which not all is plain.
fn callable(call: &FuncCall, function: &Function, body: &Body) -> Checked<()> {
    let why = |why: &str| Err(Reject::unclear("function", why));
    if !is_undecorated(call) || call.func_variadic || function.variadic || call.args.iter().any(is_named) {
        return why("arguments by name and VARIADIC are not understood");
    }
    if function.kind != 'f' || *function.name.name == *ROWS {
        return why("it is an aggregate, or named as its rows would be");
    }
    if call.args.len() != function.arg_types.len() {
        return why("an argument is left to its default");
    }
    if !body.public {
        return why("not everybody may call it");
    }
    if body.sets {
        return why("it sets parameters while it runs");
    }
    Ok(())
}

/// Whether PostgreSQL takes a value of a type for another without being asked.
fn converts(from: Oid, to: Oid) -> bool {
    let place = |line: &[Oid], ty: Oid| line.iter().position(|t| *t == ty);
    from == to || IMPLICIT.iter().any(|line| matches!((place(line, from), place(line, to)), (Some(a), Some(b)) if a < b))
}

/// The body as LATERAL subquery over the arguments: once for each row that it gives, or once for the one that a function gives which is no set.
fn frame(function: &Function, body: &Body, types: &[String], list: &[String], args: Vec<Node>, query: Node) -> Checked<Node> {
    let own = quote_ident(&function.name.name);
    let name = |n: usize| quote_ident(&parameter(function, n));
    let mut text = format!("SELECT {} FROM (SELECT ", list.join(", "));
    for (n, ty) in types.iter().enumerate() {
        let _ = write!(text, "{}CAST(${} AS {ty}) AS {}", if n > 0 { ", " } else { "" }, n + 1, name(n));
    }
    let (join, limit) = if function.returns_set { ("JOIN", "") } else { ("LEFT JOIN", " LIMIT 1") };
    let columns: Vec<String> = (0..list.len()).map(|n| format!("c{n}")).collect();
    let given: Vec<String> = (0..types.len()).filter(|_| body.strict).map(|n| format!("{own}.{} IS NOT NULL", name(n))).collect();
    let on = if given.is_empty() { "true".to_owned() } else { given.join(" AND ") };
    let _ = write!(text, ") AS {own} {join} LATERAL (SELECT) AS {} ({}) ON {on}{limit}", quote_ident(ROWS), columns.join(", "));
    let mut frame = single(&text)?;
    fill(&mut frame, args, query).ok_or_else(|| unknown("a body's frame"))?;
    Ok(frame)
}

/// Puts the arguments and the body in their places.
fn fill(frame: &mut Node, args: Vec<Node>, query: Node) -> Option<()> {
    let NodeEnum::SelectStmt(select) = frame.node.as_mut()? else { return None };
    let NodeEnum::JoinExpr(join) = select.from_clause.first_mut()?.node.as_mut()? else { return None };
    let NodeEnum::RangeSubselect(right) = join.rarg.as_mut()?.node.as_mut()? else { return None };
    right.subquery = Some(Box::new(query));
    let NodeEnum::RangeSubselect(left) = join.larg.as_mut()?.node.as_mut()? else { return None };
    let NodeEnum::SelectStmt(list) = left.subquery.as_mut()?.node.as_mut()? else { return None };
    for (target, arg) in list.target_list.iter_mut().zip(args) {
        let NodeEnum::ResTarget(target) = target.node.as_mut()? else { return None };
        let NodeEnum::TypeCast(cast) = target.val.as_mut()?.node.as_mut()? else { return None };
        cast.arg = Some(Box::new(arg));
    }
    Some(())
}

/// Says of which function something is said.
fn failed(function: &Function, why: Reject, at: i32) -> Reject {
    let message =
        format!("the body of function \"{}\" may read what is veiled, and cannot be put in its place: {}", function.name, why.message);
    Reject { hint: why.hint, ..Reject::unclear("function", message).at(at) }
}
