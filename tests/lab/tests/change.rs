//! What happens to open sessions when the policy, the schema or the catalog login changes: nothing goes on under rights that are gone, and
//! what has nothing to do with the change goes on.
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

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lab::Lab;
use lab::wire::{Client, Message};
use serde_json::Value;

const SETUP: &str = "
    CREATE TABLE public.people (id int PRIMARY KEY, email text, town text);
    INSERT INTO public.people SELECT id, 'mail' || id, 'town' || id FROM generate_series(1, 5) AS id;
    CREATE TABLE public.other (id int);
    CREATE ROLE clerk LOGIN SUPERUSER;
    CREATE ROLE boss LOGIN SUPERUSER;
    CREATE ROLE pgscrim LOGIN;";

/// A lab with a policy file of its own, which can be changed.
struct Desk {
    lab: Lab,
    policy: PathBuf,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.policy);
    }
}

/// The policy with what the clerk may read of e-mail addresses and towns.
fn policy(email: &str, town: &str) -> String {
    format!(
        "version: 1\nclasses: {{ a: ~, b: ~ }}\ntables: {{ public.people: {{ columns: {{ email: a, town: b }} }} }}\n\
         roles:\n  r: {{ members: [clerk], read: {{ a: {email}, b: {town} }} }}\n  o: {{ members: [boss], unrestricted: true }}\n"
    )
}

impl Desk {
    fn new(name: &str, email: &str, town: &str, catalog: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pgscrim-change-{name}-{}.yaml", std::process::id()));
        std::fs::write(&path, policy(email, town)).unwrap();
        let more = format!("catalog: {{ user: pgscrim, database: postgres, {catalog} }}\n");
        let lab = Lab::guarded(&path, SETUP, "SELECT 'text', 'nowhere at all' WHERE false", &["boss", "postgres"], &more).unwrap();
        Self { lab, policy: path }
    }

    fn client(&self, login: &str) -> Client {
        Client::connect(self.lab.port, login, "postgres").unwrap()
    }

    fn server(&self) -> Client {
        Client::connect(self.lab.cluster.port(), "postgres", "postgres").unwrap()
    }

    fn change(&self, text: &str) -> Result<(), String> {
        std::fs::write(&self.policy, text).unwrap();
        self.lab.reload().map_err(|e| e.to_string())
    }

    /// New rules. They are seen by sessions that begin: an open one that runs something at that moment would end.
    fn tighten(&self, email: &str, town: &str) {
        let ask = || said(&mut self.client("clerk"), "SELECT email, town FROM public.people WHERE id = 1");
        let before = ask();
        self.change(&policy(email, town)).unwrap();
        until(|| ask() != before);
        // Open sessions are told as soon as they are published: another log-in is long after that.
        ask();
    }
}

