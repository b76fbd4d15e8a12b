//! A session: the state machine between a client and its server. Bytes go in, bytes and records come out; no socket, no clock,
//! no lock, no await.
//!
//! Each direction has its own phase. [`asking`] follows the client, decides its texts and writes what may go on to the server;
//! [`replies`] follows the server and holds each answer against the queue of what was asked. Names (statements, portals,
//! cursors) are resolved where the server answers, never where the client asks: a pipelining client runs ahead of errors that
//! would make the proxy's belief and the server's state two different things.

mod analysis;
mod asking;
mod budget;
mod by_name;
mod cache;
mod copy;
mod names;
mod open;
mod replies;
mod rows;
mod scrub;
mod sqlstate;
mod truth;
mod upstream;
mod witness;

pub use analysis::{Decided, Work};
pub use budget::Budget;
pub use cache::PlanCache;
pub use open::{Finished, Outcome};
pub use sqlstate::{Fault, fault_fields, refusal_fields};

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::plan::Names;
use crate::policy::Profile;
use crate::wire::{Cutter, FrameError, Hold, Piece, backend, client};

use by_name::ByName;
use replies::Replies;
use sqlstate::ErrorText;
use upstream::Upstream;

/// What a session's statements are decided by: one principal's profile over one catalog. Immutable; a change is a new one.
#[derive(Debug)]
pub struct View {
    /// Equal ids mean equal catalogs and policies.
    pub snapshot: u64,
    /// The database's schema.
    pub catalog: Arc<Catalog>,
    /// The principal's rights.
    pub profile: Profile,
    /// Keys the fingerprint of texts that cannot be parsed.
    pub fingerprint_key: [u8; 32],
    /// The policy's hash, `sha256:…`, for the audit.
    pub policy: Arc<str>,
}

/// Bounds in bytes (interface.md, `limits`).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A Query or Parse message.
    pub statement: usize,
    /// Any other message that has to be whole: a Bind, and what the server says beside rows.
    pub message: usize,
    /// A text that a governed principal may have parsed.
    pub parse: usize,
    /// A row that has to be masked.
    pub masked_row: usize,
    /// A text beyond which a decision would hold up the other sessions of the thread: it is made elsewhere.
    pub long: usize,
}

impl Limits {
    /// The longest message of this type, type byte included.
    fn of(&self, tag: u8) -> usize {
        if matches!(tag, client::QUERY | client::PARSE) { self.statement + 1 } else { self.message + 1 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { statement: 16 << 20, message: 256 << 20, parse: 1 << 20, masked_row: 16 << 20, long: 64 << 10 }
    }
}

/// What the shell lends for one step.
#[derive(Debug)]
pub struct Cx<'a> {
    /// Microseconds of a clock that never goes back.
    pub now: u64,
    /// This thread's plans.
    pub cache: &'a mut PlanCache,
    /// What goes to the client.
    pub to_client: &'a mut Vec<u8>,
    /// What goes to the server.
    pub to_server: &'a mut Vec<u8>,
    /// Statements that ended: one element each.
    pub finished: &'a mut Vec<Finished>,
    /// Places in the audit's queue that the shell has leased; a statement takes one before it is sent.
    pub places: &'a mut u32,
    /// Counts of this step, for the metrics.
    pub counts: &'a mut Counts,
}

/// What the metrics count beside statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Values that were masked.
    pub masked: u64,
    /// Results that the second witness stopped.
    pub witness_trips: u64,
    /// Statements in which the two readers saw different things.
    pub reader_disagreements: u64,
    /// Transactions after which the schema may be another.
    pub schema_changes: u64,
    /// Those of them that defined something, for certain.
    pub definitions: u64,
    /// Plans found in the cache.
    pub cache_hits: u64,
    /// Plans made.
    pub cache_misses: u64,
}

