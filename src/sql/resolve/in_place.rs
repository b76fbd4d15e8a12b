//! Targets of writes: they cannot be subqueries, so on the second walk each reference to a masked column of theirs becomes its mask where it
//! stands, the statement's condition is looked at only for rows that exist for the principal, and what is written back masked leaves the
//! raw value as it was (semantics.md, "Rewriting" and "Write-back").

use std::fmt::Write as _;
use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node, RangeVar, TypeName};

use super::column::{Hit, reference};
use super::expr::is_constant;
use super::scope::Item;
use super::veil::single;
use super::{Resolver, Value, inner, name_nodes, strings, unknown};
use crate::base::quote_ident;
use crate::catalog::{Oid, Scalar};
use crate::sql::model::{Call, Flow, InstanceId, New, Source};
use crate::sql::reject::{Checked, Reject, Syntax};
use crate::sql::veil::{ColumnMask, NEW, Read, Veil};

/// The condition of a target's rows.
#[derive(Debug)]
pub(super) struct Rows {
    /// Over the target's alias.
    pub(super) condition: Node,
    fenced: bool,
    /// What the statement makes or changes must satisfy it, too.
    pub(super) checked: bool,
    /// Of the target of MERGE: the columns that it reads.
    pub(super) reads: Vec<Read>,
}

/// A masked column of a target.
#[derive(Debug)]
pub(super) struct InPlace {
    /// The target's alias, by which the mask names it.
    alias: Box<str>,
    /// The column's name.
    name: Box<str>,
    /// What stands for it.
    mask: Node,
    /// Its type, without a modifier.
    ty: TypeName,
    base: Oid,
    compares: bool,
    /// What is stored for a new value, in the place of the query's own NULL.
    back: Option<Node>,
    /// The masks of the target's columns, to be read under another name, and which of the items it is.
    masks: Rc<(RangeVar, String)>,
    item: usize,
}

/// The name of the row that was not inserted.
pub(super) const EXCLUDED: &str = "excluded";

