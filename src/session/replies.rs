//! The server's direction: the queue of what was asked, and each answer held against its head.
// INVARIANT 8: what goes to the client goes in the order in which it asked; a refusal takes the place of the server's own error.

mod answers;
mod broken;
mod copy;
mod errors;
mod names;
mod revoked;
mod rows;

use std::collections::VecDeque;
use std::rc::Rc;

use super::copy::CopyMask;
use super::open::{OpenStatement, PlannedRef, sqlstate_bytes};
use super::sqlstate::{ErrorText, Fault, fault_reason};
use super::truth::{Prepared, Truth};
use super::upstream::{Control, Upstream};
use super::witness::{Shape, Witnessed};
use super::{Cx, WireName};
use crate::plan::{CopyDirection, Effect, Permit};
use crate::wire::error_frame;

use broken::Broken;
pub(super) use broken::Cancel;

/// Entries beyond which a client is not read any further.
const QUEUE_LIMIT: usize = 4096;
/// Entries after which the server is asked to send what it holds back.
const FLUSH_AFTER: usize = 128;

/// A refused statement and those that fall with it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) open: Option<OpenStatement>,
    pub(super) skipped: Vec<OpenStatement>,
    pub(super) text: ErrorText,
    pub(super) reason: &'static str,
}

impl Refused {
    pub(super) fn of(open: Option<OpenStatement>, text: ErrorText, reason: &'static str) -> Self {
        Self { open, skipped: Vec::new(), text, reason }
    }

    /// Tells the client, and closes the records.
    pub(super) fn say(self, cx: &mut Cx<'_>) {
        error_frame(cx.to_client, &self.text.as_fields());
        self.close(cx);
    }

    pub(super) fn close(self, cx: &mut Cx<'_>) {
        let sqlstate = sqlstate_bytes(self.text.sqlstate);
        cx.finished.extend(self.open.map(|o| o.refused(self.reason, sqlstate, cx.now)));
        cx.finished.extend(self.skipped.into_iter().map(|o| o.skipped(cx.now)));
    }
}

/// A query string under way.
#[derive(Debug)]
pub(super) struct QueryReply {
    statements: VecDeque<OpenStatement>,
    /// It was sent in the messages of the extended protocol.
    extended: bool,
    witnessed: Option<Witnessed>,
    /// What the server said of the result that it is sending.
    shape: Option<Shape>,
    failed: bool,
}

impl QueryReply {
    pub(super) fn new(statements: VecDeque<OpenStatement>) -> Self {
        Self { statements, extended: false, witnessed: None, shape: None, failed: false }
    }

    /// The same of one that goes in the messages of the extended protocol.
    pub(super) fn extended(statements: VecDeque<OpenStatement>) -> Self {
        Self { extended: true, ..Self::new(statements) }
    }
}

/// What an answer of the server is awaited for.
#[derive(Debug)]
pub(super) enum Expect {
    Query(QueryReply),
    /// A failing statement stands in the place of a refused query string.
    RefusedQuery(Option<Refused>),
    /// A failing Parse stands in the place of a refused message.
    Refused(Option<Refused>),
    Parse {
        name: WireName,
        prepared: Rc<Prepared>,
    },
    Bind {
        portal: WireName,
        statement: WireName,
        formats: Box<[i16]>,
    },
    Describe {
        what: u8,
        name: WireName,
        own: bool,
    },
    Execute {
        portal: WireName,
        open: Option<OpenStatement>,
    },
    Close {
        what: u8,
        name: WireName,
    },
    /// A message that is not what its type promises, for the server to say so.
    Malformed,
    Sync,
    /// The client ended its data; nothing answers it by itself.
    CopyEnd,
    /// The proxy's own question; whether it stands within a batch, where no `ReadyForQuery` follows.
    Ask(bool),
    /// The description of a COPY's columns that the proxy asked for; whether it stands within a batch.
    CopyShape(bool),
}

impl Expect {
    /// What it answers of statements that owe a record.
    fn statements(&self) -> impl Iterator<Item = &OpenStatement> {
        let (string, one) = match self {
            Self::Query(query) => (Some(&query.statements), None),
            Self::Execute { open, .. } => (None, open.as_ref()),
            Self::RefusedQuery(_)
            | Self::Refused(_)
            | Self::Parse { .. }
            | Self::Bind { .. }
            | Self::Describe { .. }
            | Self::Close { .. }
            | Self::Malformed
            | Self::Sync
            | Self::CopyEnd
            | Self::Ask(_)
            | Self::CopyShape(_) => (None, None),
        };
        string.into_iter().flatten().chain(one)
    }

