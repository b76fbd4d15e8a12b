//! One relation's part of a profile: the policy's word on it, then what follows from what it is made of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::documents;
use super::sql_text::{Words, read_by, words};
use super::verdict::{Asked, Role};
use crate::catalog::{Catalog, Column, FIRST_NORMAL_OID, Oid, PgType, Relation, RelationKind, Scalar, Shape};
use crate::mask::RowType;
use crate::policy::bind::{BoundColumn, BoundPolicy, BoundRelation, Known, below};
use crate::policy::derived::{DerivedView, constant};
use crate::policy::model::{ReadRule, Target, covers};
use crate::policy::profile::{Absence, ClassName, ColumnProfile, Outcome, RelationProfile, RowCondition};
use crate::sql;

/// What making one profile needs.
pub(super) struct Maker<'a> {
    pub(super) policy: &'a BoundPolicy,
    pub(super) catalog: &'a Catalog,
    pub(super) roles: &'a [Role<'a>],
    /// Every role has `unclassified: deny`.
    pub(super) unclassified_deny: bool,
    /// Functions from outside PostgreSQL that the principal has.
    pub(super) functions: &'a std::collections::BTreeSet<Oid>,
    /// What was made, by relation; what has nothing to say is not in it.
    pub(super) made: HashMap<Oid, RelationProfile>,
    /// Views whose columns follow from their definitions.
    pub(super) views: HashMap<Oid, DerivedView>,
    /// Relations that conditions on others look into.
    pub(super) looked_into: BTreeSet<Oid>,
    /// Columns that are set anew, by foreign keys, in what conditions read.
    pub(super) carried: BTreeMap<Oid, BTreeSet<i16>>,
}

