//! Conditions (`rows`, `when`) whose names the database does not resolve, or that the proxy does not understand: each statement that needs
//! one would be refused.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::{Alone, Examined};
use crate::base::{Diagnostic, Place, quote_ident};
use crate::catalog::{Catalog, Function, Relation};
use crate::policy::profile::Outcome;
use crate::sql::{self, Checked, Context};

/// More than any condition has that a policy may hold, and the name of a relation.
const LIMIT: usize = 32 << 10;

impl Examined<'_> {
    pub(super) fn names(&mut self) {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for role in &self.roles {
            for (relation, _) in self.relations(role) {
                for (sql, place) in self.conditions(role, relation) {
                    if !seen.insert((relation.oid, Arc::clone(&sql))) {
                        continue;
                    }
                    match calls(self.catalog, relation, &sql) {
                        Ok(called) => found.extend(called.into_iter().filter(|f| hangs_on_a_path(f)).map(|f| hanging(f, &place))),
                        Err(reject) => {
                            let message = format!("this condition cannot be used for '{}': {}", relation.name, reject.message);
                            let error = Diagnostic::error(place, message);
                            found.push(match reject.hint {
                                Some(hint) => error.help(hint),
                                None => error,
                            });
                        }
                    }
                }
            }
        }
        found.into_iter().for_each(|d| self.say(d));
    }

    /// What a role has for a relation, each with its place.
    fn conditions(&self, role: &Alone<'_>, relation: &Relation) -> Vec<(Arc<str>, Place)> {
        let rows = self.policy.relations.get(&relation.oid).and_then(|b| b.roles.get(role.at)?.rows);
        let rows = rows.and_then(|at| role.role.rows.get(at)).map(|rows| (Arc::clone(&rows.sql), rows.place.clone()));
        let mut all: Vec<_> = rows.into_iter().collect();
        for column in &relation.columns {
            let mut texts = Vec::new();
            whens(&role.profile.read(relation.oid, column.number), &mut texts);
            let place =
                || self.policy.rule_place((role.at, role.role), relation.oid, column, None).unwrap_or_else(|| role.role.place.clone());
            all.extend(texts.into_iter().map(|sql| (sql, place())));
        }
        all
    }
}

fn whens(outcome: &Outcome, texts: &mut Vec<Arc<str>>) {
    if let Outcome::Conditional(condition) = outcome {
        texts.push(Arc::clone(&condition.when));
        whens(&condition.then, texts);
        whens(&condition.otherwise, texts);
    }
}

/// Whether a function's names mean what each session's `search_path` makes of them.
fn hangs_on_a_path(function: &Function) -> bool {
    function.text().is_some() && !function.own_path
}

fn hanging(function: &Function, place: &Place) -> Diagnostic {
    let message =
        format!("this condition calls function '{}', whose names mean what each session's search_path makes of them", function.name);
    Diagnostic::warning(place.clone(), message).help("ALTER FUNCTION … SET search_path = …, pg_temp")
}

/// The functions that it may call, as a veil resolves it: under a path of `pg_catalog` and the relation's schema.
fn calls<'c>(catalog: &'c Catalog, relation: &Relation, condition: &str) -> Checked<Vec<&'c Function>> {
    let (schema, name) = (&relation.name.schema, &relation.name.name);
    let text = format!("SELECT 1 FROM {}.{} WHERE (\n{condition}\n)", quote_ident(schema), quote_ident(name));
    let path = ["pg_catalog".into(), schema.clone()];
    let says = BTreeMap::from([("pgscrim.user".into(), Arc::from(""))]);
    let context = Context { says: Some(&says), ..Context::bare(catalog, &path) };
    let mut called = BTreeSet::new();
    for mut statement in sql::read(&text, LIMIT)?.statements {
        let analysis = sql::analyse(&mut statement, context).map_err(|(reject, _)| reject)?;
        called.extend(analysis.calls.into_iter().flat_map(|c| c.candidates));
    }
    Ok(called.into_iter().filter_map(|oid| catalog.function(oid)).collect())
}
