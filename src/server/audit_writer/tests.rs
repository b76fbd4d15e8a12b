//! The writer on real files, and on a disk that fails when told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::log::{Log, Store};
use super::*;
use crate::audit::{Broken, Chain, Reason, Verifier};

fn config(folder: &Path, durability: Durability) -> Audit {
    Audit { file: folder.join("audit/a.jsonl"), durability, on_failure: OnFailure::Refuse, rotate: None, queue: 100 }
}

fn event(reason: &str) -> Record {
    Record::event(Kind::Policy, jiff::Timestamp::UNIX_EPOCH, &WhoPart::default(), Some(reason), None, None)
}

fn verify(files: &[PathBuf]) -> Result<u64, Broken> {
    let heads = files.iter().filter_map(|f| std::fs::File::open(format!("{}.head", f.display())).ok());
    let heads = heads.filter_map(|f| Chain::read_head(&std::io::read_to_string(f).unwrap())).collect();
    let mut verifier = Verifier::new(heads);
    for file in files {
        verifier.file();
        let text = std::io::read_to_string(std::fs::File::open(file).unwrap()).unwrap();
        for line in text.as_bytes().split_inclusive(|b| *b == b'\n') {
            verifier.line(line)?;
        }
    }
    Ok(verifier.finish()?.map_or(0, |(_, _, count)| count))
}

/// The files that hold records, by their first.
fn files_in_order(folder: &Path) -> Vec<PathBuf> {
    let mut files: BTreeMap<u64, PathBuf> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::io::read_to_string(std::fs::File::open(&path).unwrap()).unwrap();
        if let Some(line) = text.lines().next()
            && let Ok(line) = crate::audit::Line::read(line.as_bytes())
        {
            files.insert(line.seq, path);
        }
    }
    files.into_values().collect()
}

fn wait<F: std::future::Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn what_was_acknowledged_is_on_disk_and_the_chain_goes_on_over_starts() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), Durability::Each);
    for run in 1..4_u64 {
        let writer = AuditWriter::start(&config, None).unwrap();
        let handle = writer.handle();
        assert!(handle.lease() > 0);
        wait(handle.submit(event("one")).durable());
        assert_eq!(verify(std::slice::from_ref(&config.file)), Ok((run - 1) * 3 + 2));
        writer.stop();
        assert_eq!(verify(std::slice::from_ref(&config.file)), Ok(run * 3));
    }
}

#[test]
fn a_torn_end_is_put_aside_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), Durability::Batch);
    AuditWriter::start(&config, None).unwrap().stop();
    let mut whole = Vec::new();
    std::io::Read::read_to_end(&mut std::fs::File::open(&config.file).unwrap(), &mut whole).unwrap();
    let torn = &whole[..100];
    std::io::Write::write_all(&mut std::fs::File::options().append(true).open(&config.file).unwrap(), torn).unwrap();
    assert_eq!(verify(std::slice::from_ref(&config.file)), Err(Broken { line: 3, reason: Reason::Torn }));
    AuditWriter::start(&config, None).unwrap().stop();
    assert_eq!(verify(std::slice::from_ref(&config.file)), Ok(4));
    let text = std::io::read_to_string(std::fs::File::open(&config.file).unwrap()).unwrap();
    assert!(text.contains("sealed: 100 bytes"));
    assert_eq!(std::fs::metadata(format!("{}.torn.2", config.file.display())).unwrap().len(), 100);
}

#[test]
fn a_log_that_was_shortened_between_two_runs_stays_broken() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), Durability::Batch);
    AuditWriter::start(&config, None).unwrap().stop();
    let text = std::io::read_to_string(std::fs::File::open(&config.file).unwrap()).unwrap();
    let first = text.find('\n').unwrap() + 1;
    std::fs::File::options().write(true).open(&config.file).unwrap().set_len(u64::try_from(first).unwrap()).unwrap();
    AuditWriter::start(&config, None).unwrap().stop();
    assert_eq!(verify(std::slice::from_ref(&config.file)), Err(Broken { line: 2, reason: Reason::Order { expected: 2, found: 3 } }));
}

