//! Masks inside documents: what the kernel gives, in text and in binary, is what the server gives for the SQL form; and for a single path
//! what a function says that was written by itself, in the server's own language.

use std::sync::Arc;

use pgscrim::catalog::{Oid, PgType};
use pgscrim::mask::{Format, Mask, MaskSpec, Masked, Rendering, Seen, Step};

use super::keyed;
use super::server::{Server, quote};
use super::values::Random;

const NAMES: [&str; 7] = ["a", "b", "c", "é", "", "say \"hi\"", "back\\slash"];

const NUMBERS: [&str; 9] =
    ["0", "-1", "1.50", "123456789012345678901234567890.123456789", "1e3", "-0.0", "1E-7", "999999999999999999999999", "0.10"];

const TEXTS: [&str; 14] = [
    r#""""#,
    r#""anna@example.com""#,
    r#""4111-1111 1111\/1111""#,
    r#""10.1.2.3""#,
    r#""quote \" slash \\ end""#,
    r#""tab\tline\nreturn\r\b\f""#,
    r#""\u0001\u001f\u007f""#,
    r#""\u5f20\u4e09 \ud83d\ude00""#,
    r#""张三 😀@例.中国""#,
    r#""{\"a\": 1}""#,
    r#""null""#,
    r#""'; DROP TABLE t; --""#,
    r#""\\u0000 \\\\ud83d""#,
    r#""$1 \\1""#,
];

/// What the type json keeps and its functions cannot read.
const UNREADABLE: [&str; 5] = [
    r#"{"a": "\u0000"}"#,
    r#"{"a": "x", "b": "\ud83d"}"#,
    r#"["\ude00"]"#,
    r#"{"a": "\\\ud83d\\ude00"}"#,
    r#"{"a": {"b": "\ud83d\ud83d\ude00"}}"#,
];

