//! The chain: each line ends in the hash of the line before it and its own, so that nothing can be changed, left out or moved
//! without the lines after it saying so. hash = SHA-256(previous hash ‖ the line's bytes before `,"hash"`).

use std::fmt;

use sha2::{Digest, Sha256};

/// SHA-256 of a record. All zeros stand before the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Reads `sha256:` and 64 lower-case hexadecimal digits; nothing else is a hash.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let digits = text.strip_prefix(b"sha256:")?;
        if digits.len() != 64 || digits.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).ok()?;
        Some(Self(hash))
    }

    /// As its `Display`, without a text of its own.
    fn print(self, out: &mut Vec<u8>) {
        let mut digits = [0; 64];
        // Only an array of another length is an error.
        let _ = hex::encode_to_slice(self.0, &mut digits);
        out.extend_from_slice(b"sha256:");
        out.extend_from_slice(&digits);
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        f.write_str(&hex::encode(self.0))
    }
}

/// The end of a chain: what the next record follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// The last record's number; 0 before the first.
    pub seq: u64,
    /// The last record's hash.
    pub hash: Hash,
}

impl Chain {
    /// Appends the next line, newline included. `body` is all between `seq` and `prev`, without a comma at either end.
    pub fn append(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let from = out.len();
        let seq = self.seq.saturating_add(1);
        out.extend_from_slice(b"{\"seq\":");
        out.extend_from_slice(seq.to_string().as_bytes());
        out.push(b',');
        out.extend_from_slice(body);
        out.extend_from_slice(b",\"prev\":\"");
        self.hash.print(out);
        out.push(b'"');
        let hash = link(self.hash, out.get(from..).unwrap_or_default());
        out.extend_from_slice(b",\"hash\":\"");
        hash.print(out);
        out.extend_from_slice(b"\"}\n");
        *self = Self { seq, hash };
    }

    /// The text of a head file: number and hash, padded to one length so that it can be overwritten in place.
    #[must_use]
    pub fn head(&self) -> String {
        format!("{:<92}\n", format!("{}:{}", self.seq, self.hash))
    }

    /// Reads `SEQ:HASH`, the hash with or without `sha256:`; spaces and newlines around it do not count.
    #[must_use]
    pub fn read_head(text: &str) -> Option<Self> {
        let (seq, hash) = text.trim().split_once(':')?;
        let hash = if hash.starts_with("sha256:") { hash.to_owned() } else { format!("sha256:{hash}") };
        Some(Self { seq: seq.parse().ok()?, hash: Hash::read(hash.as_bytes())? })
    }
}

fn link(previous: Hash, bytes: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update(previous.0).chain_update(bytes).finalize().into())
}

/// A line of the log that agrees with its own hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// The hash that it follows.
    pub prev: Hash,
    /// Its own.
    pub hash: Hash,
}

/// Why bytes are no line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// They are not of a record's form: something was cut or written into it.
    Form,
    /// They do not give the hash that they name.
    Hash,
}

/// `,"prev":"sha256:…"` and `,"hash":"sha256:…"}`.
const PREV: usize = 9 + 71 + 1;
const HASH: usize = 9 + 71 + 2;

impl Line {
    /// Reads a line without its newline.
    ///
    /// # Errors
    /// [`Malformed`], where it is not byte for byte what [`Chain::append`] made.
    pub fn read(line: &[u8]) -> Result<Self, Malformed> {
        let (seq, prev, hash, before) = Self::parts(line).ok_or(Malformed::Form)?;
        if link(prev, before) == hash { Ok(Self { seq, prev, hash }) } else { Err(Malformed::Hash) }
    }

    fn parts(line: &[u8]) -> Option<(u64, Hash, Hash, &[u8])> {
        let (before, hash) = line.split_at_checked(line.len().checked_sub(HASH)?)?;
        let hash = Hash::read(hash.strip_prefix(b",\"hash\":\"")?.strip_suffix(b"\"}")?)?;
        let (start, prev) = before.split_at_checked(before.len().checked_sub(PREV)?)?;
        let prev = Hash::read(prev.strip_prefix(b",\"prev\":\"")?.strip_suffix(b"\"")?)?;
        let rest = start.strip_prefix(b"{\"seq\":")?;
        let digits = rest.split(|b| *b == b',').next()?;
        let seq: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (seq.to_string().as_bytes() == digits).then_some((seq, prev, hash, before))
    }
}
