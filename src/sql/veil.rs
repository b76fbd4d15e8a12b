//! What stands in the place of a relation where a use of it does not commute with its veil: a subquery over it (semantics.md,
//! "Rewriting"). Made by `plan`, put into the tree by `resolve`. Its SQL is the policy's, never a client's.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::InstanceId;

/// The veil of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Veil {
    /// The visible columns that the statement touches, in the relation's order, each with the SQL of its mask over the raw row; `None`
    /// passes it as it is. System columns stand behind them.
    pub columns: Vec<(Box<str>, Option<String>)>,
    /// SQL over the raw row that keeps those that exist for the principal.
    pub rows: Option<Arc<str>>,
    /// System columns are among the columns, which no `*` may cover.
    pub system: bool,
}

/// The veils of a statement, by instance.
#[derive(Clone, Debug, Default)]
pub struct Veils {
    by_instance: BTreeMap<InstanceId, Veil>,
    /// What `current_setting` gives for the proxy's own settings within a veil's SQL.
    pub says: BTreeMap<Box<str>, Arc<str>>,
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