/// PostgreSQL's own limits for messages that may be large, and for those that may not (`PQ_LARGE_MESSAGE_LIMIT` and
/// `PQ_SMALL_MESSAGE_LIMIT` in libpq.h). Beyond them it ends the connection.
const LARGE: usize = 0x3fff_ffff;
const SMALL: usize = 10_000;

/// Why the session is over, for the shell to close both connections after the last bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The client said Terminate.
    Terminated,
    /// The client broke the protocol.
    ClientProtocol,
    /// The server did what the proxy does not understand, or a witness stopped a result: what was to come is not passed on.
    Stopped,
}

/// A client's session after log-in.
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
#[derive(Debug)]
pub struct Session {
    view: Arc<View>,
    names: Arc<Names>,
    limits: Limits,
    client: Cutter,
    server: Cutter,
    /// What the client is believed to have prepared and bound, as of its last message.
    asked: asking::Asked,
    replies: Replies,
    /// The status of the last `ReadyForQuery`.
    status: u8,
    /// Server settings that shape text output, as `ParameterStatus` reported them.
    rendering: rows::Settings,
    close: Option<Close>,
    /// The client said Terminate: nothing more is read of it.
    terminated: bool,
    /// Client bytes that wait for an answer of the server, or for the decision of a long text.
    waiting: Vec<u8>,
    /// The first of them waits until everything before it is answered.
    settling: bool,
    analysis: analysis::Analysis,
    /// What must be asked of the server before the next statement is decided.
    doubt: asking::Doubt,
    /// Whether the client's message that passes in pieces goes on to the server.
    rest_passes: bool,
    /// The catalog of the view is too old to decide by.
    stale: bool,
    /// The session has changed the schema, and the catalog of the view may be from before.
    behind: bool,
    /// What rows that wait to be masked take of the process's budget.
    held: budget::Held,
    /// A request to cancel what the server runs.
    cancel: replies::Cancel,
}

impl Session {
    /// A session that has just logged in; `parameters` are the server's `ParameterStatus` values so far.
    #[must_use]
    pub fn new(view: Arc<View>, limits: Limits, parameters: &[(String, String)]) -> Self {
        let governed = !view.profile.unrestricted;
        let mut rendering = rows::Settings::default();
        for (name, value) in parameters {
            rendering.set(name, value);
        }
        Self {
            view,
            names: Arc::default(),
            limits,
            client: Cutter::new(client::ALL, &[client::COPY_DATA]),
            server: Cutter::new(backend::ALL, &[backend::DATA_ROW, backend::COPY_DATA]),
            asked: asking::Asked::default(),
            replies: Replies::default(),
            status: b'I',
            rendering,
            close: None,
            terminated: false,
            waiting: Vec::new(),
            settling: false,
            analysis: analysis::Analysis::default(),
            doubt: if governed { asking::Doubt::all() } else { asking::Doubt::default() },
            rest_passes: false,
            stale: false,
            behind: false,
            held: budget::Held::default(),
            cancel: replies::Cancel::None,
        }
    }

    /// Rows that wait to be masked take their memory from what all sessions share.
    #[must_use]
    pub fn sharing(self, budget: &Arc<Budget>) -> Self {
        Self { held: budget::Held::of(budget), ..self }
    }

    /// Whether the session is over.
    #[must_use]
    pub fn closing(&self) -> Option<Close> {
        self.close
    }

    /// Whether client bytes may be read now: not while an answer of the server or a decision is awaited or the reply queue is full.
    #[must_use]
    pub fn wants_client(&self) -> bool {
        self.waiting.is_empty() && !self.terminated && !self.replies.is_full() && !self.asked.is_full()
    }

