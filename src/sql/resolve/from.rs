//! FROM: relations, subqueries, functions, samples (`parse_clause.c`, `parse_relation.c`). Joins stand in `join`.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Alias, Node, RangeVar};

use super::names::Found;
use super::scope::{Column, CteState, Item};
use super::{Resolver, Value, inner, strings, unknown};
use crate::catalog::{Oid, Relation, RelationKind};
use crate::sql::model::{Access, InstanceId, InstanceOf, Source, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

/// An alias with its column names.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) name: Option<Box<str>>,
    pub(super) columns: Vec<Box<str>>,
}

/// The most columns that the items of a statement's FROM clauses have in all: the name of a wide query may stand there as often as a text is long.
const MOST_IN_FROM: usize = 100_000;

#[expect(clippy::wrong_self_convention, reason = "FROM is the clause, not a conversion")]
impl<'a> Resolver<'a> {
    /// The items of FROM, added to the innermost level one by one.
    pub(super) fn from_clause(&mut self, nodes: &mut [Node]) -> Checked<()> {
        for node in nodes {
            let items = self.from_item(node)?;
            let Some(level) = self.levels.last_mut() else { return Err(unknown("FROM")) };
            no_conflict(&level.items, &items)?;
            level.items.extend(items);
        }
        Ok(())
    }

    /// The items that one FROM item makes visible.
    pub(super) fn from_item(&mut self, node: &mut Node) -> Checked<Vec<Rc<Item>>> {
        if let Some((view, definition)) = self.defined(node) {
            return Ok(vec![Rc::new(self.put_in(node, view, &definition)?)]);
        }
        if let Some(item) = self.body_in_from(node)? {
            return Ok(vec![Rc::new(item)]);
        }
        let mut item = match inner(node)? {
            NodeEnum::JoinExpr(join) => return self.join(join),
            NodeEnum::RangeVar(range) => self.range(range)?,
            NodeEnum::RangeSubselect(subselect) => self.subselect(subselect)?,
            NodeEnum::RangeFunction(function) => self.range_function(function)?,
            NodeEnum::RangeTableSample(sample) => self.sample(sample)?,
            NodeEnum::RangeTableFunc(table) => self.xml_table(table)?,
            NodeEnum::JsonTable(table) => self.json_table(table)?,
            _ => return Err(unknown("a FROM item of this kind")),
        };
        self.out.from.extend(item.instance.map(|(id, _)| id));
        self.veiled(node, &mut item)?;
        Ok(vec![Rc::new(item)])
    }

    /// A relation or a CTE.
    fn range(&mut self, range: &mut RangeVar) -> Checked<Item> {
        let named = self.alias(range.alias.as_ref())?;
        if range.schemaname.is_empty()
            && range.catalogname.is_empty()
            && let Some(cte) = self.cte_named(&range.relname)
        {
            let columns = match &cte.state {
                CteState::Known(columns) => columns,
                CteState::Later => {
                    return Err(Reject::unclear("recursive", "a WITH query that is read before it is known").at(range.location));
                }
                CteState::Within(syntax, message) => return Err(Reject::postgres(*syntax, &**message).at(range.location)),
            };
            if columns.is_empty() {
                let message = format!("WITH query \"{}\" gives no columns", cte.name);
                return Err(Reject::unclear("with", message).hint("add RETURNING to it").at(range.location));
            }
            *self.out.seen.relations.entry(cte.name.clone()).or_default() += 1;
            let name = named.name.unwrap_or_else(|| cte.name.clone());
            return self.item_of(name, columns.clone(), &named.columns, false);
        }
        self.relation_item(range, named, Access::Read)
    }

