//! Log-ins through the proxy against real servers, with psql as the client: every method, plain and in TLS.

mod passthrough;
mod setting;
