//! What may stand beside a row condition, and what a bare name means: where a namesake changes what runs.

use super::*;
use crate::catalog::{Function, Operator};

/// What stands beside a row condition: only operators of just these types whose functions are leakproof, all of them.
#[test]
fn only_what_is_leakproof_for_its_types_does_not_leak() {
    let mut contents = shop::catalog().contents().clone();
    // those of int4, and equality of text
    for operator in contents.operators.iter().filter(|o| o.left == Oid(23) || (o.left == Oid(25) && &*o.name.name == "=")) {
        let function = contents.functions[0].clone();
        contents.functions.push(Function { oid: operator.function, leakproof: true, kind: 'f', name: operator.name.clone(), ..function });
    }
    let plain = contents.clone();
    // `=` of text and int4 in another schema, and a prefix operator of that name
    let (left, right) = (Oid(25), Oid(23));
    let like = contents.operators[0].clone();
    let foreign = |oid, left| Operator { oid: Oid(oid), left, right, result: Oid(16), function: Oid(oid), ..like.clone() };
    contents.operators.push(foreign(30000, left));
    let namesake = contents.clone();
    contents.operators.push(foreign(30001, Oid(0)));
    let (plain, namesake, prefix) = (Catalog::new(plain), Catalog::new(namesake), Catalog::new(contents));
    for (condition, leaks) in [
        ("id = 1", false),
        ("1 < id", false),
        ("id <= $1", false),
        ("id = id", false),
        ("id IS NOT DISTINCT FROM 1", false),
        ("email = 'x'", false),
        ("email = name", false),
        ("email < 'x'", true),
        ("email = 'x' AND name > 'a'", true),
        ("id = email", true),
        ("email = id", true),
        ("id IN (1, 2)", false),
        ("email IN ('a', 'b')", false),
        ("id = ANY (ARRAY[1])", false),
        ("id BETWEEN 1 AND 2", false),
        ("email BETWEEN 'a' AND 'b'", true),
        ("id BETWEEN 1 AND lower(email)", true),
        ("email LIKE 'x%'", true),
        ("nullif(id, 1) = 1", true),
        ("id IN (SELECT user_id FROM orders)", false),
        ("email < ALL (SELECT name FROM users)", true),
        ("id + 1 = 2", false),
        ("lower(email) = 'x'", true),
        ("CASE WHEN id = 1 THEN true END", true),
        ("CASE email WHEN 'x' THEN true END", true),
    ] {
        let text = format!("SELECT 1 FROM users WHERE {condition}");
        let (analysis, _) = run_over(&plain, &text, &[]).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        assert_eq!(analysis.leaks, leaks, "{text}");
    }
    let text = "SELECT 1 FROM users WHERE email = name";
    let called = |catalog: &Catalog| {
        let (analysis, _) = run_over(catalog, text, &[]).unwrap();
        (analysis.leaks, analysis.calls.iter().flat_map(|c| c.candidates.clone()).collect::<Vec<_>>())
    };
    assert_eq!(called(&plain), (false, vec![]));
    assert_eq!(called(&namesake), (true, vec![Oid(30000)]), "it may be the other");
    assert_eq!(called(&prefix), (true, vec![Oid(30000)]), "it has no left side");
    let (simple, _) = run_over(&namesake, "SELECT CASE email WHEN name THEN 1 END FROM users", &[]).unwrap();
    assert!(simple.calls.iter().any(|c| c.candidates == [Oid(30000)]), "CASE compares by an operator, too");
}

/// A function that reads by name reads what its argument says, which a cast may have changed.
#[test]
fn only_a_text_that_no_cast_changes_is_known() {
    for (argument, says) in [
        ("'x'", Some("x")),
        ("'x'::text", Some("x")),
        ("'x'::text::text", Some("x")),
        ("'x'::text(1)", None),
        ("'1'::oid", None),
        ("'{x}'::text[]", None),
    ] {
        let (analysis, _) = run(&format!("SELECT lower({argument})"), &[]).unwrap_or_else(|e| panic!("{argument}: {e:?}"));
        assert_eq!(analysis.calls[0].first.as_deref(), says, "{argument}");
    }
}

/// What a name without a schema means: temporary relations come first unless the path says where.
#[test]
fn temporary_relations_stand_where_the_path_says() {
    let locals = [Local { schema: None, name: "users", columns: None, relation: None }];
    for (path, temporary) in [
        (&["pg_catalog", "public"][..], true),
        (&["pg_temp", "pg_catalog", "public"], true),
        (&["pg_catalog", "public", "pg_temp"], false),
        (&["pg_catalog", "pg_temp"], true),
    ] {
        let (catalog, path): (_, Vec<Box<str>>) = (shop::catalog(), path.iter().map(|s| (*s).into()).collect());
        let cx = Context { locals: &locals, ..Context::bare(&catalog, &path) };
        let mut parsed = read("SELECT 1 FROM users", 100).unwrap().statements.remove(0);
        let analysis = analyse(&mut parsed, cx).unwrap_or_else(|(reject, _)| panic!("{path:?}: {reject:?}"));
        assert_eq!(analysis.instances[0].of == InstanceOf::Temporary, temporary, "{path:?}");
    }
}
