//! Partitions and inheritance children that are to be stricter than their parent: queried through the parent that could not hold
//! (policy.md, "Partitions and inheritance children").

use super::{Examined, named, seen};
use crate::base::Diagnostic;
use crate::policy::profile::Outcome;

impl Examined<'_> {
    pub(super) fn partitions(&mut self) {
        let mut found = Vec::new();
        for role in &self.roles {
            for (child, of) in self.relations(role) {
                for parent in child.parents.iter().filter_map(|oid| self.catalog.relation(*oid)) {
                    let pairs = child.columns.iter().filter_map(|c| Some((c, parent.column(&c.name)?)));
                    for (own, above) in pairs {
                        let mut pairs = vec![(None, seen(role, child.oid, own), seen(role, parent.oid, above))];
                        for path in role.profile.paths(child.oid, own.number) {
                            let paths = role.profile.paths(parent.oid, above.number);
                            let read = paths.iter().find(|p| p.inside == path.inside).map_or(Outcome::Clear, |p| p.read.clone());
                            pairs.push((Some(path), path.read.clone(), read));
                        }
                        for (path, below, above_it) in pairs {
                            if strictness(&below) <= strictness(&above_it) {
                                continue;
                            }
                            let inside = path.map_or_else(String::new, |p| format!(".{}", p.text));
                            let message = format!(
                                "'{}{inside}' is stricter for role '{}' than '{}{inside}', which shows the same rows",
                                named(child, own),
                                role.role.name,
                                named(parent, above)
                            );
                            let place = self.policy.rule_place((role.at, role.role), child.oid, own, path);
                            let error = Diagnostic::error(place.unwrap_or_else(|| role.role.place.clone()), message);
                            found.push(error.help(format!("say it of '{}'", parent.name)));
                        }
                    }
                    if of.rows.is_some() && role.profile.rows(parent.oid).is_none() {
                        let message = format!(
                            "the condition on rows of '{}' does not hold for role '{}' through '{}', which shows them too",
                            child.name, role.role.name, parent.name
                        );
                        found.push(Diagnostic::error(role.role.place.clone(), message).help(format!("say it of '{}'", parent.name)));
                    }
                }
            }
        }
        found.into_iter().for_each(|d| self.say(d));
    }
}

fn strictness(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Clear => 0,
        Outcome::Masked(_) | Outcome::Conditional(_) => 1,
        Outcome::Absent(_) => 2,
    }
}
