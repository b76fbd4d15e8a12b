//! Why a statement is not sent, in words.

use std::sync::Arc;

use crate::plan::{self, Decision, Described, Effect, Kind, Permit, Plan, Planned, Refusal, RefusalKind, RowsOf, Syntax};
use crate::session::sqlstate::{ErrorText, refusal_fields};
use crate::session::truth::{gives_rows, is_plain, shows_its_plan};
use crate::session::{Cx, Session};

impl Session {
    /// The first reason for which none of these statements may be sent, with its index.
    pub(super) fn first_refusal(&mut self, planned: &[Planned], cx: &mut Cx<'_>) -> Option<(usize, ErrorText, &'static str)> {
        planned.iter().enumerate().find_map(|(i, p)| match &p.plan {
            // An error of the question for them would have the server pass over all up to the batch's Sync.
            Plan::Send(permit) if self.governed() && permit.copied().is_some() && self.in_open_batch() => {
                Some((i, copy_in_batch(), "copy"))
            }
            Plan::Send(permit) if made(planned, i, permit) => None,
            Plan::Refuse(refusal) => Some((i, refusal_fields(refusal), refusal.reason)),
            Plan::Send(permit) => self.nameless(permit, cx).map(|(text, reason)| (i, text, reason)),
        })
    }

    /// The same of a text that is only parsed: the names that it asks for are looked for when it runs.
    pub(super) fn text_refusal(planned: &[Planned]) -> Option<(ErrorText, &'static str)> {
        planned.iter().find_map(|p| match &p.plan {
            Plan::Refuse(refusal) => Some((refusal_fields(refusal), refusal.reason)),
            Plan::Send(_) => None,
        })
    }

    /// Why a statement cannot run that gives the rows of a name.
    pub(super) fn nameless(&mut self, permit: &Permit, cx: &mut Cx<'_>) -> Option<(ErrorText, &'static str)> {
        let unknown = self.unknown_name(permit).map(|text| (text, "unknown name"));
        let unseen = unknown.or_else(|| self.runs_unseen(permit).then(|| (self.unseen_text(permit), "unseen")));
        unseen.or_else(|| self.stale_cursor(permit, cx).then(|| (stale_text(), "policy changed")))
    }

    /// A cursor or prepared statement that the proxy did not see created. Where answers are under way it may be about to be.
    pub(super) fn unknown_name(&self, permit: &Permit) -> Option<ErrorText> {
        if !self.governed() || !self.replies.is_empty() || self.replies.truth().knows(permit) {
            return None;
        }
        let (syntax, message) = match permit.rows_of() {
            plan::RowsOf::Own => return None,
            plan::RowsOf::Cursor(name) => (Syntax::InvalidCursorName, format!("cursor \"{name}\" does not exist")),
            plan::RowsOf::Prepared(name) | plan::RowsOf::Plan { name, .. } => {
                (Syntax::InvalidStatementName, format!("prepared statement \"{name}\" does not exist"))
            }
        };
        Some(refusal_fields(&postgres_refusal(syntax, &message)))
    }

    /// EXECUTE of a statement that is no query of its own, as far as is known now; what comes out where the server answers stops the session.
    fn runs_unseen(&self, permit: &Permit) -> bool {
        let asked = permit.rows_of().prepared().and_then(|name| self.believed_statement(name.as_bytes())).and_then(|s| s.permit());
        let unseen = asked.is_some_and(|p| !can_run(permit.rows_of(), &p));
        self.governed() && (unseen || self.replies.truth().runs_unseen(permit))
    }

    fn unseen_text(&self, permit: &Permit) -> ErrorText {
        let stands_for = permit.rows_of().prepared().and_then(|name| self.believed_statement(name.as_bytes())).and_then(|s| s.permit());
        let shown = stands_for.is_some_and(|p| shows_its_plan(&p, Kind::Rewrite));
        if matches!(permit.rows_of(), RowsOf::Plan { .. }) && shown {
            let message = "the plan of what this name stands for would show what is masked";
            return in_words(RefusalKind::Forbidden, message, "'statements: [explain]' in the role would allow it");
        }
        let message = "what this name stands for is no query of its own, or needs values of the proxy's own, and would run unseen";
        in_words(RefusalKind::Unclear, message, "run that statement itself")
    }

    /// Whether a query string would stand in a batch of the extended protocol that the server runs.
    fn in_open_batch(&self) -> bool {
        self.replies.in_batch() && !self.replies.is_skipping()
    }

    /// A FETCH from a cursor that was opened under other rights.
    pub(super) fn stale_cursor(&mut self, permit: &Permit, cx: &mut Cx<'_>) -> bool {
        matches!(permit.rows_of(), RowsOf::Cursor(name) if self.opened_under_other_rights(name.as_bytes(), cx))
    }
}

/// Whether a statement before the `i`th of a string makes the name whose rows that gives.
pub(super) fn made(planned: &[Planned], i: usize, permit: &Permit) -> bool {
    planned.iter().take(i).any(|p| matches!(&p.plan, Plan::Send(before) if makes(before, permit)))
}

