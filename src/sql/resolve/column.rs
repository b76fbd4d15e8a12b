//! Column references: bare, qualified, whole rows, system columns (`transformColumnRef` in `parse_expr.c`).

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{ColumnRef, Node};

use super::scope::{Column, Item};
use super::{Resolver, Value, strings, unknown};
use crate::catalog::SYSTEM_COLUMNS;
use crate::sql::model::{Flow, InstanceId, InstanceOf, Source, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

/// What a reference stands for.
#[derive(Debug)]
pub(super) struct Hit {
    /// Its value.
    pub(super) value: Value,
    /// The relation's instance of which it names a column itself, through no subquery.
    pub(super) of: Option<InstanceId>,
    /// It is one column; else a whole row, or a name of what has no known columns.
    pub(super) named: bool,
    /// [`Item::aside`]
    pub(super) aside: bool,
}

impl Hit {
    /// Of a FROM item's own column.
    pub(super) fn of(item: &Item, value: Value) -> Self {
        Self { value, of: item.instance.map(|(id, _)| id), named: true, aside: item.aside }
    }

    fn computed(value: Value) -> Self {
        Self { value, of: None, named: false, aside: false }
    }
}

/// Refuses the whole row of a body in the place of a function that gives one value: that of the function is the value.
fn has_row(item: &Item, location: i32) -> Checked<()> {
    if item.veiled && item.scalar {
        let message = "the whole row of a function whose body reads what is veiled";
        return Err(Reject::unclear("function", message).hint("name its column").at(location));
    }
    Ok(())
}

impl Resolver<'_> {
    /// The value of a reference that is not `*` in a select list.
    pub(super) fn column(&mut self, reference: &mut ColumnRef) -> Checked<Hit> {
        let ColumnRef { fields, location } = reference;
        let (hit, veiled) = if let Some((star, qualifier)) = fields.split_last()
            && matches!(star.node, Some(NodeEnum::AStar(_)))
        {
            // `t.*` as an argument or a part of a row is the whole row
            let names = strings(qualifier)?;
            let item = self.item(&names, *location)?;
            has_row(&item, *location)?;
            self.out.seen.stars += 1;
            (Hit::computed(self.whole_row(&item, *location)), item.veiled)
        } else {
            match strings(fields)?.as_slice() {
                [name] => (self.bare(name, *location)?, false),
                [qualifier @ .., name] => {
                    self.saw(name);
                    let item = self.item(qualifier, *location)?;
                    let hit = match self.of_item(&item, name, *location)? {
                        Some(hit) => hit,
                        None => Hit::computed(self.no_column_of(&item, qualifier, name, *location)?),
                    };
                    (hit, item.veiled)
                }
                [] => return Err(unknown("an empty name")),
            }
        };
        if veiled && fields.len() > 2 {
            fields.drain(..fields.len() - 2); // a subquery has no schema
        }
        self.touch_value(&hit.value);
        self.names(&hit);
        self.by_alias(fields, &hit)?;
        Ok(hit)
    }

    /// Notes the columns behind a value as touched.
    pub(super) fn touch_value(&mut self, value: &Value) {
        for source in value.flow.sources() {
            self.out.touched.insert(*source);
            if self.cx.veils.is_some() {
                self.refers(*source);
            }
        }
    }

    /// The same for columns that are covered without being named.
    pub(super) fn touch(&mut self, columns: &[Column]) {
        columns.iter().filter(|c| !c.hidden).for_each(|c| self.touch_value(&c.value));
    }

    /// Columns that do not exist for the principal stand in the way of a name that does.
    pub(super) fn shadow<'c>(&mut self, columns: impl Iterator<Item = &'c Column>, location: i32) {
        for column in columns.filter(|c| c.hidden) {
            if self.is_gone(column) {
                continue;
            }
            let value = Value { at: location, ..column.value.clone() };
            self.consume(&value, UseKind::Shadow);
        }
    }

    /// A bare name: a column of the innermost level that has one, else a FROM item's whole row.
    fn bare(&mut self, name: &str, location: i32) -> Checked<Hit> {
        self.saw(name);
        if let Some(hit) = self.try_bare(name, location)? {
            return Ok(hit);
        }
        if let Some(item) = self.try_item(&[name], location)? {
            has_row(&item, location)?;
            return Ok(Hit::computed(self.whole_row(&item, location)));
        }
        Err(Reject::postgres(Syntax::UndefinedColumn, format!("column \"{name}\" does not exist")).at(location))
    }

    /// A bare column name, if there is such a column (`colNameToVar`).
    pub(super) fn try_bare(&mut self, name: &str, location: i32) -> Checked<Option<Hit>> {
        for depth in (0..self.levels.len()).rev() {
            let Some(level) = self.levels.get(depth) else { continue };
            if level.blocked {
                continue;
            }
            let items: Vec<Rc<Item>> = level.items.iter().filter(|i| i.by_column).cloned().collect();
            if let Some(hit) = self.one_of(&items, name, location)? {
                return Ok(Some(hit));
            }
            if items.iter().any(|i| i.open) {
                return Err(open(location));
            }
        }
        Ok(None)
    }

    /// The one item's column of that name; those that do not exist for the principal make a name ambiguous for nobody.
    fn one_of(&mut self, items: &[Rc<Item>], name: &str, location: i32) -> Checked<Option<Hit>> {
        let exists = |i: &Item| !i.columns.iter().any(|c| c.hidden && &*c.name == name) || i.visible().any(|c| &*c.name == name);
        let mut found = None;
        for item in items.iter().filter(|i| exists(i)) {
            if let Some(hit) = self.of_item(item, name, location)?
                && found.replace(hit).is_some()
            {
                return Err(ambiguous_column(name, location));
            }
        }
        for item in items.iter().filter(|i| !exists(i)) {
            if found.is_some() {
                self.shadow(item.named(name), location);
            } else if let Some(hit) = self.of_item(item, name, location)? {
                return Ok(Some(hit));
            }
        }
        Ok(found)
    }

    /// A column of one FROM item (`scanNSItemForColumn`).
    fn of_item(&mut self, item: &Item, name: &str, location: i32) -> Checked<Option<Hit>> {
        let mut visible = item.named(name).filter(|c| !c.hidden);
        if let Some(column) = visible.next() {
            if visible.next().is_some() {
                return Err(ambiguous_column(name, location));
            }
            self.shadow(item.named(name), location);
            return Ok(Some(Hit::of(item, Value { at: location, ..column.value.clone() })));
        }
        if let Some(hidden) = item.named(name).next() {
            return Ok(Some(Hit::of(item, Value { at: location, ..hidden.value.clone() })));
        }
        if let Some((instance, of)) = item.instance
            && let Some((_, number, ty)) = SYSTEM_COLUMNS.iter().find(|(n, _, _)| *n == name)
            && !matches!(of, InstanceOf::Catalog(oid) if self.cx.catalog.relation(oid).is_some_and(|r| r.definition.is_some() && r.kind == crate::catalog::RelationKind::View))
        {
            return Ok(Some(Hit::of(item, Value::column(Source { instance, column: *number }, Some(*ty), location))));
        }
        Ok(None)
    }

    /// The FROM item that a qualifier names; PostgreSQL's error where there is none.
    pub(super) fn item(&mut self, qualifier: &[&str], location: i32) -> Checked<Rc<Item>> {
        if let Some(item) = self.try_item(qualifier, location)? {
            return Ok(item);
        }
        let name = qualifier.last().copied().unwrap_or_default();
        let hidden_here = self.levels.iter().any(|l| l.items.iter().any(|i| i.by_name && &*i.name == name));
        let message = if hidden_here {
            format!("invalid reference to FROM-clause entry for table \"{name}\"")
        } else {
            format!("missing FROM-clause entry for table \"{name}\"")
        };
        Err(Reject::postgres(Syntax::UndefinedTable, message).at(location))
    }

    pub(super) fn try_item(&self, qualifier: &[&str], location: i32) -> Checked<Option<Rc<Item>>> {
        let (schema, name) = match qualifier {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            [database, schema, name] if **database == *self.cx.catalog.contents().database => (Some(*schema), *name),
            [database, schema, name] => {
                let shown = format!("cross-database references are not implemented: {database}.{schema}.{name}");
                return Err(Reject::postgres(Syntax::FeatureNotSupported, shown).at(location));
            }
            _ => return Err(Reject::postgres(Syntax::SyntaxError, "improper qualified name (too many dotted names)").at(location)),
        };
        for level in self.levels.iter().rev().filter(|l| !l.blocked) {
            let matches = |i: &&Rc<Item>| {
                i.by_name
                    && match schema {
                        None => *i.name == *name,
                        Some(schema) => i.relation.as_ref().is_some_and(|r| *r.schema == *schema && *r.name == *name),
                    }
            };
            let mut found = level.items.iter().filter(matches);
            if let Some(item) = found.next() {
                if found.next().is_some() {
                    return Err(Reject::postgres(Syntax::AmbiguousAlias, format!("table reference \"{name}\" is ambiguous")).at(location));
                }
                return Ok(Some(Rc::clone(item)));
            }
        }
        Ok(None)
    }

    /// A whole row: every column of the item is used, hidden ones too, since the server would put them in.
    pub(super) fn whole_row(&mut self, item: &Item, location: i32) -> Value {
        self.touch(&item.columns);
        for column in &item.columns {
            if self.is_gone(column) {
                continue;
            }
            let value = Value { at: location, ..column.value.clone() };
            self.consume(&value, UseKind::WholeRow);
        }
        match item.columns.first() {
            Some(only) if item.scalar => Value { at: location, ..only.value.clone().part() },
            _ => Value {
                row: (!item.open).then(|| item.visible().map(Column::as_field).collect()),
                // without a column it is another row than the relation's
                origin: item.instance.filter(|_| !item.has_hidden()).map(|(instance, _)| Source { instance, column: 0 }),
                ..Value::new(Flow::Computed, item.row_type, location)
            },
        }
    }

    /// `item.name` where the item has no such column: an unknown one, a function in field notation, or PostgreSQL's error.
    fn no_column_of(&mut self, item: &Item, qualifier: &[&str], name: &str, location: i32) -> Checked<Value> {
        if self.is_called(name) {
            return Err(super::field_notation().at(location));
        }
        if item.open {
            return Ok(Value::new(Flow::Computed, None, location));
        }
        let table = qualifier.last().copied().unwrap_or_default();
        Err(Reject::postgres(Syntax::UndefinedColumn, format!("column {table}.{name} does not exist")).at(location))
    }
}

fn ambiguous_column(name: &str, location: i32) -> Reject {
    Reject::postgres(Syntax::AmbiguousColumn, format!("column reference \"{name}\" is ambiguous")).at(location)
}

/// A name that could be a column of something whose columns are not known.
fn open(location: i32) -> Reject {
    Reject::unclear("unknown_columns", "a name could be a column of a FROM item whose columns are not known")
        .at(location)
        .hint("qualify the column")
}

/// A reference with these names.
pub(super) fn reference(parts: &[&str]) -> Node {
    let fields = super::name_nodes(parts);
    Node { node: Some(NodeEnum::ColumnRef(ColumnRef { fields, location: -1 })) }
}
