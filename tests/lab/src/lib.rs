//! The test lab: a throwaway PostgreSQL and the sample shop in it, as the product's demo makes them; the proxy before it; and a tap before
//! the proxy that searches what governed clients receive for canaries. Not here: what is tested.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

pub mod canary;
pub mod dice;
mod log;
pub mod oracle;
mod proxy;
pub mod queries;
pub mod refusals;
pub mod shapes;
pub mod tap;
pub mod texts;
pub mod wire;

pub use pgscrim::demo::{Cluster, Installation, Setup, shop};
pub use proxy::{Lab, shop_policy};

/// A throwaway server for a test: of the newest installation, or of the newest in `PGSCRIM_PG_BIN`.
///
/// # Errors
/// Where there are no server programs, or they fail.
pub fn cluster(setup: &Setup) -> anyhow::Result<Cluster> {
    let found = installations();
    let newest = found.first().ok_or_else(|| anyhow::anyhow!("no PostgreSQL server programs: name their folder in PGSCRIM_PG_BIN"))?;
    Ok(Cluster::start(newest, setup)?)
}

/// Every installation that tests run on: one for each major version, newest first.
#[must_use]
pub fn installations() -> Vec<Installation> {
    pgscrim::demo::installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref())
}
