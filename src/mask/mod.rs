//! Masks: what a policy may put in the place of a value. Each works on values as PostgreSQL sends them, in text and in binary
//! format, and gives what PostgreSQL would print; each declares its laws for a type. One file a mask.
//!
//! Files are not read here (a keyring's text comes in as an argument), and no mask knows of statements or columns.

#![allow(clippy::wildcard_enum_match_arm, reason = "a type that a mask does not name it does not fit, and the column is denied")]

mod array;
mod calendar;
mod card;
mod composite;
mod date;
mod decimal;
mod document;
mod email;
mod fake;
mod ff1;
mod float;
mod fpe;
mod ip;
mod keyring;
mod laws;
mod money;
mod name;
mod null;
mod partial;
mod pseudonym;
mod redact;
mod round;
mod spec;
mod sql;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use composite::{RowField, RowType};
pub use document::{Seen, Step};
pub use keyring::{Derived, KEY_BYTES, KeyMissing, KeySource, Keyring, KeyringFile};
pub use laws::Laws;
pub use money::MoneyStyle;
pub use spec::{FakeKind, Keep, Locale, MaskSpec, NotRoundTo, RoundTo};
pub use sql::type_name as scalar_name;
pub use value::{CannotMask, CannotTurnBack, Format, Masked, Rendering};

use std::sync::Arc;

use crate::catalog::{PgType, Shape};
use composite::Composite;
use document::Document;
use fake::Fake;
use fpe::Fpe;
use partial::Partial;
use pseudonym::Pseudonym;
use round::Round;
use value::Value;

/// A mask with its parameters and key. Its `Debug` shows its kind, never a key. Equal ones give every value the same mask.
#[derive(Debug)]
pub struct Mask {
    kernel: Kernel,
    made_of: MadeOf,
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        self.made_of == other.made_of
    }
}

/// What tells one mask from another.
#[derive(PartialEq)]
enum MadeOf {
    /// All that the policy says of it, and what its key can be known by again.
    Policy { spec: MaskSpec, key: Option<[u8; KEY_BYTES]> },
    /// The paths of a document.
    Paths(Vec<(Vec<Step>, Seen)>),
    /// A composite type, and its fields' masks.
    Fields(Arc<RowType>, Vec<Option<Arc<Mask>>>),
}

impl std::fmt::Debug for MadeOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Policy { spec, key: _ } => spec.fmt(f),
            Self::Paths(paths) => paths.fmt(f),
            Self::Fields(row, masks) => (row, masks).fmt(f),
        }
    }
}

/// One variant a mask of policy.md's table, and one for what stands in documents and in composite values.
#[derive(Debug)]
enum Kernel {
    Null,
    Redact,
    Partial(Partial),
    Email,
    Name,
    Card,
    Ip,
    Date(Keep),
    Round(Round),
    Pseudonym(Box<Pseudonym>),
    Fpe(Box<Fpe>),
    Fake(Box<Fake>),
    Document(Box<Document>),
    Composite(Box<Composite>),
}

impl Mask {
    /// The mask `null`.
    #[must_use]
    pub const fn null() -> Self {
        Self { kernel: Kernel::Null, made_of: MadeOf::Policy { spec: MaskSpec::Null, key: None } }
    }

    /// Whether it is the mask `null`, which needs no value.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self.kernel, Kernel::Null)
    }

    /// Masks a value that is not NULL, as it stands on the wire (without its length word), and appends the mask to `out`.
    /// `ty` is the declared type of the column that the value comes from.
    ///
    /// # Errors
    /// The value cannot be masked. Then nothing is appended, and the row must not be sent.
    pub fn apply(&self, ty: &PgType, format: Format, rendering: &Rendering, value: &[u8], out: &mut Vec<u8>) -> Result<Masked, CannotMask> {
        let start = out.len();
        let value = Value::new(ty, format, rendering, value);
        let done = match &self.kernel {
            Kernel::Null => Ok(Masked::Null),
            Kernel::Redact => redact::apply(ty, &value, out),
            Kernel::Document(document) => document::apply(document, &value, out).map(|()| Masked::Value),
            Kernel::Composite(composite) => composite::apply(composite, &value, out).map(|()| Masked::Value),
            Kernel::Partial(_)
            | Kernel::Email
            | Kernel::Name
            | Kernel::Card
            | Kernel::Ip
            | Kernel::Date(_)
            | Kernel::Round(_)
            | Kernel::Pseudonym(_)
            | Kernel::Fpe(_)
            | Kernel::Fake(_) => match ty.shape {
                Shape::Scalar(_) => self.apply_to_element(&value, out),
                Shape::Array { .. } => array::mask(&value, out, &|element, out| self.apply_to_element(element, out)),
            }
            .map(|()| Masked::Value),
        };
        if done.is_err() {
            out.truncate(start);
        }
        done
    }

    fn apply_to_element(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        match &self.kernel {
            Kernel::Null | Kernel::Redact | Kernel::Document(_) | Kernel::Composite(_) => Err(CannotMask::DoesNotFit),
            Kernel::Partial(partial) => partial::apply(partial, value, out),
            Kernel::Email => email::apply(value, out),
            Kernel::Name => name::apply(value, out),
            Kernel::Card => card::apply(value, out),
            Kernel::Ip => ip::apply(value, out),
            Kernel::Date(keep) => date::apply(*keep, value, out),
            Kernel::Round(round) => round.apply(value, out),
            Kernel::Pseudonym(pseudonym) => pseudonym.apply(value, out),
            Kernel::Fpe(fpe) => fpe.apply(value, out),
            Kernel::Fake(fake) => fake.apply(value, out),
        }
    }

    /// Finds the one value that has `masked` as its mask, where [`Laws::reversible`] holds for the type, and appends it in the same format.
    ///
    /// # Errors
    /// The mask cannot be turned back for this type, or `masked` is no mask of just one value of it. Then nothing is appended.
    pub fn turn_back(&self, ty: &PgType, format: Format, masked: &[u8], out: &mut Vec<u8>) -> Result<(), CannotTurnBack> {
        let Shape::Scalar(_) = ty.shape else { return Err(CannotTurnBack::NotReversible) };
        let rendering = Rendering::default();
        let value = Value::new(ty, format, &rendering, masked);
        let start = out.len();
        let done = match &self.kernel {
            Kernel::Pseudonym(pseudonym) => pseudonym.turn_back(&value, out),
            Kernel::Fpe(fpe) => fpe.turn_back(&value, out),
            Kernel::Null
            | Kernel::Redact
            | Kernel::Partial(_)
            | Kernel::Email
            | Kernel::Name
            | Kernel::Card
            | Kernel::Ip
            | Kernel::Date(_)
            | Kernel::Round(_)
            | Kernel::Fake(_)
            | Kernel::Document(_)
            | Kernel::Composite(_) => Err(CannotTurnBack::NotReversible),
        };
        if done.is_err() {
            out.truncate(start);
        }
        done
    }
}
