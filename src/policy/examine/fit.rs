//! Masks that do not fit the type of a column that they are for: it is denied (policy.md, "Fit").

use super::{Alone, Examined, named, seen};
use crate::base::Diagnostic;
use crate::catalog::{Catalog, Column, Oid, Relation};
use crate::policy::profile::{Absence, Outcome};

impl Examined<'_> {
    pub(super) fn fit(&mut self) {
        let mut found = Vec::new();
        for role in &self.roles {
            for (relation, _) in self.relations(role) {
                for column in &relation.columns {
                    if let Outcome::Absent(Absence::Misfit { mask }) = seen(role, relation.oid, column) {
                        found.push(self.misfit(role, relation, column, &mask));
                    }
                }
            }
        }
        found.into_iter().for_each(|d| self.say(d));
    }

    fn misfit(&self, role: &Alone<'_>, relation: &Relation, column: &Column, mask: &str) -> Diagnostic {
        let ty = type_name(self.catalog, column);
        let message = format!(
            "mask '{mask}' does not fit column '{}' of type {ty}, so role '{}' is denied it",
            named(relation, column),
            role.role.name
        );
        let place = self.policy.rule_place((role.at, role.role), relation.oid, column);
        let error = Diagnostic::error(place.unwrap_or_else(|| role.role.place.clone()), message);
        error.help(format!("a rule on '{}' itself: {{ mask: redact }}, {{ mask: null }}, allow or deny", named(relation, column)))
    }
}

/// A type as people write it.
pub(super) fn type_name(catalog: &Catalog, column: &Column) -> String {
    let length = column.ty.max_chars.map_or_else(String::new, |n| format!("({n})"));
    let Some(info) = catalog.type_info(column.ty.oid) else { return format!("{}{length}", column.ty.oid.0) };
    let array = info.element != Oid(0);
    let element = if array { catalog.type_info(info.element).unwrap_or(info) } else { info };
    let name = if &*element.name.schema == "pg_catalog" { element.name.name.to_string() } else { element.name.to_string() };
    format!("{name}{length}{}", if array { "[]" } else { "" })
}
