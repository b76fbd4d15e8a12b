//! The messages of the extended protocol. What is believed of names here only saves work; what counts is settled where the
//! server answers.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::catalog::Oid;
use crate::plan::{Permit, Planned, Protocol, RowsOf};
use crate::session::open::{OpenStatement, PlannedRef, Under};
use crate::session::replies::{Expect, Refused};
use crate::session::sqlstate::{Fault, fault_fields, refusal_fields};
use crate::session::truth::{Current, Prepared};
use crate::session::upstream::{Unrestricted, Upstream};
use crate::session::{Cx, Session, WireName, name_key};
use crate::wire::{Frame, Malformed, Reader, client};

use super::elements::lengths;
use super::refuse::{cannot_run, stale_text, undecodable};
use super::turned::{all_types, turned_back};
use super::{AskedPortal, AskedStatement, NOBODY};

impl Session {
    /// A failing Parse goes in the place of an extended message. It bears the name `parsed`.
    pub(super) fn refuse_extended(&mut self, parsed: &[u8], refused: Refused, cx: &mut Cx<'_>) {
        Upstream::new(cx.to_server).fail_parse(parsed);
        self.push(Expect::Refused(Some(refused)), cx);
    }

    /// A refused Parse or Bind gives its name to nothing: an Execute that stands behind in its batch is the same statement.
    pub(super) fn names_nothing(&mut self, what: u8, name: &[u8]) {
        let batch = self.asked.batch;
        if what == b'S' {
            self.asked.statements.insert(name.into(), AskedStatement { prepared: None, batch });
        } else {
            let portal = AskedPortal { prepared: None, batch, profile: self.view.profile.id, described: false, ran: false };
            self.asked.portals.insert(name.into(), portal);
        }
    }

    /// The same where the client has had its error: what it sends up to its Sync does not run.
    pub(in crate::session) fn fail_batch(&mut self, cx: &mut Cx<'_>) {
        Upstream::new(cx.to_server).fail_parse(NOBODY);
        self.push(Expect::Refused(None), cx);
    }

    /// The same for a text that is refused.
    pub(super) fn refuse_planned(&mut self, parsed: &[u8], planned: &Arc<[Planned]>, cx: &mut Cx<'_>) {
        let (text, reason) = Self::text_refusal(planned).unwrap_or((fault_fields(Fault::ClientProtocol), "protocol"));
        let open =
            PlannedRef::new(planned, 0, Under::of(&self.view), None).filter(|_| Self::place(cx, 1)).map(|p| OpenStatement::new(p, cx.now));
        let refused = match open {
            Some(open) => Refused::of(Some(open), text, reason),
            None => Refused::of(None, fault_fields(Fault::AuditUnavailable), "audit"),
        };
        self.refuse_extended(parsed, refused, cx);
    }

    pub(super) fn on_parse(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut r = Reader::new(frame.body());
        let (name, raw) = (name_key(r.cstr()?), r.cstr()?);
        let type_bytes = r.rest();
        let count = r.count()?;
        let types = (0..count).map(|_| r.u32().map(Oid)).collect::<Result<Vec<_>, _>>()?;
        r.end()?;
        let text = self.decode(raw);
        let planned: Arc<[Planned]> = match &text {
            Some(text) => match self.plan(text, &types, Protocol::Extended, cx) {
                Some(planned) => planned,
                None => return Ok(()),
            },
            None => Arc::from([undecodable()]),
        };
        if Self::text_refusal(&planned).is_some() {
            self.refuse_planned(name, &planned, cx);
            self.names_nothing(b'S', name);
            return Ok(());
        }
        let source = text.and_then(|text| self.source(&text, &types, Protocol::Extended));
        let prepared = Rc::new(Prepared {
            current: RefCell::new(Current {
                planned: PlannedRef::new(&planned, 0, Under::of(&self.view), source.as_ref()),
                snapshot: self.view.snapshot,
                names: Arc::clone(&self.names),
            }),
            shape: OnceCell::new(),
        });
        let mut upstream = Upstream::new(cx.to_server);
        match Unrestricted::of(&self.view.profile) {
            Some(who) => upstream.raw(&who, frame.whole),
            None => {
                let permit = prepared.permit();
                let all = permit.as_ref().and_then(|p| all_types(p, &types));
                upstream.parse(name, permit.as_ref(), all.as_deref().unwrap_or(type_bytes));
            }
        }
        let name: WireName = name.into();
        let asked = AskedStatement { prepared: Some(Rc::clone(&prepared)), batch: self.asked.batch };
        self.asked.statements.insert(name.clone(), asked);
        self.push(Expect::Parse { name, prepared }, cx);
        Ok(())
    }

