//! Walking the elements of an array in both wire formats: dimensions, bounds and NULL elements stay, each other element is
//! handed to a mask. Sources: PostgreSQL `array_out` and `array_send` in `arrayfuncs.c`. Nothing recurses, whatever the nesting.

use super::value::{CannotMask, Format, Masked, Value};
use crate::catalog::{Oid, Scalar};

/// `MAXDIM`: dimensions that an array can have.
const MAX_DIMENSIONS: i32 = 6;

/// A mask for one element: appends it.
pub(super) type Element<'m> = dyn Fn(&Value<'_>, &mut Vec<u8>) -> Result<(), CannotMask> + 'm;

/// Masks each element of an array; `array.scalar` is what the elements are.
pub(super) fn mask(array: &Value<'_>, out: &mut Vec<u8>, element: &Element<'_>) -> Result<(), CannotMask> {
    match array.format {
        Format::Text => mask_text(array, out, element),
        Format::Binary => mask_binary(array, out, element),
    }
}

/// An array without elements, of any type.
pub(super) fn empty(format: Format, element: Oid, out: &mut Vec<u8>) {
    match format {
        Format::Text => out.extend_from_slice(b"{}"),
        Format::Binary => {
            // number of dimensions, no NULLs, the element type
            out.extend_from_slice(&[0; 8]);
            out.extend_from_slice(&element.0.to_be_bytes());
        }
    }
}

fn mask_binary(array: &Value<'_>, out: &mut Vec<u8>, element: &Element<'_>) -> Result<(), CannotMask> {
    let mut rest = array.bytes;
    let dimensions = i32::from_be_bytes(take(&mut rest)?);
    let has_nulls = i32::from_be_bytes(take(&mut rest)?);
    let oid = Oid(u32::from_be_bytes(take(&mut rest)?));
    // Domains and extension types have OIDs that `from_oid` does not know; a built-in one must be what the catalog said.
    let announced = Scalar::from_oid(oid);
    if !(0..=MAX_DIMENSIONS).contains(&dimensions)
        || !(0..=1).contains(&has_nulls)
        || (announced != Scalar::Other && announced != array.scalar)
    {
        return Err(CannotMask::InvalidValue);
    }
    let mut elements: usize = usize::from(dimensions > 0);
    for _ in 0..dimensions {
        let length = i32::from_be_bytes(take(&mut rest)?);
        let _lower_bound: [u8; 4] = take(&mut rest)?;
        let length = usize::try_from(length).map_err(|_| CannotMask::InvalidValue)?;
        elements = elements.checked_mul(length).ok_or(CannotMask::InvalidValue)?;
    }
    let header = array.bytes.len() - rest.len();
    out.extend_from_slice(array.bytes.get(..header).unwrap_or_default());
    // Each element takes at least its length word, so a false count ends with the input.
    for _ in 0..elements {
        mask_part(&mut rest, out, |bytes, out| element(&Value { bytes, ..*array }, out).map(|()| Masked::Value))?;
    }
    if rest.is_empty() { Ok(()) } else { Err(CannotMask::InvalidValue) }
}

/// A part of a binary value: its length, -1 for NULL, and its bytes, for which `mask` appends others.
pub(super) fn mask_part<'a>(
    rest: &mut &'a [u8],
    out: &mut Vec<u8>,
    mask: impl FnOnce(&'a [u8], &mut Vec<u8>) -> Result<Masked, CannotMask>,
) -> Result<(), CannotMask> {
    let length = i32::from_be_bytes(take(rest)?);
    let at = out.len();
    out.extend_from_slice(&length.to_be_bytes());
    if length == -1 {
        return Ok(());
    }
    let (bytes, after) = usize::try_from(length).ok().and_then(|n| rest.split_at_checked(n)).ok_or(CannotMask::InvalidValue)?;
    *rest = after;
    let masked = match mask(bytes, out)? {
        Masked::Null => -1,
        Masked::Value => i32::try_from(out.len() - at - 4).map_err(|_| CannotMask::InvalidValue)?,
    };
    if let Some(word) = out.get_mut(at..at + 4) {
        word.copy_from_slice(&masked.to_be_bytes());
    }
    Ok(())
}

/// The next `N` bytes of binary input.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], CannotMask> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(CannotMask::InvalidValue)?;
    *rest = tail;
    Ok(*head)
}

fn mask_text(array: &Value<'_>, out: &mut Vec<u8>, element: &Element<'_>) -> Result<(), CannotMask> {
    let body = copy_bounds(array.bytes, out)?;
    let mut scan = Scan { rest: body, depth: 0 };
    let mut unescaped = Vec::new();
    if body == b"{}" {
        out.extend_from_slice(body);
        return Ok(());
    }
    scan.open(out)?;
    loop {
        match scan.rest.first() {
            Some(b'{') => {
                scan.open(out)?;
                continue;
            }
            Some(b'"') => {
                let bytes = scan.quoted(&mut unescaped)?;
                put(&Value { bytes, ..*array }, out, element)?;
            }
            _ => {
                let bytes = scan.bare()?;
                if bytes.eq_ignore_ascii_case(b"NULL") {
                    out.extend_from_slice(b"NULL");
                } else {
                    put(&Value { bytes, ..*array }, out, element)?;
                }
            }
        }
        if scan.close_to_next(out)? {
            return Ok(());
        }
    }
}

