//! A statement under way, from the moment in which the client asks for it until its one record.

use std::sync::Arc;

use super::View;
use super::sqlstate::{Fault, fault_fields, fault_reason};
use crate::catalog::Oid;
use crate::plan::{Decision, Effect, Kind, Permit, Plan, Planned, Protocol};
use crate::policy::ProfileId;

/// How a statement ended: the audit's `decision`, in the order in which the first that applies counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// By the proxy.
    Refused,
    /// The upstream answered with an error, or the connection died.
    Failed,
    /// Sent by the client, not run because an earlier one failed.
    Skipped,
    /// Run as rewritten.
    Rewritten,
    /// Run, result columns masked.
    Masked,
    /// Run as it was.
    Allowed,
}

/// What a decision was made under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Under {
    pub(super) snapshot: u64,
    pub(super) profile: ProfileId,
}

impl Under {
    pub(super) fn of(view: &View) -> Self {
        Self { snapshot: view.snapshot, profile: view.profile.id }
    }
}

/// What stands between the statements of a string that is sent.
pub(super) const BETWEEN: &str = ";\n";

/// A text as a governed client sent it: what it is decided by again, and what a place in it is told by.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) sql: Box<str>,
    pub(super) types: Box<[Oid]>,
    pub(super) protocol: Protocol,
}

/// A statement of a text whose decision is shared with the plan cache.
#[derive(Clone, Debug)]
pub struct PlannedRef {
    all: Arc<[Planned]>,
    index: usize,
    /// It is what the statement there prepares.
    inner: bool,
    under: Under,
    /// `None` where the text was read for the audit alone.
    text: Option<Arc<Text>>,
}

impl PlannedRef {
    /// The statement at `index`, where there is one.
    pub(super) fn new(all: &Arc<[Planned]>, index: usize, under: Under, text: Option<&Arc<Text>>) -> Option<Self> {
        (index < all.len()).then(|| Self { all: Arc::clone(all), index, inner: false, under, text: text.cloned() })
    }

    /// The same statement of the same text, decided again; of what is prepared the statement that prepares it.
    pub(super) fn outer(&self, all: &Arc<[Planned]>, under: Under) -> Option<Self> {
        Self::new(all, self.index, under, self.text.as_ref())
    }

    /// The same, decided again.
    pub(super) fn again(&self, all: &Arc<[Planned]>, under: Under) -> Option<Self> {
        let outer = self.outer(all, under)?;
        if self.inner { outer.prepared() } else { Some(outer) }
    }

    /// What it was made under.
    pub(super) fn under(&self) -> Under {
        self.under
    }

    /// The client's text that it stands in.
    pub(super) fn text(&self) -> Option<&Arc<Text>> {
        self.text.as_ref()
    }

    /// What an SQL PREPARE prepares, described as the PREPARE is.
    pub(super) fn prepared(&self) -> Option<Self> {
        matches!(self.permit()?.effect(), Effect::Prepare(..)).then(|| Self { inner: true, ..self.clone() })
    }

    /// The statements that stand before it in its text.
    pub(super) fn before(&self) -> impl Iterator<Item = Self> {
        (0..self.index).map(|index| Self { index, inner: false, ..self.clone() })
    }

    /// Where a place in what was sent for its text stands in the client's own. None is known of a statement that was rewritten, nor of one of a batch.
    pub(super) fn place(&self, position: u32) -> Option<u32> {
        if self.inner || super::asking::batched(&self.all).is_some() {
            return None;
        }
        let mut sent = String::new();
        for (i, one) in self.all.iter().enumerate() {
            let Plan::Send(permit) = &one.plan else { return None };
            if permit.kind() == Kind::Rewrite {
                return None;
            }
            sent.push_str(if i > 0 { BETWEEN } else { "" });
            sent.push_str(permit.text());
        }
        crate::sql::place(&sent, &self.text()?.sql, position)
    }

    /// What it touches.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.permit().map(Permit::decision).or_else(|| Some(self.get()?.plan.decision()))
    }

    /// The statement of its text.
    #[must_use]
    pub fn get(&self) -> Option<&Planned> {
        self.all.get(self.index)
    }

    /// The permit, where it is one.
    #[must_use]
    pub fn permit(&self) -> Option<&Permit> {
        let Plan::Send(permit) = &self.get()?.plan else { return None };
        if self.inner
            && let Effect::Prepare(_, inner) = permit.effect()
        {
            return Some(inner);
        }
        Some(permit)
    }
}

