//! The decision: what a principal's statement may do, and the only place where a [`Permit`] is made.
//! Pure and total: a text, a catalog, a profile and the session's names go in; permits or refusals come out.

mod body;
mod decide;
mod effects;
mod fold;
mod grant;
mod lookups;
mod permit;
mod refusal;
mod shape;
mod text;
mod turned;
mod veil;
mod view;

pub use crate::sql::UNREADABLE;
pub use permit::{
    Action, Cell, ColumnUse, CopyDirection, CopyFormat, Decision, Effect, Kind, Permit, Reveal, RowCheck, RowsOf, SettingChange,
    SettingScope,
};
pub use refusal::{Refusal, RefusalKind, Syntax};
pub use shape::Shaped;
pub use text::plan_text;
pub use turned::TurnedBack;

use std::sync::Arc;

use crate::base::QualifiedName;
use crate::catalog::Catalog;
use crate::policy::Profile;
use crate::sql::Local;

/// The outcome for one statement. There is no third arm.
#[must_use]
#[derive(Clone, Debug)]
pub enum Plan {
    /// It may be sent, as the permit says.
    Send(Permit),
    /// It may not, and why.
    Refuse(Refusal),
}

impl Plan {
    /// What it touches.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        match self {
            Self::Send(permit) => permit.decision(),
            Self::Refuse(refusal) => &refusal.decision,
        }
    }
}

/// One statement of a text, decided.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What was decided.
    pub plan: Plan,
    /// What the audit says of it, whatever was decided.
    pub described: Described,
}

/// What the audit keeps of a statement's text: never a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The text with literals replaced by `$n` and comments removed, or a note of its length where it could not be parsed.
    pub text: Arc<str>,
    /// Of the statement's shape; keyed where the text could not be parsed.
    pub fingerprint: Arc<str>,
}

/// Relations that the session made and the snapshot does not know: temporary tables and what an open transaction created.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionRelation {
    /// `None` for the session's temporary schema.
    pub schema: Option<Box<str>>,
    /// Its name.
    pub name: Box<str>,
    /// Its columns' names, in order, where the proxy knows them.
    pub columns: Option<Vec<Box<str>>>,
    /// Its OID and columns' types as a look-up on the session's own connection gave them.
    pub looked_up: Option<crate::catalog::Relation>,
}

impl SessionRelation {
    /// As the analysis takes it.
    fn local(&self) -> Local<'_> {
        let Self { schema, name, columns, looked_up } = self;
        Local { schema: schema.as_deref(), name, columns: columns.as_deref(), relation: looked_up.as_ref() }
    }
}

/// What of a session changes the meaning of a text. Its `epoch` stands in cache keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    /// Changes whenever anything below does.
    pub epoch: u64,
    /// `search_path` as effective schemas in order, `"$user"` replaced, `pg_catalog` first unless named, `pg_temp` kept as a word.
    pub search_path: Vec<Box<str>>,
    /// Temporary and uncommitted relations.
    pub relations: Vec<SessionRelation>,
}

/// Everything that a plan depends on beside the text.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The database's schema.
    pub catalog: &'a Catalog,
    /// The principal's rights.
    pub profile: &'a Profile,
    /// The session's names.
    pub names: &'a Names,
    /// Keys the fingerprint of what cannot be parsed.
    pub fingerprint_key: &'a [u8; 32],
    /// Bytes of text beyond which nothing is parsed (`limits.parse`).
    pub parse_limit: usize,
}

/// How a text came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A simple query: any number of statements.
    Simple,
    /// A Parse: at most one.
    Extended,
}

/// A relation's name for people.
pub type RelationName = QualifiedName;
