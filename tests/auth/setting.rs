//! A throwaway PostgreSQL with the access rules of a test, and a proxy before it that copies bytes once a client is logged in.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use pgscrim::auth::{CancelKey, Throttle};
use pgscrim::server::listen::{Address, Listener};
use pgscrim::server::startup::{
    Admission, Arrival, AuthFailure, Expected, Grant, Method, Ready, Started, StartupContext, StartupRefusal, start,
};
use pgscrim::server::tls::ServerTls;
use pgscrim::server::verifiers::{Asker, NoVerifier, Verifiers};
use pgscrim::upstream::{Target, TlsMode, UpstreamTls, UpstreamTlsFiles, cancel};
use tokio::io::{AsyncWriteExt, copy_bidirectional};

/// `nobody`, where the tests run as root: PostgreSQL refuses to.
const NOBODY: u32 = 65534;

fn programs() -> PathBuf {
    let named = std::env::var_os("PGSCRIM_PG_BIN").into_iter().flat_map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
    let debian = (14..=18).rev().map(|v| PathBuf::from(format!("/usr/lib/postgresql/{v}/bin")));
    named.chain(debian).find(|p| p.join("pg_ctl").exists()).expect("no PostgreSQL server binaries: name their folder in PGSCRIM_PG_BIN")
}

/// A PostgreSQL of one test.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
}

impl Server {
    /// Starts one whose `pg_hba.conf` has these lines, with `logins.sql` run by a superuser on a unix socket.
    /// It has a certificate, which it shows where `options` say `-c ssl=on`.
    pub(crate) fn start(hba: &str, options: &str, logins: &str) -> Self {
        Self::start_with(hba, options, logins, &super::pki::self_signed(), "")
    }

