//! What PostgreSQL runs beside what a statement names counts as called: functions of operator classes, by which values are sorted, compared and hashed,
//! constraints of domains that a text is held against, also where it is a parameter.
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
use lab::wire::{Client, Message, code};

/// Each of these functions says in a notice what it may not.
const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE clerk LOGIN; CREATE ROLE named LOGIN;
CREATE TABLE people (id int PRIMARY KEY, email text); INSERT INTO people VALUES (1, 'Canary1'), (2, 'Canary2');
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE FUNCTION mood_cmp(mood, mood) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM public.people LIMIT 1); RETURN enum_cmp($1, $2); END $$;
CREATE FUNCTION mood_hash(mood) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM public.people LIMIT 1); RETURN hashenum($1); END $$;
CREATE FUNCTION mood_eq(mood, mood) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM public.people LIMIT 1); RETURN enum_eq($1, $2); END $$;
CREATE FUNCTION mood_lt(mood, mood) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN enum_lt($1, $2); END $$;
CREATE FUNCTION mood_gt(mood, mood) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN enum_gt($1, $2); END $$;
CREATE OPERATOR = (LEFTARG = mood, RIGHTARG = mood, FUNCTION = mood_eq, HASHES, MERGES);
CREATE OPERATOR < (LEFTARG = mood, RIGHTARG = mood, FUNCTION = mood_lt);
CREATE OPERATOR > (LEFTARG = mood, RIGHTARG = mood, FUNCTION = mood_gt);
CREATE OPERATOR CLASS mood_btree DEFAULT FOR TYPE mood USING btree AS OPERATOR 1 <, OPERATOR 3 =, OPERATOR 5 >, FUNCTION 1 mood_cmp(mood, mood);
CREATE OPERATOR CLASS mood_hash DEFAULT FOR TYPE mood USING hash AS OPERATOR 1 =, FUNCTION 1 mood_hash(mood);
CREATE FUNCTION is_fine(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM public.people LIMIT 1); RETURN true; END $$;
CREATE DOMAIN fine AS text CHECK (is_fine(VALUE)); CREATE DOMAIN finer AS fine; CREATE TYPE pair AS (a int, b finer);
CREATE TYPE key AS (id int);
CREATE FUNCTION key_text(key) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM public.people LIMIT 1); RETURN $1.id::text; END $$;
CREATE CAST (key AS text) WITH FUNCTION key_text(key) AS IMPLICIT;
CREATE TABLE feel (id int, m mood, ms mood[], d fine, ds fine[], p pair, ps pair[], k key);
INSERT INTO feel VALUES (1, 'calm', '{calm,cross}', 'a', '{a}', '(1,b)', '{\"(1,b)\"}', '(1)'), (2, 'cross', '{cross}', 'b', '{b}', '(2,b)', NULL, '(2)'), (3, 'calm', NULL, 'c', NULL, NULL, NULL, NULL);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk, named";

const POLICY: &str = "
version: 1
classes: { hide: ~ }
tables: { public.people: { columns: { email: hide } } }
roles:
  clerk: { members: [clerk], read: { hide: { mask: redact } } }
  named: { members: [named], read: { hide: { mask: redact } }, functions: [public.mood_cmp, public.mood_hash, public.mood_eq, public.mood_lt, public.mood_gt] }
";

const TEXTS: [&str; 42] = [
    "SELECT m FROM feel ORDER BY m",
    "SELECT DISTINCT m FROM feel",
    "SELECT m, count(*) FROM feel GROUP BY m",
    "SELECT count(DISTINCT m) FROM feel",
    "SELECT array_agg(DISTINCT m) FROM feel",
    "SELECT rank() OVER (ORDER BY m) FROM feel",
    "SELECT mode() WITHIN GROUP (ORDER BY m) FROM feel",
    "SELECT m FROM feel UNION SELECT m FROM feel",
    "SELECT m FROM feel EXCEPT SELECT m FROM feel",
    "SELECT greatest(m, 'calm') FROM feel",
    "SELECT id FROM feel ORDER BY ms",
    "SELECT DISTINCT ms FROM feel",
    "SELECT id FROM feel WHERE ms @> ms",
    "SELECT max(ms) FROM feel",
    "SELECT array_position(ms, 'calm') FROM feel",
    "SELECT array_remove(ms, ms[1]) FROM feel",
    "SELECT width_bucket('calm'::mood, ARRAY['calm', 'cross']::mood[])",
    "SELECT x FROM (SELECT m AS x FROM feel OFFSET 0) s GROUP BY x",
    "SELECT x FROM (SELECT coalesce(m, 'calm') AS x FROM feel OFFSET 0) s GROUP BY x",
    "SELECT DISTINCT feel FROM feel",
    "SELECT m FROM kept ORDER BY m",
    "SELECT DISTINCT ms FROM kept",
    "SELECT DISTINCT kept FROM kept",
    "WITH w AS MATERIALIZED (SELECT m FROM kept) SELECT m FROM w GROUP BY m",
    "SELECT 'a'::finer",
    "SELECT ds || '{x}' FROM feel",
    "SELECT array_append(ds, 'x') FROM feel",
    "SELECT coalesce(ds, '{x}') FROM feel",
    "SELECT CASE WHEN id = 0 THEN ds ELSE '{x}' END FROM feel",
    "SELECT ds FROM feel UNION SELECT '{x}'",
    "SELECT ds FROM feel UNION ALL SELECT '{x}'",
    "SELECT * FROM (VALUES ((SELECT ds FROM feel LIMIT 1)), ('{x}')) v",
    "SELECT coalesce(p, '(1,x)') FROM feel",
    "SELECT ps || '{\"(1,x)\"}' FROM feel",
    "SELECT ds || '{x}' FROM kept",
    "SELECT coalesce(p, '(1,x)') FROM kept",
    "SELECT k || 'x' FROM feel",
    "SELECT k || 'x' FROM kept",
    "SELECT upper(k) FROM kept",
    "SELECT coalesce(k::text, 'x') FROM kept",
    "SELECT json_build_object('k', k) FROM kept WHERE upper(k) = 'X'",
    "SELECT ds || x FROM kept, (VALUES ('{x}')) v (x)",
];

