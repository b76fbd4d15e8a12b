//! What may stand beside a row condition, and what a bare name means: where a namesake changes what runs.

use super::*;
use crate::catalog::{Contents, FIRST_NORMAL_OID, Function, Operator};
use crate::sql::model::{Beside, Leaks};

/// The comparisons of int4, and equality of text, are leakproof.
fn leakproof() -> Contents {
    let mut contents = shop::catalog().contents().clone();
    let compares = |o: &&Operator| o.result == Oid(16) && (o.left == Oid(23) || (o.left == Oid(25) && &*o.name.name == "="));
    for operator in contents.operators.iter().filter(compares) {
        let function = contents.functions[0].clone();
        contents.functions.push(Function { oid: operator.function, leakproof: true, kind: 'f', name: operator.name.clone(), ..function });
    }
    contents
}

/// The first that does not come with PostgreSQL.
const FIRST: u32 = FIRST_NORMAL_OID.0;

/// What stands beside a row condition: only operators of just these types whose functions are leakproof, all of them.
#[test]
fn only_what_is_leakproof_for_its_types_does_not_leak() {
    let mut contents = leakproof();
    let plain = contents.clone();
    let plain_contents = contents.clone();
    // `=` of text and int4 in another schema, and a prefix operator of that name
    let (left, right) = (Oid(25), Oid(23));
    let like = contents.operators[0].clone();
    let foreign = |oid, left| Operator { oid: Oid(oid), left, right, result: Oid(16), function: Oid(oid), ..like.clone() };
    contents.operators.push(foreign(FIRST, left));
    let namesake = contents.clone();
    contents.operators.push(foreign(FIRST + 1, Oid(0)));
    let (plain, namesake, prefix) = (Catalog::new(plain), Catalog::new(namesake), Catalog::new(contents));
    for (condition, leaks) in [
        ("id = 1", false),
        ("1 < id", false),
        ("id <= $1", false),
        ("id = id", false),
        ("id IS NOT DISTINCT FROM 1", false),
        ("id = '1'::int4", false),
        ("id = $1::int4", false),
        ("id = '1'::text::int4", true),
        ("id = 1::text::int4", true),
        ("email = 1::text", true),
        ("email = 'x'", false),
        ("email = name", false),
        ("email IN (SELECT name FROM users)", false),
        ("email IN ($1::text, 'b')", false),
        ("email = ANY (ARRAY['a', 'b'])", false),
        ("email = ANY ('{a,b}'::text[])", false),
        ("email = ANY (ARRAY[name, 'a'])", true),
        // a parameter has the type of the place where it stands first
        ("id = $1 OR $1 = id", false),
        ("id = $1::int4 AND id = $1", false),
        ("id = $1::int4 AND id = $1::int4", false),
        ("id = $1 AND email = $1::text", true),
        ("email = $1::text AND id = $1", true),
        ("email IN ('a', $1::text) AND id IN ($1, 2)", true),
        ("EXISTS (SELECT $1) AND id BETWEEN 1 AND $1", true),
        ("EXISTS (SELECT $1) AND (id, email) = (1, $1)", true),
        ("EXISTS (SELECT $1) AND id = ANY (ARRAY[1, $1])", true),
        ("EXISTS (SELECT $1) AND id = ANY ($1)", true),
        ("id = ANY (ARRAY[1, $1])", false),
        ("id = ANY (ARRAY[1, $1::int8])", true),
        ("coalesce(email, name) = 'x'", true),
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
        ("id + 1 = 2", true),
        ("id = 1 + 2", false),
        ("lower(email) = 'x'", true),
        ("CASE WHEN id = 1 THEN true END", true),
        ("CASE email WHEN 'x' THEN true END", true),
    ] {
        let text = format!("SELECT 1 FROM users WHERE {condition}");
        let (analysis, _) = run_over(&plain, &text, &[]).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        assert_eq!(analysis.leaks != Leaks::default(), leaks, "{text}");
        assert!(!analysis.leaks.behind, "{text}");
    }
    // two columns may have collations of their own, and then it fails for each row
    for (email, name, leaks) in [(None, None, false), (Some("C"), None, false), (None, Some("C"), false), (Some("C"), Some("POSIX"), true)]
    {
        let mut contents = plain_contents.clone();
        for column in contents.relations.iter_mut().filter(|r| &*r.name.name == "users").flat_map(|r| &mut r.columns) {
            let collation = if &*column.name == "email" { email } else { name };
            column.collation = collation.map(|collation| QualifiedName::new("pg_catalog", collation));
        }
        let catalog = Catalog::new(contents);
        for condition in ["email = name", "email IN (SELECT name FROM users)", "email IN (name, 'a')"] {
            let (analysis, _) = run_over(&catalog, &format!("SELECT 1 FROM users WHERE {condition}"), &[]).unwrap();
            assert_eq!(analysis.leaks != Leaks::default(), leaks, "{condition}: {email:?}, {name:?}");
        }
    }
    let text = "SELECT 1 FROM users WHERE email = 'x'";
    let called = |catalog: &Catalog| {
        let (analysis, _) = run_over(catalog, text, &[]).unwrap();
        (analysis.leaks != Leaks::default(), analysis.calls.iter().flat_map(|c| c.candidates.clone()).collect::<Vec<_>>())
    };
    assert_eq!(called(&plain), (false, vec![]));
    assert_eq!(called(&namesake), (true, vec![FIRST_NORMAL_OID]), "it may be the other");
    assert_eq!(called(&prefix), (true, vec![FIRST_NORMAL_OID]), "it has no left side");
    let (simple, _) = run_over(&namesake, "SELECT CASE email WHEN name THEN 1 END FROM users", &[]).unwrap();
    assert!(simple.calls.iter().any(|c| c.candidates == [FIRST_NORMAL_OID]), "CASE compares by an operator, too");
}

