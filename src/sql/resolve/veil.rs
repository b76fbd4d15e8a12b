//! Veiled relations: on the second walk over a tree the instances that need it become subqueries over their relation, so PostgreSQL itself
//! resolves stars, whole rows and joins against the veil (semantics.md, "Rewriting"). What a subquery loses is restored here: column
//! aliases, samples, ONLY, and grouping by a primary key.

use std::fmt::Write as _;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Alias, Node, RangeVar};

use super::column::reference;
use super::names::Found;
use super::scope::{Item, Level};
use super::{Context, Resolver, inner, strings, unknown};
use crate::base::quote_ident;
use crate::catalog::{ConstraintKind, Oid, TypeInfo};
use crate::sql::model::{InstanceOf, Source, UseKind};
use crate::sql::reject::{Checked, Reject};
use crate::sql::veil::{Veil, VeilColumn};
use crate::sql::{parse, print};

/// A reference to a column of a veiled instance.
#[derive(Debug)]
pub(super) struct Reference {
    source: Source,
    node: Node,
}

impl<'a> Resolver<'a> {
    /// Whether an item has columns of a veiled instance whose system columns are asked for.
    pub(super) fn covers_system(&self, item: &Item) -> bool {
        let Some(veils) = self.cx.veils else { return false };
        let of = |s: &Source| veils.of(s.instance).is_some_and(|v| v.system);
        item.columns.iter().any(|c| c.value.flow.sources().iter().any(of))
    }

