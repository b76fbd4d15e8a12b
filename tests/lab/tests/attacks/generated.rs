//! Random queries by the clerk against the views that say by hand what the clerk sees: equal rows, or a refusal. `SEED` and `GENERATED`
//! in the environment choose others and more.

use std::fmt::Write as _;
use std::io::Write as _;

use lab::dice::asked_for;
use lab::oracle::Held;
use lab::queries::Type::{Bool, Date, Int, Number, Text};
use lab::queries::{Generator, Table};
use lab::wire::Client;
use pgscrim::wire::{Field, row_description};

use super::corpus::Case;
use super::{Mode, Runner, lab};

/// `record` and `record[]`, the types of rows that are of no relation.
const RECORDS: [u32; 2] = [2249, 2287];

/// What the clerk sees.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "people",
        plain: false,
        columns: &[
            ("id", Int),
            ("level", Text),
            ("region", Text),
            ("name", Text),
            ("email", Text),
            ("phone", Text),
            ("card", Text),
            ("note", Text),
            ("handle", Text),
            ("born", Date),
            ("salary", Int),
            ("wealth", Number),
            ("flag", Bool),
        ],
    },
    Table { name: "accounts", plain: false, columns: &[("id", Int), ("person_id", Int), ("iban", Text), ("state", Text)] },
    Table { name: "plain", plain: true, columns: &[("id", Int), ("label", Text), ("amount", Int), ("code", Text)] },
    Table { name: "child", plain: false, columns: &[("id", Int), ("plain_id", Int), ("secret", Text)] },
    Table { name: "events", plain: false, columns: &[("id", Int), ("kind", Text), ("payload", Text)] },
    Table { name: "base", plain: false, columns: &[("id", Int), ("secret", Text)] },
    Table { name: "later", plain: false, columns: &[("id", Int), ("code", Text), ("secret", Text)] },
    Table { name: "fenced", plain: false, columns: &[("id", Int), ("region", Text), ("secret", Text)] },
];

/// Views that the policy does not name (`derived.sql`), which are made of what the clerk sees a second time; and tables to join them to.
pub(crate) const VIEWS: &[Table] = &[
    Table {
        name: "w_plain",
        plain: false,
        columns: &[
            ("id", Int),
            ("level", Text),
            ("name", Text),
            ("email", Text),
            ("phone", Text),
            ("note", Text),
            ("handle", Text),
            ("born", Date),
            ("salary", Int),
            ("wealth", Number),
            ("flag", Bool),
        ],
    },
    Table { name: "w_some", plain: false, columns: &[("id", Int), ("mail", Text), ("birthday", Date)] },
    Table { name: "w_filter", plain: false, columns: &[("id", Int), ("level", Text)] },
    Table { name: "w_join", plain: false, columns: &[("id", Int), ("name", Text), ("iban", Text), ("state", Text)] },
    Table { name: "w_alias", plain: false, columns: &[("id", Int), ("iban", Text)] },
    Table { name: "w_agg", plain: false, columns: &[("n", Int), ("level", Text), ("mails", Int), ("top", Int), ("eldest", Date)] },
    Table { name: "w_group", plain: false, columns: &[("n", Int), ("salary", Int)] },
    Table { name: "w_union", plain: false, columns: &[("id", Int), ("payload", Text)] },
    Table { name: "w_mixed", plain: false, columns: &[("id", Int), ("what", Text)] },
    Table { name: "w_distinct", plain: false, columns: &[("n", Int), ("flag", Bool)] },
    Table { name: "w_over", plain: false, columns: &[("id", Int), ("mail", Text), ("name", Text)] },
    Table { name: "w_fenced", plain: false, columns: &[("id", Int), ("region", Text), ("secret", Text)] },
    Table { name: "w_cte", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "w_window", plain: false, columns: &[("id", Int), ("name", Text), ("place", Int)] },
    Table { name: "w_case", plain: false, columns: &[("id", Int), ("answer", Text), ("name", Text)] },
    Table { name: "w_expr", plain: false, columns: &[("id", Int), ("mail", Text), ("phone", Text)] },
    Table { name: "w_when", plain: false, columns: &[("id", Int), ("secret", Text)] },
    Table { name: "v_people", plain: false, columns: &[("id", Int), ("level", Text), ("email", Text), ("born", Date), ("salary", Int)] },
    Table { name: "v_deep", plain: false, columns: &[("id", Int), ("email", Text), ("wealth", Number)] },
    Table { name: "v_call", plain: false, columns: &[("id", Int), ("label", Text)] },
    Table { name: "w_call", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "w_denied", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "people", plain: false, columns: &[("id", Int), ("level", Text), ("email", Text), ("born", Date)] },
    Table { name: "plain", plain: true, columns: &[("id", Int), ("label", Text), ("amount", Int), ("code", Text)] },
];