/// What is computed for rows that were chosen stands behind their condition; what a query further in computes may become a part of one.
#[test]
fn what_the_outermost_query_computes_stands_behind_the_rows() {
    let (none, catalog) = (Leaks::default, Catalog::new(leakproof()));
    let of = |ids: &[u32]| Leaks { beside: Beside::Of(ids.iter().map(|id| InstanceId(*id)).collect()), behind: false };
    let (behind, beside) = (|| Leaks { behind: true, ..none() }, || Leaks { beside: Beside::Anything, ..none() });
    for (text, leaks) in [
        ("SELECT lower(email) FROM users", behind()),
        ("SELECT id FROM users ORDER BY lower(email)", behind()),
        ("SELECT DISTINCT ON (lower(email)) id FROM users", behind()),
        ("SELECT count(*) FROM users GROUP BY lower(email)", behind()),
        ("SELECT count(*) OVER w FROM users WINDOW w AS (ORDER BY lower(email))", behind()),
        ("SELECT count(*) FILTER (WHERE lower(email) = 'x') FROM users", behind()),
        ("SELECT count(lower(email)) FROM users", behind()),
        // PostgreSQL may ask for the first that is not NULL
        ("SELECT min(lower(email)) FROM users", beside()),
        ("SELECT min(id), lower(min(email)) FROM users", behind()),
        ("SELECT count(*) FROM users GROUP BY id HAVING lower(min(email)) > 'x'", of(&[0])),
        ("SELECT lower(u.email) FROM users u JOIN users v ON lower(u.email) = v.email", Leaks { behind: true, ..beside() }),
        ("SELECT e FROM (SELECT lower(email) AS e FROM users) s", beside()),
        ("WITH s AS (SELECT lower(email) AS e FROM users) SELECT e FROM s", beside()),
        ("SELECT lower(email) FROM users UNION ALL SELECT 'x'", beside()),
        ("SELECT (SELECT lower(u.email)) FROM users u", Leaks { behind: true, ..beside() }),
        ("SELECT lower((SELECT min(email) FROM users))", behind()),
        ("SELECT EXISTS (SELECT FROM users WHERE email ~ 'x')", of(&[0])),
        // a query that gives a value fails where it gives two
        ("SELECT (SELECT email FROM users) FROM orders", behind()),
        ("SELECT 1 FROM users u WHERE (SELECT id FROM orders) = 1", beside()),
        ("SELECT 1 FROM users u WHERE (SELECT id FROM orders GROUP BY id) = 1", beside()),
        ("SELECT 1 FROM users u WHERE (SELECT min(id) FROM orders GROUP BY id) = 1", beside()),
        ("SELECT 1 FROM users u WHERE (SELECT min(id) OVER () FROM orders) = 1", beside()),
        ("SELECT 1 FROM users u WHERE (SELECT min(id) FROM orders) = 1", none()),
        ("SELECT 1 FROM users u WHERE (SELECT id FROM orders LIMIT 1) = 1", none()),
        ("SELECT 1 FROM users u WHERE (SELECT id FROM orders ORDER BY id FETCH FIRST 1 ROWS WITH TIES) = 1", beside()),
        ("SELECT 1 FROM users u WHERE (SELECT id FROM orders LIMIT 2) = 1", beside()),
        ("UPDATE users SET (name, email) = (SELECT name, email FROM users)", behind()),
        ("SELECT 1 FROM orders o, (SELECT id FROM users WHERE email ~ 'x') u WHERE o.id = u.id", of(&[1])),
        // beside the rows of those relations alone whose columns are named
        ("SELECT 1 FROM users u, orders o WHERE u.email ~ 'x' AND o.total IS NULL", of(&[0])),
        ("SELECT 1 FROM users u LEFT JOIN orders o ON o.id + 1 > 2 WHERE u.email ~ u.name", of(&[0, 1])),
        ("SELECT 1 FROM users u LEFT JOIN orders o ON o.id + u.id > 2", of(&[0, 1])),
        // a query in a condition may be run for each row
        ("SELECT 1 FROM users u WHERE EXISTS (SELECT FROM orders o WHERE o.id + 1 > 2)", beside()),
        ("WITH c AS (SELECT id FROM orders WHERE id + 1 > 2) SELECT 1 FROM users WHERE id NOT IN (SELECT id FROM c)", beside()),
        ("WITH c AS (SELECT id FROM orders WHERE id + 1 > 2) SELECT 1 FROM users u, c WHERE u.id = c.id", of(&[0])),
        ("SELECT 1 FROM users u WHERE EXISTS (SELECT FROM orders o WHERE o.id + u.id > 2)", beside()),
        // PostgreSQL takes what is equal to the same for equal
        ("SELECT 1 FROM users u, orders o WHERE o.id = u.id AND o.id = o.id + 1", beside()),
        ("SELECT 1 FROM users u, orders o WHERE o.id IN (o.id + 1)", beside()),
        // what comes out of a query, a row, or nobody knows where
        ("SELECT 1 FROM users u, (SELECT email AS e FROM users) s WHERE s.e ~ 'x'", beside()),
        ("SELECT 1 FROM users u WHERE (SELECT min(id) FROM orders) + 1 > 2", beside()),
        ("SELECT 1 FROM users u WHERE lower(u) > 'x'", beside()),
        ("SELECT 1 FROM users u WHERE lower('x') > 'x'", beside()),
        ("SELECT 1 FROM users u WHERE CASE WHEN u.id = 1 THEN true END", beside()),
        ("SELECT 1 FROM users u WHERE id > 1 + 2", none()),
        ("SELECT 1 FROM users u WHERE id > 1 + $1", of(&[0])),
        ("SELECT x FROM users, lower(email) AS x", beside()),
        ("SELECT 1 FROM users LIMIT generate_series(1, 2)", beside()),
        ("UPDATE users SET name = lower(email) RETURNING lower(name)", behind()),
        ("UPDATE users SET name = (SELECT lower(email))", Leaks { behind: true, ..beside() }),
        ("UPDATE users SET name = lower(email) WHERE lower(name) > 'x'", Leaks { behind: true, ..of(&[0]) }),
        ("DELETE FROM users RETURNING lower(name)", behind()),
        ("WITH d AS (DELETE FROM users RETURNING lower(name) AS n) SELECT n FROM d", beside()),
        ("DECLARE c CURSOR FOR SELECT lower(email) FROM users", behind()),
        ("COPY (SELECT lower(email) FROM users) TO STDOUT", behind()),
    ] {
        let (analysis, _) = run_over(&catalog, text, &[]).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        assert_eq!(analysis.leaks, leaks, "{text}");
    }
}

