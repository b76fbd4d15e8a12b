//! Ends: cancel requests, peers that vanish, servers that die, names that are two to a client and one to the server.

use std::net::Shutdown;

use crate::fixture::Fixture;
use crate::raw::{Raw, bind, cancel, code, execute, frame, parse, query, strings, sync};

/// What the first column of a direct query says.
fn value(raw: &mut Raw, sql: &str) -> String {
    let heard = raw.run(sql);
    let row = heard.iter().find(|m| m.tag == b'D').unwrap();
    String::from_utf8_lossy(&row.body[6..]).into_owned()
}

/// Asks until the answer is this one; the server's own events take their time.
fn until(raw: &mut Raw, sql: &str, want: &str) {
    for _ in 0..600 {
        if value(raw, sql) == want {
            return;
        }
        raw.run("SELECT pg_sleep(0.05)");
    }
    panic!("{sql} is never {want}");
}

const SLEEPERS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3%' AND state = 'active' AND pid <> pg_backend_pid()";

#[test]
fn a_cancel_request_reaches_its_own_session_only() {
    let mut fixture = Fixture::start("");
    for user in ["gov", "free"] {
        let (mut one, mut two) = (fixture.proxied(user), fixture.proxied(user));
        one.send(&query("SELECT pg_sleep(30)"));
        two.send(&query("SELECT pg_sleep(3)"));
        until(&mut fixture.admin, SLEEPERS, "2");
        let mut wrong = one.key.clone();
        *wrong.last_mut().unwrap() ^= 1;
        cancel(fixture.lab.port, &wrong);
        cancel(fixture.lab.port, &one.key);
        assert_eq!(code(&one.until_ready()), "57014");
        assert_eq!(code(&two.until_ready()), "");
        // One that comes late harms nobody.
        cancel(fixture.lab.port, &one.key);
        until(&mut fixture.admin, SLEEPERS, "0");
        assert_eq!(code(&one.run("SELECT 1")), "");
    }
}

#[test]
fn when_a_side_ends_so_does_the_other() {
    let mut fixture = Fixture::start("");
    const OPEN: &str = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'gov'";
    // Clients: half closed, vanished while data flows, said farewell in a transaction.
    let raw = fixture.proxied("gov");
    until(&mut fixture.admin, OPEN, "1");
    drop(raw);
    until(&mut fixture.admin, OPEN, "0");
    let mut raw = fixture.proxied("gov");
    raw.socket().shutdown(Shutdown::Write).unwrap();
    until(&mut fixture.admin, OPEN, "0");
    assert!(raw.hear().is_none());
    let mut raw = fixture.proxied("gov");
    raw.send(&query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"));
    raw.next();
    drop(raw);
    until(&mut fixture.admin, OPEN, "0");
    let mut raw = fixture.proxied("gov");
    raw.send(&[query("BEGIN; INSERT INTO log (msg) VALUES ('x')"), frame(b'X', b"")].concat());
    assert_eq!(raw.until_end().last().unwrap().body, b"T");
    until(&mut fixture.admin, OPEN, "0");
    // Servers: ended by the administrator, killed.
    let mut raw = fixture.proxied("gov");
    fixture.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gov'");
    assert_eq!(code(&raw.until_end()), "57P01");
    let mut raw = fixture.proxied("gov");
    raw.send(&query("SELECT pg_sleep(30)"));
    until(&mut fixture.admin, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'gov' AND state = 'active'", "1");
    fixture.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gov'");
    assert_eq!(code(&raw.until_end()), "57P01");
    let mut raw = fixture.proxied("gov");
    raw.send(&query("SELECT pg_sleep(30)"));
    fixture.lab.cluster.crash().unwrap();
    assert!(["08006", "57P02", "57P01"].contains(&code(&raw.until_end()).as_str()));
}

/// The server's names end after 63 bytes. Two that it holds to be one must not be two to the proxy, or a statement runs under the
/// permit of another.
#[test]
fn a_long_name_is_the_servers_name() {
    let fixture = Fixture::start("");
    let mut guest = fixture.proxied("guest");
    let stem = "n".repeat(63);
    let (one, two) = (format!("{stem}1"), format!("{stem}2"));
    // The text that gives masked rows takes the place of a clear one behind a name that ends otherwise.
    guest.send(&[parse(&one, "SELECT 'clear'::text"), sync()].concat());
    assert_eq!(code(&guest.until_ready()), "");
    assert_eq!(code(&guest.run(&format!("DEALLOCATE {stem}"))), "");
    let masked = "SELECT email FROM person WHERE id = 1 UNION ALL SELECT email FROM person WHERE id = 2";
    guest.send(&[parse(&two, masked), sync()].concat());
    guest.until_ready();
    guest.send(&[bind("", &one), execute("", 0), sync()].concat());
    let heard = guest.until_ready();
    assert!(!format!("{heard:?}").contains("canary1"), "{heard:?}");
}

/// The end of a transaction says what its statements caused: a deferred trigger quotes what the client may not see.
#[test]
fn the_end_of_a_transaction_quotes_nothing() {
    let mut fixture = Fixture::start("");
    fixture.sql(
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM person WHERE id = 1); \
         RAISE EXCEPTION 'it was %', (SELECT email FROM person WHERE id = 1); END $$;
         CREATE CONSTRAINT TRIGGER tells AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell();
         ALTER FUNCTION tell() SECURITY DEFINER",
    );
    // The catalog follows within its second.
    let mut guest = fixture.proxied("guest");
    fixture.admin.run("SELECT pg_sleep(2.5)");
    let insert = "INSERT INTO log (msg) VALUES ('x')";
    let mut heard = guest.run(insert);
    heard.extend(guest.run(&format!("BEGIN; {insert}")));
    heard.extend(guest.run("COMMIT"));
    heard.extend(guest.run(&format!("BEGIN; {insert}")));
    heard.extend(guest.run("SET CONSTRAINTS ALL IMMEDIATE"));
    heard.extend(guest.run("ROLLBACK"));
    guest.send(&[parse("", insert), bind("", ""), execute("", 0), sync()].concat());
    heard.extend(guest.until_ready());
    guest.send(&[query(&format!("BEGIN; {insert}")), parse("", "COMMIT"), bind("", ""), execute("", 0), sync()].concat());
    heard.extend(guest.until_ready());
    heard.extend(guest.until_ready());
    let told = format!("{heard:?}");
    assert!(told.contains("P0001"), "{told}");
    assert!(!told.contains("canary1"), "{told}");
    let _ = strings(&[]);
}
