//! The audit's queue and the thread that owns its file. A session reserves a place before a statement goes upstream and leaves its
//! record with it, so that no statement runs whose record would find no room. What a record says is `audit`'s; when the client
//! may hear of it is `durability`'s.

mod log;
mod session;
mod store;
#[cfg(test)]
mod tests;
mod thread;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

pub use session::SessionAudit;
pub(crate) use session::outcome_word;

use crate::audit::{Kind, Record, WhoPart};
use crate::config::{Audit, Durability, OnFailure};

/// Places that one step of a session may take at most.
const LEASE: i64 = 8192;
/// Places that a thread takes at once, and may keep between two steps: what all threads share is then touched once in so many statements.
const LOT: u32 = 256;
/// Heaps of records. A thread leaves its own on one of them, so that threads do not wait for each other.
const HEAPS: usize = 16;
/// Records beyond the queue's size that may wait: log-ins and ends of sessions, which have no place reserved.
const RESERVE: i64 = 1024;

/// Records that were left and not taken yet, one behind the other in one buffer: who leaves a record needs no memory of the writer's.
#[derive(Debug, Default)]
struct Heap {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
    waiters: Vec<Arc<Waiter>>,
}

impl Heap {
    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        self.lengths.iter().map_while(move |length| {
            let (record, behind) = rest.split_at_checked(*length)?;
            rest = behind;
            Some(record)
        })
    }
}

/// A number that many threads read and few change, away from those that change all the time.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

/// What sessions and writer share.
#[derive(Debug, Default)]
struct Shared {
    /// Places that nobody holds. Below 0 where records came that had none reserved.
    free: Apart<AtomicI64>,
    size: i64,
    /// `on_failure: continue`.
    may_go_on: bool,
    /// `durability: each`.
    each: bool,
    /// The last attempt to write failed.
    failing: AtomicBool,
    /// Something was left since the writer last looked, and it was woken for it: one wake-up for as many records as come meanwhile.
    told: AtomicBool,
    /// The writer must not wait for more.
    hurry: AtomicBool,
    /// The file must be opened anew.
    reopen: AtomicBool,
    /// No more records come.
    stopping: AtomicBool,
    /// Nobody takes records any more.
    ended: AtomicBool,
    heaps: [Apart<Mutex<Heap>>; HEAPS],
    /// Records that were left and are not written yet.
    queued: Apart<AtomicI64>,
    /// Records that found no room since the log last said so.
    lost: AtomicU64,
    records: AtomicU64,
    failures: AtomicU64,
}

impl Shared {
    /// Places become free. There are never more than the queue has, whoever leaves a record without having had one: what is
    /// refused because there was no place is recorded too.
    fn give_back(&self, places: i64) {
        // It always has an answer, so there is no error.
        let _ = self.free.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| Some(free.saturating_add(places).min(self.size)));
    }

    /// Whether there are places enough that a thread may keep some that it does not need yet.
    fn is_ample(&self) -> bool {
        self.free.0.load(Ordering::Relaxed) >= 2 * LEASE
    }

    /// This thread's heap.
    fn heap(&self) -> MutexGuard<'_, Heap> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        let [first, ..] = &self.heaps;
        let own = THREAD.with(|thread| self.heaps.get(thread % HEAPS)).unwrap_or(first);
        own.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that may wait. Those with a place are never more than the queue's size.
    fn most(&self) -> i64 {
        if self.may_go_on { self.size } else { self.size.saturating_mul(2).saturating_add(RESERVE) }
    }
}

