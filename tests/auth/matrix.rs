//! Client × both legs × the server's method × `auth.method`, by clients that people use. What comes of it is the table in
//! `docs/authentication.md`: with `PGSCRIM_BLESS=1` it is written, else it must be true. psql is always there; the others are taken from
//! where the clients' test has installed them (`target/clients`, or the folder that `PGSCRIM_CLIENTS` names), and without them their part is
//! not looked at.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use pgscrim::server::startup::Method;
use pgscrim::server::verifiers::Asker;
use pgscrim::upstream::TlsMode;

use super::pki;
use super::setting::{Background, Proxy, Server, Setup, psql, said};

const LOGINS: &str = "SET password_encryption = 'scram-sha-256'; CREATE ROLE scram LOGIN PASSWORD 'sesame'; \
    CREATE ROLE password LOGIN PASSWORD 'sesame'; CREATE ROLE trust LOGIN PASSWORD 'sesame'; \
    CREATE ROLE pgscrim LOGIN; GRANT SELECT ON pg_catalog.pg_authid TO pgscrim; \
    SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN PASSWORD 'sesame'";

const HBA: &str = "host all trust,pgscrim 127.0.0.1/32 trust\nhost all md5 127.0.0.1/32 md5\n\
    host all password 127.0.0.1/32 password\nhost all all 127.0.0.1/32 scram-sha-256";

/// What a server can ask for: the name of the login, too.
const ASKED: [&str; 4] = ["trust", "password", "md5", "scram"];
const METHODS: [&str; 3] = ["passthrough", "scram", "auto"];
const LEGS: [&str; 2] = ["plain", "TLS"];
const CLIENTS: [&str; 4] = ["psql", "psycopg", "asyncpg", "node"];

const PYTHON: &str = r"
import asyncio, json, ssl, sys
which, tasks = sys.argv[1], json.load(sys.stdin)
def by_psycopg(port, user, tls):
    import psycopg
    with psycopg.connect(host='127.0.0.1', port=port, user=user, password='sesame', dbname='postgres', connect_timeout=30,
                         max_protocol_version='3.2', **(dict(sslmode='require', sslnegotiation='direct') if tls else dict(sslmode='disable'))) as c:
        return c.execute('SELECT session_user').fetchone()[0]
def by_asyncpg(port, user, tls):
    import asyncpg
    async def go():
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        c = await asyncpg.connect(host='127.0.0.1', port=port, user=user, password='sesame', database='postgres', timeout=30,
                                  ssl=context if tls else False)
        try: return await c.fetchval('SELECT session_user')
        finally: await c.close()
    return asyncio.run(go())
out = []
for port, user, tls in tasks:
    try: out.append(dict(psycopg=by_psycopg, asyncpg=by_asyncpg)[which](port, user, tls) == user)
    except Exception as e: out.append(str(e))
print(json.dumps(out))
";

const NODE: &str = r"
const { Client } = require('pg');
(async () => {
  const tasks = JSON.parse(require('fs').readFileSync(0)), out = [];
  for (const [port, user, tls] of tasks) {
    const c = new Client({ host: '127.0.0.1', port, user, password: 'sesame', database: 'postgres', connectionTimeoutMillis: 30000,
                           ssl: tls ? { rejectUnauthorized: false } : false });
    try { await c.connect(); out.push((await c.query('SELECT session_user AS u')).rows[0].u === user); await c.end(); }
    catch (e) { out.push(String(e.message)); try { await c.end(); } catch (_) {} }
  }
  console.log(JSON.stringify(out));
})();
";

type Task = (u16, &'static str, bool);

fn run(mut command: Command, tasks: &[Task]) -> Vec<Result<(), String>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(serde_json::to_string(tasks).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let results: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    results.into_iter().map(|r| if r == true { Ok(()) } else { Err(r.to_string()) }).collect()
}

/// What came of each task; `None` where the client is not there.
fn results(client: &str, folder: &Path, tasks: &[Task]) -> Option<Vec<Result<(), String>>> {
    let there = |file: &str| Some(folder.join(file)).filter(|f| f.exists());
    let mut command = match client {
        "psql" => {
            let one = |(port, user, tls): &Task| {
                let mode = if *tls { "require" } else { "disable" };
                let connection = format!("host=127.0.0.1 port={port} user={user} dbname=postgres sslmode={mode}");
                said(&psql(&connection, "sesame", "SELECT session_user")).map(drop)
            };
            return Some(tasks.iter().map(one).collect());
        }
        "node" => {
            let mut node = Command::new("node");
            let package = there("node/node_modules/pg")?;
            node.args(["-e", NODE]).current_dir(package.parent()?.parent()?);
            node
        }
        python => {
            let mut command = Command::new(there("venv/bin/python")?);
            command.args(["-c", PYTHON, python]);
            command
        }
    };
    command.env_remove("PGSSLMODE");
    Some(run(command, tasks))
}

/// What a client that is not let in may be told: never a riddle.
const REASONS: [&str; 3] = [
    "in another way than SCRAM-SHA-256: see auth.method",
    "cannot be relayed where both sides use TLS: see auth.method",
    // A login without a SCRAM verifier, where the proxy checks: told apart in its log only.
    "password authentication failed for user \"md5\"",
];

fn is_clear(error: &str) -> bool {
    let error = error.replace('\\', "");
    REASONS.iter().any(|reason| error.contains(reason))
}

/// A cell: which clients get in.
fn cell(passed: &[&str]) -> String {
    match passed.len() {
        0 => "no".to_owned(),
        n if n == CLIENTS.len() => "yes".to_owned(),
        _ => passed.join(", "),
    }
}

fn passes(cell: &str, client: &str) -> bool {
    cell == "yes" || cell.split(", ").any(|c| c == client)
}

fn clients() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    std::env::var_os("PGSCRIM_CLIENTS").map_or_else(|| target.join("clients"), PathBuf::from)
}

