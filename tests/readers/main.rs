//! The reading of texts, whole: what any text may do to the process, and what a permit's text is. Not here: what is decided.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]

mod doors;
mod long;
mod random;
mod server;
mod shop;
mod soup;
mod step;
mod survive;
mod words;