    /// Whether nothing is under way: no statement, no transaction, no half message.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.status == b'I' && self.replies.is_empty() && self.waiting.is_empty() && self.client.at_boundary()
    }

    /// Client bytes that were read before and are not decided yet: no step can decide more than these and its own.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.waiting.len() + self.client.held()
    }

    /// Who the session is decided by.
    #[must_use]
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// The catalog is older than it may be: until another view comes, a governed session's statements are refused, but for those
    /// that end what is open.
    pub fn catalog_is_stale(&mut self, cx: &mut Cx<'_>) {
        self.stale = true;
        self.take_up(cx);
    }

    /// The schema has changed, by another session: until the catalog is read, a governed session's statements wait.
    pub fn catalog_is_behind(&mut self) {
        self.behind |= self.governed();
    }

    /// The catalog was read after the schema had changed: what waited for it is decided.
    pub fn catalog_is_fresh(&mut self, cx: &mut Cx<'_>) {
        self.behind = false;
        self.take_up(cx);
    }

    /// Whether the client's messages wait: for a text to be decided, or for the answers to those before them.
    fn waits(&self) -> bool {
        self.analyses() || self.settling
    }

    fn governed(&self) -> bool {
        !self.view.profile.unrestricted
    }

    /// Bytes came from the client.
    pub fn client_bytes(&mut self, mut input: &[u8], cx: &mut Cx<'_>) {
        if !self.waiting.is_empty() {
            self.waiting.extend_from_slice(input);
            return;
        }
        let mut cutter = std::mem::replace(&mut self.client, Cutter::new(client::ALL, &[client::COPY_DATA]));
        while self.close.is_none() && !self.terminated {
            if cutter.peek(input).is_some_and(|tag| self.must_wait(tag, cx)) {
                self.waiting.extend_from_slice(input);
                break;
            }
            let limits = self.limits;
            let rule = move |tag, total| match tag {
                client::COPY_DATA => Hold::Pass,
                // What is too long for our limits alone is refused as a statement is, and passed over piece by piece.
                client::QUERY | client::PARSE | client::BIND | client::FUNCTION_CALL => {
                    if total > limits.of(tag) && total <= LARGE {
                        Hold::Pass
                    } else {
                        Hold::UpTo(limits.of(tag).min(LARGE))
                    }
                }
                _ => Hold::UpTo(SMALL),
            };
            match cutter.next(&mut input, rule) {
                Ok(Some(piece)) => self.on_client(piece, cx),
                Ok(None) => break,
                Err(e) => self.client_broke(&e, cx),
            }
            if self.waits() {
                self.waiting.extend_from_slice(input);
                break;
            }
        }
        self.client = cutter;
        if self.asked.is_full() && self.replies.is_skipping() {
            // nothing that would make room is answered before the Sync
            self.asked.settle();
        }
        let full = self.asked.is_full();
        self.replies.keep_moving(full, &mut Upstream::new(cx.to_server));
    }

    /// Bytes came from the server.
    pub fn server_bytes(&mut self, mut input: &[u8], cx: &mut Cx<'_>) {
        let mut cutter = std::mem::replace(&mut self.server, Cutter::new(backend::ALL, &[backend::DATA_ROW, backend::COPY_DATA]));
        while self.close.is_none() {
            let limit = self.limits.message;
            let rule = |tag, _| match tag {
                backend::DATA_ROW => self.row_rule(),
                backend::COPY_DATA => Hold::Pass,
                _ => Hold::UpTo(limit),
            };
            match cutter.next(&mut input, rule) {
                Ok(Some(piece)) => self.on_server(piece, cx),
                Ok(None) => break,
                Err(FrameError::TooLong { tag: backend::DATA_ROW | backend::COPY_DATA, limit: _ }) => {
                    self.break_off(Fault::RowTooLong { limit: self.limits.masked_row }, cx);
                }
                Err(_) => self.stop(Fault::ServerProtocol, cx),
            }
        }
        self.server = cutter;
        let kept = if self.replies.is_broken() { 0 } else { self.server.keeping().max(self.replies.copy_kept()) };
        if !self.held.resize(kept) && self.close.is_none() {
            self.break_off(Fault::RowBudget, cx);
        }
        if self.close.is_none() {
            self.consider_cancel();
        }
        self.take_up(cx);
    }

    /// Goes on with the client's messages that waited for the server, once it has answered all before them.
    fn take_up(&mut self, cx: &mut Cx<'_>) {
        let answered = self.replies.is_empty() || self.replies.copies_in();
        if !self.waiting.is_empty() && !self.analyses() && answered && !self.settles() && self.close.is_none() {
            let waiting = std::mem::take(&mut self.waiting);
            if std::mem::take(&mut self.settling) {
                self.asked.settle();
            }
            self.client_bytes(&waiting, cx);
        }
    }

    /// One side is gone, or the session is over: every open statement still gives its record.
    pub fn end(&mut self, cx: &mut Cx<'_>) {
        self.replies.end(cx);
    }

    fn client_broke(&mut self, e: &FrameError, cx: &mut Cx<'_>) {
        let (FrameError::TooLong { .. } | FrameError::Length | FrameError::Type(_)) = e;
        self.say_fatal(Fault::ClientProtocol, cx);
        self.close = Some(Close::ClientProtocol);
    }

    /// The server's connection ended. Where it did not say why, the client hears that it did.
    pub fn server_gone(&mut self, cx: &mut Cx<'_>) {
        if !self.replies.said_farewell() && !self.terminated {
            self.say_fatal(Fault::UpstreamGone, cx);
        }
    }

    /// The proxy ends the session.
    pub fn farewell(&mut self, fault: Fault, cx: &mut Cx<'_>) {
        self.say_fatal(fault, cx);
    }

    /// What was to come is not passed on: the client hears why, and both sides are closed.
    fn stop(&mut self, fault: Fault, cx: &mut Cx<'_>) {
        cx.counts.witness_trips += u64::from(fault == Fault::Witness);
        self.replies.stopped(fault, cx);
        self.say_fatal(fault, cx);
        self.close = Some(Close::Stopped);
    }

    fn say_fatal(&self, fault: Fault, cx: &mut Cx<'_>) {
        // Within a message whose beginning has gone out, the client would take it for the rest of that.
        if self.server.is_passing() && self.replies.copy_kept() == 0 && !self.replies.is_broken() {
            return;
        }
        let fatal = ErrorText { severity: "FATAL", ..fault_fields(fault) };
        crate::wire::error_frame(cx.to_client, &fatal.as_fields());
    }

    fn on_client(&mut self, piece: Piece<'_>, cx: &mut Cx<'_>) {
        match piece {
            Piece::Whole(frame) => {
                self.on_client_frame(frame, cx);
                if self.waits() {
                    self.waiting.extend_from_slice(frame.whole);
                }
            }
            Piece::Begin(frame) if frame.tag == client::COPY_DATA => {
                // What has begun goes on to its end, whatever the server says meanwhile: it counts on the length.
                self.rest_passes = self.passes_copy();
                if self.rest_passes {
                    Upstream::new(cx.to_server).copy_bytes(frame.whole);
                }
            }
            Piece::Begin(frame) => {
                self.rest_passes = false;
                self.too_long(frame, cx);
            }
            Piece::Part { bytes, .. } if self.rest_passes => Upstream::new(cx.to_server).copy_bytes(bytes),
            Piece::Part { .. } => {}
            // Only COPY's data comes in runs.
            Piece::Run(run) => {
                if self.passes_copy() {
                    Upstream::new(cx.to_server).copy_bytes(run.bytes);
                }
            }
        }
    }
}

/// Names as they stand on the wire: the encoding of an unrestricted session need not be UTF-8.
type WireName = Box<[u8]>;

/// What the server takes a name for: its first 63 bytes, since its tables of names have keys of `NAMEDATALEN`. Two names that it
/// holds to be one must not be two to us.
fn name_key(name: &[u8]) -> &[u8] {
    name.get(..63).unwrap_or(name)
}

#[cfg(test)]
mod tests;
