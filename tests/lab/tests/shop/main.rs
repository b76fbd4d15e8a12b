//! Random queries over the sample shop by each of its governed logins, and by two more (one bound to rows, one whose masks are by condition),
//! against what each sees, written by hand: equal rows, or a refusal. `SEED` and `GENERATED` in the environment choose others and more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use lab::Lab;
use lab::dice::asked_for;
use lab::oracle::{Answer, Held};
use lab::queries::{Generator, SHOP, Table};
use lab::wire::Client;

/// The sample shop's, and two more: one that is bound to rows, and one whose masks are by condition.
const LOGINS: [&str; 4] = ["support", "analyst", "courier", "clinic"];

/// The shop as a login sees it: the columns that its views have. It lives as long as the test.
fn seen(direct: &mut Client, login: &str) -> &'static [Table] {
    let text = "SELECT relname || '.' || attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'LOGIN'::regnamespace";
    let heard = direct.query(&text.replace("LOGIN", login)).unwrap();
    let there: BTreeSet<Vec<u8>> = heard.iter().filter(|m| m.tag == b'D').filter_map(|m| m.values().remove(0)).collect();
    let exists = |table: &str, column: &str| there.contains(format!("{table}.{}", column.split("::").next().unwrap()).as_bytes());
    let table = |t: &Table| {
        let kept: Vec<_> = t.columns.iter().filter(|(c, _)| t.plain || exists(t.name, c)).copied().collect();
        Table { columns: Vec::leak(kept), ..*t }
    };
    Vec::leak(SHOP.iter().map(table).collect())
}

/// The shop under its own policy and two more roles, and what each login sees beside it.
fn lab() -> (Lab, Client) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(lab::shop_policy().join("shop.yaml"), folder.path().join("shop.yaml")).unwrap();
    std::fs::write(folder.path().join("more.yaml"), include_str!("more.yaml")).unwrap();
    let lab = Lab::start(folder.path(), 12, "").unwrap();
    let mut direct = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let logins = "CREATE ROLE courier LOGIN; CREATE ROLE clinic LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO courier, clinic;";
    let made = Answer::of(&direct.query(&format!("{logins} {}", include_str!("veils.sql"))).unwrap());
    assert!(matches!(made, Answer::Rows(_)), "{made:?}");
    lab.reload().unwrap();
    (lab, direct)
}

#[test]
fn random_queries_over_the_shop_are_answered_by_each_veil() {
    let (lab, mut direct) = lab();
    direct.query("SET statement_timeout = '10s'").unwrap();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 1600));
    let mut held = Held::default();
    for login in LOGINS {
        let tables = seen(&mut direct, login);
        let mut client = Client::connect(lab.port, login, "postgres").unwrap();
        direct.query(&format!("SET search_path = {login}, public")).unwrap();
        for seed in first..first + count / 4 {
            let text = Generator::new(seed, tables).query();
            let want = Answer::of(&direct.query(&text.replace("public.", &format!("{login}."))).unwrap());
            if matches!(&want, Answer::Failed(told) if told.starts_with("57014")) {
                continue; // it takes too long over the veil, too
            }
            let got = if seed % 2 == 0 { client.query(&text) } else { client.extended(&text, 0) };
            held.hold(&format_args!("{login} {seed}"), &text, Answer::of(&got.unwrap()), want);
            for leak in lab.leaks() {
                writeln!(held.wrong, "LEAK: {login} {seed}: {}: {text}", leak.found).unwrap();
            }
        }
    }
    held.told("random queries over the shop");
}

/// What depends on a primary key in GROUP BY, which views have none of.
const GROUPED: &[&str] = &[
    "SELECT id, email, full_name, count(*) FROM users GROUP BY id",
    "SELECT u.id, u.email, u.level, count(*) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id, ROLLUP (o.status)",
    "SELECT u.email, sum(o.total) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id, o.id HAVING max(o.total) > 3 ORDER BY u.phone",
    "SELECT id, lower(email), phone FROM users GROUP BY GROUPING SETS ((id, level), (id))",
    "SELECT id, email, level, count(*) FROM users GROUP BY GROUPING SETS ((id, level), (id, email))",
    "SELECT id, level, phone, count(*) FROM users GROUP BY id, CUBE (level)",
    "SELECT id, level, full_name FROM users GROUP BY (id, level), GROUPING SETS ((), (level))",
    "SELECT level, count(*), max(email), min(id) FROM users GROUP BY ROLLUP (level, id)",
    "SELECT level, string_agg(email, ',' ORDER BY email) FROM users GROUP BY GROUPING SETS ((id, level), ())",
    // not in each set
    "SELECT email FROM users GROUP BY ROLLUP (id)",
    "SELECT id, email FROM users GROUP BY GROUPING SETS ((id), ())",
    "SELECT email FROM users GROUP BY GROUPING SETS ((id, level), (level))",
];

#[test]
fn a_primary_key_groups_as_it_does_in_a_table() {
    let (lab, mut direct) = lab();
    direct.query("CREATE SCHEMA kept; SET search_path = kept").unwrap();
    for table in ["users", "orders"] {
        direct.query(&format!("CREATE TABLE {table} AS SELECT * FROM support.{table}; ALTER TABLE {table} ADD PRIMARY KEY (id)")).unwrap();
    }
    let mut client = Client::connect(lab.port, "support", "postgres").unwrap();
    let mut held = Held::default();
    for (i, text) in GROUPED.iter().enumerate() {
        held.hold(&i, text, Answer::of(&client.query(text).unwrap()), Answer::of(&direct.query(text).unwrap()));
    }
    assert_eq!((held.wrong.as_str(), held.refused.total(), held.failed), ("", 0, 3));
}
