//! Any bytes at the door `yaml` (tests/readers/doors.rs).
#![no_main]
#![allow(dead_code, clippy::unwrap_used, reason = "the doors are shared with the tests")]

#[path = "../../tests/readers/doors.rs"]
mod doors;
#[path = "../../tests/readers/shop.rs"]
mod shop;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doors::yaml(bytes));
