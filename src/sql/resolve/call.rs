//! Function calls: everything that a name could resolve to is recorded, and the tree gets the schema (`parse_func.c`). No type inference
//! decides between overloads: the worst of them counts, in `plan`.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, FuncCall, Node, WindowDef};

use super::from::computed;
use super::names::{Found, TEMPORARY};
use super::result::{Gives, takes_rows};
use super::row::RECORD;
use super::{Resolver, Value, inner, name_nodes, strings, unknown};
use crate::base::{named, quote_ident};
use crate::catalog::{Catalog, FIRST_NORMAL_OID, Function, FunctionClass, Oid, class_of};
use crate::sql::model::{Call, Flow, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

const TEXT: Oid = Oid(25);
const VARCHAR: Oid = Oid(1043);
const REGCLASS: Oid = Oid(2205);

/// A call's functions, before its arguments are looked at.
pub(super) struct Callee<'a> {
    pub(super) candidates: Vec<&'a Function>,
}

/// A call and what it can give.
pub(super) struct Called {
    pub(super) value: Value,
    pub(super) gives: Vec<Gives>,
    /// The name of its one OUT parameter.
    pub(super) name: Option<Box<str>>,
}

impl Called {
    fn of(value: Value) -> Self {
        let gives = vec![value.ty.map_or(Gives::Unknown, Gives::Type)];
        Self { value, gives, name: None }
    }
}

impl Callee<'_> {
    /// The type that `min` or `max` gives of a type; text for what is cast to it.
    fn exact(&self, ty: Oid) -> Option<Oid> {
        let ty = if ty == VARCHAR { TEXT } else { ty };
        self.candidates.iter().find(|f| *f.arg_types == [ty]).map(|f| f.returns)
    }

    /// All candidates came with PostgreSQL and have this name.
    fn is_builtin(&self, name: &str) -> bool {
        self.candidates.iter().all(|f| f.oid < FIRST_NORMAL_OID && *f.name.name == *name && *f.name.schema == *"pg_catalog")
    }

    /// Whether it may be an aggregate that gives the first of its arguments in an order (`pg_aggregate.aggsortop`). PostgreSQL asks an index for
    /// that one, under the condition that the argument is not NULL (planagg.c).
    fn may_be_first(&self) -> bool {
        const FIRST: [&str; 5] = ["min", "max", "bool_and", "bool_or", "every"];
        let may = |f: &&Function| f.kind == 'a' && (f.oid >= FIRST_NORMAL_OID || FIRST.contains(&&*f.name.name));
        self.candidates.iter().any(may)
    }

    fn is_aggregate(&self) -> bool {
        self.candidates.iter().any(|f| f.kind == 'a')
    }

    /// The result's type, where all candidates agree on one that is not polymorphic.
    pub(super) fn result(&self, catalog: &Catalog) -> Option<Oid> {
        let (first, rest) = self.candidates.split_first()?;
        let same = rest.iter().all(|f| f.returns == first.returns);
        (same && catalog.type_info(first.returns).is_some_and(|t| t.kind != 'p')).then_some(first.returns)
    }
}

impl<'a> Resolver<'a> {
    /// A call in an expression.
    pub(super) fn call(&mut self, call: &mut FuncCall, kind: UseKind) -> Checked<Value> {
        self.called(call, kind).map(|called| called.value)
    }

    /// A call, with what it can give.
    pub(super) fn called(&mut self, call: &mut FuncCall, kind: UseKind) -> Checked<Called> {
        let bare = strings(&call.funcname)?.len() == 1;
        let callee = self.callee(call)?;
        if callee.is_aggregate() {
            self.aggregates_here(call)?;
        }
        let before = self.behind;
        self.behind &= !callee.may_be_first();
        let called = self.called_of(&callee, call, kind, bare);
        self.reads_as_arguments(&callee.candidates, call);
        self.behind = before;
        called
    }

