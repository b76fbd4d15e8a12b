//! PostgreSQL's own regression scripts, run three times: directly twice, which says what is the same each time, and by a governed login that is
//! allowed everything. Each query, DML and cursor statement must be answered as directly, or refused. `make regress` calls it with the folder
//! `src/test/regress` of PostgreSQL's sources; further words name scripts, else all of the schedule are run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::pedantic,
    reason = "a drill that cannot go on has failed, and short is better than exact"
)]

mod script;

use std::collections::BTreeMap;
use std::path::Path;

use lab::Lab;
use lab::wire::{Client, Message};
use script::Statement;

const SETUP: &str = "
    CREATE ROLE clerk LOGIN SUPERUSER; CREATE ROLE pgscrim LOGIN SUPERUSER;
    GRANT ALL ON SCHEMA public TO public;
    CREATE FUNCTION public.pgscrim_nothing() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE public.pgscrim_secrets (secret text);";

const POLICY: &str = "version: 1\nclasses: { a: ~ }\ntables: { public.pgscrim_secrets: { columns: { secret: a } } }\n\
    roles:\n  all: { members: [clerk], read: { a: deny }, delete: ['*.*'], functions: ['*.*'],\n    \
    statements: [ddl, code, call, do, lock, maintenance, explain] }\n";

/// Left out: these drop or make databases, wait for other sessions, never end, or leave a publication, under which later deletes fail.
const LEFT_OUT: [&str; 7] = ["tablespace", "database", "infinite_recurse", "stats", "largeobject", "psql_crosstab", "publication"];

/// A session that runs a script; where the connection ends a new one is made.
struct Runner {
    port: u16,
    database: &'static str,
    client: Client,
}

impl Runner {
    fn new(port: u16, database: &'static str) -> Self {
        Self { port, database, client: Client::connect(port, "clerk", database).unwrap() }
    }

    fn fresh(&mut self) {
        self.client = Client::connect(self.port, "clerk", self.database).unwrap();
        self.run(&Statement { text: "SET client_min_messages = error; SET lock_timeout = '300ms'".into(), data: None });
    }

    fn run(&mut self, statement: &Statement) -> Answer {
        let sent = match &statement.data {
            None => self.client.query(&statement.text),
            Some(data) => (|| {
                let text = [statement.text.as_bytes(), b"\0"].concat();
                self.client.send_all(&[(b'Q', text), (b'd', data.as_bytes().to_vec()), (b'c', Vec::new())])?;
                self.client.until_ready()
            })(),
        };
        match sent {
            Ok(messages) => Answer::of(&messages),
            Err(error) => {
                self.fresh();
                Answer { ended: Some(error.to_string()), ..Answer::default() }
            }
        }
    }
}

/// What a statement was answered: the rows in no order, tags, names of columns, errors.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    rows: Vec<Vec<Option<Vec<u8>>>>,
    names: Vec<Vec<u8>>,
    tags: Vec<String>,
    error: Option<(String, String)>,
    ended: Option<String>,
}

impl Answer {
    fn of(messages: &[Message]) -> Self {
        let mut answer = Self::default();
        for m in messages {
            match m.tag {
                b'D' | b'd' => answer.rows.push(if m.tag == b'D' { m.values() } else { vec![Some(m.body.clone())] }),
                b'T' => answer.names.push(names(&m.body)),
                b'C' => answer.tags.push(String::from_utf8_lossy(&m.body).trim_end_matches('\0').to_owned()),
                b'E' => answer.error = Some((m.field(b'C').unwrap_or_default(), m.field(b'M').unwrap_or_default())),
                _ => {}
            }
        }
        answer.rows.sort();
        answer
    }

    /// Whether it is the same; the words of an error may be the proxy's general ones.
    fn is_as(&self, other: &Self) -> bool {
        let code = |a: &Self| a.error.as_ref().map(|(code, _)| code.clone());
        (&self.rows, &self.names, &self.tags, &self.ended, code(self))
            == (&other.rows, &other.names, &other.tags, &other.ended, code(other))
    }

    /// Whether an earlier refusal has aborted the transaction.
    fn is_aborted(&self) -> bool {
        self.error.as_ref().is_some_and(|(code, _)| code == "25P02")
    }