/// Stored copies, views over them, and tables to join them to.
pub(crate) const STORED: &[Table] = &[
    Table {
        name: "s_plain",
        plain: false,
        columns: &[
            ("id", Int),
            ("level", Text),
            ("name", Text),
            ("mail", Text),
            ("phone", Text),
            ("born", Date),
            ("salary", Int),
            ("note", Text),
            ("flag", Bool),
        ],
    },
    Table { name: "v_stored", plain: false, columns: &[("id", Int), ("mail", Text), ("note", Text), ("low", Text), ("salary", Int)] },
    Table { name: "s_deep", plain: false, columns: &[("id", Int), ("mail", Text), ("loud", Text), ("label", Text)] },
    Table { name: "s_agg", plain: false, columns: &[("n", Int), ("level", Text), ("lowest", Text), ("ever", Bool)] },
    Table { name: "s_alias", plain: false, columns: &[("id", Int), ("iban", Text)] },
    Table { name: "s_union", plain: false, columns: &[("id", Int), ("payload", Text), ("kind", Text)] },
    Table { name: "s_mixed", plain: false, columns: &[("id", Int), ("more", Text)] },
    Table { name: "s_cut", plain: false, columns: &[("id", Int), ("phone", Text)] },
    Table { name: "s_place", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "s_when", plain: false, columns: &[("id", Int)] },
    Table { name: "s_ruled", plain: false, columns: &[("id", Int), ("region", Text), ("secret", Text), ("size", Int)] },
    Table { name: "s_named", plain: false, columns: &[("id", Int), ("region", Text), ("loud", Text)] },
    Table { name: "s_call", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "m_people", plain: false, columns: &[("id", Int), ("email", Text), ("loud", Text)] },
    Table { name: "w_stored", plain: false, columns: &[("id", Int), ("mail", Text), ("low", Text), ("born", Date), ("label", Text)] },
    Table { name: "s_null", plain: false, columns: &[("id", Int), ("rich", Bool), ("size", Int)] },
    Table { name: "made", plain: false, columns: &[("id", Int), ("twin", Text), ("size", Int), ("tag", Text), ("tail", Text)] },
    Table { name: "people", plain: false, columns: &[("id", Int), ("level", Text), ("email", Text), ("born", Date)] },
    Table { name: "plain", plain: true, columns: &[("id", Int), ("label", Text), ("amount", Int), ("code", Text)] },
];

#[test]
fn random_queries_are_answered_by_the_veil() {
    hold(TABLES);
}

#[test]
fn random_queries_over_views_are_answered_by_the_veil() {
    hold(VIEWS);
}

#[test]
fn random_queries_over_stored_copies_are_answered_by_the_veil() {
    hold(STORED);
}

/// Asks random queries over relations, of the clerk and of the views by hand.
fn hold(relations: &'static [Table]) {
    let lab = lab();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 1500));
    let mut veil = Runner { veiled: true, ..Runner::new(lab.cluster.port(), "postgres", Mode::Simple) };
    let mut clerks = [Mode::Simple, Mode::Text].map(|mode| Runner::new(lab.port, "clerk", mode));
    let mut held = Held::default();
    for seed in first..first + count {
        let text = Generator::new(seed, relations).query();
        let case = Case { name: seed.to_string(), mark: '-', versions: 0..=u32::MAX, alone: false, steps: vec![text] };
        let want = veil.run(&case).remove(0);
        let got = clerks[usize::try_from(seed % 2).unwrap()].run(&case).remove(0);
        for leak in lab.leaks() {
            writeln!(held.wrong, "LEAK: {seed}: {}: {}", leak.found, case.steps[0]).unwrap();
        }
        held.hold(&seed, &case.steps[0], got, want);
    }
    held.told("random queries");
}

