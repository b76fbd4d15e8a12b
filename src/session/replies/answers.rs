//! Each answer of the server held against the head of the queue: everything but errors and the rows between.

use std::sync::Arc;

use crate::plan::{Permit, TurnedBack};
use crate::session::asking::{changes_names, changes_schema, defines, ends_transaction};
use crate::session::open::OpenStatement;
use crate::session::sqlstate::Fault;
use crate::session::witness::{Shape, Trip};
use crate::session::{Close, Cx, Session, WireName};
use crate::wire::{Build, Frame, Piece, backend, command_rows, command_writes, restore_origins};

use super::{Expect, QueryReply};

impl Session {
    pub(in crate::session) fn on_server(&mut self, piece: Piece<'_>, cx: &mut Cx<'_>) {
        if !matches!(piece, Piece::Part { .. }) {
            self.stop_revoked(cx);
        }
        let result = match piece {
            Piece::Run(_) | Piece::Begin(_) | Piece::Part { .. } if self.replies.is_broken() => Ok(()),
            Piece::Whole(frame) if self.replies.is_broken() => self.on_drained(frame, cx),
            Piece::Run(run) if run.tag == backend::COPY_DATA => self.on_copy_run(run, cx),
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
            self.break_off(fault, cx);
        }
        self.replies.pass_copy_ends();
        if self.replies.queue.is_empty() {
            // behind an error a batch's own names hold up to its Sync
            if !self.replies.skipping {
                self.asked.settle();
            }
            if self.terminated && self.close.is_none() {
                self.close = Some(Close::Terminated);
            }
        }
    }

    pub(super) fn on_server_frame(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        match frame.tag {
            backend::ERROR => self.on_error(frame, cx),
            backend::NOTICE => self.on_notice(frame, cx),
            backend::PARAMETER_STATUS => self.on_parameter(frame, cx),
            backend::NOTIFICATION => {
                cx.to_client.extend_from_slice(frame.whole);
                Ok(())
            }
            backend::READY => self.on_ready(frame, cx),
            _ if matches!(self.replies.queue.front(), Some(Expect::Ask(_))) => self.on_ask_answer(frame),
            _ => self.on_answer(frame, cx),
        }
    }

