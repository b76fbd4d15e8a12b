//! The proxy as it is configured: log-ins that cannot work are said at the start, and those that fail are in the audit.

use pgscrim::config::Config;
use pgscrim::server::run::Proxy;

use super::pki;
use super::setting::{Server, psql, said};

const LOGINS: &str = "CREATE ROLE pgscrim LOGIN PASSWORD 'reader'; GRANT SELECT ON pg_catalog.pg_authid TO pgscrim; \
    CREATE ROLE weak LOGIN PASSWORD 'reader'; CREATE ROLE alice LOGIN PASSWORD 'sesame'; CREATE ROLE stranger LOGIN PASSWORD 'sesame'; \
    CREATE FUNCTION public.verifier(text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path TO pg_catalog \
        AS $$ SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1 $$";
const HBA: &str = "host all all 127.0.0.1/32 scram-sha-256";

/// A folder with certificate, policy and passwords.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = pki::self_signed();
        let policy = "version: 1\nroles: { all: { members: [alice], unrestricted: true } }\ndefaults: { role: null }\n";
        for (name, text) in [
            ("server.crt", pair.certificate.as_str()),
            ("server.key", &pair.key),
            ("password", "reader\n"),
            ("wrong", "open\n"),
            ("policy.yaml", policy),
            ("plain.txt", "\"alice\" \"sesame\"\n"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn config(&self, server: &Server, upstream: &str, tls: &str, auth: &str, catalog: &str) -> Result<Config, String> {
        let port = server.port;
        // The log of one that is just ending is still locked.
        let audit = format!("audit-{}.jsonl", std::fs::read_dir(self.0.path()).unwrap().count());
        let text = format!(
            "listen: 127.0.0.1:0\nupstream: {{ host: 127.0.0.1, port: {port}, tls: {upstream} }}\npolicies: policy.yaml\n\
             tls: {{ cert: server.crt, key: server.key{tls} }}\nauth: {{ {auth} }}\ncatalog: {{ {catalog} }}\n\
             admin: {{ listen: off }}\naudit: {{ file: {audit}, durability: each }}\nthreads: 1\n"
        );
        let name = self.0.path().join("pgscrim.yaml").display().to_string();
        Config::parse(&name, &text, []).map(|(config, _)| config).map_err(|d| d.to_string())
    }
}

fn started(config: Result<Config, String>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = config?;
    runtime.block_on(async { Proxy::start(config).await.map(drop).map_err(|e| e.to_string()) })
}

#[test]
fn what_cannot_work_stops_the_start() {
    let (server, folder) = (Server::start(HBA, "-c ssl=on", LOGINS), Folder::new());
    let (good, weak) = ("user: pgscrim, password_file: password", "user: weak, password_file: password");
    let required = ", required: true";
    let query = "method: scram, auth_query: 'SELECT public.verifier($1)'";
    for (upstream, tls, auth, catalog, want) in [
        ("require", required, "method: passthrough", good, Some("'auth.method: passthrough' cannot work where both sides need TLS")),
        ("require", "", "method: passthrough", good, None),
        ("prefer", required, "method: passthrough", good, None),
        ("require", required, "method: passthrough, allow_trust: true", good, None),
        ("require", required, "method: auto", good, None),
        ("require", required, "method: auto", weak, Some("both sides need TLS, so 'auth.method: auto' needs verifiers")),
        ("require", "", "method: auto", weak, None),
        ("disable", required, "method: auto", weak, None),
        ("require", "", "method: scram", good, None),
        ("disable", "", "method: scram", weak, Some("'auth.method: scram' needs verifiers: the catalog login may not read")),
        ("disable", "", query, weak, None),
        ("disable", "", "method: scram, auth_query: 'SELECT public.nothing($1)'", weak, Some("'auth.auth_query' fails (SQLSTATE 42883)")),
        ("disable", "", "method: scram", "user: pgscrim, password_file: wrong", Some("'auth.method: scram' needs verifiers")),
        ("disable", "", "method: scram, verifiers: plain.txt", weak, Some("line 1 holds no SCRAM-SHA-256 verifier")),
        ("disable", "", "method: scram, verifiers: nothing.txt", weak, Some("nothing.txt' cannot be read")),
        ("disable", "", "method: scram, verifiers: plain.txt, auth_query: x", weak, Some("two places for the same")),
        ("disable", "", "method: passthrough, verifiers: plain.txt", weak, Some("reads no verifiers")),
    ] {
        let found = started(folder.config(&server, upstream, tls, auth, catalog));
        let fits = match (&found, want) {
            (Ok(()), None) => true,
            (Err(text), Some(want)) => text.contains(want) && !text.contains("sesame"),
            _ => false,
        };
        assert!(fits, "{upstream} {tls} {auth} {catalog}: {found:?}");
    }
}

#[test]
fn failed_log_ins_are_in_the_audit() {
    let (server, folder) = (Server::start(HBA, "-c ssl=on", LOGINS), Folder::new());
    let catalog = "user: pgscrim, password_file: password";
    let config = folder.config(&server, "require", ", required: true", "method: auto", catalog).unwrap();
    let log = config.audit.file.clone();
    let (told, port) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let proxy = Proxy::start(config).await.unwrap();
            told.send(proxy.addresses()[0].rsplit_once(':').unwrap().1.to_owned()).unwrap();
            proxy.run(async { drop(stopped.await) }).await;
        });
    });
    let port = port.recv().unwrap();
    let ask = |user: &str, mode: &str, password: &str| {
        let connection = format!("host=127.0.0.1 port={port} user={user} dbname=postgres sslmode={mode}");
        said(&psql(&connection, password, "SELECT session_user"))
    };
    assert_eq!(ask("alice", "require", "sesame"), Ok("alice".to_owned()));
    assert!(ask("alice", "require", "open").is_err());
    assert!(ask("nobody", "require", "open").is_err());
    assert!(ask("alice", "disable", "sesame").is_err());
    let stranger = ask("stranger", "require", "sesame").unwrap_err();
    assert!(stranger.contains("pgscrim: login \"stranger\" has no role"), "{stranger}");
    assert!(ask("stranger", "require", "open").unwrap_err().contains("password authentication failed"));
    drop(stop);
    thread.join().unwrap();
    let audit = std::fs::read_to_string(&log).unwrap();
    assert!(!audit.contains("sesame") && !audit.contains("SCRAM-SHA-256$"));
    let records: Vec<serde_json::Value> = audit.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let failed = records.iter().filter(|r| r["kind"] == "auth_failed");
    let seen: Vec<String> = failed.map(|r| [&r["user"], &r["sqlstate"], &r["reason"]].map(|v| v.as_str().unwrap()).join(" ")).collect();
    let want =
        ["alice 28P01 password", "nobody 28P01 password", "alice 28000 tlsrequired", "stranger 28000 admission", "stranger 28P01 password"];
    assert_eq!(seen, want);
    assert_eq!(records.iter().filter(|r| r["kind"] == "connect").count(), 1);
}
