//! The answer to the proxy's own question: effective schemas and the relations of the session's temporary schema.

use serde_json::Value;

use crate::base::QualifiedName;
use crate::catalog::{Catalog, Column, Oid, PgType, Relation, RelationKind};
use crate::plan::{Names, SessionRelation};
use crate::wire::Cells;

/// Reads the one row of the answer. `None` where it is not what was asked for.
pub(super) fn read(body: &[u8], before: &Names, catalog: &Catalog) -> Option<Names> {
    let mut cells = Cells::new(body).ok()?;
    let schemas: Vec<String> = serde_json::from_slice(cells.next_cell().ok()???).ok()?;
    let relations = match cells.next_cell().ok()?? {
        None => Vec::new(),
        Some(json) => {
            let rows: Vec<Value> = serde_json::from_slice(json).ok()?;
            rows.iter().map(|row| relation(row, catalog)).collect::<Option<Vec<_>>>()?
        }
    };
    let search_path: Vec<Box<str>> = schemas.iter().map(|s| if s.starts_with("pg_temp_") { "pg_temp" } else { s }.into()).collect();
    let same = search_path == before.search_path && relations == before.relations;
    Some(Names { epoch: before.epoch + u64::from(!same), search_path, relations })
}

fn relation(row: &Value, catalog: &Catalog) -> Option<SessionRelation> {
    let name: Box<str> = row.get(0)?.as_str()?.into();
    let columns = match row.get(3)? {
        columns if columns.is_null() => Vec::new(),
        columns => columns.as_array()?.iter().map(|c| column(c, catalog)).collect::<Option<Vec<_>>>()?,
    };
    let names = columns.iter().map(|c| c.name.clone()).collect();
    let looked_up = Relation {
        oid: oid(row.get(1)?)?,
        name: QualifiedName::new("pg_temp", name.clone()),
        kind: if row.get(4)?.as_bool()? { RelationKind::Sequence } else { RelationKind::Table },
        owner: Oid(0),
        row_type: oid(row.get(2)?)?,
        columns,
        parents: Vec::new(),
        definition: None,
        reads: Vec::new(),
        calls: Vec::new(),
        constraints: Vec::new(),
        has_rules: false,
        runs_code: false,
        row_security: false,
        readers: Vec::new(),
        temporary: true,
    };
    Some(SessionRelation { schema: None, name, columns: Some(names), looked_up: Some(looked_up) })
}

fn oid(value: &Value) -> Option<Oid> {
    u32::try_from(value.as_i64()?).ok().map(Oid)
}

fn column(value: &Value, _catalog: &Catalog) -> Option<Column> {
    let ty = PgType::builtin(oid(value.get(2)?)?, i32::try_from(value.get(3)?.as_i64()?).ok()?);
    Some(Column::plain(i16::try_from(value.get(0)?.as_i64()?).ok()?, value.get(1)?.as_str()?, ty))
}
