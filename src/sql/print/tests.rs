use super::*;
use crate::sql::resolve::tests::shop;
use crate::sql::{Context, analyse, read};

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

/// The first relation that a statement reads or writes.
#[expect(clippy::wildcard_enum_match_arm, reason = "statements of the test, and no others")]
fn relation(node: &mut NodeEnum) -> Option<&mut protobuf::RangeVar> {
    fn inside(query: &mut Option<Box<Node>>) -> Option<&mut protobuf::RangeVar> {
        relation(query.as_mut()?.node.as_mut()?)
    }
    match node {
        NodeEnum::RangeVar(range) => Some(range),
        NodeEnum::SelectStmt(select) => relation(select.from_clause.first_mut()?.node.as_mut()?),
        NodeEnum::InsertStmt(insert) => insert.relation.as_mut(),
        NodeEnum::UpdateStmt(update) => update.relation.as_mut(),
        NodeEnum::DeleteStmt(delete) => delete.relation.as_mut(),
        NodeEnum::MergeStmt(merge) => merge.relation.as_mut(),
        NodeEnum::CopyStmt(copy) => copy.relation.as_mut().or_else(|| inside(&mut copy.query)),
        NodeEnum::DeclareCursorStmt(declare) => inside(&mut declare.query),
        NodeEnum::PrepareStmt(prepare) => inside(&mut prepare.query),
        NodeEnum::ExplainStmt(explain) => inside(&mut explain.query),
        NodeEnum::CreateTableAsStmt(create) => inside(&mut create.query),
        _ => None,
    }
}

/// The fault is planted in the tree, where the printer passes over it: the text would be another statement than the one that was judged.
#[test]
fn what_the_printer_loses_does_not_go_on() {
    for text in [
        "SELECT email FROM users",
        "INSERT INTO users (id) VALUES (1) ON CONFLICT DO NOTHING RETURNING email",
        "UPDATE users SET id = 1 RETURNING email",
        "DELETE FROM users WHERE email = 'x'",
        "MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED THEN DELETE",
        "COPY users (email) TO STDOUT",
        "COPY (SELECT email FROM users) TO STDOUT",
        "DECLARE c CURSOR FOR SELECT email FROM users",
        "PREPARE p AS SELECT email FROM users",
        "EXPLAIN SELECT email FROM users",
        "CREATE TEMP TABLE t AS SELECT email FROM users",
    ] {
        let mut read = read(text, 100).unwrap();
        let whole = &mut read.statements[0];
        assert!(printed(whole).is_ok(), "{text}");
        relation(whole.node.node.as_mut().unwrap()).unwrap().relpersistence = "u".into();
        let tree = tree::encode(&whole.node, whole.version);
        assert!(parser::print(&tree).is_ok(), "{text}: the printer does not see it");
        assert_eq!(printed(whole).map_err(|e| e.reason), Err("reprint"), "{text}");
    }
    let mut execute = read("EXECUTE p (lower('x'))", 100).unwrap().statements.remove(0);
    let Some(NodeEnum::ExecuteStmt(statement)) = &mut execute.node.node else { panic!() };
    let Some(NodeEnum::FuncCall(call)) = &mut statement.params[0].node else { panic!() };
    call.funcformat = protobuf::CoercionForm::CoerceImplicitCast as i32;
    assert_eq!(printed(&execute).map_err(|e| e.reason), Err("reprint"));
}

/// Plain calls of every function that comes with PostgreSQL: some have a form of their own, which the printer must not give for them unless it is
/// the same to PostgreSQL.
#[test]
fn every_function_is_called_as_it_was() {
    let list = include_str!("../../../policies/functions.txt");
    let words = list.lines().filter_map(|l| l.split('#').next()).filter(|l| !l.trim_end().ends_with(':')).flat_map(str::split_whitespace);
    let names: std::collections::BTreeSet<&str> = words.filter_map(|w| w.split('/').next()).collect();
    assert!(names.len() > 1000);
    let mut lost = Vec::new();
    for name in names.into_iter().chain(["interval", "char", "bit", "time", "timestamp", "varchar", "numeric", "float4", "int4", "bool"]) {
        for arguments in ["", "a", "a, b", "a, b, c", "a, b, c, d", "a, b, c, d, e", "DISTINCT a", "VARIADIC a"] {
            for call in [format!("pg_catalog.{name}({arguments})"), format!("{name}({arguments})")] {
                let text = format!("SELECT {call}");
                if let Ok(read) = read(&text, 100)
                    && printed(&read.statements[0]).is_err()
                {
                    lost.push(call);
                }
            }
        }
    }
    // the resolver sees to this one
    assert_eq!(lost, ["pg_catalog.overlay(a, b, c, d)"]);
    let (catalog, path) = (shop::catalog(), ["pg_catalog".into(), "public".into()]);
    let sent = |call: &str| {
        let mut read = read(&format!("SELECT {call} FROM users"), 100).unwrap().statements.remove(0);
        analyse(&mut read, Context::bare(&catalog, &path)).unwrap();
        printed(&read).map(|p| p.text().to_string()).map_err(|e| e.reason)
    };
    let special = Ok("SELECT OVERLAY(name PLACING email FROM 1 FOR 2) FROM public.users".to_owned());
    assert_eq!(sent("overlay(name, email, 1, 2)"), special);
    assert_eq!(sent("pg_catalog.overlay(name, email, 1, 2)"), special);
    assert_eq!(sent("pg_catalog.overlay(name, email, 1, VARIADIC 2)"), Err("reprint"));
}
