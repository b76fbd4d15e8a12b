//! Composite values with masks in their fields: random expressions over random values through the proxy, against a view written by hand; the
//! example of `docs/policy.md`; both formats; keyed masks; writes.
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
use lab::dice::Dice;
use lab::texts::{ask, random_texts};
use lab::wire::Client;

const TABLES: &str = "
    CREATE TYPE public.geo AS (lat int, lon int);
    CREATE TYPE public.address AS (street text, zip varchar(8), gone int, city text, since date, \"No.\" int, at public.geo);
    ALTER TYPE public.address DROP ATTRIBUTE gone;
    CREATE TYPE public.contact AS (mail text, phone text);
    CREATE DOMAIN public.place AS public.address;
    CREATE TABLE public.people (id int PRIMARY KEY, home public.address, work public.address, reach public.contact);
    CREATE TABLE public.moves (id int PRIMARY KEY, homes public.address[], place public.place, at public.geo);
    CREATE INDEX people_city ON public.people (((home).city));
    CREATE VIEW public.cities AS SELECT id, (home).city, home FROM public.people;
    CREATE ROLE pgscrim LOGIN;
    CREATE ROLE reader LOGIN;
    CREATE ROLE keyed LOGIN;
    CREATE ROLE saver LOGIN;
    CREATE ROLE denied LOGIN;
    GRANT ALL ON public.people, public.moves, public.cities TO reader, keyed, saver, denied;";

const POLICY: &str = "version: 1
classes: { street: ~, zip: ~, since: ~, number: ~, mail: ~, phone: ~, deep: ~ }
tables:
  public.people:
    columns: { home.street: street, home.zip: zip, home.since: since, home.\"No.\": number, work.street: street, work.zip: zip, work.since: since,
      work.\"No.\": number, reach.mail: mail, reach.phone: phone }
  public.moves: { columns: { homes.street: street, place.street: street, at: deep } }
roles:
  reader:
    members: [reader]
    read:
      street: { mask: redact }
      zip: { mask: { partial: { last: 2 } } }
      since: { mask: { date: { keep: year } } }
      number: { mask: \"null\" }
      mail: { when: \"id < 100\", then: { mask: email }, else: deny }
      phone: { when: \"id < 100\", then: allow, else: { mask: redact } }
      deep: allow
    write: { public.people.id: allow }
  keyed:
    members: [keyed]
    read: { street: { mask: pseudonym }, zip: allow, since: allow, number: allow, mail: allow, phone: { mask: pseudonym }, deep: allow }
    write: { street: allow, zip: allow, since: allow, number: allow }
  saver:
    members: [saver]
    read: { street: { mask: redact }, zip: { mask: { partial: { last: 2 } } }, since: allow, number: { mask: \"null\" }, mail: allow, phone: allow, deep: allow }
    write: { street: allow, zip: allow, since: allow, number: allow }
  denied:
    members: [denied]
    read: { street: { mask: redact }, zip: deny, since: allow, number: allow, mail: { mask: redact }, phone: allow, deep: allow, public.people.work.zip: allow }
    write: { street: allow, zip: allow, since: allow, mail: allow }
";

/// The reader's veil, by hand: a field at a time.
const VEIL: &str = "
    CREATE SCHEMA veil;
    CREATE FUNCTION veil.address(a public.address) RETURNS public.address STRICT LANGUAGE plpgsql AS $$
    BEGIN
        IF a.street IS NOT NULL THEN a.street := '***'; END IF;
        IF length(a.zip) > 2 THEN a.zip := repeat('*', length(a.zip) - 2) || right(a.zip, 2); ELSE a.zip := repeat('*', length(a.zip)); END IF;
        a.since := date_trunc('year', a.since);
        a.\"No.\" := NULL;
        RETURN a;
    END $$;
    CREATE FUNCTION veil.contact(c public.contact, near bool) RETURNS public.contact STRICT LANGUAGE plpgsql AS $$
    BEGIN
        IF near THEN c.mail := substr(c.mail, 1, 1) || '***@' || split_part(c.mail, '@', 2); RETURN c; END IF;
        c.mail := NULL;
        IF c.phone IS NOT NULL THEN c.phone := '***'; END IF;
        RETURN c;
    END $$;
    CREATE VIEW veil.people WITH (security_barrier) AS
        SELECT id, veil.address(home) AS home, veil.address(work) AS work, veil.contact(reach, id < 100) AS reach FROM public.people;
    CREATE VIEW veil.cities AS SELECT id, (home).city, home FROM veil.people;
    CREATE VIEW veil.moves AS SELECT id, at FROM public.moves;";

fn rows(dice: &mut Dice) -> String {
    let mut rows = Vec::new();
    for id in 1..=200 {
        let mut address = || match dice.roll(12) {
            0 => "NULL".to_owned(),
            1 => "ROW(NULL, NULL, NULL, NULL, NULL, NULL)".to_owned(),
            _ => {
                let secret = format!("sTk{:08x}{:08x}", dice.roll(1 << 32), dice.roll(1 << 32));
                let mut or_null = |value: String| if dice.roll(6) == 0 { "NULL".to_owned() } else { value };
                let street = or_null(format!("'{}{secret}'", ["", "a \"b\", ", "(\\"][id % 3]));
                let (zip, city) = (or_null(format!("'{}'", ["12345", "", "7", "a,(b"][id % 4])), or_null(format!("'c {}'", id % 3)));
                let (since, number) = (or_null(format!("'20{:02}-03-04'", id % 20)), or_null(format!("{}", id % 5)));
                format!("ROW({street}, {zip}, {city}, {since}, {number}, {})", or_null(format!("ROW({id}, NULL)")))
            }
        };
        let (home, work) = (address(), address());
        let secret = format!("mTk{:08x}{:08x}", dice.roll(1 << 32), dice.roll(1 << 32));
        let reach = if id % 9 == 0 { "NULL".to_owned() } else { format!("ROW('{secret}@x.org', '555-{}')", id % 10) };
        rows.push(format!("({id}, {home}, {work}, {reach})"));
    }
    rows.join(", ")
}

fn lab() -> Lab {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), POLICY).unwrap();
    let rows = rows(&mut Dice::new(7));
    let setup = format!(
        "{TABLES} INSERT INTO public.people VALUES {rows}; ANALYZE public.people; \
         INSERT INTO public.moves SELECT id, ARRAY[home, work], home, (home).at FROM public.people;"
    );
    let canaries = "SELECT DISTINCT 'text', m[1] FROM public.people p, regexp_matches(p::text, '(Tk[0-9a-f]{16})', 'g') m";
    let lab = Lab::guarded(policy.path(), &setup, canaries, &[], "").unwrap();
    let made = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap().query(VEIL).unwrap();
    assert!(made.iter().all(|m| m.tag != b'E'), "{made:?}");
    lab
}

/// An address.
fn address(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return ["p.home", "p.work"][dice.roll(2)].to_owned();
    }
    let (a, b) = (address(dice, depth - 1), address(dice, depth - 1));
    match dice.roll(8) {
        0 => format!("coalesce({a}, {b})"),
        1 => format!("CASE WHEN p.id % 2 = 0 THEN {a} ELSE {b} END"),
        2 => format!("(ARRAY[{a}, {b}])[1 + p.id % 2]"),
        3 => format!("jsonb_populate_record({a}, '{{\"city\": \"x\"}}')"),
        4 => format!("ROW(({a}).street, ({b}).zip, 'c', ({a}).since, 1, ({b}).at)::address"),
        5 => format!("(SELECT {a})"),
        6 => format!("nullif({a}, {b})::address"),
        _ => a,
    }
}

/// Something of an address.
fn value(dice: &mut Dice) -> String {
    let depth = dice.roll(3);
    let of = address(dice, depth);
    match dice.roll(14) {
        0 => format!("({of}).street"),
        1 => format!("({of}).zip || ({of}).city"),
        2 => format!("({of}).since"),
        3 => format!("({of}).\"No.\""),
        4 => format!("(({of}).at).lat"),
        5 => format!("({of})::text"),
        6 => format!("row_to_json({of})"),
        7 => format!("to_jsonb({of}) ->> 'street'"),
        8 => format!("({of}) IS NULL"),
        9 => format!("({of}) IS NOT NULL"),
        10 => format!("({of}) IS DISTINCT FROM NULL"),
        11 => "street(p.home)".to_owned(),
        12 => "p.reach".to_owned(),
        _ => of,
    }
}

fn query(dice: &mut Dice) -> String {
    let (v, w) = (value(dice), value(dice));
    let depth = dice.roll(2);
    let (a, b) = (address(dice, depth), address(dice, depth));
    match dice.roll(20) {
        0 => "SELECT * FROM people".to_owned(),
        1 => "SELECT id, (home).*, (work).* FROM people".to_owned(),
        2 => format!("SELECT {a} AS v, count(*), min(id) FROM people p GROUP BY 1"),
        3 => format!("SELECT DISTINCT {a} FROM people p"),
        4 => format!("SELECT count({a}), count(DISTINCT {b}), count(({a}).street) FROM people p"),
        5 => format!("SELECT id FROM people p WHERE {a} < {b} OR {a} = ROW('***', '***45', 'c 1', '2004-01-01', NULL, NULL)"),
        6 => format!("SELECT p.id, q.id FROM people p JOIN people q ON p.home = q.work WHERE {a} IS NOT NULL"),
        7 => "SELECT count(*) FROM people p JOIN people q USING (home)".to_owned(),
        8 => format!("SELECT id, p.home, {v} FROM people p ORDER BY {w}::text, {a}, id LIMIT 20"),
        9 => format!("SELECT p FROM people p WHERE {a} IS NOT DISTINCT FROM {b}"),
        10 => format!("SELECT id, u.* FROM people p, unnest(ARRAY[{a}, {b}]) u"),
        11 => "SELECT home FROM people UNION SELECT work FROM people".to_owned(),
        12 => "SELECT home FROM people EXCEPT SELECT work FROM people".to_owned(),
        13 => format!("SELECT array_agg({a} ORDER BY id) FROM people p WHERE id < 30"),
        14 => "SELECT c.id, c.city, c.home, (c.home).zip FROM cities c WHERE c.city <> 'c 1'".to_owned(),
        15 => "SELECT x.street, x.zip FROM people p, LATERAL (SELECT (p.home).*) x".to_owned(),
        16 => format!("SELECT id, lag({a}) OVER (ORDER BY id), {v} FROM people p"),
        17 => format!("SELECT home, work, reach, {v} FROM people p WHERE id IN (SELECT id FROM moves)"),
        18 => format!("SELECT (to_jsonb(p) -> 'home') ->> 'street', {w} FROM people p"),
        _ => format!("SELECT id, {v}, {w} FROM people p WHERE ({a}).city = 'c 1' OR ({b}).zip LIKE '*%'"),
    }
}

#[test]
fn random_expressions_are_answered_by_the_veil() {
    random_texts(&lab(), query);
}

/// A column that is only put out is masked as it streams by: in both formats, and by COPY.
#[test]
fn both_formats_are_as_the_view_gives_them() {
    let lab = lab();
    let mut reader = Client::connect(lab.port, "reader", "postgres").unwrap();
    let mut veil = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    veil.query("SET search_path = veil, public").unwrap();
    let text = "SELECT home, id, work FROM people ORDER BY id";
    for format in [0, 1] {
        let values = |client: &mut Client| -> Vec<Vec<Option<Vec<u8>>>> {
            client.extended(text, format).unwrap().iter().filter(|m| m.tag == b'D').map(|m| m.values()).collect()
        };
        let (got, want) = (values(&mut reader), values(&mut veil));
        assert_eq!(got.len(), 200);
        assert_eq!(got, want, "format {format}");
    }
    let copy = |client: &mut Client, text: &str| -> Vec<Vec<u8>> {
        let answer = client.query(text).unwrap();
        answer.iter().filter(|m| m.tag == b'd').map(|m| m.body.to_vec()).collect()
    };
    for how in ["TEXT", "CSV", "BINARY"] {
        let of = |columns: &str| format!("COPY (SELECT {columns} FROM people ORDER BY id) TO STDOUT (FORMAT {how})");
        assert_eq!(copy(&mut reader, &of("id, home, work")), copy(&mut veil, &of("id, home, work")), "{how}");
    }
    assert!(ask(&mut reader, "EXPLAIN SELECT home FROM people WHERE id = 1").contains("Index Scan"), "no veil is put in for that");
    assert_eq!(lab.leaks().len(), 0);
}

#[test]
fn keyed_masks_stand_in_fields_that_are_put_out() {
    let lab = lab();
    let mut keyed = Client::connect(lab.port, "keyed", "postgres").unwrap();
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let rows = ask(&mut keyed, "SELECT id, home FROM people WHERE home IS NOT NULL");
    assert!(rows.lines().count() > 20);
    let other = |client: &mut Client, of: &str| ask(client, &format!("SELECT id, {of} FROM people WHERE home IS NOT NULL"));
    let street = other(&mut server, "(home).street");
    for (line, raw) in rows.lines().zip(street.lines()) {
        let token = line.split_once("|(").unwrap().1.split(',').next().unwrap();
        assert!(token.len() == 26 && !raw.contains(token), "{line}");
    }
    let null = "SELECT id FROM people WHERE home IS NULL";
    assert_eq!(ask(&mut keyed, null), ask(&mut server, null));
    assert_eq!(
        ask(&mut keyed, "SELECT home::text FROM people"),
        "0A000 pgscrim: cannot veil this statement: expression of column \"public.people.home\" (class \"street\" at street, class \"zip\" at zip, \
         class \"since\" at since, class \"number\" at \"No.\"), which role \"keyed\" masks with \"street: pseudonym\": the mask has no SQL form"
    );
    assert_eq!(lab.leaks().len(), 0);
}

/// A field that no mask reaches is asked of the table itself, and an index over it serves; keyed masks do not hinder it.
#[test]
fn fields_that_no_mask_reaches_use_the_tables_indexes() {
    let lab = lab();
    let mut reader = Client::connect(lab.port, "reader", "postgres").unwrap();
    let mut keyed = Client::connect(lab.port, "keyed", "postgres").unwrap();
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    for client in [&mut reader, &mut keyed] {
        ask(client, "SET enable_seqscan = off");
        for (field, index) in [("city", true), ("street", false)] {
            let answer = ask(client, &format!("EXPLAIN SELECT id, (home).{field} FROM people WHERE (home).{field} = 'c 1'"));
            assert_eq!(answer.contains("Index Cond"), index, "{field}: {answer}");
            assert_eq!(answer.starts_with("0A000 ") || answer.starts_with("42501 "), !index, "{field}: {answer}");
        }
        for text in [
            "SELECT (home).city, count(*), max(((home).at).lat) FROM people WHERE (home).at IS NOT NULL GROUP BY 1",
            "SELECT id, (p.home).city, (x).city FROM people p JOIN (SELECT id, work AS x FROM people) w USING (id) ORDER BY (x).city, id",
        ] {
            assert_eq!(ask(client, text), ask(&mut server, text), "{text}");
        }
    }
    // beside a use that needs the veil it is a part of it
    let both = ask(&mut reader, "SELECT (home).city = (row_to_json(home) ->> 'city') FROM people WHERE (home).city = 'c 1'");
    assert!(both.lines().count() > 20 && both.lines().all(|l| l == "t"), "{both}");
    assert_eq!(lab.leaks().len(), 0);
}

/// A field that is denied denies its column, since a value has all fields of its type; so does one that is not told apart.
#[test]
fn what_cannot_be_masked_is_not_there() {
    let lab = lab();
    let mut denied = Client::connect(lab.port, "denied", "postgres").unwrap();
    let mut reader = Client::connect(lab.port, "reader", "postgres").unwrap();
    assert_eq!(ask(&mut denied, "SELECT * FROM people WHERE id = 5").matches('|').count(), 2);
    let answer = ask(&mut denied, "SELECT (home).city FROM people");
    assert!(answer.starts_with("42501 pgscrim: role \"denied\" denies column \"public.people.home\""), "{answer}");
    for column in ["homes", "place"] {
        let answer = ask(&mut reader, &format!("SELECT {column} FROM moves"));
        assert!(answer.starts_with("42501 pgscrim: ") && answer.ends_with("is derived from veiled data"), "{answer}");
    }
    assert_eq!(ask(&mut reader, "SELECT * FROM moves WHERE id = 5").matches('|').count(), 1);
    assert_eq!(lab.leaks().len(), 0);
}

/// Who sets a column sets all that is in it. What is saved as it was read stays as it is stored, field by field.
#[test]
fn a_masked_value_is_saved_field_by_field() {
    let lab = lab();
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let mut reader = Client::connect(lab.port, "reader", "postgres").unwrap();
    let mut denied = Client::connect(lab.port, "denied", "postgres").unwrap();
    let answer = ask(&mut reader, "INSERT INTO people (id, home) VALUES (500, NULL)");
    assert!(answer.starts_with("42501 pgscrim: ") && answer.contains("may not write column \"public.people.home\""), "{answer}");
    let answer = ask(&mut denied, "INSERT INTO people (id, reach) VALUES (500, NULL)");
    assert!(answer.starts_with("42501 pgscrim: ") && answer.contains("class \"phone\" at phone"), "a field without a right: {answer}");
    let mut saver = Client::connect(lab.port, "saver", "postgres").unwrap();
    for answer in ["UPDATE people SET home.city = 'x' WHERE id = 1", "UPDATE people SET (home, work) = (SELECT work, home) WHERE id = 1"] {
        let answer = ask(&mut saver, answer);
        assert!(answer.starts_with("0A000 pgscrim: ") && answer.ends_with("cannot be told from its mask"), "{answer}");
    }
    let row = ask(&mut saver, "UPDATE people SET home = ROW('x', 'too long to be cut', 'c', NULL, 1, NULL) WHERE id = 1");
    assert!(row.starts_with("0A000 pgscrim: ") && row.ends_with("a row that is not of its type cannot be told from its mask"), "{row}");
    for (set, rows, want) in [
        ("home", "true", "home"),
        ("coalesce(home, work)::address", "home IS DISTINCT FROM NULL", "home"),
        ("NULL", "true", "NULL"),
        ("'(,,,,,)'", "(home).street IS NULL", "ROW(NULL, NULL, NULL, NULL, (home).\"No.\", NULL)::address"),
        (
            "ROW((home).street, (home).zip, 'new', (home).since, (home).\"No.\", (home).at)::address",
            "home IS DISTINCT FROM NULL",
            "ROW((home).street, (home).zip, 'new', (home).since, (home).\"No.\", (home).at)::address",
        ),
        (
            "ROW('mine', (home).zip, (home).city, (home).since, 7, (home).at)::address",
            "home IS DISTINCT FROM NULL",
            "ROW('mine', (home).zip, (home).city, (home).since, 7, (home).at)::address",
        ),
        ("'(\"a \"\"b\",1234,c,2024-01-01,5,\"(1,2)\")'", "id < 50", "'(\"a \"\"b\",1234,c,2024-01-01,5,\"(1,2)\")'::address"),
    ] {
        ask(&mut server, "DROP TABLE IF EXISTS old; CREATE TABLE old AS SELECT id, home, work FROM people");
        assert_eq!(ask(&mut saver, &format!("UPDATE people SET home = {set} WHERE {rows}")), "", "{set}");
        // a NULL that is not the mask of a stored NULL is a new value
        let differ = format!(
            "SELECT p.id, p.home, o.home FROM people p JOIN old o USING (id), LATERAL (SELECT CASE WHEN {rows} THEN {want} ELSE home END AS want \
             FROM (SELECT o.home, o.work, o.id) AS d (home, work, id)) w WHERE p.home::text IS DISTINCT FROM w.want::text"
        );
        assert_eq!(ask(&mut server, &differ), "", "{set}");
        ask(&mut server, "UPDATE people SET home = o.home FROM old o WHERE o.id = people.id");
    }
    let all = |server: &mut Client| ask(server, "SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM people p");
    let before = all(&mut server);
    for text in [
        "INSERT INTO people (id, home) SELECT id, home FROM people ON CONFLICT (id) DO UPDATE SET home = excluded.home",
        "MERGE INTO people t USING people s ON s.id = t.id WHEN MATCHED THEN UPDATE SET home = s.home, work = s.work",
        "UPDATE people t SET home = s.home FROM people s WHERE s.id = t.id",
        "PREPARE save AS UPDATE people SET home = $1 WHERE id = $2",
    ] {
        if lab.reads(text).unwrap() {
            assert_eq!(ask(&mut saver, text), "", "{text}");
        }
        assert_eq!(all(&mut server), before, "{text}");
    }
    let shown = ask(&mut saver, "SELECT home FROM people WHERE id = 5").replace('\'', "''");
    assert_eq!(ask(&mut saver, &format!("EXECUTE save ('{shown}', 5)")), "");
    assert_eq!(all(&mut server), before);
    assert_eq!(ask(&mut saver, "INSERT INTO people (id, home) SELECT 500, home FROM people WHERE (home).street IS NOT NULL LIMIT 1"), "");
    assert_eq!(ask(&mut server, "SELECT (home).street FROM people WHERE id = 500"), "***");
    assert_eq!(lab.leaks().len(), 0);
}

/// The example in the policy's reference is what it says.
#[test]
fn the_example_in_the_reference() {
    let section = include_str!("../../../docs/policy.md").split_once("## Composite types").unwrap().1;
    let rules = section.split_once("```yaml").unwrap().1.split_once("```").unwrap().0;
    let rules = rules.replace("  support:\n", "  support:\n    members: [support]\n");
    let mut quoted = section.split_once("What `support` sees of `").unwrap().1.split('`');
    let (stored, seen) = (quoted.next().unwrap(), quoted.nth(1).unwrap());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("version: 1\nclasses: {{ personal.contact: ~, personal.area: ~ }}\n{rules}\n")).unwrap();
    let setup = format!(
        "CREATE TYPE public.address AS (street text, zip text, city text); CREATE TABLE public.persons (id int, home public.address); \
        INSERT INTO public.persons VALUES (1, '{stored}'); CREATE ROLE pgscrim LOGIN; CREATE ROLE support LOGIN; \
        GRANT SELECT ON public.persons TO support;"
    );
    let lab = Lab::guarded(file.path(), &setup, "SELECT 'text', (home).street FROM public.persons", &[], "").unwrap();
    let mut support = Client::connect(lab.port, "support", "postgres").unwrap();
    assert_eq!(ask(&mut support, "SELECT home FROM persons"), seen);
    assert_eq!(ask(&mut support, "SELECT (home).street, (home).city, home::text FROM persons"), format!("***|Bonn|{seen}"));
}