    /// `bare` says that the name was written without a schema.
    fn called_of(&mut self, callee: &Callee<'_>, call: &mut FuncCall, kind: UseKind, bare: bool) -> Checked<Called> {
        let FuncCall {
            funcname: _,
            args,
            agg_order,
            agg_filter,
            over,
            agg_within_group,
            agg_star: _,
            agg_distinct,
            func_variadic,
            funcformat: _,
            location,
        } = call;
        let plain_aggregate = agg_order.is_empty();
        // an ordered set's values come out (percentile_disc, mode): they are arguments, not an order
        self.sort_as(agg_order, if *agg_within_group { UseKind::Aggregate } else { UseKind::Order })?;
        self.used_opt(agg_filter, UseKind::Filter)?;
        if let Some(window) = over {
            self.window(window)?;
        }
        let result = callee.result(self.cx.catalog);
        if let [only] = args.as_mut_slice()
            && plain_aggregate
        {
            if callee.is_builtin("count") {
                let value = self.expr(only, UseKind::Aggregate)?;
                self.consume(&value, if *agg_distinct { UseKind::CountDistinct } else { UseKind::Count });
                return Ok(Called::of(Value::computed(result)));
            }
            if callee.is_builtin("min") || callee.is_builtin("max") {
                let value = self.expr(only, UseKind::Aggregate)?;
                self.consume(&value, UseKind::MinMax);
                let ty = value.ty.and_then(|ty| callee.exact(ty));
                return Ok(Called::of(match value.flow {
                    // the value of some row, unchanged: what it becomes is for the mask's law to say
                    flow @ (Flow::Plain(_) | Flow::Null) => Value::new(flow, ty, *location),
                    Flow::Computed | Flow::Mixed(_) => Value::computed(ty),
                }));
            }
        }
        let kind = if callee.is_aggregate() { UseKind::Aggregate } else { kind };
        let named = args.iter().any(is_named);
        let values = args.iter_mut().map(|arg| self.used(arg, kind)).collect::<Checked<Vec<Value>>>()?;
        if let [value] = values.as_slice()
            && bare
            && self.is_field_of(callee, value)
        {
            return Err(super::field_notation().at(*location));
        }
        // nothing hangs on which of them is called where all give the one type, and it is no row
        if result.is_some_and(|ty| !self.holds_rows(ty)) && callee.candidates.iter().all(|f| f.out_columns.is_empty()) {
            return Ok(Called::of(Value::computed(result)));
        }
        let types: Vec<Option<Oid>> = values.iter().map(|v| v.type_of().filter(|_| !named && !*func_variadic)).collect();
        Ok(self.result_of(callee, &types, result))
    }

    /// Whether a call may be the field of a row: no function of the name takes it. With its schema the name would be a function's alone.
    fn is_field_of(&self, callee: &Callee<'_>, value: &Value) -> bool {
        let row = value.ty.and_then(|ty| self.cx.catalog.base_type(ty)).filter(|row| row.relation != Oid(0));
        let takes = |ty: &Oid| row.is_some_and(|row| *ty == row.oid) || takes_rows(*ty);
        let fields = row.and_then(|row| self.cx.catalog.relation(row.relation));
        let named = |name: &str| fields.is_some_and(|r| r.column(name).is_some());
        !callee.candidates.iter().any(|f| f.arg_types.first().is_some_and(takes))
            && callee.candidates.first().is_some_and(|f| named(&f.name.name))
    }

    fn result_of(&self, callee: &Callee<'_>, types: &[Option<Oid>], result: Option<Oid>) -> Called {
        let chosen = self.chosen(&callee.candidates, types);
        let gives = self.gives(&chosen, types);
        let value = match gives.as_slice() {
            [Gives::Type(ty)] if self.holds_rows(*ty) => Value::computed(Some(*ty)),
            [Gives::Fields(fields)] if chosen.iter().all(|f| f.kind == 'f') => {
                let row = fields.iter().map(|(name, ty)| computed(name, *ty)).collect();
                Value { row: Some(row), ..Value::computed(None) }
            }
            [Gives::Record] => Value::computed(Some(RECORD)),
            _ => Value::computed(result),
        };
        let name = |f: &&Function| match f.out_columns.as_slice() {
            [(name, _)] => Some(name.clone()),
            _ => None,
        };
        let (first, rest) = (chosen.first().and_then(name), chosen.get(1..).unwrap_or_default());
        Called { value, gives, name: first.filter(|n| rest.iter().all(|f| name(f).as_ref() == Some(n))) }
    }

