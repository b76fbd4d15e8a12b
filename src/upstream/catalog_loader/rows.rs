//! From rows of the fixed queries to the catalog's own types. The order of the columns is that of the query texts.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Error, Row};

use crate::base::QualifiedName;
use crate::catalog::{
    Body, Column, Constraint, ConstraintKind, Function, Oid, Operator, PgType, Relation, RelationKind, Role, RoleSetting, Trigger, TypeInfo,
};

/// Rows that belong to one object, grouped by its OID.
pub(super) type ByOid<T> = BTreeMap<Oid, Vec<T>>;

fn oid(row: &Row, i: usize) -> Result<Oid, Error> {
    row.try_get::<_, u32>(i).map(Oid)
}

/// A `"char"`: one ASCII byte.
fn char(row: &Row, i: usize) -> Result<char, Error> {
    row.try_get::<_, i8>(i).map(ascii)
}

fn ascii(byte: i8) -> char {
    char::from(u8::try_from(byte).unwrap_or(b'?'))
}

fn name(row: &Row, schema: usize) -> Result<QualifiedName, Error> {
    Ok(QualifiedName { schema: row.try_get(schema)?, name: row.try_get(schema + 1)? })
}

/// A count that the server keeps as a small integer and that is never negative.
fn count(row: &Row, i: usize) -> Result<u16, Error> {
    row.try_get::<_, i16>(i).map(|n| u16::try_from(n).unwrap_or(u16::MAX))
}

pub(super) fn pair(row: &Row) -> Result<(Oid, Oid), Error> {
    Ok((oid(row, 0)?, oid(row, 1)?))
}

pub(super) fn schema(row: &Row) -> Result<(Oid, Box<str>), Error> {
    Ok((oid(row, 0)?, row.try_get(1)?))
}

/// A type, before what it inherits from others is known.
pub(super) fn type_info(row: &Row) -> Result<TypeInfo, Error> {
    let base = oid(row, 5)?;
    Ok(TypeInfo {
        oid: oid(row, 0)?,
        name: name(row, 1)?,
        element: oid(row, 3)?,
        array: oid(row, 4)?,
        base: if base == Oid(0) { None } else { Some((base, row.try_get(6)?)) },
        relation: oid(row, 7)?,
        kind: char(row, 8)?,
        foreign_code: row.try_get(9)?,
        constraints: row.try_get(10)?,
    })
}

/// A range type: itself, its subtype, its multirange, and whether it calls foreign code by itself.
pub(super) fn range(row: &Row) -> Result<(Oid, Oid, Oid, bool), Error> {
    Ok((oid(row, 0)?, oid(row, 1)?, oid(row, 2)?, row.try_get(3)?))
}

pub(super) fn first_oid(row: &Row) -> Result<Oid, Error> {
    oid(row, 0)
}

/// A column with its relation; `resolve` follows the declared type.
pub(super) fn column(row: &Row, resolve: impl Fn(Oid, i32) -> PgType) -> Result<(Oid, Column), Error> {
    let expression: Option<Box<str>> = row.try_get(7)?;
    let (generated, default) = if row.try_get(6)? { (expression, None) } else { (None, expression) };
    let ty = resolve(oid(row, 3)?, row.try_get(4)?);
    let collation = match (row.try_get::<_, Option<&str>>(8)?, row.try_get::<_, Option<&str>>(9)?) {
        (Some(schema), Some(name)) => Some(QualifiedName::new(schema, name)),
        _ => None,
    };
    let calls = oids(row.try_get::<_, Option<_>>(10)?.unwrap_or_default());
    let column =
        Column { number: row.try_get(1)?, name: row.try_get(2)?, ty, not_null: row.try_get(5)?, generated, default, calls, collation };
    Ok((oid(row, 0)?, column))
}

pub(super) fn constraint(row: &Row) -> Result<(Oid, Constraint), Error> {
    let kind = match char(row, 2)? {
        'p' => ConstraintKind::Primary,
        'u' => ConstraintKind::Unique,
        'f' => ConstraintKind::Foreign(oid(row, 4)?),
        'c' => ConstraintKind::Check,
        _ => ConstraintKind::Other,
    };
    let columns = row.try_get::<_, Option<Vec<i16>>>(3)?.unwrap_or_default();
    Ok((oid(row, 0)?, Constraint { name: row.try_get(1)?, kind, columns, definition: row.try_get(5)? }))
}

