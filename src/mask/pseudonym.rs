//! `pseudonym`: keyed.
use super::keyring::Derived;
use super::laws::Laws;
use super::value::{CannotMask, CannotTurnBack, Value};
use crate::catalog::Scalar;

/// The key.
#[derive(Debug)]
pub(super) struct Pseudonym {}

impl Pseudonym {
    pub(super) fn new(_key: &Derived) -> Self {
        Self {}
    }

    pub(super) fn apply(&self, _value: &Value<'_>, _out: &mut Vec<u8>) -> Result<(), CannotMask> {
        Err(CannotMask::DoesNotFit)
    }

    pub(super) fn turn_back(&self, _value: &Value<'_>, _out: &mut Vec<u8>) -> Result<(), CannotTurnBack> {
        Err(CannotTurnBack::NotReversible)
    }
}
pub(super) fn laws(_scalar: Scalar, _ty: &crate::catalog::PgType) -> Option<Laws> {
    None
}