    fn statements_mut(&mut self) -> impl Iterator<Item = &mut OpenStatement> {
        let (string, one) = match self {
            Self::Query(query) => (Some(&mut query.statements), None),
            Self::Execute { open, .. } => (None, open.as_mut()),
            Self::RefusedQuery(_)
            | Self::Refused(_)
            | Self::Parse { .. }
            | Self::Bind { .. }
            | Self::Describe { .. }
            | Self::Close { .. }
            | Self::Malformed
            | Self::Sync
            | Self::CopyEnd
            | Self::Ask(_)
            | Self::CopyShape(_) => (None, None),
        };
        string.into_iter().flatten().chain(one)
    }
}

/// Data on its way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum CopyIn {
    #[default]
    No,
    /// The server awaits data and the client has not ended it.
    Active,
}

/// What a Parse makes and what a Bind makes bear names of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Statement,
    Portal,
}

/// A statement whose Parse or Bind failed: an Execute that stands behind in its batch is the same statement.
#[derive(Debug)]
struct Failed {
    what: Named,
    name: WireName,
    /// What the server answered, until its one record is written.
    sqlstate: Option<[u8; 5]>,
}

impl Failed {
    fn is(&self, what: Named, name: &WireName) -> bool {
        self.what == what && self.name == *name
    }
}

/// The queue and what the server's answers told so far.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(super) struct Replies {
    queue: VecDeque<Expect>,
    truth: Truth,
    /// An error was answered and the server ignores everything up to a Sync that the client has not sent yet.
    skipping: bool,
    copy_in: CopyIn,
    /// Where the columns of the next COPY TO STDOUT come from.
    copy_shape: Option<Shape>,
    /// The error that the proxy's own question for them met in an open transaction, in the place of what it left behind.
    copy_error: Option<Vec<u8>>,
    /// The masked COPY TO STDOUT that runs.
    copy_out: Option<CopyMask>,
    /// The result that was broken off, until its batch is over.
    broken: Option<Broken>,
    /// Statements are under way that the present policy would not have run so.
    revoked: bool,
    /// Whose Parse or Bind failed in this batch.
    failed: Option<Failed>,
    since_flush: usize,
    /// Messages of the extended protocol stand behind the last Sync.
    batch: bool,
    /// The open transaction changed names.
    names_touched: bool,
    /// The open transaction may have changed the schema.
    schema_touched: bool,
    /// It has, for certain, if it commits.
    schema_defined: bool,
    /// The open transaction has left work for its end that may speak of something veiled.
    deferred: bool,
    /// The proxy's own question was cancelled: it is asked again.
    ask_failed: bool,
    /// Of its two Closes the first is answered.
    ask_closes: bool,
    /// The server may have a nameless statement of the proxy's, which a query string left behind.
    left_nameless: bool,
    /// The server said that it ends the connection.
    farewell: bool,
}

impl Replies {
    /// Whether the open transaction may have changed the schema.
    pub(super) fn changes_schema(&self) -> bool {
        self.schema_touched
    }

    pub(super) fn truth(&self) -> &Truth {
        &self.truth
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.queue.len() >= QUEUE_LIMIT
    }

    pub(super) fn is_skipping(&self) -> bool {
        self.skipping
    }

    pub(super) fn in_batch(&self) -> bool {
        self.batch
    }

    pub(super) fn copies_in(&self) -> bool {
        self.copy_in == CopyIn::Active
    }

    /// Whether a COPY FROM STDIN is under way or asked for.
    pub(super) fn may_copy_in(&self) -> bool {
        let copies = |s: &OpenStatement| s.permit().is_some_and(|p| matches!(p.effect(), Effect::Copy(CopyDirection::In, _)));
        self.queue.iter().any(|e| e.statements().any(copies))
    }

    pub(super) fn copy_in_ended(&mut self) {
        self.copy_in = CopyIn::No;
    }

    /// Whether the open transaction changed where names resolve.
    pub(super) fn touched_names(&self) -> bool {
        self.names_touched
    }