    /// Everything that answers the head of the queue and is not an error.
    pub(super) fn on_answer(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let Some(head) = self.replies.queue.pop_front() else { return Err(Fault::ServerProtocol) };
        let keep = match (head, frame.tag) {
            (Expect::Parse { name, prepared }, backend::PARSE_COMPLETE) => {
                cx.to_client.extend_from_slice(frame.whole);
                self.replies.left_nameless &= !name.is_empty();
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
            (Expect::Describe { what, name, own }, backend::PARAMETER_DESCRIPTION) => {
                if !own {
                    self.pass_parameters(&name, frame, cx)?;
                }
                Some(Expect::Describe { what, name, own })
            }
            (Expect::Describe { what, name, own }, backend::ROW_DESCRIPTION | backend::NO_DATA) => {
                self.described(what, &name, frame)?;
                match own {
                    true => {}
                    false if self.keeps_rows(what, &name) => Build::new(cx.to_client, backend::NO_DATA).end(),
                    false => self.pass_description(self.described_permit(what, &name).as_ref(), frame, cx)?,
                }
                None
            }
            (head @ Expect::CopyShape(_), backend::PARSE_COMPLETE | backend::PARAMETER_DESCRIPTION) => Some(head),
            (head @ Expect::CopyShape(_), backend::ROW_DESCRIPTION) => {
                self.replies.copy_shape = Some(Shape::read(frame.body()).map_err(|_| Fault::ServerProtocol)?);
                Some(head)
            }
            (Expect::CopyShape(batch), backend::CLOSE_COMPLETE) => (!batch).then_some(Expect::CopyShape(false)),
            // Whatever the server says instead, what it was asked still owes its records.
            (Expect::Query(mut query), _) => {
                let answered = self.on_query_answer(&mut query, frame, cx);
                self.replies.queue.push_front(Expect::Query(query));
                return answered;
            }
            (Expect::Execute { portal, mut open }, _) => {
                let goes_on = self.on_execute_answer(&portal, &mut open, frame, cx);
                if goes_on.as_ref().map_or(true, |goes_on| *goes_on) {
                    self.replies.queue.push_front(Expect::Execute { portal, open });
                }
                return goes_on.map(|_| ());
            }
            (head, _) => {
                self.replies.queue.push_front(head);
                return Err(Fault::ServerProtocol);
            }
        };
        if let Some(head) = keep {
            self.replies.queue.push_front(head);
        }
        Ok(())
    }

    /// The types of a statement's parameters, those of the proxy's own left out.
    fn pass_parameters(&self, name: &WireName, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let permit = self.replies.truth.statements.get(name).and_then(|s| s.permit());
        let Some(own) = permit.as_ref().and_then(Permit::turned).map(TurnedBack::own) else {
            cx.to_client.extend_from_slice(frame.whole);
            return Ok(());
        };
        let (count, types) = (i16::try_from(own).ok(), frame.body().get(2..2 + 4 * own));
        let (Some(count), Some(types)) = (count, types) else { return Err(Fault::ServerProtocol) };
        Build::new(cx.to_client, backend::PARAMETER_DESCRIPTION).i16(count).bytes(types).end();
        Ok(())
    }

    /// What a result is, with the origins of its columns that rewriting has taken from it.
    fn pass_description(&self, permit: Option<&Permit>, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let from = cx.to_client.len();
        cx.to_client.extend_from_slice(frame.whole);
        let of = permit.and_then(|p| self.replies.truth.rows_permit(p));
        let Some(origins) = of.as_ref().map(Permit::origins).filter(|o| !o.is_empty() && frame.tag == backend::ROW_DESCRIPTION) else {
            return Ok(());
        };
        let body = cx.to_client.get_mut(from + 5..).ok_or(Fault::ServerProtocol)?;
        restore_origins(body, origins).map_err(|_| Fault::ServerProtocol)
    }

    pub(super) fn on_query_answer(&mut self, query: &mut QueryReply, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let copies = query.extended && query.statements.front().and_then(OpenStatement::permit).is_some_and(|p| p.copied().is_some());
        match frame.tag {
            backend::ROW_DESCRIPTION if copies => {
                self.replies.copy_shape = Some(Shape::read(frame.body()).map_err(|_| Fault::ServerProtocol)?);
            }
            backend::PARAMETER_DESCRIPTION if copies => {}
            backend::ROW_DESCRIPTION => {
                let shape = Shape::read(frame.body()).map_err(|_| Fault::ServerProtocol)?;
                let witnessed = self.witness(query.statements.front().and_then(OpenStatement::permit), &shape, &[]);
                let of = self.rows_of(query.statements.front().and_then(OpenStatement::permit));
                if let Some(open) = query.statements.front_mut() {
                    open.of = of;
                }
                let witnessed = witnessed.map_err(|Trip| Fault::Witness)?;
                if !witnessed.is_kept() {
                    self.pass_description(query.statements.front().and_then(OpenStatement::permit), frame, cx)?;
                }
                query.witnessed = Some(witnessed);
                query.shape = Some(shape);
            }
            backend::COMMAND_COMPLETE => {
                cx.to_client.extend_from_slice(frame.whole);
                (query.witnessed, query.shape) = (None, None);
                if let Some(open) = query.statements.pop_front() {
                    self.completed(open, frame.body(), cx);
                }
            }
            backend::PARSE_COMPLETE if query.extended => self.replies.left_nameless = true,
            backend::BIND_COMPLETE | backend::NO_DATA | backend::CLOSE_COMPLETE if query.extended => {}
            backend::EMPTY_QUERY | backend::FUNCTION_RESULT if query.statements.is_empty() => cx.to_client.extend_from_slice(frame.whole),
            backend::COPY_IN | backend::COPY_OUT | backend::COPY_DONE => {
                let permit = query.statements.front().and_then(OpenStatement::permit).cloned();
                if self.copy_trips(permit.as_ref(), frame.tag) {
                    return Err(Fault::Witness);
                }
                self.on_copy_answer(permit.as_ref(), frame, cx)?;
            }
            _ => return Err(Fault::ServerProtocol),
        }
        Ok(())
    }

    /// Whether the Execute goes on.
    pub(super) fn on_execute_answer(
        &mut self,
        name: &WireName,
        open: &mut Option<OpenStatement>,
        frame: Frame<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<bool, Fault> {
        if let Some(suspended) = self.replies.truth.portals.get_mut(name).and_then(|p| p.open.take()) {
            // It goes on: the place that this Execute took is not needed.
            *cx.places += u32::from(open.is_some());
            *open = Some(suspended);
        }
        // Only the empty statement has no record. What runs without one was not decided. INVARIANT 4.
        if open.is_none() && frame.tag != backend::EMPTY_QUERY && self.governed() {
            return Err(Fault::ServerProtocol);
        }
        match frame.tag {
            backend::COMMAND_COMPLETE => {
                cx.to_client.extend_from_slice(frame.whole);
                let portal = self.replies.truth.portals.get_mut(name);
                let cursor = portal.as_ref().is_some_and(|p| p.prepared.is_none());
                let again = portal.is_some_and(|p| std::mem::replace(&mut p.ended, true));
                match open.take() {
                    // A cursor may have been moved back since: what it gives then is told.
                    Some(open) if again && open.rows == 0 && command_rows(frame.body()) == 0 => *cx.places += 1,
                    // what a DECLARE does was done by the DECLARE
                    Some(open) if cursor => cx.finished.push(open.done(command_rows(frame.body()), cx.now)),
                    Some(mut open) => {
                        open.of = self.rows_of(open.permit());
                        self.completed(open, frame.body(), cx);
                    }
                    None => {}
                }
                Ok(false)
            }
            backend::EMPTY_QUERY => {
                cx.to_client.extend_from_slice(frame.whole);
                cx.finished.extend(open.take().map(|o| o.done(0, cx.now)));
                Ok(false)
            }
            backend::SUSPENDED => {
                cx.to_client.extend_from_slice(frame.whole);
                match self.replies.truth.portals.get_mut(name) {
                    Some(portal) if open.as_ref().is_none_or(|o| o.broken.is_none()) => portal.open = open.take(),
                    Some(_) => cx.finished.extend(open.take().map(|o| o.failed(None, None, cx.now))),
                    // A cursor that a function opened: where it goes on cannot be followed.
                    None => cx.finished.extend(open.take().map(|o| o.done(0, cx.now))),
                }
                Ok(false)
            }
            backend::COPY_IN | backend::COPY_OUT | backend::COPY_DONE => {
                let permit = open.as_ref().and_then(OpenStatement::permit).cloned();
                if self.copy_trips(permit.as_ref(), frame.tag) {
                    return Err(Fault::Witness);
                }
                self.on_copy_answer(permit.as_ref(), frame, cx)?;
                Ok(true)
            }
            _ => Err(Fault::ServerProtocol),
        }
    }

    /// A statement ran to its end. Of a result that was broken off, only what it changed counts.
    pub(super) fn completed(&mut self, open: OpenStatement, tag: &[u8], cx: &mut Cx<'_>) {
        let tag_rows = if open.broken.is_some() && !command_writes(tag) { 0 } else { command_rows(tag) };
        if let Some(permit) = open.permit().cloned() {
            // What it did to the session is not known: nothing may be decided by what is believed of it. INVARIANT 4.
            if self.governed() && self.replies.truth.runs_unseen(&permit) {
                cx.finished.push(open.done(tag_rows, cx.now));
                self.stop(Fault::Witness, cx);
                return;
            }
            let ended = self.replies.truth.apply(open.planned(), &permit, &self.names);
            cx.finished.extend(ended.into_iter().map(|o| o.done(0, cx.now)));
            self.replies.deferred |= permit.defers() || self.rows_of(Some(&permit)).is_some_and(|of| of.defers());
            self.replies.schema_touched |= changes_schema(&permit);
            self.replies.schema_defined |= defines(&permit, tag);
            if changes_names(permit.effect()) {
                self.replies.names_touched = true;
            }
            if (self.replies.names_touched && ends_transaction(permit.effect())) || changes_names(permit.effect()) {
                self.doubt.names |= self.governed();
            }
        }
        cx.finished.push(open.done(tag_rows, cx.now));
    }

    pub(super) fn on_ready(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let [status] = *frame.body() else { return Err(Fault::ServerProtocol) };
        self.status = status;
        match self.replies.queue.pop_front() {
            Some(Expect::Query(query)) => {
                self.replies.left_nameless &= !query.extended || query.failed;
                // Fewer results than statements: what was not answered was not run.
                cx.finished.extend(query.statements.into_iter().map(|s| s.skipped(cx.now)));
                self.replies.truth.statements.remove(&b""[..]);
            }
            Some(Expect::RefusedQuery(None)) => drop(self.replies.truth.statements.remove(&b""[..])),
            Some(Expect::Sync) => {}
            Some(Expect::CopyShape(_)) => return Ok(()),
            Some(Expect::Ask(_)) => {
                self.doubt.names = std::mem::take(&mut self.replies.ask_failed);
                return Ok(());
            }
            other => {
                other.into_iter().for_each(|head| self.replies.queue.push_front(head));
                return Err(Fault::ServerProtocol);
            }
        }
        if self.fails_transaction(cx) {
            return Ok(());
        }
        if status == b'I' {
            let ended = self.replies.truth.end_transaction();
            cx.finished.extend(ended.into_iter().map(|o| o.done(0, cx.now)));
            self.replies.deferred = false;
            let changed = std::mem::take(&mut self.replies.schema_touched);
            cx.counts.schema_changes += u64::from(changed);
            cx.counts.definitions += u64::from(std::mem::take(&mut self.replies.schema_defined));
            self.behind |= changed && self.governed();
            if std::mem::take(&mut self.replies.names_touched) {
                self.doubt.names |= self.governed();
            }
        }
        self.replies.failed = None;
        self.replies.copy_shape = None;
        self.replies.copy_error = None;
        cx.to_client.extend_from_slice(frame.whole);
        Ok(())
    }

    pub(super) fn on_parameter(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let mut r = crate::wire::Reader::new(frame.body());
        let (Ok(name), Ok(value)) = (r.cstr(), r.cstr()) else { return Err(Fault::ServerProtocol) };
        // By these a text is read otherwise than it was judged: whatever set them, the server's word counts. INVARIANT 2.
        let reads_otherwise = match name {
            b"client_encoding" => value != b"UTF8",
            b"standard_conforming_strings" => value != b"on",
            _ => false,
        };
        if reads_otherwise && self.governed() {
            return Err(Fault::ServerProtocol);
        }
        if let (Ok(name), Ok(value)) = (std::str::from_utf8(name), std::str::from_utf8(value)) {
            self.rendering.set(name, value);
        }
        cx.to_client.extend_from_slice(frame.whole);
        Ok(())
    }

    /// The answer to the proxy's own question, other than its row.
    pub(super) fn on_ask_answer(&mut self, frame: Frame<'_>) -> Result<(), Fault> {
        match frame.tag {
            backend::BIND_COMPLETE | backend::COMMAND_COMPLETE => Ok(()),
            backend::PARSE_COMPLETE => {
                self.replies.ask_closes = false;
                Ok(())
            }
            backend::CLOSE_COMPLETE => {
                let last = std::mem::replace(&mut self.replies.ask_closes, true);
                if last && matches!(self.replies.queue.front(), Some(Expect::Ask(true))) {
                    self.replies.queue.pop_front();
                    self.doubt.names = false;
                }
                Ok(())
            }
            _ => Err(Fault::ServerProtocol),
        }
    }

    pub(super) fn on_ask_row(&mut self, frame: Frame<'_>) -> Result<(), Fault> {
        let names = crate::session::names::read(frame.body(), &self.names, &self.view.catalog).ok_or(Fault::ServerProtocol)?;
        if names != *self.names {
            self.names = Arc::new(names);
        }
        Ok(())
    }
}
