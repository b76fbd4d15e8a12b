//! Documents with masks in them: random expressions over random documents through the proxy, against a view written by hand; what is said of
//! documents in `docs/policy.md`, as it stands there; keyed masks; writes.
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

/// Documents of two hundred rows: what should be an object is now and then an array, a scalar, NULL or not there, and names come in other
/// places too.
fn documents(dice: &mut Dice) -> String {
    let mut rows = Vec::new();
    for id in 1..=200 {
        let mut secret = |kind: &str| format!("\"{kind}Tk{:08x}{:08x}@x.org\"", dice.roll(1 << 32), dice.roll(1 << 32));
        let (mail, street, street2, number, number2, gone) = (secret("m"), secret("s"), secret("s"), secret("n"), secret("n"), secret("g"));
        let place = |street: &str| format!("{{\"city\": \"c{}\", \"street\": {street}, \"geo\": {{\"lat\": 1.50}}}}", id % 3);
        let address = match dice.roll(7) {
            0 => format!("[{}, {}, 7, [{}]]", place(&street), place(&street2), place(&street)),
            1 => "\"nowhere\"".to_owned(),
            2 => "null".to_owned(),
            3 => "[]".to_owned(),
            _ => place(&street),
        };
        let phones = match dice.roll(6) {
            0 => format!("{{\"kind\": \"home\", \"number\": {number}}}"),
            1 => format!("[[{{\"number\": {number}}}], {{\"number\": [{number2}]}}]"),
            2 => "12345678901234567890.50".to_owned(),
            _ => format!("[{{\"kind\": \"home\", \"number\": {number}}}, {{\"kind\": \"张😀\", \"number\": {number2}}}]"),
        };
        let pin = ["123456789012345678901234567890.12", "-1.75", "0", "null", "true", "{\"a\": 1}"][dice.roll(6)];
        let mut members = vec![format!("\"theme\": \"t{}\"", id % 4), format!("\"mail\": {mail}"), format!("\"pin\": {pin}")];
        members.extend((dice.roll(4) > 0).then(|| format!("\"address\": {address}")));
        members.extend((dice.roll(4) > 0).then(|| format!("\"phones\": {phones}")));
        members.extend((dice.roll(3) > 0).then(|| format!("\"gone\": {gone}")));
        members.extend((dice.roll(3) == 0).then(|| "\"open\": {\"address\": {\"street\": \"open\"}, \"mail\": [1, 2]}".to_owned()));
        let document = match dice.roll(20) {
            0 => "null".to_owned(),
            1 => format!("[{{{}}}, 5]", members.join(", ")),
            _ => format!("{{{}}}", members.join(", ")),
        };
        rows.push(format!("({id}, {}, '{document}')", if dice.roll(20) == 0 { "NULL".to_owned() } else { format!("'{document}'") }));
    }
    rows.join(", ")
}

const TABLES: &str = "
    CREATE TABLE public.people (id int PRIMARY KEY, doc jsonb, raw json);
    CREATE INDEX people_doc ON public.people USING gin (doc);
    CREATE INDEX people_theme ON public.people ((doc ->> 'theme'));
    CREATE INDEX people_open ON public.people ((doc -> 'open' -> 'mail' ->> 'x'));
    CREATE VIEW public.mails AS SELECT id, doc ->> 'mail' AS mail, doc FROM public.people;
    CREATE ROLE pgscrim LOGIN;
    CREATE ROLE reader LOGIN;
    CREATE ROLE keyed LOGIN;
    CREATE ROLE saver LOGIN;
    CREATE ROLE writer LOGIN;
    GRANT ALL ON public.people, public.mails TO reader, keyed, saver, writer;";

