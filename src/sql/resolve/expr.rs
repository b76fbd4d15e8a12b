//! Expressions: what they use, and whether their value is a column's own (`parse_expr.c`). Each kind of node is taken apart whole.

use pg_query::NodeEnum;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{self, Node};

use super::{Resolver, Value, absent, inner, since, unknown};
use crate::catalog::{FIRST_NORMAL_OID, Oid, Scalar};
use crate::sql::model::{Flow, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

/// Types of literals, from `pg_type.dat`.
const BOOL: Oid = Oid(16);
const INT8: Oid = Oid(20);
const INT4: Oid = Oid(23);
const NUMERIC: Oid = Oid(1700);
const TEXT: Oid = Oid(25);
const XML: Oid = Oid(142);

impl Resolver<'_> {
    /// A value; the uses inside it are recorded as `kind`, the value itself is not used yet.
    pub(super) fn expr(&mut self, node: &mut Node, kind: UseKind) -> Checked<Value> {
        super::veil::say(node, &self.cx)?;
        if let Some(plain) = self.without_parentheses(node, false) {
            *node = plain;
        }
        self.may_leak(runs_something(inner(node)?));
        match inner(node)? {
            NodeEnum::ColumnRef(reference) => {
                let hit = self.column(reference)?;
                self.mask_in_place(node, hit)
            }
            NodeEnum::AConst(constant) => {
                let value = constant_value(constant);
                self.meets_text(node);
                value
            }
            NodeEnum::ParamRef(protobuf::ParamRef { number, location: _ }) => match self.cx.function {
                Some(function) => {
                    *node = self.parameter(function, *number)?;
                    self.expr(node, kind)
                }
                None => Ok(Value::computed(self.meet(*number))),
            },
            NodeEnum::AExpr(expr) => self.operator_expr(expr, kind),
            NodeEnum::BoolExpr(boolean) => {
                let protobuf::BoolExpr { xpr: _, boolop: _, args, location: _ } = &mut **boolean;
                self.used_all(args, kind)?;
                Ok(Value::computed(Some(BOOL)))
            }
            NodeEnum::FuncCall(call) => match self.as_cast(call).or_else(|| self.as_field(call)) {
                Some(other) => {
                    *node = other;
                    self.expr(node, kind)
                }
                None => match self.has_body(call) {
                    Some(function) => self.body_as_value(node, function, kind),
                    None => self.cast_as_call(call, kind).unwrap_or_else(|| self.call(call, kind)),
                },
            },
            NodeEnum::TypeCast(cast) => {
                let moment = self.moment_cast(cast);
                let protobuf::TypeCast { arg, type_name, location: _ } = &mut **cast;
                let is_met = arg.as_deref().is_some_and(|arg| self.holds_met(arg));
                let value = match arg {
                    Some(arg) => self.used(arg, kind)?,
                    None => return Err(unknown("a cast of nothing")),
                };
                let name = type_name.as_mut().ok_or_else(|| unknown("a cast without a type"))?;
                let ty = self.type_name(name)?;
                // a cast to the type that it has, without a modifier there too, is left out by PostgreSQL (`coerce_type_typmod` in `parse_coerce.c`)
                let same = value.ty == Some(ty) && name.typmods.is_empty() && self.modifier(&value) == Some(-1);
                let origin = value.origin.filter(|_| same);
                let read_once = !is_met && self.is_read_once(arg.as_deref(), ty, name);
                self.may_leak(!read_once && moment.is_none());
                if let Some(arg) = arg.as_deref().filter(|_| read_once) {
                    self.has_type(arg, ty);
                }
                if let Some(arg) = arg.as_deref() {
                    self.reads_as(arg, Some(ty));
                }
                if ty == BOOL && name.array_bounds.is_empty() {
                    spell_out(arg.as_deref_mut());
                }
                Ok(Value { origin, ..Value::computed(Some(ty)) })
            }
            NodeEnum::NullTest(test) => {
                let protobuf::NullTest { xpr: _, arg, nulltesttype: _, argisrow: _, location: _ } = &mut **test;
                self.used_opt(arg, UseKind::NullTest)?;
                Ok(Value::computed(Some(BOOL)))
            }
            NodeEnum::BooleanTest(test) => {
                let protobuf::BooleanTest { xpr: _, arg, booltesttype: _, location: _ } = &mut **test;
                self.used_opt(arg, kind)?;
                Ok(Value::computed(Some(BOOL)))
            }
            NodeEnum::SubLink(link) => self.sublink(link, kind),
            NodeEnum::CaseExpr(case) => self.case(case, kind),
            NodeEnum::CoalesceExpr(coalesce) => {
                let protobuf::CoalesceExpr { xpr: _, coalescetype: _, coalescecollid: _, args, location: _ } = &mut **coalesce;
                self.alternatives(args, kind)
            }
            NodeEnum::MinMaxExpr(least) => {
                let protobuf::MinMaxExpr { xpr: _, minmaxtype: _, minmaxcollid: _, inputcollid: _, op: _, args, location: _ } =
                    &mut **least;
                self.alternatives(args, kind)
            }
            NodeEnum::RowExpr(row) => {
                let protobuf::RowExpr { xpr: _, args, row_typeid: _, row_format: _, colnames: _, location: _ } = &mut **row;
                let members = self.members_of(args, |r, node| r.used(node, kind))?;
                let field = |(i, value): (usize, Value)| super::scope::Column::computed(&format!("f{}", i + 1), value);
                Ok(Value { row: Some(members.into_iter().enumerate().map(field).collect()), ..Value::computed(None) })
            }
            NodeEnum::AArrayExpr(array) => {
                let protobuf::AArrayExpr { elements, list_start: _, list_end: _, location: _ } = array;
                let mut cast = elements.iter().any(|element| self.holds_met(element));
                let types = elements.iter_mut().map(|node| self.alternative(node, kind)).collect::<Checked<Vec<_>>>()?;
                let element = self.common_type(&types);
                cast |= elements.iter().any(is_parameter) && types.iter().any(|(ty, _)| ty.is_some() && *ty != element);
                self.may_leak(cast);
                Ok(Value::computed(element.and_then(|ty| self.array_over(ty))))
            }
            NodeEnum::AIndirection(indirection) => self.field_selection(indirection, kind),
            NodeEnum::CollateClause(collate) => {
                let protobuf::CollateClause { arg, collname, location: _ } = &mut **collate;
                if self.in_definition() && collname.len() == 1 {
                    collname.splice(0..0, super::name_nodes(&["pg_catalog"]));
                }
                match arg {
                    Some(arg) => self.used(arg, kind).map(|v| Value::computed(v.ty)),
                    None => Err(unknown("COLLATE")),
                }
            }
            NodeEnum::SqlvalueFunction(function) => {
                let protobuf::SqlValueFunction { xpr: _, op: _, r#type: _, typmod: _, location: _ } = &**function;
                Ok(Value::computed(self.moment(node)))
            }
            NodeEnum::GroupingFunc(grouping) => {
                let protobuf::GroupingFunc { xpr: _, args, refs: _, agglevelsup: _, location: _ } = &mut **grouping;
                self.used_all(args, UseKind::Group)?;
                Ok(Value::computed(Some(INT4)))
            }
            NodeEnum::SetToDefault(default) => {
                let protobuf::SetToDefault { xpr: _, type_id: _, type_mod: _, collation: _, location: _ } = &**default;
                self.out.defaulted = true;
                Ok(Value::computed(None))
            }
            NodeEnum::CurrentOfExpr(current) => {
                let protobuf::CurrentOfExpr { xpr: _, cvarno: _, cursor_name: _, cursor_param: _ } = &**current;
                Ok(Value::computed(Some(BOOL)))
            }
            NodeEnum::MergeSupportFunc(function) => {
                let protobuf::MergeSupportFunc { xpr: _, msftype: _, msfcollid: _, location: _ } = &**function;
                since::needs(17, "MERGE_ACTION", self.cx.catalog)?;
                Ok(Value::computed(None))
            }
            NodeEnum::NamedArgExpr(named) => {
                let protobuf::NamedArgExpr { xpr: _, arg, name, argnumber: _, location: _ } = &mut **named;
                self.saw(name);
                match arg {
                    Some(arg) => self.used(arg, kind).map(|v| Value::computed(v.ty)),
                    None => Err(unknown("a named argument")),
                }
            }
            NodeEnum::XmlExpr(xml) => {
                let protobuf::XmlExpr {
                    xpr: _,
                    op: _,
                    name: _,
                    named_args,
                    arg_names: _,
                    args,
                    xmloption: _,
                    indent: _,
                    r#type: _,
                    typmod: _,
                    location: _,
                } = &mut **xml;
                for arg in named_args {
                    match inner(arg)? {
                        NodeEnum::ResTarget(target) => {
                            let protobuf::ResTarget { name: _, indirection, val, location: _ } = &mut **target;
                            absent("an indirection", indirection.is_empty())?;
                            self.used_opt(val, kind)?;
                        }
                        _ => return Err(unknown("an argument of an XML expression")),
                    }
                }
                self.used_all(args, kind)?;
                Ok(Value::computed(Some(XML)))
            }
            NodeEnum::XmlSerialize(xml) => {
                let protobuf::XmlSerialize { xmloption: _, expr, type_name, indent: _, location: _ } = &mut **xml;
                self.used_opt(expr, kind)?;
                let ty = type_name.as_mut().map(|t| self.type_name(t)).transpose()?;
                Ok(Value::computed(ty))
            }
            NodeEnum::MultiAssignRef(multi) => {
                let protobuf::MultiAssignRef { source, colno: _, ncolumns: _ } = &mut **multi;
                // the source stands in each of its targets: only PostgreSQL evaluates it once
                match source {
                    Some(source) => self.multi_source(source, kind),
                    None => Err(unknown("an assignment of several columns")),
                }
            }
            other => self.json(other, kind),
        }
    }

    /// `(a, b) = (SELECT …)` and `(a, b) = ROW (…)`: what is stored.
    fn multi_source(&mut self, source: &mut Node, kind: UseKind) -> Checked<Value> {
        if let NodeEnum::SubLink(link) = inner(source)? {
            self.may_give_more(link.subselect.as_deref());
            for output in self.sublink_outputs(link, kind)? {
                self.consume(&output, kind);
            }
            return Ok(Value::computed(None));
        }
        self.used(source, kind).map(|_| Value::computed(None))
    }

    /// Whether a field's name is that of a function or type, which field notation would call.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.cx.catalog.functions_named(name).next().is_some() || self.cx.catalog.types_named(name).next().is_some()
    }

    /// Subscripts and fields.
    pub(super) fn indirection(&mut self, nodes: &mut [Node], kind: UseKind) -> Checked<()> {
        for node in nodes {
            match inner(node)? {
                NodeEnum::String(protobuf::String { sval }) => self.saw(sval),
                NodeEnum::AIndices(indices) => {
                    let protobuf::AIndices { is_slice: _, lidx, uidx } = &mut **indices;
                    self.used_opt(lidx, kind)?;
                    self.used_opt(uidx, kind)?;
                }
                _ => return Err(unknown("a star behind an expression")),
            }
        }
        Ok(())
    }

    fn case(&mut self, case: &mut protobuf::CaseExpr, kind: UseKind) -> Checked<Value> {
        let protobuf::CaseExpr { xpr: _, casetype: _, casecollid: _, arg, args, defresult, location } = case;
        if arg.is_some() {
            // each WHEN is compared by the operator of this name
            self.operator(&name_equals(), 2, *location)?;
        }
        self.used_opt(arg, kind)?;
        let mut types = Vec::with_capacity(args.len() + 1);
        for when in args {
            match inner(when)? {
                NodeEnum::CaseWhen(when) => {
                    let protobuf::CaseWhen { xpr: _, expr, result, location: _ } = &mut **when;
                    self.used_opt(expr, kind)?;
                    if let Some(result) = result {
                        types.push(self.alternative(result, kind)?);
                    }
                }
                _ => return Err(unknown("a part of CASE")),
            }
        }
        types.push(match defresult {
            Some(result) => self.alternative(result, kind)?,
            None => (None, true),
        });
        Ok(Value::computed(self.common_type(&types).filter(|ty| self.holds_rows(*ty))))
    }

    /// A subquery in an expression.
    fn sublink(&mut self, link: &mut protobuf::SubLink, kind: UseKind) -> Checked<Value> {
        let ty = protobuf::SubLinkType::try_from(link.sub_link_type).unwrap_or(protobuf::SubLinkType::Undefined);
        match ty {
            protobuf::SubLinkType::ExistsSublink => {
                // no value of them gets out, but a column that does not exist for the principal may not be named
                let outputs = self.sublink_outputs(link, kind)?;
                outputs.iter().for_each(|o| self.consume(o, UseKind::Output));
                Ok(Value::computed(Some(BOOL)))
            }
            protobuf::SubLinkType::ExprSublink => {
                self.may_give_more(link.subselect.as_deref());
                let outputs = self.sublink_outputs(link, kind)?;
                if let [only] = outputs.as_slice() {
                    return Ok(only.clone().opaque()); // a scalar subquery gives its column's own value, or NULL
                }
                outputs.iter().for_each(|o| self.consume(o, kind));
                Ok(Value::computed(None))
            }
            protobuf::SubLinkType::ArraySublink => {
                let outputs = self.sublink_outputs(link, kind)?;
                outputs.iter().for_each(|o| self.consume(o, kind));
                let element = outputs.first().and_then(Value::type_of);
                Ok(Value::computed(element.and_then(|ty| self.array_over(ty))))
            }
            protobuf::SubLinkType::AnySublink | protobuf::SubLinkType::AllSublink => {
                self.compared_sublink(link, kind)?;
                Ok(Value::computed(Some(BOOL)))
            }
            protobuf::SubLinkType::Undefined
            | protobuf::SubLinkType::RowcompareSublink
            | protobuf::SubLinkType::MultiexprSublink
            | protobuf::SubLinkType::CteSublink => Err(unknown("a subquery of this kind")),
        }
    }

    /// `x IN (SELECT …)`, `x = ANY (SELECT …)`, `x < ALL (SELECT …)`.
    fn compared_sublink(&mut self, link: &mut protobuf::SubLink, kind: UseKind) -> Checked<()> {
        let names = link.oper_name.clone();
        let at = link.location;
        let mut test = link.testexpr.take();
        let left = match &mut test {
            Some(test) => self.row_values(test, kind),
            None => Err(unknown("a comparison with a subquery")),
        };
        link.testexpr = test;
        let left = left?;
        let right = self.sublink_outputs(link, kind)?;
        let names = if names.is_empty() { name_equals() } else { names };
        let equality = self.operator(&names, 2, at)?;
        let operands: Vec<_> = left.iter().zip(&right).map(|(l, r)| (self.operand(l, false), self.operand(r, false))).collect();
        self.operator_may_leak(&names, &operands);
        if left.len() == right.len() && equality {
            for (l, r) in left.iter().zip(&right) {
                self.equal(l, r, kind, at);
            }
        } else {
            left.iter().chain(&right).for_each(|v| self.consume(v, kind));
        }
        Ok(())
    }

    /// The members of a row, or the one value.
    pub(super) fn row_values(&mut self, node: &mut Node, kind: UseKind) -> Checked<Vec<Value>> {
        if let NodeEnum::RowExpr(row) = inner(node)? {
            let protobuf::RowExpr { xpr: _, args, row_typeid: _, row_format: _, colnames: _, location: _ } = &mut **row;
            return args.iter_mut().map(|a| self.expr(a, kind)).collect();
        }
        Ok(vec![self.expr(node, kind)?])
    }

    /// What a subquery gives.
    fn sublink_outputs(&mut self, link: &mut protobuf::SubLink, kind: UseKind) -> Checked<Vec<Value>> {
        let protobuf::SubLink { xpr: _, sub_link_type: _, sub_link_id: _, testexpr, oper_name: _, subselect, location: _ } = link;
        if let Some(test) = testexpr
            && !matches!(
                protobuf::SubLinkType::try_from(link.sub_link_type),
                Ok(protobuf::SubLinkType::AnySublink | protobuf::SubLinkType::AllSublink)
            )
        {
            self.used(test, kind)?;
        }
        let query = subselect.as_mut().ok_or_else(|| unknown("a subquery"))?;
        let outputs = self.query(query)?;
        Ok(outputs.into_iter().map(|o| o.value).collect())
    }

    /// Two values that are compared for equality: with each other where both are columns.
    pub(super) fn equal(&mut self, left: &Value, right: &Value, kind: UseKind, at: i32) {
        if left.flow.sources().is_empty() || right.flow.sources().is_empty() {
            self.consume(left, kind);
            self.consume(right, kind);
            return;
        }
        for value in [left, right] {
            self.consume(value, UseKind::Equality);
        }
        self.out.equalities.push(crate::sql::model::Equality { left: left.flow.clone(), right: right.flow.clone(), at });
    }

    /// The array type over elements of a type; arrays of arrays are arrays of more dimensions (`get_promoted_array_type`).
    pub(super) fn array_over(&self, element: Oid) -> Option<Oid> {
        let info = self.cx.catalog.type_info(element)?;
        Some(if info.element == Oid(0) { info.array } else { element }).filter(|oid| *oid != Oid(0))
    }

    /// A value that is one of these: what is known of it is which row it is, if any.
    fn alternatives(&mut self, nodes: &mut [Node], kind: UseKind) -> Checked<Value> {
        let common = self.common_of(nodes, kind)?;
        Ok(Value::computed(common.filter(|ty| self.holds_rows(*ty))))
    }

    /// The type that these have in common, where that is certain (`select_common_type` in `parse_coerce.c`).
    fn common_of(&mut self, nodes: &mut [Node], kind: UseKind) -> Checked<Option<Oid>> {
        let types = nodes.iter_mut().map(|node| self.alternative(node, kind)).collect::<Checked<Vec<_>>>()?;
        Ok(self.common_type(&types))
    }

    fn alternative(&mut self, node: &mut Node, kind: UseKind) -> Checked<(Option<Oid>, bool)> {
        let untyped = is_untyped(node);
        Ok((self.used(node, kind)?.type_of(), untyped))
    }

    /// The same of types, each with whether it is that of a constant which has none of its own.
    fn common_type(&self, types: &[(Option<Oid>, bool)]) -> Option<Oid> {
        let mut typed = types.iter().filter(|(ty, untyped)| ty.is_some() || !untyped).map(|(ty, _)| *ty);
        let Some(first) = typed.next() else { return Some(TEXT).filter(|_| !types.is_empty()) };
        let same = typed.clone().all(|ty| ty == first);
        let all = typed.clone().count() + 1 == types.len();
        match first? {
            ty if same && all => Some(ty),
            ty if same => self.cx.catalog.base_type(ty).map(|t| t.oid),
            ty => typed.try_fold(rank(ty)?, |most, ty| Some(most.max(rank(ty?)?))).and_then(|most| NUMBERS.get(most).copied()),
        }
    }
}

