//! SCRAM-SHA-256 on both sides (RFC 5802, 7677), as PostgreSQL speaks it: the proxy checks a client with the verifier that the server
//! keeps, gains the client's key from a right proof, and proves itself to the server with it. No password, and no PBKDF2, is
//! ever needed. Random bytes come in as arguments; where verifiers come from is decided in `server`.

mod client;
mod server;
mod userlist;
mod verifier;

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::digest::Key;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use client::{ScramClient, Step, offers_binding};
pub use server::{Candidate, Credentials, ScramServer};
pub use userlist::{Userlist, UserlistError};
pub use verifier::Verifier;

/// The mechanism without channel binding.
const PLAIN: &[u8] = b"SCRAM-SHA-256";
/// The mechanism with it.
const PLUS: &[u8] = b"SCRAM-SHA-256-PLUS";
/// How a client begins that binds to the server's certificate (RFC 5929, 4).
const END_POINT: &[u8] = b"p=tls-server-end-point";

/// Random bytes of a nonce, as many as PostgreSQL's.
pub const NONCE: usize = 18;

/// HMAC-SHA-256.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC fills a short key up with zeros to a whole block; doing so here leaves no length that could be wrong.
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(Key::<Hmac<Sha256>>::from_slice(block.as_slice()));
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn xor(a: &[u8; 32], b: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new(*a);
    for (to, from) in out.iter_mut().zip(b) {
        *to ^= from;
    }
    out
}

fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// 32 bytes in base64.
fn decode_key(text: &[u8]) -> Option<[u8; 32]> {
    let mut out = Zeroizing::new(Vec::new());
    BASE64.decode_vec(text, &mut out).ok()?;
    out.as_slice().try_into().ok()
}

/// Characters of a nonce: printable ASCII but for the comma.
fn is_nonce(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|c| (0x21..=0x7e).contains(c) && *c != b',')
}

/// Attributes of a SCRAM message, a letter and a value each, commas between them.
#[derive(Clone, Debug)]
struct Attributes<'a>(Option<&'a [u8]>);

impl<'a> Attributes<'a> {
    fn new(message: &'a [u8]) -> Self {
        Self(Some(message))
    }

    /// The next attribute; `None` where there is none, or what comes next is not one.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let rest = self.0?;
        let end = rest.iter().position(|c| *c == b',');
        let (piece, after) = match end.and_then(|end| rest.split_at_checked(end)) {
            Some((piece, after)) => (piece, after.get(1..)),
            None => (rest, None),
        };
        self.0 = after;
        match piece {
            [letter, b'=', value @ ..] if letter.is_ascii_alphabetic() && !value.contains(&0) => Some((*letter, value)),
            _ => None,
        }
    }

    /// The next attribute's value, which must have this letter.
    fn value(&mut self, letter: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == letter).map(|(_, value)| value)
    }

    fn is_at_end(&self) -> bool {
        self.0.is_none()
    }
}
