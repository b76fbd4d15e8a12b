//! Any program of a client and a server at the door `step` (tests/readers/step.rs).
#![no_main]
#![allow(dead_code, clippy::unwrap_used, reason = "the doors are shared with the tests")]

#[path = "../../tests/readers/server.rs"]
mod server;
#[path = "../../tests/readers/shop.rs"]
mod shop;
#[path = "../../tests/readers/step.rs"]
mod step;

thread_local!(static VIEWS: step::Views = step::Views::new());

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| VIEWS.with(|views| drop(step::step(views, bytes))));
