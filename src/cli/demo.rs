//! `pgscrim demo`: a throwaway PostgreSQL with the sample shop, the proxy before it, a tour, and then the visitor's own turn until
//! Ctrl-C. Server and shop are made in `demo`; what the tour asks and shows is in `tour`.

mod page;
mod tour;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use self::page::{Ink, Paint};
use crate::config::Config;
use crate::demo::{Cluster, Setup, installations, shop};
use crate::server::run::{Proxy, StartError};

/// The sample shop's policy, so that the demo needs no checkout.
const POLICY: &str = include_str!("../../policies/shop/shop.yaml");
/// The database that the shop is in.
const DATABASE: &str = "shop";
/// How many customers the shop has.
const PEOPLE: u32 = 3000;
/// Where people expect such a proxy; another port where it is taken.
const PORT: u16 = 6432;

const NO_SERVER: &str = "no PostgreSQL server programs (14 to 18) were found, and the demo starts a server of its own

  Debian, Ubuntu   apt install postgresql
  Fedora           dnf install postgresql-server
  Alpine           apk add postgresql
  macOS            brew install postgresql@17

They may also stand anywhere: PGSCRIM_PG_BIN names the folder of initdb, pg_ctl and postgres. From a checkout `make demo` sees to it.";

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pgscrim demo\n  pgscrim demo --once | less -R")]
pub(super) struct Demo {
    /// End after the tour
    #[arg(long)]
    once: bool,
}

/// Standard output, and whether it takes colour. A reader that went away (`| head`) ends the demo, and is no error.
#[derive(Debug)]
struct Out {
    paint: Paint,
}

impl Out {
    fn new() -> Self {
        let plain = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let colour = std::io::stdout().is_terminal() && !plain("NO_COLOR") && !dumb;
        Self { paint: if colour { Paint::Colour } else { Paint::None } }
    }

    fn say(&self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush()).map_err(|_| Gone.into())
    }

    /// What was made, and how long it took.
    fn made(&self, what: &str, since: Instant) -> anyhow::Result<()> {
        let took = format!("{:.1} s", since.elapsed().as_secs_f64());
        let dots = " ".to_owned() + &".".repeat((page::WIDTH - 4).saturating_sub(page::width(what) + took.len())) + " ";
        self.say(&format!("  {what}{}{took}", self.paint.ink(Ink::Faint, &dots)))
    }
}

/// Nobody reads any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads")]
struct Gone;

impl Demo {
    pub(super) fn run(&self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(self.until_told()));
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) if error.is::<Gone>() => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        }
    }

    /// Signals end it at any time; the server is stopped and its folder removed on every way out.
    async fn until_told(&self) -> anyhow::Result<()> {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            done = self.show() => done,
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
    }

    async fn show(&self) -> anyhow::Result<()> {
        let out = Out::new();
        out.say(&format!("\n{}\n", out.paint.ink(Ink::Strong, concat!("pgscrim ", env!("CARGO_PKG_VERSION"), " demo"))))?;
        let found = installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref());
        let newest = found.into_iter().next().context(NO_SERVER)?;
        let begun = Instant::now();
        // Apart from this thread, which listens to signals.
        let version = newest.version;
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(&newest, &Setup::default())).await??;
        out.made(&format!("PostgreSQL {version}, a throwaway on 127.0.0.1:{}", cluster.port()), begun)?;

        let begun = Instant::now();
        let counts = fill(&cluster).await.context("the sample shop could not be made")?;
        out.made(&format!("a shop in it: {counts}"), begun)?;

        let begun = Instant::now();
        let proxy = start_proxy(&cluster).await.context("the proxy does not start")?;
        let address = proxy.addresses().into_iter().next().context("the proxy listens nowhere")?;
        out.made(&format!("pgscrim before it on {address}, by the policy of policies/shop"), begun)?;

        let reloader = proxy.reloader();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let admin = crate::admin::serve("127.0.0.1:0", proxy.shown())?;
        let policy = cluster.folder().join("shop.yaml");
        let visit = async {
            let _stop = stop;
            tour::tour(&out, &cluster, &address).await?;
            if self.once {
                return Ok(());
            }
            out.say(&tour::invitation(&out, &cluster, &address, admin.address()))?;
            super::serve::start_demo_log();
            super::serve::reload(signal(SignalKind::hangup())?, vec![policy], reloader).await;
            Ok(())
        };
        let (done, ()) = tokio::join!(visit, proxy.run(async { drop(stopped.await) }));
        done
    }
}

/// Makes the database and the shop in it; says what there is.
async fn fill(cluster: &Cluster) -> anyhow::Result<String> {
    tour::with(cluster.connect("postgres", "postgres"), async |client| Ok(client.batch_execute("CREATE DATABASE shop").await?)).await?;
    let sql = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM orders), (SELECT count(*) FROM page_views)";
    tour::with(cluster.connect("postgres", DATABASE), async |client| {
        shop::load(client, shop::SEED, PEOPLE).await?;
        let row = client.query_one(sql, &[]).await?;
        let n = |i| row.try_get::<_, i64>(i).map(thousands);
        Ok(format!("{} people, {} orders, {} page views", n(0)?, n(1)?, n(2)?))
    })
    .await
}

/// `12,345`.
fn thousands(n: i64) -> String {
    let digits = n.to_string();
    let mut shown = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(c);
    }
    shown
}

async fn start_proxy(cluster: &Cluster) -> anyhow::Result<Proxy> {
    std::fs::write(cluster.folder().join("shop.yaml"), POLICY)?;
    match Proxy::start(config(cluster.folder(), cluster.port(), PORT)?).await {
        Err(StartError::Listen { .. }) => Ok(Proxy::start(config(cluster.folder(), cluster.port(), 0)?).await?),
        started => Ok(started?),
    }
}

/// The environment has no say here: it may be that of another proxy.
fn config(folder: &Path, upstream: u16, port: u16) -> anyhow::Result<Config> {
    let text = format!(
        "listen: 127.0.0.1:{port}\n\
         upstream: {{ host: 127.0.0.1, port: {upstream}, tls: disable }}\n\
         policies: shop.yaml\n\
         auth: {{ allow_trust: true }}\n\
         catalog: {{ user: pgscrim, database: {DATABASE} }}\n\
         admin: {{ listen: off }}\n\
         audit: {{ file: audit.jsonl }}\n"
    );
    let file = folder.join("pgscrim.yaml").display().to_string();
    Config::parse(&file, &text, []).map(|(config, _)| config).map_err(|found| anyhow::anyhow!("{found}"))
}
