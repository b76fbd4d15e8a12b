//! NIST's own vectors, and another implementation.

use aes::cipher::KeyInit;
use aes::{Aes128Enc, Aes192Enc, Aes256, Aes256Enc};
use fpe::ff1::FlexibleNumeralString;
use proptest::prelude::*;

use super::*;

fn numerals(text: &str, radix: u8) -> Vec<Numeral> {
    let digit = |c: char| u8::try_from(c.to_digit(36).unwrap()).unwrap();
    text.chars().map(|c| Numeral { radix, value: digit(c) }).collect()
}

fn round_trip<C: BlockEncrypt<BlockSize = U16>>(ff1: &Ff1<C>, tweak: &[u8], radix: u8, plain: &str, cipher: &str) {
    let mut x = numerals(plain, radix);
    ff1.permute(Direction::Encrypt, tweak, &mut x).unwrap();
    assert_eq!(x, numerals(cipher, radix));
    ff1.permute(Direction::Decrypt, tweak, &mut x).unwrap();
    assert_eq!(x, numerals(plain, radix));
}

/// "FF1 Samples", Cryptographic Standards and Guidelines, examples with intermediate values.
#[test]
fn the_published_vectors_hold() {
    let key = hex::decode("2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94").unwrap();
    let tweaks: [&[u8]; 3] = [b"", b"9876543210", b"7777pqrs777"];
    let plain = [(10, "0123456789"), (10, "0123456789"), (36, "0123456789abcdefghi")];
    let of_128 = ["2433477484", "6124200773", "a9tv40mll9kdu509eum"];
    let of_192 = ["2830668132", "2496655549", "xbj3kv35jrawxv32ysr"];
    let of_256 = ["6657667009", "1001623463", "xs8a0azh2avyalyzuwd"];
    for i in 0..3 {
        let (radix, text) = plain[i];
        round_trip(&Ff1::new(Aes128Enc::new_from_slice(&key[..16]).unwrap()), tweaks[i], radix, text, of_128[i]);
        round_trip(&Ff1::new(Aes192Enc::new_from_slice(&key[..24]).unwrap()), tweaks[i], radix, text, of_192[i]);
        round_trip(&Ff1::new(Aes256Enc::new_from_slice(&key).unwrap()), tweaks[i], radix, text, of_256[i]);
    }
}

fn ours(key: &[u8; 32]) -> Ff1<Aes256Enc> {
    Ff1::new(Aes256Enc::new(key.into()))
}

fn theirs(key: &[u8; 32], radix: u8, tweak: &[u8], x: &[Numeral]) -> Vec<u16> {
    let ff1 = fpe::ff1::FF1::<Aes256>::new(key, u32::from(radix)).unwrap();
    ff1.encrypt(tweak, &FlexibleNumeralString::from(x.iter().map(|n| u16::from(n.value)).collect::<Vec<_>>())).unwrap().into()
}

proptest! {
    #[test]
    fn one_radix_is_what_another_implementation_says(
        key: [u8; 32], radix in prop_oneof![Just(10_u8), Just(26), Just(36), 2..=36_u8],
        seed in prop::collection::vec(any::<u8>(), 20..=MOST), tweak in prop::collection::vec(any::<u8>(), 0..=MOST_TWEAK),
    ) {
        let mut x: Vec<Numeral> = seed.iter().map(|b| Numeral { radix, value: b % radix }).collect();
        // 36^18 and 36^19: the larger half is beyond 2^96
        x.truncate(if radix > 26 { 36 } else { MOST });
        let want = theirs(&key, radix, &tweak, &x);
        ours(&key).permute(Direction::Encrypt, &tweak, &mut x).unwrap();
        prop_assert_eq!(x.iter().map(|n| u16::from(n.value)).collect::<Vec<_>>(), want);
    }

    #[test]
    fn mixed_radices_come_back(key: [u8; 32], seed in prop::collection::vec((2..=26_u8, any::<u8>()), 2..=MOST), tweak: [u8; 8]) {
        let x: Vec<Numeral> = seed.iter().map(|(radix, b)| Numeral { radix: *radix, value: b % radix }).collect();
        let mut y = x.clone();
        ours(&key).permute(Direction::Encrypt, &tweak, &mut y).unwrap();
        prop_assert!(y.iter().zip(&x).all(|(y, x)| y.radix == x.radix && y.value < y.radix));
        ours(&key).permute(Direction::Decrypt, &tweak, &mut y).unwrap();
        prop_assert_eq!(y, x);
    }

    #[test]
    fn bits_are_numerals_of_radix_two(key: [u8; 32], n: u64, half in prop::sample::select(vec![8_u8, 16, 32])) {
        let n = n >> (64 - 2 * u32::from(half));
        let mut x: Vec<Numeral> = (0..2 * half).rev().map(|i| Numeral { radix: 2, value: u8::from(n >> i & 1 == 1) }).collect();
        let got = ours(&key).permute_bits(Direction::Encrypt, half, n).unwrap();
        prop_assert_eq!(ours(&key).permute_bits(Direction::Decrypt, half, got), Some(n));
        // The other implementation, as NIST's revision, wants a million values; 16 bits have fewer.
        let bits: Vec<u16> = if half > 8 {
            theirs(&key, 2, &[], &x)
        } else {
            ours(&key).permute(Direction::Encrypt, &[], &mut x).unwrap();
            x.iter().map(|n| u16::from(n.value)).collect()
        };
        prop_assert_eq!(bits.iter().fold(0_u64, |n, bit| n << 1 | u64::from(*bit)), got);
    }
}

/// A permutation of 16 bits is one: every value is met once.
#[test]
fn sixteen_bits_are_permuted() {
    let ff1 = ours(&[7; 32]);
    let mut met = vec![false; 1 << 16];
    for n in 0..1 << 16 {
        let to = usize::try_from(ff1.permute_bits(Direction::Encrypt, 8, n).unwrap()).unwrap();
        assert!(!std::mem::replace(&mut met[to], true));
    }
}

#[test]
fn too_many_are_not_touched() {
    let ff1 = ours(&[7; 32]);
    let mut x = vec![Numeral { radix: 26, value: 3 }; 60];
    assert_eq!(ff1.permute(Direction::Encrypt, &[], &mut x), None);
    assert_eq!(ff1.permute(Direction::Encrypt, &[0; 17], &mut x[..20]), None);
    assert_eq!(ff1.permute(Direction::Encrypt, &[], &mut []), None);
    assert!(x.iter().all(|n| n.value == 3));
}