    /// Whether the server may have a nameless statement that is not the client's.
    pub(super) fn left_nameless(&self) -> bool {
        self.left_nameless || self.queue.iter().any(|e| matches!(e, Expect::Query(query) if query.extended))
    }

    /// Whether the server said that it ends the connection.
    pub(super) fn said_farewell(&self) -> bool {
        self.farewell
    }

    /// What is kept of a masked COPY's row.
    pub(super) fn copy_kept(&self) -> usize {
        self.copy_out.as_ref().map_or(0, CopyMask::kept)
    }

    /// Puts an entry of the proxy's own behind the others.
    pub(super) fn push(&mut self, expect: Expect) {
        self.queue.push_back(expect);
    }

    /// Puts what the client asked for behind the others. While the server skips to a Sync nothing but that Sync is answered.
    pub(super) fn ask(&mut self, expect: Expect, cx: &mut Cx<'_>) {
        match expect {
            Expect::Sync => {
                self.batch = false;
                self.since_flush = 0;
                self.skipping = false;
            }
            Expect::Query(_) | Expect::RefusedQuery(_) | Expect::CopyEnd | Expect::Ask(_) | Expect::CopyShape(_) => {}
            Expect::Refused(_)
            | Expect::Parse { .. }
            | Expect::Bind { .. }
            | Expect::Describe { .. }
            | Expect::Execute { .. }
            | Expect::Malformed
            | Expect::Close { .. } => {
                self.batch = true;
                self.since_flush += 1;
            }
        }
        if self.skipping {
            self.skip(expect, cx);
        } else {
            self.queue.push_back(expect);
        }
        self.pass_copy_ends();
    }

    /// Nothing answers the end of data, so nothing waits for it once it is the next in turn.
    pub(super) fn pass_copy_ends(&mut self) {
        while matches!(self.queue.front(), Some(Expect::CopyEnd)) {
            self.queue.pop_front();
        }
    }

    /// PostgreSQL holds its answers back until Sync, Flush or a full buffer: a long pipeline asks for them itself.
    pub(super) fn keep_moving(&mut self, full: bool, upstream: &mut Upstream<'_>) {
        if self.since_flush >= FLUSH_AFTER || (full && self.since_flush > 0) {
            self.since_flush = 0;
            upstream.control(Control::Flush);
        }
    }

    /// The server does not run this: an error stands before it.
    fn skip(&mut self, expect: Expect, cx: &mut Cx<'_>) {
        match expect {
            Expect::Query(q) => cx.finished.extend(q.statements.into_iter().map(|s| s.skipped(cx.now))),
            Expect::RefusedQuery(refused) | Expect::Refused(refused) => {
                if let Some(refused) = refused {
                    refused.close(cx);
                }
            }
            // another statement gets the name
            Expect::Parse { name, .. } => drop(self.failed.take_if(|f| f.is(Named::Statement, &name))),
            Expect::Bind { portal, statement, .. } => match &mut self.failed {
                Some(failed) if failed.is(Named::Statement, &statement) => (failed.what, failed.name) = (Named::Portal, portal),
                Some(failed) if failed.is(Named::Portal, &portal) => self.failed = None,
                _ => {}
            },
            Expect::Execute { portal, open } => {
                // One that was suspended has its record still to come, and a second would be one too many.
                let suspended = self.truth.portals.get(&portal).is_some_and(|p| p.open.is_some());
                match (open, self.failed.as_mut().filter(|f| f.is(Named::Portal, &portal))) {
                    (Some(_), _) if suspended => *cx.places += 1,
                    (Some(open), None) => cx.finished.push(open.skipped(cx.now)),
                    (Some(open), Some(failed)) => match failed.sqlstate.take() {
                        Some(sqlstate) => cx.finished.push(open.failed(None, Some(sqlstate), cx.now)),
                        None => *cx.places += 1,
                    },
                    (None, _) => {}
                }
            }
            Expect::Describe { .. }
            | Expect::Close { .. }
            | Expect::Malformed
            | Expect::Sync
            | Expect::CopyEnd
            | Expect::Ask(_)
            | Expect::CopyShape(_) => {}
        }
    }

    /// An error was answered: everything up to the next Sync is skipped.
    fn skip_to_sync(&mut self, cx: &mut Cx<'_>) {
        self.copy_in = CopyIn::No;
        self.copy_out = None;
        while let Some(next) = self.queue.front() {
            if matches!(next, Expect::Sync) {
                return;
            }
            if let Some(expect) = self.queue.pop_front() {
                self.skip(expect, cx);
            }
        }
        self.skipping = true;
    }

