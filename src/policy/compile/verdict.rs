//! What each role says of a column, and what several roles say together (policy.md, "Reading").

use std::sync::Arc;

use crate::base::Place;
use crate::catalog::{Column, Oid, PgType};
use crate::mask::{Mask, Step};
use crate::policy::bind::{BoundColumn, BoundPolicy, BoundRelation, Known, Rank, RoleRules};
use crate::policy::key::{ObjectKey, path_text};
use crate::policy::model::{ReadRule, RoleEntry, Rule, Target, covers};
use crate::policy::profile::{Absence, ClassName, Condition, DocumentPath, MaskRule, Outcome, Reveal};

/// One role's word.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict<'a> {
    Rule(&'a ReadRule),
    /// It has a class and no rule.
    NoRule,
    /// It has no class.
    Unclassified,
}

/// A column of a relation that is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) known: &'a Known,
    pub(super) bound: Option<&'a BoundRelation>,
    pub(super) number: i16,
    pub(super) ty: &'a PgType,
    pub(super) class: Option<&'a ClassName>,
}

/// A role of the principal, with its position in the model.
pub(super) type Role<'a> = (usize, &'a RoleEntry);

/// The rule that decides: the longest path's before a column's before a table's before the deepest class's.
fn deciding<'a, T>(rules: &'a [Rule<T>], about: &[usize], asked: &Asked<'_>, path: Option<&[Step]>) -> Option<&'a Rule<T>> {
    let object = object_rule(rules, about, asked, path);
    object.or_else(|| {
        let class = asked.class?;
        let covering = rules.iter().filter_map(|rule| match &rule.target {
            Target::Class(upper) if covers(upper, class) => Some((upper.len(), rule)),
            Target::Class(_) | Target::Object(_) => None,
        });
        covering.max_by_key(|(depth, _)| *depth).map(|(_, rule)| rule)
    })
}

fn object_rule<'a, T>(rules: &'a [Rule<T>], about: &[usize], asked: &Asked<'_>, path: Option<&[Step]>) -> Option<&'a Rule<T>> {
    let mut best: Option<((usize, Rank), &Rule<T>)> = None;
    for rule in about.iter().filter_map(|i| rules.get(*i)) {
        let Target::Object(key) = &rule.target else { continue };
        let rank = match (key.parts.len(), key.path.as_deref()) {
            (2, None) => asked.known.table_rank(key).map(|r| (0, r)),
            (3, None) => asked.known.rank(key, asked.number).map(|r| (1, r)),
            (3, Some(own)) if path.is_some_and(|p| p.starts_with(own)) => asked.known.rank(key, asked.number).map(|r| (2 + own.len(), r)),
            _ => None,
        };
        if let Some(rank) = rank.filter(|rank| best.is_none_or(|(b, _)| *rank > b)) {
            best = Some((rank, rule));
        }
    }
    best.map(|(_, rule)| rule)
}

impl BoundPolicy {
    /// What one role says of reading.
    fn verdict<'a>(&self, role: Role<'a>, asked: &Asked<'_>, path: Option<&[Step]>) -> Verdict<'a> {
        let about = asked.bound.and_then(|b| b.roles.get(role.0)).map_or(&[][..], |r| &r.read);
        match deciding(&role.1.read, about, asked, path) {
            Some(rule) => Verdict::Rule(&rule.value),
            None if asked.class.is_some() => Verdict::NoRule,
            None => Verdict::Unclassified,
        }
    }

    /// Where the rule stands by which a role decides on a column or a path into it; `None` where no rule does.
    pub(crate) fn rule_place(&self, role: Role<'_>, relation: Oid, column: &Column, path: Option<&DocumentPath>) -> Option<Place> {
        let known = self.known.get(&relation)?;
        let bound = self.relations.get(&relation);
        let class = bound.and_then(|b| b.columns.get(&column.number)).and_then(|c| c.class.as_ref());
        let class = path.and_then(|p| p.class.as_ref()).or(class);
        let asked = Asked { known, bound, number: column.number, ty: &column.ty, class };
        let about = bound.and_then(|b| b.roles.get(role.0)).map_or(&[][..], |r| &r.read);
        deciding(&role.1.read, about, &asked, path.map(|p| &*p.steps)).map(|rule| rule.place.clone())
    }

