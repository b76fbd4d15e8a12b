//! The client's direction: each message is read, each text decided, and what may go on is written to the server together with an
//! entry in the reply queue. What is believed of names here only saves work; what counts is settled where the server answers.

mod extended;
mod query;
mod refuse;

use std::rc::Rc;
use std::sync::Arc;

use super::replies::Expect;
use super::truth::Prepared;
use super::upstream::{Control, Upstream};
use super::{ByName, Close, Cx, Session, cache};
use crate::base::RawSql;
use crate::catalog::Oid;
use crate::plan::{self, Effect, Planned, Protocol, Setting};
use crate::wire::{Frame, client};

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

    /// UTF-8, as the client encoding of a governed session is. An unrestricted one's text is only read for the audit.
    fn decode(&self, raw: &[u8]) -> Option<String> {
        match std::str::from_utf8(raw) {
            Ok(text) => Some(text.to_owned()),
            Err(_) if self.governed() => None,
            Err(_) => Some(String::from_utf8_lossy(raw).into_owned()),
        }
    }
}
