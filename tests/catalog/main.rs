//! The catalog loader, and the shipped classifications, against every PostgreSQL that is installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod functions;
mod load;
mod relations;
mod server;
