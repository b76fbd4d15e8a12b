use super::*;
use proptest::prelude::*;

fn code(code: i32, data: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), data].concat()
}

fn initial(mechanism: &str, data: &str) -> Vec<u8> {
    let length = i32::try_from(data.len()).unwrap().to_be_bytes();
    [mechanism.as_bytes(), &[0], &length, data.as_bytes()].concat()
}

const BOTH: &[u8] = b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
const PLAIN: &[u8] = b"SCRAM-SHA-256\0\0";

#[test]
fn a_server_that_asks_nothing_is_refused() {
    assert_eq!(Passthrough::new(false).on_server(&code(0, b"")), Err(Fault::Trust));
    assert_eq!(Passthrough::new(true).on_server(&code(0, b"")), Ok(Reply::Accepted));
}

#[test]
fn passwords_pass() {
    for ask in [code(3, b""), code(5, b"salt")] {
        let mut p = Passthrough::new(false);
        assert_eq!(p.on_server(&ask), Ok(Reply::Ask(message(&ask))));
        assert_eq!(p.on_server(&code(0, b"")), Err(Fault::Server));
        assert_eq!(p.on_client(b"secret\0"), Ok(b"p\0\0\0\x0bsecret\0".to_vec()));
        assert_eq!(p.on_client(b"secret\0"), Err(Fault::Client));
        assert_eq!(p.on_server(&code(0, b"")), Ok(Reply::Accepted));
    }
}

#[test]
fn scram_passes_without_channel_binding_in_the_offer() {
    let mut p = Passthrough::new(false);
    assert_eq!(p.on_server(&code(10, BOTH)), Ok(Reply::Ask(message(&code(10, PLAIN)))));
    assert!(p.on_client(&initial("SCRAM-SHA-256", "n,,n=,r=x")).is_ok());
    assert!(matches!(p.on_server(&code(11, b"r=")), Ok(Reply::Ask(_))));
    assert!(p.on_client(b"c=").is_ok());
    assert_eq!(p.on_server(&code(0, b"")), Err(Fault::Server));
    assert!(matches!(p.on_server(&code(12, b"v=")), Ok(Reply::Tell(_))));
    assert_eq!(p.on_server(&code(0, b"")), Ok(Reply::Accepted));
}

#[test]
fn answers_that_cannot_succeed_are_told_apart() {
    for (offer, answer, want) in [
        (BOTH, initial("SCRAM-SHA-256", "y,,n=,r=x"), Some(Fault::ChannelBinding)),
        (PLAIN, initial("SCRAM-SHA-256", "y,,n=,r=x"), None),
        (BOTH, initial("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=x"), Some(Fault::Client)),
        (BOTH, initial("SCRAM-SHA-256", "p=x"), Some(Fault::Client)),
        (BOTH, initial("SCRAM-SHA-256", ""), Some(Fault::Client)),
        (BOTH, b"SCRAM-SHA-256".to_vec(), Some(Fault::Client)),
        (BOTH, b"SCRAM-SHA-256\0\xff\xff\xff\xff".to_vec(), Some(Fault::Client)),
        (BOTH, b"".to_vec(), Some(Fault::Client)),
    ] {
        let mut p = Passthrough::new(false);
        p.on_server(&code(10, offer)).unwrap();
        assert_eq!(p.on_client(&answer).err(), want);
    }
}

#[test]
fn what_cannot_be_relayed_is_said() {
    for (body, want) in [
        (code(7, b""), Fault::Unsupported),
        (code(9, b""), Fault::Unsupported),
        (code(10, b"OAUTHBEARER\0\0"), Fault::Unsupported),
        (code(10, b"SCRAM-SHA-256\0"), Fault::Server),
        (code(5, b"sal"), Fault::Server),
        (code(11, b""), Fault::Server),
        (b"".to_vec(), Fault::Server),
    ] {
        assert_eq!(Passthrough::new(true).on_server(&body), Err(want));
    }
}

proptest! {
    /// In any order of any messages nothing panics, and nobody is let in without an answer between.
    #[test]
    fn no_order_lets_a_client_in_unasked(messages in prop::collection::vec((any::<bool>(), 0i32..13, prop::collection::vec(any::<u8>(), 0..40)), 0..12)) {
        let mut p = Passthrough::new(false);
        let mut answered = false;
        for (from_server, n, data) in messages {
            if from_server {
                let accepted = p.on_server(&code(n, &data)) == Ok(Reply::Accepted);
                prop_assert!(!accepted || answered);
            } else {
                answered |= p.on_client(&data).is_ok();
            }
        }
    }
}
