//! `round`: down to a multiple.
use super::laws::Laws;
use super::spec::RoundTo;
use super::value::{CannotMask, Value};
use crate::catalog::{PgType, Scalar};

/// The parameter of `round`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    #[expect(dead_code, reason = "read by the next step")]
    to: RoundTo,
}

/// Numbers.
pub(super) fn laws(_round: &Round, _scalar: Scalar, _ty: &PgType) -> Option<Laws> {
    None
}

impl Round {
    pub(super) fn new(to: RoundTo) -> Self {
        Self { to }
    }

    pub(super) fn apply(&self, _value: &Value<'_>, _out: &mut Vec<u8>) -> Result<(), CannotMask> {
        Err(CannotMask::DoesNotFit)
    }
}
