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
    assert_eq!(tags(&guest.run("PREPARE p AS SELECT id, email FROM person; EXPLAIN EXECUTE p")), "CTCZ");
    // what it took to run it is told where nothing is masked on its way back
    let run = "PREPARE q AS SELECT id FROM person WHERE id = 7; EXPLAIN (ANALYZE) EXECUTE q";
    assert_eq!(tags(&guest.run(run)), "CTCZ");
    assert_eq!(code(&guest.run("EXPLAIN ANALYZE EXECUTE p")), "42501");
    assert_eq!(code(&guest.run("EXPLAIN (ANALYZE) SELECT id, email FROM person")), "42501");
    assert_eq!(code(&guest.run("EXPLAIN EXECUTE nobody")), "26000");

    // over a veil the plan shows the mask, the policy's conditions and estimates from raw rows
    prepare(&mut guest, "veiled", "SELECT count(*) FROM person WHERE email LIKE 'c%'");
    assert_eq!(code(&guest.run("EXECUTE veiled")), "");
    for text in ["EXPLAIN EXECUTE veiled", "EXPLAIN (ANALYZE, VERBOSE) EXECUTE veiled"] {
        assert_eq!(code(&guest.run(text)), "42501", "{text}");
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

fn rows(heard: &[Message]) -> Vec<&[u8]> {
    heard.iter().filter(|m| m.tag == b'D').map(|m| &*m.body).collect()
}

#[test]
fn who_may_see_plans_sees_that_of_a_name_as_that_of_its_text() {
    let mut fixture = Fixture::start("");
    let mut planner = fixture.proxied("planner");
    let statements = [
        "SELECT id, email FROM person WHERE id = 7",
        "SELECT count(*) FROM person WHERE email LIKE 'c%'",
        "INSERT INTO person (id, email) VALUES (499, 'new')",
        "INSERT INTO person (id, email) VALUES (400 + 99, 'new') RETURNING id, email",
        "UPDATE person SET id = 400 WHERE id = 400",
        "DELETE FROM person WHERE id = 401 AND email LIKE 'c%' RETURNING email",
    ];
    fixture.sql("DELETE FROM person WHERE id = 499");
    for (i, statement) in statements.iter().enumerate() {
        let direct = planner.run(&format!("EXPLAIN (VERBOSE, COSTS OFF) {statement}"));
        assert_eq!(tags(&direct), "TCZ", "{statement}: {direct:?}");
        prepare(&mut planner, &format!("of_the_protocol{i}"), statement);
        let made = planner.run(&format!("PREPARE of_sql{i} AS {statement}"));
        assert_eq!(tags(&made), "CZ", "{statement}: {made:?}");
        for name in ["of_the_protocol", "of_sql"] {
            let asks = format!("EXPLAIN (VERBOSE, COSTS OFF) EXECUTE {name}{i}");
            assert_eq!(rows(&planner.run(&asks)), rows(&direct), "{asks}: {statement}");
            planner.send(&[parse("", &asks), bind("", ""), execute("", 0), sync()].concat());
            assert_eq!(rows(&planner.until_ready()), rows(&direct), "extended: {asks}: {statement}");
        }
        let asks = format!("PREPARE here AS {statement}; EXPLAIN (VERBOSE, COSTS OFF) EXECUTE here; DEALLOCATE here");
        assert_eq!(rows(&planner.run(&asks)), rows(&direct), "{asks}");
    }
    // what ANALYZE runs is held to the row condition, and its errors tell nothing
    assert_eq!(tags(&planner.run("BEGIN; EXPLAIN ANALYZE EXECUTE of_sql2; ROLLBACK")), "CTCCZ");
    assert_eq!(code(&planner.run("PREPARE outside AS INSERT INTO person (id, email) VALUES (1001, 'new')")), "");
    assert_eq!(code(&planner.run("EXPLAIN ANALYZE INSERT INTO person (id, email) VALUES (1001, 'new')")), "42501");
    assert_eq!(code(&planner.run("EXPLAIN ANALYZE EXECUTE outside")), "42501");
    assert_eq!(code(&planner.run("PREPARE casts AS SELECT email::int FROM person")), "");
    let failed = planner.run("EXPLAIN ANALYZE EXECUTE casts");
    assert_eq!(code(&failed), "22P02", "{failed:?}");
    assert!(!failed.iter().any(|m| m.field(b'M').is_some_and(|said| said.contains("canary"))), "{failed:?}");
    let heard = fixture.sql("SELECT count(*) FROM person WHERE id IN (499, 1001)");
    assert_eq!(rows(&heard), [b"\0\x01\0\0\0\x010"], "nothing was written");
}
