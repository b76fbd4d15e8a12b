//! Random statements that tell of the rows they run on (by functions, operators, casts and arithmetic that fail on rows which do not exist for the
//! login), over row conditions of every kind and over many plans: nothing runs on a row that is not there (ADR 0035), and the answer is that of
//! `security_barrier` views by hand. `SEED` and `GENERATED` in the environment choose others and more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

mod generate;

use std::fmt::Write as _;
use std::io::Write as _;

use generate::{Statement, pattern, query, tables};
use lab::Lab;
use lab::dice::{Dice, asked_for};
use lab::oracle::{Answer, Held};
use lab::wire::Client;

/// Logins to which the same rows exist by conditions of five kinds: of an operator that tells nothing, of a function that costs more than all
/// else, of a query, of one that looks at the row, and of a key.
const LOGINS: [&str; 5] = ["cheap", "dear", "asks", "seeks", "keyed"];

/// What moves PostgreSQL to other plans. One that a version does not have is not set there.
const SETTINGS: &[(&str, [&str; 2])] = &[
    ("enable_hashjoin", ["on", "off"]),
    ("enable_nestloop", ["on", "off"]),
    ("enable_mergejoin", ["on", "off"]),
    ("enable_seqscan", ["on", "off"]),
    ("enable_indexscan", ["on", "off"]),
    ("enable_bitmapscan", ["on", "off"]),
    ("enable_hashagg", ["on", "off"]),
    ("enable_sort", ["on", "off"]),
    ("enable_material", ["on", "off"]),
    ("enable_memoize", ["on", "off"]),
    ("enable_partitionwise_join", ["off", "on"]),
    ("enable_partitionwise_aggregate", ["off", "on"]),
    ("join_collapse_limit", ["8", "1"]),
    ("from_collapse_limit", ["8", "1"]),
    ("geqo_threshold", ["12", "2"]),
    ("random_page_cost", ["4", "0.01"]),
    ("cpu_operator_cost", ["0.0025", "100"]),
    ("cpu_tuple_cost", ["0.01", "0"]),
    ("cursor_tuple_fraction", ["0.1", "1"]),
    ("constraint_exclusion", ["partition", "on"]),
    ("plan_cache_mode", ["auto", "force_generic_plan"]),
    ("max_parallel_workers_per_gather", ["0", "2"]),
];

/// As the server parallelises what is large, so it then does what is small.
const PARALLEL: &str = "SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0; SET parallel_setup_cost = 0; \
    SET parallel_tuple_cost = 0";

/// How many statements run under one choice of settings.
const BATCH: u64 = 25;

/// The ways in which a statement is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Simple,
    Extended,
    Prepared,
    Cursor,
    Explained,
    Copied,
}

/// A governed login that asks, and the owner who asks the views by hand.
struct Sides {
    lab: Lab,
    veil: Client,
    version: u32,
}

impl Sides {
    fn start() -> Self {
        let policy = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(policy.path(), include_str!("policy.yaml")).unwrap();
        let canaries = "SELECT 'text', mark FROM bills WHERE region = 'US' UNION SELECT 'text', code FROM bills WHERE region = 'US'";
        let lab = Lab::guarded(policy.path(), include_str!("setup.sql"), canaries, &["postgres"], "").unwrap();
        let mut veil = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
        let made = Answer::of(&veil.query(include_str!("veil.sql")).unwrap());
        assert!(matches!(made, Answer::Rows(_)), "{made:?}");
        veil.query("SET statement_timeout = '10s'; SET jit = off").unwrap();
        let version = lab.version().unwrap();
        Self { lab, veil, version }
    }

    /// Statistics for every other batch: with them and without PostgreSQL plans otherwise.
    fn statistics(&mut self, batch: u64) {
        let text = if batch.is_multiple_of(2) {
            "SET lab.calm = 'on'; ANALYZE bills, parts, kept, base, free"
        } else {
            "DELETE FROM pg_statistic"
        };
        self.veil.query(text).unwrap();
        self.veil.query("RESET lab.calm").unwrap();
    }

    /// A connection of a login, with settings of a batch.
    fn client(&self, login: &str, dice: &mut Dice) -> Client {
        let mut client = Client::connect(self.lab.port, login, "postgres").unwrap();
        client.query("SET jit = off; SET statement_timeout = '10s'").unwrap();
        for (setting, values) in SETTINGS {
            if dice.roll(4) == 0 {
                client.query(&format!("SET {setting} = {}", values[1])).unwrap();
            }
        }
        if dice.roll(3) == 0 {
            client.query(PARALLEL).unwrap();
        }
        if dice.roll(12) == 0 {
            let name = if self.version >= 16 { "debug_parallel_query" } else { "force_parallel_mode" };
            client.query(&format!("SET {name} = on")).unwrap();
        }
        client
    }
}

