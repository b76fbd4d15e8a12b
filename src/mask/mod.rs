//! Masks: kernels on values as PostgreSQL sends them, their laws, and (with the next step) their SQL forms. One file a mask.

/// A mask with its parameters and key.
#[derive(Debug)]
pub enum Mask {
    /// NULL for everything.
    Null,
}
