//! One session's records: who it is, made once, and what each statement's end says.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{AuditHandle, Waiter};
use crate::audit::{Ended, Kind, Record, Who, WhoPart};
use crate::plan::Permit;
use crate::policy::ProfileId;
use crate::session::{Finished, Outcome, View};

/// A session's end of the audit. It stays on the session's thread.
#[derive(Debug)]
pub struct SessionAudit {
    handle: AuditHandle,
    who: RefCell<Who>,
    part: RefCell<(Option<ProfileId>, WhoPart)>,
    waiter: Option<Arc<Waiter>>,
    submitted: Cell<u64>,
}

impl SessionAudit {
    /// For a session that logged in. Roles come from the views that its statements are recorded with.
    #[must_use]
    pub fn new(handle: AuditHandle, who: Who) -> Self {
        let part = WhoPart::from(&who);
        let waiter = handle.shared.each.then(Arc::default);
        Self { handle, who: RefCell::new(who), part: RefCell::new((None, part)), waiter, submitted: Cell::new(0) }
    }

    /// The way to the log.
    #[must_use]
    pub fn handle(&self) -> &AuditHandle {
        &self.handle
    }

    /// The session's `application_name` changed.
    pub fn set_application(&self, name: Option<&str>) {
        let mut who = self.who.borrow_mut();
        who.application = name.map(Into::into);
        self.part.borrow_mut().1 = WhoPart::from(&*who);
    }

    /// The session begins. `false` where the log has no room for it: with `on_failure: refuse` it must not begin.
    #[must_use]
    pub fn connected(&self, view: &View) -> bool {
        self.follow(view);
        self.event(Kind::Connect, None, Some(&view.policy))
    }

    /// The session is over; why, where it was not the client's wish. Never a value.
    pub fn disconnected(&self, reason: Option<&str>) {
        let _ = self.event(Kind::Disconnect, reason, None);
    }

    /// A statement ended. Its place in the queue was reserved.
    pub fn record(&self, view: &View, finished: &Finished) {
        self.follow(view);
        let Some(planned) = finished.planned.get() else {
            return self.handle.give_back(1);
        };
        let touched = finished.of.as_ref().map(Permit::decision).or_else(|| finished.planned.decision());
        let ran = !matches!(finished.outcome, Outcome::Refused | Outcome::Skipped) || finished.rows > 0;
        let ended = Ended {
            described: &planned.described,
            touched,
            decision: outcome_word(finished.outcome),
            reason: finished.reason.as_deref(),
            moved: ran.then_some((finished.rows, finished.bytes)),
            duration: finished.duration,
            sqlstate: finished.sqlstate,
        };
        let record = Record::statement(jiff::Timestamp::now(), &self.part.borrow().1, ended, Some(&view.policy));
        self.leave(record);
    }

    /// Ready where the client may hear of all that was recorded: at once with `batch`, when it is on disk with `each`.
    pub fn poll_durable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiter.as_ref().map_or(Poll::Ready(()), |w| w.poll(self.submitted.get(), cx))
    }

    fn event(&self, kind: Kind, reason: Option<&str>, policy: Option<&str>) -> bool {
        let record = Record::event(kind, jiff::Timestamp::now(), &self.part.borrow().1, reason, None, policy);
        let room = self.handle.reserve_one();
        if room {
            self.leave(record);
        }
        room
    }

    fn leave(&self, record: Record) {
        self.submitted.set(self.submitted.get() + 1);
        self.handle.leave(record, self.waiter.clone());
    }

    /// The roles are those of the view that decides.
    fn follow(&self, view: &View) {
        let mut part = self.part.borrow_mut();
        if part.0 != Some(view.profile.id) {
            let mut who = self.who.borrow_mut();
            who.roles.clone_from(&view.profile.principal.roles);
            *part = (Some(view.profile.id), WhoPart::from(&*who));
        }
    }
}

/// The contract's word.
#[must_use]
pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Refused => "refused",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Rewritten => "rewritten",
        Outcome::Masked => "masked",
        Outcome::Allowed => "allowed",
    }
}
