//! From a text to a decision for each of its statements: read, analysed, judged, printed. What is judged and how is in `decide`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::body::Bodies;
use super::decide::{self, Allowance, Decided, Demand};
use super::fold::Fold;
use super::grant::grant;
use super::lookups::Lookups;
use super::permit::{Decision, Grant, Kind, Permit, RowsOf};
use super::turned::TurnedBack;
use super::{Described, Plan, Planned, Protocol, Refusal, RefusalKind, SessionRelation, Setting, UNREADABLE, veil, view};
use crate::base::RawSql;
use crate::catalog::Oid;
use crate::sql::model::Analysis;
use crate::sql::{self, Checked, Context, Description, Local, Parsed, Reject, Syntax};

/// What `pg_dump` sends since the releases of August 2024, literally: the setting's name comes from a table, so it cannot be
/// followed; it makes no text mean anything else (`set_restrict_relation_kind` in `pg_dump.c`).
const DUMPS_SETTING: [&str; 2] = [
    "SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'",
    "SELECT set_config(name, 'view', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'",
];

/// Decides a text. The result has one element for each statement; an empty text gives none.
/// A text that cannot be parsed gives one refusal, or for an unrestricted principal one permit for the text as it is.
#[must_use]
pub fn plan_text(sql: &RawSql, param_types: &[Oid], protocol: Protocol, setting: Setting<'_>) -> Vec<Planned> {
    let text = sql.as_str();
    let read = match sql::read(text, setting.parse_limit) {
        Ok(read) => read,
        Err(reject) => return vec![unread(text, reject, setting)],
    };
    if protocol == Protocol::Extended && read.statements.len() > 1 {
        let reject = Reject::postgres(Syntax::SyntaxError, "cannot insert multiple commands into a prepared statement");
        return vec![unread(text, Reject { reason: UNREADABLE, ..reject }, setting)];
    }
    // what stands between quotes and is no name may be a value
    let known = |name: &str| setting.catalog.has_name(name);
    let mut planned = Vec::with_capacity(read.statements.len());
    let mut fold = Fold::new();
    for statement in read.statements {
        let described = sql::describe(text, &read.scanned.tokens, &statement, &known).into();
        let mut plan = plan_statement(text, statement, param_types, fold.setting(setting));
        if !setting.profile.unrestricted {
            let decision = plan.decision();
            let names = decision.relations.as_ref().is_none_or(|r| !r.is_empty()) || matches!(plan, Plan::Refuse(_));
            if let Some(refusal) = fold.refusal(text, decision).filter(|_| names) {
                plan = Plan::Refuse(refusal);
            }
        }
        if let Plan::Send(permit) = &plan {
            fold.follow(permit.effect(), setting);
        }
        planned.push(Planned { plan, described });
    }
    planned
}

/// Decides one statement.
fn plan_statement(text: &str, mut statement: Parsed, params: &[Oid], setting: Setting<'_>) -> Plan {
    let Setting { catalog, profile, names, fingerprint_key: _, parse_limit: _ } = setting;
    let own = text.get(statement.start..statement.end).unwrap_or_default();
    let locals: Vec<Local<'_>> = names.relations.iter().map(SessionRelation::local).collect();
    let bodies = Bodies::new(setting);
    let hidden = |relation, column| view::hides(catalog, profile, relation, column);
    let mut inside = BTreeSet::new();
    // each round but the last puts the definition of at least one more view in its place
    loop {
        let definition = |oid| view::definition(catalog, profile, &inside, oid);
        let in_place = |oid, below| bodies.is_veiled(oid, below);
        let cx = Context {
            locals: &locals,
            params,
            hidden: &hidden,
            inside: &definition,
            bodies: &in_place,
            ..Context::bare(catalog, &names.search_path)
        };
        let analysed = sql::analyse(&mut statement, cx);
        if profile.unrestricted {
            return passed(own, analysed.ok().as_ref(), setting);
        }
        let wanted = analysed.as_ref().map_or_else(|_| BTreeSet::new(), |analysis| view::wanted(profile, analysis));
        if !wanted.is_subset(&inside)
            && let Some(tree) = again(text, &statement, setting)
        {
            inside.extend(wanted);
            statement = tree;
            continue;
        }
        return match analysed {
            Ok(analysis) => match bodies.check(&analysis, 0) {
                Ok(()) => judged(text, own, &statement, &analysis, setting, cx),
                Err(reject) => Plan::Refuse(Refusal::from_reject(reject, text, decide::survey(&analysis, setting))),
            },
            Err((reject, partial)) => {
                let unclear = reject.kind == RefusalKind::Unclear;
                let reject = decide::lacking(&partial, setting).filter(|_| unclear).unwrap_or(reject);
                Plan::Refuse(Refusal::from_reject(reject, text, decide::survey(&partial, setting)))
            }
        };
    }
}