impl Resolver<'_> {
    /// Makes ready what stands for the masked columns of a target; gives the condition of its rows.
    pub(super) fn veil_target(&mut self, range: &RangeVar, item: &Item) -> Checked<Option<Rows>> {
        let (Some(veil), Some((id, _))) = (self.veil_of(item), item.instance) else { return Ok(None) };
        let all = Rc::new((range.clone(), text(range, veil)));
        let query = self.policy_query(range, &all.1, Some(&item.name))?;
        let Some(NodeEnum::SelectStmt(mut select)) = query.node else { return Err(unknown("a veil")) };
        let masks: Vec<(i16, &Box<str>, &ColumnMask)> =
            veil.columns.iter().filter_map(|c| Some((c.number, &c.name, c.mask.as_ref()?))).collect();
        let mut values = std::mem::take(&mut select.target_list).into_iter().map(value_of);
        let count = values.len();
        for (column, name, ColumnMask { sql: _, collates: _, ty: _, base, compares, back }) in masks {
            let number = count - values.len();
            let (Some(Some(mask)), Some(Some(cast))) = (values.next(), values.next()) else { return Err(unknown("a mask")) };
            let Some(NodeEnum::TypeCast(cast)) = cast.node else { return Err(unknown("a mask's type")) };
            let ty = cast.type_name.ok_or_else(|| unknown("a mask's type"))?;
            let back = back.as_ref().map(|_| values.next().flatten().ok_or_else(|| unknown("what is written back"))).transpose()?;
            let place = InPlace {
                alias: item.name.clone(),
                name: name.clone(),
                mask,
                ty,
                base: *base,
                compares: *compares,
                back,
                masks: Rc::clone(&all),
                item: number,
            };
            self.in_place.insert(Source { instance: id, column }, place);
        }
        self.out.veiled.insert(id);
        if veil.checked {
            self.checked.insert(id);
        }
        Ok(select.where_clause.map(|condition| Rows {
            condition: *condition,
            fenced: veil.fenced,
            checked: veil.checked,
            reads: veil.reads.clone(),
        }))
    }

    /// Puts a mask where a masked column of a target is named.
    pub(super) fn mask_in_place(&self, node: &mut Node, hit: Hit) -> Checked<Value> {
        let Hit { value, of, named: _, aside } = hit;
        let (Flow::Plain(sources), Some(of)) = (&value.flow, of) else { return Ok(value) };
        if let [source] = sources.as_slice()
            && source.instance == of
            && let Some(place) = self.in_place.get(source)
        {
            if aside {
                *node = self.mask_aside(place, node, *source)?;
                return Ok(value);
            }
            self.reaches(&place.alias, &place.name, *source)?;
            *node = place.mask.clone();
        }
        Ok(value)
    }

    /// The mask of a column of the row before or after, by the name that the reference has for that row.
    fn mask_aside(&self, place: &InPlace, node: &Node, source: Source) -> Checked<Node> {
        let lost = || unknown("a column of the row before or after");
        let Some(NodeEnum::ColumnRef(column)) = &node.node else { return Err(lost()) };
        let names = strings(&column.fields)?;
        let [name, _] = names.as_slice() else { return Err(lost()) };
        if *name == EXCLUDED {
            // by what it gives for the other columns the client would choose among the masks
            let message = format!("column \"{}\" of the excluded row, which is masked in SQL", place.name);
            return Err(Reject::unclear("excluded", message).hint("name it without EXCLUDED"));
        }
        self.reaches(name, &place.name, source)?;
        let (range, masks) = &*place.masks;
        let Some(NodeEnum::SelectStmt(mut select)) = self.policy_query(range, masks, Some(name))?.node else { return Err(lost()) };
        let mask = select.target_list.get_mut(place.item).map(std::mem::take);
        mask.and_then(value_of).ok_or_else(lost)
    }

    /// Whether `*` over a FROM item is written out: its columns are masked where they stand, or a check stands beside one of them.
    pub(super) fn is_edited(&self, item: &Item) -> bool {
        item.instance.is_some_and(|(id, _)| self.checked.contains(&id) || self.in_place.keys().any(|s| s.instance == id))
    }

    /// Whether what is put in the place of columns would give result columns other names.
    pub(super) fn edits_columns(&self) -> bool {
        !self.in_place.is_empty() || !self.checked.is_empty()
    }

    /// A mask names its table by the alias, which something nearer may have taken.
    fn reaches(&self, alias: &str, name: &str, source: Source) -> Checked<()> {
        let of_name = |i: &&Rc<Item>| i.by_name && &*i.name == alias;
        let level = self.levels.iter().rev().filter(|l| !l.blocked).find(|l| l.items.iter().any(|i| of_name(&i)));
        let mut named = level.into_iter().flat_map(|l| &l.items).filter(of_name);
        if named.next().and_then(|i| i.instance).is_some_and(|(id, _)| id == source.instance) && named.next().is_none() {
            return Ok(());
        }
        let message = format!("column \"{name}\" is masked where the name \"{alias}\" stands for something else");
        Err(Reject::unclear("alias", message).hint("use another alias"))
    }

    /// Within the policy's own SQL over a target: names its columns by the alias that the statement gave it.
    pub(super) fn by_alias(&self, fields: &mut Vec<Node>, hit: &Hit) -> Checked<()> {
        let Some(alias) = self.cx.alias else { return Ok(()) };
        let own = InstanceId(0); // the only one in FROM of that SQL's outermost query
        if !hit.named {
            return Err(unknown("a whole row in a policy's condition on the target of a write"));
        }
        if hit.of != Some(own) {
            return Ok(());
        }
        let taken = self.levels.iter().flat_map(|l| &l.items).any(|i| &*i.name == alias && i.instance.is_none_or(|(id, _)| id != own));
        if taken {
            return Err(Reject::unclear("alias", format!("the policy's condition has another use for the name \"{alias}\"")));
        }
        if let Some(name) = fields.pop() {
            *fields = name_nodes(&[alias]);
            fields.push(name);
        }
        Ok(())
    }

    /// What is stored in a column whose mask is turned back: its raw value, where that is what the new value is the mask of. `new` says what that can be.
    /// Whether it is such a column.
    pub(super) fn kept_where_turned(
        &mut self,
        (target, name): (&Item, &str),
        column: &Value,
        value: &mut Node,
        new: &New,
        (calls, at): (usize, i32),
    ) -> Checked<bool> {
        let (Some(number), Some(source)) = (self.turned_at(at), column.flow.sources().first()) else { return Ok(false) };
        self.reaches(&target.name, name, *source)?;
        self.out.turned += 1;
        let raw = || reference(&[&target.name, name]);
        let is_column = matches!(value.node, Some(NodeEnum::ColumnRef(_)));
        let kept = |new: Node, is: Node| case(vec![when(is, raw())], new);
        *value = match new {
            New::OneOf(_) if is_column => kept(value.clone(), one_of(number, [std::mem::take(value), raw()])?),
            New::OneOf(_) => {
                self.once_only(&target.name, calls, at)?;
                let new = || reference(&[NEW, NEW]);
                computed_once(std::mem::take(value), kept(new(), one_of(number, [new(), raw()])?))?
            }
            New::Constant(_) | New::Null | New::Default | New::Other => kept(value.clone(), equal(raw(), self.origin(value, number))),
        };
        Ok(true)
    }

    /// What is stored in a masked column: its raw value, where what the client saves is its mask.
    pub(super) fn write_back(&self, column: &Value, new: &mut Option<Box<Node>>, given: &Value, calls: usize, at: i32) -> Checked<()> {
        let Flow::Plain(sources) = &column.flow else { return Ok(()) };
        let Some(place) = sources.first().and_then(|s| self.in_place.get(s)) else { return Ok(()) };
        let value = new.as_deref_mut().ok_or_else(|| unknown("an assignment without a value"))?;
        if matches!(inner(value)?, NodeEnum::SetToDefault(_)) {
            return Ok(());
        }
        if let Some(source) = sources.first() {
            self.reaches(&place.alias, &place.name, *source)?;
        }
        if self.is_row_type(place.base) && given.type_of() != Some(place.base) && !is_constant(value) {
            let message = format!(
                "column \"{}\" is masked for the writer, and a row that is not of its type cannot be told from its mask",
                place.name
            );
            return Err(Reject::unclear("write", message).hint("cast the row to the column's type").at(at));
        }
        if let Some(ty) = given.ty.filter(|ty| !assignable(*ty, place.base)) {
            let name = |oid: Oid| self.cx.catalog.type_info(oid).map_or("unknown", |t| &*t.name.name).to_owned();
            let message = format!("column \"{}\" is of type {} but expression is of type {}", place.name, name(place.base), name(ty));
            return Err(Reject::postgres(Syntax::DatatypeMismatch, message)
                .hint("You will need to rewrite or cast the expression.")
                .at(at));
        }
        let cast = |node: Node| cast(node, place.ty.clone());
        let taken = std::mem::take(value);
        *value = if let Some(back) = &place.back {
            self.once_only(&place.alias, calls, at)?;
            let mut back = back.clone();
            given_new(&mut back, cast(taken)).ok_or_else(|| unknown("a document written back"))?;
            back
        } else if is_constant(&taken) || matches!(taken.node, Some(NodeEnum::ColumnRef(_))) {
            place.kept_or(&cast(taken))
        } else {
            self.once_only(&place.alias, calls, at)?;
            computed_once(cast(taken), place.kept_or(&reference(&[NEW, NEW])))?
        };
        Ok(())
    }

    /// A cast to it does more than an assignment would: it cuts texts to the lengths of their fields.
    fn is_row_type(&self, ty: Oid) -> bool {
        self.cx.catalog.type_info(ty).is_some_and(|t| t.relation != Oid(0))
    }

    /// Whether a value with these calls in it can stand in a query of its own.
    fn once_only(&self, alias: &str, calls: usize, at: i32) -> Checked<()> {
        let calls = self.out.calls.get(calls..).unwrap_or_default();
        if alias == NEW || calls.iter().any(|c| self.is_of_rows(c)) {
            return Err(unknown("a value of this kind for a masked column").at(at));
        }
        Ok(())
    }

    /// Whether a call is of a function that takes or gives rows: PostgreSQL refuses those in SET, but not in a query of their own.
    fn is_of_rows(&self, call: &Call) -> bool {
        let of_rows = |oid: &Oid| self.cx.catalog.function(*oid).is_none_or(|f| f.kind != 'f' || f.returns_set);
        call.candidates.iter().any(of_rows)
    }
}

