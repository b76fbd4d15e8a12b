//! The client's direction: each message is read, each text decided, and what may go on is written to the server together with an
//! entry in the reply queue. What is believed of names here only saves work; what counts is settled where the server answers.

mod elements;
mod extended;
mod query;
mod refuse;
mod replan;
mod turned;

pub(super) use refuse::{makes, stale_catalog, uncommitted_schema, unreadable};
pub(super) use turned::{Turned, batched};

use std::borrow::Cow;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::open::{PlannedRef, Text};
use super::replies::{Expect, QueryReply, Refused};
use super::sqlstate::{Fault, fault_fields};
use super::truth::Prepared;
use super::upstream::{Control, Unrestricted, Upstream};
use super::{ByName, Close, Cx, Session, name_key};
use crate::catalog::Oid;
use crate::plan::{Effect, Permit, Protocol};
use crate::policy::ProfileId;
use crate::wire::{Build, Frame, Malformed, Reader, client};

use refuse::too_long;

/// What the messages of the client that are not answered yet have changed; empty where everything is answered.
#[derive(Debug, Default)]
pub(super) struct Asked {
    statements: ByName<AskedStatement>,
    portals: ByName<AskedPortal>,
    /// Counts the batches: what one of them asked for holds for sure only within it, since an error skips the rest of a batch.
    batch: u32,
}

#[derive(Debug)]
struct AskedStatement {
    /// `None`: closed.
    prepared: Option<Rc<Prepared>>,
    batch: u32,
}

impl Asked {
    /// A pipeline that names ever more things waits for its answers.
    pub(super) fn is_full(&self) -> bool {
        self.statements.len() + self.portals.len() >= ASKED_LIMIT
    }

    /// The rights that a portal's Bind was sent under, and what it runs.
    pub(super) fn portal(&self, name: &[u8]) -> Option<(ProfileId, Option<PlannedRef>)> {
        self.portals.get(name).map(|p| (p.profile, p.prepared.as_ref().and_then(|s| s.planned())))
    }

    /// A portal's rows are the same under these rights.
    pub(super) fn renew_portal(&mut self, name: &[u8], profile: ProfileId) {
        self.portals.get_mut(name).into_iter().for_each(|p| p.profile = profile);
    }

    /// Everything is answered: from here on the truth is believed.
    pub(super) fn settle(&mut self) {
        if !self.statements.is_empty() || !self.portals.is_empty() {
            self.statements.clear();
            self.portals.clear();
        }
    }
}

