//! `date`: the first day of the year or month.

use super::calendar::{self, DAY, Day, EPOCH_2000, LOWEST_DAY, Parts};
use super::laws::Laws;
use super::spec::Keep;
use super::sql::{call, cast, constant};
use super::value::{CannotMask, Format, Value};
use crate::catalog::Scalar;

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// Dates and timestamps.
pub(super) fn laws(scalar: Scalar) -> Option<Laws> {
    parts(scalar).ok().map(|_| Laws { order_preserving: true, ..Laws::PLAIN })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a type that is not named does not fit")]
fn parts(scalar: Scalar) -> Result<Parts, CannotMask> {
    Ok(match scalar {
        Scalar::Date => Parts::Date,
        Scalar::Timestamp => Parts::Timestamp,
        Scalar::Timestamptz => Parts::Timestamptz,
        _ => return Err(CannotMask::DoesNotFit),
    })
}

pub(super) fn apply(keep: Keep, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    let parts = parts(value.scalar)?;
    match value.format {
        Format::Text => mask_text(keep, parts, value, out),
        Format::Binary if parts == Parts::Date => mask_date(keep, value.bytes, out),
        Format::Binary => mask_timestamp(keep, value.bytes, out),
    }
}

/// The first day of a day's year or month, in days since 1970-01-01; never below the types' lowest.
fn truncate(keep: Keep, days: i64) -> i64 {
    let day = Day::from_days(days);
    let month = match keep {
        Keep::Year => 1,
        Keep::Month => day.month,
    };
    Day { month, day: 1, ..day }.days().max(LOWEST_DAY)
}

fn mask_date(keep: Keep, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), CannotMask> {
    let date = i32::from_be_bytes(bytes.try_into().map_err(|_| CannotMask::InvalidValue)?);
    let masked = match date {
        i32::MIN | i32::MAX => date,
        finite => {
            let days = i64::from(finite) + EPOCH_2000;
            if days < LOWEST_DAY {
                return Err(CannotMask::InvalidValue);
            }
            i32::try_from(truncate(keep, days) - EPOCH_2000).map_err(|_| CannotMask::InvalidValue)?
        }
    };
    out.extend_from_slice(&masked.to_be_bytes());
    Ok(())
}

fn mask_timestamp(keep: Keep, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), CannotMask> {
    let timestamp = i64::from_be_bytes(bytes.try_into().map_err(|_| CannotMask::InvalidValue)?);
    let masked = match timestamp {
        i64::MIN | i64::MAX => timestamp,
        finite => {
            let days = finite.div_euclid(DAY * MICROS) + EPOCH_2000;
            if days < LOWEST_DAY {
                return Err(CannotMask::InvalidValue);
            }
            (truncate(keep, days) - EPOCH_2000) * DAY * MICROS
        }
    };
    out.extend_from_slice(&masked.to_be_bytes());
    Ok(())
}

fn mask_text(keep: Keep, parts: Parts, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    if matches!(value.bytes, b"infinity" | b"-infinity") {
        out.extend_from_slice(value.bytes);
        return Ok(());
    }
    if !value.rendering.iso_dates {
        return Err(CannotMask::DateStyle);
    }
    let moment = calendar::read(value.bytes, parts).ok_or(CannotMask::InvalidValue)?;
    let days = moment.day.days() + (moment.time - moment.offset).div_euclid(DAY);
    if days < LOWEST_DAY {
        return Err(CannotMask::InvalidValue);
    }
    let masked = truncate(keep, days);
    match parts {
        Parts::Date => {
            let day = Day::from_days(masked);
            day.print(out);
            day.era(out);
            Ok(())
        }
        Parts::Timestamp => {
            calendar::print_timestamp(masked * DAY, out);
            Ok(())
        }
        Parts::Timestamptz => calendar::print_timestamptz(masked * DAY, value.rendering.zone.as_ref(), out),
    }
}

/// PostgreSQL's own truncation fails where a year or month begins before the type does, and for dates beyond its timestamps.
#[expect(clippy::wildcard_enum_match_arm, reason = "a type that is not named does not fit")]
pub(super) fn sql(keep: Keep, scalar: Scalar, column: &str) -> Option<String> {
    let (unit, day_of, first_whole) = match keep {
        Keep::Year => ("'year'", "'doy'", "4713-01-01"),
        Keep::Month => ("'month'", "'day'", "4714-12-01"),
    };
    let (ty, behind, less, masked) = match scalar {
        Scalar::Date => {
            let day = cast(&call("extract", &[day_of, column]), "int4");
            ("date", " BC", "date_lt", call("date_mii", &[column, &call("int4mi", &[&day, "1"])]))
        }
        Scalar::Timestamp => ("timestamp", " 00:00:00 BC", "timestamp_lt", call("date_trunc", &[unit, column])),
        Scalar::Timestamptz => ("timestamptz", " 00:00:00+00 BC", "timestamptz_lt", call("date_trunc", &[unit, column, "'UTC'"])),
        _ => return None,
    };
    let finite = call("isfinite", &[column]);
    let early = call(less, &[column, &constant(&format!("{first_whole}{behind}"), ty)]);
    let lowest = constant(&format!("4714-11-24{behind}"), ty);
    Some(format!("CASE WHEN {finite} THEN CASE WHEN {early} THEN {lowest} ELSE {masked} END ELSE {column} END"))
}
