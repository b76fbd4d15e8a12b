//! Conditions of a policy (`rows`, `when`) that can raise an error on some row: raw data decides whether, so a client would learn from it
//! (policy.md, "Rows").

use crate::base::{Diagnostic, Diagnostics, Place};
use crate::policy::load::Policy;
use crate::policy::model::ReadRule;

/// What `check` refuses in the conditions of all documents.
#[must_use]
pub fn examine_conditions(policy: &Policy) -> Diagnostics {
    let mut found = Diagnostics::default();
    for role in policy.models().flat_map(|m| &m.roles) {
        for rows in &role.rows {
            raises(&rows.sql, &rows.place, &mut found);
        }
        for rule in &role.read {
            branches(&rule.value, &rule.place, &mut found);
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.0.retain(|d| seen.insert(d.to_string()));
    found
}

fn branches(rule: &ReadRule, place: &Place, found: &mut Diagnostics) {
    if let ReadRule::When(when) = rule {
        raises(&when.sql, place, found);
        branches(&when.then, place, found);
        branches(&when.otherwise, place, found);
    }
}

fn raises(sql: &str, place: &Place, found: &mut Diagnostics) {
    // What cannot be read did not load.
    for what in crate::sql::condition(sql).unwrap_or_default() {
        let error = Diagnostic::error(
            place.clone(),
            format!("{what} in this condition can raise an error on some row, which tells of its raw value"),
        );
        found.push(error.help("put it into a CASE that is reached only where it cannot fail"));
    }
}
