//! Functions in FROM, and which columns they have (`addRangeTableEntryForFunction` in `parse_relation.c`).

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node};

use super::call::{Called, is_undecorated};
use super::from::computed;
use super::result::Gives;
use super::row::no_row_type;
use super::scope::{Column, Item};
use super::{Resolver, Value, absent, colname, inner, unknown};
use crate::catalog::Oid;
use crate::sql::model::UseKind;
use crate::sql::reject::{Checked, Reject, Syntax};

const INT8: Oid = Oid(20);

/// What a function in FROM gives.
enum Shape {
    /// These columns; the type, where one names them.
    Columns(Vec<Column>, Option<Oid>),
    /// One column, whose name is that of the OUT parameter, or else the function's alias.
    Scalar(Option<Oid>, Option<Box<str>>),
    /// What the column definitions beside the call say.
    Record,
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
        let (mut columns, mut open, mut scalar, mut row_type, mut first_name) = (Vec::new(), false, false, None, None);
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
                Shape::Columns(found, ty) => {
                    columns.extend(found);
                    row_type = ty;
                }
                Shape::Scalar(ty, name) => {
                    let column = computed(name.as_ref().unwrap_or(alias), ty);
                    columns.push(Column { value: Value { given: self.unnested(function), ..column.value }, ..column });
                    scalar = true;
                }
                Shape::Record => return Err(self.undefined()),
                Shape::Unknown => {
                    open = true;
                    columns.push(computed(alias, None));
                }
            }
            first_name.get_or_insert(name);
        }
        let single = one && !*ordinality;
        if *ordinality {
            columns.push(computed("ordinality", Some(INT8)));
        }
        let name = named.name.or(first_name).unwrap_or_default();
        let item = self.item_of(name, columns, &named.columns, open)?;
        Ok(Item { row_type: row_type.filter(|_| single), scalar: scalar && single, ..item })
    }

    /// PostgreSQL's words; of a row that is one only because its relation is veiled, ours.
    fn undefined(&self) -> Reject {
        if self.cx.veils.is_some() {
            return no_row_type();
        }
        Reject::postgres(Syntax::SyntaxError, "a column definition list is required for functions returning \"record\"")
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
        super::veil::say(node, &self.cx)?;
        if let NodeEnum::FuncCall(call) = inner(node)?
            && let Some(cast) = self.as_cast(call)
        {
            *node = cast;
        }
        let (gives, name) = match inner(node)? {
            NodeEnum::FuncCall(call) => {
                let Called { value: _, gives, name } = self.called(call, UseKind::Expression)?;
                (gives, name)
            }
            NodeEnum::SqlvalueFunction(_) => return Ok(Shape::Scalar(None, None)),
            NodeEnum::CoalesceExpr(_) | NodeEnum::MinMaxExpr(_) | NodeEnum::TypeCast(_) => {
                let value = self.used(node, UseKind::Expression)?;
                (vec![value.ty.map_or(Gives::Unknown, Gives::Type)], None)
            }
            _ => return Err(unknown("a function in FROM")),
        };
        let shapes: Vec<Shape> = gives.into_iter().map(|gives| self.shape_of(gives)).collect();
        Ok(match <[Shape; 1]>::try_from(shapes) {
            Ok([Shape::Scalar(ty, _)]) => Shape::Scalar(ty, name),
            Ok([only]) => only,
            Err(many) if many.iter().all(|s| matches!(s, Shape::Scalar(..))) => Shape::Scalar(None, name),
            Err(_) => Shape::Unknown,
        })
    }

    fn shape_of(&self, gives: Gives) -> Shape {
        match gives {
            Gives::Type(ty) => {
                let Some(base) = self.cx.catalog.base_type(ty) else { return Shape::Unknown };
                match (base.relation, base.kind, &*base.name.name) {
                    (Oid(0), 'p', "void" | "cstring") | (Oid(0), 'b' | 'e' | 'r' | 'm', _) => Shape::Scalar(Some(ty), None),
                    (Oid(0), ..) => Shape::Unknown,
                    _ => self.fields_of_type(ty).map_or(Shape::Unknown, |columns| Shape::Columns(columns, Some(ty))),
                }
            }
            Gives::Fields(fields) => Shape::Columns(fields.iter().map(|(name, ty)| computed(name, *ty)).collect(), None),
            Gives::Record => Shape::Record,
            Gives::Unknown => Shape::Unknown,
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