#[derive(Debug)]
struct AskedPortal {
    prepared: Option<Rc<Prepared>>,
    batch: u32,
    /// The rights that its Bind was sent under.
    profile: ProfileId,
    /// A Describe of it, or of its statement, stands before its Execute.
    described: bool,
    /// It was asked to run.
    ran: bool,
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
        Effect::Create { .. } | Effect::CatalogChanged | Effect::Code | Effect::DiscardAll | Effect::Discard => true,
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

/// Whether the database's schema may be another once this has run and its transaction is over.
pub(super) fn changes_schema(permit: &Permit) -> bool {
    let own = matches!(permit.effect(), Effect::Create { schema: None, .. });
    let unread = permit.decision().relations.is_none();
    unread || (!own && matches!(permit.effect(), Effect::Create { .. } | Effect::CatalogChanged | Effect::Code))
}

/// Whether it defines a relation or function anew that others know, so that they wait until it is read; what was not understood is what its command tag says.
/// Code that may (DO, CALL) runs too often for that.
pub(super) fn defines(permit: &Permit, tag: &[u8]) -> bool {
    let others = match &permit.decision().relations {
        Some(relations) => relations.iter().any(|relation| *relation.schema != *"pg_temp") || tag.ends_with(b" FUNCTION"),
        None => [&b"ALTER "[..], b"CREATE ", b"DROP "].iter().any(|word| tag.starts_with(word)),
    };
    others && changes_schema(permit) && !matches!(permit.effect(), Effect::Code)
}

/// Whether a transaction or a part of it ends.
pub(super) fn ends_transaction(effect: &Effect) -> bool {
    matches!(effect, Effect::Commit { .. } | Effect::Rollback { .. } | Effect::RollbackTo(_))
}

/// Whether a statement does nothing but begin or end something that needs no decision by the catalog.
pub(super) fn only_ends(effect: &Effect) -> bool {
    match effect {
        Effect::Begin
        | Effect::Commit { .. }
        | Effect::Rollback { .. }
        | Effect::Savepoint(_)
        | Effect::Release(_)
        | Effect::RollbackTo(_)
        | Effect::Deallocate(_)
        | Effect::Close(_) => true,
        Effect::None
        | Effect::Set(_)
        | Effect::Prepare(..)
        | Effect::Declare { .. }
        | Effect::Copy(..)
        | Effect::Create { .. }
        | Effect::CatalogChanged
        | Effect::Code
        | Effect::DiscardAll
        | Effect::Discard => false,
    }
}

/// Names that may be under way at a time.
const ASKED_LIMIT: usize = 4096;

/// The name that a failing Parse bears where none was refused: nobody can have prepared it.
const NOBODY: &[u8] = b"pgscrim refused";

impl Session {
    /// Whether the client's next message has to wait: names are in doubt, and the server must be asked first, or the session has changed
    /// the schema, and the catalog must be read first. Only what is decided by names waits: data of a COPY that the server awaits does
    /// not, nor what ends a batch.
    pub(super) fn must_wait(&mut self, tag: u8, cx: &mut Cx<'_>) -> bool {
        if self.settles() {
            return true;
        }
        let behind = self.behind && !self.stale && self.governed();
        if !(self.doubt.names || behind) || self.status == b'E' || self.replies.is_skipping() || self.replies.copies_in() {
            return false;
        }
        if !matches!(tag, client::QUERY | client::PARSE | client::BIND) {
            return false;
        }
        if !self.doubt.names {
            // what was asked before is answered meanwhile
            Upstream::new(cx.to_server).control(Control::Flush);
            return true;
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
        let large = matches!(frame.tag, client::QUERY | client::PARSE | client::BIND | client::FUNCTION_CALL);
        if large && frame.whole.len() > self.limits.of(frame.tag) {
            return self.too_long(frame, cx);
        }
        if self.is_unanswered(frame) {
            return self.await_answers(cx);
        }
        match self.short_names(frame) {
            Some(Ok(shorter)) => self.on_named_frame(Frame { tag: frame.tag, whole: &shorter }, cx),
            Some(Err(Malformed)) => self.malformed(frame, cx),
            None => self.on_named_frame(frame, cx),
        }
    }

    /// The message that is being handled waits until everything before it is answered.
    fn await_answers(&mut self, cx: &mut Cx<'_>) {
        self.settling = true;
        Upstream::new(cx.to_server).control(Control::Flush);
    }

    /// A governed session's names go to the server as it would cut them off, so that what we hold to be one name is one.
    fn short_names(&self, frame: Frame<'_>) -> Option<Result<Vec<u8>, Malformed>> {
        let names = match frame.tag {
            client::BIND => 2,
            client::PARSE | client::DESCRIBE | client::EXECUTE | client::CLOSE => 1,
            _ => return None,
        };
        if !self.governed() || frame.whole.len() <= 5 + 63 {
            return None;
        }
        let kind = usize::from(matches!(frame.tag, client::DESCRIBE | client::CLOSE));
        let mut reader = Reader::new(frame.body());
        let read = reader.bytes(kind).and_then(|kind| Ok((kind, (0..names).map(|_| reader.cstr()).collect::<Result<Vec<_>, _>>()?)));
        let (kind, names) = match read {
            Ok(read) => read,
            Err(malformed) => return Some(Err(malformed)),
        };
        if names.iter().all(|n| n.len() <= 63) {
            return None;
        }
        let mut shorter = Vec::with_capacity(frame.whole.len());
        let built = names.iter().fold(Build::new(&mut shorter, frame.tag).bytes(kind), |built, name| built.cstr(name_key(name)));
        built.bytes(reader.rest()).end();
        Some(Ok(shorter))
    }

    /// What is no message of its type is answered as PostgreSQL does, and the session goes on.
    fn malformed(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) {
        let simple = matches!(frame.tag, client::QUERY | client::FUNCTION_CALL);
        if let Some(who) = Unrestricted::of(&self.view.profile) {
            Upstream::new(cx.to_server).raw(&who, frame.whole);
            self.push(if simple { Expect::Query(QueryReply::new(VecDeque::new())) } else { Expect::Malformed }, cx);
            return;
        }
        let refused = Refused::of(None, fault_fields(Fault::MalformedMessage), "protocol");
        if simple { self.refuse_whole(refused, cx) } else { self.refuse_extended(NOBODY, refused, cx) }
    }

    /// A message beyond our limits, of which there may be only the beginning.
    pub(super) fn too_long(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) {
        let bytes = frame.whole.get(1..5).and_then(|b| b.first_chunk::<4>()).map_or(0, |b| u32::from_be_bytes(*b));
        let key = if matches!(frame.tag, client::QUERY | client::PARSE) { "limits.statement" } else { "limits.message" };
        let limit = self.limits.of(frame.tag) - 1;
        let planned = too_long(format!("the message has {bytes} bytes, more than {key} allows ({limit})"));
        match frame.tag {
            client::QUERY | client::FUNCTION_CALL => self.refuse_query(&planned, cx),
            _ => self.refuse_planned(NOBODY, &planned, cx),
        }
    }

    fn on_named_frame(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) {
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
                // It may end a transaction that changed names, and end it badly.
                self.doubt.names |= self.replies.touched_names();
                self.push(Expect::Sync, cx);
                self.asked.batch = self.asked.batch.wrapping_add(1);
                Upstream::new(cx.to_server).control(Control::Sync);
                Ok(())
            }
            client::FLUSH => {
                Upstream::new(cx.to_server).control(Control::Flush);
                Ok(())
            }
            client::TERMINATE => {
                Upstream::new(cx.to_server).control(Control::Terminate);
                // What was asked before is still answered.
                self.terminated = true;
                if self.replies.is_empty() {
                    self.close = Some(Close::Terminated);
                }
                Ok(())
            }
            client::FUNCTION_CALL => self.on_function_call(frame, cx),
            client::COPY_DATA => {
                if self.passes_copy() {
                    Upstream::new(cx.to_server).copy_bytes(frame.whole);
                }
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
            self.malformed(frame, cx);
        }
    }

