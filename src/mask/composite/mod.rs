//! Masks of fields of composite values: each field that has a mask is masked as a column of its type is, the others stay. A NULL stays NULL,
//! and a row of NULLs such a row, which PostgreSQL tells apart (ADR 0036).

mod wire;

use std::sync::Arc;

use super::laws::Laws;
use super::sql::{call, cast, choose};
use super::value::{CannotMask, Value};
use super::{Kernel, MadeOf, Mask};
use crate::base::{QualifiedName, quote_ident};
use crate::catalog::{Oid, PgType, Relation, Scalar, Shape};

/// A composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowType {
    /// Its OID.
    pub oid: Oid,
    /// Schema and name.
    pub name: QualifiedName,
    /// Those that are there, in their order.
    pub fields: Vec<RowField>,
}

/// A field of a composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowField {
    /// `attnum`.
    pub number: i16,
    /// Its name.
    pub name: Box<str>,
    /// Its declared type.
    pub ty: PgType,
}

impl RowType {
    /// The row type of a relation.
    #[must_use]
    pub fn of(relation: &Relation) -> Self {
        let fields = relation.columns.iter().map(|c| RowField { number: c.number, name: c.name.clone(), ty: c.ty }).collect();
        Self { oid: relation.row_type, name: relation.name.clone(), fields }
    }

    /// The field with this number.
    #[must_use]
    pub fn field(&self, number: i16) -> Option<&RowField> {
        self.fields.iter().find(|f| f.number == number)
    }
}

impl RowField {
    /// The field of a value.
    fn of(&self, value: &str) -> String {
        format!("({value}).{}", quote_ident(&self.name))
    }
}

/// A composite type with the masks of its fields, as many as there are fields.
#[derive(Debug, PartialEq)]
pub(super) struct Composite {
    row: Arc<RowType>,
    masks: Vec<Option<Arc<Mask>>>,
}

impl Composite {
    /// Each field with its mask.
    fn fields(&self) -> impl ExactSizeIterator<Item = (&RowField, Option<&Mask>)> {
        self.row.fields.iter().zip(self.masks.iter().map(Option::as_deref))
    }

    /// `ROW(…)` of the type.
    fn row(&self, field: impl Fn(&RowField, Option<&Mask>) -> Option<String>) -> Option<String> {
        let fields = self.fields().map(|(f, mask)| field(f, mask)).collect::<Option<Vec<_>>>()?.join(", ");
        let QualifiedName { schema, name } = &self.row.name;
        Some(format!("ROW({fields})::{}.{}", quote_ident(schema), quote_ident(name)))
    }

    fn masked(&self) -> impl Iterator<Item = (&RowField, &Mask)> {
        self.fields().filter_map(|(field, mask)| Some((field, mask?)))
    }
}

impl Mask {
    /// The mask of values of a composite type in which the fields of these numbers are masked.
    #[must_use]
    pub fn composite(row: Arc<RowType>, masked: &[(i16, Arc<Mask>)]) -> Self {
        let of = |field: &RowField| masked.iter().find(|(number, _)| *number == field.number).map(|(_, mask)| Arc::clone(mask));
        let masks: Vec<Option<Arc<Mask>>> = row.fields.iter().map(of).collect();
        let made_of = MadeOf::Fields(Arc::clone(&row), masks.clone());
        Self { kernel: Kernel::Composite(Box::new(Composite { row, masks })), made_of }
    }

    /// Whether it can stand in a field of a type. What it makes of a domain need not satisfy the domain's constraints, and in a row it would
    /// have to.
    #[must_use]
    pub fn fits_field(&self, ty: &PgType) -> bool {
        !ty.domain && self.laws(ty).is_some()
    }
}

/// The type itself only: no array of it, no domain over it.
pub(super) fn laws(composite: &Composite, ty: &PgType) -> Option<Laws> {
    let own = ty.oid == composite.row.oid && ty.shape == Shape::Scalar(Scalar::Other) && !ty.domain;
    if !own || !composite.masked().all(|(field, mask)| mask.fits_field(&field.ty)) {
        return None;
    }
    let all = |law: fn(&Laws) -> bool| composite.masked().all(|(field, mask)| mask.laws(&field.ty).is_some_and(|l| law(&l)));
    Some(Laws { always: all(|l| l.always), sql: all(|l| l.sql), by_parts: true, ..Laws::PLAIN })
}

/// A field that has no mask, with all that is in it.
pub(super) fn passes(composite: &Composite, ty: &PgType, names: &[Box<str>]) -> bool {
    let clear = |name: &str| composite.fields().any(|(field, mask)| *field.name == *name && mask.is_none());
    laws(composite, ty).is_some() && names.first().is_some_and(|name| clear(name))
}

/// Appends the value with its masks.
pub(super) fn apply(composite: &Composite, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    wire::apply(composite, value, out)
}

/// The SQL form.
pub(super) fn sql(composite: &Composite, column: &str) -> Option<String> {
    let row = composite.row(|field, mask| {
        let raw = field.of(column);
        mask.map_or(Some(raw.clone()), |mask| mask.sql(&field.ty, &raw))
    })?;
    Some(format!("CASE WHEN {} THEN {row} END", is_there(column)))
}

/// Field by field: the stored one where the new one is its mask.
pub(super) fn sql_back(composite: &Composite, new: &str, raw: &str) -> Option<String> {
    let row = composite.row(|field, mask| {
        let (given, stored) = (field.of(new), field.of(raw));
        let Some(mask) = mask else { return Some(given) };
        let shown = mask.sql(&field.ty, &stored)?;
        Some(choose(&is_shown(field, &given, &shown), &stored, &given))
    })?;
    Some(choose(&format!("{} AND {}", is_there(new), is_there(raw)), &row, new))
}

/// A test of the value, where `IS NOT NULL` would be one of its fields.
fn is_there(value: &str) -> String {
    format!("{value} IS DISTINCT FROM NULL")
}

/// Whether a field is what is shown of it: by its type's equality, or as text.
fn is_shown(field: &RowField, given: &str, shown: &str) -> String {
    let null = format!("{given} IS NOT DISTINCT FROM NULL");
    if shown == super::null::SQL {
        return null;
    }
    let equal = match field.ty.shape {
        Shape::Scalar(Scalar::Json | Scalar::Other) | Shape::Array { .. } => call("texteq", &[&cast(given, "text"), &cast(shown, "text")]),
        Shape::Scalar(_) => format!("{given} OPERATOR(pg_catalog.=) {shown}"),
    };
    format!("{equal} OR ({null} AND ({shown}) IS NULL)")
}
