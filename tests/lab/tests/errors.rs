//! What a governed client sees of the server's errors and notices, held against what the server itself says of the same statement: with
//! something veiled in it the fields that can hold a value go and the message becomes its condition and the names of objects; elsewhere
//! all stays. Statements are made from parts, and run over the database of the attacks, so that values in messages are canaries.
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

use std::path::{Path, PathBuf};

use lab::Lab;
use lab::wire::{Client, Message};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../attacks")
}

fn file(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// Functions that the role has and that speak, at every level and with every field.
const SPEAKERS: &str = "
    CREATE FUNCTION public.speak(level text, said text) RETURNS int LANGUAGE plpgsql AS $$
    BEGIN
        CASE level
            WHEN 'debug' THEN RAISE DEBUG 'at %', said;
            WHEN 'log' THEN RAISE LOG 'at %', said;
            WHEN 'info' THEN RAISE INFO 'at %', said;
            WHEN 'notice' THEN RAISE NOTICE 'at %', said USING DETAIL = said, HINT = said;
            WHEN 'warning' THEN RAISE WARNING 'at %', said USING ERRCODE = '01P01';
            WHEN 'names' THEN RAISE EXCEPTION 'at %', said USING SCHEMA = 'public', TABLE = 'people', COLUMN = 'email', CONSTRAINT = 'people_pkey', DATATYPE = 'code';
            WHEN 'posing' THEN RAISE EXCEPTION 'at %', said USING SCHEMA = said, TABLE = said, COLUMN = said, CONSTRAINT = said, DATATYPE = said;
            ELSE RAISE EXCEPTION 'at %', said USING ERRCODE = level, DETAIL = said, HINT = said;
        END CASE;
        RETURN 1;
    END $$;
    CREATE FUNCTION public.secret(n int) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT email FROM public.people WHERE people.id = n $$;
    CREATE TABLE public.open (id int PRIMARY KEY, code text UNIQUE, amount int NOT NULL CHECK (amount > 0), other int REFERENCES public.plain, EXCLUDE USING btree (amount WITH =));
    INSERT INTO public.open VALUES (1, 'one', 1, 1), (2, 'two', 2, 2);
    CREATE VIEW public.told AS SELECT speak('notice', secret(id)) AS n, id FROM public.plain WHERE id = 1;";

/// Statements that touch nothing veiled and run nothing from outside PostgreSQL: the server's words stay.
fn open() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for expression in [
        "1 / (amount - amount)",
        "code::int",
        "code::date",
        "amount::smallint / 0",
        "('x' || code)::uuid",
        "sqrt(-amount)",
        "code::json",
        "substr(code, 1, -1)",
        // types' names, called: casts where there is one
        "inet(code)",
        "uuid(lower(code))",
        "host(inet(text(id) || '.0.0.256'))",
    ] {
        all.push(format!("SELECT {expression} FROM open"));
        all.push(format!("SELECT id FROM open ORDER BY {expression}"));
        all.push(format!("UPDATE open SET id = id WHERE ({expression}) IS NOT NULL"));
        all.push(format!("COPY (SELECT {expression} FROM open) TO STDOUT"));
        all.push(format!("WITH s AS (SELECT {expression} AS v FROM open) SELECT v FROM s"));
    }
    for row in [
        "(1, 'x', 5, 1)",
        "(3, 'one', 5, 1)",
        "(3, 'x', NULL, 1)",
        "(3, 'x', -1, 1)",
        "(3, 'x', 5, 99)",
        "(3, 'x', 1, 1)",
        "(NULL, 'x', 5, 1)",
    ] {
        all.push(format!("INSERT INTO open VALUES {row}"));
        all.push(format!("INSERT INTO open SELECT * FROM (VALUES {row}) AS v (a, b, c, d) RETURNING id"));
    }
    for set in ["id = 1", "code = 'one'", "amount = NULL", "amount = -1", "amount = 1", "other = 99"] {
        all.push(format!("UPDATE open SET {set} WHERE id = 2"));
    }
    all.extend(
        [
            "SELECT 1 / 0",
            "SELECT 'x'::int",
            "select code  from open where amount = 'x'",
            "SELECT o.code, 'ü' y, amount + 'x' FROM open o WHERE id != 1;",
            "SELECT 1; SELECT amount * 'x' FROM open",
            "INSERT INTO open (id, code) VALUES (1, 'x'), ('y', 'x')",
            "UPDATE open SET amount = 'x' -- to fail\nWHERE id = 1",
            "PREPARE p AS SELECT amount + 'x' FROM open",
            "DEALLOCATE nothing_of_that_name",
            "ROLLBACK TO nowhere",
            "RELEASE nowhere",
            "SET work_mem = 'x'",
        ]
        .map(String::from),
    );
    all
}