impl InPlace {
    /// The raw column where the new value is what it shows, else the new value.
    fn kept_or(&self, new: &Node) -> Node {
        let text = |node: &Node| cast(node.clone(), type_name("text"));
        let (left, right) = if self.compares { (new.clone(), self.mask.clone()) } else { (text(new), text(&self.mask)) };
        let raw = || reference(&[&self.alias, &self.name]);
        let whens = vec![when(equal(left, right), raw()), when(and(vec![is_null(new), is_null(&self.mask)]), raw())];
        case(whens, new.clone())
    }
}

/// The statement's own condition, behind that of the rows which exist; `held` is what of it may be looked at for any row.
pub(super) fn guard(rows: Option<&Rows>, condition: &mut Option<Box<Node>>, held: Vec<Node>) -> Checked<()> {
    let Some(Rows { condition: rows, fenced, checked: _, reads: _ }) = rows else { return Ok(()) };
    let rows = rows.clone();
    let Some(own) = condition.take() else {
        *condition = Some(Box::new(rows));
        return Ok(());
    };
    if matches!(own.node, Some(NodeEnum::CurrentOfExpr(_))) {
        return Err(unknown("WHERE CURRENT OF over a relation with a row condition"));
    }
    if !*fenced {
        *condition = Some(Box::new(and([rows, *own].into_iter().flat_map(conjuncts).collect())));
        return Ok(());
    }
    let guarded = case(vec![when(rows, *own)], constant(false));
    *condition = Some(Box::new(if held.is_empty() { guarded } else { and(held.into_iter().chain([guarded]).collect()) }));
    Ok(())
}

