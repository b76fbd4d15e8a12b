//! What NULL tells of an expression's columns. A mask leaves NULL as it is, so of what is computed and stored the mask may be shown only where it
//! depends on nothing but which columns are NULL whether it is NULL. What is not known to be so is not.

use pg_query::NodeEnum;
use pg_query::protobuf::{AExpr, AExprKind, FuncCall, Node, SelectStmt};

use super::caps;
use super::parse::read;
use crate::catalog::{Catalog, PgType, Scalar, Shape, TypeInfo};

/// Functions and aggregates of `pg_catalog` that give NULL or not by which of their arguments are NULL.
const FUNCTIONS: [&str; 40] = [
    "abs",
    "array_agg",
    "ascii",
    "avg",
    "bit_length",
    "bool_and",
    "bool_or",
    "btrim",
    "ceil",
    "ceiling",
    "char_length",
    "concat",
    "concat_ws",
    "count",
    "date_trunc",
    "every",
    "floor",
    "initcap",
    "left",
    "length",
    "lower",
    "lpad",
    "ltrim",
    "max",
    "md5",
    "min",
    "octet_length",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sign",
    "split_part",
    "sum",
    "translate",
    "trunc",
    "upper",
];

/// Operators that do.
const OPERATORS: [&str; 16] = ["+", "-", "*", "/", "%", "^", "||", "=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~"];

/// Types whose values are one value each, with no NULL in them and no end that may be open. A document's `null` and an empty range are such: PostgreSQL
/// 18 casts `jsonb` `null` to NULL, and `lower('empty'::int4range)` is NULL. Those are the functions, operators and casts below for other types.
const SIMPLE: [&str; 22] = [
    "bool",
    "bpchar",
    "bytea",
    "cidr",
    "date",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int8",
    "interval",
    "money",
    "name",
    "numeric",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "uuid",
    "varchar",
];

/// Whether the values of a column are so: of those types, enums, and arrays of them, which are NULL or not as a whole.
#[must_use]
pub fn is_simple(catalog: &Catalog, ty: &PgType) -> bool {
    let oid = if let Shape::Array { element: _, element_oid } = ty.shape { element_oid } else { ty.oid };
    let simple = |ty: &TypeInfo| ty.kind == 'e' || &*ty.name.schema == "pg_catalog" && SIMPLE.contains(&&*ty.name.name);
    let scalar = ty.scalar();
    if scalar == Scalar::Other { catalog.base_type(oid).is_some_and(simple) } else { !matches!(scalar, Scalar::Json | Scalar::Jsonb) }
}

/// For each item of a query's select list, whether NULL in it tells no more than which columns are NULL, of which all are of simple types
/// ([`is_simple`]). Nothing where the query has another form, or is longer than `limit` bytes or deeper than `depth`: the parser's stack is that of
/// the thread.
#[must_use]
pub fn nulls_tell_nothing(query: &str, limit: usize, depth: u32) -> Vec<bool> {
    if caps::scan(query, limit).is_ok_and(|scanned| scanned.depth > depth) {
        return Vec::new();
    }
    let node = read(query, limit).ok().and_then(|mut text| text.statements.pop()).and_then(|statement| statement.node.node);
    let Some(NodeEnum::SelectStmt(select)) = node else { return Vec::new() };
    items(&select)
}

fn items(select: &SelectStmt) -> Vec<bool> {
    match (&select.larg, &select.rarg) {
        (Some(left), Some(right)) => items(left).into_iter().zip(items(right)).map(|(l, r)| l && r).collect(),
        _ if select.with_clause.is_some() || !select.from_clause.iter().all(is_relation) => Vec::new(),
        _ => select.target_list.iter().map(item).collect(),
    }
}

/// Whether what a FROM item gives are columns of relations, and nothing that is computed there.
fn is_relation(node: &Node) -> bool {
    let side = |node: &Option<Box<Node>>| node.as_deref().is_some_and(is_relation);
    match &node.node {
        Some(NodeEnum::RangeVar(_)) => true,
        Some(NodeEnum::JoinExpr(join)) => side(&join.larg) && side(&join.rarg),
        _ => false,
    }
}

fn item(node: &Node) -> bool {
    let Some(NodeEnum::ResTarget(target)) = &node.node else { return false };
    target.val.as_deref().is_some_and(tells_nothing)
}

