//! The end of the log: lines that are chained but not yet safe, and how they become so. What is not synced is kept, so that
//! after a failed write or sync the file is cut back to what was safe and all of it is written again. No thread, no clock, no path.

use std::io;

use crate::audit::{Chain, Record};

/// Where lines go.
pub(super) trait Store {
    /// Writes at the end; how much was taken.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// What was written is on disk afterwards.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file back to `length` bytes.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Overwrites the head file.
    fn head(&mut self, chain: &Chain) -> io::Result<()>;
    /// Puts the file aside, under a name with `last` in it, and begins a new one.
    fn rotate(&mut self, last: u64) -> io::Result<()>;
    /// Opens the path anew where something else stands there now. The length of the file that is open afterwards, if it is another.
    fn reopen(&mut self) -> io::Result<Option<u64>>;
}

/// A log that is open for writing.
#[derive(Debug)]
pub(super) struct Log<S> {
    store: S,
    chain: Chain,
    /// The number of the last record that is safe.
    last: u64,
    /// Bytes of the file that are safe.
    safe: u64,
    /// Lines beyond them.
    kept: Vec<u8>,
    /// How much of `kept` was written.
    written: usize,
    /// The file may hold more than `safe + written` bytes.
    doubtful: bool,
    /// Bytes after which a new file begins.
    rotate: Option<u64>,
}

impl<S: Store> Log<S> {
    /// Goes on after `chain` in a file of `length` bytes.
    pub(super) fn new(store: S, chain: Chain, length: u64, rotate: Option<u64>) -> Self {
        Self { store, chain, last: chain.seq, safe: length, kept: Vec::new(), written: 0, doubtful: false, rotate }
    }

    /// Chains a record; nothing is written yet.
    pub(super) fn add(&mut self, record: &Record) {
        self.add_body(record.body());
    }

    /// The same of a record's bytes.
    pub(super) fn add_body(&mut self, body: &[u8]) {
        self.chain.append(body, &mut self.kept);
    }

    /// Bytes that are not safe yet.
    pub(super) fn unsafe_bytes(&self) -> usize {
        self.kept.len()
    }

    /// Hands everything to the operating system, in a new file where this one is full: a crash of the process loses nothing of it.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if self.doubtful {
            self.store.truncate(self.safe)?;
            self.written = 0;
            self.doubtful = false;
        }
        // Not before there is something to write, so that no file stays empty.
        if self.written == 0 && !self.kept.is_empty() && self.rotate.is_some_and(|most| self.safe >= most) {
            self.store.rotate(self.last)?;
            self.safe = 0;
        }
        while let Some(rest) = self.kept.get(self.written..).filter(|r| !r.is_empty()) {
            self.doubtful = true;
            match self.store.append(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.written += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
            self.doubtful = false;
        }
        Ok(())
    }

    /// Makes everything safe and notes the head.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.write()?;
        if self.kept.is_empty() {
            return Ok(());
        }
        // After a failed sync the system may have dropped what it could not write: it is all written again.
        self.doubtful = true;
        self.store.sync()?;
        self.doubtful = false;
        self.safe = self.safe.saturating_add(u64::try_from(self.kept.len()).unwrap_or(u64::MAX));
        self.kept.clear();
        self.kept.shrink_to(1 << 20);
        self.written = 0;
        self.store.head(&self.chain)?;
        self.last = self.chain.seq;
        Ok(())
    }

    /// After somebody else put the file aside. `begun` is what the new file begins with, so that it does not stay empty.
    pub(super) fn reopen(&mut self, begun: impl FnOnce() -> Record) -> io::Result<()> {
        self.sync()?;
        if let Some(length) = self.store.reopen()? {
            self.safe = length;
            self.add(&begun());
        }
        self.sync()
    }
}
