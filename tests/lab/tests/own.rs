//! A session's own temporary tables: what is done to them nobody else sees, so no right is needed and the answers are PostgreSQL's. Where a
//! statement touches anything besides, the right for definitions is needed, and nothing of it may be veiled.
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

use lab::Lab;
use lab::wire::{Client, Message, code};

const POLICY: &str = "
version: 1
classes: { contact: ~ }
tables: { public.people: { columns: { email: contact } } }
roles:
  clerk: { members: [clerk], read: { contact: { mask: email } }, functions: [public.noisy] }
  keeper: { members: [keeper], read: { contact: { mask: email } }, write: { \"public.*\": allow }, delete: [\"public.*\"], statements: [ddl, maintenance] }
  owner: { members: [owner], unrestricted: true }
";

const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE owner LOGIN SUPERUSER; CREATE ROLE clerk LOGIN; CREATE ROLE keeper LOGIN; CREATE ROLE plain LOGIN;
CREATE TABLE people (id int PRIMARY KEY, email text, city text);
INSERT INTO people SELECT i, 'canary' || i || '@example.com', 'c' || i % 3 FROM generate_series(1, 20) i;
CREATE TABLE places (id int PRIMARY KEY, name text DEFAULT 'here');
CREATE FUNCTION noisy(int) RETURNS boolean SECURITY DEFINER LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', (SELECT min(email) FROM public.people); END $$;
CREATE FUNCTION bell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE SEQUENCE steps; CREATE SEQUENCE tallies; ALTER TABLE people ALTER email SET DEFAULT 'x' || nextval('tallies');
CREATE SCHEMA other; CREATE TYPE kind AS ENUM ('a'); CREATE DOMAIN level AS int; GRANT CREATE ON DATABASE postgres TO keeper, plain;
CREATE ROLE makers; GRANT makers TO keeper, plain; ALTER TABLE places OWNER TO makers;
GRANT ALL ON SCHEMA public TO keeper, plain;
GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk, keeper, plain;
ANALYZE";

const CANARIES: &str = "SELECT 'text', email FROM people";

/// Each is answered as PostgreSQL does, errors by their code.
const OWN: &[&str] = &[
    "CREATE TEMP TABLE t (id int PRIMARY KEY, a text NOT NULL DEFAULT 'x', UNIQUE (a), CHECK (id > 0)) ON COMMIT PRESERVE ROWS",
    "CREATE INDEX ON t (a)",
    "CREATE UNIQUE INDEX by_lower ON pg_temp.t (lower(a)) WHERE id > 0",
    "CREATE INDEX ON t (missing)",
    "ALTER TABLE t ADD COLUMN b int, ADD COLUMN c int DEFAULT 5",
    "INSERT INTO t (id, b) VALUES (1, 2) RETURNING *",
    "INSERT INTO t (id, a) VALUES (1, 'y')",
    "ALTER TABLE t DROP COLUMN b",
    "SELECT * FROM t",
    "ALTER TABLE t ALTER c TYPE bigint USING c + 1",
    "ALTER TABLE t ALTER a TYPE int USING a::int",
    "ALTER TABLE t ADD CONSTRAINT u UNIQUE (c), ALTER c SET NOT NULL",
    "ALTER TABLE t RENAME c TO d",
    "SELECT t, d FROM t",
    "ALTER TABLE t RENAME TO renamed",
    "SELECT id, d FROM renamed",
    "SELECT * FROM t",
    "ALTER TABLE renamed RENAME TO t; SELECT 1",
    "SELECT count(*) FROM t",
    "ANALYZE t",
    "ANALYZE pg_temp.t (id, a)",
    "VACUUM t",
    "REINDEX TABLE t",
    "CLUSTER t USING by_lower",
    "COMMENT ON TABLE t IS 'mine'",
    "COMMENT ON COLUMN t.d IS 'mine'",
    "CREATE TEMP TABLE keyed_t (a int, b text, c int)",
    "ALTER TABLE keyed_t ADD PRIMARY KEY (a)",
    "ALTER TABLE keyed_t ADD CONSTRAINT keyed_b UNIQUE (b) INCLUDE (c)",
    "ALTER TABLE keyed_t ADD FOREIGN KEY (c) REFERENCES keyed_t (a) ON DELETE SET NULL",
    "CREATE INDEX ON keyed_t USING btree (c) WITH (fillfactor = 70, deduplicate_items = off)",
    "CREATE TEMP TABLE stored_t (a int) WITH (fillfactor = 70, autovacuum_enabled = off)",
    "INSERT INTO keyed_t VALUES (1, 'x', 1), (1, 'y', 1)",
    "CREATE TEMP TABLE tree_t (a int PRIMARY KEY, over int REFERENCES tree_t, top int, FOREIGN KEY (top) REFERENCES pg_temp.tree_t (a), t int REFERENCES keyed_t (a))",
    "INSERT INTO tree_t VALUES (1, NULL, 1), (2, 1, 3)",
    "INSERT INTO tree_t VALUES (1, NULL, 1), (2, 1, 1)",
    "SELECT conname, confrelid::regclass FROM pg_constraint WHERE conrelid = 'tree_t'::regclass AND contype = 'f' ORDER BY 1",
    "CREATE TEMP TABLE checked_t (a int, CHECK (a > 0 AND tableoid::regclass::text LIKE '%checked_t'))",
    "INSERT INTO checked_t VALUES (1)",
    "CREATE TEMP TABLE like_t (LIKE t INCLUDING ALL, more int)",
    "INSERT INTO like_t SELECT *, 1 FROM t RETURNING *",
    "CREATE TEMP TABLE like_places (LIKE places)",
    "INSERT INTO like_places (id) VALUES (3) RETURNING name, id",
    "CREATE TEMP TABLE child (more int, a text) INHERITS (t)",
    "INSERT INTO child (id, a, more) VALUES (7, 'z', 1) RETURNING *",
    "SELECT id, a, tableoid::regclass::text FROM t ORDER BY id",
    "ALTER TABLE child NO INHERIT t",
    "SELECT id FROM t",
    "ALTER TABLE child INHERIT t",
    "SELECT id FROM t",
    "CREATE TEMP TABLE parts (a int, b text) PARTITION BY RANGE (a, lower(b))",
    "CREATE TEMP TABLE part_1 PARTITION OF parts (b NOT NULL) FOR VALUES FROM (MINVALUE, MINVALUE) TO (5, 'x')",
    "CREATE TEMP TABLE part_2 (b text, a int)",
    "ALTER TABLE parts ATTACH PARTITION part_2 FOR VALUES FROM (5, 'x') TO (MAXVALUE, MAXVALUE)",
    "INSERT INTO parts VALUES (1, 'a'), (9, 'b')",
    "SELECT a, b, tableoid::regclass::text FROM parts ORDER BY a",
    "ALTER TABLE parts DETACH PARTITION part_1",
    "SELECT a FROM parts",
    "CREATE TEMP TABLE listed PARTITION OF missing FOR VALUES IN ('a', NULL)",
    "CREATE TEMP SEQUENCE counted START 5 INCREMENT 2",
    "SELECT nextval('counted'), nextval('pg_temp.counted'::regclass)",
    "SELECT last_value, is_called, currval('counted') FROM counted",
    "SELECT setval('counted', 50)",
    "ALTER SEQUENCE counted RESTART WITH 7 OWNED BY t.id",
    "SELECT nextval('counted')",
    "ALTER SEQUENCE counted OWNED BY NONE",
    "CREATE TEMP SEQUENCE owned AS smallint OWNED BY t.id",
    "CREATE TEMP TABLE numbered (id serial, other int DEFAULT nextval('counted'), third int GENERATED ALWAYS AS IDENTITY)",
    "INSERT INTO numbered VALUES (DEFAULT), (DEFAULT) RETURNING *",
    "SELECT currval('numbered_id_seq'), currval('numbered_third_seq'), nextval('pg_temp.numbered_id_seq')",
    "COMMENT ON SEQUENCE counted IS 'mine'",
    "ALTER SEQUENCE counted RENAME TO counts",
    "SELECT nextval('counts')",
    "DROP TABLE numbered",
    "DROP SEQUENCE counts, owned",
    "SELECT last_value FROM counts",
    "TRUNCATE t, like_t",
    "COPY t TO STDOUT",
    "DROP TABLE t CASCADE",
    "SELECT 1 FROM t",
    "CREATE TEMP TABLE people (id int); INSERT INTO people VALUES (4)",
    "ALTER TABLE people ADD email text DEFAULT 'own'",
    "SELECT * FROM people",
    "DROP TABLE people",
    "CREATE TEMP TABLE both_ways (id int); ALTER TABLE both_ways ADD x int; DROP TABLE both_ways",
];

/// What is not the session's alone, or code: refused to a login without the right.
const OTHERS: &[&str] = &[
    "ALTER TABLE places ADD x int",
    "CREATE INDEX ON places (name)",
    "ANALYZE places",
    "ANALYZE",
    "VACUUM",
    "REINDEX TABLE places",
    "COMMENT ON TABLE places IS 'x'",
    "CREATE TEMP TABLE x () INHERITS (places)",
    "CREATE TEMP TABLE x () INHERITS (people)",
    "CREATE TEMP TABLE x (LIKE people)",
    "CREATE TEMP TABLE x (LIKE places INCLUDING DEFAULTS)",
    "ALTER TABLE mine ADD FOREIGN KEY (id) REFERENCES places",
    "ALTER TABLE mine INHERIT people",
    "ALTER TABLE mine ADD x text DEFAULT query_to_xml('SELECT 1', true, true, '')::text",
    "CREATE TRIGGER b BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION bell()",
    "ALTER TABLE mine SET SCHEMA public",
    "ANALYZE mine, places",
    "CREATE TABLE public.x (LIKE mine)",
    "CREATE TABLE public.x (id int) PARTITION BY LIST (id)",
    "CREATE SEQUENCE d",
    "CREATE TEMP SEQUENCE d OWNED BY places.id",
    "ALTER SEQUENCE steps RESTART",
    "SELECT nextval('tallies')",
    "SELECT nextval('mine')",
    "SELECT nextval('missing')",
    "SELECT nextval('public.tallies')",
    "CREATE DOMAIN d AS int",
    "CREATE DOMAIN pg_temp.d AS int",
    "CREATE TYPE pg_temp.d AS ENUM ()",
    "DROP TYPE kind",
    "DROP DOMAIN level",
    "DROP SCHEMA other",
    "DROP SCHEMA IF EXISTS nothing",
];

/// Definitions over tables that are not veiled, with the right for them.
const DEFINED: &[&str] = &[
    "CREATE TABLE public.measured (a int, b text, c date) PARTITION BY LIST (b)",
    "CREATE TABLE public.measured_x PARTITION OF public.measured (CHECK (a > 0)) FOR VALUES IN ('x', NULL)",
    "CREATE TABLE public.measured_y (LIKE public.measured INCLUDING ALL)",
    "ALTER TABLE public.measured ATTACH PARTITION public.measured_y FOR VALUES IN ('y')",
    "CREATE TABLE public.measured_z PARTITION OF public.measured DEFAULT PARTITION BY HASH (a)",
    "CREATE TABLE public.measured_z0 PARTITION OF public.measured_z FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
    "INSERT INTO public.measured VALUES (1, 'x'), (2, 'y'), (3, 'z'), (4, NULL)",
    "INSERT INTO public.measured VALUES (-1, 'x')",
    "SELECT a, b, tableoid::regclass::text FROM public.measured ORDER BY a",
    "ALTER TABLE public.measured DETACH PARTITION public.measured_x",
    "SELECT a FROM public.measured ORDER BY a",
    "CREATE TABLE public.cities (height int) INHERITS (public.places)",
    "INSERT INTO public.cities VALUES (1, 'high', 9) RETURNING *",
    "SELECT * FROM public.places",
    "ALTER TABLE public.cities NO INHERIT public.places",
    "SELECT * FROM public.places",
    "CREATE INDEX by_kind ON public.cities (height)",
    "CREATE INDEX other_kind ON public.cities (lower(name))",
    "REINDEX INDEX by_kind",
    "DROP INDEX by_kind, public.other_kind",
    "DROP INDEX by_kind",
    "DROP INDEX IF EXISTS by_kind, missing.by_kind",
    "DROP INDEX public.never",
    "REINDEX INDEX by_kind",
    "DROP TABLE public.measured, public.measured_x, public.cities",
    "CREATE SCHEMA made",
    "CREATE TYPE made.mood AS ENUM ('sad', 'glad')",
    "CREATE DOMAIN made.positive AS int DEFAULT 1 + 1 CONSTRAINT set NOT NULL CHECK (VALUE > 0) CONSTRAINT low CHECK (made.positive.value IS NULL)",
    "CREATE DOMAIN made.positive AS int DEFAULT 1 + 1 CONSTRAINT set NOT NULL CHECK (VALUE > 0) CONSTRAINT low CHECK (abs(VALUE) < 100)",
    "CREATE DOMAIN made.short AS varchar(3) COLLATE \"C\" CHECK (lower(VALUE) = VALUE)",
    "CREATE DOMAIN made.wrong AS int CHECK (missing > 0)",
    "CREATE DOMAIN made.wrong AS nothing",
    "CREATE DOMAIN unqualified AS made.mood[]",
    "SELECT 5::made.positive, 'abc'::made.short, '{sad}'::unqualified",
    "SELECT (-5)::made.positive",
    "SELECT 'ABC'::made.short",
    "CREATE TABLE made.uses (a made.positive, m made.mood)",
    "INSERT INTO made.uses (m) VALUES ('sad') RETURNING *",
    "DROP DOMAIN made.positive",
    "DROP TYPE made.mood",
    "DROP SCHEMA made",
    "DROP TABLE made.uses",
    "DROP DOMAIN IF EXISTS made.nothing, made.positive, made.short",
    "DROP DOMAIN unqualified, made.nothing",
    "DROP DOMAIN unqualified",
    "DROP TYPE made.mood RESTRICT",
    "DROP TYPE IF EXISTS made.mood, mood",
    "DROP SCHEMA made, missing",
    "DROP SCHEMA made",
    "DROP SCHEMA made",
    "DROP SCHEMA IF EXISTS made",
];

fn started() -> Lab {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    Lab::guarded(folder.path(), SETUP, CANARIES, &["owner", "plain"], "").unwrap()
}

/// Tags, rows and the code of an error; text alone, in its order.
fn answer(heard: &[Message]) -> Vec<String> {
    let shown = |m: &Message| match m.tag {
        b'D' | b'C' | b'd' => Some(String::from_utf8_lossy(&m.body).into_owned()),
        b'E' => Some(code(std::slice::from_ref(m))),
        _ => None,
    };
    heard.iter().filter_map(shown).collect()
}

fn same(lab: &Lab, user: &str, texts: &[&str]) {
    let [mut through, mut direct] =
        [(lab.port, user), (lab.cluster.port(), "plain")].map(|(port, user)| Client::connect(port, user, "postgres").unwrap());
    let mut own = Vec::new();
    for text in texts {
        let got = answer(&through.query(text).unwrap());
        own.push((text, got));
    }
    drop(through);
    for (text, got) in own {
        assert_eq!(got, answer(&direct.query(text).unwrap()), "{text}");
    }
}

#[test]
fn what_is_the_sessions_own_it_may_change() {
    let lab = started();
    same(&lab, "clerk", OWN);
}

#[test]
fn what_is_not_the_sessions_own_needs_the_right() {
    let lab = started();
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    assert_eq!(answer(&clerk.query("CREATE TEMP TABLE mine (id int)").unwrap()), ["CREATE TABLE\0"]);
    for text in OTHERS {
        let heard = clerk.query(text).unwrap();
        let (code, message) = (code(&heard), heard.iter().find_map(|m| m.field(b'M')).unwrap_or_default());
        assert!(matches!(&*code, "42501" | "0A000") && message.starts_with("pgscrim: "), "{text}: {code} {message}");
    }
    assert_eq!(answer(&clerk.query("SELECT count(*) FROM mine").unwrap()).len(), 2);
    // a sequence of the session's own hides another one of its name, where the search path has it so
    assert_eq!(code(&clerk.query("CREATE TEMP SEQUENCE tallies").unwrap()), "");
    for (text, want) in [
        ("SELECT nextval('tallies')", ""),
        ("SELECT nextval('public.tallies')", "42501"),
        ("SET search_path = public, pg_temp", ""),
        ("SELECT nextval('tallies')", "42501"),
        ("SELECT nextval('pg_temp.tallies')", ""),
        ("RESET search_path", ""),
        ("DROP SEQUENCE tallies", ""),
        ("SELECT nextval('tallies')", "42501"),
    ] {
        assert_eq!(code(&clerk.query(text).unwrap()), want, "{text}");
    }
    // what code says in a check is not passed on
    clerk.query("CREATE TEMP TABLE loud (id int CHECK (noisy(id)))").unwrap();
    assert_eq!(code(&clerk.query("INSERT INTO loud VALUES (1)").unwrap()), "P0001");
    assert_eq!(lab.leaks(), []);
}

/// PostgreSQL reads a sequence's name in a text each time that it plans: what was the session's own must not come to be another's by then.
#[test]
fn a_text_stands_for_the_sequence_that_it_stood_for() {
    let lab = started();
    let [mut clerk, mut owner] = ["clerk", "owner"].map(|user| Client::connect(lab.port, user, "postgres").unwrap());
    let number = owner.query("SELECT 'public.tallies'::regclass::oid").unwrap();
    let number = number.iter().find(|m| m.tag == b'D').map(|m| String::from_utf8(m.values()[0].clone().unwrap()).unwrap()).unwrap();
    let (named, by_number) = (format!("CREATE TEMP SEQUENCE \"{number}\""), format!("SELECT nextval('{number}')"));
    for (text, want) in [
        ("CREATE TEMP SEQUENCE tallies", ""),
        ("PREPARE p AS SELECT nextval('tallies'), currval(' Tallies '::text::regclass)", ""),
        ("EXECUTE p", ""),
        ("DROP SEQUENCE tallies; SELECT nextval('tallies')", "42P01"),
        ("DROP SEQUENCE IF EXISTS pg_temp.tallies", ""),
        ("EXECUTE p", "42P01"),
        ("BEGIN", ""),
        ("CREATE TEMP SEQUENCE tallies", ""),
        ("ROLLBACK; SELECT nextval('tallies')", "42P01"),
        ("CREATE TEMP SEQUENCE steps; DISCARD SEQUENCES", ""),
        ("SELECT nextval('steps')", ""),
        (&named, ""),
        (&by_number, "42501"),
    ] {
        assert_eq!(code(&clerk.query(text).unwrap()), want, "{text}");
    }
    assert_eq!(answer(&owner.query("SELECT is_called FROM public.tallies").unwrap())[0].as_bytes().last(), Some(&b'f'));
}

/// A domain may have the name of PostgreSQL's own type, and cut what is cast to it.
#[test]
fn a_cast_to_somebodys_text_keeps_no_text() {
    let lab = started();
    let mut keeper = Client::connect(lab.port, "keeper", "postgres").unwrap();
    for (text, want) in [
        ("SELECT set_config('my.own'::text, 'x', false)", ""),
        ("CREATE DOMAIN public.text AS varchar(11)", ""),
        ("SELECT set_config('my.own'::text, 'x', false)", ""),
        ("SET search_path = public, pg_catalog", ""),
        ("SELECT set_config('search_path.x'::text, 'pg_temp', false)", "42501"),
        ("SELECT set_config('search_path'::text, 'pg_temp', false)", "42501"),
        ("SELECT set_config('my.own'::pg_catalog.text, 'x', false)", ""),
    ] {
        assert_eq!(code(&keeper.query(text).unwrap()), want, "{text}");
    }
}

#[test]
fn partitions_and_children_of_what_is_not_veiled_can_be_made() {
    let lab = started();
    same(&lab, "keeper", DEFINED);
    let mut keeper = Client::connect(lab.port, "keeper", "postgres").unwrap();
    for text in [
        "CREATE TABLE public.x () INHERITS (people)",
        "CREATE TABLE public.x (LIKE people)",
        "CREATE TABLE public.x PARTITION OF people FOR VALUES IN (1)",
        "ALTER TABLE places INHERIT people",
        "ALTER TABLE people ATTACH PARTITION places DEFAULT",
        "ALTER TABLE people NO INHERIT places",
        "DROP INDEX people_pkey",
        "DROP INDEX IF EXISTS missing, public.people_pkey",
        "CREATE DOMAIN d AS int CHECK (noisy(VALUE))",
    ] {
        assert_eq!(code(&keeper.query(text).unwrap()), "42501", "{text}");
    }
    // what hangs on these may be anybody's
    for text in [
        "DROP SCHEMA other CASCADE",
        "DROP TYPE kind CASCADE",
        "DROP INDEX people_pkey CASCADE",
        "DROP DOMAIN level CASCADE",
        "CREATE DOMAIN d AS int CHECK (EXISTS (SELECT FROM people))",
        "CREATE DOMAIN pg_temp.d AS int",
        "CREATE VIEW pg_temp.v AS SELECT email FROM people",
        "CREATE TEMP VIEW v AS SELECT 1",
    ] {
        let heard = keeper.query(text).unwrap();
        assert!(matches!(&*code(&heard), "0A000" | "42501"), "{text}: {heard:?}");
    }
}
