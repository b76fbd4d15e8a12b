use proptest::prelude::*;

use super::super::fault::Fault;
use super::*;

/// The server's nonce of RFC 7677's example.
const RFC_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const RFC_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const RFC_CHALLENGE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const RFC_PROOF: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const RFC_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

/// HMAC with a key of any length, by the crate's own way in.
fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// PBKDF2 with one block, word by word from RFC 2898.
fn salted(password: &str, salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut u = mac(password.as_bytes(), &[salt, &[0, 0, 0, 1]].concat());
    let mut out = u;
    for _ in 1..iterations {
        u = mac(password.as_bytes(), &u);
        out.iter_mut().zip(u).for_each(|(o, u)| *o ^= u);
    }
    out
}

/// The text that a server would keep.
fn kept(password: &str, salt: &[u8], iterations: u32) -> String {
    let salted = salted(password, salt, iterations);
    let (stored, server) = (sha256(&mac(&salted, b"Client Key")), mac(&salted, b"Server Key"));
    format!("SCRAM-SHA-256${iterations}:{}${}:{}", encode(salt), encode(&stored), encode(&server))
}

/// The example's login; its keys are made once.
fn rfc() -> Candidate {
    static KEPT: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| kept("pencil", &decode(b"W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), 4096));
    Candidate::Known(Verifier::parse(&KEPT).unwrap())
}

fn initial(mechanism: &str, data: &str) -> Vec<u8> {
    let length = i32::try_from(data.len()).unwrap().to_be_bytes();
    [mechanism.as_bytes(), &[0], &length, data.as_bytes()].concat()
}

/// What stands in an Authentication message behind its code.
fn data(frame: &[u8]) -> String {
    String::from_utf8(frame[9..].to_vec()).unwrap()
}

fn end_point() -> std::sync::Arc<[u8]> {
    vec![7; 32].into()
}

/// A client that has a password, written apart from the product's own.
fn naive_proof(password: &str, bare: &str, challenge: &str, binding: &[u8]) -> String {
    let field = |letter: &str| challenge.split(',').find_map(|f| f.strip_prefix(letter)).unwrap();
    let (nonce, salt, iterations) = (field("r="), decode(field("s=").as_bytes()).unwrap(), field("i=").parse().unwrap());
    let key = mac(&salted(password, &salt, iterations), b"Client Key");
    let without = format!("c={},r={nonce}", encode(binding));
    let signature = mac(&sha256(&key), format!("{bare},{challenge},{without}").as_bytes());
    let proof: Vec<u8> = key.iter().zip(signature).map(|(k, s)| k ^ s).collect();
    format!("{without},p={}", encode(&proof))
}

#[test]
fn the_example_of_rfc_7677_passes() {
    let mut server = ScramServer::with_nonce(rfc(), None, RFC_NONCE.to_owned());
    assert_eq!(data(&server.on_first(&initial("SCRAM-SHA-256", RFC_FIRST)).unwrap()), RFC_CHALLENGE);
    let (credentials, last) = server.on_proof(RFC_PROOF.as_bytes()).unwrap();
    assert_eq!(data(&last), RFC_FINAL);
    let salted = salted("pencil", &decode(b"W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), 4096);
    assert_eq!(*credentials.client_key, mac(&salted, b"Client Key"));
    assert_eq!(naive_proof("pencil", &RFC_FIRST[3..], RFC_CHALLENGE, b"n,,"), RFC_PROOF);
}

#[test]
fn verifiers_are_read_strictly() {
    let good = kept("x", b"salt", 4096);
    assert!(Verifier::parse(&good).is_some());
    for bad in [
        String::new(),
        "md5c3a0b1ef8c2a8ed2a8cb8a3e1b1a2b3c".to_owned(),
        "sesame".to_owned(),
        good.replace("4096", "0"),
        good.replace("4096", "-1"),
        good.replace("4096", "+4096"),
        good.replace("4096", "2147483648"),
        good.replace("4096:", "4096:!"),
        good.replace("SHA-256", "SHA-1"),
        good[..good.len() - 4].to_owned(),
        format!("{good}:x"),
        format!("{good} "),
    ] {
        assert!(Verifier::parse(&bad).is_none(), "{bad}");
    }
    let candidate = rfc();
    assert_eq!(format!("{candidate:?}"), "Known(Verifier)");
}

/// Every bit of the two sides is covered: a change of any byte of the client's last message, its end or its beginning, is refused.
#[test]
fn a_proof_is_right_to_the_last_bit() {
    for at in 0..RFC_PROOF.len() {
        for change in [Some(1u8), Some(0x80), None] {
            let mut server = ScramServer::with_nonce(rfc(), None, RFC_NONCE.to_owned());
            server.on_first(&initial("SCRAM-SHA-256", RFC_FIRST)).unwrap();
            let mut proof = RFC_PROOF.as_bytes().to_vec();
            match change {
                Some(bit) => proof[at] ^= bit,
                None => proof.truncate(at),
            }
            let refused = server.on_proof(&proof).unwrap_err();
            assert!(matches!(refused, Fault::Scram | Fault::Password | Fault::BindingCheck), "{at}: {refused:?}");
        }
    }
}

#[test]
fn first_messages_are_held_against_the_offer() {
    let plain = "SCRAM-SHA-256";
    let plus = "SCRAM-SHA-256-PLUS";
    for (binds, mechanism, first, want) in [
        (false, plain, "n,,n=,r=x", None),
        (false, plain, "y,,n=,r=x", None),
        (true, plain, "n,,n=,r=x", None),
        (true, plain, "y,,n=,r=x", Some(Fault::BindingNegotiation)),
        (true, plus, "p=tls-server-end-point,,n=,r=x", None),
        (true, plus, "p=tls-unique,,n=,r=x", Some(Fault::Scram)),
        (true, plus, "p=tls-exporter,,n=,r=x", Some(Fault::Scram)),
        (true, plus, "n,,n=,r=x", Some(Fault::Scram)),
        (true, plus, "y,,n=,r=x", Some(Fault::Scram)),
        (true, plain, "p=tls-server-end-point,,n=,r=x", Some(Fault::Scram)),
        (false, plus, "p=tls-server-end-point,,n=,r=x", Some(Fault::Client)),
        (false, "SCRAM-SHA-1", "n,,n=,r=x", Some(Fault::Client)),
        (false, plain, "n,a=bob,n=,r=x", Some(Fault::AuthorizationIdentity)),
        (false, plain, "n,b,n=,r=x", Some(Fault::Scram)),
        (false, plain, "n,,m=1,n=,r=x", Some(Fault::Scram)),
        (false, plain, "n,,n=,r=x,x=ignored", None),
        (false, plain, "n,,n=,r=x,", Some(Fault::Scram)),
        (false, plain, "n,,n=,r=x,xx", Some(Fault::Scram)),
        (false, plain, "n,,n=,r=", Some(Fault::Scram)),
        (false, plain, "n,,n=,r=\u{e9}", Some(Fault::Scram)),
        (false, plain, "n,,n=,r=a b", Some(Fault::Scram)),
        (false, plain, "n,,r=x", Some(Fault::Scram)),
        (false, plain, "n,,n=\0,r=x", Some(Fault::Scram)),
        (false, plain, "n,", Some(Fault::Scram)),
        (false, plain, "", Some(Fault::Scram)),
    ] {
        let mut server = ScramServer::new(rfc(), binds.then(end_point), [0; NONCE]);
        assert_eq!(server.on_first(&initial(mechanism, first)).err(), want, "{binds} {mechanism} {first}");
    }
    let whole = initial(plain, "n,,n=,r=x");
    for cut in 0..whole.len() {
        assert!(ScramServer::new(rfc(), None, [0; NONCE]).on_first(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn proofs_that_are_not_for_this_exchange_are_refused() {
    let begin = |binds: bool, mechanism: &str, first: &str| {
        let mut server = ScramServer::new(rfc(), binds.then(end_point), [3; NONCE]);
        let challenge = data(&server.on_first(&initial(mechanism, first)).unwrap());
        (server, challenge)
    };
    let bound = [b"p=tls-server-end-point,,".as_slice(), &[7; 32]].concat();
    let other = [b"p=tls-server-end-point,,".as_slice(), &[8; 32]].concat();
    for (mechanism, first, password, binding, want) in [
        ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=x", "pencil", bound.as_slice(), None),
        ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=x", "pencil", &other, Some(Fault::BindingCheck)),
        ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=x", "pencil", b"n,,", Some(Fault::BindingCheck)),
        ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=x", "pen", &bound, Some(Fault::Password)),
        ("SCRAM-SHA-256", "n,,n=,r=x", "pencil", b"n,,", None),
        ("SCRAM-SHA-256", "n,,n=,r=x", "pencil", b"y,,", Some(Fault::BindingCheck)),
        ("SCRAM-SHA-256", "n,,n=,r=x", "", b"n,,", Some(Fault::Password)),
    ] {
        let (mut server, challenge) = begin(true, mechanism, first);
        let bare = first.split_once(",,").unwrap().1;
        let proof = naive_proof(password, bare, &challenge, binding);
        assert_eq!(server.on_proof(proof.as_bytes()).err(), want, "{first} {password}");
        // A second try is another exchange.
        assert_eq!(server.on_proof(proof.as_bytes()).err(), Some(Fault::Client));
    }
    let (mut server, challenge) = begin(false, "SCRAM-SHA-256", "n,,n=,r=x");
    let replayed = naive_proof("pencil", "n=,r=x", &challenge.replace("r=xAwMD", "r=xBwMD"), b"n,,");
    assert_eq!(server.on_proof(replayed.as_bytes()).err(), Some(Fault::Scram));
}

#[test]
fn a_mock_looks_like_the_real_thing_and_lets_nobody_in() {
    let secret = [9; 32];
    let mock = |login: &str| Verifier::mock(&secret, login, 4096);
    assert_eq!((mock("a").salt.len(), mock("a").salt.clone()), (16, mock("a").salt));
    assert_ne!(mock("a").salt, mock("b").salt);
    // Even the password that fits the verifier itself does not pass.
    let Candidate::Known(known) = rfc() else { unreachable!() };
    let mut server = ScramServer::with_nonce(Candidate::Mock(known), None, RFC_NONCE.to_owned());
    server.on_first(&initial("SCRAM-SHA-256", RFC_FIRST)).unwrap();
    assert_eq!(server.on_proof(RFC_PROOF.as_bytes()).err(), Some(Fault::Password));
}

/// An exchange of our client with our server, both ways of the channel; `None` where the server offers no channel binding.
fn exchange(offered: Option<Vec<u8>>, seen: Option<Vec<u8>>) -> Result<(), Fault> {
    let Candidate::Known(verifier) = rfc() else { unreachable!() };
    let client_key = mac(&salted("pencil", &verifier.salt, 4096), b"Client Key");
    let credentials = Credentials { client_key: Zeroizing::new(client_key), verifier };
    let mut client = ScramClient::new(credentials, seen, [1; NONCE], false);
    let mut server = ScramServer::new(rfc(), offered.map(Into::into), [2; NONCE]);
    let Step::Send(first) = client.on_server(&server.offer()[5..])? else { panic!("no answer") };
    let challenge = server.on_first(&first[5..])?;
    let Step::Send(proof) = client.on_server(&challenge[5..])? else { panic!("no answer") };
    let (_, last) = server.on_proof(&proof[5..])?;
    assert_eq!(client.on_server(&last[5..])?, Step::Wait);
    assert_eq!(client.on_server(&[0; 4])?, Step::Accepted);
    Ok(())
}

#[test]
fn both_sides_understand_each_other() {
    let hash = Some(vec![7; 48]);
    assert_eq!(exchange(None, None), Ok(()));
    assert_eq!(exchange(None, hash.clone()), Ok(()));
    assert_eq!(exchange(hash.clone(), hash.clone()), Ok(()));
    assert_eq!(exchange(hash.clone(), None), Ok(()));
    assert_eq!(exchange(hash, Some(vec![8; 48])), Err(Fault::BindingCheck));
}

#[test]
fn a_server_must_prove_itself_and_keep_the_order() {
    let client = || {
        let Candidate::Known(verifier) = rfc() else { unreachable!() };
        ScramClient::new(Credentials { client_key: Zeroizing::new([5; 32]), verifier }, None, [1; NONCE], false)
    };
    let message = |code: i32, text: &str| [&code.to_be_bytes()[..], text.as_bytes()].concat();
    let nonce = encode(&[1; NONCE]);
    let fine = format!("r={nonce}abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    for (messages, want) in [
        (vec![message(0, "")], Fault::Trust),
        (vec![message(3, "")], Fault::NotScram),
        (vec![message(5, "salt")], Fault::NotScram),
        (vec![message(7, "")], Fault::NotScram),
        (vec![message(10, "OAUTHBEARER\0\0")], Fault::NotScram),
        (vec![message(10, "SCRAM-SHA-256\0")], Fault::Server),
        (vec![message(11, &fine)], Fault::Server),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(0, "")], Fault::Server),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(12, "v=")], Fault::Server),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &fine.replace(&nonce, "else"))], Fault::Server),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &fine.replace("abc", ""))], Fault::Server),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &fine.replace("4096", "99999999999"))], Fault::Server),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &fine.replace("4096", "2147483647"))], Fault::OtherVerifier),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &fine.replace("4096", "1"))], Fault::OtherVerifier),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &fine.replace("W22Z", "W23Z"))], Fault::OtherVerifier),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &format!("{fine},m=1"))], Fault::Server),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &fine), message(0, "")], Fault::Server),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &fine), message(12, "e=other-error")], Fault::Imposter),
        (vec![message(10, "SCRAM-SHA-256\0\0"), message(11, &fine), message(12, RFC_FINAL)], Fault::Imposter),
    ] {
        let mut client = client();
        let results: Vec<_> = messages.iter().map(|m| client.on_server(m)).collect();
        assert_eq!(results.last().unwrap().clone().err(), Some(want), "{messages:?}");
        assert_eq!(client.on_server(&message(0, "")), Err(Fault::Server), "over after {want:?}");
    }
}

