//! Relations as a whole, and what a statement writes: rows, views, rights to write and delete, targets that are refused.

use super::{Judge, needs_fence, veil, words};
use crate::catalog::{Column, ConstraintKind, FIRST_NORMAL_OID, Oid, PgType, Relation, RelationKind};
use crate::plan::permit::Action;
use crate::policy::{Outcome, Reading};
use crate::sql::Reject;
use crate::sql::effect::Deed;
use crate::sql::model::{Access, Changes, Instance, InstanceId, InstanceOf, New, Source, UseKind, Write};

impl<'a> Judge<'a> {
    /// Each relation that the statement touches.
    pub(super) fn relations(&mut self) {
        let catalog = self.catalog;
        // a definition runs event triggers, which the catalog does not show
        self.scrub |= matches!(self.analysis.deed, Deed::CatalogChanged | Deed::Code | Deed::Create { .. } | Deed::Discard);
        for (id, instance) in (0..).map(InstanceId).zip(&self.analysis.instances) {
            let InstanceOf::Catalog(oid) = instance.of else {
                // its defaults and checks may be code that the catalog does not show
                self.scrub |= !matches!(instance.access, Access::Read | Access::Lock);
                continue;
            };
            match catalog.relation(oid) {
                Some(relation) => self.relation(id, instance, relation),
                None => {
                    self.refuse(
                        Reject::unclear("catalog", format!("relation \"{}\" is not in the catalog", instance.name)).at(instance.at),
                    );
                }
            }
        }
        for (name, at) in &self.analysis.named {
            self.may_be_called(name, *at);
        }
        for id in &self.analysis.deletes {
            if let (Some(instance), Some(oid)) = (self.instance(*id), self.relation_of(*id)) {
                self.may_delete(oid, instance);
            }
        }
    }

    fn relation(&mut self, id: InstanceId, instance: &'a Instance, relation: &Relation) {
        let foreign = |f: &Oid| *f >= FIRST_NORMAL_OID;
        let policies = relation.row_security && relation.runs_code;
        if veil::is_veiled(self.catalog, self.profile, relation.oid) || policies || relation.calls.iter().any(foreign) {
            self.scrub = true;
        }
        if let Some(reject) = self.derived(id, instance, relation).or_else(|| self.whole(relation)).or_else(|| self.view(relation)) {
            return self.refuse(reject.at(instance.at));
        }
        if self.analysis.inlined.contains_key(&id) {
            return; // what stands in its place is judged instead
        }
        self.note_below(relation.oid, 0, Action::Mask);
        if let Some(reject) = self.rows_of(id, instance, relation) {
            return self.refuse(reject.at(instance.at));
        }
        match instance.access {
            Access::Read => {}
            Access::Insert | Access::Update | Access::Merge | Access::CopyIn => self.target(id, relation, instance),
            Access::Delete => {
                self.target(id, relation, instance);
                self.may_delete(relation.oid, instance);
            }
            Access::Truncate => {
                self.target(id, relation, instance);
                for oid in self.catalog.with_descendants(relation.oid) {
                    self.may_delete(oid, instance);
                    if self.profile.rows(oid).is_some() {
                        self.refuse(rows(&relation.name.to_string()).at(instance.at));
                    }
                }
            }
            Access::Lock => {}
            Access::Define => self.definition(relation, instance),
        }
    }

    /// Reasons to refuse a relation whatever is done with it.
    fn whole(&self, relation: &Relation) -> Option<Reject> {
        let (name, who) = (&relation.name, || words::roles(self.profile));
        if veil::is_forbidden(relation) {
            let message = format!("{}: relation \"{name}\" holds data of the server and is open to unrestricted roles only", who());
            return Some(Reject::forbidden("system catalog", message));
        }
        if !veil::is_blank(self.catalog, self.profile, relation) {
            return None;
        }
        let message = format!("{}: no column of relation \"{name}\" is visible", who());
        Some(Reject::forbidden("no column", message).hint("a 'read' rule on the table, a column of it or a class would allow it"))
    }

