//! `pseudonym`: a token for a text, a permutation for integers and uuids.

use std::io::Write;

use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit, generic_array::GenericArray};
use aes::{Aes256, Aes256Enc};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::ff1::{Direction, Ff1};
use super::keyring::Derived;
use super::laws::Laws;
use super::text;
use super::value::{CannotMask, CannotTurnBack, Format, Value};
use crate::catalog::{PgType, Scalar};

/// Characters of a token: 130 bits, 5 each.
const TOKEN: u32 = 26;
const ALPHABET: [u8; 32] = *b"abcdefghijklmnopqrstuvwxyz234567";

/// A key for each kind of value.
pub(super) struct Pseudonym {
    text: Hmac<Sha256>,
    integer: Ff1<Aes256Enc>,
    uuid: Aes256,
}

impl std::fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonym")
    }
}

/// Text that holds a token, integers and uuids. Equal values of citext and `char(n)` can differ in text.
#[expect(clippy::wildcard_enum_match_arm, reason = "a type that is not named does not fit")]
pub(super) fn laws(scalar: Scalar, ty: &PgType) -> Option<Laws> {
    match scalar {
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 | Scalar::Uuid => Some(Laws { injective: true, reversible: true, ..Laws::KEYED }),
        Scalar::Text | Scalar::Varchar | Scalar::Name => holds_token(ty.max_chars).then_some(Laws { injective: true, ..Laws::KEYED }),
        Scalar::Bpchar | Scalar::Citext => holds_token(ty.max_chars).then_some(Laws::KEYED),
        _ => None,
    }
}

fn holds_token(max_chars: Option<u32>) -> bool {
    max_chars.is_none_or(|n| n >= TOKEN)
}

impl Pseudonym {
    pub(super) fn new(key: &Derived) -> Self {
        let integer = Ff1::new(Aes256Enc::new((&*key.derive("integer").bytes()).into()));
        let uuid = Aes256::new((&*key.derive("uuid").bytes()).into());
        Self { text: key.derive("text").mac(), integer, uuid }
    }

    pub(super) fn apply(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        if value.scalar.is_text() {
            if !holds_token(value.max_chars) {
                return Err(CannotMask::DoesNotFit);
            }
            let mut mac = self.text.clone();
            mac.update(text::read(value)?.as_bytes());
            let start = out.len();
            push_token(&mac.finalize().into_bytes().into(), out);
            text::fit(value, start, out);
            return Ok(());
        }
        self.permute(Direction::Encrypt, value, out)
    }

    pub(super) fn turn_back(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotTurnBack> {
        self.permute(Direction::Decrypt, value, out).map_err(|error| match error {
            CannotMask::DoesNotFit => CannotTurnBack::NotReversible,
            CannotMask::InvalidValue | CannotMask::DateStyle | CannotMask::TimeZone | CannotMask::InexactFloats => {
                CannotTurnBack::NoSuchValue
            }
        })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a type that is not named does not fit")]
    fn permute(&self, direction: Direction, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        match value.scalar {
            Scalar::Int2 => {
                let n = read_integer(value, i16::from_be_bytes)?.cast_unsigned();
                let n = u16::try_from(self.bits(direction, 8, u64::from(n))?).map_err(|_| CannotMask::InvalidValue)?;
                write_integer(value.format, n.cast_signed(), &n.to_be_bytes(), out);
            }
            Scalar::Int4 => {
                let n = read_integer(value, i32::from_be_bytes)?.cast_unsigned();
                let n = u32::try_from(self.bits(direction, 16, u64::from(n))?).map_err(|_| CannotMask::InvalidValue)?;
                write_integer(value.format, n.cast_signed(), &n.to_be_bytes(), out);
            }
            Scalar::Int8 => {
                let n = read_integer(value, i64::from_be_bytes)?.cast_unsigned();
                let n = self.bits(direction, 32, n)?;
                write_integer(value.format, n.cast_signed(), &n.to_be_bytes(), out);
            }
            Scalar::Uuid => {
                let mut block = GenericArray::from(read_uuid(value).ok_or(CannotMask::InvalidValue)?);
                match direction {
                    Direction::Encrypt => self.uuid.encrypt_block(&mut block),
                    Direction::Decrypt => self.uuid.decrypt_block(&mut block),
                }
                write_uuid(value.format, &block.into(), out);
            }
            _ => return Err(CannotMask::DoesNotFit),
        }
        Ok(())
    }

    fn bits(&self, direction: Direction, half: u8, n: u64) -> Result<u64, CannotMask> {
        self.integer.permute_bits(direction, half, n).ok_or(CannotMask::InvalidValue)
    }
}

/// The first 130 bits.
fn push_token(hash: &[u8; 32], out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut bytes = hash.iter();
    for _ in 0..TOKEN {
        if held < 5 {
            bits = bits << 8 | u32::from(*bytes.next().unwrap_or(&0));
            held += 8;
        }
        held -= 5;
        out.push(usize::try_from(bits >> held & 31).ok().and_then(|i| ALPHABET.get(i)).copied().unwrap_or(b'a'));
    }
}

/// In text, blanks around it and a plus sign are read too: constants that are turned back come from people.
fn read_integer<T: std::str::FromStr, const N: usize>(value: &Value<'_>, binary: impl Fn([u8; N]) -> T) -> Result<T, CannotMask> {
    let read = match value.format {
        Format::Text => std::str::from_utf8(value.bytes).ok().and_then(|text| text.trim_ascii().parse().ok()),
        Format::Binary => value.bytes.try_into().ok().map(binary),
    };
    read.ok_or(CannotMask::InvalidValue)
}

fn write_integer(format: Format, n: impl std::fmt::Display, bytes: &[u8], out: &mut Vec<u8>) {
    match format {
        // Writing to a Vec cannot fail.
        Format::Text => drop(write!(out, "{n}")),
        Format::Binary => out.extend_from_slice(bytes),
    }
}

/// In text all forms that PostgreSQL reads: capitals, braces around it, hyphens behind any group of four digits or none.
fn read_uuid(value: &Value<'_>) -> Option<[u8; 16]> {
    if value.format == Format::Binary {
        return value.bytes.try_into().ok();
    }
    let text = value.bytes;
    let mut rest = match text.strip_prefix(b"{") {
        Some(inside) => inside.strip_suffix(b"}")?,
        None => text,
    };
    let mut bytes = [0; 16];
    for (i, byte) in bytes.iter_mut().enumerate() {
        if i > 0 && i % 2 == 0 {
            rest = rest.strip_prefix(b"-").unwrap_or(rest);
        }
        let (pair, behind) = rest.split_first_chunk::<2>()?;
        let [high, low] = pair.map(|d| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok()));
        *byte = high? << 4 | low?;
        rest = behind;
    }
    rest.is_empty().then_some(bytes)
}

fn write_uuid(format: Format, bytes: &[u8; 16], out: &mut Vec<u8>) {
    if format == Format::Binary {
        return out.extend_from_slice(bytes);
    }
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        for digit in [byte >> 4, byte & 15] {
            out.push(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit });
        }
    }
}
