//! Errors and notices of the server, and the refusals that take their place.

use crate::plan::{Permit, RowsOf};
use crate::session::open::sqlstate_bytes;
use crate::session::sqlstate::Fault;
use crate::session::witness::Shape;
use crate::session::{Cx, Session, WireName, scrub};
use crate::wire::{Frame, Notice, backend};

use super::{CopyIn, Expect, Refused};

impl Session {
    pub(super) fn on_error(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let notice = Notice::read(frame.body()).map_err(|_| Fault::ServerProtocol)?;
        let sqlstate = sqlstate_bytes(notice.sqlstate());
        // 25P02: the transaction was aborted before; PostgreSQL would have said so of the client's own statement too.
        let aborted = sqlstate == *b"25P02";
        if aborted && let Some(first) = self.replies.copy_error.take() {
            // by the proxy's own question: the client hears what its COPY would have met
            return self.on_error(Frame { tag: backend::ERROR, whole: &first }, cx);
        }
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
            // the COPY itself is what failed
            Some(Expect::CopyShape(true)) => return self.on_error(frame, cx),
            Some(Expect::CopyShape(false)) => {
                self.replies.copy_shape = Some(Shape::none());
                self.replies.copy_error = (self.status != b'I').then(|| frame.whole.to_vec());
                self.replies.queue.push_front(Expect::CopyShape(false));
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
    pub(super) fn extended_failed(&mut self, failed: Expect, sqlstate: [u8; 5], cx: &mut Cx<'_>) {
        let (statement, portal) = match failed {
            Expect::Parse { name, .. } => (Some(name), None),
            Expect::Bind { portal, .. } => (None, Some(portal)),
            Expect::Query(_)
            | Expect::RefusedQuery(_)
            | Expect::Refused { .. }
            | Expect::Describe { .. }
            | Expect::Execute { .. }
            | Expect::Close { .. }
            | Expect::Sync
            | Expect::CopyEnd
            | Expect::Ask(_)
            | Expect::CopyShape(_) => (None, None),
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
                Expect::Query(_)
                | Expect::RefusedQuery(_)
                | Expect::Refused { .. }
                | Expect::Parse { .. }
                | Expect::Bind { .. }
                | Expect::Describe { .. }
                | Expect::Execute { .. }
                | Expect::Close { .. }
                | Expect::Sync
                | Expect::CopyEnd
                | Expect::Ask(_)
                | Expect::CopyShape(_) => {}
            }
        }
        self.replies.skip_to_sync(cx);
    }

    pub(super) fn swap(&mut self, refused: Option<Refused>, aborted: bool, frame: Frame<'_>, cx: &mut Cx<'_>) {
        match refused {
            Some(refused) if aborted => {
                cx.to_client.extend_from_slice(frame.whole);
                refused.close(cx);
            }
            Some(refused) => refused.say(cx),
            None => {}
        }
    }

    pub(super) fn on_notice(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let notice = Notice::read(frame.body()).map_err(|_| Fault::ServerProtocol)?;
        let permit = self.replies.head_permit();
        self.pass_notice(frame, &notice, permit.as_ref(), cx);
        Ok(())
    }

    /// Errors and notices: as they came for the unrestricted, without values where the statement touches something veiled.
    pub(super) fn pass_notice(&self, frame: Frame<'_>, notice: &Notice<'_>, permit: Option<&Permit>, cx: &mut Cx<'_>) {
        if !self.governed() {
            cx.to_client.extend_from_slice(frame.whole);
            return;
        }
        let below_notice = notice.field(b'V').is_some_and(|v| v == b"LOG" || v.starts_with(b"DEBUG"));
        if frame.tag == backend::NOTICE && below_notice {
            return;
        }
        let of = self.rows_of(permit);
        // deferred work speaks at COMMIT, SET CONSTRAINTS and their like, and behind the last statement of a string
        let late = |p: &Permit| self.replies.deferred && (self.status == b'I' || p.decision().relations.as_ref().is_none_or(Vec::is_empty));
        let clear = |p: &Permit| {
            !p.decision().scrub && !late(p) && (p.rows_of() == &RowsOf::Own || of.as_ref().is_some_and(|of| !of.decision().scrub))
        };
        match permit {
            Some(permit) if clear(permit) => scrub::without_position(frame.tag, notice, cx.to_client),
            _ => scrub::scrubbed(frame.tag, notice, &self.view.catalog, cx.to_client),
        }
    }
}
