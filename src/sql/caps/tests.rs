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