    /// The veil of an item's instance, on the walk that has veils.
    pub(super) fn veil_of(&self, item: &Item) -> Option<&'a Veil> {
        self.cx.veils?.of(item.instance?.0)
    }

    /// Puts the veil in the place of a FROM item; `item` is what the walk found in it.
    pub(super) fn veiled(&mut self, node: &mut Node, item: &mut Item) -> Checked<()> {
        let (Some(veil), Some((id, _))) = (self.veil_of(item), item.instance) else { return Ok(()) };
        let mut taken = std::mem::take(node);
        let range = range_of(&mut taken).ok_or_else(|| unknown("a veiled item of this kind"))?;
        let alias = range.alias.take().unwrap_or_else(|| Alias { aliasname: range.relname.clone(), colnames: Vec::new() });
        let range = range.clone();
        let query = self.veil_query(&range, veil, Some(taken))?;
        let subselect = protobuf::RangeSubselect { lateral: false, subquery: Some(Box::new(query)), alias: Some(alias) };
        *node = Node { node: Some(NodeEnum::RangeSubselect(Box::new(subselect))) };
        item.veiled = true;
        item.row_type = None; // a record
        self.out.veiled.insert(id);
        Ok(())
    }

    /// COPY of a veiled relation is COPY of a query over its veil.
    pub(super) fn veiled_copy(&mut self, relation: &mut Option<RangeVar>, item: &Item, attlist: &mut Vec<Node>) -> Checked<Option<Node>> {
        let (Some(veil), Some((id, _)), Some(mut range)) = (self.veil_of(item), item.instance, relation.clone()) else { return Ok(None) };
        range.alias = None;
        let query = self.veil_query(&range, veil, None)?;
        let alias = Alias { aliasname: range.relname.clone(), colnames: Vec::new() };
        let from = protobuf::RangeSubselect { lateral: false, subquery: Some(Box::new(query)), alias: Some(alias) };
        self.out.veiled.insert(id);
        *relation = None;
        Ok(Some(print::select(NodeEnum::RangeSubselect(Box::new(from)), &std::mem::take(attlist))))
    }

    /// The subquery.
    fn veil_query(&self, range: &RangeVar, veil: &Veil, from: Option<Node>) -> Checked<Node> {
        let mut query = self.policy_query(range, &text(range, veil), None)?;
        if let (Some(from), Some(NodeEnum::SelectStmt(select))) = (from, &mut query.node) {
            select.from_clause = vec![from];
        }
        Ok(query)
    }

    /// A query over one relation whose SQL is the policy's, its own names resolved too: no `search_path` of a session may lead it astray.
    pub(super) fn policy_query(&self, range: &RangeVar, text: &str, alias: Option<&str>) -> Checked<Node> {
        let broken =
            |_| Reject::unclear("policy", format!("the policy's SQL over \"{}.{}\" cannot be read", range.schemaname, range.relname));
        let mut query = single(text).map_err(broken)?;
        let types = self.operand_types(range, text);
        let mut path: Vec<Box<str>> = vec!["pg_catalog".into(), range.schemaname.as_str().into()];
        path.extend(types.iter().map(|ty| ty.name.schema.clone()));
        let types: Vec<Oid> = types.into_iter().map(|ty| ty.oid).collect();
        // the target of a write stays what it is, also where its definition stands in its place elsewhere
        let target = alias.and_then(|_| match self.find(&range.schemaname, &range.relname) {
            Some(Found::Catalog(relation)) => Some(relation.oid),
            _ => None,
        });
        let inside = |oid: Oid| if Some(oid) == target { None } else { (self.cx.inside)(oid) };
        let cx = Context {
            inside: &inside,
            bodies: &|_, _| false,
            function: None,
            path: &path,
            locals: &[],
            params: &[],
            hidden: &|_, _| false,
            veils: None,
            says: self.cx.veils.map(|v| &v.says),
            alias,
            ..self.cx
        };
        let mut resolver = Resolver { session: self.session, operands: &types, ..Resolver::new(cx) };
        resolver.query(&mut query).and_then(|_| resolver.texts_are_plain()).map_err(|reject| {
            let message = format!("the policy's SQL over \"{}.{}\": {}", range.schemaname, range.relname, reject.message);
            Reject { hint: reject.hint, ..Reject::unclear("policy", message) }
        })?;
        Ok(query)
    }

    /// The types from outside PostgreSQL of which a policy's SQL over a relation may have operands: those of columns, and those that it names. Their operators
    /// are beside them.
    fn operand_types(&self, range: &RangeVar, text: &str) -> Vec<&'a TypeInfo> {
        let catalog = self.cx.catalog;
        let columns = catalog.relation_in(&range.schemaname, &range.relname).map_or(&[][..], |r| &r.columns);
        let of = |ty: &&TypeInfo| columns.iter().any(|c| catalog.base_type(c.ty.oid).is_some_and(|base| base.oid == ty.oid));
        catalog.operand_types().filter(|ty| of(ty) || text.contains(&*ty.name.name)).collect()
    }

    /// Notes a reference to a veiled instance's column with the level that it belongs to.
    pub(super) fn refers(&mut self, source: Source) {
        let catalog = self.cx.catalog;
        let of = |level: &Level| level.items.iter().find(|i| i.instance.is_some_and(|(id, _)| id == source.instance)).cloned();
        let Some((level, item)) = self.levels.iter_mut().rev().find_map(|l| of(l).map(|item| (l, item))) else { return };
        let Some((_, InstanceOf::Catalog(oid))) = item.instance.filter(|_| item.veiled) else { return };
        let Some(position) = catalog.relation(oid).and_then(|r| r.columns.iter().position(|c| c.number == source.column)) else { return };
        let Some(column) = item.columns.get(position) else { return };
        if !level.references.iter().any(|r| r.source == source) {
            level.references.push(Reference { source, node: reference(&[&item.name, &column.name]) });
        }
    }

    /// Over a table its other columns depend on a primary key in each set of GROUP BY (`common`; `check_functional_grouping` in `pg_constraint.c`); over
    /// a subquery they must stand there themselves. A column that is grouped by is none of those: it is NULL in the sets that are without it.
    pub(super) fn restore_dependents(&mut self, group_clause: &mut Vec<Node>, common: &[Source], uses: std::ops::Range<usize>) {
        let uses = self.out.uses.get(uses).unwrap_or_default();
        let grouped: Vec<Source> = uses.iter().filter(|u| u.kind == UseKind::Group).map(|u| u.source).collect();
        let Some(level) = self.levels.last() else { return };
        for item in level.items.iter().filter(|i| i.veiled) {
            let Some((id, InstanceOf::Catalog(oid))) = item.instance else { continue };
            let keys = self.cx.catalog.relation(oid).map(|r| r.constraints.as_slice()).unwrap_or_default();
            let is_common = |column: &i16| common.contains(&Source { instance: id, column: *column });
            let by_key = keys.iter().any(|k| k.kind == ConstraintKind::Primary && k.columns.iter().all(is_common));
            if !by_key {
                continue;
            }
            let missing = level.references.iter().filter(|r| r.source.instance == id && !grouped.contains(&r.source));
            group_clause.extend(missing.map(|r| r.node.clone()));
        }
    }
}

