//! Writes into relations with a row condition: whose rows are held against it as they are stored, and what the client hears where one
//! does not satisfy it.

use std::collections::BTreeSet;

use super::words;
use crate::plan::permit::{Decision, RowCheck};
use crate::plan::{Refusal, Setting};
use crate::sql::Reject;
use crate::sql::model::{Access, Analysis, InstanceId, InstanceOf};

/// Whether a statement may store a row in an instance that does not satisfy the instance's row condition. An update that sets nothing
/// of what the condition reads cannot, unless a trigger does.
pub(in crate::plan) fn is_checked(analysis: &Analysis, setting: Setting<'_>, id: InstanceId) -> bool {
    let Some(instance) = usize::try_from(id.0).ok().and_then(|i| analysis.instances.get(i)) else { return false };
    let InstanceOf::Catalog(oid) = instance.of else { return false };
    let Some(condition) = setting.profile.rows(oid) else { return false };
    let sets = || analysis.writes.iter().any(|w| w.target.instance == id && condition.reads.contains(&w.target.column));
    let triggers = || setting.catalog.with_descendants(oid).into_iter().any(|o| setting.catalog.relation(o).is_none_or(|r| r.runs_code));
    match instance.access {
        Access::Insert => true,
        Access::Update => sets() || triggers(),
        Access::Read | Access::Delete | Access::Merge | Access::CopyIn | Access::Truncate | Access::Lock | Access::Define => false,
    }
}

/// What a statement's permit says of the rows that it stores.
pub(in crate::plan) fn row_check(analysis: &Analysis, setting: Setting<'_>, unasked: bool) -> Option<RowCheck> {
    let instances = (0..).map(InstanceId).zip(&analysis.instances);
    let names: BTreeSet<String> =
        instances.filter(|(id, _)| is_checked(analysis, setting, *id)).map(|(_, i)| format!("\"{}\"", i.name)).collect();
    if names.is_empty() {
        return None;
    }
    let (who, names) = (words::roles(setting.profile), names.into_iter().collect::<Vec<_>>().join(", "));
    let message = format!("{who}: a row that is written must satisfy the row condition of {names}");
    let reject = Reject::forbidden("rows", message).hint("only rows that exist for the role can be written");
    Some(RowCheck { refusal: Refusal::from_reject(reject, "", Decision::default()), unasked })
}
