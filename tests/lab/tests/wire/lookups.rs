//! `reveal: [lookup]`: what may be compared with a looked-up column is counted, arrays by their elements, wherever they come from.

use crate::fixture::Fixture;
use crate::raw::{Message, Raw, code, execute, frame, parse, query, strings, sync};

const FIND: &str = "SELECT id FROM person WHERE email = ANY($1) ORDER BY id";

/// `text[]` as PostgreSQL sends it.
fn binary(values: &[String]) -> Vec<u8> {
    let mut out: Vec<u8> = [1, 0, 25, i32::try_from(values.len()).unwrap(), 1].iter().flat_map(|n: &i32| n.to_be_bytes()).collect();
    for value in values {
        out.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
        out.extend(value.as_bytes());
    }
    out
}

fn text(values: &[String]) -> Vec<u8> {
    format!("{{{}}}", values.join(",")).into_bytes()
}

/// A Bind of the nameless portal.
fn bind(statement: &str, format: u16, values: &[&[u8]]) -> Vec<u8> {
    let mut body = [strings(&["", statement]), vec![0, 1], format.to_be_bytes().to_vec()].concat();
    body.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
    for value in values {
        body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(*value);
    }
    frame(b'B', &[body, vec![0, 0]].concat())
}

fn run(raw: &mut Raw, sql: &str, format: u16, values: &[&[u8]]) -> Vec<Message> {
    raw.send(&[parse("", sql), bind("", format, values), execute("", 0), sync()].concat());
    raw.until_ready()
}

fn tags(heard: &[Message]) -> String {
    heard.iter().map(|m| m.tag as char).collect()
}

/// The mails of persons from 1 on.
fn mails(n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("canary{i}@example.com")).collect()
}

#[test]
fn an_array_is_counted_by_its_elements_at_bind() {
    let mut fixture = Fixture::start("");
    let mut finder = fixture.proxied("finder");
    for (format, write) in [(0, text as fn(&[String]) -> Vec<u8>), (1, binary)] {
        let heard = run(&mut finder, FIND, format, &[&write(&mails(100))]);
        assert_eq!(tags(&heard), format!("12{}CZ", "D".repeat(100)), "{heard:?}");
        let heard = run(&mut finder, FIND, format, &[&write(&mails(101))]);
        assert_eq!((tags(&heard).as_str(), code(&heard).as_str()), ("1EZ", "53400"), "{heard:?}");
    }
    let heard = run(&mut finder, FIND, 0, &[b"{}"]);
    assert_eq!(tags(&heard), "12CZ");
    // all that a statement compares is counted together, whatever is compared how often
    let twice = "SELECT id FROM person WHERE email = ANY($1) AND email = ANY($1)";
    assert_eq!(code(&run(&mut finder, twice, 0, &[&text(&mails(50))])), "");
    assert_eq!(code(&run(&mut finder, twice, 0, &[&text(&mails(51))])), "53400");
    let both = "SELECT id FROM person WHERE email = ANY($1) AND email IN ('x', $2)";
    assert_eq!(code(&run(&mut finder, both, 0, &[&text(&mails(98)), b"x"])), "");
    assert_eq!(code(&run(&mut finder, both, 0, &[&text(&mails(99)), b"x"])), "53400");
    // a refused Bind is an error like any other: what follows is skipped, the transaction fails
    assert_eq!(code(&finder.run("BEGIN")), "");
    let heard = run(&mut finder, FIND, 0, &[&text(&mails(101))]);
    assert_eq!(heard.last().unwrap().body, b"E");
    finder.run("ROLLBACK");
    let audit = fixture.lab.audit().unwrap();
    assert_eq!(audit.lines().filter(|l| l.contains("\"sqlstate\":\"53400\"") && l.contains("\"decision\":\"refused\"")).count(), 5);
}

/// EXECUTE gives parameters that no Bind carries.
#[test]
fn what_is_counted_at_bind_runs_by_bind_alone() {
    let fixture = Fixture::start("");
    let mut finder = fixture.proxied("finder");
    finder.send(&[parse("f", FIND), sync()].concat());
    assert_eq!(code(&finder.until_ready()), "");
    let all = String::from_utf8(text(&mails(1000))).unwrap();
    assert_eq!(code(&finder.run(&format!("EXECUTE f('{all}')"))), "0A000");
    finder.send(&[parse("", &format!("EXECUTE f('{all}')")), bind("", 0, &[]), execute("", 0), sync()].concat());
    assert_eq!(code(&finder.until_ready()), "0A000");
    assert_eq!(code(&finder.run(&format!("PREPARE p(text[]) AS {FIND}"))), "0A000");
    // in one go, while nothing of it is answered
    finder.send(&[parse("g", FIND), query(&format!("EXECUTE g('{all}')")), sync()].concat());
    let heard = [finder.until_ready(), finder.until_ready()].concat();
    assert!(!tags(&heard).contains('D'), "{heard:?}");
    finder.send(&[bind("f", 0, &[&text(&mails(3))]), execute("", 0), sync()].concat());
    assert_eq!(tags(&finder.until_ready()), "2DDDCZ");
}
