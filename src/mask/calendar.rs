//! Dates and timestamps as PostgreSQL keeps them, reads them and prints them in the ISO style. No mask is in here.
//! jiff's own dates end at the years -9999 and 9999, PostgreSQL's run from 4714 BC to 294276 AD (dates to 5874897), so
//! the arithmetic is done here and jiff gives the offset of a time zone alone.
//! Sources: `datetime.c` (`EncodeDateOnly`, `EncodeDateTime`, `EncodeTimezone`), `timestamp.h`.

use std::io::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::value::CannotMask;

/// Seconds in a day.
pub(super) const DAY: i64 = 86_400;
/// Days from 1970-01-01 to 2000-01-01, PostgreSQL's day 0.
pub(super) const EPOCH_2000: i64 = 10_957;
/// The lowest date and timestamp, 4714-11-24 BC (Julian day 0), in days since 1970-01-01.
pub(super) const LOWEST_DAY: i64 = -2_440_588;

/// A day of the proleptic Gregorian calendar; year 0 is 1 BC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::struct_field_names, reason = "a day has a year, a month and a day")]
pub(super) struct Day {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
}

impl Day {
    /// The day that is `days` after 1970-01-01. (Hinnant, "chrono-compatible low-level date algorithms".)
    pub(super) fn from_days(days: i64) -> Self {
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        Self { year: yoe + era * 400 + i64::from(month <= 2), month, day: doy - (153 * mp + 2) / 5 + 1 }
    }

    /// Days since 1970-01-01.
    pub(super) fn days(self) -> i64 {
        let y = self.year - i64::from(self.month <= 2);
        let mp = (self.month + 9) % 12;
        let yoe = y.rem_euclid(400);
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + (153 * mp + 2) / 5 + self.day - 1;
        y.div_euclid(400) * 146_097 + doe - 719_468
    }

    /// Appends `2024-01-31`; the era comes last in a timestamp, so [`Day::era`] is apart.
    pub(super) fn print(self, out: &mut Vec<u8>) {
        let year = if self.year > 0 { self.year } else { 1 - self.year };
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{year:04}-{:02}-{:02}", self.month, self.day);
    }

    /// Appends ` BC` where it is so.
    pub(super) fn era(self, out: &mut Vec<u8>) {
        if self.year <= 0 {
            out.extend_from_slice(b" BC");
        }
    }
}

/// Appends a timestamp of whole seconds (since 1970-01-01 00:00) without a zone.
pub(super) fn print_timestamp(seconds: i64, out: &mut Vec<u8>) {
    let day = print_local(seconds, out);
    day.era(out);
}

/// Appends a timestamp of whole seconds (since 1970-01-01 00:00 UTC) as it is in a time zone.
pub(super) fn print_timestamptz(seconds: i64, zone: Option<&TimeZone>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    let offset = offset(zone.ok_or(CannotMask::TimeZone)?, seconds)?;
    let day = print_local(seconds + offset, out);
    print_offset(offset, out);
    day.era(out);
    Ok(())
}

fn print_local(seconds: i64, out: &mut Vec<u8>) -> Day {
    let day = Day::from_days(seconds.div_euclid(DAY));
    let time = seconds.rem_euclid(DAY);
    day.print(out);
    let _ = write!(out, " {:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60);
    day
}

/// `+08`, `-03:30`, `+08:05:43`.
fn print_offset(offset: i64, out: &mut Vec<u8>) {
    out.push(if offset < 0 { b'-' } else { b'+' });
    let (hours, minutes, seconds) = (offset.abs() / 3600, offset.abs() / 60 % 60, offset.abs() % 60);
    let _ = write!(out, "{hours:02}");
    if minutes != 0 || seconds != 0 {
        let _ = write!(out, ":{minutes:02}");
    }
    if seconds != 0 {
        let _ = write!(out, ":{seconds:02}");
    }
}

/// A zone's offset from UTC in seconds. Beyond jiff's years the last 400 years repeat, as in PostgreSQL's `localsub`.
fn offset(zone: &TimeZone, seconds: i64) -> Result<i64, CannotMask> {
    const CYCLE: i64 = 146_097 * DAY;
    /// 9000-01-01 00:00 UTC
    const FAR: i64 = 221_845_392_000;
    let near = if seconds < FAR { seconds } else { FAR - CYCLE + (seconds - FAR).rem_euclid(CYCLE) };
    let instant = Timestamp::from_second(near).map_err(|_| CannotMask::InvalidValue)?;
    Ok(i64::from(zone.to_offset(instant).seconds()))
}

/// What a date-like text says, read as PostgreSQL prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) day: Day,
    /// Seconds of the day, local time.
    pub(super) time: i64,
    /// Seconds east of UTC.
    pub(super) offset: i64,
}

/// Which parts a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    Date,
    Timestamp,
    Timestamptz,
}

/// Reads `2024-01-31`, `2024-01-31 12:34:56.789+08`, `0044-03-15 BC` …; fractions of a second are checked and dropped.
pub(super) fn read(text: &[u8], parts: Parts) -> Option<Moment> {
    let (text, bc) = match text.strip_suffix(b" BC") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let mut rest = text;
    let year = number(&mut rest, 4, 7)?;
    literal(&mut rest, b'-')?;
    let month = number(&mut rest, 2, 2)?;
    literal(&mut rest, b'-')?;
    let day = Day { year: if bc { 1 - year } else { year }, month, day: number(&mut rest, 2, 2)? };
    // A month's last day plus one is another month's first, so what does not come back the same is no date.
    if year == 0 || !(1..=12).contains(&month) || Day::from_days(day.days()) != day {
        return None;
    }
    let mut moment = Moment { day, time: 0, offset: 0 };
    if parts != Parts::Date {
        moment.time = read_time(&mut rest)?;
    }
    if parts == Parts::Timestamptz {
        moment.offset = read_offset(&mut rest)?;
    }
    rest.is_empty().then_some(moment)
}

fn read_time(rest: &mut &[u8]) -> Option<i64> {
    literal(rest, b' ')?;
    let hours = number(rest, 2, 2).filter(|n| *n < 24)?;
    literal(rest, b':')?;
    let minutes = number(rest, 2, 2).filter(|n| *n < 60)?;
    literal(rest, b':')?;
    let seconds = number(rest, 2, 2).filter(|n| *n < 60)?;
    if literal(rest, b'.').is_some() {
        number(rest, 1, 6)?;
    }
    Some(hours * 3600 + minutes * 60 + seconds)
}

fn read_offset(rest: &mut &[u8]) -> Option<i64> {
    let east = if let Some(()) = literal(rest, b'+') {
        1
    } else {
        literal(rest, b'-')?;
        -1
    };
    let mut seconds = number(rest, 2, 3)? * 3600;
    for unit in [60, 1] {
        if literal(rest, b':').is_none() {
            break;
        }
        seconds += number(rest, 2, 2).filter(|n| *n < 60)? * unit;
    }
    Some(east * seconds)
}

fn literal(rest: &mut &[u8], byte: u8) -> Option<()> {
    *rest = rest.strip_prefix(&[byte])?;
    Some(())
}

/// A run of `least` to `most` digits.
fn number(rest: &mut &[u8], least: usize, most: usize) -> Option<i64> {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (head, tail) = rest.split_at_checked(digits).filter(|_| (least..=most).contains(&digits))?;
    *rest = tail;
    Some(head.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')))
}
