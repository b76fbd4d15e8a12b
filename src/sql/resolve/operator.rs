//! Operators: which functions may stand behind them, and which comparisons a mask survives (`parse_oper.c`).

use pg_query::NodeEnum;
use pg_query::protobuf::{self, AExpr, AExprKind, Node};

use super::call::literal;
use super::expr::{NUMBERS, is_constant, name_equals, no_operator};
use super::leak::{ARITHMETIC, is_arithmetic};
use super::{Resolver, Value, inner, strings, unknown};
use crate::catalog::{FIRST_NORMAL_OID, Oid, Scalar};
use crate::sql::model::{Call, Flow, Source, UseKind};
use crate::sql::reject::{Checked, Reject};

const BOOL: Oid = Oid(16);
const NAME: Oid = Oid(19);
const TEXT: Oid = Oid(25);
const VARCHAR: Oid = Oid(1043);

/// One side of an operator.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    /// Of this type; a text's collation may be in conflict with another's.
    Known(Oid),
    /// A text of this type, whose collation is the database's, which gives way to any other (`merge_collation_state` in `parse_collate.c`).
    Text(Oid),
    /// A constant or parameter without a type of its own.
    Literal,
    /// Of some type.
    Unknown,
}

/// Both.
pub(super) type Operands = (Operand, Operand);

impl Operand {
    pub(super) fn of(ty: Option<Oid>, constant: bool) -> Self {
        match ty {
            Some(oid) => Self::Known(oid),
            None if constant => Self::Literal,
            None => Self::Unknown,
        }
    }
}

