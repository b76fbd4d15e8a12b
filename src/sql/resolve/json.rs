//! SQL/JSON expressions (PostgreSQL 16 and later): their parts are used, their values computed.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node};

use super::from::computed;
use super::scope::{Column, Item};
use super::{Resolver, Value, inner, since, unknown};
use crate::sql::model::UseKind;
use crate::sql::reject::Checked;

impl Resolver<'_> {
    /// The last kinds of expressions; what is not one of them is refused.
    pub(super) fn json(&mut self, node: &mut NodeEnum, kind: UseKind) -> Checked<Value> {
        since::known(node, self.cx.catalog)?;
        match node {
            NodeEnum::JsonObjectConstructor(object) => {
                let protobuf::JsonObjectConstructor { exprs, output, absent_on_null: _, unique: _, location: _ } = object;
                exprs.iter_mut().try_for_each(|e| self.key_value_node(e, kind))?;
                self.json_output(output)
            }
            NodeEnum::JsonArrayConstructor(array) => {
                let protobuf::JsonArrayConstructor { exprs, output, absent_on_null: _, location: _ } = array;
                exprs.iter_mut().try_for_each(|e| self.value_node(e, kind))?;
                self.json_output(output)
            }
            NodeEnum::JsonArrayQueryConstructor(array) => {
                let protobuf::JsonArrayQueryConstructor { query, output, format: _, absent_on_null: _, location: _ } = &mut **array;
                let query = query.as_mut().ok_or_else(|| unknown("JSON_ARRAY"))?;
                for output in self.query(query)? {
                    self.consume(&output.value, kind);
                }
                self.json_output(output)
            }
            NodeEnum::JsonObjectAgg(agg) => {
                let protobuf::JsonObjectAgg { constructor, arg, absent_on_null: _, unique: _ } = &mut **agg;
                let arg = arg.as_mut().ok_or_else(|| unknown("JSON_OBJECTAGG"))?;
                self.key_value(arg, UseKind::Aggregate)?;
                self.constructor(constructor)
            }
            NodeEnum::JsonArrayAgg(agg) => {
                let protobuf::JsonArrayAgg { constructor, arg, absent_on_null: _ } = &mut **agg;
                let arg = arg.as_mut().ok_or_else(|| unknown("JSON_ARRAYAGG"))?;
                self.json_value(arg, UseKind::Aggregate)?;
                self.constructor(constructor)
            }
            NodeEnum::JsonIsPredicate(predicate) => {
                let protobuf::JsonIsPredicate { expr, format: _, item_type: _, unique_keys: _, location: _ } = &mut **predicate;
                self.used_opt(expr, kind)?;
                Ok(Value::computed(None))
            }
            NodeEnum::JsonParseExpr(parse) => {
                let protobuf::JsonParseExpr { expr, output, unique_keys: _, location: _ } = &mut **parse;
                self.json_value_opt(expr.as_deref_mut(), kind)?;
                self.json_output(output)
            }
            NodeEnum::JsonScalarExpr(scalar) => {
                let protobuf::JsonScalarExpr { expr, output, location: _ } = &mut **scalar;
                self.used_opt(expr, kind)?;
                self.json_output(output)
            }
            NodeEnum::JsonSerializeExpr(serialize) => {
                let protobuf::JsonSerializeExpr { expr, output, location: _ } = &mut **serialize;
                self.json_value_opt(expr.as_deref_mut(), kind)?;
                self.json_output(output)
            }
            NodeEnum::JsonFuncExpr(function) => {
                let protobuf::JsonFuncExpr {
                    op: _,
                    column_name: _,
                    context_item,
                    pathspec,
                    passing,
                    output,
                    on_empty,
                    on_error,
                    wrapper: _,
                    quotes: _,
                    location: _,
                } = &mut **function;
                self.json_value_opt(context_item.as_deref_mut(), kind)?;
                self.used_opt(pathspec, kind)?;
                passing.iter_mut().try_for_each(|p| self.argument(p, kind))?;
                self.behavior(on_empty.as_deref_mut(), kind)?;
                self.behavior(on_error.as_deref_mut(), kind)?;
                self.json_output(output)
            }
            _ => Err(unknown("an expression of this kind")),
        }
    }

    /// `JSON_TABLE`.
    pub(super) fn json_table(&mut self, table: &mut protobuf::JsonTable) -> Checked<Item> {
        let protobuf::JsonTable { context_item, pathspec, passing, columns, on_error, alias, lateral: _, location: _ } = table;
        since::needs(17, "JSON_TABLE", self.cx.catalog)?;
        self.may_leak(true);
        let named = self.alias(alias.as_ref())?;
        self.json_value_opt(context_item.as_deref_mut(), UseKind::Expression)?;
        self.json_path(pathspec)?;
        passing.iter_mut().try_for_each(|p| self.argument(p, UseKind::Expression))?;
        self.behavior(on_error.as_deref_mut(), UseKind::Expression)?;
        let mut found = Vec::new();
        self.json_columns(columns, &mut found)?;
        let name = named.name.unwrap_or_else(|| "json_table".into());
        self.item_of(name, found, &named.columns, false)
    }

    /// Columns, and behind them those of nested paths (`transformJsonTableColumns`).
    fn json_columns(&mut self, columns: &mut [Node], found: &mut Vec<Column>) -> Checked<()> {
        let mut nested = Vec::new();
        for column in columns {
            let NodeEnum::JsonTableColumn(column) = inner(column)? else { return Err(unknown("a column of JSON_TABLE")) };
            let protobuf::JsonTableColumn {
                coltype,
                name,
                type_name,
                pathspec,
                format: _,
                wrapper: _,
                quotes: _,
                columns,
                on_empty,
                on_error,
                location: _,
            } = &mut **column;
            self.json_path(pathspec)?;
            self.behavior(on_empty.as_deref_mut(), UseKind::Expression)?;
            self.behavior(on_error.as_deref_mut(), UseKind::Expression)?;
            if *coltype == protobuf::JsonTableColumnType::JtcNested as i32 {
                nested.push(columns);
                continue;
            }
            self.saw(name);
            let ty = type_name.as_mut().map(|t| self.type_name(t)).transpose()?;
            found.push(computed(name, ty));
        }
        nested.into_iter().try_for_each(|columns| self.json_columns(columns, found))
    }

    fn json_path(&mut self, path: &mut Option<Box<protobuf::JsonTablePathSpec>>) -> Checked<()> {
        let Some(path) = path else { return Ok(()) };
        let protobuf::JsonTablePathSpec { string, name, name_location: _, location: _ } = &mut **path;
        self.saw(name);
        self.used_opt(string, UseKind::Expression)
    }

    /// `expr FORMAT JSON`.
    pub(super) fn json_value(&mut self, value: &mut protobuf::JsonValueExpr, kind: UseKind) -> Checked<()> {
        let protobuf::JsonValueExpr { raw_expr, formatted_expr, format: _ } = value;
        self.used_opt(raw_expr, kind)?;
        self.used_opt(formatted_expr, kind)
    }

    pub(super) fn json_value_opt(&mut self, value: Option<&mut protobuf::JsonValueExpr>, kind: UseKind) -> Checked<()> {
        value.map_or(Ok(()), |v| self.json_value(v, kind))
    }

    fn value_node(&mut self, node: &mut Node, kind: UseKind) -> Checked<()> {
        match inner(node)? {
            NodeEnum::JsonValueExpr(value) => self.json_value(value, kind),
            _ => self.used(node, kind).map(|_| ()),
        }
    }

    fn key_value_node(&mut self, node: &mut Node, kind: UseKind) -> Checked<()> {
        match inner(node)? {
            NodeEnum::JsonKeyValue(pair) => self.key_value(pair, kind),
            _ => Err(unknown("a member of JSON_OBJECT")),
        }
    }

    fn key_value(&mut self, pair: &mut protobuf::JsonKeyValue, kind: UseKind) -> Checked<()> {
        let protobuf::JsonKeyValue { key, value } = pair;
        self.used_opt(key, kind)?;
        self.json_value_opt(value.as_deref_mut(), kind)
    }

    /// An item of PASSING.
    pub(super) fn argument(&mut self, node: &mut Node, kind: UseKind) -> Checked<()> {
        match inner(node)? {
            NodeEnum::JsonArgument(argument) => {
                let protobuf::JsonArgument { val, name: _ } = &mut **argument;
                self.json_value_opt(val.as_deref_mut(), kind)
            }
            _ => Err(unknown("an argument in PASSING")),
        }
    }

    /// ON EMPTY, ON ERROR.
    #[expect(clippy::needless_pass_by_value, reason = "an optional `&mut` is what the tree gives")]
    pub(super) fn behavior(&mut self, behavior: Option<&mut protobuf::JsonBehavior>, kind: UseKind) -> Checked<()> {
        let Some(protobuf::JsonBehavior { btype: _, expr, coerce: _, location: _ }) = behavior else { return Ok(()) };
        self.used_opt(expr, kind)
    }

    /// RETURNING.
    pub(super) fn json_output(&mut self, output: &mut Option<protobuf::JsonOutput>) -> Checked<Value> {
        let Some(protobuf::JsonOutput { type_name, returning: _ }) = output else { return Ok(Value::computed(None)) };
        let ty = type_name.as_mut().map(|t| self.type_name(t)).transpose()?;
        Ok(Value::computed(ty))
    }

    fn constructor(&mut self, constructor: &mut Option<Box<protobuf::JsonAggConstructor>>) -> Checked<Value> {
        let Some(constructor) = constructor else { return Ok(Value::computed(None)) };
        let protobuf::JsonAggConstructor { output, agg_filter, agg_order, over, location: _ } = &mut **constructor;
        self.used_opt(agg_filter, UseKind::Filter)?;
        self.sort(agg_order)?;
        if let Some(window) = over {
            self.window(window)?;
        }
        self.json_output(output)
    }
}
