//! The server's direction: the queue of what was asked, and each answer held against its head.
// INVARIANT 8: what goes to the client goes in the order in which it asked; a refusal takes the place of the server's own error.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::asking::changes_names;
use super::copy::{CopyMask, CopyStop};
use super::open::{OpenStatement, sqlstate_bytes};
use super::sqlstate::{ErrorText, Fault};
use super::truth::{Portal, Prepared, Truth};
use super::upstream::{Control, Upstream};
use super::witness::{MaskedColumn, Shape, Trip, Witnessed, witness};
use super::{Cx, Session, WireName, rows, scrub};
use crate::mask::Format;
use crate::plan::{CopyDirection, CopyFormat, Effect, Permit, RowsOf};
use crate::wire::{Frame, Hold, Notice, Piece, Run, backend, command_rows, error_frame};

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
    witnessed: Option<Witnessed>,
    failed: bool,
}

impl QueryReply {
    pub(super) fn new(statements: VecDeque<OpenStatement>) -> Self {
        Self { statements, witnessed: None, failed: false }
    }
}

/// What an answer of the server is awaited for.
#[derive(Debug)]
pub(super) enum Expect {
    Query(QueryReply),
    /// A failing statement stands in the place of a refused query string.
    RefusedQuery(Option<Refused>),
    /// A failing Parse stands in the place of a refused message; `statement` is the name that it bears.
    Refused {
        refused: Option<Refused>,
        statement: WireName,
    },
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
    Sync,
    /// The client ended its data; nothing answers it by itself.
    CopyEnd,
    /// The proxy's own question; whether it stands within a batch, where no `ReadyForQuery` follows.
    Ask(bool),
}

/// Data on its way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum CopyIn {
    #[default]
    No,
    /// The server awaits data and the client has not ended it.
    Active,
}

/// The queue and what the server's answers told so far.
#[derive(Debug, Default)]
pub(super) struct Replies {
    queue: VecDeque<Expect>,
    truth: Truth,
    /// An error was answered and the server ignores everything up to a Sync that the client has not sent yet.
    skipping: bool,
    copy_in: CopyIn,
    /// The masked COPY TO STDOUT that runs.
    copy_out: Option<CopyMask>,
    /// The statement or portal whose Parse or Bind failed last: its Execute is the same statement.
    failed: Option<WireName>,
    since_flush: usize,
    /// Messages of the extended protocol stand behind the last Sync.
    batch: bool,
    /// The open transaction changed names.
    names_touched: bool,
    /// The proxy's own question was cancelled: it is asked again.
    ask_failed: bool,
}

