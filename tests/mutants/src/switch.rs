//! Which mutant this process is; stands in the copy alone.

use std::sync::OnceLock;

static NUMBER: OnceLock<u32> = OnceLock::new();

pub(crate) fn on(number: u32) -> bool {
    *NUMBER.get_or_init(|| std::env::var("PGSCRIM_MUTANT").ok().and_then(|n| n.parse().ok()).unwrap_or(u32::MAX)) == number
}

pub(crate) fn lt<A: PartialOrd<B> + ?Sized, B: ?Sized>(other: bool, a: &A, b: &B) -> bool {
    if other { a <= b } else { a < b }
}

pub(crate) fn le<A: PartialOrd<B> + ?Sized, B: ?Sized>(other: bool, a: &A, b: &B) -> bool {
    if other { a < b } else { a <= b }
}

pub(crate) fn gt<A: PartialOrd<B> + ?Sized, B: ?Sized>(other: bool, a: &A, b: &B) -> bool {
    if other { a >= b } else { a > b }
}

pub(crate) fn ge<A: PartialOrd<B> + ?Sized, B: ?Sized>(other: bool, a: &A, b: &B) -> bool {
    if other { a > b } else { a >= b }
}
