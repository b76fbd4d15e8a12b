//! From what must be masked in SQL to the subqueries that do it: each visible column that the statement touches, masked or as it is, and
//! the rows that exist for the principal.

use std::sync::Arc;

use super::Setting;
use super::decide::{Demand, column_outcome, is_checked, needs_fence};
use crate::base::{QualifiedName, quote_ident};
use crate::catalog::{Catalog, Column, Oid, PgType, Relation, SYSTEM_COLUMNS, Scalar, Shape};
use crate::mask::scalar_name;
use crate::policy::{Condition, Outcome};
use crate::sql::Reject;
use crate::sql::model::{Access, Analysis, Beside, InstanceId, Source, UseKind};
use crate::sql::veil::{ColumnMask, NEW, Read, Veil, VeilColumn, Veils};

/// The veils that are demanded.
///
/// # Errors
/// One that cannot be written: not to be expected, since what has no SQL form is not demanded.
pub(super) fn veils(analysis: &Analysis, setting: Setting<'_>, demand: &Demand) -> Result<Veils, Reject> {
    let mut veils = Veils::default();
    for id in demand.instances() {
        let veil = analysis
            .relation_of(id)
            .and_then(|oid| setting.catalog.relation(oid))
            .and_then(|relation| veil(analysis, setting, demand, id, relation));
        veils.insert(id, veil.ok_or_else(|| Reject::unclear("veil", "a mask that is needed in SQL cannot be written there"))?);
    }
    veils.fenced = analysis.leaks.any();
    veils.beside = analysis.leaks.beside != Beside::Nothing;
    veils.says.insert("pgscrim.user".into(), Arc::clone(&setting.profile.principal.login));
    Ok(veils)
}

fn veil(analysis: &Analysis, setting: Setting<'_>, demand: &Demand, id: InstanceId, relation: &Relation) -> Option<Veil> {
    let target = !analysis.from.contains(&id);
    let touched = |number: i16| analysis.touched.contains(&Source { instance: id, column: number });
    let mut columns: Vec<VeilColumn> = Vec::new();
    for column in &relation.columns {
        let outcome = column_outcome(setting.catalog, setting.profile, relation.oid, column.number);
        let masked = demand.has(Source { instance: id, column: column.number });
        // the target of a write stays, and its masked columns are masked where they stand
        if if target { !masked } else { !touched(column.number) } {
            continue;
        }
        let mask = match &outcome {
            Outcome::Absent(_) => continue,
            Outcome::Clear => None,
            Outcome::Masked(_) if !masked => None, // the proxy masks it where it comes out
            Outcome::Masked(_) | Outcome::Conditional(_) => Some(mask(setting.catalog, &relation.name, column, &outcome)?),
        };
        columns.push(VeilColumn { number: column.number, name: column.name.clone(), mask });
    }
    // behind the others, whose places an alias may name
    let of_system = |(name, number, _): &(&str, i16, Oid)| VeilColumn { number: *number, name: (*name).into(), mask: None };
    let system: Vec<VeilColumn> = SYSTEM_COLUMNS.iter().filter(|(_, number, _)| !target && touched(*number)).map(of_system).collect();
    let whole_row = analysis.uses.iter().any(|u| u.kind == UseKind::WholeRow && u.source.instance == id);
    if whole_row && !system.is_empty() {
        return None; // it would be a part of the row
    }
    let has_system = !system.is_empty();
    columns.extend(system);
    let condition = setting.profile.rows(relation.oid);
    let fenced = condition.is_some_and(|rows| needs_fence(analysis, id, relation, rows));
    let rows = condition.map(|rows| Arc::clone(&rows.sql));
    let checked = target && is_checked(analysis, setting, id);
    let merges = analysis.instance(id)?.access == Access::Merge;
    let reads = if merges { reads(setting, relation)? } else { Vec::new() };
    Some(Veil { columns, rows, fenced, system: has_system, checked, reads })
}

