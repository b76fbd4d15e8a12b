//! What tells one principal's rights from another's: a hash of all that was decided, and of nothing that decides nothing. A catalog that
//! changes elsewhere leaves it as it is.

use sha2::{Digest as _, Sha256};

use super::verdict::Role;
use crate::policy::model::ReadRule;
use crate::policy::profile::{Absence, MaskRule, Outcome, Profile, ProfileId, RelationProfile};

/// Parts, each with its length before it, so that no two lists of parts are one text.
struct Parts(Sha256);

impl Parts {
    fn text(&mut self, text: &str) {
        self.0.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn number(&mut self, number: usize) {
        self.0.update(u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.0.update([u8::from(flag)]);
    }

    fn optional(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        self.text(text.unwrap_or_default());
    }

    fn absence(&mut self, absence: &Absence) {
        self.text(&format!("{absence:?}"));
    }

    /// What the mask does stands in the roles' rules, and its key in the seed.
    fn mask(&mut self, rule: &MaskRule) {
        let MaskRule { name, mask: _, reveal, role } = rule;
        self.text(name);
        self.text(role);
        [reveal.lookup, reveal.equality, reveal.order].into_iter().for_each(|r| self.flag(r));
    }

    fn outcome(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Clear => self.text("clear"),
            Outcome::Masked(rule) => {
                self.text("masked");
                self.mask(rule);
            }
            Outcome::Conditional(condition) => {
                self.text("conditional");
                self.text(&condition.when);
                self.outcome(&condition.then);
                self.outcome(&condition.otherwise);
            }
            Outcome::Absent(absence) => {
                self.text("absent");
                self.absence(absence);
            }
        }
    }

    fn relation(&mut self, relation: &RelationProfile) {
        let RelationProfile { columns, other_columns, rows, delete } = relation;
        let mut sorted: Vec<_> = columns.iter().collect();
        sorted.sort_unstable_by_key(|(number, _)| **number);
        self.number(sorted.len());
        for (number, column) in sorted {
            self.0.update(number.to_be_bytes());
            self.outcome(&column.read);
            self.flag(column.write);
            self.optional(column.class.as_deref());
            // where the masked fields stand
            let row = column.document.as_ref().and_then(|d| d.row.as_ref());
            self.optional(row.map(|row| format!("{row:?}")).as_deref());
        }
        self.flag(other_columns.is_some());
        if let Some(absence) = other_columns {
            self.absence(absence);
        }
        self.optional(rows.as_ref().map(|r| &*r.sql));
        self.flag(*delete);
    }
}

/// Of everything that is decided. The login is in it where a condition reads who it is, or its rights at the server count.
pub(super) fn identity(seed: &[u8; 32], roles: &[Role<'_>], profile: &Profile) -> ProfileId {
    let Profile {
        id: _,
        principal,
        unrestricted,
        star_refuse,
        relations,
        views,
        looked_into,
        raw_defaults,
        unclassified_deny,
        functions,
        statements,
        listen,
        last_day: _,
    } = profile;
    let mut parts = Parts(Sha256::new());
    parts.0.update(seed);
    for (_, role) in roles {
        parts.text(&role.name);
        parts.number(role.read.len());
        for rule in &role.read {
            parts.text(&format!("{:?} {:?}", rule.target, rule.value));
        }
    }
    let conditional = |role: &Role<'_>| !role.1.rows.is_empty() || role.1.read.iter().any(|r| matches!(r.value, ReadRule::When(_)));
    // a definition in its view's place runs with the login's rights at the server
    parts.optional((roles.iter().any(conditional) || !views.is_empty()).then_some(&*principal.login));
    [unrestricted, star_refuse, unclassified_deny].into_iter().for_each(|f| parts.flag(*f));
    let mut sorted: Vec<_> = relations.iter().collect();
    sorted.sort_unstable_by_key(|(oid, _)| **oid);
    parts.number(sorted.len());
    for (oid, relation) in sorted {
        parts.0.update(oid.0.to_be_bytes());
        parts.relation(relation);
    }
    for oids in [looked_into, functions] {
        parts.number(oids.len());
        oids.iter().for_each(|oid| parts.0.update(oid.0.to_be_bytes()));
    }
    parts.text(&format!("{statements:?} {raw_defaults:?}"));
    parts.number(listen.len());
    listen.iter().for_each(|channel| parts.text(channel));
    let digest: [u8; 32] = parts.0.finalize().into();
    ProfileId(digest.iter().take(8).fold(0_u64, |id, byte| id << 8 | u64::from(*byte)))
}
