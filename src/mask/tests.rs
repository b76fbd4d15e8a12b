//! Tables of masks and values; the wire is PostgreSQL's own.

use super::*;
use crate::catalog::{Oid, Scalar};

#[expect(clippy::needless_pass_by_value, reason = "a table of cases reads better without borrows")]
fn spec(spec: MaskSpec) -> Mask {
    spec.compile("test", &Keyring::default()).unwrap()
}

fn text_type() -> PgType {
    PgType::builtin(Oid(25), -1)
}

fn varchar(n: i32) -> PgType {
    PgType::builtin(Oid(1043), n + 4)
}

fn bpchar(n: i32) -> PgType {
    PgType::builtin(Oid(1042), n + 4)
}

fn apply(mask: &Mask, ty: PgType, value: &str) -> String {
    let mut out = b"before".to_vec();
    let done = mask.apply(&ty, Format::Text, &Rendering::default(), value.as_bytes(), &mut out).unwrap();
    assert_eq!(done, Masked::Value);
    String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
}

#[test]
fn text_masks() {
    let partial = |first, last, with| MaskSpec::Partial { first, last, with };
    for (mask, value, want) in [
        (MaskSpec::Email, "alice@example.com", "a***@example.com"),
        (MaskSpec::Email, "@example.com", "***@example.com"),
        (MaskSpec::Email, "a@b@c", "a***@c"),
        (MaskSpec::Email, "nobody", "***"),
        (MaskSpec::Email, "", "***"),
        (MaskSpec::Email, "张三@例.中国", "张***@例.中国"),
        (MaskSpec::Email, "a@", "a***@"),
        (MaskSpec::Name, "张三丰", "张**"),
        (MaskSpec::Name, "Alice", "A****"),
        (MaskSpec::Name, "A", "*"),
        (MaskSpec::Name, "", ""),
        (partial(0, 4, '*'), "13812345678", "*******5678"),
        (partial(3, 4, '*'), "110101199003071234", "110***********1234"),
        (partial(3, 4, '*'), "1234567", "*******"),
        (partial(1, 1, '●'), "张三丰啊", "张●●啊"),
        (partial(0, 0, '*'), "", ""),
        (partial(usize::MAX, usize::MAX, '*'), "ab", "**"),
    ] {
        assert_eq!(apply(&spec(mask.clone()), text_type(), value), want, "{mask:?} {value}");
    }
}

#[test]
fn text_fits_the_declared_length() {
    assert_eq!(apply(&spec(MaskSpec::Email), varchar(5), "a@b.c"), "a***@");
    assert_eq!(apply(&spec(MaskSpec::Redact), varchar(2), "abc"), "**");
    assert_eq!(apply(&spec(MaskSpec::Name), bpchar(6), "张三    "), "张*    ");
    assert_eq!(apply(&spec(MaskSpec::Redact), bpchar(5), "x    "), "***  ");
    let name = PgType::builtin(Oid(19), -1);
    let long = "é".repeat(31);
    let with = spec(MaskSpec::Partial { first: 0, last: 0, with: '张' });
    assert_eq!(apply(&with, name, &long), "张".repeat(21));
    assert_eq!(apply(&spec(MaskSpec::Email), name, &format!("{}@{}", "x".repeat(2), "é".repeat(30))), format!("x***@{}", "é".repeat(29)));
}

#[test]
fn arrays_in_text() {
    let ty = PgType::array(Oid(1009), Oid(25), -1);
    let mask = spec(MaskSpec::Email);
    for (value, want) in [
        ("{}", "{}"),
        ("{a@b.c,NULL,\"\"}", "{a***@b.c,NULL,***}"),
        ("{{a@b,\"x y@\\\"q\\\"\"},{NULL,\"NULL\"}}", "{{a***@b,\"x***@\\\"q\\\"\"},{NULL,***}}"),
        ("[0:1]={a@b,c@d}", "[0:1]={a***@b,c***@d}"),
        ("{\"a@{\"}", "{\"a***@{\"}"),
    ] {
        assert_eq!(apply(&mask, ty, value), want, "{value}");
    }
    for bad in ["", "{", "{a", "{a}}", "{a,}", "{,a}", "a", "{\"a}", "{a\"b}", "{{{{{{{a}}}}}}}", "[0:1]{a}", "{a} "] {
        let mut out = b"before".to_vec();
        assert_eq!(mask.apply(&ty, Format::Text, &Rendering::default(), bad.as_bytes(), &mut out), Err(CannotMask::InvalidValue), "{bad}");
        assert_eq!(out, b"before");
    }
    assert_eq!(apply(&spec(MaskSpec::Name), ty, "{\"\"}"), "{\"\"}");
    assert_eq!(apply(&spec(MaskSpec::Redact), ty, "{a,b}"), "{}");
}