/// A document's text. `free`: as the type json keeps it, with blanks, and members of one name.
fn document(random: &mut Random, depth: usize, free: bool) -> String {
    let blank = |random: &mut Random| if free { *random.pick(&["", " ", "\n\t"]) } else { "" };
    let kinds = if depth == 0 { 4 } else { 8 };
    let bare = match random.below(kinds) {
        0 => (*random.pick(&["null", "true", "false"])).to_owned(),
        1 => (*random.pick(&NUMBERS)).to_owned(),
        2 | 3 => (*random.pick(&TEXTS)).to_owned(),
        4 | 5 => {
            let members = (0..random.below(5)).map(|_| {
                let name = random.pick(&NAMES).replace('\\', "\\\\").replace('"', "\\\"");
                let name = if free && random.below(4) == 0 { name.replace('a', "\\u0061") } else { name };
                format!("{}\"{name}\"{}:{}", blank(random), blank(random), document(random, depth - 1, free))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        _ => {
            let elements: Vec<String> = (0..random.below(4)).map(|_| document(random, depth - 1, free)).collect();
            format!("[{}{}]", elements.join(","), blank(random))
        }
    };
    format!("{}{bare}{}", blank(random), blank(random))
}

fn path(random: &mut Random) -> Vec<Step> {
    let steps = 1 + random.below(3);
    (0..steps)
        .map(|_| match random.below(6) {
            0 => Step::AnyMember,
            1 => Step::AnyElement,
            _ => Step::Member((*random.pick(&NAMES)).into()),
        })
        .collect()
}

/// What may stand at a path of a type, with its name for the function.
fn seen(random: &mut Random, jsonb: bool) -> (&'static str, Seen) {
    let partial = MaskSpec::Partial { first: 1, last: 2, with: '"' };
    let specs = [
        ("null", MaskSpec::Null),
        ("redact", MaskSpec::Redact),
        ("email", MaskSpec::Email),
        ("name", MaskSpec::Name),
        ("partial", partial),
        ("card", MaskSpec::Card),
        ("ip", MaskSpec::Ip),
        ("round", MaskSpec::Round { to: "0.25".parse().unwrap() }),
    ];
    match random.below(10) {
        0 => ("clear", Seen::Clear),
        1 => ("absent", Seen::Absent),
        n => {
            let (name, spec) = &specs[(n - 2) % if jsonb { 8 } else { 7 }];
            (name, Seen::Masked(Arc::new(spec.compile(name, &keyed::keyring()).unwrap())))
        }
    }
}

fn apply(mask: &Mask, ty: &PgType, format: Format, value: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    let done = mask.apply(ty, format, &Rendering::default(), value, &mut out);
    assert_eq!(done, Ok(Masked::Value), "{mask:?}: {}", String::from_utf8_lossy(value));
    out.split_off(6)
}

async fn fill(server: &Server, random: &mut Random, name: &str) {
    server.run("DROP TABLE IF EXISTS t").await;
    server.run(&format!("CREATE TEMP TABLE t (i int PRIMARY KEY, v {name})")).await;
    let mut texts: Vec<String> = (0..150).map(|_| document(random, 4, name == "json")).collect();
    if name == "json" {
        texts.extend(UNREADABLE.map(str::to_owned));
    }
    let rows: Vec<String> = texts.iter().enumerate().map(|(i, text)| format!("({i}, {})", quote(text))).collect();
    server.run(&format!("INSERT INTO t VALUES {}, (-1, NULL)", rows.join(", "))).await;
}

#[tokio::test(flavor = "current_thread")]
async fn kernels_give_what_the_server_gives_in_documents() {
    let server = Server::start().await;
    server.run(NAIVE).await;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut single, mut changed) = (0, 0);
    for (name, oid) in [("jsonb", 3802), ("json", 114)] {
        let ty = PgType::builtin(Oid(oid), -1);
        for round in 0..160 {
            if round % 40 == 0 {
                fill(&server, &mut random, name).await;
            }
            let paths: Vec<_> = (0..=random.below(4)).map(|_| (path(&mut random), seen(&mut random, name == "jsonb"))).collect();
            if paths.iter().all(|(_, (what, _))| *what == "clear") {
                continue; // no column has such a mask
            }
            let mask = Mask::document(paths.iter().map(|(path, (_, seen))| (path.clone(), seen.clone())).collect());
            assert!(mask.laws(&ty).unwrap().sql);
            let form = mask.sql(&ty, "t.v").unwrap();
            let raw = (server.texts("SELECT v FROM t ORDER BY i").await, server.binaries("SELECT v FROM t ORDER BY i").await);
            let query = format!("SELECT {form} FROM t ORDER BY i");
            for (value, want) in raw.0.iter().zip(server.texts(&query).await) {
                let got = value.as_ref().map(|v| String::from_utf8(apply(&mask, &ty, Format::Text, v.as_bytes())).unwrap());
                assert_eq!(got, want, "{name} {paths:?}: {value:?}");
                changed += usize::from(got != *value);
            }
            for (value, want) in raw.1.iter().zip(server.binaries(&query).await) {
                assert_eq!(value.as_ref().map(|v| apply(&mask, &ty, Format::Binary, v)), want, "{name} {paths:?}");
            }
            if let ([(path, (what, _))], "jsonb") = (paths.as_slice(), name)
                && matches!(*what, "null" | "redact" | "email" | "absent")
            {
                single += 1;
                let steps = path.iter().map(|step| match step {
                    Step::Member(name) => quote(&format!(".{name}")),
                    Step::AnyMember => "'.*'".to_owned(),
                    Step::AnyElement => "'[*]'".to_owned(),
                });
                let steps = steps.collect::<Vec<_>>().join(", ");
                let naive = server.texts(&format!("SELECT naive(v, ARRAY[{steps}], '{what}') FROM t ORDER BY i")).await;
                assert_eq!(server.texts(&query).await, naive, "{path:?} {what}");
            }
        }
    }
    assert!(single > 4 && changed > 1000, "{single} {changed}");
}

/// Keyed masks have no SQL form; in a document they give what they give for the text by itself.
#[tokio::test(flavor = "current_thread")]
async fn keyed_masks_stand_in_documents() {
    let server = Server::start().await;
    let (jsonb, text) = (PgType::builtin(Oid(3802), -1), PgType::builtin(Oid(25), -1));
    for spec in [MaskSpec::Pseudonym { key: None }, MaskSpec::Fpe { key: None }] {
        let inner = Arc::new(spec.compile(spec.kind(), &keyed::keyring()).unwrap());
        let mask = Mask::document(vec![(vec![Step::Member("a".into())], Seen::Masked(Arc::clone(&inner)))]);
        assert!(!mask.laws(&jsonb).unwrap().sql);
        assert_eq!(mask.sql(&jsonb, "v"), None);
        for value in TEXTS {
            let document =
                server.texts(&format!("SELECT {}::jsonb", quote(&format!("{{\"a\": {value}, \"b\": {value}}}")))).await[0].clone();
            let plain = server.texts(&format!("SELECT {}::jsonb #>> '{{}}'", quote(value))).await[0].clone().unwrap();
            let masked = String::from_utf8(apply(&mask, &jsonb, Format::Text, document.unwrap().as_bytes())).unwrap();
            let there = server.texts(&format!("SELECT {}::jsonb ->> 'a'", quote(&masked))).await[0].clone().unwrap();
            assert_eq!(there.as_bytes(), apply(&inner, &text, Format::Text, plain.as_bytes()), "{value}");
            let kept = server.texts(&format!("SELECT {}::jsonb ->> 'b'", quote(&masked))).await[0].clone();
            assert_eq!(kept.as_deref(), Some(&*plain));
        }
    }
}

/// A document's bytes that are none stop the row.
#[test]
fn what_is_no_document_is_not_masked() {
    let mask = Mask::document(vec![(vec![Step::Member("a".into())], Seen::Absent)]);
    let ty = PgType::builtin(Oid(3802), -1);
    for text in [
        "",
        "{",
        "{\"a\"",
        "{\"a\": ",
        "{\"a\": 1",
        "{\"a\": 1}}",
        "[1,",
        "{\"a\": \"x}",
        "{a: 1}",
        "nul\u{0}",
        "{\"\\ud800\": 1}",
        "{\"b\": 1,}",
    ] {
        let mut out = Vec::new();
        assert!(mask.apply(&ty, Format::Text, &Rendering::default(), text.as_bytes(), &mut out).is_err(), "{text}");
        assert_eq!(out, b"");
    }
    let mut out = Vec::new();
    assert!(mask.apply(&ty, Format::Binary, &Rendering::default(), b"\x02{}", &mut out).is_err());
    let deep = format!("{{\"b\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    mask.apply(&ty, Format::Text, &Rendering::default(), deep.as_bytes(), &mut out).unwrap();
    assert_eq!(out, deep.as_bytes());
}

/// ADR 0029 once more.
const NAIVE: &str = "
CREATE FUNCTION leaf(v jsonb, what text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE t text := v #>> '{}';
BEGIN
    IF v = 'null' OR what = 'null' OR what = 'absent' THEN RETURN 'null'; END IF;
    CASE jsonb_typeof(v)
        WHEN 'string' THEN
            IF what = 'email' AND strpos(t, '@') > 0 THEN
                RETURN to_jsonb(substr(regexp_replace(t, '@[^@]*$', ''), 1, 1) || '***' || substring(t FROM '@[^@]*$'));
            END IF;
            RETURN '\"***\"';
        WHEN 'number' THEN RETURN '0';
        WHEN 'boolean' THEN RETURN 'false';
        WHEN 'object' THEN RETURN '{}';
        ELSE RETURN '[]';
    END CASE;
END $$;
CREATE FUNCTION naive(v jsonb, steps text[], what text, levels int DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    rest text[] := steps; deep int := 0; e jsonb; k text; made jsonb; ends boolean;
BEGIN
    IF v IS NULL THEN RETURN NULL; END IF;
    WHILE rest[1] = '[*]' LOOP rest := rest[2:]; deep := deep + 1; END LOOP;
    ends := cardinality(rest) = 0;
    IF NOT ends THEN deep := deep + 1; END IF;
    levels := COALESCE(levels, CASE WHEN ends AND what = 'absent' THEN 0 ELSE deep END);
    IF jsonb_typeof(v) = 'array' AND levels > 0 THEN
        made := '[]';
        FOR e IN SELECT x FROM jsonb_array_elements(v) x LOOP made := made || jsonb_build_array(naive(e, steps, what, levels - 1)); END LOOP;
        RETURN made;
    END IF;
    IF ends THEN RETURN leaf(v, what); END IF;
    IF jsonb_typeof(v) = 'array' THEN RETURN '[]'; END IF;
    IF jsonb_typeof(v) <> 'object' THEN RETURN v; END IF;
    made := '{}';
    FOR k, e IN SELECT * FROM jsonb_each(v) LOOP
        IF rest[1] <> '.*' AND rest[1] <> '.' || k THEN made := made || jsonb_build_object(k, e);
        ELSIF what <> 'absent' OR rest[2:] <> array_fill('[*]'::text, ARRAY[cardinality(rest) - 1]) THEN
            made := made || jsonb_build_object(k, naive(e, rest[2:], what));
        END IF;
    END LOOP;
    RETURN made;
END $$;";
