//! What a relation and its columns are called, and were called since the policy was loaded: a key goes on meaning what it meant.

use std::collections::BTreeMap;

use crate::base::QualifiedName;
use crate::catalog::{Catalog, Oid, Relation, RelationKind};
use crate::policy::key::{ObjectKey, Part};

/// How well a key fits: keys without `*` outrank those with it, the table's part before the column's, and `*` alone comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    table: u8,
    column: u8,
}

/// Names of one relation and its columns, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) tables: Vec<QualifiedName>,
    pub(crate) columns: BTreeMap<i16, Vec<Box<str>>>,
}

impl Known {
    /// Adds what the relation is called now.
    pub(crate) fn add(&mut self, relation: &Relation) {
        if !self.tables.contains(&relation.name) {
            self.tables.push(relation.name.clone());
        }
        for column in &relation.columns {
            let names = self.columns.entry(column.number).or_default();
            if !names.contains(&column.name) {
                names.push(column.name.clone());
            }
        }
    }

    /// How well the first two parts of a key fit.
    pub(crate) fn table_rank(&self, key: &ObjectKey) -> Option<Rank> {
        let fits = self.tables.iter().any(|name| key.matches_table(name));
        fits.then(|| Rank { table: u8::from(key.exact_table().is_some()), column: 2 })
    }

    /// How well a part fits a column.
    pub(crate) fn column_rank(&self, part: &Part, column: i16) -> Option<u8> {
        let fits = self.columns.get(&column)?.iter().any(|name| part.matches(name));
        fits.then(|| part_rank(part))
    }

    /// How well `schema.table.column` fits.
    pub(crate) fn rank(&self, key: &ObjectKey, column: i16) -> Option<Rank> {
        let table = self.table_rank(key)?;
        Some(Rank { column: self.column_rank(key.parts.get(2)?, column)?, ..table })
    }

    /// The rank of a column's key that stands under a table's.
    pub(crate) fn entry_rank(&self, table: &ObjectKey, part: &Part, column: i16) -> Option<Rank> {
        let rank = self.table_rank(table)?;
        Some(Rank { column: self.column_rank(part, column)?, ..rank })
    }
}

fn part_rank(part: &Part) -> u8 {
    match (part.is_rest(), part.is_pattern()) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

/// Whether entries of a policy are about a relation of this kind.
pub(crate) fn has_rows(kind: RelationKind) -> bool {
    match kind {
        RelationKind::Table | RelationKind::Partitioned | RelationKind::View | RelationKind::MaterializedView | RelationKind::Foreign => {
            true
        }
        RelationKind::Sequence | RelationKind::Composite | RelationKind::Toast | RelationKind::Index => false,
    }
}

/// The shipped classification decides over it, not the policy.
pub(crate) fn is_system(relation: &Relation) -> bool {
    relation.oid < crate::catalog::FIRST_NORMAL_OID || crate::catalog::is_system_schema(&relation.name.schema)
}

/// The names of all relations that a policy can be about.
pub(crate) fn known(catalog: &Catalog, before: Option<&BTreeMap<Oid, Known>>) -> BTreeMap<Oid, Known> {
    let relations = catalog.relations().filter(|r| has_rows(r.kind) && !is_system(r));
    let named = relations.map(|relation| {
        let mut known = before.and_then(|b| b.get(&relation.oid)).cloned().unwrap_or_default();
        known.add(relation);
        (relation.oid, known)
    });
    named.collect()
}
