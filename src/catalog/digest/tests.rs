use super::*;
use crate::base::QualifiedName;
use crate::catalog::{Oid, Relation, RelationKind, Role, TypeInfo};

fn relation(oid: u32, name: &str, temporary: bool) -> Relation {
    Relation {
        oid: Oid(oid),
        name: QualifiedName::new("public", name),
        kind: RelationKind::Table,
        owner: Oid(10),
        row_type: Oid(0),
        columns: Vec::new(),
        parents: Vec::new(),
        definition: None,
        reads: Vec::new(),
        calls: Vec::new(),
        constraints: Vec::new(),
        has_rules: false,
        runs_code: false,
        row_security: false,
        readers: Vec::new(),
        temporary,
    }
}

fn sample() -> Contents {
    Contents {
        database: "shop".into(),
        schemas: vec![(Oid(2200), "public".into())],
        relations: vec![relation(16400, "users", false)],
        ..Contents::default()
    }
}

#[test]
fn equal_catalogs_have_equal_digests_and_any_change_shows() {
    assert_eq!(digest(&sample()), digest(&sample()));
    let mut seen = vec![digest(&sample())];
    let changes: [fn(&mut Contents); 6] = [
        |c| c.server_version = 150_000,
        |c| c.search_path = "app".into(),
        |c| c.relations[0].row_security = true,
        |c| c.relations[0].parents = vec![Oid(1)],
        |c| c.relations.push(relation(16401, "orders", false)),
        |c| c.roles.push(Role { oid: Oid(1), name: "r".into(), can_login: true, superuser: false, member_of: vec![] }),
    ];
    for change in changes {
        let mut contents = sample();
        change(&mut contents);
        let got = digest(&contents);
        assert!(!seen.contains(&got));
        seen.push(got);
    }
}

#[test]
fn what_is_temporary_is_left_out() {
    let mut contents = sample();
    contents.schemas.push((Oid(20000), "pg_temp_3".into()));
    contents.relations.push(relation(20001, "t", true));
    contents.types.push(TypeInfo {
        oid: Oid(20002),
        name: QualifiedName::new("pg_temp_3", "t"),
        element: Oid(0),
        array: Oid(0),
        base: None,
        relation: Oid(20001),
        kind: 'c',
        foreign_code: false,
        constraints: Vec::new(),
    });
    assert_eq!(digest(&contents), digest(&sample()));
}
