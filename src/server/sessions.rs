//! The sessions that are open: whom to tell of a new policy, whom a cancel request means, how many there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use dashmap::DashMap;
use subtle::ConstantTimeEq;

use super::mailbox::{Mailbox, Signal};
use crate::auth::CancelKey;

/// An open session, as the rest of the process knows it.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) database: Box<str>,
    pub(crate) login: Box<str>,
    pub(crate) certificate: Option<Box<str>>,
    mailbox: Arc<Mailbox>,
    /// What the client was given.
    key: Vec<u8>,
    /// What the server gave; `None` until the session runs.
    upstream: Option<CancelKey>,
}

impl Handle {
    /// Whether the session awaits that the catalog is read.
    pub(crate) fn awaits_catalog(&self) -> bool {
        self.mailbox.awaits()
    }

    /// Leaves a signal.
    pub(crate) fn tell(&self, signal: Signal) {
        self.mailbox.leave(signal);
    }
}

/// The sessions by their number, which is the process id that their clients see.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: DashMap<i32, Handle>,
    next: AtomicI32,
    count: AtomicUsize,
}

/// A session's own end of its entry; dropping it takes the entry away.
#[derive(Debug)]
pub(crate) struct Seat {
    sessions: Arc<Sessions>,
    pub(crate) number: i32,
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.sessions.open.remove(&self.number);
        self.sessions.count.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Sessions {
    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Enters a session. `key` is random: 4 bytes, or more where the client's protocol takes them.
    pub(crate) fn enter(self: &Arc<Self>, database: &str, login: &str, certificate: Option<&str>, key: Vec<u8>) -> (Seat, CancelKey) {
        let mailbox = Arc::new(Mailbox::default());
        let mut handle = Some(Handle {
            database: database.into(),
            login: login.into(),
            certificate: certificate.map(Into::into),
            mailbox: Arc::clone(&mailbox),
            key: key.clone(),
            upstream: None,
        });
        self.count.fetch_add(1, Ordering::AcqRel);
        // Numbers come round after two billion sessions; one that is still in use is passed over.
        let number = loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed) & i32::MAX;
            if number != 0
                && let dashmap::Entry::Vacant(entry) = self.open.entry(number)
                && let Some(handle) = handle.take()
            {
                entry.insert(handle);
                break number;
            }
        };
        (Seat { sessions: Arc::clone(self), number, mailbox }, CancelKey { pid: number, key })
    }

    /// The session runs: from now on it can be cancelled.
    pub(crate) fn runs(&self, number: i32, upstream: Option<CancelKey>) {
        if let Some(mut handle) = self.open.get_mut(&number) {
            handle.upstream = upstream;
        }
    }

    /// What the server is to be asked to cancel for a client's request; `None` where the key is no session's.
    pub(crate) fn cancelled(&self, key: &CancelKey) -> Option<CancelKey> {
        let handle = self.open.get(&key.pid)?;
        let same = handle.key.len() == key.key.len() && bool::from(handle.key.ct_eq(&key.key));
        if same { handle.upstream.clone() } else { None }
    }

    /// Tells every session what `say` has for it.
    pub(crate) fn tell_all(&self, mut say: impl FnMut(&Handle) -> Option<Signal>) {
        for handle in &self.open {
            if let Some(signal) = say(&handle) {
                handle.tell(signal);
            }
        }
    }
}