/// Waits for what the proxy does by itself.
fn until(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a text gives: rows, and the error's code.
fn said(client: &mut Client, text: &str) -> String {
    told(&client.query(text).unwrap_or_default())
}

fn told(answer: &[Message]) -> String {
    let mut out = Vec::new();
    for message in answer {
        match message.tag {
            b'D' => {
                let values = message.values();
                let value = |v: &Option<Vec<u8>>| v.as_ref().map_or("NULL".into(), |v| String::from_utf8_lossy(v).into_owned());
                out.push(values.iter().map(value).collect::<Vec<_>>().join(","));
            }
            b'E' => out.push(format!("{} {}", message.field(b'S').unwrap(), message.field(b'C').unwrap())),
            _ => {}
        }
    }
    out.join("; ")
}

/// Prepares in the extended protocol, or binds and executes what is prepared.
fn prepare(client: &mut Client, name: &str, text: &str) -> String {
    client.send(b'P', &[name.as_bytes(), b"\0", text.as_bytes(), b"\0\0\0"].concat()).unwrap();
    client.send(b'S', b"").unwrap();
    told(&client.until_ready().unwrap())
}

fn execute(client: &mut Client, name: &str) -> String {
    client.send(b'B', &[b"\0", name.as_bytes(), b"\0\0\0\0\0\0\0"].concat()).unwrap();
    client.send(b'E', b"\0\0\0\0\0").unwrap();
    client.send(b'S', b"").unwrap();
    told(&client.until_ready().unwrap())
}

const CHANGED: &str = "ERROR 0A000";
const DENIED: &str = "ERROR 42501";

#[test]
fn what_was_prepared_is_held_to_the_rules_of_its_execution() {
    let desk = Desk::new("prepared", "allow", "allow", "refresh: 50ms");
    let mut clerk = desk.client("clerk");
    for (name, text) in
        [("mail", "SELECT email FROM public.people WHERE id = 1"), ("computed", "SELECT upper(email) FROM public.people WHERE id = 1")]
    {
        assert_eq!(said(&mut clerk, &format!("PREPARE s{name} AS {text}")), "");
        assert_eq!(prepare(&mut clerk, &format!("p{name}"), text), "");
        assert_eq!(prepare(&mut clerk, &format!("x{name}"), &format!("EXECUTE s{name}")), "");
    }
    assert_eq!(said(&mut clerk, "PREPARE town AS SELECT town FROM public.people WHERE id = 1"), "");
    assert_eq!(said(&mut clerk, "EXECUTE smail; EXECUTE scomputed"), "mail1; MAIL1");
    assert_eq!(execute(&mut clerk, "scomputed"), "MAIL1");
    desk.tighten("{ mask: redact }", "allow");
    for (ask, want) in
        [("EXECUTE smail", CHANGED), ("EXECUTE scomputed", CHANGED), ("EXECUTE town; EXECUTE smail", CHANGED), ("EXECUTE town", "town1")]
    {
        let got = said(&mut clerk, ask);
        assert!(got == want || (ask == "EXECUTE scomputed" && got.starts_with("ERROR")), "{ask}: {got}");
    }
    for name in ["smail", "scomputed", "pmail", "pcomputed", "xmail", "xcomputed"] {
        let got = execute(&mut clerk, name);
        assert!(got.starts_with("ERROR "), "{name}: {got}");
    }
    // It is said with a reason, and preparing again helps.
    assert_eq!(said(&mut clerk, "DEALLOCATE smail; PREPARE smail AS SELECT email FROM public.people WHERE id = 1"), "");
    let masked = said(&mut clerk, "EXECUTE smail");
    assert!(!masked.contains("mail1") && !masked.contains("ERROR"), "{masked}");
    desk.tighten("deny", "allow");
    for ask in ["EXECUTE smail", "EXECUTE scomputed"] {
        let got = said(&mut clerk, ask);
        assert!(got == DENIED || got == "ERROR 42703", "{ask}: {got}");
    }
    assert_eq!(said(&mut clerk, "EXECUTE town"), "town1");
    drop(clerk);
    let mut desk = desk;
    let log = desk.lab.audit().unwrap();
    let records: Vec<Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(records.iter().any(|r| r["reason"] == "plan changed" && r["decision"] == "refused"));
    let direct = |r: &&Value| {
        r["kind"] == "statement" && r["decision"] == "allowed" && r["statement"].as_str().unwrap_or("").starts_with("PREPARE scomputed")
    };
    assert_eq!(records.iter().filter(direct).count(), 2, "the PREPARE, and the Execute of what it prepared");
}

/// Of the mask's name alone nothing follows: its parameters and its key may be others.
#[test]
fn a_mask_of_the_same_name_may_be_another() {
    let desk = Desk::new("parameters", "deny", "allow", "refresh: 50ms");
    let with = |last: u8| format!("{}masks: {{ ends: {{ partial: {{ last: {last} }} }} }}\n", policy("{ mask: ends }", "allow"));
    desk.change(&with(1)).unwrap();
    let ask = |client: &mut Client| said(client, "SELECT email FROM public.people WHERE id = 1");
    until(|| ask(&mut desk.client("clerk")) == "****1");
    let mut clerk = desk.client("clerk");
    assert_eq!(said(&mut clerk, "PREPARE p AS SELECT email FROM public.people WHERE id = 1"), "");
    assert_eq!(said(&mut clerk, "EXECUTE p"), "****1");
    desk.change(&with(2)).unwrap();
    until(|| ask(&mut desk.client("clerk")) == "***l1");
    assert_eq!(said(&mut clerk, "EXECUTE p"), CHANGED);
    assert_eq!(said(&mut clerk, "DEALLOCATE p; PREPARE p AS SELECT email FROM public.people WHERE id = 1"), "");
    assert_eq!(said(&mut clerk, "EXECUTE p"), "***l1");
}

#[test]
fn cursors_and_portals_opened_under_other_rights_give_nothing_more() {
    let desk = Desk::new("cursors", "allow", "allow", "refresh: 50ms");
    let mut clerk = desk.client("clerk");
    assert_eq!(said(&mut clerk, "BEGIN; DECLARE c CURSOR FOR SELECT email FROM public.people ORDER BY id; FETCH 1 FROM c"), "mail1");
    clerk.send(b'P', b"\0SELECT email FROM public.people ORDER BY id\0\0\0").unwrap();
    clerk.send(b'B', b"open\0\0\0\0\0\0\0\0").unwrap();
    clerk.send(b'E', b"open\0\0\0\0\x01").unwrap();
    clerk.send(b'S', b"").unwrap();
    assert_eq!(told(&clerk.until_ready().unwrap()), "mail1");
    desk.tighten("{ mask: redact }", "allow");
    clerk.send(b'E', b"open\0\0\0\0\x01").unwrap();
    clerk.send(b'S', b"").unwrap();
    assert_eq!(told(&clerk.until_ready().unwrap()), DENIED);
    assert_eq!(said(&mut clerk, "ROLLBACK"), "");
    assert_eq!(said(&mut clerk, "BEGIN; DECLARE c CURSOR FOR SELECT email FROM public.people ORDER BY id"), "");
    desk.tighten("{ mask: { null } }", "allow");
    assert_eq!(said(&mut clerk, "FETCH 1 FROM c"), DENIED);
    assert_eq!(said(&mut clerk, "ROLLBACK"), "");
    // what gives the same under the new rules goes on, rewritten or not
    assert_eq!(
        said(&mut clerk, "BEGIN; DECLARE c CURSOR FOR SELECT town, upper(email) FROM public.people ORDER BY id; FETCH 1 FROM c"),
        "town1,NULL"
    );
    assert_eq!(said(&mut clerk, "PREPARE p AS SELECT upper(email) FROM public.people WHERE id = 1"), "");
    let elsewhere = policy("{ mask: { null } }", "allow").replace("b: ~", "b: ~, c: ~").replace("b: allow", "b: allow, c: deny");
    desk.change(&elsewhere.replace("tables: {", "tables: { public.other: { columns: { id: c } },")).unwrap();
    until(|| said(&mut desk.client("clerk"), "SELECT id FROM public.other") == DENIED);
    assert_eq!(said(&mut clerk, "FETCH 1 FROM c; EXECUTE p"), "town2,NULL; NULL");
}

/// Messages that ask for a query's rows.
type Way = fn(&str) -> Vec<(u8, Vec<u8>)>;

const WAYS: [Way; 6] = [
    |query| vec![simple(query)],
    |query| vec![simple(&format!("SELECT 1; {query}"))],
    |query| vec![simple(&format!("PREPARE p AS {query}; EXECUTE p"))],
    |query| vec![simple(&format!("DECLARE c CURSOR WITH HOLD FOR {query}; FETCH ALL FROM c"))],
    |query| vec![simple(&format!("COPY ({query}) TO STDOUT"))],
    |query| {
        let parse = [b"\0", query.as_bytes(), b"\0\0\0"].concat();
        vec![(b'P', parse), (b'B', vec![0; 8]), (b'E', vec![0; 5]), (b'S', Vec::new())]
    },
];

fn simple(text: &str) -> (u8, Vec<u8>) {
    (b'Q', [text.as_bytes(), b"\0"].concat())
}

/// Asks, and hears the first ten rows.
fn begin(client: &mut Client, messages: &[(u8, Vec<u8>)]) {
    messages.iter().for_each(|(tag, body)| client.send(*tag, body).unwrap());
    let mut rows = 0;
    while rows < 10 {
        let message = client.receive().unwrap();
        assert_ne!(message.tag, b'E', "{:?}", message.field(b'M'));
        rows += usize::from(matches!(message.tag, b'D' | b'd'));
    }
}

/// How many rows are heard up to the end, and what else.
fn end(client: &mut Client) -> (usize, String) {
    let (mut rows, mut other) = (0, Vec::new());
    loop {
        let message = client.receive().unwrap();
        match message.tag {
            b'D' | b'd' => rows += 1,
            b'E' => other.push(format!("{} {}", message.field(b'S').unwrap(), message.field(b'C').unwrap())),
            b'Z' => return (rows, format!("{} Z{}", other.join(" "), char::from(message.body[0])).trim().to_owned()),
            _ => {}
        }
    }
}

/// More than all buffers on the way take.
fn long(columns: &str, series: u32) -> String {
    format!("SELECT {columns}, repeat('x', 4000) FROM public.people CROSS JOIN generate_series(1, {series}) AS s")
}

#[test]
fn what_runs_goes_on_where_its_plan_is_the_same() {
    let desk = Desk::new("goes-on", "allow", "{ mask: redact }", "refresh: 50ms");
    let mut rules = ["{ mask: redact }", "allow"].into_iter().cycle();
    for way in WAYS {
        let mut clerk = desk.client("clerk");
        begin(&mut clerk, &way(&long("town", 4_000)));
        desk.tighten(rules.next().unwrap(), "{ mask: redact }");
        let (rows, other) = end(&mut clerk);
        assert!(rows + 10 >= 20_000, "{rows} {other}");
        assert_eq!(other, "ZI");
        assert_eq!(said(&mut clerk, "SELECT 'on'"), "on");
    }
}

#[test]
fn what_runs_is_broken_off_where_it_would_be_decided_otherwise() {
    let mut desk = Desk::new("broken-off", "allow", "allow", "refresh: 50ms");
    let mut rules = ["{ mask: redact }", "deny", "{ mask: { null } }"].into_iter().cycle();
    for way in WAYS {
        for within in [false, true] {
            let mut clerk = desk.client("clerk");
            if within {
                assert_eq!(said(&mut clerk, "BEGIN"), "");
            }
            begin(&mut clerk, &way(&long("email", 20_000)));
            desk.tighten(rules.next().unwrap(), "allow");
            let (rows, other) = end(&mut clerk);
            assert_eq!(other, if within { "ERROR 57P01 ZE" } else { "ERROR 57P01 ZI" }, "behind {rows} rows");
            assert_eq!(said(&mut clerk, "ROLLBACK; SELECT 'on'"), "on");
            desk.tighten("allow", "allow");
        }
    }
    let log = desk.lab.audit().unwrap();
    let records: Vec<Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    // the server keeps the whole result of an EXECUTE or FETCH before it sends any
    let changed = |r: &Value| matches!(r["reason"].as_str(), Some("policy changed" | "policy changed, after it ran"));
    // and not the question whether the rules have changed, which can be hit by the change, too
    let long = |r: &Value| r["statement"].as_str().is_some_and(|s| !s.contains("town"));
    let told = records.iter().filter(|r| r["decision"] == "failed" && r["sqlstate"] == "57P01" && changed(r) && long(r));
    assert_eq!(told.count(), 2 * WAYS.len());
}

/// Rows that come in: data that is under way is taken as long as it may be.
#[test]
fn data_that_comes_in_is_held_to_the_rules_too() {
    let desk = Desk::new("copy-in", "allow", "allow", "refresh: 50ms");
    let writes = |email: &str, town: &str| policy(email, town).replace("read:", "write: { a: allow }, read:");
    let ask = |desk: &Desk| said(&mut desk.client("clerk"), "SELECT email, town FROM public.people WHERE id = 1");
    let change = |text: &str| {
        let before = ask(&desk);
        desk.change(text).unwrap();
        until(|| ask(&desk) != before);
        ask(&desk);
    };
    let copy = "COPY public.people (id, email) FROM STDIN";
    let extended = || {
        let parse = [b"\0", copy.as_bytes(), b"\0\0\0"].concat();
        vec![(b'P', parse), (b'B', vec![0; 8]), (b'E', vec![0; 5]), (b'S', Vec::new())]
    };
    for (n, messages) in [vec![simple(copy)], extended()].into_iter().enumerate() {
        change(&writes("allow", "{ mask: redact }"));
        for (allowed, next) in [(true, writes("allow", "{ mask: { null } }")), (false, policy("allow", "allow"))] {
            let mut clerk = desk.client("clerk");
            messages.iter().for_each(|(tag, body)| clerk.send(*tag, body).unwrap());
            while clerk.receive().unwrap().tag != b'G' {}
            let id = 100 + 10 * n;
            clerk.send(b'd', format!("{id}\tnew\n").as_bytes()).unwrap();
            change(&next);
            // what the client says of its data before it has heard of the error is ignored
            clerk.send(b'd', format!("{}\tnew\n", id + 1).as_bytes()).unwrap();
            clerk.send(b'c', b"").unwrap();
            if n == 1 {
                clerk.send(b'S', b"").unwrap();
            }
            assert_eq!(end(&mut clerk).1, if allowed { "ZI" } else { "ERROR 57P01 ZI" });
            assert_eq!(said(&mut clerk, &format!("SELECT count(id) FROM public.people WHERE id >= {id}")), "2", "those of the first time");
        }
    }
}

#[test]
fn a_policy_that_does_not_fit_changes_nothing() {
    let mut desk = Desk::new("unfit", "{ mask: { null } }", "allow", "refresh: 50ms");
    let (mut clerk, mut boss) = (desk.client("clerk"), desk.client("boss"));
    let ask = "SELECT email, town FROM public.people WHERE id = 1";
    assert_eq!(said(&mut clerk, "BEGIN; DECLARE c CURSOR FOR SELECT email FROM public.people ORDER BY id"), "");
    assert_eq!((said(&mut clerk, ask), said(&mut boss, ask)), ("NULL,town1".into(), "mail1,town1".into()));
    let wrong = policy("allow", "allow").replace("email: a", "emial: a");
    let error = desk.change(&wrong).unwrap_err();
    assert!(error.contains("emial"), "{error}");
    // The schema is looked at again meanwhile, under the rules that hold.
    assert_eq!(said(&mut boss, "CREATE TABLE public.fresh (id int)"), "");
    until(|| said(&mut desk.client("clerk"), "SELECT id FROM public.fresh").is_empty());
    assert_eq!((said(&mut clerk, ask), said(&mut boss, ask)), ("NULL,town1".into(), "mail1,town1".into()));
    assert_eq!(said(&mut clerk, "FETCH 1 FROM c"), "NULL");
    drop((clerk, boss));
    let log = desk.lab.audit().unwrap();
    let told = log.lines().filter(|l| serde_json::from_str::<Value>(l).unwrap()["kind"] == "policy").count();
    assert_eq!(told, 0, "no other policy came into force");
}

#[test]
fn a_schema_that_changes_elsewhere_is_seen_at_once_and_ends_nothing() {
    let desk = Desk::new("schema", "{ mask: { null } }", "allow", "refresh: 1h, max_age: 2h");
    let (mut clerk, mut boss) = (desk.client("clerk"), desk.client("boss"));
    assert_eq!(said(&mut clerk, "PREPARE p AS SELECT email, town FROM public.people WHERE id = 2"), "");
    assert_eq!(
        said(&mut clerk, "BEGIN; DECLARE c CURSOR FOR SELECT email, town FROM public.people ORDER BY id; FETCH 1 FROM c"),
        "NULL,town1"
    );
    assert_eq!(said(&mut boss, "BEGIN; CREATE TABLE public.later (id int); COMMIT"), "");
    let mut other = desk.client("clerk");
    until(|| said(&mut other, "SELECT id FROM public.later").is_empty());
    boss.extended("CREATE TABLE public.last (id int)", 0).unwrap();
    until(|| said(&mut other, "SELECT id FROM public.last").is_empty());
    assert_eq!(said(&mut clerk, "FETCH 1 FROM c"), "NULL,town2");
    assert_eq!(said(&mut clerk, "EXECUTE p"), "NULL,town2");
}

/// A change that another session makes through the proxy: as soon as that session hears of it, nothing is decided by the catalog from before.
#[test]
fn a_schema_that_changes_through_the_proxy_is_seen_by_every_session() {
    let desk = Desk::new("through", "{ mask: redact }", "allow", "refresh: 20s");
    let (mut clerk, mut boss) = (desk.client("clerk"), desk.client("boss"));
    assert_eq!(said(&mut boss, "ALTER TABLE people ADD note text; UPDATE people SET note = 'note' || id"), "");
    // what it gives is known: nothing is described again
    let text = "SELECT note FROM public.people WHERE id = 2";
    clerk.send(b'P', &[b"note\0", text.as_bytes(), b"\0\0\0"].concat()).unwrap();
    clerk.send(b'D', b"Snote\0").unwrap();
    clerk.send(b'S', b"").unwrap();
    assert_eq!(told(&clerk.until_ready().unwrap()), "");
    for round in 0..20 {
        // a column keeps its class, whatever its name is
        for (renames, want) in [(["note TO x", "email TO note"], "***"), (["note TO email", "x TO note"], "note2")] {
            let [first, second] = renames.map(|rename| format!("ALTER TABLE people RENAME {rename}"));
            assert_eq!(said(&mut boss, &format!("BEGIN; {first}; {second}; COMMIT")), "", "{round}");
            let bound = execute(&mut clerk, "note");
            assert!(bound == want || bound == CHANGED, "{round}: {bound}");
            assert_eq!(said(&mut clerk, text), want, "{round}");
        }
    }
    // a transaction that was not ended is no change
    assert_eq!(said(&mut boss, "BEGIN; CREATE TABLE public.more (id int)"), "");
    assert_eq!(said(&mut clerk, text), "note2");
    assert_eq!(said(&mut boss, "ROLLBACK"), "");
    assert_eq!(said(&mut clerk, text), "note2");
}

#[test]
fn what_a_session_defines_it_uses_at_once() {
    let desk = Desk::new("define", "{ mask: { null } }", "allow", "refresh: 1h, max_age: 2h");
    desk.change(&policy("{ mask: { null } }", "allow").replace("members: [clerk]", "members: [clerk], statements: [ddl]")).unwrap();
    let mut clerk = desk.client("clerk");
    for (text, want) in [
        ("CREATE TABLE public.t (a int PRIMARY KEY, b text)", ""),
        ("INSERT INTO t VALUES (1, 'x') RETURNING b", "x"),
        ("ALTER TABLE t ADD COLUMN c int DEFAULT 5", ""),
        ("SELECT c FROM t", "5"),
        // the catalog is no other than before
        ("COMMENT ON TABLE t IS 'one'", ""),
        ("SELECT b FROM t", "x"),
        ("BEGIN; ALTER TABLE t RENAME COLUMN c TO d; COMMIT", ""),
        ("SELECT d FROM t", "5"),
        // what is not committed nobody else sees, and so it is not known either
        ("BEGIN; CREATE TABLE public.u (a int)", ""),
        ("SELECT a FROM u", CHANGED),
        ("ROLLBACK", ""),
        ("SELECT a FROM u", "ERROR 42P01"),
        ("SELECT email FROM public.people WHERE id = 1", "NULL"),
        ("DROP TABLE t", ""),
        ("SELECT b FROM t", "ERROR 42P01"),
    ] {
        assert_eq!(said(&mut clerk, text), want, "{text}");
    }
    // in one go: each waits for what the one before it has changed
    for (name, text) in [("p", "CREATE TABLE public.v (a int)"), ("q", "INSERT INTO v VALUES (7) RETURNING a")] {
        clerk.send(b'P', &[name.as_bytes(), b"\0", text.as_bytes(), b"\0\0\0"].concat()).unwrap();
        clerk.send(b'B', &[b"\0", name.as_bytes(), b"\0\0\0\0\0\0\0"].concat()).unwrap();
        clerk.send(b'E', b"\0\0\0\0\0").unwrap();
        clerk.send(b'S', b"").unwrap();
    }
    assert_eq!((told(&clerk.until_ready().unwrap()), told(&clerk.until_ready().unwrap())), (String::new(), "7".to_owned()));
}

#[test]
fn without_the_catalog_governed_statements_are_refused_and_classes_are_kept() {
    let desk = Desk::new("lost", "{ mask: { null } }", "allow", "refresh: 50ms, max_age: 3s");
    let (mut clerk, mut boss, mut server) = (desk.client("clerk"), desk.client("boss"), desk.server());
    let ask = "SELECT email, town FROM public.people WHERE id = 1";
    assert_eq!(prepare(&mut clerk, "p", "SELECT town FROM public.people WHERE id = 1"), "");
    assert_eq!(said(&mut clerk, "BEGIN"), "");
    assert_eq!(said(&mut server, "ALTER ROLE pgscrim NOLOGIN"), "");
    server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pgscrim'").unwrap();
    until(|| said(&mut server, "SELECT 1 FROM pg_stat_activity WHERE usename = 'pgscrim'").is_empty());
    until(|| {
        let got = said(&mut clerk, ask);
        assert!(got == "NULL,town1" || got == CHANGED, "{got}");
        got == CHANGED
    });
    assert_eq!(said(&mut clerk, "ROLLBACK"), "");
    assert_eq!((said(&mut clerk, ask), execute(&mut clerk, "p")), (CHANGED.into(), CHANGED.into()));
    assert_eq!(said(&mut boss, ask), "mail1,town1");
    assert_eq!(said(&mut boss, "ALTER TABLE public.people RENAME COLUMN email TO mail"), "");
    assert_eq!(said(&mut server, "ALTER ROLE pgscrim LOGIN"), "");
    until(|| said(&mut clerk, "SELECT mail, town FROM public.people WHERE id = 1") != CHANGED);
    assert_eq!(said(&mut clerk, "SELECT mail, town FROM public.people WHERE id = 1"), "NULL,town1");
    assert_eq!(execute(&mut clerk, "p"), "town1");
}
