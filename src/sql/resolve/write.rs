//! INSERT, UPDATE, DELETE and MERGE (analyze.c, `parse_merge.c)`: which columns are set, and what is stored in them.

use std::collections::BTreeMap;
use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node, RangeVar, ResTarget};

use super::in_place::{EXCLUDED, Rows, guard};
use super::scope::Item;
use super::target::Out;
use super::turn::plain_row;
use super::{Resolver, Value, absent, inner, row_check, unknown};
use crate::catalog::{Column, ConstraintKind, Oid, RelationKind};
use crate::sql::model::{Access, Changes, Constant, Flow, InstanceOf, New, Source, Use, UseKind, Write};
use crate::sql::reject::{Checked, Reject, Syntax};

/// Columns with what a client gives for them.
type Proposed = BTreeMap<Box<str>, New>;

/// What RETURNING gives; `None` where there is none.
pub(super) type Returned = Option<Vec<Out>>;

impl Resolver<'_> {
    /// A data-modifying statement on a level of its own; `None` is another kind of node.
    pub(super) fn modify(&mut self, node: &mut NodeEnum) -> Option<Checked<Returned>> {
        self.on_level(Vec::new(), |r| match node {
            NodeEnum::InsertStmt(insert) => Some(r.insert(insert)),
            NodeEnum::UpdateStmt(update) => Some(r.update(update)),
            NodeEnum::DeleteStmt(delete) => Some(r.delete(delete)),
            NodeEnum::MergeStmt(merge) => Some(r.merge_into(merge)),
            _ => None,
        })
    }

    fn insert(&mut self, insert: &mut protobuf::InsertStmt) -> Checked<Returned> {
        let protobuf::InsertStmt { relation, cols, select_stmt, on_conflict_clause, returning_clause, with_clause, r#override } = insert;
        self.with(with_clause)?;
        let outs = match select_stmt {
            Some(query) => Some(self.query(query)?),
            None => None, // DEFAULT VALUES
        };
        let (target, rows) = self.written(relation, Access::Insert)?;
        if let Some(outs) = &outs {
            outs.iter().for_each(|o| self.consume(&o.value, UseKind::WriteSource));
            self.inserted(&target, cols, Some(outs.len()))?;
        }
        if let Some(conflict) = on_conflict_clause {
            let as_given = *r#override != protobuf::OverridingKind::OverridingUserValue as i32;
            let outs = outs.as_deref().filter(|_| as_given).unwrap_or_default();
            let proposed = self.proposed(&target, cols, select_stmt.as_deref(), outs);
            self.on_conflict(conflict, &target, &given(cols), &proposed, rows.as_ref())?;
        }
        self.show(vec![Rc::clone(&target)])?;
        self.returning(returning_clause, &target, rows.as_ref())
    }

    /// The columns that a new row sets; a missing list is written out, so that columns that do not exist for the principal take
    /// no place in it. `given` is the number of values, where it is known.
    pub(super) fn inserted(&mut self, target: &Rc<Item>, cols: &mut Vec<Node>, given: Option<usize>) -> Checked<()> {
        if cols.is_empty() {
            absent("an INSERT without a column list into a table whose columns are not known", !target.open)?;
            let names: Vec<Box<str>> = target.visible().take(given.unwrap_or(usize::MAX)).map(|c| c.name.clone()).collect();
            *cols = names.iter().map(|name| res_target(name)).collect();
        }
        for node in cols.iter_mut() {
            let NodeEnum::ResTarget(column) = inner(node)? else { return Err(unknown("a column of INSERT")) };
            let ResTarget { name, indirection, val, location } = &mut **column;
            absent("a value in a column list", val.is_none())?;
            self.indirection(indirection, UseKind::Expression)?;
            self.set(target, name, Changes::New, *location)?;
        }
        Ok(())
    }

    fn on_conflict(
        &mut self,
        conflict: &mut protobuf::OnConflictClause,
        target: &Rc<Item>,
        given: &[Box<str>],
        proposed: &Proposed,
        rows: Option<&Rows>,
    ) -> Checked<()> {
        let protobuf::OnConflictClause { action: _, infer, target_list, where_clause, location: _ } = conflict;
        self.show(vec![Rc::clone(target)])?;
        if let Some(infer) = infer {
            self.arbiter(infer, target)?;
        }
        let excluded = self.excluded(target, given, proposed);
        self.show(vec![Rc::clone(target), Rc::new(excluded)])?;
        self.assignments(target, target_list)?;
        if let Some(condition) = where_clause {
            self.condition(condition, UseKind::Filter)?;
        }
        match rows {
            Some(_) if &*target.name == EXCLUDED && !target_list.is_empty() => {
                let message = "a relation with a row condition, which would name it, has the name of the row that was not inserted";
                Err(Reject::unclear("alias", message).hint("use another alias"))
            }
            Some(rows) if !target_list.is_empty() => row_check::stored(rows, where_clause),
            _ => Ok(()),
        }
    }

    /// What the rows that a client proposes to a table hold, as they are written: triggers could make something else of them.
    fn proposed(&self, target: &Item, cols: &[Node], query: Option<&Node>, outs: &[Out]) -> Proposed {
        let Some((_, InstanceOf::Catalog(oid))) = target.instance else { return Proposed::new() };
        let plain = |oid: &Oid| self.cx.catalog.relation(*oid).is_some_and(|r| r.kind != RelationKind::View && !r.runs_code);
        let Some(relation) = self.cx.catalog.relation(oid) else { return Proposed::new() };
        if !self.cx.catalog.with_descendants(oid).iter().all(plain) {
            return Proposed::new();
        }
        let rows = query.and_then(own_rows);
        let proposed = |((i, name), out): ((usize, Box<str>), &Out)| {
            let new = match (&rows, relation.column(&name)) {
                (Some(rows), Some(column)) => self.proposed_for(column, rows.iter().filter_map(|row| row.get(i))),
                _ => out.value.given.clone(),
            };
            (name, new)
        };
        given(cols).into_iter().enumerate().zip(outs).map(proposed).collect()
    }

    /// What these are in a column, of whose type they are where they have none of their own.
    fn proposed_for<'n>(&self, column: &Column, nodes: impl Iterator<Item = &'n Node>) -> New {
        let ty = self.cx.catalog.base_type(column.ty.oid).map(|base| base.oid);
        let said = |node: &Node| match node.node {
            Some(NodeEnum::SetToDefault(_)) => self.cx.catalog.is_null_by_default(column).then_some(None),
            _ => Some(self.alone(node)?.map(|c| Constant { ty: c.ty.or(ty), ..c })),
        };
        match nodes.map(said).collect::<Option<Vec<_>>>().as_deref() {
            None => New::Other,
            Some([None]) => New::Null,
            Some([Some(only)]) => New::Constant(only.clone()),
            Some(all) => New::OneOf(all.iter().flatten().cloned().collect()),
        }
    }

    /// The row that was not inserted: what the client gave, or a default. A column that a view computes is neither: PostgreSQL computes it for
    /// this row too, from whatever the view's definition reads.
    fn excluded(&self, target: &Item, given: &[Box<str>], proposed: &Proposed) -> Item {
        let view = self.is_view(target);
        let instance = target.instance.filter(|_| view);
        let mut excluded = Item { name: EXCLUDED.into(), relation: None, instance, aside: view, ..target.clone() };
        for column in &mut excluded.columns {
            column.qualifier = Some(EXCLUDED.into());
            if !column.hidden && (!view || given.contains(&column.name)) {
                let given = proposed.get(&column.name).cloned().unwrap_or_default();
                column.value = Value { given, ..Value::computed(column.value.ty) };
            }
        }
        excluded
    }

    fn is_view(&self, item: &Item) -> bool {
        let Some((_, InstanceOf::Catalog(oid))) = item.instance else { return false };
        self.cx.catalog.relation(oid).is_some_and(|r| r.kind == RelationKind::View)
    }

    /// The index that ON CONFLICT names.
    fn arbiter(&mut self, infer: &mut protobuf::InferClause, target: &Rc<Item>) -> Checked<()> {
        let protobuf::InferClause { index_elems, where_clause, conname, location } = infer;
        for node in index_elems {
            let NodeEnum::IndexElem(element) = inner(node)? else { return Err(unknown("ON CONFLICT")) };
            let protobuf::IndexElem { name, expr, indexcolname: _, collation: _, opclass, opclassopts: _, ordering: _, nulls_ordering: _ } =
                &mut **element;
            absent("an operator class", opclass.is_empty())?;
            self.used_opt(expr, UseKind::Conflict)?;
            if !name.is_empty() {
                self.saw(name);
                let hit = self.try_bare(name, *location)?;
                let hit = hit
                    .ok_or_else(|| Reject::postgres(Syntax::UndefinedColumn, format!("column \"{name}\" does not exist")).at(*location))?;
                self.consume(&hit.value, UseKind::Conflict);
            }
        }
        if !conname.is_empty()
            && let Some((instance, InstanceOf::Catalog(oid))) = target.instance
            && let Some(relation) = self.cx.catalog.relation(oid)
        {
            let unique = |k: &ConstraintKind| matches!(k, ConstraintKind::Primary | ConstraintKind::Unique | ConstraintKind::Other);
            let columns = relation.constraints.iter().filter(|c| *c.name == **conname && unique(&c.kind)).flat_map(|c| &c.columns);
            for column in columns {
                self.out.uses.push(Use { source: Source { instance, column: *column }, kind: UseKind::Conflict, at: *location });
            }
        }
        if let Some(condition) = where_clause {
            self.condition(condition, UseKind::Filter)?;
        }
        Ok(())
    }

    fn update(&mut self, update: &mut protobuf::UpdateStmt) -> Checked<Returned> {
        let protobuf::UpdateStmt { relation, target_list, where_clause, from_clause, returning_clause, with_clause } = update;
        self.with(with_clause)?;
        let (target, rows) = self.written(relation, Access::Update)?;
        self.show(vec![Rc::clone(&target)])?;
        self.from_clause(from_clause)?;
        self.behind(|r| r.assignments(&target, target_list))?;
        self.held_condition(where_clause, from_clause, &target, rows.as_ref())?;
        self.returning(returning_clause, &target, rows.as_ref())
    }

    fn delete(&mut self, delete: &mut protobuf::DeleteStmt) -> Checked<Returned> {
        let protobuf::DeleteStmt { relation, using_clause, where_clause, returning_clause, with_clause } = delete;
        self.with(with_clause)?;
        let (target, rows) = self.written(relation, Access::Delete)?;
        self.out.deletes.extend(target.instance.map(|(id, _)| id));
        self.show(vec![Rc::clone(&target)])?;
        self.from_clause(using_clause)?;
        self.held_condition(where_clause, using_clause, &target, rows.as_ref())?;
        self.returning(returning_clause, &target, None)
    }

    /// WHERE of UPDATE and DELETE, behind the condition of the target's rows.
    fn held_condition(&mut self, condition: &mut Option<Box<Node>>, from: &mut [Node], target: &Item, rows: Option<&Rows>) -> Checked<()> {
        let held = condition.as_mut().map(|condition| self.condition(condition, UseKind::Filter)).transpose()?.unwrap_or_default();
        self.pass_fences(from, &held);
        let own = held.into_iter().filter(|h| target.instance.is_some_and(|(id, _)| id == h.source.instance));
        guard(rows, condition, own.map(|h| h.node).collect())
    }

    /// The target of a write, with the condition of the rows that exist.
    pub(super) fn written(&mut self, range: &mut Option<RangeVar>, access: Access) -> Checked<(Rc<Item>, Option<Rows>)> {
        let item = self.target(range, access)?;
        let rows = match range {
            Some(range) => self.veil_target(range, &item)?,
            None => None,
        };
        Ok((item, rows))
    }

    /// A relation that is named alone, with its columns.
    pub(super) fn target(&mut self, range: &mut Option<RangeVar>, access: Access) -> Checked<Rc<Item>> {
        let range = range.as_mut().ok_or_else(|| unknown("a write without its target"))?;
        let named = self.alias(range.alias.as_ref())?;
        self.relation_item(range, named, access).map(Rc::new)
    }

    /// Makes these the items that expressions see.
    pub(super) fn show(&mut self, items: Vec<Rc<Item>>) -> Checked<()> {
        self.levels.last_mut().map(|l| l.items = items).ok_or_else(|| unknown("a write"))
    }

    /// SET.
    pub(super) fn assignments(&mut self, target: &Rc<Item>, nodes: &mut [Node]) -> Checked<()> {
        for node in nodes {
            let NodeEnum::ResTarget(assignment) = inner(node)? else { return Err(unknown("SET")) };
            let ResTarget { name, indirection, val, location } = &mut **assignment;
            take_apart(val)?;
            let multi = matches!(val.as_ref().and_then(|v| v.node.as_ref()), Some(NodeEnum::MultiAssignRef(_)));
            let changes = if multi || !indirection.is_empty() { Changes::Part } else { Changes::Stored };
            let noted = self.out.writes.len();
            let column = self.set(target, name, changes, *location)?;
            self.indirection(indirection, UseKind::Expression)?;
            let calls = self.out.calls.len();
            let value = val.as_mut().ok_or_else(|| unknown("an assignment without a value"))?;
            let given = self.used(value, UseKind::WriteSource)?;
            if changes == Changes::Stored {
                let new = self.new_value(value, &given);
                let kept = self.kept_where_turned((target, name), &column, value, &new, (calls, *location))?;
                if let Some(write) = self.out.writes.get_mut(noted) {
                    write.new = new;
                }
                if !kept {
                    self.write_back(&column, val, &given, calls, *location)?;
                }
            }
        }
        Ok(())
    }

    /// Records that a column of the target is set.
    fn set(&mut self, target: &Rc<Item>, name: &str, changes: Changes, at: i32) -> Checked<Value> {
        self.saw(name);
        let Some(column) = target.columns.iter().find(|c| &*c.name == name) else {
            if target.open {
                return Ok(Value::computed(None));
            }
            return Err(self.no_column(target, name, at));
        };
        if let Flow::Plain(sources) = &column.value.flow {
            self.out.writes.extend(sources.iter().map(|source| Write { target: *source, changes, new: New::Other, at }));
        }
        self.out.types.extend(column.value.ty.map(|ty| (ty, at)));
        Ok(Value { at, ..column.value.clone() })
    }

    /// PostgreSQL's words where a write's target has no such column.
    fn no_column(&self, target: &Item, name: &str, at: i32) -> Reject {
        let instance = target.instance.and_then(|(id, _)| self.out.instance(id));
        let relation = instance.map_or(&*target.name, |i| &*i.name.name);
        Reject::postgres(Syntax::UndefinedColumn, format!("column \"{name}\" of relation \"{relation}\" does not exist")).at(at)
    }
}

