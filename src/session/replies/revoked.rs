//! Statements that run while the rights change: one goes on where its plan under the present view is the one that it runs by, and is
//! broken off where it is not. Others (cursors, portals) are held to the same at their next use.

use std::sync::Arc;

use crate::plan::{Permit, Planned, RowsOf};
use crate::session::asking::makes;
use crate::session::open::{OpenStatement, PlannedRef, Text, Under};
use crate::session::sqlstate::Fault;
use crate::session::witness::Trip;
use crate::session::{Cx, Session, View};

use super::{Expect, Replies};

/// Texts that are decided again while a session is told of its view, each once, and not so many that other sessions would wait.
#[derive(Debug)]
struct Again {
    decided: Vec<(Arc<Text>, Arc<[Planned]>)>,
    /// Bytes of text that are still read.
    left: usize,
}

impl Replies {
    /// Statements that are under way, suspended portals among them.
    fn open_statements(&mut self) -> impl Iterator<Item = &mut OpenStatement> {
        let suspended = self.truth.portals.values_mut().filter_map(|p| p.open.as_mut());
        self.queue.iter_mut().flat_map(Expect::statements_mut).chain(suspended)
    }
}

impl Session {
    /// Decides from now on by another view (a policy or catalog that changed). What runs under other rights than it would have now is
    /// broken off, and a session that has not been governed so far ends.
    pub fn set_view(&mut self, view: Arc<View>, cx: &mut Cx<'_>) {
        // Of a session that was not governed nothing is known that a governed one is held to: its settings, names and cursors.
        if self.view.profile.unrestricted && !view.profile.unrestricted {
            self.stop(Fault::ShuttingDown, cx);
        }
        let changed = view.profile.id != self.view.profile.id || view.profile.unrestricted != self.view.profile.unrestricted;
        self.view = view;
        self.stale = false;
        if changed && self.close.is_none() {
            self.revoke(cx);
            // of a message whose beginning has gone out the rest follows
            if !self.server.is_passing() {
                self.stop_revoked(cx);
            }
            self.consider_cancel();
        }
    }

    /// Marks what must not go on.
    fn revoke(&mut self, cx: &mut Cx<'_>) {
        self.replies.truth.portals.values_mut().for_each(|p| p.witnessed = None);
        let open: Vec<PlannedRef> = self.replies.open_statements().map(|o| o.planned().clone()).collect();
        let mut again = Again { decided: Vec::new(), left: self.limits.long };
        let held: Vec<bool> = open.iter().map(|planned| self.holds(planned, &mut again, cx)).collect();
        let trips = self.result_trips();
        for (open, held) in self.replies.open_statements().zip(held) {
            open.revoked |= !held;
        }
        if let Some(head) = self.replies.head_statement().filter(|_| trips) {
            head.revoked = true;
        }
        let any = self.replies.open_statements().any(|o| o.revoked);
        self.replies.revoked = any;
    }

    /// Whether the result that is being sent is not what the plan announces, by the present profile.
    fn result_trips(&self) -> bool {
        let Some(Expect::Query(query)) = self.replies.queue.front() else { return false };
        let permit = query.statements.front().and_then(OpenStatement::permit);
        query.shape.as_ref().is_some_and(|shape| matches!(self.witness(permit, shape, &[]), Err(Trip)))
    }

    /// Breaks off the statement that the server is answering, where it must not go on.
    pub(super) fn stop_revoked(&mut self, cx: &mut Cx<'_>) {
        let revoked = self.replies.revoked && !self.replies.is_broken();
        if revoked && self.replies.head_statement().is_some_and(|o| o.revoked) {
            self.break_off(Fault::RightsChanged, cx);
        }
    }

    /// Whether a cursor or portal gives other rows than it would if it were opened now.
    pub(in crate::session) fn opened_under_other_rights(&mut self, name: &[u8], cx: &mut Cx<'_>) -> bool {
        let profile = self.view.profile.id;
        let (opened, planned) = match (self.asked.portal(name), self.replies.truth.portals.get(name)) {
            (Some(asked), _) => asked,
            (None, Some(portal)) => (portal.profile, portal.planned.clone()),
            (None, None) => return false,
        };
        if !self.governed() || opened == profile {
            return false;
        }
        let mut again = Again { decided: Vec::new(), left: self.limits.long };
        let held = planned.is_some_and(|planned| self.holds(&planned, &mut again, cx));
        if held {
            self.asked.renew_portal(name, profile);
            self.replies.truth.portals.get_mut(name).into_iter().for_each(|p| p.profile = profile);
        }
        !held
    }

    /// Whether the present view gives the plan that a statement runs by, and gives it for what it gives the rows of.
    fn holds(&mut self, planned: &PlannedRef, again: &mut Again, cx: &mut Cx<'_>) -> bool {
        let Some(permit) = planned.permit() else { return true };
        self.same_now(planned, again, cx) && self.rows_hold(planned, permit, again, cx)
    }

    fn rows_hold(&mut self, planned: &PlannedRef, permit: &Permit, again: &mut Again, cx: &mut Cx<'_>) -> bool {
        let truth = &self.replies.truth;
        let of = match permit.rows_of() {
            RowsOf::Own => return true,
            RowsOf::Cursor(name) => truth.portals.get(name.as_bytes()).and_then(|p| p.planned.clone()),
            RowsOf::Prepared(name) | RowsOf::Plan { name, .. } => truth.statements.get(name.as_bytes()).and_then(|s| s.planned()),
        };
        // What the same text made before it is held to it by itself.
        let made = || planned.before().any(|before| before.permit().is_some_and(|p| makes(p, permit)));
        match of {
            Some(of) => of.permit().is_some_and(|p| p.rows_of() == &RowsOf::Own) && self.same_now(&of, again, cx),
            None => made(),
        }
    }

    /// Whether the statement is decided now as it was.
    fn same_now(&mut self, planned: &PlannedRef, again: &mut Again, cx: &mut Cx<'_>) -> bool {
        let Some(all) = planned.text().and_then(|text| self.decided_now(text, again, cx)) else { return false };
        let fresh = planned.again(&all, Under::of(&self.view));
        match (planned.permit(), fresh.as_ref().and_then(PlannedRef::permit)) {
            (Some(old), Some(new)) => old.same_as(new) && old.decision() == new.decision(),
            _ => false,
        }
    }

    fn decided_now(&mut self, text: &Arc<Text>, again: &mut Again, cx: &mut Cx<'_>) -> Option<Arc<[Planned]>> {
        if let Some((_, found)) = again.decided.iter().find(|(known, _)| Arc::ptr_eq(known, text)) {
            return Some(Arc::clone(found));
        }
        again.left = again.left.checked_sub(text.sql.len())?;
        // no text within that bound has to be waited for
        let all = self.plan(&text.sql, &text.types, text.protocol, cx)?;
        again.decided.push((Arc::clone(text), Arc::clone(&all)));
        Some(all)
    }
}