const POLICY: &str = "version: 1
classes: { contact: ~, hidden: ~ }
tables:
  public.people:
    columns: { doc.$.mail: contact, doc.$.address.street: contact, \"doc.$.phones[*].number\": contact, doc.$.pin: contact, doc.$.gone: hidden,
      raw.$.mail: contact, raw.$.address.street: contact, \"raw.$.phones[*].number\": contact, raw.$.pin: contact, raw.$.gone: hidden }
roles:
  reader:
    members: [reader]
    read:
      contact: { mask: redact }
      hidden: deny
      public.people.doc.$.mail: { mask: email }
      public.people.raw.$.mail: { mask: email }
      public.people.doc.$.pin: { mask: { round: { to: 0.5 } } }
  keyed:
    members: [keyed]
    read: { contact: { mask: pseudonym }, hidden: deny }
    write: { contact: allow, hidden: allow }
  saver:
    members: [saver]
    read: { contact: { mask: redact }, hidden: deny }
    write: { contact: allow, hidden: allow }
  writer:
    members: [writer]
    read: { contact: { mask: redact }, hidden: { when: \"id < 100\", then: { mask: \"null\" }, else: deny } }
    write: { contact: allow, hidden: allow, public.people.id: allow }
";

/// The reader's veil, by hand: jsonpath finds what is there, `jsonb_set` and `-` change it.
const VEIL: &str = "
    CREATE SCHEMA veil;
    CREATE FUNCTION veil.star(v jsonb) RETURNS jsonb LANGUAGE sql AS $$
        SELECT CASE jsonb_typeof(v) WHEN 'string' THEN '\"***\"' WHEN 'number' THEN '0' WHEN 'boolean' THEN 'false'
            WHEN 'object' THEN '{}' WHEN 'array' THEN '[]' ELSE v END $$;
    CREATE FUNCTION veil.street(v jsonb) RETURNS jsonb LANGUAGE sql AS $$
        SELECT CASE WHEN v ? 'street' AND jsonb_typeof(v) = 'object' THEN jsonb_set(v, '{street}', veil.star(v -> 'street'))
            WHEN jsonb_typeof(v) = 'array' THEN '[]' ELSE v END $$;
    CREATE FUNCTION veil.number(v jsonb) RETURNS jsonb LANGUAGE sql AS $$
        SELECT CASE WHEN v ? 'number' AND jsonb_typeof(v) = 'object' THEN jsonb_set(v, '{number}', veil.star(v -> 'number'))
            WHEN jsonb_typeof(v) = 'array' THEN '[]' ELSE v END $$;
    CREATE FUNCTION veil.numbers(v jsonb) RETURNS jsonb LANGUAGE sql AS $$
        SELECT CASE WHEN jsonb_typeof(v) <> 'array' THEN veil.number(v) WHEN v = '[]' THEN v
            ELSE (SELECT jsonb_agg(veil.number(x) ORDER BY n) FROM jsonb_array_elements(v) WITH ORDINALITY e (x, n)) END $$;
    CREATE FUNCTION veil.one(v jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
    DECLARE a jsonb;
    BEGIN
        IF jsonb_typeof(v) = 'array' THEN RETURN '[]'; END IF;
        IF jsonb_typeof(v) <> 'object' THEN RETURN v; END IF;
        v := v - 'gone';
        IF v ? 'mail' THEN
            v := jsonb_set(v, '{mail}', to_jsonb(substr(v ->> 'mail', 1, 1) || '***@' || split_part(v ->> 'mail', '@', 2)));
        END IF;
        IF v ? 'pin' THEN
            v := jsonb_set(v, '{pin}', CASE jsonb_typeof(v -> 'pin') WHEN 'number' THEN to_jsonb(round(floor((v ->> 'pin')::numeric * 2) / 2,
                greatest(1, scale((v ->> 'pin')::numeric))))
                ELSE veil.star(v -> 'pin') END);
        END IF;
        a := v -> 'address';
        IF jsonb_typeof(a) = 'array' AND a <> '[]' THEN
            v := jsonb_set(v, '{address}', (SELECT jsonb_agg(veil.street(x) ORDER BY n) FROM jsonb_array_elements(a) WITH ORDINALITY e (x, n)));
        ELSIF jsonb_typeof(a) = 'object' THEN
            v := jsonb_set(v, '{address}', veil.street(a));
        END IF;
        a := v -> 'phones';
        IF jsonb_typeof(a) = 'array' AND a <> '[]' THEN
            v := jsonb_set(v, '{phones}', (SELECT jsonb_agg(veil.numbers(x) ORDER BY n) FROM jsonb_array_elements(a) WITH ORDINALITY e (x, n)));
        ELSIF jsonb_typeof(a) = 'object' THEN
            v := jsonb_set(v, '{phones}', veil.number(a));
        END IF;
        RETURN v;
    END $$;
    CREATE FUNCTION veil.doc(v jsonb) RETURNS jsonb LANGUAGE sql AS $$
        SELECT CASE WHEN jsonb_typeof(v) = 'array' AND v <> '[]' THEN
            (SELECT jsonb_agg(veil.one(x) ORDER BY n) FROM jsonb_array_elements(v) WITH ORDINALITY e (x, n)) ELSE veil.one(v) END $$;
    CREATE VIEW veil.people WITH (security_barrier) AS SELECT id, veil.doc(doc) AS doc FROM public.people;
    CREATE VIEW veil.mails AS SELECT id, doc ->> 'mail' AS mail, doc FROM veil.people;";

/// A document, or a part of one.
fn value(dice: &mut Dice, depth: usize) -> String {
    const NAMES: [&str; 10] = ["'mail'", "'address'", "'street'", "'phones'", "'number'", "'pin'", "'gone'", "'theme'", "'open'", "0"];
    const PATHS: [&str; 8] = [
        "{address,street}",
        "{phones,0,number}",
        "{phones,0,0,number}",
        "{address,0}",
        "{open,address}",
        "{0,mail}",
        "{phones,-1}",
        "{address,geo,lat}",
    ];
    const JSONPATHS: [&str; 9] = [
        "$.address.street",
        "$.phones[*].number",
        "strict $.**",
        "$.* ? (@ starts with \"m\")",
        "$[*].mail",
        "$.address[0 to last]",
        "$.pin ? (@ > 0)",
        "$.keyvalue().key",
        "$.phones.number.type()",
    ];
    if depth == 0 {
        return "p.doc".to_owned();
    }
    let of = value(dice, depth - 1);
    match dice.roll(10) {
        0 | 1 => format!("({of} -> {})", NAMES[dice.roll(10)]),
        2 => format!("({of} #> '{}')", PATHS[dice.roll(8)]),
        3 => format!("jsonb_path_query_array({of}, '{}', '{{}}', true)", JSONPATHS[dice.roll(9)]),
        4 => format!("({of})[{}]", NAMES[dice.roll(10)]),
        5 => format!("jsonb_strip_nulls({of})"),
        6 => format!("({of} || '{{\"theme\": 1}}')"),
        7 => format!("COALESCE({of}, '[]')"),
        8 => format!("jsonb_build_object('x', {of}, 'n', p.id)"),
        _ => of,
    }
}

fn query(dice: &mut Dice) -> String {
    let deep = dice.roll(4);
    let (v, w) = (value(dice, deep), value(dice, 1));
    let text = ["address", "mail", "pin", "phones"][dice.roll(4)];
    match dice.roll(14) {
        0 => format!("SELECT id, {v} FROM people p"),
        1 => format!("SELECT id, {v} ->> '{text}' FROM people p"),
        2 => format!("SELECT id, m.key, m.value FROM people p, jsonb_each(CASE WHEN jsonb_typeof({v}) = 'object' THEN {v} END) m"),
        3 => format!("SELECT id FROM people p WHERE {v} @> '{{\"theme\": \"t1\"}}' OR {w} ? '{text}'"),
        4 => format!("SELECT id FROM people p WHERE {v} @? '$.**.street ? (@ like_regex \"^s?Tk\")'"),
        5 => format!("SELECT {v} AS v, count(*), min(id) FROM people p GROUP BY 1"),
        6 => format!("SELECT id FROM people p WHERE {v} > {w}"),
        7 => format!("SELECT count(DISTINCT {v}), count({w}) FROM people p"),
        8 => format!("SELECT jsonb_agg({v} ORDER BY p.id) FROM people p WHERE p.id < 50"),
        9 => format!("SELECT p.doc, {v} FROM people p ORDER BY {w}, p.id LIMIT 20"),
        11 => format!("SELECT id, p.doc -> 'open' ->> 'mail' FROM people p WHERE p.doc ->> 'theme' = 't1' OR {v} IS NULL"),
        12 => "SELECT p.doc -> 'address' ->> 'city', max(p.doc -> 'address' -> 'geo' ->> 'lat') FROM people p GROUP BY 1".to_owned(),
        10 => format!("SELECT m.mail, {v} FROM mails m JOIN people p USING (id) WHERE m.mail LIKE 'm***%'"),
        _ => format!("SELECT to_jsonb(p) #> '{{doc,{text}}}', length({v}::text) FROM people p"),
    }
}

fn lab() -> Lab {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), POLICY).unwrap();
    let rows = documents(&mut Dice::new(7));
    let setup = format!("{TABLES} INSERT INTO public.people VALUES {rows}; ANALYZE public.people;");
    // what begins with a letter and has sixteen hexadecimal digits
    let canaries = "SELECT DISTINCT 'text', m[1] FROM public.people, regexp_matches(raw::text, '(Tk[0-9a-f]{16})', 'g') m";
    let lab = Lab::guarded(policy.path(), &setup, canaries, &[], "").unwrap();
    let made = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap().query(VEIL).unwrap();
    assert!(made.iter().all(|m| m.tag != b'E'), "{made:?}");
    lab
}

#[test]
fn random_expressions_are_answered_by_the_veil() {
    random_texts(&lab(), query);
}

/// The type json, whose texts stay as they were: held against the jsonb veil of the same documents.
#[test]
fn json_is_masked_as_jsonb_is() {
    let lab = lab();
    let mut reader = Client::connect(lab.port, "reader", "postgres").unwrap();
    let mut veil = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    for of in ["doc", "doc -> 'address'", "doc #> '{phones,0}'", "doc -> 'mail'"] {
        let got = ask(&mut reader, &format!("SELECT id, ({})::jsonb FROM people WHERE doc IS NOT NULL", of.replace("doc", "raw")));
        // the pin is redacted there, not rounded
        let want = "(SELECT id, CASE WHEN v ? 'pin' AND jsonb_typeof(v) = 'object' THEN jsonb_set(v, '{pin}', veil.star(v -> 'pin'))
            WHEN jsonb_typeof(v) = 'array' THEN (SELECT jsonb_agg(CASE WHEN x ? 'pin' THEN jsonb_set(x, '{pin}', veil.star(x -> 'pin')) ELSE x END)
            FROM jsonb_array_elements(v) x) ELSE v END AS doc FROM (SELECT id, doc AS v FROM veil.people) v) p";
        assert_eq!(got, ask(&mut veil, &format!("SELECT id, {of} FROM {want} WHERE doc IS NOT NULL")), "{of}");
    }
    assert_eq!(lab.leaks().len(), 0);
}

#[test]
fn keyed_masks_stand_in_documents_that_are_put_out() {
    let lab = lab();
    let mut keyed = Client::connect(lab.port, "keyed", "postgres").unwrap();
    let text = "SELECT id, doc FROM people WHERE id < 40 ORDER BY id";
    let (rows, again) = (ask(&mut keyed, text), ask(&mut keyed, text));
    assert_eq!(rows, again);
    assert!(rows.lines().count() > 30 && !rows.contains("mTk"));
    let answer = keyed.extended(text, 1).unwrap();
    let binary: Vec<_> = answer.iter().filter(|m| m.tag == b'D').filter_map(|m| m.values()[1].clone()).collect();
    let mut texts: Vec<String> = binary.iter().map(|b| String::from_utf8(b[1..].to_vec()).unwrap()).collect();
    assert!(binary.iter().all(|b| b[0] == 1));
    let mut plain: Vec<String> = rows.lines().map(|l| l.split_once('|').unwrap().1.to_owned()).filter(|v| v != "NULL").collect();
    texts.sort();
    plain.sort();
    assert_eq!(texts, plain);
    let why = ask(&mut keyed, "SELECT doc ->> 'mail' FROM people");
    assert_eq!(
        why,
        "0A000 pgscrim: cannot veil this statement: member of column \"public.people.doc\" (class \"contact\" at $.mail, class \"contact\" at \
         $.address.street, class \"contact\" at $.phones[*].number, class \"contact\" at $.pin, class \"hidden\" at $.gone), which role \"keyed\" masks \
         with \"$.mail: pseudonym, $.address.street: pseudonym, $.phones[*].number: pseudonym, $.pin: pseudonym, $.gone: absent\": the mask has no SQL form"
    );
    assert_eq!(lab.leaks().len(), 0);
}

/// What is saved of a document as it was read stays as it is stored, path by path; so does what was not shown.
#[test]
fn a_masked_document_is_saved_path_by_path() {
    let lab = lab();
    let mut saver = Client::connect(lab.port, "saver", "postgres").unwrap();
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let object = "jsonb_typeof(doc) = 'object'";
    let plain = format!("{object} AND jsonb_typeof(doc -> 'address') = 'object'");
    for (set, rows, want) in [
        ("doc", "true", "doc"),
        ("COALESCE(doc, NULL)", "true", "doc"),
        ("doc || '{\"theme\": \"new\"}'", object, "doc || '{\"theme\": \"new\"}'"),
        ("jsonb_set(doc, '{address,city}', '\"x\"')", &plain, "jsonb_set(doc, '{address,city}', '\"x\"')"),
        ("jsonb_set(doc, '{address,street}', '\"mine\"')", &plain, "jsonb_set(doc, '{address,street}', '\"mine\"')"),
        ("jsonb_set(doc, '{mail}', '\"new@x.org\"', false)", object, "jsonb_set(doc, '{mail}', '\"new@x.org\"', false)"),
        ("doc - 'mail'", object, "doc - 'mail'"),
        ("doc - 'address' || '{\"gone\": 1}'", object, "doc - 'address' || '{\"gone\": 1}'"),
        ("'{}'", object, "CASE WHEN doc ? 'gone' THEN jsonb_build_object('gone', doc -> 'gone') ELSE '{}' END"),
        (
            "'{\"mail\": \"***\", \"pin\": 7}'",
            object,
            "CASE WHEN doc ? 'gone' THEN jsonb_build_object('gone', doc -> 'gone') ELSE '{}' END
            || jsonb_build_object('mail', COALESCE(doc -> 'mail', '\"***\"'), 'pin', 7)",
        ),
        ("'7'", "true", "'7'"),
        ("NULL", "true", "NULL"),
    ] {
        ask(&mut server, "DROP TABLE IF EXISTS old; CREATE TABLE old AS SELECT id, doc FROM people");
        assert_eq!(ask(&mut saver, "BEGIN"), "");
        assert_eq!(ask(&mut saver, &format!("UPDATE people SET doc = {set} WHERE {rows}")), "", "{set}");
        assert_eq!(ask(&mut saver, "COMMIT"), "");
        let differ = format!(
            "SELECT p.id, p.doc, o.doc FROM people p JOIN old o USING (id), LATERAL (SELECT CASE WHEN {rows} THEN {want} ELSE doc END AS want \
             FROM (SELECT o.doc) AS d (doc)) w WHERE p.doc IS DISTINCT FROM w.want"
        );
        assert_eq!(ask(&mut server, &differ), "", "{set}");
        ask(&mut server, "UPDATE people SET doc = o.doc FROM old o WHERE o.id = people.id AND people.doc IS DISTINCT FROM o.doc");
    }
    let all = |server: &mut Client| ask(server, "SELECT md5(string_agg(doc::text, '' ORDER BY id)) FROM people");
    let before = all(&mut server);
    for text in [
        "INSERT INTO people (id, doc) SELECT id, doc FROM people ON CONFLICT (id) DO UPDATE SET doc = excluded.doc",
        "MERGE INTO people t USING people s ON s.id = t.id WHEN MATCHED THEN UPDATE SET doc = s.doc",
        "UPDATE people t SET doc = s.doc FROM people s WHERE s.id = t.id",
        "PREPARE save AS UPDATE people SET doc = $1 WHERE id = $2",
    ] {
        if lab.reads(text).unwrap() {
            assert_eq!(ask(&mut saver, text), "", "{text}");
        }
        assert_eq!(all(&mut server), before, "{text}");
    }
    let id = ask(&mut saver, "SELECT min(id) FROM people WHERE doc -> 'phones' IS NOT NULL");
    let shown = ask(&mut saver, &format!("SELECT doc FROM people WHERE id = {id}"));
    assert_eq!(ask(&mut saver, &format!("EXECUTE save ('{shown}', {id})")), "");
    assert_eq!(all(&mut server), before);
    let row = "(SELECT min(id) FROM people WHERE jsonb_typeof(doc) = 'object' AND jsonb_typeof(doc #> '{phones,0}') = 'object' AND \
        jsonb_typeof(doc -> 'phones') = 'array')";
    for set in [
        "jsonb_set(doc, '{phones,0,kind}', '\"x\"')",
        "doc #- '{phones,0}'",
        "jsonb_set(doc, '{phones}', doc #> '{phones,0}')",
        "jsonb_build_array(doc)",
    ] {
        let answer = ask(&mut saver, &format!("UPDATE people SET doc = {set} WHERE id = {row}"));
        assert!(answer.starts_with("0A000 pgscrim: ") && answer.contains("an array with masks in it was changed"), "{set}: {answer}");
    }
    assert_eq!(all(&mut server), before);
    assert_eq!(lab.leaks().len(), 0);
}

/// Where rows decide what is shown of it, a document that is stored again cannot be told from its mask.
#[test]
fn a_masked_document_is_not_stored_again() {
    let lab = lab();
    let mut writer = Client::connect(lab.port, "writer", "postgres").unwrap();
    for text in [
        "UPDATE people SET doc = doc WHERE id = 1",
        "UPDATE people SET doc = '{}' WHERE id = 1",
        "UPDATE people SET doc['theme'] = '1' WHERE id = 1",
        "INSERT INTO people VALUES (1, '{}') ON CONFLICT (id) DO UPDATE SET doc = excluded.doc",
    ] {
        let answer = ask(&mut writer, text);
        assert!(answer.starts_with("0A000 ") && answer.ends_with("cannot be told from its mask"), "{text}: {answer}");
    }
    // a target's documents are masked where they stand
    let theme = "UPDATE people SET id = id + 1000 WHERE id = 3 AND doc ->> 'mail' LIKE '%Tk%' RETURNING doc";
    assert_eq!(ask(&mut writer, theme), "");
    let seen = ask(&mut writer, "SELECT id + 1000, doc, raw FROM people WHERE id = 3");
    assert!(seen.contains("\"mail\": \"***\""), "{seen}");
    assert_eq!(ask(&mut writer, "UPDATE people SET id = id + 1000 WHERE id = 3 AND doc ->> 'mail' = '***' RETURNING *"), seen);
    assert_eq!(ask(&mut writer, "INSERT INTO people SELECT 500, doc FROM people WHERE doc -> 'mail' IS NOT NULL ORDER BY id LIMIT 1"), "");
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    assert_eq!(ask(&mut server, "SELECT doc ->> 'mail' FROM people WHERE id = 500"), "***");
    assert_eq!(lab.leaks().len(), 0);
}

/// A member that no mask reaches is asked of the table itself, and an index over it serves.
#[test]
fn members_that_no_mask_reaches_use_the_tables_indexes() {
    let lab = lab();
    let mut reader = Client::connect(lab.port, "reader", "postgres").unwrap();
    ask(&mut reader, "SET enable_seqscan = off");
    for (member, index) in [("doc ->> 'theme'", true), ("doc -> 'open' -> 'mail' ->> 'x'", true), ("doc ->> 'mail'", false)] {
        let answer = ask(&mut reader, &format!("EXPLAIN SELECT id, {member} FROM people WHERE {member} = 't1'"));
        assert_eq!(answer.contains("Index Cond"), index, "{member}: {answer}");
        assert_eq!(answer.starts_with("0A000 ") || answer.starts_with("42501 "), !index, "{member}: {answer}");
    }
    // a whole row beside it puts the veil in, for all of its uses
    let both = ask(&mut reader, "SELECT (doc ->> 'theme') = (to_jsonb(p) #>> '{doc,theme}') FROM people p WHERE doc ->> 'theme' = 't1'");
    assert!(both.lines().count() > 20 && both.lines().all(|l| l == "t"), "{both}");
    assert_eq!(lab.leaks().len(), 0);
}

/// The example in the policy's reference is what it says.
#[test]
fn the_example_in_the_reference() {
    let page = include_str!("../../../docs/policy.md");
    let section = page.split_once("## Documents").unwrap().1;
    let block = |mark: &str| section.split_once(mark).unwrap().1.split_once("```").unwrap().0.trim().to_owned();
    let rules = block("```yaml").replace("  support:\n", "  support:\n    members: [support]\n");
    let policy = format!("version: 1\nclasses: {{ personal.contact: ~, transaction.payment: ~ }}\n{rules}\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), policy).unwrap();
    let documents = block("```json");
    let (stored, seen) = documents.split_once('\n').unwrap();
    let setup = format!(
        "CREATE TABLE public.customers (id int, profile jsonb); INSERT INTO public.customers VALUES (1, '{stored}'); \
        CREATE ROLE pgscrim LOGIN; CREATE ROLE support LOGIN; GRANT SELECT ON public.customers TO support;"
    );
    let lab = Lab::guarded(file.path(), &setup, "SELECT 'text', profile ->> 'email' FROM public.customers", &[], "").unwrap();
    let mut support = Client::connect(lab.port, "support", "postgres").unwrap();
    assert_eq!(ask(&mut support, "SELECT profile FROM customers"), seen);
    assert_eq!(
        ask(&mut support, "SELECT profile #>> '{phones,0,number}', profile ->> 'theme', profile ? 'card' FROM customers"),
        "***|dark|f"
    );
}
