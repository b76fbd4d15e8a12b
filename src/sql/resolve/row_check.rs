//! Rows that a write makes or changes, held against the row condition: in RETURNING, which sees each as it is stored, behind defaults,
//! generated columns and BEFORE triggers. One that does not satisfy it raises an error there, and nothing of the statement happened.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, ReturningClause, ReturningOption, ReturningOptionKind};

use super::in_place::{Rows, case, constant, target, when};
use super::scope::Item;
use super::veil::single;
use super::write::Returned;
use super::{Resolver, inner, since, unknown};
use crate::sql::reject::{Checked, Reject, Syntax};

/// A setting that no server has and no client can make: to read it raises the error by which the session knows what happened. Where a
/// server has it all the same, its value is no truth value.
pub const UNFIT: &str = "pgscrim.row_condition";

impl Resolver<'_> {
    /// RETURNING, with the check of what was stored beside one of its items; of one that the client did not ask for it is all.
    pub(super) fn returning(&mut self, clause: &mut Option<ReturningClause>, target: &Rc<Item>, rows: Option<&Rows>) -> Checked<Returned> {
        let rows = rows.filter(|r| r.checked);
        let Some(ReturningClause { options, exprs }) = clause else {
            if let Some(rows) = rows {
                *clause = Some(ReturningClause { options: Vec::new(), exprs: single_target(satisfies(rows.condition.clone())?)? });
            }
            return Ok(None);
        };
        self.before_and_after(options, target)?;
        let returned = self.behind(|r| r.targets(exprs))?;
        if let Some(rows) = rows {
            beside(exprs, satisfies(rows.condition.clone())?).ok_or_else(|| unknown("RETURNING without columns"))?;
        }
        Ok(Some(returned))
    }

    /// The row before and after, which RETURNING can name since PostgreSQL 18: by the names that it gives them, else as `old` and `new` where
    /// nothing else is called so (`transformReturningClause`).
    fn before_and_after(&mut self, options: &mut [Node], target: &Rc<Item>) -> Checked<()> {
        if options.is_empty() && self.cx.catalog.contents().server_version < 180_000 {
            return Ok(());
        }
        since::needs(18, "OLD or NEW in RETURNING", self.cx.catalog)?;
        for (kind, usual) in [(ReturningOptionKind::ReturningOptionOld, "old"), (ReturningOptionKind::ReturningOptionNew, "new")] {
            let mut given = None;
            for option in options.iter_mut() {
                let NodeEnum::ReturningOption(option) = inner(option)? else { return Err(unknown("an option of RETURNING")) };
                let ReturningOption { option, value, location: _ } = option;
                if *option == kind as i32 && given.replace(value.clone()).is_some() {
                    return Err(unknown("an option of RETURNING that is given twice"));
                }
            }
            let taken = self.try_item(&[given.as_deref().unwrap_or(usual)], -1)?.is_some();
            let name: Rc<str> = match given {
                Some(name) if taken => {
                    return Err(Reject::postgres(Syntax::DuplicateAlias, format!("table name \"{name}\" specified more than once")));
                }
                Some(name) => {
                    self.saw(&name);
                    name.into()
                }
                None if taken => continue,
                None => usual.into(),
            };
            let mut item = Item { name: (*name).into(), by_column: false, relation: None, aside: true, ..(**target).clone() };
            item.columns.iter_mut().for_each(|column| column.qualifier = Some(Rc::clone(&name)));
            self.levels.last_mut().ok_or_else(|| unknown("RETURNING"))?.items.push(Rc::new(item));
        }
        Ok(())
    }

    /// Whether a statement was given a RETURNING that its text has not.
    pub(super) fn notes_unasked(&mut self, node: &NodeEnum, returned: &Returned) {
        let clause = match node {
            NodeEnum::InsertStmt(insert) => insert.returning_clause.is_some(),
            NodeEnum::UpdateStmt(update) => update.returning_clause.is_some(),
            _ => false,
        };
        self.out.unasked = clause && returned.is_none();
    }
}

/// The condition of ON CONFLICT DO UPDATE: the stored row that stands in the way must exist for the principal.
pub(super) fn stored(rows: &Rows, condition: &mut Option<Box<Node>>) -> Checked<()> {
    let own = condition.take().map_or_else(|| constant(true), |own| *own);
    *condition = Some(Box::new(case(vec![when(rows.condition.clone(), own)], raises()?)));
    Ok(())
}

/// True, or an error.
pub(super) fn satisfies(condition: Node) -> Checked<Node> {
    Ok(case(vec![when(condition, constant(true))], raises()?))
}

/// A truth value that cannot be had.
fn raises() -> Checked<Node> {
    let text = format!("SELECT pg_catalog.concat(pg_catalog.current_setting('{UNFIT}'), '?')::pg_catalog.bool");
    targets(single(&text)?).and_then(|mut list| list.first_mut().and_then(target).map(std::mem::take)).ok_or_else(|| unknown("an error"))
}

fn targets(query: Node) -> Option<Vec<Node>> {
    let Some(NodeEnum::SelectStmt(select)) = query.node else { return None };
    Some(select.target_list)
}

/// A list of one item.
fn single_target(value: Node) -> Checked<Vec<Node>> {
    let mut list = targets(single("SELECT 1")?).ok_or_else(|| unknown("a list"))?;
    let place = list.first_mut().and_then(target).ok_or_else(|| unknown("an item"))?;
    *place = value;
    Ok(list)
}

/// Looks at the check before an item, which is the same behind it: no column more, and of the same type. One that is no plain column
/// already, where there is one: what comes out of CASE has lost its origin.
fn beside(list: &mut [Node], check: Node) -> Option<()> {
    let plain = |node: &mut Node| target(node).is_some_and(|value| matches!(value.node, Some(NodeEnum::ColumnRef(_))));
    let at = list.iter_mut().position(|node| !plain(node)).unwrap_or(0);
    let value = list.get_mut(at).and_then(target)?;
    let own = std::mem::take(value);
    *value = case(vec![when(check, own.clone())], own);
    Some(())
}
