//! Which relation and column each key of a policy means in a catalog; keys that mean nothing, and patterns that contradict.

use std::collections::{BTreeMap, HashSet};

use super::composites::Composites;
use super::names::{Known, Rank};
use crate::base::{Diagnostic, Diagnostics, Place};
use crate::catalog::{Catalog, Oid, Relation, Scalar, Shape};
use crate::mask::Step;
use crate::policy::key::{ObjectKey, Part};
use crate::policy::model::{ColumnEntry, Model, Rule, TableEntry, Target};
use crate::policy::profile::ClassName;

/// What the policy says of a relation, by the relation's own names (parents apart).
#[derive(Clone, Debug, Default)]
pub(crate) struct BoundRelation {
    /// An entry of `tables` is about it.
    pub(crate) named: bool,
    pub(crate) columns: BTreeMap<i16, BoundColumn>,
    /// The class of columns that are not there yet.
    pub(crate) rest: Option<ClassName>,
    /// Patterns meet at it and say different things, which nobody has seen yet: the relation came while the proxy runs.
    pub(crate) contradicted: bool,
    /// By role: which rules are about it.
    pub(crate) roles: Vec<RoleRules>,
}

/// What the policy says of a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoundColumn {
    pub(crate) class: Option<ClassName>,
    /// Classes of the fields of its composite type, by number.
    pub(crate) fields: BTreeMap<i16, ClassName>,
    /// Classes of what lies in it and is not told apart: fields of arrays, of domains, of rows of tables, fields of fields.
    pub(crate) deep: Vec<ClassName>,
    /// Classes of paths into it.
    pub(crate) paths: Vec<(Vec<Step>, ClassName)>,
}

impl BoundColumn {
    /// Nothing is said of it.
    fn is_empty(&self) -> bool {
        let Self { class, fields, deep, paths } = self;
        class.is_none() && fields.is_empty() && deep.is_empty() && paths.is_empty()
    }

    /// Its classes, and those of all that is in it.
    pub(crate) fn classes(&self) -> impl Iterator<Item = &ClassName> {
        let inside = self.fields.values().chain(&self.deep).chain(self.paths.iter().map(|(_, class)| class));
        self.class.iter().chain(inside)
    }
}

/// A role's rules that are about a relation: positions in the role's lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoleRules {
    pub(crate) read: Vec<usize>,
    pub(crate) write: Vec<usize>,
    pub(crate) delete: bool,
    pub(crate) rows: Option<usize>,
}

/// The binding of a model's keys.
pub(crate) struct Binder<'a> {
    pub(crate) model: &'a Model,
    pub(crate) catalog: &'a Catalog,
    pub(crate) known: &'a BTreeMap<Oid, Known>,
    pub(super) composites: &'a Composites,
    /// Missing names are errors; warnings where only the catalog has changed.
    pub(crate) strict: bool,
    pub(crate) found: &'a mut Diagnostics,
    /// Places of keys that met something.
    met: HashSet<Place>,
    /// Patterns contradict each other at the relation that is bound now.
    clash: bool,
}

impl<'a> Binder<'a> {
    pub(crate) fn new(
        model: &'a Model,
        catalog: &'a Catalog,
        (known, composites): (&'a BTreeMap<Oid, Known>, &'a Composites),
        strict: bool,
        found: &'a mut Diagnostics,
    ) -> Self {
        Self { model, catalog, known, composites, strict, found, met: HashSet::new(), clash: false }
    }

    /// Every relation that an entry or rule is about.
    pub(crate) fn relations(&mut self) -> BTreeMap<Oid, BoundRelation> {
        let mut bound = BTreeMap::new();
        for (oid, known) in self.known {
            let Some(relation) = self.catalog.relation(*oid) else { continue };
            let of = self.relation(relation, known);
            let says = of.named || of.roles.iter().any(|r| !r.read.is_empty() || !r.write.is_empty() || r.delete || r.rows.is_some());
            if says {
                bound.insert(*oid, of);
            }
        }
        self.missing();
        bound
    }

