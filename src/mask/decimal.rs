//! `numeric` in both wire formats, and rounding it down. No mask is in here.
//! Sources: `numeric_in`, `numeric_out`, `numeric_recv`, `numeric_send`, `make_numeric_typmod` in PostgreSQL's `numeric.c`.

use super::array::take;
use super::spec::RoundTo;
use super::value::{CannotMask, Format, Value};

/// Decimal digits in a group; groups are what PostgreSQL counts, stores and sends.
const GROUP: usize = 4;
const BASE: u16 = 10_000;
/// Digits that a numeric can have before and behind the point.
const MOST_BEFORE: usize = 131_072;
const MOST_BEHIND: usize = 16_383;
/// Groups of the largest multiple that is rounded to, 10^18, with its fraction made whole groups.
const UNIT_GROUPS: usize = 6;
/// Groups that are worked on without the heap: 160 digits.
const STACK: usize = 40;

/// `numeric(precision, scale)`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) precision: i32,
    pub(super) scale: i32,
}

impl Declared {
    /// The text of its lowest value.
    pub(super) fn lowest(self) -> String {
        let mut text = Vec::new();
        Lowest { above: self.precision - self.scale, scale: self.scale }.write(Format::Text, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// What a type modifier says; `None` without one.
pub(super) fn declared(typmod: i32) -> Option<Declared> {
    // The scale has 11 bits, of which the highest is a sign since PostgreSQL 15.
    let scale = |modifier: i32| ((modifier & 0x7ff) ^ 0x400) - 0x400;
    (typmod >= 4).then(|| Declared { precision: ((typmod - 4) >> 16) & 0xffff, scale: scale(typmod - 4) })
}

/// Digits behind the point that a `numeric(p, s)` has, from its type modifier; `None` without one.
pub(super) fn declared_scale(typmod: i32) -> Option<i32> {
    declared(typmod).map(|d| d.scale)
}

/// Appends `0`, `0.00` … as a `numeric` of this scale prints it.
pub(super) fn print_zero(scale: Option<i32>, out: &mut Vec<u8>) {
    out.push(b'0');
    let digits = scale.and_then(|s| usize::try_from(s).ok()).unwrap_or(0);
    if digits > 0 {
        out.push(b'.');
        out.resize(out.len() + digits, b'0');
    }
}

/// Appends zero in binary: no digits, weight 0, positive, and the scale that is printed.
pub(super) fn send_zero(scale: Option<i32>, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 6]);
    let dscale = scale.and_then(|s| u16::try_from(s).ok()).unwrap_or(0);
    out.extend_from_slice(&dscale.to_be_bytes());
}

/// A finite value as it came, before its digits are spread out.
struct Read<'a> {
    negative: bool,
    /// Digits behind the point that are printed.
    scale: usize,
    digits: Digits<'a>,
}

#[derive(Clone, Copy)]
enum Digits<'a> {
    /// ASCII digits before and behind the point.
    Text { whole: &'a [u8], fraction: &'a [u8] },
    /// Groups of two bytes; the first has the place `weight` before the point, counted from 0.
    Binary { groups: &'a [u8], weight: i32 },
}

/// Rounds a numeric down to a multiple of `to`, and appends it.
pub(super) fn round(to: RoundTo, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    let Some(read) = read(value)? else {
        out.extend_from_slice(value.bytes);
        return Ok(());
    };
    let behind = usize::from(to.scale).div_ceil(GROUP);
    let length = (read.digits.groups_before() + behind).max(UNIT_GROUPS) + 1;
    let mut stack = [0; STACK];
    let mut heap = Vec::new();
    let groups = if let Some(groups) = stack.get_mut(..length) {
        groups
    } else {
        heap.resize(length, 0);
        &mut heap
    };
    let cut = read.digits.spread(behind, groups).ok_or(CannotMask::InvalidValue)?;
    let unit = u128::from(to.unit) * 10_u128.pow(u32::try_from(behind * GROUP).unwrap_or(0) - u32::from(to.scale));
    let rest = remainder(groups, unit);
    if !read.negative {
        subtract(groups, rest);
    } else if rest != 0 || cut {
        add(groups, unit - rest);
    }
    let number = Number { negative: read.negative, groups, behind, scale: read.scale.max(usize::from(to.scale)) };
    match number.lowest_instead(value.typmod) {
        Some(lowest) => lowest.write(value.format, out),
        None => number.write(value.format, out),
    }
    Ok(())
}

/// `None` for NaN and the infinities.
fn read<'a>(value: &Value<'a>) -> Result<Option<Read<'a>>, CannotMask> {
    match value.format {
        Format::Text if matches!(value.bytes, b"NaN" | b"Infinity" | b"-Infinity") => Ok(None),
        Format::Text => read_text(value.bytes).map(Some).ok_or(CannotMask::InvalidValue),
        Format::Binary => read_binary(value.bytes),
    }
}

