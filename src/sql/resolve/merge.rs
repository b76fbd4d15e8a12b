//! MERGE (`parse_merge.c`). Over a relation with a row condition a row that does not exist matches nothing, and one that would be made is
//! held against the condition before: MERGE has no RETURNING before PostgreSQL 17.

use std::fmt::Write as _;
use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, MergeMatchKind, Node, OverridingKind};

use super::expr::is_constant;
use super::in_place::{Rows, case, constant, guard, target, when};
use super::row_check::satisfies;
use super::scope::Item;
use super::veil::single;
use super::write::Returned;
use super::{Resolver, inner, unknown};
use crate::base::quote_ident;
use crate::catalog::RelationKind;
use crate::sql::model::{Access, InstanceOf, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};
use crate::sql::veil::Read;

impl Resolver<'_> {
    pub(super) fn merge_into(&mut self, merge: &mut protobuf::MergeStmt) -> Checked<Returned> {
        let protobuf::MergeStmt { relation, source_relation, join_condition, merge_when_clauses, returning_clause, with_clause } = merge;
        self.with(with_clause)?;
        let (target, rows) = self.written(relation, Access::Merge)?;
        let source = source_relation.as_mut().ok_or_else(|| unknown("MERGE without a source"))?;
        let constants = is_constants(source);
        let source = self.from_item(source)?;
        let steady = constants || source.iter().all(|item| self.is_table(item));
        if source.iter().any(|item| item.name == target.name) {
            let message = format!("name \"{}\" specified more than once", target.name);
            return Err(Reject::postgres(Syntax::DuplicateAlias, message));
        }
        let both: Vec<Rc<Item>> = std::iter::once(Rc::clone(&target)).chain(source.iter().cloned()).collect();
        self.show(both.clone())?;
        if let Some(condition) = join_condition {
            self.condition(condition, UseKind::Join)?;
        }
        guard(rows.as_ref(), join_condition, Vec::new())?;
        for node in merge_when_clauses {
            let NodeEnum::MergeWhenClause(when) = inner(node)? else { return Err(unknown("WHEN")) };
            // `setNamespaceForMergeWhen`: where there is no row of one side nothing of it can be named
            self.show(match MergeMatchKind::try_from(when.match_kind) {
                Ok(MergeMatchKind::MergeWhenMatched) => both.clone(),
                Ok(MergeMatchKind::MergeWhenNotMatchedByTarget) => source.clone(),
                Ok(MergeMatchKind::MergeWhenNotMatchedBySource) => vec![Rc::clone(&target)],
                Ok(MergeMatchKind::Undefined) | Err(_) => return Err(unknown("WHEN")),
            })?;
            self.merge_when(when, &target, rows.as_ref(), steady)?;
        }
        // `*` gives the source's columns first
        self.show(source.iter().chain([&target]).cloned().collect())?;
        self.returning(returning_clause, &target, None)
    }

    /// Whether an item's columns are a table's own: what a subquery or a view computes, the server may compute each time that it is looked at.
    fn is_table(&self, item: &Item) -> bool {
        let Some((_, InstanceOf::Catalog(oid))) = item.instance else { return false };
        self.cx.catalog.relation(oid).is_some_and(|r| matches!(r.kind, RelationKind::Table | RelationKind::Partitioned))
    }

    fn merge_when(&mut self, when: &mut protobuf::MergeWhenClause, target: &Rc<Item>, rows: Option<&Rows>, steady: bool) -> Checked<()> {
        let protobuf::MergeWhenClause { match_kind, command_type, r#override, condition, target_list, values } = when;
        if rows.is_some() && *match_kind == MergeMatchKind::MergeWhenNotMatchedBySource as i32 {
            return Err(unknown("WHEN NOT MATCHED BY SOURCE over a relation with a row condition"));
        }
        if let Some(condition) = condition {
            self.condition(condition, UseKind::Filter)?;
        }
        match protobuf::CmdType::try_from(*command_type) {
            Ok(protobuf::CmdType::CmdUpdate) => self.assignments(target, target_list),
            Ok(protobuf::CmdType::CmdDelete) => {
                self.out.deletes.extend(target.instance.map(|(id, _)| id));
                Ok(())
            }
            Ok(protobuf::CmdType::CmdNothing) => Ok(()),
            Ok(protobuf::CmdType::CmdInsert) => {
                self.used_all(values, UseKind::WriteSource)?;
                if !values.is_empty() {
                    self.inserted(target, target_list, Some(values.len()))?;
                }
                let Some(rows) = rows else { return Ok(()) };
                if *r#override == OverridingKind::OverridingUserValue as i32 {
                    return Err(unknown("OVERRIDING USER VALUE over a relation with a row condition"));
                }
                held(condition, satisfies(fits(rows, &target.name, target_list, values, steady)?)?);
                Ok(())
            }
            Ok(
                protobuf::CmdType::Undefined
                | protobuf::CmdType::CmdUnknown
                | protobuf::CmdType::CmdSelect
                | protobuf::CmdType::CmdMerge
                | protobuf::CmdType::CmdUtility,
            )
            | Err(_) => Err(unknown("an action of MERGE")),
        }
    }
}

