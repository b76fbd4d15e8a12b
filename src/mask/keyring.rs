//! The keys of keyed masks: which there are and which one is current. The text of `keyring.yaml` is read in `keyring/read.rs`.

mod read;

pub use read::{KeySource, KeyringFile};

use std::collections::BTreeMap;
use std::sync::Arc;

use hmac::digest::KeyInit;
use hmac::digest::generic_array::GenericArray;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::base::Secret;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// All keys by name, old and new. The default one is empty: a policy without keyed masks needs no keyring.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    current: Option<Arc<str>>,
    keys: BTreeMap<Arc<str>, Secret>,
}

/// A keyed mask asks for a key that the keyring does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyMissing {
    /// The policy names a key that is not there.
    #[error("the keyring has no key '{0}'")]
    Named(Box<str>),
    /// The policy names no key and the keyring has no current one.
    #[error("the keyring has no current key")]
    Current,
}

impl Keyring {
    /// A keyring of these keys; `None` where the current one is not among them or a key has not 32 bytes.
    #[must_use]
    pub fn new(current: &str, keys: impl IntoIterator<Item = (String, Secret)>) -> Option<Self> {
        let keys: BTreeMap<Arc<str>, Secret> = keys.into_iter().map(|(name, key)| (name.into(), key)).collect();
        let fits = keys.contains_key(current) && keys.values().all(|k| k.expose().len() == KEY_BYTES);
        fits.then(|| Self { current: Some(current.into()), keys })
    }

    /// The names of all keys, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(|name| &**name)
    }

    /// The name of the current key.
    #[must_use]
    pub fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// A key made for one purpose from a named key, or from the current one: HMAC-SHA-256 over the purpose's parts, each
    /// with its length before it, so that no two lists of parts are the same input.
    ///
    /// # Errors
    /// Where there is no such key.
    pub fn derive(&self, name: Option<&str>, purpose: &[&str]) -> Result<Derived, KeyMissing> {
        let name = name.or(self.current()).ok_or(KeyMissing::Current)?;
        let key = self.keys.get(name).ok_or_else(|| KeyMissing::Named(name.into()))?;
        let mut mac = keyed(key.expose());
        mac.update(b"pgscrim keyring 1");
        for part in purpose {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Ok(Derived(Secret::new(mac.finalize().into_bytes().to_vec())))
    }
}

/// A key for one purpose; 32 bytes.
#[derive(Clone, Debug)]
pub struct Derived(Secret);

impl Derived {
    /// Its bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// HMAC-SHA-256 under this key, ready to be cloned for each value.
    pub(super) fn mac(&self) -> Hmac<Sha256> {
        keyed(self.expose())
    }

    /// A key for one use of several under this one.
    pub(super) fn derive(&self, purpose: &str) -> Self {
        let mut mac = self.mac();
        mac.update(purpose.as_bytes());
        Self(Secret::new(mac.finalize().into_bytes().to_vec()))
    }

    /// Its bytes, for a cipher with keys of that length.
    pub(super) fn bytes(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        bytes.iter_mut().zip(self.expose()).for_each(|(to, from)| *to = *from);
        bytes
    }
}

/// HMAC fills a key that is shorter than its block with zeros, so doing that first gives the same and cannot fail.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    <Hmac<Sha256> as KeyInit>::new(GenericArray::from_slice(&*block))
}

#[cfg(test)]
mod tests;
