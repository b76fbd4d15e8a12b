//! Two servers with the same rows: one with the governed login's veil made by hand over it, one with the proxy before it.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use lab::{Cluster, Setup};
use pgscrim::config::Config;
use pgscrim::server::run::Proxy;
use tokio::sync::oneshot;
use tokio_postgres::NoTls;

/// Everybody's password.
const PASSWORD: &str = "sesame";

/// The servers of one run.
#[derive(Debug)]
pub struct Servers {
    /// Holds what the governed login may see, and nothing else.
    pub veil: Cluster,
    /// Holds everything.
    pub real: Cluster,
    /// The proxy's port, before `real`.
    pub proxy: u16,
    /// Where the audit log is.
    pub audit: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn cluster() -> anyhow::Result<Cluster> {
    lab::cluster(&Setup {
        settings: vec![
            "password_encryption = 'scram-sha-256'".to_owned(),
            "log_statement = 'all'".to_owned(),
            "log_connections = on".to_owned(),
            "log_line_prefix = '@%p|%e|%u|%d|'".to_owned(),
            "jit = off".to_owned(),
        ],
        hba: Some("host all all 127.0.0.1/32 scram-sha-256\nlocal all all scram-sha-256\n".to_owned()),
        password: Some(PASSWORD.to_owned()),
    })
}

/// A file of this crate.
#[must_use]
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

async fn run(cluster: &Cluster, database: &str, sql: &str) -> anyhow::Result<()> {
    let mut config = cluster.connect("postgres", database);
    let (client, connection) = config.password(PASSWORD).connect(NoTls).await?;
    tokio::select! {
        done = client.batch_execute(sql) => done?,
        ended = connection => ended?,
    }
    Ok(())
}

/// Fills the databases `client0` … of a server: each client has one.
async fn fill(cluster: &Cluster, veiled: bool, databases: usize) -> anyhow::Result<()> {
    run(cluster, "postgres", "CREATE DATABASE model").await?;
    run(cluster, "model", &std::fs::read_to_string(file("setup.sql"))?).await?;
    if veiled {
        // Not as one string: CLUSTER and a function of the session stand in it.
        run(cluster, "model", &std::fs::read_to_string(file("veil.sql"))?).await?;
    }
    for n in 0..databases {
        run(cluster, "postgres", &format!("CREATE DATABASE client{n} TEMPLATE model")).await?;
    }
    Ok(())
}

impl Servers {
    /// Starts both servers and the proxy.
    ///
    /// # Errors
    /// Where one does not start.
    pub fn start(databases: usize) -> anyhow::Result<Self> {
        let (veil, real) = (cluster()?, cluster()?);
        let audit = real.folder().join("audit.jsonl");
        let password = real.folder().join("catalog.password");
        std::fs::write(&password, PASSWORD)?;
        let config = format!(
            "listen: 127.0.0.1:0\nupstream: {{ host: 127.0.0.1, port: {}, tls: disable }}\npolicies: {}\n\
             catalog: {{ user: pgscrim, database: model, password_file: {} }}\nadmin: {{ listen: off }}\naudit: {{ file: {} }}\n",
            real.port(),
            file("policy.yaml").display(),
            password.display(),
            audit.display(),
        );
        let (config, _) = Config::parse("pgscrim.yaml", &config, []).map_err(|d| anyhow::anyhow!("{d}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { tokio::try_join!(fill(&veil, true, databases), fill(&real, false, databases)) })?;
        let (stop, stopped) = oneshot::channel();
        let (started, start) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let work = async {
                let proxy = Proxy::start(config).await?;
                let _ = started.send(Ok(proxy.addresses()));
                proxy.run(async { drop(stopped.await) }).await;
                anyhow::Ok(())
            };
            if let Err(error) = runtime.block_on(work) {
                let _ = started.send(Err(error));
            }
        });
        let addresses = start.recv()??;
        let port = addresses.first().and_then(|a| a.rsplit(':').next()).and_then(|p| p.parse().ok());
        let proxy = port.ok_or_else(|| anyhow::anyhow!("no address"))?;
        Ok(Self { veil, real, proxy, audit, stop: Some(stop), thread: Some(thread) })
    }

    /// Stops the proxy, and gives what the audit log then holds.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn audit(&mut self) -> anyhow::Result<String> {
        self.end();
        Ok(std::fs::read_to_string(&self.audit)?)
    }

    /// The log of the server behind the proxy.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn log(&self) -> anyhow::Result<Vec<u8>> {
        Ok(std::fs::read(self.real.folder().join("server.log"))?)
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.end();
    }
}
