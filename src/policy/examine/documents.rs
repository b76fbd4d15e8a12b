//! Paths into documents, and fields of composite values, that are to show more than what is around them: they only take away, so they show
//! nothing (ADR 0029). And fields that take the whole column with them (ADR 0036).

use super::{Examined, named};
use crate::base::Diagnostic;
use crate::policy::profile::{Absence, Document, DocumentPath, Outcome};

impl Examined<'_> {
    pub(super) fn documents(&mut self) {
        let mut found = Vec::new();
        for role in &self.roles {
            for (relation, of) in self.relations(role) {
                for column in &relation.columns {
                    let Some(document) = of.columns.get(&column.number).and_then(|c| c.document.as_ref()) else { continue };
                    if let Some(field) = denying(document) {
                        let (name, place) =
                            (named(relation, column), self.policy.rule_place((role.at, role.role), relation.oid, column, Some(field)));
                        let message = format!(
                            "role '{}' is denied '{name}.{}', and with it '{name}', since a value has all fields of its type",
                            role.role.name, field.text
                        );
                        let warning = Diagnostic::warning(place.unwrap_or_else(|| role.role.place.clone()), message);
                        found.push(warning.help("the mask 'null' leaves the others to be seen"));
                    }
                    for path in document.paths.iter().filter(|p| !p.read.is_veiled()) {
                        let Some(around) = around(document, path) else { continue };
                        let name = named(relation, column);
                        let message = format!(
                            "role '{}' is allowed '{name}.{}', but sees nothing in '{name}{around}', which is masked or denied as a whole",
                            role.role.name, path.text
                        );
                        let place = self.policy.rule_place((role.at, role.role), relation.oid, column, Some(path));
                        let warning = Diagnostic::warning(place.unwrap_or_else(|| role.role.place.clone()), message);
                        let parts = if document.row.is_some() { "fields" } else { "paths" };
                        found.push(
                            warning.help(format!("give a class to the {parts} that are to be masked, and none to what is around them")),
                        );
                    }
                }
            }
        }
        found.into_iter().for_each(|d| self.say(d));
    }
}

/// A field that takes its column with it, where that could be seen otherwise. What does not fit is an error of its own.
fn denying(document: &Document) -> Option<&DocumentPath> {
    let fields = document.paths.iter().filter(|_| document.row.is_some() && !matches!(document.whole, Outcome::Absent(_)));
    let denied = |read: &Outcome| matches!(read, Outcome::Absent(why) if !matches!(why, Absence::Misfit { .. }));
    fields.into_iter().find(|field| denied(&field.read))
}

/// What is veiled around a path: the column, or a path that leads to it.
fn around(document: &Document, path: &DocumentPath) -> Option<String> {
    if document.whole.is_veiled() {
        return Some(String::new());
    }
    let above = |p: &&DocumentPath| p.read.is_veiled() && p.inside.is_around(&path.inside);
    document.paths.iter().find(above).map(|p| format!(".{}", p.text))
}
