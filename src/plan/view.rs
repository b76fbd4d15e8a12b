//! Views are their definition over the veil (policy.md, "Derived data"). A definition is analysed and judged like a statement of the same
//! principal; where all that it does commutes with the masks below, the view is left as it is, and each of its columns has the outcome
//! that a result column of that statement has. What is stored is `stored`'s. Done when a view is first named, and kept in the profile.

use std::collections::{BTreeMap, BTreeSet};

mod above;
mod stored;

use self::above::Above;
use super::body::Bodies;
use super::decide::{self, Allowance, Demand};
use super::permit::{Cell, Kind};
use super::{Names, Setting};
use crate::catalog::{Catalog, Column, FIRST_NORMAL_OID, Oid, Relation, RelationKind};
use crate::policy::{Absence, Below, ColumnProfile, DerivedView, Outcome, Profile, Reading, SeenView};
use crate::sql::model::{Analysis, Instance, Output, Part, Source, Use, UseKind};
use crate::sql::{self, Checked, Context, Definition, Reject};

/// The longest definition that is read, in bytes: it is read where the statement that names it is.
const LONGEST: usize = 64 << 10;

/// Finds out what is seen of a view, and before that of each view that it reads.
pub(super) fn look(catalog: &Catalog, profile: &Profile, view: Oid) {
    let unseen = |oid: Oid| profile.views.get(&oid).is_some_and(|v| v.seen.get().is_none());
    if !unseen(view) {
        return;
    }
    let mut waiting = vec![view];
    while let Some(relation) = waiting.last().and_then(|oid| catalog.relation(*oid)) {
        let below = relation.reads.iter().map(|(oid, _)| *oid).find(|oid| unseen(*oid) && !waiting.contains(oid));
        if let Some(oid) = below {
            waiting.push(oid);
            continue;
        }
        waiting.pop();
        if let Some(place) = profile.views.get(&relation.oid) {
            // another thread may have found it meanwhile: the same
            let _ = place.seen.set(see(catalog, profile, relation, place));
        }
    }
}

fn see(catalog: &Catalog, profile: &Profile, relation: &Relation, place: &DerivedView) -> SeenView {
    let mut view = SeenView {
        relation: profile.relations.get(&relation.oid).cloned().unwrap_or_default(),
        reading: Reading::AsItIs,
        inside: BTreeSet::new(),
        relations: BTreeSet::new(),
        uses: BTreeMap::new(),
    };
    let looked = if place.stored {
        stored::look(catalog, profile, relation, place, &mut view)
    } else {
        whole(catalog, profile, relation, place, &mut view)
    };
    if let Err(why) = looked
        && !place.named
    {
        view.reading = Reading::Not(why);
    }
    view
}

/// Whether a column does not exist for the principal, also of a view that nobody has named before.
pub(super) fn hides(catalog: &Catalog, profile: &Profile, relation: Oid, column: i16) -> bool {
    look(catalog, profile, relation);
    decide::is_hidden(catalog, profile, relation, column)
}

/// A view that is its definition.
fn whole(catalog: &Catalog, profile: &Profile, relation: &Relation, place: &DerivedView, view: &mut SeenView) -> Checked<()> {
    let analysis = read(catalog, profile, relation, true)?;
    view.relations = relations(profile, &analysis);
    let above = Above::of(catalog, relation, &analysis).filter(|_| !place.named);
    let rows = above.as_ref().and_then(|above| above.rows(profile));
    let judge = |profile: &Profile, view: &mut SeenView| judge((catalog, profile), relation, &analysis, above.as_ref(), place, view);
    if rows.is_some() {
        let mut as_it_is = view.clone();
        let all = profile.of_all_rows();
        relation.reads.iter().for_each(|(oid, _)| look(catalog, &all, *oid));
        judge(&all, &mut as_it_is)?;
        if matches!(as_it_is.reading, Reading::AsItIs) {
            as_it_is.relation.rows = rows;
            *view = as_it_is;
            return Ok(());
        }
    }
    judge(profile, view)
}