/// `(a, b) = (x, y)` is `a = x, b = y` (`transformMultiAssignRef`). A row with a `*` in it stays: how many values that is shows later.
fn take_apart(value: &mut Option<Box<Node>>) -> Checked<()> {
    let Some(NodeEnum::MultiAssignRef(multi)) = value.as_deref_mut().and_then(|v| v.node.as_mut()) else { return Ok(()) };
    let protobuf::MultiAssignRef { source, colno, ncolumns } = &mut **multi;
    let Some(NodeEnum::RowExpr(row)) = source.as_deref_mut().and_then(|s| s.node.as_mut()) else { return Ok(()) };
    let protobuf::RowExpr { xpr: _, args, row_typeid: _, row_format: _, colnames: _, location } = &mut **row;
    if args.iter().any(is_star) {
        return Ok(());
    }
    let at = usize::try_from(*colno - 1).ok().filter(|at| *at < args.len() && usize::try_from(*ncolumns) == Ok(args.len()));
    let at = at.ok_or_else(|| Reject::postgres(Syntax::SyntaxError, "number of columns does not match number of values").at(*location))?;
    *value = Some(Box::new(args.swap_remove(at)));
    Ok(())
}

/// `*`, or `t.*`, or `(x).*`.
fn is_star(node: &Node) -> bool {
    let fields = match &node.node {
        Some(NodeEnum::ColumnRef(column)) => &column.fields,
        Some(NodeEnum::AIndirection(of)) => &of.indirection,
        _ => return false,
    };
    matches!(fields.last(), Some(Node { node: Some(NodeEnum::AStar(_)) }))
}

/// The rows of an INSERT's own VALUES: of a query beside which something else stands PostgreSQL finds the types before it knows the columns
/// (`transformInsertStmt`).
fn own_rows(query: &Node) -> Option<Vec<&[Node]>> {
    let Some(NodeEnum::SelectStmt(select)) = &query.node else { return None };
    let alone = select.sort_clause.is_empty() && select.limit_count.is_none() && select.limit_offset.is_none();
    let alone = alone && select.locking_clause.is_empty() && select.with_clause.is_none() && !select.values_lists.is_empty();
    select.values_lists.iter().map(plain_row).collect::<Option<_>>().filter(|_| alone)
}

/// The columns that INSERT gives values for.
fn given(cols: &[Node]) -> Vec<Box<str>> {
    let name = |node: &Node| if let Some(NodeEnum::ResTarget(t)) = &node.node { Some(t.name.as_str().into()) } else { None };
    cols.iter().filter_map(name).collect()
}

/// An item of a column list.
fn res_target(name: &str) -> Node {
    let target = ResTarget { name: name.to_owned(), indirection: Vec::new(), val: None, location: -1 };
    Node { node: Some(NodeEnum::ResTarget(Box::new(target))) }
}
