//! The reading of texts, whole: what any text may do to the process, and what a permit's text is. Not here: what is decided.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod doors;
mod random;
mod shop;
mod soup;
mod survive;
mod words;
