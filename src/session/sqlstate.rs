//! One function gives every refusal its SQLSTATE, one every fault: the table of the interface, as two matches.

use crate::plan::{Refusal, RefusalKind, Syntax};
use crate::wire::ErrorFields;

/// What goes wrong in a session beside refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The client sent what is no message, or one where it must not stand.
    ClientProtocol,
    /// A message of the client does not hold what its type promises.
    MalformedMessage,
    /// The server sent what the proxy does not understand.
    ServerProtocol,
    /// A result column comes from a veiled column and has no mask in the plan, or the result is not the announced one.
    Witness,
    /// A value could not be masked.
    CannotMask,
    /// A row that has to be masked is longer than its limit.
    RowTooLong {
        /// In bytes.
        limit: usize,
    },
    /// Rows that wait to be masked take all that the process gives them.
    RowBudget,
    /// The audit cannot take a record.
    AuditUnavailable,
    /// The server closed its connection.
    UpstreamGone,
    /// The proxy shuts down, or the session's rights are gone.
    ShuttingDown,
    /// The policy that is in force now would not have the statement run as it does.
    RightsChanged,
}

/// An error's fields, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorText {
    /// `ERROR` or `FATAL`.
    pub severity: &'static str,
    /// Five characters.
    pub sqlstate: &'static str,
    /// With its prefix.
    pub message: String,
    /// What would be allowed.
    pub hint: Option<Box<str>>,
    /// In the client's text.
    pub position: Option<u32>,
}

impl ErrorText {
    /// Lends the fields to the wire.
    #[must_use]
    pub fn as_fields(&self) -> ErrorFields<'_> {
        ErrorFields {
            severity: self.severity,
            sqlstate: self.sqlstate,
            message: &self.message,
            hint: self.hint.as_deref(),
            position: self.position,
        }
    }
}

/// The error that a client sees for a refusal.
#[must_use]
pub fn refusal_fields(refusal: &Refusal) -> ErrorText {
    let (sqlstate, prefix) = match refusal.kind {
        RefusalKind::Forbidden => ("42501", "pgscrim: "),
        RefusalKind::Unclear => ("0A000", "pgscrim: cannot veil this statement: "),
        RefusalKind::Limit => ("53400", "pgscrim: "),
        RefusalKind::Postgres(syntax) => (postgres_sqlstate(syntax), ""),
    };
    ErrorText {
        severity: "ERROR",
        sqlstate,
        message: format!("{prefix}{}", refusal.message),
        hint: refusal.hint.clone(),
        position: refusal.position,
    }
}

fn postgres_sqlstate(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::SyntaxError => "42601",
        Syntax::UndefinedTable => "42P01",
        Syntax::UndefinedColumn => "42703",
        Syntax::AmbiguousColumn => "42702",
        Syntax::AmbiguousAlias => "42P09",
        Syntax::DuplicateAlias => "42712",
        Syntax::InvalidRecursion => "42P19",
        Syntax::UndefinedFunction => "42883",
        Syntax::UndefinedObject => "42704",
        Syntax::InvalidSchemaName => "3F000",
        Syntax::InvalidStatementName => "26000",
        Syntax::InvalidCursorName => "34000",
        Syntax::InvalidColumnReference => "42P10",
        Syntax::UndefinedParameter => "42P02",
        Syntax::DatatypeMismatch => "42804",
        Syntax::TooManyColumns => "54011",
        Syntax::ProgramLimitExceeded => "54000",
        Syntax::CharacterNotInRepertoire => "22021",
        Syntax::NumericValueOutOfRange => "22003",
        Syntax::InvalidTextRepresentation => "22P02",
        Syntax::InvalidParameterValue => "22023",
        Syntax::InvalidEscapeSequence => "22025",
        Syntax::WrongObjectType => "42809",
        Syntax::WindowingError => "42P20",
        Syntax::FeatureNotSupported => "0A000",
    }
}

/// The audit's word for why a statement failed with a fault.
pub(super) fn fault_reason(fault: Fault) -> &'static str {
    match fault {
        Fault::Witness => "witness",
        Fault::CannotMask => "cannot mask",
        Fault::RowTooLong { .. } => "row too long",
        Fault::RowBudget => "row budget",
        Fault::RightsChanged => "policy changed",
        Fault::ClientProtocol
        | Fault::MalformedMessage
        | Fault::ServerProtocol
        | Fault::AuditUnavailable
        | Fault::UpstreamGone
        | Fault::ShuttingDown => "protocol",
    }
}

/// The error that a client sees for a fault; one that ends the session is FATAL whatever stands here.
#[must_use]
pub fn fault_fields(fault: Fault) -> ErrorText {
    let (severity, sqlstate, message) = match fault {
        Fault::ClientProtocol => ("FATAL", "08P01", "pgscrim: invalid frontend message".to_owned()),
        Fault::MalformedMessage => ("ERROR", "08P01", "invalid message format".to_owned()),
        Fault::ServerProtocol => ("FATAL", "08P01", "pgscrim: the server answered with what was not asked".to_owned()),
        Fault::Witness => {
            ("ERROR", "42501", "pgscrim: the result was stopped: a column of it is veiled and the plan has no mask for it".to_owned())
        }
        Fault::CannotMask => ("ERROR", "0A000", "pgscrim: cannot veil this statement: a value could not be masked".to_owned()),
        Fault::RowTooLong { limit } => {
            ("ERROR", "53400", format!("pgscrim: a row to be masked is longer than limits.masked_row, {limit} bytes"))
        }
        Fault::RowBudget => ("ERROR", "53400", "pgscrim: rows that wait to be masked take all that limits.masked_rows gives".to_owned()),
        Fault::AuditUnavailable => ("ERROR", "58030", "pgscrim: the audit log cannot be written".to_owned()),
        Fault::UpstreamGone => ("FATAL", "08006", "pgscrim: the server closed the connection".to_owned()),
        Fault::ShuttingDown => ("FATAL", "57P01", "pgscrim: the proxy is shutting down or the rights of this login are gone".to_owned()),
        Fault::RightsChanged => ("ERROR", "57P01", "pgscrim: the rights of this login have changed since the statement began".to_owned()),
    };
    ErrorText { severity, sqlstate, message, hint: None, position: None }
}
