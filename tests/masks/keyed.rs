//! Keyed masks a second time, from their description alone and without thought for speed.

use std::collections::HashMap;

use aes::cipher::{BlockEncrypt, KeyInit};
use fpe::ff1::FlexibleNumeralString;
use hmac::{Hmac, Mac};
use pgscrim::base::Secret;
use pgscrim::mask::{Keyring, MaskSpec};
use sha2::Sha256;

use super::types::Case;

const KEY: [u8; 32] = [42; 32];

pub(crate) fn keyring() -> Keyring {
    Keyring::new("k1", [("k1".to_owned(), Secret::new(KEY.to_vec())), ("k2".to_owned(), Secret::new(vec![1; 32]))]).unwrap()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The key of the mask of a kind that is named after it.
fn key_of(kind: &str) -> [u8; 32] {
    let mut input = b"pgscrim keyring 1".to_vec();
    for part in ["mask", kind, kind] {
        input.extend(u64::try_from(part.len()).unwrap().to_be_bytes());
        input.extend(part.as_bytes());
    }
    hmac(&KEY, &[&input])
}

pub(crate) fn check(spec: &MaskSpec, case: &Case, values: &[Option<String>], masked: &[Option<Vec<u8>>]) {
    if case.is_array {
        return;
    }
    let mut met: HashMap<&str, &[u8]> = HashMap::new();
    for (value, masked) in values.iter().zip(masked) {
        let (Some(value), Some(masked)) = (value, masked) else { continue };
        let value = if case.base == "bpchar" { value.trim_end_matches(' ') } else { value };
        let text = std::str::from_utf8(masked).unwrap();
        let name = format!("{spec:?} on {} of {value:?}", case.declared);
        assert_eq!(*met.entry(value).or_insert(masked), masked, "{name}: not the same for the same");
        match spec {
            MaskSpec::Pseudonym { .. } => match case.base {
                "int2" => {}
                "int4" => assert_eq!(text, (bits(u64::from(value.parse::<i32>().unwrap() as u32), 32) as u32 as i32).to_string(), "{name}"),
                "int8" => assert_eq!(text, (bits(value.parse::<i64>().unwrap() as u64, 64) as i64).to_string(), "{name}"),
                "uuid" => assert_eq!(text, uuid(value), "{name}"),
                _ => assert_eq!(text.trim_end_matches(' '), token(value), "{name}"),
            },
            MaskSpec::Fpe { .. } => fpe_holds(value, text, case, &name),
            MaskSpec::Fake { .. } => {
                assert!(case.ty.max_chars.is_none_or(|n| text.chars().count() <= usize::try_from(n).unwrap()), "{name}");
                assert!(!text.trim().is_empty(), "{name}");
            }
            _ => return,
        }
    }
}

fn token(value: &str) -> String {
    let hash = hmac(&hmac(&key_of("pseudonym"), &[b"text"]), &[value.as_bytes()]);
    let bits: String = hash.iter().map(|b| format!("{b:08b}")).collect();
    let letters: Vec<char> = ('a'..='z').chain('2'..='7').collect();
    (0..26).map(|i| letters[usize::from_str_radix(&bits[5 * i..5 * i + 5], 2).unwrap()]).collect()
}

fn bits(n: u64, width: usize) -> u64 {
    let key = hmac(&key_of("pseudonym"), &[b"integer"]);
    let ff1 = fpe::ff1::FF1::<aes::Aes256>::new(&key, 2).unwrap();
    let plain: Vec<u16> = (0..width).rev().map(|i| u16::from(n >> i & 1 == 1)).collect();
    let cipher: Vec<u16> = ff1.encrypt(&[], &FlexibleNumeralString::from(plain)).unwrap().into();
    cipher.iter().fold(0, |n, bit| n << 1 | u64::from(*bit))
}

fn uuid(value: &str) -> String {
    let key = hmac(&key_of("pseudonym"), &[b"uuid"]);
    let bytes: [u8; 16] = hex::decode(value.replace('-', "")).unwrap().try_into().unwrap();
    let mut block = bytes.into();
    aes::Aes256::new(&key.into()).encrypt_block(&mut block);
    let hex = hex::encode(block);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Digits stay digits, letters letters of their case, all else and the length stay; one radix is plain FF1.
fn fpe_holds(value: &str, masked: &str, case: &Case, name: &str) {
    let kinds = |text: &str| -> Vec<char> {
        let kind = |c: char| match c {
            '0'..='9' => '0',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            other => other,
        };
        text.chars().map(kind).collect()
    };
    let count = |f: fn(&char) -> bool| i32::try_from(value.chars().filter(f).count()).unwrap();
    let (digits, letters) = (count(char::is_ascii_digit), count(char::is_ascii_alphabetic));
    let masked = if case.base == "bpchar" { masked.trim_end_matches(' ') } else { masked };
    if 10_f64.powi(digits) * 26_f64.powi(letters) < 1e6 {
        let stars: String = "***".chars().take(case.ty.max_chars.map_or(3, |n| usize::try_from(n).unwrap())).collect();
        assert_eq!(masked, stars, "{name}");
        return;
    }
    assert_eq!(kinds(masked), kinds(value), "{name}");
    if (digits > 0 && letters > 0) || digits + letters > 37 {
        return;
    }
    let radix = if digits > 0 { 10 } else { 26 };
    let numerals = |text: &str| -> Vec<u16> {
        let numeral = |c: char| c.to_digit(36).map(|d| u16::try_from(if radix == 10 { d } else { d - 10 }).unwrap());
        text.chars().filter_map(numeral).collect()
    };
    let ff1 = fpe::ff1::FF1::<aes::Aes256>::new(&key_of("fpe"), radix).unwrap();
    let want: Vec<u16> = ff1.encrypt(&[], &FlexibleNumeralString::from(numerals(value))).unwrap().into();
    assert_eq!(numerals(masked), want, "{name}");
}

/// The same mask name and key give the same pseudonyms whatever the column; another name or key gives others.
#[test]
fn pseudonyms_join_by_mask_name_and_key() {
    use pgscrim::catalog::{Oid, PgType};
    use pgscrim::mask::{Format, Rendering};
    let ring = keyring();
    let mask = |spec: MaskSpec, name: &str, ty: u32, value: &str| {
        let mut out = Vec::new();
        let mask = spec.compile(name, &ring).unwrap();
        mask.apply(&PgType::builtin(Oid(ty), -1), Format::Text, &Rendering::default(), value.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let key = |name: &str| Some(name.to_owned());
    for (spec, other) in [
        (MaskSpec::Pseudonym { key: None }, MaskSpec::Pseudonym { key: key("k2") }),
        (MaskSpec::Fpe { key: None }, MaskSpec::Fpe { key: key("k2") }),
    ] {
        let current = mask(spec.clone(), "p", 25, "13812345678");
        assert_eq!(current, mask(spec.clone(), "p", 1043, "13812345678"));
        assert_ne!(current, mask(spec.clone(), "q", 25, "13812345678"));
        assert_ne!(current, mask(other, "p", 25, "13812345678"));
    }
    assert_eq!(mask(MaskSpec::Pseudonym { key: key("k1") }, "p", 23, "7"), mask(MaskSpec::Pseudonym { key: None }, "p", 23, "7"));
    // An integer and a bigint are permuted each in its own domain.
    assert_ne!(mask(MaskSpec::Pseudonym { key: None }, "p", 23, "7"), mask(MaskSpec::Pseudonym { key: None }, "p", 20, "7"));
}
