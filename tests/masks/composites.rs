//! Masks of fields of composite values: what the kernel gives, in text and in binary, is what the server gives for the SQL form, and what it
//! gives for each field by itself.

use std::sync::Arc;

use pgscrim::base::QualifiedName;
use pgscrim::catalog::{Oid, PgType, Scalar, Shape};
use pgscrim::mask::{Format, Keep, Mask, MaskSpec, Masked, Rendering, RowField, RowType};

use super::keyed;
use super::server::{Server, quote};
use super::values::Random;

/// Name, declared type, OID, modifier; `point` is none that masks know.
const FIELDS: [(&str, &str, u32, i32); 8] = [
    ("street", "text", 25, -1),
    ("zip", "varchar(8)", 1043, 12),
    ("gone", "text", 25, -1),
    ("No.", "numeric(7,2)", 1700, (7 << 16 | 2) + 4),
    ("since", "timestamptz", 1184, -1),
    ("tags", "text[]", 1009, -1),
    ("geo", "point", 600, -1),
    ("select", "jsonb", 3802, -1),
];

const TEXTS: [&str; 12] = [
    "",
    "plain",
    "a b",
    "comma, (paren)",
    "say \"hi\"",
    "back\\slash",
    "NULL",
    "\"",
    "\\",
    "张三 😀",
    "tab\tand\nline",
    "anna@example.com",
];

/// The type and a table of such values; the dropped field leaves a gap in the numbers.
async fn fill(server: &Server, random: &mut Random) -> Arc<RowType> {
    let fields: Vec<String> = FIELDS.iter().map(|(name, ty, ..)| format!("\"{name}\" {ty}")).collect();
    server.run(&format!("CREATE SCHEMA \"Sch\"; CREATE TYPE \"Sch\".\"Ad\"\"dress\" AS ({})", fields.join(", "))).await;
    server.run("ALTER TYPE \"Sch\".\"Ad\"\"dress\" DROP ATTRIBUTE gone; CREATE TABLE t (i int, v \"Sch\".\"Ad\"\"dress\")").await;
    let mut rows = vec!["(1000, NULL)".to_owned(), "(1001, ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL))".to_owned()];
    for i in 0..300 {
        let mut value = |values: &[&str]| if random.below(6) == 0 { "NULL".to_owned() } else { quote(random.pick::<&str>(values)) };
        let values = [
            value(&TEXTS),
            value(&["", "12345678", "a,b", "(", "x y", "\\\"", "  ", "12"]),
            value(&["0", "-1.5", "99999.99", "12.34", "NaN"]),
            value(&["2024-02-29 12:34:56.789+02", "infinity", "0044-03-15 00:00:00+00 BC", "1999-12-31 23:59:59+00"]),
            value(&["{}", "{a,NULL,\"b c\"}", "{{\"\\\"\"},{\"\\\\\"}}"]),
            value(&["(1,2)", "(-1.5,1e10)"]),
            value(&["{}", "{\"a\": \"b\\\"c\"}", "[1, \"(\"]", "null"]),
        ];
        rows.push(format!("({i}, ROW({}))", values.join(", ")));
    }
    server.run(&format!("INSERT INTO t VALUES {}", rows.join(", "))).await;
    let ty = |oid, typmod| if oid == 1009 { PgType::array(Oid(oid), Oid(25), -1) } else { PgType::builtin(Oid(oid), typmod) };
    let fields = FIELDS.iter().zip(1..).filter(|((name, ..), _)| *name != "gone");
    let fields = fields.map(|((name, _, oid, typmod), number)| RowField { number, name: (*name).into(), ty: ty(*oid, *typmod) });
    Arc::new(RowType { oid: TYPE.oid, name: QualifiedName::new("Sch", "Ad\"dress"), fields: fields.collect() })
}

const TYPE: PgType = PgType { oid: Oid(99_999), typmod: -1, shape: Shape::Scalar(Scalar::Other), domain: false, max_chars: None };

fn apply(mask: &Mask, format: Format, rendering: &Rendering, value: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    assert_eq!(mask.apply(&TYPE, format, rendering, value, &mut out), Ok(Masked::Value));
    out.strip_prefix(b"before").unwrap().to_vec()
}

/// A mask for a field, or none.
fn drawn(random: &mut Random, ty: &PgType) -> Option<Arc<Mask>> {
    let partial = MaskSpec::Partial { first: 1, last: 2, with: '"' };
    let specs = [
        MaskSpec::Null,
        MaskSpec::Redact,
        partial,
        MaskSpec::Email,
        MaskSpec::Partial { first: 0, last: 1, with: '\\' },
        MaskSpec::Name,
        MaskSpec::Round { to: "10".parse().unwrap() },
        MaskSpec::Date { keep: Keep::Year },
        MaskSpec::Pseudonym { key: None },
    ];
    let spec = random.pick(&specs);
    let mask = spec.compile(spec.kind(), &keyed::keyring()).unwrap();
    (mask.fits_field(ty) && random.below(3) > 0).then(|| Arc::new(mask))
}

