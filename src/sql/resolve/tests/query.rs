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
        ("SELECT o FROM orders o", vec!["o: computed"]),
        ("SELECT f.city FROM either($1) f", vec!["city: computed"]),
        ("SELECT email FROM users UNION ALL SELECT f.city FROM either($1) f", vec!["email: mixed users#0.email"]),
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
        ("SELECT 1 FROM users HAVING email = 'x' AND id = ANY ($1)", vec!["EqualsConstant users#0.email", "EqualsConstant users#0.id"]),
        ("SELECT 1 FROM users WHERE id = ANY ($1)", vec!["LookupMany(1) users#0.id"]),
        ("SELECT 1 FROM users WHERE id = ANY ('{1,2}')", vec!["Lookup(2) users#0.id"]),
        ("SELECT 1 FROM users WHERE id = ANY (ARRAY[1, 2, $1])", vec!["EqualsConstant users#0.id"]),
        ("SELECT grouping(email) FROM users GROUP BY email", vec!["Group users#0.email", "Group users#0.email"]),
        ("SELECT s.id FROM (SELECT id, email FROM users) s", vec!["Named users#0.email"]),
        ("SELECT s.* FROM (SELECT id, email FROM users) s", vec![]),
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
        ("SELECT 1 FROM users WHERE email < ALL (SELECT name FROM users)", vec!["Filter users#0.email", "Filter users#1.name"]),
        (
            "SELECT 1 FROM users WHERE (email, id) < ALL (SELECT name, 1 FROM users)",
            vec!["Filter users#0.email", "Filter users#0.id", "Filter users#1.name"],
        ),
        ("SELECT 1 FROM users WHERE (email, id) < (name, 1)", vec!["Filter users#0.email", "Filter users#0.id", "Filter users#0.name"]),
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