    /// A relation with its columns; also the target of a write.
    pub(super) fn relation_item(&mut self, range: &mut RangeVar, named: Named, access: Access) -> Checked<Item> {
        let (id, of, found) = self.relation(range, access)?;
        let (relation, names): (Option<&'a Relation>, Option<&'a [Box<str>]>) = match found {
            Found::Catalog(relation) => (Some(relation), None),
            Found::Local(local) => (local.relation, local.columns),
        };
        let readable = relation.is_none_or(|r| !matches!(r.kind, RelationKind::Composite | RelationKind::Index | RelationKind::Toast));
        if !readable {
            return Err(unknown("a relation of this kind").at(range.location));
        }
        let columns = match (relation, names) {
            (Some(relation), _) => self.relation_columns(relation, id, of),
            (None, Some(names)) => names
                .iter()
                .zip(1i16..)
                .map(|(name, number)| Column {
                    name: name.clone(),
                    value: Value::column(Source { instance: id, column: number }, None, -1),
                    hidden: false,
                    qualifier: None,
                })
                .collect(),
            (None, None) => Vec::new(),
        };
        let open = relation.is_none() && names.is_none();
        let bare = named.name.is_none();
        let name = named.name.unwrap_or_else(|| range.relname.as_str().into());
        let mut item = self.item_of(name, columns, &named.columns, open)?;
        if bare {
            item.relation = Some(crate::base::QualifiedName::new(&*range.schemaname, &*range.relname));
        }
        item.instance = Some((id, of));
        item.row_type = relation.map(|r| r.row_type).filter(|t| *t != Oid(0));
        Ok(item)
    }

    fn relation_columns(&self, relation: &Relation, instance: InstanceId, of: InstanceOf) -> Vec<Column> {
        let column = |c: &crate::catalog::Column| Column {
            name: c.name.clone(),
            value: Value::column(Source { instance, column: c.number }, Some(c.ty.oid), -1),
            hidden: self.is_hidden(of, c.number),
            qualifier: None,
        };
        relation.columns.iter().map(column).collect()
    }

    fn subselect(&mut self, subselect: &mut protobuf::RangeSubselect) -> Checked<Item> {
        let protobuf::RangeSubselect { lateral, subquery, alias } = subselect;
        let named = self.alias(alias.as_ref())?;
        let query = subquery.as_mut().ok_or_else(|| unknown("an empty subquery"))?;
        let blocked = !*lateral;
        let before = self.levels.last_mut().map(|l| std::mem::replace(&mut l.blocked, blocked));
        let outs = self.query(query);
        if let (Some(level), Some(before)) = (self.levels.last_mut(), before) {
            level.blocked = before;
        }
        let column = |o: super::target::Out| Column { name: o.name, value: o.value, hidden: false, qualifier: None };
        let columns = outs?.into_iter().map(column).collect();
        let anonymous = named.name.is_none(); // allowed since PostgreSQL 16
        let mut item = self.item_of(named.name.unwrap_or_default(), columns, &named.columns, false)?;
        item.by_name = !anonymous;
        Ok(item)
    }

    fn sample(&mut self, sample: &mut protobuf::RangeTableSample) -> Checked<Item> {
        let protobuf::RangeTableSample { relation, method, args, repeatable, location } = sample;
        let known = matches!(strings(method)?.as_slice(), ["system" | "bernoulli"] | ["pg_catalog", "system" | "bernoulli"]);
        if !known {
            return Err(unknown("a sampling method of this name").at(*location));
        }
        self.used_all(args, UseKind::Expression)?;
        self.used_opt(repeatable, UseKind::Expression)?;
        match relation.as_mut().and_then(|r| r.node.as_mut()) {
            Some(NodeEnum::RangeVar(range)) => {
                let named = self.alias(range.alias.as_ref())?;
                self.relation_item(range, named, Access::Read)
            }
            _ => Err(unknown("TABLESAMPLE over something else than a table")),
        }
    }