impl Maker<'_> {
    /// Makes a relation's part; what it depends on was made before.
    pub(super) fn relation(&mut self, relation: &Relation, known: &Known) {
        let bound = self.policy.relations.get(&relation.oid);
        let profile = match relation.kind {
            _ if self.policy.circle.contains(&relation.oid) => absent(relation, &Absence::Derived),
            _ if bound.is_some_and(|b| b.contradicted) => absent(relation, &Absence::NoRule),
            RelationKind::View | RelationKind::MaterializedView => self.view(relation, known, bound),
            RelationKind::Table
            | RelationKind::Partitioned
            | RelationKind::Foreign
            | RelationKind::Sequence
            | RelationKind::Composite
            | RelationKind::Toast
            | RelationKind::Index => self.table(relation, known, bound),
        };
        let profile = self.with_system(relation, profile);
        if self.unclassified_deny || says_something(&profile) {
            self.made.insert(relation.oid, profile);
        }
    }

    fn table(&self, relation: &Relation, known: &Known, bound: Option<&BoundRelation>) -> RelationProfile {
        let parents: Vec<&Relation> = relation.parents.iter().filter_map(|oid| self.catalog.relation(*oid)).collect();
        let rows = self.rows(relation, bound);
        let tested = self.tested(relation, rows.as_ref(), bound);
        let mut profile = RelationProfile::default();
        for column in &relation.columns {
            let own = bound.and_then(|b| b.columns.get(&column.number));
            let inherited = self.inherited(&parents, &column.name);
            let class = own.and_then(|c| c.class.clone()).or_else(|| inherited.as_ref().and_then(|c| c.class.clone()));
            let asked = Asked { known, bound, number: column.number, ty: &column.ty, class: class.as_ref() };
            let of_row_type =
                self.policy.row_types.contains(&column.ty.oid) && class.is_none() && !self.policy.has_object_rule(self.roles, &asked);
            let says = own.is_some() || self.policy.has_rule(self.roles, &asked);
            let mut made = match inherited {
                Some(inherited) if !says => inherited,
                inherited => {
                    let (whole, paths) = self.policy.read(self.roles, &asked);
                    let write = self.policy.write(self.roles, &asked, tested.contains(&column.number));
                    let own = documents::column(whole, paths, self.row_of(column), write);
                    match inherited {
                        Some(inherited) => documents::join(inherited, own),
                        None => own,
                    }
                }
            };
            if of_row_type && !matches!(made.read, Outcome::Absent(_)) {
                made.read = Outcome::Absent(Absence::Derived);
            }
            made.class = class;
            profile.columns.insert(column.number, made);
        }
        self.generated(relation, bound, &mut profile);
        profile.other_columns = self.other_columns(bound);
        profile.delete = self.deletes(bound) || parents.iter().any(|p| self.made.get(&p.oid).is_some_and(|p| p.delete));
        profile.rows = rows;
        profile
    }

    /// The composite type of a column.
    fn row_of(&self, column: &Column) -> Option<Arc<RowType>> {
        self.policy.composites.get(&column.ty.oid).map(|c| Arc::clone(&c.row))
    }

    /// What the parents say of a column of that name, the strictest of them.
    fn inherited(&self, parents: &[&Relation], name: &str) -> Option<ColumnProfile> {
        let mut joined: Option<ColumnProfile> = None;
        for parent in parents {
            let Some(column) = parent.column(name) else { continue };
            let of = self.made.get(&parent.oid).and_then(|p| p.columns.get(&column.number)).cloned();
            let of = of.unwrap_or(ColumnProfile { read: Outcome::Clear, write: true, class: None, document: None });
            joined = Some(match joined {
                Some(joined) => documents::join(joined, of),
                None => of,
            });
        }
        joined
    }

    /// The columns that a condition of the principal's reads: to set them needs a rule.
    fn tested(&self, relation: &Relation, rows: Option<&RowCondition>, bound: Option<&BoundRelation>) -> BTreeSet<i16> {
        if self.looked_into.contains(&relation.oid) {
            return relation.columns.iter().map(|c| c.number).collect();
        }
        let read = read_by(relation, &(rows.map_or_else(String::new, |r| r.sql.to_string()) + &self.whens(bound)));
        read.into_iter().chain(self.carried.get(&relation.oid).into_iter().flatten().copied()).collect()
    }

    /// The conditions in the principal's rules on a relation's columns.
    pub(super) fn whens(&self, bound: Option<&BoundRelation>) -> String {
        let mut text = String::new();
        for (i, role) in self.roles {
            let about = bound.and_then(|b| b.roles.get(*i)).map_or(&[][..], |r| &r.read);
            let object = about.iter().filter_map(|i| role.read.get(*i));
            let class = role.read.iter().filter(|rule| match &rule.target {
                Target::Class(upper) => bound.is_some_and(|b| classes(b).any(|c| covers(upper, c))),
                Target::Object(_) => false,
            });
            object.chain(class).for_each(|rule| conditions(&rule.value, &mut text));
        }
        text
    }

    /// Columns that are computed from others of the same row.
    fn generated(&self, relation: &Relation, bound: Option<&BoundRelation>, profile: &mut RelationProfile) {
        for column in &relation.columns {
            let Some(expression) = &column.generated else { continue };
            if bound.is_some_and(|b| b.columns.contains_key(&column.number)) {
                continue;
            }
            let read = words(expression);
            let hides = read.hides || self.calls_foreign(expression, &read);
            let sources: Vec<&Column> = relation
                .columns
                .iter()
                .filter(|c| c.number != column.number && (read.whole_row || read.identifiers.contains(&*c.name)))
                .collect();
            let veiled: Vec<&Outcome> =
                sources.iter().filter_map(|c| profile.columns.get(&c.number)).map(|c| &c.read).filter(|o| o.is_veiled()).collect();
            let copy = is_copy(expression, &sources) && sources.iter().all(|source| keeps_values(&source.ty, &column.ty));
            let read = match veiled.as_slice() {
                [] if !hides => continue,
                // a condition reads the same row
                [outcome] if copy => (*outcome).clone(),
                _ if hides => Outcome::Absent(Absence::Derived),
                veiled => constant(veiled.iter().copied(), &column.ty, self.nulls_tell_nothing(expression, &sources))
                    .map_or(Outcome::Absent(Absence::Derived), Outcome::Masked),
            };
            if let Some(of) = profile.columns.get_mut(&column.number) {
                of.read = strictest(of.read.clone(), read);
            }
        }
    }

    /// Read on whatever thread somebody logs in or a policy is loaded, whose stack is not that of a statement.
    fn nulls_tell_nothing(&self, expression: &str, sources: &[&Column]) -> bool {
        let simple = sources.iter().all(|column| sql::is_simple(self.catalog, &column.ty));
        simple && sql::nulls_tell_nothing(&format!("SELECT {expression}"), 16 << 10, 40) == [true]
    }

    /// Whether an expression, as PostgreSQL prints it for a `search_path` of `pg_catalog`, runs a function from outside PostgreSQL that
    /// the principal does not have: by name, behind an operator (which is then printed with its schema) or behind a cast.
    fn calls_foreign(&self, expression: &str, words: &Words) -> bool {
        let foreign = |oid: Oid| self.hides(oid);
        let called = words.called.iter().any(|name| self.catalog.functions_named(name).any(|f| foreign(f.oid)));
        let cast = |(_, to, function): &(Oid, Oid, Oid)| {
            let named = self.catalog.type_info(*to).is_some_and(|t| words.identifiers.contains(&*t.name.name));
            foreign(*function) && named
        };
        called || expression.contains("OPERATOR(") || self.catalog.contents().casts.iter().any(cast)
    }

    fn view(&mut self, relation: &Relation, known: &Known, bound: Option<&BoundRelation>) -> RelationProfile {
        let named = bound.is_some_and(|b| b.named);
        let own_rows = self.rows(relation, bound);
        let stored = relation.kind == RelationKind::MaterializedView;
        let hidden = self.reads_veiled(relation);
        let rows_below = below(relation).any(|oid| self.made.get(&oid).is_some_and(|p| p.rows.is_some()));
        let mut profile = RelationProfile::default();
        let mut open = BTreeSet::new();
        for column in &relation.columns {
            let class = bound.and_then(|b| b.columns.get(&column.number)).and_then(|c| c.class.clone());
            let asked = Asked { known, bound, number: column.number, ty: &column.ty, class: class.as_ref() };
            let listed = named && bound.is_some_and(|b| b.columns.contains_key(&column.number));
            let derived = if hidden { Outcome::Absent(Absence::Derived) } else { Outcome::Clear };
            let ruled = self.policy.has_rule(self.roles, &asked);
            let (mut whole, paths) = if listed || ruled { self.policy.read(self.roles, &asked) } else { (Outcome::Clear, Vec::new()) };
            if !listed {
                whole = strictest(whole, derived);
            }
            if !listed && !ruled {
                open.insert(column.number);
            }
            if rows_below && own_rows.is_none() {
                whole = Outcome::Absent(Absence::Derived);
            }
            let mut of = documents::column(whole, paths, self.row_of(column), false);
            of.write = if listed { self.policy.write(self.roles, &asked, false) } else { !of.read.is_veiled() };
            profile.columns.insert(column.number, ColumnProfile { class, ..of });
        }
        profile.other_columns = if hidden || rows_below { Some(Absence::Derived) } else { self.other_columns(bound) };
        profile.delete = self.deletes(bound);
        profile.rows = own_rows;
        let named = named || open.len() < relation.columns.len() || profile.rows.is_some();
        let derived = !self.is_system(relation.oid) && !open.is_empty();
        let said = named && rows_below && !(stored && profile.rows.is_some());
        if derived && (hidden || rows_below) && !said {
            self.views.insert(relation.oid, DerivedView { open, stored, named, ..DerivedView::default() });
        }
        profile
    }

    /// Whether a view's definition reads anything that is veiled, or may.
    fn reads_veiled(&self, relation: &Relation) -> bool {
        let definition = relation.definition.as_deref().map(words);
        let Some(words) = definition else { return true };
        let foreign = relation.calls.iter().any(|f| self.hides(*f) && !self.shipped(relation, *f));
        foreign || words.hides || relation.reads.iter().any(|(oid, column)| self.is_veiled(*oid, if words.whole_row { 0 } else { *column }))
    }

    /// Whether it cannot be said here what a function reads: the principal does not have it, or it has a body, which is for `plan` to look into.
    fn hides(&self, oid: Oid) -> bool {
        let body = || self.catalog.function(oid).and_then(|f| f.body.as_ref());
        oid >= FIRST_NORMAL_OID && (!self.functions.contains(&oid) || body().is_some_and(|b| !b.is_closed(self.catalog)))
    }

    /// The shipped classification knows the view, and the function comes from the extension that it is named after.
    fn shipped(&self, relation: &Relation, function: Oid) -> bool {
        let extension = self.catalog.function(function).and_then(|f| f.extension.as_deref());
        self.is_system(relation.oid) && extension.is_some_and(|e| relation.name.name.starts_with(e))
    }

    /// Whether a column, or with 0 any part of a relation, is veiled.
    pub(super) fn is_veiled(&self, oid: Oid, column: i16) -> bool {
        let Some(profile) = self.made.get(&oid) else { return self.unclassified_deny && oid >= FIRST_NORMAL_OID };
        if profile.rows.is_some() {
            return true;
        }
        match profile.columns.get(&column) {
            Some(of) => of.read.is_veiled(),
            None if column == 0 => {
                profile.other_columns.is_some() && self.is_system(oid) || profile.columns.values().any(|c| c.read.is_veiled())
            }
            None => profile.other_columns.is_some(),
        }
    }

    fn is_system(&self, oid: Oid) -> bool {
        self.policy.system.contains_key(&oid)
    }

    /// The principal's condition on rows, as the policy says it of the relation itself: of several roles joined with OR, lifted by a role that has
    /// rules and no condition.
    pub(super) fn own_rows(&self, bound: Option<&BoundRelation>) -> Option<String> {
        let mut own: Vec<&str> = Vec::new();
        let mut lifted = false;
        for (i, role) in self.roles {
            let rules = bound.and_then(|b| b.roles.get(*i));
            match rules.and_then(|r| r.rows).and_then(|at| role.rows.get(at)) {
                Some(entry) => own.push(&entry.sql),
                None => lifted |= self.gives(*i, bound),
            }
        }
        (!own.is_empty() && !lifted).then(|| own.iter().map(|sql| format!("({sql})")).collect::<Vec<_>>().join(" OR "))
    }

    /// The same with what its parents have.
    fn rows(&self, relation: &Relation, bound: Option<&BoundRelation>) -> Option<RowCondition> {
        let own = self.own_rows(bound);
        let parents = relation.parents.iter().filter_map(|p| self.made.get(p)?.rows.as_ref()).map(|r| r.sql.to_string());
        let all: Vec<String> = own.into_iter().chain(parents).collect();
        let sql = match all.as_slice() {
            [] => return None,
            [one] => one.clone(),
            several => several.iter().map(|sql| format!("({sql})")).collect::<Vec<_>>().join(" AND "),
        };
        let reads = read_by(relation, &sql);
        Some(RowCondition { sql: sql.into(), reads })
    }

    /// Whether a role allows or masks a column of the table by a rule.
    fn gives(&self, role: usize, bound: Option<&BoundRelation>) -> bool {
        let Some((_, entry)) = self.roles.iter().find(|(i, _)| *i == role) else { return false };
        let about = bound.and_then(|b| b.roles.get(role)).map_or(&[][..], |r| &r.read);
        let object = about.iter().filter_map(|i| entry.read.get(*i)).any(|rule| rule.value != ReadRule::Deny);
        let class = |upper: &str| bound.is_some_and(|b| classes(b).any(|c| covers(upper, c)));
        object
            || entry.read.iter().any(|rule| match &rule.target {
                Target::Class(upper) => rule.value != ReadRule::Deny && class(upper),
                Target::Object(_) => false,
            })
    }

    fn deletes(&self, bound: Option<&BoundRelation>) -> bool {
        self.roles.iter().any(|(i, _)| bound.and_then(|b| b.roles.get(*i)).is_some_and(|r| r.delete))
    }

    /// What holds for columns that the snapshot does not know.
    fn other_columns(&self, bound: Option<&BoundRelation>) -> Option<Absence> {
        if self.unclassified_deny {
            return Some(Absence::Unclassified);
        }
        bound.and_then(|b| b.rest.as_ref()).map(|_| Absence::NoRule)
    }

    /// Relations of extensions that are known to show statements.
    fn with_system(&self, relation: &Relation, mut profile: RelationProfile) -> RelationProfile {
        let Some(system) = self.policy.system.get(&relation.oid) else { return profile };
        for (number, column) in &system.columns {
            if let Some(of) = profile.columns.get_mut(number) {
                of.read = strictest(of.read.clone(), column.read.clone());
            }
        }
        profile.rows = profile.rows.or_else(|| system.rows.clone());
        profile
    }
}

