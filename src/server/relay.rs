//! The loop of one session: read what is there, step, write what came of it. One task moves both directions; it owns no buffer
//! while it waits, since every read goes into the thread's own and only what a peer does not take is kept.
//! What is allowed is decided in `session`; nothing here looks into a byte.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use super::analyst::Analyst;
use super::mailbox::{Left, Mailbox};
use crate::session::{Close, Counts, Cx, Decided, Fault, Finished, PlanCache, Session, View};

/// Bytes read at a time.
const READ: usize = 64 << 10;
/// How long the end of a session may take.
const LAST: std::time::Duration = std::time::Duration::from_secs(5);
/// Steps after which a busy session lets the others of its thread run.
const TURNS: usize = 16;

/// What the threads' sessions share with each other and nobody else.
#[derive(Debug)]
pub(crate) struct Worker {
    read: Box<[u8]>,
    to_client: Vec<u8>,
    to_server: Vec<u8>,
    finished: Vec<Finished>,
    cache: PlanCache,
    analyst: Analyst,
    /// Places in the audit's queue that the thread holds between two steps.
    places: u32,
}

impl Worker {
    /// `cache` is how many bytes of texts and plans the thread keeps.
    pub(crate) fn new(cache: usize, analyst: Analyst) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            read: vec![0; READ].into(),
            to_client: Vec::with_capacity(READ),
            to_server: Vec::with_capacity(READ),
            finished: Vec::new(),
            cache: PlanCache::new(cache),
            analyst,
            places: 0,
        }))
    }
}

/// A request to cancel, until the server has handled it or cannot be asked.
pub(crate) struct Cancelling(pub(crate) Pin<Box<dyn Future<Output = ()>>>);

impl std::fmt::Debug for Cancelling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cancelling")
    }
}

