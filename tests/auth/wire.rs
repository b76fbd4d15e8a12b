//! Start-up byte by byte: what no driver would send, and what only new ones do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use pgscrim::server::startup::{FailureReason, Method};
use pgscrim::server::tls::ServerTls;
use pgscrim::server::verifiers::Verifiers;
use pgscrim::upstream::TlsMode;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::pki::{self, Authority, Pair};
use super::setting::{Proxy, Server, Setup, psql, said};

const LOGINS: &str = "CREATE ROLE plain LOGIN PASSWORD 'sesame'; CREATE ROLE open LOGIN";
const HBA: &str = "host all open 127.0.0.1/32 trust\nhost all plain 127.0.0.1/32 password\nlocal all plain password";

const SSL: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const GSS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];

fn server() -> Server {
    Server::start(HBA, "", LOGINS)
}

fn setup(server: &Server) -> Setup {
    Setup { allow_trust: true, tls: Some(pki::tls()), ..Setup::new(server.target(TlsMode::Disable, None)) }
}

fn packet(version: u32, pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in pairs {
        body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    }
    body.push(0);
    [&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], &body].concat()
}

fn startup(pairs: &[(&str, &str)]) -> Vec<u8> {
    packet(3 << 16, pairs)
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &u32::try_from(body.len() + 4).unwrap().to_be_bytes(), body].concat()
}

fn connect(port: u16) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket
}

fn read_message(stream: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).ok()?;
    let mut body = vec![0; u32::from_be_bytes(head[1..].try_into().unwrap()) as usize - 4];
    stream.read_exact(&mut body).ok()?;
    Some((head[0], body))
}

/// Messages up to the end, or to the server's turn to wait.
fn read_all(stream: &mut impl Read) -> Vec<(u8, Vec<u8>)> {
    let mut out = Vec::new();
    while let Some((tag, body)) = read_message(stream) {
        let waits = tag == b'Z' || (tag == b'R' && body[..4] != [0; 4]);
        out.push((tag, body));
        if waits {
            break;
        }
    }
    out
}

/// The SQLSTATE and message of the error that comes first.
fn error(messages: &[(u8, Vec<u8>)]) -> Option<(String, String)> {
    let (_, body) = messages.iter().find(|(tag, _)| *tag == b'E')?;
    let field = |letter: u8| {
        let found = body.split(|b| *b == 0).find(|f| f.first() == Some(&letter)).unwrap();
        String::from_utf8(found[1..].to_vec()).unwrap()
    };
    Some((field(b'C'), field(b'M')))
}

/// What the proxy answers to these bytes.
fn answer(port: u16, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut socket = connect(port);
    socket.write_all(bytes).unwrap();
    read_all(&mut socket)
}

/// Takes whatever certificate it is shown.
#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

type Secure = StreamOwned<ClientConnection, TcpStream>;

fn secure(socket: TcpStream, protocols: &[&[u8]], shown: Option<&Pair>) -> Secure {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().unwrap();
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Any));
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    config.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    StreamOwned::new(connection, socket)
}

/// TLS behind an `SSLRequest`.
fn requested(port: u16, shown: Option<&Pair>) -> Secure {
    let mut socket = connect(port);
    socket.write_all(&SSL).unwrap();
    let mut said = [0];
    socket.read_exact(&mut said).unwrap();
    assert_eq!(said, *b"S");
    secure(socket, &[], shown)
}

fn log_in(stream: &mut (impl Read + Write)) -> Vec<(u8, Vec<u8>)> {
    stream.write_all(&startup(&[("user", "open"), ("database", "postgres")])).unwrap();
    read_all(stream)
}

fn is_in(messages: &[(u8, Vec<u8>)]) -> bool {
    messages.last().is_some_and(|(tag, _)| *tag == b'Z')
}

