//! The proxy in front of a test's server, on a thread of its own, and a tap in front of the proxy: what a governed login receives, and
//! what the proxy writes (audit, logs, metrics), is searched for canaries. With the sample shop, or a database of the test's.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use pgscrim::config::Config;
use pgscrim::demo::{Cluster, Installation, Setup, shop};
use pgscrim::server::run::{Proxy as Running, Reloader};
use tokio::sync::oneshot;
use tokio_postgres::SimpleQueryMessage;

use crate::canary::{Canaries, Canary};
use crate::log;
use crate::tap::{Leak, Tap};
use crate::wire::Client;

/// A server with a database `postgres`, the proxy before it, and a tap before the proxy.
#[derive(Debug)]
pub struct Lab {
    /// The server.
    pub cluster: Cluster,
    /// What the proxy was started with.
    pub config: Config,
    /// The port on 127.0.0.1 that clients connect to.
    pub port: u16,
    folder: PathBuf,
    tap: Tap,
    canaries: Arc<Canaries>,
    admin: Option<SocketAddr>,
    reloader: Reloader,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a lab's database holds.
#[derive(Clone, Debug)]
enum Contents {
    /// The sample shop with this many people; `planted` says that tokens are put into it.
    Shop { people: u32, planted: bool },
    /// What these texts make, and a query that gives the canaries in it: kind and value.
    Own { setup: String, canaries: String },
}

/// Puts a token into the part of each value that the sample shop's policy hides from everybody but the owner.
const PLANT: &str = "
    UPDATE public.users SET full_name = full_name || ' ' || t('name', id), id_number = left(id_number, 3) || t('number', id) || right(id_number, 4),
        email = left(email, 1) || t('email', id) || '@' || split_part(email, '@', 2);
    UPDATE public.addresses SET recipient = recipient || ' ' || t('recipient', id), street = t('street', id) || ' ' || street;
    UPDATE public.payments SET card_number = t('card', id) || right(card_number, 4), card_holder = card_holder || ' ' || t('holder', id);";

/// Loads what the database holds; gives its canaries.
async fn load(direct: &tokio_postgres::Config, contents: Contents) -> anyhow::Result<Vec<Canary>> {
    let (client, connection) = direct.connect(tokio_postgres::NoTls).await?;
    let work = async {
        let query = match contents {
            Contents::Shop { people, planted } => {
                shop::load(&client, shop::SEED, people).await?;
                if !planted {
                    return Ok(Vec::new());
                }
                let token = "CREATE FUNCTION pg_temp.t(text, bigint) RETURNS text LANGUAGE sql AS $$ SELECT 'Tk' || substr(md5($1 || $2), 1, 10) $$;";
                client.batch_execute(&format!("{token}{}", PLANT.replace(" t(", " pg_temp.t("))).await?;
                "SELECT 'text', pg_temp.t(place, id) FROM public.users, unnest(ARRAY['name', 'number', 'email']) AS place \
                 UNION ALL SELECT 'text', pg_temp.t(place, id) FROM public.addresses, unnest(ARRAY['recipient', 'street']) AS place \
                 UNION ALL SELECT 'text', pg_temp.t(place, id) FROM public.payments, unnest(ARRAY['card', 'holder']) AS place"
                    .to_owned()
            }
            Contents::Own { setup, canaries } => {
                client.batch_execute(&setup).await?;
                canaries
            }
        };
        let rows = client.simple_query(&query).await?;
        let pairs = rows.iter().filter_map(|m| if let SimpleQueryMessage::Row(row) = m { Some((row.get(0)?, row.get(1)?)) } else { None });
        pairs.map(|(kind, value)| canary(kind, value)).collect()
    };
    tokio::select! {
        loaded = work => loaded,
        ended = connection => anyhow::bail!("the server ended the connection: {ended:?}"),
    }
}

/// A canary as a query names it.
fn canary(kind: &str, value: &str) -> anyhow::Result<Canary> {
    Ok(match kind {
        "text" => Canary::Text(value.to_owned()),
        "number" => {
            let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
            Canary::Number(format!("{whole}{fraction}").parse()?, u32::try_from(fraction.len())?)
        }
        "date" => Canary::Date(value.parse()?),
        "moment" => Canary::Moment(value.parse()?),
        "uuid" => Canary::Uuid(hex::decode(value.replace('-', ""))?.try_into().map_err(|_| anyhow::anyhow!("no uuid"))?),
        "address" => Canary::Address(value.parse::<Ipv4Addr>()?.octets().to_vec()),
        "bytes" => Canary::Bytes(hex::decode(value)?),
        _ => anyhow::bail!("no kind of canary: {kind}"),
    })
}

/// The sample shop's policy.
#[must_use]
pub fn shop_policy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/shop")
}