#[test]
fn a_userlist_is_read_as_pgbouncers() {
    let (a, b) = (kept("a", b"salt", 1), kept("b", b"salt", 1));
    let list = Userlist::parse(&format!("; ours\n\"al\"\"ice\" \"{a}\"\r\n\n  \"bob\"\t\"{b}\" more\n")).unwrap();
    assert!(list.get("al\"ice").is_some() && list.get("bob").is_some() && list.get("alice").is_none());
    for (text, want) in [
        (format!("\"a\" \"{a}\"\n\"b\" \"sesame\""), UserlistError::Verifier(2)),
        ("\"a\" \"md5c3a0b1ef8c2a8ed2a8cb8a3e1b1a2b3c\"".to_owned(), UserlistError::Verifier(1)),
        (format!("a \"{a}\""), UserlistError::Line(1)),
        (format!("\"\" \"{a}\""), UserlistError::Line(1)),
        ("\"a\"".to_owned(), UserlistError::Line(1)),
        ("\"a".to_owned(), UserlistError::Line(1)),
        (format!("\"a\" \"{a}\"\n\"a\" \"{b}\""), UserlistError::Twice(2)),
    ] {
        assert_eq!(Userlist::parse(&text).err(), Some(want), "{text}");
    }
}

proptest! {
    /// Whatever a client sends, the exchange ends or goes on; nobody gets in.
    #[test]
    fn no_bytes_of_a_client_panic_or_pass(plus in any::<bool>(), first in prop::collection::vec(any::<u8>(), 0..80), last in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut server = ScramServer::new(rfc(), plus.then(end_point), [0; NONCE]);
        let _ = server.on_first(&first);
        prop_assert!(server.on_proof(&last).is_err());
        let mut server = ScramServer::new(rfc(), None, [0; NONCE]);
        server.on_first(&initial("SCRAM-SHA-256", "n,,n=,r=x")).unwrap();
        prop_assert!(server.on_proof(&last).is_err());
    }

    /// The same with the letters that SCRAM is made of.
    #[test]
    fn no_near_miss_of_a_client_passes(first in "[nyp]?,?(a=b)?,?([a-z]=[ -~]{0,4},?){0,4}", last in "c=biws,r=xAAAAAAAAAAAAAAAAAAAAAAAA(,[a-z]=[A-Za-z0-9+/=]{0,44}){0,3}") {
        let mut server = ScramServer::new(rfc(), None, [0; NONCE]);
        let _ = server.on_first(&initial("SCRAM-SHA-256", &first));
        let mut server = ScramServer::new(rfc(), None, [0; NONCE]);
        server.on_first(&initial("SCRAM-SHA-256", "n,,n=,r=x")).unwrap();
        prop_assert!(server.on_proof(last.as_bytes()).is_err());
    }

    /// A server that does not know the verifier is never accepted, whatever it sends.
    #[test]
    fn no_server_is_accepted_unproved(messages in prop::collection::vec((0i32..13, prop::collection::vec(any::<u8>(), 0..60)), 0..8)) {
        let Candidate::Known(verifier) = rfc() else { unreachable!() };
        let mut client = ScramClient::new(Credentials { client_key: Zeroizing::new([5; 32]), verifier }, None, [1; NONCE], false);
        let _ = client.on_server(&[&10i32.to_be_bytes()[..], b"SCRAM-SHA-256\0\0"].concat());
        for (code, data) in messages {
            prop_assert_ne!(client.on_server(&[&code.to_be_bytes()[..], &data].concat()), Ok(Step::Accepted));
        }
    }

    /// Any password, any salt, any channel: the proof of a naive client is taken, and its key is found.
    #[test]
    fn every_right_proof_gives_its_key(password in "[ -~]{0,20}", salt in prop::collection::vec(any::<u8>(), 1..40), iterations in 1u32..5, nonce: [u8; NONCE], hash in prop::option::of(prop::collection::vec(any::<u8>(), 32..65))) {
        let verifier = Verifier::parse(&kept(&password, &salt, iterations)).unwrap();
        let mut server = ScramServer::new(Candidate::Known(verifier), hash.clone().map(Into::into), nonce);
        let (mechanism, header) = if hash.is_some() { ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,") } else { ("SCRAM-SHA-256", "n,,") };
        let challenge = data(&server.on_first(&initial(mechanism, &format!("{header}n=,r=abc"))).unwrap());
        let binding = [header.as_bytes(), hash.as_deref().unwrap_or_default()].concat();
        let (credentials, _) = server.on_proof(naive_proof(&password, "n=,r=abc", &challenge, &binding).as_bytes()).unwrap();
        prop_assert_eq!(*credentials.client_key, mac(&salted(&password, &salt, iterations), b"Client Key"));
    }
}
