//! What a record says, and that nothing done to a log stays unseen.

use proptest::prelude::*;

use super::*;
use crate::plan::{Action, ColumnUse, Decision, Described};

const KEYS: [&str; 23] = [
    "seq",
    "time",
    "kind",
    "session",
    "user",
    "roles",
    "purpose",
    "end_user",
    "application",
    "client",
    "database",
    "statement",
    "fingerprint",
    "relations",
    "columns",
    "decision",
    "reason",
    "rows",
    "bytes",
    "duration_us",
    "sqlstate",
    "policy",
    "prev",
];

fn time() -> jiff::Timestamp {
    "2026-11-23T09:15:02.114512Z".parse().unwrap()
}

fn who() -> WhoPart {
    WhoPart::from(&Who {
        session: Some(session_id(1, [7; 10]).into()),
        user: Some("alice".into()),
        roles: vec!["support".into()],
        application: Some("ps\"ql\n\u{1}\u{7f}\\é".into()),
        client: Some(Who::address("127.0.0.1:53210".parse().ok())),
        database: Some("shop".into()),
        ..Who::default()
    })
}

fn statement() -> Record {
    let described = Described { text: "SELECT email FROM users WHERE id = $1".into(), fingerprint: "9f2c".into() };
    let decision = Decision {
        relations: Some(vec![crate::base::QualifiedName::new("public", "users")]),
        columns: vec![ColumnUse {
            column: "public.users.email".into(),
            class: None,
            usage: "output",
            action: Action::Mask,
            mask: Some("email".into()),
            role: None,
            reveal: crate::plan::Reveal::default(),
        }],
        scrub: true,
    };
    let ended = Ended {
        described: &described,
        touched: Some(&decision),
        decision: "masked",
        reason: None,
        moved: Some((1, 34)),
        duration: 812,
        sqlstate: None,
    };
    Record::statement(time(), &who(), ended, Some("sha256:ab"))
}

fn log(records: usize) -> Vec<Vec<u8>> {
    let mut chain = Chain::default();
    (0..records)
        .map(|i| {
            let mut line = Vec::new();
            let record = if i % 3 == 0 { Record::event(Kind::Connect, time(), &who(), None, None, None) } else { statement() };
            chain.append(record.body(), &mut line);
            line
        })
        .collect()
}

fn verify(lines: &[Vec<u8>], expected: Vec<Expected>) -> Result<u64, Broken> {
    let mut verifier = Verifier::new(expected);
    for line in lines.concat().split_inclusive(|b| *b == b'\n') {
        verifier.line(line)?;
    }
    Ok(verifier.finish()?.map_or(0, |(_, _, count)| count))
}

fn head(lines: &[Vec<u8>]) -> Vec<Expected> {
    let last = Line::read(lines.last().unwrap().strip_suffix(b"\n").unwrap()).unwrap();
    vec![Chain { seq: last.seq, hash: last.hash }]
}

#[test]
fn a_record_has_every_key_in_order() {
    for line in log(3) {
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, [&KEYS[..], &["hash"]].concat());
        assert_eq!(value["time"], "2026-11-23T09:15:02.114512Z");
        assert_eq!(value["application"], "ps\"ql\n\u{1}\u{7f}\\é");
    }
    let value: serde_json::Value = serde_json::from_slice(&log(2)[1]).unwrap();
    assert_eq!((&value["rows"], &value["seq"], &value["sqlstate"]), (&1.into(), &2.into(), &serde_json::Value::Null));
    assert_eq!(value["columns"][0]["mask"], "email");
}

#[test]
fn a_name_is_cut_by_characters_and_a_text_by_bytes() {
    let part = WhoPart::from(&Who { application: Some("é".repeat(300).into()), ..Who::default() });
    let mut line = Vec::new();
    Chain::default().append(Record::event(Kind::Connect, time(), &part, None, None, None).body(), &mut line);
    let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(value["application"].as_str().unwrap().chars().count(), 256);

    let described = Described { text: "é".repeat(10_000).into(), fingerprint: "f".into() };
    let ended = Ended {
        described: &described,
        touched: None,
        decision: "refused",
        reason: None,
        moved: None,
        duration: 0,
        sqlstate: Some(*b"42501"),
    };
    let mut line = Vec::new();
    Chain::default().append(Record::statement(time(), &part, ended, None).body(), &mut line);
    let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
    assert!(value["statement"].as_str().unwrap().ends_with("é… (20000 bytes)"));
    assert_eq!((&value["relations"], &value["rows"], &value["sqlstate"]), (&().into(), &().into(), &"42501".into()));
}

#[test]
fn a_session_is_named_by_time_then_chance() {
    assert_eq!(session_id(0, [0; 10]), "0".repeat(26));
    assert_eq!(session_id(0xffff_ffff_ffff, [0xff; 10]), format!("7{}", "Z".repeat(25)));
    assert!(session_id(1, [0xff; 10]) < session_id(2, [0; 10]));
}

#[test]
fn a_head_is_read_as_it_is_written() {
    let chain = head(&log(4))[0];
    assert_eq!(Chain::read_head(&chain.head()), Some(chain));
    assert_eq!(Chain::read_head(&format!("4:{}", hex::encode(chain.hash.0))), Some(chain));
    assert_eq!(chain.head().len(), Chain::default().head().len());
    assert_eq!(Chain::read_head("4:zz"), None);
}

