//! What stands in the place of a relation where a use of it does not commute with its veil: a subquery over it (semantics.md,
//! "Rewriting"). Made by `plan`, put into the tree by `resolve`. Its SQL is the policy's, never a client's.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::InstanceId;
use crate::catalog::Oid;

/// The veil of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Veil {
    /// The visible columns that the statement touches, in the relation's order; system columns stand behind them. Of the target of a write
    /// the masked ones alone.
    pub columns: Vec<VeilColumn>,
    /// SQL over the raw row that keeps those that exist for the principal.
    pub rows: Option<Arc<str>>,
    /// Nothing else may be looked at before that: something in the statement could tell what it is given.
    pub fenced: bool,
    /// System columns are among the columns, which no `*` may cover.
    pub system: bool,
    /// Of the target of a write: the rows that it makes or changes are held against `rows` as they are stored.
    pub checked: bool,
    /// Of the target of MERGE: the columns that `rows` reads.
    pub reads: Vec<Read>,
}

/// A column that a row condition reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Its name.
    pub name: Box<str>,
    /// Its declared type, a domain's base.
    pub ty: String,
    /// Its collation, where its type has one.
    pub collation: Option<String>,
    /// It is NULL in a new row that does not name it: it has no default, of its own or of its domain, and is not computed.
    pub null: bool,
}

/// A column of a veil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VeilColumn {
    /// `attnum`.
    pub number: i16,
    /// Its name.
    pub name: Box<str>,
    /// What stands for it, over the raw row; `None` passes it as it is.
    pub mask: Option<ColumnMask>,
}

/// What stands for a masked column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMask {
    /// An expression of the column's type and collation.
    pub sql: String,
    /// Its type has a collation.
    pub collates: bool,
    /// The column's type without a modifier, a domain's base.
    pub ty: String,
    /// The type's OID.
    pub base: Oid,
    /// Whether values of the type are held against each other by its own equality; else as texts.
    pub compares: bool,
    /// What is stored where a new value is given, which is named [`NEW`] here: for masks of parts, of which a whole value cannot be told.
    pub back: Option<String>,
}

/// A new value that is looked at twice, under this name in a query of its own.
pub const NEW: &str = "pgscrim_new";

/// The veils of a statement, by instance.
#[derive(Clone, Debug, Default)]
pub struct Veils {
    by_instance: BTreeMap<InstanceId, Veil>,
    /// What `current_setting` gives for the proxy's own settings within a veil's SQL.
    pub says: BTreeMap<Box<str>, Arc<str>>,
    /// The definition of a view may be looked into by what the statement does beside it or behind it, unless it is fenced.
    pub fenced: bool,
    /// By what it does beside it.
    pub beside: bool,
    /// Constants in whose place a parameter of this number is put, and columns whose new values are held against it, by where they stand in the client's
    /// text.
    pub turns: BTreeMap<i32, i32>,
}

impl Veils {
    /// Adds one.
    pub fn insert(&mut self, instance: InstanceId, veil: Veil) {
        self.by_instance.insert(instance, veil);
    }

    /// The veil of an instance.
    #[must_use]
    pub fn of(&self, instance: InstanceId) -> Option<&Veil> {
        self.by_instance.get(&instance)
    }

    /// The instances that have one.
    pub fn instances(&self) -> impl Iterator<Item = InstanceId> + '_ {
        self.by_instance.keys().copied()
    }
}
