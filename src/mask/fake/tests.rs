//! What fakes look like; and that they stay what they were, since people compare exports of different days.

use crate::base::Secret;
use crate::catalog::{Oid, PgType};
use crate::mask::{FakeKind, Format, Keyring, Locale, MaskSpec, Rendering};

fn fake(kind: FakeKind, locale: Locale, value: &str) -> String {
    let keys = Keyring::new("k", [("k".to_owned(), Secret::new(vec![7; 32]))]).unwrap();
    let mask = MaskSpec::Fake { kind, locale, key: None }.compile("fake", &keys).unwrap();
    let mut out = Vec::new();
    mask.apply(&PgType::builtin(Oid(25), -1), Format::Text, &Rendering::default(), value.as_bytes(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_kind_looks_like_what_it_is() {
    let mut shown = String::new();
    for kind in [FakeKind::Name, FakeKind::Address, FakeKind::Phone, FakeKind::Company] {
        for locale in [Locale::En, Locale::Zh] {
            let three: Vec<String> = ["张三", "Alice", ""].iter().map(|v| fake(kind, locale, v)).collect();
            shown += &format!("{kind:?} {locale:?}: {}\n", three.join(" | "));
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn equal_values_have_equal_fakes_and_others_mostly_others() {
    let all: std::collections::HashSet<String> = (0..2000).map(|i| fake(FakeKind::Address, Locale::Zh, &format!("person {i}"))).collect();
    assert!(all.len() > 1990, "{}", all.len());
    assert_eq!(fake(FakeKind::Name, Locale::En, "x"), fake(FakeKind::Name, Locale::En, "x"));
}
