//! Log-ins through the proxy against real servers: every method, plain and in TLS, by clients that people use and byte by byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test that cannot go on has failed; a setting offers more than each test reads"
)]

mod matrix;
mod passthrough;
mod pki;
mod scram;
mod setting;
mod start;
mod upstream;
mod wire;