fn tells_nothing(node: &Node) -> bool {
    let all = |nodes: &[Node]| nodes.iter().all(tells_nothing);
    let inner = |node: &Option<Box<Node>>| node.as_deref().is_some_and(tells_nothing);
    match &node.node {
        Some(NodeEnum::ColumnRef(_) | NodeEnum::AConst(_) | NodeEnum::NullTest(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => cast.type_name.as_ref().is_some_and(|t| named(&t.names, &SIMPLE)) && inner(&cast.arg),
        Some(NodeEnum::CollateClause(collate)) => inner(&collate.arg),
        Some(NodeEnum::CoalesceExpr(coalesce)) => all(&coalesce.args),
        Some(NodeEnum::AExpr(expr)) => operator(expr),
        Some(NodeEnum::FuncCall(call)) => named(&call.funcname, &FUNCTIONS) && is_plain(call) && all(&call.args),
        _ => false,
    }
}

fn operator(expr: &AExpr) -> bool {
    let side = |node: &Option<Box<Node>>| node.as_deref().is_none_or(tells_nothing);
    expr.kind == AExprKind::AexprOp as i32 && named(&expr.name, &OPERATORS) && side(&expr.lexpr) && side(&expr.rexpr)
}

/// No window, and nothing that chooses what is aggregated.
fn is_plain(call: &FuncCall) -> bool {
    call.agg_filter.is_none() && call.over.is_none() && call.agg_order.is_empty() && !call.agg_within_group && !call.func_variadic
}

/// Whether a name is one of these, of `pg_catalog` where it says of which schema.
fn named(name: &[Node], names: &[&str]) -> bool {
    let word = |node: &Node| if let Some(NodeEnum::String(s)) = &node.node { s.sval.clone() } else { String::new() };
    match name {
        [name] => names.contains(&&*word(name)),
        [schema, name] => word(schema) == "pg_catalog" && names.contains(&&*word(name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::nulls_tell_nothing;

    #[test]
    fn what_null_tells() {
        for (item, want) in [
            ("upper(t.note)", true),
            ("(upper(t.note) || 'x'::text)", true),
            ("length((t.note)::text)", true),
            ("COALESCE(t.note, ''::text)", true),
            ("(t.note IS NULL)", true),
            ("max(t.note)", true),
            ("count(*)", true),
            ("TRIM(BOTH FROM t.note)", true),
            ("((t.note)::character varying(3))::text[]", true),
            ("((t.note)::jsonb)::integer", false),
            ("lower((t.note)::int4range)", false),
            ("(t.note)::public.text", false),
            ("CASE WHEN t.note = 'x' THEN 1 END", false),
            ("NULLIF(t.note, 'x')", false),
            ("NULLIF(upper(t.note), 'x') || 'y'", false),
            ("('y'::text || NULLIF(upper(t.note), 'x'))", false),
            ("substring(t.note FROM 'x')", false),
            ("upper(substring(t.note FROM 'x'))", false),
            ("(t.doc ->> 'x')", false),
            ("(t.tags)[2]", false),
            ("(t.flag AND t.other)", false),
            ("max(t.n) FILTER (WHERE t.note = 'x')", false),
            ("lag(t.note) OVER ()", false),
            ("(SELECT max(u.n) FROM u WHERE u.note = t.note)", false),
            ("public.upper(t.note)", false),
            ("t.note OPERATOR(public.+) 1", false),
        ] {
            assert_eq!(nulls_tell_nothing(&format!("SELECT t.id, {item} FROM t GROUP BY 1;"), 1 << 10, 40), [true, want], "{item}");
        }
        for (query, want) in [
            ("SELECT upper(a), b FROM t UNION ALL SELECT b, nullif(a, b) FROM t", vec![true, false]),
            ("SELECT a FROM t LEFT JOIN u USING (b)", vec![true]),
            ("SELECT a FROM (SELECT nullif(a, 'x') AS a FROM t) AS t", vec![]),
            ("WITH t AS (SELECT nullif(a, 'x') AS a FROM t) SELECT a FROM t", vec![]),
        ] {
            assert_eq!(nulls_tell_nothing(query, 1 << 10, 40), want, "{query}");
        }
        assert!(nulls_tell_nothing("SELECT", 1 << 10, 40).is_empty());
        assert!(nulls_tell_nothing(&format!("SELECT {}a{}", "lower(".repeat(50), ")".repeat(50)), 1 << 10, 40).is_empty());
        assert!(nulls_tell_nothing("SELEC 1", 1 << 10, 40).is_empty());
    }
}
