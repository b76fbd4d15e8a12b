//! Views, materialized ones among them, of which the policy does not say what is seen: that follows from their definitions. `plan` reads those, when somebody first asks
//! for a view; what it finds is kept here, so that the profile answers for such a view as for a table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::profile::{MaskRule, Outcome, RelationProfile};
use crate::catalog::{Oid, PgType};
use crate::sql::Reject;
use crate::sql::model::UseKind;

/// A view's place in a profile.
#[derive(Clone, Debug, Default)]
pub struct DerivedView {
    /// The columns of which the policy itself says nothing.
    pub open: BTreeSet<i16>,
    /// It is a materialized view: it holds what its definition gave of what is raw, and no definition can stand in its place.
    pub stored: bool,
    /// The policy says something of the view: it is a relation of its own, and no definition in its place gives what is said of it.
    pub named: bool,
    /// What was found. The same whoever finds it: it follows from the catalog and the profile alone.
    pub seen: OnceLock<SeenView>,
}

/// What a principal sees of a view.
#[derive(Clone, Debug)]
pub struct SeenView {
    /// Its part of the profile.
    pub relation: RelationProfile,
    /// How it can be read.
    pub reading: Reading,
    /// Columns that are more than an unchanged column of a table, so that no mask at the view's output gives them.
    pub inside: BTreeSet<i16>,
    /// The relations behind it.
    pub relations: BTreeSet<Oid>,
    /// What is used of them: for each column of the view, and under 0 whatever is asked.
    pub uses: BTreeMap<i16, Vec<Below>>,
}

/// How a view can be read.
#[derive(Clone, Debug)]
pub enum Reading {
    /// As it is: whatever its definition does commutes with the masks below, which then apply to what it puts out.
    AsItIs,
    /// By its definition in its place alone: something in it does not commute, or chooses rows.
    Inside,
    /// Not at all, and why.
    Not(Reject),
}

/// The mask of what is computed from veiled columns and stored, where all of these are behind constant ones: `null` shows least, and others
/// show where it is NULL, which must tell nothing.
pub(crate) fn constant<'a>(veiled: impl Iterator<Item = &'a Outcome>, ty: &PgType, nulls_tell_nothing: bool) -> Option<MaskRule> {
    let rule = |outcome: &'a Outcome| match outcome {
        Outcome::Masked(rule) if rule.mask.laws(ty).is_some_and(|l| l.constant) => Some(rule),
        Outcome::Masked(_) | Outcome::Clear | Outcome::Conditional(_) | Outcome::Absent(_) => None,
    };
    let rules: Vec<&MaskRule> = veiled.map(rule).collect::<Option<_>>()?;
    let other = || rules.first().filter(|_| nulls_tell_nothing);
    rules.iter().find(|rule| rule.mask.is_null()).or_else(other).map(|rule| (*rule).clone())
}

/// A column of a table that a view uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Below {
    /// The table.
    pub relation: Oid,
    /// The column.
    pub column: i16,
    /// How the definition uses it; `Output` where it is put out unchanged.
    pub kind: UseKind,
}
