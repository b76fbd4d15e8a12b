//! Conversations made from a seed, of a governed login: any messages in any order over a few names, statements that are masked, rewritten,
//! refused, that fail. Three judges: the canaries of the lab on every byte; the server's own log of statements against the audit's records;
//! the same conversation of an unrestricted login, where nothing was refused.
//! `SEED=n GENERATED=m` asks for others, and `TOLD=1` shows what was said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

use std::collections::BTreeMap;
use std::fmt::Write;

use lab::Lab;
use lab::dice::{Dice, asked_for};
use lab::wire::{Client, Message};
use serde_json::Value;

/// Conversations in CI.
const CONVERSATIONS: u64 = 200;

const SETUP: &str = "
    CREATE TABLE public.people (id int PRIMARY KEY, email text, pin text, city text);
    INSERT INTO public.people SELECT id, 'Tk' || substr(md5('email' || id), 1, 10), 'Tk' || substr(md5('pin' || id), 1, 10), 'town ' || id
        FROM generate_series(1, 5) AS id;
    CREATE TABLE public.noted (n int NOT NULL);
    CREATE ROLE clerk LOGIN; CREATE ROLE boss LOGIN; CREATE ROLE pgscrim LOGIN;
    GRANT SELECT, UPDATE ON public.people TO clerk, boss; GRANT ALL ON public.noted TO clerk, boss;
    ALTER ROLE clerk SET log_statement = 'all'; ALTER ROLE clerk SET log_min_duration_statement = 0;";

const CANARIES: &str = "SELECT 'text', email FROM public.people UNION ALL SELECT 'text', pin FROM public.people";

const POLICY: &str = "version: 1\nclasses: { a: ~, b: ~ }\ntables: { public.people: { columns: { email: a, pin: b } } }\n\
    roles:\n  r: { members: [clerk], read: { a: { mask: redact }, b: deny }, write: { a: allow } }\n  o: { members: [boss], unrestricted: true }\n";

/// Queries; `tag` makes each one's record and its line in the server's log known by each other.
const QUERIES: [&str; 10] = [
    "SELECT id AS tag, city FROM people ORDER BY id",
    "SELECT id AS tag, email FROM people ORDER BY id",
    "SELECT email AS tag FROM people WHERE id = $1",
    "SELECT upper(email) AS tag FROM people ORDER BY id",
    "SELECT 1 / (id - 2) AS tag, email FROM people ORDER BY id",
    "SELECT email::int AS tag FROM people",
    "SELECT id AS tag, people FROM people WHERE email IS NOT NULL ORDER BY id LIMIT 2",
    "SELECT email AS tag FROM people UNION ALL SELECT city FROM people",
    "SELECT pin AS tag FROM people",
    "SELECT id AS tag FROM people WHERE pin > 'x'",
];

const OTHERS: [&str; 28] = [
    "INSERT INTO noted VALUES (1) RETURNING n AS tag",
    "INSERT INTO noted VALUES (NULL) RETURNING n AS tag",
    "UPDATE people SET city = city WHERE id = 1 RETURNING id AS tag, email",
    "UPDATE people SET city = city WHERE pin = 'x' RETURNING id AS tag",
    "SELEC 1 AS tag",
    "SELECT nowhere AS tag FROM people",
    "",
    "BEGIN",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "DISCARD PLANS",
    "DISCARD ALL",
    "DEALLOCATE ALL",
    "CLOSE ALL",
    "EXECUTE name",
    "EXECUTE name",
    "DEALLOCATE name",
    "FETCH 2 FROM name",
    "FETCH ALL FROM name",
    "CLOSE name",
    "COPY (SELECT id AS tag, email FROM people) TO STDOUT",
    "COPY noted TO STDOUT",
    "COPY noted FROM STDIN",
    "COPY noted (n) FROM STDIN (FORMAT csv)",
    "SET search_path = public",
];

const NAMES: [&str; 3] = ["", "a", "b"];

/// Data of a COPY: whole rows, parts of rows, what is no number, nothing.
const DATA: [&str; 6] = ["1\n", "2\n3\n", "4", "\n", "x\n", ""];

