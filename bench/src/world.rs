//! A throwaway PostgreSQL with the bench's tables, and the two proxies before it. Not here: what is measured.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use pgscrim::demo::{Cluster, Setup, installations};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// The password of the login `churn`.
pub(crate) const PASSWORD: &str = "seven-bridges";

const HBA: &str = "host all churn 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n";

const TABLES: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE free LOGIN; CREATE ROLE plain LOGIN; CREATE ROLE veiled LOGIN;
CREATE ROLE fenced LOGIN; CREATE ROLE churn LOGIN PASSWORD 'seven-bridges';
CREATE TABLE people AS SELECT g AS id, 'Name ' || g AS name, 'user' || g || '@example.com' AS email, '+49 30 ' || g AS phone,
  now() - g * interval '1 minute' AS seen, (g % 1000)::numeric / 7 AS score FROM generate_series(1, 1000000) g;
CREATE TABLE orders AS SELECT g AS id, g % 250000 + 1 AS person, now() - g * interval '1 second' AS placed, g % 100 + 0.5 AS total
  FROM generate_series(1, 1000000) g;
CREATE VIEW people_masked AS SELECT id, name, left(email, 1) || '***@' || split_part(email, '@', 2) AS email,
  repeat('*', length(phone) - 4) || right(phone, 4) AS phone, seen, score FROM people;
CREATE VIEW people_fenced WITH (security_barrier) AS SELECT * FROM people_masked WHERE score < 50;
ALTER TABLE people ADD PRIMARY KEY (id);
ALTER TABLE orders ADD PRIMARY KEY (id);
CREATE INDEX ON orders (person);
GRANT ALL ON ALL TABLES IN SCHEMA public TO free, plain, veiled, fenced, churn;
VACUUM ANALYZE;";

const POLICY: &str = "version: 1
classes: { personal: { level: 3 } }
tables:
  public.people: { columns: { email: personal, phone: personal } }
masks: { tail: { partial: { last: 4 } } }
roles:
  free: { members: [free], unrestricted: true }
  plain: { members: [plain, churn], read: { personal: allow } }
  veiled: { members: [veiled], read: { public.people.email: { mask: email }, public.people.phone: { mask: tail } } }
  fenced:
    members: [fenced]
    read: { public.people.email: { mask: email }, public.people.phone: { mask: tail } }
    rows: { public.people: score < 50 }
";

/// A proxy that runs until this is dropped.
pub(crate) struct Proxy {
    child: Child,
    pub(crate) port: u16,
}

impl Proxy {
    fn spawn(mut command: Command, port: u16) -> anyhow::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().with_context(|| format!("{command:?}"))?;
        let mut proxy = Self { child, port };
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline || proxy.child.try_wait()?.is_some() {
                bail!("{command:?} does not listen");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(proxy)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The server, and the files that proxies are started from.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    folder: PathBuf,
    scrim: PathBuf,
    /// For clients that speak TLS to either proxy.
    pub(crate) tls: Arc<ClientConfig>,
    verifier: String,
}

impl World {
    /// Starts the server, fills it, writes the proxies' files.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let installation = installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref()).into_iter().next();
        let installation = installation.context("no PostgreSQL server programs: name their folder in PGSCRIM_PG_BIN")?;
        let settings = ["max_connections = 1300", "shared_buffers = 256MB", "max_parallel_workers_per_gather = 0"];
        let setup = Setup { settings: settings.map(String::from).to_vec(), hba: Some(HBA.to_owned()), password: None };
        let cluster = Cluster::start(&installation, &setup)?;
        let folder = cluster.folder().to_owned();
        let scrim = std::env::current_exe()?.with_file_name("pgscrim");
        if !scrim.exists() {
            bail!("{} is not there: cargo build --release", scrim.display());
        }
        let tls = certificate(&folder)?;
        let mut world = Self { cluster, folder, scrim, tls, verifier: String::new() };
        world.psql(TABLES)?;
        let port = world.cluster.port().to_string();
        let init = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-i", "-q", "-s", "5", "postgres"];
        let done = Command::new(world.program("pgbench")?).args(init).stderr(Stdio::null()).status()?;
        if !done.success() {
            bail!("pgbench -i failed");
        }
        world.psql("GRANT ALL ON ALL TABLES IN SCHEMA public TO free, plain, veiled, churn")?;
        world.verifier = world.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'churn'")?;
        fs::create_dir(world.folder.join("policies"))?;
        fs::write(world.folder.join("policies/bench.yaml"), POLICY)?;
        Ok(world)
    }

