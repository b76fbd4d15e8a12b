//! What the policy's own SQL means hangs on no setting of a session: a text in it is read when a statement is, and `TimeZone`, `DateStyle` and their like say how.
//! Over a view it was read when the view was made. Texts that could be read in two ways are refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

use lab::Lab;
use lab::wire::{Client, code};

/// A table, a condition of which row 1 alone satisfies, and whether it can be read in one way only.
const CONDITIONS: [(&str, bool); 49] = [
    ("created < '2024-06-01 00:00+00'", true),
    ("created < '2024-06-01T00:00:00.5Z' AND created <> '-infinity'", true),
    ("created < '2024-06-01 02:00 Europe/Berlin'", true),
    ("created < timestamptz '2024-06-01 00:00:00+00'", true),
    ("created IN ('2024-05-31 23:00+00', '2024-06-11 00:00+00')", true),
    ("created = ANY ('{2024-05-31 23:00+00}')", true),
    ("created <= ALL (ARRAY['2024-05-31 23:00+00'::timestamptz])", true),
    ("created BETWEEN '2024-01-01 00:00+00' AND '2024-06-01 00:00+00'", true),
    ("created - interval '1 day' < '2024-06-01 00:00+00'::timestamptz", true),
    ("day < '2024-01-02' AND day IS DISTINCT FROM '2023-01-01'", true),
    ("day < date '2024-01-02'", true),
    ("at < '2024-06-01'", true),
    ("span > '-02:00' AND span < interval '-30 minutes'", true),
    ("span > '-1 day -02:00' AND span < '-00:30'", true),
    ("region = 'EU' AND code = '2024-06-01'", true),
    ("code LIKE '2024-06-__' AND region ~ '^E[A-Z]{1}$' AND code IN ('2024-06-01', '01/02/2024')", true),
    ("(id, code) = (1, '2024-06-01')", true),
    ("region || '1' = 'EU1'", true),
    ("left(code, 4) = '2024' AND split_part(code, '-', 2) = '06' AND lower(region) = 'eu'", true),
    ("(doc ->> 'k1') = '01/02/2024' AND doc @> '{\"k1\": \"01/02/2024\"}' AND doc #>> '{k1}' = '01/02/2024'", true),
    ("region = ANY ('{EU,R2}') AND CASE WHEN id = 1 THEN 'R1' ELSE 'R2' END = 'R1'", true),
    ("during @> '2024-01-01'::date", true),
    ("during && '[2024-01-01,2024-01-02)'::daterange", true),
    ("created < '2024-06-01'", false),
    ("'2024-06-01' > created", false),
    ("created < '2024-06-01'::timestamptz", false),
    ("created < timestamp with time zone 'Jun 1 2024'", false),
    ("created < CAST('2024-06-01 00:00' AS timestamptz)", false),
    ("created IN ('2024-05-31 23:00', '2024-06-11')", false),
    ("created BETWEEN '2024-01-01' AND '2024-06-01'", false),
    ("created < ANY ('{2024-06-01}')", false),
    ("created < ANY (ARRAY['2024-06-01']::timestamptz[])", false),
    ("(id, created) < (2, '2024-06-01')", false),
    ("created < coalesce(NULL, '2024-06-01')", false),
    ("least(created, '2024-06-01') = created", false),
    ("date_trunc('day', created) < '2024-06-01'", false),
    ("created < (SELECT '2024-06-01'::zoned)", false),
    ("tstzrange('2020-01-01', '2024-06-01') @> created", false),
    ("created < 'tomorrow'", false),
    ("day < '01/02/2024'", false),
    ("day < ALL ('{01/02/2024}')", false),
    ("during && '[2024-01-01,01/02/2024)'::daterange", false),
    ("span < '-0 2:00'", false),
    ("region <> ALL ('{US,NULL}')", false),
    ("NOT tags && '{b,NULL}'", false),
    ("NOT tags && '{b,c}' AND tags <> '{b,NULL}'::text[]", false),
    ("'1 day' + created < '2024-06-02 00:00+00'", false),
    ("id = 1 OR region = NULL", false),
    ("price < '1.500'", false),
];

/// What a session may set, to have other rows.
const SETTINGS: [&str; 9] = [
    "RESET TimeZone",
    "SET TimeZone = '-167'",
    "SET TimeZone = '167'",
    "SET DateStyle = 'ISO, DMY'",
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = sql_standard",
    "SET array_nulls = off",
    "SET timezone_abbreviations = 'India'",
    "SET transform_null_equals = on",
];