/// Results of which columns are those of relations by more than their names.
const DESCRIBED: &[&str] = &[
    "SELECT p, id FROM child p WHERE initcap(secret) <> ''",
    "SELECT s.p, s.i::int, s.i::int8, s.e::text, s.h::varchar, s.h::varchar(9), s.h, s.e COLLATE \"C\", (s.p).id, (s.e) FROM (SELECT p, id AS i, email AS e, phone AS h FROM people p WHERE initcap(note) <> '') s",
    "SELECT * FROM fenced f JOIN base b USING (id)",
    "SELECT id, f.secret FROM (SELECT 'x' || secret AS secret, id FROM fenced) f LEFT JOIN (SELECT id::int8, secret FROM base) b USING (id)",
    "SELECT id, f.*, b.id FROM (SELECT initcap(secret) AS up, secret, id FROM fenced) f RIGHT JOIN base b USING (id)",
    "SELECT id, secret FROM (SELECT id, secret FROM fenced WHERE secret > '') f NATURAL FULL JOIN base b",
    "WITH w AS (SELECT id, region, secret AS s, length(secret) AS n FROM fenced), v AS (SELECT * FROM w) SELECT v.*, (SELECT s FROM v x LIMIT 1) FROM v",
    "WITH RECURSIVE w AS (SELECT id, secret FROM fenced WHERE secret > '' UNION ALL SELECT id + 1, secret FROM w WHERE id < 3) SELECT id, secret FROM w",
    "SELECT id FROM (SELECT id, secret FROM fenced WHERE secret > '' UNION ALL SELECT id, secret FROM base) u",
    "SELECT f.id, l.secret, v.column1 FROM fenced f, LATERAL (SELECT secret WHERE f.secret > '') l, LATERAL (VALUES (f.id)) v",
    "SELECT ctid, tableoid, id, region FROM fenced WHERE secret <> '' GROUP BY GROUPING SETS ((ctid, tableoid, id, region), ())",
    "SELECT region, max(id), id FROM fenced WHERE secret > '' GROUP BY region, id",
    "TABLE w_over",
    "SELECT id, up.mail, up.name FROM (SELECT *, initcap(mail) AS loud FROM w_over) up",
    "INSERT INTO fenced VALUES (99, 'EU', 'x') RETURNING *, id AS n, initcap(secret)",
    "UPDATE fenced SET region = 'EU' WHERE secret > '' RETURNING fenced, id, secret, fenced.region AS r",
    "DELETE FROM fenced f USING base b WHERE f.id = b.id AND b.secret > '' RETURNING f.secret, b.secret, b.id + 0",
    "WITH w AS (DELETE FROM fenced WHERE secret > '' RETURNING id, secret) SELECT secret, id FROM w",
    "DECLARE c CURSOR FOR SELECT id, initcap(secret) AS up, secret FROM fenced; FETCH c",
    "PREPARE p AS SELECT id, secret FROM fenced WHERE secret > ''; EXECUTE p",
];

/// What a result says of itself, to governed logins and without a veil: names, types, modifiers, and where its columns come from.
#[test]
fn a_result_is_described_as_without_the_veil() {
    let lab = lab();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 300));
    let random =
        [TABLES, VIEWS, STORED].into_iter().flat_map(|tables| (first..first + count).map(|seed| Generator::new(seed, tables).query()));
    let attacks = super::cases().into_iter().filter(super::has_an_oracle).flat_map(|case| case.steps);
    let texts: Vec<String> = DESCRIBED.iter().map(|text| (*text).to_owned()).chain(random).chain(attacks).collect();
    let connect = |port, login| Client::connect(port, login, "postgres").unwrap();
    let mut owner = connect(lab.cluster.port(), "owner");
    let (mut wrong, mut described, mut of_a_column) = (String::new(), 0, 0);
    for login in ["clerk", "loader", "seer"] {
        let mut governed = connect(lab.port, login);
        for (number, text) in texts.iter().enumerate() {
            let [seen, bare] = [&mut governed, &mut owner].map(|client| {
                client.query("BEGIN").unwrap();
                let simple = number % 2 == 0 || text.contains(';');
                let heard = if simple { client.query(text) } else { client.describe(text) }.unwrap();
                client.query("ROLLBACK; DEALLOCATE ALL").unwrap();
                heard.into_iter().find(|m| m.tag == b'T').map(|m| m.body)
            });
            let (Some(seen), Some(bare)) = (seen, bare) else { continue };
            let (got, want) = (row_description(&seen).unwrap(), row_description(&bare).unwrap());
            // what does not exist for the login is not covered by a `*`
            if got.len() < want.len() && (text.contains('*') || text.starts_with("TABLE")) {
                continue;
            }
            described += 1;
            of_a_column += u64::from(want.iter().any(|f| f.relation.0 != 0));
            // nor is it in a row, which is a record then, as rows in expressions are
            let alike = |(got, want): &(&Field<'_>, &Field<'_>)| got == want || (RECORDS.contains(&got.ty.0) && want.column == 0);
            if let Some((got, want)) = got.iter().zip(&want).find(|pair| !alike(pair)) {
                writeln!(wrong, "{login}: {got:?}, not {want:?}: {text}").unwrap();
            }
        }
    }
    writeln!(std::io::stdout(), "{described} results described, {of_a_column} of them with columns of relations").unwrap();
    assert!(wrong.is_empty(), "{} of {described} differ:\n{wrong}", wrong.lines().count());
    assert!(of_a_column > described / 5, "hardly any is of a column: {of_a_column} of {described}");
}

/// Queries, and every attack, by their shape as by their text; the owner's, who is not governed, too.
#[test]
fn a_plan_by_shape_is_the_plan_of_the_text() {
    let lab = lab();
    let mut texts: Vec<String> = (1..=400).map(|seed| Generator::new(seed, TABLES).query()).collect();
    texts.extend(super::cases().into_iter().flat_map(|case| case.steps));
    let count = texts.len();
    let held = lab::shapes::hold(&lab, &["clerk", "auditor", "loader", "seer", "owner"], &["pg_catalog", "public"], texts);
    assert!(held.wrong.is_empty(), "{} lines:\n{}", held.wrong.lines().count(), held.wrong);
    writeln!(std::io::stdout(), "{count} texts for five logins: {} plans by shape", held.shaped).unwrap();
    assert!(held.shaped > count / 2, "hardly any text has a shape: {} of {count}", held.shaped);
}
