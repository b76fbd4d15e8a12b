//! Writes by a role that sees the written tables through a veil, against views with triggers that say by hand what it sees and stores: the same
//! rows come back, and the tables are the same behind it. `SEED` and `GENERATED` in the environment choose others and more.
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

mod generate;
mod returning;
mod upserts;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use generate::Writes;
use lab::Lab;
use lab::dice::asked_for;
use lab::refusals::Refusals;
use lab::wire::{Client, Message};
use upserts::{Upsert, Upserts};

type Row = Vec<Option<Vec<u8>>>;

/// What is said of a row that the statement made: the veil fails over it, too.
const UNFIT: &str = "must satisfy the row condition";

/// What became of a statement.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Its rows, sorted, and its tag.
    Done(Vec<Row>, String),
    /// The proxy refused.
    Refused(String),
    /// The server's error: its SQLSTATE.
    Failed(String),
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../writes")
}

fn file(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn lab() -> (Lab, Client) {
    // made before the proxy reads the catalog: a change of it would end what runs
    let setup = format!("{}{}", file("schema.sql"), file("veil.sql"));
    let lab = Lab::guarded(&folder().join("policy.yaml"), &setup, &file("canaries.sql"), &["owner"], "").unwrap();
    let mut veil = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    veil.query("SET search_path = veil, public").unwrap();
    (lab, veil)
}

fn outcome(answer: &[Message]) -> Outcome {
    if let Some(error) = answer.iter().find(|m| m.tag == b'E') {
        let (code, message) = (error.field(b'C').unwrap(), error.field(b'M').unwrap());
        return if message.starts_with("pgscrim: ") && !message.contains(UNFIT) {
            Outcome::Refused(format!("{code} {message}"))
        } else {
            Outcome::Failed(format!("{code} {message}"))
        };
    }
    let mut rows: Vec<Row> = answer.iter().filter(|m| m.tag == b'D').map(Message::values).collect();
    rows.sort();
    let tag = answer.iter().rev().find(|m| m.tag == b'C').map(|m| String::from_utf8_lossy(&m.body).trim_end_matches('\0').to_owned());
    Outcome::Done(rows, tag.unwrap_or_default())
}

/// Everything in the tables; puts back what was there first.
fn state(veil: &mut Client) -> String {
    let Outcome::Done(rows, _) = outcome(&veil.query("SELECT veil.restore()").unwrap()) else { panic!("the tables cannot be put back") };
    String::from_utf8(rows[0][0].clone().unwrap()).unwrap()
}

fn shown(row: &Row) -> Vec<Option<String>> {
    row.iter().map(|v| v.as_ref().map(|v| String::from_utf8_lossy(v).into_owned())).collect()
}

#[test]
fn random_writes_do_what_the_veil_says() {
    random_writes("public", 20);
}

/// What is written through a view that PostgreSQL writes through is written as if to the table.
#[test]
fn random_writes_through_views_do_what_the_veil_says() {
    random_writes("over", 3);
}

#[test]
fn random_writes_through_views_over_views_do_what_the_veil_says() {
    random_writes("twice", 3);
}

/// To the tables or views of a schema; less than one of so many is refused.
fn random_writes(schema: &str, most: u64) {
    let (lab, mut veil) = lab();
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    clerk.query(&format!("SET search_path = {schema}, public")).unwrap();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 600));
    let (mut wrong, mut refused, mut failed) = (String::new(), Refusals::default(), 0);
    let before = state(&mut veil);
    for seed in first..first + count {
        let text = Writes::new(seed).statement();
        let wanted = outcome(&veil.query(&text.replace("public.", "veil.")).unwrap_or_else(|e| panic!("{seed}: {e}: {text}")));
        let wanted_state = state(&mut veil);
        let text = ["people", "events", "fenced", "stock"]
            .iter()
            .fold(text, |text, name| text.replace(&format!("public.{name}"), &format!("{schema}.{name}")));
        let answer = if seed % 2 == 0 { clerk.query(&text) } else { clerk.extended(&text, 0) };
        let got = outcome(&answer.unwrap_or_else(|e| panic!("{seed}: {e}: {text}")));
        let got_state = state(&mut veil);
        for leak in lab.leaks() {
            writeln!(wrong, "LEAK: {seed}: {}: {text}", leak.found).unwrap();
        }
        match (&got, &wanted) {
            (Outcome::Refused(why), _) => {
                refused.add(why);
                if got_state != before {
                    writeln!(wrong, "{seed}: refused, and it wrote: {text}").unwrap();
                }
                continue;
            }
            (Outcome::Failed(a), Outcome::Failed(b)) => {
                failed += 1;
                // of two mistakes in a text (class 42) either may be told first
                if a[..5] != b[..5] && !(a.starts_with("42") && b.starts_with("42")) {
                    writeln!(wrong, "{seed}: {a}, the veil: {b}: {text}").unwrap();
                }
            }
            (Outcome::Done(a, x), Outcome::Done(b, y)) => {
                if a != b || x != y {
                    let differ = a.iter().zip(b).find(|(a, b)| a != b).map(|(a, b)| (shown(a), shown(b)));
                    writeln!(wrong, "{seed}: {x} with {} rows, the veil: {y} with {} ({differ:?}): {text}", a.len(), b.len()).unwrap();
                }
            }
            _ => writeln!(wrong, "{seed}: {got:?}, the veil: {wanted:?}: {text}").unwrap(),
        }
        if got_state != wanted_state {
            let differ = got_state.lines().zip(wanted_state.lines()).find(|(a, b)| a != b);
            writeln!(wrong, "{seed}: the tables differ behind it ({differ:?}): {text}").unwrap();
        }
    }
    let total = refused.total();
    refused.tell(&format!("{count} random writes: {total} refused, {failed} fail over the veil too"));
    assert!(wrong.is_empty(), "{} of {count} differ:\n{wrong}", wrong.lines().count());
    assert!(failed * 5 < count, "the generator makes texts that PostgreSQL does not take: {failed} of {count}");
    assert!(total * most < count, "hardly anything is answered: {total} are refused of {count}");
}

