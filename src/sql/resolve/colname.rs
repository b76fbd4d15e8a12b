//! The name that PostgreSQL gives to a result column without an alias (`FigureColnameInternal` in `parse_target.c`).

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node};

/// The name of a select-list expression.
pub(super) fn figure(node: &Node) -> Box<str> {
    strength(node).map_or("?column?", |(name, _)| name).into()
}

/// The name, and how good it is: 2 is a name of its own, 1 that of a type or construct.
fn strength(node: &Node) -> Option<(&str, u8)> {
    let inner = node.node.as_ref()?;
    match inner {
        NodeEnum::ColumnRef(r) => last_string(&r.fields).map(|n| (n, 2)),
        NodeEnum::AIndirection(i) => last_string(&i.indirection).map(|n| (n, 2)).or_else(|| strength(i.arg.as_ref()?)),
        NodeEnum::FuncCall(f) => last_string(&f.funcname).map(|n| (n, 2)),
        NodeEnum::AExpr(e) => (e.kind == protobuf::AExprKind::AexprNullif as i32).then_some(("nullif", 2)),
        NodeEnum::TypeCast(cast) => {
            let argument = cast.arg.as_ref().and_then(|a| strength(a));
            let ty = || cast.type_name.as_ref().and_then(|t| last_string(&t.names)).map(|n| (n, 1));
            match argument {
                Some((name, s)) if s > 1 => Some((name, s)),
                Some(_) | None => ty().or(argument),
            }
        }
        NodeEnum::CollateClause(c) => strength(c.arg.as_ref()?),
        NodeEnum::GroupingFunc(_) => Some(("grouping", 2)),
        NodeEnum::MergeSupportFunc(_) => Some(("merge_action", 2)),
        NodeEnum::SubLink(link) => sublink(link),
        NodeEnum::CaseExpr(case) => {
            let result = case.defresult.as_ref().and_then(|r| strength(r));
            match result {
                Some((name, s)) if s > 1 => Some((name, s)),
                Some(_) | None => Some(("case", 1)),
            }
        }
        NodeEnum::AArrayExpr(_) => Some(("array", 2)),
        NodeEnum::RowExpr(_) => Some(("row", 2)),
        NodeEnum::CoalesceExpr(_) => Some(("coalesce", 2)),
        NodeEnum::MinMaxExpr(m) => Some((if m.op == protobuf::MinMaxOp::IsLeast as i32 { "least" } else { "greatest" }, 2)),
        NodeEnum::SqlvalueFunction(f) => value_function(f.op).map(|n| (n, 2)),
        NodeEnum::XmlExpr(x) => xml(x.op).map(|n| (n, 2)),
        NodeEnum::XmlSerialize(_) => Some(("xmlserialize", 2)),
        NodeEnum::JsonParseExpr(_) => Some(("json", 2)),
        NodeEnum::JsonScalarExpr(_) => Some(("json_scalar", 2)),
        NodeEnum::JsonSerializeExpr(_) => Some(("json_serialize", 2)),
        NodeEnum::JsonObjectConstructor(_) => Some(("json_object", 2)),
        NodeEnum::JsonArrayConstructor(_) | NodeEnum::JsonArrayQueryConstructor(_) => Some(("json_array", 2)),
        NodeEnum::JsonObjectAgg(_) => Some(("json_objectagg", 2)),
        NodeEnum::JsonArrayAgg(_) => Some(("json_arrayagg", 2)),
        NodeEnum::JsonFuncExpr(f) => match protobuf::JsonExprOp::try_from(f.op) {
            Ok(protobuf::JsonExprOp::JsonExistsOp) => Some(("json_exists", 2)),
            Ok(protobuf::JsonExprOp::JsonQueryOp) => Some(("json_query", 2)),
            Ok(protobuf::JsonExprOp::JsonValueOp) => Some(("json_value", 2)),
            Ok(protobuf::JsonExprOp::JsonTableOp | protobuf::JsonExprOp::Undefined) | Err(_) => None,
        },
        _ => None,
    }
}

fn last_string(nodes: &[Node]) -> Option<&str> {
    nodes.iter().rev().find_map(|n| match &n.node {
        Some(NodeEnum::String(s)) => Some(s.sval.as_str()),
        _ => None,
    })
}

fn sublink(link: &protobuf::SubLink) -> Option<(&str, u8)> {
    match protobuf::SubLinkType::try_from(link.sub_link_type) {
        Ok(protobuf::SubLinkType::ExistsSublink) => Some(("exists", 2)),
        Ok(protobuf::SubLinkType::ArraySublink) => Some(("array", 2)),
        Ok(protobuf::SubLinkType::ExprSublink) => match link.subselect.as_ref()?.node.as_ref()? {
            NodeEnum::SelectStmt(select) => first_name(select),
            _ => None,
        },
        Ok(
            protobuf::SubLinkType::Undefined
            | protobuf::SubLinkType::AllSublink
            | protobuf::SubLinkType::AnySublink
            | protobuf::SubLinkType::RowcompareSublink
            | protobuf::SubLinkType::MultiexprSublink
            | protobuf::SubLinkType::CteSublink,
        )
        | Err(_) => None,
    }
}

/// The name of a subquery's first column.
fn first_name(mut select: &protobuf::SelectStmt) -> Option<(&str, u8)> {
    while let Some(left) = &select.larg {
        select = left;
    }
    match select.target_list.first()?.node.as_ref()? {
        NodeEnum::ResTarget(target) if !target.name.is_empty() => Some((&target.name, 2)),
        NodeEnum::ResTarget(target) => strength(target.val.as_ref()?),
        _ => None,
    }
}

fn value_function(op: i32) -> Option<&'static str> {
    use protobuf::SqlValueFunctionOp as Op;
    match Op::try_from(op) {
        Ok(Op::SvfopCurrentDate) => Some("current_date"),
        Ok(Op::SvfopCurrentTime | Op::SvfopCurrentTimeN) => Some("current_time"),
        Ok(Op::SvfopCurrentTimestamp | Op::SvfopCurrentTimestampN) => Some("current_timestamp"),
        Ok(Op::SvfopLocaltime | Op::SvfopLocaltimeN) => Some("localtime"),
        Ok(Op::SvfopLocaltimestamp | Op::SvfopLocaltimestampN) => Some("localtimestamp"),
        Ok(Op::SvfopCurrentRole) => Some("current_role"),
        Ok(Op::SvfopCurrentUser) => Some("current_user"),
        Ok(Op::SvfopUser) => Some("user"),
        Ok(Op::SvfopSessionUser) => Some("session_user"),
        Ok(Op::SvfopCurrentCatalog) => Some("current_catalog"),
        Ok(Op::SvfopCurrentSchema) => Some("current_schema"),
        Ok(Op::SqlvalueFunctionOpUndefined) | Err(_) => None,
    }
}

fn xml(op: i32) -> Option<&'static str> {
    use protobuf::XmlExprOp as Op;
    match Op::try_from(op) {
        Ok(Op::IsXmlconcat) => Some("xmlconcat"),
        Ok(Op::IsXmlelement) => Some("xmlelement"),
        Ok(Op::IsXmlforest) => Some("xmlforest"),
        Ok(Op::IsXmlparse) => Some("xmlparse"),
        Ok(Op::IsXmlpi) => Some("xmlpi"),
        Ok(Op::IsXmlroot) => Some("xmlroot"),
        Ok(Op::IsXmlserialize) => Some("xmlserialize"),
        Ok(Op::IsDocument | Op::Undefined) | Err(_) => None,
    }
}
