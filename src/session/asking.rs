//! The client's direction: each message is read, each text decided, and what may go on is written to the server together with an
//! entry in the reply queue. What is believed of names here only saves work; what counts is settled where the server answers.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::open::{OpenStatement, PlannedRef};
use super::replies::{Expect, QueryReply, Refused};
use super::sqlstate::{ErrorText, Fault, fault_fields, refusal_fields};
use super::truth::{Current, Prepared};
use super::upstream::{Control, Unrestricted, Upstream};
use super::{ByName, Close, Cx, Session, WireName, cache};
use crate::base::RawSql;
use crate::catalog::Oid;
use crate::plan::{self, Decision, Described, Effect, Permit, Plan, Planned, Protocol, Refusal, RefusalKind, Setting, Syntax};
use crate::wire::{Frame, Malformed, Reader, client};

/// What the messages of the client that are not answered yet have changed; empty where everything is answered.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// `None`: closed.
    statements: ByName<Option<Rc<Prepared>>>,
    portals: ByName<AskedPortal>,
}

impl Asked {
    /// Everything is answered: from here on the truth is believed.
    pub(super) fn settle(&mut self) {
        if !self.statements.is_empty() || !self.portals.is_empty() {
            *self = Self::default();
        }
    }
}

#[derive(Debug)]
struct AskedPortal {
    prepared: Option<Rc<Prepared>>,
    /// A Describe of it, or of its statement, stands before its Execute.
    described: bool,
}

/// What must be asked of the server before the next statement is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    /// `search_path` and the session's temporary relations.
    pub(super) names: bool,
}

impl Doubt {
    pub(super) fn all() -> Self {
        Self { names: true }
    }
}

/// Whether names may resolve otherwise once this has run.
pub(super) fn changes_names(effect: &Effect) -> bool {
    match effect {
        Effect::Set(change) => change.name.as_deref().is_none_or(|n| matches!(n, "search_path" | "role" | "session_authorization")),
        Effect::Create { .. } | Effect::CatalogChanged | Effect::DiscardAll | Effect::Discard => true,
        Effect::None
        | Effect::Begin
        | Effect::Commit { .. }
        | Effect::Rollback { .. }
        | Effect::Savepoint(_)
        | Effect::Release(_)
        | Effect::RollbackTo(_)
        | Effect::Prepare(..)
        | Effect::Deallocate(_)
        | Effect::Declare { .. }
        | Effect::Close(_)
        | Effect::Copy(..) => false,
    }
}

/// The name that a failing Parse bears where none was refused: nobody can have prepared it.
const NOBODY: &[u8] = b"pgscrim refused";

impl Session {
    /// Whether the client's next message has to wait: names are in doubt, and the server must be asked first.
    pub(super) fn must_wait(&mut self, cx: &mut Cx<'_>) -> bool {
        if !self.doubt.names || self.status == b'E' || self.replies.is_skipping() {
            return false;
        }
        let mut upstream = Upstream::new(cx.to_server);
        if self.replies.is_empty() {
            self.asked.settle();
            upstream.ask();
            self.replies.push(Expect::Ask(self.replies.in_batch()));
            if !self.replies.in_batch() {
                upstream.control(Control::Sync);
            }
        }
        upstream.control(Control::Flush);
        true
    }

    pub(super) fn on_client_frame(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) {
        if self.replies.copies_in() && !self.during_copy(frame, cx) {
            return;
        }
        let read = match frame.tag {
            client::QUERY => self.on_query(frame, cx),
            client::PARSE => self.on_parse(frame, cx),
            client::BIND => self.on_bind(frame, cx),
            client::DESCRIBE => self.on_describe(frame, cx),
            client::EXECUTE => self.on_execute(frame, cx),
            client::CLOSE => self.on_close(frame, cx),
            client::SYNC => {
                self.push(Expect::Sync, cx);
                Upstream::new(cx.to_server).control(Control::Sync);
                Ok(())
            }
            client::FLUSH => {
                Upstream::new(cx.to_server).control(Control::Flush);
                Ok(())
            }
            client::TERMINATE => {
                Upstream::new(cx.to_server).control(Control::Terminate);
                self.close = Some(Close::Terminated);
                Ok(())
            }
            client::FUNCTION_CALL => self.on_function_call(frame, cx),
            client::COPY_DATA => {
                self.on_copy_bytes(frame.whole, cx);
                Ok(())
            }
            _ => {
                if self.replies.may_copy_in() || !self.governed() {
                    Upstream::new(cx.to_server).copy_bytes(frame.whole);
                    self.push(Expect::CopyEnd, cx);
                }
                Ok(())
            }
        };
        if read.is_err() {
            self.client_broke(&crate::wire::FrameError::Length, cx);
        }
    }

