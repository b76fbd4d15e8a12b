//! The table client × feature of `docs/clients.md`: made here, and compared with the one that stands there. `PGSCRIM_CLIENTS=a,b`
//! runs these clients alone and compares nothing with the page; `PGSCRIM_WRITE=1` writes the page.

#![allow(clippy::disallowed_methods, reason = "a test reads files and the environment")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails should stop where it fails")]

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use clients::answers::{Answers, parting, read};
use clients::logged;
use clients::servers::{Servers, file};

/// Runs that go on at the same time; each client has a database of its own.
const WORKERS: usize = 2;

/// A client: its name in the table, and its program with arguments.
struct Client {
    name: &'static str,
    program: &'static [&'static str],
}

const CLIENTS: &[Client] = &[
    Client { name: "psql", program: &["python", "psql.py"] },
    Client { name: "pg_dump", program: &["python", "tools.py", "pg_dump"] },
    Client { name: "pgbench", program: &["python", "tools.py", "pgbench"] },
    Client { name: "psycopg 3", program: &["python", "psycopg3.py", "text"] },
    Client { name: "psycopg 3, binary", program: &["python", "psycopg3.py", "binary"] },
    Client { name: "psycopg2", program: &["python", "psycopg2_.py", "-"] },
    Client { name: "asyncpg", program: &["python", "asyncpg_.py", "-"] },
    Client { name: "pg8000", program: &["python", "pg8000_.py", "-"] },
    Client { name: "SQLAlchemy", program: &["python", "orms.py", "sqlalchemy"] },
    Client { name: "Django", program: &["python", "orms.py", "django"] },
    Client { name: "node-postgres", program: &["node", "pg.mjs"] },
    Client { name: "postgres.js", program: &["node", "postgresjs.mjs"] },
    Client { name: "JDBC", program: &["java", "extended"] },
    Client { name: "JDBC, simple", program: &["java", "simple"] },
    Client { name: "tokio-postgres", program: &[env!("CARGO_BIN_EXE_client-tokio-postgres")] },
    Client { name: "sqlx", program: &[env!("CARGO_BIN_EXE_client-sqlx")] },
];

fn target() -> PathBuf {
    let own = || file("../../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(own, PathBuf::from).join("clients")
}

fn command(program: &[&str]) -> Command {
    let target = target();
    let programs = file("programs");
    match program {
        ["python", script, rest @ ..] => {
            let mut command = Command::new(target.join("venv/bin/python"));
            command.arg(programs.join(script)).args(rest).env("PYTHONPATH", &programs).env("PYTHONDONTWRITEBYTECODE", "1");
            command
        }
        ["node", script, rest @ ..] => {
            let mut command = Command::new("timeout");
            command
                .args(["300", "node"])
                .arg("--no-deprecation")
                .arg(programs.join(script))
                .args(rest)
                .env("NODE_FOLDER", target.join("node"));
            command
        }
        ["java", rest @ ..] => {
            let mut command = Command::new("java");
            command.arg("-cp").arg(format!("/usr/share/java/postgresql.jar:{}", target.join("java").display()));
            command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "Jdbc"]).args(rest);
            command
        }
        [binary, rest @ ..] => {
            let mut command = Command::new(binary);
            command.args(rest);
            command
        }
        [] => panic!("no program"),
    }
}

/// One run of a client, with what it said.
fn ask(client: &Client, [port, direct]: [u16; 2], user: &str, database: &str, bin: &Path) -> Answers {
    let mut command = command(client.program);
    if let Ok(only) = std::env::var("PGSCRIM_CHECKS") {
        command.args(only.split(','));
    }
    for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("PG") && !n.starts_with("PGSCRIM_")) {
        command.env_remove(name);
    }
    command.env("CLIENT_PORT", port.to_string()).env("CLIENT_USER", user).env("CLIENT_DATABASE", database).env("CLIENT_PASSWORD", "sesame");
    // What waits for the server to sleep asks the server itself.
    command.env("CLIENT_DIRECT", direct.to_string()).env("CLIENT_ASLEEP", file("programs/asleep"));
    command.env("CLIENT_BIN", bin).env("CLIENT_CHECKS", file("checks.txt")).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    let out = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    let mut answers = read(&said).unwrap_or_else(|e| panic!("{} as {user}: {e}: {said:.2000}", client.name));
    if !out.status.success() {
        // The login's check stands for the client that came to no end.
        answers.insert("login".to_owned(), vec![format!("BROKE {} after {}", out.status, answers.len())]);
    }
    answers
}

/// Where psql and its like are: with the server, or, where that came without them, in the search path.
fn tools(bin: &Path) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path));
    folders.find(|folder| folder.join("psql").exists()).expect("no psql, neither with the server nor in PATH")
}

/// For each check, whether a client's answers are right, with what is wrong.
type Found = BTreeMap<String, Option<String>>;

