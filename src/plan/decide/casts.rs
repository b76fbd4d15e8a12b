//! Casts whose functions do not come with PostgreSQL: what runs where a value changes its type, written out or not. The analysis does
//! not know every type, so a cast counts where its types occur in the statement at all.

use std::collections::BTreeSet;

use super::{Judge, words};
use crate::catalog::{FIRST_NORMAL_OID, Function, Oid};
use crate::sql::Reject;
use crate::sql::model::{Use, UseKind};

impl Judge<'_> {
    /// Casts that may run, and what sorts, compares and hashes values.
    pub(super) fn casts(&mut self) {
        let catalog = self.catalog;
        let casts = catalog.contents().casts.iter().filter(|(_, _, function)| *function >= FIRST_NORMAL_OID).map(|cast| (cast, "a cast"));
        let support: Vec<_> = catalog.contents().support.iter().map(|(ty, function)| (*ty, *ty, *function)).collect();
        let foreign: Vec<_> = casts.chain(support.iter().map(|compares| (compares, "an operator class"))).collect();
        if foreign.is_empty() {
            return;
        }
        let occurring = self.occurring_types();
        for ((from, to, function), behind) in foreign {
            let own = |oid: &Oid| *oid >= FIRST_NORMAL_OID;
            // a type of the database's own must occur; between two of PostgreSQL's own, any expression may cast
            let may_run = match (own(from), own(to)) {
                (true, _) => occurring.contains(from),
                (false, true) => occurring.contains(to),
                (false, false) => self.computes(),
            };
            if !may_run {
                continue;
            }
            self.scrub = true;
            let reads = |f: &Function| f.body.as_ref().is_some_and(|body| !body.is_closed(catalog));
            if let Some(function) = catalog.function(*function).filter(|f| reads(f)) {
                let message = format!("function \"{}\" behind {behind} may read relations", function.name);
                self.refuse(Reject::unclear("function", message));
            }
            if !self.profile.functions.contains(function) {
                let name = catalog.function(*function).map_or_else(|| "unknown".to_owned(), |f| f.name.to_string());
                let who = words::roles(self.profile);
                let reject = Reject::forbidden("function", format!("{who} may not use function \"{name}\" behind {behind}"));
                self.refuse(reject.hint(format!("'functions: [\"{name}\"]' in the role would allow it")));
            }
        }
    }

    /// Types of values that the statement may compute with: named ones, those of columns that are written or used otherwise than
    /// put out as they are, those that functions give; and the types that these are made of.
    fn occurring_types(&self) -> BTreeSet<Oid> {
        let named = self.analysis.types.iter().map(|(oid, _)| *oid).chain(self.analysis.declared.iter().copied());
        let functions = self.analysis.calls.iter().flat_map(|c| &c.candidates).filter_map(|oid| self.catalog.function(*oid));
        let given = functions.flat_map(|f| f.out_columns.iter().map(|(_, ty)| *ty).chain([f.returns]).chain(f.arg_types.iter().copied()));
        let columns =
            self.computed_with().map(|u| u.source).chain(self.analysis.writes.iter().map(|w| w.target)).filter_map(|s| self.type_of(s));
        let mut types = self.parts_of(named.chain(given).chain(columns).collect());
        // a column of the session's own may have any type where that is not known
        if self.computed_with().map(|u| u.source).any(|s| self.relation_of(s.instance).is_none() && self.type_of(s).is_none()) {
            types.extend(self.catalog.contents().types.iter().map(|t| t.oid));
        }
        types
    }

    /// Columns that are used otherwise than put out as they are.
    fn computed_with(&self) -> impl Iterator<Item = &Use> {
        self.analysis.uses.iter().filter(|u| !matches!(u.kind, UseKind::Output | UseKind::NullTest | UseKind::Count))
    }

    /// Types of such columns that are made of a domain whose constraints run what does not come with PostgreSQL: a text that stands for such a value is
    /// held against them (`ds || '{x}'`). Of the domain itself, only its base type is computed with.
    pub(super) fn checked_parts(&self) -> BTreeSet<Oid> {
        let held = |oid: &Oid| {
            let parts = self.parts_of(vec![*oid]);
            let domain = |part: &Oid| part != oid && self.catalog.type_info(*part).is_some_and(|t| t.base.is_some() && t.foreign_code);
            parts.iter().any(domain)
        };
        // what is stored has the types of the columns that it is stored in
        let used = self.computed_with().filter(|u| u.kind != UseKind::WriteSource);
        // PostgreSQL's own types are made of its own
        used.filter_map(|u| self.type_of(u.source)).filter(|oid| *oid >= FIRST_NORMAL_OID && held(oid)).collect()
    }

    /// These types and what they are made of.
    fn parts_of(&self, mut waiting: Vec<Oid>) -> BTreeSet<Oid> {
        let mut types: BTreeSet<Oid> = BTreeSet::new();
        while let Some(oid) = waiting.pop() {
            if types.insert(oid)
                && let Some(info) = self.catalog.type_info(oid)
            {
                let fields = self.catalog.relation(info.relation).into_iter().flat_map(|r| &r.columns).map(|column| column.ty.oid);
                waiting.extend([info.element].into_iter().chain(info.base.map(|(base, _)| base)).chain(fields));
            }
        }
        types
    }

    /// Whether anything is computed at all.
    fn computes(&self) -> bool {
        let a = self.analysis;
        !(a.uses.is_empty() && a.calls.is_empty() && a.types.is_empty() && a.writes.is_empty())
    }
}
