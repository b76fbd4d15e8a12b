//! A throwaway PostgreSQL: made in a folder of its own, under an unprivileged user where we are root, on loopback alone. It is
//! stopped and removed when it is dropped, and also when this process dies in any other way: a small shell of its own process group
//! waits for the end of a pipe that only we hold open. Not here: what is put into it (`shop`).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::unistd::{User, geteuid};
use thiserror::Error;

use super::Installation;

/// What a throwaway server is made with. The default trusts whoever connects over loopback: it holds nothing that is worth more.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Lines for `postgresql.conf`, which outrank ours.
    pub settings: Vec<String>,
    /// The whole of `pg_hba.conf`; `None` trusts everybody on loopback and the socket.
    pub hba: Option<String>,
    /// The superuser's password; `None` for none.
    pub password: Option<String>,
}

/// Why there is no throwaway server.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// No user to run the server under: PostgreSQL refuses root.
    #[error("PostgreSQL does not run as root, and there is neither a user 'postgres' nor 'nobody' to run it under")]
    NoUser,
    /// A file, folder, port or process could not be made.
    #[error("cannot prepare a throwaway PostgreSQL")]
    Io(#[from] io::Error),
    /// A program of the server failed.
    #[error("'{program}' failed: {said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// The end of what it said.
        said: String,
    },
}

/// A running throwaway server. Its superuser is `postgres`; its databases are those that `initdb` makes.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    port: u16,
    runner: Option<(u32, u32)>,
    keeper: Child,
}

/// Stops the server and removes its folder (`$1` `pg_ctl`, `$2` the folder) once our end of its standard input is closed.
const KEEPER: &str = r#"cat >/dev/null; "$1" -D "$2/data" -m immediate -w stop >/dev/null 2>&1; cd /; rm -rf "$2""#;

/// Variables that would lead the server's programs astray.
const STRAY: [&str; 10] =
    ["PGDATA", "PGPORT", "PGHOST", "PGHOSTADDR", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGOPTIONS", "PGSERVICE", "PGSSLMODE"];

impl Cluster {
    /// Makes a server and waits until it answers: some two seconds.
    ///
    /// # Errors
    /// Where there is no user to run it under, no room for it, or a program of the server fails.
    pub fn start(installation: &Installation, setup: &Setup) -> Result<Self, ClusterError> {
        let runner = runner()?;
        let folder = make_folder(runner)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut keeper = program(Path::new("/bin/sh"), &folder, runner);
        keeper.args(["-c", KEEPER, "pgscrim-keeper"]).arg(installation.bin.join("pg_ctl")).arg(&folder);
        let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let cluster = Self { folder, bin: installation.bin.clone(), port, runner, keeper };
        cluster.initialise(setup)?;
        cluster.boot()?;
        Ok(cluster)
    }

    /// The port on 127.0.0.1, and in the name of the socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder: the unix socket, the log, `data`; room for a test's own files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the server's programs.
    #[must_use]
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// How to connect to one of its databases.
    #[must_use]
    pub fn connect(&self, user: &str, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user(user).dbname(database);
        config
    }

    /// The end of the server's log, for a person who wonders.
    #[must_use]
    pub fn log(&self) -> String {
        tail(&self.folder.join("server.log"))
    }

    /// Stops the server at once, as a crash would; the folder stays until the cluster is dropped.
    ///
    /// # Errors
    /// Where `pg_ctl` fails.
    pub fn crash(&self) -> Result<(), ClusterError> {
        self.run("pg_ctl", &["-m", "immediate", "-w", "stop"])
    }

    /// Starts a server that was stopped.
    ///
    /// # Errors
    /// Where `pg_ctl` fails.
    pub fn boot(&self) -> Result<(), ClusterError> {
        let log = self.folder.join("server.log");
        self.run("pg_ctl", &["-l", &log.to_string_lossy(), "-w", "-t", "60", "start"])
    }

    fn initialise(&self, setup: &Setup) -> Result<(), ClusterError> {
        let mut arguments = vec!["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        let file = self.folder.join("password");
        let option = format!("--pwfile={}", file.display());
        if let Some(password) = &setup.password {
            write(OpenOptions::new().create_new(true).mode(0o600), &file, password)?;
            self.give(&file)?;
            arguments.push(&option);
        }
        self.run("initdb", &arguments)?;
        let data = self.folder.join("data");
        write(OpenOptions::new().append(true), &data.join("postgresql.conf"), &self.settings(setup))?;
        if let Some(hba) = &setup.hba {
            write(OpenOptions::new().write(true).truncate(true), &data.join("pg_hba.conf"), hba)?;
        }
        Ok(())
    }

    fn settings(&self, setup: &Setup) -> String {
        let (port, folder) = (self.port, self.folder.display());
        let ours = format!(
            "\nlisten_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\n\
             fsync = off\nfull_page_writes = off\nshared_buffers = 32MB\nmax_wal_size = 256MB\nmax_connections = 200\n\
             timezone = 'UTC'\nlog_timezone = 'UTC'\n"
        );
        setup.settings.iter().fold(ours, |text, line| text + line + "\n")
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        self.runner.map_or(Ok(()), |(uid, gid)| chown(path, Some(uid), Some(gid)))
    }

    fn run(&self, name: &'static str, arguments: &[&str]) -> Result<(), ClusterError> {
        let said = self.folder.join(format!("{name}.log"));
        let log = File::create(&said)?;
        let mut command = program(&self.bin.join(name), &self.folder, self.runner);
        command.arg("-D").arg(self.folder.join("data")).args(arguments);
        // Into a file, not a pipe: the server that `pg_ctl` leaves behind would hold a pipe open.
        let done = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).status()?;
        if done.success() { Ok(()) } else { Err(ClusterError::Program { program: name, said: tail(&said) }) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing can be done about a keeper that fails; it is waited for so that nothing is left running behind us.
        let _ = self.keeper.wait();
    }
}

/// The user that the server runs under, where we are root.
fn runner() -> Result<Option<(u32, u32)>, ClusterError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let known = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
    let user = known.ok_or(ClusterError::NoUser)?;
    Ok(Some((user.uid.as_raw(), user.gid.as_raw())))
}

/// A folder that only the server's user can enter. As root in `/tmp`: `TMPDIR` may be closed to everybody else.
fn make_folder(runner: Option<(u32, u32)>) -> Result<PathBuf, ClusterError> {
    let parent = if runner.is_some() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    let mut unique = [0_u8; 6];
    getrandom::fill(&mut unique).map_err(io::Error::from)?;
    let folder = parent.join(format!("pgscrim-{}", hex::encode(unique)));
    DirBuilder::new().mode(0o700).create(&folder)?;
    if let Some((uid, gid)) = runner {
        chown(&folder, Some(uid), Some(gid))?;
    }
    Ok(folder)
}

fn program(path: &Path, folder: &Path, runner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(path);
    for name in STRAY {
        command.env_remove(name);
    }
    // A process group of its own: Ctrl-C is for us, and we stop the server.
    command.env("LC_ALL", "C").current_dir(folder).process_group(0);
    if let Some((uid, gid)) = runner {
        command.uid(uid).gid(gid);
    }
    command
}

fn write(how: &OpenOptions, path: &Path, text: &str) -> io::Result<()> {
    let mut how = how.clone();
    how.write(true).open(path)?.write_all(text.as_bytes())
}

/// The last lines of a file, as one; empty where it cannot be read.
fn tail(path: &Path) -> String {
    let mut text = String::new();
    let _ = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(4)).copied().collect::<Vec<_>>().join("; ")
}