/// What a client's answers come to, and how long the server's log was before the unrestricted login came through the proxy.
fn judge(client: &Client, servers: &Servers, database: &str) -> (Found, usize) {
    let bin = tools(servers.real.bin());
    let go = |ports, user| ask(client, ports, user, database, &bin);
    let (veil, real) = (servers.veil.port(), servers.real.port());
    let (veil, real, proxy) = ([veil, veil], [real, real], [servers.proxy, real]);
    let (veiled, governed) = (go(veil, "governed"), go(proxy, "governed"));
    let plain = go(real, "unrestricted");
    let before = servers.log().unwrap().len();
    let unrestricted = go(proxy, "unrestricted");
    let allowed = go(proxy, "allowed");
    let mut found = Found::new();
    for (login, want, got) in [("governed", &veiled, &governed), ("unrestricted", &plain, &unrestricted), ("allowed", &plain, &allowed)] {
        for (check, want) in want {
            let place = found.entry(check.clone()).or_default();
            let nothing = Vec::new();
            let said = got.get(check).unwrap_or(&nothing);
            // A client that breaks at a plain server says nothing about the proxy.
            let broke = want.iter().find(|w| w.starts_with("BROKE")).map(|w| (0, w.as_str(), "the plain server broke it"));
            if let Some((step, want, got)) = broke.or_else(|| parting(want, said, login != "unrestricted")) {
                let at = want.bytes().zip(got.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(60);
                let cut = |s: &str| s.chars().skip(s.char_indices().take_while(|(i, _)| *i < at).count()).take(400).collect::<String>();
                let _ = write!(
                    place.get_or_insert_default(),
                    "\n  {check}, step {step}, as {login}\n    direct:  {}\n    through: {}",
                    cut(want),
                    cut(got)
                );
            }
        }
    }
    (found, before)
}

/// Whether each statement that the server ran for a client has its record, and no more; with what is wrong.
fn records(audit: &str, log: &[u8], before: usize, database: &str) -> Option<String> {
    let mut wrong = String::new();
    for (user, from) in [("governed", 0), ("allowed", 0), ("unrestricted", before)] {
        let log = String::from_utf8_lossy(&log[from..]);
        let (ran, recorded) = (logged::ran(&log, database, user), logged::recorded(audit, database, user).unwrap());
        assert!(!ran.is_empty(), "the server's log knows of no session of {user} in {database}");
        if let Some(parting) = logged::parting(&ran, &recorded) {
            let _ = write!(wrong, "\n  as {user}, {parting}");
        }
    }
    (!wrong.is_empty()).then_some(wrong)
}

/// The titles of the checks, in order.
fn titles() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file("checks.txt")).unwrap();
    let heads = text.lines().filter_map(|l| l.strip_prefix("= ")?.split_once(": "));
    let own = [("records".to_owned(), "One audit record a statement, by the server's log".to_owned())];
    heads.map(|(name, title)| (name.to_owned(), title.to_owned())).chain(own).collect()
}

fn page(results: &[(&Client, Found)]) -> String {
    let mut page = "# Clients\n\nMade by `cargo test -p clients`; do not edit. Each client, unmodified, is asked the same things three times: as a governed \
        login, compared with a plain server that holds a veil made by hand; as a governed login that is allowed everything, and as \
        an unrestricted one, both compared with the plain server. `✓`: equal answers in all three. `✗`: not. Empty: the client has no \
        such thing.\n\n".to_owned();
    let mut lines = vec![String::from("| |"), String::from("|---|")];
    for (client, _) in results {
        let _ = write!(lines[0], " {} |", client.name);
        lines[1].push_str(":-:|");
    }
    for (check, title) in titles() {
        let mut line = format!("| {title} |");
        for (_, found) in results {
            let cell = found.get(&check).map_or("", |wrong| if wrong.is_none() { "✓" } else { "✗" });
            let _ = write!(line, " {cell} |");
        }
        lines.push(line);
    }
    page.push_str(&lines.join("\n"));
    page + "\n"
}

#[test]
fn every_client_gets_the_servers_own_answers() {
    let prepared = Command::new(file("prepare")).status().unwrap();
    assert!(prepared.success(), "the clients could not be installed");
    let only = std::env::var("PGSCRIM_CLIENTS").ok();
    let wanted: Vec<&Client> = CLIENTS.iter().filter(|c| only.as_ref().is_none_or(|o| o.split(',').any(|n| n == c.name))).collect();
    let mut servers = Servers::start(wanted.len()).unwrap();
    let queue: Mutex<VecDeque<usize>> = Mutex::new((0..wanted.len()).collect());
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            let (queue, done, wanted, servers) = (&queue, &done, &wanted, &servers);
            scope.spawn(move || {
                while let Some(next) = { queue.lock().unwrap().pop_front() } {
                    let (found, before) = judge(wanted[next], servers, &format!("client{next}"));
                    let wrong: String = found.values().flatten().map(String::as_str).collect();
                    let right = found.values().filter(|w| w.is_none()).count();
                    println!("{}: {right} of {} right{wrong}", wanted[next].name, found.len());
                    done.lock().unwrap().insert(next, (found, before));
                }
            });
        }
    });
    let mut done: BTreeMap<usize, (Found, usize)> = done.into_inner().unwrap();
    let (audit, log) = (servers.audit().unwrap(), servers.log().unwrap());
    let audit = logged::by_database(&audit);
    for (next, (found, before)) in &mut done {
        let database = format!("client{next}");
        let wrong = records(audit.get(&*database).map_or("", String::as_str), &log, *before, &database);
        if let Some(wrong) = &wrong {
            println!("{}: records{wrong}", wanted[*next].name);
        }
        found.insert("records".to_owned(), wrong);
    }
    let results: Vec<_> = wanted.iter().copied().zip(done.into_values().map(|(found, _)| found)).collect();
    if only.is_some() {
        return;
    }
    let (page, stands) = (page(&results), file("../../docs/clients.md"));
    if std::env::var_os("PGSCRIM_WRITE").is_some() {
        std::fs::write(&stands, &page).unwrap();
    }
    let standing = std::fs::read_to_string(&stands).unwrap_or_default();
    assert!(page == standing, "docs/clients.md says otherwise: PGSCRIM_WRITE=1 writes it\n{page}");
}
