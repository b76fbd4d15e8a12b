use super::*;
use proptest::prelude::*;

fn packet(version: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + body.len()).unwrap();
    [&length.to_be_bytes()[..], &version.to_be_bytes(), body].concat()
}

fn startup(minor: u32, pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in pairs {
        body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    }
    body.push(0);
    packet((3 << 16) | minor, &body)
}

fn read(bytes: &[u8]) -> Result<First, StartupError> {
    first_packet(bytes).map(|p| p.unwrap().0)
}

fn read_startup(bytes: &[u8]) -> Asked {
    match read(bytes) {
        Ok(First::Startup(asked)) => asked,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_packet_is_read_in_order_and_whole() {
    let asked = read_startup(&startup(0, &[("user", "alice"), ("b", "2"), ("options", "-c x=1"), ("B", "3")]));
    assert_eq!((asked.user.as_str(), asked.database.as_str(), asked.minor, asked.negotiate), ("alice", "alice", 0, false));
    let names: Vec<&str> = asked.parameters.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["user", "b", "options", "B"]);
    assert_eq!(asked.parameter("b"), Some("3"));
}

#[test]
fn what_is_not_known_is_negotiated() {
    for (minor, pairs, spoken, negotiate) in [
        (0, &[("user", "a")][..], 0, false),
        (2, &[("user", "a")], 2, false),
        (9, &[("user", "a")], 2, true),
        (9999, &[("user", "a")], 2, true),
        (0, &[("user", "a"), ("_pq_.x", "1")], 0, true),
    ] {
        let asked = read_startup(&startup(minor, pairs));
        assert_eq!((asked.minor, asked.negotiate), (spoken, negotiate), "3.{minor}");
    }
}

#[test]
fn what_could_be_understood_twice_is_refused() {
    let long = "x".repeat(64);
    for (bytes, want) in [
        (startup(0, &[("user", "a"), ("user", "b")]), StartupError::Twice("user")),
        (startup(0, &[("user", "a"), ("database", "b"), ("database", "b")]), StartupError::Twice("database")),
        (startup(0, &[("user", &long)]), StartupError::LongName("user")),
        (startup(0, &[("user", "a"), ("database", &long)]), StartupError::LongName("database")),
        (startup(0, &[("database", "b")]), StartupError::NoUser),
        (startup(0, &[("user", "")]), StartupError::NoUser),
        (startup(0, &[("user", "a"), ("replication", "database")]), StartupError::Replication),
        (startup(0, &[("user", "a"), ("Replication", "on")]), StartupError::Replication),
        (packet(3 << 16, b"user\0a\0"), StartupError::Layout),
        (packet(3 << 16, b"user\0a"), StartupError::Layout),
        (packet(3 << 16, b"user\0a\0\0x"), StartupError::Layout),
        (packet(3 << 16, b"user\0\xff\0\0"), StartupError::Encoding),
        (packet(2 << 16, b""), StartupError::Version(2, 0)),
        (packet(SSL_REQUEST, b"x"), StartupError::Length),
        (packet(CANCEL_REQUEST, b"\0\0\0\x01abc"), StartupError::Length),
        (b"GET / HTTP/1.1".to_vec(), StartupError::Length),
        (b"\0\0\0\x07".to_vec(), StartupError::Length),
    ] {
        assert_eq!(read(&bytes), Err(want));
    }
    assert!(matches!(read(&startup(0, &[("user", "a"), ("replication", "false")])), Ok(First::Startup(_))));
}

#[test]
fn requests_are_told_apart() {
    assert_eq!(read(&packet(SSL_REQUEST, b"")), Ok(First::Ssl));
    assert_eq!(read(&packet(GSS_REQUEST, b"")), Ok(First::Gss));
    for key in [&b"abcd"[..], &[7; 32], &[7; 256]] {
        let cancel = CancelKey { pid: 77, key: key.to_vec() };
        assert_eq!(read(&cancel.request()), Ok(First::Cancel(cancel)));
    }
}

#[test]
fn the_server_gets_what_was_asked_for_without_the_proxys_settings() {
    let pairs = [("user", "a"), ("pgscrim.purpose", "x"), ("options", "-c pgscrim.end_user=y -c b=c"), ("application_name", "psql")];
    let sent = upstream_startup(&read_startup(&startup(2, &pairs)), &[("client_encoding", "UTF8")]);
    let want = [("user", "a"), ("options", "-c b=c"), ("application_name", "psql"), ("client_encoding", "UTF8")];
    assert_eq!(sent, startup(2, &want));
}

proptest! {
    #[test]
    fn no_bytes_panic(code in any::<u32>(), known in 0usize..5, body in prop::collection::vec(any::<u8>(), 0..100), cut in 0usize..120) {
        let code = [code, SSL_REQUEST, CANCEL_REQUEST, 3 << 16, (3 << 16) | 2][known];
        let bytes = packet(code, &body);
        let _ = first_packet(&bytes);
        prop_assert!(!matches!(first_packet(&bytes[..cut.min(bytes.len() - 1)]), Ok(Some(_))));
    }
}