/// Statements with something veiled in them, or with a function from outside PostgreSQL.
fn veiled() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for expression in [
        "1 / (id - id)",
        "level::int",
        "region::date",
        "(level || region)::uuid",
        "speak('22012', secret(id))",
        "speak('names', secret(id))",
        "speak('posing', secret(id))",
    ] {
        all.push(format!("SELECT {expression} FROM people"));
        all.push(format!("SELECT email, {expression} FROM people"));
        all.push(format!("SELECT id FROM people ORDER BY {expression}"));
        all.push(format!("UPDATE people SET level = level WHERE ({expression}) IS NOT NULL"));
        all.push(format!("COPY (SELECT email, {expression} FROM people) TO STDOUT"));
        all.push(format!("DELETE FROM people WHERE ({expression}) IS NOT NULL"));
    }
    for set in ["id = 2", "name = NULL", "level = NULL", "email = 'x'", "created = NULL"] {
        all.push(format!("UPDATE people SET {set}"));
    }
    for set in ["amount = -1", "amount = 1", "secret = NULL", "id = 1"] {
        all.push(format!("UPDATE checked SET {set}"));
        all.push(format!("INSERT INTO checked (id, amount, secret) VALUES (1, 1, 'x') ON CONFLICT (id) DO UPDATE SET {set}"));
    }
    for row in ["(1, 1, 'x')", "(50, 1, 'x')", "(50, -1, 'x')", "(50, 50, NULL)"] {
        all.push(format!("INSERT INTO checked VALUES {row}"));
    }
    for level in ["info", "notice", "warning", "debug", "log", "23505", "P0001", "XX000", "names", "posing", "02000", "99999"] {
        all.push(format!("SELECT speak('{level}', secret(1))"));
        all.push(format!("SELECT id FROM plain WHERE speak('{level}', secret(id)) > 0"));
        all.push(format!("INSERT INTO plain (id, amount) VALUES (100, speak('{level}', secret(1)))"));
    }
    for text in [
        "DELETE FROM plain WHERE id = 3",
        "UPDATE plain SET id = 5000 WHERE id = 3",
        "DELETE FROM parent WHERE id = 3",
        "DELETE FROM people WHERE id = 1",
        "INSERT INTO quiet VALUES (1, 'x')",
        "INSERT INTO quiet VALUES (1, 'fail')",
        "UPDATE quiet SET label = 'fail'",
        "INSERT INTO indexed VALUES (1)",
        "INSERT INTO defaulted (id) VALUES (1)",
        "CREATE TEMP TABLE t (id int)",
        "SELECT n FROM told",
        "INSERT INTO child VALUES (100, 99, 'x')",
        "UPDATE coded SET code = 'x'",
        "INSERT INTO events VALUES (5000, 'x', 'y')",
        "UPDATE events SET id = 5000",
        "INSERT INTO accounts VALUES (1, 1, 'x', 'y', 1, 'z')",
        "INSERT INTO accounts VALUES (100, 999, 'x', 'y', 1, 'z')",
        "TRUNCATE people",
    ] {
        all.push(text.to_owned());
    }
    all
}

fn messages(answer: Vec<Message>) -> Vec<Message> {
    answer.into_iter().filter(|m| matches!(m.tag, b'E' | b'N')).collect()
}

fn run(client: &mut Client, text: &str) -> Vec<Message> {
    client.query("BEGIN").unwrap();
    let answer = client.query(text).unwrap();
    client.query("ROLLBACK").unwrap();
    messages(answer)
}