#[test]
fn protocol_3_2_has_long_keys_and_newer_ones_are_negotiated() {
    let server = server();
    let proxy = Proxy::start(setup(&server));
    for (minor, more, key, negotiated) in [
        (0, &[][..], 4, None),
        (1, &[], 4, None),
        (2, &[], 32, None),
        (3, &[], 32, Some((2, ""))),
        (9999, &[("_pq_.x", "1")], 32, Some((2, "_pq_.x\0"))),
        (0, &[("_pq_.y", "1"), ("_pq_.z", "")], 4, Some((0, "_pq_.y\0_pq_.z\0"))),
    ] {
        let pairs: Vec<(&str, &str)> = [("user", "open"), ("database", "postgres")].into_iter().chain(more.iter().copied()).collect();
        let messages = answer(proxy.port, &packet((3 << 16) | minor, &pairs));
        assert!(is_in(&messages), "{messages:?}");
        let told = messages.iter().find(|(tag, _)| *tag == b'v').map(|(_, b)| b.clone());
        let want = negotiated.map(|(minor, names): (u32, &str)| {
            let count = u32::try_from(names.matches('\0').count()).unwrap();
            [&((3 << 16) | minor).to_be_bytes()[..], &count.to_be_bytes(), names.as_bytes()].concat()
        });
        assert_eq!(told, want, "3.{minor}");
        let (_, body) = messages.iter().find(|(tag, _)| *tag == b'K').unwrap();
        assert_eq!(body.len(), 4 + key, "3.{minor}");
    }
}

#[test]
fn tls_begins_by_request_or_with_the_first_byte() {
    let server = server();
    let proxy = Proxy::start(setup(&server));
    assert!(is_in(&log_in(&mut requested(proxy.port, None))));
    assert!(is_in(&log_in(&mut secure(connect(proxy.port), &[b"postgresql"], None))));
    // Without the protocol's name nothing is said (ALPACA).
    for protocols in [&[][..], &[b"http/1.1".as_slice()]] {
        let mut stream = secure(connect(proxy.port), protocols, None);
        let written = stream.write_all(&startup(&[("user", "open")]));
        assert!(written.is_err() || read_message(&mut stream).is_none(), "{protocols:?}");
    }
    // GSSAPI is declined, and TLS may follow; each may be asked for once.
    let mut socket = connect(proxy.port);
    for (request, want) in [(GSS, b"N"), (SSL, b"S")] {
        socket.write_all(&request).unwrap();
        let mut said = [0];
        socket.read_exact(&mut said).unwrap();
        assert_eq!(said, *want);
    }
    assert!(is_in(&log_in(&mut secure(socket, &[], None))));
    let mut socket = connect(proxy.port);
    socket.write_all(&GSS).unwrap();
    socket.read_exact(&mut [0]).unwrap();
    socket.write_all(&GSS).unwrap();
    assert_eq!(error(&read_all(&mut socket)).unwrap().1, "unsupported frontend protocol 1234.5680: pgscrim speaks 3.0 to 3.2");
}

/// CVE-2021-23214: what an attacker puts behind a request must not be taken for the client's words within TLS.
#[test]
fn bytes_behind_a_request_end_the_connection() {
    let server = server();
    let proxy = Proxy::start(setup(&server));
    let injected = startup(&[("user", "open"), ("database", "postgres")]);
    for request in [SSL, GSS] {
        let messages = answer(proxy.port, &[&request[..], &injected].concat());
        assert_eq!(
            error(&messages),
            Some(("08P01".to_owned(), "pgscrim: received unencrypted data after a request for encryption".to_owned()))
        );
    }
    assert!(proxy.into_seen().sessions.is_empty());
}

#[test]
fn packets_that_could_be_understood_twice_are_refused() {
    let server = server();
    let proxy = Proxy::start(setup(&server));
    let replication = "pgscrim: replication connections are not supported";
    for (pairs, state, text) in [
        (&[("user", "open"), ("user", "plain")][..], "08P01", "pgscrim: startup parameter 'user' is given twice"),
        (&[("user", "open"), ("database", "a"), ("database", "b")], "08P01", "pgscrim: startup parameter 'database' is given twice"),
        (&[("database", "postgres")], "28000", "no PostgreSQL user name specified in startup packet"),
        (&[("user", "open"), ("replication", "true")], "0A000", replication),
        (&[("user", "open"), ("replication", "on")], "0A000", replication),
        (&[("user", "open"), ("replication", "1")], "0A000", replication),
        (&[("user", "open"), ("replication", "YE")], "0A000", replication),
        (&[("user", "open"), ("replication", "t")], "0A000", replication),
        (&[("user", "open"), ("replication", "database")], "0A000", replication),
        (&[("user", "open"), ("replication", "DATABASE")], "0A000", replication),
        (&[("user", "open"), ("REPLICATION", "true")], "0A000", replication),
        (&[("user", "open"), ("replication", "false"), ("replication", "true")], "0A000", replication),
    ] {
        assert_eq!(error(&answer(proxy.port, &startup(pairs))), Some((state.to_owned(), text.to_owned())), "{pairs:?}");
    }
    let ordinary = answer(proxy.port, &startup(&[("user", "open"), ("database", "postgres"), ("replication", "off")]));
    assert!(is_in(&ordinary));
    // What no server knows is the server's to refuse, in its own words.
    let unknown = answer(proxy.port, &startup(&[("user", "open"), ("database", "postgres"), ("nonsense", "1")]));
    assert_eq!(error(&unknown), Some(("42704".to_owned(), "unrecognized configuration parameter \"nonsense\"".to_owned())));
    for (text, wrong) in [("-c nonsense=1", "42704"), ("-c work_mem=x", "22023"), ("--bad", "42601")] {
        let messages = answer(proxy.port, &startup(&[("user", "open"), ("database", "postgres"), ("options", text)]));
        assert_eq!(error(&messages).unwrap().0, wrong, "{text}");
    }
    assert_eq!(proxy.into_seen().failures.iter().filter(|f| f.reason == FailureReason::Packet).count(), 12);
}

