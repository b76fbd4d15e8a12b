//! Masks that do not fit the type of a column that they are for: it is denied (policy.md, "Fit").

use super::{Alone, Examined, named, seen};
use crate::base::Diagnostic;
use crate::catalog::{Catalog, Column, Oid, Relation};
use crate::policy::profile::{Absence, DocumentPath, Inside, Outcome};

impl Examined<'_> {
    pub(super) fn fit(&mut self) {
        let mut found = Vec::new();
        for role in &self.roles {
            for (relation, _) in self.relations(role) {
                for column in &relation.columns {
                    let whole = seen(role, relation.oid, column);
                    let paths = role.profile.paths(relation.oid, column.number);
                    let inside: Vec<_> = paths.iter().filter_map(|p| Some((Some(p), misfit(&p.read)?))).collect();
                    // what does not fit a field denies its column
                    let own = misfit(&whole).filter(|mask| !inside.iter().any(|(p, m)| m == mask && p.is_some_and(is_field)));
                    for (path, mask) in own.map(|mask| (None, mask)).into_iter().chain(inside) {
                        found.push(self.misfit(role, relation, column, path, mask));
                    }
                }
            }
        }
        found.into_iter().for_each(|d| self.say(d));
    }

    fn misfit(&self, role: &Alone<'_>, relation: &Relation, column: &Column, path: Option<&DocumentPath>, mask: &str) -> Diagnostic {
        let (ty, name) = (type_name(self.catalog, column), named(relation, column));
        let (name, what) = match path {
            Some(path) if is_field(path) => {
                (format!("{name}.{}", path.text), format!("field '{name}.{}' of a value of type {ty}", path.text))
            }
            Some(path) => (format!("{name}.{}", path.text), format!("values in documents of type {ty}, at '{name}.{}'", path.text)),
            None => (name.clone(), format!("column '{name}' of type {ty}")),
        };
        let message = format!("mask '{mask}' does not fit {what}, so role '{}' is denied it", role.role.name);
        let place = self.policy.rule_place((role.at, role.role), relation.oid, column, path);
        let error = Diagnostic::error(place.unwrap_or_else(|| role.role.place.clone()), message);
        if path.is_some_and(is_field) {
            return error.help("a mask for the field's type, which is no domain: a mask need not satisfy its constraints");
        }
        error.help(format!("a rule on '{name}' itself: {{ mask: redact }}, {{ mask: null }}, allow or deny"))
    }
}

fn is_field(path: &DocumentPath) -> bool {
    matches!(path.inside, Inside::Field(_))
}

/// The mask that does not fit.
fn misfit(outcome: &Outcome) -> Option<&str> {
    if let Outcome::Absent(Absence::Misfit { mask }) = outcome { Some(mask) } else { None }
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
