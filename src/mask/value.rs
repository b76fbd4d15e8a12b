//! What a mask is given: the wire format, the session's output settings and one value with its type; and what it says back.
//! No mask is in here.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::money::MoneyStyle;
use crate::catalog::{PgType, Scalar};

/// How a value is written on the wire (format code of `RowDescription` and Bind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Format code 0: as the type's output function prints it.
    Text,
    /// Format code 1: as the type's send function writes it.
    Binary,
}

/// The session's settings that decide how PostgreSQL prints values as text. Binary values do not depend on them.
#[derive(Clone, Debug)]
pub struct Rendering {
    /// `DateStyle` begins with `ISO`. Else date-like values in text format cannot be masked.
    pub iso_dates: bool,
    /// `TimeZone`, in which timestamptz is printed; `None` where the proxy does not know the zone of that name.
    pub zone: Option<TimeZone>,
    /// `bytea_output` is `hex`, else it is `escape`.
    pub bytea_hex: bool,
    /// `extra_float_digits` is 1 or more, so floats come in their shortest exact form. Else they cannot be rounded in text format.
    pub exact_floats: bool,
    /// How `lc_monetary` makes money look.
    pub money: MoneyStyle,
}

impl Rendering {
    /// Takes over a parameter that the server reported (or a start-up packet asked for); others mean nothing to text values.
    pub fn set(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case("DateStyle") {
            self.iso_dates = value.get(..3).is_some_and(|style| style.eq_ignore_ascii_case("ISO"));
        } else if name.eq_ignore_ascii_case("TimeZone") {
            self.zone = zone(value);
        } else if name.eq_ignore_ascii_case("bytea_output") {
            self.bytea_hex = value.eq_ignore_ascii_case("hex");
        } else if name.eq_ignore_ascii_case("extra_float_digits") {
            self.exact_floats = value.trim().parse::<i32>().is_ok_and(|digits| digits >= 1);
        }
    }
}

/// A zone by its IANA name or as a POSIX rule (`SET TIME ZONE 5` reads back as `<+05>-05`). The zones come with the program.
fn zone(name: &str) -> Option<TimeZone> {
    static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    ZONES.get(name).or_else(|_| TimeZone::posix(name)).ok()
}

/// PostgreSQL's own defaults: ISO dates, UTC, hex, shortest floats, money as in the C locale.
impl Default for Rendering {
    fn default() -> Self {
        Self { iso_dates: true, zone: Some(TimeZone::UTC), bytea_hex: true, exact_floats: true, money: MoneyStyle::default() }
    }
}

/// What became of a value that is not NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masked {
    /// It is NULL now; nothing was appended.
    Null,
    /// The masked value was appended.
    Value,
}

/// Why a value cannot be masked. It stops the row; it never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotMask {
    /// The bytes are no value of the type, in this format, as PostgreSQL would write it.
    #[error("a value is not in the form that its type has on the wire")]
    InvalidValue,
    /// The mask does not fit the type; a policy that was compiled against the catalog never comes here.
    #[error("the mask does not fit the type of the value")]
    DoesNotFit,
    /// The session's `DateStyle` is not ISO.
    #[error("dates can be masked in the ISO date style only: set DateStyle to ISO")]
    DateStyle,
    /// The session's `TimeZone` is no zone that the proxy knows.
    #[error("the session's time zone is not known to the proxy")]
    TimeZone,
    /// The session's `extra_float_digits` is below 1.
    #[error("floats can be masked in their exact form only: set extra_float_digits to 1")]
    InexactFloats,
}

/// Why a masked value cannot be turned back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotTurnBack {
    /// The mask is not reversible for this type.
    #[error("the mask cannot be turned back")]
    NotReversible,
    /// No value of the type has this as its mask, or several have, or it is no value of the type.
    #[error("the value is not the mask of just one value of its type")]
    NoSuchValue,
}

/// One value, or one element of an array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) scalar: Scalar,
    pub(super) typmod: i32,
    pub(super) max_chars: Option<u32>,
    pub(super) format: Format,
    pub(super) rendering: &'a Rendering,
    pub(super) bytes: &'a [u8],
}

impl<'a> Value<'a> {
    pub(super) fn new(ty: &PgType, format: Format, rendering: &'a Rendering, bytes: &'a [u8]) -> Self {
        Self { scalar: ty.scalar(), typmod: ty.typmod, max_chars: ty.max_chars, format, rendering, bytes }
    }
}
