//! This thread's plans: found again by the whole text, or by its shape, and everything else that a plan depends on; bounded in bytes.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::catalog::Oid;
use crate::plan::{Names, Planned, Protocol, Shaped};
use crate::policy::ProfileId;

/// What a plan was made for. Compared whole: a hash only finds the bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    /// The text, or the key of its shape.
    pub(super) text: &'a str,
    pub(super) types: &'a [Oid],
    pub(super) protocol: Protocol,
    pub(super) snapshot: u64,
    pub(super) profile: ProfileId,
    pub(super) names: &'a Arc<Names>,
}

#[derive(Debug)]
struct Entry<T> {
    text: Box<str>,
    types: Box<[Oid]>,
    protocol: Protocol,
    snapshot: u64,
    profile: ProfileId,
    names: Arc<Names>,
    kept: T,
    cost: usize,
}

impl<T> Entry<T> {
    fn new(key: &Key<'_>, kept: T) -> Self {
        Self {
            text: key.text.into(),
            types: key.types.into(),
            protocol: key.protocol,
            snapshot: key.snapshot,
            profile: key.profile,
            names: Arc::clone(key.names),
            kept,
            // The plan holds the printed text, the audit's text and the decision: a few times the client's.
            cost: key.text.len() * 4 + 1024,
        }
    }

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

/// Two generations: when the young one is full the old one is dropped, so that nothing is counted per look-up.
#[derive(Debug)]
struct Generations<T> {
    young: HashMap<u64, Vec<Entry<T>>>,
    old: HashMap<u64, Vec<Entry<T>>>,
    young_bytes: usize,
    limit: usize,
}

impl<T: Clone> Generations<T> {
    fn new(limit: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_bytes: 0, limit }
    }

    fn get(&mut self, hash: u64, key: &Key<'_>) -> Option<T> {
        if let Some(found) = self.young.get(&hash).and_then(|bucket| bucket.iter().find(|e| e.is(key))) {
            return Some(found.kept.clone());
        }
        let bucket = self.old.get_mut(&hash)?;
        let at = bucket.iter().position(|e| e.is(key))?;
        let entry = bucket.swap_remove(at);
        let kept = entry.kept.clone();
        self.keep(hash, entry);
        Some(kept)
    }

    fn keep(&mut self, hash: u64, entry: Entry<T>) {
        if entry.cost > self.limit / 8 {
            return;
        }
        if self.young_bytes + entry.cost > self.limit / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += entry.cost;
        self.young.entry(hash).or_default().push(entry);
    }
}

/// Texts that are remembered as seen once.
const SEEN: usize = 4096;

/// Plans by text and by shape.
///
/// A plan is kept when its text or its shape comes for the second time. Texts that come once would fill the cache with plans that nobody
/// finds, and each would be built in cold memory.
#[derive(Debug)]
pub struct PlanCache {
    hasher: RandomState,
    texts: Generations<Arc<[Planned]>>,
    /// `None` for shapes whose texts are decided each by itself.
    shapes: Generations<Option<Arc<Shaped>>>,
    /// Hashes of what came once, each in its own place until another one takes it.
    seen: Box<[u64]>,
}

impl PlanCache {
    /// A cache that holds about `limit` bytes of texts and plans.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let half = limit / 2;
        Self { hasher: RandomState::new(), texts: Generations::new(half), shapes: Generations::new(half), seen: vec![0; SEEN].into() }
    }

    fn hash(&self, key: &Key<'_>) -> u64 {
        self.hasher.hash_one((key.text, key.types, key.snapshot, key.profile.0))
    }

    pub(super) fn get(&mut self, key: &Key<'_>) -> Option<Arc<[Planned]>> {
        self.texts.get(self.hash(key), key)
    }

    pub(super) fn put(&mut self, key: &Key<'_>, planned: &Arc<[Planned]>) {
        let hash = self.hash(key);
        if is_shared(key) && self.seen_before(hash) {
            self.texts.keep(hash, Entry::new(key, Arc::clone(planned)));
        }
    }

    /// The plan of a shape, which is learned when it comes for the second time.
    pub(super) fn shape(&mut self, key: &Key<'_>, learn: impl FnOnce() -> Option<Shaped>) -> Option<Arc<Shaped>> {
        let hash = self.hash(key);
        if let Some(known) = self.shapes.get(hash, key) {
            return known;
        }
        if !is_shared(key) || !self.seen_before(hash) {
            return None;
        }
        let learned = learn().map(Arc::new);
        self.shapes.keep(hash, Entry::new(key, learned.clone()));
        learned
    }

    fn seen_before(&mut self, hash: u64) -> bool {
        let place = usize::try_from(hash % SEEN as u64).unwrap_or_default();
        self.seen.get_mut(place).is_some_and(|seen| std::mem::replace(seen, hash) == hash)
    }
}

/// Names of the session's own relations belong to one session: their plans would never be found by another.
fn is_shared(key: &Key<'_>) -> bool {
    key.names.relations.is_empty()
}