/// The definition to put in the place of a view, where nothing else gives it: always, or because of the columns that are asked for.
pub(super) fn definition(catalog: &Catalog, profile: &Profile, inside: &BTreeSet<Oid>, oid: Oid) -> Option<Definition> {
    look(catalog, profile, oid);
    let view = profile.view(oid)?;
    let wanted = match view.reading {
        Reading::AsItIs => inside.contains(&oid),
        Reading::Inside => true,
        Reading::Not(_) => false,
    };
    let relation = catalog.relation(oid).filter(|_| wanted)?;
    let visible = relation.columns.iter().map(|c| !decide::is_hidden(catalog, profile, oid, c.number)).collect();
    Some(Definition { text: relation.definition.clone()?, visible })
}

/// Views of which a statement asks for columns that no mask at their output gives.
pub(super) fn wanted(profile: &Profile, analysis: &Analysis) -> BTreeSet<Oid> {
    let inside = |source: &&Source| {
        let view = of(analysis, **source).and_then(|oid| profile.view(oid));
        view.is_some_and(|v| v.inside.contains(&source.column)) && !analysis.inlined.contains_key(&source.instance)
    };
    analysis.touched.iter().filter(inside).filter_map(|source| of(analysis, *source)).collect()
}

/// A view's definition, analysed; with those of views below it in their places, where nothing else gives them. What the server has recorded
/// that it depends on must be in it.
fn read(catalog: &Catalog, profile: &Profile, relation: &Relation, through: bool) -> Checked<Analysis> {
    let lost = || Reject::unclear("view", "is not known");
    let text = relation.definition.as_deref().ok_or_else(lost)?;
    let path: [Box<str>; 1] = ["pg_catalog".into()]; // that of the session that had it printed
    let hidden = |_, _| false; // it names its columns
    let names = names();
    let bodies = Bodies::new(setting(catalog, profile, &names));
    let mut inside = BTreeSet::new();
    let mut analysis = loop {
        let put = |oid| definition(catalog, profile, &inside, oid).filter(|_| through);
        let in_place = |oid, below| through && bodies.is_veiled(oid, below);
        let cx = Context { hidden: &hidden, inside: &put, bodies: &in_place, ..Context::bare(catalog, &path) };
        let mut statement = sql::read(text, LONGEST)?.statements.pop().ok_or_else(lost)?;
        let analysis = sql::analyse(&mut statement, cx).map_err(|(reject, _)| reject)?;
        let wanted = wanted(profile, &analysis);
        if !through || wanted.is_subset(&inside) {
            break analysis;
        }
        inside.extend(wanted);
    };
    if analysis.outputs.as_ref().map(Vec::len) != Some(relation.columns.len()) {
        return Err(lost());
    }
    touches_all(catalog, relation, &analysis)?;
    calls_all(relation, profile, &bodies, &mut analysis)?;
    bodies.check(&analysis, 0)?;
    Ok(analysis)
}

/// The columns that the server says the view depends on: another reading of the same definition.
fn touches_all(catalog: &Catalog, relation: &Relation, analysis: &Analysis) -> Checked<()> {
    let oid = |source: &Source| of(analysis, *source).map(|oid| (oid, source.column));
    let touched: BTreeSet<(Oid, i16)> = analysis.touched.iter().filter_map(oid).collect();
    let named: BTreeSet<Oid> = analysis.instances.iter().filter_map(Instance::relation).collect();
    // of a view in whose place its definition was put the columns are found in that
    let put: BTreeSet<Oid> = analysis.inlined.keys().filter_map(|id| analysis.relation_of(*id)).collect();
    let found = |oid: &Oid, column: i16| column <= 0 || put.contains(oid) || touched.contains(&(*oid, column));
    // a field depends on its type, of which there are no rows
    let is_type = |oid: Oid| catalog.relation(oid).is_some_and(|r| r.kind == RelationKind::Composite);
    let all = relation.reads.iter().all(|(oid, column)| (named.contains(oid) && found(oid, *column)) || is_type(*oid));
    if all { Ok(()) } else { Err(Reject::unclear("view", "depends on more than is found in it")) }
}