    /// XMLTABLE.
    fn xml_table(&mut self, table: &mut protobuf::RangeTableFunc) -> Checked<Item> {
        let protobuf::RangeTableFunc { lateral: _, docexpr, rowexpr, namespaces, columns, alias, location: _ } = table;
        let named = self.alias(alias.as_ref())?;
        self.used_opt(docexpr, UseKind::Expression)?;
        self.used_opt(rowexpr, UseKind::Expression)?;
        for namespace in namespaces {
            match inner(namespace)? {
                NodeEnum::ResTarget(target) => self.used_opt(&mut target.val, UseKind::Expression)?,
                _ => return Err(unknown("a namespace of XMLTABLE")),
            }
        }
        let mut found = Vec::new();
        for column in columns {
            let NodeEnum::RangeTableFuncCol(column) = inner(column)? else { return Err(unknown("a column of XMLTABLE")) };
            let protobuf::RangeTableFuncCol { colname, type_name, for_ordinality: _, is_not_null: _, colexpr, coldefexpr, location: _ } =
                &mut **column;
            let ty = type_name.as_mut().map(|t| self.type_name(t)).transpose()?;
            self.used_opt(colexpr, UseKind::Expression)?;
            self.used_opt(coldefexpr, UseKind::Expression)?;
            found.push(computed(colname, ty));
        }
        let name = named.name.unwrap_or_else(|| "xmltable".into());
        self.item_of(name, found, &named.columns, false)
    }

    /// An item that can be named and whose columns can be named; column aliases are given out, and count through all its columns.
    pub(super) fn item_of(&mut self, name: Box<str>, mut columns: Vec<Column>, aliases: &[Box<str>], open: bool) -> Checked<Item> {
        if !aliases.is_empty() && columns.iter().any(|c| c.hidden) {
            return Err(Reject::unclear("column_alias", "column aliases over a relation with columns that do not exist for the role"));
        }
        if aliases.len() > columns.len() && !open {
            let text = format!("table \"{name}\" has {} columns available but {} columns specified", columns.len(), aliases.len());
            return Err(Reject::postgres(Syntax::InvalidColumnReference, text));
        }
        if !aliases.is_empty() {
            self.touch(&columns);
        }
        for (column, alias) in columns.iter_mut().zip(aliases) {
            column.name = alias.clone();
        }
        let known = columns.len();
        columns.extend(aliases.iter().skip(known).map(|a| computed(a, None)));
        self.width += columns.len();
        if self.width > MOST_IN_FROM {
            return Err(Reject::limit("columns", format!("the items of FROM have more than {MOST_IN_FROM} columns in all")));
        }
        let qualifier: Option<Rc<str>> = (!name.is_empty()).then(|| (*name).into());
        for column in &mut columns {
            column.qualifier.clone_from(&qualifier);
        }
        Ok(Item { name, columns, by_name: true, by_column: true, open, ..Item::default() })
    }

    /// An alias; its names are recorded for the second reader.
    pub(super) fn alias(&mut self, alias: Option<&Alias>) -> Checked<Named> {
        let Some(Alias { aliasname, colnames }) = alias else { return Ok(Named::default()) };
        let name: Box<str> = aliasname.as_str().into();
        self.saw(&name);
        let columns: Vec<Box<str>> = strings(colnames)?.into_iter().map(Into::into).collect();
        columns.iter().for_each(|c| self.saw(c));
        Ok(Named { name: Some(name), columns })
    }
}

/// A column without a source.
pub(super) fn computed(name: &str, ty: Option<Oid>) -> Column {
    Column { name: name.into(), value: Value::computed(ty), hidden: false, qualifier: None }
}

/// Two items of one name (`checkNameSpaceConflicts`): only relations of different schemas may share theirs.
pub(super) fn no_conflict(present: &[Rc<Item>], new: &[Rc<Item>]) -> Checked<()> {
    for item in new.iter().filter(|i| i.by_name) {
        let same = present.iter().find(|p| p.by_name && p.name == item.name);
        if same.is_some_and(|p| p.relation.is_none() || item.relation.is_none() || p.relation == item.relation) {
            return Err(Reject::postgres(Syntax::DuplicateAlias, format!("table name \"{}\" specified more than once", item.name)));
        }
        if same.is_some_and(|p| p.veiled || item.veiled) {
            let message = format!("two relations \"{}\" of different schemas, one of them veiled in SQL", item.name);
            return Err(Reject::unclear("alias", message).hint("give them aliases"));
        }
    }
    Ok(())
}
