//! What is true of a mask for a given type (semantics.md, "The laws of a mask"). The planner reads these and never a mask's name.
//! Each mask states its own laws in its own file.

use super::{
    Keep, Kernel, Keyring, Mask, MaskSpec, RoundTo, card, composite, date, document, email, fake, fpe, ip, name, null, partial, pseudonym,
    redact, round,
};
use crate::catalog::{PgType, Scalar, Shape};

/// The laws of a mask for one type. A law that is not certain is `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each law stands alone and any set of them can hold")]
pub struct Laws {
    /// A value that is not NULL stays not NULL. (NULL stays NULL under every mask.)
    pub always: bool,
    /// Values that the type's equality tells apart have different masks, and equal ones the same. For text this holds under
    /// deterministic collations: the type does not say which collation a column has.
    pub injective: bool,
    /// `a <= b` implies `mask(a) <= mask(b)` in the type's default order.
    pub order_preserving: bool,
    /// [`Mask::turn_back`] finds the one value that has a given mask, or says that there is none such: what it does not find, several have
    /// or none. For text this holds under deterministic collations, as above.
    pub reversible: bool,
    /// It can be written in SQL with `pg_catalog` functions alone.
    pub sql: bool,
    /// It does not depend on the value.
    pub constant: bool,
    /// It masks parts of the value, and the rest is to be seen: whoever changes that has not changed them.
    pub by_parts: bool,
}

impl Laws {
    /// A mask that looks at the value, keeps it not NULL, and has an SQL form.
    pub(super) const PLAIN: Self =
        Self { always: true, injective: false, order_preserving: false, reversible: false, sql: true, constant: false, by_parts: false };

    /// The same for all values.
    pub(super) const CONSTANT: Self = Self { order_preserving: true, constant: true, ..Self::PLAIN };

    /// Keyed: no SQL form, since the key would show on the server.
    pub(super) const KEYED: Self = Self { sql: false, ..Self::PLAIN };

    /// What stays true when the mask works on each element: `<=` of arrays looks at later elements once earlier ones tie, so
    /// order is lost; and no SQL form keeps dimensions and bounds.
    fn of_elements(self) -> Self {
        Self { order_preserving: false, reversible: false, sql: false, ..self }
    }
}

impl Mask {
    /// The masks of policy.md's table that have an SQL form for a type.
    #[must_use]
    pub fn with_sql_form(ty: &PgType) -> Vec<&'static str> {
        let (partial, round) = (MaskSpec::Partial { first: 0, last: 0, with: '*' }, MaskSpec::Round { to: RoundTo { unit: 1, scale: 0 } });
        let named = [MaskSpec::Null, MaskSpec::Redact, partial, MaskSpec::Email, MaskSpec::Name, MaskSpec::Card, MaskSpec::Ip];
        let has_one = |spec: &MaskSpec| spec.compile("", &Keyring::default()).is_ok_and(|mask| mask.laws(ty).is_some_and(|l| l.sql));
        named.iter().chain([&MaskSpec::Date { keep: Keep::Year }, &round]).filter(|spec| has_one(spec)).map(MaskSpec::kind).collect()
    }

    /// Whether a part of a value, a member of a member … of a document or a field of a composite value by these names, is the same behind the mask.
    #[must_use]
    pub fn passes(&self, ty: &PgType, names: &[Box<str>]) -> bool {
        if let Kernel::Document(document) = &self.kernel {
            return document::passes(document, ty, names);
        }
        matches!(&self.kernel, Kernel::Composite(composite) if composite::passes(composite, ty, names))
    }

    /// The mask's laws for a type; `None` where it does not fit it (policy.md, "Fit").
    #[must_use]
    pub fn laws(&self, ty: &PgType) -> Option<Laws> {
        match &self.kernel {
            Kernel::Null => Some(null::LAWS),
            Kernel::Redact => Some(redact::laws(ty)),
            Kernel::Document(document) => document::laws(document, ty),
            Kernel::Composite(composite) => composite::laws(composite, ty),
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
                Shape::Scalar(scalar) => self.element_laws(scalar, ty),
                Shape::Array { element, element_oid: _ } => self.element_laws(element, ty).map(Laws::of_elements),
            },
        }
    }

    fn element_laws(&self, scalar: Scalar, ty: &PgType) -> Option<Laws> {
        match &self.kernel {
            Kernel::Null | Kernel::Redact | Kernel::Document(_) | Kernel::Composite(_) => None,
            Kernel::Partial(partial) => partial::laws(partial, scalar),
            Kernel::Email => email::laws(scalar),
            Kernel::Name => name::laws(scalar),
            Kernel::Card => card::laws(scalar),
            Kernel::Ip => ip::laws(scalar),
            Kernel::Date(_) => date::laws(scalar),
            Kernel::Round(round) => round::laws(round, scalar, ty),
            Kernel::Pseudonym(_) => pseudonym::laws(scalar, ty),
            Kernel::Fpe(_) => fpe::laws(scalar),
            Kernel::Fake(_) => fake::laws(scalar),
        }
    }
}
