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
CREATE INDEX ON pay (salary); ANALYZE pay; GRANT SELECT ON pay TO clerk";

const POLICY: &str = "
version: 1
tables: { public.pay: {} }
roles: { clerk: { members: [clerk], rows: { public.pay: \"region = 'EU'\" } } }
";

/// Each names what is of the table alone.
const COUNTERS: [&str; 16] = [
    "SELECT * FROM pg_stat_xact_user_tables WHERE relname = 'pay'",
    "SELECT t.* FROM pg_stat_xact_all_tables t WHERE relname = 'pay'",
    "SELECT pg_stat_get_xact_tuples_fetched('pay'::regclass)",
    "SELECT pg_stat_get_xact_tuples_returned('pay'::regclass)",
    "SELECT pg_stat_get_xact_blocks_fetched('pay'::regclass), pg_stat_get_xact_blocks_hit('pay'::regclass)",
    "SELECT pg_stat_get_xact_tuples_fetched('pay_salary_idx'::regclass)",
    "SELECT seq_scan, seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'pay'",
    "SELECT pg_stat_get_tuples_fetched('pay'::regclass)",
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
        said.push(Answer::of(&client.query(counter).unwrap()));
        client.query("COMMIT").unwrap();
    }
    said
}

#[test]
fn nothing_that_is_counted_tells_of_hidden_rows() {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), POLICY).unwrap();
    let lab = Lab::start_with(policy.path(), SETUP, "").unwrap();
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
    for counter in
        ["SELECT n_live_tup, seq_scan, seq_tup_read FROM pg_stat_user_tables", "SELECT * FROM pg_locks", "SELECT * FROM pg_stat_database"]
    {
        assert!(matches!(Answer::of(&clerk.query(counter).unwrap()), Answer::Rows(_)), "{counter}");
    }
}
