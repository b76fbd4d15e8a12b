//! The servers that tests of every version run on.

use std::ffi::OsString;
use std::path::Path;

use pgscrim::demo::Installation;

/// Those of `PGSCRIM_PG_BIN`, else those that are installed and those that `tests/servers` fetched.
pub(crate) fn installations() -> Vec<Installation> {
    let found = match std::env::var_os("PGSCRIM_PG_BIN") {
        Some(named) => pgscrim::demo::installations(Some(&named)),
        None => {
            let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
            let fetched: Vec<_> = (14..=18).map(|version| target.join(format!("servers/{version}/bin"))).collect();
            let fetched: OsString = std::env::join_paths(fetched).unwrap();
            let mut found = pgscrim::demo::installations(None);
            found.extend(pgscrim::demo::installations(Some(&fetched)));
            found.sort_by_key(|i| i.version);
            found.dedup_by_key(|i| i.version);
            found
        }
    };
    assert!(!found.is_empty(), "no PostgreSQL server programs: name their folder in PGSCRIM_PG_BIN");
    found
}
