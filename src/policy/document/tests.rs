use super::*;

fn files(texts: &[&str]) -> Vec<(String, String)> {
    texts.iter().enumerate().map(|(i, t)| (format!("{i}.yaml"), (*t).to_owned())).collect()
}

fn merged(texts: &[&str], database: Option<&str>) -> (String, String) {
    let mut found = Diagnostics::default();
    let documents = read(&files(texts), &mut found);
    let tree = merge(&documents, database, &mut found);
    let mut out = String::new();
    for (key, node) in tree.into_entries() {
        show(&key, &node, 0, &mut out);
    }
    (out, found.to_string())
}

fn show(key: &Key, node: &Node, depth: usize, out: &mut String) {
    out.push_str(&format!("{}{}:", " ".repeat(depth), key.text));
    match &node.value {
        Value::Map(entries) => {
            out.push('\n');
            entries.iter().for_each(|(k, n)| show(k, n, depth + 1, out));
        }
        Value::Text(text) => out.push_str(&format!(" {text}\n")),
        Value::Null => out.push_str(" ~\n"),
        Value::List(items) => out.push_str(&format!(" [{}]\n", items.len())),
    }
}

#[test]
fn documents_merge_key_by_key_in_order() {
    let a = "version: 1\nclasses: { personal: { level: 3 } }\ntables: { public.users: { columns: { email: personal } } }\nroles:\n";
    let b = "version: 1\nclasses: { personal: { about: x } }\ntables: { Public.Users: { subject: id, columns: { phone: personal } } }\nroles: { a: { read: { personal: allow } } }\n";
    let want = "classes:\n personal:\n  level: 3\n  about: x\ntables:\n public.users:\n  columns:\n   email: personal\n   phone: personal\n  subject: id\nroles:\n a:\n  read:\n   personal: allow\n";
    assert_eq!(merged(&[a, b], None), (want.to_owned(), String::new()));
}

#[test]
fn the_same_leaf_twice_names_both_places() {
    for (texts, want) in [
        (
            [
                "version: 1\ntables:\n  public.users: { columns: { email: a } }\n",
                "tables: { PUBLIC.users: { columns: { \"Email\": b } } }\n",
            ],
            "1.yaml:1:38: error: 'tables: public.users: columns: email' stands twice\n  0.yaml:3:30: first here",
        ),
        (
            ["version: 1\nroles: { a: { read: { p: { mask: email } } } }\n", "roles: { a: { read: { p: { reveal: [lookup] } } } }\n"],
            "1.yaml:1:23: error: 'roles: a: read: p' stands twice\n  0.yaml:2:23: first here",
        ),
        (
            ["version: 1\nroles: { a: { members: [x] } }\n", "roles: { a: { members: [y] } }\n"],
            "1.yaml:1:15: error: 'roles: a: members' stands twice\n  0.yaml:2:15: first here",
        ),
        (
            ["version: 1\nmasks: { a: email }\n", "masks: { a: name }\n"],
            "1.yaml:1:10: error: 'masks: a' stands twice\n  0.yaml:2:10: first here",
        ),
        (["version: 1\ndefaults: 3\n", "defaults: { role: a }\n"], "1.yaml:1:1: error: 'defaults' stands twice\n  0.yaml:2:1: first here"),
    ] {
        assert_eq!(merged(&texts, None).1, want);
    }
}

#[test]
fn two_spellings_of_one_table_in_one_document_are_one_table() {
    let text = "version: 1\ntables:\n  public.users: { columns: { a: x } }\n  PUBLIC.users: { columns: { A: y } }\n";
    assert_eq!(merged(&[text], None).1, "0.yaml:4:30: error: 'tables: public.users: columns: a' stands twice\n  0.yaml:3:30: first here");
}

#[test]
fn a_document_of_a_database_holds_for_it_alone() {
    let texts = ["version: 1\nroles: { a: ~ }\n", "database: shop\nroles: { b: ~ }\n---\ndatabase: crm\nroles: { c: ~ }\n"];
    assert_eq!(merged(&texts, None).0, "roles:\n a: ~\n");
    assert_eq!(merged(&texts, Some("shop")).0, "roles:\n a: ~\n b: ~\n");
    assert_eq!(merged(&texts, Some("crm")).0, "roles:\n a: ~\n c: ~\n");
}

#[test]
fn version_and_database_are_checked() {
    for (text, want) in [
        ("version: 2\n", "0.yaml:1:10: error: this version of the policy language is not known\n  help: this pgscrim reads version 1"),
        ("roles: ~\n", "0.yaml:1:1: warning: no 'version' stands in the policy\n  help: begin it with 'version: 1'"),
        ("version: 1\ndatabase: [a]\n", "0.yaml:2:11: error: 'database' takes a name, not a list"),
        ("- a\n", "0.yaml:1:1: error: a policy is a mapping of keys, not a list"),
        ("", ""),
    ] {
        assert_eq!(merged(&[text], None).1, want, "{text}");
    }
}