/// Of functions from outside PostgreSQL the server knows exactly which are called. What it found otherwise than by a name that the analysis
/// knows is hidden in a cast.
fn calls_all(relation: &Relation, profile: &Profile, bodies: &Bodies<'_>, analysis: &mut Analysis) -> Checked<()> {
    for call in &mut analysis.calls {
        call.candidates.retain(|oid| *oid < FIRST_NORMAL_OID || relation.calls.contains(oid));
    }
    let put = |oid: &Oid| analysis.bodies.iter().any(|b| b.function == *oid);
    let found = |oid: &Oid| put(oid) || analysis.calls.iter().any(|c| c.candidates.contains(oid));
    let all = relation.calls.iter().all(|oid| found(oid) || (profile.functions.contains(oid) && !bodies.is_veiled(*oid, 0)));
    if all { Ok(()) } else { Err(Reject::unclear("view", "calls a function that does not come with PostgreSQL")) }
}

/// Judges what holds for the whole view, then each of its columns by itself.
fn judge(
    (catalog, profile): (&Catalog, &Profile),
    relation: &Relation,
    analysis: &Analysis,
    above: Option<&Above<'_>>,
    place: &DerivedView,
    view: &mut SeenView,
) -> Checked<()> {
    let names = names();
    let setting = setting(catalog, profile, &names);
    let outputs = analysis.outputs.as_deref().unwrap_or_default();
    let own = own(catalog, analysis);
    let shared = without(analysis, &own);
    view.uses.insert(0, below(profile, &shared, None));
    let decided = decide::decide(&shared, setting, Allowance::None).map_err(|refused| refused.0)?;
    if decided.kind == Kind::Rewrite {
        if place.named {
            return Ok(()); // what the policy does not say stays absent
        }
        view.reading = Reading::Inside;
    }
    for ((column, output), own) in relation.columns.iter().zip(outputs).zip(own) {
        let part = only(analysis, output, own);
        view.uses.insert(column.number, below(profile, &part, Some(output)));
        if !place.open.contains(&column.number) {
            continue;
        }
        let read = match decide::decide(&part, setting, Allowance::None) {
            Ok(decided) => {
                let asked = || above.and_then(|above| above.seen(catalog, profile, output));
                seen(column, &decided.demand, &decided.cells).or_else(asked)
            }
            Err(_) => Some(Outcome::Absent(absence(catalog, profile, &part, output))),
        };
        if read.is_none() && !place.named {
            view.inside.insert(column.number);
        }
        let class = output.flow.sources().iter().find_map(|s| profile.class(of(analysis, *s)?, s.column));
        let read = read.unwrap_or(Outcome::Absent(Absence::Derived));
        view.relation.columns.insert(column.number, ColumnProfile { read, write: false, class, document: None });
    }
    Ok(())
}

/// The names that definitions are printed for.
fn names() -> Names {
    Names { search_path: vec!["pg_catalog".into()], ..Names::default() }
}

fn setting<'a>(catalog: &'a Catalog, profile: &'a Profile, names: &'a Names) -> Setting<'a> {
    Setting { catalog, profile, names, fingerprint_key: &[0; 32], parse_limit: 0 }
}

/// What belongs to one result column alone, for each.
fn own<'a>(catalog: &Catalog, analysis: &'a Analysis) -> Vec<&'a [Part]> {
    let outputs = analysis.outputs.as_deref().unwrap_or_default();
    outputs.iter().map(|o| if gives_rows(catalog, analysis, &o.own) { &[][..] } else { &o.own[..] }).collect()
}

/// What is seen of a column at the view's output, if that can be said there.
fn seen(column: &Column, demand: &Demand, cells: &[Cell]) -> Option<Outcome> {
    match cells {
        _ if !demand.is_empty() => None,
        [Cell::Masked { rule, ty, origins: _, class: _ }] => (*ty == column.ty).then(|| Outcome::Masked(rule.clone())),
        _ => Some(Outcome::Clear),
    }
}

/// Why a column is absent: as its source is, or because it is computed from what is.
fn absence(catalog: &Catalog, profile: &Profile, part: &Analysis, output: &Output) -> Absence {
    let source = output.flow.sources().first().and_then(|s| Some((of(part, *s)?, s.column)));
    match source.map(|(oid, column)| decide::column_outcome(catalog, profile, oid, column)) {
        Some(Outcome::Absent(why)) if part.uses.is_empty() => why,
        _ => Absence::Derived,
    }
}

