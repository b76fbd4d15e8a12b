//! Prepared statements whose plan was made for another policy or catalog, of the protocol and of SQL: planned anew before they run.

use std::rc::Rc;
use std::sync::Arc;

use crate::plan::{Permit, Plan, Planned, Protocol, Syntax};
use crate::session::open::{PlannedRef, Under};
use crate::session::sqlstate::{ErrorText, refusal_fields};
use crate::session::truth::{Current, Prepared, Source};
use crate::session::{Cx, Session};

use super::refuse::{made, postgres_refusal};

/// What the client hears, and the word for the metric.
type Why = (ErrorText, &'static str);

impl Session {
    /// Plans a statement anew where its plan was made for another policy or catalog. Where the new plan is not the old one, the
    /// client hears what PostgreSQL says when a result type has changed, and prepares again. Where the plan has to be waited for
    /// the message has to wait. A refusal comes with the plan that its record is of.
    pub(super) fn replan(&mut self, prepared: &Rc<Prepared>, cx: &mut Cx<'_>) -> Option<(Option<PlannedRef>, Why)> {
        let source = prepared.source.as_ref()?;
        if !self.stale && prepared.current.borrow().holds(self.view.snapshot, &self.names) {
            return None;
        }
        let planned = match source {
            Source::Parse(text, types) => self.plan(text, types, Protocol::Extended, cx)?,
            Source::Prepare(text) => self.plan(text, &[], Protocol::Simple, cx)?,
        };
        let outer = PlannedRef::new(&planned, 0, Under::of(&self.view));
        if let Some(refusal) = Self::text_refusal(&planned) {
            return Some((outer, refusal));
        }
        let fresh = match source {
            Source::Parse(..) => outer.clone(),
            Source::Prepare(_) => outer.as_ref().and_then(PlannedRef::prepared),
        };
        let same = match (prepared.permit(), fresh.as_ref().and_then(PlannedRef::permit)) {
            (Some(old), Some(new)) => old.same_as(new),
            (None, None) => true,
            _ => false,
        };
        if !same {
            let changed = postgres_refusal(Syntax::FeatureNotSupported, "cached plan must not change result type");
            return Some((outer, (refusal_fields(&changed), "plan changed")));
        }
        *prepared.current.borrow_mut() = Current { planned: fresh, snapshot: self.view.snapshot, names: Arc::clone(&self.names) };
        None
    }

    /// The same of the statement that an EXECUTE runs or EXPLAIN explains; why that cannot be.
    pub(super) fn renew(&mut self, permit: &Permit, cx: &mut Cx<'_>) -> Option<Why> {
        let prepared = self.believed_statement(permit.rows_of().prepared()?.as_bytes())?;
        self.replan(&prepared, cx).map(|(_, why)| why)
    }

    /// The same of a query string: the first EXECUTE that cannot run.
    pub(super) fn renew_all(&mut self, planned: &[Planned], cx: &mut Cx<'_>) -> Option<(usize, ErrorText, &'static str)> {
        for (i, one) in planned.iter().enumerate() {
            let Plan::Send(permit) = &one.plan else { continue };
            if made(planned, i, permit) {
                continue;
            }
            if let Some((text, reason)) = self.renew(permit, cx) {
                return Some((i, text, reason));
            }
            if self.analyses() {
                return None;
            }
        }
        None
    }
}