    /// The statement that a name is believed to stand for.
    pub(super) fn believed_statement(&self, name: &[u8]) -> Option<Rc<Prepared>> {
        match self.asked.statements.get(name) {
            Some(asked) => asked.prepared.clone(),
            None => self.replies.truth().statements.get(name).cloned(),
        }
    }

    /// Whether a governed client uses a name that an earlier batch gave or took, and that batch is not answered yet: what has the name
    /// depends on whether it fails. INVARIANT 4.
    pub(super) fn is_unanswered(&self, frame: Frame<'_>) -> bool {
        if !self.awaits_names() {
            return false;
        }
        let earlier = |batch: u32| batch != self.asked.batch;
        let mut r = Reader::new(frame.body());
        match frame.tag {
            client::BIND => {
                let statement = r.cstr().and_then(|_portal| r.cstr());
                statement.is_ok_and(|name| self.asked.statements.get(name_key(name)).is_some_and(|s| earlier(s.batch)))
            }
            client::EXECUTE => r.cstr().is_ok_and(|name| self.asked.portals.get(name_key(name)).is_some_and(|p| earlier(p.batch))),
            _ => false,
        }
    }

    /// The same of an EXECUTE, FETCH or EXPLAIN EXECUTE.
    pub(super) fn runs_unanswered(&self, permit: &Permit) -> bool {
        let earlier = |batch: u32| batch != self.asked.batch;
        self.awaits_names()
            && match permit.rows_of() {
                RowsOf::Own => false,
                RowsOf::Cursor(name) => self.asked.portals.get(name.as_bytes()).is_some_and(|p| earlier(p.batch)),
                RowsOf::Prepared(name) | RowsOf::Plan { name, .. } => {
                    self.asked.statements.get(name.as_bytes()).is_some_and(|s| earlier(s.batch))
                }
            }
    }

    /// Whether what has a name may depend on an answer to come. A server that takes in data answers nothing of what stands behind, and takes
    /// any message but data for an error.
    fn awaits_names(&self) -> bool {
        !self.replies.is_empty() && !self.replies.copies_in() && self.governed()
    }

    pub(super) fn on_bind(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (portal, statement, formats) = read_bind(frame.body())?;
        let prepared = self.believed_statement(statement);
        if prepared.is_none() && self.is_nameless_no_more(statement, cx) {
            self.names_nothing(b'P', portal);
            return Ok(());
        }
        if let Some(refused) = prepared.as_ref().and_then(|p| self.plan_again(p, cx)) {
            self.refuse_extended(NOBODY, refused, cx);
            self.names_nothing(b'P', portal);
            return Ok(());
        }
        if self.analyses() {
            return Ok(());
        }
        let end = frame.body().len().saturating_sub(2 * (formats.len() + 1));
        let (values, own_formats) = frame.body().split_at_checked(end).ok_or(Malformed)?;
        let turned = match prepared.as_ref().map_or(Ok(Ok(None)), |p| Self::values_for(p, values, cx))? {
            Ok(turned) => turned,
            Err(refused) => {
                self.refuse_extended(NOBODY, refused, cx);
                self.names_nothing(b'P', portal);
                return Ok(());
            }
        };
        let keeps = prepared.as_ref().and_then(|p| p.permit()).is_some_and(|p| self.keeps(&p));
        let mut upstream = Upstream::new(cx.to_server);
        match (keeps, &turned) {
            (false, None) => upstream.named(frame),
            (false, Some(values)) => upstream.bind(values, own_formats),
            (true, _) => upstream.bind(turned.as_deref().unwrap_or(values), &[0, 0]),
        }
        let described = prepared.as_ref().is_some_and(|p| p.shape.get().is_some());
        self.asked
            .portals
            .insert(portal.into(), AskedPortal { prepared, batch: self.asked.batch, profile: self.view.profile.id, described, ran: false });
        self.push(Expect::Bind { portal: portal.into(), statement: statement.into(), formats }, cx);
        Ok(())
    }