    /// A row condition is a barrier: the relation becomes a subquery, which nothing can be locked behind. What a write produces must
    /// satisfy it, too.
    fn rows_of(&mut self, id: InstanceId, instance: &Instance, relation: &Relation) -> Option<Reject> {
        let condition = self.profile.rows(relation.oid)?;
        let name = &relation.name;
        if instance.access == Access::CopyIn {
            let message = format!("relation \"{name}\" has a row condition, which nothing holds the rows of a COPY against");
            return Some(Reject::unclear("rows", message).hint("INSERT the rows"));
        }
        let possible = matches!(instance.access, Access::Read | Access::Insert | Access::Update | Access::Merge | Access::Delete);
        if !possible || !self.veil_instance(id, UseKind::Filter) {
            return Some(rows(&name.to_string()));
        }
        if instance.access == Access::Merge
            && let Some(reject) = self.merge_cannot_hold(id, relation)
        {
            return Some(reject);
        }
        let locked = self.analysis.locks.contains(&id) && needs_fence(self.analysis, id, relation, condition);
        locked.then(|| {
            let message = format!("relation \"{name}\" has a row condition, and FOR UPDATE would lock rows that are not asked for");
            Reject::unclear("rows", message).hint("leave the locking clause out")
        })
    }

    /// A view that is its definition over the veil: read as it is, where masks at its output are equal to that.
    fn derived(&self, id: InstanceId, instance: &Instance, relation: &Relation) -> Option<Reject> {
        let view = self.profile.view(relation.oid).filter(|_| self.is_derived(relation.oid))?;
        let name = &relation.name;
        if let Reading::Not(why) = &view.reading {
            let reject = Reject::unclear("view", format!("view \"{name}\" reads veiled data, and its definition: {}", why.message));
            return Some(reject.hint(NAME_IT));
        }
        if let Some(parts) = self.analysis.inlined.get(&id) {
            return self.put_in(id, relation, parts.clone());
        }
        let written = instance.access != Access::Read;
        if written && (relation.runs_code || relation.kind != RelationKind::View) {
            let message = format!("view \"{name}\" reads veiled data, and PostgreSQL does not write through it by itself");
            return Some(Reject::unclear("view", message).hint(WRITE_BELOW));
        }
        let set = |source: Source| self.analysis.writes.iter().any(|w| w.target == source);
        let inside = |c: &Column| {
            let source = Source { instance: id, column: c.number };
            view.inside.contains(&c.number) && (self.analysis.touched.contains(&source) || set(source))
        };
        (matches!(view.reading, Reading::Inside) || relation.columns.iter().any(inside)).then(|| {
            let message = format!("view \"{name}\" can only be veiled by its definition, which cannot be put in its place here");
            Reject::unclear("view", message).hint(if written { WRITE_BELOW } else { NAME_IT })
        })
    }

    /// A definition in the place of its view is run with the login's rights, not the owner's: it gives the same only where both may read
    /// the same rows.
    fn put_in(&self, id: InstanceId, relation: &Relation, parts: std::ops::Range<u32>) -> Option<Reject> {
        let (name, login) = (&relation.name, &self.profile.principal.login);
        let why = |what: String| {
            Reject::unclear("view", format!("view \"{name}\" can only be veiled by its definition, and {what}")).hint(NAME_IT)
        };
        if self.analysis.locks.contains(&id) {
            return Some(why("its rows cannot be locked then".to_owned()).hint("leave the locking clause out"));
        }
        if !self.catalog.may_select(login, relation) {
            return Some(why(format!("login \"{login}\" has no SELECT on it at the server")));
        }
        let below = parts.filter_map(|part| self.catalog.relation(self.relation_of(InstanceId(part))?));
        below.filter(|r| !self.analysis.inlined.keys().any(|v| self.relation_of(*v) == Some(r.oid))).find_map(|r| {
            if r.row_security {
                return Some(why(format!("\"{}\" below it has row security of the server", r.name)));
            }
            let lacks = !self.catalog.may_select(login, r);
            lacks.then(|| why(format!("login \"{login}\" has no SELECT on \"{}\" below it at the server", r.name)))
        })
    }