/// Whose records are on disk: counted by the writer, awaited by one session.
#[derive(Debug, Default)]
struct Waiter {
    safe: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

impl Waiter {
    fn done(&self) {
        self.safe.fetch_add(1, Ordering::AcqRel);
        if let Some(waker) = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    fn poll(&self, count: u64, cx: &Context<'_>) -> Poll<()> {
        if self.safe.load(Ordering::Acquire) >= count {
            return Poll::Ready(());
        }
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        // It may have become safe between the look and the note.
        if self.safe.load(Ordering::Acquire) >= count { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// One record, to be waited for.
#[derive(Clone, Debug)]
pub struct Ticket {
    waiter: Option<Arc<Waiter>>,
    count: u64,
}

impl Ticket {
    /// Ready where the client may hear of it: at once with `batch`, when it is on disk with `each`.
    pub fn poll_durable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiter.as_ref().map_or(Poll::Ready(()), |w| w.poll(self.count, cx))
    }

    /// Waits until [`Ticket::poll_durable`] is ready.
    pub async fn durable(&self) {
        std::future::poll_fn(|cx| self.poll_durable(cx)).await;
    }
}

/// Numbers for `/metrics` and `/readyz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditStats {
    /// Records written since the start.
    pub records: u64,
    /// Records that wait to be written.
    pub queue: u64,
    /// Attempts to write that failed.
    pub failures: u64,
    /// The last attempt failed.
    pub failing: bool,
}

/// The way to the log, for every thread.
#[derive(Clone, Debug)]
pub struct AuditHandle {
    shared: Arc<Shared>,
    thread: std::thread::Thread,
}

impl AuditHandle {
    /// Reserves places for one step; 0 where the queue is full or the log cannot be written, unless `on_failure: continue`.
    #[must_use]
    pub fn lease(&self) -> u32 {
        self.take(LEASE)
    }

    /// What a thread that holds `held` places holds for a step that may take `need` of them: with fewer some statements of the step
    /// find none.
    #[must_use]
    pub fn hold(&self, held: u32, need: u32) -> u32 {
        if !self.shared.may_go_on && self.shared.failing.load(Ordering::Acquire) {
            self.give_back(held);
            return 0;
        }
        match need.checked_sub(held) {
            None | Some(0) => held,
            Some(more) => held + self.take(i64::from(more.max(LOT)).min(LEASE)),
        }
    }

    /// What a thread keeps for its next step of the places that this one left; the others go back.
    #[must_use]
    pub fn keep(&self, held: u32) -> u32 {
        let kept = if self.shared.is_ample() { held.min(LOT) } else { 0 };
        self.give_back(held - kept);
        kept
    }

    fn take(&self, want: i64) -> u32 {
        let shared = &*self.shared;
        if shared.may_go_on {
            shared.free.0.fetch_sub(want, Ordering::AcqRel);
            return u32::try_from(want).unwrap_or_default();
        }
        if shared.failing.load(Ordering::Acquire) {
            return 0;
        }
        // A small queue is shared: nobody takes all of what is left.
        let part = |free: i64| if free >= 2 * LEASE { want } else { ((free.max(0) + 1) / 2).min(want) };
        match shared.free.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| Some(free - part(free))) {
            Ok(free) | Err(free) => {
                if free * 2 < shared.size {
                    self.hurry();
                }
                u32::try_from(part(free)).unwrap_or_default()
            }
        }
    }

    fn hurry(&self) {
        self.shared.hurry.store(true, Ordering::Release);
        self.thread.unpark();
    }

    /// Gives back places that no statement took.
    pub fn give_back(&self, places: u32) {
        if places > 0 {
            self.shared.give_back(i64::from(places));
        }
    }

    /// Leaves a record whose place was reserved.
    pub fn submit(&self, record: Record) -> Ticket {
        let waiter = self.shared.each.then(Arc::<Waiter>::default);
        self.leave(record, waiter.clone());
        Ticket { waiter, count: 1 }
    }

    /// Leaves a record that has no place: a log-in, the end of a session, a new policy. `None` where there is no room: with
    /// `on_failure: refuse` what it would record must not happen.
    #[must_use]
    pub fn submit_unreserved(&self, record: Record) -> Option<Ticket> {
        self.reserve_one().then(|| self.submit(record))
    }

    /// Leaves a record of something else than a statement, as [`AuditHandle::submit_unreserved`] does.
    #[must_use]
    pub fn event(
        &self,
        kind: Kind,
        who: &WhoPart,
        reason: Option<&str>,
        sqlstate: Option<[u8; 5]>,
        policy: Option<&str>,
    ) -> Option<Ticket> {
        self.submit_unreserved(Record::event(kind, jiff::Timestamp::now(), who, reason, sqlstate, policy))
    }

    /// Whether nothing may run now: the log cannot be written and `on_failure` is `refuse`.
    #[must_use]
    pub fn refuses(&self) -> bool {
        !self.shared.may_go_on && (self.shared.failing.load(Ordering::Acquire) || self.shared.free.0.load(Ordering::Acquire) <= -RESERVE)
    }

    /// Opens the file anew where another one stands at its path now, or none (SIGHUP, after an outside rotation).
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
        self.hurry();
    }

