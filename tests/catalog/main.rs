//! The catalog loader, and the shipped classifications, against every PostgreSQL that is installed.
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

mod extensions;
mod functions;
mod load;
mod relations;
mod server;
