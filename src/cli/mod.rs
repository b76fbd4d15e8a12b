//! The commands. Each has a file of its own; what they do is done elsewhere.

mod audit;
mod check;
mod demo;
mod explain;
mod keyring;
mod offline;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A PostgreSQL wire-protocol proxy that veils classified columns by role, and records every access.
#[derive(Debug, Parser)]
#[command(name = "pgscrim", version, about, after_help = "Example:\n  pgscrim serve -c pgscrim.yaml")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy. SIGHUP or a changed file reloads policies and certificates, SIGTERM drains and stops
    Serve(serve::Serve),
    /// Show what it does: a throwaway PostgreSQL with a sample shop, one query as three logins, and a place to try
    Demo(demo::Demo),
    /// Say what is wrong with configuration and policies
    Check(check::Check),
    /// Say what would be decided on a statement, without running it
    Explain(explain::Explain),
    /// Make the keys of keyed masks
    #[command(subcommand, after_help = "Example:\n  pgscrim keyring init keyring.yaml")]
    Keyring(keyring::KeyringCommand),
    /// Verify or search the audit log
    #[command(
        subcommand,
        after_help = "Examples:\n  pgscrim audit verify audit/audit.jsonl*\n  pgscrim audit search audit/audit.jsonl --user alice --decision refused"
    )]
    Audit(audit::AuditCommand),
}

/// Runs what the command line asks for.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Check(check) => check.run(),
        Command::Explain(explain) => explain.run(),
        Command::Keyring(keyring) => keyring.run(),
        Command::Audit(audit) => audit.run(),
    }
}
