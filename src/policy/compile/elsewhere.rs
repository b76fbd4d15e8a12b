//! Relations that conditions on other relations look into (`EXISTS (SELECT … FROM staff …)`): who writes their rows decides what those
//! conditions say.

use std::collections::{BTreeMap, BTreeSet};

use super::relation::Maker;
use super::sql_text::{self, Words, read_by, words};
use crate::catalog::{ConstraintKind, Function, Oid, Relation, RelationKind};

impl Maker<'_> {
    /// The relations whose rows the principal's conditions on others may read, by name or through views, with all that is stored in them and all
    /// that they are stored in.
    pub(super) fn looked_into(&self) -> BTreeSet<Oid> {
        let texts = self.policy.relations.iter().filter_map(|(oid, bound)| {
            let text = self.own_rows(Some(bound)).unwrap_or_default() + &self.whens(Some(bound));
            // of its own partitions and parents it says what it says of itself
            (!text.is_empty()).then(|| (self.family(*oid), self.with_functions(words(&text), |_| true)))
        });
        let texts: Vec<(BTreeSet<Oid>, Words)> = texts.collect();
        let mut waiting: Vec<&Relation> = Vec::new();
        if !texts.is_empty() {
            let named = |r: &&Relation| texts.iter().any(|(of, words)| !of.contains(&r.oid) && words.identifiers.contains(&*r.name.name));
            waiting.extend(self.catalog.relations().filter(|r| r.oid >= crate::catalog::FIRST_NORMAL_OID).filter(named));
        }
        let mut found = BTreeSet::new();
        while let Some(relation) = waiting.pop() {
            if found.insert(relation.oid) {
                let below = relation.reads.iter().map(|(oid, _)| *oid);
                let below = below.filter(|_| matches!(relation.kind, RelationKind::View | RelationKind::MaterializedView));
                waiting.extend(below.chain(self.family(relation.oid)).filter_map(|oid| self.catalog.relation(oid)));
            }
        }
        found
    }

    /// Columns that a foreign key carries over into what the principal's conditions read where they are changed (`ON UPDATE CASCADE`).
    pub(super) fn carried(&self) -> BTreeMap<Oid, BTreeSet<i16>> {
        let mut carried: BTreeMap<Oid, BTreeSet<i16>> = BTreeMap::new();
        let keys = self.catalog.relations().flat_map(|r| r.constraints.iter().map(move |key| (r, key)));
        let followed = keys.filter_map(|(r, key)| match (&key.kind, &key.definition) {
            (ConstraintKind::Foreign(to), Some(text)) => {
                let read = self.reads(r);
                Some((r, &key.columns, read, *to, behind_references(text)))
            }
            _ => None,
        });
        let followed: Vec<_> = followed.collect();
        let mut more = true;
        while std::mem::take(&mut more) {
            for (relation, columns, read, to, names) in &followed {
                let moved = carried.get(&relation.oid);
                if columns.iter().any(|c| read.contains(c) || moved.is_some_and(|m| m.contains(c))) {
                    for target in self.family(*to).into_iter().filter_map(|oid| self.catalog.relation(oid)) {
                        let place = carried.entry(target.oid).or_default();
                        let before = place.len();
                        place.extend(read_by(target, names));
                        more |= place.len() > before;
                    }
                }
            }
        }
        carried
    }

    /// The columns of a relation that conditions read, on itself or on others.
    fn reads(&self, relation: &Relation) -> BTreeSet<i16> {
        if self.looked_into.contains(&relation.oid) {
            return relation.columns.iter().map(|c| c.number).collect();
        }
        let bound = self.family(relation.oid).into_iter().filter_map(|oid| self.policy.relations.get(&oid));
        let texts: String = bound.map(|b| self.own_rows(Some(b)).unwrap_or_default() + &self.whens(Some(b)) + " ").collect();
        read_by(relation, &texts)
    }

    /// The words of a text and of what the functions run that it names, and those that these name, as far as that is SQL or in a language like it.
    pub(super) fn with_functions(&self, mut words: Words, is_read: impl Fn(&Function) -> bool) -> Words {
        let mut waiting: Vec<String> = words.identifiers.iter().cloned().collect();
        while let Some(name) = waiting.pop() {
            for text in self.catalog.functions_named(&name).filter(|f| is_read(f)).filter_map(Function::text) {
                let more = sql_text::words(text).identifiers.into_iter();
                waiting.extend(more.filter(|word| words.identifiers.insert(word.clone())));
            }
        }
        words
    }

    /// A relation, what inherits from it, and what it inherits from.
    fn family(&self, oid: Oid) -> BTreeSet<Oid> {
        let mut family: BTreeSet<Oid> = self.catalog.with_descendants(oid).into_iter().collect();
        let mut waiting = vec![oid];
        while let Some(relation) = waiting.pop().and_then(|oid| self.catalog.relation(oid)) {
            waiting.extend(relation.parents.iter().copied().filter(|parent| family.insert(*parent)));
        }
        family
    }
}

/// The columns that a foreign key refers to, in its definition.
fn behind_references(definition: &str) -> &str {
    let behind = definition.split_once(" REFERENCES ").map_or(definition, |(_, behind)| behind);
    behind.split_once('(').map_or(behind, |(_, behind)| behind.rsplit_once(')').map_or(behind, |(names, _)| names))
}
