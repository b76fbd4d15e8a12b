//! The catalog loader, and the shipped classifications, against every PostgreSQL that is installed.

mod load;
mod server;