/// Numbers, each of which is cast to those behind it where they stand together.
pub(super) const NUMBERS: [Oid; 6] = [Oid(21), INT4, INT8, NUMERIC, Oid(700), Oid(701)];

fn rank(ty: Oid) -> Option<usize> {
    NUMBERS.iter().position(|n| *n == ty)
}

/// A constant or parameter that has no type of its own, unless one was declared for it.
fn is_untyped(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::AConst(constant)) => constant.isnull || matches!(constant.val, Some(Val::Sval(_))),
        Some(NodeEnum::ParamRef(_)) => true,
        _ => false,
    }
}

/// A parameter, casts aside.
fn is_parameter(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().is_some_and(is_parameter),
        _ => false,
    }
}

/// The operator of IN.
pub(super) fn name_equals() -> Vec<Node> {
    super::name_nodes(&["="])
}

/// A literal.
fn constant_value(constant: &protobuf::AConst) -> Checked<Value> {
    use protobuf::a_const::Val;
    let protobuf::AConst { isnull, location, val } = constant;
    if *isnull {
        return Ok(Value::new(Flow::Null, None, *location));
    }
    let ty = match val {
        Some(Val::Ival(_)) => Some(INT4),
        Some(Val::Fval(f)) if f.fval.parse::<i64>().is_ok() => Some(INT8),
        // in another base, or with `_` in it: it may be either
        Some(Val::Fval(f)) if f.fval.parse::<f64>().is_err() => None,
        Some(Val::Fval(_)) => Some(NUMERIC),
        Some(Val::Boolval(_)) => Some(BOOL),
        Some(Val::Sval(_) | Val::Bsval(_)) => None,
        None => return Err(unknown("an empty constant")),
    };
    Ok(Value::new(Flow::Computed, ty, *location))
}

