//! The shipped classification of the relations that come with PostgreSQL 14 to 18: `policies/system-catalog.yaml`, read once. What
//! a principal's profile makes of it is the policy's.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What governed principals see of a relation that comes with PostgreSQL, or with an extension that is known to show statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemClass {
    /// Everything in it.
    Clear,
    /// Everything but these columns, which read NULL. A server version may lack some of them.
    Null(&'static [String]),
    /// Nothing: to name it is refused.
    Forbidden,
}

/// The class of a relation by schema and name. `None` is a relation in no list: in a system schema ([`is_system_schema`]) it is
/// refused, elsewhere it is an ordinary one.
#[must_use]
pub fn system_class(schema: &str, relation: &str) -> Option<SystemClass> {
    let known = &*KNOWN;
    if let Some(columns) = known.reads_null.get(schema).and_then(|r| r.get(relation)) {
        return Some(SystemClass::Null(columns));
    }
    let stands_in = |lists: &BTreeMap<String, Vec<String>>| lists.get(schema).is_some_and(|l| l.iter().any(|n| n == relation));
    if stands_in(&known.forbidden) {
        return Some(SystemClass::Forbidden);
    }
    if stands_in(&known.clear) {
        return Some(SystemClass::Clear);
    }
    known.extensions.get(relation).map(|columns| SystemClass::Null(columns))
}

/// The condition of the rows of a relation that comes with PostgreSQL, where not all of them are for governed principals.
#[must_use]
pub fn system_rows(schema: &str, relation: &str) -> Option<&'static str> {
    KNOWN.rows.get(schema)?.get(relation).map(String::as_str)
}

/// Whether a function of a contrib extension reads or runs what no veil covers.
#[must_use]
pub fn reaches(extension: &str, function: &str) -> bool {
    KNOWN.reaching.get(extension).is_some_and(|names| names.iter().any(|n| n == "*" || n == function))
}

/// Every entry that [`reaches`] looks at: an extension with a function's name, or with `*`.
pub fn reaching_functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    KNOWN.reaching.iter().flat_map(|(extension, names)| names.iter().map(move |n| (&**extension, &**n)))
}

/// Whether a schema belongs to PostgreSQL itself, so that a relation in it that no list knows is refused.
#[must_use]
pub fn is_system_schema(schema: &str) -> bool {
    matches!(schema, "pg_catalog" | "information_schema" | "pg_toast")
}

/// Every classified relation of `pg_catalog` and `information_schema`, once for each list it stands in.
pub fn classified_relations() -> impl Iterator<Item = (&'static str, &'static str)> {
    let null = KNOWN.reads_null.iter().flat_map(|(schema, relations)| relations.keys().map(move |r| (&**schema, &**r)));
    let lists = KNOWN.clear.iter().chain(&KNOWN.forbidden);
    null.chain(lists.flat_map(|(schema, relations)| relations.iter().map(move |r| (&**schema, &**r))))
}

/// The data file's form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// The form's own version: 1.
    version: u32,
    /// Schema, relation, columns.
    reads_null: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Schema, relation, the condition of its rows.
    rows: BTreeMap<String, BTreeMap<String, String>>,
    /// Relation (in any schema), columns.
    extensions: BTreeMap<String, Vec<String>>,
    /// Extension, functions.
    reaching: BTreeMap<String, Vec<String>>,
    /// Schema, relations.
    forbidden: BTreeMap<String, Vec<String>>,
    /// Schema, relations.
    clear: BTreeMap<String, Vec<String>>,
}

/// A file that cannot be read would leave every relation in no list, so refused; a test says that it can.
static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let known = serde_saphyr::from_str::<Known>(include_str!("../../policies/system-catalog.yaml"));
    known.ok().filter(|k| k.version == 1).unwrap_or_default()
});

#[cfg(test)]
mod tests;
