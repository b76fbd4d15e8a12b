//! The second way: the proxy checks the client with the server's verifier, and logs in with the key that it gains.

use std::sync::Arc;

use pgscrim::server::startup::{FailureReason, Method};
use pgscrim::server::verifiers::{Asker, NoVerifier, Verifiers};
use pgscrim::upstream::{TlsMode, VerifierError};

use super::pki;
use super::setting::{Background, Proxy, Server, Setup, psql, psql_with, said};

const LOGINS: &str = "SET password_encryption = 'scram-sha-256'; \
    CREATE ROLE alice LOGIN PASSWORD 'sesame'; CREATE ROLE trusted LOGIN PASSWORD 'sesame'; CREATE ROLE plain LOGIN PASSWORD 'sesame'; \
    CREATE ROLE bare LOGIN; CREATE ROLE nologin PASSWORD 'sesame'; CREATE ROLE full LOGIN PASSWORD 'sesame' CONNECTION LIMIT 0; \
    CREATE ROLE late LOGIN PASSWORD 'sesame' VALID UNTIL '2020-01-01'; CREATE ROLE still LOGIN PASSWORD 'sesame' VALID UNTIL '2999-01-01'; \
    CREATE ROLE \"O'Brien \"\"x\"\"\" LOGIN PASSWORD 'sesame'; \
    CREATE ROLE pgscrim LOGIN PASSWORD 'reader'; CREATE ROLE weak LOGIN PASSWORD 'reader'; \
    GRANT SELECT ON pg_catalog.pg_authid TO pgscrim; \
    CREATE SCHEMA proxy; GRANT USAGE ON SCHEMA proxy TO weak; \
    CREATE FUNCTION proxy.verifier(login text) RETURNS TABLE (login_name text, verifier text) LANGUAGE sql STABLE SECURITY DEFINER \
        SET search_path TO pg_catalog AS $$ SELECT rolname::text, rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1 $$; \
    REVOKE EXECUTE ON FUNCTION proxy.verifier FROM PUBLIC; GRANT EXECUTE ON FUNCTION proxy.verifier TO weak; \
    CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC; CREATE TABLE evil.pg_authid AS SELECT * FROM pg_catalog.pg_authid; \
    UPDATE evil.pg_authid SET rolpassword = (SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = 'weak') WHERE rolname = 'alice'; \
    GRANT SELECT ON evil.pg_authid TO PUBLIC; \
    SET password_encryption = 'md5'; CREATE ROLE hashed LOGIN PASSWORD 'sesame'";

const HBA: &str = "host all trusted 127.0.0.1/32 trust\n\
    host all plain 127.0.0.1/32 password\n\
    host all hashed 127.0.0.1/32 md5\n\
    hostnossl all still 127.0.0.1/32 scram-sha-256\n\
    hostssl all still 127.0.0.1/32 reject\n\
    host all all 127.0.0.1/32 scram-sha-256\n\
    local all all scram-sha-256";

const WHO: &str = "SELECT session_user";

fn server() -> Server {
    Server::start(HBA, "-c ssl=on", LOGINS)
}

fn asker(server: &Server, user: &str, query: Option<&str>) -> Asker {
    Asker {
        target: Arc::new(server.target(TlsMode::Prefer, None)),
        user: user.to_owned(),
        password: Some(pgscrim::base::Secret::new(b"reader".to_vec())),
        database: "postgres".to_owned(),
        query: query.map(str::to_owned),
    }
}

fn of_pg_authid(background: &Background, server: &Server) -> Arc<Verifiers> {
    let (verifiers, error) = background.verifiers(asker(server, "pgscrim", None));
    assert!(error.is_none(), "{error:?}");
    verifiers
}

fn proxy(server: &Server, mode: TlsMode, method: Method) -> Proxy {
    Proxy::start(Setup { method, tls: Some(pki::tls()), ..Setup::new(server.target(mode, None)) })
}