/// VALUES of constants.
fn is_constants(source: &Node) -> bool {
    let Some(NodeEnum::RangeSubselect(sub)) = &source.node else { return false };
    let Some(NodeEnum::SelectStmt(select)) = sub.subquery.as_deref().and_then(|q| q.node.as_ref()) else { return false };
    let row = |row: &Node| matches!(&row.node, Some(NodeEnum::List(list)) if list.items.iter().all(is_constant));
    !select.values_lists.is_empty() && select.values_lists.iter().all(row)
}

/// The clause's own condition, and behind it the check.
fn held(condition: &mut Option<Box<Node>>, check: Node) {
    let check = match condition.take() {
        Some(own) => case(vec![when(*own, check)], constant(false)),
        None => check,
    };
    *condition = Some(Box::new(check));
}

/// Whether the row that would be made satisfies the condition: `EXISTS (SELECT 1 FROM (SELECT value::type AS name, …) AS alias WHERE rows)`.
fn fits(rows: &Rows, alias: &str, names: &[Node], values: &[Node], steady: bool) -> Checked<Node> {
    let mut list = String::new();
    for (i, Read { name, ty, collation, null: _ }) in rows.reads.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        let collate = collation.as_ref().map_or(String::new(), |c| format!(" COLLATE {c}"));
        let _ = write!(list, "{comma}NULL::{ty}{collate} AS {}", quote_ident(name));
    }
    let mut query = single(&format!("SELECT EXISTS (SELECT 1 FROM (SELECT {list}) AS {} WHERE true)", quote_ident(alias)))?;
    let given = rows.reads.iter().map(|read| given(read, names, values, steady)).collect::<Checked<Vec<_>>>()?;
    filled(&mut query, given, rows.condition.clone()).ok_or_else(|| unknown("a check"))
}

/// What is given for a column; `None` where it is NULL. Whatever is looked at twice must be the same both times, and what a column's default
/// would be is not known here.
fn given<'n>(read: &Read, names: &[Node], values: &'n [Node], steady: bool) -> Checked<Option<&'n Node>> {
    let named = |node: &Node| matches!(&node.node, Some(NodeEnum::ResTarget(t)) if t.name == *read.name);
    let plain = |node: &Node| matches!(&node.node, Some(NodeEnum::ResTarget(t)) if t.indirection.is_empty());
    let mut found = names.iter().zip(values).filter(|(name, _)| named(name));
    match (found.next(), found.next()) {
        (Some((name, value)), None)
            if plain(name) && (is_constant(value) || steady && matches!(value.node, Some(NodeEnum::ColumnRef(_)))) =>
        {
            Ok(Some(value))
        }
        (None, None) if read.null => Ok(None),
        _ => {
            let message = format!("column \"{}\" is read by a row condition, and what MERGE stores in it is not known before", read.name);
            Err(Reject::unclear("rows", message).hint("give it a constant, or a column of a source that is a table or VALUES of constants"))
        }
    }
}

/// Puts the values and the condition where they belong.
fn filled(query: &mut Node, given: Vec<Option<&Node>>, condition: Node) -> Option<Node> {
    let NodeEnum::SelectStmt(outer) = query.node.as_mut()? else { return None };
    let exists = target(outer.target_list.first_mut()?)?;
    let NodeEnum::SubLink(link) = exists.node.as_mut()? else { return None };
    let NodeEnum::SelectStmt(select) = link.subselect.as_mut()?.node.as_mut()? else { return None };
    select.where_clause = Some(Box::new(condition));
    let NodeEnum::RangeSubselect(from) = select.from_clause.first_mut()?.node.as_mut()? else { return None };
    let NodeEnum::SelectStmt(row) = from.subquery.as_mut()?.node.as_mut()? else { return None };
    for (node, value) in row.target_list.iter_mut().zip(given) {
        if let Some(value) = value {
            *cast_in(target(node)?)? = value.clone();
        }
    }
    Some(std::mem::take(exists))
}

/// What stands in a cast, with or without a collation behind it.
fn cast_in(node: &mut Node) -> Option<&mut Node> {
    match node.node.as_mut()? {
        NodeEnum::CollateClause(collate) => cast_in(collate.arg.as_deref_mut()?),
        NodeEnum::TypeCast(cast) => cast.arg.as_deref_mut(),
        _ => None,
    }
}