/// The end of a statement: everything that its audit record says beside who and when.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Text and decision.
    pub planned: PlannedRef,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, for a refusal, a trip or a lost connection; never a value.
    pub reason: Option<Box<str>>,
    /// Rows sent or changed.
    pub rows: u64,
    /// Bytes of row data that the client got.
    pub bytes: u64,
    /// Microseconds from asking to the end.
    pub duration: u64,
    /// The error's SQLSTATE.
    pub sqlstate: Option<[u8; 5]>,
    /// For FETCH and EXECUTE, the permit of the statement whose rows they gave: its relations and columns are theirs.
    pub of: Option<Permit>,
}

/// A statement that owes a record.
#[derive(Debug)]
pub(super) struct OpenStatement {
    planned: PlannedRef,
    started: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// For FETCH and EXECUTE, whose rows they give.
    pub(super) of: Option<Permit>,
    /// Why the proxy broke its result off: whatever the server says of it, it failed.
    pub(super) broken: Option<Fault>,
    /// The present policy would not have it run as it does: nothing of it goes on.
    pub(super) revoked: bool,
}

impl OpenStatement {
    pub(super) fn new(planned: PlannedRef, now: u64) -> Self {
        Self { planned, started: now, rows: 0, bytes: 0, of: None, broken: None, revoked: false }
    }

    pub(super) fn permit(&self) -> Option<&Permit> {
        self.planned.permit()
    }

    pub(super) fn planned(&self) -> &PlannedRef {
        &self.planned
    }

    /// Each of a text's statements.
    pub(super) fn all<C: FromIterator<Self>>(all: &Arc<[Planned]>, under: Under, text: Option<&Arc<Text>>, now: u64) -> C {
        (0..all.len()).filter_map(|i| PlannedRef::new(all, i, under, text)).map(|p| Self::new(p, now)).collect()
    }

    fn finish(self, outcome: Outcome, reason: Option<Box<str>>, sqlstate: Option<[u8; 5]>, now: u64) -> Finished {
        let Self { planned, started, rows, bytes, of, broken: _, revoked: _ } = self;
        Finished { planned, outcome, reason, rows, bytes, duration: now.saturating_sub(started), sqlstate, of }
    }

    /// It ran. `tag_rows` is the count of its command tag, for statements that sent no rows.
    pub(super) fn done(mut self, tag_rows: u64, now: u64) -> Finished {
        if self.rows == 0 {
            self.rows = tag_rows;
        }
        if let Some(fault) = self.broken {
            // what it changed stands or falls with its transaction, as any statement's does
            return self.broke_off(fault, ", after it ran", now);
        }
        let outcome = match self.of.as_ref().or(self.permit()).map(Permit::kind) {
            Some(Kind::Rewrite) => Outcome::Rewritten,
            Some(Kind::MaskRows) => Outcome::Masked,
            Some(Kind::Forward) | None => Outcome::Allowed,
        };
        self.finish(outcome, None, None, now)
    }

    /// The proxy refused it.
    pub(super) fn refused(self, reason: &str, sqlstate: [u8; 5], now: u64) -> Finished {
        self.finish(Outcome::Refused, Some(reason.into()), Some(sqlstate), now)
    }

    fn broke_off(self, fault: Fault, how_far: &str, now: u64) -> Finished {
        let reason = format!("{}{how_far}", fault_reason(fault));
        self.finish(Outcome::Failed, Some(reason.into()), Some(sqlstate_bytes(fault_fields(fault).sqlstate)), now)
    }

    /// The upstream refused it, or it broke off.
    pub(super) fn failed(self, reason: Option<&str>, sqlstate: Option<[u8; 5]>, now: u64) -> Finished {
        if let Some(fault) = self.broken {
            return self.broke_off(fault, "", now);
        }
        self.finish(Outcome::Failed, reason.map(Into::into), sqlstate, now)
    }

    /// An earlier one failed.
    pub(super) fn skipped(self, now: u64) -> Finished {
        self.finish(Outcome::Skipped, None, None, now)
    }
}

/// Five characters as bytes; anything else is `XX000`.
pub(super) fn sqlstate_bytes(text: &str) -> [u8; 5] {
    text.as_bytes().try_into().unwrap_or(*b"XX000")
}
