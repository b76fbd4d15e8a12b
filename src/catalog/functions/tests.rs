use super::*;

#[test]
fn the_shipped_list_is_read_whole() {
    let text = include_str!("../../../policies/functions.txt");
    let words: usize =
        text.lines().map(|l| l.split('#').next().unwrap_or("")).flat_map(str::split_whitespace).filter(|w| !w.ends_with(':')).count();
    assert_eq!(classified_functions().count(), words);
    let headings: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.strip_suffix(':')).collect();
    assert_eq!(headings, {
        let mut all: Vec<&str> = FunctionClass::ALL.iter().map(|c| c.name()).collect();
        all.sort_by_key(|name| headings.iter().position(|h| h == name));
        all
    });
}

#[test]
fn every_function_stands_in_one_list() {
    for (name, overloads) in CLASSES.iter() {
        let mut args: Vec<Option<usize>> = overloads.iter().map(|(n, _)| *n).collect();
        args.sort_unstable();
        args.dedup();
        assert_eq!(args.len(), overloads.len(), "{name} stands there twice");
        assert!(args.len() == 1 || !args.contains(&None), "{name} stands there with and without a number of arguments");
    }
}

#[test]
fn functions_are_what_they_do() {
    for (name, want) in [
        ("lower", FunctionClass::Usable),
        ("int4eq", FunctionClass::Usable),
        ("pg_sleep", FunctionClass::Usable),
        ("has_table_privilege", FunctionClass::Usable),
        ("pg_get_viewdef", FunctionClass::Usable),
        ("row_to_json", FunctionClass::Usable),
        ("pg_relation_size", FunctionClass::Usable),
        ("generate_series", FunctionClass::Usable),
        ("count", FunctionClass::Usable),
        ("current_setting", FunctionClass::ReadsSetting),
        ("set_config", FunctionClass::SetsSetting),
        ("nextval", FunctionClass::Sequence),
        ("query_to_xml", FunctionClass::DataByName),
        ("cursor_to_xml", FunctionClass::DataByName),
        ("pg_logical_slot_peek_changes", FunctionClass::DataByName),
        ("ts_stat", FunctionClass::SqlText),
        ("pg_input_is_valid", FunctionClass::SqlText),
        ("pg_read_file", FunctionClass::Files),
        ("lo_get", FunctionClass::LargeObjects),
        ("pg_stat_get_activity", FunctionClass::Sessions),
        ("current_query", FunctionClass::Sessions),
        ("pg_mcv_list_items", FunctionClass::Statistics),
        ("pg_terminate_backend", FunctionClass::Signals),
        ("pg_switch_wal", FunctionClass::State),
        ("domain_in", FunctionClass::Internal),
        ("brinhandler", FunctionClass::Internal),
    ] {
        assert_eq!(class_of(name), Some(want), "{name}");
        assert_eq!(class_of_call(name, 1), Some(want), "{name}");
    }
    assert_eq!(class_of("no_such_function"), None);
}

#[test]
fn overloads_that_differ_are_told_by_their_number_of_arguments() {
    assert_eq!(class_of("ts_rewrite"), Some(FunctionClass::SqlText));
    assert_eq!(class_of_call("ts_rewrite", 2), Some(FunctionClass::SqlText));
    assert_eq!(class_of_call("ts_rewrite", 3), Some(FunctionClass::Usable));
    assert_eq!(class_of_call("ts_rewrite", 4), None);
}
