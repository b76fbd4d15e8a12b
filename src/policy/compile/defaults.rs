//! Defaults of columns that call functions which may read what is veiled. Such a function runs with the rights of who inserts, and what it read shows
//! in the new row.

use std::collections::{BTreeMap, BTreeSet};

use super::relation::Maker;
use super::sql_text::words;
use crate::catalog::{Function, Oid};

impl Maker<'_> {
    /// The columns with such defaults, by relation. Which relations a function reads is told by the names in its text.
    pub(super) fn raw_defaults(&self) -> BTreeMap<Oid, BTreeSet<i16>> {
        let mut known: BTreeMap<Oid, bool> = BTreeMap::new();
        let mut found: BTreeMap<Oid, BTreeSet<i16>> = BTreeMap::new();
        for relation in self.catalog.relations() {
            for column in &relation.columns {
                let raw = column.calls.iter().any(|oid| *known.entry(*oid).or_insert_with(|| self.may_read_veiled(*oid)));
                if raw {
                    found.entry(relation.oid).or_default().insert(column.number);
                }
            }
        }
        found
    }

    fn may_read_veiled(&self, oid: Oid) -> bool {
        let text = self.catalog.function(oid).filter(|f| self.is_read(f)).and_then(Function::text);
        text.is_some_and(|text| {
            let words = self.with_functions(words(text), |f| self.is_read(f));
            words.identifiers.iter().flat_map(|name| self.catalog.relations_named(name)).any(|r| self.is_veiled(r.oid, 0))
        })
    }

    /// Of a function that the role names, what is not in SQL or runs with its owner's rights is the policy's word.
    fn is_read(&self, function: &Function) -> bool {
        function.body.is_some() || !self.functions.contains(&function.oid)
    }
}