#[test]
fn random_upserts_do_what_is_done_by_hand() {
    let (lab, mut veil) = lab();
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 600));
    let (mut wrong, mut refused, mut failed) = (String::new(), Refusals::default(), 0);
    state(&mut veil);
    let merges = lab.reads("MERGE").unwrap();
    for seed in first..first + count {
        let Upsert { text, by_hand } = Upserts::new(seed).statement();
        if text.starts_with("MERGE") && !merges {
            continue;
        }
        let wanted = outcome(&veil.query(&by_hand).unwrap_or_else(|e| panic!("{seed}: {e}: {by_hand}")));
        let wanted_state = state(&mut veil);
        let answer = if seed % 2 == 0 { clerk.query(&text) } else { clerk.extended(&text, 0) };
        let got = outcome(&answer.unwrap_or_else(|e| panic!("{seed}: {e}: {text}")));
        let got_state = state(&mut veil);
        for leak in lab.leaks() {
            writeln!(wrong, "LEAK: {seed}: {}: {text}", leak.found).unwrap();
        }
        match (&got, &wanted) {
            (Outcome::Refused(why), _) => refused.add(why),
            (Outcome::Failed(_), Outcome::Failed(_)) => failed += 1,
            // PostgreSQL 15 ("SubPlan found with no parent plan"): no subquery in MERGE into a partitioned table that nothing can match
            (Outcome::Failed(why), _) if why.starts_with("XX000") && text.starts_with("MERGE INTO events") => failed += 1,
            (Outcome::Done(_, tag), Outcome::Done(rows, _)) => {
                let rows = String::from_utf8(rows[0][0].clone().unwrap()).unwrap();
                if tag.rsplit(' ').next() != Some(&rows) || got_state != wanted_state {
                    let differ = got_state.lines().zip(wanted_state.lines()).find(|(a, b)| a != b);
                    writeln!(wrong, "{seed}: {tag}, by hand {rows} ({differ:?}): {text}").unwrap();
                }
            }
            _ => writeln!(wrong, "{seed}: {got:?}, by hand: {wanted:?}: {text}\n    {by_hand}").unwrap(),
        }
    }
    let total = refused.total();
    refused.tell(&format!("{count} random upserts: {total} refused, {failed} fail by hand too"));
    assert!(wrong.is_empty(), "{} of {count} differ:\n{wrong}", wrong.lines().count());
    assert!((failed + total) * 5 < count, "hardly anything is answered: {failed} fail and {total} are refused of {count}");
}