/// What must be alike of a message and its scrubbed form, and what must not be there.
fn scrubbed(own: &Message, seen: &Message) -> Result<(), String> {
    for letter in *b"SVCFLR" {
        if own.field(letter) != seen.field(letter) {
            return Err(format!("field {} differs", char::from(letter)));
        }
    }
    if seen.field(b'P').is_some() && own.field(b'P') != seen.field(b'P') {
        return Err("the position differs".to_owned());
    }
    if let Some(letter) = b"DHWqp".iter().find(|l| seen.field(**l).is_some()) {
        return Err(format!("field {} is there", char::from(*letter)));
    }
    let message = seen.field(b'M').unwrap();
    let (condition, names) = message.split_once(": ").unwrap_or((&message, ""));
    if !condition.chars().all(|c| c.is_ascii_lowercase() || c == ' ') {
        return Err(format!("'{condition}' is no condition's name"));
    }
    let mut rest = names.to_owned();
    for (letter, word) in [(b's', "schema"), (b't', "table"), (b'c', "column"), (b'd', "data type"), (b'n', "constraint")] {
        match (own.field(letter), seen.field(letter)) {
            (Some(own), Some(seen)) if own == seen => rest = rest.replacen(&format!("{word} \"{seen}\""), "", 1),
            (own, None) if own.as_ref().is_none_or(|o| o.contains("Tk")) => {}
            (own, seen) => return Err(format!("{word}: {seen:?}, not {own:?}")),
        }
    }
    if rest.chars().all(|c| matches!(c, ',' | ' ')) { Ok(()) } else { Err(format!("'{message}' says more than names")) }
}

#[test]
fn errors_carry_names_and_no_values() {
    let policy = file("policy.yaml")
        .replace("functions: [public.fits]", "functions: [public.fits, public.speak, public.secret, public.peek, public.tell]");
    let path = std::env::temp_dir().join(format!("pgscrim-errors-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("policy.yaml"), policy).unwrap();
    let lab = Lab::guarded(&path, &format!("{}{SPEAKERS}", file("schema.sql")), &file("canaries.sql"), &["owner"], "").unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    let mut server = Client::connect(lab.cluster.port(), "loader", "postgres").unwrap();
    let mut proxy = Client::connect(lab.port, "loader", "postgres").unwrap();
    for client in [&mut server, &mut proxy] {
        client.query("SET client_min_messages = debug1").unwrap();
    }
    let (mut wrong, mut compared, mut placed) = (Vec::new(), 0, 0);
    let note = |text: &str, why: String| format!("{text}: {why}");
    for text in open() {
        let (own, seen) = (run(&mut server, &text), run(&mut proxy, &text));
        let own: Vec<&Message> = own.iter().filter(|m| m.tag == b'E').collect();
        let seen: Vec<&Message> = seen.iter().filter(|m| m.tag == b'E').collect();
        if own.len() != 1 || seen.len() != 1 {
            wrong.push(note(&text, format!("{} errors, not {}", seen.len(), own.len())));
            continue;
        }
        compared += 1;
        // where the client's text cannot be told from the one that was sent, no place is better than a wrong one
        match (own[0].field(b'P'), seen[0].field(b'P')) {
            (own, seen) if own == seen => placed += usize::from(own.is_some()),
            (_, None) => {}
            (own, seen) => wrong.push(note(&text, format!("the position is {seen:?}, not {own:?}"))),
        }
        // lines and routines of the parser are the proxy's affair, where it answers in PostgreSQL's words
        for letter in *b"SVCMDH" {
            if own[0].field(letter) != seen[0].field(letter) {
                wrong.push(note(
                    &text,
                    format!("field {} is {:?}, not {:?}", char::from(letter), seen[0].field(letter), own[0].field(letter)),
                ));
            }
        }
    }
    for text in veiled() {
        let (own, seen) = (run(&mut server, &text), run(&mut proxy, &text));
        if seen.iter().any(|m| m.field(b'M').is_some_and(|m| m.starts_with("pgscrim: "))) {
            // changing what is masked for the writer waits for the rewriter
            if !seen.iter().any(|m| m.field(b'M').is_some_and(|m| m.contains("needs rewriting"))) {
                wrong.push(note(&text, format!("refused: {:?}", seen.iter().find_map(|m| m.field(b'M')))));
            }
            continue;
        }
        let own: Vec<Message> = own.into_iter().filter(|m| m.field(b'V').is_none_or(|v| v != "LOG" && !v.starts_with("DEBUG"))).collect();
        if own.len() != seen.len() {
            wrong.push(note(&text, format!("{} messages, not {}", seen.len(), own.len())));
            continue;
        }
        for (own, seen) in own.iter().zip(&seen) {
            compared += 1;
            if let Err(why) = scrubbed(own, seen) {
                wrong.push(note(&text, why));
            }
        }
    }
    let leaks = lab.leaks();
    assert!(leaks.is_empty(), "{leaks:?}");
    assert!(compared > 150, "{compared} messages were compared");
    assert!(placed > 5, "{placed} positions are the client's");
    assert!(wrong.is_empty(), "{} of {compared} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