    /// A type's name in front of a value in parentheses is a cast, where nothing could be called so (`func_get_detail` in `parse_func.c`).
    fn cast_of(&self, call: &FuncCall) -> Option<Node> {
        let [arg] = call.args.as_slice() else { return None };
        let parts = strings(&call.funcname).ok()?;
        let called = self.cx.catalog.functions_named(parts.last()?).any(|f| f.kind != 'p' && takes(f, 1, false, false, false, false));
        if called || is_named(arg) || !is_undecorated(call) || call.func_variadic {
            return None;
        }
        self.find_type(&parts).filter(|t| t.kind != 'c')?;
        let location = call.location;
        let ty = protobuf::TypeName { names: call.funcname.clone(), typemod: -1, location, ..protobuf::TypeName::default() };
        let cast = protobuf::TypeCast { arg: Some(Box::new(arg.clone())), type_name: Some(ty), location };
        Some(Node { node: Some(NodeEnum::TypeCast(Box::new(cast))) })
    }

    /// That of a literal: it is written as a cast.
    pub(super) fn as_cast(&self, call: &FuncCall) -> Option<Node> {
        let [arg] = call.args.as_slice() else { return None };
        literal(arg).and_then(|_| self.cast_of(call))
    }

    /// That of anything else: it stays a call, which gives a column its name and an error its words. `None` is no cast.
    pub(super) fn cast_as_call(&mut self, call: &mut FuncCall, kind: UseKind) -> Option<Checked<Value>> {
        let mut cast = self.cast_of(call)?;
        let value = self.expr(&mut cast, kind);
        if let Some(NodeEnum::TypeCast(cast)) = cast.node {
            call.args = cast.arg.map(|arg| *arg).into_iter().collect();
            call.funcname = cast.type_name.map(|ty| ty.names).unwrap_or_default();
        }
        Some(value)
    }

    /// `f(x)` is `(x).f` where `x`, a whole row or a column, has such a field and nothing could be called so (`ParseFuncOrColumn` in `parse_func.c`).
    pub(super) fn as_field(&self, call: &FuncCall) -> Option<Node> {
        let names = strings(&call.funcname).ok()?;
        let ([arg], [name]) = (call.args.as_slice(), names.as_slice()) else { return None };
        let Some(NodeEnum::ColumnRef(reference)) = &arg.node else { return None };
        let catalog = self.cx.catalog;
        let called =
            catalog.functions_named(name).any(|f| takes(f, 1, false, false, false, false)) || catalog.types_named(name).next().is_some();
        if called || !is_undecorated(call) || call.func_variadic {
            return None;
        }
        self.fields_named(reference)?.iter().find(|c| *c.name == **name)?;
        let indirection = protobuf::AIndirection { arg: Some(Box::new(arg.clone())), indirection: call.funcname.clone() };
        Some(Node { node: Some(NodeEnum::AIndirection(Box::new(indirection))) })
    }

