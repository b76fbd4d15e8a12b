//! Log-ins through the proxy against real servers, with psql as the client: every method, plain and in TLS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test that cannot go on has failed; a setting offers more than each test reads"
)]

mod passthrough;
mod setting;