const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE clerk LOGIN; CREATE DOMAIN zoned AS timestamptz;
CREATE TABLE rows (id int PRIMARY KEY, created timestamptz, day date, at timestamp, span interval, region text, code text, doc jsonb, during daterange, price money, tags text[]);
INSERT INTO rows VALUES
    (1, '2024-05-31 23:00+00', '2024-01-01', '2024-05-31', '-1:00', 'EU', '2024-06-01', '{\"k1\": \"01/02/2024\"}', '[2024-01-01,2024-01-05)', 1, '{a}'),
    (2, '2024-06-02 12:00+00', '2024-01-20', '2024-06-02', '1:00', 'US', 'x', '{}', '[2025-01-01,2025-01-05)', 1000, '{b,NULL}');
GRANT CREATE ON SCHEMA public TO clerk;";

#[test]
fn no_setting_reads_the_policys_sql_otherwise() {
    let (mut setup, mut rows, mut tables) = (SETUP.to_owned(), String::new(), String::new());
    let mut rules = String::new();
    for (i, (condition, _)) in CONDITIONS.iter().enumerate() {
        setup += &format!("CREATE TABLE rows_{i} AS TABLE rows; CREATE TABLE whens_{i} AS TABLE rows;");
        tables += &format!("  public.rows_{i}: {{}}\n  public.whens_{i}: {{ columns: {{ region: hide }} }}\n");
        rows += &format!("      public.rows_{i}: {}\n", serde_json::to_string(condition).unwrap());
        let condition = serde_json::to_string(condition).unwrap();
        rules += &format!("      public.whens_{i}.region: {{ when: {condition}, then: allow, else: {{ mask: redact }} }}\n");
    }
    setup += "GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk";
    let policy = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "version: 1\nclasses: {{ hide: ~ }}\ntables:\n{tables}roles:\n  clerk:\n    members: [clerk]\n    write: {{ hide: allow, \"public.*\": allow }}\n    read:\n{rules}    rows:\n{rows}"
    );
    std::fs::write(policy.path(), text).unwrap();
    let lab = Lab::start_with(policy.path(), &setup, "").unwrap();
    let mut wrong = Vec::new();
    for setting in SETTINGS {
        let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
        clerk.query(setting).unwrap();
        for (i, (condition, plain)) in CONDITIONS.iter().enumerate() {
            for (text, want) in [
                (format!("SELECT id FROM rows_{i}"), &b"1"[..]),
                (format!("SELECT string_agg(region, ' ' ORDER BY id) FROM whens_{i}"), b"EU ***"),
                (format!("UPDATE rows_{i} SET code = code RETURNING id"), b"1"),
            ] {
                let heard = clerk.query(&text).unwrap();
                let found: Vec<_> = heard.iter().filter(|m| m.tag == b'D').map(|m| m.values()[0].clone().unwrap()).collect();
                let right = if *plain { found == [want] } else { code(&heard) == "0A000" };
                if !right {
                    wrong.push(format!("{setting}: {condition}: {text}: {found:?} {heard:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is put in the place of a view, or of a function, holds what was read when that was made.
#[test]
fn no_setting_reads_a_definition_otherwise() {
    let setup = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE clerk LOGIN;
CREATE TABLE people (id int, email text, region text, created timestamptz, span interval);
INSERT INTO people VALUES (1, 'a@b', 'EU', '2024-05-31 23:00+00', '-1:00'), (2, 'c@d', 'US', '2024-06-02 12:00+00', '1:00');
CREATE VIEW nulls AS SELECT id, email FROM people WHERE region <> ALL ('{US,NULL}'::text[]);
CREATE VIEW moments AS SELECT id, email FROM people WHERE created < '2024-06-01 00:00+00';
CREATE VIEW spans AS SELECT id, email FROM people WHERE span < '-1 day 23:30';
CREATE FUNCTION called() RETURNS SETOF text STABLE BEGIN ATOMIC SELECT email FROM people WHERE region <> ALL ('{US,NULL}'::text[]) OR created < '2024-06-01 00:00+00'; END;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk";
    let policy = "
version: 1
classes: { hide: ~ }
tables: { public.people: { columns: { email: hide } } }
roles: { clerk: { members: [clerk], read: { hide: { mask: email } }, rows: { public.people: \"id < 100\" }, functions: [public.called] } }
";
    let lab = Lab::under(policy, setup, "").unwrap();
    for setting in SETTINGS {
        let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
        clerk.query(setting).unwrap();
        for (text, want) in [
            ("SELECT email FROM nulls", 0),
            ("SELECT email FROM moments", 1),
            ("SELECT email FROM spans", 1),
            ("SELECT * FROM called()", 1),
        ] {
            let heard = clerk.query(text).unwrap();
            assert_eq!(heard.iter().filter(|m| m.tag == b'D').count(), want, "{setting}: {text}: {heard:?}");
        }
    }
}