pub(super) fn unique_index(row: &Row) -> Result<(Oid, Constraint), Error> {
    let mut columns: Vec<i16> = row.try_get(2)?;
    columns.truncate(usize::from(count(row, 3)?));
    Ok((oid(row, 0)?, Constraint { name: row.try_get(1)?, kind: ConstraintKind::Unique, columns, definition: row.try_get(4)? }))
}

pub(super) fn read(row: &Row) -> Result<(Oid, (Oid, i16)), Error> {
    Ok((oid(row, 0)?, (oid(row, 1)?, row.try_get(2)?)))
}

/// What a relation's own row lacks, read by the other queries.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) columns: ByOid<Column>,
    pub(super) parents: ByOid<Oid>,
    pub(super) constraints: ByOid<Constraint>,
    pub(super) reads: ByOid<(Oid, i16)>,
    pub(super) calls: ByOid<Oid>,
}

/// A relation, taking its parts; `None` for a kind that this version of the program does not know.
pub(super) fn relation(row: &Row, parts: &mut Parts) -> Result<Option<Relation>, Error> {
    let Some(kind) = relation_kind(char(row, 3)?) else { return Ok(None) };
    let oid = oid(row, 0)?;
    Ok(Some(Relation {
        oid,
        name: name(row, 1)?,
        kind,
        owner: self::oid(row, 4)?,
        row_type: self::oid(row, 5)?,
        row_security: row.try_get(6)?,
        has_rules: row.try_get(7)?,
        runs_code: row.try_get(8)?,
        definition: row.try_get(9)?,
        readers: row.try_get::<_, Vec<u32>>(10)?.into_iter().map(Oid).collect(),
        columns: parts.columns.remove(&oid).unwrap_or_default(),
        parents: parts.parents.remove(&oid).unwrap_or_default(),
        constraints: parts.constraints.remove(&oid).unwrap_or_default(),
        reads: parts.reads.remove(&oid).unwrap_or_default(),
        calls: parts.calls.remove(&oid).unwrap_or_default(),
        temporary: false,
    }))
}

fn relation_kind(relkind: char) -> Option<RelationKind> {
    Some(match relkind {
        'r' => RelationKind::Table,
        'p' => RelationKind::Partitioned,
        'v' => RelationKind::View,
        'm' => RelationKind::MaterializedView,
        'f' => RelationKind::Foreign,
        'S' => RelationKind::Sequence,
        'c' => RelationKind::Composite,
        _ => return None,
    })
}

pub(super) fn function(row: &Row) -> Result<Function, Error> {
    let body = body(row)?;
    Ok(Function {
        oid: oid(row, 0)?,
        name: name(row, 1)?,
        kind: char(row, 3)?,
        args: count(row, 4)?,
        defaults: count(row, 5)?,
        variadic: row.try_get(6)?,
        leakproof: row.try_get(7)?,
        returns_set: row.try_get(8)?,
        returns: oid(row, 9)?,
        arg_types: oids(row.try_get(10)?),
        out_columns: out_columns(row)?,
        volatility: char(row, 14)?,
        extension: row.try_get(15)?,
        own_path: row.try_get::<_, bool>(17)? || settings(row)?.iter().any(|s| s.starts_with("search_path=")),
        source: if body.is_some() { None } else { row.try_get(21)? },
        body,
    })
}

fn settings(row: &Row) -> Result<Vec<Box<str>>, Error> {
    Ok(row.try_get::<_, Option<_>>(19)?.unwrap_or_default())
}

/// What `proconfig` says of a function whose `search_path` is `pg_catalog` alone (`SET search_path = ''` and the like).
const CATALOG_ALONE: [&str; 3] = ["search_path=\"\"", "search_path=pg_catalog", "search_path=pg_catalog, pg_temp"];