/// The columns that a relation's row condition reads.
fn reads(setting: Setting<'_>, relation: &Relation) -> Option<Vec<Read>> {
    let Some(condition) = setting.profile.rows(relation.oid) else { return Some(Vec::new()) };
    let read = |column: &Column| {
        let null = setting.catalog.is_null_by_default(column);
        Some(Read { name: column.name.clone(), ty: declared(setting.catalog, &column.ty)?, collation: collation(column), null })
    };
    relation.columns.iter().filter(|c| condition.reads.contains(&c.number)).map(read).collect()
}

/// The collation of a column whose type has one.
fn collation(column: &Column) -> Option<String> {
    match &column.collation {
        Some(collation) => Some(format!("{}.{}", quote_ident(&collation.schema), quote_ident(&collation.name))),
        None if column.ty.scalar().is_text() => Some("pg_catalog.\"default\"".to_owned()),
        None => None,
    }
}

/// What stands for a column: of its declared type (a domain's base) and of its collation.
fn mask(catalog: &Catalog, relation: &QualifiedName, column: &Column, outcome: &Outcome) -> Option<ColumnMask> {
    let reference = format!("{}.{}", quote_ident(&relation.name), quote_ident(&column.name));
    let ty = declared(catalog, &column.ty)?;
    let value = masked(outcome, &column.ty, &reference)?;
    let cast = format!("({value})::{ty}");
    let collation = collation(column);
    let sql = match &collation {
        Some(collation) => format!("{cast} COLLATE {collation}"),
        None => cast,
    };
    let compares = !matches!(column.ty.scalar(), Scalar::Json | Scalar::Other);
    let plain = PgType { typmod: -1, max_chars: None, ..column.ty };
    let base = catalog.base_type(column.ty.oid)?.oid;
    let new = format!("{NEW}.{NEW}");
    let back = match outcome {
        Outcome::Masked(rule) => rule.mask.sql_back(&column.ty, &new, &reference, RAISES),
        Outcome::Clear | Outcome::Conditional(_) | Outcome::Absent(_) => None,
    };
    Some(ColumnMask { sql, collates: collation.is_some(), ty: declared(catalog, &plain)?, base, compares, back })
}

/// What the row check raises, as a document; its name is put together, since the proxy's own settings say something here.
const RAISES: &str = "pg_catalog.concat(pg_catalog.current_setting(pg_catalog.concat('pgscrim', '.row_condition')), '?')::pg_catalog.jsonb";

fn masked(outcome: &Outcome, ty: &PgType, reference: &str) -> Option<String> {
    match outcome {
        Outcome::Clear => Some(reference.to_owned()),
        Outcome::Masked(rule) => rule.mask.sql(ty, reference),
        Outcome::Conditional(condition) => {
            let Condition { when, then, otherwise } = &**condition;
            let (then, otherwise) = (masked(then, ty, reference)?, masked(otherwise, ty, reference)?);
            Some(format!("CASE WHEN (\n{when}\n) THEN {then} ELSE {otherwise} END"))
        }
        Outcome::Absent(_) => None,
    }
}

/// The declared type with its modifier, domains followed to their base: a mask need not satisfy a domain's constraints.
fn declared(catalog: &Catalog, ty: &PgType) -> Option<String> {
    match ty.shape {
        Shape::Scalar(Scalar::Other | Scalar::Citext) => {
            let name = &catalog.base_type(ty.oid)?.name;
            Some(format!("{}.{}", quote_ident(&name.schema), quote_ident(&name.name)))
        }
        Shape::Scalar(_) => scalar_name(ty).map(|name| format!("pg_catalog.{name}")),
        Shape::Array { element, element_oid } => {
            let element_ty = PgType { oid: element_oid, shape: Shape::Scalar(element), ..*ty };
            declared(catalog, &element_ty).map(|name| format!("{name}[]"))
        }
    }
}
