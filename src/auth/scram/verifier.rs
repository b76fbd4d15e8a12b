//! The verifier that the server keeps of a password (`pg_authid.rolpassword`), and one that nobody has.

use std::fmt;

use zeroize::Zeroizing;

use super::{decode, decode_key, hmac, sha256};

/// What PostgreSQL keeps in the place of a password. `Debug` shows nothing of it: who has it can test guesses, and pose as the server.
#[derive(Clone)]
pub struct Verifier {
    pub(super) iterations: u32,
    pub(super) salt: Vec<u8>,
    pub(super) stored_key: Zeroizing<[u8; 32]>,
    pub(super) server_key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl Verifier {
    /// Reads `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`; `None` for anything else, an MD5 hash among it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (head, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let ((iterations, salt), (stored_key, server_key)) = (head.split_once(':')?, keys.split_once(':')?);
        let iterations = number(iterations.as_bytes())?;
        let salt = decode(salt.as_bytes()).filter(|s| !s.is_empty())?;
        let key = |text: &str| decode_key(text.as_bytes()).map(Zeroizing::new);
        Some(Self { iterations, salt, stored_key: key(stored_key)?, server_key: key(server_key)? })
    }

    /// One for a login that has none. The same login always gets the same salt, which looks like any other, so that the challenge does
    /// not tell who exists (PostgreSQL's mock authentication). No password fits it.
    /// Source: PostgreSQL 18, `mock_scram_secret` in `src/backend/libpq/auth-scram.c`.
    #[must_use]
    pub fn mock(secret: &[u8; 32], login: &str, iterations: u32) -> Self {
        let salt = hmac(secret, &[b"mock salt", login.as_bytes()]).into_iter().take(16).collect();
        let key = |what: &[u8]| Zeroizing::new(hmac(secret, &[what, login.as_bytes()]));
        Self { iterations, salt, stored_key: key(b"mock stored key"), server_key: key(b"mock server key") }
    }

    /// Whether this is the key that a client's proof hides.
    pub(super) fn fits(&self, client_key: &[u8; 32]) -> bool {
        subtle::ConstantTimeEq::ct_eq(sha256(client_key).as_slice(), self.stored_key.as_slice()).into()
    }
}

/// A count from 1 to 2³¹-1, digits alone.
pub(super) fn number(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok().filter(|t| t.bytes().all(|c| c.is_ascii_digit()))?;
    text.parse::<i32>().ok().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0)
}