/// All masks with parameters, and the types that masks know.
mod never_panics {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> Keyring {
        Keyring::new("k", [("k".to_owned(), crate::base::Secret::new(vec![7; 32]))]).unwrap()
    }

    fn masks() -> Vec<Mask> {
        let round = |to: &str| MaskSpec::Round { to: to.parse().unwrap() };
        let mut specs = vec![
            MaskSpec::Partial { first: 1, last: 2, with: '张' },
            MaskSpec::Date { keep: Keep::Year },
            MaskSpec::Date { keep: Keep::Month },
            round("1000"),
            round("0.25"),
            round("999999999999999999"),
            round("0.00000000000000001"),
            MaskSpec::Fake { kind: FakeKind::Name, locale: Locale::Zh, key: None },
        ];
        specs.extend(MaskSpec::KINDS.iter().filter_map(|kind| MaskSpec::builtin(kind)));
        specs.into_iter().map(|spec| spec.compile("m", &keys()).unwrap()).collect()
    }

    /// With the modifiers that decide something.
    const TYPES: [(u32, u32, i32); 32] = [
        (16, 1000, -1),
        (21, 1005, -1),
        (23, 1007, -1),
        (20, 1016, -1),
        (700, 1021, -1),
        (701, 1022, -1),
        (1700, 1231, -1),
        (1700, 1231, (5 << 16 | 2) + 4),
        (1700, 1231, (3 << 16 | 0x7fe) + 4),
        (1700, 1231, (2 << 16 | 5) + 4),
        (1700, 1231, (0x3e8 << 16 | 0x3e8) + 4),
        (1700, 1231, i32::MAX),
        (790, 791, -1),
        (25, 1009, -1),
        (1043, 1015, 5),
        (1043, 1015, 34),
        (1042, 1014, 4),
        (1042, 1014, 44),
        (1042, 1014, 5),
        (19, 1003, -1),
        (1082, 1182, -1),
        (1114, 1115, 0),
        (1184, 1185, -1),
        (2950, 2951, -1),
        (114, 199, -1),
        (3802, 3807, -1),
        (17, 1001, -1),
        (869, 1041, -1),
        (650, 651, -1),
        (1186, 1187, -1),
        (3904, 3905, -1),
        (600, 1017, -1),
    ];

    fn types() -> impl Iterator<Item = PgType> {
        TYPES
            .into_iter()
            .flat_map(|(scalar, array, typmod)| [PgType::builtin(Oid(scalar), typmod), PgType::array(Oid(array), Oid(scalar), typmod)])
    }

