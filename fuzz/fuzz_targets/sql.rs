//! Any text at the door `sql` (tests/readers/doors.rs).
#![no_main]
#![allow(dead_code, clippy::unwrap_used, reason = "the doors are shared with the tests")]

#[path = "../../tests/readers/doors.rs"]
mod doors;
#[path = "../../tests/readers/shop.rs"]
mod shop;

thread_local!(static SHOP: shop::Shop = shop::Shop::new());

libfuzzer_sys::fuzz_target!(|text: &str| SHOP.with(|shop| doors::sql(shop, text)));