    fn function_name<'n>(&self, parts: &[&'n str]) -> Checked<(Option<&'n str>, &'n str)> {
        match parts {
            [name] => Ok((None, *name)),
            [schema, name] => Ok((Some(*schema), *name)),
            [database, schema, name] if **database == *self.cx.catalog.contents().database => Ok((Some(*schema), *name)),
            _ => Err(unknown("the name of a function")),
        }
    }

    /// Everything that a call could mean.
    fn candidates(&self, call: &FuncCall, schema: Option<&str>, name: &str) -> Vec<&'a Function> {
        let (args, named) = (call.args.len(), call.args.iter().any(is_named));
        self.cx
            .catalog
            .functions_named(name)
            .filter(|f| takes(f, args, named, call.func_variadic, call.agg_star, call.agg_within_group))
            .filter(|f| schema.map_or_else(|| self.cx.path.contains(&f.name.schema), |s| *f.name.schema == *s))
            .filter(|f| f.kind != 'p')
            .collect()
    }

    /// The function that a call means for certain, where its body is to be put in the call's place.
    pub(super) fn has_body(&self, call: &FuncCall) -> Option<&'a Function> {
        let parts = strings(&call.funcname).ok()?;
        let (schema, name) = self.function_name(&parts).ok()?;
        if self.queries == 0 || !self.cx.catalog.functions_named(name).any(|f| f.body.is_some()) {
            return None;
        }
        match self.candidates(call, schema, name).as_slice() {
            [only] if (self.cx.bodies)(only.oid, self.height()) => Some(only),
            _ => None,
        }
    }

    /// Finds a call's functions, records them, and writes the schema into the tree.
    pub(super) fn callee(&mut self, call: &mut FuncCall) -> Checked<Callee<'a>> {
        let parts = strings(&call.funcname)?;
        let (schema, name) = self.function_name(&parts)?;
        if let Some(schema) = schema
            && !self.cx.catalog.has_schema(schema)
            && schema != super::names::TEMPORARY
        {
            return Err(Reject::postgres(Syntax::InvalidSchemaName, format!("schema \"{schema}\" does not exist")).at(call.location));
        }
        let (args, named) = (call.args.len(), call.args.iter().any(is_named));
        let candidates = self.candidates(call, schema, name);
        let Some(first) = candidates.first() else {
            let mut others = self.cx.catalog.functions_named(name);
            let procedure = others.any(|f| f.kind == 'p' && takes(f, args, named, call.func_variadic, false, false));
            return Err(no_function(&parts, args, procedure).at(call.location));
        };
        // a leakproof function would not do: what casts its arguments need not be. One without any may leave a trace of how often it ran
        let traced = |f: &&Function| f.oid >= FIRST_NORMAL_OID || f.volatility == 'v';
        let fails = (args > 0 || candidates.iter().any(traced))
            && !candidates.iter().all(|f| matches!(f.kind, 'a' | 'w'))
            && self.truncated(call).is_none();
        self.may_leak(fails);
        let found = &first.name.schema;
        let one_schema = candidates.iter().all(|f| f.name.schema == *found);
        let mut oids: Vec<Oid> = candidates.iter().map(|f| f.oid).collect();
        if !one_schema {
            if !self.calls_its_own(name) {
                return Err(unknown("a function of a name that stands in several schemas"));
            }
            // the name stays bare, so everything that it could ever mean is judged
            oids = self.cx.catalog.functions_named(name).map(|f| f.oid).collect();
        }
        self.name_sequence(&mut call.args, name, &candidates);
        let first_text = call.args.first().and_then(|a| self.constant_text(a)).map(Into::into);
        self.out.calls.push(Call { candidates: oids, args, operator: None, first: first_text, at: call.location });
        if schema.is_none() && one_schema && call.funcformat == protobuf::CoercionForm::CoerceExplicitCall as i32 {
            call.funcname = name_nodes(&[found, name]);
        }
        self.special_form(call, named);
        Ok(Callee { candidates })
    }

    /// A text that names a sequence gets the schema of what it stands for here, as names of relations do: PostgreSQL reads it again whenever it plans the
    /// statement, and by then it could stand for another.
    fn name_sequence(&self, args: &mut [Node], function: &str, candidates: &[&Function]) {
        let own = candidates.iter().all(|f| f.oid < FIRST_NORMAL_OID) && class_of(function) == Some(FunctionClass::Sequence);
        let Some(text) = args.first_mut().filter(|_| own).and_then(|a| self.constant_text_mut(a)) else { return };
        let Some((schema, name)) = named(text) else { return };
        let schema = match self.find(schema.as_deref().unwrap_or_default(), &name) {
            Some(Found::Catalog(relation)) => &*relation.name.schema,
            Some(Found::Local(local)) => local.schema.unwrap_or(TEMPORARY),
            None => return,
        };
        *text = format!("{}.{}", quote_ident(schema), quote_ident(&name));
    }

    /// Calls that have a form of their own. Words in it (`normalize(x, NFC)`) are constants here, and names to the second reader; and the printer gives
    /// that of OVERLAY for a plain call with four arguments, which is the same to PostgreSQL.
    fn special_form(&mut self, call: &mut FuncCall, named: bool) {
        let special = protobuf::CoercionForm::CoerceSqlSyntax as i32;
        if call.funcformat == special {
            let words: Vec<String> = call.args.iter().filter_map(|a| self.constant_text(a)).map(str::to_lowercase).collect();
            words.iter().for_each(|word| self.saw(word));
        } else if strings(&call.funcname).as_deref() == Ok(&["pg_catalog", "overlay"])
            && call.args.len() == 4
            && is_undecorated(call)
            && !call.func_variadic
            && !named
        {
            call.funcformat = special;
        }
    }

    /// OVER.
    pub(super) fn window(&mut self, window: &mut WindowDef) -> Checked<()> {
        let WindowDef { name: _, refname: _, partition_clause, order_clause, frame_options: _, start_offset, end_offset, location: _ } =
            window;
        self.used_all(partition_clause, UseKind::Group)?;
        self.sort(order_clause)?;
        self.used_opt(start_offset, UseKind::Expression)?;
        self.used_opt(end_offset, UseKind::Expression)
    }

    /// ORDER BY where neither output names nor positions count (windows, aggregates).
    pub(super) fn sort(&mut self, nodes: &mut [Node]) -> Checked<()> {
        self.sort_as(nodes, UseKind::Order)
    }

    fn sort_as(&mut self, nodes: &mut [Node], kind: UseKind) -> Checked<()> {
        for node in nodes {
            match inner(node)? {
                NodeEnum::SortBy(sort) => {
                    let protobuf::SortBy { node, sortby_dir: _, sortby_nulls: _, use_op, location } = &mut **sort;
                    if !use_op.is_empty() {
                        self.operator(use_op, 2, *location)?;
                    }
                    self.used_opt(node, kind)?;
                }
                _ => return Err(unknown("ORDER BY")),
            }
        }
        Ok(())
    }
}

