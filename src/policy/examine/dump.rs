//! Masks that make a dump which cannot be loaded again: on unique, checked, not-null and foreign-key columns
//! (semantics.md, "COPY").

use super::{Alone, Examined, constrained, named, seen};
use crate::base::Diagnostic;
use crate::catalog::{Column, ConstraintKind, Relation, RelationKind};
use crate::policy::profile::{MaskRule, Outcome};

impl Examined<'_> {
    pub(super) fn dump(&mut self) {
        let mut found = Vec::new();
        for role in &self.roles {
            for (relation, _) in self.relations(role) {
                if matches!(relation.kind, RelationKind::Table | RelationKind::Partitioned) {
                    self.undone(role, relation, &mut found);
                }
            }
        }
        found.into_iter().for_each(|d| self.say(d));
    }

    /// Constraints that the masked values would break.
    fn undone(&self, role: &Alone<'_>, relation: &Relation, found: &mut Vec<Diagnostic>) {
        let mut say = |column: &Column, why: &str| {
            let message =
                format!("a dump by role '{}' could not be loaded: '{}' is masked and {why}", role.role.name, named(relation, column));
            found.push(Diagnostic::note(role.role.place.clone(), message));
        };
        for column in relation.columns.iter().filter(|c| c.not_null) {
            if masked(role, relation, column).is_some_and(|m| m.mask.laws(&column.ty).is_some_and(|l| !l.always)) {
                say(column, "must not be NULL");
            }
        }
        for constraint in &relation.constraints {
            let broken = |column: &&Column| {
                let Some(rule) = masked(role, relation, column) else { return false };
                let injective = rule.mask.laws(&column.ty).is_some_and(|l| l.injective);
                match constraint.kind {
                    ConstraintKind::Primary | ConstraintKind::Unique => !injective,
                    ConstraintKind::Check | ConstraintKind::Foreign(_) => true,
                    ConstraintKind::Other => false,
                }
            };
            let why = match &constraint.kind {
                ConstraintKind::Primary | ConstraintKind::Unique => "unique".to_owned(),
                ConstraintKind::Check => format!("checked by \"{}\"", constraint.name),
                ConstraintKind::Foreign(target) => {
                    format!("refers to '{}'", self.catalog.relation(*target).map(|r| r.name.to_string()).unwrap_or_default())
                }
                ConstraintKind::Other => continue,
            };
            if let Some(column) = constrained(relation, constraint).find(broken) {
                say(column, &why);
            }
        }
    }
}

fn masked(role: &Alone<'_>, relation: &Relation, column: &Column) -> Option<MaskRule> {
    match seen(role, relation.oid, column) {
        Outcome::Masked(rule) => Some(rule),
        Outcome::Clear | Outcome::Conditional(_) | Outcome::Absent(_) => None,
    }
}
