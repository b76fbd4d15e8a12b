//! Log-ins by relay, without TLS.

use pgscrim::server::startup::FailureReason;
use pgscrim::upstream::{TlsMode, UpstreamTls};

use super::setting::{Proxy, Rules, Server, Setup, psql, psql_with, said};

const LOGINS: &str = "SET password_encryption = 'scram-sha-256'; \
    CREATE ROLE scram LOGIN PASSWORD 'sesame'; CREATE ROLE plain LOGIN PASSWORD 'sesame'; CREATE ROLE trusted LOGIN; \
    CREATE ROLE latin LOGIN PASSWORD 'sesame'; ALTER ROLE latin SET client_encoding = 'LATIN1'; \
    CREATE ROLE slashes LOGIN PASSWORD 'sesame'; ALTER ROLE slashes SET standard_conforming_strings = off; \
    CREATE ROLE nologin PASSWORD 'sesame'; CREATE ROLE late LOGIN PASSWORD 'sesame' VALID UNTIL '2020-01-01'; \
    SET password_encryption = 'md5'; CREATE ROLE hashed LOGIN PASSWORD 'sesame'";

const HBA: &str = "host all trusted 127.0.0.1/32 trust\n\
    host all hashed 127.0.0.1/32 md5\n\
    host all plain 127.0.0.1/32 password\n\
    host all all 127.0.0.1/32 scram-sha-256\n\
    local all all scram-sha-256";

const WHO: &str = "SELECT session_user";

fn server() -> Server {
    Server::start(HBA, "", LOGINS)
}

#[test]
fn every_method_passes_over_tcp_and_unix_sockets() {
    let server = server();
    let over_tcp = server.target(TlsMode::Prefer, None);
    let mut over_unix = over_tcp.clone();
    over_unix.host = server.socket_folder().to_str().unwrap().to_owned();
    for target in [over_tcp, over_unix] {
        let logins: &[&str] = if target.is_unix() { &["scram", "plain"] } else { &["scram", "hashed", "plain"] };
        let proxy = Proxy::start(Setup::new(target));
        for login in logins {
            for connection in [proxy.tcp(login, ""), proxy.unix(login, "")] {
                assert_eq!(said(&psql(&connection, "sesame", WHO)), Ok((*login).to_owned()));
                let wrong = said(&psql(&connection, "open", WHO)).unwrap_err();
                assert!(wrong.ends_with(&format!("FATAL:  password authentication failed for user \"{login}\"")), "{wrong}");
            }
        }
        let seen = proxy.into_seen();
        assert_eq!(seen.sessions.len(), 2 * logins.len());
        assert!(seen.failures.iter().all(|f| f.sqlstate == "28P01" && f.reason == FailureReason::Password), "{seen:?}");
        assert_eq!(seen.failures.len(), 2 * logins.len());
    }
}

#[test]
fn a_server_that_asks_nothing_needs_allow_trust() {
    let server = server();
    for allow_trust in [false, true] {
        let proxy = Proxy::start(Setup { allow_trust, ..Setup::new(server.target(TlsMode::Disable, None)) });
        let answer = said(&psql(&proxy.tcp("trusted", ""), "", WHO));
        assert_eq!(answer.is_ok(), allow_trust, "{answer:?}");
        assert_eq!(proxy.into_seen().failures.iter().filter(|f| f.sqlstate == "28000").count(), usize::from(!allow_trust));
    }
}

#[test]
fn the_servers_own_refusals_pass() {
    let server = server();
    let proxy = Proxy::start(Setup::new(server.target(TlsMode::Prefer, None)));
    for (login, database, want) in [
        ("nobody", "postgres", "password authentication failed for user \"nobody\""),
        ("nologin", "postgres", "role \"nologin\" is not permitted to log in"),
        ("late", "postgres", "password authentication failed for user \"late\""),
        ("scram", "nowhere", "database \"nowhere\" does not exist"),
    ] {
        let connection = format!("{} dbname={database}", proxy.tcp(login, ""));
        let answer = said(&psql(&connection, "sesame", WHO)).unwrap_err();
        assert!(answer.ends_with(&format!("FATAL:  {want}")), "{answer}");
    }
    let states: Vec<String> = proxy.into_seen().failures.iter().map(|f| f.sqlstate.clone()).collect();
    assert_eq!(states, ["28P01", "28000", "28P01", "3D000"]);
}