/// What is left of an array's text, and how many braces are open.
struct Scan<'a> {
    rest: &'a [u8],
    depth: i32,
}

impl<'a> Scan<'a> {
    fn bump(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// `{`
    fn open(&mut self, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        if self.bump() != Some(b'{') || self.depth == MAX_DIMENSIONS {
            return Err(CannotMask::InvalidValue);
        }
        self.depth += 1;
        out.push(b'{');
        Ok(())
    }

    /// After an element: any number of `}`, then `,` or the end (`true`).
    fn close_to_next(&mut self, out: &mut Vec<u8>) -> Result<bool, CannotMask> {
        loop {
            match self.bump() {
                Some(b',') if self.depth > 0 => {
                    out.push(b',');
                    return Ok(false);
                }
                Some(b'}') if self.depth > 0 => {
                    self.depth -= 1;
                    out.push(b'}');
                }
                None if self.depth == 0 => return Ok(true),
                Some(_) | None => return Err(CannotMask::InvalidValue),
            }
        }
    }

    /// A quoted element; where it has escapes they are resolved into `unescaped`.
    fn quoted<'b>(&mut self, unescaped: &'b mut Vec<u8>) -> Result<&'b [u8], CannotMask>
    where
        'a: 'b,
    {
        self.bump();
        let end = self.rest.iter().position(|b| matches!(b, b'"' | b'\\')).ok_or(CannotMask::InvalidValue)?;
        let (plain, rest) = self.rest.split_at_checked(end).ok_or(CannotMask::InvalidValue)?;
        self.rest = rest;
        if rest.first() == Some(&b'"') {
            self.bump();
            return Ok(plain);
        }
        unescaped.clear();
        unescaped.extend_from_slice(plain);
        loop {
            match self.bump().ok_or(CannotMask::InvalidValue)? {
                b'"' => return Ok(unescaped),
                b'\\' => unescaped.push(self.bump().ok_or(CannotMask::InvalidValue)?),
                other => unescaped.push(other),
            }
        }
    }

    /// An element without quotes, up to `,` or `}`.
    fn bare(&mut self) -> Result<&'a [u8], CannotMask> {
        let end = self.rest.iter().position(|b| matches!(b, b',' | b'}')).ok_or(CannotMask::InvalidValue)?;
        let (raw, rest) = self.rest.split_at_checked(end).ok_or(CannotMask::InvalidValue)?;
        if raw.is_empty() || raw.iter().any(|b| needs_quotes(*b)) {
            return Err(CannotMask::InvalidValue);
        }
        self.rest = rest;
        Ok(raw)
    }
}

/// Copies `[0:2][1:1]=` if it is there; gives what follows.
fn copy_bounds<'a>(text: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], CannotMask> {
    if text.first() != Some(&b'[') {
        return Ok(text);
    }
    let end = text.iter().position(|b| *b == b'=').ok_or(CannotMask::InvalidValue)?;
    let (bounds, body) = text.split_at_checked(end + 1).ok_or(CannotMask::InvalidValue)?;
    if !bounds.iter().all(|b| matches!(b, b'0'..=b'9' | b'[' | b']' | b':' | b'-' | b'=')) {
        return Err(CannotMask::InvalidValue);
    }
    out.extend_from_slice(bounds);
    Ok(body)
}

/// Appends the mask of an element, with quotes where `array_out` sets them. It is masked in place and quoted afterwards.
fn put(value: &Value<'_>, out: &mut Vec<u8>, element: &Element<'_>) -> Result<(), CannotMask> {
    let start = out.len();
    element(value, out)?;
    let masked = out.get(start..).unwrap_or_default();
    if !masked.is_empty() && !masked.eq_ignore_ascii_case(b"NULL") && !masked.iter().any(|b| needs_quotes(*b)) {
        return Ok(());
    }
    let escapes = masked.iter().filter(|b| needs_escape(**b)).count();
    let mut from = out.len();
    let mut to = from + escapes + 2;
    out.resize(to, b'"');
    // From the end, so that no byte is overwritten before it has moved; the last quote stands there already.
    to -= 1;
    while from > start {
        from -= 1;
        let byte = out.get(from).copied().unwrap_or_default();
        for byte in [Some(byte), needs_escape(byte).then_some(b'\\')].into_iter().flatten() {
            to -= 1;
            if let Some(slot) = out.get_mut(to) {
                *slot = byte;
            }
        }
    }
    if let Some(first) = out.get_mut(start) {
        *first = b'"';
    }
    Ok(())
}

fn needs_escape(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\')
}

/// Quote, backslash, braces, the delimiter (a comma for every type that a mask of elements fits), and `array_isspace`.
fn needs_quotes(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',' | b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}
