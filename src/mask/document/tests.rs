//! Paths that meet: which of them decides.

use std::sync::Arc;

use super::*;
use crate::mask::{Format, Keyring, MaskSpec, Masked, Rendering};

fn member(name: &str) -> Step {
    Step::Member(name.into())
}

fn redact() -> Seen {
    Seen::Masked(Arc::new(MaskSpec::Redact.compile("redact", &Keyring::default()).unwrap()))
}

fn null() -> Seen {
    Seen::Masked(Arc::new(Mask::null()))
}

fn made(paths: Vec<(Vec<Step>, Seen)>, text: &str) -> String {
    let ty = PgType::builtin(Oid(3802), -1);
    let mut out = Vec::new();
    let done = Mask::document(paths).apply(&ty, Format::Text, &Rendering::default(), text.as_bytes(), &mut out);
    assert_eq!(done, Ok(Masked::Value));
    String::from_utf8(out).unwrap()
}

#[test]
fn paths_that_meet() {
    use Step::{AnyElement, AnyMember};
    let (a, b, c) = (|| member("a"), || member("b"), || member("c"));
    let text = r#"{"a": {"b": 1, "c": "x"}, "b": [{"a": 2}, [3, {"a": 4}]], "c": null}"#;
    for (paths, want) in [
        (vec![(vec![a(), b()], redact())], r#"{"a": {"b": 0, "c": "x"}, "b": [{"a": 2}, [3, {"a": 4}]], "c": null}"#),
        // the shorter path decides, in whatever order they come
        (vec![(vec![a(), b()], null()), (vec![a()], redact())], r#"{"a": {}, "b": [{"a": 2}, [3, {"a": 4}]], "c": null}"#),
        (vec![(vec![a()], redact()), (vec![a(), b()], Seen::Absent)], r#"{"a": {}, "b": [{"a": 2}, [3, {"a": 4}]], "c": null}"#),
        (vec![(vec![a()], Seen::Clear), (vec![a(), b()], Seen::Absent)], r#"{"a": {"c": "x"}, "b": [{"a": 2}, [3, {"a": 4}]], "c": null}"#),
        // what has a name of its own is no "every other"
        (vec![(vec![AnyMember], redact()), (vec![a()], Seen::Clear)], r#"{"a": {"b": 1, "c": "x"}, "b": [], "c": null}"#),
        (vec![(vec![AnyMember], Seen::Absent), (vec![a()], null())], r#"{"a": null}"#),
        (vec![(vec![AnyMember], redact()), (vec![b()], Seen::Clear)], r#"{"a": {}, "b": [{"a": 2}, [3, {"a": 4}]], "c": null}"#),
        (vec![(vec![AnyMember, b()], Seen::Absent), (vec![a()], Seen::Clear)], r#"{"a": {"c": "x"}, "b": [{"a": 2}, []], "c": null}"#),
        (vec![(vec![AnyMember], redact()), (vec![a(), b()], Seen::Clear)], r#"{"a": {}, "b": [], "c": null}"#),
        (
            vec![(vec![AnyMember, AnyMember], redact()), (vec![a(), c()], Seen::Clear)],
            r#"{"a": {"b": 0, "c": "x"}, "b": [{"a": 0}, []], "c": null}"#,
        ),
        // arrays are looked through once, and once more for each [*]
        (vec![(vec![b(), a()], redact())], r#"{"a": {"b": 1, "c": "x"}, "b": [{"a": 0}, []], "c": null}"#),
        (vec![(vec![b(), AnyElement, a()], redact())], r#"{"a": {"b": 1, "c": "x"}, "b": [{"a": 0}, [3, {"a": 0}]], "c": null}"#),
        (vec![(vec![b(), AnyElement], redact())], r#"{"a": {"b": 1, "c": "x"}, "b": [{}, []], "c": null}"#),
        (vec![(vec![b(), AnyElement, AnyElement], null())], r#"{"a": {"b": 1, "c": "x"}, "b": [null, [null, null]], "c": null}"#),
        (vec![(vec![b(), AnyElement], Seen::Absent)], r#"{"a": {"b": 1, "c": "x"}, "c": null}"#),
        (vec![(vec![a(), AnyElement, b()], redact())], r#"{"a": {"b": 0, "c": "x"}, "b": [{"a": 2}, [3, {"a": 4}]], "c": null}"#),
        (vec![(vec![AnyElement], redact())], "{}"),
        (vec![(vec![AnyElement], Seen::Absent)], "null"),
    ] {
        assert_eq!(made(paths.clone(), text), want, "{paths:?}");
    }
}

#[test]
fn masks_are_told_apart() {
    let of = |seen| Mask::document(vec![(vec![member("a")], seen)]);
    assert_eq!(of(redact()), of(redact()));
    assert_ne!(of(redact()), of(null()));
    assert_ne!(of(redact()), of(Seen::Absent));
    assert_ne!(of(Seen::Clear), Mask::null());
}