impl Replies {
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
        let copies = |p: Option<&Permit>| p.is_some_and(|p| matches!(p.effect(), Effect::Copy(CopyDirection::In, _)));
        self.queue.iter().any(|e| match e {
            Expect::Query(q) => q.statements.iter().any(|s| copies(s.permit())),
            Expect::Execute { open, .. } => copies(open.as_ref().and_then(OpenStatement::permit)),
            _ => false,
        })
    }

    /// Whether rows may be on their way: everything but Syncs and the like.
    pub(super) fn runs(&self) -> bool {
        self.queue.iter().any(|e| matches!(e, Expect::Query(_) | Expect::Execute { .. }))
    }

    pub(super) fn copy_in_ended(&mut self) {
        self.copy_in = CopyIn::No;
    }

    /// Counts data that the client copied in.
    pub(super) fn copied_in(&mut self, _bytes: usize) {}

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
            Expect::Query(_) | Expect::RefusedQuery(_) | Expect::CopyEnd | Expect::Ask(_) => {}
            Expect::Refused { .. }
            | Expect::Parse { .. }
            | Expect::Bind { .. }
            | Expect::Describe { .. }
            | Expect::Execute { .. }
            | Expect::Close { .. } => {
                self.batch = true;
                self.since_flush += 1;
            }
        }
        if self.skipping { self.skip(expect, cx) } else { self.queue.push_back(expect) }
    }

    /// PostgreSQL holds its answers back until Sync, Flush or a full buffer: a long pipeline asks for them itself.
    pub(super) fn keep_moving(&mut self, upstream: &mut Upstream<'_>) {
        if self.since_flush >= FLUSH_AFTER {
            self.since_flush = 0;
            upstream.control(Control::Flush);
        }
    }

    /// The server does not run this: an error stands before it.
    fn skip(&mut self, expect: Expect, cx: &mut Cx<'_>) {
        match expect {
            Expect::Query(q) => cx.finished.extend(q.statements.into_iter().map(|s| s.skipped(cx.now))),
            Expect::RefusedQuery(refused) | Expect::Refused { refused, .. } => {
                if let Some(refused) = refused {
                    refused.close(cx);
                }
            }
            Expect::Bind { portal, statement, .. } => {
                if self.failed.as_ref() == Some(&statement) {
                    self.failed = Some(portal);
                }
            }
            Expect::Execute { portal, open } => {
                if self.failed.as_ref() != Some(&portal) {
                    cx.finished.extend(open.map(|o| o.skipped(cx.now)));
                } else if open.is_some() {
                    *cx.places += 1;
                }
            }
            Expect::Parse { .. } | Expect::Describe { .. } | Expect::Close { .. } | Expect::Sync | Expect::CopyEnd | Expect::Ask(_) => {}
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
        let reason = match fault {
            Fault::Witness => "witness",
            Fault::CannotMask => "cannot mask",
            Fault::RowTooLong { .. } => "row too long",
            _ => "protocol",
        };
        let sqlstate = sqlstate_bytes(super::fault_fields(fault).sqlstate);
        self.close_all(Some(reason), Some(sqlstate), cx);
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
                other => self.skip(other, cx),
            }
        }
        let suspended: Vec<_> = self.truth.portals.values_mut().filter_map(|p| p.open.take()).collect();
        cx.finished.extend(suspended.into_iter().map(|s| s.done(0, now)));
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
            Expect::Refused { .. } | Expect::RefusedQuery(_) | Expect::Close { .. } | Expect::Sync | Expect::CopyEnd | Expect::Ask(_) => {
                None
            }
        }
    }
}

/// The answer is not one to what was asked.
struct Unexpected;

impl Session {
    /// What a `DataRow` and a `CopyData` must wait for: masked ones until they are whole, others for nothing.
    pub(super) fn row_rules(&self) -> (Hold, Hold) {
        let masked = match self.replies.queue.front() {
            Some(Expect::Query(q)) => q.witnessed.as_ref().is_some_and(|w| !w.is_clear()),
            Some(Expect::Ask(_)) | None => true,
            Some(Expect::Execute { portal, .. }) if self.replies.truth.portals.get(portal).is_some_and(|p| p.witnessed.is_some()) => {
                let portal = self.replies.truth.portals.get(portal);
                portal.and_then(|p| p.witnessed.as_ref()).is_none_or(|w| !w.is_clear())
            }
            Some(_) => self.governed() && self.replies.head_permit().is_none_or(|p| p.masks_rows() || p.rows_of() != &RowsOf::Own),
        };
        let row = if masked { Hold::UpTo(self.limits.masked_row) } else { Hold::Pass };
        (row, Hold::Pass)
    }

    pub(super) fn on_server(&mut self, piece: Piece<'_>, cx: &mut Cx<'_>) {
        while matches!(self.replies.queue.front(), Some(Expect::CopyEnd)) {
            self.replies.queue.pop_front();
        }
        let result = match piece {
            Piece::Run(run) => self.on_rows(run, cx),
            Piece::Whole(frame) => self.on_server_frame(frame, cx),
            Piece::Begin(frame) => self.on_large(frame, cx),
            Piece::Part { bytes, .. } if self.replies.copy_out.is_some() => self.copy_masked(bytes, cx),
            Piece::Part { bytes, .. } => {
                self.count_bytes(0, bytes.len());
                cx.to_client.extend_from_slice(bytes);
                Ok(())
            }
        };
        if let Err(fault) = result {
            self.stop(fault, cx);
        }
        if self.replies.queue.is_empty() {
            self.asked.settle();
        }
    }

