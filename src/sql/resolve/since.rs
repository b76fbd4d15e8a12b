//! What the grammar, which is PostgreSQL 18's, reads otherwise than an older server does. Most of what is new an older server cannot read
//! at all, and says so; but some of it is a call of a function to it, or a number with a name behind it. INVARIANT 2.

use pg_query::NodeEnum;

use crate::catalog::Catalog;
use crate::sql::parse::Parsed;
use crate::sql::reject::{Checked, Reject};

/// Refuses an expression that the server takes for a call of whatever function has its name.
pub(super) fn known(node: &NodeEnum, catalog: &Catalog) -> Checked<()> {
    let (since, what) = match node {
        NodeEnum::JsonObjectConstructor(_) => (16, "JSON_OBJECT"),
        NodeEnum::JsonArrayConstructor(_) | NodeEnum::JsonArrayQueryConstructor(_) => (16, "JSON_ARRAY"),
        NodeEnum::JsonObjectAgg(_) => (16, "JSON_OBJECTAGG"),
        NodeEnum::JsonArrayAgg(_) => (16, "JSON_ARRAYAGG"),
        NodeEnum::JsonIsPredicate(_) => (16, "IS JSON"),
        NodeEnum::JsonParseExpr(_) => (17, "JSON()"),
        NodeEnum::JsonScalarExpr(_) => (17, "JSON_SCALAR"),
        NodeEnum::JsonSerializeExpr(_) => (17, "JSON_SERIALIZE"),
        NodeEnum::JsonFuncExpr(_) => (17, "JSON_EXISTS, JSON_QUERY or JSON_VALUE"),
        _ => return Ok(()),
    };
    needs(since, what, catalog)
}

/// The same for numbers.
pub(super) fn numbers(parsed: &Parsed, catalog: &Catalog) -> Checked<()> {
    let Some(at) = parsed.number_since_16 else { return Ok(()) };
    needs(16, "a number that is not written in plain decimal digits", catalog).map_err(|r| r.at(i32::try_from(at).unwrap_or(-1)))
}

/// A form that PostgreSQL has since a major version.
pub(super) fn needs(since: u32, what: &str, catalog: &Catalog) -> Checked<()> {
    let version = catalog.contents().server_version / 10_000;
    if version >= since {
        return Ok(());
    }
    Err(Reject::unclear("version", format!("{what} needs PostgreSQL {since}, and the server is PostgreSQL {version}")))
}
