//! What the server counts of rows that were looked at, and locks that say which were, tell of none that does not exist for a login: all that it can ask of them is
//! the same whether such a row satisfies what it asked before or not.
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
use lab::oracle::Answer;
use lab::wire::Client;

const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE clerk LOGIN;
CREATE TABLE pay (id int PRIMARY KEY, region text, salary int);
INSERT INTO pay SELECT n, CASE n % 2 WHEN 0 THEN 'EU' ELSE 'US' END, n * 10 FROM generate_series(1, 2000) n;
CREATE INDEX ON pay (salary); ANALYZE pay; GRANT SELECT, UPDATE, DELETE ON pay TO clerk;
CREATE FUNCTION is_mine(text) RETURNS boolean STABLE COST 10000 LANGUAGE plpgsql AS $$ BEGIN RETURN $1 = 'EU'; END $$;
CREATE TABLE dear AS SELECT * FROM pay WHERE id < 40; GRANT SELECT, UPDATE, DELETE ON dear TO clerk;
ALTER DATABASE postgres SET track_functions = 'all';
CREATE FUNCTION ticks() RETURNS int LANGUAGE plpgsql COST 1 AS $$ BEGIN RAISE NOTICE 'tick'; RETURN 1; END $$;
CREATE FUNCTION still() RETURNS int STABLE LANGUAGE plpgsql COST 1 AS $$ BEGIN RAISE NOTICE 'still'; RETURN 1; END $$";