#[test]
fn a_whole_log_is_whole_from_any_file_on() {
    let lines = log(9);
    assert_eq!(verify(&lines, head(&lines)), Ok(9));
    assert_eq!(verify(&lines[4..], head(&lines)), Ok(5));
    assert_eq!(verify(&lines, head(&lines[..5])), Ok(9));
    assert_eq!(verify(&lines[6..], head(&lines[..5])), Err(Broken { line: 3, reason: Reason::Absent { known: 5 } }));
    assert_eq!(verify(&[], Vec::new()), Ok(0));
}

#[test]
fn a_missing_moved_repeated_or_cut_record_is_found() {
    let lines = log(6);
    let missing = [&lines[..2], &lines[3..]].concat();
    assert_eq!(verify(&missing, vec![]), Err(Broken { line: 3, reason: Reason::Order { expected: 3, found: 4 } }));
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    assert_eq!(verify(&swapped, vec![]), Err(Broken { line: 2, reason: Reason::Order { expected: 2, found: 3 } }));
    let repeated = [&lines[..2], &lines[1..]].concat();
    assert_eq!(verify(&repeated, vec![]), Err(Broken { line: 3, reason: Reason::Order { expected: 3, found: 2 } }));
    assert_eq!(verify(&lines[..4], head(&lines)), Err(Broken { line: 4, reason: Reason::Short { last: 4, known: 6 } }));
    assert_eq!(verify(&[], head(&lines)), Err(Broken { line: 0, reason: Reason::Short { last: 0, known: 6 } }));
    let mut torn = lines.clone();
    torn[5].truncate(40);
    assert_eq!(verify(&torn, vec![]), Err(Broken { line: 6, reason: Reason::Torn }));
}

#[test]
fn a_chain_that_was_forged_anew_is_found_by_what_is_known_of_it() {
    let lines = log(6);
    let mut forged = lines[..3].to_vec();
    let mut chain = head(&forged)[0];
    for _ in 3..6 {
        let mut line = Vec::new();
        chain.append(Record::event(Kind::Stop, time(), &who(), None, None, None).body(), &mut line);
        forged.push(line);
    }
    assert_eq!(verify(&forged, vec![]), Ok(6));
    assert_eq!(verify(&forged, head(&lines)), Err(Broken { line: 6, reason: Reason::Expected }));
    let other = [forged[..5].to_vec(), lines[5..].to_vec()].concat();
    assert_eq!(verify(&other, vec![]), Err(Broken { line: 6, reason: Reason::Link }));
}

#[test]
fn every_flipped_bit_is_found() {
    let lines = log(3);
    let whole = lines.concat();
    let known = head(&lines);
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert!(verify(&[bytes], known.clone()).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn records_are_found_by_what_they_say() {
    let line = log(2).remove(1);
    let some = |s: &str| Some(s.to_owned());
    assert!(Query::default().matches(&line));
    assert!(Query { user: some("alice"), table: some("users"), decision: some("masked"), ..Query::default() }.matches(&line));
    assert!(Query { table: some("public.users"), kind: some("statement"), ..Query::default() }.matches(&line));
    for no in [
        Query { user: some("bob"), ..Query::default() },
        Query { table: some("user"), ..Query::default() },
        Query { class: some("personal"), ..Query::default() },
        Query { decision: some("refused"), ..Query::default() },
        Query { since: "2026-11-24T00:00:00Z".parse().ok(), ..Query::default() },
        Query { until: "2026-11-23T09:15:02Z".parse().ok(), ..Query::default() },
    ] {
        assert!(!no.matches(&line), "{no:?}");
    }
    assert!(
        Query { since: "2026-11-23T09:15:02Z".parse().ok(), until: "2026-11-24T00:00:00Z".parse().ok(), ..Query::default() }.matches(&line)
    );
    assert!(!Query::default().matches(b"{"));
}

proptest! {
    #[test]
    fn any_name_is_a_json_string(name in "\\PC*|[\\x00-\\x7f]*") {
        let part = WhoPart::from(&Who { user: Some(name.as_str().into()), ..Who::default() });
        let mut line = Vec::new();
        Chain::default().append(Record::event(Kind::AuthFailed, time(), &part, None, None, None).body(), &mut line);
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        prop_assert_eq!(value["user"].as_str().unwrap(), name.chars().take(256).collect::<String>());
    }

    #[test]
    fn no_bytes_are_mistaken_or_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Line::read(&bytes).is_err());
        let _ = Query::default().matches(&bytes);
    }
}

proptest! {
    /// The oracle is jiff's own printing.
    #[test]
    fn a_moment_is_printed_as_jiff_prints_it(micros in -60_000_000_000_000_000_i64..250_000_000_000_000_000, nanos in 0..1000_i128) {
        let time = jiff::Timestamp::from_nanosecond(i128::from(micros) * 1000 + nanos).unwrap();
        let record = Record::event(Kind::Stop, time, &WhoPart::default(), None, None, None);
        let cut = jiff::Timestamp::from_microsecond(time.as_microsecond()).unwrap();
        let wanted = format!("\"time\":\"{cut:.6}\",");
        prop_assert!(record.body().starts_with(wanted.as_bytes()), "{}", wanted);
    }
}
