//! Texts that PostgreSQL reads in a way of its own, over what is not veiled: a governed login gets what it gets directly, or a refusal.
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
use lab::oracle::Answer;
use lab::wire::Client;

const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE clerk LOGIN SUPERUSER;
CREATE TABLE secrets (secret text);
CREATE TABLE plain (id int PRIMARY KEY, name text, count int, addr text, doc text);
INSERT INTO plain VALUES (1, 'a', 7, '10.1.2.3/8', '{}'), (2, 'b', 8, '10.1.2.4', '[1]');
CREATE TYPE pair AS (name text, lower int);
CREATE FUNCTION made(int) RETURNS pair LANGUAGE sql AS $$ SELECT ('n' || $1, $1)::pair $$;
CREATE FUNCTION id(plain) RETURNS text LANGUAGE sql AS $$ SELECT 'called' $$;
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE TABLE graph (f int, t int);
INSERT INTO graph VALUES (1, 2), (2, 3), (3, 1);
";

const POLICY: &str = "
version: 1
classes: { hide: ~ }
tables: { public.secrets: { columns: { secret: hide } } }
roles:
  clerk: { members: [clerk], read: { hide: deny }, functions: ['public.*'] }
";

/// Texts, and whether they are answered.
const TEXTS: &[(&str, bool)] = &[
    // a type's name before a value in parentheses
    ("SELECT inet(addr), inet(addr) AS x, inet(lower(addr)) FROM plain", true),
    ("SELECT host(inet(addr)) FROM plain ORDER BY inet(addr)", true),
    ("SELECT int4range(int4range(1, 2)), jsonb(doc) FROM plain", true),
    ("SELECT small(id), public.small(id), pg_catalog.json(doc) FROM plain", true),
    ("SELECT small(id * 5) FROM plain", true),
    ("SELECT uuid(id) FROM plain", true),
    ("SELECT text(id), text(addr), date('2020-01-01'), date(doc) FROM plain", true),
    ("SELECT inet(addr, 1) FROM plain", true),
    // a row's field before which a function or type has the name
    ("SELECT name(made(id)) FROM plain", false),
    ("SELECT lower(made(id)) FROM plain", false),
    ("SELECT name(plain) FROM plain", false),
    ("SELECT name(p) FROM plain p", false),
    ("SELECT name(ROW('x', 1)::pair)", false),
    ("SELECT name(name) FROM plain", true),
    ("SELECT count(plain), count(p.*) FROM plain, plain p", true),
    ("SELECT count(made(id)) FROM plain", true),
    ("SELECT id(plain), id(p) FROM plain, plain p", true),
    ("SELECT to_json(plain), row_to_json(made(id)) FROM plain", true),
    // an index is no table that could be missing
    ("ALTER INDEX plain_pkey SET (fillfactor = 40)", false),
    // columns that CYCLE and SEARCH add
    (
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT t FROM r, graph WHERE f = n) CYCLE n SET looped USING path SELECT * FROM r",
        true,
    ),
    (
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT t FROM r, graph WHERE f = n AND NOT looped) CYCLE n SET looped USING path \
         SELECT * FROM r",
        false,
    ),
    (
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT t FROM r, graph WHERE f = n AND n < 3) SEARCH DEPTH FIRST BY n SET o \
         SELECT n FROM r ORDER BY o",
        true,
    ),
];

#[test]
fn what_is_written_oddly_is_read_as_postgresql_reads_it() {
    let lab = Lab::under(POLICY, SETUP, "").unwrap();
    let [mut direct, mut clerk] = [lab.cluster.port(), lab.port].map(|port| Client::connect(port, "clerk", "postgres").unwrap());
    for (text, answered) in TEXTS {
        let [own, seen] = [&mut direct, &mut clerk].map(|client| client.query(text).unwrap());
        let names = |heard: &[lab::wire::Message]| heard.iter().find(|m| m.tag == b'T').map(|m| m.body.clone());
        match (Answer::of(&own), Answer::of(&seen)) {
            (own, Answer::Refused(why)) => assert!(!answered, "{text}: {why}, not {}", own.short()),
            (Answer::Failed(own), Answer::Failed(seen)) => assert_eq!(own[..5], seen[..5], "{text}: {seen}, not {own}"),
            (rows, got) => {
                assert_eq!(got, rows, "{text}");
                assert_eq!(names(&seen), names(&own), "{text}");
                assert!(*answered, "{text}: it is answered");
            }
        }
    }
}
