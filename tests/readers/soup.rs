//! Texts that nobody would write: tokens in any order, statements with tokens dropped, doubled and swapped. Nothing panics, and the
//! text of a permit is itself a statement that gets the same permit.

use proptest::prelude::*;

use super::doors;
use super::shop::Shop;

const WORDS: &str = "SELECT FROM WHERE AND OR NOT IN IS NULL DISTINCT ON JOIN LEFT NATURAL USING GROUP BY ORDER HAVING LIMIT OFFSET \
    UNION ALL EXCEPT WITH RECURSIVE AS INSERT INTO VALUES UPDATE SET DELETE RETURNING CONFLICT DO NOTHING MERGE MATCHED WHEN THEN ELSE END CASE \
    BETWEEN LIKE EXISTS ANY ARRAY ROW CAST COALESCE COLLATE OVER PARTITION FILTER LATERAL TABLE ONLY FOR SHARE COPY TO STDOUT EXPLAIN PREPARE \
    EXECUTE DECLARE CURSOR FETCH TRUNCATE LOCK CREATE TEMP DROP DEFAULT TRUE current_user \
    users orders products public pg_catalog u o id email ssn name level user_id total note price lower upper length count min sum now \
    generate_series int text excluded x \
    ( ( ( ) ) ) [ ] , , , . . . ; : :: = = <> < + - * * / || ~ 1 2 0 'x' 'a@b' E'\\'' $1 $$x$$ \"Odd\" --x /*x*/ U&\"d\\0061t\"";

const STATEMENTS: &[&str] = &[
    "SELECT id , email FROM users WHERE id = 1",
    "SELECT u . * , o . total FROM users u JOIN orders o ON o . user_id = u . id ORDER BY 1",
    "WITH w AS ( SELECT id , name FROM users ) SELECT * FROM w WHERE id IN ( SELECT user_id FROM orders )",
    "SELECT count ( * ) , min ( email ) FROM users GROUP BY level HAVING count ( * ) > 1",
    "INSERT INTO orders ( id , note ) VALUES ( 1 , 'x' ) ON CONFLICT ( id ) DO UPDATE SET note = excluded . note RETURNING id",
    "UPDATE orders SET note = lower ( note ) FROM users u WHERE u . id = orders . user_id RETURNING orders . *",
    "DELETE FROM orders USING users WHERE users . id = user_id",
    "SELECT CASE WHEN level = 'x' THEN name ELSE NULL END FROM users UNION ALL SELECT note FROM orders LIMIT 2",
    "COPY users ( id , email ) TO STDOUT",
    "MERGE INTO orders o USING users u ON u . id = o . user_id WHEN MATCHED THEN UPDATE SET note = 'x'",
    "EXPLAIN SELECT * FROM users NATURAL JOIN products",
    "SELECT ARRAY [ id , 1 ] , ( users ) . email , users :: text FROM ONLY users FOR UPDATE",
];

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(WORDS.split_whitespace().collect::<Vec<_>>())
}

/// A statement with a few of its tokens dropped, doubled, swapped or replaced.
pub(crate) fn mutant() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4u8, word());
    (prop::sample::select(STATEMENTS), prop::collection::vec(edit, 0..4)).prop_map(|(statement, edits)| {
        let mut tokens: Vec<&str> = statement.split(' ').collect();
        for (at, other, how, word) in edits {
            if tokens.is_empty() {
                break;
            }
            let (at, other) = (at.index(tokens.len()), other.index(tokens.len()));
            match how {
                0 => drop(tokens.remove(at)),
                1 => tokens.insert(at, tokens[at]),
                2 => tokens.swap(at, other),
                _ => tokens[at] = word,
            }
        }
        tokens.join(" ")
    })
}

/// Tokens in any order.
pub(crate) fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 0..30).prop_map(|words| words.join(" "))
}

thread_local!(static SHOP: Shop = Shop::new());

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_is_decided(text in soup()) {
        SHOP.with(|shop| doors::sql(shop, &text));
    }

    #[test]
    fn mutants_of_statements_are_decided(text in mutant()) {
        SHOP.with(|shop| doors::sql(shop, &text));
    }

    #[test]
    fn any_text_is_decided(text in ".{0,60}") {
        SHOP.with(|shop| doors::sql(shop, &text));
    }
}
