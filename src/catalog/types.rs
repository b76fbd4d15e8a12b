//! PostgreSQL types as the masks and the witness see them.

pub use crate::base::Oid;

/// The first OID of objects that did not come with PostgreSQL (`FirstNormalObjectId`).
pub const FIRST_NORMAL_OID: Oid = Oid(16384);

/// The base types that masks know; every other one is `Other` (ranges, enums, composites, geometric types, xml, bit …).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// boolean
    Bool,
    /// smallint
    Int2,
    /// integer
    Int4,
    /// bigint
    Int8,
    /// real
    Float4,
    /// double precision
    Float8,
    /// numeric
    Numeric,
    /// money
    Money,
    /// text
    Text,
    /// character varying
    Varchar,
    /// character(n), `bpchar`
    Bpchar,
    /// name
    Name,
    /// the citext extension's type
    Citext,
    /// date
    Date,
    /// timestamp without time zone
    Timestamp,
    /// timestamp with time zone
    Timestamptz,
    /// uuid
    Uuid,
    /// json
    Json,
    /// jsonb
    Jsonb,
    /// bytea
    Bytea,
    /// inet
    Inet,
    /// cidr
    Cidr,
    /// anything else
    Other,
}

impl Scalar {
    /// text, varchar, char(n), name and citext: what policy.md calls text.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Varchar | Self::Bpchar | Self::Name | Self::Citext)
    }

    /// The built-in type with this OID; `Other` for all else (citext has no fixed OID).
    #[must_use]
    pub fn from_oid(oid: Oid) -> Self {
        match oid.0 {
            16 => Self::Bool,
            21 => Self::Int2,
            23 => Self::Int4,
            20 => Self::Int8,
            700 => Self::Float4,
            701 => Self::Float8,
            1700 => Self::Numeric,
            790 => Self::Money,
            25 => Self::Text,
            1043 => Self::Varchar,
            1042 => Self::Bpchar,
            19 => Self::Name,
            1082 => Self::Date,
            1114 => Self::Timestamp,
            1184 => Self::Timestamptz,
            2950 => Self::Uuid,
            114 => Self::Json,
            3802 => Self::Jsonb,
            17 => Self::Bytea,
            869 => Self::Inet,
            650 => Self::Cidr,
            _ => Self::Other,
        }
    }
}

/// A type's outline, with domains already followed to their base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A single value.
    Scalar(Scalar),
    /// An array of any number of dimensions; `element` is the element's own OID, domains followed.
    Array {
        /// What each element is.
        element: Scalar,
        /// The element type's OID as the array declares it.
        element_oid: Oid,
    },
}

/// A column's declared type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PgType {
    /// The declared type (a domain's own OID where it is one).
    pub oid: Oid,
    /// `atttypmod`, or the domain's modifier where the column has none of its own; -1 for none.
    pub typmod: i32,
    /// What values look like on the wire.
    pub shape: Shape,
    /// The declared type is a domain.
    pub domain: bool,
    /// Length in characters that text is cut to (`varchar(n)`, `char(n)`; 63 **bytes** for `name` are the mask's own affair).
    pub max_chars: Option<u32>,
}

impl PgType {
    /// A built-in type without domain; arrays of built-in types are given by [`PgType::array`].
    #[must_use]
    pub fn builtin(oid: Oid, typmod: i32) -> Self {
        let scalar = Scalar::from_oid(oid);
        Self { oid, typmod, shape: Shape::Scalar(scalar), domain: false, max_chars: max_chars(scalar, typmod) }
    }

    /// An array type over a built-in element.
    #[must_use]
    pub fn array(oid: Oid, element_oid: Oid, typmod: i32) -> Self {
        let element = Scalar::from_oid(element_oid);
        Self { oid, typmod, shape: Shape::Array { element, element_oid }, domain: false, max_chars: max_chars(element, typmod) }
    }

    /// What a single value, or each element, is.
    #[must_use]
    pub fn scalar(&self) -> Scalar {
        match self.shape {
            Shape::Scalar(s) | Shape::Array { element: s, .. } => s,
        }
    }
}

/// `n` of `varchar(n)` and `char(n)`: the modifier less the four bytes of a varlena header.
#[must_use]
pub(super) fn max_chars(scalar: Scalar, typmod: i32) -> Option<u32> {
    let bounded = matches!(scalar, Scalar::Varchar | Scalar::Bpchar);
    if bounded { u32::try_from(typmod.saturating_sub(4)).ok() } else { None }
}