    /// Bytes that resemble what is on the wire: random ones, texts of telling characters, binary heads.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let telling = "[-+0-9eE.,:/@\"\\\\{}NUL \\[\\]=aZ张\u{0}infytBC$]{0,40}";
        let numeric = (
            0..4_u16,
            -3..40_i16,
            prop::sample::select(vec![0_u16, 0x4000, 0xC000, 7]),
            0..40_u16,
            prop::collection::vec(0..10_001_u16, 0..4),
        );
        let array = (0..3_i32, 0..2_i32, prop::sample::select(vec![23_u32, 25, 1700, 869]), prop::collection::vec(-1..9_i32, 0..6));
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..48),
            telling.prop_map(String::into_bytes),
            numeric.prop_map(|(n, weight, sign, scale, groups)| {
                let head = [n.to_be_bytes(), weight.to_be_bytes(), sign.to_be_bytes(), scale.to_be_bytes()].concat();
                groups.into_iter().fold(head, |bytes, group| [bytes, group.to_be_bytes().to_vec()].concat())
            }),
            array.prop_map(|(n, nulls, oid, words)| {
                let head = [n.to_be_bytes(), nulls.to_be_bytes(), oid.to_be_bytes()].concat();
                words.into_iter().fold(head, |bytes, word| [bytes, word.to_be_bytes().to_vec()].concat())
            }),
        ]
    }

    /// Every mask on every type: an error leaves nothing behind, and a mask that does not fit gives nothing.
    fn try_all(value: &[u8]) {
        let rendering = Rendering::default();
        for mask in masks() {
            for ty in types() {
                for format in [Format::Text, Format::Binary] {
                    let mut out = b"before".to_vec();
                    let done = mask.apply(&ty, format, &rendering, value, &mut out);
                    assert!(out.starts_with(b"before") && (done == Ok(Masked::Value) || out.len() == 6));
                    // An array without elements, or of NULLs, has none that could not be masked.
                    let array = matches!(ty.shape, Shape::Array { .. });
                    assert!(mask.laws(&ty).is_some() || done.is_err() || array, "{mask:?} {ty:?}");
                    let mut back = b"before".to_vec();
                    let turned = mask.turn_back(&ty, format, value, &mut back);
                    assert!(turned.is_ok() || back == b"before");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn on_bytes_that_are_no_value(value in bytes()) {
            try_all(&value);
        }
    }

    /// The longest numerics, texts and arrays are masked in bounded time and without deep stacks.
    #[test]
    fn on_huge_values() {
        let nines = [b"-".to_vec(), vec![b'9'; 131_072], b".".to_vec(), vec![b'9'; 16_383]].concat();
        let letters = "aZ9张-".repeat(100_000).into_bytes();
        let array = [b"{".to_vec(), b"\"a@b\\\"\",NULL,".repeat(50_000), b"x}".to_vec()].concat();
        for value in [nines, letters, array, vec![b'{'; 1 << 16], vec![b'9'; 1 << 20]] {
            for mask in masks() {
                for ty in
                    [25, 1700, 20, 701].map(|oid| PgType::builtin(Oid(oid), -1)).into_iter().chain([PgType::array(Oid(1009), Oid(25), -1)])
                {
                    let mut out = Vec::new();
                    let _ = mask.apply(&ty, Format::Text, &Rendering::default(), &value, &mut out);
                }
            }
        }
    }
}

/// A long text comes back, and each of its characters depends on all the others.
#[test]
fn long_texts_are_encrypted_whole() {
    let keys = Keyring::new("k", [("k".to_owned(), crate::base::Secret::new(vec![7; 32]))]).unwrap();
    let fpe = MaskSpec::Fpe { key: None }.compile("fpe", &keys).unwrap();
    for length in (30..200).chain([1000]) {
        let text: String = (0..length).map(|i| if i % 3 == 0 { 'x' } else { '7' }).collect();
        let masked = apply(&fpe, text_type(), &text);
        let mut back = Vec::new();
        fpe.turn_back(&text_type(), Format::Text, masked.as_bytes(), &mut back).unwrap();
        assert_eq!(back, text.as_bytes());
        for at in [0, length / 2, length - 1] {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'x' { b'y' } else { b'8' };
            let other = apply(&fpe, text_type(), std::str::from_utf8(&other).unwrap());
            let same = masked.bytes().zip(other.bytes()).filter(|(a, b)| a == b).count();
            // By chance one in ten is the same.
            assert!(same * 2 < length, "{length} {at}: {same}");
        }
    }
}

#[test]
fn types_that_no_mask_of_elements_fits_are_denied() {
    let keys = Keyring::new("k", [("k".to_owned(), crate::base::Secret::new(vec![7; 32]))]).unwrap();
    let other = PgType { shape: Shape::Scalar(Scalar::Other), ..text_type() };
    let of_others = PgType { shape: Shape::Array { element: Scalar::Other, element_oid: Oid(99_999) }, ..text_type() };
    for kind in MaskSpec::KINDS.iter().filter(|kind| !matches!(**kind, "null" | "redact")) {
        let spec = MaskSpec::builtin(kind).unwrap_or(match *kind {
            "partial" => MaskSpec::Partial { first: 0, last: 0, with: '*' },
            "date" => MaskSpec::Date { keep: Keep::Year },
            "round" => MaskSpec::Round { to: "1".parse().unwrap() },
            _ => MaskSpec::Fake { kind: FakeKind::Name, locale: Locale::En, key: None },
        });
        let mask = spec.compile("m", &keys).unwrap();
        assert_eq!((mask.laws(&other), mask.laws(&of_others)), (None, None), "{kind}");
        let mut out = Vec::new();
        assert_eq!(mask.apply(&other, Format::Text, &Rendering::default(), b"x", &mut out), Err(CannotMask::DoesNotFit), "{kind}");
    }
    // A token needs its 26 characters.
    let pseudonym = MaskSpec::Pseudonym { key: None }.compile("m", &keys).unwrap();
    assert!(pseudonym.laws(&varchar(25)).is_none() && pseudonym.laws(&varchar(26)).is_some() && pseudonym.laws(&bpchar(25)).is_none());
    // A multiple must be a value of the type.
    for (to, ty, fits) in [
        ("0.5", PgType::builtin(Oid(23), -1), false),
        ("5", PgType::builtin(Oid(23), -1), true),
        ("0.001", PgType::builtin(Oid(1700), (5 << 16 | 2) + 4), false),
        ("0.01", PgType::builtin(Oid(1700), (5 << 16 | 2) + 4), true),
        ("50", PgType::builtin(Oid(1700), (3 << 16 | 0x7fe) + 4), false),
        ("500", PgType::builtin(Oid(1700), (3 << 16 | 0x7fe) + 4), true),
        ("0.001", PgType::builtin(Oid(790), -1), false),
        ("0.25", text_type(), false),
    ] {
        assert_eq!(spec(MaskSpec::Round { to: to.parse().unwrap() }).laws(&ty).is_some(), fits, "{to} {ty:?}");
    }
}

#[test]
fn a_mask_is_another_by_each_parameter_and_by_its_key() {
    let ring = |current: &str, k1: u8| {
        let key = |byte| crate::base::Secret::new(vec![byte; 32]);
        Keyring::new(current, [("k1".to_owned(), key(k1)), ("k2".to_owned(), key(9))]).unwrap()
    };
    let (partial, round) =
        (|first, last, with| MaskSpec::Partial { first, last, with }, |to: &str| MaskSpec::Round { to: to.parse().unwrap() });
    let fake = |kind, locale| MaskSpec::Fake { kind, locale, key: None };
    let specs = [
        partial(1, 2, '*'),
        partial(2, 2, '*'),
        partial(1, 3, '*'),
        partial(1, 2, '#'),
        round("10"),
        round("100"),
        round("0.1"),
        MaskSpec::Date { keep: Keep::Year },
        MaskSpec::Date { keep: Keep::Month },
        fake(FakeKind::Name, Locale::En),
        fake(FakeKind::Name, Locale::Zh),
        fake(FakeKind::Phone, Locale::En),
        MaskSpec::Pseudonym { key: Some("k2".into()) },
        MaskSpec::Null,
        MaskSpec::Redact,
    ];
    for (i, a) in specs.iter().enumerate() {
        for (j, b) in specs.iter().enumerate() {
            let of = |spec: &MaskSpec| spec.compile("m", &ring("k1", 7)).unwrap();
            assert_eq!(of(a) == of(b), i == j, "{a:?} {b:?}");
        }
    }
    for spec in [MaskSpec::Pseudonym { key: None }, MaskSpec::Fpe { key: None }, fake(FakeKind::Name, Locale::En)] {
        let of = |name: &str, ring: &Keyring| spec.compile(name, ring).unwrap();
        let one = of("m", &ring("k1", 7));
        assert!(one == of("m", &ring("k1", 7)), "{spec:?}");
        for other in [of("n", &ring("k1", 7)), of("m", &ring("k2", 7)), of("m", &ring("k1", 8))] {
            assert!(one != other, "{spec:?}");
        }
    }
}
