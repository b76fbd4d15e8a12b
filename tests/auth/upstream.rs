//! The link to the server: libpq's modes, the proxy's own certificate, IPv6.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use pgscrim::base::Secret;
use pgscrim::server::startup::FailureReason;
use pgscrim::server::tls::ServerTls;
use pgscrim::upstream::{Target, TlsMode, UpstreamTls, UpstreamTlsFiles};

use super::pki::{self, Authority, Pair};
use super::setting::{Proxy, Server, Setup, psql, said};

const LOGINS: &str = "CREATE ROLE open LOGIN; CREATE ROLE shown LOGIN PASSWORD 'sesame'; CREATE ROLE proxy LOGIN";
const HBA: &str = "hostssl all shown 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\nhostssl all proxy 127.0.0.1/32 cert\n\
    host all open all trust";

/// Whether the link is encrypted; the reason where there is none.
fn link(target: Target) -> Result<bool, String> {
    let proxy = Proxy::start(Setup { allow_trust: true, ..Setup::new(target) });
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let answer = said(&psql(&proxy.tcp("open", ""), "", sql));
    let failures = proxy.into_seen().failures;
    match answer {
        Ok(text) => Ok(text == "t"),
        Err(_) => {
            assert_eq!((failures[0].sqlstate.as_str(), failures[0].reason), ("08006", FailureReason::Unreachable));
            Err(failures[0].detail.clone())
        }
    }
}

#[test]
fn modes_mean_what_they_mean_to_libpq() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let of_ca = |pair: &Pair| Server::start_with(HBA, "-c ssl=on", LOGINS, pair, "");
    let right = of_ca(&ours.sign("db", &["127.0.0.1"]));
    let other = of_ca(&ours.sign("db", &["db.example", "*.example"]));
    let none = Server::start(HBA, "", LOGINS);
    let (ours, theirs) = (ours.pem(), theirs.pem());
    let untrusted = Err("the server's certificate is not trusted: the CA did not sign it".to_owned());
    let elsewhere = Err("the server's certificate is not trusted: it is for another host".to_owned());
    let no_tls = Err("the server does not take TLS connections".to_owned());
    for (server, mode, ca, want) in [
        (&right, TlsMode::Disable, None, Ok(false)),
        (&right, TlsMode::Prefer, None, Ok(true)),
        (&right, TlsMode::Prefer, Some(&theirs), Ok(true)),
        (&right, TlsMode::Require, None, Ok(true)),
        (&right, TlsMode::Require, Some(&ours), Ok(true)),
        (&right, TlsMode::Require, Some(&theirs), untrusted.clone()),
        (&right, TlsMode::VerifyCa, Some(&ours), Ok(true)),
        (&right, TlsMode::VerifyCa, Some(&theirs), untrusted.clone()),
        (&right, TlsMode::VerifyFull, Some(&ours), Ok(true)),
        (&right, TlsMode::VerifyFull, Some(&theirs), untrusted),
        (&other, TlsMode::VerifyCa, Some(&ours), Ok(true)),
        (&other, TlsMode::VerifyFull, Some(&ours), elsewhere),
        (&none, TlsMode::Prefer, None, Ok(false)),
        (&none, TlsMode::Require, None, no_tls.clone()),
        (&none, TlsMode::VerifyFull, Some(&ours), no_tls),
    ] {
        assert_eq!(link(server.target(mode, ca.map(String::as_bytes))), want, "{mode:?}");
    }
    assert!(UpstreamTls::new(TlsMode::VerifyFull, "db", &UpstreamTlsFiles::default()).is_err());
}

#[test]
fn the_proxy_shows_its_own_certificate_and_takes_a_new_one() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let server = Server::start_with(HBA, "-c ssl=on -c ssl_ca_file=ca.crt", LOGINS, &pki::self_signed(), &ours.pem());
    let files = |pair: &Pair| UpstreamTlsFiles {
        ca: None,
        identity: Some((pair.certificate.clone().into_bytes(), Secret::new(pair.key.clone().into_bytes()))),
    };
    let mut target = server.target(TlsMode::Require, None);
    target.tls = UpstreamTls::new(TlsMode::Require, "127.0.0.1", &files(&theirs.sign("proxy", &[]))).unwrap();
    let tls = target.tls.clone();
    for allow_trust in [false, true] {
        let proxy = Proxy::start(Setup { allow_trust, ..Setup::new(target.clone()) });
        let ask = |login: &str| said(&psql(&proxy.tcp(login, ""), "sesame", "SELECT session_user")).is_ok();
        tls.reload(&files(&theirs.sign("proxy", &[]))).unwrap();
        assert!(!ask("shown") && !ask("proxy"));
        tls.reload(&files(&ours.sign("proxy", &[]))).unwrap();
        assert!(ask("shown"));
        // `cert` judges the proxy, not the client.
        assert_eq!(ask("proxy"), allow_trust);
    }
    let broken = Pair { certificate: ours.sign("proxy", &[]).certificate, key: "none".to_owned() };
    assert!(tls.reload(&files(&broken)).is_err());
}