/// TRUE or FALSE.
pub(super) fn constant(boolval: bool) -> Node {
    let val = Some(protobuf::a_const::Val::Boolval(protobuf::Boolean { boolval }));
    Node { node: Some(NodeEnum::AConst(protobuf::AConst { isnull: false, location: -1, val })) }
}

/// Whether PostgreSQL would store a value of a type in a column of another without being asked; what is not known to be so is not.
fn assignable(from: Oid, to: Oid) -> bool {
    let number = |s: Scalar| matches!(s, Scalar::Int2 | Scalar::Int4 | Scalar::Int8 | Scalar::Float4 | Scalar::Float8 | Scalar::Numeric);
    let moment = |s: Scalar| matches!(s, Scalar::Date | Scalar::Timestamp | Scalar::Timestamptz);
    let (a, b) = (Scalar::from_oid(from), Scalar::from_oid(to));
    from == to || b.is_text() || (number(a) && number(b)) || (moment(a) && moment(b))
}

/// The masks of a target's columns, each with a cast to its type, and the condition of its rows. A text stands in a query of its own:
/// its collation is then the column's, and not one that was asked for.
fn text(range: &RangeVar, veil: &Veil) -> String {
    let mut text = String::from("SELECT ");
    for mask in veil.columns.iter().filter_map(|c| c.mask.as_ref()) {
        let ColumnMask { sql, collates, ty, base: _, compares: _, back } = mask;
        let _ = if *collates { write!(text, "(SELECT {sql}), NULL::{ty}, ") } else { write!(text, "{sql}, NULL::{ty}, ") };
        if let Some(back) = back {
            // OFFSET 0: the new value is looked at often, and PostgreSQL would put what computes it in each of these places
            let _ = write!(text, "(SELECT {back} FROM (SELECT NULL::{ty} AS {NEW} OFFSET 0) AS {NEW}), ");
        }
    }
    let _ = write!(text, "1 FROM {}.{}", quote_ident(&range.schemaname), quote_ident(&range.relname));
    if let Some(rows) = &veil.rows {
        let _ = write!(text, " WHERE (\n{rows}\n)");
    }
    text
}

