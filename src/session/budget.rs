//! What rows that must be whole before they can be masked may take, all sessions together (`limits.masked_rows`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A row up to this length is not counted: it fits what a session's step takes anyway.
const FREE: usize = 128 << 10;

/// The process's budget, in bytes.
#[derive(Debug)]
pub struct Budget {
    left: AtomicUsize,
}

impl Budget {
    /// So many bytes for all.
    #[must_use]
    pub fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes) })
    }

    /// What nobody has taken.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.load(Ordering::Acquire)
    }
}

/// A session's share, given back with the session.
#[derive(Debug, Default)]
pub(super) struct Held {
    budget: Option<Arc<Budget>>,
    bytes: usize,
}

impl Held {
    pub(super) fn of(budget: &Arc<Budget>) -> Self {
        Self { budget: Some(Arc::clone(budget)), bytes: 0 }
    }

    /// Holds as much as is needed now; `false` where there is not so much left.
    pub(super) fn resize(&mut self, needed: usize) -> bool {
        let needed = if needed <= FREE { 0 } else { needed };
        let Some(budget) = &self.budget else { return true };
        if needed > self.bytes {
            let more = needed - self.bytes;
            let taken = budget.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(more));
            if taken.is_err() {
                return false;
            }
        } else {
            budget.left.fetch_add(self.bytes - needed, Ordering::AcqRel);
        }
        self.bytes = needed;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.resize(0);
    }
}
