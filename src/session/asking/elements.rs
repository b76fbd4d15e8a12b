//! How many elements the arrays of a Bind have, before the server reads them: never fewer than it will find.

use crate::wire::{Malformed, Reader};

/// The number of elements in each parameter of a Bind, were it an array.
pub(super) fn lengths(bind: &[u8]) -> Result<Vec<u64>, Malformed> {
    let mut r = Reader::new(bind);
    let _names = (r.cstr()?, r.cstr()?);
    let formats = (0..r.count()?).map(|_| r.i16()).collect::<Result<Vec<_>, _>>()?;
    // none is text for all, one is for all
    let format = |i: usize| formats.get(if formats.len() == 1 { 0 } else { i }).copied().unwrap_or(0);
    (0..r.count()?).map(|i| Ok(r.value()?.map_or(0, |value| if format(i) == 0 { of_text(value) } else { of_binary(value) }))).collect()
}

/// `array_in` in arrayfuncs.c. What is not written so may be a vector (`int2vector`), whose elements stand apart by spaces.
fn of_text(text: &[u8]) -> u64 {
    let text = text.trim_ascii();
    let array = text.starts_with(b"{") || text.starts_with(b"[");
    let (mut quoted, mut escaped, mut separators) = (false, false, 0);
    for byte in text {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' if array => escaped = true,
            b'"' if array => quoted = !quoted,
            b',' if !quoted => separators += 1,
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c if !array => separators += 1,
            _ => {}
        }
    }
    separators + 1
}

/// `array_recv` in arrayfuncs.c: dimensions, flags, element type, then length and lower bound of each dimension. What is no array may be
/// a text that is cast to one; nobody counts that.
fn of_binary(value: &[u8]) -> u64 {
    let mut r = Reader::new(value);
    let mut dimensions = || {
        let n = u32::try_from(r.i32()?).map_err(|_| Malformed)?;
        let _flags_and_type = (r.i32()?, r.u32()?);
        let mut length = || {
            let length = u64::try_from(r.i32()?).map_err(|_| Malformed)?;
            r.i32()?;
            Ok(length)
        };
        let all = (0..n).try_fold(1_u64, |all, _| Ok(all.saturating_mul(length()?)))?;
        Ok::<_, Malformed>(if n == 0 { 0 } else { all })
    };
    dimensions().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