#[test]
fn libpq_logs_in_with_tls_on_both_sides() {
    let (background, server) = (Background::start(), server());
    let verifiers = of_pg_authid(&background, &server);
    for method in [Method::Scram(verifiers.clone()), Method::Auto(Some(verifiers))] {
        let proxy = proxy(&server, TlsMode::Require, method);
        for more in ["sslmode=require", "sslmode=require channel_binding=require", "sslmode=require channel_binding=disable"] {
            assert_eq!(said(&psql(&proxy.tcp("alice", more), "sesame", WHO)), Ok("alice".to_owned()), "{more}");
            let tls = said(&psql(&proxy.tcp("alice", more), "sesame", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"));
            assert_eq!(tls, Ok("t".to_owned()));
        }
        let strange = proxy.tcp(r#"'O\'Brien "x"'"#, "sslmode=require");
        assert_eq!(said(&psql(&strange, "sesame", WHO)), Ok("O'Brien \"x\"".to_owned()));
    }
}

/// What a client hears must not tell who exists, who has expired, and who has another kind of password.
#[test]
fn every_wrong_login_hears_the_same() {
    let (background, server) = (Background::start(), server());
    let verifiers = of_pg_authid(&background, &server);
    let proxy = proxy(&server, TlsMode::Require, Method::Scram(verifiers));
    for (login, password) in [("alice", "open"), ("nobody", "sesame"), ("late", "sesame"), ("bare", "sesame"), ("hashed", "sesame")] {
        let answer = said(&psql(&proxy.tcp(login, "sslmode=require"), password, WHO)).unwrap_err();
        assert!(answer.ends_with(&format!("FATAL:  password authentication failed for user \"{login}\"")), "{answer}");
    }
    let seen = proxy.into_seen();
    assert!(seen.sessions.is_empty() && seen.failures.len() == 5, "{seen:?}");
    assert!(seen.failures.iter().all(|f| f.sqlstate == "28P01" && f.reason == FailureReason::Password));
}

#[test]
fn the_servers_own_refusals_pass() {
    let (background, server) = (Background::start(), server());
    let verifiers = of_pg_authid(&background, &server);
    let proxy = proxy(&server, TlsMode::Require, Method::Scram(verifiers));
    for (login, more, want) in [
        ("nologin", "", "role \"nologin\" is not permitted to log in"),
        ("full", "", "too many connections for role \"full\""),
        ("alice", "dbname=nowhere", "database \"nowhere\" does not exist"),
        ("trusted", "", "pgscrim: the server asked for no password, which would let anyone in from here: see auth.allow_trust"),
        ("plain", "", "pgscrim: the server asks for this login's password in another way than SCRAM-SHA-256: see auth.method"),
    ] {
        let answer = said(&psql(&format!("{} {more}", proxy.tcp(login, "sslmode=require")), "sesame", WHO)).unwrap_err();
        assert!(answer.ends_with(&format!("FATAL:  {want}")), "{answer}");
        let wrong = said(&psql(&format!("{} {more}", proxy.tcp(login, "sslmode=require")), "open", WHO)).unwrap_err();
        assert!(wrong.ends_with(&format!("password authentication failed for user \"{login}\"")), "{wrong}");
    }
}

#[test]
fn prefer_goes_on_without_tls_where_the_server_wants_none() {
    let (background, server) = (Background::start(), server());
    let verifiers = of_pg_authid(&background, &server);
    let proxy = proxy(&server, TlsMode::Prefer, Method::Scram(verifiers));
    let plain = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(said(&psql(&proxy.tcp("still", "sslmode=require"), "sesame", plain)), Ok("f".to_owned()));
    assert_eq!(said(&psql(&proxy.tcp("alice", "sslmode=require"), "sesame", plain)), Ok("t".to_owned()));
}

/// CVE-2025-12819 of PgBouncer: a `search_path` in the start-up packet reached its own query.
#[test]
fn a_clients_settings_do_not_reach_the_query() {
    let (background, server) = (Background::start(), server());
    server.sql("ALTER ROLE pgscrim SET search_path TO evil, pg_catalog");
    let verifiers = of_pg_authid(&background, &server);
    let proxy = proxy(&server, TlsMode::Require, Method::Scram(verifiers));
    let evil = [("PGOPTIONS", "-c search_path=evil,pg_catalog")];
    let connection = proxy.tcp("alice", "sslmode=require");
    assert_eq!(said(&psql_with(&connection, "sesame", "SHOW search_path", &evil)), Ok("evil,pg_catalog".to_owned()));
    assert!(said(&psql_with(&connection, "reader", WHO, &evil)).is_err());
}

#[test]
fn a_changed_password_holds_at_once_and_a_server_started_anew_is_asked_again() {
    let (background, server) = (Background::start(), server());
    let verifiers = of_pg_authid(&background, &server);
    let proxy = proxy(&server, TlsMode::Require, Method::Auto(Some(verifiers)));
    let ask = |password: &str| said(&psql(&proxy.tcp("alice", "sslmode=require"), password, WHO)).is_ok();
    assert!(ask("sesame"));
    server.sql("SET password_encryption = 'scram-sha-256'; ALTER ROLE alice PASSWORD 'open'");
    assert!(ask("open") && !ask("sesame"));
    server.restart();
    assert!(ask("open"));
}

#[test]
fn a_function_of_the_dba_gives_verifiers_and_what_is_wrong_is_said_at_the_start() {
    let (background, server) = (Background::start(), server());
    let query = "SELECT * FROM proxy.verifier($1)";
    let (verifiers, error) = background.verifiers(asker(&server, "weak", Some(query)));
    assert!(error.is_none(), "{error:?}");
    let proxy = proxy(&server, TlsMode::Require, Method::Scram(verifiers));
    assert_eq!(said(&psql(&proxy.tcp("alice", "sslmode=require"), "sesame", WHO)), Ok("alice".to_owned()));
    // The function forgets VALID UNTIL, as PgBouncer's query did; the server does not.
    let late = said(&psql(&proxy.tcp("late", "sslmode=require"), "sesame", WHO)).unwrap_err();
    assert!(late.ends_with("password authentication failed for user \"late\""), "{late}");
    let wrong = |user: &str, query: Option<&str>| match background.verifiers(asker(&server, user, query)).1 {
        Some(NoVerifier::Read(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(wrong("weak", None), VerifierError::Denied(_)));
    assert!(matches!(wrong("pgscrim", Some(query)), VerifierError::Denied(_)));
    assert!(matches!(wrong("weak", Some("SELECT 1")), VerifierError::Shape));
    assert!(matches!(wrong("weak", Some("SELECT $1, $1, $1")), VerifierError::Shape));
    assert!(matches!(wrong("weak", Some("SELECT length($1)")), VerifierError::Shape));
    assert!(matches!(wrong("weak", Some("SELECT verifier FROM verifier($1)")), VerifierError::Query(_)));
    assert!(matches!(wrong("weak", Some("SELECT $1; SELECT $1")), VerifierError::Query(_)));
    assert!(matches!(wrong("weak", Some("SELECT $1::text FROM generate_series(1, 2)")), VerifierError::Ambiguous));
    assert!(matches!(wrong("nobody", None), VerifierError::Connection(_)));
}

/// What the manual tells a DBA to run does what it says.
#[test]
fn the_manuals_function_works() {
    let (background, server) = (Background::start(), Server::start(HBA, "-c ssl=on", LOGINS));
    let manual = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md")).unwrap();
    let block = |kind: &str| manual.split_once(&format!("```{kind}\n")).unwrap().1.split_once("```").unwrap().0.to_owned();
    let query = block("yaml").split('"').nth(1).unwrap().to_owned();
    server.sql(&format!("REVOKE ALL ON pg_catalog.pg_authid FROM pgscrim; {}", block("sql")));
    let (verifiers, error) = background.verifiers(asker(&server, "pgscrim", Some(&query)));
    assert!(error.is_none(), "{error:?}");
    let proxy = proxy(&server, TlsMode::Require, Method::Auto(Some(verifiers)));
    assert_eq!(said(&psql(&proxy.tcp("alice", "sslmode=require"), "sesame", WHO)), Ok("alice".to_owned()));
    for login in ["late", "postgres"] {
        assert!(said(&psql(&proxy.tcp(login, "sslmode=require"), "sesame", WHO)).is_err());
    }
}

#[test]
fn a_file_gives_verifiers_and_an_old_one_lets_nobody_in() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("userlist.txt");
    let line =
        |login: &str| format!("\"{login}\" \"{}\"\n", server.sql(&format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{login}'")));
    std::fs::write(&file, line("alice")).unwrap();
    let verifiers = Arc::new(Verifiers::file(file.clone(), [7; 32]).unwrap());
    let proxy = proxy(&server, TlsMode::Require, Method::Scram(verifiers.clone()));
    let ask = |login: &str, password: &str| said(&psql(&proxy.tcp(login, "sslmode=require"), password, WHO)).is_ok();
    assert!(ask("alice", "sesame") && !ask("alice", "open") && !ask("pgscrim", "reader"));
    std::fs::write(&file, line("alice") + "\"x\" \"sesame\"").unwrap();
    assert!(matches!(verifiers.reload(), Err(NoVerifier::File(_))));
    std::fs::write(&file, line("pgscrim")).unwrap();
    verifiers.reload().unwrap();
    assert!(!ask("alice", "sesame") && ask("pgscrim", "reader"));
    server.sql("SET password_encryption = 'scram-sha-256'; ALTER ROLE pgscrim PASSWORD 'open'");
    assert!(!ask("pgscrim", "reader") && !ask("pgscrim", "open"));
    let details: Vec<String> = proxy.into_seen().failures.into_iter().map(|f| f.detail).collect();
    assert_eq!(details[details.len() - 2], "the server holds another verifier for this login than the proxy was given");
}

#[test]
fn a_login_without_a_role_hears_so_after_its_password_was_right() {
    let (background, server) = (Background::start(), server());
    let method = Method::Scram(of_pg_authid(&background, &server));
    let rules = super::setting::Rules { strangers: vec!["alice"], governed: vec![] };
    let proxy = Proxy::start(Setup { method, rules, ..Setup::new(server.target(TlsMode::Require, None)) });
    let right = said(&psql(&proxy.tcp("alice", ""), "sesame", WHO)).unwrap_err();
    assert!(right.ends_with("FATAL:  pgscrim: login 'alice' has no role"), "{right}");
    let wrong = said(&psql(&proxy.tcp("alice", ""), "open", WHO)).unwrap_err();
    assert!(wrong.ends_with("password authentication failed for user \"alice\""), "{wrong}");
}