    /// Why the proxy did not answer.
    fn refused(&self) -> Option<&str> {
        let (_, message) = self.error.as_ref()?;
        message.strip_prefix("pgscrim: ")
    }

    fn shown(&self) -> String {
        let row = |row: &Vec<Option<Vec<u8>>>| {
            row.iter().map(|v| v.as_ref().map_or("NULL".into(), |v| String::from_utf8_lossy(v).into_owned())).collect::<Vec<_>>().join("|")
        };
        let rows: Vec<String> = self.rows.iter().take(4).map(row).collect();
        let names: Vec<String> = self.names.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
        format!("{:?} {:?} {} rows {rows:?} {names:?} {}", self.error, self.tags, self.rows.len(), self.ended.as_deref().unwrap_or(""))
    }
}

/// The names of a `RowDescription`, and each column's length and modifier.
fn names(body: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), &body[2..]);
    while let Some(end) = rest.iter().position(|b| *b == 0) {
        out.extend_from_slice(&rest[..end]);
        out.push(b',');
        let fixed = &rest[end + 1..];
        out.extend(format!("{:?}", &fixed[10..16]).bytes());
        rest = &fixed[18..];
    }
    out
}

/// What a session keeps to itself is of no use beside it: a temporary object is made to last, a setting or a role (which the script may drop) is left out.
fn lasting(statement: &Statement) -> Option<Statement> {
    let words: Vec<&str> = statement.text.split(' ').filter(|w| !["temp", "temporary"].contains(&w.to_lowercase().as_str())).collect();
    let sets = words.first().is_some_and(|w| ["set", "reset"].contains(&w.to_lowercase().as_str()));
    (!sets).then(|| Statement { text: words.join(" "), data: statement.data.clone() })
}

/// A reason without what it names, to be counted under.
fn kind(reason: &str) -> String {
    let mut out = String::new();
    for (i, part) in reason.split('"').enumerate() {
        out.push_str(if i % 2 == 0 { part } else { "…" });
    }
    out.chars().take(110).collect()
}

/// Says what was answered otherwise; at once, where nothing of the script was refused before.
fn tell(script: &str, statement: &Statement, direct: &Answer, through: &Answer, spoiled: bool) {
    let when = if spoiled { "" } else { " AT ONCE" };
    println!("UNLIKE{when} {script}: {}\n    direct  {}\n    through {}", statement.text, direct.shown(), through.shown());
}

