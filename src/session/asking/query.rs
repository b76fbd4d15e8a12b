//! Query strings and the function-call message: decided whole before any of it is sent.

use std::sync::Arc;

use crate::plan::{Permit, Plan, Planned, Protocol, Refusal, RefusalKind};
use crate::session::open::{OpenStatement, Under};
use crate::session::replies::{Expect, QueryReply, Refused};
use crate::session::sqlstate::{ErrorText, Fault, fault_fields, refusal_fields};
use crate::session::upstream::{Control, Unrestricted, Upstream};
use crate::session::{Cx, Session};
use crate::wire::{Frame, Malformed, Reader};

use super::refuse::{refused_text, undecodable};
use super::turned::batch;

impl Session {
    pub(super) fn on_query(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut r = Reader::new(frame.body());
        let raw = r.cstr()?;
        r.end()?;
        let Some(text) = self.decode(raw) else {
            self.refuse_query(&Arc::from([undecodable()]), cx);
            return Ok(());
        };
        let Some(planned) = self.plan(&text, &[], Protocol::Simple, cx) else { return Ok(()) };
        let permits = || planned.iter().filter_map(|p| if let Plan::Send(permit) = &p.plan { Some(permit) } else { None });
        if permits().any(|p| self.runs_unanswered(p)) {
            self.await_answers(cx);
            return Ok(());
        }
        if self.believed_statement(b"").is_some() {
            self.names_nothing(b'S', b""); // a query string ends the nameless statement (`exec_simple_query`)
        }
        let refusal = self.first_refusal(&planned, cx).or_else(|| self.renew_all(&planned, cx)).or_else(|| self.stands_beside(&planned));
        if let Some(refusal) = refusal {
            self.refuse_statement(&planned, refusal, cx);
            return Ok(());
        }
        if self.analyses() {
            return Ok(());
        }
        let batch = match batch(&planned) {
            Ok(batch) => batch,
            Err((i, refusal)) => {
                self.refuse_statement(&planned, (i, refusal_fields(&refusal), refusal.reason), cx);
                return Ok(());
            }
        };
        if !Self::place(cx, planned.len()) {
            self.refuse_whole(Refused::of(None, fault_fields(Fault::AuditUnavailable), "audit"), cx);
            return Ok(());
        }
        let source = self.source(&text, &[], Protocol::Simple);
        let opens = OpenStatement::all(&planned, Under::of(&self.view), source.as_ref(), cx.now);
        permits().for_each(|p| self.unsettle(p.effect()));
        // A query string ends the implicit transaction of the batch before it.
        self.doubt.names |= self.replies.touched_names() && self.replies.in_batch();
        if let Some(copy) = permits().next().filter(|p| p.copied().is_some() && batch.is_none()) {
            self.describe_copied(copy, self.replies.is_skipping(), cx);
        }
        let mut upstream = Upstream::new(cx.to_server);
        let extended = batch.is_some();
        match (Unrestricted::of(&self.view.profile), batch) {
            (Some(who), _) => upstream.raw(&who, frame.whole),
            (None, Some(batch)) => upstream.batch(&batch),
            (None, None) => upstream.query(permits()),
        }
        self.push(Expect::Query(if extended { QueryReply::extended(opens) } else { QueryReply::new(opens) }), cx);
        Ok(())
    }

    /// Asks, before a COPY to the client, where its columns come from: COPY itself says nothing of them.
    pub(super) fn describe_copied(&mut self, permit: &Permit, in_batch: bool, cx: &mut Cx<'_>) {
        let mut upstream = Upstream::new(cx.to_server);
        upstream.describe_copied(permit);
        if !in_batch {
            upstream.control(Control::Sync);
        }
        self.push(Expect::CopyShape(in_batch), cx);
    }

    /// A query string that holds a refused statement: the others are skipped.
    pub(super) fn refuse_query(&mut self, planned: &Arc<[Planned]>, cx: &mut Cx<'_>) {
        let refusal = self.first_refusal(planned, cx).unwrap_or((0, fault_fields(Fault::ClientProtocol), "protocol"));
        self.refuse_statement(planned, refusal, cx);
    }

    /// The same, where it is known which one and why.
    fn refuse_statement(&mut self, planned: &Arc<[Planned]>, refusal: (usize, ErrorText, &'static str), cx: &mut Cx<'_>) {
        let (at, text, reason) = refusal;
        let refused = if Self::place(cx, planned.len()) {
            let mut opens: Vec<OpenStatement> = OpenStatement::all(planned, Under::of(&self.view), None, cx.now);
            Refused { open: (at < opens.len()).then(|| opens.remove(at)), skipped: opens, text, reason }
        } else {
            Refused::of(None, fault_fields(Fault::AuditUnavailable), "audit")
        };
        self.refuse_whole(refused, cx);
    }

    /// None of a query string is sent. With nothing under way the answer is ours alone; else a failing statement stands in its
    /// place. So it does where the server has a nameless statement, which a query string ends.
    pub(super) fn refuse_whole(&mut self, refused: Refused, cx: &mut Cx<'_>) {
        let nameless = self.replies.truth().statements.contains_key(&b""[..]);
        if self.status == b'I' && self.replies.is_empty() && !self.replies.in_batch() && !nameless {
            refused.say(cx);
            crate::wire::Build::new(cx.to_client, crate::wire::backend::READY).byte(b'I').end();
            return;
        }
        Upstream::new(cx.to_server).fail_query();
        self.push(Expect::RefusedQuery(Some(refused)), cx);
    }

    #[expect(clippy::unnecessary_wraps, reason = "one signature for every message of the client")]
    pub(super) fn on_function_call(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        if let Some(who) = Unrestricted::of(&self.view.profile) {
            Upstream::new(cx.to_server).raw(&who, frame.whole);
            self.push(Expect::Query(QueryReply::new(std::collections::VecDeque::new())), cx);
            return Ok(());
        }
        let refusal = Refusal {
            kind: RefusalKind::Forbidden,
            message: "the function call message is not for governed logins".into(),
            hint: Some("call the function in a SELECT".into()),
            position: None,
            reason: "function call",
            decision: Arc::default(),
        };
        let planned: Arc<[Planned]> = Arc::from([refused_text("function call message", refusal)]);
        self.refuse_query(&planned, cx);
        Ok(())
    }
}