    /// A view is its definition over the veil: left as it is only where all below is clear, or where the profile says what is seen
    /// of it, as it does of every view that a policy was compiled with.
    fn view(&self, relation: &Relation) -> Option<Reject> {
        if !veil::is_view(relation) || self.profile.unrestricted || self.profile.relations.contains_key(&relation.oid) {
            return None;
        }
        let name = &relation.name;
        if veil::reads_veiled(self.catalog, self.profile, relation) {
            return Some(over_veil(&name.to_string()));
        }
        let foreign = |f: &Oid| *f >= FIRST_NORMAL_OID && !self.profile.functions.contains(f);
        let hides = !self.profile.relations.is_empty() && relation.calls.iter().any(foreign);
        hides.then(|| {
            let message = format!("view \"{name}\" calls a function that does not come with PostgreSQL, which may read veiled data");
            Reject::unclear("view", message).hint("'functions' of the role may name the function")
        })
    }

    /// The target of a write.
    fn target(&mut self, id: InstanceId, relation: &Relation, instance: &'a Instance) {
        let (name, at, who) = (&relation.name, instance.at, || words::roles(self.profile));
        if crate::catalog::is_system_schema(&name.schema) {
            return self.refuse(
                Reject::forbidden("system catalog", format!("{}: relation \"{name}\" of the system catalog may not be written", who()))
                    .at(at),
            );
        }
        // what stands below a view is written too: its rules put other statements beside this one
        let ruled = |oid: Oid, _: i16| self.catalog.relation(oid).is_some_and(|r| r.has_rules || (veil::is_view(r) && r.runs_code));
        if relation.has_rules || veil::reads_any(self.catalog, relation, &ruled) {
            return self
                .refuse(Reject::unclear("rules", format!("relation \"{name}\" has rewrite rules and is the target of a write")).at(at));
        }
        // of what stands below nothing is known here that could fail
        self.scrub |= veil::is_view(relation);
        let unwritable = |oid: Oid, column: i16| {
            let some = self.catalog.relation(oid).is_some_and(|r| r.columns.iter().any(|c| !self.may_write(oid, c.number)));
            if column == 0 { some } else { !self.may_write(oid, column) }
        };
        if veil::reads_any(self.catalog, relation, &unwritable) {
            let message = format!("{}: view \"{name}\" is the target of a write, and not all that it reads may be written", who());
            return self.refuse(Reject::forbidden("write", message).hint(WRITE_BELOW).at(at));
        }
        let makes_rows = matches!(instance.access, Access::Insert | Access::CopyIn | Access::Merge);
        let closed = |oid: Oid, _: i16| !self.profile.insert(oid);
        if makes_rows && (closed(relation.oid, 0) || veil::reads_any(self.catalog, relation, &closed)) {
            let message = format!("{}: conditions on other relations look into \"{name}\", and not all its columns may be written", who());
            return self.refuse(
                Reject::forbidden("write", message).hint(format!("'write: {{ {name}: allow }}' in the role would allow it")).at(at),
            );
        }
        self.defaults(id, instance, relation);
        // what refers to it is changed with it, and quoted where that fails
        self.scrub |= self.reached_by_a_write(relation.oid).into_iter().any(|oid| {
            let code = self.catalog.relation(oid).is_some_and(|r| self.runs_foreign_code(r));
            code || self.profile.is_veiled(oid)
        });
    }

    /// Triggers, defaults, checks and generated columns may run a function from outside PostgreSQL.
    fn runs_foreign_code(&self, relation: &Relation) -> bool {
        let foreign =
            |text: &str| words_before_parentheses(text).any(|w| self.catalog.functions_named(w).any(|f| f.oid >= FIRST_NORMAL_OID));
        let columns = relation.columns.iter().flat_map(|c| [c.default.as_deref(), c.generated.as_deref()]).flatten();
        let checks = relation.constraints.iter().filter_map(|c| c.definition.as_deref());
        relation.runs_code || columns.chain(checks).any(foreign)
    }

