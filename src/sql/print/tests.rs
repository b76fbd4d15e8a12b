use super::*;
use crate::sql::read;

/// `libpg_query`'s printer was killed by what stood there instead, or printed another statement.
#[test]
fn what_lost_an_empty_text_is_not_printed() {
    for (text, prints) in [
        ("PREPARE TRANSACTION 'x'", true),
        ("PREPARE TRANSACTION ''", false),
        ("ALTER TYPE a ADD VALUE ''", false),
        ("COPY t TO ''", false),
        ("NOTIFY a, ''", true),
        ("SELECT ''", true),
    ] {
        let read = read(text, 100).unwrap();
        assert_eq!(printed(&read.statements[0]).is_ok(), prints, "{text}");
    }
}