/// A message of the client.
#[derive(Clone, Debug)]
enum Say {
    Q(String),
    P(&'static str, String),
    B(&'static str, &'static str, bool),
    D(u8, &'static str),
    E(&'static str, i32),
    C(u8, &'static str),
    S,
    H,
    Data(&'static str),
    /// The end of the data: CopyDone, or CopyFail.
    End(bool),
}

impl Say {
    fn is_data(&self) -> bool {
        matches!(self, Say::Data(_) | Say::End(_))
    }
}

fn text(dice: &mut Dice, tag: &mut usize) -> String {
    *tag += 1;
    let query = dice.one(&QUERIES);
    let text = match dice.roll(10) {
        0..4 => query.to_owned(),
        4 => format!("PREPARE name AS {query}"),
        5 => format!("DECLARE name CURSOR FOR {query}").replace("$1", "1"),
        _ => dice.one(&OTHERS).to_owned(),
    };
    text.replace("name", dice.one(&["a", "b"])).replace("tag", &format!("t{tag}"))
}

fn messages(dice: &mut Dice, tag: &mut usize, out: &mut Vec<Say>) {
    let (name, other) = (dice.one(&NAMES), dice.one(&NAMES));
    let kind = dice.one(b"SP");
    match dice.roll(16) {
        0..3 => out.push(Say::Q(text(dice, tag).replace("$1", "1"))),
        3 => {
            let both = [text(dice, tag), text(dice, tag)].join("; ");
            out.push(Say::Q(both.replace("$1", "1")));
        }
        4 | 5 => out.push(Say::P(name, text(dice, tag))),
        6 => out.push(Say::B(name, other, dice.roll(2) == 0)),
        7..11 => {
            let text = text(dice, tag);
            let one = text.contains("$1") && !text.starts_with("PREPARE");
            out.extend([Say::P(name, text), Say::B(other, name, one)]);
            if dice.roll(3) == 0 {
                out.push(Say::D(b'P', other));
            }
            out.push(Say::E(other, dice.one(&[0, 0, 2])));
        }
        11 => out.push(Say::D(kind, name)),
        12 => out.push(Say::E(name, dice.one(&[0, 1]))),
        13 => out.push(Say::C(kind, name)),
        14 => out.push(Say::H),
        _ => out.push(Say::S),
    }
    let copies = out.iter().any(|say| matches!(say, Say::Q(text) | Say::P(_, text) if text.contains("FROM STDIN")));
    if copies && matches!(out.last(), Some(Say::Q(_) | Say::E(..))) {
        // whatever runs here: data that no COPY waits for is ignored
        out.extend((0..dice.roll(4)).map(|_| Say::Data(dice.one(&DATA))).collect::<Vec<_>>());
        out.push(Say::End(dice.roll(4) > 0));
    }
}

/// Whether each answer is awaited before the next batch, and what is said.
fn conversation(seed: u64) -> (bool, Vec<Say>) {
    let (mut dice, mut tag, mut out) = (Dice::new(seed), 0, vec![Say::Q(format!("SELECT 1 AS conversation_{seed}"))]);
    let awaits = dice.roll(2) == 0;
    for _ in 0..4 + dice.roll(24) {
        messages(&mut dice, &mut tag, &mut out);
    }
    out.extend([Say::S, Say::Q("ROLLBACK".into()), Say::Q("SELECT 'the end'".into())]);
    (awaits, out)
}

fn bytes(say: &Say) -> (u8, Vec<u8>) {
    let names = |names: &[&str]| names.iter().flat_map(|n| n.bytes().chain([0])).collect::<Vec<u8>>();
    match say {
        Say::Q(text) => (b'Q', names(&[text])),
        Say::P(name, text) => (b'P', [names(&[name, text]), vec![0, 0]].concat()),
        Say::B(portal, statement, false) => (b'B', [names(&[portal, statement]), vec![0; 6]].concat()),
        Say::B(portal, statement, true) => (b'B', [names(&[portal, statement]), vec![0, 0, 0, 1, 0, 0, 0, 1, b'1', 0, 0]].concat()),
        Say::D(kind, name) => (b'D', [vec![*kind], names(&[name])].concat()),
        Say::C(kind, name) => (b'C', [vec![*kind], names(&[name])].concat()),
        Say::E(name, rows) => (b'E', [names(&[name]), rows.to_be_bytes().to_vec()].concat()),
        Say::S => (b'S', Vec::new()),
        Say::H => (b'H', Vec::new()),
        Say::Data(data) => (b'd', data.as_bytes().to_vec()),
        Say::End(true) => (b'c', Vec::new()),
        Say::End(false) => (b'f', names(&["enough"])),
    }
}

/// What is heard up to the last answer. A query that stands behind messages without a Sync would wait for one after an error.
fn converse(client: &mut Client, awaits: bool, said: &[Say]) -> Result<Vec<Message>, String> {
    let (mut heard, mut open) = (Vec::new(), false);
    for (i, say) in said.iter().enumerate() {
        let (query, sync) = (matches!(say, Say::Q(_)), matches!(say, Say::S));
        if query && open && awaits {
            client.send(b'S', b"").map_err(|e| e.to_string())?;
            heard.extend(client.until_ready().map_err(|e| e.to_string())?);
        }
        if !say.is_data() {
            open = !(query || sync);
        }
        let (tag, body) = bytes(say);
        client.send(tag, &body).map_err(|e| e.to_string())?;
        if awaits && !open && !said.get(i + 1).is_some_and(Say::is_data) {
            heard.extend(client.until_ready().map_err(|e| e.to_string())?);
        }
    }
    let end = |m: &Message| m.tag == b'D' && m.body.ends_with(b"the end");
    while !(heard.iter().any(end) && heard.last().is_some_and(|m| m.tag == b'Z')) {
        heard.push(client.receive().map_err(|e| format!("{e} behind {}", shape(&heard)))?);
    }
    Ok(heard)
}

/// Types, codes of errors, numbers of columns, states of transactions.
fn shape(heard: &[Message]) -> String {
    let mut out = String::new();
    for m in heard.iter().filter(|m| !matches!(m.tag, b'S' | b'N')) {
        match m.tag {
            b'E' => write!(out, "E{} ", m.field(b'C').unwrap()),
            b'Z' => write!(out, "Z{} ", char::from(m.body[0])),
            b'T' | b'D' | b't' => write!(out, "{}{} ", char::from(m.tag), m.body[1]),
            b'C' => write!(out, "C({}) ", String::from_utf8_lossy(&m.body[..m.body.len() - 1])),
            tag => write!(out, "{} ", char::from(tag)),
        }
        .unwrap();
    }
    out
}

/// What a statement is known by on both sides: its first word, and the names and tags in it.
fn key(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty());
    let tag = |w: &&str| matches!(*w, "a" | "b" | "s") || (w.starts_with('t') && w.len() > 1 && w[1..].bytes().all(|b| b.is_ascii_digit()));
    let first = words.clone().next().unwrap_or_default().to_uppercase();
    words.filter(tag).fold(first, |key, word| format!("{key} {word}"))
}

/// A count for each key.
type Counts = BTreeMap<String, usize>;

/// What the server ran in a session.
#[derive(Debug, Default)]
struct Ran {
    /// Each has a record.
    begun: Counts,
    /// May have one: what failed before it began, and what a string holds behind a statement that fails.
    perhaps: Counts,
    /// Errors of what had begun, and of what had not.
    failed: usize,
    unbegun: usize,
    last: Option<String>,
}

fn add(counts: &mut Counts, text: &str) {
    *counts.entry(key(text)).or_default() += 1;
}

impl Ran {
    fn says(&mut self, said: &str) {
        if ["pgscrim asks", "pgscrim copies", "pgscrim_refused_this_statement"].iter().any(|own| said.contains(own)) {
            self.last = None;
        } else if let Some(took) = said.strip_prefix("LOG:  duration: ") {
            // of what was logged when it began nothing more is said than that it ended; Parse and Bind name themselves
            self.last.take_if(|_| took.ends_with(" ms"));
        } else if let Some(text) = said.strip_prefix("LOG:  statement: ") {
            text.split(';').for_each(|one| add(&mut self.begun, one));
            self.last = Some(text.to_owned());
        } else if let Some(text) = said.strip_prefix("LOG:  execute fetch from ").and_then(|t| t.split_once(": ")) {
            // what a portal gives further is of the same access; a cursor that FETCH began is one of its own
            if text.1.starts_with("DECLARE") {
                add(&mut self.perhaps, text.1);
            }
        } else if let Some(text) = said.strip_prefix("LOG:  execute ").and_then(|t| t.split_once(": ")) {
            add(&mut self.begun, text.1);
            self.last = Some(text.1.to_owned());
        } else if let Some(text) = said.strip_prefix("STATEMENT:  ") {
            if self.last.as_deref() == Some(text) {
                self.failed += 1;
                for one in text.split(';').skip(1) {
                    *self.begun.get_mut(&key(one)).unwrap() -= 1;
                    add(&mut self.perhaps, one);
                }
            } else {
                self.unbegun += 1;
                text.split(';').for_each(|one| add(&mut self.perhaps, one));
                // the proxy's question for a COPY's columns, in the place of the COPY
                text.strip_prefix("SELECT").into_iter().for_each(|rest| add(&mut self.perhaps, &format!("COPY {rest}")));
            }
            self.last = None;
        }
    }
}

/// The conversations of the server's log by their seeds.
fn ran(log: &str) -> BTreeMap<u64, Ran> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in log.lines() {
        let head = line.split_once("] ").filter(|(head, _)| head.contains(" [") && line.starts_with(|c: char| c.is_ascii_digit()));
        match (head, entries.last_mut()) {
            (Some((head, said)), _) => entries.push((head.rsplit('[').next().unwrap().to_owned(), said.to_owned())),
            (None, Some(last)) => last.1.push_str(line.trim_start_matches('\t')),
            (None, None) => {}
        }
    }
    let (mut of, mut all) = (BTreeMap::<String, u64>::new(), BTreeMap::<u64, Ran>::new());
    for (process, said) in &entries {
        if let Some((_, seed)) = said.split_once(" AS conversation_") {
            of.insert(process.clone(), seed.parse().unwrap());
        }
        if let Some(seed) = of.get(process) {
            all.entry(*seed).or_default().says(said);
        }
    }
    all
}

/// What is wrong with a session's records.
fn unlike(ran: &Ran, records: &[Value]) -> Vec<String> {
    let of = |decisions: &[&str]| records.iter().filter(|r| decisions.contains(&r["decision"].as_str().unwrap())).collect::<Vec<_>>();
    let mut reached = Counts::new();
    of(&["allowed", "masked", "rewritten", "failed"]).iter().for_each(|r| add(&mut reached, r["statement"].as_str().unwrap()));
    let mut wrong = Vec::new();
    // of a portal whose transaction has failed the log has lost the text
    let textless = ran.begun.get("").copied().unwrap_or(0);
    for key in reached.keys().chain(ran.begun.keys()) {
        let count = |counts: &Counts| counts.get(key).copied().unwrap_or(0);
        let (least, most) = (count(&ran.begun), count(&ran.begun) + count(&ran.perhaps) + textless);
        if !(least..=most).contains(&count(&reached)) && !key.is_empty() {
            wrong.push(format!("'{key}': the server ran {least}-{most}, {} records", count(&reached)));
        }
    }
    let failed = of(&["failed"]).len();
    if !(ran.failed..=ran.failed + ran.unbegun).contains(&failed) {
        wrong.push(format!("{} to {} failed, {failed} records", ran.failed, ran.failed + ran.unbegun));
    }
    let stopped = records.iter().filter_map(|r| r["reason"].as_str()).filter(|r| r.starts_with("witness") || matches!(*r, "protocol"));
    wrong.extend(stopped.map(|why| format!("stopped: {why}")));
    wrong
}

#[test]
fn generated_conversations_are_veiled_and_recorded() {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), POLICY).unwrap();
    let mut lab = Lab::guarded(path.path(), SETUP, CANARIES, &["boss"], "").unwrap();
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let (first, count, told) = (asked_for("SEED", 1), asked_for("GENERATED", CONVERSATIONS), std::env::var_os("TOLD").is_some());
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for seed in first..first + count {
        let (awaits, said) = conversation(seed);
        if told {
            println!("{seed} {awaits}\n  {}", said.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>().join("\n  "));
        }
        let mut run = |user: &str| {
            server.query("TRUNCATE public.noted").unwrap();
            let mut client = Client::connect(lab.port, user, "postgres").unwrap();
            converse(&mut client, awaits, &said)
        };
        let governed = run("clerk");
        let leaks = lab.leaks();
        if !leaks.is_empty() {
            wrong.push(format!("SEED={seed}: {leaks:?}"));
        }
        match &governed {
            Ok(heard) => {
                // a string that holds a refused statement is refused whole, in PostgreSQL's words too
                let strings = said.iter().any(|s| matches!(s, Say::Q(text) if text.contains(';')));
                let refused = |m: &Message| m.tag == b'E' && (strings || m.field(b'M').unwrap().starts_with("pgscrim: "));
                if !heard.iter().any(refused) {
                    compared += 1;
                    let (want, got) = (run("boss").map(|h| shape(&h)).unwrap_or_else(|e| e), shape(heard));
                    if want != got {
                        wrong.push(format!("SEED={seed}:\n  free     {want}\n  governed {got}"));
                    }
                }
                if told {
                    println!("  {}", shape(heard));
                }
            }
            Err(error) => wrong.push(format!("SEED={seed}: {error}")),
        }
    }
    let log = String::from_utf8_lossy(&std::fs::read(lab.cluster.folder().join("server.log")).unwrap()).into_owned();
    if told {
        println!("{log}");
    }
    let (ran, audit) = (ran(&log), lab.audit().unwrap());
    let records: Vec<Value> = audit.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let begins = |r: &Value| Some((r["statement"].as_str()?.split_once(" AS conversation_")?.1.parse::<u64>().ok()?, r["session"].clone()));
    for (seed, session) in records.iter().filter(|r| r["user"] == "clerk").filter_map(begins) {
        let own: Vec<Value> = records.iter().filter(|r| r["kind"] == "statement" && r["session"] == session).cloned().collect();
        let unlike = ran.get(&seed).map_or_else(|| vec!["nothing in the log".to_owned()], |ran| unlike(ran, &own));
        if told {
            own.iter().for_each(|r| println!("  {seed} {} {} {}", r["decision"], r["rows"], r["statement"]));
        }
        if !unlike.is_empty() {
            wrong.push(format!("SEED={seed}: records:\n  {}", unlike.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} are wrong ({compared} were compared)\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 0 || count < 20, "nothing was compared");
}