    /// Whether the roles have a rule on the column, a path into it or its table.
    pub(super) fn has_object_rule(&self, roles: &[Role<'_>], asked: &Asked<'_>) -> bool {
        roles.iter().any(|(i, role)| {
            let about = asked.bound.and_then(|b| b.roles.get(*i)).map_or(&[][..], |r| &r.read);
            let on_path = |key: &&ObjectKey| key.path.is_some() && asked.known.rank(key, asked.number).is_some();
            object_rule(&role.read, about, asked, None).is_some() || keys(&role.read, about).iter().any(on_path)
        })
    }

    /// What all roles together say of a column, without its paths and fields.
    pub(super) fn plain(&self, roles: &[Role<'_>], asked: &Asked<'_>, path: Option<&[Step]>) -> Outcome {
        let fits = |mask: &Mask| if path.is_none() { mask.laws(asked.ty).is_some() } else { mask.fits_in(asked.ty) };
        let mut veil: Option<(&Arc<str>, &ReadRule)> = None;
        let (mut clear, mut no_rule) = (false, false);
        for role in roles {
            match self.verdict(*role, asked, path) {
                Verdict::Rule(ReadRule::Deny) => return Outcome::Absent(Absence::Denied { role: Arc::clone(&role.1.name) }),
                Verdict::Rule(ReadRule::Allow) => clear = true,
                Verdict::Rule(rule @ (ReadRule::Mask(_) | ReadRule::When(_))) => veil = veil.or(Some((&role.1.name, rule))),
                Verdict::NoRule => no_rule = true,
                Verdict::Unclassified => clear |= !role.1.unclassified_deny,
            }
        }
        match veil {
            _ if clear => Outcome::Clear,
            Some((role, rule)) => self.outcome(rule, role, &fits),
            None if no_rule => Outcome::Absent(Absence::NoRule),
            None => Outcome::Absent(Absence::Unclassified),
        }
    }

    /// A rule, where its masks fit.
    fn outcome(&self, rule: &ReadRule, role: &Arc<str>, fits: &dyn Fn(&Mask) -> bool) -> Outcome {
        match rule {
            ReadRule::Allow => Outcome::Clear,
            ReadRule::Deny => Outcome::Absent(Absence::Denied { role: Arc::clone(role) }),
            ReadRule::Mask(used) => match self.mask(used, role) {
                Some(rule) if fits(&rule.mask) => Outcome::Masked(rule),
                _ => Outcome::Absent(Absence::Misfit { mask: Arc::clone(&used.name) }),
            },
            ReadRule::When(when) => {
                let then = self.branch(&when.then, role, fits);
                let otherwise = self.branch(&when.otherwise, role, fits);
                match (then, otherwise) {
                    (Outcome::Absent(why), _) | (_, Outcome::Absent(why)) => Outcome::Absent(why),
                    (then, otherwise) => Outcome::Conditional(Arc::new(Condition { when: Arc::clone(&when.sql), then, otherwise })),
                }
            }
        }
    }

    /// `deny` in a branch is the mask `null`.
    fn branch(&self, rule: &ReadRule, role: &Arc<str>, fits: &dyn Fn(&Mask) -> bool) -> Outcome {
        if *rule == ReadRule::Deny {
            let mask = Arc::new(Mask::null());
            return Outcome::Masked(MaskRule { name: "null".into(), mask, reveal: Reveal::default(), role: Arc::clone(role) });
        }
        self.outcome(rule, role, fits)
    }

    /// What all roles together say of a column with its fields, and of the paths into it.
    pub(super) fn read(&self, roles: &[Role<'_>], asked: &Asked<'_>) -> (Outcome, Vec<DocumentPath>) {
        let whole = self.plain(roles, asked, None);
        let bound = asked.bound.and_then(|b| b.columns.get(&asked.number));
        if self.field_is_veiled(roles, asked, bound) {
            let absent = if let Outcome::Absent(_) = whole { whole } else { Outcome::Absent(Absence::Derived) };
            return (absent, Vec::new());
        }
        let seen = |(steps, class): (Vec<Step>, Option<ClassName>)| {
            let of = class.as_ref().or(asked.class);
            let read = self.plain(roles, &Asked { class: of, ..*asked }, Some(&steps));
            DocumentPath { text: path_text(&steps).into(), steps, class, read }
        };
        let paths = self.paths(roles, asked, |role, about| keys(&role.read, &about.read)).into_iter().map(seen).collect();
        (whole, paths)
    }

    /// Paths that a class or a rule is about.
    fn paths<'a>(
        &self,
        roles: &[Role<'a>],
        asked: &Asked<'a>,
        keys: fn(&'a RoleEntry, &'a RoleRules) -> Vec<&'a ObjectKey>,
    ) -> Vec<(Vec<Step>, Option<ClassName>)> {
        let bound = asked.bound.and_then(|b| b.columns.get(&asked.number));
        let mut paths: Vec<(Vec<Step>, Option<ClassName>)> =
            bound.into_iter().flat_map(|b| &b.paths).map(|(path, class)| (path.clone(), Some(class.clone()))).collect();
        for (i, role) in roles {
            let about = asked.bound.and_then(|b| b.roles.get(*i));
            for key in about.into_iter().flat_map(|about| keys(role, about)) {
                if let Some(path) = key.path.as_ref().filter(|_| key.parts.len() == 3 && asked.known.rank(key, asked.number).is_some())
                    && !paths.iter().any(|(p, _)| p == path)
                {
                    paths.push((path.clone(), None));
                }
            }
        }
        paths
    }

    /// A field of it is not clear: then no part of it is.
    fn field_is_veiled(&self, roles: &[Role<'_>], asked: &Asked<'_>, bound: Option<&BoundColumn>) -> bool {
        let classes = bound.into_iter().flat_map(|b| &b.fields);
        let by_class = classes.into_iter().any(|class| self.plain(roles, &Asked { class: Some(class), ..*asked }, None).is_veiled());
        let by_rule = |rule: &Rule<ReadRule>| match &rule.target {
            Target::Object(key) => key.parts.len() > 3 && asked.known.rank(key, asked.number).is_some() && rule.value != ReadRule::Allow,
            Target::Class(_) => false,
        };
        by_class || roles.iter().any(|(_, role)| role.read.iter().any(by_rule))
    }

    /// Whether the roles together allow the column to be set, with all that paths lead to in it. `needed`: also without a class it needs
    /// a rule.
    pub(super) fn write(&self, roles: &[Role<'_>], asked: &Asked<'_>, needed: bool) -> bool {
        let paths = self.paths(roles, asked, |role, about| keys(&role.write, &about.write));
        let inside = |(steps, class): &(Vec<Step>, Option<ClassName>)| {
            let of = class.as_ref().or(asked.class);
            self.may_set(roles, &Asked { class: of, ..*asked }, needed, Some(steps))
        };
        self.may_set(roles, asked, needed, None) && paths.iter().all(inside)
    }

    fn may_set(&self, roles: &[Role<'_>], asked: &Asked<'_>, needed: bool, path: Option<&[Step]>) -> bool {
        let mut allowed = false;
        for (i, role) in roles {
            let about = asked.bound.and_then(|b| b.roles.get(*i)).map_or(&[][..], |r| &r.write);
            match deciding(&role.write, about, asked, path) {
                Some(rule) if !rule.value => return false,
                Some(_) => allowed = true,
                None => allowed |= asked.class.is_none() && !role.unclassified_deny && !needed,
            }
        }
        allowed
    }
}

/// The objects that rules are about.
fn keys<'a, T>(rules: &'a [Rule<T>], about: &[usize]) -> Vec<&'a ObjectKey> {
    let targets = about.iter().filter_map(|i| rules.get(*i)).map(|rule| &rule.target);
    targets.filter_map(|target| if let Target::Object(key) = target { Some(key) } else { None }).collect()
}
