//! The catalog loader, and the shipped classifications, against every PostgreSQL that is installed.

mod functions;
mod load;
mod relations;
mod server;
