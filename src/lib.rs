//! pgscrim: a PostgreSQL wire-protocol proxy that veils classified columns by role, and records every access.
//!
//! A pure core decides (`base` to `session`), a thin shell moves bytes (`upstream`, `server`, `admin`, `cli`), and a type
//! stands between them: nothing of a client's text goes upstream without a [`plan::Permit`].

pub mod admin;
pub mod audit;
pub mod auth;
pub mod base;
pub mod catalog;
#[expect(clippy::disallowed_methods, reason = "commands read their files and their environment")]
pub mod cli;
pub mod config;
pub mod demo;
pub mod mask;
pub mod plan;
pub mod policy;
#[expect(clippy::disallowed_methods, reason = "the shell has a clock and files")]
pub mod server;
pub mod session;
pub mod sql;
pub mod upstream;
pub mod wire;
