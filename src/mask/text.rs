//! What all text masks share: reading a value as characters, and fitting the mask to the declared length. No mask is in here.
//! Text has the same bytes in both wire formats. Nothing in here allocates.

use super::sql::cast;
use super::value::{CannotMask, Value};
use crate::catalog::Scalar;

/// `NAMEDATALEN - 1`: bytes that a `name` holds, since a value of it ends with a NUL on disk.
const NAME_BYTES: usize = 63;

/// Masks a text value: `kernel` gets its characters (for `char(n)` without the padding) and appends the mask, which is then
/// cut to the declared length and padded again.
pub(super) fn mask(value: &Value<'_>, out: &mut Vec<u8>, kernel: impl FnOnce(&str, &mut Vec<u8>)) -> Result<(), CannotMask> {
    let text = read(value)?;
    let start = out.len();
    kernel(text, out);
    fit(value, start, out);
    Ok(())
}

/// The value's characters. Governed sessions have `client_encoding` UTF8, so other bytes are no text; PostgreSQL has no NUL in text.
pub(super) fn read<'a>(value: &Value<'a>) -> Result<&'a str, CannotMask> {
    let text = std::str::from_utf8(value.bytes).map_err(|_| CannotMask::InvalidValue)?;
    if !value.scalar.is_text() {
        return Err(CannotMask::DoesNotFit);
    }
    if text.as_bytes().contains(&0) {
        return Err(CannotMask::InvalidValue);
    }
    // char(n) compares, casts and counts without its padding (`bpchartruelen`), so the padding is no part of the value.
    Ok(if value.scalar == Scalar::Bpchar { text.trim_end_matches(' ') } else { text })
}

/// Cuts what was appended since `start` to the declared length, never within a character, and pads `char(n)`.
pub(super) fn fit(value: &Value<'_>, start: usize, out: &mut Vec<u8>) {
    if value.scalar == Scalar::Name {
        cut_bytes(start, NAME_BYTES, out);
    }
    let Some(max) = value.max_chars.and_then(|n| usize::try_from(n).ok()) else { return };
    let chars = cut_chars(start, max, out);
    if value.scalar == Scalar::Bpchar {
        out.resize(out.len() + max.saturating_sub(chars), b' ');
    }
}

/// Cuts to `max` characters; gives the number that is left.
fn cut_chars(start: usize, max: usize, out: &mut Vec<u8>) -> usize {
    let mut chars = 0;
    for (i, byte) in out.iter().enumerate().skip(start) {
        if is_first_byte(*byte) {
            if chars == max {
                out.truncate(i);
                return max;
            }
            chars += 1;
        }
    }
    chars
}

/// Cuts to at most `max` bytes, at the beginning of a character.
fn cut_bytes(start: usize, max: usize, out: &mut Vec<u8>) {
    let mut end = start + max;
    while out.get(end).is_some_and(|b| !is_first_byte(*b)) {
        end -= 1;
    }
    out.truncate(end.max(start));
}

/// In UTF-8 every byte of a character but its first is `10xxxxxx`.
fn is_first_byte(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

/// Appends a character.
pub(super) fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Appends a character `n` times.
pub(super) fn push_times(c: char, n: usize, out: &mut Vec<u8>) {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => out.resize(out.len() + n, byte),
        Ok(_) | Err(_) => (0..n).for_each(|_| push(c, out)),
    }
}

/// The first character and the rest.
pub(super) fn split_first(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?;
    text.split_at_checked(first.len_utf8())
}

/// The characters of a column, as [`read`] gives them: the cast takes the padding of `char(n)` away. Under "C" no collation of the
/// column, which may tell no equal texts apart, stands in the way of patterns and searches.
pub(super) fn sql(column: &str) -> String {
    format!("({} COLLATE pg_catalog.\"C\")", cast(column, "text"))
}