    /// Whether it is a view that the policy does not name: the rights on what it reads are those on the view.
    fn is_derived(&self, oid: Oid) -> bool {
        self.profile.views.get(&oid).is_some_and(|view| !view.named)
    }

    /// Whether a column may be set, as far as it does not depend on what is below.
    fn may_write(&self, oid: Oid, column: i16) -> bool {
        self.is_derived(oid) || self.profile.write(oid, column)
    }

    fn may_delete(&mut self, oid: Oid, instance: &'a Instance) {
        let catalog = self.catalog;
        let Some(relation) = catalog.relation(oid) else {
            return;
        };
        let denied = |oid: Oid| !self.is_derived(oid) && !self.profile.delete(oid);
        let allowed = !denied(oid) && !veil::reads_any(catalog, relation, &|below, _| denied(below));
        if !allowed {
            let (name, who) = (&relation.name, words::roles(self.profile));
            let reject = Reject::forbidden("delete", format!("{who} may not delete rows of \"{name}\""));
            self.refuse(reject.hint(format!("'delete: [{name}]' in the role would allow it")).at(instance.at));
        }
    }

    fn definition(&mut self, relation: &Relation, instance: &'a Instance) {
        if veil::is_veiled(self.catalog, self.profile, relation.oid) || crate::catalog::is_system_schema(&relation.name.schema) {
            let (name, who) = (&relation.name, words::roles(self.profile));
            let message = format!("{who}: relation \"{name}\" is veiled, and its definition may not be changed");
            return self.refuse(Reject::forbidden("definition", message).at(instance.at));
        }
        if self.profile.raw_defaults.contains_key(&relation.oid) {
            let (name, who) = (&relation.name, words::roles(self.profile));
            let message = format!(
                "{who}: a default of relation \"{name}\" may read what is veiled, and its definition may not be changed or taken over"
            );
            return self.refuse(Reject::forbidden("definition", message).at(instance.at));
        }
        let closed = veil::is_view(relation) || !self.profile.insert(relation.oid);
        if closed && self.profile.looked_into.contains(&relation.oid) {
            let (name, who) = (&relation.name, words::roles(self.profile));
            let message = format!("{who}: conditions on other relations look into \"{name}\", and its definition may not be changed");
            self.refuse(Reject::forbidden("definition", message).at(instance.at));
        }
    }

    /// A function that a condition calls finds its relations by the session's names: one of the name would come to stand before what it looks into.
    fn may_be_called(&mut self, name: &str, at: i32) {
        if self.profile.looked_into.iter().filter_map(|oid| self.catalog.relation(*oid)).any(|r| *r.name.name == *name) {
            let message =
                format!("{}: conditions look into \"{name}\", and no other relation may have its name", words::roles(self.profile));
            self.refuse(Reject::forbidden("definition", message).hint("use another name").at(at));
        }
    }

    /// A relation, what inherits from it, what refers to it by a foreign key, and so on: a write of it may write these, too.
    fn reached_by_a_write(&self, oid: Oid) -> Vec<Oid> {
        let refers = |r: &Relation, to: Oid| r.constraints.iter().any(|c| c.kind == ConstraintKind::Foreign(to));
        let mut all = self.catalog.with_descendants(oid);
        let mut next = 0;
        while let Some(to) = all.get(next).copied() {
            next += 1;
            let found = self.catalog.relations().filter(|r| refers(r, to)).flat_map(|r| self.catalog.with_descendants(r.oid));
            for oid in found.collect::<Vec<Oid>>() {
                if !all.contains(&oid) {
                    all.push(oid);
                }
            }
        }
        all
    }

