//! What a statement does to its session beside giving rows, as the text says it.

/// A setting's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingScope {
    /// SET, SET SESSION.
    Session,
    /// SET LOCAL.
    Local,
}

/// SET, RESET and their like, by constants only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// The parameter, folded; `None` is RESET ALL.
    pub name: Option<Box<str>>,
    /// The values as written, in order; `None` is RESET or SET … TO DEFAULT.
    pub values: Option<Vec<Box<str>>>,
    /// How long it holds.
    pub scope: SettingScope,
}

/// COPY's direction, seen from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyDirection {
    /// COPY … FROM STDIN.
    In,
    /// COPY … TO STDOUT.
    Out,
}

/// COPY's format with what the masking of a stream needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    /// text, with its delimiter and NULL string.
    Text {
        /// One byte.
        delimiter: u8,
        /// The text that stands for NULL.
        null: Box<[u8]>,
        /// A header line comes first.
        header: bool,
    },
    /// csv.
    Csv {
        /// One byte.
        delimiter: u8,
        /// The text that stands for NULL, unquoted.
        null: Box<[u8]>,
        /// One byte.
        quote: u8,
        /// One byte.
        escape: u8,
        /// A header line comes first.
        header: bool,
        /// Result columns that are always quoted, by position; `None` is none, an empty list is all.
        force_quote: Option<Vec<usize>>,
    },
    /// binary.
    Binary,
}

/// What a statement does to its session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Deed {
    /// Nothing that the proxy follows.
    #[default]
    None,
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END, PREPARE TRANSACTION.
    Commit {
        /// AND CHAIN.
        chain: bool,
    },
    /// ROLLBACK, ABORT.
    Rollback {
        /// AND CHAIN.
        chain: bool,
    },
    /// SAVEPOINT name.
    Savepoint(Box<str>),
    /// RELEASE name.
    Release(Box<str>),
    /// ROLLBACK TO name.
    RollbackTo(Box<str>),
    /// SET, RESET, `set_config` with constants as the whole statement.
    Set(SettingChange),
    /// PREPARE name AS …: the result columns are those of EXECUTE.
    Prepare {
        /// The statement's name.
        name: Box<str>,
        /// Whether the prepared statement gives rows.
        rows: bool,
    },
    /// EXECUTE name.
    Execute(Box<str>),
    /// EXPLAIN EXECUTE name.
    ExplainExecute {
        /// Its name.
        name: Box<str>,
        /// ANALYZE.
        runs: bool,
    },
    /// DEALLOCATE name, or all.
    Deallocate(Option<Box<str>>),
    /// DECLARE name CURSOR: the result columns are those of FETCH.
    Declare {
        /// The cursor's name.
        name: Box<str>,
        /// WITH HOLD.
        hold: bool,
    },
    /// FETCH from a cursor, or MOVE.
    Fetch(Box<str>),
    /// CLOSE name, or all.
    Close(Option<Box<str>>),
    /// COPY to or from the client.
    Copy(CopyDirection, CopyFormat),
    /// A relation that is the session's own until it commits.
    Create {
        /// The schema, `None` for the temporary one.
        schema: Option<Box<str>>,
        /// The name.
        name: Box<str>,
        /// Its columns' names, where they are known.
        columns: Option<Vec<Box<str>>>,
    },
    /// The catalog is to be looked at again.
    CatalogChanged,
    /// DO, CALL: whatever their code does, to settings and to the catalog.
    Code,
    /// DISCARD ALL.
    DiscardAll,
    /// DISCARD TEMP, PLANS, SEQUENCES; a change of the session's own temporary tables.
    Discard,
}
