use super::*;

#[test]
fn ordinary_texts_pass_and_deep_ones_do_not() {
    let deep = |open: &str, close: &str, n: usize| format!("SELECT {}1{}", open.repeat(n), close.repeat(n));
    for (text, passes) in [
        ("SELECT 1".to_owned(), true),
        (deep("(", ")", 100), true),
        (deep("(", ")", 10_000), false),
        (format!("SELECT {}", "1+".repeat(100_000) + "1"), false),
        (format!("SELECT {}", "NOT ".repeat(10_000) + "true"), false),
        (format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(10_000)), false),
        (format!("SELECT 1 FROM a {}", "JOIN b ON true ".repeat(10_000)), false),
        (format!("SELECT {}", "CASE WHEN true THEN ".repeat(5_000)), false),
        (format!("SELECT 1 WHERE {}", "a = 1 AND b = 2 OR ".repeat(5_000) + "true"), true),
        (format!("INSERT INTO t VALUES {}", "(1, -2, 'a' || 'b'), ".repeat(5_000) + "(1)"), true),
        (format!("SELECT 1 {}", "/*".repeat(20_000)), false),
        (format!("SELECT {}1", "+".repeat(20_000)), false),
        (format!("SELECT '{}'", "-".repeat(2_000)), true),
        (format!("SELECT {}1{}", "(".repeat(300), format!("{})", "+1".repeat(99)).repeat(300)), false),
        (format!("SELECT '{}'", "((((".repeat(1000)), true),
    ] {
        assert_eq!(scan(&text, 1 << 20).is_ok(), passes, "{}", &text[..text.len().min(60)]);
    }
    assert!(scan(&"x".repeat(100), 99).is_err());
}

#[test]
fn a_text_without_a_token_is_no_statement() {
    for text in ["", " ", "\n\t\r\x0b\x0c", "--", "/**/", ";", " ; "] {
        assert!(scan(text, 100).is_ok(), "{text:?}");
        assert!(crate::sql::read(text, 100).is_ok_and(|read| read.statements.is_empty()), "{text:?}");
    }
}

/// Words that are names where they stand, and constructs without brackets: the tree is deep, and each of these was once not seen.
#[test]
fn no_word_hides_a_depth() {
    for (head, unit, tail) in [
        ("SELECT 1", " + set", ""),
        ("SELECT 1", " + values", ""),
        ("SELECT 1", " + a.from", ""),
        ("SELECT 1", " + a.and", ""),
        ("SELECT 1", " + a.on/**/", ""),
        ("SELECT 1", " LIKE ANY ('{}')", ""),
        ("SELECT 1", " ILIKE ALL ('{}')", ""),
        ("SELECT 1", " BETWEEN 1 AND NOT 1", ""),
        ("SELECT 1", " IS DISTINCT FROM NOT 1", ""),
        ("SELECT ", "(SELECT 1 AS end, ", "1"),
        ("SELECT ", "(SELECT 1 end, ", "1"),
        ("SELECT ", "CASE WHEN a.end THEN ", "1"),
        ("SELECT ", "CASE WHEN a. /* */ end THEN ", "1"),
        ("", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC ", "SELECT 1"),
        ("", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 end; ", "SELECT 1"),
        ("SELECT 1::int", "[]", ""),
    ] {
        let text = format!("{head}{}{tail}", unit.repeat(5_000));
        assert_eq!(scan(&text, 1 << 20).map_err(|e| e.reason).err(), Some("depth"), "{unit}");
    }
}

#[test]
fn long_and_flat_is_not_deep() {
    for (head, unit, tail) in [
        ("SELECT 1 WHERE true", " AND a BETWEEN 1 AND 2 AND b IS DISTINCT FROM c AND d LIKE 'x'", ""),
        ("SELECT 1", ", CASE WHEN a THEN b ELSE c END AS end, a.end, a[1], b.case AS case", ""),
        ("SELECT 1 WHERE a IN (1", ", 2", ")"),
        ("", "SELECT a + b FROM c JOIN d ON e; ", ""),
        ("", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN (b) END; END; ", ""),
        ("", "CREATE PROCEDURE f() BEGIN ATOMIC END; ", ""),
        ("UPDATE t SET a = 1", ", b = - c", ""),
        ("INSERT INTO t VALUES (1)", ", (CASE WHEN 1 THEN - 2 END, ARRAY[1, 2], 'a'::text[])", ""),
    ] {
        let text = format!("{head}{}{tail}", unit.repeat(5_000));
        assert!(scan(&text, 1 << 20).is_ok(), "{unit}");
    }
}
