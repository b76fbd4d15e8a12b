//! Uses, comparisons and result columns against the outcomes of their columns and the laws of their masks.

use std::sync::Arc;

use super::demand::has_sql;
use super::{Judge, words};
use crate::catalog::{Column, PgType, Scalar, Shape};
use crate::mask::Laws;
use crate::plan::SessionRelation;
use crate::plan::permit::{Action, Cell};
use crate::policy::{MaskRule, Outcome, Reveal};
use crate::sql::Reject;
use crate::sql::effect::Deed;
use crate::sql::model::{Flow, InstanceOf, Output, Source, Use, UseKind};

/// What makes a use of the raw column equal to the veil: a law of its mask, or that the rule gives this much up on purpose.
pub(super) struct Commutes {
    law: fn(&Laws) -> bool,
    pub(super) reveal: fn(Reveal) -> bool,
}

/// What a use asks for (semantics.md, "The laws of a mask").
pub(super) fn commutes(kind: UseKind) -> Commutes {
    let by = |law: fn(&Laws) -> bool, reveal: fn(Reveal) -> bool| Commutes { law, reveal };
    match kind {
        UseKind::Output => by(|_| true, |_| false),
        UseKind::NullTest | UseKind::Count => by(|l| l.always, |_| false),
        // of an equality the other side counts as much: see `equalities`
        UseKind::Group | UseKind::Distinct | UseKind::CountDistinct | UseKind::Equality => by(|l| l.injective, |r| r.equality),
        UseKind::SetOperation | UseKind::Using => by(|_| false, |r| r.equality),
        UseKind::MinMax => by(|l| l.order_preserving, |r| r.order),
        UseKind::Order => by(|_| false, |r| r.order),
        UseKind::Lookup(_) | UseKind::LookupMany(_) => by(|_| false, |r| r.lookup),
        UseKind::EqualsConstant
        | UseKind::Aggregate
        | UseKind::Filter
        | UseKind::Join
        | UseKind::Expression
        | UseKind::Member(_)
        | UseKind::MixedOutput
        | UseKind::Recursive
        | UseKind::WholeRow
        | UseKind::WriteSource
        | UseKind::Conflict
        | UseKind::Shadow
        | UseKind::Named => by(|_| false, |_| false),
    }
}

