//! The policy: YAML read with diagnostics, checked, held against a catalog, and compiled into one [`Profile`] per principal.
//! The language is described in `docs/policy.md`. Pure: files are read by the shell and come in as texts.

mod bind;
mod compile;
mod derived;
mod document;
mod examine;
mod key;
mod load;
mod model;
mod profile;
mod read;

pub use bind::BoundPolicy;
pub(crate) use compile::may_stand_above;
pub(crate) use derived::constant;
pub use derived::{Below, DerivedView, Reading, SeenView};
pub use examine::{examine, examine_conditions};
pub use load::{Policy, load};
pub use profile::{
    Absence, ClassName, ColumnProfile, Condition, Document, DocumentPath, Inside, MaskRule, Outcome, Principal, Profile, ProfileId,
    RelationProfile, Reveal, RowCondition, StatementRight, StatementRights,
};
