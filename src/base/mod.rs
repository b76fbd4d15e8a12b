//! What every layer shares: names and identifiers, places in files, diagnostics, texts that must not be printed.
//! Nothing here knows of PostgreSQL's protocol or of policies.

mod diagnostic;
mod ident;
mod oid;
mod opaque;
mod origin;
mod setting;
pub mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity, nearest};
pub use ident::{QualifiedName, fold, named, quote_ident};
pub use oid::Oid;
pub use opaque::{RawSql, Secret};
pub use origin::Origin;
pub use setting::is_on;
