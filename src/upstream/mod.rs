//! The way to the server: dialling it, and reading its catalog. What is sent for a client is decided elsewhere.

pub mod catalog_loader;
