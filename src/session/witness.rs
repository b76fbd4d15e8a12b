//! The second witness: where the server says that each result column comes from, held against the plan before any row goes on.
// INVARIANT 5: a row of a governed session needs a `Witnessed`, and only `witness` makes one.

use std::sync::Arc;

use crate::catalog::{Oid, PgType};
use crate::mask::{Format, Mask};
use crate::plan::{Cell, Permit};
use crate::policy::Profile;
use crate::wire::{Malformed, row_description};

/// What a `RowDescription` says of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    relation: Oid,
    column: i16,
    format: i16,
}

/// What a `RowDescription` says of a result; empty for a statement without rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape(Box<[Origin]>);

impl Shape {
    /// Reads a `RowDescription`'s body.
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let fields = row_description(body)?;
        Ok(Self(fields.iter().map(|f| Origin { relation: f.relation, column: f.column, format: f.format }).collect()))
    }

    /// `NoData`.
    pub(super) fn none() -> Self {
        Self(Box::default())
    }
}

/// How one column of each row is masked.
#[derive(Clone, Debug)]
pub(super) struct MaskedColumn {
    pub(super) mask: Arc<Mask>,
    pub(super) ty: PgType,
    pub(super) format: Format,
}

impl MaskedColumn {
    /// The masked columns of a COPY, whose rows bear no description.
    pub(super) fn of(permit: &Permit, columns: usize, format: Format) -> Vec<Option<Self>> {
        (0..columns)
            .map(|i| match permit.cells().get(i) {
                Some(Cell::Masked { rule, ty, .. }) => Some(Self { mask: Arc::clone(&rule.mask), ty: *ty, format }),
                Some(Cell::Clear) | None => None,
            })
            .collect()
    }
}

/// A result whose origins were held against its permit.
#[derive(Clone, Debug)]
pub(super) struct Witnessed {
    masked: Arc<[Option<MaskedColumn>]>,
    kept: bool,
}

impl Witnessed {
    /// An unrestricted principal's rows pass as they are, whatever they are.
    pub(super) fn of_unrestricted() -> Self {
        Self { masked: Arc::from([]), kept: false }
    }

    /// Rows that the client did not ask for.
    pub(super) fn kept() -> Self {
        Self { masked: Arc::from([]), kept: true }
    }

    /// No row goes to the client.
    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    /// By position; empty where no column is masked.
    pub(super) fn masked(&self) -> &[Option<MaskedColumn>] {
        &self.masked
    }

    /// Rows pass as they are.
    pub(super) fn is_clear(&self) -> bool {
        self.masked.is_empty() && !self.kept
    }
}

/// The result is not the one that the plan announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trip;

/// Holds a result against its plan. `formats` are those of Bind, empty where the shape's own hold.
pub(super) fn witness(shape: &Shape, formats: &[i16], permit: &Permit, profile: &Profile) -> Result<Witnessed, Trip> {
    if profile.unrestricted {
        return Ok(Witnessed::of_unrestricted());
    }
    // rows that nobody asked for: a rule's
    if permit.arity().is_none() && !permit.returns_rows() {
        return Err(Trip);
    }
    if permit.arity().is_some_and(|n| n != shape.0.len()) || permit.cells().len() > shape.0.len() {
        return Err(Trip);
    }
    let mut masked = Vec::new();
    for (i, origin) in shape.0.iter().enumerate() {
        let column = match permit.cells().get(i) {
            Some(Cell::Masked { rule, ty, origins, .. }) => {
                if origin.relation != Oid(0) && !origins.contains(&(origin.relation, origin.column)) {
                    return Err(Trip);
                }
                Some(MaskedColumn { mask: Arc::clone(&rule.mask), ty: *ty, format: format(origin.format, formats, i) })
            }
            Some(Cell::Clear) | None => {
                // system columns are clear wherever anything of their relation is
                if origin.relation != Oid(0) && origin.column > 0 && profile.read(origin.relation, origin.column).is_veiled() {
                    return Err(Trip);
                }
                None
            }
        };
        masked.push(column);
    }
    if masked.iter().all(Option::is_none) {
        masked.clear();
    }
    Ok(Witnessed { masked: masked.into(), kept: false })
}

/// Bind's rule: no format code means what was described, one means all, else one each.
fn format(described: i16, formats: &[i16], column: usize) -> Format {
    let code = match formats {
        [] => described,
        [all] => *all,
        each => each.get(column).copied().unwrap_or(0),
    };
    if code == 1 { Format::Binary } else { Format::Text }
}
