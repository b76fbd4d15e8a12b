//! Unmodified clients, each asked the same list of things: of a plain server that holds a veil made by hand, and of the proxy. What
//! the plain server answers is right. Not here: the clients (`programs`, `bin`), what is asked (`checks.txt`).

#![allow(clippy::disallowed_methods, reason = "a program of the tests reads files and the environment")]

pub mod answers;
pub mod asked;
pub mod logged;
pub mod servers;
