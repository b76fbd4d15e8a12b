//! The permit: proof that a statement was judged, and all that the session needs to run it.

use std::sync::Arc;

use super::lookups::Lookups;
use super::refusal::Refusal;
use super::turned::TurnedBack;
use crate::base::{Origin, QualifiedName};
use crate::catalog::{Oid, PgType};
use crate::mask::Format;
pub use crate::policy::Reveal;
use crate::policy::{ClassName, MaskRule};
pub use crate::sql::effect::{CopyDirection, CopyFormat, SettingChange, SettingScope};

/// Which of the plans it is; the later, the more of the policy is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing that it touches is veiled.
    Forward,
    /// The proxy masks result columns.
    MaskRows,
    /// The statement was rewritten over veiled subqueries.
    Rewrite,
}

/// What happens to one result column.
#[derive(Clone, Debug)]
pub enum Cell {
    /// It passes.
    Clear,
    /// It is masked by the proxy. Every source column that it may come from has this same mask.
    Masked {
        /// The mask.
        rule: MaskRule,
        /// The source column's declared type.
        ty: PgType,
        /// The columns that it may come from: the witness accepts these origins or none.
        origins: Vec<(Oid, i16)>,
        /// For the count of masked values.
        class: Option<ClassName>,
    },
}

/// What was done with a column (audit `action`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Seen as it is.
    Allow,
    /// Masked.
    Mask,
    /// Asked for and refused.
    Deny,
}

/// One column that a statement touches, for audit and `explain`: classified ones always, others as `explain` likes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnUse {
    /// `public.users.email`.
    pub column: Arc<str>,
    /// Its class.
    pub class: Option<ClassName>,
    /// `output`, `filter`, `join`, `group`, `order`, `aggregate`, `expression`, `write`, `null test`, `count` …
    pub usage: &'static str,
    /// What was done.
    pub action: Action,
    /// The mask's name.
    pub mask: Option<Arc<str>>,
    /// The role whose rule decided.
    pub role: Option<Arc<str>>,
    /// What the rule gives up of its mask on purpose.
    pub reveal: Reveal,
}

/// What the statement touches and what was decided; never a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Relations by name, sorted; `None` where an unrestricted principal's text was not understood.
    pub relations: Option<Vec<QualifiedName>>,
    /// Classified columns and what was done.
    pub columns: Vec<ColumnUse>,
    /// Errors and notices must be scrubbed: something veiled is touched, or a function from outside PostgreSQL may run.
    pub scrub: bool,
}

/// Whose rows a statement returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowsOf {
    /// Its own: `Permit::cells` describes them.
    Own,
    /// FETCH or MOVE: those of this cursor (or portal of the extended protocol).
    Cursor(Box<str>),
    /// EXECUTE: those of this SQL-prepared statement.
    Prepared(Box<str>),
    /// EXPLAIN EXECUTE: its own, which say how this SQL-prepared statement is run.
    Plan {
        /// Its name.
        name: Box<str>,
        /// The most that who asks may see of it: `statements: [explain]` lets veils be seen that were put into it; sizes of original values
        /// are seen with ANALYZE.
        most: Kind,
    },
}

impl RowsOf {
    /// The SQL-prepared statement that is run or explained.
    #[must_use]
    pub fn prepared(&self) -> Option<&str> {
        match self {
            Self::Prepared(name) | Self::Plan { name, most: _ } => Some(name),
            Self::Own | Self::Cursor(_) => None,
        }
    }
}

