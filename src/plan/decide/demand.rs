//! What must be masked in SQL: columns of instances of which some use does not commute with the mask, and instances whose rows are
//! chosen. It only grows while a statement is judged, and the judgement is made again until it grows no more.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::commutes;
use super::{Judge, words};
use crate::catalog::PgType;
use crate::plan::permit::Action;
use crate::policy::Outcome;
use crate::sql::Reject;
use crate::sql::model::{Access, InstanceId, Source, UseKind};

/// Instances that become subqueries, or whose columns are masked where they stand, each with the columns that are masked in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand(BTreeMap<InstanceId, BTreeSet<i16>>);

impl Demand {
    /// Whether a column is masked in SQL.
    pub(crate) fn has(&self, source: Source) -> bool {
        self.0.get(&source.instance).is_some_and(|columns| columns.contains(&source.column))
    }

    /// Whether an instance is veiled in SQL.
    pub(crate) fn veils(&self, instance: InstanceId) -> bool {
        self.0.contains_key(&instance)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The instances.
    pub(crate) fn instances(&self) -> impl Iterator<Item = InstanceId> + '_ {
        self.0.keys().copied()
    }
}

impl Judge<'_> {
    /// Has a relation's veil put in the place of an instance in FROM, or in the places where the target of a write is named.
    pub(super) fn veil_instance(&mut self, instance: InstanceId, kind: UseKind) -> bool {
        let possible = self.analysis.from.contains(&instance) || (self.is_target(instance) && stands_alone(kind));
        if !possible {
            return false;
        }
        if !self.demand.veils(instance) {
            self.demand.0.entry(instance).or_default();
            self.grew = true;
        }
        true
    }

    fn is_target(&self, instance: InstanceId) -> bool {
        let access = self.instance(instance).map(|i| i.access);
        matches!(access, Some(Access::Insert | Access::Update | Access::Delete | Access::Merge))
    }

    /// Has a column masked in SQL for a use of it, where that can be.
    pub(super) fn veil_column(&mut self, source: Source, kind: UseKind) -> bool {
        let possible = self.source_type(source).is_some_and(|ty| has_sql(&self.outcome(source), &ty));
        if !possible || !self.veil_instance(source.instance, kind) {
            return false;
        }
        if self.demand.0.entry(source.instance).or_default().insert(source.column) {
            self.grew = true;
        }
        true
    }

    /// A use of a column that is masked in SQL. What a rule reveals is the raw value, which is not there.
    pub(super) fn use_in_sql(&self, source: Source, kind: UseKind) -> Result<Action, Reject> {
        if let Outcome::Masked(rule) = self.outcome(source)
            && (commutes(kind).reveal)(rule.reveal)
        {
            let message =
                format!("{} of {} sees the raw value, and another use in the statement its mask", words::usage(kind), self.column(source));
            return Err(Reject::unclear("reveal", message).hint("split the statement in two"));
        }
        if self.is_target(source.instance) && !stands_alone(kind) {
            let message = format!("{} of {} in the target of a write {}", words::usage(kind), self.column(source), words::NOT_YET);
            return Err(Reject::unclear("target", message).hint("name the columns one by one"));
        }
        Ok(Action::Mask)
    }
}

/// Whether a use is of one reference, in whose place an expression can stand.
fn stands_alone(kind: UseKind) -> bool {
    !matches!(kind, UseKind::WholeRow | UseKind::Shadow | UseKind::Using | UseKind::Conflict)
}

/// Whether an outcome can be written in SQL.
pub(super) fn has_sql(outcome: &Outcome, ty: &PgType) -> bool {
    match outcome {
        Outcome::Clear => true,
        Outcome::Masked(rule) => rule.mask.laws(ty).is_some_and(|l| l.sql),
        Outcome::Conditional(condition) => has_sql(&condition.then, ty) && has_sql(&condition.otherwise, ty),
        Outcome::Absent(_) => false,
    }
}
