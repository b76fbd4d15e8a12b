//! Rows that are read with masks that can be turned back, and saved whole.

use super::*;

/// The raw row of a person by name, as PostgreSQL holds it.
fn raw(direct: &mut Client, name: &str) -> Vec<Option<String>> {
    let columns = "id, nr, small, token, code, card, pass";
    rows(&direct.query(&format!("SELECT {columns} FROM person WHERE name = '{name}'")).unwrap()).remove(0)
}

/// A row that is saved as it was read keeps its raw values, in each column and all ways to say it; what was not read is stored.
#[test]
fn a_mask_that_is_saved_leaves_the_value_that_it_is_of() {
    let fixture = Fixture::start();
    let mut direct = Client::connect(fixture.lab.cluster.port(), "postgres", "postgres").unwrap();
    let mut analyst = fixture.analyst();
    direct.query("UPDATE person SET name = 'the one' WHERE nr = 900000003").unwrap();
    let read = rows(&analyst.query("SELECT id, nr, small, token, code, card, pass FROM person WHERE name = 'the one'").unwrap()).remove(0);
    let read: Vec<String> = read.into_iter().map(Option::unwrap).collect();
    let before = raw(&mut direct, "the one");
    let columns = ["id", "nr", "small", "token", "code", "card", "pass"];
    let types = [20, 23, 21, 2950, 23, 25, 1043];
    let all = |of: &dyn Fn(usize) -> String| (0..7).map(|i| format!("{} = {}", columns[i], of(i))).collect::<Vec<_>>().join(", ");
    let quoted = all(&|i| format!("'{}'", read[i]));
    let plain = all(&|i| if i < 3 { read[i].clone() } else { format!("'{}'", read[i]) });
    let cast = all(&|i| format!("'{}'::{}", read[i], ["bigint", "bigint", "int", "uuid", "int", "text", "text"][i]));
    let list = format!("({}) = ({})", columns.join(", "), read.iter().map(|v| format!("'{v}'")).collect::<Vec<_>>().join(", "));
    for set in [&quoted, &plain, &cast, &list] {
        for text in [
            format!("UPDATE person SET {set} WHERE name = 'the one'"),
            format!("UPDATE person AS p SET {set} WHERE p.id = {}", read[0]),
            format!("UPDATE person AS p SET {set} FROM visit v WHERE p.name = 'the one' AND v.no = 1"),
            format!("MERGE INTO person p USING (VALUES (1)) s ON p.name = 'the one' WHEN MATCHED THEN UPDATE SET {set}"),
        ] {
            for extended in [false, true] {
                let heard = if extended { analyst.extended(&text, 0) } else { analyst.query(&text) }.unwrap();
                let newer = text.starts_with("MERGE") && fixture.lab.version().unwrap() < 15;
                assert_eq!(code(&heard), if newer { "42601" } else { "" }, "{text}: {:?}", answer(&heard));
                assert_eq!(raw(&mut direct, "the one"), before, "{text}");
            }
        }
    }
    // parameters, with and without a type, in both formats
    let set = all(&|i| format!("${}", i + 1));
    let untyped: Vec<Given> = read.iter().map(|v| text(0, v)).collect();
    let typed: Vec<Given> = read.iter().zip(types).map(|(v, ty)| text(ty, v)).collect();
    let uuid = hex::decode(read[3].replace('-', "")).unwrap();
    let bytes: [&[u8]; 7] =
        [&long(&read[0]), &int(&read[1]), &int(&read[2])[2..], &uuid, &int(&read[4]), read[5].as_bytes(), read[6].as_bytes()];
    let binary: Vec<Given> = bytes.iter().zip(types).map(|(v, ty)| binary(ty, v)).collect();
    for given in [untyped, typed, binary] {
        analyst.send_all(&messages(&format!("UPDATE person SET {set} WHERE name = 'the one'"), &given)).unwrap();
        let heard = analyst.until_ready().unwrap();
        assert_eq!(code(&heard), "", "{given:?}: {:?}", answer(&heard));
        assert!(heard.iter().any(|m| m.tag == b'C' && m.body == *b"UPDATE 1\0"), "{heard:?}");
        assert_eq!(raw(&mut direct, "the one"), before, "{given:?}");
    }
    let visitor = |client: &mut Client| rows(&client.query("SELECT person FROM visit WHERE no = 3").unwrap());
    let (stored, seen) = (visitor(&mut direct), visitor(&mut analyst)[0][0].clone().unwrap());
    for new in [format!("'{seen}'"), format!("{seen}::bigint"), seen] {
        let text = format!("INSERT INTO visit (no, person) VALUES (3, 5) ON CONFLICT (no) DO UPDATE SET person = {new} RETURNING no");
        assert_eq!(answer(&analyst.query(&text).unwrap()), Ok(vec![vec![Some("3".to_owned())]]), "{text}");
        assert_eq!(visitor(&mut direct), stored, "{text}");
    }
    // the row that was not inserted, in its parts
    let seen = visitor(&mut analyst)[0][0].clone().unwrap();
    for text in [
        format!("INSERT INTO visit (no, person) VALUES (3, {seen}) ON CONFLICT (no) DO UPDATE SET person = EXCLUDED.person RETURNING no"),
        format!(
            "INSERT INTO visit AS v (person, no) VALUES ('{seen}', 3) ON CONFLICT (no) DO UPDATE SET person = excluded.person, no = EXCLUDED.no RETURNING no"
        ),
    ] {
        assert_eq!(answer(&analyst.query(&text).unwrap()), Ok(vec![vec![Some("3".to_owned())]]), "{text}");
        assert_eq!(visitor(&mut direct), stored, "{text}");
        assert_eq!(answer(&analyst.extended(&text, 0).unwrap()), Ok(vec![vec![Some("3".to_owned())]]), "{text}");
        assert_eq!(visitor(&mut direct), stored, "{text}");
    }
    let upsert = "INSERT INTO visit (no, person) VALUES ($1, $2) ON CONFLICT (no) DO UPDATE SET person = EXCLUDED.person";
    for (person, want) in [(&*seen, stored.clone()), ("77", vec![vec![Some("77".to_owned())]])] {
        for ty in [0, 20] {
            analyst.send_all(&messages(upsert, &[text(23, "3"), text(ty, person)])).unwrap();
            let heard = analyst.until_ready().unwrap();
            assert_eq!(code(&heard), "", "{person}: {:?}", answer(&heard));
            assert_eq!(visitor(&mut direct), want, "{person}");
        }
    }
    for text in [
        "INSERT INTO visit (no, person) OVERRIDING USER VALUE VALUES (3, 5) ON CONFLICT (no) DO UPDATE SET person = EXCLUDED.person",
        "INSERT INTO visit (no) VALUES (3) ON CONFLICT (no) DO UPDATE SET person = EXCLUDED.person",
        "INSERT INTO visit (no, person) VALUES (3, 5) ON CONFLICT (no) DO UPDATE SET person = EXCLUDED.person + 0",
    ] {
        assert_eq!(code(&analyst.query(text).unwrap()), "0A000", "{text}");
    }
    // what is no mask of what is stored is stored, and DEFAULT and NULL under any mask
    for (column, new, want) in [
        ("nr", "17", Some("17")),
        ("nr", "NULL", None),
        ("card", "NULL::text", None),
        ("folded", "NULL", None),
        ("folded", "DEFAULT", None),
        ("nr", "DEFAULT", None),
        ("pass", "'ab1'", Some("ab1")),
        ("pass", "'QQ-12345678'", Some("QQ-12345678")),
        ("card", "''", Some("")),
        ("small", "5", Some("5")),
        ("nr", "+6", Some("6")),
        ("token", "'00000000-0000-0000-0000-000000000000'", Some("00000000-0000-0000-0000-000000000000")),
    ] {
        let text = format!("UPDATE person SET {column} = {new} WHERE name = 'the one'");
        assert_eq!(answer(&analyst.query(&text).unwrap()), Ok(vec![]), "{text}");
        let stored = rows(&direct.query(&format!("SELECT {column} FROM person WHERE name = 'the one'")).unwrap());
        assert_eq!(stored, [[want.map(str::to_owned)]], "{text}");
    }
    let before = raw(&mut direct, "the one");
    // what cannot be told is refused, and what PostgreSQL would not store is not stored
    for (set, want) in [
        ("pass = '***'", "0A000"),
        ("nr = nr + 1", "0A000"),
        ("nr = small", "0A000"),
        ("folded = 'x'", "0A000"),
        ("pass = 'AAAAAAAAAAAAAAAAAAAAAA'", "22001"),
        ("nr = 5000000000", "22003"),
        ("nr = 'abc'", "22P02"),
        ("nr = '***'", "22P02"),
        ("code = -5", "23514"),
    ] {
        let heard = analyst.query(&format!("UPDATE person SET {set} WHERE name = 'the one'")).unwrap();
        assert_eq!(code(&heard), want, "{set}: {:?}", answer(&heard));
        assert_eq!(raw(&mut direct, "the one"), before, "{set}");
    }
    let heard = analyst.query("EXPLAIN UPDATE person SET nr = 5").unwrap();
    assert_eq!(code(&heard), "0A000", "{:?}", answer(&heard));
    client_is_well(&mut analyst);
}
