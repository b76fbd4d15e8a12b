//! The decision over an analysed statement: each use of each column is held against the column's outcome and its mask's laws
//! (semantics.md, "The laws of a mask"), each write, call and kind of statement against the principal's rights. Reads no text and
//! no tree; makes no permit.

mod calls;
mod casts;
mod checks;
mod columns;
mod defaults;
mod demand;
mod relations;
mod rights;
mod turn;
mod veil;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::lookups::Lookups;
use super::permit::{Action, Cell, ColumnUse, Decision, Kind};
use super::turned::TurnedBack;
use super::{SessionRelation, Setting};
use crate::base::QualifiedName;
use crate::catalog::{Catalog, Oid};
use crate::policy::{Below, ClassName, Outcome, Profile, Reveal, StatementRight};
use crate::sql::Reject;
use crate::sql::effect::Deed;
use crate::sql::model::{Access, Analysis, Instance, InstanceId, InstanceOf, Source};

pub(super) use calls::Allowance;
pub(super) use checks::{is_checked, needs_fence, row_check};
pub(super) use demand::Demand;
pub(super) use veil::{column_outcome, is_hidden, is_veiled};

/// A statement that may be sent.
#[derive(Debug)]
pub(super) struct Decided {
    /// Forward or mask rows.
    pub(super) kind: Kind,
    /// Result columns up to the last masked one; empty where none is masked.
    pub(super) cells: Vec<Cell>,
    /// The number of result columns.
    pub(super) arity: Option<usize>,
    /// For the audit.
    pub(super) decision: Decision,
    /// Work that may speak of something veiled can be left for the end of the transaction.
    pub(super) defers: bool,
    /// What must be masked in SQL.
    pub(super) demand: Demand,
    /// What it compares with looked-up columns.
    pub(super) lookups: Lookups,
    /// What is put in the place of constants that are masks.
    pub(super) turned: TurnedBack,
    /// Where those stand, and the numbers of their parameters.
    pub(super) turns: BTreeMap<i32, i32>,
    /// The principal may see plans of what is rewritten.
    pub(super) sees_plans: bool,
}

/// Whether a statement may leave work to the end of its transaction: deferred constraints and triggers of what it writes, directly or in
/// a function, and the rest of a held cursor's query.
fn defers(analysis: &Analysis) -> bool {
    let writes = analysis.instances.iter().any(|i| !matches!(i.access, Access::Read | Access::Lock));
    writes || !analysis.calls.is_empty() || matches!(analysis.deed, Deed::Declare { hold: true, name: _ })
}

/// Judges an analysed statement.
///
/// # Errors
/// The first reason why it may not be sent, with what is known of the statement.
pub(super) fn decide(analysis: &Analysis, setting: Setting<'_>, allowance: Allowance) -> Result<Decided, Box<(Reject, Decision)>> {
    let mut demand = Demand::default();
    // each round but the last puts at least one more instance or column into SQL
    loop {
        let mut judge = Judge::new(analysis, setting, allowance);
        judge.demand = demand;
        let cells = judge.everything();
        if judge.grew {
            demand = judge.demand;
            continue;
        }
        let decision = judge.decision();
        if let Some(reject) = judge.refused {
            return Err(Box::new((reject, decision)));
        }
        let kind = if judge.demand.is_empty() && !analysis.puts_in_place() { judge.kind } else { Kind::Rewrite };
        let defers = decision.scrub && defers(analysis);
        let arity = analysis.outputs.as_ref().map(Vec::len);
        return Ok(Decided {
            kind,
            cells,
            arity,
            decision,
            defers,
            demand: judge.demand,
            lookups: judge.lookups,
            turned: judge.turned,
            turns: judge.turns,
            sees_plans: setting.profile.statements.contains(&StatementRight::Explain),
        });
    }
}

/// The right that a statement lacks which was not understood: who lacks it hears of that, whatever else would stand in the way.
pub(super) fn lacking(analysis: &Analysis, setting: Setting<'_>) -> Option<Reject> {
    let mut judge = Judge::new(analysis, setting, Allowance::None);
    judge.needs();
    judge.refused
}

/// What the audit says of a statement whatever was decided: of an unrestricted principal's, and of one that `sql` rejected.
pub(super) fn survey(analysis: &Analysis, setting: Setting<'_>) -> Decision {
    let mut judge = Judge::new(analysis, setting, Allowance::None);
    judge.relations();
    judge.uses();
    judge.outputs();
    judge.writes();
    judge.calls();
    judge.decision()
}

/// The state of one judgement. All of a statement is looked at, so that the audit is whole; the first refusal counts.
struct Judge<'a> {
    analysis: &'a Analysis,
    catalog: &'a Catalog,
    profile: &'a Profile,
    /// The session's own relations.
    own: &'a [SessionRelation],
    allowance: Allowance,
    columns: Vec<ColumnUse>,
    refused: Option<Reject>,
    kind: Kind,
    scrub: bool,
    /// What must be masked in SQL, as far as it is known.
    demand: Demand,
    /// This judgement has added to it.
    grew: bool,
    lookups: Lookups,
    turned: TurnedBack,
    turns: BTreeMap<i32, i32>,
}

