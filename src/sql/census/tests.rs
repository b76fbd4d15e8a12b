//! What the second reader finds, that it sees a fault planted in the analysis, and that it wrongs no ordinary statement.

use super::*;
use crate::sql::model::Access;
use crate::sql::resolve::tests::shop;
use crate::sql::{Context, analyse, read};

fn found(text: &str) -> Option<(Vec<String>, Vec<String>, u32)> {
    let census = take(text)?;
    let path = |p: &Vec<Word>| p.iter().map(|w| &*w.name).collect::<Vec<_>>().join(".");
    let mut columns: Vec<String> = census.columns.iter().map(|w| w.name.to_string()).collect();
    columns.sort();
    columns.dedup();
    Some((census.relations.iter().map(path).collect(), columns, census.stars))
}

fn analysed(text: &str) -> Analysis {
    let catalog = shop::catalog();
    let mut parsed = read(text, 1 << 20).unwrap().statements.remove(0);
    let path: Vec<Box<str>> = vec!["pg_catalog".into(), "public".into()];
    let cx = Context::bare(&catalog, &path);
    analyse(&mut parsed, cx).unwrap_or_else(|(reject, _)| panic!("{text}: {reject:?}"))
}

#[test]
fn relations_and_columns_are_found_wherever_they_stand() {
    for (text, relations, columns, stars) in [
        ("SELECT email FROM users", "users", "email", 0),
        ("SELECT u.email, Name FROM public.users u, \"Odd\"", "public.users Odd", "email name", 0),
        ("SELECT * FROM users WHERE id IN (SELECT user_id FROM orders)", "users orders", "id user_id", 1),
        ("SELECT 1 FROM users WHERE EXISTS (SELECT * FROM orders WHERE a) AND b", "orders users", "a b", 1),
        ("SELECT u.* FROM users u JOIN orders USING (id) WHERE a = 1 AND b = 2 OR c = 3", "users orders", "a b c id", 1),
        ("SELECT j.id FROM users JOIN orders USING (id, level) AS j", "users orders", "id level", 0),
        ("WITH w AS (SELECT 1 AS x) SELECT x FROM w, generate_series(1, y) g", "w", "x y", 0),
        ("SELECT x FROM generate_series(1, abs(y)) g, users, LATERAL f(lower(z), (SELECT 1 FROM orders)) h", "users orders", "x y z", 0),
        ("INSERT INTO users (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET email = excluded.email", "users", "email id", 0),
        ("UPDATE users SET email = lower(email) FROM orders o WHERE o.id = users.id RETURNING level", "users orders", "email id level", 0),
        ("DELETE FROM ONLY users USING orders WHERE orders.x", "users orders", "x", 0),
        ("COPY users (id, email) TO STDOUT", "users", "email id", 0),
        (
            "SELECT CASE WHEN a THEN b ELSE c END, (d).e, f[g], h::text, ARRAY[i], count(*) FILTER (WHERE j) OVER (PARTITION BY k)",
            "",
            "a b c d e f g h i j k",
            0,
        ),
        ("SELECT 1 UNION TABLE users", "users", "", 0),
        // the parser tries a form of their own for such functions first
        ("SELECT position(CASE WHEN EXISTS (SELECT a FROM users) AND b OR c THEN d END, e)", "users", "a b c d e", 0),
        (
            "SELECT x.substring(CASE WHEN (SELECT a FROM users) AND (b OR EXISTS (SELECT 1 FROM orders)) THEN 1 END, 2)",
            "users orders",
            "a b",
            0,
        ),
        ("DROP TABLE users, public.orders", "users public.orders", "", 0),
        ("DROP INDEX i", "", "", 0),
        ("DROP SCHEMA s", "", "", 0),
        ("TRUNCATE users, orders", "users orders", "", 0),
        (
            "MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED THEN UPDATE SET email = o.note",
            "users orders",
            "email id note user_id",
            0,
        ),
    ] {
        let words = |s: &str| s.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(found(text), Some((words(relations), words(columns), stars)), "{text}");
    }
}

