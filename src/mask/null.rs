//! `null`: NULL for everything.

use super::laws::Laws;

/// It fits every type; a value that is not NULL becomes NULL.
pub(super) const LAWS: Laws = Laws { always: false, ..Laws::CONSTANT };

/// Without a type: the cast around it gives it one.
pub(super) const SQL: &str = "NULL";
