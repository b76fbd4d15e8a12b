use super::*;

/// The place of what stands between bars, in both.
fn told(printed: &str, own: &str) -> (Option<u32>, Option<u32>) {
    let at = |text: &str| text.find('|').map(|byte| u32::try_from(text[..byte].chars().count() + 1).unwrap());
    let bare = |text: &str| text.replacen('|', "", 1);
    (place(&bare(printed), &bare(own), at(printed).unwrap()), at(own))
}

#[test]
fn what_is_printed_more_fully_is_found_again() {
    for (printed, own) in [
        ("SELECT |'x'::int", "SELECT |'x'::int"),
        ("SELECT |'x'::int", "select  |'x'::int ;"),
        ("SELECT pg_catalog.upper(|'x') FROM public.people", "SELECT upper( |'x' ) FROM people"),
        ("SELECT |pg_catalog.upper('x') FROM public.people", "SELECT |upper('x') FROM people"),
        ("SELECT a.|b FROM public.a", "SELECT a.|b FROM a"),
        ("SELECT 'ü', |'x'::int AS y", "SELECT 'ü',   -- ü\n |'x'::int  y"),
        ("SELECT \"user\", a <> |'x' FROM public.\"Odd\"", "SELECT \"user\", A != |'x' FROM \"Odd\""),
        ("SELECT 1;\nSELECT |'x'::int", "SELECT 1; SELECT |'x'::int;"),
    ] {
        let (found, want) = told(printed, own);
        assert_eq!(found, want, "{own}");
    }
}

#[test]
fn where_anything_else_differs_there_is_no_place() {
    for (printed, own) in [
        ("SELECT |'x'::int", "SELECT CAST('x' AS int)|"),
        ("SELECT |'x', 1", "SELECT 'y', 1|"),
        ("SELECT |1 FROM public.a", "SELECT 1 FROM b|"),
        ("SELECT |1", "SELECT 1, 2|"),
        ("SELECT 1, |2", "SELECT 1|"),
        ("SELECT |people.email", "SELECT \"Email\"|"),
        ("SELECT |'X'", "SELECT 'x'|"),
        ("SELECT E|'x'", "SELECT 'x'|"),
    ] {
        assert_eq!(told(printed, own).0, None, "{own}");
    }
}

/// A long text is not looked through, and needs not be where it was sent as it came.
#[test]
fn a_long_text_that_is_the_same_has_its_places() {
    let long = format!("SELECT '{}', |x", "y".repeat(LONGEST));
    assert_eq!(told(&long, &long).0, told(&long, &long).1);
    assert_eq!(told(&long, &long.replace("SELECT", "select")).0, None);
}
