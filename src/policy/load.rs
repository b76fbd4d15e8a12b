//! From texts to a [`Policy`]: one model for each database that the documents name, and one for all others. What needs a catalog
//! is in `bind`.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use super::bind::BoundPolicy;
use super::model::Model;
use super::{document, read};
use crate::base::Diagnostics;
use crate::catalog::Catalog;
use crate::mask::Keyring;

/// A policy that was read and found well formed, before it is held against a catalog. Immutable and cheap to clone.
#[derive(Clone)]
pub struct Policy {
    pub(super) digest: Arc<str>,
    databases: BTreeMap<Box<str>, Arc<Model>>,
    others: Arc<Model>,
}

/// Reads a policy's files, each a name and a text, in the order in which they are merged. Gives the warnings with it.
///
/// # Errors
/// Everything that is wrong, each with its place; a policy with an error is not loaded at all.
pub fn load(files: &[(String, String)]) -> Result<(Policy, Diagnostics), Diagnostics> {
    let mut found = Diagnostics::default();
    let documents = document::read(files, &mut found);
    let mut model = |database: Option<&str>| {
        let tree = document::merge(&documents, database, &mut found);
        Arc::new(read::model(tree, &mut found))
    };
    let others = model(None);
    let names: std::collections::BTreeSet<&str> = documents.iter().filter_map(|d| d.database.as_deref()).collect();
    let databases = names.into_iter().map(|name| (name.into(), model(Some(name)))).collect();
    // What stands in a document for all databases is found once for each of them.
    let mut seen = HashSet::new();
    found.0.retain(|d| seen.insert(d.to_string()));
    if found.has_errors() { Err(found) } else { Ok((Policy { digest: digest(files), databases, others }, found)) }
}

impl Policy {
    /// `sha256:` and the digest of the files' texts in hex: which policy it is, for the audit and the metrics.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The day that it is now in `defaults.timezone`, by the documents that hold for every database.
    #[must_use]
    pub fn today(&self, now: jiff::Timestamp) -> Date {
        now.to_zoned(self.others.time_zone.clone()).date()
    }

    /// The same as the documents for a database say.
    #[must_use]
    pub fn today_for(&self, database: &str, now: jiff::Timestamp) -> Date {
        now.to_zoned(self.model(database).time_zone.clone()).date()
    }

    /// Every model: what holds for each database that a document names, and for all others.
    pub(super) fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.databases.values().chain([&self.others])
    }

    /// What the documents say for a database.
    pub(super) fn model(&self, database: &str) -> &Arc<Model> {
        self.databases.get(database).unwrap_or(&self.others)
    }

    /// Holds the policy against a database's catalog, which also decides which documents count. Gives warnings with it.
    ///
    /// # Errors
    /// What the policy names and the catalog or the keyring lacks, and what contradicts itself over this catalog.
    pub fn bind(&self, catalog: &Catalog, keys: &Keyring) -> Result<(BoundPolicy, Diagnostics), Diagnostics> {
        BoundPolicy::new(self, None, catalog, keys)
    }

    /// As [`Policy::bind`], for a catalog that has changed while the policy stayed: what had a class or a rule under `before` keeps it,
    /// by OID and number, whatever it is called now, and what the policy names and is no longer there is a warning.
    ///
    /// # Errors
    /// As for [`Policy::bind`], missing names apart.
    pub fn rebind(&self, before: &BoundPolicy, catalog: &Catalog, keys: &Keyring) -> Result<(BoundPolicy, Diagnostics), Diagnostics> {
        BoundPolicy::new(self, Some(before), catalog, keys)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({})", self.digest)
    }
}

fn digest(files: &[(String, String)]) -> Arc<str> {
    let mut hash = Sha256::new();
    for (_, text) in files {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    }
    format!("sha256:{}", hex::encode(hash.finalize())).into()
}
