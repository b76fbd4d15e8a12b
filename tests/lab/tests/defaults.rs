//! What a column's default calls runs with the rights of who inserts: a row that takes one which may read what is veiled would show it.
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
CREATE ROLE pgscrim LOGIN; CREATE ROLE clerk LOGIN SUPERUSER; CREATE ROLE named LOGIN SUPERUSER; CREATE ROLE free LOGIN SUPERUSER;
CREATE TABLE people (id int PRIMARY KEY, email text);
INSERT INTO people VALUES (1, 'canary@example.org');
CREATE VIEW mails AS SELECT email FROM people;
CREATE SEQUENCE numbers START 700;
CREATE FUNCTION mail(int) RETURNS text LANGUAGE sql STABLE AS $$ SELECT email FROM public.people WHERE id = $1 $$;
CREATE FUNCTION around(int) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN public.mail($1); END $$;
CREATE FUNCTION through() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (SELECT max(email) FROM public.mails); END $$;
CREATE FUNCTION owner_mail() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT max(email) FROM public.people $$;
CREATE FUNCTION behind(int, int) RETURNS text LANGUAGE sql STABLE AS $$ SELECT public.mail($1) $$;
CREATE OPERATOR |~| (FUNCTION = behind, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION code() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT 'c' || nextval('public.numbers') $$;
CREATE TABLE harmless (id int PRIMARY KEY, code text DEFAULT code(), at timestamptz DEFAULT now());
CREATE TABLE called (id int PRIMARY KEY, m text DEFAULT mail(1));
CREATE TABLE nested (id int PRIMARY KEY, m text DEFAULT around(1));
CREATE TABLE viewed (id int PRIMARY KEY, m text DEFAULT through());
CREATE TABLE owned (id int PRIMARY KEY, m text DEFAULT owner_mail());
CREATE TABLE operated (id int PRIMARY KEY, m text DEFAULT 1 |~| 2);
CREATE DOMAIN mailed AS text DEFAULT mail(1);
CREATE DOMAIN mailed_too AS mailed;
CREATE TABLE domained (id int PRIMARY KEY, m mailed);
CREATE TABLE domained_too (id int PRIMARY KEY, m mailed_too);
CREATE TABLE domained_well (id int PRIMARY KEY, m mailed DEFAULT 'x');
CREATE TABLE classed (id int PRIMARY KEY, m text DEFAULT mail(1));
CREATE TABLE parted (id int, m text DEFAULT mail(1)) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);
CREATE VIEW over AS SELECT id, m FROM called;
";

const POLICY: &str = "
version: 1
classes: { mail: ~ }
tables:
  public.people: { columns: { email: mail } }
  public.classed: { columns: { m: mail } }
roles:
  clerk: { members: [clerk], read: { mail: { mask: email } }, write: { mail: allow }, statements: [ddl] }
  named: { members: [named], read: { mail: { mask: email } }, functions: ['public.*'] }
  free: { members: [free], read: { mail: allow } }
";

#[test]
fn a_default_shows_nothing_that_is_veiled() {
    let lab = Lab::under(POLICY, SETUP, "").unwrap();
    for (login, text, answered) in [
        ("clerk", "INSERT INTO harmless (id) VALUES (1) RETURNING code, at > '2000-01-01'", true),
        ("clerk", "INSERT INTO called (id) VALUES (1) RETURNING m", false),
        ("clerk", "INSERT INTO called VALUES (1, DEFAULT) RETURNING m", false),
        ("clerk", "INSERT INTO called VALUES (1, 'x'), (2, DEFAULT)", false),
        ("clerk", "INSERT INTO called VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET m = DEFAULT", false),
        ("clerk", "INSERT INTO called VALUES (1, 'x') RETURNING *", true),
        ("clerk", "INSERT INTO called SELECT 2, 'x' RETURNING *", true),
        ("clerk", "INSERT INTO called SELECT 2 RETURNING *", false),
        ("clerk", "UPDATE called SET m = 'y' RETURNING *", true),
        ("clerk", "UPDATE called SET m = DEFAULT", false),
        ("clerk", "UPDATE called SET (id, m) = ROW(1, DEFAULT)", false),
        ("clerk", "WITH w AS (INSERT INTO called (id) VALUES (3) RETURNING m) SELECT * FROM w", false),
        ("clerk", "COPY called (id) FROM STDIN", false),
        ("clerk", "COPY called FROM STDIN (DEFAULT 'd')", false),
        ("clerk", "SELECT m FROM called WHERE id = 0", true),
        ("clerk", "MERGE INTO called USING harmless h ON called.id = h.id WHEN NOT MATCHED THEN INSERT DEFAULT VALUES", false),
        ("clerk", "INSERT INTO nested (id) VALUES (1)", false),
        ("clerk", "INSERT INTO viewed (id) VALUES (1)", false),
        ("clerk", "INSERT INTO owned (id) VALUES (1)", false),
        ("clerk", "INSERT INTO operated DEFAULT VALUES", false),
        ("clerk", "INSERT INTO domained (id) VALUES (1) RETURNING m", false),
        ("clerk", "INSERT INTO domained_too (id) VALUES (1) RETURNING m", false),
        ("clerk", "INSERT INTO domained_well (id) VALUES (1) RETURNING m", true),
        ("clerk", "CREATE TEMP TABLE t (m mailed)", false),
        ("clerk", "INSERT INTO parted (id) VALUES (1)", false),
        ("clerk", "INSERT INTO part (id) VALUES (1)", false),
        ("clerk", "INSERT INTO over (id) VALUES (1)", false),
        ("clerk", "CREATE TEMP TABLE t (LIKE called INCLUDING DEFAULTS)", false),
        ("clerk", "CREATE TEMP TABLE t () INHERITS (called)", false),
        ("clerk", "ALTER TABLE called ADD COLUMN x int", false),
        ("clerk", "INSERT INTO classed (id) VALUES (1) RETURNING m", true),
        ("named", "INSERT INTO called (id) VALUES (4) RETURNING m", false),
        ("named", "INSERT INTO nested (id) VALUES (4)", true),
        ("named", "INSERT INTO owned (id) VALUES (4)", true),
        ("free", "INSERT INTO called (id) VALUES (5) RETURNING m", true),
    ] {
        let mut client = Client::connect(lab.port, login, "postgres").unwrap();
        let answer = Answer::of(&client.query(text).unwrap());
        let refused = matches!(answer, Answer::Refused(_));
        assert_eq!(!refused, answered, "{login}: {text}: {answer:?}");
        assert!(refused || matches!(answer, Answer::Rows(_)), "{login}: {text}: {answer:?}");
        assert!(login == "free" || !format!("{answer:?}").contains("canary"), "{login}: {text}: {answer:?}");
    }
}
