//! `redact`: the same harmless value for every value of a type.

use super::laws::Laws;
use super::sql::{cast, quote, type_name, unless_null};
use super::value::{CannotMask, Format, Masked, Value};
use super::{array, calendar, decimal, text};
use crate::catalog::{PgType, Scalar, Shape};

/// It fits every type; types without a harmless value give NULL.
pub(super) fn laws(ty: &PgType) -> Laws {
    Laws { always: ty.shape != Shape::Scalar(Scalar::Other) && !is_address(ty.shape), ..Laws::CONSTANT }
}

/// Addresses are not in policy.md's list, so they are one of "any other type".
fn is_address(shape: Shape) -> bool {
    matches!(shape, Shape::Scalar(Scalar::Inet | Scalar::Cidr))
}

/// Appends the type's harmless value. The value itself is not looked at.
pub(super) fn apply(ty: &PgType, value: &Value<'_>, out: &mut Vec<u8>) -> Result<Masked, CannotMask> {
    match ty.shape {
        Shape::Array { element: _, element_oid } => array::empty(value.format, element_oid, out),
        Shape::Scalar(Scalar::Other | Scalar::Inet | Scalar::Cidr) => return Ok(Masked::Null),
        Shape::Scalar(_) => match value.format {
            Format::Text => print(value, out)?,
            Format::Binary => send(value, out),
        },
    }
    Ok(Masked::Value)
}

/// `***`, cut to the declared length: also what other masks give where they can say nothing else.
pub(super) fn stars(value: &Value<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(b"***");
    text::fit(value, start, out);
}

fn print(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    let rendering = value.rendering;
    match value.scalar {
        Scalar::Text | Scalar::Varchar | Scalar::Bpchar | Scalar::Name | Scalar::Citext => stars(value, out),
        Scalar::Bool => out.push(b'f'),
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 | Scalar::Float4 | Scalar::Float8 => out.push(b'0'),
        Scalar::Numeric => decimal::print_zero(decimal::declared_scale(value.typmod), out),
        Scalar::Money => rendering.money.print(0, out),
        Scalar::Date | Scalar::Timestamp | Scalar::Timestamptz if !rendering.iso_dates => return Err(CannotMask::DateStyle),
        Scalar::Date => out.extend_from_slice(b"1970-01-01"),
        Scalar::Timestamp => calendar::print_timestamp(0, out),
        Scalar::Timestamptz => calendar::print_timestamptz(0, rendering.zone.as_ref(), out)?,
        Scalar::Uuid => out.extend_from_slice(b"00000000-0000-0000-0000-000000000000"),
        Scalar::Json | Scalar::Jsonb => out.extend_from_slice(b"{}"),
        Scalar::Bytea => out.extend_from_slice(if rendering.bytea_hex { br"\x" } else { b"" }),
        Scalar::Inet | Scalar::Cidr | Scalar::Other => return Err(CannotMask::DoesNotFit),
    }
    Ok(())
}

fn send(value: &Value<'_>, out: &mut Vec<u8>) {
    match value.scalar {
        Scalar::Text | Scalar::Varchar | Scalar::Bpchar | Scalar::Name | Scalar::Citext => stars(value, out),
        Scalar::Bool => out.push(0),
        Scalar::Int2 => out.extend_from_slice(&[0; 2]),
        Scalar::Int4 | Scalar::Float4 => out.extend_from_slice(&[0; 4]),
        Scalar::Int8 | Scalar::Float8 | Scalar::Money => out.extend_from_slice(&[0; 8]),
        Scalar::Numeric => decimal::send_zero(decimal::declared_scale(value.typmod), out),
        // PostgreSQL counts from 2000-01-01.
        Scalar::Date => out.extend_from_slice(&(-10_957_i32).to_be_bytes()),
        Scalar::Timestamp | Scalar::Timestamptz => {
            out.extend_from_slice(&(-calendar::EPOCH_2000 * calendar::DAY * 1_000_000).to_be_bytes());
        }
        Scalar::Uuid => out.extend_from_slice(&[0; 16]),
        Scalar::Json => out.extend_from_slice(b"{}"),
        // The format's version comes first.
        Scalar::Jsonb => out.extend_from_slice(b"\x01{}"),
        Scalar::Bytea | Scalar::Inet | Scalar::Cidr | Scalar::Other => {}
    }
}

pub(super) fn sql(ty: &PgType, column: &str) -> String {
    let text = match ty.shape {
        Shape::Array { .. } => return unless_null(column, &quote("{}")),
        Shape::Scalar(scalar) => match scalar {
            Scalar::Text | Scalar::Varchar | Scalar::Bpchar | Scalar::Name | Scalar::Citext => "***",
            Scalar::Bool => "false",
            Scalar::Int2 | Scalar::Int4 | Scalar::Int8 | Scalar::Float4 | Scalar::Float8 | Scalar::Numeric | Scalar::Money => "0",
            Scalar::Date => "1970-01-01",
            Scalar::Timestamp => "1970-01-01 00:00:00",
            Scalar::Timestamptz => "1970-01-01 00:00:00+00",
            Scalar::Uuid => "00000000-0000-0000-0000-000000000000",
            Scalar::Json | Scalar::Jsonb => "{}",
            Scalar::Bytea => "",
            Scalar::Inet | Scalar::Cidr | Scalar::Other => return super::null::SQL.to_owned(),
        },
    };
    let value = type_name(ty).map_or_else(|| quote(text), |name| cast(&quote(text), &name));
    unless_null(column, &value)
}
