//! The name of a session in the audit log: a ULID, so that names sort by the time of the log-in.

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 26 characters of Crockford's base 32 from milliseconds since 1970 (48 bits count) and 80 random bits.
#[must_use]
pub fn session_id(milliseconds: u64, random: [u8; 10]) -> String {
    let low = random.iter().fold(0_u128, |n, b| (n << 8) | u128::from(*b));
    let number = (u128::from(milliseconds & 0xffff_ffff_ffff) << 80) | low;
    let digit = |shift: u32| usize::try_from((number >> shift) & 31).ok().and_then(|i| ALPHABET.get(i));
    (0..26).rev().filter_map(|i| digit(i * 5)).map(|b| char::from(*b)).collect()
}