    /// A client program: the server's own folder may be without.
    pub(crate) fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let own = self.cluster.bin().join(name);
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).map(|p| p.join(name)).find(|p| p.exists());
        if own.exists() { Ok(own) } else { found.with_context(|| format!("no {name}")) }
    }

    fn psql(&self, sql: &str) -> anyhow::Result<String> {
        let port = self.cluster.port().to_string();
        let mut command = Command::new(self.program("psql")?);
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", "postgres"]);
        // VACUUM does not run in a string of several statements, so each goes by itself.
        for statement in sql.split(';').map(str::trim).filter(|s| !s.is_empty()) {
            command.args(["-c", statement]);
        }
        let output = command.output()?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// A fresh pgscrim.
    pub(crate) fn scrim(&self) -> anyhow::Result<Proxy> {
        let (port, admin) = (free_port()?, free_port()?);
        let folder = self.folder.display();
        let config = format!(
            "listen: 127.0.0.1:{port}\nupstream: {{ host: 127.0.0.1, port: {}, tls: disable }}\npolicies: {folder}/policies\n\
             tls: {{ cert: {folder}/server.crt, key: {folder}/server.key }}\nauth: {{ method: passthrough, allow_trust: true }}\n\
             catalog: {{ user: pgscrim, database: postgres }}\nadmin: {{ listen: 127.0.0.1:{admin} }}\naudit: {{ file: {folder}/audit-{port}.jsonl }}\n",
            self.cluster.port()
        );
        let file = self.folder.join(format!("pgscrim-{port}.yaml"));
        fs::write(&file, config)?;
        let mut command = Command::new(&self.scrim);
        command.args(["serve", "-c"]).arg(&file).stderr(fs::File::create(self.folder.join(format!("pgscrim-{port}.log")))?);
        Proxy::spawn(command, port)
    }

    /// A fresh PgBouncer in session mode; `None` where there is none.
    pub(crate) fn bouncer(&self) -> anyhow::Result<Option<Proxy>> {
        let Some(program) =
            ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].map(Path::new).into_iter().find(|p| p.exists())
        else {
            return Ok(None);
        };
        let port = free_port()?;
        let folder = self.folder.display();
        let config = format!(
            "[databases]\npostgres = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\npool_mode = session\n\
             max_client_conn = 1300\ndefault_pool_size = 1200\nauth_type = hba\nauth_hba_file = {folder}/bouncer.hba\n\
             auth_file = {folder}/bouncer.users\nunix_socket_dir =\nignore_startup_parameters = extra_float_digits\n\
             client_tls_sslmode = allow\nclient_tls_cert_file = {folder}/server.crt\nclient_tls_key_file = {folder}/server.key\n",
            self.cluster.port()
        );
        fs::write(self.folder.join("bouncer.hba"), HBA)?;
        let users = format!("\"free\" \"\"\n\"plain\" \"\"\n\"veiled\" \"\"\n\"churn\" \"{}\"\n", self.verifier);
        fs::write(self.folder.join("bouncer.users"), users)?;
        let file = self.folder.join(format!("bouncer-{port}.ini"));
        fs::write(&file, config)?;
        let mut command = Command::new(program);
        command.stderr(fs::File::create(self.folder.join(format!("bouncer-{port}.log")))?);
        if root() {
            command.args(["-u", "postgres"]);
        }
        command.arg("-q").arg(&file);
        Proxy::spawn(command, port).map(Some)
    }
}

fn root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

/// A certificate for `localhost`, in files that either proxy may read, and a client's trust in it.
fn certificate(folder: &Path) -> anyhow::Result<Arc<ClientConfig>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    fs::write(folder.join("server.crt"), made.cert.pem())?;
    let key = folder.join("server.key");
    fs::write(&key, made.key_pair.serialize_pem())?;
    let owner = fs::metadata(folder)?;
    std::os::unix::fs::chown(&key, Some(std::os::unix::fs::MetadataExt::uid(&owner)), None)?;
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(made.cert.der().to_vec()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?.with_root_certificates(roots);
    Ok(Arc::new(config.with_no_client_auth()))
}