/// The edge that a session's records and counts go to, and the clock that its times come from.
pub(crate) trait Edge {
    /// Microseconds of a clock that never goes back.
    fn now(&self) -> u64;
    /// The places in the audit's queue that a thread with `held` of them holds for a step that may take `need`.
    fn hold(&self, held: u32, need: u32) -> u32;
    /// Those of the left ones that the thread keeps for its next step; the others go back.
    fn keep(&self, held: u32) -> u32;
    /// A statement ended.
    fn record(&self, view: &View, finished: Finished);
    /// What a step counted that began at `since`.
    fn count(&self, counts: Counts, since: u64);
    /// When the database's schema last changed through the proxy, while no catalog is read that has the change.
    fn schema_changed(&self) -> Option<Instant>;
    /// Whether everything that was recorded so far may be told to the client (`durability: each`).
    fn poll_durable(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// Asks the server to give up what it runs for this session.
    fn cancel(&self) -> Cancelling;
}

/// Bytes that a peer has not taken yet.
#[derive(Debug, Default)]
struct Unsent {
    bytes: Vec<u8>,
    from: usize,
}

impl Unsent {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes what is kept, then `fresh`; what is not taken is kept. `Err` is a peer that is gone.
    fn write<S: AsyncWrite + Unpin>(&mut self, to: &mut S, fresh: &[u8], cx: &mut Context<'_>) -> std::io::Result<()> {
        if !self.bytes.is_empty() {
            self.bytes.extend_from_slice(fresh);
            while let Some(rest) = self.bytes.get(self.from..).filter(|r| !r.is_empty()) {
                match Pin::new(&mut *to).poll_write(cx, rest)? {
                    Poll::Ready(0) => return Err(std::io::ErrorKind::WriteZero.into()),
                    Poll::Ready(n) => self.from += n,
                    Poll::Pending => return Ok(()),
                }
            }
            *self = Self::default();
            return Ok(());
        }
        let mut rest = fresh;
        while !rest.is_empty() {
            match Pin::new(&mut *to).poll_write(cx, rest)? {
                Poll::Ready(0) => return Err(std::io::ErrorKind::WriteZero.into()),
                Poll::Ready(n) => rest = rest.get(n..).unwrap_or_default(),
                Poll::Pending => {
                    self.bytes = rest.to_vec();
                    self.from = 0;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Client,
    Server,
}

/// A session with its two connections.
#[derive(Debug)]
pub(crate) struct Relay<C, U, E> {
    client: C,
    upstream: U,
    session: Session,
    edge: E,
    worker: Rc<RefCell<Worker>>,
    mailbox: Arc<Mailbox>,
    to_client: Unsent,
    to_server: Unsent,
    /// TLS keeps what it was given until it is flushed.
    flush: (bool, bool),
    draining: bool,
    /// The decision of a long text, when the analyst has it.
    analysis: Option<oneshot::Receiver<Decided>>,
    /// When the session last changed the schema, until a catalog is read that began after that.
    changed: Option<Instant>,
    /// A request to cancel what the server runs.
    cancelling: Option<Cancelling>,
    /// The server takes no more.
    deaf: bool,
    over: Option<End>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client left.
    Client,
    /// The server left.
    Server,
    /// The proxy ended it.
    Proxy,
}

impl<C, U, E> Relay<C, U, E>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
    E: Edge,
{
    pub(crate) fn new(client: C, upstream: U, session: Session, edge: E, worker: Rc<RefCell<Worker>>, mailbox: Arc<Mailbox>) -> Self {
        Self {
            client,
            upstream,
            session,
            edge,
            worker,
            mailbox,
            to_client: Unsent::default(),
            to_server: Unsent::default(),
            flush: (false, false),
            draining: false,
            analysis: None,
            changed: None,
            cancelling: None,
            deaf: false,
            over: None,
        }
    }

    /// Runs until either side ends, then closes both. `client` and `server` were read beyond the log-in.
    pub(crate) async fn run(mut self: Box<Self>, client: Vec<u8>, server: Vec<u8>) -> End {
        std::future::poll_fn(|cx| {
            self.mailbox.listen(cx.waker());
            for (from, bytes) in [(From::Server, &server), (From::Client, &client)] {
                if !bytes.is_empty() {
                    self.step(from, bytes, cx);
                }
            }
            Poll::Ready(())
        })
        .await;
        drop((client, server));
        let end = std::future::poll_fn(|cx| self.poll(cx)).await;
        // Boxed, so that an idle session does not keep room for its end.
        Box::pin(self.finish(end)).await;
        end
    }

    /// Ends what is open, and says it to both sides.
    async fn finish(&mut self, end: End) {
        // Where the proxy ends a session, what it was at does not run on: the server would notice only when it has something to say.
        let cancelling = (end == End::Proxy && !self.session.is_idle()).then(|| self.edge.cancel());
        // Every open statement gives its record.
        std::future::poll_fn(|cx| {
            self.lend(0, cx, Session::end);
            Poll::Ready(())
        })
        .await;
        // What the client has not been told yet goes out before its connection is closed; a peer that does not read is not waited for.
        let last_words = tokio::time::timeout(LAST, std::future::poll_fn(|cx| self.poll_last_words(cx)));
        let cancelled = async {
            if let Some(cancelling) = cancelling {
                let _ = tokio::time::timeout(LAST, cancelling.0).await;
            }
        };
        let _ = tokio::join!(last_words, cancelled);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..TURNS {
            self.hear(cx);
            if let Some(end) = self.over {
                return Poll::Ready(end);
            }
            let mut moved = self.write_kept(cx) | self.take_analysis(cx) | self.take_cancel(cx);
            // A result that the client does not take stops the reading of more of it, and a request that the server does not
            // take stops the reading of more requests: nothing grows.
            if self.to_client.is_empty() {
                moved |= self.read(From::Server, cx);
            }
            if self.to_server.is_empty() && self.session.wants_client() {
                moved |= self.read(From::Client, cx);
            }
            self.flush(cx);
            if self.over.is_none() && self.draining && self.session.is_idle() && self.to_client.is_empty() {
                self.say(Fault::ShuttingDown, cx);
                self.over = Some(End::Proxy);
            }
            if !moved && self.over.is_none() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn hear(&mut self, cx: &mut Context<'_>) {
        let Some(Left { view, stale, read, drain, stop }) = self.mailbox.look() else { return };
        self.draining |= drain;
        if stop {
            self.say(Fault::ShuttingDown, cx);
            self.over = Some(End::Proxy);
            return;
        }
        if let Some(view) = view {
            self.lend(0, cx, |session, lent| session.set_view(view, lent));
            if self.session.closing().is_some() {
                self.over = Some(End::Proxy);
            }
        }
        if stale {
            self.lend(0, cx, Session::catalog_is_stale);
            self.see_close();
        }
        if self.changed.is_some_and(|changed| read.is_some_and(|begun| begun >= changed)) {
            self.changed = None;
            self.mailbox.set_awaits(false);
            self.lend(0, cx, Session::catalog_is_fresh);
            self.see_close();
        }
    }

    /// The decision that the session waits for, if it is there.
    fn take_analysis(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(Poll::Ready(decided)) = self.analysis.as_mut().map(|a| Pin::new(a).poll(cx)) else { return false };
        self.analysis = None;
        match decided {
            Ok(decided) => self.lend(0, cx, |session, lent| session.analysed(decided, lent)),
            // the process ends
            Err(_) => self.over = Some(End::Proxy),
        }
        self.see_close();
        true
    }

    /// Whether a request to cancel was handled just now.
    fn take_cancel(&mut self, cx: &mut Context<'_>) -> bool {
        let handled = self.cancelling.as_mut().is_some_and(|c| c.0.as_mut().poll(cx).is_ready());
        if handled {
            self.cancelling = None;
            self.lend(0, cx, Session::cancelled);
            self.see_close();
        }
        handled
    }

    fn say(&mut self, fault: Fault, cx: &mut Context<'_>) {
        self.lend(0, cx, |session, lent| session.farewell(fault, lent));
    }

    fn write_kept(&mut self, cx: &mut Context<'_>) -> bool {
        let before = (self.to_client.is_empty(), self.to_server.is_empty());
        if before == (true, true) {
            return false;
        }
        if self.edge.poll_durable(cx).is_ready() && self.to_client.write(&mut self.client, &[], cx).is_err() {
            self.over = Some(End::Client);
        }
        if self.to_server.write(&mut self.upstream, &[], cx).is_err() {
            self.deafened();
        }
        self.flush = (true, true);
        before != (self.to_client.is_empty(), self.to_server.is_empty())
    }

    /// The server takes no more. What it said before, why it went above all, is still there to be read, and its end follows.
    fn deafened(&mut self) {
        self.deaf = true;
        self.to_server = Unsent::default();
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        if self.flush.0 && !matches!(Pin::new(&mut self.client).poll_flush(cx), Poll::Pending) {
            self.flush.0 = false;
        }
        if self.flush.1 && !matches!(Pin::new(&mut self.upstream).poll_flush(cx), Poll::Pending) {
            self.flush.1 = false;
        }
    }

    /// Reads once from a side and steps. Whether anything happened.
    fn read(&mut self, from: From, cx: &mut Context<'_>) -> bool {
        let worker = Rc::clone(&self.worker);
        let mut buffer = std::mem::take(&mut worker.borrow_mut().read);
        let mut read = ReadBuf::new(&mut buffer);
        let polled = match from {
            From::Client => Pin::new(&mut self.client).poll_read(cx, &mut read),
            From::Server => Pin::new(&mut self.upstream).poll_read(cx, &mut read),
        };
        let moved = match polled {
            Poll::Pending => false,
            Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                self.step(from, read.filled(), cx);
                true
            }
            Poll::Ready(_) => {
                if from == From::Server {
                    self.lend(0, cx, Session::server_gone);
                }
                self.over = Some(if from == From::Client { End::Client } else { End::Server });
                true
            }
        };
        worker.borrow_mut().read = buffer;
        moved
    }

    fn step(&mut self, from: From, bytes: &[u8], cx: &mut Context<'_>) {
        // Only what a client asks takes places.
        let input = if from == From::Client { bytes.len() } else { 0 };
        self.lend(input, cx, |session, lent| match from {
            From::Client => session.client_bytes(bytes, lent),
            From::Server => session.server_bytes(bytes, lent),
        });
        self.see_close();
    }

    fn see_close(&mut self) {
        match self.session.closing() {
            Some(Close::Terminated | Close::ClientProtocol) => self.over = Some(End::Client),
            Some(Close::Stopped) => self.over = Some(End::Proxy),
            None => {}
        }
    }

    /// Another session has changed the schema: nothing is decided until the catalog is read. The reading may end while this is looked at: either it
    /// finds that the session awaits it, or the session finds it done.
    fn await_catalog(&mut self) {
        if self.changed.is_some() || self.session.view().profile.unrestricted || self.edge.schema_changed().is_none() {
            return;
        }
        self.mailbox.set_awaits(true);
        self.changed = self.edge.schema_changed();
        match self.changed {
            Some(_) => self.session.catalog_is_behind(),
            None => self.mailbox.set_awaits(false),
        }
    }

    /// Lends the thread's buffers and the audit's places to one step, and hands on what came of it.
    fn lend(&mut self, input: usize, cx: &mut Context<'_>, work: impl FnOnce(&mut Session, &mut Cx<'_>)) {
        self.await_catalog();
        let worker = Rc::clone(&self.worker);
        let worker = &mut *worker.borrow_mut();
        let mut counts = Counts::default();
        // The shortest statement (`END;`) has four bytes, the shortest Execute ten.
        let need = u32::try_from((input + self.session.kept()) / 4 + 1).unwrap_or(u32::MAX);
        let mut places = self.edge.hold(worker.places, need);
        let now = self.edge.now();
        let mut lent = Cx {
            now,
            cache: &mut worker.cache,
            to_client: &mut worker.to_client,
            to_server: &mut worker.to_server,
            finished: &mut worker.finished,
            places: &mut places,
            counts: &mut counts,
        };
        work(&mut self.session, &mut lent);
        worker.places = self.edge.keep(places);
        if counts.schema_changes > 0 {
            self.mailbox.set_awaits(true);
            self.changed = Some(Instant::now());
        }
        self.edge.count(counts, now);
        if let Some(work) = self.session.work() {
            self.analysis = Some(worker.analyst.decide(work));
            // it may be there already
            cx.waker().wake_by_ref();
        }
        if self.session.cancels() {
            self.cancelling = Some(self.edge.cancel());
            cx.waker().wake_by_ref();
        }
        self.hand_over(worker, cx);
    }

    fn hand_over(&mut self, worker: &mut Worker, cx: &mut Context<'_>) {
        for finished in worker.finished.drain(..) {
            self.edge.record(self.session.view(), finished);
        }
        if !worker.to_server.is_empty() {
            self.flush.1 = true;
            if !self.deaf && self.to_server.write(&mut self.upstream, &worker.to_server, cx).is_err() {
                self.deafened();
            }
        }
        if !worker.to_client.is_empty() {
            self.flush.0 = true;
            if self.edge.poll_durable(cx).is_pending() {
                self.to_client.bytes.extend_from_slice(&worker.to_client);
            } else if self.to_client.write(&mut self.client, &worker.to_client, cx).is_err() {
                self.over = Some(End::Client);
            }
        }
        worker.to_client.clear();
        worker.to_server.clear();
        // A burst is not what the thread keeps memory for.
        worker.to_client.shrink_to(1 << 20);
        worker.to_server.shrink_to(1 << 20);
    }

    fn poll_last_words(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = self.to_client.write(&mut self.client, &[], cx);
        let _ = self.to_server.write(&mut self.upstream, &[], cx);
        if !self.to_client.is_empty() {
            return Poll::Pending;
        }
        let _ = ready!(Pin::new(&mut self.client).poll_shutdown(cx));
        let _ = ready!(Pin::new(&mut self.upstream).poll_shutdown(cx));
        Poll::Ready(())
    }
}
