//! Text → tree → names resolved as PostgreSQL would → which columns are used how, and which flow into the result.
//! The parser's tree stays private to this layer: it is edited and printed here. What a policy makes of it is decided in `plan`.

mod caps;
mod census;
mod condition;
mod describe;
pub mod effect;
pub mod model;
mod nulls;
mod parse;
mod place;
mod print;
mod reject;
mod resolve;
mod shape;
mod tree;
pub mod veil;

pub use caps::{MAX_DEPTH, STACK, height};
pub use census::DISAGREEMENT;
pub use condition::condition;
pub use describe::{Description, describe, describe_unread};
pub use nulls::{is_simple, nulls_tell_nothing};
pub use parse::{Parsed, Text, UNREADABLE, read};
pub use place::place;
pub use print::{Rendered, copied, print};
pub use reject::{Checked, RefusalKind, Reject, Syntax};
pub use resolve::{Context, Definition, Local, UNFIT, analyse, gives_rows_of_one};
pub use shape::{Shape, Specimen, Template};
