//! `EXPLAIN EXECUTE` of a governed login: the plan of a name is shown where EXPLAIN of the statement itself would be answered.

use crate::fixture::Fixture;
use crate::raw::{Message, Raw, bind, code, execute, parse, query, sync};

fn tags(heard: &[Message]) -> String {
    heard.iter().map(|m| m.tag as char).filter(|t| *t != 'D').collect()
}

fn prepare(raw: &mut Raw, name: &str, text: &str) {
    raw.send(&[parse(name, text), sync()].concat());
    assert_eq!(tags(&raw.until_ready()), "1Z", "{text}");
}

#[test]
fn the_plan_of_a_name_is_shown_where_that_of_its_text_is() {
    let mut fixture = Fixture::start("");
    let mut guest = fixture.proxied("guest");
    prepare(&mut guest, "sqlx_s_1", "SELECT id, email FROM person WHERE id = $1");
    let asks = "EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE sqlx_s_1(NULL)";
    assert_eq!(tags(&guest.run(asks)), "TCZ");
    guest.send(&[parse("", asks), bind("", ""), execute("", 0), sync()].concat());
    assert_eq!(tags(&guest.until_ready()), "12CZ");
    assert_eq!(tags(&guest.run("PREPARE p AS SELECT id, email FROM person; EXPLAIN ANALYZE EXECUTE p")), "CTCZ");
    assert_eq!(code(&guest.run("EXPLAIN EXECUTE nobody")), "26000");

    // over a veil the plan shows the mask, the policy's conditions and estimates from raw rows
    prepare(&mut guest, "veiled", "SELECT count(*) FROM person WHERE email LIKE 'c%'");
    assert_eq!(code(&guest.run("EXECUTE veiled")), "");
    for text in ["EXPLAIN EXECUTE veiled", "EXPLAIN (ANALYZE, VERBOSE) EXECUTE veiled"] {
        assert_eq!(code(&guest.run(text)), "0A000", "{text}");
    }
    assert_eq!(code(&guest.run("PREPARE v AS SELECT count(*) FROM person WHERE email LIKE 'c%'; EXPLAIN EXECUTE v")), "26000");
    // while the PREPARE is not answered nobody knows what the name stands for
    guest.send(&[query("PREPARE w AS SELECT count(*) FROM person WHERE email LIKE 'c%'"), query("EXPLAIN (VERBOSE) EXECUTE w")].concat());
    let heard = guest.until_end();
    assert!(heard.iter().all(|m| m.tag != b'D'), "{heard:?}");

    let audit = fixture.lab.audit().unwrap();
    let explained: Vec<&str> = audit.lines().filter(|l| l.contains("EXECUTE sqlx_s_1")).collect();
    assert_eq!(explained.len(), 2, "{explained:?}");
    for record in explained {
        assert!(record.contains(r#""relations":["public.person"]"#) && record.contains(r#""decision":"masked""#), "{record}");
    }
}
