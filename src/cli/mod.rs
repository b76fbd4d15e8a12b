//! The commands.

pub mod audit;