/// What views with triggers cannot do: the statement, and what is in the table behind it.
const BY_HAND: &[(&str, &str, &str)] = &[
    (
        "ON CONFLICT keeps what is saved as it was shown",
        "INSERT INTO people (id, level, name, email) SELECT id, 'new', name, email FROM people WHERE id = 1 \
         ON CONFLICT (id) DO UPDATE SET level = excluded.level, name = excluded.name, email = excluded.email",
        "SELECT p.level = 'new' AND p.name = k.name AND p.email = k.email FROM public.people p JOIN kept.people k USING (id) WHERE id = 1",
    ),
    (
        "ON CONFLICT stores what is new",
        "INSERT INTO people (id, name, email) VALUES (1, 'Berta', 'b@example.com') \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email",
        "SELECT name = 'Berta' AND email = 'b@example.com' FROM public.people WHERE id = 1",
    ),
    (
        "ON CONFLICT WHERE sees the mask",
        "INSERT INTO people (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET level = 'hit' WHERE people.salary % 1000000 <> 0",
        "SELECT level <> 'hit' FROM public.people WHERE id = 1",
    ),
    (
        "ON CONFLICT with an alias",
        "INSERT INTO people AS q (id, note) VALUES (1, '***') ON CONFLICT (id) DO UPDATE SET note = excluded.note, region = q.name",
        "SELECT p.note = k.note AND p.region = left(k.name, 1) || repeat('*', length(k.name) - 1) FROM public.people p JOIN kept.people k USING (id) \
         WHERE id = 1",
    ),
    (
        "MERGE keeps what is saved as it was shown, and stores what is new",
        "MERGE INTO people p USING (VALUES (1, 'a***@example.com'), (2, 'b@example.com')) AS n (id, email) ON p.id = n.id \
         WHEN MATCHED THEN UPDATE SET email = n.email",
        "SELECT bool_and(CASE id WHEN 2 THEN p.email = 'b@example.com' ELSE p.email = k.email END) FROM public.people p JOIN kept.people k USING (id)",
    ),
    (
        "MERGE sees masks in ON and WHEN",
        "MERGE INTO people p USING plain n ON p.id = n.id AND p.salary % 1000000 = 0 WHEN MATCHED AND p.note = '***' THEN UPDATE SET level = 'hit' \
         WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, level) VALUES (n.id + 100, n.label)",
        "SELECT count(*) = 11 AND bool_and(level = 'hit') FROM public.people",
    ),
    (
        "a new value is looked at once",
        "UPDATE people SET name = (CASE WHEN random() < 2 THEN 'x' END) || random()::text WHERE id = 1",
        "SELECT name ~ '^x0[.][0-9]+$' FROM public.people WHERE id = 1",
    ),
    (
        "a list of columns is as many assignments",
        "UPDATE people p SET (name, email, note) = ROW (p.name, 'b@example.com', DEFAULT) WHERE id = 1",
        "SELECT p.name = k.name AND p.email = 'b@example.com' AND p.note IS NULL FROM public.people p JOIN kept.people k USING (id) WHERE id = 1",
    ),
    (
        "a list of columns in ON CONFLICT",
        "INSERT INTO people (id, note) VALUES (1, '***') ON CONFLICT (id) DO UPDATE SET (note, name) = (excluded.note, 'x')",
        "SELECT p.note = k.note AND p.name = 'x' FROM public.people p JOIN kept.people k USING (id) WHERE id = 1",
    ),
    ("DEFAULT is stored", "UPDATE people SET name = DEFAULT WHERE id = 1", "SELECT name IS NULL FROM public.people WHERE id = 1"),
    ("NULL is stored", "UPDATE people SET note = NULL WHERE id = 1", "SELECT note IS NULL FROM public.people WHERE id = 1"),
    (
        "no row is touched that does not exist",
        "UPDATE fenced SET amount = 0",
        "SELECT bool_and((p.amount = 0) = (region = 'EU')) FROM public.fenced p",
    ),
    (
        "a JSON document has no equality of its own",
        "UPDATE people SET raw = raw",
        "SELECT bool_and(p.raw::text = k.raw::text) FROM public.people p JOIN kept.people k USING (id)",
    ),
];

