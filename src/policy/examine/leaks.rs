//! Leaks that the policy accepts on purpose, each by name (semantics.md, "Accepted residue"): they are right as written, and a
//! security officer wants to see them on one page.

use std::collections::BTreeSet;

use super::{Alone, Examined, constrained, named, seen};
use crate::base::Diagnostic;
use crate::catalog::{ConstraintKind, Relation, reaches};
use crate::policy::model::ReadRule;
use crate::policy::profile::{Outcome, StatementRight};

impl Examined<'_> {
    pub(super) fn leaks(&mut self) {
        let mut found = Vec::new();
        for role in &self.roles {
            reveals(role, &mut found);
            if role.role.statements.contains(&StatementRight::Code) {
                let message = format!(
                    "accepted leak: role '{}' may create functions ('code'), so it can read everything that its logins can on the server",
                    role.role.name
                );
                found.push(Diagnostic::note(role.role.place.clone(), message));
            }
            self.reaching(role, &mut found);
            self.order(role, &mut found);
            for (relation, _) in self.relations(role) {
                self.probes(role, relation, &mut found);
            }
        }
        self.joins(&mut found);
        found.into_iter().for_each(|d| self.say(d));
    }

    /// Functions of extensions that read what no veil covers.
    fn reaching(&self, role: &Alone<'_>, found: &mut Vec<Diagnostic>) {
        let given = role.profile.functions.iter().filter_map(|oid| self.catalog.function(*oid));
        let named = given.filter_map(|f| Some((f.extension.as_deref().filter(|e| reaches(e, &f.name.name))?, &*f.name.name)));
        for (extension, function) in named.collect::<BTreeSet<_>>() {
            let message = format!(
                "accepted leak: role '{}' may call '{function}' of extension '{extension}', which reads past every veil",
                role.role.name
            );
            found.push(Diagnostic::note(role.role.place.clone(), message));
        }
    }

    /// Pseudonyms that are grouped, joined and partitioned by: PostgreSQL may sort by the value itself to do so, and rows come as they were sorted.
    fn order(&self, role: &Alone<'_>, found: &mut Vec<Diagnostic>) {
        let keeps = |relation: &Relation, c: &crate::catalog::Column| match seen(role, relation.oid, c) {
            Outcome::Masked(rule) => rule.mask.laws(&c.ty).is_some_and(|laws| laws.injective) && !rule.reveal.order,
            Outcome::Clear | Outcome::Conditional(_) | Outcome::Absent(_) => false,
        };
        let relations = self.relations(role);
        let columns = relations.iter().flat_map(|(r, _)| r.columns.iter().map(|c| (*r, c))).filter(|(r, c)| keeps(r, c));
        let (written, read): (Vec<_>, Vec<_>) = columns.partition(|(r, c)| role.profile.write(r.oid, c.number));
        for (columns, also) in [(read, ""), (written, ", and who writes it can find a value by that")] {
            let Some((relation, column)) = columns.first() else { continue };
            let others = if columns.len() == 1 { String::new() } else { format!(" and {} more", columns.len() - 1) };
            let message = format!(
                "accepted leak: role '{}' may group and join by the pseudonyms of '{}'{others}: rows may come in the order of the original values{also}",
                role.role.name,
                named(relation, column)
            );
            found.push(Diagnostic::note(role.role.place.clone(), message));
        }
    }

    /// Constraints that tell a writer what it may not see.
    fn probes(&self, role: &Alone<'_>, relation: &Relation, found: &mut Vec<Diagnostic>) {
        let writes = |c: &&crate::catalog::Column| role.profile.write(relation.oid, c.number);
        for constraint in &relation.constraints {
            let unique = matches!(constraint.kind, ConstraintKind::Primary | ConstraintKind::Unique);
            let columns: Vec<_> = constrained(relation, constraint).collect();
            let veiled = columns.iter().find(|c| seen(role, relation.oid, c).is_veiled());
            if let (true, Some(column)) = (unique && columns.iter().all(writes), veiled) {
                let message = format!(
                    "accepted leak: role '{}' may write '{}', which is unique, and so learns whether a value is taken (23505)",
                    role.role.name,
                    named(relation, column)
                );
                found.push(Diagnostic::note(role.role.place.clone(), message));
            }
            if let ConstraintKind::Foreign(target) = constraint.kind
                && columns.iter().all(writes)
                && let (Some(to), Some(column)) = (self.catalog.relation(target), columns.first())
                && hides_rows(role, to)
            {
                let message = format!(
                    "accepted leak: role '{}' may write '{}', which refers to '{}', and so learns whether a row is there (23503)",
                    role.role.name,
                    named(relation, column),
                    to.name
                );
                found.push(Diagnostic::note(role.role.place.clone(), message));
            }
        }
    }

    /// What is joined where a login is in several roles.
    fn joins(&self, found: &mut Vec<Diagnostic>) {
        for (roles, login) in self.joined() {
            let with: Vec<&Alone<'_>> = self.roles.iter().filter(|r| roles.contains(&&*r.role.name)).collect();
            let Some(last) = with.last() else { continue };
            let names = roles.iter().map(|r| format!("'{r}'")).collect::<Vec<_>>().join(", ");
            let relations: BTreeSet<_> = with.iter().flat_map(|r| r.profile.relations.keys().copied()).collect();
            for relation in relations.iter().filter_map(|oid| self.catalog.relation(*oid)) {
                if with.iter().filter(|r| r.profile.rows(relation.oid).is_some()).count() > 1 {
                    let message = format!(
                        "accepted leak: login '{login}' is in {names}: their conditions on rows of '{}' are joined with OR",
                        relation.name
                    );
                    found.push(Diagnostic::note(last.role.place.clone(), message));
                }
                for column in &relation.columns {
                    let masks: BTreeSet<String> = with.iter().filter_map(|r| mask(&seen(r, relation.oid, column))).collect();
                    let clear = with.iter().any(|r| !seen(r, relation.oid, column).is_veiled());
                    if masks.len() > 1 && !clear {
                        let masks = masks.into_iter().collect::<Vec<_>>().join(", ");
                        let message =
                            format!("login '{login}' is in {names}, which mask '{}' differently ({masks})", named(relation, column));
                        found.push(
                            Diagnostic::warning(last.role.place.clone(), message).help("the role that stands first in the policy decides"),
                        );
                    }
                }
            }
        }
    }
}

