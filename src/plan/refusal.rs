//! A refusal: what an error message, the audit and `explain` say of a statement that is not sent.

use std::sync::Arc;

use super::permit::Decision;

/// Which row of interface.md's table a refusal is; `session::sqlstate` gives each its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The policy forbids what some policy could allow: 42501.
    Forbidden,
    /// Not understood, or cannot be veiled by any policy of this kind: 0A000.
    Unclear,
    /// A limit is reached: 53400.
    Limit,
    /// PostgreSQL would refuse it at parsing or name resolution.
    Postgres(Syntax),
}

/// Errors that PostgreSQL gives when it parses or resolves a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// 42601
    SyntaxError,
    /// 42P01
    UndefinedTable,
    /// 42703
    UndefinedColumn,
    /// 42702
    AmbiguousColumn,
    /// 42712
    DuplicateAlias,
    /// 42883
    UndefinedFunction,
    /// 42704
    UndefinedObject,
    /// 3F000
    InvalidSchemaName,
    /// 26000
    InvalidStatementName,
    /// 34000
    InvalidCursorName,
    /// 42P02
    UndefinedParameter,
    /// 0A000 with PostgreSQL's own words (cross-database references and the like)
    FeatureNotSupported,
}

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