/// A governed principal's statement: judged, then printed from the tree that was judged.
fn judged(text: &str, own: &str, statement: &Parsed, analysis: &Analysis, setting: Setting<'_>, cx: Context<'_>) -> Plan {
    let decided = match decide::decide(analysis, setting, allowance(own)) {
        Ok(decided) => decided,
        Err(refused) => {
            let (reject, decision) = *refused;
            return Plan::Refuse(Refusal::from_reject(reject, text, decision));
        }
    };
    let veiled = if decided.demand.is_empty() && !analysis.puts_in_place() && decided.turns.is_empty() {
        Ok(None)
    } else {
        veiled(text, statement, analysis, &decided, setting, cx).map(Some)
    };
    let printed = veiled.and_then(|veiled| {
        let (tree, unasked) = veiled.as_ref().map_or((statement, false), |(tree, unasked)| (tree, *unasked));
        Ok((sql::print(tree, own, analysis)?, sql::copied(tree)?, unasked))
    });
    match printed {
        Ok((rendered, copied, unasked)) => {
            let row_check = decide::row_check(analysis, setting, unasked);
            Plan::Send(grant(rendered.text(), copied.map(|c| c.text()), analysis, decided, row_check))
        }
        Err(reject) => Plan::Refuse(Refusal::from_reject(reject, text, decided.decision)),
    }
}

/// The statement with veils in the place of the instances that need them and parameters in that of what is turned back, and whether it gives rows that were not asked for: read and
/// walked once more, which must find what the first walk found.
fn veiled(
    text: &str,
    first: &Parsed,
    analysis: &Analysis,
    decided: &Decided,
    setting: Setting<'_>,
    cx: Context<'_>,
) -> Checked<(Parsed, bool)> {
    let mut veils = veil::veils(analysis, setting, &decided.demand)?;
    veils.turns.clone_from(&decided.turns);
    let lost = || Reject::unclear("veil", "a relation that must be veiled cannot be found in the statement again");
    let mut tree = again(text, first, setting).ok_or_else(lost)?;
    let found = sql::analyse(&mut tree, Context { veils: Some(&veils), ..cx }).map_err(|(reject, _)| reject)?;
    let same = found.instances.len() == analysis.instances.len()
        && found.inlined == analysis.inlined
        && found.bodies == analysis.bodies
        && found.turned == decided.turns.len()
        && veils.instances().all(|id| found.veiled.contains(&id));
    if same { Ok((tree, found.unasked)) } else { Err(lost()) }
}

/// The statement as it was read, its tree untouched.
fn again(text: &str, first: &Parsed, setting: Setting<'_>) -> Option<Parsed> {
    sql::read(text, setting.parse_limit).ok()?.statements.into_iter().find(|s| s.start == first.start)
}

/// Texts of known clients that are let through beyond what their analysis shows.
fn allowance(own: &str) -> Allowance {
    let words = || own.trim_end_matches(';').split_whitespace();
    if DUMPS_SETTING.iter().any(|text| text.split(' ').eq(words())) { Allowance::SetsSetting } else { Allowance::None }
}

/// The client's own text, for an unrestricted principal; the analysis serves the audit and what the session follows.
fn passed(own: &str, analysis: Option<&Analysis>, setting: Setting<'_>) -> Plan {
    let Some(analysis) = analysis else { return pass(own) };
    let decided = Decided {
        kind: Kind::Forward,
        cells: Vec::new(),
        arity: None,
        decision: decide::survey(analysis, setting),
        defers: false,
        demand: Demand::default(),
        lookups: Lookups::default(),
        turned: TurnedBack::default(),
        turns: BTreeMap::new(),
        sees_plans: true,
    };
    Plan::Send(grant(own.into(), None, analysis, decided, None))
}

/// A text that was not read: refused, or passed as it is.
fn unread(text: &str, reject: Reject, setting: Setting<'_>) -> Planned {
    let described = sql::describe_unread(text, setting.fingerprint_key).into();
    let plan =
        if setting.profile.unrestricted { pass(text) } else { Plan::Refuse(Refusal::from_reject(reject, text, Decision::default())) };
    Planned { plan, described }
}

/// An unrestricted principal's text that was not understood.
fn pass(text: &str) -> Plan {
    Plan::Send(Permit::new(text.into(), Grant::plain(Kind::Forward, Decision::default(), RowsOf::Own)))
}

impl From<Description> for Described {
    fn from(description: Description) -> Self {
        Self { text: Arc::from(description.text), fingerprint: Arc::from(description.fingerprint) }
    }
}

#[cfg(test)]
mod tests;
