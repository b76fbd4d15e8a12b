//! Comparisons with constants of columns whose masks can be turned back: the raw column is compared with the value that a constant is the
//! mask of, which is equal exactly where the mask is. NULL stays NULL, and what is no mask of the column's type equals nothing.

use super::Judge;
use crate::catalog::{Oid, PgType};
use crate::plan::permit::Action;
use crate::plan::turned::{Turn, UNKNOWN, is_wider};
use crate::policy::MaskRule;
use crate::sql::Reject;
use crate::sql::effect::Deed;
use crate::sql::model::{Comparison, New, Source, UseKind};

impl Judge<'_> {
    /// The verdict on the use at this place, where it belongs to such a comparison.
    pub(super) fn turned_use(&mut self, place: usize, source: Source, kind: UseKind) -> Option<Result<Action, Reject>> {
        if !matches!(kind, UseKind::EqualsConstant | UseKind::Lookup(_) | UseKind::LookupMany(_)) {
            return None;
        }
        let comparison = self.analysis.comparisons.iter().find(|c| c.uses.contains(&place))?;
        let (rule, ty) = self.one_mask(&comparison.sources)?;
        let reveals = rule.reveal.lookup && !matches!(kind, UseKind::EqualsConstant);
        let reversible = |s: &Source| self.laws(*s, &rule).is_some_and(|l| l.reversible);
        if reveals || !comparison.sources.iter().all(reversible) {
            return None;
        }
        // all its columns are turned back at once
        if place != comparison.uses.start {
            return Some(Ok(Action::Mask));
        }
        Some(self.turn(comparison, &rule, ty, source).map(|()| Action::Mask))
    }

    /// The verdict on what is stored in a masked column, where that is a constant that can be turned back, DEFAULT, or NULL where no mask is.
    pub(super) fn turned_write(&mut self, target: Source, new: &New, at: i32) -> Option<Result<(), Reject>> {
        if *new == New::Default {
            return Some(Ok(()));
        }
        let (rule, ty) = self.one_mask(&[target])?;
        let laws = self.laws(target, &rule)?;
        let turn = Turn { mask: &rule.mask, ty, stored: true };
        let number = match new {
            New::Null => return laws.always.then_some(Ok(())),
            New::OneOf(all) if all.is_empty() => return laws.always.then_some(Ok(())),
            New::Constant(constant) if laws.reversible => {
                self.may_turn(target).and_then(|()| self.turned.add(constant, turn)).map_err(|reject| reject.at(constant.at))
            }
            New::OneOf(all) if laws.reversible => self.may_turn(target).and_then(|()| self.turned.add_pairs(all, turn)),
            New::Constant(_) | New::OneOf(_) | New::Default | New::Other => return None,
        };
        Some(number.map(|number| {
            self.turns.insert(at, number);
        }))
    }

    /// Whether parameters can be put in the place of constants, and the text is nowhere shown.
    fn may_turn(&self, source: Source) -> Result<(), Reject> {
        if matches!(self.analysis.deed, Deed::None | Deed::Declare { .. }) && self.analysis.needs.is_empty() {
            return Ok(());
        }
        let message =
            format!("{} is turned back from its mask, which a statement of this kind would show or cannot do", self.column(source));
        let hint = if matches!(self.analysis.deed, Deed::Prepare { .. }) {
            "prepare it by the driver, in the extended protocol, or send the statement by itself"
        } else {
            "use SELECT, INSERT, UPDATE, DELETE, MERGE or DECLARE by itself"
        };
        Err(Reject::unclear("turned back", message).hint(hint))
    }

    fn turn(&mut self, comparison: &Comparison, rule: &MaskRule, ty: PgType, source: Source) -> Result<(), Reject> {
        self.may_turn(source)?;
        let column = || self.column(source);
        let (untyped, typed): (Vec<_>, Vec<_>) = comparison.with.iter().map(|c| c.ty).partition(Option::is_none);
        if !untyped.is_empty() && typed.into_iter().flatten().any(|oid| is_wider(oid, ty.scalar())) {
            let message = format!("{} is compared with constants of which some have a wider type, and some none", column());
            return Err(Reject::unclear("turned back", message).hint("cast them to the column's type"));
        }
        let turn = Turn { mask: &rule.mask, ty, stored: false };
        comparison.with.iter().try_for_each(|constant| {
            let number = self.turned.add(constant, turn).map_err(|reject| reject.at(constant.at))?;
            self.turns.insert(constant.at, number);
            Ok(())
        })
    }

    /// A parameter without a type has that of the first thing it is compared with: where it stands elsewhere too, that may be another.
    pub(super) fn turned_parameters(&mut self) {
        let undeclared = |index: &usize| self.analysis.declared.get(*index).is_none_or(|ty| matches!(*ty, Oid(0) | UNKNOWN));
        let turned: Vec<(usize, usize)> = self.turned.named().iter().map(|(i, n)| (*i, *n)).filter(|(i, _)| undeclared(i)).collect();
        for (index, turned) in turned {
            let named = self.analysis.parameters.iter().filter(|n| usize::try_from(**n - 1) == Ok(index)).count();
            if named != turned {
                let message = format!("parameter ${} is turned back from a mask in one place, and used as it is in another", index + 1);
                let reject = Reject::unclear("turned back", message);
                return self.refuse(reject.hint("declare its type, or use two parameters"));
            }
        }
    }
}
