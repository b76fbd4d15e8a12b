//! Rows that are read with masks that can be turned back and saved several at a time: random statements, each held against what it comes to by hand.

use super::*;

/// The masked columns of `kept`, their types as casts and as OIDs.
const COLUMNS: [(&str, &str, u32); 6] = [
    ("id", "bigint", 20),
    ("nr", "int", 23),
    ("small", "smallint", 21),
    ("token", "uuid", 2950),
    ("card", "text", 25),
    ("pass", "varchar", 1043),
];

type Row = Vec<Option<String>>;

/// `kept` as a client sees it, by key.
fn table(client: &mut Client) -> Vec<(String, Row)> {
    let heard = client.query("SELECT no, id, nr, small, token, card, pass FROM kept ORDER BY no").unwrap();
    rows(&heard).into_iter().map(|mut row| (row.remove(0).unwrap(), row)).collect()
}

/// A statement that saves rows of some columns, and whether it makes those that are not there.
struct Saved {
    columns: Vec<usize>,
    rows: Vec<(usize, Row)>,
    makes: bool,
    text: String,
    given: Vec<Given>,
}

/// A value that is no mask of what is stored, save by a chance that nobody meets.
fn fresh(dice: &mut Dice, column: usize) -> String {
    let n = dice.roll(9000) + 1000;
    match column {
        3 => format!("00000000-0000-4000-8000-00000000{n}"),
        4 => format!("6000 {n}0000"),
        5 => format!("F{n}-AbCd"),
        _ => n.to_string(),
    }
}

/// The arguments of `unnest`, one for each column, in the ways that drivers write them.
fn arrays(dice: &mut Dice, columns: &[usize], rows: &[(usize, Row)], given: &mut Vec<Given>) -> String {
    let style = dice.roll(4);
    let keys: Vec<String> = rows.iter().map(|(key, _)| key.to_string()).collect();
    let mut array = |i: usize, c: usize| {
        let (_, ty, _) = COLUMNS[c];
        let value = |quote: &str| {
            let each = |(_, row): &(usize, Row)| row[i].as_ref().map_or("NULL".to_owned(), |v| format!("{quote}{v}{quote}"));
            rows.iter().map(each).collect::<Vec<_>>().join(", ")
        };
        match style {
            0 => format!("('{{{}}}')::{ty}[]", value("\"")),
            1 => format!("(ARRAY[{}])::{ty}[]", value("'")),
            // a driver that looks for the narrowest type
            2 if c < 3 => format!("('{{{}}}'::int8[])::{ty}[]", value("")),
            2 => format!("('{{{}}}'::{ty}[])::{ty}[]", value("\"")),
            _ => {
                let types = [1016, 1007, 1005, 2951, 1009, 1015];
                given.push(text(if dice.roll(2) == 0 { 0 } else { types[c] }, &format!("{{{}}}", value("\""))));
                format!("(${})::{ty}[]", given.len())
            }
        }
    };
    let all: Vec<String> = columns.iter().enumerate().map(|(i, c)| array(i, *c)).collect();
    format!("ARRAY[{}], {}", keys.join(", "), all.join(", "))
}

/// One UPDATE that sets each row's values by its key, as Django's `bulk_update` does.
fn by_key(columns: &[usize], rows: &[(usize, Row)], mut cell: impl FnMut(&Option<String>, usize) -> String) -> String {
    let mut set = Vec::new();
    for (i, c) in columns.iter().enumerate() {
        let (name, ty, _) = COLUMNS[*c];
        let whens: String = rows.iter().map(|(key, row)| format!("WHEN kept.no = {key} THEN {} ", cell(&row[i], *c))).collect();
        let cast = if *c == 5 { "varchar(12)" } else { ty };
        set.push(format!(
            "{name} = (CAST(CASE {whens}ELSE NULL END AS {cast})){}",
            if i % 2 == 0 { format!("::{cast}") } else { String::new() }
        ));
    }
    let keys: Vec<String> = rows.iter().map(|(key, _)| key.to_string()).collect();
    format!("UPDATE kept SET {} WHERE kept.no IN ({})", set.join(", "), keys.join(", "))
}

