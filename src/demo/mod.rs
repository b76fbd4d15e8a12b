//! What the demo and the tests stand on: a throwaway PostgreSQL, and a sample shop of generated people and orders to put into it.
//! Not here: the tour itself (`cli`).

pub mod cluster;
mod installation;
mod random;
pub mod shop;

pub use cluster::{Cluster, ClusterError, Setup};
pub use installation::{Installation, installations};
