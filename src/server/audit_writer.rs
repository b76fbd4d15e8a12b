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
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

pub use session::SessionAudit;
pub(crate) use session::outcome_word;

use crate::audit::{Kind, Record, WhoPart};
use crate::config::{Audit, Durability, OnFailure};

/// Places that one step of a session may take at most.
const LEASE: i64 = 8192;
/// Records beyond the queue's size that may wait: log-ins and ends of sessions, which have no place reserved.
const RESERVE: i64 = 1024;

/// What the threads tell the writer.
enum Message {
    Record(Record, Option<Arc<Waiter>>),
    Reopen,
    Stop,
}

/// What sessions and writer share.
#[derive(Debug)]
struct Shared {
    /// Places that nobody holds. Below 0 where records came that had none reserved.
    free: AtomicI64,
    size: i64,
    /// Records that were left and are not written yet.
    queued: AtomicI64,
    /// `on_failure: continue`.
    may_go_on: bool,
    /// `durability: each`.
    each: bool,
    /// The last attempt to write failed.
    failing: AtomicBool,
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
        let _ = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| Some(free.saturating_add(places).min(self.size)));
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
    queue: Sender<Message>,
    thread: std::thread::Thread,
}

impl AuditHandle {
    /// Reserves places for one step; 0 where the queue is full or the log cannot be written, unless `on_failure: continue`.
    #[must_use]
    pub fn lease(&self) -> u32 {
        let shared = &*self.shared;
        if shared.may_go_on {
            shared.free.fetch_sub(LEASE, Ordering::AcqRel);
            return u32::try_from(LEASE).unwrap_or_default();
        }
        if shared.failing.load(Ordering::Acquire) {
            return 0;
        }
        // A small queue is shared: nobody takes all of what is left.
        let part = |free: i64| if free >= 2 * LEASE { LEASE } else { (free.max(0) + 1) / 2 };
        match shared.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| Some(free - part(free))) {
            Ok(free) | Err(free) => {
                if free * 2 < shared.size {
                    self.thread.unpark();
                }
                u32::try_from(part(free)).unwrap_or_default()
            }
        }
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
        !self.shared.may_go_on && (self.shared.failing.load(Ordering::Acquire) || self.shared.free.load(Ordering::Acquire) <= -RESERVE)
    }

    /// Opens the file anew where another one stands at its path now, or none (SIGHUP, after an outside rotation).
    pub fn reopen(&self) {
        // A writer that is gone has nothing open.
        let _ = self.queue.send(Message::Reopen);
        self.thread.unpark();
    }

    /// The numbers now.
    #[must_use]
    pub fn stats(&self) -> AuditStats {
        let shared = &*self.shared;
        AuditStats {
            records: shared.records.load(Ordering::Relaxed),
            queue: u64::try_from(shared.queued.load(Ordering::Acquire)).unwrap_or_default(),
            failures: shared.failures.load(Ordering::Relaxed),
            failing: shared.failing.load(Ordering::Acquire),
        }
    }

    /// A place for a record that has none; where there is no room the record counts as lost.
    fn reserve_one(&self) -> bool {
        let free = self.shared.free.fetch_sub(1, Ordering::AcqRel);
        let room = free > -RESERVE || self.shared.may_go_on;
        if !room {
            self.shared.free.fetch_add(1, Ordering::AcqRel);
            self.lose();
        }
        room
    }

    fn leave(&self, record: Record, waiter: Option<Arc<Waiter>>) {
        // What does not fit is counted, and the log says so later.
        let full = self.shared.queued.fetch_add(1, Ordering::AcqRel) >= self.shared.most();
        if full || self.queue.send(Message::Record(record, waiter.clone())).is_err() {
            self.shared.queued.fetch_sub(1, Ordering::AcqRel);
            self.shared.give_back(1);
            self.lose();
            if let Some(waiter) = waiter {
                waiter.done();
            }
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
            free: AtomicI64::new(size),
            size,
            queued: AtomicI64::new(0),
            may_go_on: config.on_failure == OnFailure::Continue,
            each,
            failing: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            records: AtomicU64::new(1),
            failures: AtomicU64::new(0),
        });
        Self::spawn(log, shared)
    }

    fn spawn<S: log::Store + Send + 'static>(log: log::Log<S>, shared: Arc<Shared>) -> io::Result<Self> {
        let (queue, receiver) = channel();
        let writer = thread::Writer {
            log,
            queue: receiver,
            each: shared.each,
            shared: Arc::clone(&shared),
            since: None,
            held: 0,
            waiting: Vec::new(),
            reopen: false,
            stopping: false,
        };
        let thread = std::thread::Builder::new().name("audit".into()).spawn(move || writer.run())?;
        Ok(Self { handle: AuditHandle { shared, queue, thread: thread.thread().clone() }, thread })
    }

    /// The way to it.
    #[must_use]
    pub fn handle(&self) -> AuditHandle {
        self.handle.clone()
    }

    /// Writes what is in the queue, a `stop` record, and ends. For after the last session's end.
    pub fn stop(self) {
        let _ = self.handle.queue.send(Message::Stop);
        self.handle.thread.unpark();
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