/// What a statement does to the session beside giving rows.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Nothing that the proxy follows.
    None,
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END, PREPARE TRANSACTION. `chain` is AND CHAIN.
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
    /// PREPARE name AS …: the permit of the inner statement.
    Prepare(Box<str>, Box<Permit>),
    /// DEALLOCATE name, or all.
    Deallocate(Option<Box<str>>),
    /// DECLARE name CURSOR: its own cells describe what FETCH gives. `hold` is WITH HOLD.
    Declare {
        /// The cursor's name.
        name: Box<str>,
        /// WITH HOLD.
        hold: bool,
    },
    /// CLOSE name, or all.
    Close(Option<Box<str>>),
    /// COPY to or from the client.
    Copy(CopyDirection, CopyFormat),
    /// CREATE TEMP TABLE, CREATE TABLE … in an open transaction, SELECT INTO: the relation is the session's own until it commits.
    Create {
        /// The schema, `None` for the temporary one.
        schema: Option<Box<str>>,
        /// The name.
        name: Box<str>,
        /// Its columns' names, where they are known.
        columns: Option<Vec<Box<str>>>,
    },
    /// DROP, ALTER, and other statements after which the catalog is to be looked at again.
    CatalogChanged,
    /// DO, CALL: whatever their code does, to settings and to the catalog.
    Code,
    /// DISCARD ALL.
    DiscardAll,
    /// DISCARD TEMP, PLANS, SEQUENCES.
    Discard,
}

/// Rows that a statement stores are held against a row condition by the server.
#[derive(Clone, Debug)]
pub struct RowCheck {
    /// What the client hears where one does not satisfy it.
    pub refusal: Refusal,
    /// The rows that come back are the check's own: the client did not ask for any, and gets none.
    pub unasked: bool,
}

/// What a permit grants: what its methods say.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) kind: Kind,
    pub(super) cells: Vec<Cell>,
    pub(super) arity: Option<usize>,
    pub(super) decision: Decision,
    pub(super) effect: Effect,
    pub(super) rows_of: RowsOf,
    pub(super) returns_rows: bool,
    pub(super) defers: bool,
    pub(super) copied: Option<Arc<str>>,
    pub(super) lookups: Lookups,
    pub(super) turned: TurnedBack,
    pub(super) row_check: Option<RowCheck>,
    pub(super) origins: Vec<Option<Origin>>,
    pub(super) batches: bool,
}

impl Grant {
    /// To send what is not masked, does nothing that the proxy follows, and may give rows.
    pub(super) fn plain(kind: Kind, decision: Decision, rows_of: RowsOf) -> Self {
        Self {
            kind,
            cells: Vec::new(),
            arity: None,
            decision,
            effect: Effect::None,
            rows_of,
            returns_rows: true,
            defers: false,
            copied: None,
            lookups: Lookups::default(),
            turned: TurnedBack::default(),
            row_check: None,
            origins: Vec::new(),
            batches: false,
        }
    }
}

/// Proof that a statement was judged. Only the planner makes one; without one no text of a client goes upstream.
///
/// ```compile_fail
/// let forged = pgscrim::plan::Permit { text: "SELECT 1".into(), grant: Default::default() };
/// ```
#[derive(Clone, Debug)]
pub struct Permit {
    text: Arc<str>,
    grant: Arc<Grant>,
}

impl Permit {
    /// Only `plan` can call this.
    pub(super) fn new(text: Arc<str>, grant: Grant) -> Self {
        Self { text, grant: Arc::new(grant) }
    }

    /// The same for a text that says the same with other literals.
    pub(super) fn with_text(&self, text: Arc<str>) -> Self {
        Self { text, grant: Arc::clone(&self.grant) }
    }

