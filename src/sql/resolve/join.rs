//! Joins: what they make visible, and USING and NATURAL (`transformFromClauseItem` in `parse_clause.c`).

use std::rc::Rc;

use pg_query::protobuf::{self, JoinExpr, JoinType};

use super::from::no_conflict;
use super::scope::{Column, Item, Wide};
use super::{Resolver, Value, name_nodes, strings, unknown};
use crate::sql::model::{New, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

impl Resolver<'_> {
    /// The items that a join makes visible.
    pub(super) fn join(&mut self, join: &mut JoinExpr) -> Checked<Vec<Rc<Item>>> {
        let JoinExpr { jointype, is_natural, larg, rarg, using_clause, join_using_alias, quals, alias, rtindex: _ } = join;
        let kind = JoinType::try_from(*jointype).unwrap_or(JoinType::Undefined);
        let left = self.from_item(larg.as_mut().ok_or_else(|| unknown("a join without its left side"))?)?;
        let right =
            self.with_items(&left, true, |r| r.from_item(rarg.as_mut().ok_or_else(|| unknown("a join without its right side"))?))?;
        no_conflict(&left, &right)?;
        let using: Vec<Box<str>> =
            if *is_natural { self.common(&left, &right)? } else { strings(using_clause)?.into_iter().map(Into::into).collect() };
        let both: Vec<Rc<Item>> = left.iter().chain(&right).cloned().collect();
        if let Some(quals) = quals {
            self.with_items(&both, false, |r| r.condition(quals, UseKind::Join))?;
        }
        let merged = using.iter().map(|name| self.merge(name, &left, &right, kind)).collect::<Checked<Vec<Column>>>()?;
        let using_item = match join_using_alias {
            Some(protobuf::Alias { aliasname, colnames: _ }) => {
                let named = self.item_of(aliasname.as_str().into(), merged.clone(), &[], false)?;
                Some(Rc::new(Item { by_column: false, ..named }))
            }
            None => None,
        };
        let rest = |side: &[Rc<Item>]| {
            let columns = side.iter().filter(|i| i.by_column).flat_map(|i| i.columns.iter());
            columns.filter(|c| !using.contains(&c.name)).cloned().collect::<Vec<Column>>()
        };
        let mut columns = merged;
        columns.extend(rest(&left));
        columns.extend(rest(&right));
        Wide::Join.holds(columns.len())?;
        let open = both.iter().any(|i| i.open && i.by_column);
        let named = self.alias(alias.as_ref())?;
        let mut items: Vec<Rc<Item>> = using_item.into_iter().collect();
        if let Some(name) = named.name {
            items.push(Rc::new(self.item_of(name, columns, &named.columns, open)?));
        } else {
            items.push(Rc::new(Item { columns, by_column: true, open, ..Item::default() }));
            items.extend(both.iter().map(|i| Rc::new(Item { by_column: false, ..(**i).clone() })));
        }
        Ok(items)
    }

    /// Runs a step while the innermost level has these items, beside those that it had or in their place.
    fn with_items<T>(&mut self, items: &[Rc<Item>], beside: bool, step: impl FnOnce(&mut Self) -> Checked<T>) -> Checked<T> {
        let Some(level) = self.levels.last_mut() else { return Err(unknown("a join")) };
        let before = level.items.clone();
        if !beside {
            level.items.clear();
        }
        level.items.extend(items.iter().cloned());
        let result = step(self);
        if let Some(level) = self.levels.last_mut() {
            level.items = before;
        }
        result
    }

    /// The columns of NATURAL, in the left side's order: those that exist for the principal on both sides. A hidden one of such a name
    /// stands in the way, since the server would join by it.
    fn common(&mut self, left: &[Rc<Item>], right: &[Rc<Item>]) -> Checked<Vec<Box<str>>> {
        let sides = || left.iter().chain(right).filter(|i| i.by_column);
        if sides().any(|i| i.open) {
            return Err(Reject::unclear("unknown_columns", "NATURAL JOIN over a FROM item whose columns are not known"));
        }
        if sides().any(|i| self.covers_system(i)) {
            return Err(Reject::unclear("natural join", "NATURAL JOIN over a veiled relation whose system columns are asked for")
                .hint("name the columns with USING or ON"));
        }
        let columns = |side: &[Rc<Item>]| side.iter().filter(|i| i.by_column).flat_map(|i| i.columns.clone()).collect::<Vec<Column>>();
        let (lefts, rights) = (columns(left), columns(right));
        for (own, others) in [(&lefts, &rights), (&rights, &lefts)] {
            self.touch(own);
            self.shadow(own.iter().filter(|c| others.iter().any(|o| o.name == c.name)), -1);
        }
        let shared = |c: &&Column| !c.hidden && rights.iter().any(|r| !r.hidden && r.name == c.name);
        Ok(lefts.iter().filter(shared).map(|c| c.name.clone()).collect())
    }

    /// A column of USING: both sides are compared.
    fn merge(&mut self, name: &str, left: &[Rc<Item>], right: &[Rc<Item>], kind: JoinType) -> Checked<Column> {
        self.saw(name);
        let (l, r) = (only(name, left, "left")?, only(name, right, "right")?);
        let equals = name_nodes(&["="]);
        self.operator(&equals, 2, -1)?;
        self.operator_may_leak(&equals, &[(self.operand(&l.value, false), self.operand(&r.value, false))]);
        self.touch_value(&l.value);
        self.touch_value(&r.value);
        self.consume(&l.value, UseKind::Using);
        self.consume(&r.value, UseKind::Using);
        // a side that has to be made the other's type is no column any more (`buildMergedJoinVar` in `parse_clause.c`)
        let alike = l.value.ty == r.value.ty && self.modifier(&l.value).unwrap_or(-1) == self.modifier(&r.value).unwrap_or(-1);
        let side = |value: Value| Value { origin: value.origin.filter(|_| alike), given: New::Other, ..value };
        let value = match kind {
            JoinType::JoinInner | JoinType::JoinLeft => side(l.value),
            JoinType::JoinRight => side(r.value),
            JoinType::JoinFull => self.either(l.value, r.value),
            JoinType::Undefined
            | JoinType::JoinSemi
            | JoinType::JoinAnti
            | JoinType::JoinRightSemi
            | JoinType::JoinRightAnti
            | JoinType::JoinUniqueOuter
            | JoinType::JoinUniqueInner => return Err(unknown("a join of this kind")),
        };
        Ok(Column { name: name.into(), value, hidden: l.hidden || r.hidden, qualifier: None })
    }

    /// The type modifier of a column.
    pub(super) fn modifier(&self, value: &Value) -> Option<i32> {
        let source = value.origin?;
        Some(self.cx.catalog.relation(self.out.relation_of(source.instance)?)?.column_number(source.column)?.ty.typmod)
    }
}

/// The one column of that name on a side.
fn only(name: &str, side: &[Rc<Item>], word: &str) -> Checked<Column> {
    if side.iter().any(|i| i.open && i.by_column) {
        return Err(Reject::unclear("unknown_columns", "USING over a FROM item whose columns are not known"));
    }
    let all = || side.iter().filter(|i| i.by_column).flat_map(|i| i.columns.iter()).filter(|c| &*c.name == name);
    let exists = all().any(|c| !c.hidden);
    let mut found = all().filter(|c| !c.hidden || !exists);
    let Some(column) = found.next() else {
        let text = format!("column \"{name}\" specified in USING clause does not exist in {word} table");
        return Err(Reject::postgres(Syntax::UndefinedColumn, text));
    };
    if found.next().is_some() {
        let text = format!("common column name \"{name}\" appears more than once in {word} table");
        return Err(Reject::postgres(Syntax::AmbiguousColumn, text));
    }
    Ok(column.clone())
}