/// As PostgreSQL cuts them: to 63 bytes, and whole characters.
#[test]
fn long_names_are_cut() {
    for (written, bytes) in
        [("a".repeat(63), 63), ("a".repeat(70), 63), ("\u{e4}".repeat(40), 62), (format!("a{}", "\u{e4}".repeat(40)), 63)]
    {
        let (_, columns, _) = found(&format!("SELECT \"{written}\" FROM users")).unwrap();
        assert_eq!(columns, [&written[..bytes]]);
    }
}

#[test]
fn half_a_statement_is_no_reading() {
    for text in ["SELECT name END FROM customer", "SELECT 1; SELECT 2", "SELECT (", ""] {
        assert_eq!(found(text), None, "{text}");
    }
}

const STATEMENTS: [&str; 18] = [
    "SELECT email FROM users",
    "SELECT u.email AS mail FROM public.users AS u WHERE name = 'gold' AND id > 3 ORDER BY mail",
    "SELECT * FROM users u JOIN orders o ON o.user_id = u.id WHERE o.total > 10",
    "WITH w AS (SELECT id, email FROM users) SELECT w.email FROM w JOIN users USING (id)",
    "SELECT count(*), current_user, current_date FROM orders WHERE total IS NOT NULL GROUP BY total HAVING count(*) > 1",
    "INSERT INTO users (id, email) SELECT id, email FROM users",
    "UPDATE users SET email = 'x' WHERE id = 1 RETURNING id, email",
    "DELETE FROM users WHERE id = 1",
    "SELECT EXISTS (SELECT 1 FROM orders WHERE user_id = users.id) FROM users",
    "SELECT x.id FROM (SELECT id FROM users UNION ALL SELECT user_id FROM orders) x",
    "COPY users (id, email) TO STDOUT",
    "SELECT CAST(id AS text), users FROM users",
    "MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED THEN UPDATE SET name = o.total",
    "DECLARE c CURSOR FOR SELECT email FROM users WHERE id > 3",
    "PREPARE p AS SELECT email FROM users WHERE id = $1",
    "EXPLAIN SELECT email FROM users",
    "CREATE TEMP TABLE t AS SELECT email FROM users",
    "COPY (SELECT email FROM users) TO STDOUT",
];

#[test]
fn ordinary_statements_are_not_wronged() {
    let more = [
        "SELECT id, email AS mail INTO TEMP mine FROM users WHERE id > 3",
        "SELECT normalize(email, NFC), normalize(name, nfkd) FROM users",
        "SELECT name IS NFKC NORMALIZED FROM users WHERE overlay(name, email, 1, 2) = ''",
    ];
    for text in STATEMENTS.into_iter().chain(more) {
        let census = take(text).unwrap_or_else(|| panic!("not read: {text}"));
        hold(&census, &analysed(text)).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    }
}

#[test]
fn a_relation_that_the_analysis_lost_is_seen() {
    for text in STATEMENTS {
        let (census, whole) = (take(text).unwrap(), analysed(text));
        // what a statement makes is no relation to the second reader
        for i in (0..whole.instances.len()).filter(|i| whole.instances[*i].access != Access::Define) {
            let mut faulty = whole.clone();
            faulty.instances.remove(i);
            let seen = hold(&census, &faulty).map_err(|e| e.reason);
            assert_eq!(seen, Err(DISAGREEMENT), "{text}: without instance {i}");
        }
    }
}

#[test]
fn a_column_that_the_analysis_lost_is_seen() {
    for text in STATEMENTS {
        let (census, whole) = (take(text).unwrap(), analysed(text));
        for word in census.columns.iter().filter(|w| !w.is_reserved()) {
            let mut faulty = whole.clone();
            assert!(faulty.seen.columns.remove(&word.name));
            let seen = hold(&census, &faulty).map_err(|e| e.reason);
            assert_eq!(seen, Err(DISAGREEMENT), "{text}: without {}", word.name);
        }
        if census.stars > 0 {
            let mut faulty = whole.clone();
            faulty.seen.stars = 0;
            assert_eq!(hold(&census, &faulty).map_err(|e| e.reason), Err(DISAGREEMENT), "{text}: without its star");
        }
    }
}

#[test]
fn a_relation_in_another_schema_is_another() {
    let whole = analysed("SELECT id FROM public.users");
    assert!(hold(&take("SELECT id FROM public.users").unwrap(), &whole).is_ok());
    assert!(hold(&take("SELECT id FROM private.users").unwrap(), &whole).is_err());
}