    /// The same with this certificate, and these authorities of clients' ones.
    pub(crate) fn start_with(hba: &str, options: &str, logins: &str, pair: &super::pki::Pair, ca: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        if nix::unistd::geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut server = Self { folder, port: 0 };
        server.run("initdb", &["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let rules = format!("local all postgres trust\n{hba}\n");
        std::fs::write(server.data().join("pg_hba.conf"), rules).unwrap();
        server.show(pair, ca);
        // Another process may take a free port before the server does.
        assert!((0..5).any(|_| server.boot(options)), "{}", std::fs::read_to_string(server.log()).unwrap_or_default());
        server.sql(logins);
        server
    }

    fn boot(&mut self, options: &str) -> bool {
        self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, socket, log) = (self.port, self.socket_folder(), self.log());
        let options = format!("-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {} {options}", socket.display());
        self.runs("pg_ctl", &["-o", &options, "-l", log.to_str().unwrap(), "-w", "start"])
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn socket_folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Gives it a certificate.
    fn show(&self, pair: &super::pki::Pair, ca: &str) {
        for (name, text) in [("server.crt", pair.certificate.as_str()), ("server.key", &pair.key), ("ca.crt", ca)] {
            let file = self.data().join(name);
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            if nix::unistd::geteuid().is_root() {
                chown(&file, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
    }

    /// Stops it and starts it again.
    pub(crate) fn restart(&self) {
        self.run("pg_ctl", &["-m", "fast", "-w", "-l", self.log().to_str().unwrap(), "restart"]);
    }

    /// SQL by the superuser.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let connection = format!("host={} port={} user=postgres dbname=postgres", self.socket_folder().display(), self.port);
        said(&psql(&connection, "", sql)).unwrap()
    }

    fn run(&self, program: &str, args: &[&str]) {
        assert!(self.runs(program, args), "{program} failed");
    }

    fn runs(&self, program: &str, args: &[&str]) -> bool {
        let mut command = Command::new(programs().join(program));
        command.arg("-D").arg(self.data()).args(args).stdout(Stdio::null()).current_dir(self.folder.path());
        if nix::unistd::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.status().unwrap().success()
    }

    pub(crate) fn psql(&self, connection: &str, password: &str, sql: &str) -> Output {
        psql(connection, password, sql)
    }

    /// Where a proxy finds it over TCP.
    pub(crate) fn target(&self, mode: TlsMode, ca: Option<&[u8]>) -> Target {
        Target {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            tls: UpstreamTls::new(mode, "127.0.0.1", &UpstreamTlsFiles { ca: ca.map(<[u8]>::to_vec), identity: None }).unwrap(),
            connect_timeout: Duration::from_secs(10),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that did not start is not stopped.
        self.runs("pg_ctl", &["-m", "immediate", "-w", "stop"]);
    }
}

/// Runs SQL by psql; every file and variable that could steer it is out of the way.
pub(crate) fn psql(connection: &str, password: &str, sql: &str) -> Output {
    psql_with(connection, password, sql, &[])
}

pub(crate) fn psql_with(connection: &str, password: &str, sql: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-c", sql, connection]).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("PGPASSWORD", password).env("PGCONNECT_TIMEOUT", "20");
    command.envs(environment.iter().copied()).output().unwrap()
}

/// What psql printed, or the first line of its error.
pub(crate) fn said(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// What a test wants of the proxy's caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Logins that are governed.
    pub(crate) governed: Vec<&'static str>,
    /// Logins without a role.
    pub(crate) strangers: Vec<&'static str>,
}

impl Admission for Rules {
    type Session = ();

    fn expect(&self, arrival: &Arrival) -> Result<Expected, StartupRefusal> {
        Ok(Expected { governed: self.governed.contains(&arrival.login.as_str()) })
    }

    async fn authorize(&self, arrival: &Arrival) -> Result<Grant<()>, StartupRefusal> {
        if self.strangers.contains(&arrival.login.as_str()) {
            let message = format!("login '{}' has no role", arrival.login);
            return Err(StartupRefusal { sqlstate: "28000", message });
        }
        let governed = self.governed.contains(&arrival.login.as_str());
        let key = if arrival.minor >= 2 { vec![7; 32] } else { vec![7; 4] };
        Ok(Grant { governed, key: CancelKey { pid: 4242, key }, session: () })
    }
}

/// What came of the connections of a test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) sessions: Vec<(Arrival, BTreeMap<String, String>)>,
    pub(crate) failures: Vec<AuthFailure>,
}

/// A proxy of one test, on a thread of its own.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) seen: Arc<Mutex<Seen>>,
    pub(crate) tls: Option<Arc<ServerTls>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How a proxy is set up.
pub(crate) struct Setup {
    pub(crate) upstream: Target,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) tls_required: bool,
    pub(crate) method: Method,
    pub(crate) allow_trust: bool,
    pub(crate) timeout: Duration,
    pub(crate) listen: &'static str,
    pub(crate) rules: Rules,
}

impl Setup {
    pub(crate) fn new(upstream: Target) -> Self {
        Self {
            upstream,
            tls: None,
            tls_required: false,
            method: Method::Passthrough,
            allow_trust: false,
            timeout: Duration::from_secs(30),
            listen: "127.0.0.1:0",
            rules: Rules::default(),
        }
    }
}

impl Proxy {
    pub(crate) fn start(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let (told, port) = mpsc::channel();
        let unix = folder.path().to_owned();
        let seen_there = seen.clone();
        let tls = setup.tls.map(Arc::new);
        let tls_there = tls.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let local = tokio::task::LocalSet::new();
            let cx = Rc::new(StartupContext {
                upstream: Arc::new(setup.upstream),
                tls: tls_there,
                tls_required: setup.tls_required,
                method: setup.method,
                allow_trust: setup.allow_trust,
                timeout: setup.timeout,
                throttle: Arc::new(Mutex::new(Throttle::new(16))),
                epoch: tokio::time::Instant::now(),
                admission: setup.rules,
            });
            runtime.block_on(local.run_until(async move {
                let tcp = Listener::bind(&Address::Tcp(setup.listen.parse().unwrap())).unwrap();
                let port: u16 = tcp.address().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
                let unix = Listener::bind(&Address::Unix { folder: unix, port }).unwrap();
                told.send(port).unwrap();
                let mut connections = tokio::task::JoinSet::new();
                loop {
                    let accepted = tokio::select! { a = tcp.accept() => a, a = unix.accept() => a, _ = &mut stopped => break }.unwrap();
                    let (cx, seen) = (cx.clone(), seen_there.clone());
                    connections.spawn_local(async move { serve(start(accepted, &cx).await, &cx.upstream, &seen).await });
                }
                while let Some(done) = connections.join_next().await {
                    done.unwrap();
                }
            }));
        });
        let port = port.recv().unwrap();
        Self { port, folder, seen, tls, stop: Some(stop), thread: Some(thread) }
    }

    /// A connection string over TCP.
    pub(crate) fn tcp(&self, user: &str, more: &str) -> String {
        format!("host=127.0.0.1 port={} user={user} dbname=postgres {more}", self.port)
    }

    /// A connection string over the unix socket.
    pub(crate) fn unix(&self, user: &str, more: &str) -> String {
        format!("host={} port={} user={user} dbname=postgres {more}", self.folder.path().display(), self.port)
    }

    /// What came of all connections, when the last has ended.
    pub(crate) fn into_seen(self) -> Seen {
        let seen = self.seen.clone();
        drop(self);
        let seen = seen.lock().unwrap();
        seen.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn serve(started: Started<()>, target: &Target, seen: &Mutex<Seen>) {
    match started {
        Started::Session(ready) => {
            let Ready { mut client, mut upstream, arrival, server_parameters, client_rest, upstream_rest, upstream_key, .. } = *ready;
            seen.lock().unwrap().sessions.push((arrival, server_parameters.into_iter().collect()));
            *LAST_KEY.lock().unwrap() = upstream_key;
            upstream.write_all(&client_rest).await.unwrap();
            client.write_all(&upstream_rest).await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut upstream).await;
        }
        Started::Cancel(key, _stream) => {
            assert_eq!(key.pid, 4242);
            let key = LAST_KEY.lock().unwrap().clone();
            cancel(target, &key.unwrap()).await.unwrap();
        }
        Started::Refused(failure) => seen.lock().unwrap().failures.push(*failure),
        Started::Closed => {}
    }
}

/// The server's key of the session that began last, for the one test that cancels.
static LAST_KEY: Mutex<Option<CancelKey>> = Mutex::new(None);

/// A runtime on a thread of its own, for what goes on beside a test.
pub(crate) struct Background {
    pub(crate) handle: tokio::runtime::Handle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    pub(crate) fn start() -> Self {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (told, handle) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            told.send(runtime.handle().clone()).unwrap();
            let _ = runtime.block_on(stopped);
        });
        Self { handle: handle.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }

    /// The verifiers that the server gives.
    pub(crate) fn verifiers(&self, asker: Asker) -> (Arc<Verifiers>, Option<NoVerifier>) {
        let (verifiers, error) = self.handle.block_on(Verifiers::server(asker, &self.handle, [7; 32]));
        (Arc::new(verifiers), error)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}
