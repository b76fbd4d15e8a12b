use super::*;

fn one(text: &str) -> Node {
    let mut nodes = read("t.yaml", text).unwrap();
    assert_eq!(nodes.len(), 1);
    nodes.remove(0)
}

fn error(text: &str) -> String {
    read("t.yaml", text).expect_err(&text.chars().take(40).collect::<String>()).to_string()
}

#[test]
fn every_key_and_value_knows_its_place_and_spelling() {
    let node = one("a: 1.50\nb:\n  c: [0x10, yes, ~, 'null']\n  ключ: 2027-06-30\n");
    assert_eq!(node.get("a").unwrap().text(), Some("1.50"));
    let b = node.get("b").unwrap();
    let Value::List(items) = &b.get("c").unwrap().value else { panic!("a list") };
    let texts: Vec<_> = items.iter().map(Node::text).collect();
    assert_eq!(texts, [Some("0x10"), Some("yes"), None, Some("null")]);
    assert_eq!(b.get("ключ").unwrap().place.to_string(), "t.yaml:4:9");
    assert_eq!(node.map().unwrap()[1].0.place.to_string(), "t.yaml:2:1");
}

#[test]
fn keys_that_look_typed_stay_texts() {
    let node = one("on: 1\nnull: 2\n~: 3\n007: 4\n\"*\": 5\n");
    let keys: Vec<_> = node.map().unwrap().iter().map(|(k, _)| k.text.as_str()).collect();
    assert_eq!(keys, ["on", "null", "~", "007", "*"]);
}

#[test]
fn an_alias_stands_where_it_is_used() {
    let node = one("a: &x { k: 1 }\nb: *x\n");
    assert_eq!(node.get("b").unwrap().place.to_string(), "t.yaml:2:4");
    assert_eq!(node.get("b").unwrap().get("k").unwrap().text(), Some("1"));
}

#[test]
fn documents_that_hold_nothing_are_left_out() {
    assert_eq!(read("t.yaml", "").unwrap(), []);
    assert_eq!(read("t.yaml", "# only a comment\n").unwrap(), []);
    assert_eq!(read("t.yaml", "---\na: 1\n---\nb: 2\n").unwrap().len(), 2);
    assert_eq!(one("\u{feff}a: 1").get("a").unwrap().place.to_string(), "t.yaml:1:4");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, want) in [
        ("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: error: the key 'a' stands twice\n  t.yaml:1:1: first here"),
        ("r: { x: 1, x: 2 }\n", "t.yaml:1:12: error: the key 'x' stands twice\n  t.yaml:1:6: first here"),
        ("a: &x { k: 1 }\nb:\n  <<: *x\n", "t.yaml:3:3: error: merge keys ('<<') are not supported\n  help: write the keys out"),
        ("a: *nobody\n", "t.yaml:1:4: error: not valid YAML: alias references unknown anchor"),
        ("a: [1\n", ""),
        ("a: 1\n b: 2\n", ""),
        ("[a, b]: 1\n", "t.yaml:1:1: error: a key is a text, not a list"),
        ("a: !!python/object x\n", ""),
    ] {
        let got = error(text);
        if want.is_empty() {
            assert!(got.starts_with("t.yaml:") && got.contains("not valid YAML"), "{text}: {got}");
        } else {
            assert_eq!(got, want, "{text}");
        }
    }
}

#[test]
fn bombs_depth_and_size_end_in_an_error() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let items = vec![format!("*a{}", i - 1); 9].join(", ");
        laughs.push_str(&format!("a{i}: &a{i} [{items}]\n"));
    }
    let deep_flow = "[".repeat(10_000);
    let deep_map = "{a: ".repeat(5_000);
    let deep_block: String = (0..2_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    let deep_list = format!("a: {}x", "- ".repeat(2_000));
    let many = "- x\n".repeat(MAX_NODES + 1);
    let huge = format!("a: {}", "x".repeat(MAX_BYTES));
    for text in [laughs, deep_flow, deep_map, deep_block, deep_list, many, huge] {
        let got = error(&text);
        assert!(got.contains("error: "), "{got}");
        assert!(got.len() < 500, "a message is short, whatever the input: {}", got.len());
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[a-c:\\[\\]{}&*<!>|'\"#,?~ \\n\\t0-9-]{0,80}") {
        let _ = read("t.yaml", &text);
    }

    #[test]
    fn a_scalar_in_quotes_comes_back(text in "[ -~]{0,40}") {
        let quoted = text.replace('\'', "''");
        let node = one(&format!("k: '{quoted}'"));
        proptest::prop_assert_eq!(node.get("k").unwrap().text(), Some(text.as_str()));
    }
}