    /// What is asked of the server here may make names resolve otherwise for what follows.
    fn unsettle(&mut self, effect: &Effect) {
        if changes_names(effect) || (self.replies.touched_names() && ends_transaction(effect)) {
            self.doubt.names |= self.governed();
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
            // PostgreSQL ends the connection over it.
            _ => {
                match Unrestricted::of(&self.view.profile) {
                    Some(who) => Upstream::new(cx.to_server).raw(&who, frame.whole),
                    None => self.client_broke(&crate::wire::FrameError::Length, cx),
                }
                false
            }
        }
    }

    /// Whether data of a COPY goes on. Where no COPY is under way the server would ignore it, and so do we.
    pub(super) fn passes_copy(&self) -> bool {
        self.replies.copies_in() || self.replies.may_copy_in() || !self.governed()
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

    /// What a governed client's statements are decided by again.
    fn source(&self, sql: &str, types: &[Oid], protocol: Protocol) -> Option<Arc<Text>> {
        self.governed().then(|| Arc::new(Text { sql: sql.into(), types: types.into(), protocol }))
    }

    /// UTF-8, as the client encoding of a governed session is. An unrestricted one's text is only read for the audit.
    fn decode<'t>(&self, raw: &'t [u8]) -> Option<Cow<'t, str>> {
        match std::str::from_utf8(raw) {
            Ok(text) => Some(text.into()),
            Err(_) if self.governed() => None,
            Err(_) => Some(String::from_utf8_lossy(raw)),
        }
    }
}