    /// A Bind of a statement whose plan was made for another policy or catalog: planned anew, or refused.
    fn plan_again(&mut self, prepared: &Rc<Prepared>, cx: &mut Cx<'_>) -> Option<Refused> {
        let (planned, (text, reason)) = self.replan(prepared, cx)?;
        let open = planned.filter(|_| Self::place(cx, 1)).map(|p| OpenStatement::new(p, cx.now));
        Some(Refused::of(open, text, reason))
    }

    /// What goes on in the place of a Bind's names and values, where they do not; why nothing does.
    fn values_for(prepared: &Prepared, values: &[u8], cx: &mut Cx<'_>) -> Result<Result<Option<Vec<u8>>, Refused>, Malformed> {
        let current = prepared.current.borrow();
        let Some(permit) = current.planned.as_ref().and_then(PlannedRef::permit) else { return Ok(Ok(None)) };
        let counted = if permit.counts_at_bind() { permit.check_lengths(&lengths(values)?) } else { Ok(()) };
        let bound = match counted {
            Ok(()) => permit.turned().map(|_| turned_back(permit, values)).transpose()?.transpose(),
            Err(refusal) => Err(refusal),
        };
        Ok(bound.map_err(|refusal| {
            let open = current.planned.clone().filter(|_| Self::place(cx, 1)).map(|p| OpenStatement::new(p, cx.now));
            Refused::of(open, refusal_fields(&refusal), refusal.reason)
        }))
    }

    pub(super) fn on_describe(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (what, name) = read_target(frame.body())?;
        if what == b'S' && self.believed_statement(name).is_none() && self.is_nameless_no_more(name, cx) {
            return Ok(());
        }
        if what == b'P'
            && let Some(portal) = self.asked.portals.get_mut(name)
        {
            portal.described = true;
        }
        Upstream::new(cx.to_server).named(frame);
        self.push(Expect::Describe { what, name: name.into(), own: false }, cx);
        Ok(())
    }

    pub(super) fn on_execute(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut r = Reader::new(frame.body());
        let name = name_key(r.cstr()?);
        r.i32()?;
        r.end()?;
        let believed = match self.asked.portals.get(name) {
            Some(asked) => asked.prepared.clone(),
            None => self.replies.truth().portals.get(name).and_then(|p| p.prepared.clone()),
        };
        let known = self.replies.truth().portals.get(name).filter(|_| !self.asked.portals.contains_key(name));
        let planned = match (&believed, known) {
            (Some(prepared), _) => prepared.planned(),
            (None, Some(portal)) => portal.planned.clone(),
            (None, None) => None,
        };
        let stale = self.opened_under_other_rights(name, cx);
        let permit = believed.as_ref().and_then(|p| p.permit());
        if permit.as_ref().is_some_and(|p| self.runs_unanswered(p)) {
            self.await_answers(cx);
            return Ok(());
        }
        let changed = permit.as_ref().filter(|_| !stale).and_then(|p| self.renew(p, cx));
        if self.analyses() {
            return Ok(());
        }
        if planned.is_some() && !Self::place(cx, 1) {
            self.refuse_extended(NOBODY, Refused::of(None, fault_fields(Fault::AuditUnavailable), "audit"), cx);
            return Ok(());
        }
        let open = planned.map(|p| OpenStatement::new(p, cx.now));
        if stale {
            self.refuse_extended(NOBODY, Refused::of(open, stale_text(), "policy changed"), cx);
            return Ok(());
        }
        if let Some((text, reason)) = changed.or_else(|| permit.as_ref().and_then(|p| self.nameless(p, cx))) {
            self.refuse_extended(NOBODY, Refused::of(open, text, reason), cx);
            return Ok(());
        }
        let keeps = permit.as_ref().is_some_and(|p| self.keeps(p));
        if self.runs_again(name) && keeps {
            self.refuse_extended(NOBODY, Refused::of(open, cannot_run(name), "protocol"), cx);
            return Ok(());
        }
        if let Some(permit) = &permit {
            self.unsettle(permit.effect());
        }
        if self.governed() && self.needs_describe(name, permit.as_ref()) {
            let name: WireName = name.into();
            Upstream::new(cx.to_server).describe_portal(&name);
            self.push(Expect::Describe { what: b'P', name, own: true }, cx);
        }
        if let Some(copy) = permit.as_ref().filter(|p| p.copied().is_some() && self.governed()) {
            self.describe_copied(copy, true, cx);
        }
        if keeps {
            Upstream::new(cx.to_server).execute_whole(name);
        } else {
            Upstream::new(cx.to_server).named(frame);
        }
        self.push(Expect::Execute { portal: name.into(), open }, cx);
        Ok(())
    }

