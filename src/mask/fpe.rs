//! `fpe`: the digits and ASCII letters of a text under FF1, everything else where it was.
//!
//! Up to [`ff1::MOST`] digits and letters are one string of numerals. A longer text is cut into pieces that are permuted one after
//! the other, each under a tweak made of all before it, and then once more from the last to the first: so each piece depends on
//! every character, in linear time.

use aes::Aes256Enc;
use aes::cipher::KeyInit;

use super::ff1::{self, Direction, Ff1, Numeral};
use super::keyring::Derived;
use super::laws::Laws;
use super::value::{CannotMask, CannotTurnBack, Value};
use super::{redact, text};
use crate::catalog::Scalar;

/// A value of which fewer are possible is not encrypted: who could try them all would read it.
const POSSIBLE: u64 = 1_000_000;
/// Numerals of a piece of a long text; the last one has up to [`ff1::MOST`], so each has a million values.
const PIECE: usize = 32;

/// The key.
pub(super) struct Fpe {
    ff1: Ff1<Aes256Enc>,
}

impl std::fmt::Debug for Fpe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fpe")
    }
}

/// Text. A type alone does not promise a million possible values, and fewer of them share one mask; but that mask is none of any other value,
/// so a mask that is another has one value. Equal values of citext and `char(n)` can differ in text.
pub(super) fn laws(scalar: Scalar) -> Option<Laws> {
    let reversible = matches!(scalar, Scalar::Text | Scalar::Varchar);
    scalar.is_text().then_some(Laws { reversible, ..Laws::KEYED })
}

impl Fpe {
    pub(super) fn new(key: &Derived) -> Self {
        Self { ff1: Ff1::new(Aes256Enc::new((&*key.bytes()).into())) }
    }

    pub(super) fn apply(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let text = text::read(value)?;
        if possible(text) < POSSIBLE {
            redact::stars(value, out);
            return Ok(());
        }
        let start = out.len();
        self.permute(Direction::Encrypt, text, out).ok_or(CannotMask::InvalidValue)?;
        text::fit(value, start, out);
        Ok(())
    }

    pub(super) fn turn_back(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotTurnBack> {
        let text = text::read(value).map_err(|_| CannotTurnBack::NoSuchValue)?;
        if possible(text) < POSSIBLE {
            return Err(CannotTurnBack::NoSuchValue);
        }
        let start = out.len();
        self.permute(Direction::Decrypt, text, out).ok_or(CannotTurnBack::NoSuchValue)?;
        text::fit(value, start, out);
        Ok(())
    }

    fn permute(&self, direction: Direction, text: &str, out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        out.extend_from_slice(text.as_bytes());
        let bytes = out.get_mut(start..)?;
        let count = bytes.iter().filter(|b| b.is_ascii_alphanumeric()).count();
        let mut stack = [Numeral::default(); ff1::MOST];
        let mut heap = Vec::new();
        let numerals = if let Some(numerals) = stack.get_mut(..count) {
            numerals
        } else {
            heap.resize(count, Numeral::default());
            &mut heap
        };
        for (numeral, read) in numerals.iter_mut().zip(bytes.iter().filter_map(|b| read(*b))) {
            *numeral = read;
        }
        if count <= ff1::MOST {
            self.permute_short(direction, numerals)?;
        } else {
            self.permute_long(direction, numerals)?;
        }
        for (byte, numeral) in bytes.iter_mut().filter(|b| b.is_ascii_alphanumeric()).zip(numerals) {
            *byte = first_of(*byte) + numeral.value;
        }
        Some(())
    }

    /// Without a tweak where all are digits or all are letters; else their pattern is the tweak.
    fn permute_short(&self, direction: Direction, numerals: &mut [Numeral]) -> Option<()> {
        let pattern = pattern(numerals).to_be_bytes();
        let uniform = numerals.windows(2).all(|pair| matches!(pair, [a, b] if a.radix == b.radix));
        self.ff1.permute(direction, if uniform { &[] } else { &pattern }, numerals)
    }

    fn permute_long(&self, direction: Direction, numerals: &mut [Numeral]) -> Option<()> {
        let whole = numerals.len().checked_sub(ff1::MOST)?.div_ceil(PIECE) * PIECE;
        let (front, last) = numerals.split_at_mut_checked(whole)?;
        let forth = |chain: u128, front: &mut [Numeral], last: &mut [Numeral]| {
            let chain = front.chunks_mut(PIECE).try_fold(chain, |chain, piece| self.link(direction, chain, piece));
            self.link(direction, chain?, last)
        };
        let back = |chain: u128, front: &mut [Numeral], last: &mut [Numeral]| {
            let chain = self.link(direction, chain, last);
            front.rchunks_mut(PIECE).try_fold(chain?, |chain, piece| self.link(direction, chain, piece))
        };
        match direction {
            Direction::Encrypt => {
                forth(1, front, last)?;
                back(2, front, last)?;
            }
            Direction::Decrypt => {
                back(2, front, last)?;
                forth(1, front, last)?;
            }
        }
        Some(())
    }

    /// Permutes a piece; gives what the next one's tweak is made of: all encrypted pieces up to this one, as a CBC-MAC.
    fn link(&self, direction: Direction, chain: u128, piece: &mut [Numeral]) -> Option<u128> {
        let before = self.absorb(chain, piece);
        let tweak = (chain ^ u128::from(pattern(piece))).to_be_bytes();
        self.ff1.permute(direction, &tweak, piece)?;
        Some(match direction {
            Direction::Encrypt => self.absorb(chain, piece),
            Direction::Decrypt => before,
        })
    }

    fn absorb(&self, chain: u128, piece: &[Numeral]) -> u128 {
        piece.chunks(16).fold(chain, |chain, numerals| {
            let block = numerals.iter().fold(0, |n, numeral| n << 8 | u128::from(numeral.value) << 1 | u128::from(numeral.radix == 10));
            u128::from_be_bytes(self.ff1.block((chain ^ block).to_be_bytes()))
        })
    }
}

/// How many values look like this one; a million stands for more.
fn possible(text: &str) -> u64 {
    let mut possible = 1;
    for numeral in text.bytes().filter_map(read) {
        possible *= u64::from(numeral.radix);
        if possible >= POSSIBLE {
            break;
        }
    }
    possible
}

fn read(byte: u8) -> Option<Numeral> {
    let radix = match byte {
        b'0'..=b'9' => 10,
        b'a'..=b'z' | b'A'..=b'Z' => 26,
        _ => return None,
    };
    Some(Numeral { radix, value: byte - first_of(byte) })
}

/// The first digit or letter of a byte's kind.
fn first_of(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => b'0',
        b'a'..=b'z' => b'a',
        _ => b'A',
    }
}

/// Which positions are digits, one bit each.
fn pattern(numerals: &[Numeral]) -> u64 {
    numerals.iter().fold(1, |bits, numeral| bits << 1 | u64::from(numeral.radix == 10))
}
