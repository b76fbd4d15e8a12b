//! One number for a whole catalog: two catalogs with equal digests give equal decisions, so a snapshot is swapped only when it
//! changes. Statistics are not in it, and temporary relations are left out: they belong to one session.

use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};

use super::Contents;

/// SHA-256 over everything that the analysis reads. Comparable between runs of one build of the program.
#[must_use]
pub fn digest(contents: &Contents) -> [u8; 32] {
    let mut hash = Feed(Sha256::new());
    let Contents {
        database,
        server_version,
        search_path,
        schemas,
        relations,
        indexes,
        types,
        functions,
        operators,
        casts,
        support,
        roles,
        settings,
    } = contents;
    (database, server_version, search_path).hash(&mut hash);
    schemas.iter().filter(|(_, name)| !is_temporary(name)).for_each(|s| s.hash(&mut hash));
    hash.boundary(1);
    relations.iter().filter(|r| !r.temporary).for_each(|r| r.hash(&mut hash));
    hash.boundary(2);
    types.iter().filter(|t| !is_temporary(&t.name.schema)).for_each(|t| t.hash(&mut hash));
    hash.boundary(3);
    functions.iter().filter(|f| !is_temporary(&f.name.schema)).for_each(|f| f.hash(&mut hash));
    hash.boundary(4);
    (indexes, operators, casts, support, roles, settings).hash(&mut hash);
    hash.0.finalize().into()
}

/// `pg_temp_3`, `pg_toast_temp_3`: PostgreSQL reserves names that begin with `pg_`.
fn is_temporary(schema: &str) -> bool {
    schema.starts_with("pg_temp_") || schema.starts_with("pg_toast_temp_")
}

/// Passes what `derive(Hash)` writes on to SHA-256: so a field that is added later cannot be forgotten here.
struct Feed(Sha256);

impl Feed {
    /// Ends a filtered list, whose length is not written before it.
    fn boundary(&mut self, list: u8) {
        self.0.update([0xff, list]);
    }
}

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not used: the digest is taken whole.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests;
