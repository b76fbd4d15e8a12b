//! Queries: flows, uses, names.

use super::*;

#[test]
fn result_columns_have_names_and_sources() {
    for (text, want) in [
        ("SELECT email FROM users", vec!["email: users#0.email"]),
        ("SELECT u.email AS e, 1 FROM public.users u", vec!["e: users#0.email", "?column?: computed"]),
        ("SELECT * FROM orders", vec!["id: orders#0.id", "user_id: orders#0.user_id", "total: orders#0.total"]),
        ("SELECT x.e FROM (SELECT email AS e FROM users) x", vec!["e: users#0.email"]),
        ("WITH c(m) AS (SELECT email FROM users) SELECT m FROM c", vec!["m: users#0.email"]),
        ("SELECT email FROM users UNION ALL SELECT name FROM users", vec!["email: users#0.email|users#1.name"]),
        ("SELECT email FROM users UNION ALL SELECT NULL", vec!["email: users#0.email"]),
        ("SELECT email FROM users UNION ALL SELECT 'x'", vec!["email: mixed users#0.email"]),
        ("SELECT (SELECT name FROM users LIMIT 1)", vec!["name: users#0.name"]),
        ("SELECT lower(email), count(*) FROM users GROUP BY 1", vec!["lower: computed", "count: computed"]),
        ("SELECT min(email) FROM users", vec!["min: users#0.email"]),
        ("VALUES (1, 'a'), (2, NULL)", vec!["column1: computed", "column2: computed"]),
        ("SELECT i FROM generate_series(1, 3) i", vec!["i: computed"]),
        ("SELECT x FROM unnest(ARRAY[1, 2]) WITH ORDINALITY u(x, n)", vec!["x: computed"]),
        (
            "SELECT * FROM users u JOIN orders o ON u.id = o.user_id",
            vec![
                "id: users#0.id",
                "email: users#0.email",
                "ssn: users#0.ssn",
                "name: users#0.name",
                "id: orders#1.id",
                "user_id: orders#1.user_id",
                "total: orders#1.total",
            ],
        ),
        (
            "SELECT o.*, id FROM (SELECT id FROM users) u JOIN orders o USING (id)",
            vec!["id: orders#1.id", "user_id: orders#1.user_id", "total: orders#1.total", "id: users#0.id"],
        ),
    ] {
        assert_eq!(outputs(text), want, "{text}");
    }
}