/// What PostgreSQL says of an index hangs on the statement.
#[test]
fn an_index_is_no_relation_that_is_missing() {
    for text in ["SELECT 1 FROM users_pkey", "SELECT 1 FROM public.users_pkey", "ALTER TABLE users_pkey RENAME TO x"] {
        let reject = refused(text);
        assert!(reject.kind == RefusalKind::Unclear && reject.message.contains("is an index"), "{text}: {reject:?}");
    }
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
        ("SELECT does(1)", Syntax::WrongObjectType, Some(7)),
        ("SELECT does(1, 2)", Syntax::UndefinedFunction, Some(7)),
        ("MERGE INTO users u USING orders o ON true WHEN NOT MATCHED THEN INSERT (id) VALUES (u.id)", Syntax::UndefinedTable, Some(84)),
        (
            "MERGE INTO users u USING orders o ON true WHEN NOT MATCHED BY SOURCE AND user_id = 1 THEN DELETE",
            Syntax::UndefinedColumn,
            Some(73),
        ),
        ("MERGE INTO users USING users ON true WHEN MATCHED THEN DO NOTHING", Syntax::DuplicateAlias, None),
        ("SELECT 1 FROM users x CROSS JOIN (orders x CROSS JOIN LATERAL (SELECT x.id) y)", Syntax::AmbiguousAlias, Some(70)),
        ("SELECT 1 FROM users u, (SELECT u.id) x", Syntax::UndefinedTable, Some(31)),
        ("SELECT nosuch.lower('x')", Syntax::InvalidSchemaName, Some(7)),
        ("SELECT lower(*) FROM users", Syntax::UndefinedFunction, Some(7)),
        ("SELECT users.nosuch FROM users", Syntax::UndefinedColumn, Some(7)),
        ("SELECT 1 @#@ 2", Syntax::UndefinedFunction, Some(9)),
        ("ANALYZE users (nosuch)", Syntax::UndefinedColumn, None),
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
    // a call that only an aggregate or a window has is no cast
    for call in [
        "text('1') FILTER (WHERE true)",
        "text('1') OVER ()",
        "text(DISTINCT '1')",
        "text('1' ORDER BY 1)",
        "text('1') WITHIN GROUP (ORDER BY 1)",
        "text(VARIADIC '1')",
    ] {
        assert_eq!(refused(&format!("SELECT {call} FROM users")).kind, RefusalKind::Postgres(Syntax::UndefinedFunction), "{call}");
    }
    assert_eq!(refused("SELECT 1::SETOF int").kind, RefusalKind::Unclear);
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

#[test]
fn rows_have_the_fields_that_their_types_say() {
    let c = |names: &str| names.split(' ').map(|n| format!("{n}: computed")).collect::<Vec<_>>();
    for (text, want) in [
        ("SELECT * FROM json_populate_record(NULL::place, '{}')", c("street city")),
        ("SELECT * FROM json_populate_record(NULL::place, '{}') WITH ORDINALITY AS p (a)", c("a city ordinality")),
        ("SELECT street, n FROM orders, outs(1)", c("street n")),
        ("SELECT (outs(1)).*, (place_of(1)).city", c("street n city")),
        ("SELECT * FROM unnest(ARRAY[NULL::place]) u", c("street city")),
        ("SELECT * FROM ROWS FROM (unnest(ARRAY[place_of(1), NULL]), generate_series(1, 2)) AS f (a, b, c)", c("a b c")),
        ("SELECT u FROM unnest(ARRAY[1, 2]) u", c("u")),
        ("SELECT u FROM unnest(ARRAY[1, 2]) AS u (x)", c("u")),
        ("SELECT (u).n FROM unnest(ARRAY[1]) WITH ORDINALITY AS u (x, n)", c("n")),
        ("SELECT * FROM rec() AS r (a int, b text)", c("a b")),
        ("SELECT * FROM scalars($1), arrays(ARRAY[1]), numerics(ARRAY[1, 2.5])", c("scalars arrays street city")),
        ("SELECT n.*, named(2) FROM named(1) n", c("total named")),
        ("SELECT * FROM unnest(ARRAY[[1, 2], [3, 4]]), unnest(ARRAY[ARRAY[place_of(1)]]) p", c("unnest street city")),
        ("SELECT (place_of(1)).*, ((ARRAY[place_of(1)])[1]).city", c("street city city")),
        ("SELECT (coalesce(NULL, place_of(1))).*, (CASE WHEN true THEN place_of(1) END).city", c("street city city")),
        ("SELECT (SELECT (place_of(1))).street", c("street")),
        ("SELECT (ROW(1, place_of(1))).*, ((ROW(1, place_of(2))).f2).street", c("f1 f2 street")),
        ("SELECT (s.r).* FROM (SELECT ROW(id, o.*) AS r FROM orders o) s", c("f1 f2 f3 f4")),
        ("SELECT v.* FROM orders o, LATERAL (VALUES (o.*)) v", c("column1 column2 column3")),
        (
            "SELECT (o).total, (o).* FROM orders o",
            vec!["total: orders#0.total", "id: orders#0.id", "user_id: orders#0.user_id", "total: orders#0.total"]
                .into_iter()
                .map(str::to_owned)
                .collect(),
        ),
        ("SELECT total(o) FROM orders o", vec!["total: orders#0.total".to_owned()]),
        ("SELECT total(s.r) FROM (SELECT o AS r FROM orders o) s", c("total")),
        (
            "SELECT email, city FROM users, LATERAL json_populate_record(NULL::place, email) p",
            vec!["email: users#0.email".to_owned(), "city: computed".to_owned()],
        ),
    ] {
        assert_eq!(outputs(text), want, "{text}");
    }
    assert_eq!(uses("SELECT (o).total FROM orders o WHERE (o).id > 1"), ["Filter orders#0.id"]);
    assert_eq!(uses("SELECT (json_populate_record(o, '')).total FROM orders o").len(), 3);
}

#[test]
fn what_has_no_known_fields_has_no_star() {
    for text in [
        "SELECT ($1).*",
        "SELECT (json_populate_record($1, '')).*",
        "SELECT (lower('a')).*",
        "SELECT (SELECT ROW(1)).*",
        "SELECT ((ROW(ROW(1))).f1).*",
        "SELECT (x.r).* FROM (SELECT ROW(1) AS r UNION SELECT ROW(2)) x",
        "SELECT * FROM json_populate_record($1, '')",
        "SELECT (coalesce(f.z, place_of(1))).* FROM either($1) f",
        "SELECT (json_populate_record(p, '')).* FROM json_populate_record(NULL::place, '') WITH ORDINALITY p",
        // a number of a number, a row of a text
        "SELECT * FROM either($1)",
    ] {
        assert_eq!(refused(text).reason, "unknown_columns", "{text}");
    }
    for text in ["SELECT * FROM rec()", "SELECT a FROM users u, json_populate_record(ROW(u.id, u.name), '') AS r"] {
        assert_eq!(refused(text).kind, RefusalKind::Postgres(Syntax::SyntaxError), "{text}");
    }
}

#[test]
fn with_queries_may_name_later_ones_where_they_are_recursive() {
    let later = "a AS (SELECT m FROM b), b AS (SELECT email AS m FROM c), c AS (SELECT email FROM users) SELECT m FROM a";
    assert_eq!(outputs(&format!("WITH RECURSIVE {later}")), ["m: users#0.email"]);
    assert_eq!(refused(&format!("WITH {later}")).kind, RefusalKind::Postgres(Syntax::UndefinedTable));
    // its own WITH stands nearer than the query that it is
    let inner =
        "WITH RECURSIVE x(email) AS (WITH x AS (SELECT email FROM users) SELECT '' UNION ALL SELECT email FROM x) SELECT email FROM x";
    assert_eq!(uses(inner), ["Recursive users#0.email"]);
    analysed("WITH RECURSIVE x AS (SELECT 1 AS n UNION SELECT 2 FROM users x LIMIT 1) SELECT n FROM x");
    for (text, want) in [
        ("SELECT 1 AS n UNION SELECT n FROM x LIMIT 1", Syntax::FeatureNotSupported),
        ("SELECT 1 AS n INTERSECT SELECT n FROM x", Syntax::InvalidRecursion),
        ("SELECT n FROM x", Syntax::InvalidRecursion),
        ("SELECT n FROM x UNION SELECT 1 AS n", Syntax::InvalidRecursion),
    ] {
        let reject = refused(&format!("WITH RECURSIVE x AS ({text}) SELECT n FROM x"));
        assert_eq!(reject.kind, RefusalKind::Postgres(want), "{text}");
    }
    assert_eq!(refused("WITH RECURSIVE a AS (SELECT 1 FROM b), b AS (SELECT 1 FROM a) SELECT 1 FROM a").reason, "recursive");
}

/// What is called by a field's name is looked at once: nested calls took twice as long with each level, when each was tried before it was read.
#[test]
fn fields_that_are_called_are_looked_at_once() {
    assert_eq!(outputs("SELECT email(u) FROM users u"), ["email: users#0.email"]);
    let nested = format!("SELECT {}1{}", "f1(ROW(".repeat(60), "))".repeat(60));
    let thread = std::thread::Builder::new().stack_size(crate::sql::STACK).spawn(move || refused(&nested).kind);
    assert_eq!(thread.unwrap().join().unwrap(), RefusalKind::Postgres(Syntax::UndefinedFunction));
}

/// Stars over stars double with each level, and PostgreSQL has a limit to that; so has the memory of this.
#[test]
fn rows_are_no_wider_than_postgresql_makes_them() {
    let nested = |levels: usize| (0..levels).fold("SELECT 1 AS a".to_owned(), |inner, _| format!("SELECT x.*, x.* FROM ({inner}) x"));
    assert_eq!(outputs(&nested(10)).len(), 1024);
    let wide = |text: &str| refused(text).kind;
    assert_eq!(wide(&nested(11)), RefusalKind::Postgres(Syntax::TooManyColumns));
    let list = vec!["1"; 1665].join(", ");
    assert_eq!(wide(&format!("SELECT {list}")), RefusalKind::Postgres(Syntax::TooManyColumns));
    assert_eq!(wide(&format!("SELECT ROW({list})")), RefusalKind::Postgres(Syntax::TooManyColumns));
    let joined =
        format!("WITH s AS ({}) SELECT 1 FROM s{}", nested(10), (0..32).map(|i| format!(" CROSS JOIN s t{i}")).collect::<String>());
    assert_eq!(wide(&joined), RefusalKind::Postgres(Syntax::ProgramLimitExceeded));
    let often = format!("WITH s AS ({}) SELECT 1 FROM s{}", nested(10), (0..100).map(|i| format!(", s t{i}")).collect::<String>());
    assert_eq!(wide(&often), RefusalKind::Limit);
}

/// Each waits for the next: who asks of each pair of queries again whenever one was read does not come to an end.
#[test]
fn many_with_queries_are_put_in_order_once() {
    let queries: Vec<String> = (0..2000).map(|i| format!("c{i} AS (SELECT 1 FROM c{})", i + 1)).collect();
    analysed(&format!("WITH RECURSIVE {}, c2000 AS (SELECT 1) SELECT 1 FROM c0", queries.join(", ")));
}

/// What a result column is called, and can be named by further out (`FigureColname` in `parse_target.c`).
#[test]
fn result_columns_are_called_what_postgresql_calls_them() {
    for (list, names) in [
        ("ARRAY[1], ROW(1, 2), coalesce(1, 2), least(1, 2), greatest(1, 2)", "array row coalesce least greatest"),
        (
            "current_date, current_time, current_time(1), current_timestamp, current_timestamp(1)",
            "current_date current_time current_time current_timestamp current_timestamp",
        ),
        ("localtime, localtime(1), localtimestamp, localtimestamp(1)", "localtime localtime localtimestamp localtimestamp"),
        (
            "current_role, current_user, user, session_user, current_catalog, current_schema",
            "current_role current_user user session_user current_catalog current_schema",
        ),
        ("xmlconcat('a', 'b'), xmlelement(NAME a), xmlforest(1 AS a), xmlpi(NAME a)", "xmlconcat xmlelement xmlforest xmlpi"),
        ("CASE WHEN true THEN 1 END, CASE WHEN true THEN 1 ELSE lower('A') END", "case lower"),
        ("EXISTS (SELECT 1), ARRAY(SELECT 1), (SELECT 1 AS a), (SELECT lower('A')), 1 IN (SELECT 1)", "exists array a lower ?column?"),
        ("'1'::text, lower('A')::text, 1 + 2, 'a' COLLATE \"C\", (ARRAY[1])[1], count(*)", "text lower ?column? ?column? array count"),
    ] {
        let called: Vec<Box<str>> = analysed(&format!("SELECT {list}")).outputs.unwrap_or_default().into_iter().map(|o| o.name).collect();
        assert_eq!(called.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" "), names, "{list}");
    }
}
