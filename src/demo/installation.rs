//! Finding PostgreSQL server programs on this machine. Not here: installing them, and running them (`cluster`).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The major versions that are supported.
pub(super) const VERSIONS: std::ops::RangeInclusive<u32> = 14..=18;

/// A folder with the programs of one PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The folder of `initdb`, `pg_ctl` and `postgres`.
    pub bin: PathBuf,
    /// The major version.
    pub version: u32,
}

/// The installations of this machine, newest first, one for each major version (see [`VERSIONS`]). Looks into the folders of `named`
/// (separated as in `PATH`) and nowhere else where it is given, else asks `pg_config` and looks where packages put them.
#[must_use]
pub fn installations(named: Option<&OsStr>) -> Vec<Installation> {
    let folders = named.map_or_else(usual_folders, |list| std::env::split_paths(list).collect());
    let mut found: Vec<Installation> = folders.iter().filter_map(|bin| look(bin)).collect();
    // Stable: of two with one version the folder that was looked at first stays.
    found.sort_by_key(|i| std::cmp::Reverse(i.version));
    found.dedup_by_key(|i| i.version);
    found
}

fn usual_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = output(Command::new("pg_config").arg("--bindir")).map(PathBuf::from).into_iter().collect();
    for v in VERSIONS.rev() {
        for folder in [
            format!("/usr/lib/postgresql/{v}/bin"),
            format!("/usr/pgsql-{v}/bin"),
            format!("/usr/libexec/postgresql{v}"),
            format!("/usr/lib/postgresql{v}/bin"),
            format!("/opt/homebrew/opt/postgresql@{v}/bin"),
            format!("/usr/local/opt/postgresql@{v}/bin"),
            format!("/Applications/Postgres.app/Contents/Versions/{v}/bin"),
        ] {
            folders.push(folder.into());
        }
    }
    folders.extend(["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    folders
}

fn look(bin: &Path) -> Option<Installation> {
    let whole = ["initdb", "pg_ctl", "postgres"].iter().all(|program| bin.join(program).exists());
    let version = if whole { version(&output(Command::new(bin.join("postgres")).arg("--version"))?)? } else { return None };
    VERSIONS.contains(&version).then(|| Installation { bin: bin.to_owned(), version })
}

/// The major version in `postgres (PostgreSQL) 15.7 (Debian 15.7-0+deb12u1)`.
fn version(text: &str) -> Option<u32> {
    let number = text.split(") ").nth(1)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_postgres_says() {
        for (text, want) in [
            ("postgres (PostgreSQL) 15.7 (Debian 15.7-0+deb12u1)", Some(15)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("something else", None),
        ] {
            assert_eq!(version(text), want, "{text}");
        }
    }

    #[test]
    fn a_named_folder_without_a_server_gives_nothing() {
        assert_eq!(installations(Some(OsStr::new("/nowhere:/"))), []);
    }
}