/// The tree of a text of the proxy's own, which is one statement.
pub(super) fn single(text: &str) -> Checked<Node> {
    let statement = parse::tree(text)?.stmts.pop().and_then(|s| s.stmt);
    statement.map(|n| *n).ok_or_else(|| unknown("an empty text"))
}

/// The relation in a FROM item.
fn range_of(node: &mut Node) -> Option<&mut RangeVar> {
    match node.node.as_mut()? {
        NodeEnum::RangeVar(range) => Some(range),
        NodeEnum::RangeTableSample(sample) => match sample.relation.as_mut()?.node.as_mut()? {
            NodeEnum::RangeVar(range) => Some(range),
            _ => None,
        },
        _ => None,
    }
}

/// The veil's text. OFFSET 0 is a fence: no condition of the client's is looked at before the rows were chosen. To estimate how many rows a
/// condition keeps, PostgreSQL holds it against what its statistics know of a column's values, in all rows; through OFFSET 0 it sees a column that stands
/// there by itself (`examine_simple_variable` in selfuncs.c, which stops at `security_barrier`), so behind a fence none does.
fn text(range: &RangeVar, veil: &Veil) -> String {
    let relation = quote_ident(&range.relname);
    let mut text = String::from("SELECT ");
    for (i, VeilColumn { number, name, mask }) in veil.columns.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        let name = quote_ident(name);
        let _ = match mask {
            Some(mask) => write!(text, "{comma}{} AS {name}", mask.sql),
            // of one type, collation and modifier with the column itself
            None if veil.fenced && *number > 0 => write!(text, "{comma}COALESCE({relation}.{name}, {relation}.{name}) AS {name}"),
            None => write!(text, "{comma}{relation}.{name}"),
        };
    }
    let _ = write!(text, " FROM {}{}.{relation}", if range.inh { "" } else { "ONLY " }, quote_ident(&range.schemaname));
    if let Some(rows) = &veil.rows {
        let fence = if veil.fenced { " OFFSET 0" } else { "" };
        let _ = write!(text, " WHERE (\n{rows}\n){fence}");
    }
    text
}

/// What `current_setting` of one of the proxy's own settings stands for in a policy's SQL.
pub(super) fn own_setting(node: &NodeEnum, cx: &Context<'_>) -> Option<NodeEnum> {
    let says = cx.says?;
    let NodeEnum::FuncCall(call) = node else { return None };
    let named = matches!(strings(&call.funcname).ok()?.as_slice(), ["current_setting"] | ["pg_catalog", "current_setting"]);
    let Some(NodeEnum::AConst(constant)) = &call.args.first()?.node else { return None };
    let Some(protobuf::a_const::Val::Sval(name)) = &constant.val else { return None };
    if !named || !name.sval.starts_with("pgscrim.") {
        return None;
    }
    let value = says.get(name.sval.as_str());
    let val = value.map(|v| protobuf::a_const::Val::Sval(protobuf::String { sval: v.to_string() }));
    let constant = NodeEnum::AConst(protobuf::AConst { isnull: value.is_none(), location: -1, val });
    let text = protobuf::TypeName { names: super::name_nodes(&["pg_catalog", "text"]), typemod: -1, location: -1, ..Default::default() };
    let arg = Some(Box::new(Node { node: Some(constant) }));
    Some(NodeEnum::TypeCast(Box::new(protobuf::TypeCast { arg, type_name: Some(text), location: -1 })))
}

/// Puts what they stand for in the place of the proxy's own settings.
pub(super) fn say(node: &mut Node, cx: &Context<'_>) -> Checked<()> {
    if cx.says.is_some()
        && let Some(constant) = own_setting(inner(node)?, cx)
    {
        node.node = Some(constant);
    }
    Ok(())
}
