//! Look-ups by masks that can be turned back (semantics.md, `reversible`), held against a copy of the tables that holds the masks: what the
//! proxy answers in each protocol is what PostgreSQL answers over the copy. The raw value stands in no text, and its index is used.
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

mod domains;
mod rows;
mod saved;
mod strings;

use lab::Lab;
use lab::dice::Dice;
use lab::wire::{Client, Message, code};

const POLICY: &str = "
version: 1
classes: { key: ~, card: ~ }
tables:
  public.person: { columns: { id: key, nr: key, small: key, token: key, code: key, card: card, pass: card, folded: card } }
  public.visit: { columns: { person: key } }
  public.fenced: { columns: { nr: key } }
  public.kept: { columns: { id: key, nr: key, small: key, token: key, card: card, pass: card, mark: key } }
roles:
  analyst:
    members: [analyst]
    read: { key: { mask: pseudonym }, card: { mask: fpe } }
    write: { key: allow, card: allow }
    delete: [public.visit]
    statements: [explain]
    rows: { public.fenced: \"nr < 900000150\" }
  owner: { members: [owner], unrestricted: true }
";

const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE owner LOGIN; CREATE ROLE analyst LOGIN;
CREATE DOMAIN public.code AS int CHECK (VALUE > 0);
CREATE DOMAIN public.title AS text CHECK (VALUE <> ''); CREATE DOMAIN public.short AS varchar(3);
CREATE COLLATION public.folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE person (id bigint PRIMARY KEY, nr int UNIQUE, small smallint, token uuid UNIQUE, code public.code, name text,
    card text UNIQUE, pass varchar(12), folded text COLLATE public.folding);
INSERT INTO person SELECT 470000000000000 + i * 7919, 900000000 + i, 20000 + i, md5('t' || i)::uuid, 800000000 + i, 'n' || i % 7,
    CASE WHEN i = 5 THEN '4000 \"5, \\' || i * 7919 ELSE '4000 ' || i * 79190001::bigint END, CASE i % 50 WHEN 0 THEN 'ab1' WHEN 1 THEN '***' ELSE 'P' || i || '-XyZw' || i % 9 END,
    'Folded ' || md5('f' || i)
FROM generate_series(1, 400) i;
INSERT INTO person VALUES (470000000000001, NULL, NULL, NULL, NULL, 'none', NULL, NULL, NULL);
CREATE TABLE visit (no int PRIMARY KEY, person bigint, place text);
INSERT INTO visit SELECT i, 470000000000000 + (i % 5) * 7919, 'p' || i FROM generate_series(1, 20) i;
CREATE TABLE fenced (nr int PRIMARY KEY, name text);
INSERT INTO fenced SELECT 900000000 + i, 'f' || i FROM generate_series(1, 300) i;
CREATE TABLE kept (no int PRIMARY KEY, id bigint, nr int, small smallint, token uuid, card text, pass varchar(12), mark int DEFAULT 7);
INSERT INTO kept SELECT i, 470000000100000 + i * 7919, 910000000 + i, CASE WHEN i % 3 > 0 THEN 21000 + i END, md5('k' || i)::uuid,
    CASE WHEN i % 4 > 0 THEN '5000 ' || i * 79190001::bigint END, 'Ke' || 1000 + i || '-XyZw' || i % 9 FROM generate_series(1, 12) i;
CREATE SCHEMA veil;
ALTER ROLE analyst SET log_parameter_max_length_on_error = -1;
GRANT ALL ON ALL TABLES IN SCHEMA public TO analyst, owner;
ANALYZE";

/// Of some persons: each is looked for in every encoding.
const CANARIES: &str =
    "SELECT 'number', id::text FROM person WHERE name = 'n1' UNION ALL SELECT 'number', nr::text FROM person WHERE name = 'n1' \
    UNION ALL SELECT 'uuid', token::text FROM person WHERE name = 'n1' UNION ALL SELECT 'number', code::text FROM person WHERE name = 'n1'
    UNION ALL SELECT 'text', card FROM person WHERE name = 'n1'";

/// The masks of a person.
#[derive(Clone, Debug)]
struct Masks {
    id: String,
    nr: String,
    small: String,
    token: String,
    code: String,
    card: String,
    pass: String,
}

struct Fixture {
    lab: Lab,
    veil: Client,
    persons: Vec<Masks>,
    _folder: tempfile::TempDir,
}

fn rows(heard: &[Message]) -> Vec<Vec<Option<String>>> {
    let text = |v: Option<Vec<u8>>| v.map(|v| String::from_utf8_lossy(&v).into_owned());
    heard.iter().filter(|m| m.tag == b'D').map(|m| m.values().into_iter().map(text).collect()).collect()
}

/// Rows in some order, or the error's code.
fn answer(heard: &[Message]) -> Result<Vec<Vec<Option<String>>>, String> {
    let mut rows = rows(heard);
    rows.sort();
    match code(heard) {
        code if code.is_empty() => Ok(rows),
        code => Err(format!("{code} {}", heard.iter().find_map(|m| m.field(b'M')).unwrap_or_default())),
    }
}

impl Fixture {
    /// The copy that holds what the analyst sees.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
        let lab = Lab::guarded(folder.path(), SETUP, CANARIES, &["owner", "postgres"], "").unwrap();
        let mut analyst = Client::connect(lab.port, "analyst", "postgres").unwrap();
        let mut veil = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
        for (table, columns) in
            [("person", "id, nr, small, token, code, name, card, pass, folded"), ("visit", "no, person, place"), ("fenced", "nr, name")]
        {
            let seen = rows(&analyst.query(&format!("SELECT {columns} FROM {table}")).unwrap());
            let value = |v: &Option<String>| v.as_ref().map_or("NULL".to_owned(), |v| format!("'{v}'"));
            let list: Vec<String> = seen.iter().map(|r| format!("({})", r.iter().map(value).collect::<Vec<_>>().join(","))).collect();
            let made = format!(
                "CREATE TABLE veil.{table} (LIKE public.{table}); ALTER TABLE veil.{table} {}; INSERT INTO veil.{table} ({columns}) VALUES {}",
                if table == "person" { "ALTER code TYPE int" } else { "ADD unused int" },
                list.join(",")
            );
            assert_eq!(code(&veil.query(&made).unwrap()), "", "{table}");
        }
        veil.query("SET search_path = veil; ANALYZE").unwrap();
        let seen = rows(&veil.query("SELECT id, nr, small, token, code, card, pass FROM person WHERE pass <> '***' ORDER BY id").unwrap());
        let masks = |r: Vec<Option<String>>| {
            let mut all = r.into_iter().map(Option::unwrap);
            let mut next = || all.next().unwrap();
            Masks { id: next(), nr: next(), small: next(), token: next(), code: next(), card: next(), pass: next() }
        };
        let persons = seen.into_iter().map(masks).collect();
        Self { lab, veil, persons, _folder: folder }
    }

    fn analyst(&self) -> Client {
        Client::connect(self.lab.port, "analyst", "postgres").unwrap()
    }

    /// A statement about the `n`th person and others.
    fn filled(&self, text: &str, n: usize) -> String {
        let (a, b) = (&self.persons[n], &self.persons[n + 1]);
        [
            ("{id}", &a.id),
            ("{nr}", &a.nr),
            ("{small}", &a.small),
            ("{token}", &a.token),
            ("{code}", &a.code),
            ("{card}", &a.card),
            ("{pass}", &a.pass),
            ("{id2}", &b.id),
            ("{nr2}", &b.nr),
        ]
        .into_iter()
        .chain([("{token2}", &b.token), ("{card2}", &b.card)])
        .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// Statements with masks in the text.
const TEXTS: &[&str] = &[
    "SELECT id, nr, name FROM person WHERE id = {id}",
    "SELECT id, nr, name FROM person WHERE {id} = id",
    "SELECT id, name FROM person WHERE id = '{id}'",
    "SELECT id, name FROM person WHERE id = '{id}'::bigint",
    "SELECT id, name FROM person WHERE id = '{id}'::bigint AND name <> 'x'",
    "SELECT nr, name FROM person WHERE nr = {nr}",
    "SELECT nr, name FROM person WHERE nr = '{nr}'::bigint",
    "SELECT nr, name FROM person p WHERE p.nr = '{nr}'::int4",
    "SELECT count(*) FROM person WHERE nr = 5000000000",
    "SELECT count(*) FROM person WHERE NOT (nr = 5000000000)",
    "SELECT count(*) FROM person WHERE (nr = 5000000000) IS NULL",
    "SELECT count(*) FROM person WHERE small = 70000",
    "SELECT count(*) FROM person WHERE small <> 70000",
    "SELECT count(*) FROM person WHERE small IS DISTINCT FROM 70000",
    "SELECT small, name FROM person WHERE small = {small}",
    "SELECT small, name FROM person WHERE small = '{small}'::smallint",
    "SELECT small, name FROM person WHERE small = 1",
    "SELECT code, name FROM person WHERE code = {code}",
    "SELECT token, name FROM person WHERE token = '{token}'",
    "SELECT token, name FROM person WHERE token = '{token}'::uuid",
    "SELECT token, name FROM person WHERE token = '{token}'::uuid::uuid",
    "SELECT token, name FROM person WHERE token = '00000000-0000-0000-0000-000000000000'",
    "SELECT id, nr FROM person WHERE id IN ({id}, {id2}, 7)",
    "SELECT id, nr FROM person WHERE nr IN ({nr}, '{nr2}', NULL)",
    "SELECT count(*) FROM person WHERE nr NOT IN ({nr}, {nr2})",
    "SELECT count(*) FROM person WHERE nr NOT IN ({nr}, NULL)",
    "SELECT count(*) FROM person WHERE nr NOT IN ({nr}, 5000000000)",
    "SELECT id, nr FROM person WHERE nr = ANY ('{{nr},{nr2}, NULL}')",
    "SELECT id, nr FROM person WHERE nr = ANY ('{{nr}}'::int[])",
    "SELECT id, nr FROM person WHERE nr = ANY (ARRAY[{nr}, {nr2}])",
    "SELECT count(*) FROM person WHERE nr <> ALL (ARRAY[{nr}, {nr2}])",
    "SELECT count(*) FROM person WHERE nr <> ALL ('{{nr}}'::bigint[])",
    "SELECT count(*) FROM person WHERE token = ANY ('{}')",
    "SELECT id FROM person WHERE token = ANY ('{{token}, \"{token2}\"}')",
    "SELECT id FROM person WHERE nr = ANY (ARRAY['{nr}'::bigint, '{nr2}'::bigint])",
    "SELECT id FROM person WHERE card = ANY (ARRAY['{card}'::text, '{card2}'])",
    "SELECT id FROM person WHERE card = ANY (ARRAY['{card}'::text, '{card2}'::text]::text[])",
    "SELECT id FROM person WHERE (id, nr) = ({id}, {nr})",
    "SELECT count(*) FROM person WHERE (id, name) <> ({id}, 'n1')",
    "SELECT id FROM person WHERE (name, nr) IN (('n1', {nr}), ('n2', {nr2}), ('n2', {nr}), ('n1', NULL))",
    "SELECT count(*) FROM person WHERE (nr, name) NOT IN (({nr}, 'n1'))",
    "SELECT count(*) FROM person WHERE ROW({id}, nr) IS DISTINCT FROM ROW(id, {nr})",
    "SELECT v.no FROM visit v JOIN person p ON (p.id, p.nr) = (v.person, {nr})",
    "SELECT v.no FROM visit v JOIN person p ON (p.id, p.nr) IN ((v.person, {nr}), (v.person, {nr2}))",
    "SELECT count(*) FROM person WHERE nr <> {nr}",
    "SELECT count(*) FROM person WHERE nr != {nr} OR id = {id2}",
    "SELECT count(*) FROM person WHERE NOT nr = {nr}",
    "SELECT count(*) FROM person WHERE nr IS DISTINCT FROM {nr}",
    "SELECT id FROM person WHERE nr IS NOT DISTINCT FROM {nr}",
    "SELECT id FROM person WHERE nr IS NOT DISTINCT FROM NULL",
    "SELECT count(*) FROM person WHERE nr = NULL",
    "SELECT nr, nr = {nr} AS it, CASE WHEN nr = {nr2} THEN 'b' ELSE 'c' END FROM person WHERE nr IN ({nr}, {nr2})",
    "SELECT count(*) FILTER (WHERE nr = {nr}), bool_or(id = {id}) FROM person",
    "SELECT p.nr, v.no FROM person p JOIN visit v ON v.person = p.id AND p.id = {id}",
    "SELECT p.nr, v.no FROM person p LEFT JOIN visit v ON v.person = p.id AND v.person = {id} WHERE p.nr = {nr}",
    "SELECT v.no FROM visit v WHERE EXISTS (SELECT 1 FROM person p WHERE p.id = v.person AND p.id = {id})",
    "SELECT v.no FROM visit v WHERE v.person IN (SELECT id FROM person WHERE nr IN ({nr}, {nr2}))",
    "SELECT id, count(*) FROM person GROUP BY id HAVING id = {id}",
    "SELECT x.a FROM (SELECT id AS a, name FROM person OFFSET 0) x WHERE x.a = {id}",
    "WITH w AS MATERIALIZED (SELECT nr FROM person) SELECT nr FROM w WHERE nr IN ({nr}, {nr2})",
    "SELECT a FROM (SELECT id AS a FROM person UNION ALL SELECT person FROM visit) x WHERE a = {id}",
    "SELECT name FROM person WHERE (SELECT person FROM visit WHERE no = 1) = {id}",
    "SELECT nr = {nr}, count(*) FROM person GROUP BY nr = {nr} ORDER BY nr = {nr}",
    "SELECT DISTINCT nr = {nr} FROM person ORDER BY nr = {nr}",
    "SELECT DISTINCT nr FROM person WHERE nr = {nr} OR nr = {nr2}",
    "SELECT nr, name FROM fenced WHERE nr = {nr}",
    "SELECT count(*) FROM fenced WHERE nr <> {nr} AND length(name) > 1",
    "SELECT id, card FROM person WHERE card = '{card}'",
    "SELECT id, card FROM person WHERE card = '{card}'::text AND pass = '{pass}'::varchar",
    "SELECT id, pass FROM person WHERE pass = '{pass}'",
    "SELECT id, pass FROM person WHERE pass = '{pass}'::varchar(12) OR card = '{card2}'::varchar(40)",
    "SELECT id, pass FROM person WHERE pass = '{pass}'::text OR card = '{card2}'::varchar",
    "SELECT count(*) FROM person WHERE pass <> '{pass}'",
    "SELECT count(*) FROM person WHERE pass = 'P123-XyZw123456'",
    "SELECT count(*) FROM person WHERE pass = '9999999999'",
    "SELECT count(*) FROM person WHERE card IS DISTINCT FROM '{card}'",
    "SELECT id FROM person WHERE card IN ('{card}', '{card2}', NULL)",
    "SELECT count(*) FROM person WHERE card NOT IN ('{card}', '{card2}')",
    "SELECT id FROM person WHERE card = ANY (ARRAY['{card}', '{card2}']::text[])",
    "SELECT id FROM person WHERE card = ANY (ARRAY['{card}', NULL, '{card2}'])",
    "SELECT id, nr FROM person WHERE nr = ANY (ARRAY['{nr}', '{nr2}']::int[])",
    "SELECT id, nr FROM person WHERE nr = ANY (ARRAY[{nr}, 5000000000])",
    "SELECT id, nr FROM person WHERE nr = ANY (ARRAY[]::int[])",
    "SELECT id FROM person WHERE card = ANY ('{\"{card}\", {card2} , null}')",
    "SELECT id FROM person WHERE card = ANY ('{  \"{card}\"}'::varchar[])",
    "SELECT card = '{card}', count(*) FROM person GROUP BY card = '{card}'",
    "DELETE FROM visit WHERE person = {id} RETURNING no, person",
    "UPDATE visit SET place = 'moved' WHERE person IN ({id}, {id2}) RETURNING no, place",
    "INSERT INTO visit (no, place) SELECT 100, name FROM person WHERE id = {id} RETURNING no, place",
];

#[test]
fn a_mask_in_the_text_finds_what_it_finds_where_masks_are_stored() {
    let mut fixture = Fixture::start();
    let mut analyst = fixture.analyst();
    let (mut found, mut wrong) = (0, Vec::new());
    for (i, text) in TEXTS.iter().enumerate() {
        for n in [i, 2 * i + 1] {
            let text = fixture.filled(text, n);
            let both = |client: &mut Client, extended: bool| {
                client.query("BEGIN").unwrap();
                let heard = if extended { client.extended(&text, 0) } else { client.query(&text) }.unwrap();
                client.query("ROLLBACK").unwrap();
                heard
            };
            let want = answer(&both(&mut fixture.veil, false));
            assert!(want.is_ok(), "{text}: {want:?}");
            for extended in [false, true] {
                let heard = both(&mut analyst, extended);
                let got = answer(&heard);
                let tags: String = heard.iter().map(|m| m.tag as char).filter(|t| *t != 'D').collect();
                if got != want || tags != if extended { "12CZ" } else { "TCZ" } {
                    wrong.push(format!("extended: {extended}: {text}: {tags}: {got:?}, and not {want:?}"));
                }
            }
            found += want.map_or(0, |rows| rows.len());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > TEXTS.len(), "{found}");
}

/// A value of a Bind, and the type that is declared for it, 0 for none.
#[derive(Clone, Debug)]
struct Given {
    ty: u32,
    format: u8,
    value: Option<Vec<u8>>,
}

fn text(ty: u32, value: &str) -> Given {
    Given { ty, format: 0, value: Some(value.as_bytes().to_vec()) }
}

fn binary(ty: u32, value: &[u8]) -> Given {
    Given { ty, format: 1, value: Some(value.to_vec()) }
}

fn long(value: &str) -> [u8; 8] {
    value.parse::<i64>().unwrap().to_be_bytes()
}

fn int(value: &str) -> [u8; 4] {
    value.parse::<i32>().unwrap().to_be_bytes()
}

/// An array as PostgreSQL sends it.
fn array(element: u32, values: &[Option<&[u8]>]) -> Vec<u8> {
    let head = [1, 1, element, u32::try_from(values.len()).unwrap(), 1];
    let mut out: Vec<u8> = head.iter().flat_map(|n| n.to_be_bytes()).collect();
    for value in values {
        out.extend(value.map_or(-1, |v| i32::try_from(v.len()).unwrap()).to_be_bytes());
        out.extend(value.unwrap_or_default());
    }
    out
}

/// Close, Parse, Describe, Bind, Execute, Sync.
fn messages(sql: &str, given: &[Given]) -> Vec<(u8, Vec<u8>)> {
    let count = u16::try_from(given.len()).unwrap().to_be_bytes();
    let types = given.iter().flat_map(|g| g.ty.to_be_bytes());
    let formats = given.iter().flat_map(|g| [0, g.format]);
    let values = given.iter().flat_map(|g| {
        let length = g.value.as_ref().map_or(-1, |v| i32::try_from(v.len()).unwrap());
        length.to_be_bytes().into_iter().chain(g.value.clone().unwrap_or_default())
    });
    vec![
        (b'C', b"Ss\0".to_vec()),
        (b'P', [b"s\0", sql.as_bytes(), b"\0", &count].concat().into_iter().chain(types).collect()),
        (b'D', b"Ss\0".to_vec()),
        (b'B', b"\0s\0".iter().copied().chain(count).chain(formats).chain(count).chain(values).chain([0, 0]).collect()),
        (b'E', vec![0; 5]),
        (b'S', Vec::new()),
    ]
}

/// Both answers: tags and descriptions of parameters as well as rows.
fn compare(analyst: &mut Client, veil: &mut Client, sql: &str, given: &[Given]) -> Result<(), String> {
    let ask = |client: &mut Client| {
        client.send_all(&messages(sql, given)).unwrap();
        let heard = client.until_ready().unwrap();
        let types = heard.iter().find(|m| m.tag == b't').map(|m| m.body.clone());
        (
            answer(&heard).map_err(|e| e[..5].to_owned()),
            types,
            heard.iter().map(|m| m.tag as char).filter(|t| *t != 'D').collect::<String>(),
        )
    };
    let (got, want) = (ask(analyst), ask(veil));
    client_is_well(analyst);
    if got == want { Ok(()) } else { Err(format!("{sql}, {given:?}: {got:?}, and not {want:?}")) }
}

fn client_is_well(client: &mut Client) {
    assert_eq!(code(&client.query("SELECT 1").unwrap()), "");
}

#[test]
fn a_parameter_that_is_a_mask_finds_what_it_finds_where_masks_are_stored() {
    let mut fixture = Fixture::start();
    let mut analyst = fixture.analyst();
    let (a, b) = (fixture.persons[3].clone(), fixture.persons[4].clone());
    let uuid = |text: &str| hex::decode(text.replace('-', "")).unwrap();
    let null = |ty| Given { ty, format: 0, value: None };
    let list = format!("{{{}, NULL, {}}}", a.nr, b.nr);
    // one with what has a meaning in arrays
    let strange = fixture.persons.iter().map(|p| &p.card).find(|c| c.contains('"')).unwrap().clone();
    let cards = format!("{{\"{}\", NULL, {} }}", strange.replace('\\', "\\\\").replace('"', "\\\""), b.card);
    let cases: Vec<(&str, Vec<Given>)> = vec![
        ("SELECT id, name FROM person WHERE id = $1", vec![text(0, &a.id)]),
        ("SELECT id, name FROM person WHERE id = $1", vec![binary(0, &long(&a.id))]),
        ("SELECT id, name FROM person WHERE $1 = id", vec![text(20, &a.id)]),
        ("SELECT id, name FROM person WHERE id = $1", vec![text(705, &a.id)]),
        ("SELECT name FROM person WHERE nr = $1 AND nr = $1", vec![text(705, &a.nr)]),
        ("SELECT id, name FROM person WHERE id = $1", vec![binary(23, &int("7"))]),
        ("SELECT id, name FROM person WHERE id = $1", vec![null(0)]),
        ("SELECT id, name FROM person WHERE id IS NOT DISTINCT FROM $1", vec![text(0, &a.id)]),
        ("SELECT count(*) FROM person WHERE id IS DISTINCT FROM $1", vec![null(0)]),
        ("SELECT nr, name FROM person WHERE nr = $1", vec![binary(0, &int(&a.nr))]),
        ("SELECT nr, name FROM person WHERE nr = $1", vec![binary(20, &long(&a.nr))]),
        ("SELECT nr, name FROM person WHERE nr = $1::bigint", vec![binary(0, &long(&a.nr))]),
        ("SELECT nr, name FROM person WHERE nr = $1::bigint", vec![binary(20, &long("5000000000"))]),
        ("SELECT nr, name FROM person WHERE nr = $1::bigint", vec![binary(23, &int(&a.nr))]),
        ("SELECT id FROM person WHERE small = $1::int OR id = $1::bigint", vec![binary(21, &int(&a.small)[2..])]),
        ("SELECT id FROM person WHERE token = $1::uuid::uuid", vec![text(0, &a.token)]),
        ("SELECT count(*) FROM person WHERE NOT nr = $1", vec![binary(20, &long("5000000000"))]),
        ("SELECT count(*) FROM person WHERE small = $1", vec![binary(21, &int(&a.small)[2..])]),
        ("SELECT count(*) FROM person WHERE small = $1", vec![binary(23, &int(&a.small))]),
        ("SELECT code FROM person WHERE code = $1", vec![text(0, &format!(" +{}", a.code.trim_start_matches('-')))]),
        ("SELECT token, name FROM person WHERE token = $1", vec![text(0, &a.token)]),
        ("SELECT token, name FROM person WHERE token = $1", vec![text(2950, &format!("{{{}}}", a.token.to_uppercase()))]),
        ("SELECT token, name FROM person WHERE token = $1", vec![binary(2950, &uuid(&a.token))]),
        ("SELECT token, name FROM person WHERE token = $1::uuid", vec![binary(0, &uuid(&a.token))]),
        ("SELECT nr FROM person WHERE nr IN ($1, $2, $1)", vec![text(0, &a.nr), text(0, &b.nr)]),
        ("SELECT nr FROM person WHERE nr IN ($2, $1)", vec![text(23, &a.nr), binary(23, &int(&b.nr))]),
        ("SELECT count(*) FROM person WHERE nr NOT IN ($1, $2)", vec![text(0, &a.nr), null(0)]),
        ("SELECT nr FROM person WHERE nr = ANY ($1)", vec![text(0, &list)]),
        ("SELECT nr FROM person WHERE nr = ANY ($1)", vec![text(1007, "{}")]),
        ("SELECT nr FROM person WHERE nr = ANY ($1)", vec![null(0)]),
        ("SELECT nr FROM person WHERE nr = ANY ($1)", vec![binary(0, &array(23, &[Some(&int(&a.nr)), None, Some(&int(&b.nr))]))]),
        ("SELECT nr FROM person WHERE nr = ANY ($1)", vec![binary(1016, &array(20, &[Some(&long(&a.nr)), Some(&long("5000000000"))]))]),
        ("SELECT nr FROM person WHERE nr = ANY ($1::int[])", vec![text(0, &list)]),
        ("SELECT id FROM person WHERE token = ANY ($1)", vec![binary(2951, &array(2950, &[Some(&uuid(&a.token)), Some(&uuid(&b.token))]))]),
        ("SELECT count(*) FROM person WHERE nr <> ALL ($1)", vec![text(0, &format!("{{{},{}}}", a.nr, b.nr))]),
        ("SELECT count(*) FROM person WHERE nr <> ALL ($1)", vec![text(0, &list)]),
        // a parameter that stands elsewhere too stays there as it is
        ("SELECT id, $1::bigint, $1 + 1 FROM person WHERE id = $1", vec![text(20, &a.id)]),
        (
            "SELECT name, $2 FROM person WHERE id = $1 AND name <> $3 LIMIT $4",
            vec![text(0, &a.id), text(25, "x"), text(0, "y"), text(0, "5")],
        ),
        ("SELECT v.no FROM visit v JOIN person p ON p.id = v.person AND v.person = $1 WHERE p.id = $1", vec![text(0, &a.id)]),
        ("SELECT nr = $1, count(*) FROM person GROUP BY nr = $1", vec![text(0, &a.nr)]),
        ("SELECT id FROM person WHERE id = $2", vec![text(25, "unused"), text(0, &a.id)]),
        ("SELECT id FROM person WHERE card = $1", vec![text(0, &a.card)]),
        ("SELECT id FROM person WHERE card = $1", vec![binary(0, strange.as_bytes())]),
        ("SELECT id FROM person WHERE pass = $1", vec![text(25, &a.pass)]),
        ("SELECT id FROM person WHERE pass = $1", vec![binary(1043, a.pass.as_bytes())]),
        ("SELECT id FROM person WHERE card = ANY ($1)", vec![text(0, &cards)]),
        ("SELECT id FROM person WHERE card = ANY ($1)", vec![text(1015, &cards)]),
        (
            "SELECT id FROM person WHERE card = ANY ($1)",
            vec![binary(1009, &array(25, &[Some(strange.as_bytes()), None, Some(b.card.as_bytes())]))],
        ),
        ("SELECT count(*) FROM person WHERE card <> ALL ($1)", vec![text(1009, "{}")]),
        // what PostgreSQL refuses
        ("SELECT id FROM person WHERE id = $1", vec![]),
        ("SELECT id FROM person WHERE id = $1", vec![text(0, &a.id), text(20, "7")]),
    ];
    let wrong: Vec<String> = cases.iter().filter_map(|(sql, given)| compare(&mut analyst, &mut fixture.veil, sql, given).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // one format for all, and a result in binary
    let one = [&b"\0s\0"[..], &[0, 1, 0, 1, 0, 1], &8_i32.to_be_bytes(), &long(&a.id), &[0, 1, 0, 1]].concat();
    let mut all = messages("SELECT id FROM person WHERE id = $1", &[text(20, "0")]);
    all[3].1 = one;
    analyst.send_all(&all).unwrap();
    let heard = analyst.until_ready().unwrap();
    let row = heard.iter().rfind(|m| m.tag == b'D').map(|m| m.values());
    assert_eq!(row, Some(vec![Some(long(&a.id).to_vec())]), "{heard:?}");
}

/// What cannot be read as the server would, or would show what is turned back, is refused, and the session goes on.
#[test]
fn what_cannot_be_turned_back_is_refused() {
    let mut fixture = Fixture::start();
    let mut analyst = fixture.analyst();
    for (column, given, want) in [
        ("nr", "0x1F", "0A000"),
        ("nr", "1_000", "0A000"),
        ("nr", "abc", "22P02"),
        ("nr", "", "22P02"),
        ("nr", " -x", "22P02"),
        ("nr", "12a", "22P02"),
        ("nr", "99999999999", "22003"),
        ("small", "70000", "22003"),
        ("id", "99999999999999999999", "22003"),
        ("token", "nothing", "22P02"),
    ] {
        let sql = format!("SELECT nr FROM person WHERE {column} = $1");
        for client in [&mut analyst, &mut fixture.veil] {
            client.send_all(&messages(&sql, &[text(0, given)])).unwrap();
            let (bound, said) = (code(&client.until_ready().unwrap()), client.query(&sql.replace("$1", &format!("'{given}'"))).unwrap());
            // newer servers read some of them
            if want != "0A000" {
                assert_eq!((&*bound, &*code(&said)), (want, want), "{column}: {given}");
            }
        }
        let said = analyst.query(&sql.replace("$1", &format!("'{given}'"))).unwrap();
        assert_eq!(code(&said), want, "{column}: {given}: {said:?}");
    }
    for given in [text(1007, "{{1,2},{3,4}}"), text(1007, "[0:1]={1,2}"), binary(1007, &[0; 7]), binary(1007, &array(20, &[Some(&[0; 8])]))]
    {
        analyst.send_all(&messages("SELECT nr FROM person WHERE nr = ANY ($1)", std::slice::from_ref(&given))).unwrap();
        assert_eq!(code(&analyst.until_ready().unwrap()), "0A000", "{given:?}");
    }
    let many = format!("{{{}}}", vec!["1"; 10_001].join(","));
    analyst.send_all(&messages("SELECT nr FROM person WHERE nr = ANY ($1)", &[text(0, &many)])).unwrap();
    assert_eq!(code(&analyst.until_ready().unwrap()), "53400");
    let refused = [
        ("EXPLAIN SELECT nr FROM person WHERE nr = 1", "0A000"),
        ("EXPLAIN ANALYZE UPDATE visit SET place = '' WHERE person = 1", "0A000"),
        ("COPY (SELECT nr FROM person WHERE nr = 1) TO STDOUT", "0A000"),
        ("PREPARE p AS SELECT nr FROM person WHERE nr = 1", "0A000"),
        ("PREPARE p(int) AS SELECT nr FROM person WHERE nr = $1", "0A000"),
        ("CREATE TEMP TABLE x AS SELECT nr FROM person WHERE nr = 1", "0A000"),
        ("SELECT nr FROM person WHERE nr = $1", "42P02"),
        ("SELECT nr FROM person WHERE nr = 1.5", "0A000"),
        ("SELECT nr FROM person WHERE nr < 1", "0A000"),
        ("SELECT nr FROM person WHERE (nr, id) < (1, 2)", "0A000"),
        ("SELECT nr FROM person WHERE nr IN (id, 1)", "0A000"),
        ("SELECT nr FROM person WHERE nr = 1 + 1", "0A000"),
        ("SELECT card FROM person WHERE pass = 'ab1'", "0A000"),
        ("SELECT card FROM person WHERE pass = '***'", "0A000"),
        ("SELECT card FROM person WHERE pass IN ('***', '12345678')", "0A000"),
        ("SELECT card FROM person WHERE card = ANY ('{{12345678}}')", "0A000"),
        ("SELECT card FROM person WHERE card = ANY ('{12345678,}')", "0A000"),
        ("SELECT card FROM person WHERE card LIKE '12345678'", "0A000"),
        ("SELECT card FROM person WHERE card = 'x12345678' COLLATE folding", "0A000"),
        ("SELECT card FROM person WHERE card COLLATE folding = 'x12345678'", "0A000"),
        ("SELECT card FROM person WHERE folded = 'Folded x12345678'", "0A000"),
        ("SELECT card FROM person WHERE card = '12345678'::char(8)", "0A000"),
        ("SELECT card FROM person WHERE card = '123456789'::varchar(8)", "0A000"),
    ];
    for (sql, want) in refused {
        assert_eq!(code(&analyst.query(sql).unwrap()), want, "{sql}");
    }
    for sql in [
        "SELECT nr, $1 FROM person WHERE nr = $1",
        "SELECT nr FROM person WHERE nr = $1 OR id = $1",
        "SELECT nr FROM person WHERE nr IN ($1, 5000000000)",
    ] {
        analyst.send_all(&messages(sql, &[text(0, "1")])).unwrap();
        assert_eq!(code(&analyst.until_ready().unwrap()), "0A000", "{sql}");
    }
    fixture.veil.query("SELECT 1").unwrap();
    client_is_well(&mut analyst);
}

/// What is sent holds no value, and finds its row by the index on the raw column.
#[test]
fn the_raw_value_stands_in_no_text_and_its_index_is_used() {
    let mut fixture = Fixture::start();
    let mut analyst = fixture.analyst();
    let forms = [
        ("SELECT id FROM person WHERE id = {id}", "bigint", "470000000007919"),
        ("SELECT nr FROM person WHERE nr = '{nr}'::bigint", "bigint", "900000001"),
        ("SELECT nr FROM person WHERE nr IN ({nr}, {nr2})", "int, int", "900000001, 900000002"),
        ("SELECT nr FROM person WHERE nr = ANY ('{{nr},{nr2}}')", "int[]", "'{900000001}'"),
        ("SELECT token FROM person WHERE token = '{token}'", "uuid", "'00000000-0000-0000-0000-000000000000'"),
        ("SELECT nr FROM fenced WHERE nr = {nr}", "int", "900000001"),
        ("UPDATE visit SET place = 'x' WHERE EXISTS (SELECT 1 FROM person WHERE id = {id}) RETURNING 1", "bigint", "470000000007919"),
    ];
    fixture.veil.query("SET enable_seqscan = off; SET search_path = public").unwrap();
    for (form, types, values) in forms {
        for extended in [false, true] {
            let sql = fixture.filled(form, 11);
            let heard = if extended { analyst.extended(&sql, 0) } else { analyst.query(&sql) }.unwrap();
            assert_eq!(code(&heard), "", "{sql}");
            // of the sessions that read the fixture some may not have ended yet
            let newest = "SELECT query FROM pg_stat_activity WHERE usename = 'analyst' AND backend_type = 'client backend' \
                ORDER BY backend_start DESC LIMIT 1";
            let seen = fixture.veil.query(newest);
            let sent = rows(&seen.unwrap())[0][0].clone().unwrap();
            let own = sent.replace("nr < 900000150", "");
            assert!(sent.contains("$1") && !own.chars().any(|c| c.is_ascii_digit() && c > '2'), "{sent}");
            let plan = format!("PREPARE sent ({types}) AS {sent}; EXPLAIN EXECUTE sent ({values}); DEALLOCATE sent");
            let heard = fixture.veil.query(&plan).unwrap();
            let plan: String = rows(&heard).into_iter().flatten().flatten().collect::<Vec<_>>().join("\n");
            assert!(
                plan.contains("Index Scan") || plan.contains("Index Only Scan") || plan.contains("Bitmap Index Scan"),
                "{sent}: {heard:?}"
            );
        }
    }
}
