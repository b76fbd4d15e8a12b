//! Compares direct, PgBouncer (session mode) and pgscrim on a throwaway PostgreSQL, interleaved in one run: CPU time of the proxy's
//! process for each query, row and connection, throughput, memory. Prints a table, and writes it with the samples where it is told.
//! Usage: bench [--rounds N] [--seconds N] [--sessions N] [--only WORD] [--write docs]

#![allow(clippy::disallowed_methods, reason = "a benchmark reads files, the environment and the clock")]

mod client;
mod loads;
mod process;
mod report;
mod world;

use anyhow::{Context, bail};

/// What the command line says.
#[derive(Debug)]
struct Arguments {
    rounds: u32,
    seconds: u32,
    sessions: usize,
    only: Option<String>,
    write: Option<std::path::PathBuf>,
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut found = Arguments { rounds: 3, seconds: 4, sessions: 1000, only: None, write: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--rounds" => found.rounds = value()?.parse()?,
            "--seconds" => found.seconds = value()?.parse()?,
            "--sessions" => found.sessions = value()?.parse()?,
            "--only" => found.only = Some(value()?),
            "--write" => found.write = Some(value()?.into()),
            other => bail!("unknown argument '{other}'"),
        }
    }
    Ok(found)
}

fn main() -> anyhow::Result<()> {
    let arguments = arguments()?;
    let world = world::World::start()?;
    let mut results = report::Results::default();
    loads::run(&world, &arguments, &mut results)?;
    let table = results.table();
    println!("{table}");
    if let Some(folder) = &arguments.write {
        results.write(folder, &table)?;
    }
    Ok(())
}