/// Types of parameters that are declared.
const DECLARED: [&str; 6] = ["fine", "finer", "pair", "_fine", "_pair", "_finer"];

fn tells(heard: &[Message]) -> bool {
    heard.iter().any(|m| m.body.windows(6).any(|w| w == b"Canary"))
}

fn lab() -> Lab {
    Lab::under(POLICY, SETUP, "").unwrap()
}

#[test]
fn what_runs_beside_a_statement_counts_as_called() {
    let lab = lab();
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let mut wrong = Vec::new();
    let mut told = 0;
    for user in ["clerk", "named"] {
        let mut client = Client::connect(lab.port, user, "postgres").unwrap();
        let made = [
            client.query("CREATE TEMP TABLE kept (LIKE feel)"),
            server.query("CREATE TEMP TABLE IF NOT EXISTS kept AS SELECT * FROM feel"),
        ];
        assert!(made.iter().flatten().all(|heard| heard.iter().any(|m| m.tag == b'C')), "{made:?}");
        for text in TEXTS {
            told += usize::from(tells(&server.query(text).unwrap()));
            for heard in [client.query(text).unwrap(), client.extended(text, 0).unwrap()] {
                if tells(&heard)
                    || (user == "clerk" && !matches!(code(&heard).as_str(), "42501" | "0A000" | "42883" | "42804" | "22P02" | "42725"))
                {
                    wrong.push(format!("{user}: {text}: {} {}", code(&heard), tells(&heard)));
                }
            }
        }
    }
    assert!(told > TEXTS.len(), "{told} of them tell something of the server itself");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    // who may call them has what they sort
    let mut named = Client::connect(lab.port, "named", "postgres").unwrap();
    assert_eq!(named.query("SELECT m FROM feel ORDER BY m").unwrap().iter().filter(|m| m.tag == b'D').count(), 3);
}

#[test]
fn parameters_are_values_of_their_types() {
    let lab = lab();
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    for name in DECLARED {
        let oid = server.query(&format!("SELECT '{name}'::regtype::oid")).unwrap();
        let oid = oid.iter().find(|m| m.tag == b'D').unwrap().values()[0].clone().unwrap();
        let value: &[u8] = match name {
            "pair" => b"(1,x)",
            "_pair" => b"{\"(1,x)\"}",
            n if n.starts_with('_') => b"{x}",
            _ => b"x",
        };
        let oid: u32 = String::from_utf8(oid).unwrap().parse().unwrap();
        let own = ask(&mut server, oid, value);
        assert!(tells(&own), "{name}: {own:?}");
        let heard = ask(&mut clerk, oid, value);
        assert!(!tells(&heard) && code(&heard) == "42501", "{name}: {heard:?}");
    }
}

/// `SELECT $1` of a parameter of this type.
fn ask(client: &mut Client, oid: u32, value: &[u8]) -> Vec<Message> {
    let mut parse = b"\0SELECT $1\0\0\x01".to_vec();
    parse.extend(oid.to_be_bytes());
    let mut bind = b"\0\0\0\0\0\x01".to_vec();
    bind.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
    bind.extend(value);
    bind.extend([0, 0]);
    for (tag, body) in [(b'P', parse.as_slice()), (b'B', &bind), (b'E', &[0, 0, 0, 0, 0]), (b'S', &[])] {
        client.send(tag, body).unwrap();
    }
    client.until_ready().unwrap()
}
