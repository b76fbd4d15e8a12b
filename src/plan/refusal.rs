//! A refusal: what an error message, the audit and `explain` say of a statement that is not sent.

use std::sync::Arc;

use super::permit::Decision;
use crate::sql::Reject;
pub use crate::sql::{RefusalKind, Syntax};

/// Why a statement is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its kind.
    pub kind: RefusalKind,
    /// The message, without the `pgscrim: ` prefix and the `cannot veil this statement: ` that the kind implies. Never a literal.
    pub message: Box<str>,
    /// What would be allowed, where something would.
    pub hint: Option<Box<str>>,
    /// Character position in the client's own text, from 1.
    pub position: Option<u32>,
    /// A word for the metric `pgscrim_refusals_total{reason}`.
    pub reason: &'static str,
    /// What it touched, for the audit, as far as the analysis came.
    pub decision: Arc<Decision>,
}

impl Refusal {
    /// What `sql` found, with what is known of the statement; `text` is the client's own, for the position in characters.
    #[must_use]
    pub(super) fn from_reject(reject: Reject, text: &str, decision: Decision) -> Self {
        let Reject { kind, message, hint, at, reason } = reject;
        let position = at.and_then(|at| character(text, at));
        Self { kind, message, hint, position, reason, decision: Arc::new(decision) }
    }
}

/// A byte offset as PostgreSQL counts positions: characters, from 1.
fn character(text: &str, byte: u32) -> Option<u32> {
    let before = text.get(..usize::try_from(byte).ok()?)?;
    u32::try_from(before.chars().count()).ok()?.checked_add(1)
}