/// What cannot be veiled is refused, with its reason.
const REFUSED: &[(&str, &str)] = &[
    (
        "UPDATE tokens SET token = 'x'",
        "masked for the writer with \"pseudonym\", which has no SQL form, and what is stored cannot be told from its mask",
    ),
    ("UPDATE people SET (name, email) = (SELECT 'a', 'b')", "cannot be told from its mask"),
    ("UPDATE people SET (name, email) = ROW ('a')", "number of columns does not match number of values"),
    ("UPDATE people SET (name, email) = ('a', 'b', 'c')", "number of columns does not match number of values"),
    ("UPDATE people p SET (name, email) = ROW (n.*) FROM (SELECT 'a', 'b') n", "cannot be told from its mask"),
    // what a condition reads is computed from it
    ("UPDATE graded SET grade = 'gold'", "may not write"),
    ("MERGE INTO fenced f USING plain p ON p.id = f.id WHEN MATCHED THEN UPDATE SET region = 'EU'", "and set by MERGE"),
    (
        "MERGE INTO fenced f USING plain p ON p.id = f.id WHEN NOT MATCHED THEN INSERT (id, region) VALUES (p.id, upper(p.label))",
        "not known before",
    ),
    // what a source computes may be another thing the second time that it is looked at
    (
        "MERGE INTO fenced f USING (SELECT 950 k, CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN 'EU' ELSE 'US' END r) v ON f.id = v.k \
         WHEN NOT MATCHED THEN INSERT (id, region) VALUES (v.k + length(pg_current_xact_id()::text) * 0, v.r)",
        "not known before",
    ),
    ("MERGE INTO stock f USING plain p ON p.id = f.id WHEN NOT MATCHED THEN INSERT (id) VALUES (p.id)", "triggers"),
    ("COPY fenced (id, region) FROM STDIN", "row condition"),
    ("WITH w AS (INSERT INTO fenced (id, region) VALUES (99, 'EU')) SELECT * FROM w", "gives no columns"),
    ("COPY (INSERT INTO fenced (id, region) VALUES (99, 'EU')) TO STDOUT", "without a result"),
    ("UPDATE people SET level = 'x' RETURNING row_to_json(people)", "whole row"),
    (
        "UPDATE people SET name = n.name FROM (SELECT 1 AS id, 'x' AS name) AS n WHERE EXISTS (SELECT 1 FROM plain people WHERE lower(email) = 'x')",
        "stands for something else",
    ),
    ("INSERT INTO people (id, email) VALUES (99, 'x') ON CONFLICT (email) DO NOTHING", "conflict target"),
    ("UPDATE people SET salary = '5'::text", "is of type int4 but expression is of type text"),
    ("UPDATE people SET name = secret", "secret"),
];

/// Writes by their shape as by their text.
#[test]
fn a_plan_by_shape_is_the_plan_of_the_text() {
    let (lab, _) = lab();
    let texts: Vec<String> = (1..=600).map(|seed| Writes::new(seed).statement()).collect();
    let held = lab::shapes::hold(&lab, &["clerk", "owner"], &["pg_catalog", "public"], texts);
    assert!(held.wrong.is_empty(), "{} lines:\n{}", held.wrong.lines().count(), held.wrong);
    writeln!(std::io::stdout(), "600 writes for two logins: {} plans by shape", held.shaped).unwrap();
    assert!(held.shaped > 100, "hardly any text has a shape: {}", held.shaped);
}

#[test]
fn writes_that_views_cannot_do() {
    let (lab, mut veil) = lab();
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    for (what, text, check) in BY_HAND.iter().filter(|(_, text, _)| lab.reads(text).unwrap()) {
        for extended in [false, true] {
            let answer = if extended { clerk.extended(text, 0) } else { clerk.query(text) };
            let got = outcome(&answer.unwrap());
            assert!(matches!(got, Outcome::Done(..)), "{what}: {got:?}");
            let Outcome::Done(rows, _) = outcome(&veil.query(check).unwrap()) else { panic!("{what}: the check fails") };
            assert_eq!(rows, [[Some(b"t".to_vec())]], "{what}");
            state(&mut veil);
        }
    }
    for (text, why) in REFUSED {
        let got = outcome(&clerk.query(text).unwrap());
        let told = match &got {
            Outcome::Refused(told) | Outcome::Failed(told) => told,
            Outcome::Done(..) => panic!("{text}: {got:?}"),
        };
        assert!(told.contains(why), "{text}: {told}");
    }
    assert!(lab.leaks().is_empty());
}