fn saved(dice: &mut Dice, raw: &[(String, Row)], seen: &[(String, Row)]) -> Saved {
    let mut columns: Vec<usize> = (0..COLUMNS.len()).filter(|_| dice.roll(2) == 0).collect();
    if columns.is_empty() {
        columns.push(dice.roll(COLUMNS.len()));
    }
    let mut keys: Vec<usize> = (1..=15).filter(|_| dice.roll(4) == 0).collect();
    if keys.is_empty() {
        keys.push(3);
    }
    let of =
        |all: &[(String, Row)], key: usize, c: usize| all.iter().find(|(no, _)| *no == key.to_string()).and_then(|(_, row)| row[c].clone());
    let value = |dice: &mut Dice, key: usize, c: usize| match dice.roll(8) {
        0 => None,
        1 => Some(fresh(dice, c)),
        2 => of(raw, key, c),
        3 => of(seen, 1 + dice.roll(12), c),
        _ => of(seen, key, c).or_else(|| Some(fresh(dice, c))),
    };
    let rows: Vec<(usize, Row)> = keys.iter().map(|key| (*key, columns.iter().map(|c| value(dice, *key, *c)).collect())).collect();
    let form = dice.roll(10);
    let rows = if form == 4 { rows[..1].to_vec() } else { rows };
    // what stands in a query of its own has no type from the column
    let style = dice.roll(4);
    let casts = if form == 9 { style > 1 } else { form > 0 || dice.roll(3) == 0 };
    let mut given = Vec::new();
    let mut cell = |dice: &mut Dice, value: &Option<String>, c: usize| {
        let (_, ty, oid) = COLUMNS[c];
        let length = if c == 5 && style % 2 == 1 { "(12)" } else { "" };
        let cast = if casts { format!("::{ty}{length}") } else { String::new() };
        match value {
            _ if style > 1 => {
                // cast or not, and of the narrowest type where it fits
                let narrow = if c < 2 && value.as_ref().is_some_and(|v| v.parse::<i32>().is_ok()) { 23 } else { oid };
                let ty = if style == 2 { 0 } else { narrow };
                given.push(value.as_ref().map_or(Given { ty, format: 0, value: None }, |v| text(ty, v)));
                format!("${}{cast}", given.len())
            }
            None if form == 0 && dice.roll(2) == 0 => "DEFAULT".to_owned(),
            None => format!("NULL{cast}"),
            Some(value) if c < 3 && style == 1 => value.clone(),
            Some(value) => format!("'{value}'{cast}"),
        }
    };
    let mut list = |dice: &mut Dice, (key, row): &(usize, Row)| {
        row.iter().zip(&columns).fold(key.to_string(), |l, (v, c)| format!("{l}, {}", cell(dice, v, *c)))
    };
    let lists: Vec<String> = if form < 7 { rows.iter().map(|row| list(dice, row)).collect() } else { Vec::new() };
    let by_key = if form == 9 { by_key(&columns, &rows, |v, c| cell(dice, v, c)) } else { String::new() };
    let arrays = if !matches!(form, 7 | 8) { String::new() } else { arrays(dice, &columns, &rows, &mut given) };
    let names: Vec<&str> = columns.iter().map(|c| COLUMNS[*c].0).collect();
    let all = format!("no, {}", names.join(", "));
    let values = format!("VALUES {}", lists.iter().map(|l| format!("({l})")).collect::<Vec<_>>().join(", "));
    let set = |of: &str| names.iter().map(|n| format!("{n} = {of}.{n}")).collect::<Vec<_>>().join(", ");
    let upsert = format!("ON CONFLICT (no) DO UPDATE SET {}", set("EXCLUDED"));
    let merge = format!(
        "ON k.no = s.no WHEN MATCHED THEN UPDATE SET {} WHEN NOT MATCHED THEN INSERT ({all}) VALUES (s.{})",
        set("s"),
        all.replace(", ", ", s.")
    );
    let one = || lists[0].split(", ").zip(all.split(", ")).map(|(v, n)| format!("{v} AS {n}")).collect::<Vec<_>>().join(", ");
    let text = match form {
        0 | 1 => format!("INSERT INTO kept ({all}) {values} {upsert}"),
        2 => format!("UPDATE kept k SET {} FROM ({values}) AS s ({all}) WHERE k.no = s.no", set("s")),
        3 => format!("WITH s ({all}) AS ({values}) UPDATE kept AS k SET {} FROM s WHERE k.no = s.no", set("s")),
        4 => format!("MERGE INTO kept k USING (SELECT {}) AS s {merge}", one()),
        7 => format!("INSERT INTO kept ({all}) SELECT * FROM UNNEST({arrays}) {upsert}"),
        8 => format!("UPDATE kept k SET {} FROM unnest({arrays}) AS s ({all}) WHERE k.no = s.no", set("s")),
        9 => by_key,
        5 => format!("INSERT INTO kept ({all}) SELECT s.* FROM ({values}) AS s ({all}) {upsert}"),
        _ => format!("MERGE INTO kept AS k USING ({values}) AS s ({all}) {merge}"),
    };
    Saved { columns, rows, makes: !matches!(form, 2 | 3 | 8 | 9), text, given }
}

