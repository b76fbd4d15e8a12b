//! The shipped classification of the system catalog, against each installed server.

use std::collections::BTreeSet;

use pgscrim::catalog::{RelationKind, SystemClass, classified_relations, is_system_schema, system_class};
use pgscrim::upstream::catalog_loader::{Login, load};

use crate::server::{Server, installations};

const LOGIN: Login<'_> = Login { user: "postgres", password: None, database: "postgres" };

/// Every relation of every installed version has a class, every column that is to read NULL is one of some version, and, where
/// all versions are at hand, no name stands in the file for nothing.
#[tokio::test(flavor = "current_thread")]
async fn the_shipped_file_knows_every_relation_and_no_others() {
    let mut versions = Vec::new();
    let mut relations = BTreeSet::new();
    let mut columns = BTreeSet::new();
    for bin in installations() {
        let server = Server::start(&bin);
        let contents = load(server.dial().await, LOGIN).await.unwrap();
        versions.push(contents.server_version / 10_000);
        for r in contents.relations.iter().filter(|r| is_system_schema(&r.name.schema) && r.kind != RelationKind::Composite) {
            assert!(
                system_class(&r.name.schema, &r.name.name).is_some(),
                "PostgreSQL {}: {} is in no list",
                contents.server_version,
                r.name
            );
            relations.insert((r.name.schema.to_string(), r.name.name.to_string()));
            columns.extend(r.columns.iter().map(|c| (r.name.to_string(), c.name.to_string())));
        }
    }
    let all: Vec<_> = classified_relations().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "a relation stands in two lists");
    if !(14..=18).all(|v| versions.contains(&v)) {
        return;
    }
    for (schema, relation) in classified_relations() {
        assert!(relations.contains(&(schema.into(), relation.into())), "{schema}.{relation} is a relation of no version");
        if let Some(SystemClass::Null(list)) = system_class(schema, relation) {
            for column in list {
                assert!(columns.contains(&(format!("{schema}.{relation}"), column.clone())), "{schema}.{relation}.{column}");
            }
        }
    }
}
