//! Random queries of a login that sees keyed masks, against a copy of the tables that was masked here, by a second implementation: equal
//! rows, or a refusal. `SEED` and `GENERATED` in the environment choose others and more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

#[path = "../../masks/naive.rs"]
mod naive;

use lab::Lab;
use lab::dice::asked_for;
use lab::oracle::{Answer, Held};
use lab::queries::Type::{Bool, Date, Int, Number, Text};
use lab::queries::{Generator, Table, Type};
use lab::wire::{Client, Message};
use naive::Naive;

/// The key of the lab's keyring.
const NAIVE: Naive = Naive([0x5a; 32]);

const POLICY: &str = "
version: 1
classes: { key: ~, phone: ~, badge: ~, name: ~, native: ~, firm: ~, mail: ~, other: ~ }
tables:
  public.people:
    columns: { person: key, nr: key, small: key, account: key, phone: phone, badge: badge, name: name, native: native, mail: mail, alias: other }
  public.visits: { columns: { person: key, account: key, firm: firm, alias: other } }
masks:
  other: { pseudonym: { key: k1 } }
roles:
  analyst:
    members: [analyst]
    read:
      key: { mask: pseudonym }
      other: { mask: other }
      phone: { mask: fpe }
      badge: { mask: fpe }
      name: { mask: { fake: { kind: name, locale: en } } }
      native: { mask: { fake: { kind: name, locale: zh } } }
      firm: { mask: { fake: { kind: company, locale: en } } }
      mail: { mask: email }
  owner: { members: [owner], unrestricted: true }
";

const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE owner LOGIN; CREATE ROLE analyst LOGIN;
CREATE TABLE people (id int PRIMARY KEY, person int, nr bigint UNIQUE, small smallint, account text, phone varchar(20), badge text, name text,
    native text, mail text, alias text, region text NOT NULL, born date, salary numeric, flag boolean);
INSERT INTO people SELECT i, 1000 + i, 5000000000 + i / 2 * 2 + i % 2, 300 + i % 9, 'acc' || i % 20, '+86 138' || lpad((i * 7919)::text, 8, '0'),
    chr(65 + i % 26) || chr(97 + i % 7) || '-' || repeat(chr(97 + i % 5), i % 9), 'Name ' || i % 12, '人' || i % 5, 'm' || i % 3 || '@x.org',
    'acc' || i % 20, (ARRAY['EU', 'US'])[1 + i % 2], date '1950-01-01' + i * 300, i * 100.5, i % 3 = 0 FROM generate_series(1, 40) i;
UPDATE people SET person = NULL, account = NULL, phone = NULL WHERE id % 10 = 0;
UPDATE people SET nr = NULL, small = NULL, badge = NULL, alias = NULL WHERE id % 13 = 0;
CREATE TABLE visits (id int PRIMARY KEY, person int, account text, firm text, alias text, place text, day date, cost numeric, ok boolean);
INSERT INTO visits SELECT i, 1000 + i % 17, 'acc' || i % 25, 'Firm ' || i % 4, 'acc' || i % 25, 'place ' || i % 6, date '1960-01-01' + i, i * 0.5, i % 2 = 0
FROM generate_series(1, 60) i;
UPDATE visits SET person = NULL, firm = NULL WHERE id % 11 = 0;
CREATE TABLE plain (id int PRIMARY KEY, label text, amount int);
INSERT INTO plain SELECT i, 'label ' || i, i * 10 FROM generate_series(1, 12) i;
GRANT ALL ON ALL TABLES IN SCHEMA public TO analyst, owner;
CREATE SCHEMA masked; CREATE TABLE masked.people (LIKE public.people); CREATE TABLE masked.visits (LIKE public.visits);
ANALYZE";

/// The columns of the masked tables, and what the analyst sees in them.
const PEOPLE: &[(&str, Seen)] = &[
    ("id", Seen::Clear),
    ("person", Seen::Integer(32)),
    ("nr", Seen::Integer(64)),
    ("small", Seen::Integer(16)),
    ("account", Seen::Token("pseudonym")),
    ("phone", Seen::Fpe),
    ("badge", Seen::Fpe),
    ("name", Seen::English),
    ("native", Seen::Chinese),
    ("mail", Seen::Mail),
    ("alias", Seen::Token("other")),
    ("region", Seen::Clear),
    ("born", Seen::Clear),
    ("salary", Seen::Clear),
    ("flag", Seen::Clear),
];
const VISITS: &[(&str, Seen)] = &[
    ("id", Seen::Clear),
    ("person", Seen::Integer(32)),
    ("account", Seen::Token("pseudonym")),
    ("firm", Seen::Company),
    ("alias", Seen::Token("other")),
    ("place", Seen::Clear),
    ("day", Seen::Clear),
    ("cost", Seen::Clear),
    ("ok", Seen::Clear),
];

