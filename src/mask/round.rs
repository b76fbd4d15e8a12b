//! `round`: down to a multiple, never below the type's lowest value.

use std::io::Write;

use super::float::Width;
use super::laws::Laws;
use super::spec::RoundTo;
use super::sql::{call, cast, constant, unless_null};
use super::value::{CannotMask, Format, Value};
use super::{decimal, sql};
use crate::catalog::{PgType, Scalar};

/// Digits behind the point that money can be expected to have, whatever `lc_monetary` says.
const MONEY_SCALE: u16 = 2;

/// The parameter of `round`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    to: RoundTo,
    /// The same as a float, and the size from which on a float's own steps are wider, so that it stays as it is.
    float: f64,
    coarse: f64,
}

/// Numbers, where each multiple is a value of the type: `0.25` does not fit an integer.
pub(super) fn laws(round: &Round, scalar: Scalar, ty: &PgType) -> Option<Laws> {
    fits(round.to, scalar, ty.typmod).then_some(Laws { order_preserving: true, ..Laws::PLAIN })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a type that is not named does not fit")]
fn fits(RoundTo { unit, scale }: RoundTo, scalar: Scalar, typmod: i32) -> bool {
    match scalar {
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => scale == 0,
        Scalar::Money => scale <= MONEY_SCALE,
        Scalar::Float4 | Scalar::Float8 => true,
        Scalar::Numeric => decimal::declared_scale(typmod).is_none_or(|declared| match u32::try_from(-declared) {
            // numeric(3, -2) holds hundreds
            Ok(zeros) => scale == 0 && 10_u64.checked_pow(zeros).is_some_and(|hundreds| unit.is_multiple_of(hundreds)),
            Err(_) => i32::from(scale) <= declared,
        }),
        _ => false,
    }
}

impl Round {
    pub(super) fn new(to: RoundTo) -> Self {
        // Read from its text as the server reads it, so that both have the same float.
        let float: f64 = to.to_string().parse().unwrap_or(f64::INFINITY);
        Self { to, float, coarse: float * 2_f64.powi(53) }
    }

    pub(super) fn apply(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        if !fits(self.to, value.scalar, value.typmod) {
            return Err(CannotMask::DoesNotFit);
        }
        match (value.scalar, value.format) {
            (Scalar::Int2 | Scalar::Int4 | Scalar::Int8, Format::Text) => self.print_integer(value, out),
            (Scalar::Int2, Format::Binary) => {
                let n = self.integer(i64::from(i16::from_be_bytes(array(value)?)), i64::from(i16::MIN), 0)?;
                out.extend_from_slice(&i16::try_from(n).map_err(|_| CannotMask::InvalidValue)?.to_be_bytes());
                Ok(())
            }
            (Scalar::Int4, Format::Binary) => {
                let n = self.integer(i64::from(i32::from_be_bytes(array(value)?)), i64::from(i32::MIN), 0)?;
                out.extend_from_slice(&i32::try_from(n).map_err(|_| CannotMask::InvalidValue)?.to_be_bytes());
                Ok(())
            }
            (Scalar::Int8, Format::Binary) => {
                let n = self.integer(i64::from_be_bytes(array(value)?), i64::MIN, 0)?;
                out.extend_from_slice(&n.to_be_bytes());
                Ok(())
            }
            (Scalar::Money, Format::Binary) => {
                let n = self.integer(i64::from_be_bytes(array(value)?), i64::MIN, value.rendering.money.fraction)?;
                out.extend_from_slice(&n.to_be_bytes());
                Ok(())
            }
            (Scalar::Money, Format::Text) => {
                let style = &value.rendering.money;
                let text = std::str::from_utf8(value.bytes).map_err(|_| CannotMask::InvalidValue)?;
                let units = style.read(text).ok_or(CannotMask::InvalidValue)?;
                style.print(self.integer(units, i64::MIN, style.fraction)?, out);
                Ok(())
            }
            (Scalar::Numeric, _) => decimal::round(self.to, value, out),
            (Scalar::Float4, _) => self.float(Width::Float4, value, out),
            (Scalar::Float8, _) => self.float(Width::Float8, value, out),
            _ => Err(CannotMask::DoesNotFit),
        }
    }

    /// `n` counts units of 10^-`scale`.
    fn integer(&self, n: i64, lowest: i64, scale: u8) -> Result<i64, CannotMask> {
        let zeros = u32::from(scale).checked_sub(u32::from(self.to.scale)).ok_or(CannotMask::DoesNotFit)?;
        let unit = 10_u64.checked_pow(zeros).and_then(|factor| self.to.unit.checked_mul(factor));
        Ok(match unit.and_then(|unit| i64::try_from(unit).ok()) {
            Some(unit) => n.checked_sub(n.rem_euclid(unit)).map_or(lowest, |n| n.max(lowest)),
            None if n < 0 => lowest,
            None => 0,
        })
    }

    fn print_integer(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let lowest = if value.scalar == Scalar::Int2 {
            i64::from(i16::MIN)
        } else if value.scalar == Scalar::Int4 {
            i64::from(i32::MIN)
        } else {
            i64::MIN
        };
        let n = std::str::from_utf8(value.bytes).ok().and_then(|text| text.parse().ok()).ok_or(CannotMask::InvalidValue)?;
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{}", self.integer(n, lowest, 0)?);
        Ok(())
    }

    fn float(&self, width: Width, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let exact = match (width, value.format) {
            (Width::Float4, Format::Binary) => f64::from(f32::from_be_bytes(array(value)?)),
            (Width::Float8, Format::Binary) => f64::from_be_bytes(array(value)?),
            (_, Format::Text) if !value.rendering.exact_floats => return Err(CannotMask::InexactFloats),
            (_, Format::Text) => width.read(value.bytes).ok_or(CannotMask::InvalidValue)?,
        };
        if exact.is_nan() || exact.abs() >= self.coarse {
            out.extend_from_slice(value.bytes);
            return Ok(());
        }
        let masked = self.floor(exact);
        #[expect(clippy::cast_possible_truncation, reason = "the server's cast to real rounds as well")]
        let narrow = masked as f32;
        match (width, value.format) {
            (Width::Float4, Format::Binary) => out.extend_from_slice(&narrow.to_be_bytes()),
            (Width::Float8, Format::Binary) => out.extend_from_slice(&masked.to_be_bytes()),
            (Width::Float4, Format::Text) => width.print(f64::from(narrow), out),
            (Width::Float8, Format::Text) => width.print(masked, out),
        }
        Ok(())
    }

    /// The largest multiple, as floats count, that is not above the value. Monotone, since each of its steps is.
    fn floor(&self, value: f64) -> f64 {
        if value >= 0.0 && value < self.float {
            return 0.0;
        }
        if value < 0.0 && value >= -self.float {
            return -self.float;
        }
        let times = (value / self.float).floor();
        if times * self.float > value { (times - 1.0) * self.float } else { times * self.float }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a type that is not named does not fit")]
    pub(super) fn sql(&self, ty: &PgType, column: &str) -> Option<String> {
        let scalar = ty.scalar();
        let exact = |value: &str| floor_numeric(value, &constant(&self.to.to_string(), "numeric"));
        // GREATEST leaves NULL out
        let not_below = |value: &str, lowest: &str| unless_null(column, &format!("GREATEST({value}, {})", constant(lowest, "numeric")));
        let at_least = |lowest: &str, ty: &str| cast(&not_below(&exact(&cast(column, "numeric")), lowest), ty);
        Some(match scalar {
            Scalar::Int2 => at_least("-32768", "int2"),
            Scalar::Int4 => at_least("-2147483648", "int4"),
            Scalar::Int8 => at_least("-9223372036854775808", "int8"),
            Scalar::Money => at_least("-92233720368547758.08", "money"),
            Scalar::Numeric => {
                let is = |special: &str| call("numeric_eq", &[column, &constant(special, "numeric")]);
                let special = format!("{} OR {} OR {}", is("NaN"), is("Infinity"), is("-Infinity"));
                let floor = match decimal::declared(ty.typmod) {
                    Some(declared) => not_below(&exact(column), &declared.lowest()),
                    None => exact(column),
                };
                cast(&sql::choose(&special, column, &floor), &sql::type_name(&PgType::builtin(crate::catalog::Oid(1700), ty.typmod))?)
            }
            Scalar::Float4 => cast(&self.floor_float(&cast(column, "float8")), "float4"),
            Scalar::Float8 => self.floor_float(column),
            _ => return None,
        })
    }

    /// [`Self::floor`] in SQL. PostgreSQL sorts NaN above all, so the first branch takes it.
    fn floor_float(&self, value: &str) -> String {
        let float = |n: f64| constant(&format!("{n:e}"), "float8");
        let (to, minus, coarse) = (float(self.float), float(-self.float), float(self.coarse));
        let test = |function: &str, a: &str, b: &str| call(function, &[a, b]);
        let times = call("floor", &[&call("float8div", &[value, &to])]);
        let product = call("float8mul", &[&times, &to]);
        let less = call("float8mul", &[&call("float8mi", &[&times, &float(1.0)]), &to]);
        let zero = float(0.0);
        format!(
            "CASE WHEN {} THEN {value} WHEN {} AND {} THEN {zero} WHEN {} AND {} THEN {minus} WHEN {} THEN {less} ELSE {product} END",
            test("float8ge", &call("float8abs", &[value]), &coarse),
            test("float8ge", value, &zero),
            test("float8lt", value, &to),
            test("float8lt", value, &zero),
            test("float8ge", value, &minus),
            test("float8gt", &product, value),
        )
    }
}

/// `mod` of numerics is exact and has the sign of the value.
fn floor_numeric(value: &str, to: &str) -> String {
    let rest = call("numeric_mod", &[value, to]);
    let below = call("numeric_lt", &[&rest, &constant("0", "numeric")]);
    let whole = call("numeric_sub", &[value, &rest]);
    sql::choose(&below, &call("numeric_sub", &[&whole, to]), &whole)
}

fn array<const N: usize>(value: &Value<'_>) -> Result<[u8; N], CannotMask> {
    value.bytes.try_into().map_err(|_| CannotMask::InvalidValue)
}