#[tokio::test(flavor = "current_thread")]
async fn kernels_give_what_the_server_gives_in_composite_values() {
    let server = Server::start().await;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let row = fill(&server, &mut random).await;
    server.run("SET TimeZone = 'Asia/Shanghai'").await;
    let mut rendering = Rendering::default();
    rendering.set("TimeZone", "Asia/Shanghai");
    let texts = server.texts("SELECT v FROM t ORDER BY i").await;
    let binaries = server.binaries("SELECT v FROM t ORDER BY i").await;
    let (mut with_form, mut changed) = (0, 0);
    for _ in 0..120 {
        let masked: Vec<(i16, Arc<Mask>)> = row.fields.iter().filter_map(|f| Some((f.number, drawn(&mut random, &f.ty)?))).collect();
        let mask = Mask::composite(Arc::clone(&row), &masked);
        let laws = mask.laws(&TYPE).unwrap();
        let form = mask.sql(&TYPE, "t.v");
        assert_eq!(form.is_some(), laws.sql);
        let ours: Vec<_> = texts
            .iter()
            .map(|v| v.as_ref().map(|v| String::from_utf8(apply(&mask, Format::Text, &rendering, v.as_bytes())).unwrap()))
            .collect();
        changed += ours.iter().zip(&texts).filter(|(a, b)| a != b).count();
        let binary: Vec<_> = binaries.iter().map(|v| v.as_ref().map(|v| apply(&mask, Format::Binary, &rendering, v))).collect();
        if let Some(form) = form {
            with_form += 1;
            let query = format!("SELECT {form} FROM t ORDER BY i");
            assert_eq!(server.texts(&query).await, ours, "{masked:?}");
            let theirs = server.binaries(&query).await;
            for ((theirs, ours), value) in theirs.iter().zip(&binary).zip(&texts) {
                assert_eq!(theirs, ours, "{masked:?}: {value:?}");
            }
        }
        // keyed masks, and those of arrays, have no form: what the server reads of ours holds each field's own mask, or the field
        let read = ours.iter().enumerate().map(|(i, v)| format!("({i}, {})", v.as_ref().map_or("NULL".to_owned(), |v| quote(v))));
        let read = format!("(VALUES {}) m (i, m)", read.collect::<Vec<_>>().join(", "));
        let typed = format!("SELECT m::\"Sch\".\"Ad\"\"dress\" AS v FROM {read} ORDER BY i");
        for field in &row.fields {
            let of = format!("(v).\"{}\"", field.name);
            let got = server.texts(&format!("SELECT {of} FROM ({typed}) t")).await;
            let raw = server.texts(&format!("SELECT {of} FROM t ORDER BY i")).await;
            let own = masked.iter().find(|(number, _)| *number == field.number).map(|(_, mask)| mask);
            for (got, raw) in got.iter().zip(raw) {
                let want = raw.and_then(|raw| {
                    let Some(mask) = own else { return Some(raw) };
                    let mut out = Vec::new();
                    match mask.apply(&field.ty, Format::Text, &rendering, raw.as_bytes(), &mut out).unwrap() {
                        Masked::Null => None,
                        Masked::Value => Some(String::from_utf8(out).unwrap()),
                    }
                });
                assert_eq!(*got, want, "{} under {own:?}", field.name);
            }
        }
        let null = |v: &Option<String>| v.as_ref().is_none_or(|v| v.bytes().all(|b| matches!(b, b'(' | b',' | b')')));
        assert!(!laws.always || ours.iter().zip(&texts).all(|(a, b)| null(a) == null(b)), "{masked:?}");
    }
    assert!(with_form > 20 && changed > 10_000, "{with_form} {changed}");
}

/// Values of other fields than the type had stop the row, and nothing of them is there.
#[test]
fn what_is_no_such_value_is_not_masked() {
    let field = |number, name: &str, oid| RowField { number, name: name.into(), ty: PgType::builtin(Oid(oid), -1) };
    let fields = vec![field(1, "a", 25), field(2, "b", 23)];
    let row = Arc::new(RowType { oid: TYPE.oid, name: QualifiedName::new("s", "t"), fields });
    let mask = Mask::composite(row, &[(1, Arc::new(MaskSpec::Redact.compile("", &keyed::keyring()).unwrap()))]);
    for text in
        ["", "(", "()", "(x)", "(x,1", "(x,1,)", "(x,1))", "(x,1) ", "x,1", "(x y,1)", "(\"x,1)", "(\"x\\y\",1)", "(\"x\"y,1)", "((x),1)"]
    {
        let mut out = Vec::new();
        assert!(mask.apply(&TYPE, Format::Text, &Rendering::default(), text.as_bytes(), &mut out).is_err(), "{text}");
        assert_eq!(out, b"");
    }
    assert_eq!(apply(&mask, Format::Text, &Rendering::default(), b"(\"x\"\"\\\\\",1)"), b"(***,1)");
    assert_eq!(apply(&mask, Format::Text, &Rendering::default(), b"(,1)"), b"(,1)");
    let binary = |fields: &[(u32, i32, &[u8])], count: i32| {
        let mut bytes = count.to_be_bytes().to_vec();
        for (oid, length, value) in fields {
            bytes.extend([&oid.to_be_bytes()[..], &length.to_be_bytes()[..], value].concat());
        }
        bytes
    };
    let (x, one) = ((25, 1, &b"x"[..]), (23, 4, &[0, 0, 0, 1][..]));
    assert_eq!(apply(&mask, Format::Binary, &Rendering::default(), &binary(&[x, one], 2)), binary(&[(25, 3, b"***"), one], 2));
    for bytes in [
        binary(&[], 0),
        binary(&[x], 1),
        binary(&[x, one], 3),
        binary(&[x, one, one], 2),
        binary(&[one, x], 2),
        binary(&[(25, -2, b""), one], 2),
        binary(&[(25, 100, b"x"), one], 2),
        b"\0\0".to_vec(),
    ] {
        let mut out = Vec::new();
        assert!(mask.apply(&TYPE, Format::Binary, &Rendering::default(), &bytes, &mut out).is_err(), "{bytes:?}");
        assert_eq!(out, b"");
    }
    let other = |ty: PgType| mask.laws(&ty).is_none();
    assert!(other(PgType { oid: Oid(99_998), ..TYPE }) && other(PgType { domain: true, ..TYPE }));
}
