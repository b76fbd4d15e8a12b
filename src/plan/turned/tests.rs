#![allow(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

use proptest::prelude::*;

use super::*;
use crate::base::Secret;
use crate::mask::{Keyring, MaskSpec, Rendering};

fn compared(mask: &Arc<Mask>, ty: PgType) -> Turn<'_> {
    Turn { mask, ty, stored: false }
}

fn mask_of(column: u32) -> Arc<Mask> {
    let keyring = Keyring::new("k1", [("k1".to_owned(), Secret::new(vec![7; 32]))]).unwrap();
    let spec = if matches!(column, 25 | 1043) { MaskSpec::Fpe { key: None } } else { MaskSpec::Pseudonym { key: None } };
    Arc::new(spec.compile("mask", &keyring).unwrap())
}

fn mask() -> Arc<Mask> {
    mask_of(20)
}

fn masked(mask: &Mask, ty: &PgType, value: &str) -> String {
    let mut out = Vec::new();
    mask.apply(ty, Format::Text, &Rendering::default(), value.as_bytes(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn of(oid: u32) -> PgType {
    PgType::builtin(Oid(oid), -1)
}

/// What is sent for a constant of the text, or why nothing is.
fn sent(says: Says, constant: Option<u32>, array: bool, column: u32) -> Result<String, Box<str>> {
    let constant = Constant { says, ty: constant.map(Oid), array, checked: false, length: None, at: 1 };
    let mut turned = TurnedBack::new(&[], &[]);
    turned.add(&constant, compared(&mask_of(column), of(column))).map_err(|r| r.message)?;
    Ok(turned.values(&[]).unwrap().remove(0).unwrap())
}

/// What is sent for a parameter.
fn bound(declared: u32, column: u32, format: Format, value: &[u8]) -> Result<Option<String>, Box<str>> {
    let array = matches!(declared, 1005 | 1007 | 1009 | 1015 | 1016 | 2951);
    let constant = Constant { says: Says::Parameter(1), ty: Some(Oid(declared)), array, checked: false, length: None, at: 1 };
    let mut turned = TurnedBack::new(&[Oid(declared)], &[1]);
    assert_eq!(turned.add(&constant, compared(&mask_of(column), of(column))).map_err(|r| r.message)?, 2);
    turned.values(&[(format, Some(value))]).map(|mut all| all.remove(0)).map_err(|r| r.message)
}

proptest! {
    /// Of each type: what is sent for the mask of a value is the value.
    #[test]
    fn what_is_sent_for_a_mask_is_its_value(small: i16, int: i32, long: i64, uuid: [u8; 16]) {
        let uuid = hex::encode(uuid);
        for (oid, value) in [(21, small.to_string()), (23, int.to_string()), (20, long.to_string())] {
            let seen = masked(&mask(), &of(oid), &value);
            prop_assert_eq!(sent(Says::Text(seen.as_str().into()), None, false, oid), Ok(value.clone()));
            prop_assert_eq!(sent(Says::Integer(seen.parse().unwrap()), Some(20), false, oid), Ok(value.clone()));
            prop_assert_eq!(sent(Says::Text(format!("{{{seen}, null}}").into()), None, true, oid), Ok(format!("{{{value},NULL}}")));
            let bytes = seen.parse::<i64>().unwrap().to_be_bytes();
            let own = &bytes[8 - width(of(oid).scalar())..];
            prop_assert_eq!(bound(oid, oid, Format::Binary, own), Ok(Some(value.clone())));
            prop_assert_eq!(bound(20, oid, Format::Binary, &bytes), Ok(Some(value)));
        }
        let seen = masked(&mask(), &of(2950), &uuid);
        let bare = |text: &str| text.replace('-', "");
        let back = sent(Says::Text(seen.as_str().into()), None, false, 2950).unwrap();
        prop_assert_eq!(bare(&back), uuid.clone());
        let bytes = hex::decode(bare(&seen)).unwrap();
        prop_assert_eq!(bare(&bound(2950, 2950, Format::Binary, &bytes).unwrap().unwrap()), uuid);
    }

    /// A text of which a million are possible comes back, alone and in arrays, and a mask that many texts share does not.
    #[test]
    fn what_is_sent_for_a_text_is_its_value(text in "\\PC{0,12}[0-9a-zA-Z]{6}\\PC{0,9}", few in "[0-9]{0,5}[^0-9a-zA-Z\\x00]{0,9}") {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        for (column, many) in [(25, 1009), (1043, 1015)] {
            let seen = masked(&mask_of(column), &of(column), &text);
            prop_assert_eq!(sent(Says::Text(seen.as_str().into()), None, false, column), Ok(text.clone()));
            let list = format!("{{ {},null , {}}}", quoted(&seen), quoted(&seen));
            prop_assert_eq!(sent(Says::Text(list.as_str().into()), None, true, column), Ok(format!("{{{0},NULL,{0}}}", quoted(&text))));
            prop_assert_eq!(bound(column, column, Format::Binary, seen.as_bytes()), Ok(Some(text.clone())));
            prop_assert_eq!(bound(many, column, Format::Text, list.as_bytes()), Ok(Some(format!("{{{0},NULL,{0}}}", quoted(&text)))));
            prop_assert_eq!(masked(&mask_of(column), &of(column), &few), "***");
            prop_assert!(sent(Says::Text(few.as_str().into()), None, false, column).is_err());
        }
    }

    /// A number that is none of the column's type goes as it is, in a type that holds it: it equals no value of the column.
    #[test]
    fn what_is_no_mask_equals_nothing(n: i64, m: i32) {
        prop_assume!(i32::try_from(n).is_err() && i16::try_from(m).is_err());
        prop_assert_eq!(sent(Says::Integer(n), Some(20), false, 23), Ok(n.to_string()));
        prop_assert_eq!(bound(20, 23, Format::Binary, &n.to_be_bytes()), Ok(Some(n.to_string())));
        prop_assert_eq!(bound(23, 21, Format::Binary, &m.to_be_bytes()), Ok(Some(m.to_string())));
        let mut turned = TurnedBack::new(&[Oid(20)], &[1]);
        turned.add(&Constant { says: Says::Parameter(1), ty: Some(Oid(20)), array: false, checked: false, length: None, at: 1 }, compared(&mask(), of(23))).unwrap();
        prop_assert_eq!(turned.types(&[Oid(20)]), vec![Oid(20), Oid(20)]);
    }

    /// Whatever a client binds.
    #[test]
    fn nothing_that_is_bound_is_more_than_refused(declared in prop::sample::select(vec![20, 21, 23, 25, 1043, 2950, 1005, 1007, 1009, 1015, 1016, 2951]),
        column in prop::sample::select(vec![20, 21, 23, 25, 2950]), binary: bool, value: Vec<u8>) {
        let _ = bound(declared, column, if binary { Format::Binary } else { Format::Text }, &value);
    }
}

#[test]
fn what_postgresql_may_read_otherwise_is_not_read() {
    for text in ["", "x", "0x1F", "1_000", "0b1", "99999999999", "1.0", "1e3", "٣"] {
        assert!(sent(Says::Text(text.into()), None, false, 23).is_err(), "{text}");
        assert!(bound(23, 23, Format::Text, text.as_bytes()).is_err(), "{text}");
    }
    for text in ["1,2", "{1,2", "{{1},{2}}", "[0:1]={1,2}", "{1,}", "{1;2}"] {
        assert!(sent(Says::Text(text.into()), None, true, 23).is_err(), "{text}");
    }
    for (constant, column) in [(25, 23), (1700, 23), (23, 2950), (2950, 20), (16, 23)] {
        assert!(sent(Says::Text("1".into()), Some(constant), false, column).is_err(), "{constant} and {column}");
    }
}

/// Each costs some microseconds of the session's thread.
#[test]
fn a_statement_has_so_many_turned_back_and_no_more() {
    let constant = |n| Constant { says: Says::Integer(n), ty: Some(Oid(20)), array: false, checked: false, length: None, at: 1 };
    let mut turned = TurnedBack::new(&[], &[]);
    assert!(turned.is_empty());
    assert_eq!(turned.add(&constant(0), compared(&mask(), of(20))).unwrap(), 1);
    assert!(!turned.is_empty());
    let first = turned.all.remove(0);
    turned.all =
        (1..).take(LIMIT - 1).map(|n| Turned { given: vec![Given::Text(vec![Some(Value::Integer(n))])], ..first.clone() }).collect();
    assert!(turned.add(&constant(0), compared(&mask(), of(20))).is_ok());
    assert_eq!(turned.add(&constant(-1), compared(&mask(), of(20))).map_err(|r| r.kind), Err(crate::sql::RefusalKind::Limit));
}

/// Parameters of the client's stay what they are, and those that nothing else gives a type have the column's.
#[test]
fn types_of_parameters_are_what_the_server_would_find() {
    let mut turned = TurnedBack::new(&[Oid(0), Oid(25)], &[1, 3, 3]);
    let parameter = |n| Constant { says: Says::Parameter(n), ty: None, array: n == 3, checked: false, length: None, at: n };
    assert_eq!(turned.add(&parameter(1), compared(&mask(), of(21))).unwrap(), 4);
    assert_eq!(turned.add(&parameter(3), compared(&mask(), of(2950))).unwrap(), 5);
    assert_eq!(turned.types(&[Oid(0), Oid(25)]), [21, 25, 2951, 21, 2951].map(Oid));
    assert!(turned.add(&parameter(1), compared(&mask(), of(23))).is_err());
    assert_eq!(turned.add(&parameter(3), compared(&mask(), of(2950))).unwrap(), 5);
    assert_eq!(*turned.named(), BTreeMap::from([(0, 1), (2, 2)]));
}

/// The masks of several rows stand beside what they are the masks of, whichever of them a parameter brings and NULL left out.
#[test]
fn masks_of_rows_stand_beside_their_values() {
    let mask = mask();
    let seen = |n: i64| masked(&mask, &of(23), &n.to_string());
    let constant = |says, ty| Constant { says, ty, array: false, checked: false, length: None, at: 1 };
    let all = [
        constant(Says::Integer(seen(5).parse().unwrap()), Some(Oid(23))),
        constant(Says::Parameter(2), None),
        constant(Says::Text(seen(7).as_str().into()), None),
        constant(Says::Parameter(1), Some(Oid(20))),
    ];
    let mut turned = TurnedBack::new(&[Oid(21), Oid(705)], &[1, 2]);
    assert_eq!(turned.add_pairs(&all, Turn { stored: true, ..compared(&mask, of(23)) }).unwrap(), 3);
    assert_eq!(turned.types(&[Oid(21), Oid(705)]), [21, 23, 1016, 1016].map(Oid));
    assert_eq!(*turned.named(), BTreeMap::from([(1, 1)]));
    // a parameter is read by the type that it was declared of, in which a mask may have no room
    let given = |second: Option<&'static [u8]>| turned.values(&[(Format::Binary, Some(&[0, 9])), (Format::Text, second)]).unwrap();
    let origin = |n: i64| {
        let mut out = Vec::new();
        mask.turn_back(&of(23), Format::Text, n.to_string().as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let pair = |masks: String, values: String| vec![Some(format!("{{{masks}}}")), Some(format!("{{{values}}}"))];
    assert_eq!(given(Some(b"6")), pair(format!("{},6,{},9", seen(5), seen(7)), format!("5,{},7,{}", origin(6), origin(9))));
    assert_eq!(given(None), pair(format!("{},{},9", seen(5), seen(7)), format!("5,7,{}", origin(9))));
    // what is cut is the mask of nothing that can be told
    let short = |length| Constant { length, ..constant(Says::Text("K1001-XyZw1".into()), Some(Oid(1043))) };
    for (length, told) in [(None, true), (Some(11), true), (Some(10), false)] {
        let mut turned = TurnedBack::new(&[], &[]);
        assert_eq!(turned.add(&short(length), compared(&mask_of(1043), of(1043))).is_ok(), told, "{length:?}");
        assert_eq!(turned.add_pairs(&[short(None), short(length)], compared(&mask_of(1043), of(1043))).is_ok(), told, "{length:?}");
    }
    let many: Vec<Constant> = (0..=LIMIT).map(|n| constant(Says::Integer(i64::try_from(n).unwrap()), Some(Oid(23)))).collect();
    for (count, told) in [(LIMIT, true), (LIMIT + 1, false)] {
        let mut turned = TurnedBack::new(&[], &[]);
        assert_eq!(turned.add_pairs(&many[..count], compared(&mask, of(23))).is_ok(), told, "{count}");
    }
}
