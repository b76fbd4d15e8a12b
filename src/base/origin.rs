//! Where a result column comes from.

use super::Oid;

/// What a result column is: a column of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The relation.
    pub relation: Oid,
    /// The column's number, 0 for the whole row.
    pub column: i16,
    /// Its type, where the server may say another.
    pub ty: Option<Oid>,
}
