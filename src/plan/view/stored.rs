//! Materialized views: copies of what is raw (policy.md, "Stored copies"). Their definitions are read as those of views are; but what was
//! stored cannot be veiled below, so a column is a copy under its source's own mask, or hidden, and what chooses, joins, groups or
//! orders the rows must be the same over the veil.

use std::collections::BTreeSet;

use super::super::decide::{self, Allowance};
use super::{absence, below, names, of, only, own, read, relations, seen, setting, without};
use crate::catalog::{Catalog, Column, Oid, Relation};
use crate::plan::Setting;
use crate::policy::{Absence, Below, ColumnProfile, DerivedView, Outcome, Profile, SeenView, constant};
use crate::sql::model::{Analysis, Output, Source};
use crate::sql::{self, Checked, Reject};

/// Finds out what is seen of a materialized view. With rows of its own those below do not count.
pub(super) fn look(catalog: &Catalog, profile: &Profile, relation: &Relation, place: &DerivedView, view: &mut SeenView) -> Checked<()> {
    if view.relation.rows.is_none() {
        return judge(catalog, profile, relation, place, view);
    }
    let profile = profile.of_all_rows();
    relation.reads.iter().for_each(|(oid, _)| super::look(catalog, &profile, *oid));
    judge(catalog, &profile, relation, place, view)
}

fn judge(catalog: &Catalog, profile: &Profile, relation: &Relation, place: &DerivedView, view: &mut SeenView) -> Checked<()> {
    let analysis = read(catalog, profile, relation, false)?;
    view.relations = relations(profile, &analysis);
    if view.relations.iter().any(|oid| profile.rows(*oid).is_some()) {
        return Err(Reject::unclear("rows", "reads relations with row conditions, and the policy gives it no 'rows' of its own"));
    }
    let names = names();
    let setting = setting(catalog, profile, &names);
    let own = own(catalog, &analysis);
    let shared = without(&analysis, &own);
    view.uses.insert(0, below(profile, &shared, None));
    let decided = decide::decide(&shared, setting, Allowance::None).map_err(|refused| refused.0)?;
    if !decided.demand.is_empty() {
        return Err(Reject::unclear("view", "has its rows chosen, joined, grouped or ordered by what is veiled"));
    }
    let outputs = analysis.outputs.as_deref().unwrap_or_default();
    let told = sql::nulls_tell_nothing(relation.definition.as_deref().unwrap_or_default(), super::LONGEST, sql::MAX_DEPTH);
    for (i, ((column, output), own)) in relation.columns.iter().zip(outputs).zip(own).enumerate() {
        let part = only(&analysis, output, own);
        view.uses.insert(column.number, below(profile, &part, Some(output)));
        if place.open.contains(&column.number) {
            let class = output.flow.sources().iter().find_map(|s| profile.class(of(&analysis, *s)?, s.column));
            let read = outcome(setting, column, &part, output, told.get(i) == Some(&true));
            view.relation.columns.insert(column.number, ColumnProfile { read, write: false, class, document: None });
        }
    }
    Ok(())
}

/// What is seen of a column: that of its source where it is a plain copy, else what all sources of it are hidden behind.
fn outcome(setting: Setting<'_>, column: &Column, part: &Analysis, output: &Output, nulls_tell_nothing: bool) -> Outcome {
    let computed = part.uses.iter().map(|u| u.source).chain(output.flow.sources().iter().copied()).any(|s| computes(setting, part, s));
    if part.uses.is_empty() && !computed {
        match decide::decide(part, setting, Allowance::None) {
            Ok(decided) => {
                if let Some(outcome) = seen(column, &decided.demand, &decided.cells) {
                    return outcome;
                }
            }
            Err(_) => return Outcome::Absent(absence(setting.catalog, setting.profile, part, output)),
        }
    }
    let veiled: Vec<Outcome> = sources(setting, part, output).into_iter().filter(Outcome::is_veiled).collect();
    let calls = Analysis { uses: Vec::new(), equalities: Vec::new(), touched: BTreeSet::new(), outputs: None, ..part.clone() };
    if decide::decide(&calls, setting, Allowance::None).is_err() {
        return Outcome::Absent(Absence::Derived);
    }
    if veiled.is_empty() && !computed {
        return Outcome::Clear;
    }
    if veiled.is_empty() {
        return Outcome::Absent(Absence::Derived); // the policy names what is between
    }
    let hides = nulls_tell_nothing && !computed && is_of_simple(setting.catalog, part, output);
    constant(veiled.iter(), &column.ty, hides).map_or(Outcome::Absent(Absence::Derived), Outcome::Masked)
}

/// Whether a view below computes a column of what is veiled.
fn computes(setting: Setting<'_>, part: &Analysis, source: Source) -> bool {
    let view = of(part, source).and_then(|oid| setting.profile.view(oid));
    view.is_some_and(|view| view.inside.contains(&source.column))
}

/// Whether all columns that another is computed from are of types that NULL tells nothing of.
fn is_of_simple(catalog: &Catalog, part: &Analysis, output: &Output) -> bool {
    let ty = |source: Source| Some(&catalog.relation(of(part, source)?)?.column_number(source.column)?.ty);
    let mut named = part.uses.iter().map(|u| u.source).chain(output.flow.sources().iter().copied());
    named.all(|source| ty(source).is_some_and(|ty| sql::is_simple(catalog, ty)))
}

/// What is seen of each column that another is computed from, through what views below compute.
fn sources(setting: Setting<'_>, part: &Analysis, output: &Output) -> Vec<Outcome> {
    let (catalog, profile) = (setting.catalog, setting.profile);
    let named = part.uses.iter().map(|u| u.source).chain(output.flow.sources().iter().copied());
    let columns = named.filter_map(|source| Some((of(part, source)?, source.column)));
    let through = |(oid, column): (Oid, i16)| match profile.view(oid).filter(|view| view.inside.contains(&column)) {
        Some(view) => {
            view.uses.get(&column).into_iter().flatten().map(|Below { relation, column, kind: _ }| (*relation, *column)).collect()
        }
        None => vec![(oid, column)],
    };
    columns.flat_map(through).map(|(oid, column)| decide::column_outcome(catalog, profile, oid, column)).collect()
}
