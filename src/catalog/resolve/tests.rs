use super::*;
use crate::base::QualifiedName;
use crate::catalog::Shape;

fn ty(oid: u32, name: &str, element: u32, base: Option<(u32, i32)>) -> TypeInfo {
    TypeInfo {
        oid: Oid(oid),
        name: QualifiedName::new("public", name),
        element: Oid(element),
        array: Oid(0),
        base: base.map(|(o, m)| (Oid(o), m)),
        relation: Oid(0),
        kind: if base.is_some() { 'd' } else { 'b' },
        foreign_code: false,
        constraints: Vec::new(),
    }
}

fn types() -> Vec<TypeInfo> {
    vec![
        ty(25, "text", 0, None),
        ty(1043, "varchar", 0, None),
        ty(1015, "_varchar", 1043, None),
        ty(1009, "_text", 25, None),
        ty(20000, "short", 0, Some((1043, 14))),
        ty(20001, "shorter", 0, Some((20000, -1))),
        ty(20002, "_shorter", 20001, None),
        ty(20003, "texts", 0, Some((1009, -1))),
        ty(20004, "_texts", 20003, None),
        ty(20005, "citext", 0, None),
    ]
}

fn resolve(oid: u32, typmod: i32) -> PgType {
    let types = types();
    PgType::resolve(Oid(oid), typmod, |o| types.iter().find(|t| t.oid == o))
}

#[test]
fn built_in_types_are_what_their_constructors_say() {
    assert_eq!(resolve(25, -1), PgType::builtin(Oid(25), -1));
    assert_eq!(resolve(1043, 24), PgType::builtin(Oid(1043), 24));
    assert_eq!(resolve(1015, 24), PgType::array(Oid(1015), Oid(1043), 24));
}

#[test]
fn a_domain_has_the_shape_length_and_modifier_of_its_base() {
    for oid in [20000, 20001] {
        let got = resolve(oid, -1);
        assert_eq!(got.oid, Oid(oid));
        assert_eq!((got.shape, got.typmod, got.domain, got.max_chars), (Shape::Scalar(Scalar::Varchar), 14, true, Some(10)));
    }
}

#[test]
fn arrays_of_domains_keep_the_element_that_they_declare() {
    let got = resolve(20002, -1);
    assert_eq!(got.shape, Shape::Array { element: Scalar::Varchar, element_oid: Oid(20001) });
    assert_eq!((got.domain, got.max_chars), (false, Some(10)));
}

#[test]
fn a_domain_over_an_array_is_an_array_and_an_array_of_those_is_no_array_of_text() {
    assert_eq!(resolve(20003, -1).shape, Shape::Array { element: Scalar::Text, element_oid: Oid(25) });
    assert!(resolve(20003, -1).domain);
    assert_eq!(resolve(20004, -1).shape, Shape::Array { element: Scalar::Other, element_oid: Oid(20003) });
}

#[test]
fn citext_is_known_by_name_and_the_unknown_is_other() {
    assert_eq!(resolve(20005, -1).scalar(), Scalar::Citext);
    assert_eq!(resolve(29999, -1).shape, Shape::Scalar(Scalar::Other));
}

#[test]
fn a_cycle_of_domains_ends() {
    let types = [ty(20010, "a", 0, Some((20011, -1))), ty(20011, "b", 0, Some((20010, -1)))];
    assert_eq!(PgType::resolve(Oid(20010), -1, |o| types.iter().find(|t| t.oid == o)).scalar(), Scalar::Other);
}

#[test]
fn foreign_code_reaches_whatever_is_made_of_it() {
    let mut types = types();
    types.push(TypeInfo { relation: Oid(500), kind: 'c', ..ty(20020, "row_with_short", 0, None) });
    types.push(ty(20021, "range_of_row", 0, None));
    types[4].foreign_code = true;
    let column = Column::plain(1, "c", resolve(20002, -1));
    spread_foreign_code(&mut types, [(Oid(500), &column)], &[(Oid(20021), Oid(20020))]);
    let foreign: Vec<u32> = types.iter().filter(|t| t.foreign_code).map(|t| t.oid.0).collect();
    assert_eq!(foreign, [20000, 20001, 20002, 20020, 20021]);
}