/// Writes that make a row which does not exist for the clerk, or meet one: none of it happens, and nothing of it is told.
const BEYOND: &[&str] = &[
    "INSERT INTO fenced (id, region) VALUES (99, 'US')",
    "INSERT INTO fenced (id, region) VALUES (99, NULL) RETURNING id",
    "INSERT INTO fenced (id) VALUES (99) RETURNING *",
    "INSERT INTO fenced VALUES (98, 'EU'), (99, 'US')",
    "INSERT INTO fenced (id, region) SELECT 100 + n, CASE WHEN n < 50 THEN 'EU' ELSE 'US' END FROM generate_series(1, 50) AS n",
    "INSERT INTO fenced (id, region) SELECT 100 + n, CASE WHEN random() < 0.5 THEN 'EU' ELSE 'US' END FROM generate_series(1, 50) AS n",
    "INSERT INTO fenced AS t (id, region) VALUES (99, 'US') ON CONFLICT DO NOTHING RETURNING t.id + 1",
    // the stored row is hidden
    "INSERT INTO fenced (id, region) VALUES (1, 'EU') ON CONFLICT (id) DO UPDATE SET amount = 0",
    "INSERT INTO fenced AS t (id, region) VALUES (1, 'EU') ON CONFLICT (id) DO UPDATE SET amount = 0 WHERE t.amount > 0 RETURNING t.secret",
    "INSERT INTO fenced (id, region) VALUES (2, 'EU') ON CONFLICT (id) DO UPDATE SET region = 'US'",
    "UPDATE fenced SET region = 'US' WHERE id = 2",
    "UPDATE fenced SET (amount, region) = (SELECT 1, 'US')",
    "UPDATE fenced AS f SET region = p.label FROM plain AS p WHERE p.id = f.id RETURNING f.*",
    "WITH w AS (INSERT INTO fenced (id, region) VALUES (99, 'US')) SELECT 1",
    "WITH w AS (UPDATE fenced SET region = 'US' RETURNING id, amount) SELECT count(*) FROM w",
    "WITH w AS (INSERT INTO fenced (id, region) VALUES (99, 'US')) INSERT INTO plain (id) VALUES (99)",
    "WITH w AS (INSERT INTO fenced (id, region) VALUES (99, 'US')) UPDATE plain SET label = 'x' RETURNING id",
    "PREPARE p AS INSERT INTO fenced (id, region) VALUES ($1, $2); EXECUTE p (99, 'US')",
    "MERGE INTO fenced f USING plain p ON p.id = f.id + 100 WHEN NOT MATCHED THEN INSERT (id, region) VALUES (p.id + 100, 'US')",
    "MERGE INTO fenced f USING plain p ON p.id = f.id + 100 WHEN NOT MATCHED THEN INSERT (id, region) VALUES (p.id + 100, p.label)",
    "MERGE INTO fenced f USING plain p ON p.id = f.id + 100 WHEN NOT MATCHED THEN INSERT (id) VALUES (p.id + 100)",
    "MERGE INTO fenced f USING plain p ON p.id = f.id + 100 WHEN NOT MATCHED AND p.id = 12 THEN INSERT (id, region) VALUES (112, NULL)",
    "MERGE INTO fenced f USING plain p ON p.id = f.id + 100 WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
    // by its default, by its trigger, by its type's modifier, by what is generated
    "INSERT INTO stock (id, region) VALUES (99, NULL)",
    "INSERT INTO stock (id, region) VALUES (99, 'us')",
    "INSERT INTO stock (id, amount) VALUES (99, 99.5)",
    "INSERT INTO stock (id, amount) VALUES (99, 100) RETURNING twice",
    "UPDATE stock SET amount = 1000",
    // to another partition
    "INSERT INTO placed VALUES (3, 'US')",
    "UPDATE placed SET region = 'US' WHERE id = 1",
];

#[test]
fn no_write_leads_beyond_a_row_condition() {
    let (lab, mut veil) = lab();
    let before = state(&mut veil);
    for text in BEYOND.iter().filter(|text| lab.reads(text).unwrap()) {
        for extended in [false, true] {
            let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
            let answer = match text.split_once("; ") {
                Some((first, then)) if extended => clerk.query(first).and_then(|_| clerk.extended(then, 0)),
                _ if extended => clerk.extended(text, 0),
                _ => clerk.query(text),
            };
            let got = outcome(&answer.unwrap());
            assert!(matches!(&got, Outcome::Failed(why) if why.starts_with("42501 pgscrim: ") && why.contains(UNFIT)), "{text}: {got:?}");
            assert_eq!(state(&mut veil), before, "{text}");
        }
    }
    assert!(lab.leaks().is_empty());
}