impl Lab {
    /// The sample shop with this many people, under a policy; `more` are lines of configuration. Under the shop's own policy every
    /// value that it hides holds a canary.
    ///
    /// # Errors
    /// Where server or proxy do not start.
    pub fn start(policies: &Path, people: u32, more: &str) -> anyhow::Result<Self> {
        let planted = policies == shop_policy();
        Self::launch(crate::cluster(&Setup::default())?, policies, Contents::Shop { people, planted }, &["owner", "postgres"], more)
    }

    /// A database that a script of the test's own makes, under its own policy; nothing in it is looked for.
    ///
    /// # Errors
    /// Where server or proxy do not start, or the script fails.
    pub fn start_with(policies: &Path, sql: &str, more: &str) -> anyhow::Result<Self> {
        let contents = Contents::Own { setup: sql.to_owned(), canaries: String::new() };
        Self::launch(crate::cluster(&Setup::default())?, policies, contents, &["owner"], more)
    }

    /// The same under a policy that is this text.
    ///
    /// # Errors
    /// Where server or proxy do not start, or the script fails.
    pub fn under(policy: &str, sql: &str, more: &str) -> anyhow::Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), policy)?;
        Self::start_with(file.path(), sql, more)
    }

    /// The same on a server of this installation.
    ///
    /// # Errors
    /// Where server or proxy do not start, or the script fails.
    pub fn start_on(installation: &Installation, policies: &Path, sql: &str) -> anyhow::Result<Self> {
        let contents = Contents::Own { setup: sql.to_owned(), canaries: String::new() };
        Self::launch(Cluster::start(installation, &Setup::default())?, policies, contents, &["owner"], "")
    }

    /// A database of the test's own under its own policy. `canaries` is a query that gives kind and value of each canary in it;
    /// `open` are the logins that may see them.
    ///
    /// # Errors
    /// Where server or proxy do not start, or a text fails.
    pub fn guarded(policies: &Path, setup: &str, canaries: &str, open: &[&str], more: &str) -> anyhow::Result<Self> {
        let contents = Contents::Own { setup: setup.to_owned(), canaries: canaries.to_owned() };
        Self::launch(crate::cluster(&Setup::default())?, policies, contents, open, more)
    }

    fn launch(cluster: Cluster, policies: &Path, contents: Contents, open: &[&str], more: &str) -> anyhow::Result<Self> {
        log::listen();
        let folder = cluster.folder().to_owned();
        let keyring = folder.join("keyring.yaml");
        std::fs::write(&keyring, format!("current: k1\nkeys: {{ k1: \"{}\" }}\n", "5a".repeat(32)))?;
        let config = format!(
            "listen: 127.0.0.1:0\nupstream: {{ host: 127.0.0.1, port: {}, tls: disable }}\npolicies: {}\n\
             admin: {{ listen: \"127.0.0.1:0\" }}\nauth: {{ allow_trust: true }}\n{}{}audit: {{ file: {}/audit.jsonl }}\n{more}",
            cluster.port(),
            policies.display(),
            if more.contains("keyring:") { String::new() } else { format!("keyring: {}\n", keyring.display()) },
            if more.contains("catalog:") { "" } else { "catalog: { user: pgscrim, database: postgres }\n" },
            folder.display()
        );
        let (config, _) = Config::parse("pgscrim.yaml", &config, []).map_err(|d| anyhow::anyhow!("{d}"))?;
        let kept = config.clone();
        let (stop, stopped) = oneshot::channel();
        let (started, start) = std::sync::mpsc::channel();
        let direct = cluster.connect("postgres", "postgres");
        let thread = std::thread::spawn(move || {
            let started = &started;
            let work = async {
                let canaries = load(&direct, contents).await?;
                let admin = config.admin.clone();
                let proxy = Running::start(config).await?;
                let admin = pgscrim::admin::configured(&admin, proxy.shown())?;
                let _ =
                    started.send(Ok((proxy.addresses(), admin.as_ref().map(pgscrim::admin::Admin::address), proxy.reloader(), canaries)));
                proxy.run(async { drop(stopped.await) }).await;
                anyhow::Ok(())
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Err(error) = runtime.map_err(Into::into).and_then(|r| r.block_on(work)) {
                let _ = started.send(Err(error));
            }
        });
        let started = start.recv()?.map_err(|e: anyhow::Error| e.context(log::end()))?;
        let (addresses, admin, reloader, canaries) = started;
        let port = addresses.first().and_then(|a| a.rsplit(':').next()).and_then(|p| p.parse().ok());
        let port = port.ok_or_else(|| anyhow::anyhow!("no address"))?;
        let canaries = Arc::new(Canaries::new(canaries));
        let tap = Tap::start(port, Arc::clone(&canaries), open)?;
        Ok(Self { cluster, config: kept, port: tap.port(), folder, tap, canaries, admin, reloader, stop: Some(stop), thread: Some(thread) })
    }

    /// How to connect to the database through the proxy.
    #[must_use]
    pub fn connect(&self, user: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user(user).dbname("postgres");
        config
    }

    /// The server's major version.
    ///
    /// # Errors
    /// It does not say.
    pub fn version(&self) -> anyhow::Result<u32> {
        let answer = Client::connect(self.cluster.port(), "postgres", "postgres")?.query("SHOW server_version_num")?;
        let number = answer.iter().find(|m| m.tag == b'D').and_then(|m| m.values().into_iter().next().flatten());
        Ok(String::from_utf8(number.unwrap_or_default())?.parse::<u32>()? / 10_000)
    }

    /// Whether the server can read a text: MERGE is there since PostgreSQL 15.
    ///
    /// # Errors
    /// As of `version`.
    pub fn reads(&self, text: &str) -> anyhow::Result<bool> {
        Ok(!text.contains("MERGE") || self.version()? >= 15)
    }

    /// `psql`, connected through the proxy, without a start-up file.
    #[must_use]
    pub fn psql(&self, user: &str) -> std::process::Command {
        let mut psql = self.tool("psql", self.port, user);
        psql.arg("-X");
        psql
    }

    /// A program that comes with PostgreSQL's clients, connected to a port: that beside the server's programs, else the first that PATH has.
    #[must_use]
    pub fn tool(&self, name: &str, port: u16, user: &str) -> std::process::Command {
        let own = self.cluster.bin().join(name);
        let mut tool = std::process::Command::new(if own.exists() { own } else { name.into() });
        tool.arg("-d").arg(format!("host=127.0.0.1 port={port} user={user} dbname=postgres")).env_remove("PGOPTIONS");
        tool
    }

    /// Reads policy and keys again, as a signal makes the proxy do.
    ///
    /// # Errors
    /// What is wrong in them.
    pub fn reload(&self) -> anyhow::Result<()> {
        Ok(self.reloader.reload()?)
    }

    /// What governed logins received that they must not see, since the last time that this was asked. What is never asked for
    /// fails the test when the lab is dropped.
    #[must_use]
    pub fn leaks(&self) -> Vec<Leak> {
        self.tap.leaks()
    }

    /// What is looked for.
    #[must_use]
    pub fn canaries(&self) -> Arc<Canaries> {
        Arc::clone(&self.canaries)
    }

    /// What `/metrics` shows.
    ///
    /// # Errors
    /// There is no admin endpoint, or it does not answer.
    pub fn metrics(&self) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(self.admin.ok_or_else(|| anyhow::anyhow!("no admin endpoint"))?)?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
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

    /// Canaries in what the proxy writes for people: each a place and what was found there.
    fn written(&self) -> Vec<String> {
        let audit = std::fs::read(self.folder.join("audit.jsonl")).unwrap_or_default();
        let audit = without_hashes(&String::from_utf8_lossy(&audit));
        let (logs, metrics) = (log::written(), self.metrics().unwrap_or_default());
        let sinks = [("audit", audit), ("log", logs), ("metrics", metrics.into_bytes())];
        sinks.iter().filter_map(|(sink, bytes)| Some(format!("{sink}: {}", self.canaries.find(bytes)?))).collect()
    }
}

/// The records without their hashes: among so many digits a number is met by chance.
fn without_hashes(audit: &str) -> Vec<u8> {
    audit.split("sha256:").map(|part| part.trim_start_matches(|c: char| c.is_ascii_hexdigit())).collect::<String>().into_bytes()
}

impl Drop for Lab {
    fn drop(&mut self) {
        let metrics_first = self.written();
        self.end();
        if !std::thread::panicking() {
            let leaks = self.tap.leaks();
            assert!(leaks.is_empty(), "governed clients received what is hidden from them: {leaks:?}");
            let written: Vec<String> = metrics_first.into_iter().chain(self.written()).collect();
            assert!(written.is_empty(), "the proxy wrote what it must not: {written:?}");
        }
    }
}