/// An index can be read in the order of an operator, and is, before a row's condition was looked at.
#[test]
fn an_operator_that_may_give_an_order_stands_beside_the_rows() {
    let mut contents = shop::catalog().contents().clone();
    let like = contents.operators[0].clone();
    let operator = |name: &str, oid| Operator { oid: Oid(oid), name: QualifiedName::new("pg_catalog", name), ..like.clone() };
    contents.operators.push(operator("<->", 4000));
    contents.operators.push(operator("#", 4001));
    contents.operators.push(operator("<#>", FIRST));
    let catalog = Catalog::new(contents);
    for (operator, beside) in [("<->", true), ("#", false), ("<#>", true)] {
        let text = format!("SELECT 1 FROM users ORDER BY email {operator} 'x'");
        let (analysis, _) = run_over(&catalog, &text, &[]).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        assert_eq!(analysis.leaks.beside == Beside::Anything, beside, "{text}");
    }
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

/// Nothing is turned back where an operator from outside PostgreSQL could be meant by `=` of types whose masks are.
#[test]
fn a_constant_is_compared_by_postgresqls_own_operator() {
    let like = shop::catalog().contents().operators[0].clone();
    let (int4, text, bool) = (Oid(23), Oid(25), Oid(16));
    let operator = |oid, name: &str, left, right, function| Operator {
        oid: Oid(oid),
        name: QualifiedName::new("public", name),
        left,
        right,
        function: Oid(function),
        ..like.clone()
    };
    for (more, compared) in [
        (None, true),
        (Some(operator(FIRST, "=", text, text, FIRST)), false),
        (Some(operator(FIRST, "=", int4, text, FIRST)), false),
        (Some(operator(FIRST, "<>", text, int4, FIRST)), false),
        (Some(operator(FIRST, "=", text, text, 67)), false),
        (Some(operator(4000, "=", text, text, FIRST)), false),
        (Some(operator(4000, "=", text, text, 67)), true),
        (Some(operator(FIRST, "=", text, bool, FIRST)), true),
        (Some(operator(FIRST, "=", bool, text, FIRST)), true),
        (Some(operator(FIRST, "<", text, text, FIRST)), true),
    ] {
        let mut contents = shop::catalog().contents().clone();
        contents.operators.extend(more.clone());
        let (analysis, _) = run_over(&Catalog::new(contents), "SELECT 1 FROM users WHERE email = 'x'", &[]).unwrap();
        assert_eq!(analysis.comparisons.len(), usize::from(compared), "{more:?}");
    }
}

/// A procedure without a schema is one of the path's, and is called by the name of its schema.
#[test]
fn a_procedure_is_looked_for_where_the_path_says() {
    let mut contents = shop::catalog().contents().clone();
    let like = contents.functions[0].clone();
    let procedure = |oid, schema: &str, name: &str| Function {
        oid: Oid(oid),
        name: QualifiedName::new(schema, name),
        kind: 'p',
        args: 0,
        arg_types: Vec::new(),
        out_columns: Vec::new(),
        ..like.clone()
    };
    contents.functions.extend([procedure(FIRST, "public", "near"), procedure(FIRST + 1, "private", "far")]);
    contents.schemas.push((Oid(30002), "private".into()));
    let catalog = Catalog::new(contents);
    for (text, want) in
        [("CALL near()", Some("CALL public.near()")), ("CALL private.far()", Some("CALL private.far()")), ("CALL far()", None)]
    {
        let called = run_over(&catalog, text, &[]).map(|(_, text)| text);
        let reason = called.as_ref().map_err(|reject| reject.kind).err();
        assert_eq!(called.ok().as_deref(), want, "{text}");
        assert_eq!(reason, want.is_none().then_some(RefusalKind::Postgres(Syntax::UndefinedFunction)), "{text}");
    }
}

/// `pg_catalog` comes first where the path does not name it.
#[test]
fn types_of_postgresql_are_found_whatever_the_path() {
    for path in [&["public"][..], &["public", "pg_catalog"], &["pg_temp", "public"]] {
        let (catalog, path): (_, Vec<Box<str>>) = (shop::catalog(), path.iter().map(|s| (*s).into()).collect());
        let mut parsed = read("SELECT '1'::text", 100).unwrap().statements.remove(0);
        let types = analyse(&mut parsed, Context::bare(&catalog, &path)).map(|analysis| analysis.types).map_err(|(reject, _)| reject.kind);
        assert_eq!(types, Ok(vec![(Oid(25), 12)]), "{path:?}");
    }
}

/// A prefix operator has no left side, and what stands behind it is judged by itself.
#[test]
fn an_operator_is_one_with_as_many_sides() {
    let mut contents = shop::catalog().contents().clone();
    let like = contents.operators[0].clone();
    let operator = |name: &str, left, oid| Operator {
        oid: Oid(oid),
        name: QualifiedName::new("public", name),
        left,
        function: Oid(oid),
        ..like.clone()
    };
    contents.operators.extend([operator("@#", Oid(0), FIRST), operator("#@", Oid(23), FIRST + 1)]);
    let catalog = Catalog::new(contents);
    for (expression, called) in [
        ("@# id", Some(vec![Oid(FIRST)])),
        ("id #@ 1", Some(vec![Oid(FIRST + 1)])),
        ("id @# 1", None),
        ("#@ id", None),
        ("id = 1", Some(vec![])),
    ] {
        let calls = run_over(&catalog, &format!("SELECT {expression} FROM users"), &[]).map(|(analysis, _)| analysis.calls);
        let candidates = calls.map(|calls| calls.into_iter().flat_map(|c| c.candidates).collect::<Vec<_>>());
        assert_eq!(candidates.ok(), called, "{expression}");
    }
}

/// Of aggregates PostgreSQL's own are known, and any other may give the first of what it is given.
#[test]
fn an_aggregate_of_others_may_ask_for_the_first() {
    let leaks = |oid, name: &str| {
        let mut contents = shop::catalog().contents().clone();
        let like = contents.functions.iter().find(|f| &*f.name.name == "count" && f.args == 1).unwrap().clone();
        contents.functions.push(Function { oid: Oid(oid), name: QualifiedName::new("public", "mine"), ..like });
        run_over(&Catalog::new(contents), &format!("SELECT {name}(lower(email)) FROM users"), &[]).unwrap().0.leaks
    };
    assert_ne!(leaks(FIRST, "min"), leaks(FIRST, "count"));
    assert_eq!(leaks(FIRST, "mine"), leaks(FIRST, "min"));
    assert_eq!(leaks(FIRST - 1, "mine"), leaks(FIRST, "count"));
}

/// The operator of just these types gives the type, whatever its namesakes give.
#[test]
fn an_operator_gives_what_that_of_its_types_gives() {
    let mut contents = shop::catalog().contents().clone();
    let like = contents.operators.iter().find(|o| &*o.name.name == "+").unwrap().clone();
    contents.operators.push(Operator { oid: Oid(4002), right: Oid(20), result: Oid(20), ..like });
    let (analysis, _) = run_over(&Catalog::new(contents), "SELECT n.* FROM users u, numerics(ARRAY[u.id + 1]) n", &[]).unwrap();
    assert_eq!(outputs_of(&analysis), ["n: computed"]);
}

/// An operator of others may be meant though a function of PostgreSQL's stands behind it.
#[test]
fn a_namesake_leaks_whatever_it_calls() {
    for (name, condition, oid, leaks) in
        [("=", "id = 1", 4000, false), ("=", "id = 1", FIRST, true), ("+", "id = 1 + 1", 4000, false), ("+", "id = 1 + 1", FIRST, true)]
    {
        let mut contents = leakproof();
        let like = contents.operators.iter().find(|o| &*o.name.name == name && o.left == Oid(23)).unwrap().clone();
        contents.operators.push(Operator { oid: Oid(oid), right: Oid(25), function: Oid(870), ..like });
        let (analysis, _) = run_over(&Catalog::new(contents), &format!("SELECT 1 FROM users WHERE {condition}"), &[]).unwrap();
        assert_eq!(analysis.leaks != Leaks::default(), leaks, "{name} {oid}");
    }
}
