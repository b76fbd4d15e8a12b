//! What `check --against` says of a policy over a database beside what stops a start: masks that do not fit, conditions whose
//! names do not resolve, partitions that cannot hold what is said of them, columns that look personal and have no class, and every
//! leak that was accepted on purpose. One file a question; nothing here decides what a session may do.

mod conditions;
mod defaults;
mod documents;
mod dump;
mod fit;
mod leaks;
mod names;
mod partitions;
mod personal;
mod triggers;

#[cfg(test)]
mod tests;

pub use conditions::examine_conditions;

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::bind::BoundPolicy;
use super::model::RoleEntry;
use super::profile::{Outcome, Principal, Profile, RelationProfile};
use crate::base::{Diagnostic, Diagnostics};
use crate::catalog::{Catalog, Column, Constraint, Oid, Relation, Trigger};

/// A governed role by itself, as a login would have it that is in no other.
#[derive(Debug)]
struct Alone<'a> {
    /// Its position in the model.
    at: usize,
    role: &'a RoleEntry,
    profile: Profile,
}

/// Everything that is looked at.
struct Examined<'a> {
    policy: &'a BoundPolicy,
    catalog: &'a Catalog,
    triggers: &'a [Trigger],
    roles: Vec<Alone<'a>>,
    today: Date,
    found: Diagnostics,
}

/// Looks a bound policy over: every finding of all questions. Errors are what a start refuses or cannot hold, warnings what somebody
/// should look at, notes what was accepted on purpose.
#[must_use]
pub fn examine(policy: &BoundPolicy, catalog: &Catalog, triggers: &[Trigger], today: Date) -> Diagnostics {
    let roles = policy.model.roles.iter().enumerate().filter(|(_, role)| !role.unrestricted);
    let roles = roles.map(|(at, role)| Alone { at, role, profile: alone(policy, role, catalog) }).collect();
    let mut examined = Examined { policy, catalog, triggers, roles, today, found: Diagnostics::default() };
    examined.fit();
    examined.documents();
    examined.names();
    examined.partitions();
    examined.personal();
    examined.triggers();
    examined.defaults();
    examined.leaks();
    examined.dump();
    examined.found
}

/// Whether a role has ended does not matter to what it says.
fn alone(policy: &BoundPolicy, role: &RoleEntry, catalog: &Catalog) -> Profile {
    let principal = Principal { roles: vec![role.name.clone()], ..Principal::default() };
    policy.profile(&principal, catalog, Date::MIN)
}

impl<'a> Examined<'a> {
    fn say(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// The relations that a role has something to say of, in the order of their names.
    fn relations(&self, role: &'a Alone<'a>) -> Vec<(&'a Relation, &'a RelationProfile)> {
        let own = role.profile.relations.iter().filter_map(|(oid, of)| Some((self.catalog.relation(*oid)?, of)));
        let mut relations: Vec<_> = own.filter(|(r, _)| self.policy.known.contains_key(&r.oid)).collect();
        relations.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        relations
    }

    /// Who is in more than one governed role: each set of roles once, with one login that has it.
    fn joined(&self) -> BTreeMap<Vec<&'a str>, &'a str> {
        let mut joined = BTreeMap::new();
        for login in self.catalog.contents().roles.iter().filter(|r| r.can_login) {
            let Some(principal) = self.policy.principal(&login.name, None, self.catalog, self.today) else { continue };
            let model = &self.policy.model.roles;
            let roles: Vec<&str> = model.iter().filter(|r| principal.roles.contains(&r.name)).map(|r| &*r.name).collect();
            let free = model.iter().any(|r| r.unrestricted && principal.roles.contains(&r.name));
            if roles.len() > 1 && !free {
                joined.entry(roles).or_insert(&*login.name);
            }
        }
        joined
    }
}

/// The columns that a constraint is about, expressions left out.
fn constrained<'a>(relation: &'a Relation, constraint: &'a Constraint) -> impl Iterator<Item = &'a Column> {
    constraint.columns.iter().filter_map(|number| relation.column_number(*number))
}

/// `public.users.email`.
fn named(relation: &Relation, column: &Column) -> String {
    relation.name.column(&column.name)
}

/// What a role alone sees of a column.
fn seen(role: &Alone<'_>, relation: Oid, column: &Column) -> Outcome {
    role.profile.read(relation, column.number)
}