impl Saved {
    /// The table behind it: what is seen of a stored value leaves it, all else is stored.
    fn by_hand(&self, raw: &[(String, Row)], seen: &[(String, Row)]) -> Vec<(String, Row)> {
        let mut after = raw.to_vec();
        for (key, given) in &self.rows {
            let new = |mut row: Row, seen: Option<&Row>| {
                for (c, value) in self.columns.iter().zip(given) {
                    if seen.is_none_or(|seen| seen[*c] != *value) {
                        row[*c].clone_from(value);
                    }
                }
                row
            };
            match after.iter().position(|(no, _)| *no == key.to_string()) {
                Some(at) => after[at].1 = new(after[at].1.clone(), Some(&seen[at].1)),
                None if self.makes => after.push((key.to_string(), new(vec![None; COLUMNS.len()], None))),
                None => {}
            }
        }
        after.sort_by_key(|(no, _)| no.parse::<i32>().unwrap());
        after
    }
}

#[test]
fn rows_that_are_saved_at_once_keep_what_was_read_of_them() {
    let fixture = Fixture::start();
    let mut direct = Client::connect(fixture.lab.cluster.port(), "postgres", "postgres").unwrap();
    let mut analyst = fixture.analyst();
    let mut dice = Dice::new(31);
    let (before, newer) = (table(&mut direct), fixture.lab.version().unwrap() < 15);
    let (mut kept, mut refused) = (0, Vec::new());
    for _ in 0..400 {
        let (raw, seen) = (table(&mut direct), table(&mut analyst));
        let saved = saved(&mut dice, &raw, &seen);
        if newer && saved.text.starts_with("MERGE") {
            continue;
        }
        let heard = match dice.roll(2) {
            0 if saved.given.is_empty() => analyst.query(&saved.text).unwrap(),
            _ => {
                analyst.send_all(&messages(&saved.text, &saved.given)).unwrap();
                analyst.until_ready().unwrap()
            }
        };
        let (text, after) = (&saved.text, table(&mut direct));
        if code(&heard) == "0A000" {
            refused.push(format!("{text}: {:?}", answer(&heard)));
            assert_eq!(after, raw, "{text}");
            continue;
        }
        assert_eq!(answer(&heard), Ok(vec![]), "{text}, {:?}", saved.given);
        let want = saved.by_hand(&raw, &seen);
        assert_eq!(after, want, "{text}, {:?}", saved.given);
        let masks = saved.rows.iter().filter_map(|(key, given)| Some((seen.iter().find(|(no, _)| *no == key.to_string())?, given)));
        kept += masks
            .map(|((_, row), given)| saved.columns.iter().zip(given).filter(|(c, v)| v.is_some() && row[**c] == **v).count())
            .sum::<usize>();
        if dice.roll(8) == 0 {
            let again = "TRUNCATE kept; INSERT INTO kept (no, id, nr, small, token, card, pass) VALUES ";
            let value = |v: &Option<String>| v.as_ref().map_or("NULL".to_owned(), |v| format!("'{v}'"));
            let row = |(no, row): &(String, Row)| format!("({no}, {})", row.iter().map(value).collect::<Vec<_>>().join(", "));
            let all: Vec<String> = before.iter().map(row).collect();
            assert_eq!(code(&direct.query(&format!("{again}{}", all.join(", "))).unwrap()), "");
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(kept > 500, "{kept}");
}

/// What cannot be told is refused, and leaves everything as it was.
#[test]
fn rows_of_which_something_cannot_be_told_are_refused() {
    let fixture = Fixture::start();
    let mut direct = Client::connect(fixture.lab.cluster.port(), "postgres", "postgres").unwrap();
    let mut analyst = fixture.analyst();
    let before = table(&mut direct);
    let upsert = |columns: &str, values: &str, set: &str| {
        format!("INSERT INTO kept (no, {columns}) VALUES {values} ON CONFLICT (no) DO UPDATE SET {set}")
    };
    for (text, want) in [
        (upsert("nr", "(1, 5), (2, 6)", "nr = EXCLUDED.nr + 0"), "0A000"),
        (upsert("nr", "(1, 5), (2, 6)", "nr = coalesce(EXCLUDED.nr, kept.nr)"), "0A000"),
        (upsert("nr", "(1, 5), (2, 1 + 5)", "nr = EXCLUDED.nr"), "0A000"),
        (upsert("nr", "(1, 5), (2, (SELECT 5))", "nr = EXCLUDED.nr"), "0A000"),
        (upsert("nr", "(1, 5), (2, 5.5)", "nr = EXCLUDED.nr"), "0A000"),
        (upsert("nr", "(1, 5), (2, '1.5'::numeric)", "nr = EXCLUDED.nr"), "0A000"),
        (upsert("nr", "(1, '1.5'::numeric)", "nr = EXCLUDED.nr"), "0A000"),
        (upsert("nr", "(1, 5), (2, 6)", "mark = EXCLUDED.mark"), "0A000"),
        (upsert("mark", "(1, 5), (2, DEFAULT)", "mark = EXCLUDED.mark"), "0A000"),
        (upsert("pass", "(1, '***'), (2, 'F1234-AbCd')", "pass = EXCLUDED.pass"), "0A000"),
        ("UPDATE kept SET pass = (CASE WHEN no = 1 THEN 'F1234-AbCd23 5' ELSE 'F1234-AbCd' END)::varchar(12)".to_owned(), "0A000"),
        ("UPDATE kept SET nr = CASE WHEN no = 1 THEN 5 ELSE 1 + 5 END".to_owned(), "0A000"),
        ("UPDATE kept SET nr = CASE WHEN no = 1 THEN 5 ELSE nr END".to_owned(), "0A000"),
        ("UPDATE kept SET nr = (CASE WHEN no = 1 THEN 5 END)::float8::int".to_owned(), "0A000"),
        (upsert("pass", "(1, 'F1234-AbCd23  '), (2, 'F1234-AbCd')", "pass = EXCLUDED.pass"), "0A000"),
        ("UPDATE kept SET pass = 'F1234-AbCd23  '".to_owned(), "0A000"),
        (upsert("pass", "(1, 'F1234-AbCd23 5'), (2, 'F1234-AbCd')", "pass = EXCLUDED.pass"), "22001"),
        (upsert("nr", "(1, 5), (2, 'abc')", "nr = EXCLUDED.nr"), "22P02"),
        (upsert("nr", "(1, 5), (2, 5000000000)", "nr = EXCLUDED.nr"), "22003"),
        (upsert("nr", "(1, 5), (1, 6)", "nr = EXCLUDED.nr"), "21000"),
        (format!("EXPLAIN {}", upsert("nr", "(1, 5), (2, 6)", "nr = EXCLUDED.nr")), "0A000"),
        ("UPDATE kept k SET nr = s.nr + 0 FROM (VALUES (1, 5), (2, 6)) s (no, nr) WHERE k.no = s.no".to_owned(), "0A000"),
        ("UPDATE kept k SET nr = s.no FROM person s WHERE k.no = s.nr".to_owned(), "42703"),
        ("UPDATE kept k SET nr = s.nr FROM (VALUES (1, 5) UNION ALL VALUES (2, 6)) s (no, nr) WHERE k.no = s.no".to_owned(), "0A000"),
        ("UPDATE kept k SET nr = s.nr::int FROM (VALUES (1, 5), (2, 6)) s (no, nr) WHERE k.no = s.no".to_owned(), "0A000"),
        ("UPDATE kept k SET pass = s.p FROM (VALUES (1, 'F1234-AbCd'::varchar(3))) s (no, p) WHERE k.no = s.no".to_owned(), "0A000"),
        ("UPDATE kept k SET nr = s.nr FROM unnest('{1,2}'::int[], '{5,6}'::float8[]) s (no, nr) WHERE k.no = s.no".to_owned(), "0A000"),
        ("UPDATE kept k SET nr = s.nr FROM unnest('{1,2}'::int[], ARRAY[5,6]::float8[]) s (no, nr) WHERE k.no = s.no".to_owned(), "0A000"),
        ("UPDATE kept k SET nr = s.nr FROM unnest('{1,2}'::int[], ARRAY[5,1 + 5]::int[]) s (no, nr) WHERE k.no = s.no".to_owned(), "0A000"),
        ("UPDATE kept k SET nr = s.nr FROM unnest('{1,2}'::int[], '{{5,6}}'::int[]) s (no, nr) WHERE k.no = s.no".to_owned(), "0A000"),
        (
            "UPDATE kept k SET pass = s.p FROM unnest('{1}'::int[], '{F1234-AbCd}'::varchar(3)[]) s (no, p) WHERE k.no = s.no".to_owned(),
            "0A000",
        ),
        ("UPDATE kept k SET nr = s.nr FROM (VALUES (1, '5'), (2, '6')) s (no, nr) WHERE k.no = s.no".to_owned(), "0A000"),
    ] {
        let heard = analyst.query(&text).unwrap();
        assert_eq!(code(&heard), want, "{text}: {:?}", answer(&heard));
        assert_eq!(table(&mut direct), before, "{text}");
    }
    client_is_well(&mut analyst);
}