/// Writes within a row condition, the tag that the client hears, and its rows.
const WITHIN: &[(&str, &str, &[&[&str]])] = &[
    ("INSERT INTO fenced (id, region) VALUES (98, 'EU'), (99, 'EU')", "INSERT 0 2", &[]),
    ("INSERT INTO fenced (id, region) VALUES (99, 'EU') RETURNING *", "INSERT 0 1", &[&["99", "EU", "-", "-"]]),
    ("INSERT INTO fenced AS t VALUES (99, 'EU', 'x') RETURNING t.id, secret, upper(region) AS r", "INSERT 0 1", &[&["99", "***", "EU"]]),
    (
        "INSERT INTO fenced (id, region) VALUES (2, 'EU') ON CONFLICT (id) DO UPDATE SET amount = -1 RETURNING amount",
        "INSERT 0 1",
        &[&["-1"]],
    ),
    ("INSERT INTO fenced (id, region) VALUES (1, 'EU') ON CONFLICT DO NOTHING", "INSERT 0 0", &[]),
    ("INSERT INTO stock (id, amount) VALUES (98, 1), (99, DEFAULT)", "INSERT 0 2", &[]),
    ("INSERT INTO stock VALUES (99, 'eu', 99.4) RETURNING region, amount, twice", "INSERT 0 1", &[&["EU", "99", "198"]]),
    ("UPDATE fenced SET region = 'EU' WHERE id = 2", "UPDATE 1", &[]),
    ("UPDATE fenced SET region = 'EU'", "UPDATE 6", &[]),
    ("UPDATE stock SET label = 'x' WHERE id = 4", "UPDATE 1", &[]),
    ("WITH w AS (INSERT INTO fenced (id, region) VALUES (99, 'EU')) SELECT 1", "SELECT 1", &[&["1"]]),
    ("WITH w AS (INSERT INTO fenced (id, region) VALUES (99, 'EU')) UPDATE plain SET label = 'x' WHERE id = 1", "UPDATE 1", &[]),
    ("PREPARE p AS INSERT INTO fenced (id, region) VALUES ($1, $2); EXECUTE p (99, 'EU')", "INSERT 0 1", &[]),
    ("MERGE INTO fenced AS f USING plain AS p ON p.id = f.id WHEN MATCHED THEN UPDATE SET amount = 0", "MERGE 6", &[]),
    (
        "MERGE INTO fenced USING (VALUES (98, 'EU'), (2, 'X')) AS n (id, region) ON n.id = fenced.id \
         WHEN MATCHED THEN UPDATE SET amount = -1 WHEN NOT MATCHED AND region = 'EU' THEN INSERT (id, region) VALUES (id, region)",
        "MERGE 2",
        &[],
    ),
    ("MERGE INTO fenced USING plain AS p ON p.id = fenced.id WHEN MATCHED AND length(secret) > 0 THEN DELETE", "MERGE 6", &[]),
    (
        "MERGE INTO fenced f USING (VALUES (98, 'EU'), (99, 'US'), (2, 'X')) AS n (id, region) ON n.id = f.id \
         WHEN MATCHED THEN UPDATE SET amount = -1 WHEN NOT MATCHED AND n.region = 'EU' THEN INSERT (id, region) VALUES (n.id, n.region)",
        "MERGE 2",
        &[],
    ),
];

#[test]
fn what_a_check_needs_does_not_reach_the_client() {
    let (lab, mut veil) = lab();
    for (text, tag, rows) in WITHIN.iter().filter(|(text, ..)| lab.reads(text).unwrap()) {
        for extended in [false, true] {
            let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
            let answer = match text.split_once("; ") {
                Some((first, then)) if extended => clerk.query(first).and_then(|_| clerk.extended(then, 0)),
                _ if extended => clerk.extended(text, 0),
                _ => clerk.query(text),
            };
            let answer = answer.unwrap();
            let described = answer.iter().any(|m| m.tag == b'T');
            let Outcome::Done(got, said) = outcome(&answer) else { panic!("{text}: {:?}", outcome(&answer)) };
            let got: Vec<Vec<String>> = got.iter().map(|r| shown(r).into_iter().map(|v| v.unwrap_or("-".into())).collect()).collect();
            assert_eq!((&*said, &got), (*tag, &rows.iter().map(|r| r.iter().map(|v| (*v).to_owned()).collect()).collect()), "{text}");
            assert_eq!(described, !rows.is_empty() && !extended, "{text}");
            state(&mut veil);
        }
    }
    assert!(lab.leaks().is_empty());
}

