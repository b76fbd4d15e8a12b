//! Unmodified clients, each asked the same list of things: of a plain server that holds a veil made by hand, and of the proxy. What
//! the plain server answers is right. Not here: the clients (`programs`, `bin`), what is asked (`checks.txt`).

pub mod answers;
pub mod asked;
pub mod servers;