#[test]
fn tls_can_be_required_of_tcp_and_never_of_unix_sockets() {
    let server = server();
    let proxy = Proxy::start(Setup { tls_required: true, ..setup(&server) });
    let plain = said(&psql(&proxy.tcp("plain", "sslmode=disable"), "sesame", "SELECT 1")).unwrap_err();
    assert!(plain.ends_with("FATAL:  pgscrim: connections without TLS are not taken here"), "{plain}");
    for connection in [proxy.tcp("plain", "sslmode=require"), proxy.unix("plain", "")] {
        assert_eq!(said(&psql(&connection, "sesame", "SELECT 1")), Ok("1".to_owned()));
    }
    let failures = proxy.into_seen().failures;
    assert_eq!(failures.iter().map(|f| (f.reason, f.sqlstate.as_str())).collect::<Vec<_>>(), [(FailureReason::TlsRequired, "28000")]);
}

#[test]
fn a_certificate_names_somebody_only_when_it_was_verified() {
    let server = server();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let tls = ServerTls::new(&pki::files(&pki::self_signed(), Some(&ours))).unwrap();
    let proxy = Proxy::start(Setup { tls: Some(tls), ..setup(&server) });
    assert!(is_in(&log_in(&mut requested(proxy.port, Some(&ours.sign("alice", &[]))))));
    assert!(is_in(&log_in(&mut requested(proxy.port, None))));
    for stranger in [theirs.sign("alice", &[]), pki::self_signed()] {
        let mut stream = requested(proxy.port, Some(&stranger));
        let written = stream.write_all(&startup(&[("user", "open")]));
        assert!(written.is_err() || read_message(&mut stream).is_none());
    }
    let names: Vec<_> = proxy.into_seen().sessions.into_iter().map(|(a, _)| a.certificate).collect();
    assert_eq!(names, [Some("alice".to_owned()), None]);
    // Where nobody can verify one, none is looked at.
    let proxy = Proxy::start(setup(&server));
    assert!(is_in(&log_in(&mut requested(proxy.port, Some(&theirs.sign("alice", &[]))))));
    assert_eq!(proxy.into_seen().sessions[0].0.certificate, None);
}

#[test]
fn a_new_certificate_is_shown_without_a_restart() {
    let server = server();
    let proxy = Proxy::start(setup(&server));
    let shown = |stream: &Secure| stream.conn.peer_certificates().unwrap()[0].clone();
    let mut before = requested(proxy.port, None);
    assert!(is_in(&log_in(&mut before)));
    let pair = pki::self_signed();
    let broken = Pair { certificate: pair.certificate.clone(), key: pki::self_signed().key };
    let tls = proxy.tls.clone().unwrap();
    assert!(tls.reload(&pki::files(&broken, None)).is_err());
    tls.reload(&pki::files(&pair, None)).unwrap();
    let mut after = requested(proxy.port, None);
    assert!(is_in(&log_in(&mut after)));
    assert_eq!(shown(&after), CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap());
    assert_ne!(shown(&before), shown(&after));
    // The one that was there goes on.
    before.write_all(&message(b'Q', b"SELECT 1\0")).unwrap();
    assert!(is_in(&read_all(&mut before)));
}

#[test]
fn whoever_does_not_log_in_in_time_is_sent_away() {
    let server = server();
    let proxy = Proxy::start(Setup { timeout: Duration::from_millis(300), ..setup(&server) });
    // Nothing at all, half a packet, a request without what follows, a start-up without an answer.
    let half = startup(&[("user", "plain"), ("database", "postgres")]);
    for bytes in [&[][..], &half[..9], &SSL, &half] {
        let mut socket = connect(proxy.port);
        socket.write_all(bytes).unwrap();
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
    }
    assert!(proxy.into_seen().sessions.is_empty());
}

