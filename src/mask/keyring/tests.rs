//! What is said of keyrings that are wrong, and that no key is ever in it.

use super::*;
use crate::base::Secret;

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn wrong(text: &str) -> String {
    let read = KeyringFile::read("keyring.yaml", text);
    match read.and_then(|file| file.resolve(|_| Ok(Secret::new(b"0102".to_vec())))) {
        Ok(ring) => panic!("{ring:?}"),
        Err(found) => found.to_string(),
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_without_keys() {
    let mut said = String::new();
    for text in [
        "",
        "[]",
        "current: k1",
        "keys: { k1: {HEX} }",
        "current: k2\nkeys: { k1: {HEX} }",
        "current: k1\nkeys: { k1: {HEX}, k1: {HEX} }",
        "curent: k1\nkeys: { k1: {HEX} }",
        "current: k1\nkeys: []",
        "current: k1\nkeys: {}",
        "current: k1\nkeys: { k1: 00ff }",
        "current: k1\nkeys: { k1: {HEX}00 }",
        "current: k1\nkeys: { k1: k1.key }",
        "current: k1\nkeys: { k1: ~ }",
        "current: k1\nkeys: { k1: \"\" }",
        "current: k1\nkeys: { k1: [a] }",
        "current: k1\nkeys: { k1: { flie: k1.key } }",
        "current: k1\nkeys: { k1: { file: k1.key, env: K1 } }",
        "current: k1\nkeys: { k1: { file: ~ } }",
        "current: k1\nkeys: { k1: { file: k1.key } }",
        "current: {HEX}\nkeys: { k1: {HEX} }",
        "current: k1\nkeys: { k1: {HEX} ",
    ] {
        let text = text.replace("{HEX}", HEX);
        let found = wrong(&text);
        assert!(!found.contains("0405060708"), "{found}");
        said += &format!("{}\n=> {found}\n\n", text.replace(HEX, "KEY"));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn keys_are_never_printed() {
    let file = KeyringFile::read("k.yaml", &format!("current: k1\nkeys: {{ k1: {HEX} }}\n")).unwrap();
    let ring = file.resolve(|_| Err(String::new())).unwrap();
    let mask = crate::mask::MaskSpec::Pseudonym { key: None }.compile("p", &ring).unwrap();
    let fpe = crate::mask::MaskSpec::Fpe { key: None }.compile("p", &ring).unwrap();
    assert_eq!(
        format!("{mask:?} {fpe:?}"),
        "Mask { kernel: Pseudonym(Pseudonym), made_of: Pseudonym { key: None } } Mask { kernel: Fpe(Fpe), made_of: Fpe { key: None } }"
    );
    let all = format!("{ring:?}{mask:?}{:?}", ring.derive(None, &["x"]).unwrap());
    assert!(!all.contains("00010203") && !all.contains("[0, 1, 2"), "{all}");
}

/// Subkeys differ by everything that they are made for.
#[test]
fn each_purpose_has_a_key_of_its_own() {
    let keys = [("a".to_owned(), Secret::new(vec![1; 32])), ("b".to_owned(), Secret::new(vec![2; 32]))];
    let ring = Keyring::new("a", keys).unwrap();
    let key = |name: Option<&str>, purpose: &[&str]| ring.derive(name, purpose).unwrap().expose().to_vec();
    let all = [
        key(None, &["mask", "fpe", "m"]),
        key(Some("b"), &["mask", "fpe", "m"]),
        key(None, &["mask", "pseudonym", "m"]),
        key(None, &["mask", "fpem"]),
        key(None, &["mask", "fpe", "m", ""]),
        key(None, &["maskfpe", "m"]),
    ];
    let distinct: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(key(None, &["mask", "fpe", "m"]), key(Some("a"), &["mask", "fpe", "m"]));
    assert_eq!(ring.derive(Some("c"), &[]).unwrap_err(), KeyMissing::Named("c".into()));
    assert_eq!(Keyring::default().derive(None, &[]).unwrap_err(), KeyMissing::Current);
    assert!(Keyring::new("c", [("a".to_owned(), Secret::new(vec![1; 32]))]).is_none());
    assert!(Keyring::new("a", [("a".to_owned(), Secret::new(vec![1; 31]))]).is_none());
}