/// Whether a function can be called with that many arguments.
#[expect(clippy::fn_params_excessive_bools, reason = "the marks of one call, all read here alone")]
fn takes(f: &Function, args: usize, named: bool, variadic_call: bool, star: bool, within_group: bool) -> bool {
    let (most, defaults) = (usize::from(f.args), usize::from(f.defaults));
    if star {
        return f.kind == 'a' || f.kind == 'w';
    }
    if within_group {
        return f.kind == 'a';
    }
    if named {
        return args <= most;
    }
    let least = most.saturating_sub(defaults);
    (least..=most).contains(&args) || (f.variadic && !variadic_call && args + 1 >= most)
}

pub(super) fn is_named(node: &Node) -> bool {
    matches!(node.node, Some(NodeEnum::NamedArgExpr(_)))
}

/// A text as it is written, which has no type of its own.
pub(super) fn literal(node: &Node) -> Option<&str> {
    match &node.node {
        Some(NodeEnum::AConst(protobuf::AConst { isnull: false, val: Some(protobuf::a_const::Val::Sval(s)), location: _ })) => {
            Some(&s.sval)
        }
        _ => None,
    }
}

impl Resolver<'_> {
    /// A literal text, casts aside that leave every character of it: others could cut it to something else.
    pub(super) fn constant_text<'n>(&self, node: &'n Node) -> Option<&'n str> {
        match &node.node {
            Some(NodeEnum::TypeCast(cast)) if self.keeps_text(cast) => cast.arg.as_ref().and_then(|a| self.constant_text(a)),
            _ => literal(node),
        }
    }

    /// The same, to be changed.
    fn constant_text_mut<'n>(&self, node: &'n mut Node) -> Option<&'n mut String> {
        match &mut node.node {
            Some(NodeEnum::TypeCast(cast)) if self.keeps_text(cast) => cast.arg.as_deref_mut().and_then(|a| self.constant_text_mut(a)),
            Some(NodeEnum::AConst(protobuf::AConst { isnull: false, val: Some(protobuf::a_const::Val::Sval(s)), location: _ })) => {
                Some(&mut s.sval)
            }
            _ => None,
        }
    }

    /// A domain of somebody's may have either name.
    fn keeps_text(&self, cast: &protobuf::TypeCast) -> bool {
        self.cast_to(cast).is_some_and(|ty| [TEXT, REGCLASS].contains(&ty))
    }
}

/// Whether a call has none of the words that belong to aggregates and windows. VARIADIC is none of them.
pub(super) fn is_undecorated(call: &FuncCall) -> bool {
    let FuncCall {
        funcname: _,
        args: _,
        agg_order,
        agg_filter,
        over,
        agg_within_group,
        agg_star,
        agg_distinct,
        func_variadic: _,
        funcformat: _,
        location: _,
    } = call;
    agg_order.is_empty() && agg_filter.is_none() && over.is_none() && !*agg_within_group && !*agg_star && !*agg_distinct
}

/// PostgreSQL lists the arguments' types too, which are not known here.
fn no_function(parts: &[&str], args: usize, procedure: bool) -> Reject {
    let (name, arguments) = (parts.join("."), if args == 0 { "()" } else { "" });
    if procedure {
        let reject = Reject::postgres(Syntax::WrongObjectType, format!("{name}{arguments} is a procedure"));
        return reject.hint("To call a procedure, use CALL.");
    }
    Reject::postgres(Syntax::UndefinedFunction, format!("function {name}{arguments} does not exist"))
}
