//! What a policy says of a mask, before keys are known: kind and parameters. YAML is not read here.

use std::str::FromStr;

use super::fake::Fake;
use super::fpe::Fpe;
use super::partial::Partial;
use super::pseudonym::Pseudonym;
use super::round::Round;
use super::{Kernel, KeyMissing, Keyring, MadeOf, Mask};

/// A mask as a policy describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaskSpec {
    /// NULL.
    Null,
    /// A harmless value of the type.
    Redact,
    /// The first and last characters stay.
    Partial {
        /// Characters kept at the beginning.
        first: usize,
        /// Characters kept at the end.
        last: usize,
        /// What stands for each other one; never NUL.
        with: char,
    },
    /// `a***@example.com`
    Email,
    /// `A****`
    Name,
    /// The last four digits.
    Card,
    /// The network of an address.
    Ip,
    /// The first day of a year or month.
    Date {
        /// What stays.
        keep: Keep,
    },
    /// Down to a multiple.
    Round {
        /// The multiple.
        to: RoundTo,
    },
    /// A keyed token or permutation.
    Pseudonym {
        /// The key's name; `None` for the current one.
        key: Option<String>,
    },
    /// Keyed, of the same form.
    Fpe {
        /// The key's name; `None` for the current one.
        key: Option<String>,
    },
    /// Keyed, plausible.
    Fake {
        /// What it looks like.
        kind: FakeKind,
        /// In which language.
        locale: Locale,
        /// The key's name; `None` for the current one.
        key: Option<String>,
    },
}

/// What `date` keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keep {
    /// The year.
    Year,
    /// The year and the month.
    Month,
}

/// What `fake` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FakeKind {
    /// A person's name.
    Name,
    /// A postal address.
    Address,
    /// A phone number.
    Phone,
    /// A company's name.
    Company,
}

/// The language of `fake`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Locale {
    /// Chinese.
    Zh,
    /// English.
    En,
}

/// `n` of `round: { to: n }`: a decimal number greater than 0, `unit * 10^-scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoundTo {
    pub(super) unit: u64,
    pub(super) scale: u16,
}

impl std::fmt::Display for RoundTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = format!("{:0>width$}", self.unit, width = usize::from(self.scale) + 1);
        let (whole, fraction) = digits.split_at_checked(digits.len() - usize::from(self.scale)).unwrap_or((&digits, ""));
        if fraction.is_empty() { f.write_str(whole) } else { write!(f, "{whole}.{fraction}") }
    }
}

/// A text is no `n` for `round`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number greater than 0 with at most 18 digits, like 1000 or 0.25")]
pub struct NotRoundTo;

impl FromStr for RoundTo {
    type Err = NotRoundTo;

    /// Reads `1000`, `0.25`; no sign, no exponent.
    fn from_str(text: &str) -> Result<Self, NotRoundTo> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let fraction = if fraction == "0" { "" } else { fraction.trim_end_matches('0') };
        let digits = format!("{whole}{fraction}");
        let valid = !whole.is_empty() && digits.len() <= 18 && digits.bytes().all(|b| b.is_ascii_digit());
        let unit = digits.parse().ok().filter(|unit| valid && *unit > 0).ok_or(NotRoundTo)?;
        Ok(Self { unit, scale: u16::try_from(fraction.len()).map_err(|_| NotRoundTo)? })
    }
}

impl MaskSpec {
    /// The words of policy.md's table, in its order.
    pub const KINDS: [&'static str; 12] =
        ["null", "redact", "partial", "email", "name", "card", "ip", "date", "round", "pseudonym", "fpe", "fake"];

    /// The mask that a bare name means, where it needs no parameters and the policy defines no mask of that name.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        match name {
            "null" => Some(Self::Null),
            "redact" => Some(Self::Redact),
            "email" => Some(Self::Email),
            "name" => Some(Self::Name),
            "card" => Some(Self::Card),
            "ip" => Some(Self::Ip),
            "pseudonym" => Some(Self::Pseudonym { key: None }),
            "fpe" => Some(Self::Fpe { key: None }),
            _ => None,
        }
    }

    /// Its word in policy.md's table.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Redact => "redact",
            Self::Partial { .. } => "partial",
            Self::Email => "email",
            Self::Name => "name",
            Self::Card => "card",
            Self::Ip => "ip",
            Self::Date { .. } => "date",
            Self::Round { .. } => "round",
            Self::Pseudonym { .. } => "pseudonym",
            Self::Fpe { .. } => "fpe",
            Self::Fake { .. } => "fake",
        }
    }

    /// Makes the mask that is known to the policy as `mask_name`. Keyed masks of the same name, kind and key give the same
    /// pseudonyms; of two names, unrelated ones.
    ///
    /// # Errors
    /// Where a keyed mask's key is not in the keyring.
    pub fn compile(&self, mask_name: &str, keyring: &Keyring) -> Result<Mask, KeyMissing> {
        let mut known_by = None;
        let mut derive = |key: &Option<String>| {
            let derived = keyring.derive(key.as_deref(), &["mask", self.kind(), mask_name])?;
            known_by = Some(*derived.derive("made of").bytes());
            Ok(derived)
        };
        let kernel = match self {
            Self::Null => Kernel::Null,
            Self::Redact => Kernel::Redact,
            Self::Partial { first, last, with } => Kernel::Partial(Partial { first: *first, last: *last, with: *with }),
            Self::Email => Kernel::Email,
            Self::Name => Kernel::Name,
            Self::Card => Kernel::Card,
            Self::Ip => Kernel::Ip,
            Self::Date { keep } => Kernel::Date(*keep),
            Self::Round { to } => Kernel::Round(Round::new(*to)),
            Self::Pseudonym { key } => Kernel::Pseudonym(Box::new(Pseudonym::new(&derive(key)?))),
            Self::Fpe { key } => Kernel::Fpe(Box::new(Fpe::new(&derive(key)?))),
            Self::Fake { kind, locale, key } => Kernel::Fake(Box::new(Fake::new(*kind, *locale, &derive(key)?))),
        };
        Ok(Mask { kernel, made_of: MadeOf::Policy { spec: self.clone(), key: known_by } })
    }
}
