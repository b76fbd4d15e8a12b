//! Log-ins through the proxy against real servers: every method, plain and in TLS, by clients that people use and byte by byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    dead_code,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

mod matrix;
mod passthrough;
mod pki;
mod scram;
mod setting;
mod start;
mod upstream;
mod wire;
