//! The client's side: logging in at the server with the key that a client's proof gave away.
//! Source: PostgreSQL 18, `src/interfaces/libpq/fe-auth-scram.c`.

use std::fmt;

use subtle::ConstantTimeEq;

use super::super::fault::Fault;
use super::super::message::put;
use super::super::passthrough::mechanisms;
use super::verifier::number;
use super::{Attributes, Credentials, END_POINT, NONCE, PLAIN, PLUS, decode, decode_key, encode, hmac, is_nonce, xor};
use crate::wire::Reader;

/// The channel to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Binding {
    /// Nothing to bind to.
    None,
    /// A certificate with this hash.
    EndPoint(Vec<u8>),
}

/// Where the exchange stands.
#[derive(Debug)]
enum State {
    Start,
    Chosen { header: Vec<u8>, bare: String },
    Proved { signature: [u8; 32] },
    Verified,
    Over,
}

/// What follows from a server's Authentication message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this.
    Send(Vec<u8>),
    /// Wait for the next one.
    Wait,
    /// The server let the login in.
    Accepted,
}

/// One exchange with the server.
pub struct ScramClient {
    credentials: Credentials,
    binding: Binding,
    nonce: String,
    allow_trust: bool,
    state: State,
}

impl fmt::Debug for ScramClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramClient").field("binding", &self.binding).finish_non_exhaustive()
    }
}

impl ScramClient {
    /// An exchange that has not begun. `end_point` is the hash of the server's certificate, where the channel has one; `nonce` is random.
    #[must_use]
    pub fn new(credentials: Credentials, end_point: Option<Vec<u8>>, nonce: [u8; NONCE], allow_trust: bool) -> Self {
        let binding = end_point.map_or(Binding::None, Binding::EndPoint);
        Self { credentials, binding, nonce: encode(&nonce), allow_trust, state: State::Start }
    }

    /// Takes the body of an Authentication message (`R`).
    ///
    /// # Errors
    /// The server asks for what cannot be given, breaks the protocol, or is not the one that the client knows.
    pub fn on_server(&mut self, body: &[u8]) -> Result<Step, Fault> {
        let mut rest = Reader::new(body);
        let code = rest.i32()?;
        let data = rest.rest();
        let (state, step) = match (std::mem::replace(&mut self.state, State::Over), code) {
            (State::Start, 0) if self.allow_trust => (State::Over, Step::Accepted),
            (State::Start, 0) => return Err(Fault::Trust),
            (State::Start, 10) => self.choose(data)?,
            (State::Start, 2..=9) => return Err(Fault::NotScram),
            (State::Chosen { header, bare }, 11) => self.prove(&header, &bare, data)?,
            (State::Proved { signature }, 12) => verify(&signature, data)?,
            (State::Verified, 0) => (State::Over, Step::Accepted),
            _ => return Err(Fault::Server),
        };
        self.state = state;
        Ok(step)
    }

    fn choose(&self, offer: &[u8]) -> Result<(State, Step), Fault> {
        let names = mechanisms(offer)?;
        let (mechanism, flag): (_, &[u8]) = match &self.binding {
            Binding::EndPoint(_) if names.contains(&PLUS) => (PLUS, END_POINT),
            _ if !names.contains(&PLAIN) => return Err(Fault::NotScram),
            // Said so, a server that did offer it sees that somebody cut it out.
            Binding::EndPoint(_) => (PLAIN, b"y"),
            Binding::None => (PLAIN, b"n"),
        };
        let header = [flag, b",,"].concat();
        // The name is that of the start-up packet; PostgreSQL ignores this one, and libpq leaves it empty.
        let bare = format!("n=,r={}", self.nonce);
        let first = [header.as_slice(), bare.as_bytes()].concat();
        let length = i32::try_from(first.len()).map_err(|_| Fault::Server)?;
        let mut out = Vec::new();
        put(&mut out, b'p', &[mechanism, &[0], &length.to_be_bytes(), &first]);
        Ok((State::Chosen { header, bare }, Step::Send(out)))
    }

    fn prove(&self, header: &[u8], bare: &str, server_first: &[u8]) -> Result<(State, Step), Fault> {
        let mut attributes = Attributes::new(server_first);
        let nonce = attributes.value(b'r').filter(|n| is_nonce(n)).ok_or(Fault::Server)?;
        let salt = attributes.value(b's').and_then(decode).ok_or(Fault::Server)?;
        let iterations = attributes.value(b'i').and_then(number).ok_or(Fault::Server)?;
        if !attributes.is_at_end() || nonce.strip_prefix(self.nonce.as_bytes()).is_none_or(<[u8]>::is_empty) {
            return Err(Fault::Server);
        }
        let Credentials { client_key, verifier } = &self.credentials;
        if salt != verifier.salt || iterations != verifier.iterations {
            return Err(Fault::OtherVerifier);
        }
        let binding = match &self.binding {
            Binding::EndPoint(hash) if header.starts_with(b"p=") => [header, hash].concat(),
            Binding::EndPoint(_) | Binding::None => header.to_vec(),
        };
        let without_proof = [b"c=", encode(&binding).as_bytes(), b",r=", nonce].concat();
        let said: [&[u8]; 5] = [bare.as_bytes(), b",", server_first, b",", &without_proof];
        let proof = xor(client_key, &hmac(&verifier.stored_key, &said));
        let signature = hmac(&verifier.server_key, &said);
        let mut out = Vec::new();
        put(&mut out, b'p', &[&without_proof, b",p=", encode(proof.as_slice()).as_bytes()]);
        Ok((State::Proved { signature }, Step::Send(out)))
    }
}

fn verify(signature: &[u8; 32], server_final: &[u8]) -> Result<(State, Step), Fault> {
    let mut attributes = Attributes::new(server_final);
    let shown = attributes.value(b'v').and_then(decode_key).ok_or(Fault::Imposter)?;
    let same: bool = shown.ct_eq(signature).into();
    if same && attributes.is_at_end() { Ok((State::Verified, Step::Wait)) } else { Err(Fault::Imposter) }
}

/// Whether the body of an Authentication message offers SCRAM with channel binding: a client in TLS that knows of it cannot be relayed.
#[must_use]
pub fn offers_binding(body: &[u8]) -> bool {
    let mut rest = Reader::new(body);
    rest.i32() == Ok(10) && mechanisms(rest.rest()).is_ok_and(|names| names.contains(&PLUS))
}