fn read_text(text: &[u8]) -> Option<Read<'_>> {
    let (text, negative) = text.strip_prefix(b"-").map_or((text, false), |rest| (rest, true));
    let point = text.iter().position(|b| *b == b'.');
    let (whole, fraction) = match point {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, &[][..]),
    };
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let valid = !whole.is_empty() && (point.is_none() || !fraction.is_empty()) && digits(whole) && digits(fraction);
    if !valid || whole.len() > MOST_BEFORE || fraction.len() > MOST_BEHIND {
        return None;
    }
    Some(Read { negative, scale: fraction.len(), digits: Digits::Text { whole, fraction } })
}

fn read_binary(bytes: &[u8]) -> Result<Option<Read<'_>>, CannotMask> {
    let mut groups = bytes;
    let count = usize::from(u16::from_be_bytes(take(&mut groups)?));
    let weight = i32::from(i16::from_be_bytes(take(&mut groups)?));
    let sign = u16::from_be_bytes(take(&mut groups)?);
    let scale = usize::from(u16::from_be_bytes(take(&mut groups)?));
    if groups.len() != count * 2 || scale > MOST_BEHIND {
        return Err(CannotMask::InvalidValue);
    }
    match sign {
        // NaN, infinity, -infinity
        0xC000 | 0xD000 | 0xF000 if count == 0 => Ok(None),
        0 | 0x4000 => Ok(Some(Read { negative: sign != 0, scale, digits: Digits::Binary { groups, weight } })),
        _ => Err(CannotMask::InvalidValue),
    }
}

impl Digits<'_> {
    /// Groups that the whole part takes.
    fn groups_before(&self) -> usize {
        match self {
            Self::Text { whole, fraction: _ } => whole.len().div_ceil(GROUP),
            Self::Binary { groups, weight } if !groups.is_empty() => usize::try_from(weight + 1).unwrap_or(0),
            Self::Binary { .. } => 0,
        }
    }

    /// Writes them into `to`, whose last `behind` groups are the fraction; says whether anything but zeros did not fit behind.
    /// `None` where a group is none.
    fn spread(self, behind: usize, to: &mut [u16]) -> Option<bool> {
        match self {
            Self::Text { whole, fraction } => {
                let (before, after) = to.split_at_mut_checked(to.len().checked_sub(behind)?)?;
                for (group, digits) in before.iter_mut().rev().zip(whole.rchunks(GROUP)) {
                    *group = number(digits);
                }
                for (group, digits) in after.iter_mut().zip(fraction.chunks(GROUP)) {
                    *group = number(digits) * 10_u16.pow(u32::try_from(GROUP - digits.len()).unwrap_or(0));
                }
                Some(fraction.get(behind * GROUP..).is_some_and(|rest| rest.iter().any(|d| *d != b'0')))
            }
            Self::Binary { groups, weight } => {
                let units = i32::try_from(to.len().checked_sub(behind + 1)?).ok()?;
                let mut cut = false;
                for (i, group) in (0..).zip(groups.chunks_exact(2)) {
                    let group = u16::from_be_bytes(group.try_into().ok()?);
                    if group >= BASE {
                        return None;
                    }
                    let place = units - weight + i;
                    match usize::try_from(place).ok().and_then(|at| to.get_mut(at)) {
                        Some(slot) => *slot = group,
                        None => cut |= group != 0,
                    }
                }
                Some(cut)
            }
        }
    }
}

/// At most four digits.
fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0, |n, d| n * 10 + u16::from(d - b'0'))
}

fn remainder(groups: &[u16], unit: u128) -> u128 {
    let base = u64::from(BASE);
    match u64::try_from(unit) {
        Ok(unit) if unit < u64::MAX / base => u128::from(groups.iter().fold(0, |rest, group| (rest * base + u64::from(*group)) % unit)),
        _ => groups.iter().fold(0, |rest, group| (rest * u128::from(BASE) + u128::from(*group)) % unit),
    }
}

/// Subtracts what is not larger.
fn subtract(groups: &mut [u16], mut what: u128) {
    let mut borrow = 0;
    for group in groups.iter_mut().rev() {
        if what == 0 && borrow == 0 {
            return;
        }
        let less = low_group(&mut what) + borrow;
        borrow = u16::from(*group < less);
        *group = *group + borrow * BASE - less;
    }
}

/// Adds; the first group is there for the carry.
fn add(groups: &mut [u16], mut what: u128) {
    let mut carry = 0;
    for group in groups.iter_mut().rev() {
        if what == 0 && carry == 0 {
            return;
        }
        let sum = *group + low_group(&mut what) + carry;
        carry = u16::from(sum >= BASE);
        *group = sum - carry * BASE;
    }
}

/// Takes the last group off a number.
fn low_group(n: &mut u128) -> u16 {
    // Most multiples are small, and 64 bits divide much faster.
    let (rest, group) = match u64::try_from(*n) {
        Ok(small) => (u128::from(small / u64::from(BASE)), small % u64::from(BASE)),
        Err(_) => (*n / u128::from(BASE), u64::try_from(*n % u128::from(BASE)).unwrap_or(0)),
    };
    *n = rest;
    u16::try_from(group).unwrap_or(0)
}

