//! `fake`: a plausible value in the place of a text, the same for the same one. The words are in `fake/words.rs`.
//!
//! Phone numbers come from ranges that nobody is given: `555-01xx`, and prefixes of mobile networks that China does not assign.

mod words;

use std::io::Write;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::keyring::Derived;
use super::laws::Laws;
use super::spec::{FakeKind, Locale};
use super::text;
use super::value::{CannotMask, Value};
use crate::catalog::Scalar;

/// Kind, language and key.
pub(super) struct Fake {
    kind: FakeKind,
    locale: Locale,
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fake({:?}, {:?})", self.kind, self.locale)
    }
}

pub(super) fn laws(scalar: Scalar) -> Option<Laws> {
    scalar.is_text().then_some(Laws::KEYED)
}

impl Fake {
    pub(super) fn new(kind: FakeKind, locale: Locale, key: &Derived) -> Self {
        Self { kind, locale, mac: key.mac() }
    }

    pub(super) fn apply(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        text::mask(value, out, |text, out| {
            let mut mac = self.mac.clone();
            mac.update(text.as_bytes());
            let mut dice = Dice(mac.finalize().into_bytes().into());
            // Writing to a Vec cannot fail.
            let _ = match (self.kind, self.locale) {
                (FakeKind::Name, Locale::En) => write!(out, "{} {}", dice.word(&words::FIRST), dice.word(&words::LAST)),
                (FakeKind::Name, Locale::Zh) => chinese_name(&mut dice, out),
                (FakeKind::Address, Locale::En) => english_address(&mut dice, out),
                (FakeKind::Address, Locale::Zh) => chinese_address(&mut dice, out),
                (FakeKind::Phone, Locale::En) => write!(out, "+1 {}-555-01{:02}", dice.word(&words::AREA_CODES), dice.below(100)),
                (FakeKind::Phone, Locale::Zh) => write!(out, "{}{:08}", dice.word(&words::UNASSIGNED), dice.below(100_000_000)),
                (FakeKind::Company, Locale::En) => {
                    write!(out, "{} {} {}", dice.word(&words::LAST), dice.word(&words::TRADES), dice.word(&words::FORMS))
                }
                (FakeKind::Company, Locale::Zh) => {
                    let (city, first, second) = (dice.word(&words::CITIES_ZH).1, dice.word(&words::LUCKY), dice.word(&words::LUCKY));
                    write!(out, "{city}{first}{second}{}有限公司", dice.word(&words::TRADES_ZH))
                }
            };
        })
    }
}

fn chinese_name(dice: &mut Dice, out: &mut Vec<u8>) -> std::io::Result<()> {
    write!(out, "{}{}", dice.word(&words::SURNAMES), dice.word(&words::GIVEN))?;
    // Two of three have a second character.
    if dice.below(3) > 0 { write!(out, "{}", dice.word(&words::GIVEN)) } else { Ok(()) }
}

fn english_address(dice: &mut Dice, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (city, state, zip) = dice.word(&words::CITIES);
    let (number, street, kind) = (1 + dice.below(1999), dice.word(&words::STREETS), dice.word(&words::WAYS));
    write!(out, "{number} {street} {kind}, {city}, {state} {zip}{:02}", dice.below(100))
}

fn chinese_address(dice: &mut Dice, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (province, city) = dice.word(&words::CITIES_ZH);
    let (district, road) = (dice.word(&words::DISTRICTS), dice.word(&words::ROADS));
    let (number, house, door) = (1 + dice.below(499), 1 + dice.below(30), 1 + dice.below(28));
    write!(out, "{province}{city}市{district}区{road}{number}号{house}栋{door:02}{:02}室", 1 + dice.below(4))
}

/// 32 bytes that were drawn for one value.
struct Dice([u8; 32]);

impl Dice {
    /// A number below `n`, from the next four bytes; the ninth call begins anew. The bias is below 2^-5 even at a hundred million.
    #[allow(clippy::many_single_char_names, reason = "four bytes and a bound")]
    fn below(&mut self, n: u32) -> u32 {
        let word = self.0.first_chunk().map_or(0, |word| u32::from_be_bytes(*word));
        self.0.rotate_left(4);
        let drawn = u64::from(word) * u64::from(n);
        u32::try_from(drawn >> 32).unwrap_or(0)
    }

    fn word<T: Copy + Default>(&mut self, words: &[T]) -> T {
        let n = self.below(u32::try_from(words.len()).unwrap_or(u32::MAX));
        usize::try_from(n).ok().and_then(|n| words.get(n)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
