//! `pgscrim serve`: configuration, log, signals. The proxy itself is `server::run`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Config, LogFormat, LogLevel};
use crate::server::run::{Proxy, StartError};

/// How often files are looked at for changes.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pgscrim serve -c /etc/pgscrim/pgscrim.yaml")]
pub(super) struct Serve {
    /// The configuration file
    #[arg(short, long, value_name = "FILE", default_value = "pgscrim.yaml")]
    config: PathBuf,
}

impl Serve {
    pub(super) fn run(self) -> ExitCode {
        let config = match read_config(&self.config) {
            Ok(config) => config,
            Err(text) => {
                eprintln!("{text}");
                return ExitCode::FAILURE;
            }
        };
        start_log(&config);
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!("cannot start: {error}");
                return ExitCode::FAILURE;
            }
        };
        match runtime.block_on(serve(config)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!("cannot start: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Reads a configuration with the environment over it; warnings go to standard error.
pub(super) fn read_config(file: &Path) -> Result<Config, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("error: '{}' cannot be read: {}", file.display(), e.kind()))?;
    match Config::parse(&file.display().to_string(), &text, std::env::vars()) {
        Ok((config, warnings)) => {
            if !warnings.is_empty() {
                eprintln!("{warnings}");
            }
            Ok(config)
        }
        Err(diagnostics) => Err(diagnostics.to_string()),
    }
}

fn start_log(config: &Config) {
    let level = match config.log.level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
        LogLevel::Trace => tracing::Level::TRACE,
    };
    // Other crates' words below a warning may hold what came over a connection.
    let filter = tracing_subscriber::EnvFilter::new(format!("warn,pgscrim={level}"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    // A logger that somebody else has installed stays.
    let _ = match config.log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

/// The log of a demo, once the tour is over: what was read again, and what deserves a look.
pub(super) fn start_demo_log() {
    let filter = tracing_subscriber::EnvFilter::new("warn,pgscrim::cli=info");
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_writer(std::io::stderr)
        .try_init();
}

async fn serve(config: Config) -> Result<(), StartError> {
    let watched = watched(&config);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let hangup = signal(SignalKind::hangup())?;
    let admin = config.admin.clone();
    let proxy = Proxy::start(config).await?;
    // Until the last session has ended: whoever watches sees the end too.
    let _admin = crate::admin::configured(&admin, proxy.shown())
        .map_err(|error| StartError::Listen { address: admin.listen.unwrap_or_default(), error })?;
    for address in proxy.addresses() {
        tracing::info!("listening on {address}");
    }
    let reloader = proxy.reloader();
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = reload(hangup, watched, reloader) => {}
        }
        tracing::info!("stopping");
    };
    proxy.run(stop).await;
    Ok(())
}

/// Reloads at each SIGHUP and whenever a watched file is another one.
pub(super) async fn reload(mut hangup: Signal, watched: Vec<PathBuf>, reloader: crate::server::run::Reloader) {
    let mut seen = stamps(&watched);
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            () = tokio::time::sleep(LOOK) => {
                if stamps(&watched) == seen {
                    continue;
                }
            }
        }
        seen = stamps(&watched);
        match reloader.reload() {
            Ok(()) => tracing::info!("policies and certificates were read again"),
            Err(error) => tracing::error!("what was read again is wrong, so nothing changes:\n{error}"),
        }
    }
}

fn watched(config: &Config) -> Vec<PathBuf> {
    let mut files = vec![config.policies.clone()];
    files.extend(config.keyring.clone());
    files.extend([&config.upstream.ca, &config.upstream.cert, &config.upstream.key, &config.auth.verifiers].into_iter().flatten().cloned());
    if let Some(tls) = &config.tls {
        files.extend([tls.cert.clone(), tls.key.clone()]);
        files.extend(tls.client_ca.clone());
    }
    files
}

/// When each file was last written, those in a watched folder among them.
fn stamps(watched: &[PathBuf]) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
    let inside = |path: &PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten().map(|e| e.path()).collect::<Vec<_>>();
    let mut files: Vec<PathBuf> = watched.iter().flat_map(|path| std::iter::once(path.clone()).chain(inside(path))).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let meta = std::fs::metadata(&file).ok();
            let len = meta.as_ref().map_or(0, std::fs::Metadata::len);
            (file, meta.and_then(|m| m.modified().ok()), len)
        })
        .collect()
}