/// A function in a select list that gives rows decides how many the others are in.
fn gives_rows(catalog: &Catalog, analysis: &Analysis, own: &[Part]) -> bool {
    let calls = own.iter().flat_map(|p| analysis.calls.get(p.calls.clone()).unwrap_or_default());
    calls.flat_map(|c| &c.candidates).any(|oid| catalog.function(*oid).is_none_or(|f| f.returns_set))
}

/// The analysis without what belongs to single columns.
fn without(analysis: &Analysis, own: &[&[Part]]) -> Analysis {
    let parts = || own.iter().flat_map(|p| p.iter());
    let rest = |place: &dyn Fn(&Part) -> &std::ops::Range<usize>, i: usize| !parts().any(|p| place(p).contains(&i));
    let uses = kept(&analysis.uses, |i| rest(&|p| &p.uses, i));
    Analysis {
        touched: uses.iter().map(|u| u.source).collect(),
        uses,
        equalities: kept(&analysis.equalities, |i| rest(&|p| &p.equalities, i)),
        calls: kept(&analysis.calls, |i| rest(&|p| &p.calls, i)),
        types: kept(&analysis.types, |i| rest(&|p| &p.types, i)),
        outputs: None,
        ..analysis.clone()
    }
}

/// What belongs to one column.
fn only(analysis: &Analysis, output: &Output, own: &[Part]) -> Analysis {
    let uses: Vec<Use> = own.iter().flat_map(|p| analysis.uses.get(p.uses.clone()).unwrap_or_default()).copied().collect();
    Analysis {
        touched: uses.iter().map(|u| u.source).chain(output.flow.sources().iter().copied()).collect(),
        uses,
        equalities: own.iter().flat_map(|p| analysis.equalities.get(p.equalities.clone()).unwrap_or_default()).cloned().collect(),
        calls: own.iter().flat_map(|p| analysis.calls.get(p.calls.clone()).unwrap_or_default()).cloned().collect(),
        types: own.iter().flat_map(|p| analysis.types.get(p.types.clone()).unwrap_or_default()).copied().collect(),
        outputs: Some(vec![output.clone()]),
        ..analysis.clone()
    }
}

fn kept<T: Clone>(all: &[T], keep: impl Fn(usize) -> bool) -> Vec<T> {
    all.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, t)| t.clone()).collect()
}

fn of(analysis: &Analysis, source: Source) -> Option<Oid> {
    analysis.relation_of(source.instance)
}

/// The relations behind a view, those behind views among them.
fn relations(profile: &Profile, analysis: &Analysis) -> BTreeSet<Oid> {
    let named = analysis.instances.iter().filter_map(Instance::relation);
    named.flat_map(|oid| profile.view(oid).into_iter().flat_map(|v| v.relations.iter().copied()).chain([oid])).collect()
}

/// What a part of a definition uses of tables, through the views that it reads.
fn below(profile: &Profile, part: &Analysis, output: Option<&Output>) -> Vec<Below> {
    let uses = part.uses.iter().map(|u| (u.source, u.kind));
    let flows = output.into_iter().flat_map(|o| o.flow.sources()).map(|s| (*s, UseKind::Output));
    let mut found: Vec<Below> = Vec::new();
    let through = |oid: Oid, column: i16| profile.view(oid).map(|v| v.uses.get(&column).cloned().unwrap_or_default());
    for (source, kind) in uses.chain(flows) {
        let Some(relation) = of(part, source) else { continue };
        found.extend(through(relation, source.column).unwrap_or_else(|| vec![Below { relation, column: source.column, kind }]));
    }
    if output.is_none() {
        found.extend(part.instances.iter().filter_map(|i| through(i.relation()?, 0)).flatten());
    }
    let mut distinct: Vec<Below> = Vec::new();
    for use_below in found {
        if !distinct.contains(&use_below) {
            distinct.push(use_below);
        }
    }
    distinct
}

#[cfg(test)]
mod tests;