    /// The session is over: what is open fails with it.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>) {
        self.close_all(Some("connection lost"), None, cx);
    }

    /// The proxy stopped the session.
    pub(super) fn stopped(&mut self, fault: Fault, cx: &mut Cx<'_>) {
        let sqlstate = sqlstate_bytes(super::fault_fields(fault).sqlstate);
        self.close_all(Some(fault_reason(fault)), Some(sqlstate), cx);
    }

    fn close_all(&mut self, reason: Option<&str>, sqlstate: Option<[u8; 5]>, cx: &mut Cx<'_>) {
        let now = cx.now;
        let mut first = true;
        for expect in std::mem::take(&mut self.queue) {
            match expect {
                Expect::Query(q) => {
                    for s in q.statements {
                        cx.finished.push(if std::mem::take(&mut first) { s.failed(reason, sqlstate, now) } else { s.skipped(now) });
                    }
                }
                Expect::Execute { portal, open } => {
                    let suspended = self.truth.portals.get_mut(&portal).and_then(|p| p.open.take());
                    if let Some(s) = suspended.or(open) {
                        cx.finished.push(if std::mem::take(&mut first) { s.failed(reason, sqlstate, now) } else { s.skipped(now) });
                    }
                }
                other @ (Expect::RefusedQuery(_)
                | Expect::Refused(_)
                | Expect::Parse { .. }
                | Expect::Bind { .. }
                | Expect::Describe { .. }
                | Expect::Close { .. }
                | Expect::Malformed
                | Expect::Sync
                | Expect::CopyEnd
                | Expect::Ask(_)
                | Expect::CopyShape(_)) => self.skip(other, cx),
            }
        }
        let suspended: Vec<_> = self.truth.portals.values_mut().filter_map(|p| p.open.take()).collect();
        cx.finished.extend(suspended.into_iter().map(|s| s.done(0, now)));
    }

    /// The statement that the server is answering.
    fn head_statement(&mut self) -> Option<&mut OpenStatement> {
        let head = self.queue.front_mut()?;
        if let Expect::Execute { portal, .. } = head
            && let Some(suspended) = self.truth.portals.get_mut(portal).and_then(|p| p.open.as_mut())
        {
            return Some(suspended);
        }
        head.statements_mut().next()
    }

    /// The permit of the statement that the server is answering.
    fn head_permit(&self) -> Option<Permit> {
        match self.queue.front()? {
            Expect::Query(q) => q.statements.front()?.permit().cloned(),
            Expect::Execute { portal, open } => {
                let portal = self.truth.portals.get(portal).and_then(|p| p.permit.clone());
                portal.or_else(|| open.as_ref()?.permit().cloned())
            }
            Expect::Describe { what: b'P', name, .. } => self.truth.portals.get(name)?.permit.clone(),
            Expect::Describe { name, .. } => self.truth.statements.get(name)?.permit(),
            Expect::Parse { prepared, .. } => prepared.permit(),
            Expect::Bind { statement, .. } => self.truth.statements.get(statement)?.permit(),
            Expect::Refused(_)
            | Expect::RefusedQuery(_)
            | Expect::Close { .. }
            | Expect::Malformed
            | Expect::Sync
            | Expect::CopyEnd
            | Expect::Ask(_)
            | Expect::CopyShape(_) => None,
        }
    }

    /// The decision of the text that the server is reading or running.
    fn head_planned(&self) -> Option<PlannedRef> {
        match self.queue.front()? {
            Expect::Query(q) => q.statements.front().map(|s| s.planned().clone()),
            Expect::Execute { portal: name, .. } | Expect::Describe { what: b'P', name, .. } => {
                self.truth.portals.get(name)?.prepared.as_ref()?.planned()
            }
            Expect::Parse { prepared, .. } => prepared.planned(),
            Expect::Bind { statement: name, .. } | Expect::Describe { name, .. } => self.truth.statements.get(name)?.planned(),
            Expect::Refused(_)
            | Expect::RefusedQuery(_)
            | Expect::Close { .. }
            | Expect::Malformed
            | Expect::Sync
            | Expect::CopyEnd
            | Expect::Ask(_)
            | Expect::CopyShape(_) => None,
        }
    }
}