/// Whether a statement makes the name whose rows another one of its string gives.
pub(in crate::session) fn makes(before: &Permit, permit: &Permit) -> bool {
    match (before.effect(), permit.rows_of()) {
        (Effect::Prepare(made, inner), rows @ (RowsOf::Prepared(name) | RowsOf::Plan { name, .. })) => made == name && can_run(rows, inner),
        (Effect::Declare { name: made, .. }, RowsOf::Cursor(name)) => made == name,
        _ => false,
    }
}

/// The error for what the session refuses by itself, whatever was decided.
pub(super) fn in_words(kind: RefusalKind, message: &str, hint: &str) -> ErrorText {
    let (message, hint, decision) = (message.into(), Some(hint.into()), Arc::default());
    refusal_fields(&Refusal { kind, message, hint, position: None, reason: "", decision })
}

/// A cursor that was opened under other rights gives nothing any more.
pub(super) fn stale_text() -> ErrorText {
    in_words(RefusalKind::Forbidden, "the rights of this login have changed since the cursor was opened", "open it again")
}

/// A portal whose statement gives the client no rows runs once (`MarkPortalActive` in portalmem.c); where the proxy keeps rows to itself
/// the server would go on with them.
pub(super) fn cannot_run(portal: &[u8]) -> ErrorText {
    let message = format!("portal \"{}\" cannot be run", String::from_utf8_lossy(portal));
    ErrorText { severity: "ERROR", sqlstate: "55000", message, hint: None, position: None }
}

/// Whether a name that stands for a statement under `permit` gives these rows.
fn can_run(rows: &RowsOf, permit: &Permit) -> bool {
    match rows {
        RowsOf::Plan { most, .. } => shows_its_plan(permit, *most),
        RowsOf::Own | RowsOf::Prepared(_) | RowsOf::Cursor(_) => gives_rows(permit) && is_plain(permit),
    }
}

fn copy_in_batch() -> ErrorText {
    let message = "a COPY to the client stands in a query string behind messages of the extended protocol";
    in_words(RefusalKind::Unclear, message, "send a Sync before it")
}

pub(super) fn postgres_refusal(syntax: Syntax, message: &str) -> Refusal {
    Refusal {
        kind: RefusalKind::Postgres(syntax),
        message: message.into(),
        hint: None,
        position: None,
        reason: "postgres",
        decision: Arc::new(Decision::default()),
    }
}

pub(super) fn refused_text(text: &str, refusal: Refusal) -> Planned {
    Planned { plan: Plan::Refuse(refusal), described: Described { text: text.into(), fingerprint: "0000000000000000".into() } }
}

pub(super) fn undecodable() -> Planned {
    let refused = unreadable("its text is not UTF-8", "encoding");
    let hint = |refusal| Refusal { hint: Some("set client_encoding to UTF8".into()), ..refusal };
    match refused.plan {
        Plan::Refuse(refusal) => Planned { plan: Plan::Refuse(hint(refusal)), ..refused },
        Plan::Send(_) => refused,
    }
}

/// A text that nothing can be said of.
pub(in crate::session) fn unreadable(message: &str, reason: &'static str) -> Planned {
    let refusal =
        Refusal { kind: RefusalKind::Unclear, message: message.into(), hint: None, position: None, reason, decision: Arc::default() };
    refused_text("text that cannot be read", refusal)
}

/// A statement that cannot be decided, since the catalog is older than it may be.
pub(in crate::session) fn stale_catalog(planned: &Planned) -> Planned {
    let refusal = Refusal {
        kind: RefusalKind::Unclear,
        message: "the catalog is older than catalog.max_age".into(),
        hint: None,
        position: None,
        reason: "catalog stale",
        decision: Arc::new(planned.plan.decision().clone()),
    };
    Planned { plan: Plan::Refuse(refusal), described: planned.described.clone() }
}

/// A statement that names what the catalog does not know, while the open transaction has changed the schema.
pub(in crate::session) fn uncommitted_schema(planned: &Planned) -> Planned {
    use Syntax::{InvalidSchemaName, UndefinedColumn, UndefinedFunction, UndefinedObject, UndefinedTable};
    let Plan::Refuse(refusal) = &planned.plan else { return planned.clone() };
    let known = RefusalKind::Postgres;
    if ![UndefinedTable, UndefinedColumn, UndefinedFunction, UndefinedObject, InvalidSchemaName].map(known).contains(&refusal.kind) {
        return planned.clone();
    }
    let refusal = Refusal {
        kind: RefusalKind::Unclear,
        message: format!("{}, as far as is known while this transaction, which has changed the schema, is open", refusal.message).into(),
        hint: Some("end the transaction first".into()),
        reason: "uncommitted schema",
        ..refusal.clone()
    };
    Planned { plan: Plan::Refuse(refusal), described: planned.described.clone() }
}

/// A message that was not read.
pub(super) fn too_long(message: String) -> Arc<[Planned]> {
    let refusal = Refusal {
        kind: RefusalKind::Limit,
        message: message.into(),
        hint: None,
        position: None,
        reason: "limit",
        decision: Arc::default(),
    };
    Arc::from([refused_text("text longer than its limit", refusal)])
}
