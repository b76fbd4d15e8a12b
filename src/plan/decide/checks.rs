//! Writes into relations with a row condition: whose rows are held against it as they are stored, and what the client hears where one
//! does not satisfy it.

use std::collections::BTreeSet;

use super::relations::goes_back;
use super::{Judge, column_outcome, words};
use crate::catalog::{Catalog, Oid, Relation, RelationKind, Scalar};
use crate::plan::permit::{Decision, RowCheck};
use crate::plan::{Refusal, Setting};
use crate::policy::{Profile, RowCondition};
use crate::sql::Reject;
use crate::sql::model::{Access, Analysis, Changes, InstanceId, Write};

/// Whether something in a statement could otherwise be run on a row of an instance before its condition was held against it.
/// MERGE holds the target's against what its own ON says of the source, not where the target is read; and a view's is held against what it joins,
/// where that may have been sorted before.
pub(in crate::plan) fn needs_fence(analysis: &Analysis, id: InstanceId, relation: &Relation, condition: &RowCondition) -> bool {
    let merges = || analysis.instance(id).is_none_or(|i| i.access == Access::Merge);
    let joins = || condition.may_query() || relation.kind == RelationKind::View || merges();
    analysis.leaks.beside.has(id) || (analysis.leaks.any() && joins())
}

/// Whether a statement may store a row in an instance that does not satisfy the instance's row condition. An update that sets nothing
/// of what the condition reads cannot, unless a trigger does.
pub(in crate::plan) fn is_checked(analysis: &Analysis, setting: Setting<'_>, id: InstanceId) -> bool {
    let Some(instance) = analysis.instance(id) else { return false };
    let Some(oid) = instance.relation() else { return false };
    let Some(condition) = setting.profile.rows(oid) else { return false };
    let sets = || analysis.writes.iter().any(|w| w.target.instance == id && may_change(condition, w.target.column));
    match instance.access {
        Access::Insert | Access::Merge => true,
        Access::Update => sets() || runs_triggers(setting.catalog, setting.profile, oid),
        Access::Read | Access::Delete | Access::CopyIn | Access::Truncate | Access::Lock | Access::Define => false,
    }
}

/// Whether an update of a column may change whether a row satisfies a condition: the condition reads the column, or a system column, which
/// any update can change (a row that goes to another partition has another `tableoid`).
fn may_change(condition: &RowCondition, column: i16) -> bool {
    condition.reads.iter().any(|read| *read < 0 || *read == column)
}

/// Whether a trigger may change what is stored in a relation, or behind a view.
fn runs_triggers(catalog: &Catalog, profile: &Profile, oid: Oid) -> bool {
    let behind = profile.view(oid).into_iter().flat_map(|view| view.relations.iter().copied());
    let all = behind.chain([oid]).flat_map(|oid| catalog.with_descendants(oid));
    all.into_iter().any(|o| catalog.relation(o).is_none_or(|r| r.runs_code))
}

impl Judge<'_> {
    /// Why nothing can be said of a row before MERGE makes or changes it.
    pub(super) fn merge_cannot_hold(&self, id: InstanceId, relation: &Relation) -> Option<Reject> {
        let (name, condition) = (&relation.name, self.profile.rows(relation.oid)?);
        let set = |w: &&Write| w.target.instance == id && w.changes != Changes::New && may_change(condition, w.target.column);
        if let Some(write) = self.analysis.writes.iter().find(set) {
            let message = format!("{} is read by the row condition of \"{name}\", and set by MERGE", self.column(write.target));
            return Some(Reject::unclear("rows", message).hint("set it by UPDATE").at(write.at));
        }
        let plain = matches!(relation.kind, RelationKind::Table | RelationKind::Partitioned);
        (!plain || runs_triggers(self.catalog, self.profile, relation.oid)).then(|| {
            let message =
                format!("relation \"{name}\" has a row condition, and is a view or has triggers that may change what MERGE stores");
            Reject::unclear("rows", message).hint("use INSERT and UPDATE")
        })
    }
}

/// What a statement's permit says of the rows that it stores.
pub(in crate::plan) fn row_check(analysis: &Analysis, setting: Setting<'_>, unasked: bool) -> Option<RowCheck> {
    let instances = (0..).map(InstanceId).zip(&analysis.instances);
    let names: BTreeSet<String> =
        instances.filter(|(id, _)| is_checked(analysis, setting, *id)).map(|(_, i)| format!("\"{}\"", i.name)).collect();
    let (who, names) = (words::roles(setting.profile), names.into_iter().collect::<Vec<_>>().join(", "));
    let reject = match (names.is_empty(), documents(analysis, setting)) {
        (true, None) => return None,
        (true, Some(column)) => {
            let message = format!("in {column} an array with masks in it was changed, and what is stored cannot be told from its mask");
            Reject::unclear("write", message).hint("leave arrays on the way to a path as they are read")
        }
        (false, document) => {
            let or = document.map_or_else(String::new, |d| format!("; or an array with masks in it was changed in {d}"));
            let message = format!("{who}: a row that is written must satisfy the row condition of {names}{or}");
            Reject::forbidden("rows", message).hint("only rows that exist for the role can be written")
        }
    };
    Some(RowCheck { refusal: Refusal::from_reject(reject, "", Decision::default()), unasked })
}

/// A column of documents whose masks are told from what is stored as it is stored.
fn documents(analysis: &Analysis, setting: Setting<'_>) -> Option<String> {
    analysis.writes.iter().filter(|w| w.changes == Changes::Stored).find_map(|write| {
        let oid = analysis.relation_of(write.target.instance)?;
        let ty = setting.catalog.relation(oid)?.column_number(write.target.column)?.ty;
        let outcome = column_outcome(setting.catalog, setting.profile, oid, write.target.column);
        (ty.scalar() == Scalar::Jsonb && goes_back(&outcome, &ty))
            .then(|| words::column(setting.catalog, setting.profile, oid, write.target.column))
    })
}
