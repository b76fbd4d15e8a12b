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
fn members_that_no_mask_reaches() {
    let passes = |paths: Vec<Vec<Step>>, oid: u32, names: &[&str]| {
        let mask = Mask::document(paths.into_iter().map(|p| (p, redact())).chain([(vec![member("named")], Seen::Clear)]).collect());
        mask.passes(&PgType::builtin(Oid(oid), -1), &names.iter().map(|n| (*n).into()).collect::<Vec<_>>())
    };
    let address = || vec![vec![member("address"), Step::AnyElement, member("street")], vec![member("tags"), Step::AnyElement]];
    for (names, want) in [
        (vec!["theme"], true),
        (vec!["address"], false),
        (vec!["address", "city"], true),
        (vec!["address", "street"], false),
        (vec!["address", "street", "x"], false),
        (vec!["tags"], false),
        (vec!["tags", "x"], false),
        (vec!["theme", "address", "street"], true),
    ] {
        assert_eq!(passes(address(), 3802, &names), want, "{names:?}");
        assert!(!passes(address(), 114, &names), "json has something in the place of what cannot be read");
    }
    assert!(!passes(vec![vec![Step::AnyMember]], 3802, &["theme"]));
    assert!(passes(vec![vec![Step::AnyMember]], 3802, &["named"]));
    assert!(!passes(vec![vec![Step::AnyMember, member("x")]], 3802, &["named"]));
    assert!(passes(vec![vec![Step::AnyMember, member("x")]], 3802, &["theme", "y"]));
}

#[test]
fn masks_are_told_apart() {
    let of = |seen| Mask::document(vec![(vec![member("a")], seen)]);
    assert_eq!(of(redact()), of(redact()));
    assert_ne!(of(redact()), of(null()));
    assert_ne!(of(redact()), of(Seen::Absent));
    assert_ne!(of(Seen::Clear), Mask::null());
}
