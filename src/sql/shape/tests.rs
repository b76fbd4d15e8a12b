use super::{Shape, Specimen};

fn key(text: &str) -> Option<String> {
    Shape::of(text).map(|shape| shape.key())
}

fn free(text: &str) -> bool {
    Shape::of(text).is_some_and(|shape| shape.specimen().is_free())
}

#[test]
fn texts_that_differ_in_plain_literals_have_one_shape() {
    for (a, b) in [
        ("SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = 123456789"),
        ("SELECT a FROM t WHERE c = 'x'", "SELECT a FROM t WHERE c = 'a longer one; -- with /* all $1 \"of'"),
        ("SELECT a FROM t WHERE c IN (1,2,3)", "SELECT a FROM t WHERE c IN (7,8,9)"),
        ("UPDATE t SET a = a + -1 WHERE \"odd 1'\" = 5", "UPDATE t SET a = a + -77 WHERE \"odd 1'\" = 6"),
        ("SELECT a FROM naïve WHERE a1 = 1", "SELECT a FROM naïve WHERE a1 = 2"),
    ] {
        assert_eq!(key(a), key(b), "{a}");
        assert!(key(a).is_some(), "{a}");
    }
}

#[test]
fn other_texts_have_another_or_none() {
    for (a, b) in [
        ("SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = '1'"),
        ("SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = -1"),
        ("SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id  = 1"),
        ("SELECT a FROM t1 WHERE id = 1", "SELECT a FROM t2 WHERE id = 1"),
        ("SELECT \"1\" FROM t WHERE id = 1", "SELECT \"2\" FROM t WHERE id = 1"),
        // which literals are equal is part of it: grouping by a % 2 is no grouping by a % 3
        ("SELECT a % 2 FROM t GROUP BY a % 2", "SELECT a % 2 FROM t GROUP BY a % 3"),
        ("SELECT a FROM t WHERE c = 'x'", "SELECT a FROM t WHERE c = ''"),
        ("SELECT a FROM t WHERE c = 12", "SELECT a FROM t WHERE c = 12.5"),
        ("SELECT a FROM t WHERE c = 123456789", "SELECT a FROM t WHERE c = 1234567890"),
    ] {
        assert_ne!(key(a), key(b), "{a}");
    }
    for none in [
        "SELECT a FROM t",
        "SELECT a FROM t WHERE id = $1 AND b = 1",
        "SELECT a FROM t WHERE id = 1 -- a comment",
        "SELECT a FROM t WHERE id = 1 /* a comment */",
        "SELECT a FROM t WHERE c = 'it''s'",
        r"SELECT a FROM t WHERE c = 'a\b'",
        r"SELECT a FROM t WHERE c = E'a'",
        "SELECT a FROM t WHERE c = U&'a'",
        "SELECT a FROM t WHERE c = $$a$$ AND b = 1",
        "SELECT a FROM t WHERE c = 'ä'",
        "SELECT a FROM t WHERE c = 'open",
        "SELECT a FROM t WHERE c = \u{1}1 AND b = 1",
        "SELECT 0x1F, 1e5, 1_000, 1.5, a1, 007",
    ] {
        assert_eq!(key(none), None, "{none}");
    }
}

#[test]
fn a_literal_counts_where_nothing_looks_at_it() {
    for text in [
        "SELECT a FROM t WHERE id = 1",
        "SELECT a FROM t WHERE id = -1 AND b <> 'x' AND c LIKE 'y'",
        "SELECT a FROM t WHERE id IN (1, 2) OR b BETWEEN 3 AND 4",
        "SELECT 1 FROM t JOIN u ON t.a = u.b + 5 LIMIT 10 OFFSET 20",
        "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y')",
        "UPDATE t SET a = 'x', b = b + 1 WHERE id = 7 RETURNING a",
        "DELETE FROM t WHERE id = 1",
        "WITH c AS (SELECT a FROM t WHERE b = 1) SELECT * FROM c WHERE a IN (SELECT 2)",
    ] {
        assert!(free(text), "{text}");
    }
    for text in [
        "SELECT a, b FROM t ORDER BY 1",
        "SELECT a, count(*) FROM t GROUP BY 1",
        "SELECT DISTINCT ON (1) a FROM t",
        "SELECT '1'::int",
        "SELECT date '2020-01-01'",
        "SELECT a::varchar(10) FROM t",
        "SELECT f(1)",
        "SELECT set_config('role', 'x', false)",
        "SET search_path = 'x'",
        "SELECT a -> 'x' FROM t",
        "SELECT a[1] FROM t",
        "SELECT a FROM t WHERE b = ANY ('{1,2}')",
        "SELECT a FROM t WHERE b ~ 'x'",
        "SELECT a FROM t WHERE b = 'x'\n'y'",
        "SELECT a FROM t FETCH FIRST (1) ROWS ONLY; LISTEN \"x\"; SET a = 1",
        "SELECT a FROM t WHERE b = 1 ORDER BY 2",
        "no SQL = 1",
    ] {
        assert!(!free(text), "{text}");
    }
}

#[test]
fn a_template_takes_the_literals_of_any_text_of_the_shape() {
    let of = |text| Shape::of(text).unwrap();
    let first = of("select a from t where b = 'x' and c in (1, 2, 1)");
    let Specimen { text, .. } = first.specimen();
    let printed = text.replace("select", "SELECT").replace("where", "WHERE");
    let template = first.specimen().template(&printed).unwrap();
    let other = of("select a from t where b = 'y; $1' and c in (30, 4, 30)");
    assert_eq!(first.key(), other.key());
    assert_eq!(template.fill(&other), "SELECT a from t WHERE b = 'y; $1' and c in (30, 4, 30)");
    assert_eq!(template.fill(&first), "SELECT a from t WHERE b = 'x' and c in (1, 2, 1)");
    // where one is missing or stands once more
    assert!(first.specimen().template(&printed.replacen("730460002", "5", 1)).is_none());
    assert!(first.specimen().template(&format!("{printed} LIMIT 730460002")).is_none());
}