/// Whether evaluating a node, what stands inside it aside, may run a function that is not looked at where it is met (operators, calls).
fn runs_something(node: &NodeEnum) -> bool {
    match node {
        // their parts may be cast to a common type
        NodeEnum::AArrayExpr(array) => !array.elements.iter().all(is_constant),
        NodeEnum::ColumnRef(_)
        | NodeEnum::AConst(_)
        | NodeEnum::ParamRef(_)
        | NodeEnum::AExpr(_)
        | NodeEnum::BoolExpr(_)
        | NodeEnum::FuncCall(_)
        | NodeEnum::TypeCast(_)
        | NodeEnum::NullTest(_)
        | NodeEnum::BooleanTest(_)
        | NodeEnum::SubLink(_)
        | NodeEnum::RowExpr(_)
        | NodeEnum::CollateClause(_)
        | NodeEnum::SqlvalueFunction(_)
        | NodeEnum::GroupingFunc(_)
        | NodeEnum::SetToDefault(_)
        | NodeEnum::CurrentOfExpr(_)
        | NodeEnum::NamedArgExpr(_)
        | NodeEnum::MultiAssignRef(_) => false,
        _ => true,
    }
}

/// `'t'::bool` is not printed as the cast that it is: `libpg_query` takes it for the word `true`, as older parsers read that.
fn spell_out(arg: Option<&mut Node>) {
    let Some(NodeEnum::AConst(constant)) = arg.and_then(|a| a.node.as_mut()) else { return };
    let Some(Val::Sval(text)) = &mut constant.val else { return };
    match &*text.sval {
        "t" => "true".clone_into(&mut text.sval),
        "f" => "false".clone_into(&mut text.sval),
        _ => {}
    }
}