#[test]
fn one_log_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), Durability::Batch);
    let writer = AuditWriter::start(&config, None).unwrap();
    assert!(AuditWriter::start(&config, None).is_err());
    writer.stop();
}

#[test]
fn the_chain_crosses_files_that_are_full_or_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let config = Audit { rotate: Some(2000), ..config(folder.path(), Durability::Each) };
    let writer = AuditWriter::start(&config, None).unwrap();
    let handle = writer.handle();
    for _ in 0..20 {
        assert!(handle.lease() > 0);
        wait(handle.submit(event("x")).durable());
    }
    let aside = folder.path().join("audit/aside.jsonl");
    std::fs::rename(&config.file, &aside).unwrap();
    handle.reopen();
    // The new file is begun at once, whoever looks; what follows waits for it.
    wait(handle.submit(event("y")).durable());
    writer.stop();
    assert!(verify(std::slice::from_ref(&config.file)).is_ok());
    let files = files_in_order(&folder.path().join("audit"));
    assert!(files.len() > 3, "{files:?}");
    assert_eq!(verify(&files), Ok(24));
}

/// A disk in memory that takes `room` bytes and syncs while it may.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    room: usize,
    sync: bool,
}

impl Store for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.lock().unwrap();
        let room = disk.room.saturating_sub(disk.bytes.len()).min(bytes.len());
        disk.bytes.extend_from_slice(&bytes[..room]);
        if room == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(room) }
    }
    fn sync(&mut self) -> io::Result<()> {
        if self.0.lock().unwrap().sync { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
    }
    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.lock().unwrap().bytes.truncate(usize::try_from(length).unwrap());
        Ok(())
    }
    fn head(&mut self, _: &Chain) -> io::Result<()> {
        Ok(())
    }
    fn rotate(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
    fn reopen(&mut self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

impl Disk {
    fn set(&self, room: usize, sync: bool) {
        let mut disk = self.0.lock().unwrap();
        (disk.room, disk.sync) = (room, sync);
    }
    fn verify(&self) -> Result<u64, Broken> {
        let mut verifier = Verifier::default();
        for line in self.0.lock().unwrap().bytes.split_inclusive(|b| *b == b'\n') {
            verifier.line(line)?;
        }
        Ok(verifier.finish()?.map_or(0, |(_, _, count)| count))
    }
}

fn shared(may_go_on: bool, each: bool) -> Arc<Shared> {
    Arc::new(Shared { free: Apart(AtomicI64::new(10)), size: 10, may_go_on, each, ..Shared::default() })
}

#[test]
fn a_full_disk_and_a_failed_sync_leave_no_trace_once_they_are_over() {
    let disk = Disk::default();
    let mut log = Log::new(disk.clone(), Chain::default(), 0, None);
    for (room, sync) in [(100, true), (5000, false), (700, true), (0, true)] {
        disk.set(room, sync);
        log.add(&event("x"));
        assert!(log.sync().is_err());
    }
    disk.set(5000, true);
    log.sync().unwrap();
    assert_eq!(disk.verify(), Ok(4));
}

#[test]
fn while_the_disk_is_full_nothing_may_run_and_nobody_hears_of_an_end() {
    let disk = Disk::default();
    let writer = AuditWriter::spawn(Log::new(disk.clone(), Chain::default(), 0, None), shared(false, true)).unwrap();
    let handle = writer.handle();
    assert_eq!(handle.lease(), 5);
    let ticket = handle.submit(event("x"));
    while !handle.stats().failing {
        std::thread::yield_now();
    }
    assert_eq!((handle.lease(), handle.refuses()), (0, true));
    assert!(ticket.poll_durable(&mut Context::from_waker(Waker::noop())).is_pending());
    disk.set(1 << 20, true);
    wait(ticket.durable());
    while handle.refuses() {
        std::thread::yield_now();
    }
    assert!(handle.lease() > 0);
    writer.stop();
    assert_eq!(disk.verify(), Ok(2));
}

#[test]
fn where_it_may_go_on_what_found_no_room_is_counted_in_the_log() {
    let disk = Disk::default();
    let writer = AuditWriter::spawn(Log::new(disk.clone(), Chain::default(), 0, None), shared(true, true)).unwrap();
    let handle = writer.handle();
    for _ in 0..30 {
        assert!(handle.lease() > 0);
        wait(handle.submit(event("x")).durable());
    }
    assert!(handle.stats().failing);
    disk.set(1 << 20, true);
    writer.stop();
    let text = String::from_utf8(disk.0.lock().unwrap().bytes.clone()).unwrap();
    assert!(text.contains("records could not be written"), "{text}");
    assert!(disk.verify().is_ok());
}

#[test]
fn what_is_refused_for_want_of_a_place_does_not_pile_up() {
    let disk = Disk::default();
    let writer = AuditWriter::spawn(Log::new(disk.clone(), Chain::default(), 0, None), shared(false, false)).unwrap();
    let handle = writer.handle();
    for _ in 0..5000 {
        let _ = handle.submit(event("refused"));
    }
    assert!(handle.stats().queue <= 10 * 2 + 1024);
    disk.set(10 << 20, true);
    while handle.stats().queue > 0 {
        std::thread::yield_now();
    }
    assert!(handle.shared.free.0.load(Ordering::Acquire) <= 10);
    writer.stop();
    assert!(disk.verify().is_ok());
    assert!(String::from_utf8_lossy(&disk.0.lock().unwrap().bytes).contains("records could not be written"));
}

/// Names the folder in which [`a_killed_writer`] writes until it is killed. Without it that is no process to be killed.
const KILLED: &str = "PGSCRIM_TEST_AUDIT_KILLED";

/// The process that [`what_was_acknowledged_outlives_a_kill`] kills.
#[test]
fn a_killed_writer() {
    let Some(folder) = std::env::var_os(KILLED) else { return };
    let config = Audit { rotate: Some(20_000), ..config(Path::new(&folder), Durability::Each) };
    let writer = AuditWriter::start(&config, None).unwrap();
    let handle = writer.handle();
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let handle = handle.clone();
            std::thread::spawn(move || {
                for i in 0.. {
                    let places = std::iter::repeat_with(|| handle.lease()).find(|n| *n > 0).unwrap();
                    handle.give_back(places - 1);
                    wait(handle.submit(event(&format!("{} {n} {i}", std::process::id()))).durable());
                    println!("\nacknowledged \"{} {n} {i}\"", std::process::id());
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 1..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "server::audit_writer::tests::a_killed_writer", "--nocapture", "--test-threads=1"])
            .env(KILLED, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = |enough: usize| {
            for line in lines.by_ref() {
                if let Some(reason) = line.unwrap().strip_prefix("acknowledged ") {
                    acknowledged.push(reason.to_owned());
                }
                if acknowledged.len() >= enough {
                    break;
                }
            }
        };
        heard(round * 60);
        child.kill().unwrap();
        heard(usize::MAX);
        child.wait().unwrap();
    }
    // A last start seals what the last kill left.
    let config = config(folder.path(), Durability::Batch);
    AuditWriter::start(&config, None).unwrap().stop();
    let files = files_in_order(&folder.path().join("audit"));
    assert!(files.len() > 2, "{files:?}");
    assert!(verify(&files).is_ok(), "{:?}", verify(&files));
    let text: String = files.iter().map(|f| std::io::read_to_string(std::fs::File::open(f).unwrap()).unwrap()).collect();
    for reason in &acknowledged {
        assert_eq!(text.matches(&format!("\"reason\":{reason},")).count(), 1, "{reason}");
    }
}