    fn push(&mut self, expect: Expect, cx: &mut Cx<'_>) {
        self.replies.ask(expect, cx);
    }

    /// While data is copied in, Flush and Sync go on without an answer and only the end of the data ends it: PostgreSQL's
    /// `CopyGetData`. Whether the message is to be handled as ever.
    fn during_copy(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> bool {
        match frame.tag {
            client::COPY_DATA | client::TERMINATE => true,
            client::COPY_DONE | client::COPY_FAIL => {
                self.replies.copy_in_ended();
                Upstream::new(cx.to_server).copy_bytes(frame.whole);
                false
            }
            client::FLUSH | client::SYNC => {
                let control = if frame.tag == client::SYNC { Control::Sync } else { Control::Flush };
                Upstream::new(cx.to_server).control(control);
                false
            }
            _ => {
                self.client_broke(&crate::wire::FrameError::Length, cx);
                false
            }
        }
    }

    /// Data of a COPY, whole frames or pieces. Where no COPY is under way the server would ignore it, and so do we.
    pub(super) fn on_copy_bytes(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        if self.replies.copies_in() || self.replies.may_copy_in() || !self.governed() {
            self.replies.copied_in(bytes.len());
            Upstream::new(cx.to_server).copy_bytes(bytes);
        }
    }

    /// The plans for a text, from this thread's cache or made now.
    fn plan(&mut self, text: &str, types: &[Oid], protocol: Protocol, cx: &mut Cx<'_>) -> Arc<[Planned]> {
        let (view, names) = (Arc::clone(&self.view), Arc::clone(&self.names));
        let key = cache::Key { text, types, protocol, snapshot: view.snapshot, profile: view.profile.id, names: &names };
        if let Some(found) = cx.cache.get(&key) {
            cx.counts.cache_hits += 1;
            return found;
        }
        cx.counts.cache_misses += 1;
        let setting = Setting {
            catalog: &view.catalog,
            profile: &view.profile,
            names: &names,
            fingerprint_key: &view.fingerprint_key,
            parse_limit: self.limits.parse,
        };
        let planned: Arc<[Planned]> = plan::plan_text(&RawSql::new(text), types, protocol, setting).into();
        cx.cache.put(&key, &planned);
        planned
    }

    /// Takes a place in the audit's queue.
    fn place(cx: &mut Cx<'_>, n: usize) -> bool {
        match u32::try_from(n).ok().and_then(|n| cx.places.checked_sub(n)) {
            Some(left) => {
                *cx.places = left;
                true
            }
            None => false,
        }
    }

    /// The first reason for which none of these statements may be sent, with its index.
    fn first_refusal(&self, planned: &[Planned]) -> Option<(usize, ErrorText, &'static str)> {
        planned.iter().enumerate().find_map(|(i, p)| match &p.plan {
            Plan::Refuse(refusal) => Some((i, refusal_fields(refusal), refusal.reason)),
            Plan::Send(permit) => match self.unknown_name(permit) {
                Some(text) => Some((i, text, "unknown name")),
                None => self.stale_cursor(permit).then(|| (i, stale_text(), "policy changed")),
            },
        })
    }

    /// A cursor or prepared statement that the proxy did not see created. Where answers are under way it may be about to be.
    fn unknown_name(&self, permit: &Permit) -> Option<ErrorText> {
        if !self.governed() || !self.replies.is_empty() || self.replies.truth().knows(permit) {
            return None;
        }
        let (syntax, message) = match permit.rows_of() {
            plan::RowsOf::Own => return None,
            plan::RowsOf::Cursor(name) => (Syntax::InvalidCursorName, format!("cursor \"{name}\" does not exist")),
            plan::RowsOf::Prepared(name) => (Syntax::InvalidStatementName, format!("prepared statement \"{name}\" does not exist")),
        };
        Some(refusal_fields(&postgres_refusal(syntax, &message)))
    }

    /// A FETCH from a cursor that was opened under other rights.
    fn stale_cursor(&self, permit: &Permit) -> bool {
        let plan::RowsOf::Cursor(name) = permit.rows_of() else { return false };
        let portal = self.replies.truth().portals.get(name.as_bytes());
        self.governed() && portal.is_some_and(|p| p.profile != self.view.profile.id)
    }

    fn on_query(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut r = Reader::new(frame.body());
        let raw = r.cstr()?;
        r.end()?;
        let Some(text) = self.decode(raw) else {
            let planned: Arc<[Planned]> = Arc::from([undecodable()]);
            self.refuse_query(&planned, None, cx);
            return Ok(());
        };
        let planned = self.plan(&text, &[], Protocol::Simple, cx);
        if !Self::place(cx, planned.len()) {
            self.refuse_query(&planned, Some(Fault::AuditUnavailable), cx);
            return Ok(());
        }
        if self.first_refusal(&planned).is_some() {
            self.refuse_query(&planned, None, cx);
            return Ok(());
        }
        let opens = (0..planned.len()).filter_map(|i| PlannedRef::new(&planned, i)).map(|p| OpenStatement::new(p, cx.now)).collect();
        let permits = || planned.iter().filter_map(|p| if let Plan::Send(permit) = &p.plan { Some(permit) } else { None });
        if permits().any(|p| changes_names(p.effect())) {
            self.doubt.names |= self.governed();
        }
        let mut upstream = Upstream::new(cx.to_server);
        match Unrestricted::of(&self.view.profile) {
            Some(who) => upstream.raw(&who, frame.whole),
            None => upstream.query(permits()),
        }
        self.push(Expect::Query(QueryReply::new(opens)), cx);
        Ok(())
    }

    /// UTF-8, as the client encoding of a governed session is. An unrestricted one's text is only read for the audit.
    fn decode(&self, raw: &[u8]) -> Option<String> {
        match std::str::from_utf8(raw) {
            Ok(text) => Some(text.to_owned()),
            Err(_) if self.governed() => None,
            Err(_) => Some(String::from_utf8_lossy(raw).into_owned()),
        }
    }

    /// None of a query string is sent. With nothing under way the answer is ours alone; else a failing statement stands in its
    /// place.
    fn refuse_query(&mut self, planned: &Arc<[Planned]>, fault: Option<Fault>, cx: &mut Cx<'_>) {
        let (at, text, reason) = match fault {
            Some(fault) => (0, fault_fields(fault), "audit"),
            None => self.first_refusal(planned).unwrap_or((0, fault_fields(Fault::ClientProtocol), "protocol")),
        };
        let mut opens: Vec<OpenStatement> =
            (0..planned.len()).filter_map(|i| PlannedRef::new(planned, i)).map(|p| OpenStatement::new(p, cx.now)).collect();
        let refused = Refused { open: (at < opens.len()).then(|| opens.remove(at)), skipped: opens, text, reason };
        if self.status == b'I' && self.replies.is_empty() && !self.replies.in_batch() {
            refused.say(cx);
            crate::wire::Build::new(cx.to_client, crate::wire::backend::READY).byte(b'I').end();
            return;
        }
        Upstream::new(cx.to_server).fail_query();
        self.push(Expect::RefusedQuery(Some(refused)), cx);
    }

    /// A failing Parse goes in the place of an extended message.
    fn refuse_extended(&mut self, name: &[u8], refused: Refused, cx: &mut Cx<'_>) {
        Upstream::new(cx.to_server).fail_parse(name);
        self.push(Expect::Refused { refused: Some(refused), statement: name.into() }, cx);
    }

    fn on_parse(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut r = Reader::new(frame.body());
        let (name, raw) = (r.cstr()?, r.cstr()?);
        let type_bytes = r.rest();
        let count = r.count()?;
        let types = (0..count).map(|_| r.u32().map(Oid)).collect::<Result<Vec<_>, _>>()?;
        r.end()?;
        let planned: Arc<[Planned]> = match self.decode(raw) {
            Some(text) => self.plan(&text, &types, Protocol::Extended, cx),
            None => Arc::from([undecodable()]),
        };
        if let Some((_, text, reason)) = self.first_refusal(&planned) {
            let placed = Self::place(cx, 1);
            let open = PlannedRef::new(&planned, 0).map(|p| OpenStatement::new(p, cx.now));
            let (text, reason) = if placed { (text, reason) } else { (fault_fields(Fault::AuditUnavailable), "audit") };
            self.refuse_extended(name, Refused { open, skipped: Vec::new(), text, reason }, cx);
            return Ok(());
        }
        let prepared = Rc::new(Prepared {
            current: RefCell::new(Current { planned: PlannedRef::new(&planned, 0), snapshot: self.view.snapshot }),
            source: self.governed().then(|| (String::from_utf8_lossy(raw).into(), types.into())),
            inner: None,
            shape: OnceCell::new(),
        });
        let mut upstream = Upstream::new(cx.to_server);
        match Unrestricted::of(&self.view.profile) {
            Some(who) => upstream.raw(&who, frame.whole),
            None => upstream.parse(name, prepared.permit().as_ref(), type_bytes),
        }
        let name: WireName = name.into();
        self.asked.statements.insert(name.clone(), Some(Rc::clone(&prepared)));
        self.push(Expect::Parse { name, prepared }, cx);
        Ok(())
    }

    /// The statement that a name is believed to stand for.
    fn believed_statement(&self, name: &[u8]) -> Option<Rc<Prepared>> {
        match self.asked.statements.get(name) {
            Some(asked) => asked.clone(),
            None => self.replies.truth().statements.get(name).cloned(),
        }
    }

    fn on_bind(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (portal, statement, formats) = read_bind(frame.body())?;
        let prepared = self.believed_statement(statement);
        if let Some(refused) = prepared.as_ref().and_then(|p| self.plan_again(p, cx)) {
            self.refuse_extended(NOBODY, refused, cx);
            return Ok(());
        }
        Upstream::new(cx.to_server).named(frame);
        let described = prepared.as_ref().is_some_and(|p| p.shape.get().is_some());
        self.asked.portals.insert(portal.into(), AskedPortal { prepared, described });
        self.push(Expect::Bind { portal: portal.into(), statement: statement.into(), formats }, cx);
        Ok(())
    }

    /// A statement whose plan was made for another policy or catalog is planned anew. Where the new plan is not the old one, the
    /// client hears what PostgreSQL says when a result type has changed, and prepares again.
    fn plan_again(&mut self, prepared: &Rc<Prepared>, cx: &mut Cx<'_>) -> Option<Refused> {
        let (text, types) = prepared.source.as_ref()?;
        if prepared.current.borrow().snapshot == self.view.snapshot {
            return None;
        }
        let planned = self.plan(text, types, Protocol::Extended, cx);
        let refusal = match self.first_refusal(&planned) {
            Some((_, text, reason)) => Some((text, reason)),
            None if !same_plan(&prepared.permit(), &planned) => Some((
                refusal_fields(&postgres_refusal(Syntax::FeatureNotSupported, "cached plan must not change result type")),
                "plan changed",
            )),
            None => None,
        };
        let reference = PlannedRef::new(&planned, 0);
        if let Some((text, reason)) = refusal {
            let open = reference.filter(|_| Self::place(cx, 1)).map(|p| OpenStatement::new(p, cx.now));
            Some(Refused { open, skipped: Vec::new(), text, reason })
        } else {
            *prepared.current.borrow_mut() = Current { planned: reference, snapshot: self.view.snapshot };
            None
        }
    }

    fn on_describe(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (what, name) = read_target(frame.body())?;
        if what == b'P'
            && let Some(portal) = self.asked.portals.get_mut(name)
        {
            portal.described = true;
        }
        Upstream::new(cx.to_server).named(frame);
        self.push(Expect::Describe { what, name: name.into(), own: false }, cx);
        Ok(())
    }

    fn on_execute(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut r = Reader::new(frame.body());
        let name = r.cstr()?;
        r.i32()?;
        r.end()?;
        let believed = match self.asked.portals.get(name) {
            Some(asked) => asked.prepared.clone(),
            None => self.replies.truth().portals.get(name).and_then(|p| p.prepared.clone()),
        };
        let known = self.replies.truth().portals.get(name).filter(|_| !self.asked.portals.contains_key(name));
        let planned = match (&believed, known) {
            (Some(prepared), _) => prepared.current.borrow().planned.clone(),
            (None, Some(portal)) => portal.planned.clone(),
            (None, None) => None,
        };
        let stale = self.governed() && known.is_some_and(|p| p.profile != self.view.profile.id);
        if planned.is_some() && !Self::place(cx, 1) {
            self.refuse_extended(NOBODY, Refused::of(None, fault_fields(Fault::AuditUnavailable), "audit"), cx);
            return Ok(());
        }
        let open = planned.map(|p| OpenStatement::new(p, cx.now));
        if stale {
            self.refuse_extended(NOBODY, Refused::of(open, stale_text(), "policy changed"), cx);
            return Ok(());
        }
        let permit = believed.as_ref().and_then(|p| p.permit());
        if permit.as_ref().is_some_and(|p| changes_names(p.effect())) {
            self.doubt.names |= self.governed();
        }
        if self.governed() && self.needs_describe(name, permit.as_ref()) {
            let name: WireName = name.into();
            Upstream::new(cx.to_server).describe_portal(&name);
            self.push(Expect::Describe { what: b'P', name, own: true }, cx);
        }
        Upstream::new(cx.to_server).named(frame);
        self.push(Expect::Execute { portal: name.into(), open }, cx);
        Ok(())
    }

    /// The origins of a result must be known before its first row.
    fn needs_describe(&mut self, portal: &[u8], permit: Option<&Permit>) -> bool {
        if permit.is_some_and(|p| !p.returns_rows()) {
            return false;
        }
        match self.asked.portals.get_mut(portal) {
            Some(asked) => !std::mem::replace(&mut asked.described, true),
            None => self.replies.truth().portals.get(portal).is_none_or(|p| p.shape.is_none()),
        }
    }

    fn on_close(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (what, name) = read_target(frame.body())?;
        if what == b'S' {
            self.asked.statements.insert(name.into(), None);
        } else {
            self.asked.portals.insert(name.into(), AskedPortal { prepared: None, described: false });
        }
        Upstream::new(cx.to_server).named(frame);
        self.push(Expect::Close { what, name: name.into() }, cx);
        Ok(())
    }

    fn on_function_call(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Malformed> {
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
        self.refuse_query(&planned, None, cx);
        Ok(())
    }
}

/// A cursor that was opened under other rights gives nothing any more.
fn stale_text() -> ErrorText {
    refusal_fields(&Refusal {
        kind: RefusalKind::Forbidden,
        message: "the rights of this login have changed since the cursor was opened".into(),
        hint: Some("open it again".into()),
        position: None,
        reason: "policy changed",
        decision: Arc::default(),
    })
}

fn postgres_refusal(syntax: Syntax, message: &str) -> Refusal {
    Refusal {
        kind: RefusalKind::Postgres(syntax),
        message: message.into(),
        hint: None,
        position: None,
        reason: "postgres",
        decision: Arc::new(Decision::default()),
    }
}

fn refused_text(text: &str, refusal: Refusal) -> Planned {
    Planned { plan: Plan::Refuse(refusal), described: Described { text: text.into(), fingerprint: "0000000000000000".into() } }
}

fn undecodable() -> Planned {
    let refusal = Refusal {
        kind: RefusalKind::Unclear,
        message: "its text is not UTF-8".into(),
        hint: Some("set client_encoding to UTF8".into()),
        position: None,
        reason: "encoding",
        decision: Arc::default(),
    };
    refused_text("text that is not UTF-8", refusal)
}

/// Whether the plan made anew sends the same text and masks the same columns in the same way.
fn same_plan(old: &Option<Permit>, planned: &Arc<[Planned]>) -> bool {
    match (old, planned.first().map(|p| &p.plan)) {
        (Some(old), Some(Plan::Send(new))) => old.same_as(new),
        (None, None) => true,
        _ => false,
    }
}

/// Portal, statement and result formats of a Bind; the values between are checked and passed over.
fn read_bind(body: &[u8]) -> Result<(&[u8], &[u8], Box<[i16]>), Malformed> {
    let mut r = Reader::new(body);
    let (portal, statement) = (r.cstr()?, r.cstr()?);
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
    let name = r.cstr()?;
    r.end()?;
    if matches!(what, b'S' | b'P') { Ok((what, name)) } else { Err(Malformed) }
}
