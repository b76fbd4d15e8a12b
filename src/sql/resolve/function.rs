//! Functions in FROM, and which columns they have (`addRangeTableEntryForFunction` in `parse_relation.c`).

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node};

use super::call::is_undecorated;
use super::expr::is_constant;
use super::from::computed;
use super::scope::{Column, Item};
use super::{Resolver, absent, colname, inner, unknown};
use crate::catalog::{Function, Oid};
use crate::sql::model::UseKind;
use crate::sql::reject::Checked;

const INT8: Oid = Oid(20);
const RECORD: Oid = Oid(2249);

/// What a function in FROM gives.
enum Shape {
    /// These columns.
    Columns(Vec<Column>),
    /// One column with the function's alias as its name.
    Scalar(Option<Oid>),
    /// The columns hang on the types of its arguments.
    Unknown,
}

impl Resolver<'_> {
    /// A function in FROM, or several in ROWS FROM. Their arguments see the items to their left.
    pub(super) fn range_function(&mut self, range: &mut protobuf::RangeFunction) -> Checked<Item> {
        let protobuf::RangeFunction { lateral: _, ordinality, is_rowsfrom, functions, alias, coldeflist } = range;
        let named = self.alias(alias.as_ref())?;
        if coldeflist.is_empty() {
            *functions = functions.drain(..).flat_map(split_unnest).collect();
            *is_rowsfrom |= functions.len() > 1;
        }
        let one = functions.len() == 1;
        let (mut columns, mut open, mut first_name) = (Vec::new(), false, None);
        for node in functions {
            let NodeEnum::List(protobuf::List { items }) = inner(node)? else { return Err(unknown("a function in FROM")) };
            let [function, definitions @ ..] = items.as_mut_slice() else { return Err(unknown("a function in FROM")) };
            let name = colname::figure(function);
            let shape = self.shape(function)?;
            let mut defined = Vec::new();
            for list in definitions {
                match &mut list.node {
                    None => {}
                    Some(NodeEnum::List(protobuf::List { items })) => defined.extend(self.definitions(items)?),
                    Some(_) => return Err(unknown("a column definition")),
                }
            }
            if one {
                defined.extend(self.definitions(coldeflist)?);
            }
            let alias = named.name.as_ref().filter(|_| one).unwrap_or(&name);
            match shape {
                _ if !defined.is_empty() => columns.extend(defined),
                Shape::Columns(found) => columns.extend(found),
                Shape::Scalar(ty) => columns.push(computed(alias, ty)),
                Shape::Unknown => {
                    open = true;
                    columns.push(computed(alias, None));
                }
            }
            first_name.get_or_insert(name);
        }
        if *ordinality {
            columns.push(computed("ordinality", Some(INT8)));
        }
        let name = named.name.or(first_name).unwrap_or_default();
        self.item_of(name, columns, &named.columns, open)
    }

    fn definitions(&mut self, nodes: &mut [Node]) -> Checked<Vec<Column>> {
        let mut columns = Vec::with_capacity(nodes.len());
        for node in nodes {
            let NodeEnum::ColumnDef(column) = inner(node)? else { return Err(unknown("a column definition")) };
            absent("a constraint in a column definition", column.constraints.is_empty() && column.raw_default.is_none())?;
            let ty = column.type_name.as_mut().ok_or_else(|| unknown("a column without a type"))?;
            let ty = self.type_name(ty)?;
            columns.push(computed(&column.colname, Some(ty)));
        }
        Ok(columns)
    }

    fn shape(&mut self, node: &mut Node) -> Checked<Shape> {
        let call = self.out.calls.len();
        let over_array = self.is_plain_unnest(node);
        let args = match inner(node)? {
            NodeEnum::FuncCall(call) => call.args.len(),
            NodeEnum::SqlvalueFunction(_) | NodeEnum::CoalesceExpr(_) | NodeEnum::MinMaxExpr(_) | NodeEnum::TypeCast(_) => {
                let value = self.used(node, UseKind::Expression)?;
                return Ok(Shape::Scalar(value.ty));
            }
            _ => return Err(unknown("a function in FROM")),
        };
        self.used(node, UseKind::Expression)?;
        if over_array {
            let column = || computed("unnest", None);
            return Ok(if args == 1 { Shape::Scalar(None) } else { Shape::Columns((0..args).map(|_| column()).collect()) });
        }
        let oids = self.out.calls.get(call).map(|c| c.candidates.clone()).unwrap_or_default();
        let candidates: Vec<&Function> = oids.iter().filter_map(|oid| self.cx.catalog.function(*oid)).collect();
        Ok(self.shape_of(&candidates))
    }

    fn shape_of(&self, candidates: &[&Function]) -> Shape {
        let Some((first, rest)) = candidates.split_first() else { return Shape::Unknown };
        let scalar = |f: &&&Function| {
            let ty = self.cx.catalog.type_info(f.returns);
            f.out_columns.is_empty() && ty.is_some_and(|t| t.relation == Oid(0) && (t.kind != 'p' || &*t.name.name == "void"))
        };
        if candidates.iter().all(|f| scalar(&f)) {
            return Shape::Scalar(rest.iter().all(|f| f.returns == first.returns).then_some(first.returns));
        }
        let same = rest.iter().all(|f| f.returns == first.returns && f.out_columns == first.out_columns);
        if !same {
            return Shape::Unknown;
        }
        if !first.out_columns.is_empty() {
            return Shape::Columns(first.out_columns.iter().map(|(name, ty)| computed(name, Some(*ty))).collect());
        }
        let relation = self.cx.catalog.type_info(first.returns).map_or(Oid(0), |t| t.relation);
        match self.cx.catalog.relation(relation) {
            Some(relation) if first.returns != RECORD => {
                Shape::Columns(relation.columns.iter().map(|c| computed(&c.name, Some(c.ty.oid))).collect())
            }
            Some(_) | None => Shape::Unknown,
        }
    }

    /// `unnest` of arrays whose elements have no columns of their own, by what is written: constants, or a cast to such an array.
    fn is_plain_unnest(&mut self, node: &Node) -> bool {
        let Some(NodeEnum::FuncCall(call)) = &node.node else { return false };
        let is_unnest = matches!(super::strings(&call.funcname).as_deref(), Ok(["unnest"] | ["pg_catalog", "unnest"]));
        is_unnest && call.args.iter().all(|a| self.is_plain_array(a))
    }

    /// Whether a column is an array of what has no columns of its own (int2vector and oidvector are arrays too).
    fn has_plain_elements(&mut self, reference: &protobuf::ColumnRef) -> bool {
        let found = self.column(&mut reference.clone()).ok();
        let ty = found.and_then(|hit| hit.value.ty).and_then(|t| self.cx.catalog.type_info(t));
        let element = ty.and_then(|t| self.cx.catalog.type_info(t.element));
        ty.is_some_and(|t| matches!(&*t.name.name, "int2vector" | "oidvector"))
            || element.is_some_and(|e| e.relation == Oid(0) && matches!(e.kind, 'b' | 'e'))
    }

    fn is_plain_array(&mut self, node: &Node) -> bool {
        match &node.node {
            Some(NodeEnum::ColumnRef(reference)) => self.has_plain_elements(reference),
            Some(NodeEnum::AArrayExpr(array)) => array.elements.iter().all(is_constant),
            Some(NodeEnum::TypeCast(cast)) => cast.type_name.as_ref().is_some_and(|t| {
                let builtin = super::strings(&t.names).is_ok_and(|names| match names.as_slice() {
                    [name] | ["pg_catalog", name] => {
                        self.cx.catalog.type_in("pg_catalog", name).is_some_and(|t| t.relation == Oid(0) && t.kind == 'b')
                    }
                    _ => false,
                });
                builtin && !t.array_bounds.is_empty()
            }),
            _ => false,
        }
    }
}

/// `unnest(a, b)` in FROM is `ROWS FROM (unnest(a), unnest(b))` (transformRangeFunction in `parse_clause.c`).
fn split_unnest(function: Node) -> Vec<Node> {
    let Some(NodeEnum::List(protobuf::List { items })) = &function.node else { return vec![function] };
    let [Node { node: Some(NodeEnum::FuncCall(call)) }, rest @ ..] = items.as_slice() else { return vec![function] };
    let bare = super::strings(&call.funcname).is_ok_and(|n| n.as_slice() == ["unnest"]);
    let defined = rest.iter().any(|definitions| definitions.node.is_some());
    if !bare || !is_undecorated(call) || defined || call.func_variadic || call.args.len() < 2 {
        return vec![function];
    }
    let split = call.args.iter().map(|arg| {
        let one = protobuf::FuncCall { args: vec![arg.clone()], ..(**call).clone() };
        let mut items = vec![Node { node: Some(NodeEnum::FuncCall(Box::new(one))) }];
        items.extend(rest.iter().cloned());
        Node { node: Some(NodeEnum::List(protobuf::List { items })) }
    });
    split.collect()
}
