//! The log's files: the log itself, its head (`FILE.head`: the newest record that is on disk), and what an earlier run left.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::log::Store;
use crate::audit::{Chain, Line};

/// The files, open and locked against a second writer.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    file: File,
    head: File,
}

/// How an earlier run left the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What the next record follows.
    pub(super) chain: Chain,
    /// Bytes of the file that hold whole records.
    pub(super) length: u64,
    /// Bytes behind them, which were put aside.
    pub(super) torn: u64,
    /// The head names a record that is no longer there: this one is the last that is.
    pub(super) missing_after: Option<u64>,
}

impl Files {
    /// Opens or creates the log, cuts off a torn end and says what there was.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Found)> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let mut head = options().open(beside(path, "head"))?;
        head.try_lock().map_err(|_| io::Error::new(io::ErrorKind::WouldBlock, "another process writes this audit log"))?;
        let mut file = options().append(true).open(path)?;
        let known = read_head(&mut head);
        let length = file.metadata()?.len();
        let (last, whole) = last_record(&mut file, length)?;
        let mut files = Self { path: path.to_owned(), file, head };
        let torn = length - whole;
        if torn > 0 {
            files.put_aside(whole, last.unwrap_or(known).seq)?;
        }
        // An empty file is one that was just begun; a shorter one was cut, and the gap in the numbers will say so for good.
        let missing_after = last.map(|l| l.seq).filter(|seq| *seq < known.seq);
        let chain = last.filter(|l| l.seq > known.seq).unwrap_or(if known.seq > 0 { known } else { last.unwrap_or_default() });
        sync_folder(path)?;
        Ok((files, Found { chain, length: whole, torn, missing_after }))
    }

    fn put_aside(&mut self, whole: u64, seq: u64) -> io::Result<()> {
        let mut aside = options().open(beside(&self.path, &format!("torn.{seq}")))?;
        aside.set_len(0)?;
        self.file.seek(SeekFrom::Start(whole))?;
        io::copy(&mut self.file, &mut aside)?;
        aside.sync_all()?;
        self.file.set_len(whole)?;
        self.file.sync_all()
    }
}

impl Store for Files {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn head(&mut self, chain: &Chain) -> io::Result<()> {
        self.head.write_all_at(chain.head().as_bytes(), 0)
    }

    fn rotate(&mut self, last: u64) -> io::Result<()> {
        self.head.sync_data()?;
        let aside = beside(&self.path, &format!("{last:020}"));
        if aside.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // It is not there where an earlier attempt came only half the way.
        if self.path.exists() {
            std::fs::rename(&self.path, aside)?;
        }
        self.file = options().append(true).open(&self.path)?;
        sync_folder(&self.path)
    }

    fn reopen(&mut self) -> io::Result<Option<u64>> {
        let here = self.file.metadata()?;
        if std::fs::metadata(&self.path).is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino())) {
            return Ok(None);
        }
        self.head.sync_data()?;
        self.file = options().append(true).open(&self.path)?;
        sync_folder(&self.path)?;
        Ok(Some(self.file.metadata()?.len()))
    }
}

/// Read and write, made where it is not there, for the owner alone.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

/// `FILE.suffix`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A head that cannot be read is none: it was being written for the first time.
fn read_head(head: &mut File) -> Chain {
    let mut text = String::new();
    let read = head.take(4096).read_to_string(&mut text);
    read.ok().and_then(|_| Chain::read_head(&text)).unwrap_or_default()
}

/// The last whole record and where it ends, looked for from the end.
fn last_record(file: &mut File, length: u64) -> io::Result<(Option<Chain>, u64)> {
    let mut window: u64 = 64 << 10;
    loop {
        let from = length.saturating_sub(window);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.take(length - from).read_to_end(&mut bytes)?;
        if let Some((chain, end)) = last_in(&bytes, from == 0) {
            return Ok((Some(chain), from.saturating_add(u64::try_from(end).unwrap_or(u64::MAX))));
        }
        if from == 0 {
            return Ok((None, 0));
        }
        window = window.saturating_mul(4);
    }
}

/// The last whole record within a piece of the file, and where it ends. The first line counts where the file begins with it.
fn last_in(bytes: &[u8], from_start: bool) -> Option<(Chain, usize)> {
    let mut end = bytes.len();
    while end > 0 {
        let until = bytes.get(..end)?.iter().rposition(|b| *b == b'\n')?;
        let start = bytes.get(..until)?.iter().rposition(|b| *b == b'\n').map(|at| at + 1);
        let start = if from_start { Some(start.unwrap_or(0)) } else { start };
        if let Ok(line) = Line::read(bytes.get(start?..until)?) {
            return Some((Chain { seq: line.seq, hash: line.hash }, until + 1));
        }
        end = until;
    }
    None
}
