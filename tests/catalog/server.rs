//! A throwaway PostgreSQL for these tests: started under an unprivileged user, stopped and removed when dropped.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::net::TcpStream;
use tokio_postgres::NoTls;

/// `nobody`, where the tests run as root: PostgreSQL refuses to.
const NOBODY: u32 = 65534;

/// Folders with `initdb` and `pg_ctl`: those in `PGSCRIM_PG_BIN` (separated by colons), else Debian's.
pub(crate) fn installations() -> Vec<PathBuf> {
    if let Ok(list) = std::env::var("PGSCRIM_PG_BIN") {
        return std::env::split_paths(&list).collect();
    }
    let debian = (14..=18).map(|v| PathBuf::from(format!("/usr/lib/postgresql/{v}/bin")));
    let found: Vec<PathBuf> = debian.filter(|p| p.join("pg_ctl").exists()).collect();
    assert!(!found.is_empty(), "no PostgreSQL server binaries: name their folder in PGSCRIM_PG_BIN");
    found
}

pub(crate) struct Server {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

impl Server {
    pub(crate) fn start(bin: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if nix::unistd::geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { bin: bin.to_owned(), folder, port };
        server.run("initdb", &["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let options = format!("-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k ''");
        let log = server.folder.path().join("log");
        server.run("pg_ctl", &["-o", &options, "-l", log.to_str().unwrap(), "-w", "start"]);
        server
    }

    fn run(&self, program: &str, args: &[&str]) {
        let mut command = Command::new(self.bin.join(program));
        command.arg("-D").arg(self.folder.path().join("data")).args(args).stdout(Stdio::null()).current_dir(self.folder.path());
        if nix::unistd::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        assert!(command.status().unwrap().success(), "{program} failed");
    }

    pub(crate) async fn dial(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Runs SQL as the superuser in a database.
    pub(crate) async fn sql(&self, database: &str, text: &str) -> Vec<tokio_postgres::SimpleQueryMessage> {
        let mut config = tokio_postgres::Config::new();
        config.user("postgres").dbname(database);
        let (client, connection) = config.connect_raw(self.dial().await, NoTls).await.unwrap();
        let work = client.simple_query(text);
        tokio::select! {
            done = work => done.unwrap(),
            ended = connection => panic!("the server ended the connection: {ended:?}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run("pg_ctl", &["-m", "immediate", "-w", "stop"]);
    }
}
