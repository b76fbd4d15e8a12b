//! The shell around the sessions: threads, listeners, the loop per connection, reload, drain, the audit's file.

pub mod audit_writer;
pub mod listen;
pub mod metrics;
mod relay;
mod sessions;
pub mod startup;
pub mod stream;
pub mod tls;