/// Whether a role cannot tell by reading a relation which rows it has: some do not exist for it, or their key is veiled.
fn hides_rows(role: &Alone<'_>, relation: &Relation) -> bool {
    let keys = relation.constraints.iter().filter(|c| c.kind == ConstraintKind::Primary);
    let veiled = keys.flat_map(|key| constrained(relation, key)).any(|c| seen(role, relation.oid, c).is_veiled());
    veiled || role.profile.rows(relation.oid).is_some()
}

fn mask(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Masked(rule) => Some(rule.name.to_string()),
        Outcome::Clear | Outcome::Conditional(_) | Outcome::Absent(_) => None,
    }
}

/// Rules that give up something of their mask.
fn reveals(role: &Alone<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &role.role.read {
        let mut given = Vec::new();
        revealed(&rule.value, &mut given);
        for word in given {
            let what = match word {
                "lookup" => "finds rows by the raw value (lookup)",
                "equality" => "joins and groups by the raw value (equality)",
                _ => "sorts and compares by the raw value (order)",
            };
            let message = format!("accepted leak: role '{}' {what} where this rule holds", role.role.name);
            found.push(Diagnostic::note(rule.place.clone(), message));
        }
    }
}

fn revealed(rule: &ReadRule, given: &mut Vec<&'static str>) {
    match rule {
        ReadRule::Allow | ReadRule::Deny => {}
        ReadRule::Mask(used) => given.extend(used.reveal.words()),
        ReadRule::When(when) => {
            revealed(&when.then, given);
            revealed(&when.otherwise, given);
        }
    }
}
