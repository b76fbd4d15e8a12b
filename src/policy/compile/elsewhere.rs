//! Relations that conditions on other relations look into (`EXISTS (SELECT … FROM staff …)`): who writes their rows decides what those
//! conditions say.

use std::collections::BTreeSet;

use super::relation::Maker;
use super::sql_text::{Words, words};
use crate::catalog::{Oid, Relation, RelationKind};

impl Maker<'_> {
    /// The relations whose rows the principal's conditions on others may read, by name or through views, with all that is stored in them and all
    /// that they are stored in.
    pub(super) fn looked_into(&self) -> BTreeSet<Oid> {
        let texts = self.policy.relations.iter().filter_map(|(oid, bound)| {
            let text = self.own_rows(Some(bound)).unwrap_or_default() + &self.whens(Some(bound));
            (!text.is_empty()).then(|| (*oid, words(&text)))
        });
        let texts: Vec<(Oid, Words)> = texts.collect();
        let mut waiting: Vec<&Relation> = Vec::new();
        if !texts.is_empty() {
            let named = |r: &&Relation| texts.iter().any(|(of, words)| *of != r.oid && words.identifiers.contains(&*r.name.name));
            waiting.extend(self.catalog.relations().filter(|r| r.oid >= crate::catalog::FIRST_NORMAL_OID).filter(named));
        }
        let mut found = BTreeSet::new();
        while let Some(relation) = waiting.pop() {
            if found.insert(relation.oid) {
                let below = relation.reads.iter().map(|(oid, _)| *oid);
                let below = below.filter(|_| matches!(relation.kind, RelationKind::View | RelationKind::MaterializedView));
                let family = relation.parents.iter().copied().chain(self.catalog.with_descendants(relation.oid));
                waiting.extend(below.chain(family).filter_map(|oid| self.catalog.relation(oid)));
            }
        }
        found
    }
}
