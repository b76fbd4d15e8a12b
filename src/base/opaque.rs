//! Texts that must never be printed by accident: a client's SQL and secrets. Their `Debug` shows a length only.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// SQL as a client sent it, decoded to UTF-8. It may hold literals of personal data, so `Debug` prints its length only,
/// and nothing that takes a [`RawSql`] writes to the server: only a permit can do that.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawSql(Arc<str>);

impl RawSql {
    /// Wraps a client's text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the readers.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RawSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawSql({} bytes)", self.0.len())
    }
}

/// A password, key or token. Wiped when dropped; `Debug` prints nothing of it.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over the bytes of a secret.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret's bytes: keep them on the stack, never in a message.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