const POLICY: &str = "
version: 1
tables: { public.pay: {}, public.dear: {} }
roles:
  clerk:
    members: [clerk]
    rows: { public.pay: \"lower(region) = 'eu'\", public.dear: \"is_mine(region)\" }
    write: { public.pay: allow, public.dear: allow }
    delete: [public.pay, public.dear]
    functions: [public.ticks, public.still]
";

/// Each names what is of the table alone.
const COUNTERS: [&str; 19] = [
    "SELECT * FROM pg_stat_xact_user_tables WHERE relname = 'pay'",
    "SELECT t.* FROM pg_stat_xact_all_tables t WHERE relname = 'pay'",
    "SELECT pg_stat_get_xact_tuples_fetched('pay'::regclass)",
    "SELECT pg_stat_get_xact_tuples_returned('pay'::regclass)",
    "SELECT pg_stat_get_xact_blocks_fetched('pay'::regclass), pg_stat_get_xact_blocks_hit('pay'::regclass)",
    "SELECT pg_stat_get_xact_tuples_fetched('pay_salary_idx'::regclass)",
    "SELECT seq_scan, seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'pay'",
    "SELECT pg_stat_get_tuples_fetched('pay'::regclass)",
    "SELECT calls FROM pg_stat_xact_user_functions WHERE funcname = 'is_mine'",
    "SELECT pg_stat_get_xact_function_calls('is_mine'::regproc)",
    "SELECT count(*) FROM pg_stat_user_functions",
    "SELECT idx_tup_read, idx_tup_fetch FROM pg_stat_user_indexes WHERE relname = 'pay'",
    "SELECT heap_blks_hit, heap_blks_read, idx_blks_hit, idx_blks_read FROM pg_statio_user_tables WHERE relname = 'pay'",
    "SELECT idx_blks_hit, idx_blks_read FROM pg_statio_user_indexes WHERE relname = 'pay'",
    "SELECT tup_returned, tup_fetched, blks_hit, blks_read FROM pg_stat_database WHERE datname = 'postgres'",
    "SELECT mode, locktype, page, tuple FROM pg_locks WHERE relation >= 16384 ORDER BY 1, 2, 3, 4",
    "SELECT count(*) FROM pg_locks",
    "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relname = 'pay'",
    "SELECT * FROM pg_lock_status()",
];

/// What the counters say in the transaction, and after it, that asks for these rows.
fn told(port: u16, of: &str) -> Vec<Answer> {
    let mut client = Client::connect(port, "clerk", "postgres").unwrap();
    let mut said = Vec::new();
    for counter in COUNTERS {
        client.query("BEGIN ISOLATION LEVEL SERIALIZABLE").unwrap();
        client.query("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off").unwrap();
        client.query(&format!("SELECT id FROM pay WHERE {of}")).unwrap();
        client.query(&format!("SELECT id FROM dear WHERE {of}")).unwrap();
        said.push(Answer::of(&client.query(counter).unwrap()));
        client.query("COMMIT").unwrap();
    }
    said
}

#[test]
fn nothing_that_is_counted_tells_of_hidden_rows() {
    let lab = Lab::under(POLICY, SETUP, "").unwrap();
    // the first scan of a session reads more of the catalog than the others
    for (hidden, none) in [("id = 5", "id = 5000"), ("salary BETWEEN 41 AND 59", "salary BETWEEN 51 AND 59")] {
        // over the server itself they do tell
        let own = [told(lab.cluster.port(), hidden), told(lab.cluster.port(), none)];
        assert!(own[0] != own[1], "{own:?}");
        for _ in 0..2 {
            let (hidden, none) = (told(lab.port, hidden), told(lab.port, none));
            for ((counter, hidden), none) in COUNTERS.iter().zip(hidden).zip(none) {
                assert!(hidden == none, "{counter}: {hidden:?} and {none:?}");
            }
        }
    }
    // and they go on being asked
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    for counter in [
        "SELECT n_live_tup, n_tup_ins, seq_scan, seq_tup_read FROM pg_stat_user_tables",
        "SELECT * FROM pg_locks",
        "SELECT * FROM pg_stat_database",
    ] {
        assert!(matches!(Answer::of(&clerk.query(counter).unwrap()), Answer::Rows(_)), "{counter}");
    }
}

/// What is computed anew each time leaves a trace of how often that was: the numbers that `random()` gives next, those of snapshots, messages. Each stands in
/// a condition.
#[test]
fn nothing_that_is_computed_anew_tells_of_hidden_rows() {
    let lab = Lab::under(POLICY, SETUP, "").unwrap();
    let told = |port: u16, text: &str| {
        let mut client = Client::connect(port, "clerk", "postgres").unwrap();
        client.query("BEGIN; SET LOCAL enable_seqscan = off").unwrap();
        client.query("SELECT setseed(0.5)").unwrap();
        let messages = client.query(text).unwrap().iter().filter(|m| m.tag == b'N').count();
        let next = Answer::of(&client.query("SELECT random()").unwrap());
        let snapshot = client.query("SELECT split_part(pg_export_snapshot(), '-', 3)").unwrap();
        client.query("ROLLBACK").unwrap();
        (messages, next, Answer::of(&snapshot))
    };
    for condition in
        ["random() IS NOT NULL", "pg_export_snapshot() IS NOT NULL", "ticks() IS NOT NULL", "salary > still()", "random() >= '0'"]
    {
        for text in [
            "SELECT id FROM pay WHERE id = ? AND !",
            "SELECT count(*) FROM pay WHERE id = ? AND !",
            "SELECT p.id FROM pay p LEFT JOIN pay q ON q.id = p.id AND ! WHERE p.id = ?",
            "SELECT 1 WHERE EXISTS (SELECT FROM pay WHERE id = ? AND !)",
            "SELECT id FROM pay WHERE id = ? AND (SELECT !)",
            "UPDATE pay SET salary = salary WHERE id = ? AND !",
            "DELETE FROM pay WHERE id = ? AND !",
        ] {
            let text = text.replace('!', condition);
            let [hidden, none] = ["5", "5000"].map(|id| text.replace('?', id));
            assert!(
                told(lab.port, &hidden) == told(lab.port, &none),
                "{hidden}: {:?} and {:?}",
                told(lab.port, &hidden),
                told(lab.port, &none)
            );
            let [own, none] = [told(lab.cluster.port(), &hidden), told(lab.cluster.port(), &none)];
            assert!(own != none || text.contains("(SELECT ") || text.contains("JOIN"), "{text}: {own:?}");
        }
    }
}

/// A query in a condition that costs less than the condition of the rows is run first, and leaves its traces in what the login has itself: rows that it
/// locked, scans that are counted. Over a view none is run for a row that is not there.
#[test]
fn no_query_in_a_condition_tells_of_hidden_rows() {
    let lab = Lab::under(POLICY, SETUP, "").unwrap();
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    clerk.query("CREATE TEMP TABLE own (k int PRIMARY KEY)").unwrap();
    clerk.query("INSERT INTO own SELECT n * 10 FROM generate_series(1, 40) n").unwrap();
    for text in [
        "SELECT id FROM dear WHERE (SELECT k FROM own WHERE k = dear.salary LIMIT 1 FOR UPDATE) IS NOT NULL",
        "SELECT id FROM dear WHERE ARRAY(SELECT k FROM own WHERE k = dear.salary FOR SHARE) IS NOT NULL",
        "SELECT id FROM dear WHERE EXISTS (SELECT FROM own WHERE k = dear.salary FOR NO KEY UPDATE)",
        "SELECT id FROM dear WHERE CASE WHEN salary > 100 THEN EXISTS (SELECT FROM own WHERE k = dear.salary FOR KEY SHARE) END",
        "SELECT id FROM dear WHERE (SELECT true FROM (SELECT k FROM own WHERE k = dear.salary FOR UPDATE) x LIMIT 1)",
        "SELECT d.id FROM dear d JOIN dear e ON e.id = d.id AND EXISTS (SELECT FROM own WHERE k = e.salary FOR UPDATE)",
        "SELECT x.k FROM dear d, LATERAL (SELECT k FROM own WHERE k = d.salary FOR UPDATE) x",
        "UPDATE dear SET salary = salary WHERE EXISTS (SELECT FROM own WHERE k = dear.salary FOR UPDATE)",
        "DELETE FROM dear WHERE EXISTS (SELECT FROM own WHERE k = dear.salary FOR UPDATE)",
    ] {
        clerk.query("BEGIN").unwrap();
        let found = Answer::of(&clerk.query(text).unwrap());
        assert!(matches!(found, Answer::Rows(_)), "{text}: {found:?}");
        let locked = clerk.query("SELECT k FROM own WHERE xmax::text <> '0' AND k % 20 <> 0").unwrap();
        assert!(locked.iter().all(|m| m.tag != b'D'), "{text}: {locked:?}");
        clerk.query("ROLLBACK").unwrap();
    }
    // what counts scans is not told
    let counted = |clerk: &mut Client, of: &str| {
        clerk.query("BEGIN").unwrap();
        clerk.query(&format!("SELECT id FROM dear WHERE id = {of} AND (SELECT dear.id FROM own LIMIT 1) IS NOT NULL")).unwrap();
        let heard = clerk.query("SELECT * FROM pg_stat_xact_user_tables WHERE relname = 'own'").unwrap();
        clerk.query("ROLLBACK").unwrap();
        Answer::of(&heard)
    };
    assert!(counted(&mut clerk, "5") == counted(&mut clerk, "5000"));
}
