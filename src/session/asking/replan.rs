//! Prepared statements whose plan was made for another policy or catalog, of the protocol and of SQL: planned anew before they run.

use std::rc::Rc;
use std::sync::Arc;

use crate::plan::{Permit, Plan, Planned, Syntax};
use crate::session::open::{PlannedRef, Under};
use crate::session::sqlstate::{ErrorText, refusal_fields};
use crate::session::truth::{Current, Prepared};
use crate::session::{Cx, Session};

use super::refuse::{made, postgres_refusal};

/// What the client hears, and the word for the metric.
type Why = (ErrorText, &'static str);

impl Session {
    /// Plans a statement anew where its plan was made for another policy or catalog. Where the new plan is not the old one, the
    /// client hears what PostgreSQL says when a result type has changed, and prepares again. Where the plan has to be waited for
    /// the message has to wait. A refusal comes with the plan that its record is of.
    pub(super) fn replan(&mut self, prepared: &Rc<Prepared>, cx: &mut Cx<'_>) -> Option<(Option<PlannedRef>, Why)> {
        let old = prepared.planned()?;
        let text = old.text()?;
        if !self.stale && prepared.current.borrow().holds(self.view.snapshot, &self.names) {
            return None;
        }
        let planned = self.plan(&text.sql, &text.types, text.protocol, cx)?;
        let outer = old.outer(&planned, Under::of(&self.view));
        if let Some(Plan::Refuse(refusal)) = outer.as_ref().and_then(PlannedRef::get).map(|p| &p.plan) {
            return Some((outer.clone(), (refusal_fields(refusal), refusal.reason)));
        }
        let fresh = old.again(&planned, Under::of(&self.view));
        let same = match (old.permit(), fresh.as_ref().and_then(PlannedRef::permit)) {
            (Some(old), Some(new)) => old.same_as(new),
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