#[test]
fn the_table_of_the_manual_is_true() {
    let server = Server::start(HBA, "-c ssl=on", LOGINS);
    let background = Background::start();
    let target = Arc::new(server.target(TlsMode::Disable, None));
    let asker = Asker { target, user: "pgscrim".to_owned(), password: None, database: "postgres".to_owned(), query: None };
    let folder = clients();
    // PostgreSQL trusts the catalog login here, which the driver takes; `auth.allow_trust` is about clients.
    let (verifiers, error) = background.verifiers(asker);
    assert!(error.is_none(), "{error:?}");
    let (mut rows, mut tasks, mut proxies) = (Vec::new(), Vec::<Task>::new(), Vec::new());
    for name in METHODS {
        for upstream in LEGS {
            let method = match name {
                "passthrough" => Method::Passthrough,
                "scram" => Method::Scram(verifiers.clone()),
                _ => Method::Auto(Some(verifiers.clone())),
            };
            let mode = if upstream == "TLS" { TlsMode::Require } else { TlsMode::Disable };
            let proxy = Proxy::start(Setup { method, tls: Some(pki::tls()), allow_trust: true, ..Setup::new(server.target(mode, None)) });
            for leg in LEGS {
                rows.push((name, leg, upstream));
                tasks.extend(ASKED.map(|login| (proxy.port, login, leg == "TLS")));
            }
            proxies.push(proxy);
        }
    }
    let found: Vec<_> = CLIENTS.iter().filter_map(|c| results(c, &folder, &tasks).map(|r| (*c, r))).collect();
    for (client, results) in &found {
        for (task, error) in tasks.iter().zip(results).filter_map(|(t, r)| r.as_ref().err().map(|e| (t, e))) {
            assert!(is_clear(error), "{client} {task:?}: {error}");
        }
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/authentication.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let head = "| `auth.method` | client | server | trust | password | md5 | SCRAM-SHA-256 |\n|---|---|---|---|---|---|---|\n";
    let (before, rest) = text.split_once(head).expect("the table's head");
    let end = rest.find("\n\n").unwrap_or(rest.len() - 1) + 1;
    if std::env::var_os("PGSCRIM_BLESS").is_some() {
        assert_eq!(found.len(), CLIENTS.len(), "all clients are needed to make the table");
        let row = |(n, (method, leg, upstream)): (usize, &(&str, &str, &str))| {
            let cells = (0..ASKED.len()).map(|m| {
                let passed: Vec<&str> = found.iter().filter(|(_, r)| r[n * ASKED.len() + m].is_ok()).map(|(c, _)| *c).collect();
                cell(&passed)
            });
            format!("| `{method}` | {leg} | {upstream} | {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let table: String = rows.iter().enumerate().map(row).collect();
        std::fs::write(&page, format!("{before}{head}{table}{}", &rest[end..])).unwrap();
        return;
    }
    let written: Vec<Vec<&str>> = rest[..end].lines().map(|l| l.trim_matches('|').split('|').map(str::trim).collect()).collect();
    assert_eq!(written.len(), rows.len());
    for (n, (row, (method, leg, upstream))) in written.iter().zip(&rows).enumerate() {
        assert_eq!(row[..3], [format!("`{method}`").as_str(), leg, upstream]);
        for (m, cell) in row[3..].iter().enumerate() {
            for (client, results) in &found {
                let result = &results[n * ASKED.len() + m];
                assert_eq!(passes(cell, client), result.is_ok(), "{row:?}, {}, {client}: {result:?}", ASKED[m]);
            }
        }
    }
}
