//! What each role says of a column, and what several roles say together (policy.md, "Reading").

use std::sync::Arc;

use crate::base::Place;
use crate::catalog::{Column, Oid, PgType};
use crate::mask::Mask;
use crate::policy::bind::{BoundPolicy, BoundRelation, CompositeType, Known, Rank, RoleRules};
use crate::policy::key::{ObjectKey, field_text, path_text};
use crate::policy::model::{ReadRule, RoleEntry, Rule, Target, covers};
use crate::policy::profile::{Absence, ClassName, Condition, DocumentPath, Inside, MaskRule, Outcome, Reveal};

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

impl Asked<'_> {
    /// How well a key of more parts than a column's fits the column.
    fn rank_inside(&self, key: &ObjectKey) -> Option<Rank> {
        self.known.rank(key, self.number).filter(|_| key.parts.len() > 3)
    }
}

/// How well a rule fits: by how much of the column it names, then by the patterns in that.
type Fit = (usize, Rank, u8);

impl BoundPolicy {
    /// The rule that decides: a field's or the longest path's before a column's before a table's before the deepest class's.
    fn deciding<'a, T>(&self, rules: &'a [Rule<T>], about: &[usize], asked: &Asked<'a>, inside: Option<&Inside>) -> Option<&'a Rule<T>> {
        self.object_rule(rules, about, asked, inside).or_else(|| {
            let class = asked.class?;
            let covering = rules.iter().filter_map(|rule| match &rule.target {
                Target::Class(upper) if covers(upper, class) => Some((upper.len(), rule)),
                Target::Class(_) | Target::Object(_) => None,
            });
            covering.max_by_key(|(depth, _)| *depth).map(|(_, rule)| rule)
        })
    }

    fn object_rule<'a, T>(&self, rules: &'a [Rule<T>], about: &[usize], asked: &Asked<'_>, inside: Option<&Inside>) -> Option<&'a Rule<T>> {
        let mut best: Option<(Fit, &Rule<T>)> = None;
        for rule in about.iter().filter_map(|i| rules.get(*i)) {
            let Target::Object(key) = &rule.target else { continue };
            let column = || asked.known.rank(key, asked.number);
            let fit = match (key.parts.as_slice(), key.path.as_deref(), inside) {
                ([_, _], None, _) => asked.known.table_rank(key).map(|r| (0, r, 0)),
                ([_, _, _], None, _) => column().map(|r| (1, r, 0)),
                ([_, _, _], Some(own), Some(Inside::Path(path))) if path.starts_with(own) => column().map(|r| (2 + own.len(), r, 0)),
                ([_, _, _, ..], None, Some(Inside::Field(field))) => {
                    self.field_rank(key, asked, *field).and_then(|f| Some((2, column()?, f)))
                }
                _ => None,
            };
            if let Some(fit) = fit.filter(|fit| best.is_none_or(|(b, _)| *fit > b)) {
                best = Some((fit, rule));
            }
        }
        best.map(|(_, rule)| rule)
    }

    /// The composite type of a column.
    fn composite(&self, asked: &Asked<'_>) -> Option<&CompositeType> {
        self.composites.get(&asked.ty.oid)
    }

    fn field_rank(&self, key: &ObjectKey, asked: &Asked<'_>, field: i16) -> Option<u8> {
        self.composite(asked)?.rank(key.parts.get(3..)?, field)
    }