    /// The numbers now.
    #[must_use]
    pub fn stats(&self) -> AuditStats {
        let shared = &*self.shared;
        AuditStats {
            records: shared.records.load(Ordering::Relaxed),
            queue: u64::try_from(shared.queued.0.load(Ordering::Acquire)).unwrap_or_default(),
            failures: shared.failures.load(Ordering::Relaxed),
            failing: shared.failing.load(Ordering::Acquire),
        }
    }

    /// A place for a record that has none; where there is no room the record counts as lost.
    fn reserve_one(&self) -> bool {
        let free = self.shared.free.0.fetch_sub(1, Ordering::AcqRel);
        let room = free > -RESERVE || self.shared.may_go_on;
        if !room {
            self.shared.free.0.fetch_add(1, Ordering::AcqRel);
            self.lose();
        }
        room
    }

    #[expect(clippy::needless_pass_by_value, reason = "a record is left once")]
    fn leave(&self, record: Record, waiter: Option<Arc<Waiter>>) {
        let shared = &*self.shared;
        // What does not fit is counted, and the log says so later.
        let full = shared.queued.0.fetch_add(1, Ordering::AcqRel) >= shared.most();
        if full || shared.ended.load(Ordering::Acquire) {
            shared.queued.0.fetch_sub(1, Ordering::AcqRel);
            shared.give_back(1);
            self.lose();
            if let Some(waiter) = waiter {
                waiter.done();
            }
            return;
        }
        {
            let mut heap = shared.heap();
            heap.bytes.extend_from_slice(record.body());
            heap.lengths.push(record.body().len());
            heap.waiters.extend(waiter);
        }
        // The writer takes its note back before it looks, so that what is left after its look makes a note anew.
        if !shared.told.load(Ordering::Acquire) && !shared.told.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }

    fn lose(&self) {
        self.shared.lost.fetch_add(1, Ordering::AcqRel);
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
    }
}

/// The log while it is written. Dropping it without [`AuditWriter::stop`] leaves the thread to itself.
#[derive(Debug)]
pub struct AuditWriter {
    handle: AuditHandle,
    thread: JoinHandle<()>,
}

impl AuditWriter {
    /// Opens the log, seals what an earlier run left torn, writes the `start` record and begins to take records.
    ///
    /// # Errors
    /// Where the log cannot be opened or written, or another process writes it.
    pub fn start(config: &Audit, policy: Option<&str>) -> io::Result<Self> {
        let (files, found) = store::Files::open(&config.file)?;
        let mut log = log::Log::new(files, found.chain, found.length, config.rotate);
        let reason = found.reason();
        log.add(&Record::event(Kind::Start, jiff::Timestamp::now(), &WhoPart::default(), reason.as_deref(), None, policy));
        log.sync()?;
        let size = i64::try_from(config.queue).unwrap_or(i64::MAX / 2);
        let each = config.durability == Durability::Each;
        let shared = Arc::new(Shared {
            free: Apart(AtomicI64::new(size)),
            size,
            may_go_on: config.on_failure == OnFailure::Continue,
            each,
            records: AtomicU64::new(1),
            ..Shared::default()
        });
        Self::spawn(log, shared)
    }

    fn spawn<S: log::Store + Send + 'static>(log: log::Log<S>, shared: Arc<Shared>) -> io::Result<Self> {
        let writer = thread::Writer {
            log,
            heap: Heap::default(),
            shared: Arc::clone(&shared),
            since: None,
            held: 0,
            waiting: Vec::new(),
            reopen: false,
        };
        let thread = std::thread::Builder::new().name("audit".into()).spawn(move || writer.run())?;
        Ok(Self { handle: AuditHandle { shared, thread: thread.thread().clone() }, thread })
    }

    /// The way to it.
    #[must_use]
    pub fn handle(&self) -> AuditHandle {
        self.handle.clone()
    }

    /// Writes what is in the queue, a `stop` record, and ends. For after the last session's end.
    pub fn stop(self) {
        self.handle.shared.stopping.store(true, Ordering::Release);
        self.handle.hurry();
        if self.thread.join().is_err() {
            tracing::error!("the audit's thread ended early");
        }
    }
}

impl store::Found {
    fn reason(&self) -> Option<String> {
        let torn = (self.torn > 0).then(|| format!("sealed: {} bytes of a torn record were put aside", self.torn));
        let missing = self.missing_after.map(|last| format!("records after {last} are missing up to {}", self.chain.seq));
        match (torn, missing) {
            (None, None) => None,
            (a, b) => Some(a.into_iter().chain(b).collect::<Vec<_>>().join("; ")),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the writer's thread is the edge that syncs are timed at")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