/// Sends a statement; writes are taken back.
fn send(client: &mut Client, statement: &Statement, way: Way) -> Answer {
    let (plain, open) = (statement.plain(), statement.writes || way == Way::Cursor);
    if open {
        client.query("BEGIN").unwrap();
    }
    let heard = match way {
        Way::Simple => client.query(&plain),
        Way::Extended => client.extended(&plain, 0),
        Way::Explained => client.query(&format!("EXPLAIN (ANALYZE, COSTS OFF) {plain}")),
        Way::Copied => client.query(&format!("COPY ({plain}) TO STDOUT")),
        Way::Cursor => {
            let declared = client.query(&format!("DECLARE c CURSOR FOR {plain}")).unwrap();
            if declared.iter().any(|m| m.tag == b'E') { Ok(declared) } else { client.query("FETCH ALL FROM c") }
        }
        Way::Prepared => {
            let (text, values) = statement.with_parameters();
            let types = vec!["int"; values.len()].join(", ");
            let (types, values) =
                if values.is_empty() { (types, String::new()) } else { (format!("({types})"), format!("({})", values.join(", "))) };
            let prepared = client.query(&format!("PREPARE p {types} AS {text}")).unwrap();
            if prepared.iter().any(|m| m.tag == b'E') {
                Ok(prepared)
            } else {
                let heard = client.query(&format!("EXECUTE p {values}"));
                if !open {
                    client.query("DEALLOCATE p").unwrap();
                }
                heard
            }
        }
    };
    let answer = Answer::of(&heard.unwrap());
    if open {
        client.query("ROLLBACK").unwrap();
        if way == Way::Prepared {
            client.query("DEALLOCATE ALL").unwrap();
        }
    }
    answer
}

/// Whether a failure is of a value: no row that exists has one that fails, or gets two rows from a query that stands for a value. What an UPDATE
/// makes of a row that exists, and gives back, may.
fn tells(told: &str, text: &str) -> bool {
    let made = ["MERGE", "ON CONFLICT"].iter().any(|word| text.contains(word)) || text.starts_with("UPDATE") && text.contains("RETURNING");
    let twice = told.starts_with("21000") && !made;
    twice || ["P0", "22", "23514"].iter().any(|code| told.starts_with(code)) || told.contains("HIDDEN")
}

/// One statement of a login; what is wrong is noted.
fn hold(sides: &mut Sides, client: &mut Client, held: &mut Held, case: &str, statement: &Statement, way: Way) {
    let got = send(client, statement, way);
    let text = statement.plain();
    for leak in sides.lab.leaks() {
        writeln!(held.wrong, "LEAK: {case}: {}: {text}", leak.found).unwrap();
    }
    match &got {
        Answer::Failed(told) if tells(told, &text) => writeln!(held.wrong, "LEAK: {case}: {told}: {text}").unwrap(),
        Answer::Failed(told) if told.starts_with("57014") => {}
        _ if statement.compared && !matches!(way, Way::Explained | Way::Copied) => {
            let want = send(&mut sides.veil, statement, Way::Simple);
            assert!(!matches!(&want, Answer::Failed(told) if tells(told, &text)), "{want:?}: {text}");
            if !matches!(&want, Answer::Failed(told) if told.starts_with("57014")) {
                held.hold(&case, &text, got, want);
            }
        }
        _ => held.hold(&case, &text, got.clone(), got),
    }
}

#[test]
fn random_statements_run_on_no_row_that_is_not_there() {
    let (mut sides, tables) = (Sides::start(), tables());
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 600));
    let mut held = Held::default();
    for batch in first / BATCH..(first + count).div_ceil(BATCH) {
        let mut dice = Dice::new(batch);
        let login = LOGINS[usize::try_from(batch).unwrap() % LOGINS.len()];
        if batch % 5 == 0 || batch == first / BATCH {
            sides.statistics(batch / 5);
        }
        let mut client = sides.client(login, &mut dice);
        for seed in (batch * BATCH).max(first)..((batch + 1) * BATCH).min(first + count) {
            let mut dice = Dice::new(seed);
            let statement = if dice.roll(3) == 0 { query(seed, tables) } else { pattern(&mut dice, sides.version) };
            let reads = [Way::Simple, Way::Extended, Way::Prepared, Way::Cursor, Way::Explained, Way::Copied];
            let way = dice.one(&reads[..if statement.writes { 3 } else { reads.len() }]);
            hold(&mut sides, &mut client, &mut held, &format!("{seed} {login} {way:?}"), &statement, way);
        }
    }
    writeln!(std::io::stdout(), "on PostgreSQL {}", sides.version).unwrap();
    held.told("random statements that tell of rows");
}
