//! From a text to a decision for each of its statements.

use std::sync::Arc;

use super::permit::{Decision, Draft, Effect, Kind, Permit, RowsOf};
use super::{Described, Plan, Planned, Protocol, Refusal, Setting};
use crate::base::RawSql;
use crate::catalog::Oid;
use crate::sql::{self, Description, Reject, Syntax};

/// Decides a text. The result has one element for each statement; an empty text gives none.
/// A text that cannot be parsed gives one refusal, or for an unrestricted principal one permit for the text as it is.
#[must_use]
pub fn plan_text(sql: &RawSql, param_types: &[Oid], protocol: Protocol, setting: Setting<'_>) -> Vec<Planned> {
    let text = sql.as_str();
    let read = match sql::read(text, setting.parse_limit) {
        Ok(read) => read,
        Err(reject) => return vec![unread(text, reject, setting)],
    };
    if protocol == Protocol::Extended && read.statements.len() > 1 {
        let reject = Reject::postgres(Syntax::SyntaxError, "cannot insert multiple commands into a prepared statement");
        return vec![unread(text, reject, setting)];
    }
    let _ = param_types;
    let known = |_: &str| false;
    let mut planned = Vec::with_capacity(read.statements.len());
    for statement in &read.statements {
        let described = sql::describe(text, &read.scanned.tokens, statement.start, statement.end, &known).into();
        let own = text.get(statement.start..statement.end).unwrap_or_default();
        let plan = if setting.profile.unrestricted {
            pass(own)
        } else {
            Plan::Refuse(Refusal::from_reject(Reject::unclear("statement", "this kind of statement"), text, Decision::default()))
        };
        planned.push(Planned { plan, described });
    }
    planned
}

/// A text that was not read: refused, or passed as it is.
fn unread(text: &str, reject: Reject, setting: Setting<'_>) -> Planned {
    let described = sql::describe_unread(text, setting.fingerprint_key).into();
    let plan =
        if setting.profile.unrestricted { pass(text) } else { Plan::Refuse(Refusal::from_reject(reject, text, Decision::default())) };
    Planned { plan, described }
}

/// The client's own text, for an unrestricted principal.
fn pass(text: &str) -> Plan {
    Plan::Send(Permit::new(Draft {
        kind: Kind::Forward,
        text: text.into(),
        cells: Vec::new(),
        arity: None,
        decision: Decision::default(),
        effect: Effect::None,
        rows_of: RowsOf::Own,
        returns_rows: true,
    }))
}

impl From<Description> for Described {
    fn from(description: Description) -> Self {
        Self { text: Arc::from(description.text), fingerprint: Arc::from(description.fingerprint) }
    }
}