#[test]
fn uses_are_told_apart() {
    for (text, want) in [
        ("SELECT 1 FROM users WHERE email = 'x'", vec!["Lookup(1) users#0.email"]),
        ("SELECT 1 FROM users WHERE email IN ('x', $1) AND 5 = id", vec!["Lookup(2) users#0.email", "Lookup(1) users#0.id"]),
        ("SELECT 1 FROM users WHERE id = ANY ($1)", vec!["LookupMany(1) users#0.id"]),
        ("SELECT 1 FROM users WHERE id = ANY ('{1,2}')", vec!["Lookup(2) users#0.id"]),
        ("SELECT 1 FROM users WHERE NOT email = 'x'", vec!["EqualsConstant users#0.email"]),
        ("SELECT 1 FROM users WHERE email LIKE 'x%'", vec!["Filter users#0.email"]),
        ("SELECT 1 FROM users WHERE email IS NULL", vec!["NullTest users#0.email"]),
        // what stands inside an expression is not what the expression is
        ("SELECT 1 FROM users WHERE nullif(email, 'x') IS NULL", vec!["Expression users#0.email"]),
        ("SELECT CASE WHEN email LIKE 'x%' THEN 1 END IS NULL FROM users", vec!["Expression users#0.email"]),
        ("SELECT ROW(lower(email)) IS NULL FROM users", vec!["Expression users#0.email"]),
        ("SELECT count(*) FROM users GROUP BY lower(email)", vec!["Expression users#0.email"]),
        ("SELECT DISTINCT ON (lower(email)) id FROM users", vec!["Expression users#0.email"]),
        ("SELECT id FROM users ORDER BY lower(email)", vec!["Expression users#0.email"]),
        ("SELECT count(*) OVER (PARTITION BY lower(email)) FROM users", vec!["Expression users#0.email"]),
        // what an ordered set is ordered by comes out of it
        ("SELECT min() WITHIN GROUP (ORDER BY email) FROM users", vec!["Aggregate users#0.email"]),
        ("SELECT EXISTS (SELECT email FROM users)", vec!["Output users#0.email"]),
        ("SELECT count(email), count(DISTINCT name) FROM users", vec!["Count users#0.email", "CountDistinct users#0.name"]),
        ("SELECT email AS e FROM users ORDER BY e", vec!["Order users#0.email"]),
        ("SELECT email FROM users ORDER BY 1 DESC", vec!["Order users#0.email"]),
        ("SELECT name AS email FROM users GROUP BY email, name", vec!["Group users#0.email", "Group users#0.name"]),
        ("SELECT DISTINCT email FROM users", vec!["Distinct users#0.email"]),
        ("SELECT DISTINCT ON (name) email FROM users", vec!["Distinct users#0.name"]),
        ("SELECT lower(email) FROM users", vec!["Expression users#0.email"]),
        ("SELECT email FROM users UNION SELECT name FROM users", vec!["SetOperation users#0.email", "SetOperation users#1.name"]),
        ("SELECT 1 FROM users u JOIN orders o ON u.id = o.user_id", vec!["Equality users#0.id", "Equality orders#1.user_id"]),
        ("SELECT 1 FROM users u JOIN orders o USING (id)", vec!["Using users#0.id", "Using orders#1.id"]),
        ("SELECT 1 FROM users WHERE id IN (SELECT user_id FROM orders)", vec!["Equality users#0.id", "Equality orders#1.user_id"]),
        ("SELECT 1 FROM (SELECT email AS e FROM users) x WHERE e < 'b'", vec!["Filter users#0.email"]),
        (
            "SELECT 1 FROM users u WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)",
            vec!["Equality orders#1.user_id", "Equality users#0.id"],
        ),
        ("SELECT 1 FROM orders o, LATERAL (SELECT o.total) x(t) WHERE t > 1", vec!["Filter orders#0.total"]),
        (
            "WITH RECURSIVE r(n, i) AS (SELECT name, id FROM users UNION ALL SELECT n, i + 1 FROM r) SELECT n FROM r",
            vec!["Recursive users#0.name", "Recursive users#0.id"],
        ),
        ("SELECT o FROM orders o", vec!["WholeRow orders#0.id", "WholeRow orders#0.user_id", "WholeRow orders#0.total"]),
    ] {
        assert_eq!(uses(text), want, "{text}");
    }
}

#[test]
fn names_get_their_schema() {
    for (text, want) in [
        ("SELECT users.id FROM users", "SELECT users.id FROM public.users"),
        ("WITH users AS (SELECT 1 AS id) SELECT id FROM users", "WITH users AS (SELECT 1 AS id) SELECT id FROM users"),
        ("SELECT lower('A')", "SELECT pg_catalog.lower('A')"),
    ] {
        assert_eq!(printed(text), want);
    }
}

#[test]
fn a_star_leaves_out_what_does_not_exist() {
    let (analysis, text) = run("SELECT * FROM users", &[shop::SSN]).unwrap();
    assert_eq!(text, "SELECT users.id, users.email, users.name FROM public.users");
    assert_eq!(outputs_of(&analysis), ["id: users#0.id", "email: users#0.email", "name: users#0.name"]);
    assert_eq!(analysis.vanished.len(), 1);
}

