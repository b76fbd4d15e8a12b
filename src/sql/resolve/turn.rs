//! Comparisons of columns with constants and parameters: what is compared is noted, and on the second walk a parameter of the proxy's own
//! stands in the place of each constant that is the mask of a value (semantics.md, `reversible`). Which those are is decided in `plan`.

use std::sync::Arc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node, a_const::Val};

use super::call::is_undecorated;
use super::in_place::{case, is_null, when};
use super::{Resolver, Value, strings};
use crate::catalog::{FIRST_NORMAL_OID, Oid, Scalar, TypeInfo};
use crate::sql::model::{Comparison, Constant, Flow, New, Says, UseKind};

const INT8: Oid = Oid(20);
const INT4: Oid = Oid(23);
const TEXT: Oid = Oid(25);
/// `unknown`, which declares as much as nothing.
const UNKNOWN: Oid = Oid(705);

impl Resolver<'_> {
    /// The type that the client declared for a parameter.
    pub(super) fn declared(&self, number: i32) -> Option<Oid> {
        let declared = usize::try_from(number - 1).ok().and_then(|i| self.params.get(i)).copied();
        declared.filter(|oid| !matches!(*oid, Oid(0) | UNKNOWN))
    }

    /// A value that is compared for equality with constants of these types.
    pub(super) fn equals_constants(&mut self, value: &Value, constants: &mut [Node], types: &[Option<Oid>]) {
        let with: Option<Vec<_>> = constants.iter().zip(types).map(|(node, ty)| self.constant(node, *ty)).collect();
        self.compared(value, with);
        constants.iter_mut().for_each(|node| self.turn(node));
    }

    /// The same with the elements of an array of this type, which may be written out.
    pub(super) fn equals_array(&mut self, value: &Value, array: &mut Node, ty: Option<Oid>) {
        let is_cast = matches!(array.node, Some(NodeEnum::TypeCast(_)));
        let Some(elements) = written_out(array) else {
            let whole = self.constant(array, ty).map(|c| vec![c.map(|c| Constant { array: true, ..c })]);
            self.compared(value, whole);
            return self.turn(array);
        };
        let with = elements.iter().map(|node| self.alone(node)).collect::<Option<Vec<_>>>();
        let cast = ty.filter(|_| is_cast).map(|ty| self.cx.catalog.type_info(ty).map_or(Oid(0), |array| array.element));
        self.compared(value, with.and_then(|with| of_one_type(with, cast)));
        elements.iter_mut().for_each(|node| self.turn(node));
    }

    /// A comparison of a value; NULL is compared as it is, and nothing is noted where something cannot be read.
    fn compared(&mut self, value: &Value, with: Option<Vec<Option<Constant>>>) {
        let before = self.out.uses.len();
        self.consume(value, UseKind::EqualsConstant);
        let (Flow::Plain(sources), Some(with)) = (&value.flow, with) else { return };
        if self.is_aside() || sources.is_empty() || self.has_namesakes() {
            return;
        }
        let uses = before..self.out.uses.len();
        self.out.comparisons.push(Comparison { sources: sources.clone(), uses, with: with.into_iter().flatten().collect() });
    }

    /// Whether an operator from outside PostgreSQL could be taken for equality of what can be turned back.
    fn has_namesakes(&self) -> bool {
        let turns = |oid: Oid| {
            let kind = Scalar::from_oid(oid);
            matches!(kind, Scalar::Int2 | Scalar::Int4 | Scalar::Int8 | Scalar::Uuid) || kind.is_text()
        };
        let mut all = ["=", "<>"].into_iter().flat_map(|name| self.cx.catalog.operators_named(name));
        all.any(|o| turns(o.left) && turns(o.right) && (o.oid >= FIRST_NORMAL_OID || o.function >= FIRST_NORMAL_OID))
    }

    /// Whether a sign could be an operator from outside PostgreSQL.
    fn has_other_plus(&self) -> bool {
        self.cx.catalog.operators_named("+").any(|o| o.left == Oid(0) && o.oid >= FIRST_NORMAL_OID)
    }

    /// What a constant says; `cast` is its type where it is cast to one. `Some(None)` is NULL.
    #[expect(clippy::option_option, reason = "NULL, and what cannot be read, are two things")]
    fn constant(&self, node: &Node, cast: Option<Oid>) -> Option<Option<Constant>> {
        let (says, ty, at) = match &node.node {
            Some(NodeEnum::AConst(protobuf::AConst { isnull: true, location: _, val: _ })) => return Some(None),
            Some(NodeEnum::AConst(protobuf::AConst { isnull: false, location, val: Some(val) })) => match val {
                Val::Ival(n) => (Says::Integer(n.ival.into()), Some(INT4), *location),
                Val::Fval(n) => (Says::Integer(n.fval.parse().ok()?), Some(INT8), *location),
                Val::Sval(text) => (Says::Text(text.sval.as_str().into()), None, *location),
                Val::Boolval(_) | Val::Bsval(_) => return None,
            },
            Some(NodeEnum::ParamRef(protobuf::ParamRef { number, location })) => {
                (Says::Parameter(*number), self.declared(*number), *location)
            }
            Some(NodeEnum::TypeCast(cast_of)) => {
                let protobuf::TypeCast { arg, type_name, location: _ } = &**cast_of;
                let length = length(type_name.as_ref()?)?;
                let Some(constant) = self.alone(arg.as_deref()?)? else { return Some(None) };
                let base = cast.and_then(|ty| self.base_of(ty))?;
                let fits = match (arg.as_deref().map(|arg| &arg.node), &constant.says) {
                    (Some(Some(NodeEnum::TypeCast(_))), _) => constant.ty == Some(base),
                    (_, Says::Parameter(_)) => constant.ty.is_none_or(|ty| widens(ty, base)),
                    (_, Says::Integer(_) | Says::Text(_)) => true,
                };
                let checked = constant.checked || Some(base) != cast;
                let length = length.into_iter().chain(constant.length).min();
                return fits.then_some(Some(Constant { ty: Some(base), checked, length, ..constant }));
            }
            Some(NodeEnum::AExpr(_)) => {
                let constant = self.constant(behind_plus(node).filter(|_| !self.has_other_plus())?, None)??;
                return matches!(constant.says, Says::Integer(_)).then_some(Some(constant));
            }
            _ => return None,
        };
        Some(Some(Constant { says, ty, array: false, checked: false, length: None, at }))
    }

    /// What a domain is of, if it is no more than checked: a modifier cuts texts. Any other type is itself.
    fn base_of(&self, ty: Oid) -> Option<Oid> {
        match self.cx.catalog.type_info(ty)?.base {
            None => Some(ty),
            Some((base, -1)) => self.base_of(base),
            Some(_) => None,
        }
    }

    /// The parameter that stands for what a constant is the mask of; behind a cast to a domain, which may fail.
    pub(super) fn origin(&self, node: &Node, number: i32) -> Node {
        let checked = self.alone(node).flatten().is_some_and(|constant| constant.checked);
        if checked { case(vec![when(is_null(node), parameter(number))], parameter(number)) } else { parameter(number) }
    }

    /// Puts a parameter in the place of a constant that is to be turned back.
    fn turn(&mut self, node: &mut Node) {
        let Some(number) = place(node).and_then(|at| self.turned_at(at)) else { return };
        *node = self.origin(node, number);
        self.out.turned += 1;
    }

    /// The parameter that says what something is the mask of that stands here, where it is to be turned back.
    pub(super) fn turned_at(&self, at: i32) -> Option<i32> {
        self.cx.veils.filter(|_| !self.is_aside())?.turns.get(&at).copied()
    }

    /// What a column is set to, by an expression of this value.
    pub(super) fn new_value(&self, node: &Node, value: &Value) -> New {
        let new = match (&node.node, self.constant(node, value.ty)) {
            (Some(NodeEnum::SetToDefault(_)), _) => return New::Default,
            (Some(NodeEnum::ColumnRef(_)), _) => value.given.clone(),
            (_, Some(None)) => return New::Null,
            (_, Some(Some(constant))) => New::Constant(constant),
            (_, None) => self.case_of(node).map_or(New::Other, |(all, _)| New::OneOf(all.into())),
        };
        if self.is_aside() || self.has_namesakes() { New::Other } else { new }
    }

    /// What a constant that stands alone says, which has no type but its own.
    #[expect(clippy::option_option, reason = "NULL, and what cannot be read, are two things")]
    pub(super) fn alone(&self, node: &Node) -> Option<Option<Constant>> {
        let cast = if let Some(NodeEnum::TypeCast(cast)) = &node.node { self.scalar_type(cast) } else { None };
        self.constant(node, cast)
    }

    /// The type of a cast to what is no array.
    pub(super) fn scalar_type(&self, cast: &protobuf::TypeCast) -> Option<Oid> {
        let name = cast.type_name.as_ref().filter(|name| name.array_bounds.is_empty())?;
        self.find_type(&strings(&name.names).ok()?).map(|found| found.oid)
    }

    /// What a CASE can be whose results are written out, cast as a whole or not; and whether it is a text for want of a type.
    fn case_of(&self, node: &Node) -> Option<(Vec<Constant>, bool)> {
        match node.node.as_ref()? {
            NodeEnum::CaseExpr(case) => {
                let result = |when: &Node| match &when.node {
                    Some(NodeEnum::CaseWhen(when)) => self.alone(when.result.as_deref()?),
                    _ => None,
                };
                let all = case.args.iter().map(result).chain(case.defresult.as_deref().map(|node| self.alone(node)));
                let all = all.collect::<Option<Vec<_>>>()?;
                let untyped = all.iter().flatten().all(|c| c.ty.is_none() && !matches!(c.says, Says::Parameter(_)));
                Some((of_one_type(all, None)?.into_iter().flatten().collect(), untyped))
            }
            NodeEnum::TypeCast(cast) => {
                let (all, untyped) = self.case_of(cast.arg.as_deref()?)?;
                let (to, length) = (self.scalar_type(cast)?, length(cast.type_name.as_ref()?)?);
                let cast = |c: Constant| {
                    let ty = if untyped { to } else { c.ty.filter(|ty| keeps(*ty, to))? };
                    Some(Constant { ty: Some(ty), length: length.into_iter().chain(c.length).min(), ..c })
                };
                Some((all.into_iter().map(cast).collect::<Option<_>>()?, false))
            }
            _ => None,
        }
    }

    /// What a column is in these rows of a query.
    pub(super) fn any_of<'n>(&self, column: impl Iterator<Item = &'n Node>) -> New {
        if self.is_aside() {
            return New::Other;
        }
        let all = column.map(|node| self.alone(node)).collect::<Option<Vec<_>>>();
        all.and_then(|all| of_one_type(all, None)).map_or(New::Other, |all| New::OneOf(all.into_iter().flatten().collect()))
    }

    /// What the columns of VALUES are.
    pub(super) fn columns_of(&self, rows: &[Node]) -> Vec<New> {
        let Some(rows) = rows.iter().map(plain_row).collect::<Option<Vec<_>>>() else { return Vec::new() };
        let width = rows.iter().map(|row| row.len()).min().unwrap_or_default();
        (0..width).map(|i| self.any_of(rows.iter().filter_map(|row| row.get(i)))).collect()
    }
}