#[test]
fn a_client_without_a_password_is_not_a_failure() {
    let server = server();
    let proxy = Proxy::start(Setup::new(server.target(TlsMode::Prefer, None)));
    assert!(said(&psql(&proxy.tcp("scram", ""), "", WHO)).is_err());
    let seen = proxy.into_seen();
    assert!(seen.failures.is_empty() && seen.sessions.is_empty(), "{seen:?}");
}

#[test]
fn a_login_without_a_role_hears_so_after_its_password_was_right() {
    let server = server();
    let rules = Rules { strangers: vec!["scram"], governed: vec![] };
    let proxy = Proxy::start(Setup { rules, ..Setup::new(server.target(TlsMode::Prefer, None)) });
    let right = said(&psql(&proxy.tcp("scram", ""), "sesame", WHO)).unwrap_err();
    assert!(right.ends_with("FATAL:  pgscrim: login 'scram' has no role"), "{right}");
    let wrong = said(&psql(&proxy.tcp("scram", ""), "open", WHO)).unwrap_err();
    assert!(wrong.ends_with("password authentication failed for user \"scram\""), "{wrong}");
}

#[test]
fn governed_sessions_begin_with_utf8_and_standard_strings() {
    let server = server();
    let rules = Rules { strangers: vec![], governed: vec!["scram", "latin", "slashes"] };
    let proxy = Proxy::start(Setup { rules, ..Setup::new(server.target(TlsMode::Prefer, None)) });
    let ask =
        |login: &str, options: &str| said(&psql_with(&proxy.tcp(login, ""), "sesame", "SHOW client_encoding", &[("PGOPTIONS", options)]));
    assert_eq!(ask("scram", ""), Ok("UTF8".to_owned()));
    assert_eq!(ask("latin", ""), Ok("UTF8".to_owned()));
    assert_eq!(ask("plain", "-c client_encoding=LATIN1 -e"), Ok("LATIN1".to_owned()));
    for (login, options, want) in [
        ("scram", "-c client_encoding=LATIN1", "client_encoding must be UTF8"),
        ("scram", "-c standard_conforming_strings=off", "standard_conforming_strings must be on"),
        ("slashes", "", "standard_conforming_strings must be on"),
        ("scram", "-c array_nulls=off", "array_nulls must be on"),
        ("scram", "--array-nulls=False", "array_nulls must be on"),
        ("scram", "-e", "'options' may only hold '-c name=value' and '--name=value' here"),
    ] {
        let answer = ask(login, options).unwrap_err();
        assert!(answer.ends_with(&format!("FATAL:  pgscrim: {want}")), "{answer}");
    }
}

#[test]
fn the_proxys_settings_do_not_reach_the_server() {
    let server = server();
    let proxy = Proxy::start(Setup::new(server.target(TlsMode::Prefer, None)));
    let options = [("PGOPTIONS", "-c pgscrim.purpose=x -c search_path=a,\\ b"), ("PGAPPNAME", "tester")];
    let sql =
        "SELECT current_setting('pgscrim.purpose', true) IS NULL, current_setting('search_path'), current_setting('application_name')";
    assert_eq!(said(&psql_with(&proxy.tcp("scram", ""), "sesame", sql, &options)), Ok("t|a, b|tester".to_owned()));
    let (arrival, parameters) = proxy.into_seen().sessions.remove(0);
    assert_eq!((arrival.application.as_deref(), arrival.login.as_str()), (Some("tester"), "scram"));
    assert_eq!(parameters.get("session_authorization").map(String::as_str), Some("scram"));
}

#[test]
fn a_server_that_is_not_there_is_08006() {
    let server = server();
    let mut target = server.target(TlsMode::Prefer, None);
    drop(server);
    target.tls = UpstreamTls::disabled();
    let proxy = Proxy::start(Setup::new(target));
    let answer = said(&psql(&proxy.tcp("scram", ""), "sesame", WHO)).unwrap_err();
    assert!(answer.ends_with("FATAL:  pgscrim: the server cannot be reached"), "{answer}");
    assert_eq!(proxy.into_seen().failures[0].sqlstate, "08006");
}