/// A malformed SCRAM packet crashed PgBouncer (CVE-2021-3935's neighbours; 1.9.0): here it is an error to that client.
#[test]
fn malformed_scram_is_an_error_and_nothing_else() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("userlist.txt");
    std::fs::write(&file, "").unwrap();
    let verifiers = Arc::new(Verifiers::file(file, [7; 32]).unwrap());
    let proxy = Proxy::start(Setup { method: Method::Scram(verifiers), ..setup(&server) });
    let initial = |data: &[u8], length: i32| [b"SCRAM-SHA-256\0", &length.to_be_bytes()[..], data].concat();
    let good = b"n,,n=,r=abc";
    for (first, then) in [
        (message(b'p', b""), None),
        (message(b'p', b"SCRAM-SHA-256"), None),
        (message(b'p', &initial(b"", -1)), None),
        (message(b'p', &initial(b"", i32::MAX)), None),
        (message(b'p', &initial(b"n,,n=,r=abc", 5)), None),
        (message(b'p', &initial(b"n,,", 3)), None),
        (vec![b'p', 0, 0, 0, 3], None),
        (vec![b'p', 0xff, 0xff, 0xff, 0xff], None),
        (vec![b'p', 0x7f, 0xff, 0xff, 0xff], None),
        (message(b'Q', b"SELECT 1\0"), None),
        (message(b'p', &initial(good, 11)), Some(message(b'p', b""))),
        (message(b'p', &initial(good, 11)), Some(message(b'p', b"c=biws"))),
        (message(b'p', &initial(good, 11)), Some(message(b'p', b"c=biws,r=,p="))),
        (message(b'p', &initial(good, 11)), Some(message(b'p', b",,,,,,,p=p=p="))),
        (message(b'p', &initial(good, 11)), Some(message(b'p', &[0; 5000]))),
    ] {
        let mut socket = connect(proxy.port);
        socket.write_all(&startup(&[("user", "plain")])).unwrap();
        assert_eq!(read_message(&mut socket).unwrap().1, b"\0\0\0\x0aSCRAM-SHA-256\0\0");
        socket.write_all(&first).unwrap();
        if let Some(then) = &then {
            assert_eq!(read_message(&mut socket).unwrap().1[..4], [0, 0, 0, 11]);
            socket.write_all(then).unwrap();
        }
        let state = error(&read_all(&mut socket)).unwrap().0;
        assert_eq!(state, "08P01", "{first:?} {then:?}");
    }
    let seen = proxy.into_seen();
    assert!(seen.sessions.is_empty() && seen.failures.iter().all(|f| f.reason == FailureReason::Protocol), "{:?}", seen.failures);
}

/// The challenge of a login that does not exist is like any other, and the same each time.
#[test]
fn a_challenge_does_not_tell_who_exists() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("userlist.txt");
    let kept = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    std::fs::write(&file, format!("\"plain\" \"{kept}\"")).unwrap();
    let challenge = |proxy: &Proxy, user: &str| {
        let mut socket = connect(proxy.port);
        socket.write_all(&startup(&[("user", user)])).unwrap();
        read_message(&mut socket).unwrap();
        socket.write_all(&message(b'p', b"SCRAM-SHA-256\0\0\0\0\x0bn,,n=,r=abc")).unwrap();
        let (_, body) = read_message(&mut socket).unwrap();
        let text = String::from_utf8(body[4..].to_vec()).unwrap();
        let fields: Vec<String> = text.split(',').map(str::to_owned).collect();
        assert_eq!((fields.len(), &fields[2][..], &fields[0][..5]), (3, "i=4096", "r=abc"));
        (fields[1].clone(), fields[0].clone())
    };
    let mut salts = Vec::new();
    for _ in 0..2 {
        let verifiers = Arc::new(Verifiers::file(file.clone(), [7; 32]).unwrap());
        let proxy = Proxy::start(Setup { method: Method::Scram(verifiers), ..setup(&server) });
        let (first, second) = (challenge(&proxy, "nobody"), challenge(&proxy, "nobody"));
        assert_eq!(first.0, second.0);
        assert_ne!(first.1, second.1, "nonces are never used twice");
        assert_eq!(first.0.len(), challenge(&proxy, "plain").0.len());
        salts.push(first.0);
    }
    assert_eq!(salts[0], salts[1], "starting anew does not change what nobody has");
}