fn body(row: &Row) -> Result<Option<Body>, Error> {
    let Some(text) = row.try_get(16)? else { return Ok(None) };
    let settings = settings(row)?;
    let alone = matches!(&*settings, [only] if CATALOG_ALONE.contains(&&**only));
    let (bound, strict, public) = (row.try_get::<_, bool>(17)? || alone, row.try_get(18)?, row.try_get(20)?);
    let sets = !settings.is_empty() && !alone;
    let modes: Option<Vec<i8>> = row.try_get(12)?;
    let names: Vec<Box<str>> = row.try_get::<_, Option<Vec<Box<str>>>>(13)?.unwrap_or_default();
    let is_input = |i: usize| modes.as_ref().is_none_or(|m| m.get(i).is_some_and(|mode| !matches!(ascii(*mode), 'o' | 't')));
    let mut parameters: Vec<Box<str>> = names.into_iter().enumerate().filter(|(i, _)| is_input(*i)).map(|(_, name)| name).collect();
    parameters.resize(usize::from(count(row, 4)?), Box::default());
    Ok(Some(Body { text, bound, parameters, strict, public, sets }))
}

pub(super) fn index(row: &Row) -> Result<(QualifiedName, Oid), Error> {
    Ok((name(row, 1)?, oid(row, 0)?))
}

pub(super) fn trigger(row: &Row) -> Result<Trigger, Error> {
    Ok(Trigger {
        relation: oid(row, 0)?,
        name: row.try_get(1)?,
        function: name(row, 2)?,
        language: row.try_get(4)?,
        source: row.try_get(5)?,
    })
}

fn oids(numbers: Vec<u32>) -> Vec<Oid> {
    numbers.into_iter().map(Oid).collect()
}

/// OUT, INOUT and TABLE arguments; an unnamed one is called as PostgreSQL calls it, `columnN`.
fn out_columns(row: &Row) -> Result<Vec<(Box<str>, Oid)>, Error> {
    let types: Option<Vec<u32>> = row.try_get(11)?;
    let modes: Option<Vec<i8>> = row.try_get(12)?;
    let names: Vec<Box<str>> = row.try_get::<_, Option<Vec<Box<str>>>>(13)?.unwrap_or_default();
    let mut columns = Vec::new();
    for (i, (ty, mode)) in types.unwrap_or_default().into_iter().zip(modes.unwrap_or_default()).enumerate() {
        if matches!(ascii(mode), 'o' | 'b' | 't') {
            let name = names.get(i).filter(|n| !n.is_empty()).cloned();
            columns.push((name.unwrap_or_else(|| format!("column{}", columns.len() + 1).into()), Oid(ty)));
        }
    }
    Ok(columns)
}

pub(super) fn operator(row: &Row) -> Result<Operator, Error> {
    let (left, right, result) = (oid(row, 3)?, oid(row, 4)?, oid(row, 5)?);
    Ok(Operator { oid: oid(row, 0)?, name: name(row, 1)?, left, right, result, function: oid(row, 6)? })
}

pub(super) fn cast(row: &Row) -> Result<(Oid, Oid, Oid), Error> {
    Ok((oid(row, 0)?, oid(row, 1)?, oid(row, 2)?))
}

pub(super) fn role(row: &Row) -> Result<Role, Error> {
    Ok(Role { oid: oid(row, 0)?, name: row.try_get(1)?, can_login: row.try_get(2)?, superuser: row.try_get(3)?, member_of: Vec::new() })
}

/// `name=value` as `pg_db_role_setting` stores it; an entry without `=` cannot be and is passed over.
pub(super) fn setting(row: &Row) -> Result<Option<RoleSetting>, Error> {
    let entry: Box<str> = row.try_get(2)?;
    let Some((name, value)) = entry.split_once('=') else { return Ok(None) };
    Ok(Some(RoleSetting { role: oid(row, 0)?, database: oid(row, 1)?, name: name.to_ascii_lowercase().into(), value: value.into() }))
}

/// Groups pairs by their first part, keeping the order.
pub(super) fn group<T>(into: &mut ByOid<T>, pairs: impl IntoIterator<Item = (Oid, T)>) {
    for (key, value) in pairs {
        into.entry(key).or_default().push(value);
    }
}

/// The functions a view calls, each once.
pub(super) fn distinct(pairs: Vec<(Oid, Oid)>) -> BTreeSet<(Oid, Oid)> {
    pairs.into_iter().collect()
}