#[test]
fn errors_are_postgresqls() {
    for (text, want, at) in [
        ("SELECT 1 FROM nosuch", Syntax::UndefinedTable, Some(14)),
        ("SELECT nosuch FROM users", Syntax::UndefinedColumn, Some(7)),
        ("SELECT id FROM users, orders", Syntax::AmbiguousColumn, Some(7)),
        ("SELECT x.id FROM users", Syntax::UndefinedTable, Some(7)),
        ("SELECT 1 FROM users, users", Syntax::DuplicateAlias, None),
        ("SELECT nosuch(1)", Syntax::UndefinedFunction, Some(7)),
        ("MERGE INTO users u USING orders o ON true WHEN NOT MATCHED THEN INSERT (id) VALUES (u.id)", Syntax::UndefinedTable, Some(84)),
        (
            "MERGE INTO users u USING orders o ON true WHEN NOT MATCHED BY SOURCE AND user_id = 1 THEN DELETE",
            Syntax::UndefinedColumn,
            Some(73),
        ),
        ("MERGE INTO users USING users ON true WHEN MATCHED THEN DO NOTHING", Syntax::DuplicateAlias, None),
        ("SELECT 1 FROM users x CROSS JOIN (orders x CROSS JOIN LATERAL (SELECT x.id) y)", Syntax::AmbiguousAlias, Some(70)),
        ("SELECT 1 FROM users u, (SELECT u.id) x", Syntax::UndefinedTable, Some(31)),
    ] {
        let reject = refused(text);
        assert_eq!((reject.kind, reject.at), (RefusalKind::Postgres(want), at), "{text}");
    }
}

#[test]
fn where_nothing_matches_the_source_alone_is_seen() {
    for action in ["INSERT (id) VALUES (id)", "INSERT (id, name) VALUES (id, id)"] {
        analysed(&format!("MERGE INTO users u USING orders o ON u.id = user_id WHEN NOT MATCHED AND id > 1 THEN {action}"));
    }
}

#[test]
fn what_stands_for_something_else_is_printed_as_that() {
    for (text, want) in [
        ("SELECT text('{}'), pg_catalog.text('1') AS one", "SELECT '{}'::pg_catalog.text, '1'::pg_catalog.text AS one"),
        (
            "SELECT 1 FROM ROWS FROM (unnest(ARRAY[1], ARRAY[2]), unnest(ARRAY[3])) AS t",
            "SELECT 1 FROM ROWS FROM (pg_catalog.unnest(ARRAY[1]) , pg_catalog.unnest(ARRAY[2]) , pg_catalog.unnest(ARRAY[3]) ) t",
        ),
    ] {
        assert_eq!(run(text, &[]).unwrap().1, want);
    }
    assert_eq!(refused("SELECT text(id) FROM users").kind, RefusalKind::Postgres(Syntax::UndefinedFunction));
}

#[test]
fn a_truth_value_that_is_cast_is_printed_as_a_cast() {
    let (_, text) = run("SELECT bool 't', 'f'::boolean AS no, 't'::text, ARRAY['f', 't']::bool[], true", &[]).unwrap();
    let array = "ARRAY['f', 't']::boolean[]";
    assert_eq!(text, format!("SELECT 'true'::boolean, 'false'::boolean AS no, 't'::pg_catalog.text, {array}, true"));
}

#[test]
fn locking_clauses_name_what_they_may_lock() {
    assert_eq!(analysed("SELECT 1 FROM users, orders FOR UPDATE").locks.len(), 2);
}

#[test]
fn what_an_older_server_reads_otherwise_is_refused() {
    // the catalog is that of PostgreSQL 15: each of these is a call of some function to it, or a number with a name behind it
    for text in [
        "SELECT JSON_ARRAY(1)",
        "SELECT JSON_OBJECT()",
        "SELECT JSON_VALUE(email, '$') FROM users",
        "SELECT 1 FROM users WHERE JSON_EXISTS(email, '$')",
        "SELECT JSON_SCALAR(1), JSON_SERIALIZE('1')",
        "SELECT JSON('1')",
        "SELECT JSON_ARRAYAGG(email) FROM users",
        "SELECT 1 FROM JSON_TABLE('1', '$' COLUMNS (a int)) t",
        "SELECT 0x1F",
        "SELECT id FROM users WHERE id = 1_000",
        "SELECT 0xFFFFFFFFFFFFFFFF, 1_0.5",
    ] {
        assert_eq!(refused(text).reason, "version", "{text}");
    }
    assert_eq!(refused("SELECT id FROM users WHERE id = 0b1").at, Some(32));
    assert_eq!(outputs("SELECT 1e10, 1.5E-3, id AS x1f FROM users"), ["?column?: computed", "?column?: computed", "x1f: users#0.id"]);
}