/// What queries may name; a table with more columns that are clear stands in it more often, or little would be answered.
const TABLES: &[Table] = &[
    Table {
        name: "people",
        plain: false,
        columns: &[
            ("id", Int),
            ("person", Int),
            ("nr", Int),
            ("small", Int),
            ("account", Text),
            ("phone", Text),
            ("badge", Text),
            ("name", Text),
            ("native", Text),
            ("mail", Text),
            ("alias", Text),
            ("region", Text),
            ("born", Date),
            ("salary", Number),
            ("flag", Bool),
        ],
    },
    Table {
        name: "people",
        plain: false,
        columns: &[("id", Int), ("person", Int), ("mail", Text), ("account", Text), ("born", Date), ("salary", Number)],
    },
    Table {
        name: "visits",
        plain: false,
        columns: &[
            ("id", Int),
            ("person", Int),
            ("account", Text),
            ("firm", Text),
            ("alias", Text),
            ("place", Text),
            ("day", Date),
            ("cost", Number),
            ("ok", Bool),
        ],
    },
    Table {
        name: "visits",
        plain: false,
        columns: &[("id", Int), ("person", Int), ("place", Text), ("day", Date), ("cost", Number), ("ok", Bool)],
    },
    Table { name: "plain", plain: true, columns: &[("id", Int), ("label", Text), ("amount", Int)] },
];

#[derive(Clone, Copy, Debug)]
enum Seen {
    Clear,
    Integer(u32),
    Token(&'static str),
    Fpe,
    English,
    Chinese,
    Company,
    Mail,
}

impl Seen {
    fn mask(self, value: &str) -> String {
        match self {
            Self::Clear => value.to_owned(),
            Self::Integer(bits) => NAIVE.integer("pseudonym", value.parse().unwrap(), bits).to_string(),
            Self::Token(name) => NAIVE.token(name, value),
            Self::Fpe => NAIVE.fpe("fpe", value).unwrap(),
            Self::English => NAIVE.english_name("fake", value),
            Self::Chinese => NAIVE.chinese_name("fake", value),
            Self::Company => NAIVE.company("fake", value),
            Self::Mail => format!("{}***{}", &value[..1], &value[value.find('@').unwrap()..]),
        }
    }
}

/// A row as text.
type Row = Vec<Option<String>>;

fn rows(heard: &[Message]) -> Vec<Row> {
    let text = |v: Option<Vec<u8>>| v.map(|v| String::from_utf8(v).unwrap());
    let mut rows: Vec<Row> = heard.iter().filter(|m| m.tag == b'D').map(|m| m.values().into_iter().map(text).collect()).collect();
    rows.sort();
    rows
}

fn quoted(value: Option<&String>) -> String {
    value.map_or("NULL".to_owned(), |v| format!("'{v}'"))
}

/// Masks a table into its copy; gives literals that stand in it.
fn copy(direct: &mut Client, table: &str, columns: &[(&str, Seen)]) -> Vec<(Type, String)> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let raw = rows(&direct.query(&format!("SELECT {} FROM public.{table}", names.join(", "))).unwrap());
    let masked = |row: &Row| -> Row { row.iter().zip(columns).map(|(v, (_, seen))| v.as_ref().map(|v| seen.mask(v))).collect() };
    let masked: Vec<Row> = raw.iter().map(masked).collect();
    let list: Vec<String> =
        masked.iter().map(|r| format!("({})", r.iter().map(|v| quoted(v.as_ref())).collect::<Vec<_>>().join(", "))).collect();
    let insert = format!("INSERT INTO masked.{table} ({}) VALUES {}", names.join(", "), list.join(", "));
    assert_eq!(Answer::of(&direct.query(&insert).unwrap()), Answer::Rows(Vec::new()));
    let literal = |(seen, value): (Seen, &String)| match seen {
        Seen::Clear => None,
        Seen::Integer(_) => Some((Int, value.clone())),
        _ => Some((Text, format!("'{value}'"))),
    };
    let few = masked.iter().take(6).flat_map(|row| row.iter().zip(columns));
    few.filter_map(|(value, (_, seen))| literal((*seen, value.as_ref()?))).collect()
}

#[test]
fn random_queries_over_keyed_masks_are_answered_as_over_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    let lab = Lab::start_with(folder.path(), SETUP, "").unwrap();
    let mut copied = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let literals = [copy(&mut copied, "people", PEOPLE), copy(&mut copied, "visits", VISITS)].concat();
    let literals: &'static [(Type, String)] = Vec::leak(literals);
    copied.query("SET search_path = masked, public; SET statement_timeout = '5s'").unwrap();
    let mut analyst = Client::connect(lab.port, "analyst", "postgres").unwrap();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 800));
    let (mut held, mut slow) = (Held::default(), 0);
    for seed in first..first + count {
        let text = Generator::new(seed, TABLES).with_literals(literals).query();
        let want = Answer::of(&copied.query(&text.replace("public.people", "people").replace("public.visits", "visits")).unwrap());
        if matches!(&want, Answer::Failed(told) if told.starts_with("57014")) {
            slow += 1; // it takes too long over the copy, too
            continue;
        }
        let got = if seed % 2 == 0 { analyst.query(&text) } else { analyst.extended(&text, 0) };
        held.hold(&seed, &text, Answer::of(&got.unwrap()), want);
    }
    let (refused, found) = (held.refused.total(), held.found);
    held.told(&format!("random queries over keyed masks ({slow} more take too long over the copy)"));
    assert!(refused * 10 < count * 9 && found * 20 > count, "hardly anything is answered");
}