    /// Which plan it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.grant.kind
    }

    /// The text to send: rendered from the judged tree, or the client's own for an unrestricted principal.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Result columns by position; positions beyond its end are clear. Empty where nothing is masked.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.grant.cells
    }

    /// By position, the columns that result columns are in the statement as the client wrote it; positions beyond its end are none. Empty where
    /// the server says so itself, because nothing was rewritten.
    #[must_use]
    pub fn origins(&self) -> &[Option<Origin>] {
        &self.grant.origins
    }

    /// The number of result columns that the plan announces, where it knows it: another number is a witness trip.
    #[must_use]
    pub fn arity(&self) -> Option<usize> {
        self.grant.arity
    }

    /// What it touches, for audit and `explain`.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.grant.decision
    }

    /// What it does to the session.
    #[must_use]
    pub fn effect(&self) -> &Effect {
        &self.grant.effect
    }

    /// Whose rows come back.
    #[must_use]
    pub fn rows_of(&self) -> &RowsOf {
        &self.grant.rows_of
    }

    /// Whether rows come back at all (SELECT, RETURNING, FETCH, SHOW, EXPLAIN, VALUES …).
    #[must_use]
    pub fn returns_rows(&self) -> bool {
        self.grant.returns_rows
    }

    /// For a COPY to the client, the query whose rows it gives: to be described before it, never run.
    #[must_use]
    pub fn copied(&self) -> Option<&str> {
        self.grant.copied.as_deref()
    }

    /// Whether work that may speak of something veiled can be left for the end of the transaction (deferred constraints and
    /// triggers, held cursors): errors and notices that come then are scrubbed.
    #[must_use]
    pub fn defers(&self) -> bool {
        self.grant.defers
    }

    /// Whether its parameters must be counted at Bind ([`Permit::check_lengths`]); where nothing counts them it must not run.
    #[must_use]
    pub fn counts_at_bind(&self) -> bool {
        self.grant.lookups.wait_for_bind()
    }

    /// Whether it may run with arrays of these lengths as its parameters, the first one at index 0.
    ///
    /// # Errors
    /// It would compare more values with looked-up columns than a statement may.
    pub fn check_lengths(&self, lengths: &[u64]) -> Result<(), Refusal> {
        self.grant.lookups.check(lengths).map_err(|reject| Refusal::from_reject(reject, "", self.grant.decision.clone()))
    }

    /// What is put in the place of constants that are masks, where something is: it runs with parameters of the proxy's own.
    #[must_use]
    pub fn turned(&self) -> Option<&TurnedBack> {
        Some(&self.grant.turned).filter(|turned| !turned.is_empty())
    }

    /// The values of the proxy's own parameters, for these of the client's.
    ///
    /// # Errors
    /// One of the client's cannot be read.
    pub fn turn_back(&self, given: &[(Format, Option<&[u8]>)]) -> Result<Vec<Option<String>>, Refusal> {
        self.grant.turned.values(given).map_err(|reject| Refusal::from_reject(reject, "", self.grant.decision.clone()))
    }

    /// Whether it does in a batch of the extended protocol what it does in a string of several statements, for the server and for the session.
    #[must_use]
    pub fn batches(&self) -> bool {
        self.grant.batches
    }

    /// What is said of the rows that it stores, where the server holds them against a row condition.
    #[must_use]
    pub fn row_check(&self) -> Option<&RowCheck> {
        self.grant.row_check.as_ref()
    }

    /// Whether rows come back that the client did not ask for, and does not get.
    #[must_use]
    pub fn keeps_rows(&self) -> bool {
        self.grant.row_check.as_ref().is_some_and(|c| c.unasked)
    }

    /// Whether any result column is masked by the proxy.
    #[must_use]
    pub fn masks_rows(&self) -> bool {
        self.grant.cells.iter().any(|c| matches!(c, Cell::Masked { .. }))
    }

    /// Whether a plan made anew is this one: the same text, and the same mask with the same parameters and key on the same result columns.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        let same_cell = |pair: (&Cell, &Cell)| match pair {
            (Cell::Clear, Cell::Clear) => true,
            (Cell::Masked { rule: a, origins: x, ty: _, class: _ }, Cell::Masked { rule: b, origins: y, ty: _, class: _ }) => {
                a == b && x == y
            }
            _ => false,
        };
        let same_inner = match (&self.grant.effect, &other.grant.effect) {
            (Effect::Prepare(_, a), Effect::Prepare(_, b)) => a.same_as(b),
            _ => true,
        };
        self.text == other.text
            && self.grant.kind == other.grant.kind
            && self.grant.rows_of == other.grant.rows_of
            && self.grant.turned == other.grant.turned
            && self.grant.cells.len() == other.grant.cells.len()
            && self.grant.cells.iter().zip(&other.grant.cells).all(same_cell)
            && same_inner
    }
}
