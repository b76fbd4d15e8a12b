//! Defaults of a target's columns that may read what is veiled (`Profile::raw_defaults`): a row that takes one would show what it read.

use super::{Judge, veil, words};
use crate::catalog::{Oid, Relation};
use crate::sql::Reject;
use crate::sql::model::{Access, Changes, Instance, InstanceId};

impl Judge<'_> {
    /// Refuses a target of which a row may take such a default. Which of a view's columns are which of those below is not followed.
    pub(super) fn defaults(&mut self, id: InstanceId, instance: &Instance, relation: &Relation) {
        let open = |oid: Oid, column: i16| !veil::column_outcome(self.catalog, self.profile, oid, column).is_veiled();
        let raw = |oid: Oid| self.profile.raw_defaults.get(&oid).into_iter().flatten().copied().filter(move |column| open(oid, *column));
        let below = |oid: Oid, _: i16| raw(oid).next().is_some();
        let own = raw(relation.oid).any(|column| self.may_be_taken(id, instance, column));
        if own || (self.may_be_taken(id, instance, 0) && veil::reads_any(self.catalog, relation, &below)) {
            let name = &relation.name;
            let message = format!(
                "a default of relation \"{name}\" calls a function that may read what is veiled for {}",
                words::roles(self.profile)
            );
            self.refuse(
                Reject::unclear("default", message).hint("give the columns values, or name the function under 'functions'").at(instance.at),
            );
        }
    }

    /// Whether some row takes the default of a column; 0 is one that no statement sets. The arms of MERGE set columns of their own each.
    fn may_be_taken(&self, id: InstanceId, instance: &Instance, column: i16) -> bool {
        let mut made = self.analysis.writes.iter().filter(|w| w.target.instance == id && w.changes == Changes::New);
        self.analysis.defaulted
            || match instance.access {
                Access::Insert | Access::CopyIn => made.all(|w| w.target.column != column),
                Access::Merge => true,
                Access::Read | Access::Update | Access::Delete | Access::Truncate | Access::Lock | Access::Define => false,
            }
    }
}
