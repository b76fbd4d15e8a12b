use std::collections::BTreeSet;

use super::*;

#[test]
fn the_shipped_file_is_read_and_names_each_relation_once() {
    let known: Known = serde_saphyr::from_str(include_str!("../../../policies/system-catalog.yaml")).unwrap();
    assert_eq!(known.version, 1);
    let all: Vec<_> = classified_relations().collect();
    assert!(all.len() > 200);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn definitions_are_clear_values_statements_and_secrets_are_not() {
    for (schema, relation) in
        [("pg_catalog", "pg_class"), ("pg_catalog", "pg_views"), ("information_schema", "columns"), ("pg_catalog", "pg_settings")]
    {
        assert_eq!(system_class(schema, relation), Some(SystemClass::Clear), "{relation}");
    }
    for (schema, relation, column) in [
        ("pg_catalog", "pg_stats", "most_common_vals"),
        ("pg_catalog", "pg_statistic", "stavalues1"),
        ("pg_catalog", "pg_stat_activity", "query"),
        ("pg_catalog", "pg_authid", "rolpassword"),
        ("pg_catalog", "pg_largeobject", "data"),
        ("information_schema", "user_mapping_options", "option_value"),
        ("monitoring", "pg_stat_statements", "query"),
    ] {
        let Some(SystemClass::Null(columns)) = system_class(schema, relation) else { panic!("{relation}") };
        assert!(columns.iter().any(|c| c == column), "{relation}.{column}");
    }
    assert_eq!(system_class("pg_catalog", "pg_hba_file_rules"), Some(SystemClass::Forbidden));
}

#[test]
fn what_no_list_knows_has_no_class() {
    assert_eq!(system_class("pg_catalog", "pg_new_in_19"), None);
    assert_eq!(system_class("public", "pg_class"), None);
    assert!(is_system_schema("pg_catalog") && !is_system_schema("public"));
}
