//! Composite types and what their fields are called, and were called since the policy was loaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::names::{Known, Rank, is_system};
use super::relations::{Binder, BoundColumn};
use crate::base::Place;
use crate::catalog::{Catalog, Column, Oid, Relation, RelationKind};
use crate::mask::RowType;
use crate::policy::key::{ObjectKey, Part};
use crate::policy::model::ColumnEntry;

/// Composite types by their OIDs. Row types of tables are none: what is in them is classified with their tables.
pub(crate) type Composites = BTreeMap<Oid, CompositeType>;

/// A composite type.
#[derive(Clone, Debug)]
pub(crate) struct CompositeType {
    known: Known,
    pub(crate) row: Arc<RowType>,
}

impl CompositeType {
    /// How well the parts of a key behind its column's fit a field.
    pub(crate) fn rank(&self, parts: &[Part], field: i16) -> Option<u8> {
        let [part] = parts else { return None }; // what lies in a field is not told apart
        self.known.column_rank(part, field)
    }

    /// Whether they fit some field, or did.
    pub(crate) fn has(&self, parts: &[Part]) -> bool {
        self.known.columns.keys().any(|field| self.rank(parts, *field).is_some())
    }
}

/// The composite types of a database.
pub(super) fn composites(catalog: &Catalog, before: Option<&Composites>) -> Composites {
    let types = catalog.relations().filter(|r| r.kind == RelationKind::Composite && !is_system(r));
    let named = types.map(|relation| {
        let mut known = before.and_then(|b| b.get(&relation.row_type)).map(|c| c.known.clone()).unwrap_or_default();
        known.add(relation);
        (relation.row_type, CompositeType { known, row: Arc::new(RowType::of(relation)) })
    });
    named.collect()
}

impl<'a> Binder<'a> {
    /// The classes of fields: of one rank the first in the document.
    pub(super) fn fields(&self, relation: &Relation, number: i16, inside: &[(Rank, &[Part], &ColumnEntry)], bound: &mut BoundColumn) {
        let of = self.composite(relation, number);
        let apart = |parts: &[Part]| of.is_some_and(|of| of.has(parts));
        bound.deep.extend(inside.iter().filter(|(_, parts, _)| !apart(parts)).map(|(.., entry)| entry.class.clone()));
        for field in of.into_iter().flat_map(|of| &of.row.fields) {
            let ranked = inside.iter().filter_map(|(rank, parts, entry)| Some(((*rank, of?.rank(parts, field.number)?), entry)));
            let best = ranked.rev().max_by_key(|(rank, _)| *rank);
            bound.fields.extend(best.map(|(_, entry)| (field.number, entry.class.clone())));
        }
    }

    /// The composite type of a column; none for arrays of it and domains over it.
    fn composite(&self, relation: &Relation, number: i16) -> Option<&'a CompositeType> {
        self.composites.get(&relation.column_number(number)?.ty.oid)
    }

    /// Whether a key is of a field that a column has, as far as that is known. The first part is the column's.
    pub(super) fn has_field(&mut self, relation: &Relation, number: i16, parts: &[Part], place: &Place) -> bool {
        let Some((column, parts)) = parts.split_first() else { return false };
        let pattern = column.is_pattern();
        if let ([_], Some(of)) = (parts, self.composite(relation, number)) {
            return of.has(parts);
        }
        let base = |oid: Oid| self.catalog.base_type(oid);
        let of_rows =
            |oid: Oid| base(oid).is_some_and(|ty| ty.relation != Oid(0) || base(ty.element).is_some_and(|e| e.relation != Oid(0)));
        let Some(column) = relation.column_number(number).filter(|c| !of_rows(c.ty.oid)) else { return true };
        if !pattern {
            self.lack(place, format!("column '{}.{}' is of no composite type, so it has no fields", relation.name, column.name), None);
        }
        !pattern
    }

    /// Whether two keys are equally of some field.
    pub(super) fn fields_meet(&self, relation: &Relation, number: i16, x: &ObjectKey, y: &ObjectKey) -> bool {
        let (Some(of), Some(x), Some(y)) = (self.composite(relation, number), x.parts.get(3..), y.parts.get(3..)) else { return x == y };
        of.row.fields.iter().any(|f| of.rank(x, f.number).is_some_and(|rank| of.rank(y, f.number) == Some(rank)))
    }

    pub(super) fn lacks_field(&mut self, relation: &Relation, column: &Column, field: &Part, place: &Place) {
        let fields = self.composites.get(&column.ty.oid).into_iter().flat_map(|of| &of.row.fields);
        let near: Vec<String> = fields.map(|f| f.name.to_string()).collect();
        let message = format!("column '{}.{}' has no field '{field}'", relation.name, column.name);
        self.lacks(place, message, &near, &field.to_string());
    }
}