    /// Whether a statement's rows are none that the client asked for.
    fn keeps(&self, permit: &Permit) -> bool {
        match permit.rows_of() {
            RowsOf::Prepared(name) => self.believed_statement(name.as_bytes()).and_then(|s| s.permit()).is_some_and(|of| of.keeps_rows()),
            RowsOf::Own | RowsOf::Plan { .. } | RowsOf::Cursor(_) => permit.keeps_rows(),
        }
    }

    /// Whether a portal has been asked to run before.
    fn runs_again(&mut self, portal: &[u8]) -> bool {
        match self.asked.portals.get_mut(portal) {
            Some(asked) => std::mem::replace(&mut asked.ran, true),
            None => self.replies.truth().portals.get(portal).is_some_and(|p| p.ended),
        }
    }

    /// The origins of a result must be known before its first row.
    pub(super) fn needs_describe(&mut self, portal: &[u8], permit: Option<&Permit>) -> bool {
        if permit.is_some_and(|p| !p.returns_rows()) {
            return false;
        }
        match self.asked.portals.get_mut(portal) {
            // Its Bind fails, or it was closed: nothing will run.
            Some(AskedPortal { prepared: None, .. }) => false,
            Some(asked) => !std::mem::replace(&mut asked.described, true),
            None => self.replies.truth().portals.get(portal).is_some_and(|p| p.shape.is_none()),
        }
    }

    pub(super) fn on_close(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (what, name) = read_target(frame.body())?;
        self.names_nothing(what, name);
        Upstream::new(cx.to_server).named(frame);
        self.push(Expect::Close { what, name: name.into() }, cx);
        Ok(())
    }
}

/// What a Bind names: portal, statement, result formats.
type Bound<'a> = (&'a [u8], &'a [u8], Box<[i16]>);

/// Portal, statement and result formats of a Bind; the values between are checked and passed over.
fn read_bind(body: &[u8]) -> Result<Bound<'_>, Malformed> {
    let mut r = Reader::new(body);
    let (portal, statement) = (name_key(r.cstr()?), name_key(r.cstr()?));
    let formats = r.count()?;
    r.bytes(formats * 2)?;
    for _ in 0..r.count()? {
        r.value()?;
    }
    let results = (0..r.count()?).map(|_| r.i16()).collect::<Result<_, _>>()?;
    r.end()?;
    Ok((portal, statement, results))
}

/// The target of a Describe or Close.
fn read_target(body: &[u8]) -> Result<(u8, &[u8]), Malformed> {
    let mut r = Reader::new(body);
    let what = r.u8()?;
    let name = name_key(r.cstr()?);
    r.end()?;
    if matches!(what, b'S' | b'P') { Ok((what, name)) } else { Err(Malformed) }
}