    /// What one role says of reading.
    fn verdict<'a>(&self, role: Role<'a>, asked: &Asked<'a>, inside: Option<&Inside>) -> Verdict<'a> {
        let about = asked.bound.and_then(|b| b.roles.get(role.0)).map_or(&[][..], |r| &r.read);
        match self.deciding(&role.1.read, about, asked, inside) {
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
        self.deciding(&role.1.read, about, &asked, path.map(|p| &p.inside)).map(|rule| rule.place.clone())
    }

    /// Whether the roles have a rule on the column or its table.
    pub(super) fn has_object_rule(&self, roles: &[Role<'_>], asked: &Asked<'_>) -> bool {
        self.any_about(roles, asked, &|role, about| self.object_rule(&role.read, about, asked, None).is_some())
    }

    /// Whether the roles have a rule on the column, its table, or a path or field within.
    pub(super) fn has_rule(&self, roles: &[Role<'_>], asked: &Asked<'_>) -> bool {
        self.has_object_rule(roles, asked) || self.has_rule_inside(roles, asked)
    }

    /// Whether the roles have a rule on a path into the column or a field of it.
    fn has_rule_inside(&self, roles: &[Role<'_>], asked: &Asked<'_>) -> bool {
        let inside = |key: &&ObjectKey| (key.path.is_some() || key.parts.len() > 3) && asked.known.rank(key, asked.number).is_some();
        self.any_about(roles, asked, &|role, about| keys(&role.read, about).iter().any(inside))
    }

    fn any_about(&self, roles: &[Role<'_>], asked: &Asked<'_>, is: &dyn Fn(&RoleEntry, &[usize]) -> bool) -> bool {
        roles.iter().any(|(i, role)| is(role, asked.bound.and_then(|b| b.roles.get(*i)).map_or(&[][..], |r| &r.read)))
    }

    /// What all roles together say of a column, or of a place in it.
    pub(super) fn plain<'a>(&self, roles: &[Role<'a>], asked: &Asked<'a>, inside: Option<&Inside>) -> Outcome {
        let field = |number: i16| self.composite(asked).and_then(|c| c.row.field(number));
        let fits = |mask: &Mask| match inside {
            None => mask.laws(asked.ty).is_some(),
            Some(Inside::Path(_)) => mask.fits_in(asked.ty),
            Some(Inside::Field(number)) => field(*number).is_some_and(|f| mask.fits_field(&f.ty)),
        };
        let mut veil: Option<(&Arc<str>, &ReadRule)> = None;
        let (mut clear, mut no_rule) = (false, false);
        for role in roles {
            match self.verdict(*role, asked, inside) {
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

    /// What all roles together say of a column, and of the places in it.
    pub(super) fn read<'a>(&self, roles: &[Role<'a>], asked: &Asked<'a>) -> (Outcome, Vec<DocumentPath>) {
        let whole = self.plain(roles, asked, None);
        if self.hides_deep(roles, asked) {
            let absent = if let Outcome::Absent(_) = whole { whole } else { Outcome::Absent(Absence::Derived) };
            return (absent, Vec::new());
        }
        let seen = |(inside, class): (Inside, Option<ClassName>)| {
            let of = class.as_ref().or(asked.class);
            let read = self.plain(roles, &Asked { class: of, ..*asked }, Some(&inside));
            DocumentPath { text: self.text(asked, &inside).into(), inside, class, read }
        };
        let places = self.places(roles, asked, |role, about| keys(&role.read, &about.read)).into_iter().map(seen).collect();
        (whole, places)
    }

    /// A place as it is written.
    fn text(&self, asked: &Asked<'_>, inside: &Inside) -> String {
        match inside {
            Inside::Path(steps) => path_text(steps),
            Inside::Field(number) => {
                self.composite(asked).and_then(|c| c.row.field(*number)).map_or_else(String::new, |f| field_text(&f.name))
            }
        }
    }

    /// Places in a column that a class or a rule is about.
    fn places<'a>(
        &self,
        roles: &[Role<'a>],
        asked: &Asked<'a>,
        keys: fn(&'a RoleEntry, &'a RoleRules) -> Vec<&'a ObjectKey>,
    ) -> Vec<(Inside, Option<ClassName>)> {
        let about = |(i, role): &Role<'a>| asked.bound.and_then(|b| b.roles.get(*i)).map(|about| keys(role, about));
        let keys: Vec<&ObjectKey> = roles.iter().filter_map(about).flatten().collect();
        let bound = asked.bound.and_then(|b| b.columns.get(&asked.number));
        let mut places: Vec<(Inside, Option<ClassName>)> =
            bound.into_iter().flat_map(|b| &b.paths).map(|(path, class)| (Inside::Path(path.clone()), Some(class.clone()))).collect();
        for key in &keys {
            if let Some(path) = key.path.as_ref().filter(|_| key.parts.len() == 3 && asked.known.rank(key, asked.number).is_some())
                && !places.iter().any(|(p, _)| matches!(p, Inside::Path(p) if p == path))
            {
                places.push((Inside::Path(path.clone()), None));
            }
        }
        for field in self.composite(asked).into_iter().flat_map(|c| &c.row.fields) {
            let class = bound.and_then(|b| b.fields.get(&field.number)).cloned();
            let ruled = |key: &&ObjectKey| asked.rank_inside(key).is_some() && self.field_rank(key, asked, field.number).is_some();
            if class.is_some() || keys.iter().any(ruled) {
                places.push((Inside::Field(field.number), class));
            }
        }
        places
    }

    /// What lies deeper than the fields of a composite type, or in another type, is not told apart: where it is not clear, no part of the
    /// column is.
    fn hides_deep<'a>(&self, roles: &[Role<'a>], asked: &Asked<'a>) -> bool {
        let by_class = self.deep(asked).any(|class| self.plain(roles, &Asked { class: Some(class), ..*asked }, None).is_veiled());
        by_class || roles.iter().any(|(_, role)| role.read.iter().any(|rule| rule.value != ReadRule::Allow && self.is_deep(rule, asked)))
    }

    fn deep<'a>(&self, asked: &Asked<'a>) -> impl Iterator<Item = &'a ClassName> {
        asked.bound.and_then(|b| b.columns.get(&asked.number)).into_iter().flat_map(|b| &b.deep)
    }

    fn is_deep<T>(&self, rule: &Rule<T>, asked: &Asked<'_>) -> bool {
        let Target::Object(key) = &rule.target else { return false };
        let hides = match (self.composite(asked), key.parts.get(3..).unwrap_or_default()) {
            (Some(of), field @ [_]) => !of.has(field) && !rule.optional && key.is_exact(),
            _ => true,
        };
        hides && asked.rank_inside(key).is_some()
    }

    /// Whether the roles together allow the column to be set, with all that is in it. `needed`: also without a class it needs a rule.
    pub(super) fn write<'a>(&self, roles: &[Role<'a>], asked: &Asked<'a>, needed: bool) -> bool {
        let places = self.places(roles, asked, |role, about| keys(&role.write, &about.write));
        let inside = |(inside, class): &(Inside, Option<ClassName>)| {
            let of = class.as_ref().or(asked.class);
            self.may_set(roles, &Asked { class: of, ..*asked }, needed, Some(inside))
        };
        let deep = |class: &'a ClassName| self.may_set(roles, &Asked { class: Some(class), ..*asked }, needed, None);
        let denied = |rule: &Rule<bool>| !rule.value && self.is_deep(rule, asked);
        self.may_set(roles, asked, needed, None)
            && places.iter().all(inside)
            && self.deep(asked).all(deep)
            && !roles.iter().any(|(_, role)| role.write.iter().any(denied))
    }

    fn may_set<'a>(&self, roles: &[Role<'a>], asked: &Asked<'a>, needed: bool, inside: Option<&Inside>) -> bool {
        let mut allowed = false;
        for (i, role) in roles {
            let about = asked.bound.and_then(|b| b.roles.get(*i)).map_or(&[][..], |r| &r.write);
            match self.deciding(&role.write, about, asked, inside) {
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
