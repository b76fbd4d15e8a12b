//! Query strings with something turned back, which has parameters where a string has none.

use super::*;

/// A string with something turned back is to its session what any string is: it ends the nameless statement, fails in a failed
/// transaction, and leaves nothing behind that could be run with a value of the client's own.
#[test]
fn a_string_with_something_turned_back_is_a_string() {
    let fixture = Fixture::start();
    let mut analyst = fixture.analyst();
    let mut veil = Client::connect(fixture.lab.cluster.port(), "postgres", "postgres").unwrap();
    veil.query("SET search_path = veil").unwrap();
    let find = fixture.filled("SELECT name FROM person WHERE id = {id}", 5);
    let fails = fixture.filled("UPDATE visit SET no = 1 / (no - no) WHERE person IN ({id}, {id2}) OR no > 0", 5);
    let parse = |sql: &str| (b'P', [b"\0", sql.as_bytes(), b"\0\0\0"].concat());
    let query = |sql: &str| (b'Q', [sql.as_bytes(), b"\0"].concat());
    let (bind, run, sync) = ((b'B', vec![0; 8]), (b'E', vec![0; 5]), (b'S', Vec::new()));
    let with = (b'B', [vec![0, 0, 0, 0, 0, 2], vec![0, 0, 0, 1, b'7'], vec![0, 0, 0, 1, b'8'], vec![0, 0]].concat());
    let describe = (b'D', b"S\0".to_vec());
    let talks: Vec<Vec<(u8, Vec<u8>)>> = vec![
        vec![query(&find), query("BEGIN"), query(&find), query(&fails), query(&find), query("ROLLBACK"), query(&find)],
        vec![parse("SELECT 1"), sync.clone(), query(&find), bind.clone(), run.clone(), sync.clone(), query(&find)],
        vec![query(&fails), with.clone(), run.clone(), sync.clone(), describe.clone(), sync.clone()],
        vec![parse("SELECT 4"), sync.clone(), query(&fails), with.clone(), run.clone(), sync.clone()],
        vec![query(&fails), parse("SELECT 2"), bind.clone(), run.clone(), sync.clone()],
        vec![parse("SELECT 3"), bind.clone(), sync.clone(), query(&find), run.clone(), sync.clone()],
        vec![query("DECLARE c CURSOR FOR SELECT 1"), query("BEGIN")],
        vec![query(&find.replace("SELECT", "DECLARE c CURSOR FOR SELECT")), query("FETCH ALL FROM c"), query("COMMIT"), query(&find)],
    ];
    for (i, talk) in talks.iter().enumerate() {
        let asks = talk.iter().filter(|(tag, _)| matches!(tag, b'Q' | b'S')).count();
        for piecewise in [false, true] {
            let tell = |client: &mut Client| -> Vec<(char, String)> {
                let mut heard = Vec::new();
                if piecewise {
                    for message in talk {
                        client.send_all(std::slice::from_ref(message)).unwrap();
                        if matches!(message.0, b'Q' | b'S') {
                            heard.extend(client.until_ready().unwrap());
                        }
                    }
                } else {
                    client.send_all(talk).unwrap();
                    (0..asks).for_each(|_| heard.extend(client.until_ready().unwrap()));
                }
                heard.iter().map(|m| (m.tag as char, if m.tag == b'E' { m.field(b'C').unwrap() } else { String::new() })).collect()
            };
            assert_eq!(tell(&mut analyst), tell(&mut veil), "talk {i}, piecewise: {piecewise}");
        }
        for client in [&mut analyst, &mut veil] {
            client.query("ROLLBACK").unwrap();
        }
    }
    // parameters in the context of an error, of everybody
    for n in 0..150 {
        let fails = fixture.filled("SELECT 1 / (length(name) - 2) FROM person WHERE id = {id} OR nr = {nr} OR token = '{token}'", n);
        assert_eq!(code(&analyst.query(&fails).unwrap()), "22012");
    }
    // where the server skips to a Sync, or a batch is open, the string's own Sync would end that
    analyst.send_all(&[parse("SELECT 1"), query(&find), sync.clone()]).unwrap();
    let heard: Vec<Message> = [analyst.until_ready().unwrap(), analyst.until_ready().unwrap()].concat();
    assert_eq!(code(&heard), "0A000", "{heard:?}");
    client_is_well(&mut analyst);
    // by SQL a statement is not run that was prepared with something turned back
    analyst.send_all(&[(b'P', [b"s\0", find.as_bytes(), b"\0\0\0"].concat()), sync]).unwrap();
    assert_eq!(code(&analyst.until_ready().unwrap()), "");
    for sql in ["EXECUTE s", "EXECUTE s(7)", "EXPLAIN EXECUTE s(7)", "EXPLAIN ANALYZE EXECUTE s(7)"] {
        assert_eq!(code(&analyst.query(sql).unwrap()), "0A000", "{sql}");
    }
}

