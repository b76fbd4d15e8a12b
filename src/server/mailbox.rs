//! What the rest of the process tells a session. One place for each thing that can be said, so that nothing piles up before a session
//! that is busy, and one flag to look at, since a session looks at every turn. What is done about it is `relay`'s.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use crate::session::View;

/// What the rest of the process tells a session.
#[derive(Debug)]
pub(crate) enum Signal {
    /// Policy or catalog changed: decide by this from now on.
    View(Arc<View>),
    /// The catalog is too old to decide by, until a view comes.
    Stale,
    /// The catalog was read, beginning then. Left only to a session that awaits it.
    Read(Instant),
    /// End as soon as nothing is under way.
    Drain,
    /// End now: the rights are gone, or the drain's deadline is over.
    Stop,
}

/// What was left and not heard yet.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) view: Option<Arc<View>>,
    /// Since that view.
    pub(super) stale: bool,
    /// When the last reading of the catalog began.
    pub(super) read: Option<Instant>,
    pub(super) drain: bool,
    pub(super) stop: bool,
}

#[derive(Debug, Default)]
struct Inside {
    left: Left,
    /// Wakes the session, once it listens.
    waker: Option<Waker>,
}

/// Between a session and the rest of the process.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    full: AtomicBool,
    /// The session awaits that the catalog is read.
    awaits: AtomicBool,
    inside: Mutex<Inside>,
}

impl Mailbox {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a signal. Of several views the last one counts.
    pub(crate) fn leave(&self, signal: Signal) {
        let mut inside = self.inside();
        match signal {
            Signal::View(view) => {
                inside.left.view = Some(view);
                inside.left.stale = false;
            }
            Signal::Stale => inside.left.stale = true,
            Signal::Read(begun) => inside.left.read = Some(begun),
            Signal::Drain => inside.left.drain = true,
            Signal::Stop => inside.left.stop = true,
        }
        self.full.store(true, Ordering::Release);
        if let Some(waker) = &inside.waker {
            waker.wake_by_ref();
        }
    }

    /// Whether the session awaits that the catalog is read.
    pub(super) fn awaits(&self) -> bool {
        self.awaits.load(Ordering::SeqCst)
    }

    /// The session awaits it, or does so no more.
    pub(super) fn set_awaits(&self, awaits: bool) {
        self.awaits.store(awaits, Ordering::SeqCst);
    }

    /// Wakes this task from now on.
    pub(super) fn listen(&self, waker: &Waker) {
        self.inside().waker = Some(waker.clone());
    }

    /// What was left since the last look.
    pub(super) fn look(&self) -> Option<Left> {
        if !self.full.load(Ordering::Acquire) {
            return None;
        }
        let mut inside = self.inside();
        self.full.store(false, Ordering::Release);
        Some(std::mem::take(&mut inside.left))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_was_left_before_or_after_one_listens_is_heard_once() {
        let (mailbox, count) = (Mailbox::default(), Arc::new(Count::default()));
        mailbox.leave(Signal::Drain);
        mailbox.listen(&Waker::from(Arc::clone(&count)));
        let left = mailbox.look().unwrap();
        assert!(left.drain && !left.stop && left.view.is_none());
        assert!(mailbox.look().is_none());
        mailbox.leave(Signal::Stop);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        let left = mailbox.look().unwrap();
        assert!(left.stop && !left.drain);
    }
}