/// A value to be written: groups, of which the last `behind` are the fraction.
struct Number<'g> {
    negative: bool,
    groups: &'g [u16],
    behind: usize,
    scale: usize,
}

impl Number<'_> {
    /// The first group that is not zero.
    fn first(&self) -> Option<usize> {
        self.groups.iter().position(|g| *g != 0)
    }

    /// How far before the point the first group stands; groups behind it count down from -1.
    fn weight(&self, at: usize) -> i32 {
        i32::try_from(self.groups.len()).unwrap_or(0) - i32::try_from(self.behind + at + 1).unwrap_or(0)
    }

    /// The lowest value of the type, where this one is below it.
    fn lowest_instead(&self, typmod: i32) -> Option<Lowest> {
        let at = self.first().filter(|_| self.negative)?;
        let lowest = match declared(typmod) {
            Some(declared) => Lowest { above: declared.precision - declared.scale, scale: declared.scale },
            None => Lowest { above: i32::try_from(MOST_BEFORE).ok()?, scale: i32::try_from(self.scale).ok()? },
        };
        let highest = i32::try_from(self.groups.get(at)?.ilog10()).ok()? + 4 * self.weight(at);
        (highest >= lowest.above).then_some(lowest)
    }

    fn write(&self, format: Format, out: &mut Vec<u8>) {
        let first = self.first();
        match format {
            Format::Text => self.print(first, out),
            Format::Binary => self.send(first, out),
        }
    }

    fn print(&self, first: Option<usize>, out: &mut Vec<u8>) {
        if self.negative && first.is_some() {
            out.push(b'-');
        }
        let units = self.groups.len().saturating_sub(self.behind);
        let (whole, fraction) = self.groups.split_at_checked(units).unwrap_or((self.groups, &[]));
        let start = out.len();
        let from = whole.iter().position(|g| *g != 0).unwrap_or(whole.len());
        for group in whole.iter().skip(from) {
            push_group(*group, out);
        }
        let zeros = out.iter().skip(start).take_while(|b| **b == b'0').count();
        out.drain(start..start + zeros);
        if out.len() == start {
            out.push(b'0');
        }
        if self.scale > 0 {
            out.push(b'.');
            let end = out.len() + self.scale;
            for group in fraction {
                push_group(*group, out);
            }
            out.resize(end, b'0');
        }
    }

    fn send(&self, first: Option<usize>, out: &mut Vec<u8>) {
        let Some(first) = first else { return send_zero(i32::try_from(self.scale).ok(), out) };
        let last = self.groups.iter().rposition(|g| *g != 0).unwrap_or(first);
        let groups = self.groups.get(first..=last).unwrap_or_default();
        send_head(groups.len(), self.weight(first), self.negative, self.scale, out);
        for group in groups {
            out.extend_from_slice(&group.to_be_bytes());
        }
    }
}

fn send_head(groups: usize, weight: i32, negative: bool, scale: usize, out: &mut Vec<u8>) {
    let sign: u16 = if negative { 0x4000 } else { 0 };
    out.extend_from_slice(&u16::try_from(groups).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(&i16::try_from(weight).unwrap_or(i16::MAX).to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&u16::try_from(scale).unwrap_or(0).to_be_bytes());
}

fn push_group(group: u16, out: &mut Vec<u8>) {
    let digit = |n: u16| b'0' + u8::try_from(n % 10).unwrap_or(0);
    out.extend_from_slice(&[digit(group / 1000), digit(group / 100), digit(group / 10), digit(group)]);
}

/// `-999.99`: nines from the place below 10^`above` down to 10^-`scale`.
struct Lowest {
    above: i32,
    scale: i32,
}

impl Lowest {
    /// The digit that has the value 10^`place`.
    fn digit(&self, place: i32) -> u8 {
        if place < self.above && place >= -self.scale { 9 } else { 0 }
    }

    fn write(&self, format: Format, out: &mut Vec<u8>) {
        match format {
            Format::Text => {
                out.push(b'-');
                out.extend((0..self.above.max(1)).rev().map(|place| b'0' + self.digit(place)));
                if self.scale > 0 {
                    out.push(b'.');
                    out.extend((1..=self.scale).map(|place| b'0' + self.digit(-place)));
                }
            }
            Format::Binary => {
                let (first, last) = ((self.above - 1).div_euclid(4), (-self.scale).div_euclid(4));
                let count = usize::try_from(first - last + 1).unwrap_or(0);
                send_head(count, first, true, usize::try_from(self.scale).unwrap_or(0), out);
                for weight in (last..=first).rev() {
                    let group = (0..4).rev().fold(0, |n, place| n * 10 + u16::from(self.digit(4 * weight + place)));
                    out.extend_from_slice(&group.to_be_bytes());
                }
            }
        }
    }
}
