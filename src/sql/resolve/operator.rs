//! Operators: which functions may stand behind them, and which comparisons a mask survives (`parse_oper.c`).

use pg_query::NodeEnum;
use pg_query::protobuf::{self, AExpr, AExprKind, Node};

use super::expr::{is_constant, no_operator};
use super::{Resolver, Value, inner, strings, unknown};
use crate::catalog::{FIRST_NORMAL_OID, Oid};
use crate::sql::model::{Call, UseKind};
use crate::sql::reject::Checked;

const BOOL: Oid = Oid(16);

impl Resolver<'_> {
    /// `a op b` and its relatives.
    pub(super) fn operator_expr(&mut self, expr: &mut AExpr, kind: UseKind) -> Checked<Value> {
        let AExpr { kind: form, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location } = expr;
        let form = AExprKind::try_from(*form).unwrap_or(AExprKind::Undefined);
        let right = rexpr.as_mut().ok_or_else(|| unknown("an operator without its right side"))?;
        let args = if lexpr.is_some() { 2 } else { 1 };
        match form {
            AExprKind::AexprOp | AExprKind::AexprDistinct | AExprKind::AexprNotDistinct => {
                let equality = self.operator(name, args, *location)?;
                match lexpr {
                    Some(left) => self.compare(left, right, equality, kind, *location)?,
                    None => {
                        self.used(right, kind)?;
                    }
                }
                Ok(Value::computed(self.result_type(name, form)))
            }
            AExprKind::AexprIn => {
                let equality = self.operator(name, args, *location)?;
                let left = lexpr.as_mut().ok_or_else(|| unknown("IN without a left side"))?;
                self.in_list(left, right, equality, kind)?;
                Ok(Value::computed(Some(BOOL)))
            }
            AExprKind::AexprOpAny | AExprKind::AexprOpAll => {
                let equality = self.operator(name, args, *location)?;
                let left = lexpr.as_mut().ok_or_else(|| unknown("ANY without a left side"))?;
                let value = self.expr(left, kind)?;
                let constant = equality && is_constant_array(right);
                self.used(right, kind)?;
                self.consume(&value, if constant { UseKind::EqualsConstant } else { kind });
                Ok(Value::computed(Some(BOOL)))
            }
            AExprKind::AexprNullif => {
                self.operator(name, 2, *location)?;
                self.used_opt(lexpr, kind)?;
                let value = self.used(right, kind)?;
                Ok(Value::computed(value.ty.filter(|_| false)))
            }
            AExprKind::AexprLike | AExprKind::AexprIlike | AExprKind::AexprSimilar => {
                self.operator(name, 2, *location)?;
                self.used_opt(lexpr, kind)?;
                self.used(right, kind)?;
                Ok(Value::computed(Some(BOOL)))
            }
            AExprKind::AexprBetween | AExprKind::AexprNotBetween | AExprKind::AexprBetweenSym | AExprKind::AexprNotBetweenSym => {
                for operator in ["<=", ">=", "<", ">"] {
                    self.operator(&super::name_nodes(&[operator]), 2, *location)?;
                }
                self.used_opt(lexpr, kind)?;
                match inner(right)? {
                    NodeEnum::List(protobuf::List { items }) => self.used_all(items, kind)?,
                    _ => return Err(unknown("BETWEEN")),
                }
                Ok(Value::computed(Some(BOOL)))
            }
            AExprKind::Undefined => Err(unknown("an operator of this form")),
        }
    }

    /// Two sides; `equality` is `=`, `<>` or IS DISTINCT FROM, which masks that keep values apart survive.
    fn compare(&mut self, left: &mut Node, right: &mut Node, equality: bool, kind: UseKind, at: i32) -> Checked<()> {
        let (constant_left, constant_right) = (is_constant(left), is_constant(right));
        if !equality {
            self.used(left, kind)?;
            return self.used(right, kind).map(|_| ());
        }
        let (lefts, rights) = (self.row_values(left, kind)?, self.row_values(right, kind)?);
        if lefts.len() != rights.len() {
            lefts.iter().chain(&rights).for_each(|v| self.consume(v, kind));
            return Ok(());
        }
        for (l, r) in lefts.iter().zip(&rights) {
            if constant_right {
                self.consume(l, UseKind::EqualsConstant);
            } else if constant_left {
                self.consume(r, UseKind::EqualsConstant);
            } else {
                self.equal(l, r, kind, at);
            }
        }
        Ok(())
    }

    fn in_list(&mut self, left: &mut Node, right: &mut Node, equality: bool, kind: UseKind) -> Checked<()> {
        let NodeEnum::List(protobuf::List { items }) = inner(right)? else { return Err(unknown("IN")) };
        let constant = equality && items.iter().all(is_constant);
        let values = self.row_values(left, kind)?;
        self.used_all(items, kind)?;
        let one = values.len() == 1;
        values.iter().for_each(|v| self.consume(v, if constant && one { UseKind::EqualsConstant } else { kind }));
        Ok(())
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
        if !foreign.is_empty() {
            self.out.calls.push(Call { candidates: foreign, args, operator: Some(name.into()), first: None, at: location });
        }
        Ok(matches!(name, "=" | "<>") && schema.is_none_or(|s| s == "pg_catalog"))
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

/// A constant array: a literal, a parameter, or ARRAY of constants.
fn is_constant_array(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::AArrayExpr(array)) => array.elements.iter().all(is_constant),
        _ => is_constant(node),
    }
}