#[test]
fn ipv6_works_on_both_sides() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("this machine has no IPv6");
        return;
    }
    let authority = Authority::new();
    let options = "-c ssl=on -c listen_addresses=127.0.0.1,::1";
    let server = Server::start_with(HBA, options, LOGINS, &authority.sign("db", &["::1"]), "");
    let mut target = server.target(TlsMode::Disable, None);
    target.host = "::1".to_owned();
    let ca = UpstreamTlsFiles { ca: Some(authority.pem().into_bytes()), identity: None };
    target.tls = UpstreamTls::new(TlsMode::VerifyFull, "::1", &ca).unwrap();
    let proxy = Proxy::start(Setup { allow_trust: true, listen: "[::1]:0", ..Setup::new(target) });
    let connection = proxy.tcp("open", "").replace("127.0.0.1", "::1");
    let sql = "SELECT ssl, client_addr FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE pid = pg_backend_pid()";
    assert_eq!(said(&psql(&connection, "", sql)), Ok("t|::1".to_owned()));
    assert!(proxy.into_seen().sessions[0].0.client_address.starts_with("[::1]:"));
}

/// `openssl x509 -req` without extensions, as manuals have it, makes certificates of version 1, for clients as for servers.
#[test]
fn certificates_of_version_1_are_taken_from_their_own_authority_alone() {
    let folder = tempfile::tempdir().unwrap();
    let make = |script: &str| {
        let done = Command::new("sh").args(["-ec", script]).current_dir(folder.path()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    for ca in ["ours", "theirs"] {
        make(&format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=ca -days 9 -keyout {ca}.key -out {ca}.crt
             openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=alice -keyout {ca}-alice.key -out {ca}.csr
             openssl x509 -req -in {ca}.csr -CA {ca}.crt -CAkey {ca}.key -CAcreateserial -days 9 -out {ca}-alice.crt
             openssl x509 -in {ca}-alice.crt -noout -text | grep -q 'Version: 1'"
        ));
    }
    let text = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let server = Server::start(HBA, "", LOGINS);
    let mut files = pki::files(&pki::self_signed(), None);
    files.client_ca = Some((text("ours.crt"), pgscrim::server::tls::ClientCertificate::Optional));
    let tls = Some(ServerTls::new(&files).unwrap());
    let proxy = Proxy::start(Setup { tls, allow_trust: true, ..Setup::new(server.target(TlsMode::Disable, None)) });
    for (ca, version, want) in [("ours", "TLSv1.3", true), ("ours", "TLSv1.2", true), ("theirs", "TLSv1.3", false)] {
        let file = |end: &str| folder.path().join(format!("{ca}-alice.{end}")).display().to_string();
        let more = format!("sslmode=require sslcert={} sslkey={} ssl_max_protocol_version={version}", file("crt"), file("key"));
        let answer = said(&psql(&proxy.tcp("open", &more), "", "SELECT 1"));
        assert_eq!(answer.is_ok(), want, "{ca} {version} {answer:?}");
    }
    let names: Vec<_> = proxy.into_seen().sessions.into_iter().map(|(a, _)| a.certificate).collect();
    assert_eq!(names, [Some("alice".to_owned()), Some("alice".to_owned())]);
}

/// A way to the server on which somebody answers each `SSLRequest` with these bytes, and nothing more.
fn spoiled(server: u16, answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut client, mut first) = (socket.unwrap(), [0; 8]);
            client.read_exact(&mut first).unwrap();
            if first == [0, 0, 0, 8, 4, 210, 22, 47] {
                client.write_all(answer).unwrap();
                continue;
            }
            let mut server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            server.write_all(&first).unwrap();
            let (mut back, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut back, &mut to));
            std::thread::spawn(move || std::io::copy(&mut client, &mut server));
        }
    });
    port
}

#[test]
fn a_spoiled_handshake_ends_all_but_prefer() {
    let server = Server::start(HBA, "-c ssl=on", LOGINS);
    let failed = "the TLS handshake with the server failed";
    for (answer, want) in [
        (&b"S"[..], failed),
        (b"S\x16\x03\x01", failed),
        // CVE-2021-23222: what stands behind the answer is not taken for the server's words.
        (b"SR\0\0\0\x08\0\0\0\0", failed),
        (b"E", "the server's answer to an SSLRequest is not one"),
    ] {
        for (mode, want) in [(TlsMode::Prefer, Ok(false)), (TlsMode::Require, Err(want.to_owned()))] {
            let mut target = server.target(mode, None);
            target.port = spoiled(server.port, answer);
            assert_eq!(link(target), want, "{answer:?} {mode:?}");
        }
    }
}
