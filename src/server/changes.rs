//! Changes of a database's schema that came through the proxy. The session that made one announces it; the database's task reads the catalog again,
//! and until it has, no other governed session decides anything by the older one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Of one database.
#[derive(Debug)]
pub(crate) struct Changes {
    announced: Notify,
    born: Instant,
    /// When the last change was announced, in microseconds since `born`; 0 for none.
    last: AtomicU64,
    /// When the last reading of the catalog began, in the same.
    read: AtomicU64,
}

impl Default for Changes {
    fn default() -> Self {
        Self { announced: Notify::new(), born: Instant::now(), last: AtomicU64::new(0), read: AtomicU64::new(0) }
    }
}

impl Changes {
    /// Something may have been changed just now; `certain` is that other sessions wait until it is read.
    pub(crate) fn may_be(&self, certain: bool) {
        if certain {
            // one more, so that no reading which began before counts
            self.last.fetch_max(self.micros(Instant::now()) + 1, Ordering::SeqCst);
        }
        self.announced.notify_one();
    }

    /// Waits for a change that was announced.
    pub(crate) async fn announced(&self) {
        self.announced.notified().await;
    }

    /// The catalog was read, beginning then, and what was found is published.
    pub(crate) fn is_read(&self, begun: Instant) {
        self.read.fetch_max(self.micros(begun), Ordering::SeqCst);
    }

    /// When the last change was announced, while no catalog is read that has it.
    pub(crate) fn unread(&self) -> Option<Instant> {
        let last = self.last.load(Ordering::SeqCst);
        (last > self.read.load(Ordering::SeqCst)).then(|| self.born + Duration::from_micros(last))
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.born).as_micros()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_by_what_begins_after_it() {
        let changes = Changes::default();
        assert!(changes.unread().is_none());
        let before = Instant::now();
        changes.may_be(false);
        assert!(changes.unread().is_none());
        changes.may_be(true);
        let at = changes.unread();
        assert!(at.is_some_and(|at| at > before));
        changes.is_read(before);
        assert_eq!(changes.unread(), at);
        changes.is_read(at.unwrap_or(before));
        assert!(changes.unread().is_none());
        changes.may_be(true);
        assert!(changes.unread().is_some());
    }
}
