//! Select lists: result columns with their names, and `*` taken apart (`parse_target.c`). Where a `*` covers columns that do not exist
//! for the principal, it is written out in the tree without them.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, ResTarget};

use super::expr::is_constant;
use super::row::{is_star, open_star};
use super::scope::{Column, Item, Wide};
use super::{Resolver, Value, absent, colname, column, inner, strings, unknown};
use crate::sql::model::{Part, Use, UseKind};
use crate::sql::reject::{Checked, Reject};

/// A result column of a query.
#[derive(Clone, Debug)]
pub(super) struct Out {
    pub(super) name: Box<str>,
    pub(super) value: Value,
    /// What of the analysis belongs to this column alone; empty where another clause names the column.
    pub(super) own: Vec<Part>,
}

impl Resolver<'_> {
    /// The result columns of a select list or RETURNING.
    pub(super) fn targets(&mut self, nodes: &mut Vec<Node>) -> Checked<Vec<Out>> {
        let mut outs = Vec::with_capacity(nodes.len());
        let mut edited = Vec::with_capacity(nodes.len());
        for mut node in std::mem::take(nodes) {
            Wide::List.holds(outs.len())?;
            match inner(&mut node)? {
                NodeEnum::ResTarget(target) => {
                    let ResTarget { name, indirection, val, location: _ } = &mut **target;
                    absent("an indirection in a select list", indirection.is_empty())?;
                    let val = val.as_mut().ok_or_else(|| unknown("an empty result column"))?;
                    if let Some(plain) = self.without_parentheses(val, true) {
                        **val = plain;
                    }
                    if is_star_of_value(val) {
                        let fields = self.star_of_value(val, UseKind::Expression)?;
                        outs.extend(fields.into_iter().map(|c| Out { name: c.name, value: c.value, own: Vec::new() }));
                        edited.push(node);
                        continue;
                    }
                    if let Some((qualifier, at)) = star_of(val)? {
                        match self.star(&qualifier, at, &mut outs)? {
                            Some(columns) => edited.extend(columns),
                            None => edited.push(node),
                        }
                        continue;
                    }
                    self.saw(name);
                    let shown = if name.is_empty() { colname::figure(val) } else { name.as_str().into() };
                    let before = self.part_from(&Part::default());
                    let value = self.expr(val, UseKind::Expression)?;
                    // of the outermost list each column is an output, or is stored
                    if !self.is_outermost() && !self.is_aside() {
                        self.listed.extend(value.flow.sources().iter().map(|s| (*s, value.at)));
                    }
                    if name.is_empty() && self.edits_columns() {
                        *name = shown.to_string(); // a mask in the place of a column would give it another
                    }
                    let given = if is_constant(val) { self.any_of(std::iter::once(&**val)) } else { value.given };
                    outs.push(Out { name: shown, value: Value { given, ..value }, own: vec![self.part_from(&before)] });
                }
                _ => return Err(unknown("an item of a select list")),
            }
            edited.push(node);
        }
        *nodes = edited;
        Wide::List.holds(outs.len())?;
        Ok(outs)
    }

    /// Adds the columns of a star; gives the columns to write in its place, where some are hidden.
    fn star(&mut self, qualifier: &[String], at: i32, outs: &mut Vec<Out>) -> Checked<Option<Vec<Node>>> {
        let qualifier: Vec<&str> = qualifier.iter().map(String::as_str).collect();
        let items: Vec<Rc<Item>> = if qualifier.is_empty() {
            self.levels.last().map(|l| l.items.iter().filter(|i| i.by_column).cloned().collect()).unwrap_or_default()
        } else {
            vec![self.item(&qualifier, at)?]
        };
        if qualifier.is_empty() && items.is_empty() {
            return Err(Reject::postgres(crate::sql::Syntax::SyntaxError, "SELECT * with no tables specified is not valid").at(at));
        }
        if items.iter().any(|i| i.open) {
            return Err(open_star(at));
        }
        self.out.seen.stars += 1;
        let loses_schema = |i: &Rc<Item>| i.veiled && qualifier.len() > 1;
        let edited = |i: &Rc<Item>| i.has_hidden() || loses_schema(i) || self.covers_system(i) || self.is_edited(i);
        let mut written = items.iter().any(edited).then(Vec::new);
        for item in &items {
            Wide::List.holds(outs.len())?;
            for column in &item.columns {
                let value = Value { at, ..column.value.clone() };
                if column.hidden {
                    let vanished = value.flow.sources().iter().map(|s| Use { source: *s, kind: UseKind::Output, at });
                    self.out.vanished.extend(vanished);
                    continue;
                }
                self.touch_value(&value);
                if let Some(written) = &mut written {
                    let reference = Self::written_out(&items, column, at)?;
                    written.push(self.masked_target(reference, item, column)?);
                }
                outs.push(Out { name: column.name.clone(), value, own: Vec::new() });
            }
        }
        Ok(written)
    }

    /// A reference to a column that a star covered; refused where it would be ambiguous.
    fn written_out(items: &[Rc<Item>], column: &Column, at: i32) -> Checked<Node> {
        let same = |c: &&Column| c.name == column.name && c.qualifier == column.qualifier;
        let bare = |c: &&Column| c.name == column.name;
        let all = || items.iter().flat_map(|i| i.columns.iter());
        let unique = if column.qualifier.is_some() { all().filter(same).count() == 1 } else { all().filter(bare).count() == 1 };
        if !unique {
            return Err(Reject::unclear("star", "`*` covers columns of the same name, and some that do not exist for the role")
                .at(at)
                .hint("name the columns"));
        }
        Ok(match &column.qualifier {
            Some(qualifier) => column::reference(&[qualifier, &column.name]),
            None => column::reference(&[&column.name]),
        })
    }

    /// A column of a star as an item of the list; its mask, where it is masked in place.
    fn masked_target(&self, mut reference: Node, item: &Item, column: &Column) -> Checked<Node> {
        self.mask_in_place(&mut reference, column::Hit::of(item, column.value.clone()))?;
        let masked = !matches!(reference.node, Some(NodeEnum::ColumnRef(_)));
        let name = if masked { column.name.to_string() } else { String::new() };
        let target = ResTarget { name, indirection: Vec::new(), val: Some(Box::new(reference)), location: -1 };
        Ok(Node { node: Some(NodeEnum::ResTarget(Box::new(target))) })
    }
}

/// `(x).*`.
fn is_star_of_value(node: &Node) -> bool {
    matches!(&node.node, Some(NodeEnum::AIndirection(indirection)) if is_star(indirection.indirection.last()))
}

/// The qualifier of `*` or `t.*`.
fn star_of(node: &Node) -> Checked<Option<(Vec<String>, i32)>> {
    if let Some(NodeEnum::ColumnRef(reference)) = &node.node
        && let Some((last, qualifier)) = reference.fields.split_last()
        && matches!(last.node, Some(NodeEnum::AStar(_)))
    {
        return Ok(Some((strings(qualifier)?.into_iter().map(str::to_owned).collect(), reference.location)));
    }
    Ok(None)
}