impl Resolver<'_> {
    /// What the column is that a call of `unnest` gives, where its array is written out or is one constant or parameter.
    pub(super) fn unnested(&self, call: &mut Node) -> New {
        let Some(NodeEnum::FuncCall(call)) = &mut call.node else { return New::Other };
        let named = strings(&call.funcname).is_ok_and(|names| names.last() == Some(&"unnest"));
        let foreign = || self.cx.catalog.functions_named("unnest").any(|f| f.oid >= FIRST_NORMAL_OID);
        let plain = named && is_undecorated(call) && !call.func_variadic && !self.is_aside();
        match call.args.as_mut_slice() {
            [array] if plain && !foreign() => self.elements(array).map_or(New::Other, New::OneOf),
            _ => New::Other,
        }
    }

    /// The elements of an array, which casts leave as they are.
    fn elements(&self, array: &mut Node) -> Option<Arc<[Constant]>> {
        let of = if let Some(NodeEnum::TypeCast(cast)) = &array.node { Some(self.array_type(cast)?.element) } else { None };
        let Some(elements) = written_out(array) else {
            let whole = self.whole_array(array).filter(|whole| whole.ty.is_some())?;
            return Some(Arc::new([Constant { array: true, ..whole }]));
        };
        let all = elements.iter().map(|node| self.alone(node)).collect::<Option<Vec<_>>>()?;
        let all: Vec<Constant> = match of {
            None => of_one_type(all, None)?.into_iter().flatten().collect(),
            Some(of) => all.into_iter().flatten().map(|c| Constant { ty: c.ty.or(Some(of)), ..c }).collect(),
        };
        all.iter().all(|c| of.is_none_or(|of| c.ty.is_some_and(|ty| keeps(ty, of)))).then(|| all.into())
    }

    /// An array that is one constant or parameter, of the innermost type that it has.
    fn whole_array(&self, array: &Node) -> Option<Constant> {
        let Some(NodeEnum::TypeCast(cast)) = &array.node else { return self.constant(array, None)? };
        let (of, inside) = (self.array_type(cast)?, self.whole_array(cast.arg.as_deref()?)?);
        let Some(ty) = inside.ty else { return Some(Constant { ty: Some(of.oid), ..inside }) };
        keeps(self.cx.catalog.type_info(ty)?.element, of.element).then_some(inside)
    }

    /// The type of a cast to an array without a modifier.
    fn array_type(&self, cast: &protobuf::TypeCast) -> Option<&TypeInfo> {
        let name = cast.type_name.as_ref().filter(|name| name.array_bounds.len() == 1 && name.typmods.is_empty())?;
        let element = self.find_type(&strings(&name.names).ok()?)?;
        self.cx.catalog.type_info(element.array)
    }
}

