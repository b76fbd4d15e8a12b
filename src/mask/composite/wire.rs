//! Composite values as they stand on the wire: fields without a mask are copied as they are. Sources: PostgreSQL `record_out` and `record_send` in
//! `rowtypes.c`. A value that has other fields than the type had is not masked, and stops its row.

use super::Composite;
use crate::mask::array::{mask_part, take};
use crate::mask::value::{CannotMask, Format, Masked, Value};

pub(super) fn apply(composite: &Composite, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    match value.format {
        Format::Text => text(composite, value, out),
        Format::Binary => binary(composite, value, out),
    }
}

/// The number of fields; then for each the type, the length or -1, and the value.
fn binary(composite: &Composite, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    let mut rest = value.bytes;
    let count = i32::from_be_bytes(take(&mut rest)?);
    if usize::try_from(count) != Ok(composite.fields().len()) {
        return Err(CannotMask::InvalidValue);
    }
    out.extend_from_slice(&count.to_be_bytes());
    for (field, mask) in composite.fields() {
        let oid = u32::from_be_bytes(take(&mut rest)?);
        if oid != field.ty.oid.0 {
            return Err(CannotMask::InvalidValue);
        }
        out.extend_from_slice(&oid.to_be_bytes());
        mask_part(&mut rest, out, |bytes, out| match mask {
            None => {
                out.extend_from_slice(bytes);
                Ok(Masked::Value)
            }
            Some(mask) => mask.apply(&field.ty, value.format, value.rendering, bytes, out),
        })?;
    }
    if rest.is_empty() { Ok(()) } else { Err(CannotMask::InvalidValue) }
}

/// `(a,"b ""c""",)`: nothing at all is NULL.
fn text(composite: &Composite, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    let mut rest = value.bytes;
    let mut before = b'(';
    let (mut plain, mut masked) = (Vec::new(), Vec::new());
    for (field, mask) in composite.fields() {
        let [mark] = take(&mut rest)?;
        if mark != before {
            return Err(CannotMask::InvalidValue);
        }
        out.push(mark);
        before = b',';
        let (written, after) = rest.split_at_checked(written(rest)?).ok_or(CannotMask::InvalidValue)?;
        rest = after;
        let Some(mask) = mask.filter(|_| !written.is_empty()) else {
            out.extend_from_slice(written);
            continue;
        };
        let bytes = unquoted(written, &mut plain);
        masked.clear();
        match mask.apply(&field.ty, value.format, value.rendering, bytes, &mut masked)? {
            Masked::Null => {}
            Masked::Value => put_text(&masked, out),
        }
    }
    out.push(b')');
    if rest == b")" { Ok(()) } else { Err(CannotMask::InvalidValue) }
}

/// How many bytes the next field takes as it is written.
fn written(text: &[u8]) -> Result<usize, CannotMask> {
    if text.first() != Some(&b'"') {
        let end = text.iter().position(|b| matches!(b, b',' | b')')).ok_or(CannotMask::InvalidValue)?;
        let bare = text.get(..end).unwrap_or_default();
        return if bare.iter().any(|b| needs_quotes(*b)) { Err(CannotMask::InvalidValue) } else { Ok(end) };
    }
    let mut at = 1;
    loop {
        match (text.get(at), text.get(at + 1)) {
            (Some(b'"'), Some(b'"')) | (Some(b'\\'), Some(b'\\')) => at += 2,
            (Some(b'"'), _) => return Ok(at + 1),
            (Some(b'\\') | None, _) => return Err(CannotMask::InvalidValue),
            (Some(_), _) => at += 1,
        }
    }
}

/// A field without its quotes; `plain` holds it where it had any.
fn unquoted<'a>(written: &'a [u8], plain: &'a mut Vec<u8>) -> &'a [u8] {
    let Some(inside) = written.strip_prefix(b"\"").and_then(|w| w.strip_suffix(b"\"")) else { return written };
    plain.clear();
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        plain.push(*byte);
        if needs_escape(*byte) {
            bytes.next(); // it stands twice
        }
    }
    plain
}

/// Appends a field, with quotes where `record_out` sets them.
fn put_text(value: &[u8], out: &mut Vec<u8>) {
    if !value.is_empty() && !value.iter().any(|b| needs_quotes(*b)) {
        return out.extend_from_slice(value);
    }
    out.push(b'"');
    for byte in value {
        out.push(*byte);
        if needs_escape(*byte) {
            out.push(*byte);
        }
    }
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\')
}

/// Quote, backslash, parentheses, comma, and C's `isspace`.
fn needs_quotes(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'(' | b')' | b',' | b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}
