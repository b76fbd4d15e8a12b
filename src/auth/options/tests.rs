use super::*;
use proptest::prelude::*;

fn setting(name: &str, value: &str) -> Setting {
    Setting { name: name.to_owned(), value: value.to_owned() }
}

#[test]
fn options_are_split_as_the_server_does() {
    for (options, want) in [
        ("", Ok(vec![])),
        ("-c search_path=a", Ok(vec![setting("search_path", "a")])),
        ("-csearch_path=a", Ok(vec![setting("search_path", "a")])),
        ("  --Search-Path=a\\ b\\\\c\t--x=1=2 ", Ok(vec![setting("search_path", "a b\\c"), setting("x", "1=2")])),
        ("-c", Err(Opaque)),
        ("-c x", Err(Opaque)),
        ("--", Err(Opaque)),
        ("-e", Err(Opaque)),
        ("-Fc x=1", Err(Opaque)),
        ("x=1", Err(Opaque)),
    ] {
        assert_eq!(split_options(options), want, "{options}");
    }
}

#[test]
fn the_proxys_own_settings_do_not_reach_the_server() {
    assert_eq!(without_proxy_settings("-c pgscrim.purpose=x -c a=b\\ c"), "-c a=b\\ c");
    assert_eq!(without_proxy_settings("--PgScrim.purpose=x"), "");
    assert_eq!(without_proxy_settings("-c a=b  -c c=d"), "-c a=b  -c c=d");
}

proptest! {
    #[test]
    fn rendered_options_are_read_back(pairs in prop::collection::vec(("[a-z_.]{1,8}", "\\PC{0,12}"), 0..4)) {
        let settings: Vec<Setting> = pairs.iter().map(|(n, v)| setting(n, v)).collect();
        prop_assert_eq!(split_options(&render_options(&settings)), Ok(settings));
    }

    #[test]
    fn no_text_panics(options in ".{0,60}") {
        let _ = split_options(&options);
    }
}