#[test]
fn a_check_changes_nothing_of_the_protocol() {
    let (lab, _) = lab();
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    let parse = |text: &str| [b"\0", text.as_bytes(), b"\0\0\0"].concat();
    clerk.query("PREPARE p AS INSERT INTO fenced (id, region) VALUES (97, 'EU'), (98, 'EU')").unwrap();
    for text in ["INSERT INTO fenced (id, region) VALUES (98, 'EU'), (99, 'EU')", "EXECUTE p"] {
        clerk.query("BEGIN").unwrap();
        clerk.send(b'P', &parse(text)).unwrap();
        clerk.send(b'D', b"S\0").unwrap();
        clerk.send(b'B', &[0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0]).unwrap(); // formats for what gives nothing
        clerk.send(b'D', b"P\0").unwrap();
        clerk.send(b'E', &[0, 0, 0, 0, 1]).unwrap(); // one row at most, as JDBC asks for
        clerk.send(b'S', b"").unwrap();
        let answer = clerk.until_ready().unwrap();
        let tags: String = answer.iter().map(|m| char::from(m.tag)).collect();
        assert_eq!(tags, "1tn2nCZ", "{text}: {answer:?}");
        assert_eq!(answer[5].body, b"INSERT 0 2\0", "{text}");
        clerk.query("ROLLBACK").unwrap();
    }
    let mut direct = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    for apart in [false, true] {
        let [got, expected] = [&mut clerk, &mut direct].map(|client| run_twice(client, apart));
        assert_eq!(got, expected, "an insertion's portal, run again {}", if apart { "in another batch" } else { "at once" });
    }
    let plan = outcome(&clerk.query("EXPLAIN (COSTS off) INSERT INTO fenced (id, region) VALUES (98, 'EU')").unwrap());
    assert!(matches!(&plan, Outcome::Done(lines, _) if !lines.is_empty()), "{plan:?}");
}

/// What a client hears that has an insertion's portal run twice within a transaction, and how many rows are left of it.
fn run_twice(client: &mut Client, apart: bool) -> (Vec<(u8, Option<String>)>, Outcome) {
    client.query("BEGIN").unwrap();
    let parse = [b"\0".as_slice(), b"INSERT INTO fenced (id, region) VALUES (99, 'EU')", b"\0\0\0"].concat();
    client.send(b'P', &parse).unwrap();
    client.send(b'B', b"p\0\0\0\0\0\0\0\0").unwrap();
    let mut answers = Vec::new();
    for last in [false, true] {
        client.send(b'E', b"p\0\0\0\0\0").unwrap();
        if apart || last {
            client.send(b'S', b"").unwrap();
            answers.extend(client.until_ready().unwrap());
        }
    }
    client.query("ROLLBACK").unwrap();
    let answers = answers.iter().map(|m| (m.tag, m.field(b'C').zip(m.field(b'M')).map(|(code, message)| format!("{code} {message}"))));
    (answers.collect(), outcome(&client.query("SELECT count(*) FROM fenced WHERE id = 99").unwrap()))
}

/// Views that PostgreSQL does not write through by itself, or that stand for other rows or values than are seen.
#[test]
fn views_are_written_through_by_postgresql_alone() {
    let (lab, mut veil) = lab();
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    let before = state(&mut veil);
    for (text, want) in [
        ("UPDATE aside.fenced SET amount = 1", "0A000 pgscrim: "),
        ("INSERT INTO aside.fenced (id) VALUES (77)", "0A000 pgscrim: "),
        ("UPDATE aside.doubled SET place = 'US' WHERE id = 2", "42501 pgscrim: "),
        ("UPDATE aside.swapped SET amount = 1", "0A000 pgscrim: "),
        ("UPDATE aside.computed SET amount = 1", "0A000 pgscrim: "),
        ("UPDATE aside.divided SET amount = 1", "0A000 pgscrim: "),
        ("UPDATE aside.first SET amount = 1", "0A000 pgscrim: "),
        ("UPDATE aside.made SET name = 'x'", "0A000 pgscrim: "),
        ("UPDATE aside.joined SET name = 'x'", "55000 "),
        ("UPDATE aside.checked SET region = 'US'", "44000 "),
        ("INSERT INTO aside.checked VALUES (78, 'n', 'e', 'US')", "44000 "),
        ("UPDATE aside.hidden SET note = 'x'", "0A000 pgscrim: "),
        ("INSERT INTO aside.ruled VALUES (1)", "0A000 pgscrim: "),
        ("INSERT INTO aside.over_ruled VALUES (1)", "0A000 pgscrim: "),
        ("UPDATE aside.over_made SET name = 'x'", "0A000 pgscrim: "),
        ("UPDATE aside.over_fenced SET amount = 1", "0A000 pgscrim: "),
        ("UPDATE aside.over_checked SET region = 'US'", "44000 "),
        ("TRUNCATE over.people", "42501 pgscrim: "),
        ("INSERT INTO over.people (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET level = excluded.email", "0A000 pgscrim: "),
    ] {
        let got = outcome(&clerk.query(text).unwrap());
        assert!(matches!(&got, Outcome::Refused(why) | Outcome::Failed(why) if why.starts_with(want)), "{text}: {got:?}");
        assert_eq!(state(&mut veil), before, "{text}");
    }
    // the rights are those on all that a view reads
    let mut reader = Client::connect(lab.port, "reader", "postgres").unwrap();
    for text in [
        "UPDATE aside.checked SET id = 1",
        "DELETE FROM over.people",
        "UPDATE twice.people SET level = 'x'",
        "INSERT INTO over.events VALUES (1, 'a', 'b')",
    ] {
        let got = outcome(&reader.query(text).unwrap());
        assert!(matches!(&got, Outcome::Refused(why) if why.starts_with("42501 ")), "{text}: {got:?}");
    }
    for (saved, count) in [
        ("UPDATE aside.checked c SET name = s.name, email = s.email FROM over.people s WHERE s.id = c.id RETURNING c.id", 6),
        (
            "INSERT INTO over.people AS p (id, name) SELECT id, name FROM people ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING 1",
            12,
        ),
    ] {
        assert!(matches!(outcome(&clerk.query(saved).unwrap()), Outcome::Done(rows, _) if rows.len() == count), "{saved}");
        assert_eq!(state(&mut veil), before, "{saved}");
    }
    assert!(lab.leaks().is_empty());
}