/// What is stored of a new value that is looked at more than once, in a query of its own.
fn computed_once(new: Node, kept: Node) -> Checked<Node> {
    let mut query = single(&format!("SELECT 1 FROM (SELECT 1 AS {NEW}) AS {NEW}"))?;
    once(&mut query, new, kept).ok_or_else(|| unknown("a value written back"))?;
    Ok(scalar(query))
}

/// `SELECT kept FROM (SELECT new AS …) AS …`
fn once(query: &mut Node, new: Node, kept: Node) -> Option<()> {
    let NodeEnum::SelectStmt(outer) = query.node.as_mut()? else { return None };
    *target(outer.target_list.first_mut()?)? = kept;
    let NodeEnum::RangeSubselect(from) = outer.from_clause.first_mut()?.node.as_mut()? else { return None };
    let NodeEnum::SelectStmt(inner) = from.subquery.as_mut()?.node.as_mut()? else { return None };
    *target(inner.target_list.first_mut()?)? = new;
    Some(())
}

/// Puts a new value in the place of the NULL in `(SELECT … FROM (SELECT NULL AS …) AS …)`.
fn given_new(link: &mut Node, new: Node) -> Option<()> {
    let NodeEnum::SubLink(link) = link.node.as_mut()? else { return None };
    let NodeEnum::SelectStmt(outer) = link.subselect.as_mut()?.node.as_mut()? else { return None };
    let NodeEnum::RangeSubselect(from) = outer.from_clause.first_mut()?.node.as_mut()? else { return None };
    let NodeEnum::SelectStmt(inner) = from.subquery.as_mut()?.node.as_mut()? else { return None };
    *target(inner.target_list.first_mut()?)? = new;
    Some(())
}

/// The value of an item of a select list.
pub(super) fn target(node: &mut Node) -> Option<&mut Node> {
    let NodeEnum::ResTarget(target) = node.node.as_mut()? else { return None };
    target.val.as_deref_mut()
}

fn value_of(node: Node) -> Option<Node> {
    let Some(NodeEnum::ResTarget(target)) = node.node else { return None };
    target.val.map(|v| *v)
}

fn scalar(query: Node) -> Node {
    let link = protobuf::SubLink {
        sub_link_type: protobuf::SubLinkType::ExprSublink as i32,
        subselect: Some(Box::new(query)),
        location: -1,
        ..Default::default()
    };
    Node { node: Some(NodeEnum::SubLink(Box::new(link))) }
}

fn type_name(name: &str) -> TypeName {
    TypeName { names: name_nodes(&["pg_catalog", name]), typemod: -1, location: -1, ..Default::default() }
}

fn cast(arg: Node, ty: TypeName) -> Node {
    let cast = protobuf::TypeCast { arg: Some(Box::new(arg)), type_name: Some(ty), location: -1 };
    Node { node: Some(NodeEnum::TypeCast(Box::new(cast))) }
}

/// Whether a new value and what is stored are one of the masks that stand in the parameter of this number and what it is the mask of, which stands in the
/// next at the same place.
fn one_of(number: i32, pair: [Node; 2]) -> Checked<Node> {
    let mut query = single(&format!(
        "SELECT ROW(1, 2) OPERATOR(pg_catalog.=) ANY (SELECT mask, value \
         FROM ROWS FROM (pg_catalog.unnest(${number}), pg_catalog.unnest(${})) AS turned(mask, value) WHERE value IS NOT NULL)",
        number + 1
    ))?;
    let row = |query: &mut Node| {
        let NodeEnum::SelectStmt(select) = query.node.as_mut()? else { return None };
        let any = target(select.target_list.first_mut()?)?;
        let NodeEnum::SubLink(link) = any.node.as_mut()? else { return None };
        let NodeEnum::RowExpr(row) = link.testexpr.as_mut()?.node.as_mut()? else { return None };
        row.args = pair.into();
        Some(std::mem::take(any))
    };
    row(&mut query).ok_or_else(|| unknown("a new value among several"))
}

