//! A condition that looks into another relation says what that relation's rows say: so who may not write them all may write none.
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
CREATE ROLE pgscrim LOGIN; CREATE ROLE clerk LOGIN SUPERUSER; CREATE ROLE partly LOGIN SUPERUSER; CREATE ROLE granted LOGIN SUPERUSER; CREATE ROLE caller LOGIN SUPERUSER;
CREATE ROLE maker LOGIN SUPERUSER; CREATE ROLE mover LOGIN SUPERUSER;
CREATE TABLE bills (id int PRIMARY KEY, region text);
INSERT INTO bills SELECT i, CASE WHEN i % 2 = 0 THEN 'EU' ELSE 'US' END FROM generate_series(1, 12) i;
CREATE TABLE served (region text DEFAULT 'US', note text) PARTITION BY LIST (region);
CREATE TABLE served_all PARTITION OF served DEFAULT;
INSERT INTO served VALUES ('EU', 'n');
CREATE VIEW regions AS SELECT region FROM served;
CREATE VIEW notes AS SELECT note FROM served;
CREATE TABLE other (id int);
CREATE TABLE filled (region text, note text);
INSERT INTO filled VALUES ('US', 'n');
CREATE TABLE lands (name text PRIMARY KEY, note text);
CREATE TABLE zones (name text PRIMARY KEY REFERENCES lands (name) ON UPDATE CASCADE, note text, code int UNIQUE);
INSERT INTO lands VALUES ('EU'), ('US'); INSERT INTO zones VALUES ('EU', NULL, 1), ('US', NULL, 2);
CREATE TABLE wards (zone text REFERENCES zones ON UPDATE CASCADE, code int REFERENCES zones (code)); INSERT INTO wards VALUES ('EU');
CREATE TABLE called (region text); INSERT INTO called VALUES ('EU');
CREATE FUNCTION is_called(text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN by_name($1); END $$;
CREATE FUNCTION by_name(text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT EXISTS (SELECT FROM called WHERE region = $1) $$;";

const POLICY: &str = "
version: 1
roles:
  clerk:
    members: [clerk]
    rows: { public.bills: \"EXISTS (SELECT 1 FROM public.served s WHERE s.region = bills.region)\" }
  partly:
    members: [partly]
    rows: { public.bills: \"region IN (SELECT r.region FROM public.regions r)\" }
    write: { public.served.note: allow, public.served_all.note: allow }
  caller:
    members: [caller]
    rows: { public.bills: \"public.is_called(region)\" }
  granted:
    members: [granted]
    rows: { public.bills: \"EXISTS (SELECT 1 FROM public.served s WHERE s.region = bills.region)\" }
    write: { public.served: allow }
    statements: [ddl]
  mover:
    members: [mover]
    rows: { public.bills: \"region IN (SELECT w.zone FROM public.wards w)\" }
  maker:
    members: [maker]
    rows: { public.bills: \"region IN (SELECT r.region FROM public.regions r)\" }
    statements: [ddl]
";

#[test]
fn who_may_not_write_a_condition_does_not() {
    let lab = Lab::under(POLICY, SETUP, "").unwrap();
    for (login, text, rows) in [
        ("clerk", "INSERT INTO served VALUES ('US', 'y')", None),
        ("clerk", "INSERT INTO served DEFAULT VALUES", None),
        ("clerk", "INSERT INTO served_all VALUES ('US', 'y')", None),
        ("clerk", "INSERT INTO regions VALUES ('US')", None),
        ("clerk", "INSERT INTO notes VALUES ('y')", None),
        ("clerk", "UPDATE served SET region = 'US'", None),
        ("clerk", "UPDATE regions SET region = 'US'", None),
        ("clerk", "DELETE FROM served", None),
        ("clerk", "TRUNCATE served", None),
        ("clerk", "COPY served FROM STDIN", None),
        ("clerk", "WITH w AS (INSERT INTO served VALUES ('US', 'y')) SELECT 1", None),
        ("clerk", "INSERT INTO other VALUES (1)", Some(6)),
        ("partly", "INSERT INTO served (note) VALUES ('y')", None),
        ("partly", "INSERT INTO served_all (note) VALUES ('y')", None),
        ("partly", "INSERT INTO notes VALUES ('y')", None),
        ("partly", "UPDATE served SET note = 'y'", Some(6)),
        ("caller", "INSERT INTO called VALUES ('US')", None),
        ("caller", "INSERT INTO other VALUES (1)", Some(6)),
        ("caller", "CREATE TEMP TABLE called AS SELECT 'US'::text AS region", None),
        ("caller", "SELECT 'US'::text AS region INTO TEMP called", None),
        ("caller", "CREATE TEMP TABLE IF NOT EXISTS called (region text)", None),
        ("caller", "CREATE TEMP TABLE t AS SELECT 'US'::text AS region; ALTER TABLE t RENAME TO called", None),
        ("caller", "CREATE TEMP TABLE mine AS SELECT 'US'::text AS called; ALTER TABLE mine RENAME called TO region", Some(6)),
        ("granted", "INSERT INTO served VALUES ('US', 'y')", Some(12)),
        ("granted", "ALTER TABLE served ATTACH PARTITION filled FOR VALUES IN ('US')", Some(12)),
        ("mover", "UPDATE zones SET name = 'AF' WHERE name = 'EU'", None),
        ("mover", "UPDATE lands SET name = 'AF' WHERE name = 'EU'", None),
        ("mover", "UPDATE zones SET note = 'x', code = code + 10", Some(6)),
        ("mover", "UPDATE lands SET note = 'x'", Some(6)),
        ("maker", "ALTER TABLE served ATTACH PARTITION filled FOR VALUES IN ('US')", None),
        ("maker", "CREATE TABLE public.added PARTITION OF served FOR VALUES IN ('US')", None),
        ("maker", "ALTER TABLE served RENAME TO elsewhere", None),
        ("maker", "ALTER TABLE served RENAME note TO remark", None),
        ("maker", "ALTER TABLE served ALTER region SET DEFAULT 'AF'", None),
        ("maker", "DROP TABLE served_all", None),
        ("maker", "DROP VIEW regions", None),
        ("maker", "CREATE OR REPLACE VIEW regions AS SELECT 'US'::text AS region", None),
        ("maker", "ALTER VIEW regions RENAME TO others", None),
        ("maker", "ALTER TABLE filled ADD more int", Some(6)),
    ] {
        let mut client = Client::connect(lab.port, login, "postgres").unwrap();
        client.query("BEGIN").unwrap();
        let answer = Answer::of(&client.query(text).unwrap());
        match rows {
            None => assert!(matches!(&answer, Answer::Refused(why) if why.starts_with("42501 ")), "{login}: {text}: {answer:?}"),
            Some(rows) => {
                assert!(matches!(answer, Answer::Rows(_)), "{login}: {text}: {answer:?}");
                let seen = Answer::of(&client.query("SELECT id FROM bills").unwrap());
                assert!(matches!(&seen, Answer::Rows(ids) if ids.len() == rows), "{login}: {text}: {seen:?}");
            }
        }
    }
}
