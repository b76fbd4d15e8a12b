//! What each mask costs on one core: nanoseconds a value, and megabytes of values a second, by type and format.
//!
//! Run it with `cargo bench --bench masks`; `cargo bench --bench masks -- fpe` times only lines that hold the word, and
//! `cargo bench --bench masks -- --json` prints one JSON object a line. Each line is the best of several short runs, since a
//! machine that does other things only ever makes it slower.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use pgscrim::base::Secret;
use pgscrim::catalog::{Oid, PgType};
use pgscrim::mask::{FakeKind, Format, Keep, Keyring, Locale, Mask, MaskSpec, Rendering};

/// Values that a mask goes through in turn.
const VALUES: usize = 256;
const RUNS: usize = 7;
const RUN: Duration = Duration::from_millis(30);

struct Line {
    mask: &'static str,
    spec: MaskSpec,
    column: &'static str,
    ty: PgType,
    format: Format,
    values: Vec<Vec<u8>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let json = arguments.iter().any(|a| a == "--json");
    let words: Vec<&String> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    let keys = Keyring::new("k", [("k".to_owned(), Secret::new(vec![7; 32]))]).unwrap();
    if !json {
        println!("{:<18} {:<16} {:<7} {:>9} {:>9}", "mask", "type", "format", "ns/value", "MB/s");
    }
    for line in lines() {
        let format = if line.format == Format::Text { "text" } else { "binary" };
        let name = format!("{} {} {format}", line.mask, line.column);
        if !words.is_empty() && !words.iter().any(|w| name.contains(w.as_str())) {
            continue;
        }
        let mask = line.spec.compile(line.mask, &keys).unwrap();
        let nanoseconds = time(&mask, &line);
        let bytes: usize = line.values.iter().map(Vec::len).sum();
        let rate = float(bytes) / float(line.values.len()) * 1000.0 / nanoseconds;
        if json {
            println!(
                "{{\"mask\":\"{}\",\"type\":\"{}\",\"format\":\"{format}\",\"ns_per_value\":{nanoseconds:.1},\"mb_per_second\":{rate:.1}}}",
                line.mask, line.column
            );
        } else {
            println!("{:<18} {:<16} {format:<7} {nanoseconds:>9.1} {rate:>9.1}", line.mask, line.column);
        }
    }
}

fn float(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap())
}

/// Nanoseconds for a value, in the best of the runs.
fn time(mask: &Mask, line: &Line) -> f64 {
    let rendering = Rendering::default();
    let mut out = Vec::with_capacity(1 << 20);
    let mut pass = || {
        out.clear();
        for value in &line.values {
            mask.apply(&line.ty, line.format, &rendering, black_box(value), &mut out).unwrap();
        }
        black_box(&out);
    };
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let (mut passes, start) = (0, now());
        while start.elapsed() < RUN {
            pass();
            passes += 1;
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / float(passes * line.values.len()));
    }
    best
}

#[expect(clippy::disallowed_methods, reason = "a benchmark has a clock")]
fn now() -> Instant {
    Instant::now()
}

/// Values numbered from 0, as texts.
fn texts(value: impl Fn(u32) -> String) -> Vec<Vec<u8>> {
    (0..u32::try_from(VALUES).unwrap()).map(|i| value(i.wrapping_mul(2_654_435_761)).into_bytes()).collect()
}

fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |mask, spec: MaskSpec, column, ty: PgType, format, values| {
        lines.push(Line { mask, spec, column, ty, format, values });
    };
    let text = PgType::builtin(Oid(25), -1);
    let (email, name) =
        (texts(|i| format!("person.{i}@example.com")), texts(|i| ["张三丰", "Alice Baker", "李四"][(i >> 8) as usize % 3].to_owned()));
    let (card, phone) =
        (texts(|i| format!("4111 {:04} {:04} {:04}", i % 9973, i % 9857, i % 9739)), texts(|i| format!("138{:08}", i % 100_000_000)));
    let address = texts(|i| format!("10.{}.{}.{}", i >> 8 & 255, i >> 16 & 255, i >> 24));
    let identity = texts(|i| format!("1101011990{:07}X", i % 10_000_000));
    let plain = [
        ("null", MaskSpec::Null, &email),
        ("redact", MaskSpec::Redact, &email),
        ("partial", MaskSpec::Partial { first: 3, last: 4, with: '*' }, &phone),
        ("partial chinese", MaskSpec::Partial { first: 1, last: 0, with: '*' }, &name),
        ("email", MaskSpec::Email, &email),
        ("name", MaskSpec::Name, &name),
        ("card", MaskSpec::Card, &card),
        ("ip", MaskSpec::Ip, &address),
        ("pseudonym", MaskSpec::Pseudonym { key: None }, &email),
        ("fpe phone", MaskSpec::Fpe { key: None }, &phone),
        ("fpe card", MaskSpec::Fpe { key: None }, &card),
        ("fpe mixed", MaskSpec::Fpe { key: None }, &identity),
    ];
    for (mask, spec, values) in plain {
        add(mask, spec, "text", text, Format::Text, values.clone());
    }
    for (mask, kind, locale) in [
        ("fake name zh", FakeKind::Name, Locale::Zh),
        ("fake name en", FakeKind::Name, Locale::En),
        ("fake address zh", FakeKind::Address, Locale::Zh),
        ("fake address en", FakeKind::Address, Locale::En),
        ("fake phone en", FakeKind::Phone, Locale::En),
        ("fake company zh", FakeKind::Company, Locale::Zh),
    ] {
        add(mask, MaskSpec::Fake { kind, locale, key: None }, "text", text, Format::Text, name.clone());
    }
    let inet: Vec<Vec<u8>> = (0..=255).map(|i| vec![2, 32, 0, 4, 10, 1, i, 77]).collect();
    add("ip", MaskSpec::Ip, "inet", PgType::builtin(Oid(869), -1), Format::Text, address);
    add("ip", MaskSpec::Ip, "inet", PgType::builtin(Oid(869), -1), Format::Binary, inet);
    let month = MaskSpec::Date { keep: Keep::Month };
    let date = texts(|i| format!("{:04}-{:02}-{:02}", 1950 + i % 80, 1 + i % 12, 1 + i % 28));
    let moment: Vec<Vec<u8>> = date.iter().map(|d| [d, &b" 12:34:56.789+00"[..]].concat()).collect();
    let of = |n: u32| -> Vec<Vec<u8>> { (0..n).map(|i| i64::from(i).wrapping_mul(86_400_123_456).to_be_bytes().to_vec()).collect() };
    add("date", month.clone(), "date", PgType::builtin(Oid(1082), -1), Format::Text, date);
    add(
        "date",
        month.clone(),
        "date",
        PgType::builtin(Oid(1082), -1),
        Format::Binary,
        (0..256).map(|i: i32| (i * 77).to_be_bytes().to_vec()).collect(),
    );
    add("date", month.clone(), "timestamptz", PgType::builtin(Oid(1184), -1), Format::Text, moment);
    add("date", month, "timestamptz", PgType::builtin(Oid(1184), -1), Format::Binary, of(256));
    numbers(&mut add);
    let uuid = texts(|i| format!("{i:08x}-9c0b-4ef8-bb6d-6bb9bd380a11"));
    add("pseudonym", MaskSpec::Pseudonym { key: None }, "uuid", PgType::builtin(Oid(2950), -1), Format::Text, uuid);
    let array = texts(|i| format!("{{a{i}@example.com,NULL,\"b c@example.com\"}}"));
    add("email", MaskSpec::Email, "text[]", PgType::array(Oid(1009), Oid(25), -1), Format::Text, array);
    lines
}

fn numbers(add: &mut impl FnMut(&'static str, MaskSpec, &'static str, PgType, Format, Vec<Vec<u8>>)) {
    let round = MaskSpec::Round { to: "1000".parse().unwrap() };
    let pseudonym = MaskSpec::Pseudonym { key: None };
    let (int4, int8) = (PgType::builtin(Oid(23), -1), PgType::builtin(Oid(20), -1));
    let (numeric, float8) = (PgType::builtin(Oid(1700), -1), PgType::builtin(Oid(701), -1));
    let binary8 = |f: fn(u32) -> [u8; 8]| -> Vec<Vec<u8>> { (0..256).map(|i| f(i).to_vec()).collect() };
    for (mask, spec) in [("round", round.clone()), ("pseudonym", pseudonym)] {
        add(mask, spec.clone(), "int4", int4, Format::Text, texts(|i| (i >> 1).to_string()));
        add(mask, spec.clone(), "int4", int4, Format::Binary, (0..256_i32).map(|i| (i * 7919).to_be_bytes().to_vec()).collect());
        add(mask, spec.clone(), "int8", int8, Format::Text, texts(|i| (u64::from(i) << 20).to_string()));
        add(mask, spec, "int8", int8, Format::Binary, binary8(|i| (i64::from(i) << 33).to_be_bytes()));
    }
    add("round", round.clone(), "numeric", numeric, Format::Text, texts(|i| format!("{}.{:02}", i >> 8, i % 100)));
    let grouped = |i: u16| [0, 3, 0, 1, 0, 0, 0, 2].into_iter().chain([i, i * 31, 5600].iter().flat_map(|g| g.to_be_bytes())).collect();
    add("round", round.clone(), "numeric", numeric, Format::Binary, (1..=255).map(grouped).collect());
    add("round", round.clone(), "float8", float8, Format::Text, texts(|i| format!("{}.5", i >> 8)));
    add("round", round, "float8", float8, Format::Binary, binary8(|i| (f64::from(i) * 1234.5).to_be_bytes()));
}
