//! The shell around the sessions: threads, listeners, the loop per connection, reload, drain, the audit's file.

mod analyst;
pub mod audit_writer;
mod changes;
mod client_certificate;
mod connection;
mod databases;
mod edge;
pub(crate) mod files;
mod gate;
pub mod health;
pub mod listen;
mod mailbox;
pub mod metrics;
mod relay;
pub mod run;
mod sessions;
pub mod startup;
pub mod stream;
pub mod tls;
pub mod verifiers;
