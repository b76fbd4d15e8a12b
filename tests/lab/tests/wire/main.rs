//! What a client hears through the proxy, held against what PostgreSQL itself says to the same bytes. Not here: what is veiled.
#![allow(clippy::disallowed_methods, reason = "a test writes files and reads the environment")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod copies;
mod ends;
mod excluded;
mod explain;
mod fixture;
mod generated;
mod lookups;
mod raw;
mod script;
mod transcripts;
mod unread;