impl<'a> Judge<'a> {
    fn new(analysis: &'a Analysis, setting: Setting<'a>, allowance: Allowance) -> Self {
        Self {
            analysis,
            catalog: setting.catalog,
            profile: setting.profile,
            own: &setting.names.relations,
            allowance,
            columns: Vec::new(),
            refused: None,
            kind: Kind::Forward,
            scrub: false,
            demand: Demand::default(),
            grew: false,
            lookups: Lookups::default(),
            turned: TurnedBack::new(&analysis.declared, &analysis.parameters),
            turns: BTreeMap::new(),
        }
    }

    /// Looks at all of the statement; gives the cells of its result.
    fn everything(&mut self) -> Vec<Cell> {
        // the first reason is the one that is told: who lacks the right hears that, not what stands in the way of those who have it
        self.needs();
        self.relations();
        self.uses();
        self.equalities();
        let cells = self.outputs();
        self.writes();
        self.turned_parameters();
        self.calls();
        self.types();
        self.casts();
        self.settings();
        self.explained();
        cells
    }

    /// Keeps the first refusal.
    fn refuse(&mut self, reject: Reject) {
        if !self.profile.unrestricted && self.refused.is_none() {
            self.refused = Some(reject);
        }
    }

    fn instance(&self, id: InstanceId) -> Option<&'a Instance> {
        self.analysis.instance(id)
    }

    /// The catalog's relation that an instance stands for; `None` for the session's own.
    fn relation_of(&self, id: InstanceId) -> Option<Oid> {
        self.analysis.relation_of(id)
    }

    /// What the principal sees of a source. The session's own relations hold what it was shown before.
    fn outcome(&self, source: Source) -> Outcome {
        match self.instance(source.instance).map(|i| i.of) {
            Some(InstanceOf::Catalog(oid)) => column_outcome(self.catalog, self.profile, oid, source.column),
            Some(InstanceOf::Temporary | InstanceOf::Uncommitted) => Outcome::Clear,
            None => Outcome::Absent(crate::policy::Absence::System),
        }
    }

    /// What of a source's veil is left to be done where it is used: nothing, where it is masked in SQL.
    fn seen(&self, source: Source) -> Outcome {
        if self.demand.has(source) { Outcome::Clear } else { self.outcome(source) }
    }

    /// Notes a column for the audit, where it has a class or is veiled.
    fn note(&mut self, source: Source, usage: &'static str, action: Action) {
        if let Some(relation) = self.relation_of(source.instance) {
            self.note_column(relation, source.column, usage, action);
            self.note_below(relation, source.column, action);
        }
    }

    /// Notes a column for the audit of which nothing is used that is masked, where it has a class itself.
    fn note_whole(&mut self, source: Source, usage: &'static str) {
        let Some(relation) = self.relation_of(source.instance) else { return };
        if let Some(class) = self.profile.class(relation, source.column) {
            self.enter(words::column_name(self.catalog, relation, source.column), Some(class), usage, Action::Allow, &Outcome::Clear);
        }
    }

    /// What a view's definition uses of the tables below it; under 0 whatever is asked of the view.
    fn note_below(&mut self, view: Oid, column: i16, action: Action) {
        let uses = self.profile.view(view).and_then(|v| v.uses.get(&column));
        for Below { relation, column, kind } in uses.into_iter().flatten() {
            let veiled = column_outcome(self.catalog, self.profile, *relation, *column).is_veiled();
            self.note_column(*relation, *column, words::usage(*kind), if veiled { action } else { Action::Allow });
        }
    }

    fn note_column(&mut self, relation: Oid, number: i16, usage: &'static str, action: Action) {
        let outcome = column_outcome(self.catalog, self.profile, relation, number);
        let class = self.profile.class(relation, number);
        if class.is_none() && !outcome.is_veiled() && self.profile.paths(relation, number).is_empty() {
            return;
        }
        if outcome.is_veiled() {
            self.kind = Kind::MaskRows;
        }
        let column = words::column_name(self.catalog, relation, number);
        let paths = self.profile.paths(relation, number);
        for path in paths {
            let action = if action == Action::Mask && !path.read.is_veiled() { Action::Allow } else { action };
            self.enter(format!("{column}.{}", path.text), path.class.clone(), usage, action, &path.read);
        }
        if paths.is_empty() || class.is_some() {
            self.enter(column, class, usage, action, &outcome);
        }
    }

    /// Adds a line for the audit.
    fn enter(&mut self, column: String, class: Option<ClassName>, usage: &'static str, action: Action, outcome: &Outcome) {
        let (mask, role) = words::rule_of(outcome);
        let reveal = if let Outcome::Masked(rule) = outcome { rule.reveal } else { Reveal::default() };
        let entry = ColumnUse { column: column.into(), class, usage, action, mask, role, reveal };
        if !self.columns.contains(&entry) {
            self.columns.push(entry);
        }
    }

    fn decision(&mut self) -> Decision {
        let mut relations: BTreeSet<QualifiedName> = self.analysis.instances.iter().map(|i| i.name.clone()).collect();
        let oids = (0..).map(InstanceId).take(self.analysis.instances.len()).filter_map(|id| self.relation_of(id));
        let below = oids.filter_map(|oid| self.profile.view(oid)).flat_map(|view| &view.relations);
        relations.extend(below.filter_map(|oid| Some(self.catalog.relation(*oid)?.name.clone())));
        Decision {
            relations: Some(relations.into_iter().collect()),
            columns: std::mem::take(&mut self.columns),
            scrub: self.scrub && !self.profile.unrestricted,
        }
    }
}

#[cfg(test)]
pub(super) mod fixture;
#[cfg(test)]
mod tests;
