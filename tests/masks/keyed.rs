//! Keyed masks against their second, naive implementation (`naive.rs`).

use std::collections::HashMap;

use fpe::ff1::FlexibleNumeralString;
use pgscrim::base::Secret;
use pgscrim::mask::{FakeKind, Keyring, Locale, MaskSpec};

use super::naive::Naive;
use super::types::Case;

const KEY: [u8; 32] = [42; 32];
const NAIVE: Naive = Naive(KEY);

pub(crate) fn keyring() -> Keyring {
    Keyring::new("k1", [("k1".to_owned(), Secret::new(KEY.to_vec())), ("k2".to_owned(), Secret::new(vec![1; 32]))]).unwrap()
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
                "int2" => assert_eq!(text, NAIVE.integer("pseudonym", value.parse().unwrap(), 16).to_string(), "{name}"),
                "int4" => assert_eq!(text, NAIVE.integer("pseudonym", value.parse().unwrap(), 32).to_string(), "{name}"),
                "int8" => assert_eq!(text, NAIVE.integer("pseudonym", value.parse().unwrap(), 64).to_string(), "{name}"),
                "uuid" => assert_eq!(text, NAIVE.uuid("pseudonym", value), "{name}"),
                _ => assert_eq!(text.trim_end_matches(' '), NAIVE.token("pseudonym", value), "{name}"),
            },
            MaskSpec::Fpe { .. } => fpe_holds(value, text, case, &name),
            MaskSpec::Fake { kind, locale, key: _ } => {
                let whole = match (kind, locale) {
                    (FakeKind::Name, Locale::En) => Some(NAIVE.english_name("fake", value)),
                    (FakeKind::Name, Locale::Zh) => Some(NAIVE.chinese_name("fake", value)),
                    (FakeKind::Company, Locale::En) => Some(NAIVE.company("fake", value)),
                    _ => None,
                };
                let cut =
                    |whole: String| whole.chars().take(case.ty.max_chars.map_or(usize::MAX, |n| usize::try_from(n).unwrap())).collect();
                let whole: Option<String> = whole.filter(|_| case.base != "name").map(cut);
                assert!(whole.is_none_or(|w| w.trim_end() == text.trim_end()), "{name}: {text}");
                assert!(case.ty.max_chars.is_none_or(|n| text.chars().count() <= usize::try_from(n).unwrap()), "{name}");
                assert!(!text.trim().is_empty(), "{name}");
            }
            _ => return,
        }
    }
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
    assert_eq!(Some(masked), NAIVE.fpe("fpe", value).as_deref(), "{name}");
    // and FF1 by others
    let radix = if digits > 0 { 10 } else { 26 };
    let numerals = |text: &str| -> Vec<u16> {
        let numeral = |c: char| c.to_digit(36).map(|d| u16::try_from(if radix == 10 { d } else { d - 10 }).unwrap());
        text.chars().filter_map(numeral).collect()
    };
    let ff1 = fpe::ff1::FF1::<aes::Aes256>::new(&NAIVE.key_of("fpe", "fpe"), radix).unwrap();
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
