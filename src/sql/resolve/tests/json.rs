//! SQL/JSON, of which each version of the server has more.

use super::*;

/// Whatever stands in one of these may come out of it.
#[test]
fn each_part_of_a_json_expression_is_used() {
    let mut contents = shop::catalog().contents().clone();
    contents.server_version = 180_000;
    let catalog = Catalog::new(contents);
    for (list, used) in [
        ("JSON_ARRAY(email, name)", "email name"),
        ("JSON_ARRAY(SELECT email FROM users)", "email"),
        ("JSON_OBJECT('a': email, name: ssn)", "email name ssn"),
        ("JSON_OBJECT('a' VALUE email)", "email"),
        ("JSON_OBJECTAGG(email: name)", "email name"),
        ("JSON_ARRAYAGG(email ORDER BY name)", "email name"),
        ("JSON_ARRAYAGG(email) FILTER (WHERE id > 1)", "email id"),
        ("JSON_ARRAYAGG(email) OVER (PARTITION BY name)", "email name"),
        ("JSON_EXISTS(email, '$' PASSING name AS x)", "email name"),
        ("JSON_VALUE(email, '$' PASSING id AS x DEFAULT name ON EMPTY DEFAULT ssn ON ERROR)", "email id name ssn"),
        ("JSON_QUERY(email, '$' DEFAULT name ON EMPTY)", "email name"),
        ("JSON(email), JSON_SCALAR(name), JSON_SERIALIZE(ssn)", "email name ssn"),
        ("email IS JSON", "email"),
        ("t.a FROM users, JSON_TABLE(email, '$' PASSING name AS x COLUMNS (a text PATH '$' DEFAULT ssn ON EMPTY)) t", "email name ssn"),
    ] {
        let from = if list.contains(" FROM users, ") { "" } else { " FROM users" };
        let text = format!("SELECT {list}{from}");
        let (analysis, _) = run_over(&catalog, &text, &[]).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        let mut names: Vec<String> = analysis.uses.iter().map(|u| shown(&analysis, u.source)).collect();
        names.iter_mut().for_each(|name| *name = name.split('.').next_back().unwrap_or_default().to_owned());
        names.sort();
        names.dedup();
        assert_eq!(names.join(" "), used, "{text}");
    }
}
