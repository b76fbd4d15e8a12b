//! `pgscrim serve` as a process of its own before a throwaway PostgreSQL, and what it takes of the machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use pgscrim::demo::{Cluster, Setup, installations};

use crate::raw::{Message, Raw, frame, strings};

const POLICY: &str = "
version: 1
classes: { personal: { level: 3 } }
tables: { public.person: { columns: { email: personal } } }
roles:
  guest: { members: [guest], read: { personal: { mask: email } } }
  clear: { members: [clear], read: { personal: allow } }
  free: { members: [free], unrestricted: true }
";

const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE guest LOGIN; CREATE ROLE clear LOGIN; CREATE ROLE free LOGIN;
CREATE TABLE person (id int PRIMARY KEY, email text);
INSERT INTO person SELECT i, 'canary' || i || '@example.com' FROM generate_series(1, 1000) i;
CREATE UNLOGGED TABLE sink (t text);
CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER drops BEFORE INSERT ON sink FOR EACH ROW EXECUTE FUNCTION drops();
GRANT SELECT ON person TO guest, clear, free; GRANT INSERT ON sink TO guest, clear, free;
ANALYZE";

/// A server with what is asked of it.
pub(crate) fn server() -> Cluster {
    let found = installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref());
    let installation = found.first().expect("no PostgreSQL server programs: name their folder in PGSCRIM_PG_BIN");
    let cluster = Cluster::start(installation, &Setup { settings: vec!["max_connections = 2200".into()], ..Setup::default() }).unwrap();
    let mut admin = Raw::connect(cluster.port(), "postgres", "postgres");
    let heard = admin.run(SETUP);
    assert!(heard.iter().all(|m| m.tag != b'E'), "{heard:?}");
    cluster
}

/// The running proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    child: Child,
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

impl Proxy {
    /// `more` are lines of configuration.
    pub(crate) fn serve(upstream: u16, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
        // the catalog is read once: what is measured here does not come and go with it
        let config = format!(
            "listen: 127.0.0.1:0\nupstream: {{ host: 127.0.0.1, port: {upstream}, tls: disable }}\npolicies: policy.yaml\n\
             auth: {{ allow_trust: true }}\ncatalog: {{ user: pgscrim, database: postgres, refresh: 1h, max_age: 2h }}\n\
             admin: {{ listen: off }}\naudit: {{ file: audit.jsonl }}\n{more}"
        );
        std::fs::write(folder.path().join("pgscrim.yaml"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgscrim"));
        let mut child = command.args(["serve", "-c"]).arg(folder.path().join("pgscrim.yaml")).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut before = String::new();
        let port = loop {
            let line = said.next().unwrap_or_else(|| panic!("the proxy did not start:\n{before}")).unwrap();
            if let Some((_, address)) = line.split_once("listening on ") {
                break address.trim().rsplit(':').next().unwrap().parse().unwrap();
            }
            before.push_str(&line);
            before.push('\n');
        };
        // what it says further is not kept, but has to go somewhere
        std::thread::spawn(move || said.for_each(drop));
        Self { child, port, folder }
    }

    pub(crate) fn connect(&self, user: &str) -> Raw {
        Raw::connect(self.port, user, "postgres")
    }

    /// What a log-in is refused with.
    pub(crate) fn refused(&self, user: &str) -> Message {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = [vec![0, 3, 0, 0], strings(&["user", user, "database", "postgres", ""])].concat();
        socket.write_all(&frame(0, &body)[1..]).unwrap();
        let mut heard = Vec::new();
        socket.read_to_end(&mut heard).unwrap();
        assert_eq!(heard.first(), Some(&b'E'), "{:?}", heard.escape_ascii().to_string());
        Message { tag: b'E', body: heard[5..].to_vec() }
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// How it ended, and its records.
    pub(crate) fn ended(mut self) -> (bool, String) {
        let well = self.child.wait().unwrap().success();
        (well, std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap())
    }

    /// Its own memory: what it has allocated, without the pages of its program.
    pub(crate) fn memory(&self) -> usize {
        memory(self.child.id())
    }

    /// The most that its memory grew by while something was done, looked at every few milliseconds.
    pub(crate) fn growth(&self, work: impl FnOnce()) -> usize {
        let (pid, before) = (self.child.id(), self.memory());
        let (done, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let looker = std::thread::spawn({
            let (done, most) = (Arc::clone(&done), Arc::clone(&most));
            move || {
                while !done.load(Ordering::Acquire) {
                    most.fetch_max(memory(pid), Ordering::AcqRel);
                    std::thread::park_timeout(Duration::from_millis(2));
                }
            }
        });
        work();
        done.store(true, Ordering::Release);
        looker.join().unwrap();
        most.load(Ordering::Acquire).max(self.memory()).saturating_sub(before)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `RssAnon` of proc(5), in bytes.
fn memory(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}