/// The operator is named with its schema, as `IS NOT DISTINCT FROM` cannot be.
fn equal(left: Node, right: Node) -> Node {
    let equal = protobuf::AExpr {
        kind: protobuf::AExprKind::AexprOp as i32,
        name: name_nodes(&["pg_catalog", "="]),
        lexpr: Some(Box::new(left)),
        rexpr: Some(Box::new(right)),
        rexpr_list_start: -1,
        rexpr_list_end: -1,
        location: -1,
    };
    Node { node: Some(NodeEnum::AExpr(Box::new(equal))) }
}

pub(super) fn is_null(node: &Node) -> Node {
    let test = protobuf::NullTest {
        xpr: None,
        arg: Some(Box::new(node.clone())),
        nulltesttype: protobuf::NullTestType::IsNull as i32,
        argisrow: false,
        location: -1,
    };
    Node { node: Some(NodeEnum::NullTest(Box::new(test))) }
}

/// The members of an AND: PostgreSQL's parser makes one list of nested ones.
pub(super) fn conjuncts(node: Node) -> Vec<Node> {
    match node.node {
        Some(NodeEnum::BoolExpr(boolean)) if boolean.boolop == protobuf::BoolExprType::AndExpr as i32 => boolean.args,
        _ => vec![node],
    }
}

pub(super) fn and(args: Vec<Node>) -> Node {
    let boolean = protobuf::BoolExpr { xpr: None, boolop: protobuf::BoolExprType::AndExpr as i32, args, location: -1 };
    Node { node: Some(NodeEnum::BoolExpr(Box::new(boolean))) }
}

pub(super) fn when(condition: Node, result: Node) -> Node {
    let when = protobuf::CaseWhen { xpr: None, expr: Some(Box::new(condition)), result: Some(Box::new(result)), location: -1 };
    Node { node: Some(NodeEnum::CaseWhen(Box::new(when))) }
}

pub(super) fn case(args: Vec<Node>, otherwise: Node) -> Node {
    let case =
        protobuf::CaseExpr { xpr: None, casetype: 0, casecollid: 0, arg: None, args, defresult: Some(Box::new(otherwise)), location: -1 };
    Node { node: Some(NodeEnum::CaseExpr(Box::new(case))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `pg_cast` has it: without being asked a number becomes any other and a text, a day another moment, nothing else anything else.
    #[test]
    fn what_is_stored_without_being_asked() {
        let (int2, int4, int8, float8, numeric) = (Oid(21), Oid(23), Oid(20), Oid(701), Oid(1700));
        let (text, varchar, date, timestamp, timestamptz) = (Oid(25), Oid(1043), Oid(1082), Oid(1114), Oid(1184));
        let (bool, uuid, own) = (Oid(16), Oid(2950), Oid(30000));
        for (from, to, stored) in [
            (int2, int4, true),
            (int8, int2, true),
            (float8, numeric, true),
            (date, timestamp, true),
            (timestamptz, date, true),
            (int4, text, true),
            (uuid, varchar, true),
            (text, varchar, true),
            (own, text, true),
            (bool, bool, true),
            (uuid, uuid, true),
            (own, own, true),
            (text, int4, false),
            (varchar, date, false),
            (date, int4, false),
            (int4, timestamp, false),
            (bool, int4, false),
            (uuid, bool, false),
            (own, int4, false),
            (int4, own, false),
        ] {
            assert_eq!(assignable(from, to), stored, "{from:?} to {to:?}");
        }
    }
}
