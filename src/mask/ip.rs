//! `ip`: not built yet.
use super::laws::Laws;
use super::value::{CannotMask, Value};
use crate::catalog::Scalar;
pub(super) fn laws(_scalar: Scalar) -> Option<Laws> {
    None
}
pub(super) fn apply(_value: &Value<'_>, _out: &mut Vec<u8>) -> Result<(), CannotMask> {
    Err(CannotMask::DoesNotFit)
}
