//! The writer's thread: takes records from the queue, writes them in lots, syncs, and tells who waits. It never gives up:
//! where the disk takes nothing, it tries again until it does.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::log::{Log, Store};
use super::{Heap, Shared, Waiter, now};
use crate::audit::{Kind, Record, WhoPart};

/// With `batch`, how long records gather before they are written.
const GATHER: Duration = Duration::from_millis(5);
/// With `batch`, how long a written record may wait for its sync. With [`GATHER`] and the sync itself it stays within 50 ms.
const SYNC: Duration = Duration::from_millis(35);
/// Bytes after which a sync does not wait.
const LOT: usize = 4 << 20;
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// The thread's state.
pub(super) struct Writer<S> {
    pub(super) log: Log<S>,
    /// What was last taken; its memory serves for the next.
    pub(super) heap: Heap,
    pub(super) shared: Arc<Shared>,
    /// Since when something waits for its sync.
    pub(super) since: Option<Instant>,
    /// Records in the log's buffer that still hold their places.
    pub(super) held: i64,
    /// Who waits for the next sync.
    pub(super) waiting: Vec<Arc<Waiter>>,
    /// The file must be opened anew.
    pub(super) reopen: bool,
}

impl<S: Store> Writer<S> {
    /// Runs until it is told to stop.
    pub(super) fn run(mut self) {
        while !self.shared.stopping.load(Ordering::Acquire) {
            self.wait();
            self.gather(LOT);
            self.put();
        }
        self.shared.ended.store(true, Ordering::Release);
        self.gather(usize::MAX);
        self.note_lost();
        let stop = Record::event(Kind::Stop, jiff::Timestamp::now(), &WhoPart::default(), None, None, None);
        self.log.add(&stop);
        if let Err(error) = self.log.sync() {
            tracing::error!(error = %error, "the audit log could not be completed at the stop");
            return;
        }
        self.give_places_back();
        self.tell();
    }

    /// Waits until something is there, and then for more of it.
    fn wait(&self) {
        let shared = &*self.shared;
        if shared.failing.load(Ordering::Acquire) {
            // Whatever comes in meanwhile waits with the rest.
            return self.rest(RETRY, || shared.stopping.load(Ordering::Acquire));
        }
        let something = || shared.told.load(Ordering::Acquire) || shared.hurry.load(Ordering::Acquire);
        match self.since {
            Some(since) => self.rest(SYNC.saturating_sub(now().saturating_duration_since(since)), something),
            None => {
                while !something() {
                    std::thread::park();
                }
            }
        }
        if !shared.each && shared.told.load(Ordering::Acquire) {
            self.rest(GATHER, || shared.hurry.load(Ordering::Acquire));
        }
    }

    /// Sleeps for so long, or until something is the case; a wake-up for anything else does not end it.
    #[expect(clippy::unused_self, reason = "a step of `wait`")]
    fn rest(&self, time: Duration, until: impl Fn() -> bool) {
        let end = now() + time;
        while !until() {
            match end.checked_duration_since(now()) {
                None | Some(Duration::ZERO) => return,
                Some(left) => std::thread::park_timeout(left),
            }
        }
    }

    /// Takes what was left, as long as no more than `most` bytes wait to be safe.
    fn gather(&mut self, most: usize) {
        let shared = Arc::clone(&self.shared);
        shared.hurry.store(false, Ordering::Release);
        self.reopen |= shared.reopen.swap(false, Ordering::AcqRel);
        shared.told.store(false, Ordering::Release);
        for heap in &shared.heaps {
            if self.log.unsafe_bytes() >= most {
                shared.told.store(true, Ordering::Release);
                return;
            }
            std::mem::swap(&mut self.heap, &mut heap.0.lock().unwrap_or_else(PoisonError::into_inner));
            for record in self.heap.records() {
                self.log.add_body(record);
                self.held += 1;
            }
            self.waiting.append(&mut self.heap.waiters);
            self.heap.lengths.clear();
            self.heap.bytes.clear();
            // A burst is not what memory is kept for.
            self.heap.bytes.shrink_to(256 << 10);
            self.heap.lengths.shrink_to(1024);
        }
    }

    fn put(&mut self) {
        let result = self.try_put();
        let failed = result.is_err();
        if failed {
            self.shared.failures.fetch_add(1, Ordering::Relaxed);
        }
        if self.shared.failing.swap(failed, Ordering::AcqRel) != failed {
            match result {
                Ok(()) => tracing::info!("the audit log is written again"),
                Err(error) => tracing::error!(error = %error, "the audit log cannot be written"),
            }
        }
        if failed && self.shared.may_go_on {
            // The clients do not wait for a disk that takes nothing.
            self.tell();
        }
    }

    fn try_put(&mut self) -> io::Result<()> {
        self.note_lost();
        self.log.write()?;
        self.give_places_back();
        let due =
            self.shared.each || self.log.unsafe_bytes() >= LOT || self.since.is_some_and(|s| now().saturating_duration_since(s) >= SYNC);
        if self.log.unsafe_bytes() == 0 {
            self.since = None;
        } else if due {
            self.log.sync()?;
            self.since = None;
        } else {
            self.since.get_or_insert_with(now);
        }
        if self.log.unsafe_bytes() == 0 {
            self.tell();
        }
        if std::mem::take(&mut self.reopen)
            && let Err(error) =
                self.log.reopen(|| Record::event(Kind::Rotate, jiff::Timestamp::now(), &WhoPart::default(), None, None, None))
        {
            self.reopen = true;
            return Err(error);
        }
        Ok(())
    }

    /// Says in the log itself that records are missing from it, and how many.
    fn note_lost(&mut self) {
        let lost = self.shared.lost.swap(0, Ordering::AcqRel);
        if lost > 0 {
            let reason = format!("{lost} records could not be written");
            self.log.add(&Record::event(Kind::Lost, jiff::Timestamp::now(), &WhoPart::default(), Some(&reason), None, None));
        }
    }

    fn give_places_back(&mut self) {
        let held = std::mem::take(&mut self.held);
        if held > 0 {
            self.shared.queued.0.fetch_sub(held, Ordering::AcqRel);
            self.shared.give_back(held);
            self.shared.records.fetch_add(u64::try_from(held).unwrap_or_default(), Ordering::Relaxed);
        }
    }

    fn tell(&mut self) {
        for waiter in self.waiting.drain(..) {
            waiter.done();
        }
    }
}
