//! The server's side: checking a client. What it gives to a client that proved itself is enough to log in as that client elsewhere.
//! Source: PostgreSQL 18, `src/backend/libpq/auth-scram.c`, from which also come the words of its refusals.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::super::fault::Fault;
use super::super::message::authentication;
use super::super::passthrough::initial_response;
use super::{Attributes, END_POINT, NONCE, PLAIN, PLUS, Verifier, decode_key, encode, hmac, is_nonce, xor};

/// The verifier that a client is held against.
#[derive(Clone, Debug)]
pub enum Candidate {
    /// The login's own.
    Known(Verifier),
    /// The login has none; the exchange goes on as if, and fails at its end.
    Mock(Verifier),
}

impl Candidate {
    fn verifier(&self) -> &Verifier {
        match self {
            Self::Known(verifier) | Self::Mock(verifier) => verifier,
        }
    }
}

/// What lets the proxy log in as a client that has just proved itself. As good as its password: keep it as short as can be.
pub struct Credentials {
    pub(super) client_key: Zeroizing<[u8; 32]>,
    pub(super) verifier: Verifier,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// What was said so far.
struct Challenge {
    /// The header with which the client began, and what its channel binding must be.
    binding: Vec<u8>,
    client_first_bare: Vec<u8>,
    server_first: Vec<u8>,
    nonce: Vec<u8>,
}

/// One exchange with a client.
pub struct ScramServer {
    candidate: Candidate,
    /// The hash of the certificate that the client saw; `None` where there is no channel to bind to.
    end_point: Option<Arc<[u8]>>,
    nonce: String,
    challenge: Option<Challenge>,
}

impl fmt::Debug for ScramServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramServer").field("binds", &self.end_point.is_some()).finish_non_exhaustive()
    }
}

impl ScramServer {
    /// An exchange that has not begun. `nonce` is random.
    #[must_use]
    pub fn new(candidate: Candidate, end_point: Option<Arc<[u8]>>, nonce: [u8; NONCE]) -> Self {
        Self::with_nonce(candidate, end_point, encode(&nonce))
    }

    pub(super) fn with_nonce(candidate: Candidate, end_point: Option<Arc<[u8]>>, nonce: String) -> Self {
        Self { candidate, end_point, nonce, challenge: None }
    }

    /// `AuthenticationSASL`: what the client may choose from.
    #[must_use]
    pub fn offer(&self) -> Vec<u8> {
        let names: &[u8] = if self.end_point.is_some() { b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0" } else { b"SCRAM-SHA-256\0\0" };
        let mut out = Vec::new();
        authentication(&mut out, 10, names);
        out
    }

    /// Takes the body of the client's `SASLInitialResponse`, and gives the challenge.
    ///
    /// # Errors
    /// A message that is malformed, or must not be answered.
    pub fn on_first(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        if self.challenge.is_some() {
            return Err(Fault::Client);
        }
        let (mechanism, first) = initial_response(body).map_err(|_| Fault::Client)?;
        let plus = match (mechanism, &self.end_point) {
            (PLUS, Some(_)) => true,
            (PLAIN, _) => false,
            _ => return Err(Fault::Client),
        };
        let (header, bare) = self.header(first, plus)?;
        let mut attributes = Attributes::new(bare);
        // A mandatory extension (`m=`) stands in this place and is refused with everything else.
        attributes.value(b'n').ok_or(Fault::Scram)?;
        let client_nonce = attributes.value(b'r').filter(|n| is_nonce(n)).ok_or(Fault::Scram)?;
        while !attributes.is_at_end() {
            attributes.next().ok_or(Fault::Scram)?;
        }
        let binding = match &self.end_point {
            Some(hash) if plus => [header, hash].concat(),
            _ => header.to_vec(),
        };
        let nonce = [client_nonce, self.nonce.as_bytes()].concat();
        let Verifier { salt, iterations, .. } = self.candidate.verifier();
        let tail = format!(",s={},i={iterations}", encode(salt));
        let server_first = [b"r=", nonce.as_slice(), tail.as_bytes()].concat();
        let mut out = Vec::new();
        authentication(&mut out, 11, &server_first);
        self.challenge = Some(Challenge { binding, client_first_bare: bare.to_vec(), server_first, nonce });
        Ok(out)
    }

    /// Splits a first message behind its GSS-API header, and holds that against what was offered.
    fn header<'a>(&self, first: &'a [u8], plus: bool) -> Result<(&'a [u8], &'a [u8]), Fault> {
        let mut parts = first.splitn(3, |c| *c == b',');
        let (Some(flag), Some(identity), Some(bare)) = (parts.next(), parts.next(), parts.next()) else { return Err(Fault::Scram) };
        match flag {
            END_POINT if plus => {}
            // The client would have bound its proof had it seen our offer, so it was shown another one.
            b"y" if !plus && self.end_point.is_some() => return Err(Fault::BindingNegotiation),
            b"n" | b"y" if !plus => {}
            _ => return Err(Fault::Scram),
        }
        match identity {
            b"" => Ok((first.get(..first.len() - bare.len()).ok_or(Fault::Scram)?, bare)),
            [b'a', b'=', ..] => Err(Fault::AuthorizationIdentity),
            _ => Err(Fault::Scram),
        }
    }

    /// Takes the body of the client's `SASLResponse`. Where the proof is right: what to log in with, and the `AuthenticationSASLFinal` by
    /// which the client sees that the verifier is known here.
    ///
    /// # Errors
    /// The proof is wrong, or the message is none.
    pub fn on_proof(&mut self, last: &[u8]) -> Result<(Credentials, Vec<u8>), Fault> {
        let challenge = self.challenge.take().ok_or(Fault::Client)?;
        let mut attributes = Attributes::new(last);
        let binding = attributes.value(b'c').ok_or(Fault::Scram)?;
        let nonce = attributes.value(b'r').ok_or(Fault::Scram)?;
        let proof = loop {
            match attributes.next() {
                Some((b'p', proof)) if attributes.is_at_end() => break proof,
                Some((b'p', _)) | None => return Err(Fault::Scram),
                Some(_) => {}
            }
        };
        let without_proof = last.get(..last.len() - proof.len() - 3).ok_or(Fault::Scram)?;
        let proof = decode_key(proof).ok_or(Fault::Scram)?;
        if binding != encode(&challenge.binding).as_bytes() {
            return Err(Fault::BindingCheck);
        }
        if !bool::from(nonce.ct_eq(&challenge.nonce)) {
            return Err(Fault::Scram);
        }
        let said: [&[u8]; 5] = [&challenge.client_first_bare, b",", &challenge.server_first, b",", without_proof];
        let verifier = self.candidate.verifier();
        let client_key = xor(&proof, &hmac(&verifier.stored_key, &said));
        let server_signature = hmac(&verifier.server_key, &said);
        // Both kinds of candidates take the same way up to here.
        match (verifier.fits(&client_key), &self.candidate) {
            (true, Candidate::Known(verifier)) => {
                let mut out = Vec::new();
                authentication(&mut out, 12, format!("v={}", encode(&server_signature)).as_bytes());
                Ok((Credentials { client_key, verifier: verifier.clone() }, out))
            }
            _ => Err(Fault::Password),
        }
    }
}
