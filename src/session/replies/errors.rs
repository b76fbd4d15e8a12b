//! Errors and notices of the server, and the refusals that take their place.

use crate::plan::{Permit, Refusal, RowsOf, UNREADABLE};
use crate::session::open::sqlstate_bytes;
use crate::session::sqlstate::{Fault, refusal_fields};
use crate::session::witness::Shape;
use crate::session::{Cx, Session, scrub};
use crate::sql::UNFIT;
use crate::wire::{Frame, Notice, backend, error_frame};

use super::{CopyIn, Expect, Failed, Named, Refused, Replies};

/// What an error is of: the statement, and where in the client's text.
pub(super) struct Head {
    permit: Permit,
    place: Option<u32>,
}

impl Replies {
    /// The statement that the server is answering, as an error of it is told.
    fn head(&self, notice: &Notice<'_>) -> Option<Head> {
        let permit = self.head_permit()?;
        let position = notice.field(b'P').and_then(|p| std::str::from_utf8(p).ok()?.parse().ok());
        // what stood in a function, or was asked of the query of a COPY, counts in another text
        let own = position.filter(|_| notice.field(b'W').is_none() && permit.copied().is_none() && permit.rows_of() == &RowsOf::Own);
        let place = own.and_then(|position| self.head_planned()?.place(position));
        Some(Head { permit, place })
    }
}

impl Session {
    pub(super) fn on_error(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let notice = Notice::read(frame.body()).map_err(|_| Fault::ServerProtocol)?;
        let unfit = self.unfit(&notice).is_some();
        let sqlstate = if unfit { *b"42501" } else { sqlstate_bytes(notice.sqlstate()) };
        // 25P02: the transaction was aborted before; PostgreSQL would have said so of the client's own statement too. And what
        // ends the connection is not hidden by a refusal.
        let passes = sqlstate == *b"25P02" || notice.is_fatal();
        self.replies.farewell |= notice.is_fatal();
        if sqlstate == *b"25P02"
            && let Some(first) = self.replies.copy_error.take()
        {
            // by the proxy's own question: the client hears what its COPY would have met
            return self.on_error(Frame { tag: backend::ERROR, whole: &first }, cx);
        }
        let head = self.replies.head(&notice);
        let now = cx.now;
        match self.replies.queue.pop_front() {
            None | Some(Expect::CopyEnd) => self.pass_notice(frame, &notice, None, false, cx),
            Some(Expect::Query(mut query)) => {
                self.pass_notice(frame, &notice, head.as_ref(), false, cx);
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
                self.swap(refused, passes, frame, cx);
                self.replies.queue.push_front(Expect::RefusedQuery(None));
            }
            Some(Expect::Refused(refused)) => {
                self.swap(refused, passes, frame, cx);
                self.replies.skip_to_sync(cx);
            }
            Some(Expect::Sync) => {
                self.pass_notice(frame, &notice, None, true, cx);
                self.replies.queue.push_front(Expect::Sync);
            }
            // What waits for the answer to the proxy's own question fails with it: a cancel request or a time limit hit it.
            Some(Expect::Ask(true)) => {
                self.pass_notice(frame, &notice, None, false, cx);
                self.replies.skip_to_sync(cx);
            }
            Some(Expect::Ask(false)) => {
                if notice.is_fatal() {
                    self.pass_notice(frame, &notice, None, false, cx);
                } else if sqlstate != *b"57014" {
                    return Err(Fault::ServerProtocol);
                }
                self.replies.ask_failed = true;
                self.replies.queue.push_front(Expect::Ask(false));
            }
            // the COPY itself is what failed
            Some(Expect::CopyShape(true)) => return self.on_error(frame, cx),
            Some(Expect::CopyShape(false)) => {
                self.replies.copy_shape = Some(Shape::none());
                self.replies.copy_error = (self.status != b'I').then(|| frame.whole.to_vec());
                self.replies.queue.push_front(Expect::CopyShape(false));
            }
            Some(Expect::Execute { portal, open }) => {
                self.pass_notice(frame, &notice, head.as_ref(), false, cx);
                let known = self.replies.truth.portals.contains_key(&portal);
                if sqlstate == *b"34000" && (!known || says_no_portal(&notice)) {
                    // a query string has taken its place, or its transaction is over: its statement had its record at its end
                    *cx.places += u32::from(open.is_some());
                    self.closed(b'P', &portal, cx);
                } else {
                    let suspended = self.replies.truth.portals.get_mut(&portal).and_then(|p| p.open.take());
                    cx.finished.extend(suspended.or(open).map(|o| o.failed(None, Some(sqlstate), now)));
                }
                self.replies.skip_to_sync(cx);
            }
            Some(Expect::Parse { name, prepared: _ }) => {
                self.pass_notice(frame, &notice, head.as_ref(), false, cx);
                self.replies.failed = Some(Failed { what: Named::Statement, name, sqlstate: Some(sqlstate) });
                self.replies.skip_to_sync(cx);
            }
            Some(Expect::Bind { portal: name, .. }) => {
                self.pass_notice(frame, &notice, head.as_ref(), false, cx);
                self.replies.failed = Some(Failed { what: Named::Portal, name, sqlstate: Some(sqlstate) });
                self.replies.skip_to_sync(cx);
            }
            Some(Expect::Describe { .. } | Expect::Close { .. } | Expect::Malformed) => {
                self.pass_notice(frame, &notice, head.as_ref(), false, cx);
                self.replies.skip_to_sync(cx);
            }
        }
        Ok(())
    }