    fn on_server_frame(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        match frame.tag {
            backend::ERROR => self.on_error(frame, cx),
            backend::NOTICE => self.on_notice(frame, cx),
            backend::PARAMETER_STATUS => self.on_parameter(frame, cx),
            backend::NOTIFICATION => {
                cx.to_client.extend_from_slice(frame.whole);
                Ok(())
            }
            backend::READY => self.on_ready(frame, cx),
            backend::COPY_DATA if self.replies.copy_out.is_some() => self.copy_masked(frame.body(), cx),
            _ if matches!(self.replies.queue.front(), Some(Expect::Ask(_))) => self.on_ask_answer(frame),
            _ => self.on_answer(frame, cx).map_err(|Unexpected| Fault::ServerProtocol),
        }
    }

    /// Everything that answers the head of the queue and is not an error.
    fn on_answer(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Unexpected> {
        let Some(head) = self.replies.queue.pop_front() else { return Err(Unexpected) };
        let keep = match (head, frame.tag) {
            (Expect::Parse { name, prepared }, backend::PARSE_COMPLETE) => {
                cx.to_client.extend_from_slice(frame.whole);
                self.replies.truth.statements.insert(name, prepared);
                None
            }
            (Expect::Bind { portal, statement, formats }, backend::BIND_COMPLETE) => {
                cx.to_client.extend_from_slice(frame.whole);
                self.bound(portal, &statement, formats, cx);
                None
            }
            (Expect::Close { what, name }, backend::CLOSE_COMPLETE) => {
                cx.to_client.extend_from_slice(frame.whole);
                self.closed(what, &name, cx);
                None
            }
            (head @ Expect::Describe { own, .. }, backend::PARAMETER_DESCRIPTION) => {
                if !own {
                    cx.to_client.extend_from_slice(frame.whole);
                }
                Some(head)
            }
            (Expect::Describe { what, name, own }, backend::ROW_DESCRIPTION | backend::NO_DATA) => {
                self.described(what, &name, frame)?;
                if !own {
                    cx.to_client.extend_from_slice(frame.whole);
                }
                None
            }
            (Expect::Query(query), _) => Some(Expect::Query(self.on_query_answer(query, frame, cx)?)),
            (Expect::Execute { portal, open }, _) => self.on_execute_answer(portal, open, frame, cx)?,
            _ => return Err(Unexpected),
        };
        if let Some(head) = keep {
            self.replies.queue.push_front(head);
        }
        Ok(())
    }

    fn bound(&mut self, name: WireName, statement: &[u8], formats: Box<[i16]>, cx: &mut Cx<'_>) {
        let prepared = self.replies.truth.statements.get(statement).cloned();
        let permit = prepared.as_ref().and_then(|p| p.permit());
        let planned = prepared.as_ref().and_then(|p| p.current.borrow().planned.clone());
        let portal = Portal {
            permit,
            planned,
            profile: self.view.profile.id,
            prepared,
            formats,
            shape: None,
            witnessed: None,
            open: None,
            hold: false,
        };
        let before = self.replies.truth.portals.insert(name, portal).and_then(|p| p.open);
        cx.finished.extend(before.map(|o| o.done(0, cx.now)));
    }

    fn closed(&mut self, what: u8, name: &[u8], cx: &mut Cx<'_>) {
        if what == b'S' {
            self.replies.truth.statements.remove(name);
        } else if let Some(open) = self.replies.truth.portals.remove(name).and_then(|p| p.open) {
            cx.finished.push(open.done(0, cx.now));
        }
    }

    fn described(&mut self, what: u8, name: &[u8], frame: Frame<'_>) -> Result<(), Unexpected> {
        let shape = if frame.tag == backend::NO_DATA { Shape::none() } else { Shape::read(frame.body()).map_err(|_| Unexpected)? };
        let shape = Arc::new(shape);
        if what == b'S' {
            if let Some(prepared) = self.replies.truth.statements.get(name) {
                // A statement's result type is fixed for its life; a second Describe says the same.
                prepared.shape.get_or_init(|| shape);
            }
        } else if let Some(portal) = self.replies.truth.portals.get_mut(name) {
            portal.shape = Some(shape);
            portal.witnessed = None;
        }
        Ok(())
    }

    fn on_query_answer(&mut self, mut query: QueryReply, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<QueryReply, Unexpected> {
        match frame.tag {
            backend::ROW_DESCRIPTION => {
                let shape = Shape::read(frame.body()).map_err(|_| Unexpected)?;
                let witnessed = self.witness(query.statements.front().and_then(OpenStatement::permit), &shape, &[]);
                let of = self.rows_of(query.statements.front().and_then(OpenStatement::permit));
                if let Some(open) = query.statements.front_mut() {
                    open.of = of;
                }
                if let Ok(witnessed) = witnessed {
                    query.witnessed = Some(witnessed);
                    cx.to_client.extend_from_slice(frame.whole);
                } else {
                    self.replies.queue.push_front(Expect::Query(query));
                    self.stop(Fault::Witness, cx);
                    return Ok(QueryReply::new(VecDeque::new()));
                }
            }
            backend::COMMAND_COMPLETE => {
                cx.to_client.extend_from_slice(frame.whole);
                query.witnessed = None;
                if let Some(open) = query.statements.pop_front() {
                    self.completed(open, command_rows(frame.body()), cx);
                }
            }
            backend::EMPTY_QUERY | backend::FUNCTION_RESULT if query.statements.is_empty() => cx.to_client.extend_from_slice(frame.whole),
            backend::COPY_IN | backend::COPY_OUT | backend::COPY_DATA | backend::COPY_DONE => {
                let permit = query.statements.front().and_then(OpenStatement::permit).cloned();
                self.on_copy_answer(permit.as_ref(), frame, cx)?;
                if frame.tag == backend::COPY_DATA
                    && let Some(open) = query.statements.front_mut()
                {
                    open.rows += 1;
                    open.bytes += frame.body().len() as u64;
                }
            }
            _ => return Err(Unexpected),
        }
        Ok(query)
    }

    /// Holds a result against the permit that its rows are under: its own, a cursor's, a prepared statement's.
    fn witness(&self, permit: Option<&Permit>, shape: &Shape, formats: &[i16]) -> Result<Witnessed, Trip> {
        if !self.governed() {
            return Ok(Witnessed::of_unrestricted());
        }
        let of = self.replies.truth.rows_permit(permit.ok_or(Trip)?).ok_or(Trip)?;
        witness(shape, formats, &of, &self.view.profile)
    }

    /// For FETCH and EXECUTE, the permit of what they give the rows of.
    fn rows_of(&self, permit: Option<&Permit>) -> Option<Permit> {
        let permit = permit.filter(|p| p.rows_of() != &RowsOf::Own)?;
        self.replies.truth.rows_permit(permit)
    }

    /// COPY's answers, where the permit says that there may be any.
    fn on_copy_answer(&mut self, permit: Option<&Permit>, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Unexpected> {
        let direction = permit.and_then(|p| if let Effect::Copy(direction, _) = p.effect() { Some(*direction) } else { None });
        let allowed = match frame.tag {
            backend::COPY_IN => direction == Some(CopyDirection::In),
            _ => direction == Some(CopyDirection::Out),
        };
        if !allowed && self.governed() {
            return Err(Unexpected);
        }
        match frame.tag {
            backend::COPY_IN => self.copy_begins(cx),
            backend::COPY_OUT => self.copy_out_begins(permit, frame)?,
            backend::COPY_DONE if self.replies.copy_out.take().is_some_and(|c| !c.at_boundary()) => return Err(Unexpected),
            _ => {}
        }
        cx.to_client.extend_from_slice(frame.whole);
        Ok(())
    }

    /// Rows that are masked are taken apart from here on. The number of columns is the server's word against the plan's.
    fn copy_out_begins(&mut self, permit: Option<&Permit>, frame: Frame<'_>) -> Result<(), Unexpected> {
        self.replies.copy_out = None;
        let Some(permit) = permit.filter(|_| self.governed()) else { return Ok(()) };
        let Effect::Copy(_, format) = permit.effect() else { return Err(Unexpected) };
        let mut r = crate::wire::Reader::new(frame.body());
        let (Ok(_), Ok(columns)) = (r.u8(), r.count()) else { return Err(Unexpected) };
        if permit.arity().is_some_and(|n| n != columns) || permit.cells().len() > columns {
            return Err(Unexpected);
        }
        if permit.masks_rows() {
            let wire = if matches!(format, CopyFormat::Binary) { Format::Binary } else { Format::Text };
            self.replies.copy_out = Some(CopyMask::new(format.clone(), MaskedColumn::of(permit, columns, wire), self.limits.masked_row));
        }
        Ok(())
    }

    /// A piece of a COPY stream whose rows are masked.
    fn copy_masked(&mut self, bytes: &[u8], cx: &mut Cx<'_>) -> Result<(), Fault> {
        let Some(copy) = &mut self.replies.copy_out else { return Err(Fault::ServerProtocol) };
        let before = cx.to_client.len();
        let copied = copy.feed(bytes, self.rendering.rendering(), cx.to_client).map_err(|stop| match stop {
            CopyStop::NotMasked => Fault::CannotMask,
            CopyStop::TooLong => Fault::RowTooLong { limit: self.limits.masked_row },
        })?;
        cx.counts.masked += copied.masked;
        let written = cx.to_client.len() - before;
        self.count_bytes(copied.rows, written);
        Ok(())
    }

    /// Syncs and Flushes that the client sent before it saw the response are passed over by the server; so are their entries,
    /// up to where the client's data ended.
    fn copy_begins(&mut self, cx: &mut Cx<'_>) {
        let end = self.replies.queue.iter().position(|e| matches!(e, Expect::CopyEnd));
        if end.is_none() {
            self.replies.copy_in = CopyIn::Active;
        }
        let passed = end.map_or(self.replies.queue.len(), |end| end + 1);
        for _ in 0..passed {
            if let Some(expect) = self.replies.queue.pop_front() {
                self.replies.skip(expect, cx);
            }
        }
    }

    fn on_execute_answer(
        &mut self,
        name: WireName,
        mut open: Option<OpenStatement>,
        frame: Frame<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Expect>, Unexpected> {
        if let Some(suspended) = self.replies.truth.portals.get_mut(&name).and_then(|p| p.open.take()) {
            // It goes on: the place that this Execute took is not needed.
            *cx.places += u32::from(open.is_some());
            open = Some(suspended);
        }
        match frame.tag {
            backend::COMMAND_COMPLETE => {
                cx.to_client.extend_from_slice(frame.whole);
                if let Some(mut open) = open {
                    open.of = self.rows_of(open.permit());
                    self.completed(open, command_rows(frame.body()), cx);
                }
                Ok(None)
            }
            backend::EMPTY_QUERY => {
                cx.to_client.extend_from_slice(frame.whole);
                Ok(None)
            }
            backend::SUSPENDED => {
                cx.to_client.extend_from_slice(frame.whole);
                if let Some(portal) = self.replies.truth.portals.get_mut(&name) {
                    portal.open = open;
                }
                Ok(None)
            }
            backend::COPY_IN | backend::COPY_OUT | backend::COPY_DATA | backend::COPY_DONE => {
                let permit = open.as_ref().and_then(OpenStatement::permit).cloned();
                self.on_copy_answer(permit.as_ref(), frame, cx)?;
                if frame.tag == backend::COPY_DATA
                    && let Some(open) = &mut open
                {
                    open.rows += 1;
                    open.bytes += frame.body().len() as u64;
                }
                Ok(Some(Expect::Execute { portal: name, open }))
            }
            _ => Err(Unexpected),
        }
    }

    /// A statement ran to its end.
    fn completed(&mut self, open: OpenStatement, tag_rows: u64, cx: &mut Cx<'_>) {
        if let Some(permit) = open.permit().cloned() {
            let ended = self.replies.truth.apply(open.planned(), &permit, self.view.profile.id);
            cx.finished.extend(ended.into_iter().map(|o| o.done(0, cx.now)));
            if changes_names(permit.effect()) {
                self.replies.names_touched = true;
            }
            let ends = matches!(permit.effect(), Effect::Commit { .. } | Effect::Rollback { .. } | Effect::RollbackTo(_));
            if (self.replies.names_touched && ends) || changes_names(permit.effect()) {
                self.doubt.names |= self.governed();
            }
        }
        cx.finished.push(open.done(tag_rows, cx.now));
    }

    fn on_ready(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let [status] = *frame.body() else { return Err(Fault::ServerProtocol) };
        self.status = status;
        match self.replies.queue.pop_front() {
            Some(Expect::Query(query)) => {
                // Fewer results than statements: what was not answered was not run.
                cx.finished.extend(query.statements.into_iter().map(|s| s.skipped(cx.now)));
            }
            Some(Expect::RefusedQuery(None) | Expect::Sync) => {}
            Some(Expect::Ask(_)) => {
                self.doubt.names = std::mem::take(&mut self.replies.ask_failed);
                return Ok(());
            }
            _ => return Err(Fault::ServerProtocol),
        }
        if status == b'I' {
            let ended = self.replies.truth.end_transaction();
            cx.finished.extend(ended.into_iter().map(|o| o.done(0, cx.now)));
            if std::mem::take(&mut self.replies.names_touched) {
                self.doubt.names |= self.governed();
            }
        }
        self.replies.failed = None;
        cx.to_client.extend_from_slice(frame.whole);
        Ok(())
    }

    fn on_error(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let notice = Notice::read(frame.body()).map_err(|_| Fault::ServerProtocol)?;
        let sqlstate = sqlstate_bytes(notice.sqlstate());
        // 25P02: the transaction was aborted before; PostgreSQL would have said so of the client's own statement too.
        let aborted = sqlstate == *b"25P02";
        let permit = self.replies.head_permit();
        let now = cx.now;
        match self.replies.queue.pop_front() {
            None | Some(Expect::CopyEnd) => self.pass_notice(frame, &notice, None, cx),
            Some(Expect::Query(mut query)) => {
                self.pass_notice(frame, &notice, permit.as_ref(), cx);
                if let Some(open) = query.statements.pop_front() {
                    cx.finished.push(open.failed(None, Some(sqlstate), now));
                }
                cx.finished.extend(query.statements.drain(..).map(|s| s.skipped(now)));
                query.failed = true;
                self.replies.copy_in = CopyIn::No;
                self.replies.copy_out = None;
                self.replies.queue.push_front(Expect::Query(query));
            }
            Some(Expect::RefusedQuery(refused)) => {
                self.swap(refused, aborted, frame, cx);
                self.replies.queue.push_front(Expect::RefusedQuery(None));
            }
            Some(Expect::Refused { refused, statement }) => {
                self.swap(refused, aborted, frame, cx);
                self.replies.failed = Some(statement);
                self.replies.skip_to_sync(cx);
            }
            Some(Expect::Sync) => {
                self.pass_notice(frame, &notice, None, cx);
                self.replies.queue.push_front(Expect::Sync);
            }
            Some(Expect::Ask(batch)) => {
                // A cancel request that came late may hit the proxy's own question; anything else is no answer to it.
                if batch || sqlstate != *b"57014" {
                    return Err(Fault::ServerProtocol);
                }
                self.replies.ask_failed = true;
                self.replies.queue.push_front(Expect::Ask(batch));
            }
            Some(Expect::Execute { portal, open }) => {
                self.pass_notice(frame, &notice, permit.as_ref(), cx);
                let suspended = self.replies.truth.portals.get_mut(&portal).and_then(|p| p.open.take());
                cx.finished.extend(suspended.or(open).map(|o| o.failed(None, Some(sqlstate), now)));
                self.replies.skip_to_sync(cx);
            }
            Some(failed @ (Expect::Parse { .. } | Expect::Bind { .. } | Expect::Describe { .. } | Expect::Close { .. })) => {
                self.pass_notice(frame, &notice, permit.as_ref(), cx);
                self.extended_failed(failed, sqlstate, cx);
            }
        }
        Ok(())
    }

    /// A Parse, Bind or Describe failed in the server: the Execute that waits for it, if any, is the failed statement.
    fn extended_failed(&mut self, failed: Expect, sqlstate: [u8; 5], cx: &mut Cx<'_>) {
        let (statement, portal) = match failed {
            Expect::Parse { name, .. } => (Some(name), None),
            Expect::Bind { portal, .. } => (None, Some(portal)),
            _ => (None, None),
        };
        let mut portals: Vec<WireName> = portal.into_iter().collect();
        let until = self.replies.queue.iter().position(|e| matches!(e, Expect::Sync)).unwrap_or(self.replies.queue.len());
        for expect in self.replies.queue.iter_mut().take(until) {
            match expect {
                Expect::Bind { portal, statement: of, .. } if statement.as_ref() == Some(of) => portals.push(portal.clone()),
                Expect::Execute { portal, open } if portals.contains(portal) => {
                    cx.finished.extend(open.take().map(|o| o.failed(None, Some(sqlstate), cx.now)));
                    break;
                }
                _ => {}
            }
        }
        self.replies.skip_to_sync(cx);
    }

    fn swap(&mut self, refused: Option<Refused>, aborted: bool, frame: Frame<'_>, cx: &mut Cx<'_>) {
        match refused {
            Some(refused) if aborted => {
                cx.to_client.extend_from_slice(frame.whole);
                refused.close(cx);
            }
            Some(refused) => refused.say(cx),
            None => {}
        }
    }

    fn on_notice(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let notice = Notice::read(frame.body()).map_err(|_| Fault::ServerProtocol)?;
        let permit = self.replies.head_permit();
        self.pass_notice(frame, &notice, permit.as_ref(), cx);
        Ok(())
    }

    /// Errors and notices: as they came for the unrestricted, without values where the statement touches something veiled.
    fn pass_notice(&self, frame: Frame<'_>, notice: &Notice<'_>, permit: Option<&Permit>, cx: &mut Cx<'_>) {
        if !self.governed() {
            cx.to_client.extend_from_slice(frame.whole);
            return;
        }
        let below_notice = notice.field(b'V').is_some_and(|v| v == b"LOG" || v.starts_with(b"DEBUG"));
        if frame.tag == backend::NOTICE && below_notice {
            return;
        }
        let of = self.rows_of(permit);
        let clear = |p: &Permit| !p.decision().scrub && (p.rows_of() == &RowsOf::Own || of.as_ref().is_some_and(|of| !of.decision().scrub));
        match permit {
            Some(permit) if clear(permit) => scrub::without_position(frame.tag, notice, cx.to_client),
            _ => scrub::scrubbed(frame.tag, notice, &self.view.catalog, cx.to_client),
        }
    }

    fn on_parameter(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let mut r = crate::wire::Reader::new(frame.body());
        let (Ok(name), Ok(value)) = (r.cstr(), r.cstr()) else { return Err(Fault::ServerProtocol) };
        if let (Ok(name), Ok(value)) = (std::str::from_utf8(name), std::str::from_utf8(value)) {
            self.rendering.set(name, value);
        }
        cx.to_client.extend_from_slice(frame.whole);
        Ok(())
    }

    fn on_rows(&mut self, run: Run<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let witnessed = match self.replies.queue.front() {
            Some(Expect::Query(q)) => q.witnessed.clone().ok_or(Fault::ServerProtocol)?,
            Some(Expect::Execute { portal, .. }) => {
                let portal = portal.clone();
                self.witness_portal(&portal)?
            }
            Some(Expect::Ask(_)) => return run.frames().try_for_each(|f| self.on_ask_row(f)),
            _ => return Err(Fault::ServerProtocol),
        };
        let before = cx.to_client.len();
        if witnessed.is_clear() {
            cx.to_client.extend_from_slice(run.bytes);
        } else {
            let masked = rows::mask_run(run, &witnessed, self.rendering.rendering(), cx.to_client);
            cx.counts.masked += masked.map_err(|rows::NotMasked| Fault::CannotMask)?;
        }
        let bytes = cx.to_client.len() - before;
        self.count_bytes(run.count as u64, bytes - 5 * run.count);
        Ok(())
    }

    /// What the rows of a portal are held against, made once for each of its Describes.
    fn witness_portal(&mut self, name: &WireName) -> Result<Witnessed, Fault> {
        if !self.governed() {
            return Ok(Witnessed::of_unrestricted());
        }
        let portal = self.replies.truth.portals.get(name).ok_or(Fault::Witness)?;
        if let Some(witnessed) = &portal.witnessed {
            return Ok(witnessed.clone());
        }
        let (shape, formats) = match (&portal.shape, portal.prepared.as_ref().and_then(|p| p.shape.get())) {
            // A portal's own description bears its formats already.
            (Some(shape), _) => (Arc::clone(shape), &[][..]),
            (None, Some(shape)) => (Arc::clone(shape), &*portal.formats),
            (None, None) => return Err(Fault::Witness),
        };
        let witnessed = self.witness(portal.permit.as_ref(), &shape, formats).map_err(|Trip| Fault::Witness)?;
        if let Some(portal) = self.replies.truth.portals.get_mut(name) {
            portal.witnessed = Some(witnessed.clone());
        }
        Ok(witnessed)
    }

    /// Adds to the statement that rows are sent for.
    fn count_bytes(&mut self, rows: u64, bytes: usize) {
        let open = match self.replies.queue.front_mut() {
            Some(Expect::Query(q)) => q.statements.front_mut(),
            Some(Expect::Execute { portal, open }) => {
                let suspended = self.replies.truth.portals.get_mut(portal).and_then(|p| p.open.as_mut());
                suspended.or(open.as_mut())
            }
            _ => None,
        };
        if let Some(open) = open {
            open.rows += rows;
            open.bytes += bytes as u64;
        }
    }

    /// The beginning of a row or piece of COPY data that is too large to be kept and need not be.
    fn on_large(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if frame.tag == backend::DATA_ROW {
            let clear = match self.replies.queue.front() {
                Some(Expect::Query(q)) => q.witnessed.as_ref().is_some_and(Witnessed::is_clear),
                Some(Expect::Execute { portal, .. }) => {
                    let portal = portal.clone();
                    self.witness_portal(&portal)?.is_clear()
                }
                _ => false,
            };
            if !clear {
                return Err(Fault::ServerProtocol);
            }
        } else if self.replies.copy_out.is_some() {
            return self.copy_masked(frame.body(), cx);
        } else if self.governed() && self.replies.head_permit().is_none_or(|p| p.masks_rows()) {
            return Err(Fault::ServerProtocol);
        }
        self.count_bytes(1, frame.body().len());
        cx.to_client.extend_from_slice(frame.whole);
        Ok(())
    }

    /// The answer to the proxy's own question, other than its row.
    fn on_ask_answer(&mut self, frame: Frame<'_>) -> Result<(), Fault> {
        match frame.tag {
            backend::PARSE_COMPLETE | backend::BIND_COMPLETE | backend::COMMAND_COMPLETE => Ok(()),
            backend::CLOSE_COMPLETE => {
                if matches!(self.replies.queue.front(), Some(Expect::Ask(true))) {
                    self.replies.queue.pop_front();
                    self.doubt.names = false;
                }
                Ok(())
            }
            _ => Err(Fault::ServerProtocol),
        }
    }

    fn on_ask_row(&mut self, frame: Frame<'_>) -> Result<(), Fault> {
        let names = super::names::read(frame.body(), &self.names, &self.view.catalog).ok_or(Fault::ServerProtocol)?;
        if names != *self.names {
            self.names = Arc::new(names);
        }
        Ok(())
    }
}
