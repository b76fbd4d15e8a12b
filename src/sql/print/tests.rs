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