/// One of several statements of a string is turned back: the string does what it does where masks are stored.
#[test]
fn a_string_of_several_with_something_turned_back_is_a_string() {
    let mut fixture = Fixture::start();
    let mut analyst = fixture.analyst();
    let mut probe = Client::connect(fixture.lab.cluster.port(), "postgres", "postgres").unwrap();
    let strings = [
        "SELECT name FROM person WHERE id = {id}; SELECT 1",
        "SELECT 1, 'x'; SELECT name FROM person WHERE card = '{card}';",
        "SELECT name FROM person WHERE id = {id}; SELECT nr FROM person WHERE nr IN ({nr}, {nr2}); SHOW timezone",
        "BEGIN; UPDATE visit SET place = 'there' WHERE person = {id}; COMMIT; SELECT place FROM visit ORDER BY no",
        "BEGIN; UPDATE visit SET place = 'back' WHERE person = {id}; ROLLBACK; SELECT place FROM visit ORDER BY no",
        "BEGIN; SAVEPOINT a; DELETE FROM visit WHERE person = {id}; ROLLBACK TO a; RELEASE a; COMMIT; SELECT count(*) FROM visit",
        "UPDATE visit SET place = 'first' WHERE no = 1; UPDATE visit SET place = 'second' WHERE person = {id} AND no = 1 / (no - no); SELECT 1",
        "SELECT place FROM visit WHERE no = 1",
        "UPDATE visit SET place = 'third' WHERE no = 1; COMMIT; SELECT name FROM person WHERE id = {id} AND 1 / (length(name) - length(name)) = 1",
        "SELECT place FROM visit WHERE no = 1",
        "UPDATE visit SET place = 'fourth' WHERE no = 1; BEGIN; SELECT name FROM person WHERE id = {id}",
        "ROLLBACK; SELECT place FROM visit WHERE no = 1 OR person = {id} ORDER BY no",
        "BEGIN; SELECT 1 / 0",
        "SELECT name FROM person WHERE id = {id}; SELECT 1",
        "ROLLBACK; SELECT name FROM person WHERE id = {id}",
        "SELECT name FROM person WHERE id = {id}; COPY (SELECT no, place FROM visit ORDER BY no) TO STDOUT",
        "SET TimeZone = 'UTC'; SELECT name FROM person WHERE id = {id}; SHOW TimeZone",
        "INSERT INTO visit (no, person, place) VALUES (50, 7, 'p'); SELECT no FROM visit WHERE person <> {id} ORDER BY no",
    ];
    for n in [5, 30] {
        for form in strings {
            let string = fixture.filled(form, n);
            let tell = |client: &mut Client| -> Vec<(char, Vec<u8>)> {
                let said = |m: Message| match m.tag {
                    b'E' => m.field(b'C').unwrap().into_bytes(),
                    b'D' | b'C' | b'Z' | b'd' => m.body,
                    _ => Vec::new(),
                };
                client.query(&string).unwrap().into_iter().map(|m| (m.tag as char, said(m))).collect()
            };
            assert_eq!(tell(&mut analyst), tell(&mut fixture.veil), "{string}");
            let sent = probe.query("SELECT query FROM pg_stat_activity WHERE usename = 'analyst' AND backend_type = 'client backend'");
            let sent = rows(&sent.unwrap())[0][0].clone().unwrap();
            assert!(!sent.contains("4700000000"), "{sent}");
        }
        for client in [&mut analyst, &mut fixture.veil] {
            client.query("DELETE FROM visit WHERE no = 50").unwrap();
        }
    }
    // what is written back, too
    let (stored, seen) =
        ("SELECT nr FROM person WHERE name = 'none' OR id = 470000000007919", "SELECT nr, name FROM person WHERE nr = {nr}");
    let before = answer(&probe.query(stored).unwrap());
    let string =
        fixture.filled("BEGIN; UPDATE person SET nr = {nr}, name = name WHERE nr = {nr}; UPDATE person SET nr = 5 WHERE nr = 6; COMMIT", 0);
    assert_eq!(answer(&analyst.query(&string).unwrap()), Ok(vec![]), "{string}");
    assert_eq!(answer(&probe.query(stored).unwrap()), before);
    assert_eq!(answer(&analyst.query(&fixture.filled(seen, 0)).unwrap()).unwrap().len(), 1);
    // what a batch of the extended protocol would do otherwise
    for other in [
        "LOCK TABLE visit",
        "ANALYZE visit",
        "DECLARE c CURSOR FOR SELECT 1",
        "COPY visit FROM STDIN",
        "SET LOCAL TimeZone = 'UTC'",
        "PREPARE p AS SELECT 1",
    ] {
        let heard = analyst.query(&fixture.filled(&format!("{other}; SELECT name FROM person WHERE id = {{id}}"), 3)).unwrap();
        assert!(["0A000", "42501"].contains(&code(&heard).as_str()), "{other}: {heard:?}");
    }
    client_is_well(&mut analyst);
}
