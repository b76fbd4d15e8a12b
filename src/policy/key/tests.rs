use super::*;

#[test]
fn keys_fold_quote_and_match() {
    for (text, want) in [
        ("public.users", Ok("public.users")),
        ("Public.USERS", Ok("public.users")),
        ("\"Public\".\"User Data\"", Ok("\"Public\".\"User Data\"")),
        ("\"public\".\"users\"", Ok("public.users")),
        ("public.\"a\"\"b\"", Ok("public.\"a\"\"b\"")),
        ("public.orders_*", Ok("public.orders_*")),
        ("\"a*\"", Ok("\"a*\"")),
        ("*", Ok("*")),
        ("*_phone", Ok("*_phone")),
        ("客户.姓名", Ok("客户.姓名")),
        ("profile.$.address.street", Ok("profile.$.address.street")),
        ("public.users.profile.$.items[*].\"a b\".*", Ok("public.users.profile.$.items[*].\"a b\".*")),
        ("p.$.Straße", Ok("p.$.Straße")),
        ("a$b", Ok("a$b")),
        ("", Err("an identifier is empty")),
        ("public.", Err("an identifier is empty")),
        (".x", Err("an identifier is empty")),
        ("\"\"", Err("an identifier is empty")),
        ("user data", Err("this identifier needs double quotes")),
        ("user-data", Err("this identifier needs double quotes")),
        ("1a", Err("this identifier needs double quotes")),
        ("\"a", Err("a quote is not closed")),
        ("\"a\"b", Err("a dot stands between identifiers")),
        ("p.$", Err("a path names at least one member")),
        ("p.$x", Err("a path goes on with '.name' or '[*]'")),
        ("p.$.", Err("a member's name is empty")),
        ("p.$.a b", Err("this member's name needs double quotes")),
        ("$.a", Err("this identifier needs double quotes")),
    ] {
        let got = ObjectKey::parse(text).map(|k| k.to_string());
        assert_eq!(got.as_deref().map_err(|e| *e), want, "{text}");
    }
}

#[test]
fn patterns() {
    for (pattern, text, want) in [
        ("*", "", true),
        ("*", "anything", true),
        ("a*", "abc", true),
        ("*c", "abc", true),
        ("a*c", "abc", true),
        ("a*c", "ac", true),
        ("a*c", "acb", false),
        ("*_phone", "work_phone", true),
        ("*_phone", "phone", false),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXcYb", false),
        ("电*", "电话", true),
        ("abc", "abc", true),
        ("abc", "abcd", false),
        ("", "", true),
    ] {
        assert_eq!(glob(pattern, text), want, "{pattern} {text}");
    }
}

proptest::proptest! {
    #[test]
    fn what_a_key_prints_it_reads_again(text in "[a-zA-Z\"*.$_ \\[\\]é0-9]{0,24}") {
        if let Ok(key) = ObjectKey::parse(&text) {
            proptest::prop_assert_eq!(ObjectKey::parse(&key.to_string()), Ok(key));
        }
    }

    #[test]
    fn a_glob_is_what_a_naive_one_says(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
        fn naive(p: &[u8], t: &[u8]) -> bool {
            match (p.first(), t.first()) {
                (None, None) => true,
                (Some(b'*'), _) => naive(&p[1..], t) || (!t.is_empty() && naive(p, &t[1..])),
                (Some(a), Some(b)) if a == b => naive(&p[1..], &t[1..]),
                _ => false,
            }
        }
        proptest::prop_assert_eq!(glob(&pattern, &text), naive(pattern.as_bytes(), text.as_bytes()));
    }
}
