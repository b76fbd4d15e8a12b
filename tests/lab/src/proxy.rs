//! The proxy in front of a test's server, on a thread of its own, with the sample shop's policy or one of the test's.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use pgscrim::config::Config;
use pgscrim::demo::{Cluster, Setup, shop};
use pgscrim::server::run::Proxy as Running;
use tokio::sync::oneshot;

/// A server with the sample shop in its database `postgres`, and the proxy before it.
#[derive(Debug)]
pub struct Lab {
    /// The server.
    pub cluster: Cluster,
    /// The port of the proxy on 127.0.0.1.
    pub port: u16,
    folder: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

async fn load(direct: &tokio_postgres::Config, people: u32) -> anyhow::Result<()> {
    let (client, connection) = direct.connect(tokio_postgres::NoTls).await?;
    tokio::select! {
        loaded = shop::load(&client, shop::SEED, people) => loaded?,
        ended = connection => ended?,
    }
    Ok(())
}

/// The sample shop's policy.
#[must_use]
pub fn shop_policy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/shop")
}

impl Lab {
    /// The sample shop with this many people, under a policy; `more` are lines of configuration.
    ///
    /// # Errors
    /// Where server or proxy do not start.
    pub fn start(policies: &Path, people: u32, more: &str) -> anyhow::Result<Self> {
        let cluster = crate::cluster(&Setup::default())?;
        let folder = cluster.folder().to_owned();
        let config = format!(
            "listen: 127.0.0.1:0\nupstream: {{ host: 127.0.0.1, port: {}, tls: disable }}\npolicies: {}\n\
             auth: {{ allow_trust: true }}\ncatalog: {{ user: pgscrim, database: postgres }}\nadmin: {{ listen: off }}\n\
             audit: {{ file: {}/audit.jsonl }}\n{more}",
            cluster.port(),
            policies.display(),
            folder.display()
        );
        let (config, _) = Config::parse("pgscrim.yaml", &config, []).map_err(|d| anyhow::anyhow!("{d}"))?;
        let (stop, stopped) = oneshot::channel();
        let (started, start) = std::sync::mpsc::channel();
        let direct = cluster.connect("postgres", "postgres");
        let thread = std::thread::spawn(move || {
            let started = &started;
            let work = async {
                load(&direct, people).await?;
                let proxy = Running::start(config).await?;
                let _ = started.send(Ok(proxy.addresses()));
                proxy.run(async { drop(stopped.await) }).await;
                anyhow::Ok(())
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Err(error) = runtime.map_err(Into::into).and_then(|r| r.block_on(work)) {
                let _ = started.send(Err(error));
            }
        });
        let addresses = start.recv()??;
        let port = addresses.first().and_then(|a| a.rsplit(':').next()).and_then(|p| p.parse().ok());
        let port = port.ok_or_else(|| anyhow::anyhow!("no address"))?;
        Ok(Self { cluster, port, folder, stop: Some(stop), thread: Some(thread) })
    }

    /// How to connect to the shop through the proxy.
    #[must_use]
    pub fn connect(&self, user: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user(user).dbname("postgres");
        config
    }

    /// `psql`, connected through the proxy, without a start-up file.
    #[must_use]
    pub fn psql(&self, user: &str) -> std::process::Command {
        let mut psql = std::process::Command::new(self.cluster.bin().join("psql"));
        let target = format!("host=127.0.0.1 port={} user={user} dbname=postgres", self.port);
        psql.args(["-X", "-d"]).arg(target).env_remove("PGOPTIONS");
        psql
    }

    /// Stops the proxy, and gives what the audit log then holds.
    ///
    /// # Errors
    /// The log cannot be read.
    #[expect(clippy::disallowed_methods, reason = "a test reads what the proxy wrote")]
    pub fn audit(&mut self) -> anyhow::Result<String> {
        self.end();
        Ok(std::fs::read_to_string(self.folder.join("audit.jsonl"))?)
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

impl Drop for Lab {
    fn drop(&mut self) {
        self.end();
    }
}