/// How many characters a type has room for, where it says so; a modifier of any other type is not understood.
#[expect(clippy::option_option, reason = "no modifier, and one that is not understood, are two things")]
fn length(name: &protobuf::TypeName) -> Option<Option<u32>> {
    let varchar = || strings(&name.names).is_ok_and(|names| names.last() == Some(&"varchar"));
    match name.typmods.as_slice() {
        [] => Some(None),
        [Node { node: Some(NodeEnum::AConst(protobuf::AConst { isnull: false, location: _, val: Some(Val::Ival(n)) })) }] if varchar() => {
            u32::try_from(n.ival).ok().map(Some)
        }
        _ => None,
    }
}

/// Whether each value of a type is one of another.
fn widens(from: Oid, to: Oid) -> bool {
    from == to || matches!((from.0, to.0), (21, 20 | 23) | (23, 20) | (25, 1043) | (1043, 25))
}

/// Whether a cast leaves each value of a type as it is, or fails.
fn keeps(from: Oid, to: Oid) -> bool {
    let integer = |oid: Oid| matches!(oid, Oid(21) | INT4 | INT8);
    let text = |oid: Oid| matches!(oid, TEXT | Oid(1043));
    from == to || (integer(from) && integer(to)) || (text(from) && text(to))
}

/// The values of a row of VALUES, if no `*` among them stands for several.
pub(super) fn plain_row(row: &Node) -> Option<&[Node]> {
    let Some(NodeEnum::List(protobuf::List { items })) = &row.node else { return None };
    let whole = |node: &Node| matches!(node.node, Some(NodeEnum::ColumnRef(_) | NodeEnum::AIndirection(_)));
    (!items.iter().any(whole)).then_some(items)
}