impl Judge<'_> {
    /// Every use of a column that is not a result column.
    pub(super) fn uses(&mut self) {
        for (place, Use { source, kind, at }) in self.analysis.uses.iter().enumerate() {
            if self.passes(*source, *kind) {
                self.note_whole(*source, words::usage(*kind));
                continue;
            }
            let verdict = self.turned_use(place, *source, *kind).unwrap_or_else(|| self.a_use(*source, *kind));
            self.conclude(*source, *kind, verdict, *at);
        }
        if let Some(first) = self.analysis.vanished.first()
            && self.profile.star_refuse
        {
            let column = self.column(first.source);
            let who = words::roles(self.profile);
            let reject = Reject::forbidden("star", format!("{who}: {column} would vanish from '*', and 'star: refuse' holds"));
            self.refuse(reject.hint("name the columns").at(first.at));
        }
    }

    fn conclude(&mut self, source: Source, kind: UseKind, verdict: Result<Action, Reject>, at: i32) {
        match verdict {
            Ok(action) => self.note(source, words::usage(kind), action),
            Err(reject) => {
                self.note(source, words::usage(kind), Action::Deny);
                self.refuse(reject.at(at));
            }
        }
    }

    fn a_use(&mut self, source: Source, kind: UseKind) -> Result<Action, Reject> {
        if kind == UseKind::Named {
            return match self.outcome(source) {
                Outcome::Absent(absence) => Err(words::absent(&absence, &self.column(source), self.profile)),
                Outcome::Clear | Outcome::Masked(_) | Outcome::Conditional(_) => Ok(Action::Allow),
            };
        }
        if self.demand.has(source) {
            return self.use_in_sql(source, kind);
        }
        let rule = match self.outcome(source) {
            Outcome::Clear => return Ok(Action::Allow),
            Outcome::Masked(rule) => rule,
            // over the veil the row is without it: no right is missing
            Outcome::Absent(_) if matches!(kind, UseKind::WholeRow | UseKind::Shadow) => {
                if self.veil_instance(source.instance, kind) {
                    return Ok(Action::Deny);
                }
                let message = format!("a whole row with {}, which does not exist for the role, {}", self.column(source), words::NOT_YET);
                return Err(Reject::unclear("whole row", message).hint("select the columns by name"));
            }
            Outcome::Conditional(_) if self.veil_column(source, kind) => return Ok(Action::Mask),
            other @ (Outcome::Conditional(_) | Outcome::Absent(_)) => return Err(self.not_masked(&other, source)),
        };
        let laws = self.laws(source, &rule);
        let Commutes { law, reveal } = commutes(kind);
        let revealed = reveal(rule.reveal) && self.countable(source, kind);
        if let UseKind::Lookup(n) = kind
            && revealed
        {
            self.lookups.values(n)?;
        }
        if let UseKind::LookupMany(parameter) = kind
            && revealed
        {
            self.lookups.array(parameter);
        }
        if laws.as_ref().is_some_and(law) || revealed || self.veil_column(source, kind) {
            Ok(Action::Mask)
        } else {
            Err(self.cannot_commute(kind, source, &rule))
        }
    }

    /// Whether a use is of a member or field alone that no mask reaches: it is the same in the veil, where that need not be put in.
    fn passes(&self, source: Source, kind: UseKind) -> bool {
        let UseKind::Member(at) = kind else { return false };
        let (Some(names), Some(ty)) = (self.analysis.members.get(at), self.source_type(source)) else { return false };
        !self.demand.has(source) && passes(&self.outcome(source), &ty, names)
    }

    /// Whether it is known when all that a lookup compares is counted: the elements of an array at Bind, where they stand apart by commas.
    /// What PREPARE prepares gets its arrays from EXECUTE, and nothing counts those.
    fn countable(&self, source: Source, kind: UseKind) -> bool {
        let commas = |ty: PgType| matches!(ty.shape, Shape::Scalar(scalar) if scalar != Scalar::Other);
        !matches!(kind, UseKind::LookupMany(_))
            || (!matches!(self.analysis.deed, Deed::Prepare { .. }) && self.source_type(source).is_some_and(commas))
    }

    /// Why a masked column cannot be used so.
    fn cannot_commute(&self, kind: UseKind, source: Source, rule: &MaskRule) -> Reject {
        words::cannot_commute(kind, &self.column(source), rule, self.laws(source, rule), self.source_type(source).as_ref())
    }

    /// Why a column that is neither clear nor masked cannot be used at all.
    fn not_masked(&self, outcome: &Outcome, source: Source) -> Reject {
        let column = self.column(source);
        match outcome {
            Outcome::Absent(absence) => words::absent(absence, &column, self.profile),
            Outcome::Conditional(_) => match self.source_type(source).filter(|ty| !has_sql(outcome, ty)) {
                Some(ty) => Reject::unclear("condition", format!("{column} has a rule with 'when', of which a mask has no SQL form"))
                    .hint(format!("these masks have one for its type: {}", words::with_sql_form(&ty))),
                None => Reject::unclear("condition", format!("{column} has a rule with 'when', {}", words::NOT_YET)),
            },
            Outcome::Clear | Outcome::Masked(_) => Reject::unclear("column", format!("{column} cannot be used so")),
        }
    }

    /// Columns that are compared with each other: equal values must have equal masks on both sides, and others others.
    pub(super) fn equalities(&mut self) {
        for equality in &self.analysis.equalities {
            let sources: Vec<Source> = equality.left.sources().iter().chain(equality.right.sources()).copied().collect();
            let masked: Vec<(Source, MaskRule)> = sources.iter().filter_map(|s| Some((*s, self.rule(*s)?))).collect();
            if masked.iter().all(|(_, rule)| rule.reveal.equality) {
                continue;
            }
            let plain = |f: &Flow| matches!(f, Flow::Plain(_) | Flow::Null);
            let both = plain(&equality.left) && plain(&equality.right) && masked.len() == sources.len();
            let injective = masked.iter().all(|(s, rule)| self.laws(*s, rule).is_some_and(|l| l.injective));
            if both && injective && self.one_key(&sources) {
                continue;
            }
            let left: Vec<(Source, MaskRule)> =
                masked.into_iter().filter(|(s, r)| !r.reveal.equality && !self.veil_column(*s, UseKind::Equality)).collect();
            if let Some((source, rule)) = left.first() {
                let reject = self.cannot_commute(UseKind::Equality, *source, rule);
                self.refuse(reject.at(equality.at));
            }
        }
    }

    /// Result columns: the cells, cut behind the last masked one.
    pub(super) fn outputs(&mut self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for output in self.analysis.outputs.iter().flatten() {
            let cell = self.output(output);
            cells.push(cell);
        }
        let used = cells.iter().rposition(|c| matches!(c, Cell::Masked { .. })).map_or(0, |i| i + 1);
        cells.truncate(used);
        cells
    }

    fn output(&mut self, output: &Output) -> Cell {
        let sources = output.flow.sources();
        let veiled: Vec<Source> = sources.iter().copied().filter(|s| self.seen(*s).is_veiled()).collect();
        let cell = match (&output.flow, veiled.first()) {
            (_, None) => Ok(Cell::Clear),
            (Flow::Plain(_), Some(first)) => self.masked_cell(sources, *first),
            (Flow::Mixed(_) | Flow::Null | Flow::Computed, Some(first)) => Err(self.unlike(*first)),
        };
        // what cannot be masked where it comes out may be masked where it goes in
        let cell = match cell {
            Err(_) if veiled.iter().all(|s| self.veil_column(*s, UseKind::Output)) => Ok(Cell::Clear),
            other => other,
        };
        // of what is veiled: in the row, or in SQL
        let action = if cell.is_ok() { Action::Mask } else { Action::Deny };
        for source in sources {
            let clear = !self.outcome(*source).is_veiled();
            self.note(*source, "output", if clear { Action::Allow } else { action });
        }
        cell.unwrap_or_else(|reject| {
            self.refuse(reject.at(output.at));
            Cell::Clear
        })
    }

    /// A result column with veiled sources: all must have one mask and one type.
    fn masked_cell(&self, sources: &[Source], first: Source) -> Result<Cell, Reject> {
        if let Some(other) = sources.iter().map(|s| (*s, self.seen(*s))).find(|(_, o)| !matches!(o, Outcome::Clear | Outcome::Masked(_))) {
            return Err(self.not_masked(&other.1, other.0));
        }
        let Some((rule, ty)) = self.one_mask(sources) else {
            return Err(self.unlike(first));
        };
        if rule.mask.laws(&ty).is_none() {
            return Err(self.cannot_commute(UseKind::Output, first, &rule));
        }
        let origins = sources.iter().filter_map(|s| Some((self.relation_of(s.instance)?, s.column))).collect();
        let class = sources.iter().find_map(|s| self.profile.class(self.relation_of(s.instance)?, s.column));
        Ok(Cell::Masked { rule, ty, origins, class })
    }

    fn unlike(&self, source: Source) -> Reject {
        match self.outcome(source) {
            Outcome::Masked(rule) => self.cannot_commute(UseKind::MixedOutput, source, &rule),
            other @ (Outcome::Clear | Outcome::Conditional(_) | Outcome::Absent(_)) => self.not_masked(&other, source),
        }
    }

    /// The mask and type that all sources share.
    pub(super) fn one_mask(&self, sources: &[Source]) -> Option<(MaskRule, PgType)> {
        let (first, rest) = sources.split_first()?;
        let (rule, ty) = (self.rule(*first)?, self.source_type(*first)?);
        let alike = |s: &Source| match (self.rule(*s), self.source_type(*s)) {
            (Some(other), Some(t)) => t == ty && same_mask(&rule, &other, &ty),
            _ => false,
        };
        rest.iter().all(alike).then_some((rule, ty))
    }

    /// Whether equal values of all sources have one mask. Text is masked alike whatever its declared length: an injective mask is never
    /// cut.
    fn one_key(&self, sources: &[Source]) -> bool {
        let plain = |s: &Source| self.source_type(*s).map(|ty| (ty, is_plain_text(&ty)));
        let Some((first, rest)) = sources.split_first() else { return false };
        let (Some(rule), Some((ty, text))) = (self.rule(*first), plain(first)) else { return false };
        rest.iter().all(|s| match (self.rule(*s), plain(s)) {
            (Some(other), Some((t, also))) => (t == ty || (text && also)) && same_mask(&rule, &other, &ty) && same_mask(&rule, &other, &t),
            _ => false,
        })
    }

    fn rule(&self, source: Source) -> Option<MaskRule> {
        match self.seen(source) {
            Outcome::Masked(rule) => Some(rule),
            Outcome::Clear | Outcome::Conditional(_) | Outcome::Absent(_) => None,
        }
    }

    /// The laws of a column's mask. A collation that does not come with PostgreSQL may be a non-deterministic one, under which equal texts
    /// have different masks.
    pub(super) fn laws(&self, source: Source, rule: &MaskRule) -> Option<Laws> {
        let column = self.stored(source)?;
        let laws = rule.mask.laws(&column.ty)?;
        let tells_apart = column.collation.as_ref().is_none_or(|c| &*c.schema == "pg_catalog");
        Some(Laws { injective: laws.injective && tells_apart, reversible: laws.reversible && tells_apart, ..laws })
    }

    fn stored(&self, source: Source) -> Option<&Column> {
        self.catalog.relation(self.relation_of(source.instance)?)?.column_number(source.column)
    }

    pub(super) fn source_type(&self, source: Source) -> Option<PgType> {
        self.stored(source).map(|column| column.ty)
    }

    /// The declared type of a source, where it is known.
    pub(super) fn type_of(&self, source: Source) -> Option<crate::catalog::Oid> {
        self.source_type(source).or_else(|| self.own_type(source)).map(|ty| ty.oid)
    }

    /// The same of a column of the session's own relation, where that was looked up.
    fn own_type(&self, source: Source) -> Option<PgType> {
        let instance = self.instance(source.instance).filter(|i| !matches!(i.of, InstanceOf::Catalog(_)))?;
        let is = |r: &&SessionRelation| *r.name == *instance.name.name;
        self.own.iter().filter(is).filter_map(|r| r.looked_up.as_ref()).find_map(|r| r.column_number(source.column)).map(|c| c.ty)
    }

    pub(super) fn column(&self, source: Source) -> String {
        match self.relation_of(source.instance) {
            Some(relation) => words::column(self.catalog, self.profile, relation, source.column),
            None => "a column of the session's own relation".to_owned(),
        }
    }
}

/// Whether a member is what it is, whatever is seen of what is around it.
fn passes(outcome: &Outcome, ty: &PgType, names: &[Box<str>]) -> bool {
    match outcome {
        Outcome::Clear => true,
        Outcome::Masked(rule) => rule.mask.passes(ty, names),
        Outcome::Conditional(condition) => passes(&condition.then, ty, names) && passes(&condition.otherwise, ty, names),
        Outcome::Absent(_) => false,
    }
}

/// `text` and `varchar`, which compare as one type.
fn is_plain_text(ty: &PgType) -> bool {
    matches!(ty.shape, Shape::Scalar(Scalar::Text | Scalar::Varchar))
}

/// Whether two rules give the same mask for the same value. Keyed masks are the same only where they are one: what is printed of
/// them does not tell their keys apart.
fn same_mask(a: &MaskRule, b: &MaskRule, ty: &PgType) -> bool {
    let keyless = |rule: &MaskRule| rule.mask.laws(ty).is_some_and(|l| l.sql);
    let printed_alike = || a.name == b.name && keyless(a) && keyless(b) && format!("{:?}", a.mask) == format!("{:?}", b.mask);
    Arc::ptr_eq(&a.mask, &b.mask) || printed_alike()
}
