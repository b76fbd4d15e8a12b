//! Moments that follow from the present one (`now() - interval '7 days'`): however they are computed, that fails for no row, and so tells of none.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, AExpr, AExprKind, Node, SqlValueFunctionOp, a_const::Val};

use super::{Resolver, strings};
use crate::catalog::{FIRST_NORMAL_OID, Oid};

pub(super) const DATE: Oid = Oid(1082);
pub(super) const TIMESTAMP: Oid = Oid(1114);
pub(super) const TIMESTAMPTZ: Oid = Oid(1184);
pub(super) const INTERVAL: Oid = Oid(1186);

/// As many of the longest unit are well within what each type can say, which begins in the year 4713 before our era.
const MOST: i32 = 4000;

impl Resolver<'_> {
    /// The type of a moment that is made of the present by no more than this.
    pub(super) fn moment(&self, node: &Node) -> Option<Oid> {
        match node.node.as_ref()? {
            NodeEnum::SqlvalueFunction(function) => match SqlValueFunctionOp::try_from(function.op).ok()? {
                SqlValueFunctionOp::SvfopCurrentDate => Some(DATE),
                SqlValueFunctionOp::SvfopCurrentTimestamp => Some(TIMESTAMPTZ),
                SqlValueFunctionOp::SvfopLocaltimestamp => Some(TIMESTAMP),
                _ => None,
            },
            NodeEnum::FuncCall(call) if call.args.is_empty() => {
                let present = self.is_postgresqls(&call.funcname, &["now", "transaction_timestamp", "statement_timestamp"]);
                present.then_some(TIMESTAMPTZ)
            }
            NodeEnum::FuncCall(call) => self.truncated(call),
            NodeEnum::TypeCast(cast) => self.moment_cast(cast),
            NodeEnum::AExpr(expr) => self.moment_of(expr),
            _ => None,
        }
    }

    /// The same of a cast of one.
    pub(super) fn moment_cast(&self, cast: &protobuf::TypeCast) -> Option<Oid> {
        self.moment(cast.arg.as_deref()?)?;
        self.cast_to(cast).filter(|ty| [DATE, TIMESTAMP, TIMESTAMPTZ].contains(ty))
    }

    /// The same of an operator's result: the present, and not too long before or behind it; once, since many times would be too long.
    pub(super) fn moment_of(&self, expr: &AExpr) -> Option<Oid> {
        let sum = expr.kind == AExprKind::AexprOp as i32 && self.is_sum(&expr.name);
        let (left, right) = (expr.lexpr.as_deref().filter(|left| sum && !has_sum(left))?, expr.rexpr.as_deref()?);
        match self.moment(left)? {
            DATE if is_few(right) => Some(DATE),
            _ if !self.is_short(right) => None,
            DATE => Some(TIMESTAMP),
            other => Some(other),
        }
    }

    /// `date_trunc('month', …)`
    pub(super) fn truncated(&self, call: &protobuf::FuncCall) -> Option<Oid> {
        let [Node { node: Some(NodeEnum::AConst(unit)) }, of] = call.args.as_slice() else { return None };
        let Some(Val::Sval(unit)) = &unit.val else { return None };
        let known = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"].contains(&unit.sval.as_str());
        let ty = self.moment(of)?;
        let plain = call.over.is_none() && !call.func_variadic && call.agg_filter.is_none() && call.agg_order.is_empty();
        (known && plain && self.is_postgresqls(&call.funcname, &["date_trunc"])).then_some(if ty == DATE { TIMESTAMPTZ } else { ty })
    }

    /// Whether a name is one of these of PostgreSQL's own, and can be nobody else's.
    fn is_postgresqls(&self, names: &[Node], of: &[&str]) -> bool {
        match strings(names).as_deref() {
            Ok(["pg_catalog", name]) => of.contains(name),
            Ok([name]) => of.contains(name) && self.cx.catalog.functions_named(name).all(|f| f.oid < FIRST_NORMAL_OID),
            _ => false,
        }
    }

    /// `+` or `-` of PostgreSQL's own.
    fn is_sum(&self, names: &[Node]) -> bool {
        let name = match strings(names).as_deref() {
            Ok([name] | ["pg_catalog", name]) => *name,
            _ => return false,
        };
        ["+", "-"].contains(&name) && !self.others_have(name)
    }

    /// `interval '7 days'`: a number of one unit.
    fn is_short(&self, node: &Node) -> bool {
        let Some(NodeEnum::TypeCast(cast)) = &node.node else { return false };
        let Some(NodeEnum::AConst(constant)) = cast.arg.as_deref().and_then(|a| a.node.as_ref()) else { return false };
        let (Some(Val::Sval(text)), Some(INTERVAL)) = (&constant.val, self.cast_to(cast)) else { return false };
        let mut words = text.sval.split(' ');
        let (Some(number), Some(unit), None) = (words.next(), words.next(), words.next()) else { return false };
        let unit = unit.strip_suffix('s').unwrap_or(unit);
        let digits = number.bytes().all(|b| b.is_ascii_digit());
        digits
            && number.parse::<i32>().is_ok_and(|n| n <= MOST)
            && ["second", "minute", "hour", "day", "week", "month", "year"].contains(&unit)
    }

    /// The type that something is cast to, without a modifier.
    pub(super) fn cast_to(&self, cast: &protobuf::TypeCast) -> Option<Oid> {
        self.scalar_type(cast).filter(|_| cast.type_name.as_ref().is_some_and(|name| name.typmods.is_empty()))
    }
}

/// Whether something is added to a moment anywhere.
fn has_sum(moment: &Node) -> bool {
    match &moment.node {
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().is_none_or(has_sum),
        Some(NodeEnum::FuncCall(call)) => call.args.iter().any(has_sum),
        Some(NodeEnum::AExpr(_)) => true,
        _ => false,
    }
}

/// A number of days.
fn is_few(node: &Node) -> bool {
    let Some(NodeEnum::AConst(constant)) = &node.node else { return false };
    matches!(&constant.val, Some(Val::Ival(n)) if (-MOST..=MOST).contains(&n.ival))
}
