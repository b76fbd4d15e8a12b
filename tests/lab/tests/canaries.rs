//! The detector finds a canary in every form that PostgreSQL can give it, and nothing where there is none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

use std::sync::Arc;

use lab::canary::{Canaries, Canary};
use lab::tap::Tap;
use lab::wire::Client;

const TEXT: &str = "Zq7XkWv2mB";
const QUOTED: &str = "Qx'9\"K&\\7Ww";

fn canaries() -> Canaries {
    Canaries::new([
        Canary::Text(TEXT.into()),
        Canary::Text(QUOTED.into()),
        Canary::Number(739_184_625, 0),
        Canary::Number(7_391_846_257_381, 4),
        Canary::Date(-22_939),
        Canary::Moment(1_000_123_456_000_000),
        Canary::Uuid(*b"\xc1\x7e\x55\x0a\x91\x3b\x4d\x2f\x8e\x6a\x70\x15\xd9\x24\xbb\x3c"),
        Canary::Address(vec![203, 97, 188, 241]),
        Canary::Bytes(vec![0x9e, 0x01, 0xd7, 0x44, 0xf3, 0x08, 0xba, 0x62]),
    ])
}

/// Statements that give a canary away, one a line, asked for as text and in binary; `~` opens what only a simple query gives away.
const PLANTED: &str = r#"
SELECT 'Zq7XkWv2mB'
SELECT 'x' || lower('Zq7XkWv2mB') || 'y'
SELECT upper('Zq7XkWv2mB')
SELECT reverse('Zq7XkWv2mB')
SELECT encode('Zq7XkWv2mB', 'hex')
SELECT upper(encode('Zq7XkWv2mB', 'hex'))
SELECT 'Zq7XkWv2mB'::bytea
SELECT encode('Zq7XkWv2mB', 'base64')
SELECT encode('aZq7XkWv2mBb', 'base64')
SELECT encode('abZq7XkWv2mBb', 'base64')
SELECT encode('abcZq7XkWv2mBb', 'base64')
SELECT encode(string_agg(decode('00' || lpad(to_hex(ascii(c)), 2, '0'), 'hex'), ''), 'escape') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT string_agg(decode('00' || lpad(to_hex(ascii(c)), 2, '0'), 'hex'), '') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT string_agg(decode(lpad(to_hex(ascii(c)), 2, '0') || '00', 'hex'), '') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT encode(string_agg(decode('00' || lpad(to_hex(ascii(c)), 2, '0'), 'hex'), ''), 'hex') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT string_agg('\' || lpad(to_hex(ascii(c)), 4, '0'), '') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT string_agg('\u' || lpad(to_hex(ascii(c)), 4, '0'), '') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT string_agg('&#' || ascii(c) || ';', '') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT string_agg('&#x' || to_hex(ascii(c)) || ';', '') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT string_agg('%' || to_hex(ascii(c)), '') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT string_agg('\' || c, '') FROM (SELECT lpad(to_char(ascii(c) / 64, 'FM9') || to_char(ascii(c) / 8 % 8, 'FM9') || to_char(ascii(c) % 8, 'FM9'), 3, '0') AS c FROM string_to_table('Zq7XkWv2mB', NULL) AS c) AS s
SELECT c FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT ascii(c) FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT ascii(c)::bigint FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT 1 AS n, c FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT 'Zq7', 'XkW', 'v2mB'
SELECT string_to_array('Zq7XkWv2mB', NULL)
SELECT string_agg(ascii(c)::text, ',') FROM string_to_table('Zq7XkWv2mB', NULL) AS c
SELECT json_build_object('a', 'Zq7XkWv2mB')
SELECT to_jsonb('Zq7XkWv2mB'::text)
SELECT xmlelement(name a, 'Zq7XkWv2mB')
SELECT ROW(1, 'Zq7XkWv2mB')
SELECT 'Zq7XkWv2mB'::text::int
SELECT repeat('1', 70000) || 'Zq7XkWv2mB'
COPY (SELECT 'Zq7XkWv2mB') TO STDOUT
COPY (SELECT c FROM string_to_table('Zq7XkWv2mB', NULL) AS c) TO STDOUT (FORMAT csv)
DO $$ BEGIN RAISE NOTICE 'Zq7XkWv2mB'; END $$
~ SET application_name = 'Zq7XkWv2mB'
~ SELECT 1 AS "Zq7XkWv2mB"
SELECT xmlelement(name a, $q$Qx'9"K&\7Ww$q$)
SELECT ROW($q$Qx'9"K&\7Ww$q$)
SELECT $q$Qx'9"K&\7Ww$q$
SELECT quote_literal($q$Qx'9"K&\7Ww$q$)
SELECT json_build_array($q$Qx'9"K&\7Ww$q$)
SELECT quote_ident($q$Qx'9"K&\7Ww$q$)
SELECT 739184625
SELECT 739184625::bigint
SELECT 739184625::float8
SELECT 739184625::float4::float8::bigint - 15
SELECT 739184625::numeric
SELECT 739184625.0000
SELECT to_hex(739184625)
SELECT to_char(739184625, 'FM999,999,999')
SELECT 739184625::bit(32)
SELECT ARRAY[1, 739184625]
SELECT '[1,739184625)'::int4range
SELECT 739184625::text
SELECT reverse(739184625::text)
SELECT 739184625.7381
SELECT -739184625.7381::float8
SELECT 739184625.7381::numeric(20,4)
SELECT date '1907-03-14'
SELECT to_char(date '1907-03-14', 'DD.MM.YYYY')
SELECT to_char(date '1907-03-14', 'MM/DD/YYYY')
SELECT to_char(date '1907-03-14', 'YYYYMMDD')
SELECT timestamptz '2001-09-10 12:04:16+00'
SELECT timestamp '2001-09-10 12:04:16'
SELECT extract(epoch FROM timestamptz '2001-09-10 12:04:16+00')
SELECT uuid 'c17e550a-913b-4d2f-8e6a-7015d924bb3c'
SELECT replace('c17e550a-913b-4d2f-8e6a-7015d924bb3c', '-', '')
SELECT inet '203.97.188.241'
SELECT host(inet '203.97.188.241/24')
SELECT '\x9e01d744f308ba62'::bytea
SELECT encode('\x9e01d744f308ba62'::bytea, 'base64')
SELECT encode('\x9e01d744f308ba62'::bytea, 'escape')
"#;

/// What gives nothing away, though parts of it are in there.
const CLEAN: [&str; 8] = [
    "SELECT 'Zq7XkWv2m'",
    "SELECT 'Zq7Xk', 'Wv2'",
    "SELECT 73918462, 73918::bigint",
    "SELECT date '1907-03-01'",
    "SELECT generate_series(1, 5000)",
    "SELECT random(), random()::numeric, clock_timestamp() FROM generate_series(1, 2000)",
    "SELECT typname, typlen, oid FROM pg_type",
    "SELECT proname, prosrc FROM pg_proc",
];

#[test]
fn planted_leaks_are_found() {
    let cluster = lab::cluster(&lab::Setup::default()).unwrap();
    let tap = Tap::start(cluster.port(), Arc::new(canaries()), &["open"]).unwrap();
    let mut client = Client::connect(tap.port(), "postgres", "postgres").unwrap();
    let mut missed = Vec::new();
    for line in PLANTED.lines().filter(|l| !l.is_empty()) {
        let (line, only_simple) = line.strip_prefix("~ ").map_or((line, false), |line| (line, true));
        client.query(line).unwrap();
        if tap.leaks().is_empty() {
            missed.push(format!("text: {line}"));
        }
        if only_simple {
            continue;
        }
        client.extended(line, 0).unwrap();
        if tap.leaks().is_empty() {
            missed.push(format!("extended: {line}"));
        }
        client.extended(line, 1).unwrap();
        if tap.leaks().is_empty() {
            missed.push(format!("binary: {line}"));
        }
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
    for text in CLEAN {
        for format in [0, 1] {
            client.extended(text, format).unwrap();
            assert_eq!(tap.leaks(), [], "{text}");
        }
    }
}

#[test]
fn a_canary_cut_anywhere_is_found() {
    let canaries = Arc::new(canaries());
    let frame = |value: &[u8]| {
        let length = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
        [b"D", &length(value.len() + 10)[..], &[0, 1], &length(value.len()), value].concat()
    };
    let stream = [frame(b"harmless"), frame(TEXT.as_bytes()), frame(b"x")].concat();
    for cut in 0..stream.len() {
        let mut watch = lab::canary::Watch::new(Arc::clone(&canaries));
        watch.feed(&stream[..cut]);
        watch.feed(&stream[cut..]);
        assert!(!watch.take().is_empty(), "cut at {cut}");
    }
}
