//! Why a text cannot go on: what `sql` found out by itself. What a policy forbids is decided in `plan`.

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
    /// 42P09
    AmbiguousAlias,
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
    /// 42P10
    InvalidColumnReference,
    /// 42P19
    InvalidRecursion,
    /// 42P02
    UndefinedParameter,
    /// 42804
    DatatypeMismatch,
    /// 54011
    TooManyColumns,
    /// 54000
    ProgramLimitExceeded,
    /// 22021
    CharacterNotInRepertoire,
    /// 22003
    NumericValueOutOfRange,
    /// 22P02
    InvalidTextRepresentation,
    /// 22023
    InvalidParameterValue,
    /// 22025
    InvalidEscapeSequence,
    /// 42809
    WrongObjectType,
    /// 42P20
    WindowingError,
    /// 0A000 with PostgreSQL's own words (cross-database references and the like)
    FeatureNotSupported,
}

/// A statement that `sql` does not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Its kind.
    pub kind: RefusalKind,
    /// What is wrong; names, never a literal.
    pub message: Box<str>,
    /// What would work.
    pub hint: Option<Box<str>>,
    /// Byte offset in the client's own text.
    pub at: Option<u32>,
    /// A word for the metric.
    pub reason: &'static str,
}

/// What the readers and the resolver return.
pub type Checked<T> = Result<T, Reject>;

impl Reject {
    /// Something that is not understood, or that no policy could veil.
    pub fn unclear(reason: &'static str, message: impl Into<Box<str>>) -> Self {
        Self { kind: RefusalKind::Unclear, message: message.into(), hint: None, at: None, reason }
    }

    /// Something that a policy could allow.
    pub fn forbidden(reason: &'static str, message: impl Into<Box<str>>) -> Self {
        Self { kind: RefusalKind::Forbidden, ..Self::unclear(reason, message) }
    }

    /// What PostgreSQL itself would refuse, in its words.
    pub fn postgres(code: Syntax, message: impl Into<Box<str>>) -> Self {
        Self { kind: RefusalKind::Postgres(code), ..Self::unclear("postgres", message) }
    }

    /// A limit that is reached.
    pub fn limit(reason: &'static str, message: impl Into<Box<str>>) -> Self {
        Self { kind: RefusalKind::Limit, ..Self::unclear(reason, message) }
    }

    /// Adds the place, as the parser gives it (-1 is none).
    #[must_use]
    pub fn at(mut self, location: i32) -> Self {
        self.at = u32::try_from(location).ok();
        self
    }

    /// Says what would work.
    #[must_use]
    pub fn hint(mut self, text: impl Into<Box<str>>) -> Self {
        self.hint = Some(text.into());
        self
    }
}
