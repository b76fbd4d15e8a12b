//! No text ends the process, on a thread with a session's stack: deep, long, and what the caps might not see. Each shape is a
//! construct of the grammar put into itself; the caps let some depths of it through, and those are walked by everything.

use super::shop::{Shop, on_session_stack};

/// What stands before, around and behind a construct, and how it is put into itself.
const SHAPES: &[(&str, &str, &str, &str, &str)] = &[
    ("SELECT ", "(", "1", ")", ""),
    ("SELECT ", "- ", "1", "", ""),
    ("SELECT ", "@ ", "1", "", ""),
    ("SELECT ", "OPERATOR(pg_catalog.-) ", "1", "", ""),
    ("SELECT ", "NOT ", "true", "", ""),
    ("SELECT ", "", "1", " + 1", ""),
    ("SELECT ", "", "id", " OPERATOR(pg_catalog.+) id", " FROM users"),
    ("SELECT ", "", "id", " + set", " FROM users"),
    ("SELECT ", "", "id", " + users.from", " FROM users"),
    ("SELECT ", "", "id", " = NOT id", " FROM users"),
    ("SELECT ", "", "1", "::int", ""),
    ("SELECT ", "", "1::int", "[]", ""),
    ("SELECT ", "", "id", "[1]", " FROM users"),
    ("SELECT ", "", "id", "[1:2]", " FROM users"),
    ("SELECT ", "", "users", ".id", " FROM users"),
    ("SELECT ", "", "(users)", ".id", " FROM users"),
    ("SELECT ", "", "email", " COLLATE \"C\"", " FROM users"),
    ("SELECT ", "", "now()", " AT TIME ZONE 'UTC'", ""),
    ("SELECT ", "", "now()", " AT LOCAL", ""),
    ("SELECT ", "", "1", " IS NULL", ""),
    ("SELECT ", "", "1", " ISNULL", ""),
    ("SELECT ", "", "true", " IS TRUE", ""),
    ("SELECT ", "", "true", " IS DISTINCT FROM NOT true", ""),
    ("SELECT ", "", "1", " BETWEEN 1 AND NOT 1", ""),
    ("SELECT ", "", "1", " IN (1)", ""),
    ("SELECT ", "", "'a'", " LIKE ANY ('{a}')", ""),
    ("SELECT ", "", "'a'", " = ALL ('{a}')", ""),
    ("SELECT ", "", "'a'", " IS JSON", ""),
    ("SELECT ", "", "'a'", " IS NORMALIZED", ""),
    ("SELECT ", "CASE WHEN true THEN ", "1", " END", ""),
    ("SELECT ", "CASE WHEN a.end THEN ", "1", " END", ""),
    ("SELECT ", "CASE ", "1", " WHEN 1 THEN 1 END", ""),
    ("SELECT ", "CASE WHEN true THEN 1 ELSE ", "1", " END", ""),
    ("SELECT ", "ARRAY[", "1", "]", ""),
    ("SELECT ARRAY", "[", "1", "]", ""),
    ("SELECT ", "ROW(", "1", ")", ""),
    ("SELECT ", "lower(", "'a'", ")", ""),
    ("SELECT ", "COALESCE(", "1", ")", ""),
    ("SELECT ", "GREATEST(1, ", "1", ")", ""),
    ("SELECT ", "NULLIF(1, ", "1", ")", ""),
    ("SELECT ", "EXISTS (SELECT ", "1", ")", ""),
    ("SELECT ", "(SELECT 1 AS end, ", "1", ")", ""),
    ("SELECT ", "(SELECT ", "1", ")", ""),
    ("SELECT ", "ARRAY(SELECT ", "1", ")", ""),
    ("SELECT ", "1 IN (SELECT ", "1", ")", ""),
    ("SELECT ", "1 = ANY (SELECT ", "1", ")", ""),
    ("SELECT ", "(WITH w AS (SELECT 1) SELECT ", "1", ")", ""),
    ("", "WITH w AS (", "SELECT 1", ") SELECT 1", ""),
    ("SELECT ", "CAST(", "1", " AS int)", ""),
    ("SELECT ", "xmlelement(name a, ", "1", ")", ""),
    ("SELECT ", "xmlforest(", "1", " AS a)", ""),
    ("SELECT ", "xmlconcat(", "1", ")", ""),
    ("SELECT ", "TREAT(", "1", " AS int)", ""),
    ("SELECT ", "extract(year FROM ", "1", ")", ""),
    ("SELECT ", "overlay('a' PLACING 'b' FROM ", "1", ")", ""),
    ("SELECT ", "position('a' IN ", "'a'", ")", ""),
    ("SELECT ", "substring('a' FROM ", "1", ")", ""),
    ("SELECT ", "trim(", "'a'", ")", ""),
    ("SELECT ", "normalize(", "'a'", ")", ""),
    ("SELECT ", "JSON_OBJECT('a': ", "1", ")", ""),
    ("SELECT ", "JSON_ARRAY(", "1", ")", ""),
    ("SELECT ", "JSON_VALUE('1', '$' PASSING ", "1", " AS a)", ""),
    ("SELECT ", "JSON_SCALAR(", "1", ")", ""),
    ("SELECT ", "JSON_SERIALIZE(", "'1'", ")", ""),
    ("SELECT ", "count(*) FILTER (WHERE ", "true", ")", ""),
    ("SELECT ", "count(*) OVER (ORDER BY ", "1", ")", ""),
    ("SELECT ", "count(1 ORDER BY ", "1", ")", ""),
    ("SELECT 1 GROUP BY ", "GROUPING SETS (", "1", ")", ""),
    ("SELECT 1 FROM ", "(users JOIN ", "users", " ON true)", ""),
    ("SELECT 1 FROM users", "", "", " JOIN users ON true", ""),
    ("SELECT 1 FROM users", "", "", " NATURAL JOIN users", ""),
    ("SELECT 1 FROM users", " LEFT JOIN users", "", " ON true", ""),
    ("SELECT 1 FROM ", "(SELECT 1 FROM ", "users", ") x", ""),
    ("SELECT 1 FROM ", "LATERAL (SELECT 1 FROM ", "users", ") x", ""),
    ("SELECT 1 FROM JSON_TABLE('1', '$' COLUMNS (", "NESTED PATH '$' COLUMNS (", "a int", ")", ")) t"),
    ("SELECT 1", "", "", " UNION SELECT 1", ""),
    ("", "(", "SELECT 1", " UNION SELECT 1)", ""),
    ("TABLE users", "", "", " EXCEPT TABLE users", ""),
    ("VALUES (1)", "", "", " INTERSECT VALUES (1)", ""),
    ("", "PREPARE a AS ", "SELECT 1", "", ""),
    ("", "EXPLAIN ", "SELECT 1", "", ""),
    ("", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC ", "SELECT 1;", " END;", ""),
    ("", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 end; ", "SELECT 1;", " END;", ""),
    ("", "CREATE SCHEMA a ", "CREATE TABLE a()", "", ""),
    ("SELECT /*", "/*", "", "*/", "*/ 1"),
    ("SELECT 1 ", "/*/", "", "", ""),
    ("SELECT 1 WHERE true", "", "", " AND id = 1", ""),
    ("SELECT 1 FROM users WHERE id = 1", "", "", " OR id = 1 AND name = 'x'", ""),
    ("SELECT 1 FROM users WHERE id IN (1", "", "", ", 1", ")"),
    ("SELECT 1", "", "", ", id", " FROM users"),
    ("SELECT 1", "", "", ", 'a' 'b'", ""),
    ("SELECT '1'", "", "", "\n'1'", ""),
    ("SELECT 1", "", "", "; SELECT 1", ""),
    ("SELECT 1 AS ", "", "a", "a", ""),
    ("SELECT \"", "", "a", "é", "\""),
    ("SELECT 1 ", "+", "1", "", ""),
    ("SELECT 1 ", "-", "1", "", ""),
    ("SELECT $", "$", "1", "", ""),
    ("INSERT INTO orders (id, note) VALUES (1, 'x')", "", "", ", (1, 'x')", ""),
    ("UPDATE orders SET id = 1", "", "", ", id = 1", ""),
    ("SELECT ", "f(a => ", "1", ")", ""),
    ("SELECT ", "f(VARIADIC ", "1", ")", ""),
];

fn text(shape: &(&str, &str, &str, &str, &str), n: usize) -> String {
    let (head, before, core, behind, tail) = shape;
    format!("{head}{}{core}{}{tail}", before.repeat(n), behind.repeat(n))
}

#[test]
fn no_shape_ends_the_process() {
    on_session_stack(|| {
        let shop = Shop::new();
        for shape in SHAPES {
            let unit = shape.1.len() + shape.3.len();
            for n in [399, 20_000] {
                if n * unit > 1 << 17 {
                    continue;
                }
                assert!(!shop.plan(&text(shape, n)).is_empty(), "{shape:?} {n}");
            }
        }
    });
}

/// Each pair of constructs in turns: one might hide what the other builds.
#[test]
fn no_two_shapes_end_the_process() {
    on_session_stack(|| {
        let shop = Shop::new();
        let nested: Vec<_> = SHAPES.iter().filter(|s| s.0 == "SELECT " && s.4.is_empty()).collect();
        for (i, a) in nested.iter().enumerate() {
            for b in nested.iter().skip(i + 1) {
                let n = 30_000 / (a.1.len() + a.3.len() + b.1.len() + b.3.len());
                let before = format!("{}{}", a.1, b.1).repeat(n);
                let behind = format!("{}{}", b.3, a.3).repeat(n);
                assert!(!shop.plan(&format!("SELECT {before}{}{behind}", a.2)).is_empty(), "{a:?} {b:?}");
            }
        }
    });
}