    fn relation(&mut self, relation: &Relation, known: &Known) -> BoundRelation {
        let mut bound = BoundRelation::default();
        self.clash = false;
        let tables: Vec<(Rank, &'a TableEntry)> = self.model.tables.iter().filter_map(|t| Some((known.table_rank(&t.key)?, t))).collect();
        for (_, table) in &tables {
            bound.named = true;
            self.met.insert(table.place.clone());
        }
        if bound.named {
            for column in &relation.columns {
                let of = self.column(relation, known, column.number, &tables);
                if !of.is_empty() {
                    bound.columns.insert(column.number, of);
                }
            }
            let rest = |t: &&TableEntry| {
                t.columns.iter().find(|c| c.key.path.is_none() && c.key.parts.iter().all(super::super::key::Part::is_rest)).cloned()
            };
            bound.rest = tables.iter().find_map(|(_, t)| rest(t)).map(|c| c.class);
            self.subject(relation, known, &tables);
        }
        bound.roles = (0..self.model.roles.len()).map(|role| self.role(relation, known, role)).collect();
        bound.contradicted = self.clash;
        bound
    }

    fn subject(&mut self, relation: &Relation, known: &Known, tables: &[(Rank, &TableEntry)]) {
        for (_, table) in tables {
            let Some((key, place)) = &table.subject else { continue };
            let fits = |number: i16| key.parts.first().is_some_and(|p| known.column_rank(p, number).is_some());
            if !relation.columns.iter().any(|c| fits(c.number)) {
                self.lacks(place, format!("table '{}' has no column '{key}'", relation.name), &columns(relation), &key.to_string());
            }
        }
    }

    fn column(&mut self, relation: &Relation, known: &Known, number: i16, tables: &[(Rank, &'a TableEntry)]) -> BoundColumn {
        let mut bound = BoundColumn::default();
        let mut plain: Vec<(Rank, &ColumnEntry)> = Vec::new();
        let mut paths: Vec<(Rank, &Vec<Step>, &ColumnEntry)> = Vec::new();
        let mut inside: Vec<(Rank, &[Part], &ColumnEntry)> = Vec::new();
        for (_, table) in tables {
            for entry in &table.columns {
                let Some(rank) = entry.key.parts.first().and_then(|p| known.entry_rank(&table.key, p, number)) else { continue };
                match (&entry.key.path, entry.key.parts.len()) {
                    (Some(path), _) => {
                        self.holds_documents(relation, number, &entry.place);
                        paths.push((rank, path, entry));
                    }
                    (None, 1) => plain.push((rank, entry)),
                    (None, _) => {
                        if !self.has_field(relation, number, &entry.key.parts, &entry.place) {
                            let lost = !entry.optional && table.key.is_exact() && entry.key.is_exact();
                            bound.deep.extend(lost.then(|| entry.class.clone()));
                            continue;
                        }
                        inside.push((rank, entry.key.parts.get(1..).unwrap_or_default(), entry));
                    }
                }
                self.met.insert(entry.place.clone());
            }
        }
        paths.sort_by(|(a, ..), (b, ..)| b.cmp(a)); // of one rank the first in the document
        for (_, path, entry) in paths {
            if !bound.paths.iter().any(|(p, _)| p == path) {
                bound.paths.push((path.clone(), entry.class.clone()));
            }
        }
        self.fields(relation, number, &inside, &mut bound);
        let best = plain.iter().map(|(rank, _)| *rank).max();
        plain.retain(|(rank, _)| Some(*rank) == best);
        if let [(_, first), others @ ..] = plain.as_slice() {
            bound.class = Some(first.class.clone());
            if let Some((_, other)) = others.iter().find(|(_, o)| o.class != first.class) {
                let name = relation.column_number(number).map_or("", |c| &*c.name);
                let message = format!("two patterns meet at column '{}' and say different things", relation.name.column(name));
                self.clashes(&other.place, &first.place, message, "name the column without '*'");
            }
        }
        bound
    }

    /// Only in a document is there something for a path to lead to.
    fn holds_documents(&mut self, relation: &Relation, number: i16, place: &Place) {
        let column = relation.column_number(number);
        let json = column.is_some_and(|c| matches!(c.ty.shape, Shape::Scalar(Scalar::Json | Scalar::Jsonb)));
        if let (false, Some(column)) = (json, column) {
            let message = format!("column '{}.{}' holds no json documents, so no path leads into it", relation.name, column.name);
            self.found.push(Diagnostic::error(place.clone(), message));
        }
    }

    fn role(&mut self, relation: &Relation, known: &Known, role: usize) -> RoleRules {
        let Some(entry) = self.model.roles.get(role) else { return RoleRules::default() };
        let mut rows: Option<(Rank, usize)> = None;
        for (i, row) in entry.rows.iter().enumerate() {
            let Some(rank) = known.table_rank(&row.key) else { continue };
            self.met.insert(row.place.clone());
            match rows.and_then(|(r, at)| Some((r, entry.rows.get(at)?))) {
                Some((best, other)) if best == rank && other.sql != row.sql => self.contradict(relation, &row.place, &other.place),
                Some((best, _)) if best >= rank => {}
                _ => rows = Some((rank, i)),
            }
        }
        let mut delete = false;
        for (key, place) in &entry.delete {
            if known.table_rank(key).is_some() {
                self.met.insert(place.clone());
                delete = true;
            }
        }
        let read = self.rules(relation, known, &entry.read);
        let write = self.rules(relation, known, &entry.write);
        RoleRules { read, write, delete, rows: rows.map(|(_, i)| i) }
    }

    fn rules<T: PartialEq>(&mut self, relation: &Relation, known: &Known, rules: &'a [Rule<T>]) -> Vec<usize> {
        let mut about = Vec::new();
        for (i, rule) in rules.iter().enumerate() {
            let Target::Object(key) = &rule.target else { continue };
            let fits = if key.parts.len() == 2 {
                known.table_rank(key).is_some()
            } else {
                let parts = key.parts.get(2..).unwrap_or_default();
                let mut columns = relation.columns.iter().filter(|c| known.rank(key, c.number).is_some());
                columns.any(|c| parts.len() < 2 || self.has_field(relation, c.number, parts, &rule.place))
            };
            if fits {
                self.met.insert(rule.place.clone());
                about.push(i);
            }
            if key.path.is_some() {
                let columns = relation.columns.iter().filter(|c| known.rank(key, c.number).is_some());
                columns.for_each(|c| self.holds_documents(relation, c.number, &rule.place));
            }
        }
        self.contradictions(relation, known, rules, &about);
        about
    }

    /// Patterns of one rank that say different things of one table or column.
    fn contradictions<T: PartialEq>(&mut self, relation: &Relation, known: &Known, rules: &[Rule<T>], about: &[usize]) {
        let about: Vec<&Rule<T>> = about.iter().filter_map(|i| rules.get(*i)).collect();
        for (i, a) in about.iter().enumerate() {
            for b in about.iter().skip(i + 1).filter(|b| b.value != a.value) {
                let (Target::Object(x), Target::Object(y)) = (&a.target, &b.target) else { continue };
                let ranks = |column: Option<i16>| match column {
                    None => (known.table_rank(x), known.table_rank(y)),
                    Some(column) => (known.rank(x, column), known.rank(y, column)),
                };
                let meet = |(p, q): (Option<Rank>, Option<Rank>)| p.is_some() && p == q;
                let clash = match (x.parts.len(), y.parts.len()) {
                    (2, 2) => meet(ranks(None)),
                    (3, 3) if x.path == y.path => relation.columns.iter().any(|c| meet(ranks(Some(c.number)))),
                    (4.., 4..) => {
                        relation.columns.iter().any(|c| meet(ranks(Some(c.number))) && self.fields_meet(relation, c.number, x, y))
                    }
                    _ => false,
                };
                if clash {
                    self.contradict(relation, &b.place, &a.place);
                }
            }
        }
    }

    fn contradict(&mut self, relation: &Relation, second: &Place, first: &Place) {
        let message = format!("two patterns meet at table '{}' and say different things", relation.name);
        self.clashes(second, first, message, "say it of the table by its full name");
    }

    /// An error where somebody waits for it; where the relation came while the proxy runs, nothing of it is shown until then.
    fn clashes(&mut self, second: &Place, first: &Place, message: String, help: &str) {
        self.clash = true;
        let found = if self.strict { Diagnostic::error(second.clone(), message) } else { Diagnostic::warning(second.clone(), message) };
        self.found.push(found.label(first.clone(), "the other one is here").help(help));
    }

    /// Keys that met nothing.
    fn missing(&mut self) {
        for table in &self.model.tables {
            if !self.met.contains(&table.place) {
                if !table.optional {
                    self.lacks_object(&table.key, &table.place);
                }
                continue;
            }
            for column in
                table.columns.iter().filter(|c| !c.optional && !table.optional && !self.met.contains(&c.place)).collect::<Vec<_>>()
            {
                self.lacks_column(&table.key, &column.key, &column.place);
            }
        }
        for role in &self.model.roles {
            let read = role.read.iter().map(|r| (&r.target, &r.place, r.optional));
            let rules = read.chain(role.write.iter().map(|r| (&r.target, &r.place, r.optional)));
            for (target, place, optional) in rules {
                if let (Target::Object(key), false, false) = (target, optional, self.met.contains(place)) {
                    self.lacks_object(key, place);
                }
            }
            for rows in role.rows.iter().filter(|r| !r.optional && !self.met.contains(&r.place)).collect::<Vec<_>>() {
                self.lacks_object(&rows.key, &rows.place);
            }
            // the items of a list have no place for 'optional'
            for (key, place) in &role.delete {
                if !self.met.contains(place) {
                    let near = self.near(key, &key.to_string());
                    self.lack(place, format!("nothing in the database is called '{key}'"), near.map(|n| format!("did you mean '{n}'?")));
                }
            }
        }
    }

    fn lacks_object(&mut self, key: &ObjectKey, place: &Place) {
        let table = key.exact_table().and_then(|name| self.catalog.relation_named(&name));
        if let (Some(relation), [_, _, part, field, ..]) = (table, key.parts.as_slice())
            && let Some(column) = relation.columns.iter().find(|c| part.matches(&c.name))
        {
            return self.lacks_field(relation, column, field, place);
        }
        if let (Some(relation), true) = (table, key.parts.len() > 2) {
            let column = key.parts.get(2).map(ToString::to_string).unwrap_or_default();
            return self.lacks(place, format!("table '{}' has no column '{column}'", relation.name), &columns(relation), &column);
        }
        let shown: String = key.parts.iter().take(2).map(ToString::to_string).collect::<Vec<_>>().join(".");
        let near = self.near(key, &shown);
        self.lack(place, format!("nothing in the database is called '{shown}'"), Some(help(near)));
    }

    /// The nearest table: by its own name where the schema is right, else by both.
    fn near(&self, key: &ObjectKey, shown: &str) -> Option<String> {
        let names = || self.known.values().flat_map(|k| &k.tables);
        let Some(wanted) = key.exact_table().filter(|w| names().any(|n| n.schema == w.schema)) else {
            let all: Vec<String> = names().map(ToString::to_string).collect();
            return crate::base::nearest(shown, all.iter().map(String::as_str)).map(str::to_owned);
        };
        let same_schema = names().filter(|n| n.schema == wanted.schema).map(|n| &*n.name);
        let name = crate::base::nearest(&wanted.name, same_schema)?;
        Some(crate::base::QualifiedName::new(wanted.schema, name).to_string())
    }

    fn lacks_column(&mut self, table: &ObjectKey, column: &ObjectKey, place: &Place) {
        let relation = table.exact_table().and_then(|name| self.catalog.relation_named(&name));
        let of = |part: &Part| relation?.columns.iter().find(|c| part.matches(&c.name));
        if let (Some(relation), [part, field]) = (relation, column.parts.as_slice())
            && let Some(column) = of(part)
        {
            return self.lacks_field(relation, column, field, place);
        }
        let near = relation.map(columns).unwrap_or_default();
        self.lacks(place, format!("no column of '{table}' is called '{column}'"), &near, &column.to_string());
    }

    pub(super) fn lacks(&mut self, place: &Place, message: String, near: &[String], got: &str) {
        let near = crate::base::nearest(got, near.iter().map(String::as_str)).map(str::to_owned);
        self.lack(place, message, Some(help(near)));
    }

    pub(super) fn lack(&mut self, place: &Place, message: String, help: Option<String>) {
        let diagnostic = if self.strict { Diagnostic::error(place.clone(), message) } else { Diagnostic::warning(place.clone(), message) };
        self.found.push(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }
}

/// What would be right in the place of a key that means nothing.
fn help(near: Option<String>) -> String {
    near.map_or_else(|| "'optional: true' beside it would let it be missing".to_owned(), |near| format!("did you mean '{near}'?"))
}

fn columns(relation: &Relation) -> Vec<String> {
    relation.columns.iter().map(|c| c.name.to_string()).collect()
}
