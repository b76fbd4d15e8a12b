//! `numeric` in both wire formats. No mask is in here.
//! Sources: `numeric_out`, `numeric_send`, `make_numeric_typmod` in PostgreSQL's `numeric.c`.

/// Digits behind the point that a `numeric(p, s)` has, from its type modifier; `None` without one.
pub(super) fn declared_scale(typmod: i32) -> Option<i32> {
    // 11 bits, of which the highest is a sign since PostgreSQL 15.
    (typmod >= 4).then(|| (((typmod - 4) & 0x7ff) ^ 0x400) - 0x400)
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