fn classes(bound: &BoundRelation) -> impl Iterator<Item = &ClassName> {
    bound.columns.values().flat_map(BoundColumn::classes).chain(&bound.rest)
}

/// Adds the conditions in a rule to a text.
fn conditions(rule: &ReadRule, text: &mut String) {
    if let ReadRule::When(when) = rule {
        text.push(' ');
        text.push_str(&when.sql);
        conditions(&when.then, text);
        conditions(&when.otherwise, text);
    }
}

/// The expression is its one source and nothing else.
fn is_copy(expression: &str, sources: &[&Column]) -> bool {
    let bare = expression.trim().trim_matches('"');
    matches!(sources, [source] if *bare == *source.name)
}

/// Whether a value of a type that is stored in a column of another is the same value: a modifier may cut it.
fn keeps_values(from: &PgType, to: &PgType) -> bool {
    let text = |ty: &PgType| matches!(ty.shape, Shape::Scalar(Scalar::Text | Scalar::Varchar));
    from == to || (text(from) && text(to) && to.typmod == -1)
}

fn absent(relation: &Relation, why: &Absence) -> RelationProfile {
    let absent = ColumnProfile { read: Outcome::Absent(why.clone()), write: false, class: None, document: None };
    let columns = relation.columns.iter().map(|c| (c.number, absent.clone())).collect();
    RelationProfile { columns, other_columns: Some(why.clone()), ..RelationProfile::default() }
}

/// The one that shows less; the first of two alike.
pub(super) fn strictest(a: Outcome, b: Outcome) -> Outcome {
    let strictness = |o: &Outcome| match o {
        Outcome::Clear => 0,
        Outcome::Masked(_) | Outcome::Conditional(_) => 1,
        Outcome::Absent(_) => 2,
    };
    if strictness(&b) > strictness(&a) { b } else { a }
}

/// Whether anything differs from a relation that is not in the profile.
fn says_something(profile: &RelationProfile) -> bool {
    let columns = profile.columns.values().any(|c| c.read.is_veiled() || !c.write || c.class.is_some());
    columns || profile.delete || profile.rows.is_some() || profile.other_columns.is_some()
}