    /// Columns that are set.
    pub(super) fn writes(&mut self) {
        for Write { target, changes, new, at } in &self.analysis.writes {
            let Some(relation) = self.relation_of(target.instance) else {
                continue;
            };
            let column = self.column(*target);
            let outcome = self.outcome(*target);
            if !self.may_write(relation, target.column) {
                self.note(*target, "write", Action::Deny);
                let who = words::roles(self.profile);
                let keys = words::write_keys(self.catalog, self.profile, relation, target.column);
                let reject = Reject::forbidden("write", format!("{who} may not write {column}"));
                self.refuse(reject.hint(format!("'write: {{ {keys} }}' in the role would allow it")).at(*at));
            } else if outcome.is_masked()
                && *changes != Changes::New
                && let Some(reject) = self.written_back(*target, *changes, new, *at)
            {
                self.note(*target, "write", Action::Deny);
                self.refuse(reject.at(*at));
            } else {
                self.note(*target, "write", Action::Allow);
            }
        }
    }

    /// Why what is saved cannot be held against the mask, and what would do.
    fn not_told(&self, target: Source, outcome: &Outcome, changes: Changes) -> Reject {
        let column = self.column(target);
        let in_parts = self.source_type(target).is_some_and(|ty| by_parts(outcome, &ty));
        let keyed = match outcome {
            Outcome::Masked(rule) if changes == Changes::Stored && !in_parts => Some(rule),
            Outcome::Masked(_) | Outcome::Conditional(_) | Outcome::Clear | Outcome::Absent(_) => None,
        };
        let with = keyed.map_or_else(String::new, |rule| format!(" with \"{}\", which has no SQL form", rule.name));
        let message = format!("{column} is masked for the writer{with}, and what is stored cannot be told from its mask");
        let reject = Reject::unclear("write", message);
        match keyed.and_then(|_| self.source_type(target)) {
            Some(ty) => {
                let masks = words::with_sql_form(&ty);
                reject.hint(format!("leave the column out of the UPDATE; it could be told from one of the masks {masks}"))
            }
            None => reject.hint("give the column a value of its own, or leave it out of the UPDATE"),
        }
    }

    /// Has what is stored in a masked column held against its mask; gives why that cannot be.
    fn written_back(&mut self, target: Source, changes: Changes, new: &New, at: i32) -> Option<Reject> {
        let outcome = self.outcome(target);
        let told = self.source_type(target).is_some_and(|ty| !by_parts(&outcome, &ty) || goes_back(&outcome, &ty));
        if changes == Changes::Stored && told {
            if self.veil_column(target, UseKind::WriteSource) {
                return None;
            }
            if let Some(turned) = self.turned_write(target, new, at) {
                return turned.err();
            }
        }
        Some(self.not_told(target, &outcome, changes))
    }
}

/// Whether it can be told part by part what of a document or composite value is its mask.
pub(super) fn goes_back(outcome: &Outcome, ty: &PgType) -> bool {
    matches!(outcome, Outcome::Masked(rule) if rule.mask.sql_back(ty, "", "", "").is_some())
}

/// Whether only parts of the values are masked: a new one that is not the mask of the old may hold masks all the same.
fn by_parts(outcome: &Outcome, ty: &PgType) -> bool {
    match outcome {
        Outcome::Masked(rule) => rule.mask.laws(ty).is_some_and(|l| l.by_parts),
        Outcome::Conditional(condition) => by_parts(&condition.then, ty) || by_parts(&condition.otherwise, ty),
        Outcome::Clear | Outcome::Absent(_) => false,
    }
}

/// The way out where a view cannot be its definition over the veil.
const NAME_IT: &str = "query the tables below it, or name the view under 'tables' in the policy";

/// The way out where a view cannot be the target of a write.
const WRITE_BELOW: &str = "write to the table below it";

fn over_veil(name: &str) -> Reject {
    Reject::unclear("view", format!("view \"{name}\" reads veiled data, {}", words::NOT_YET)).hint(NAME_IT)
}

fn rows(name: &str) -> Reject {
    Reject::unclear("rows", format!("relation \"{name}\" has a row condition, and reading it {}", words::NOT_YET))
}

/// Names that stand before an opening parenthesis in a definition as PostgreSQL prints it, quotes aside.
fn words_before_parentheses(text: &str) -> impl Iterator<Item = &str> {
    text.split('(').map(|part| {
        let part = part.trim_end_matches('"');
        part.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).next().unwrap_or_default()
    })
}
