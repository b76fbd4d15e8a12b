//! Values that are rows, and which fields they have (`get_expr_result_type` in funcapi.c, `expandRecordVariable` in `parse_target.c`). A field's
//! name decides what a name in the statement stands for, so fields are known for certain or not at all.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, ColumnRef, Node};

use super::from::computed;
use super::scope::{Column, Item, Wide};
use super::select::is_column;
use super::{Resolver, Value, inner, strings, unknown};
use crate::catalog::{Oid, RelationKind, SYSTEM_COLUMNS};
use crate::sql::model::UseKind;
use crate::sql::reject::{Checked, Reject};

/// The type of rows that say themselves what they are.
pub(super) const RECORD: Oid = Oid(2249);

/// The fields of a value of type `record`.
pub(super) type Row = Rc<[Column]>;

impl Resolver<'_> {
    /// The fields of a value that is a row; `None` where they are not known.
    pub(super) fn fields_of(&self, value: &Value) -> Option<Vec<Column>> {
        match &value.row {
            Some(row) => Some(row.to_vec()),
            None => self.fields_of_type(value.ty?),
        }
    }

    /// The fields of a composite type, or of a domain over one. The row type of a relation with columns that do not exist for the principal is
    /// another in the veil, and one that the session has changed is not the catalog's.
    pub(super) fn fields_of_type(&self, ty: Oid) -> Option<Vec<Column>> {
        let relation = self.cx.catalog.relation(self.cx.catalog.base_type(ty)?.relation)?;
        let changed = self.cx.locals.iter().any(|l| l.schema == Some(&*relation.name.schema) && l.name == &*relation.name.name);
        let hidden = || relation.columns.iter().any(|c| (self.cx.hidden)(relation.oid, c.number));
        if changed || (relation.kind != RelationKind::Composite && hidden()) {
            return None;
        }
        Some(relation.columns.iter().map(|c| computed(&c.name, Some(c.ty.oid))).collect())
    }

    /// Whether values of a type are rows, or arrays of rows.
    pub(super) fn holds_rows(&self, ty: Oid) -> bool {
        let is_row = |oid: Oid| oid == RECORD || self.cx.catalog.base_type(oid).is_some_and(|t| t.relation != Oid(0));
        is_row(ty) || self.element_of(ty).is_some_and(is_row)
    }

    /// The type of an array's elements.
    pub(super) fn element_of(&self, ty: Oid) -> Option<Oid> {
        let array = self.cx.catalog.base_type(ty)?;
        match &*array.name.name {
            "int2vector" => Some(Oid(21)),
            "oidvector" => Some(Oid(26)),
            _ => Some(array.element).filter(|e| *e != Oid(0)),
        }
    }

    /// The members of ROW or of a list in VALUES, a star among them taken apart (`transformExpressionList`).
    pub(super) fn members_of(
        &mut self,
        nodes: &mut [Node],
        mut each: impl FnMut(&mut Self, &mut Node) -> Checked<Value>,
    ) -> Checked<Vec<Value>> {
        let mut values = Vec::with_capacity(nodes.len());
        for node in nodes {
            if let Some(plain) = self.without_parentheses(node, true) {
                *node = plain;
            }
            match inner(node)? {
                NodeEnum::ColumnRef(reference) if is_star(reference.fields.last()) => {
                    let (columns, at) = (self.columns_behind(reference)?, reference.location);
                    self.column(reference)?;
                    values.extend(columns.into_iter().map(|c| Value { at, ..c.value }));
                }
                NodeEnum::AIndirection(indirection) if is_star(indirection.indirection.last()) => {
                    values.extend(self.star_of_value(node, UseKind::Expression)?.into_iter().map(|c| c.value));
                }
                _ => values.push(each(self, node)?),
            }
            Wide::Row.holds(values.len())?;
        }
        Ok(values)
    }

    /// The columns that `t.*` stands for, as values of their own.
    fn columns_behind(&mut self, reference: &ColumnRef) -> Checked<Vec<Column>> {
        let qualifier = reference.fields.split_last().map_or(&[][..], |(_, q)| q);
        let item = self.item(&strings(qualifier)?, reference.location)?;
        if item.open {
            return Err(open_star(reference.location));
        }
        Ok(item.visible().map(Column::as_field).collect())
    }

    /// The fields that `(x).*` stands for (`ExpandRowReference`); of `x` as a whole is used what its value is made of.
    pub(super) fn star_of_value(&mut self, node: &mut Node, kind: UseKind) -> Checked<Vec<Column>> {
        let NodeEnum::AIndirection(indirection) = inner(node)? else { return Err(unknown("a star")) };
        let Some(star) = indirection.indirection.pop() else { return Err(unknown("a star")) };
        let value = self.field_selection(indirection, kind);
        indirection.indirection.push(star);
        self.out.seen.stars += 1;
        let value = value?;
        self.fields_of(&value).ok_or_else(|| open_star(value.at))
    }

    /// `(x).f`, `(x)[1]`, and chains of them.
    pub(super) fn field_selection(&mut self, indirection: &mut protobuf::AIndirection, kind: UseKind) -> Checked<Value> {
        let protobuf::AIndirection { arg, indirection } = indirection;
        let arg = arg.as_mut().ok_or_else(|| unknown("a field of nothing"))?;
        let field = match indirection.first().and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::String(name)) if is_column(arg) => Some(name.sval.as_str()),
            _ => None,
        };
        let value = match field {
            Some(field) => self.field_of_column(arg, field, kind)?,
            None => self.used(arg, kind)?,
        };
        self.select_fields(indirection, kind, value.part())
    }

    /// The value of a column of which one field alone is used, where it is of a composite type that has it.
    fn field_of_column(&mut self, column: &mut Node, field: &str, kind: UseKind) -> Checked<Value> {
        let value = self.expr(column, super::inside(kind))?;
        let of = value.ty.and_then(|ty| self.cx.catalog.relation(self.cx.catalog.base_type(ty)?.relation));
        if of.is_some_and(|of| of.kind == RelationKind::Composite && of.column(field).is_some()) {
            self.out.members.push(vec![field.into()]);
            self.consume(&value, UseKind::Member(self.out.members.len() - 1));
        } else {
            self.consume(&value, kind);
        }
        Ok(value)
    }

    /// Subscripts and fields of a value. PostgreSQL takes `(x).f` for the call `f(x)`, or for a cast to a type of that name, where the value
    /// is of no row type that has such a column (`transformIndirection`, `ParseFuncOrColumn`): those are not judged as calls here.
    fn select_fields(&mut self, nodes: &mut [Node], kind: UseKind, of: Value) -> Checked<Value> {
        let (mut of, mut sliced) = (of, false);
        for (i, node) in nodes.iter().enumerate() {
            let (ty, row) = match (&node.node, subscript(node)) {
                (_, Some(slice)) => {
                    sliced |= slice;
                    // brackets in a row are one subscript
                    if nodes.get(i + 1).is_some_and(|next| subscript(next).is_some()) {
                        continue;
                    }
                    let element = of.ty.and_then(|ty| self.element_of(ty));
                    let array = element.and(of.ty).and_then(|ty| self.cx.catalog.base_type(ty)).map(|t| t.oid);
                    (if std::mem::take(&mut sliced) { array } else { element }, None)
                }
                (Some(NodeEnum::String(_)), None) if of.ty == Some(RECORD) && of.row.is_none() && self.cx.veils.is_some() => {
                    return Err(no_row_type().at(of.at));
                }
                (Some(NodeEnum::String(protobuf::String { sval })), None) => {
                    match self.fields_of(&of).into_iter().flatten().find(|c| *c.name == **sval) {
                        Some(column) => (column.value.ty, column.value.row),
                        None if self.is_called(sval) => return Err(super::field_notation()),
                        None => (None, None),
                    }
                }
                _ => (None, None),
            };
            of = Value { ty, row, ..of };
        }
        self.indirection(nodes, kind)?;
        Ok(of)
    }

    /// `(t).f`, and `(t).*` in a list, are `t.f` and `t.*` where `t` is a whole row: that is looked up without being used.
    pub(super) fn without_parentheses(&mut self, node: &Node, in_list: bool) -> Option<Node> {
        let Some(NodeEnum::AIndirection(indirection)) = &node.node else { return None };
        let Some(NodeEnum::ColumnRef(reference)) = &indirection.arg.as_ref()?.node else { return None };
        let (field, rest) = indirection.indirection.split_first()?;
        let (item, qualifier) = self.whole_row_named(reference)?;
        let there = match &field.node {
            Some(NodeEnum::String(name)) => {
                let system = item.instance.is_some() && SYSTEM_COLUMNS.iter().any(|(n, ..)| *n == name.sval);
                system || item.named(&name.sval).next().is_some()
            }
            Some(NodeEnum::AStar(_)) => in_list && rest.is_empty(),
            _ => false,
        };
        if !there || item.scalar || item.open {
            return None;
        }
        // to the second reader the name between the parentheses is a column's
        strings(&reference.fields).into_iter().flatten().for_each(|name| self.saw(name));
        let fields = qualifier.iter().chain([field]).cloned().collect();
        let plain = Node { node: Some(NodeEnum::ColumnRef(ColumnRef { fields, location: reference.location })) };
        if rest.is_empty() {
            return Some(plain);
        }
        let chain = protobuf::AIndirection { arg: Some(Box::new(plain)), indirection: rest.to_vec() };
        Some(Node { node: Some(NodeEnum::AIndirection(Box::new(chain))) })
    }

    /// The fields of the row that a reference names, which is looked up without being used.
    pub(super) fn fields_named(&self, reference: &ColumnRef) -> Option<Vec<Column>> {
        if let Some((item, _)) = self.whole_row_named(reference) {
            return (!item.open).then(|| item.visible().cloned().collect());
        }
        let names = strings(&reference.fields).ok()?;
        let (name, qualifier) = names.split_last()?;
        let of = |item: &Item| item.visible().find(|c| &*c.name == *name).map(|c| c.value.clone());
        let value = if qualifier.is_empty() {
            let items = self.levels.iter().rev().filter(|l| !l.blocked).flat_map(|l| &l.items);
            items.filter(|i| i.by_column).find_map(|i| of(i))
        } else {
            of(&*self.try_item(qualifier, reference.location).ok()??)
        };
        self.fields_of(&value?)
    }

    /// The item whose whole row a reference names, and the names that lead to it.
    fn whole_row_named<'n>(&self, reference: &'n ColumnRef) -> Option<(Rc<Item>, &'n [Node])> {
        let qualifier = match reference.fields.split_last()? {
            (last, qualifier) if is_star(Some(last)) => qualifier,
            (_, []) => {
                let name = *strings(&reference.fields).ok()?.first()?;
                let takes = |i: &Rc<Item>| {
                    let system = i.instance.is_some() && SYSTEM_COLUMNS.iter().any(|(n, ..)| *n == name);
                    i.by_column && (i.open || system || i.named(name).next().is_some())
                };
                if self.levels.iter().filter(|l| !l.blocked).any(|l| l.items.iter().any(takes)) {
                    return None; // a column comes first
                }
                &reference.fields
            }
            _ => return None,
        };
        let item = self.try_item(&strings(qualifier).ok()?, reference.location).ok()??;
        Some((item, qualifier))
    }
}

/// What names a part of a row that has a type only where its relation is not veiled.
pub(super) fn no_row_type() -> Reject {
    let message = "a row of a veiled relation is a record, and a function or field needs the relation's row type";
    Reject::unclear("whole row", message).hint("select the columns by name")
}

/// Whether a node is a subscript, and if so whether it is a slice.
fn subscript(node: &Node) -> Option<bool> {
    match &node.node {
        Some(NodeEnum::AIndices(indices)) => Some(indices.is_slice),
        _ => None,
    }
}

pub(super) fn is_star(node: Option<&Node>) -> bool {
    matches!(node, Some(Node { node: Some(NodeEnum::AStar(_)) }))
}

/// A star over what is not known to have just these columns.
pub(super) fn open_star(at: i32) -> Reject {
    Reject::unclear("unknown_columns", "`*` over a FROM item or value whose columns are not known").at(at).hint("name the columns")
}
