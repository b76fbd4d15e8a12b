//! Conditions of the policy on a table's rows, `rows` and `when`, that can be asked of what a view puts out: the view gives rows of that one table as
//! they are, with each column that the condition reads under its own name. Such a view is left as it is, and is written through as its table is.

use super::of;
use crate::catalog::{Catalog, Column, Relation};
use crate::plan::decide;
use crate::policy::{Outcome, Profile, RowCondition, may_stand_above};
use crate::sql;
use crate::sql::model::{Analysis, Output};

/// A view that gives rows of one relation.
pub(super) struct Above<'a> {
    view: &'a Relation,
    below: &'a Relation,
    analysis: &'a Analysis,
}

impl<'a> Above<'a> {
    /// Nothing in the view may tell of rows that it looks at: it would before the condition is asked.
    pub(super) fn of(catalog: &'a Catalog, view: &'a Relation, analysis: &'a Analysis) -> Option<Self> {
        let [instance] = analysis.instances.as_slice() else { return None };
        let plain = analysis.inlined.is_empty() && analysis.bodies.is_empty() && !analysis.leaks.any() && !view.runs_code;
        let simple = plain && sql::gives_rows_of_one(view.definition.as_deref()?);
        let below = catalog.relation(instance.relation()?).filter(|_| simple)?;
        Some(Self { view, below, analysis })
    }

    /// The condition of the rows below, as one of the view's rows.
    pub(super) fn rows(&self, profile: &Profile) -> Option<RowCondition> {
        let condition = profile.rows(self.below.oid)?;
        // what is written to a column may be written by each of its names
        let reads = |output: &Output| output.origin.is_some_and(|source| condition.reads.contains(&source.column));
        let reads = self.columns().filter(|(_, output)| reads(output)).map(|(column, _)| column.number).collect();
        self.holds(&condition.sql).then(|| RowCondition { sql: condition.sql.clone(), reads })
    }

    /// What is seen of a column that is one of the relation below and masked by a condition.
    pub(super) fn seen(&self, catalog: &Catalog, profile: &Profile, output: &Output) -> Option<Outcome> {
        let source = output.origin.filter(|source| source.column > 0)?;
        let outcome = decide::column_outcome(catalog, profile, of(self.analysis, source)?, source.column);
        self.holds_all(&outcome).then_some(outcome)
    }

    fn holds_all(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Conditional(condition) => {
                let branch = |o: &Outcome| !matches!(o, Outcome::Conditional(_)) || self.holds_all(o);
                self.holds(&condition.when) && branch(&condition.then) && branch(&condition.otherwise)
            }
            Outcome::Clear | Outcome::Masked(_) | Outcome::Absent(_) => false,
        }
    }

    fn holds(&self, condition: &str) -> bool {
        may_stand_above(self.below, condition, |column| self.gives(column))
    }

    /// Whether a column below is one of the view's, by the same name.
    fn gives(&self, column: i16) -> bool {
        let is = |output: &Output| output.origin.is_some_and(|source| source.column == column);
        self.below.column_number(column).is_some_and(|of| self.columns().any(|(c, output)| c.name == of.name && is(output)))
    }

    fn columns(&self) -> impl Iterator<Item = (&Column, &Output)> {
        self.view.columns.iter().zip(self.analysis.outputs.as_deref().unwrap_or_default())
    }
}