/// Statements over a table with a row condition, whether what they run may stand beside it (only what is leakproof may), and
/// whether the key is looked up: what does not leak passes the fence.
const BESIDE: &[(&str, bool, bool)] = &[
    ("SELECT * FROM fenced WHERE id = 4", true, true),
    ("SELECT * FROM fenced WHERE 4 = id AND region = 'EU' AND secret IS NOT NULL", true, true),
    ("SELECT count(*), max(amount) FROM fenced WHERE id IN (2, 4)", true, true),
    ("SELECT amount FROM fenced WHERE id = ANY (ARRAY[2, 4]) OR NOT id >= 6", true, true),
    ("SELECT * FROM fenced WHERE id BETWEEN 2 AND 4 ORDER BY amount LIMIT 1", true, true),
    ("SELECT p.label FROM fenced f JOIN plain p USING (id) WHERE p.amount = f.amount AND f.id = 4", true, true),
    ("SELECT * FROM fenced WHERE id = 4 FOR UPDATE", true, true),
    ("SELECT * FROM fenced WHERE id IN (SELECT id FROM plain WHERE label = 'label 4')", true, true),
    ("UPDATE fenced SET amount = 5 WHERE id = 4", true, true),
    ("DELETE FROM fenced WHERE id = 4 RETURNING amount", true, true),
    ("SELECT * FROM fenced WHERE 10 / id = 4", false, false),
    ("SELECT * FROM fenced WHERE id = 4 AND secret LIKE 'x%'", false, true),
    ("SELECT * FROM fenced WHERE id = 4 AND abs(amount) = 1", false, true),
    ("SELECT * FROM fenced WHERE id = 4.0", false, false),
    // the function is leakproof, the cast before it is not
    ("SELECT * FROM fenced WHERE id = 4 AND float8eq(amount::numeric, 1)", false, true),
    ("SELECT * FROM fenced WHERE id = 4 AND int4eq(amount, 1)", false, true),
    ("SELECT * FROM fenced WHERE id::text = '4'", false, false),
    ("SELECT * FROM fenced WHERE amount = (SELECT length(label) FROM plain WHERE id = 1) AND id = 4", false, true),
    ("UPDATE fenced SET amount = 5 WHERE 10 / id = 4", false, false),
];

#[test]
fn only_what_cannot_leak_stands_beside_a_row_condition() {
    let (lab, _) = lab();
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    clerk.query("SET enable_seqscan = off").unwrap();
    for (text, beside, indexed) in BESIDE {
        let got = outcome(&clerk.query(&format!("EXPLAIN (COSTS off) {text}")).unwrap());
        let Outcome::Done(lines, _) = got else { panic!("{text}: {got:?}") };
        let plan: String = lines.iter().flat_map(shown).flatten().map(|l| l + "\n").collect();
        // a fence is a subquery of its own, or a CASE in front of the statement's condition
        let fenced = plan.contains("Subquery Scan on fenced") || plan.contains("Filter: CASE");
        assert_eq!(!fenced, *beside, "{text}:\n{plan}");
        assert_eq!(plan.contains("Index Cond") && plan.contains("fenced_pkey"), *indexed, "{text}:\n{plan}");
    }
    let refused = outcome(&clerk.query("SELECT * FROM fenced WHERE 10 / id = 4 FOR UPDATE").unwrap());
    assert!(matches!(&refused, Outcome::Refused(why) if why.contains("FOR UPDATE")), "{refused:?}");
    assert!(lab.leaks().is_empty());
}