/// `$n`.
pub(super) fn parameter(number: i32) -> Node {
    Node { node: Some(NodeEnum::ParamRef(protobuf::ParamRef { number, location: -1 })) }
}

/// The elements of `ARRAY[…]`, which may be cast.
fn written_out(array: &mut Node) -> Option<&mut [Node]> {
    match array.node.as_mut()? {
        NodeEnum::AArrayExpr(list) => Some(&mut list.elements),
        NodeEnum::TypeCast(cast) => match cast.arg.as_deref_mut()?.node.as_mut()? {
            NodeEnum::AArrayExpr(list) => Some(&mut list.elements),
            _ => None,
        },
        _ => None,
    }
}

/// Elements of which some have no type: they have that of the cast, of which the others must be too, or of the others, or are texts
/// (`transformArrayExpr`).
fn of_one_type(mut with: Vec<Option<Constant>>, cast: Option<Oid>) -> Option<Vec<Option<Constant>>> {
    let mut typed = with.iter().flatten().filter_map(|c| c.ty);
    let first = typed.next();
    let alike = typed.all(|ty| Some(ty) == first);
    let common = match (cast, first) {
        (Some(cast), first) => (alike && first.is_none_or(|ty| ty == cast)).then_some(cast)?,
        (None, None) => TEXT,
        (None, Some(first)) if alike => first,
        // numbers of several types
        (None, Some(_)) => return with.iter().flatten().all(|c| c.ty.is_some()).then_some(with),
    };
    with.iter_mut().flatten().for_each(|c| c.ty = Some(common));
    Some(with)
}

/// Where a constant stands, casts aside.
fn place(node: &Node) -> Option<i32> {
    match node.node.as_ref()? {
        NodeEnum::AConst(constant) => Some(constant.location),
        NodeEnum::ParamRef(parameter) => Some(parameter.location),
        NodeEnum::TypeCast(cast) => place(cast.arg.as_deref()?),
        NodeEnum::AExpr(_) => place(behind_plus(node)?),
        _ => None,
    }
}

/// What stands behind a sign that changes nothing; the parser makes one number of the other sign and what it stands before.
fn behind_plus(node: &Node) -> Option<&Node> {
    let Some(NodeEnum::AExpr(sign)) = &node.node else { return None };
    let protobuf::AExpr { kind, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location: _ } = &**sign;
    let plus = matches!(strings(name).ok()?.as_slice(), ["+"] | ["pg_catalog", "+"]);
    let plain = *kind == protobuf::AExprKind::AexprOp as i32 && lexpr.is_none();
    rexpr.as_deref().filter(|_| plus && plain)
}