    pub(super) fn swap(&mut self, refused: Option<Refused>, passes: bool, frame: Frame<'_>, cx: &mut Cx<'_>) {
        match refused {
            // a text that PostgreSQL cannot read is refused before it looks at the transaction
            Some(refused) if self.replies.farewell || (passes && refused.reason != UNREADABLE) => {
                cx.to_client.extend_from_slice(frame.whole);
                refused.close(cx);
            }
            Some(refused) => refused.say(cx),
            // that the connection ends is said, whoever asked
            None if self.replies.farewell => cx.to_client.extend_from_slice(frame.whole),
            None => {}
        }
    }

    /// Whether the statement that the server is answering stored a row that does not satisfy its condition.
    fn unfit(&self, notice: &Notice<'_>) -> Option<Refusal> {
        self.governed().then(|| self.replies.head_permit()).flatten().and_then(|permit| self.unfit_of(Some(&permit), notice))
    }

    /// The same of a statement under a permit: it met the error that its check raises.
    fn unfit_of(&self, permit: Option<&Permit>, notice: &Notice<'_>) -> Option<Refusal> {
        let own = permit?;
        let of = self.rows_of(permit);
        let check = of.as_ref().unwrap_or(own).row_check()?;
        let says = notice.field(b'M').is_some_and(|m| m.windows(UNFIT.len()).any(|w| w == UNFIT.as_bytes()));
        (notice.sqlstate() == "42704" && notice.field(b'F') == Some(b"guc.c") && says).then(|| check.refusal.clone())
    }

    pub(super) fn on_notice(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let notice = Notice::read(frame.body()).map_err(|_| Fault::ServerProtocol)?;
        let head = self.replies.head(&notice);
        self.pass_notice(frame, &notice, head.as_ref(), false, cx);
        Ok(())
    }

    /// Errors and notices: as they came for the unrestricted, without values where the statement touches something veiled.
    pub(super) fn pass_notice(&self, frame: Frame<'_>, notice: &Notice<'_>, head: Option<&Head>, at_end: bool, cx: &mut Cx<'_>) {
        if !self.governed() {
            cx.to_client.extend_from_slice(frame.whole);
            return;
        }
        let (permit, place) = (head.map(|h| &h.permit), head.and_then(|h| h.place));
        if let Some(refusal) = self.unfit_of(permit, notice).filter(|_| frame.tag == backend::ERROR) {
            error_frame(cx.to_client, &refusal_fields(&refusal).as_fields());
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
            Some(permit) if clear(permit) => scrub::placed_anew(frame.tag, notice, place, cx.to_client),
            // The end of a transaction in which nothing of the kind ran.
            None if at_end && !self.replies.deferred => scrub::placed_anew(frame.tag, notice, None, cx.to_client),
            // Only the server itself can say FATAL, in words of its own; but where it stood in a function, its text may hold a value.
            _ if notice.is_fatal() || in_own_words(notice) => scrub::without_context(frame.tag, notice, cx.to_client),
            _ => scrub::scrubbed(frame.tag, notice, place, &self.view.catalog, cx.to_client),
        }
    }
}

/// That the portal of an Execute is missing, and not one that its statement names (`exec_execute_message`).
fn says_no_portal(notice: &Notice<'_>) -> bool {
    notice.field(b'F') == Some(b"postgres.c") && notice.field(b'W').is_none()
}

/// That a statement or portal of this name is missing, or taken, or that the transaction is aborted: the server's own words. The file
/// tells it from a RAISE that bears the same SQLSTATE.
fn in_own_words(notice: &Notice<'_>) -> bool {
    let file = notice.field(b'F').is_some_and(|f| [&b"postgres.c"[..], b"prepare.c", b"portalmem.c", b"portalcmds.c"].contains(&f));
    // in a function the name may be made of a value
    file && notice.field(b'W').is_none() && matches!(notice.sqlstate(), "26000" | "34000" | "42P05" | "42P03" | "25P02")
}
