//! A policy as its documents say it, each part with its place: what a catalog and keys are not needed for. Made by `read`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::key::ObjectKey;
use super::profile::{ClassName, Reveal, StatementRights};
use crate::base::Place;
use crate::mask::MaskSpec;

/// What holds for one database.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) classes: BTreeMap<ClassName, Class>,
    pub(crate) tables: Vec<TableEntry>,
    pub(crate) roles: Vec<RoleEntry>,
    /// The role of a login that is in none.
    pub(crate) default_role: Option<usize>,
    pub(crate) time_zone: TimeZone,
}

impl Default for Model {
    fn default() -> Self {
        Self { classes: BTreeMap::new(), tables: Vec::new(), roles: Vec::new(), default_role: None, time_zone: TimeZone::UTC }
    }
}

/// A class of the taxonomy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Class {
    /// How sensitive, as the policy's author counts.
    pub(crate) level: Option<u8>,
    /// What it is, for people.
    pub(crate) about: Option<Box<str>>,
}

/// An entry of `tables`.
#[derive(Clone, Debug)]
pub(crate) struct TableEntry {
    pub(crate) key: ObjectKey,
    pub(crate) place: Place,
    pub(crate) subject: Option<(ObjectKey, Place)>,
    pub(crate) columns: Vec<ColumnEntry>,
    pub(crate) optional: bool,
}

/// An entry of `columns`: a column, a field of one, a path into one, or a pattern.
#[derive(Clone, Debug)]
pub(crate) struct ColumnEntry {
    pub(crate) key: ObjectKey,
    pub(crate) place: Place,
    pub(crate) class: ClassName,
    pub(crate) optional: bool,
}

/// A role.
#[derive(Clone, Debug)]
pub(crate) struct RoleEntry {
    pub(crate) name: Arc<str>,
    pub(crate) place: Place,
    pub(crate) members: Vec<(Member, Place)>,
    pub(crate) read: Vec<Rule<ReadRule>>,
    pub(crate) write: Vec<Rule<bool>>,
    pub(crate) delete: Vec<(ObjectKey, Place)>,
    pub(crate) rows: Vec<RowsEntry>,
    pub(crate) functions: Vec<(FunctionKey, Place)>,
    pub(crate) statements: StatementRights,
    pub(crate) listen: Vec<Box<str>>,
    pub(crate) unrestricted: bool,
    pub(crate) unclassified_deny: bool,
    pub(crate) star_refuse: bool,
    pub(crate) until: Option<Date>,
}

/// Who is in a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// This login.
    Login(Box<str>),
    /// Logins that are members of this role of the upstream.
    Group(Box<str>),
    /// Clients whose certificate has this common name.
    Certificate(Box<str>),
}

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A class and those below it.
    Class(ClassName),
    /// Two parts: a table; three: a column; more: a field; or a path into a column.
    Object(ObjectKey),
}

/// A rule of `read` or `write`.
#[derive(Clone, Debug)]
pub(crate) struct Rule<T> {
    pub(crate) target: Target,
    pub(crate) place: Place,
    pub(crate) value: T,
    pub(crate) optional: bool,
}

/// A condition of `rows`.
#[derive(Clone, Debug)]
pub(crate) struct RowsEntry {
    pub(crate) key: ObjectKey,
    pub(crate) place: Place,
    pub(crate) sql: Arc<str>,
    pub(crate) optional: bool,
}

/// What a rule of `read` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadRule {
    Allow,
    Deny,
    Mask(MaskUse),
    When(Box<When>),
}

/// A mask as a rule names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MaskUse {
    /// For people and the audit: the mask's name, or what it is.
    pub(crate) name: Arc<str>,
    /// What keyed masks derive their key for: two columns with the same one have the same pseudonyms.
    pub(crate) purpose: Arc<str>,
    pub(crate) spec: MaskSpec,
    pub(crate) reveal: Reveal,
}

/// A conditional rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) sql: Arc<str>,
    pub(crate) then: ReadRule,
    pub(crate) otherwise: ReadRule,
}

/// An entry of `functions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FunctionKey {
    /// `schema.name`, with patterns.
    Named(ObjectKey),
    /// All functions of an extension.
    Extension(Box<str>),
}

/// The class covers another: it is the same or stands above it.
pub(crate) fn covers(upper: &str, class: &str) -> bool {
    class.strip_prefix(upper).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
