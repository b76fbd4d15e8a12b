//! `fake`: keyed, plausible.
use super::keyring::Derived;
use super::laws::Laws;
use super::spec::{FakeKind, Locale};
use super::value::{CannotMask, Value};
use crate::catalog::Scalar;

/// Kind, language and key.
#[derive(Debug)]
pub(super) struct Fake {}

pub(super) fn laws(_scalar: Scalar) -> Option<Laws> {
    None
}

impl Fake {
    pub(super) fn new(_kind: FakeKind, _locale: Locale, _key: &Derived) -> Self {
        Self {}
    }

    pub(super) fn apply(&self, _value: &Value<'_>, _out: &mut Vec<u8>) -> Result<(), CannotMask> {
        Err(CannotMask::DoesNotFit)
    }
}