fn main() {
    let mut words = std::env::args().skip(1);
    let folder = words.next().expect("the folder src/test/regress of PostgreSQL's sources");
    let wanted: Vec<String> = words.collect();
    let schedule = std::fs::read_to_string(Path::new(&folder).join("parallel_schedule")).unwrap();
    let listed = schedule.lines().filter_map(|l| l.strip_prefix("test: ")).flat_map(str::split_whitespace).map(str::to_owned);
    let scripts: Vec<String> = listed.filter(|s| !LEFT_OUT.contains(&s.as_str())).collect();

    let more = "catalog: { user: pgscrim, database: postgres, refresh: 200ms, max_age: 10m }\n";
    let lab = Lab::under(POLICY, SETUP, more).unwrap();
    let direct = lab.cluster.port();
    let mut admin = Client::connect(direct, "postgres", "postgres").unwrap();
    for text in ["ALTER SYSTEM SET autovacuum = off", "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"] {
        admin.query(text).unwrap();
    }
    for database in ["first", "second"] {
        admin.query(&format!("CREATE DATABASE {database} TEMPLATE template0")).unwrap();
        let mut there = Client::connect(direct, "postgres", if database == "first" { "first" } else { "second" }).unwrap();
        there.query("GRANT ALL ON SCHEMA public TO public").unwrap();
        there.query("CREATE TABLE public.pgscrim_secrets (secret text)").unwrap();
    }

    let (mut asked, mut refused, mut reasons, mut unlike) = (0, 0, BTreeMap::<String, (usize, String)>::new(), 0);
    // what a script goes on with once something of it was refused is not what it is directly
    let mut unlike_at_once = 0;
    let mut others = BTreeMap::<String, (usize, String)>::new();
    let (mut first, mut second) = (Runner::new(direct, "first"), Runner::new(direct, "second"));
    let (mut through, mut aside) = (Runner::new(lab.port, "postgres"), Runner::new(direct, "postgres"));
    // what is done behind the proxy is known to it once it has read the catalog again
    let (mut through_too, mut behind, mut markers) = (Runner::new(lab.port, "postgres"), false, 0);
    for name in scripts {
        let needed = ["test_setup", "create_index", "create_type", "create_table", "create_misc", "create_operator", "create_aggregate"];
        if !wanted.is_empty() && !wanted.contains(&name) && !needed.contains(&name.as_str()) {
            continue;
        }
        let Ok(text) = std::fs::read(Path::new(&folder).join(format!("sql/{name}.sql"))) else { continue };
        let Ok(text) = String::from_utf8(text) else { continue };
        [&mut first, &mut second, &mut through, &mut aside].into_iter().for_each(Runner::fresh);
        let mut spoiled = false;
        let (before, started) = ((asked, refused, unlike), std::time::Instant::now());
        for statement in script::statements(&text, &folder) {
            let [one, two] = [&mut first, &mut second].map(|r| r.run(&statement));
            if statement.is_asked() && std::mem::take(&mut behind) {
                markers += 1;
                let waited = std::time::Instant::now();
                admin.query(&format!("CREATE TABLE public.pgscrim_marker_{markers} ()")).unwrap();
                let asks = Statement { text: format!("SELECT FROM public.pgscrim_marker_{markers}"), data: None };
                while let Some(error) = through_too.run(&asks).error {
                    if waited.elapsed().as_secs() >= 20 {
                        println!("NOT READ AGAIN {name}: {}: {error:?}", statement.text);
                        break;
                    }
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            }
            let got = through.run(&statement);
            spoiled |= got.refused().is_some();
            if got.refused().is_some_and(|why| why.contains("two readings")) {
                println!("READERS {name}: {}", statement.text);
            }
            if !statement.is_asked() {
                if let Some(reason) = got.refused() {
                    let found = others.entry(kind(reason)).or_insert((0, statement.text.clone()));
                    found.0 += 1;
                    if let Some(lasting) = lasting(&statement) {
                        aside.run(&lasting);
                        behind = true;
                    }
                }
                if !spoiled && one == two && !got.is_as(&one) {
                    unlike_at_once += 1;
                    tell(&name, &statement, &one, &got, spoiled);
                }
                continue;
            }
            if one != two || (got.is_aborted() && !one.is_aborted()) {
                continue;
            }
            asked += 1;
            if let Some(reason) = got.refused() {
                refused += 1;
                let found = reasons.entry(kind(reason)).or_insert((0, format!("{name}: {}", statement.text)));
                found.0 += 1;
                if got.error.as_ref().is_some_and(|(_, m)| !m.contains("while this transaction"))
                    && !statement.text.to_lowercase().starts_with("select")
                {
                    aside.run(&statement);
                }
            } else if !got.is_as(&one) {
                unlike += 1;
                unlike_at_once += i32::from(!spoiled);
                tell(&name, &statement, &one, &got, spoiled);
            }
        }
        println!(
            "{name}: {} asked, {} refused, {} unlike, {:.1} s",
            asked - before.0,
            refused - before.1,
            unlike - before.2,
            started.elapsed().as_secs_f32()
        );
    }
    for (title, table) in [("refused of what was asked", &reasons), ("refused of the rest", &others)] {
        println!("\n{title}:");
        let mut lines: Vec<_> = table.iter().collect();
        lines.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        lines.iter().for_each(|(reason, (count, example))| {
            println!(
                "{count:6} {reason}\n         {}",
                example.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect::<String>()
            );
        });
    }
    println!(
        "\n{asked} asked, {refused} refused ({:.1} %), {unlike} unlike, {unlike_at_once} of them before anything of their script was refused",
        100.0 * f64::from(refused) / f64::from(asked.max(1))
    );
    std::process::exit(i32::from(unlike > 0));
}
