//! `pgscrim serve` as a process of its own, before a throwaway PostgreSQL.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pgscrim::demo::{Cluster, Setup, installations};
use tokio_postgres::NoTls;

const POLICY: &str = "version: 1\nroles: { free: { members: [free] } }\n";

/// A server and a folder for what the proxy reads and writes.
#[derive(Debug)]
pub(crate) struct Setting {
    cluster: Cluster,
    folder: tempfile::TempDir,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        let found = installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref());
        let installation = found.first().expect("no PostgreSQL server programs: name their folder in PGSCRIM_PG_BIN");
        let cluster = Cluster::start(installation, &Setup::default()).unwrap();
        let setting = Self { cluster, folder: tempfile::tempdir().unwrap() };
        setting.direct("CREATE ROLE pgscrim LOGIN; CREATE ROLE free LOGIN; CREATE TABLE told (n int); GRANT ALL ON told TO free").await;
        setting
    }

    async fn direct(&self, sql: &str) -> Vec<tokio_postgres::SimpleQueryMessage> {
        let (client, connection) = self.cluster.connect("postgres", "postgres").connect(NoTls).await.unwrap();
        tokio::select! {
            done = client.simple_query(sql) => done.unwrap(),
            ended = connection => panic!("the server ended the connection: {ended:?}"),
        }
    }

    /// Rows that were written.
    pub(crate) async fn told(&self) -> usize {
        let rows = self.direct("SELECT count(*) FROM told").await;
        let counts = rows
            .iter()
            .filter_map(|m| if let tokio_postgres::SimpleQueryMessage::Row(r) = m { r.get(0)?.parse::<usize>().ok() } else { None });
        counts.sum()
    }

    pub(crate) fn audit(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.audit()).unwrap()
    }

    /// The log's files, heads apart.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let all = std::fs::read_dir(self.folder.path()).unwrap().map(|e| e.unwrap().path());
        let name = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
        let mut files: Vec<PathBuf> = all.filter(|p| name(p).starts_with("audit.") && !name(p).ends_with(".head")).collect();
        files.sort();
        files
    }

    /// The exit code of `pgscrim audit verify` over all files, and what it says.
    pub(crate) fn verify(&self) -> (i32, String) {
        let out = Command::new(env!("CARGO_BIN_EXE_pgscrim")).args(["audit", "verify"]).args(self.files()).output().unwrap();
        (out.status.code().unwrap(), String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Starts the proxy. `room` is how many KiB a file may grow to: what a full disk is to a process.
    pub(crate) async fn serve(&self, way: &str, room: Option<u32>) -> Serving<'_> {
        let more = match way {
            "audit_each" => ", durability: each",
            "audit_continue" => ", on_failure: continue",
            "audit_rotate" => ", rotate: 64KiB",
            _ => "",
        };
        let folder = self.folder.path();
        std::fs::write(folder.join("policy.yaml"), POLICY).unwrap();
        let config = format!(
            "listen: 127.0.0.1:0\nupstream: {{ host: 127.0.0.1, port: {}, tls: disable }}\npolicies: policy.yaml\n\
             auth: {{ allow_trust: true }}\ncatalog: {{ user: pgscrim, database: postgres }}\nadmin: {{ listen: off }}\n\
             audit: {{ file: audit.jsonl{more} }}\n",
            self.cluster.port()
        );
        std::fs::write(folder.join("pgscrim.yaml"), config).unwrap();
        // A write beyond the limit is an error where the signal is ignored (setrlimit(2), RLIMIT_FSIZE).
        let limit = room.map_or_else(String::new, |kib| format!("trap '' XFSZ; ulimit -S -f {}; ", kib * 2));
        let mut child = Command::new("sh")
            .args(["-c", &format!("{limit}exec \"$0\" serve -c \"$1\"")])
            .arg(env!("CARGO_BIN_EXE_pgscrim"))
            .arg(folder.join("pgscrim.yaml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
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
        // What it says further is not kept, but has to go somewhere.
        std::thread::spawn(move || said.for_each(drop));
        Serving { setting: self, child, port }
    }
}

/// The running proxy.
#[derive(Debug)]
pub(crate) struct Serving<'a> {
    setting: &'a Setting,
    child: Child,
    port: u16,
}

impl Serving<'_> {
    pub(crate) fn connect(&self, user: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user(user).dbname("postgres");
        config
    }

    fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    pub(crate) fn hang_up(&self) {
        self.signal(nix::sys::signal::Signal::SIGHUP);
    }

    /// The disk has room again.
    pub(crate) fn room(&self) {
        let done = Command::new("prlimit").args(["--pid", &self.child.id().to_string(), "--fsize=unlimited:"]).status().unwrap();
        assert!(done.success());
    }

    pub(crate) fn stop(mut self) {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) fn kill(&self) {
        self.signal(nix::sys::signal::Signal::SIGKILL);
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.setting;
    }
}
