//! This thread's plans: found again by the whole text and everything else that a plan depends on, bounded in bytes.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::catalog::Oid;
use crate::plan::{Names, Planned, Protocol};
use crate::policy::ProfileId;

/// What a plan was made for. Compared whole: a hash only finds the bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) text: &'a str,
    pub(super) types: &'a [Oid],
    pub(super) protocol: Protocol,
    pub(super) snapshot: u64,
    pub(super) profile: ProfileId,
    pub(super) names: &'a Arc<Names>,
}

#[derive(Debug)]
struct Entry {
    text: Box<str>,
    types: Box<[Oid]>,
    protocol: Protocol,
    snapshot: u64,
    profile: ProfileId,
    names: Arc<Names>,
    planned: Arc<[Planned]>,
    cost: usize,
}

impl Entry {
    fn is(&self, key: &Key<'_>) -> bool {
        *self.text == *key.text
            && *self.types == *key.types
            && self.protocol == key.protocol
            && self.snapshot == key.snapshot
            && self.profile == key.profile
            // A session's own relations hide others of their names: nobody else's plan is one for it.
            && (Arc::ptr_eq(&self.names, key.names) || (key.names.relations.is_empty() && self.names.search_path == key.names.search_path))
    }
}

/// Texts that are remembered as seen once.
const SEEN: usize = 4096;

/// Plans by text. Two generations: when the young one is full the old one is dropped, so that nothing is counted per look-up.
///
/// A plan is kept when its text comes for the second time. Simple queries bear their literals, so most texts never come again: they would
/// fill the cache with plans that nobody finds, and each would be built in cold memory.
#[derive(Debug)]
pub struct PlanCache {
    hasher: RandomState,
    young: HashMap<u64, Vec<Entry>>,
    old: HashMap<u64, Vec<Entry>>,
    young_bytes: usize,
    limit: usize,
    /// Hashes of texts that came once, each in its own place until another one takes it.
    seen: Box<[u64]>,
}

impl PlanCache {
    /// A cache that holds about `limit` bytes of texts and plans.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { hasher: RandomState::new(), young: HashMap::new(), old: HashMap::new(), young_bytes: 0, limit, seen: vec![0; SEEN].into() }
    }

    fn hash(&self, key: &Key<'_>) -> u64 {
        self.hasher.hash_one((key.text, key.types, key.snapshot, key.profile.0))
    }

    pub(super) fn get(&mut self, key: &Key<'_>) -> Option<Arc<[Planned]>> {
        let hash = self.hash(key);
        if let Some(found) = self.young.get(&hash).and_then(|bucket| bucket.iter().find(|e| e.is(key))) {
            return Some(Arc::clone(&found.planned));
        }
        let bucket = self.old.get_mut(&hash)?;
        let at = bucket.iter().position(|e| e.is(key))?;
        let entry = bucket.swap_remove(at);
        let planned = Arc::clone(&entry.planned);
        self.keep(hash, entry);
        Some(planned)
    }

    pub(super) fn put(&mut self, key: &Key<'_>, planned: &Arc<[Planned]>) {
        // Names of the session's own relations belong to one session: their plans would never be found by another.
        if !key.names.relations.is_empty() {
            return;
        }
        let hash = self.hash(key);
        if !self.seen_before(hash) {
            return;
        }
        let entry = Entry {
            text: key.text.into(),
            types: key.types.into(),
            protocol: key.protocol,
            snapshot: key.snapshot,
            profile: key.profile,
            names: Arc::clone(key.names),
            planned: Arc::clone(planned),
            // The plan holds the printed text, the audit's text and the decision: a few times the client's.
            cost: key.text.len() * 4 + 1024,
        };
        if entry.cost <= self.limit / 8 {
            self.keep(hash, entry);
        }
    }

    fn seen_before(&mut self, hash: u64) -> bool {
        let place = usize::try_from(hash % SEEN as u64).unwrap_or_default();
        self.seen.get_mut(place).is_some_and(|seen| std::mem::replace(seen, hash) == hash)
    }

    fn keep(&mut self, hash: u64, entry: Entry) {
        if self.young_bytes + entry.cost > self.limit / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += entry.cost;
        self.young.entry(hash).or_default().push(entry);
    }
}