impl Resolver<'_> {
    /// `a op b` and its relatives.
    pub(super) fn operator_expr(&mut self, expr: &mut AExpr, kind: UseKind) -> Checked<Value> {
        let members = self.members(expr);
        if !members.is_empty() {
            self.out.members.push(members);
            return self.member(expr, UseKind::Member(self.out.members.len() - 1));
        }
        let moment = self.moment_of(expr);
        let AExpr { kind: form, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location } = expr;
        let form = AExprKind::try_from(*form).unwrap_or(AExprKind::Undefined);
        let right = rexpr.as_mut().ok_or_else(|| unknown("an operator without its right side"))?;
        let args = if lexpr.is_some() { 2 } else { 1 };
        if matches!(form, AExprKind::AexprOp | AExprKind::AexprOpAny | AExprKind::AexprOpAll) {
            self.qualify_operator(name);
        }
        match form {
            AExprKind::AexprOp | AExprKind::AexprDistinct | AExprKind::AexprNotDistinct => {
                if let Some(ty) = moment {
                    self.used_opt(lexpr, kind)?;
                    self.used(right, kind)?;
                    return Ok(Value::computed(Some(ty)));
                }
                // beside NULL it is a test of NULL, and no operator runs
                let beside_null = [lexpr.as_deref(), Some(&**right)].into_iter().flatten().any(is_null);
                let tests_null = form != AExprKind::AexprOp && beside_null;
                let tests_null_by_setting = self.cx.says.is_some() && form == AExprKind::AexprOp && beside_null;
                if tests_null_by_setting {
                    return Err(Reject::unclear(
                        "policy",
                        "a comparison with NULL is a test of NULL where a session sets transform_null_equals",
                    )
                    .hint("write IS NULL, or leave it out: it is never true"));
                }
                let equality = tests_null || self.operator(name, args, *location)?;
                match lexpr {
                    Some(left) => {
                        let operands = self.compare(left, right, (equality, name), kind, *location)?;
                        if !(is_arithmetic(left) && is_arithmetic(right) && self.is_own_arithmetic(name)) {
                            self.operator_may_leak(name, &operands);
                        }
                        self.gives_type(name, (left, right), &operands);
                        if let [operands] = operands.as_slice()
                            && let Some(exact) = self.exact_result(name, *operands)
                        {
                            return Ok(Value::computed(Some(exact)));
                        }
                    }
                    None => {
                        self.used(right, kind)?;
                        self.may_leak(true);
                    }
                }
                Ok(Value::computed(self.result_type(name, form)))
            }
            AExprKind::AexprIn => {
                let equality = self.operator(name, args, *location)?;
                let left = lexpr.as_mut().ok_or_else(|| unknown("IN without a left side"))?;
                let operands = self.in_list(left, right, equality, kind, *location)?;
                self.operator_may_leak(name, &operands);
                Ok(Value::computed(Some(BOOL)))
            }
            AExprKind::AexprOpAny | AExprKind::AexprOpAll => {
                let equality = self.operator(name, args, *location)?;
                let left = lexpr.as_mut().ok_or_else(|| unknown("ANY without a left side"))?;
                let value = self.expr(left, kind)?;
                let constant = equality && is_constant_array(right);
                let fixed = is_constant_array(right) && !self.holds_met(right);
                let ty = self.used(right, kind)?.ty;
                let array = ty.and_then(|ty| self.cx.catalog.type_info(ty));
                let element = match array {
                    Some(array) if array.element == Oid(0) => Operand::Unknown, // a domain, whose collation may be its own
                    Some(array) => self.operand(&Value::computed(Some(array.element)), fixed),
                    // one that is written out of several types has one that is not known
                    None if matches!(right.node, Some(NodeEnum::AArrayExpr(_))) => Operand::Unknown,
                    None => Operand::of(None, fixed),
                };
                self.operator_may_leak(name, &[(self.operand(&value, false), element)]);
                self.reads_as(right, value.ty.and_then(|ty| self.array_over(self.compared_as(ty)?)));
                if constant {
                    self.equals_array(&value, right, ty);
                } else {
                    self.consume(&value, kind);
                }
                Ok(Value::computed(Some(BOOL)))
            }
            AExprKind::AexprNullif => {
                self.may_leak(true);
                self.operator(name, 2, *location)?;
                self.used_opt(lexpr, kind)?;
                let value = self.used(right, kind)?;
                Ok(Value::computed(value.ty.filter(|_| false)))
            }
            AExprKind::AexprLike | AExprKind::AexprIlike | AExprKind::AexprSimilar => {
                self.may_leak(true);
                self.operator(name, 2, *location)?;
                self.used_opt(lexpr, kind)?;
                self.used(right, kind)?;
                self.reads_as(right, Some(TEXT));
                Ok(Value::computed(Some(BOOL)))
            }
            AExprKind::AexprBetween | AExprKind::AexprNotBetween | AExprKind::AexprBetweenSym | AExprKind::AexprNotBetweenSym => {
                let left = lexpr.as_mut().ok_or_else(|| unknown("BETWEEN"))?;
                let value = self.used(left, kind)?;
                let NodeEnum::List(protobuf::List { items }) = inner(right)? else { return Err(unknown("BETWEEN")) };
                let bounds = self.operands(items, kind)?;
                for operator in ["<=", ">=", "<", ">"] {
                    let name = super::name_nodes(&[operator]);
                    self.operator(&name, 2, *location)?;
                    let operands: Vec<_> = bounds.iter().map(|b| (self.operand(&value, false), *b)).collect();
                    self.operator_may_leak(&name, &operands);
                    items.iter().for_each(|item| self.reads_as_operand(item, &name, value.ty));
                }
                Ok(Value::computed(Some(BOOL)))
            }
            AExprKind::Undefined => Err(unknown("an operator of this form")),
        }
    }

    /// The names in `column -> 'a' ->> 'b'`, where it is PostgreSQL's own operators that take them; none where it is something else.
    fn members(&self, expr: &AExpr) -> Vec<Box<str>> {
        let own = |name: &str| self.cx.catalog.operators_named(name).all(|o| o.oid < FIRST_NORMAL_OID && o.function < FIRST_NORMAL_OID);
        let mut names = Vec::new();
        let mut at = Some(expr);
        while let Some(AExpr { kind, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location: _ }) = at {
            let arrow = strings(name).ok().and_then(|parts| parts.last().copied()).filter(|n| matches!(*n, "->" | "->>") && own(n));
            // a text without a type is `text` behind an operator, where there is such a one
            let member = rexpr.as_deref().and_then(literal).map(Into::into);
            let (Some(_), Some(member), true) = (arrow, member, *kind == AExprKind::AexprOp as i32) else { return Vec::new() };
            names.insert(0, member);
            at = match lexpr.as_deref().and_then(|l| l.node.as_ref()) {
                Some(NodeEnum::AExpr(left)) => Some(&**left),
                Some(NodeEnum::ColumnRef(_)) => None,
                _ => return Vec::new(),
            };
        }
        names
    }

    /// Members of members of a column: of the column itself nothing else is used.
    fn member(&mut self, expr: &mut AExpr, kind: UseKind) -> Checked<Value> {
        let AExpr { kind: _, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location } = expr;
        self.qualify_operator(name);
        self.operator(name, 2, *location)?;
        self.may_leak(true);
        self.used_opt(rexpr, UseKind::Expression)?;
        if let Some(member) = rexpr.as_deref() {
            self.reads_as(member, Some(TEXT));
        }
        match lexpr.as_deref_mut().and_then(|l| l.node.as_mut()) {
            Some(NodeEnum::AExpr(left)) => self.member(left, kind).map(|_| ())?,
            _ => self.used_opt(lexpr, kind)?,
        }
        Ok(Value::computed(self.result_type(name, AExprKind::AexprOp)))
    }

    /// Two sides; `equality` is `=`, `<>` or IS DISTINCT FROM, which masks that keep values apart survive.
    fn compare(
        &mut self,
        left: &mut Node,
        right: &mut Node,
        (equality, names): (bool, &[Node]),
        kind: UseKind,
        at: i32,
    ) -> Checked<Vec<Operands>> {
        let literals = self.literals(left);
        if !equality {
            let literal_right = self.is_literal(right);
            let (before, behind) = (left, right);
            let (left, right) = (self.used(before, kind)?, self.used(behind, kind)?);
            self.reads_as_left(before, names, right.ty);
            self.reads_as_operand(behind, names, left.ty);
            return Ok(vec![(self.operand(&left, literals == [true]), self.operand(&right, literal_right))]);
        }
        let lefts = self.row_values(left, kind)?;
        self.compare_rows(&lefts, Some((left, literals)), right, kind, at)
    }

    /// Values with the members of a row, or with one other value. Where `left` is given, with which of its members are literals, its constants may be
    /// turned back, too.
    fn compare_rows(
        &mut self,
        lefts: &[Value],
        left: Option<(&mut Node, Vec<bool>)>,
        right: &mut Node,
        kind: UseKind,
        at: i32,
    ) -> Checked<Vec<Operands>> {
        let literals = self.literals(right);
        let rights = self.row_values(right, kind)?;
        if lefts.len() != rights.len() {
            lefts.iter().chain(&rights).for_each(|v| self.consume(v, kind));
            return Ok(vec![(Operand::Unknown, Operand::Unknown)]);
        }
        let (left, left_literals) = left.unzip();
        let mut left_members = left.map(row_members).into_iter().flatten();
        let mut left_literals = left_literals.into_iter().flatten();
        let mut operands = Vec::with_capacity(lefts.len());
        for (((l, r), right), literal) in lefts.iter().zip(&rights).zip(row_members(right)).zip(literals) {
            let left = left_members.next();
            let (constant_left, constant_right) = (left.as_deref().is_some_and(is_constant), is_constant(right));
            if let Some(left) = left.as_deref() {
                self.reads_as_operand(left, &name_equals(), r.ty);
            }
            match left {
                _ if constant_right => self.equals_constants(l, std::slice::from_mut(right), &[r.ty]),
                Some(left) if constant_left => self.equals_constants(r, std::slice::from_mut(left), &[l.ty]),
                _ => self.equal(l, r, kind, at),
            }
            self.reads_as_operand(right, &name_equals(), l.ty);
            operands.push((self.operand(l, left_literals.next() == Some(true)), self.operand(r, literal)));
        }
        Ok(operands)
    }

    fn in_list(&mut self, left: &mut Node, right: &mut Node, equality: bool, kind: UseKind, at: i32) -> Checked<Vec<Operands>> {
        let NodeEnum::List(protobuf::List { items }) = inner(right)? else { return Err(unknown("IN")) };
        let values = self.row_values(left, kind)?;
        if equality && values.len() > 1 {
            let compared = items.iter_mut().map(|item| self.compare_rows(&values, None, item, kind, at)).collect::<Checked<Vec<_>>>()?;
            return Ok(compared.concat());
        }
        let constant = items.iter().all(is_constant);
        let literals: Vec<bool> = items.iter().map(|item| self.is_literal(item)).collect();
        let members = items.iter_mut().map(|item| self.used(item, kind)).collect::<Checked<Vec<_>>>()?;
        let types: Vec<_> = members.iter().map(|m| m.ty).collect();
        if let [value] = values.as_slice() {
            items.iter().for_each(|item| self.reads_as_operand(item, &name_equals(), value.ty));
        }
        match values.as_slice() {
            [value] if equality && constant => self.equals_constants(value, items, &types),
            values => values.iter().for_each(|value| self.consume(value, kind)),
        }
        let left = match values.as_slice() {
            [value] => self.operand(value, false),
            _ => Operand::Unknown,
        };
        // PostgreSQL makes an array of those that are no columns: two of them may have two collations
        let is_own =
            |(member, literal): &(&Value, bool)| *literal && member.ty.is_some_and(|ty| self.is_text(ty) && self.has_own_collation(ty));
        let members = members.iter().zip(literals);
        let left = if members.clone().filter(is_own).count() > 1 { Operand::Unknown } else { left };
        Ok(members.map(|(member, literal)| (left, self.operand(member, literal))).collect())
    }

    /// Values that stand on one side of an operator.
    fn operands(&mut self, nodes: &mut [Node], kind: UseKind) -> Checked<Vec<Operand>> {
        let operand = |node: &mut Node| {
            let literal = self.is_literal(node);
            let value = self.used(node, kind)?;
            Ok(self.operand(&value, literal))
        };
        nodes.iter_mut().map(operand).collect()
    }

    /// What stands on one side of an operator. A text that is not one column's own, or a constant, may have no collation that is known: what compares it
    /// then fails (42P22) for each row. A constant's collation is that of its type, as a column's is: `name` and domains have their own.
    pub(super) fn operand(&self, value: &Value, constant: bool) -> Operand {
        let text = value.ty.filter(|ty| self.is_text(*ty));
        let Some(text) = text else { return Operand::of(value.ty, constant) };
        match &value.flow {
            _ if constant && self.has_own_collation(text) => Operand::Known(text),
            _ if constant => Operand::Text(text),
            Flow::Plain(sources) => match sources.as_slice() {
                [source] if self.is_of_the_databases_collation(*source) => Operand::Text(text),
                [_] => Operand::Known(text),
                _ => Operand::Unknown,
            },
            Flow::Null | Flow::Computed | Flow::Mixed(_) => Operand::Unknown,
        }
    }

    fn is_text(&self, ty: Oid) -> bool {
        self.cx.catalog.base_type(ty).is_some_and(|ty| Scalar::from_oid(ty.oid).is_text())
    }

    /// Whether a type of texts may have a collation that is not the database's.
    fn has_own_collation(&self, ty: Oid) -> bool {
        ty == NAME || self.cx.catalog.type_info(ty).is_none_or(|info| info.base.is_some())
    }

    /// Whether a column's texts have no collation of their own.
    fn is_of_the_databases_collation(&self, source: Source) -> bool {
        let relation = self.out.relation_of(source.instance).and_then(|oid| self.cx.catalog.relation(oid));
        relation.and_then(|r| r.column_number(source.column)).is_some_and(|column| column.collation.is_none())
    }

    /// Notes that an operator may leak what it is given, unless that of these operands' types is known to be leakproof.
    pub(super) fn operator_may_leak(&mut self, names: &[Node], operands: &[Operands]) {
        let name = strings(names).ok().and_then(|parts| parts.last().copied()).unwrap_or_default();
        let leaks = operands.is_empty() || !operands.iter().all(|(left, right)| self.is_leakproof(name, *left, *right));
        if leaks && self.may_order(name) {
            self.order_may_leak();
        }
        self.may_leak(leaks);
    }

    /// Whether it is `+` or its like, and nobody else's.
    fn is_own_arithmetic(&self, names: &[Node]) -> bool {
        let name = strings(names).ok().and_then(|parts| parts.last().copied());
        name.is_some_and(|name| ARITHMETIC.contains(&name) && !self.others_have(name))
    }

    /// Whether an index may be read in an operator's order (`pg_amop.amoppurpose`): it is then run on rows that no condition has been held against.
    /// Of PostgreSQL's own `<->` alone is such a one.
    fn may_order(&self, name: &str) -> bool {
        name == "<->" || self.others_have(name)
    }

    /// Whether somebody else has an operator of that name, beside PostgreSQL or alone.
    pub(super) fn others_have(&self, name: &str) -> bool {
        self.cx.catalog.operators_named(name).any(|o| o.oid >= FIRST_NORMAL_OID)
    }

    /// Only operators of just these types count: PostgreSQL takes such a one where there is one, and a constant without a type has the
    /// other side's (`binary_oper_exact`).
    pub(super) fn is_leakproof(&self, name: &str, left: Operand, right: Operand) -> bool {
        // two columns may have two collations
        let (left, right, may_conflict) = match (left, right) {
            (Operand::Known(left), Operand::Known(right)) => (left, right, true),
            (Operand::Known(left) | Operand::Text(left), Operand::Known(right) | Operand::Text(right)) => (left, right, false),
            (Operand::Known(both) | Operand::Text(both), Operand::Literal)
            | (Operand::Literal, Operand::Known(both) | Operand::Text(both)) => (both, both, false),
            _ => return false,
        };
        let catalog = self.cx.catalog;
        let (Some(left), Some(right)) = (self.compared_as(left), self.compared_as(right)) else { return false };
        if may_conflict && [left, right].into_iter().all(|oid| Scalar::from_oid(oid).is_text()) {
            return false;
        }
        let binary = || catalog.operators_named(name).filter(|o| o.left != Oid(0));
        let own = binary().all(|o| o.oid < FIRST_NORMAL_OID && o.function < FIRST_NORMAL_OID);
        let function = binary().find(|o| o.left == left && o.right == right).and_then(|o| catalog.function(o.function));
        own && function.is_some_and(|f| f.leakproof)
    }

    /// The type whose operators compare values of a type.
    pub(super) fn compared_as(&self, ty: Oid) -> Option<Oid> {
        self.cx.catalog.base_type(ty).map(|t| if t.oid == VARCHAR { TEXT } else { t.oid })
    }

    /// Records what may run behind an operator; says whether it is equality or its negation.
    pub(super) fn operator(&mut self, names: &[Node], args: usize, location: i32) -> Checked<bool> {
        let parts = strings(names)?;
        let (schema, name) = match parts.as_slice() {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            _ => return Err(unknown("the name of an operator")),
        };
        let mut any = false;
        let mut foreign = Vec::new();
        for operator in self.cx.catalog.operators_named(name) {
            let fits = (operator.left == Oid(0)) == (args == 1) && schema.is_none_or(|s| *operator.name.schema == *s);
            any |= fits;
            if fits && (operator.oid >= FIRST_NORMAL_OID || operator.function >= FIRST_NORMAL_OID) {
                foreign.push(operator.function);
            }
        }
        // the parser reads `<>` for `!=`; prefix plus and minus on literals are operators too
        if !any {
            return Err(no_operator(name, location));
        }
        if !foreign.is_empty() && schema.is_none() && (self.in_definition() || !self.means_its_own(name)) {
            return Err(unknown("an operator that cannot be written with its schema, and has namesakes from outside PostgreSQL,"));
        }
        if !foreign.is_empty() {
            self.out.calls.push(Call { candidates: foreign, args, operator: Some(name.into()), first: None, at: location });
        }
        Ok(matches!(name, "=" | "<>") && schema.is_none_or(|s| s == "pg_catalog"))
    }

    /// The number that an operator of just these types gives (`binary_oper_exact`): a constant without a type has the other side's.
    fn exact_result(&self, names: &[Node], operands: Operands) -> Option<Oid> {
        let (left, right) = match operands {
            (Operand::Known(left), Operand::Known(right)) => (left, right),
            (Operand::Known(both), Operand::Literal) | (Operand::Literal, Operand::Known(both)) => (both, both),
            _ => return None,
        };
        let name = strings(names).ok()?.last().copied()?;
        let mut exact = self.cx.catalog.operators_named(name).filter(|o| o.left == left && o.right == right);
        let result = exact.next().filter(|o| o.oid < FIRST_NORMAL_OID && exact.next().is_none())?.result;
        NUMBERS.contains(&result).then_some(result)
    }

    /// The type of an operator's result, where all operators of that name agree.
    fn result_type(&self, names: &[Node], form: AExprKind) -> Option<Oid> {
        if form != AExprKind::AexprOp {
            return Some(BOOL);
        }
        let name = strings(names).ok()?.last().copied()?;
        let mut results = self.cx.catalog.operators_named(name).map(|o| o.result);
        let first = results.next()?;
        results.all(|r| r == first).then_some(first)
    }
}

/// NULL as it is written (`exprIsNullConstant` in `parse_expr.c`).
fn is_null(node: &Node) -> bool {
    matches!(&node.node, Some(NodeEnum::AConst(constant)) if constant.isnull)
}

/// The members of a row, or the one value.
fn row_members(node: &mut Node) -> &mut [Node] {
    if !matches!(node.node, Some(NodeEnum::RowExpr(_))) {
        return std::slice::from_mut(node);
    }
    match &mut node.node {
        Some(NodeEnum::RowExpr(row)) => &mut row.args,
        _ => &mut [],
    }
}

/// A constant array: a literal, a parameter, or ARRAY of constants; each may be cast.
pub(super) fn is_constant_array(node: &Node) -> bool {
    let inside = match &node.node {
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().unwrap_or(node),
        _ => node,
    };
    match &inside.node {
        Some(NodeEnum::AArrayExpr(array)) => array.elements.iter().all(is_constant),
        _ => is_constant(node),
    }
}