/// A constant or a parameter, casts and a sign aside: nothing of a row in it, and nothing that runs.
pub(super) fn is_constant(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_ref().is_some_and(|a| is_constant(a)),
        _ => false,
    }
}

impl Resolver<'_> {
    /// Whether a cast is over when the statement has been read: of a literal, of a number to one of another kind, of a parameter that has the
    /// type. All else may run for a row, and fail there (a domain's CHECK, `'x'::text::timestamptz`), which tells that the row is there.
    fn is_read_once(&self, arg: Option<&Node>, ty: Oid, name: &protobuf::TypeName) -> bool {
        use Scalar::{Float4, Float8, Int2, Int4, Int8, Numeric};
        let plain = self.cx.catalog.type_info(ty).is_some_and(|t| t.base.is_none()) && (ty < FIRST_NORMAL_OID || name.typmods.is_empty());
        plain
            && match arg.and_then(|a| a.node.as_ref()) {
                Some(NodeEnum::AConst(constant)) => match constant.val {
                    Some(Val::Ival(_) | Val::Fval(_)) => matches!(Scalar::from_oid(ty), Int2 | Int4 | Int8 | Float4 | Float8 | Numeric),
                    Some(Val::Sval(_) | Val::Boolval(_) | Val::Bsval(_)) | None => true,
                },
                Some(NodeEnum::ParamRef(parameter)) => self.parameter_type(parameter.number).is_none_or(|declared| declared == ty),
                _ => false,
            }
    }
}

/// What a name that PostgreSQL does not find is called in its errors.
pub(super) fn no_operator(name: &str, location: i32) -> Reject {
    Reject::postgres(Syntax::UndefinedFunction, format!("operator does not exist: {name}")).at(location)
}
