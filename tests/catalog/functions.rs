//! What the shipped list says of functions, against `pg_proc` of each installed server.

use std::collections::BTreeMap;

use pgscrim::catalog::{FIRST_NORMAL_OID, class_of_call, classified_functions};
use pgscrim::upstream::catalog_loader::{Login, load};

use crate::server::{Server, installations};

const LOGIN: Login<'_> = Login { user: "postgres", password: None, database: "postgres" };

/// The functions of all installed versions: name to the largest number of arguments, for names that the server has.
#[tokio::test(flavor = "current_thread")]
async fn the_shipped_list_knows_every_function_and_no_others() {
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    let mut versions = Vec::new();
    for bin in installations() {
        let server = Server::start(&bin);
        let contents = load(server.dial().await, LOGIN).await.unwrap();
        let version = contents.server_version / 10_000;
        versions.push(version);
        for f in contents.functions.iter().filter(|f| f.oid < FIRST_NORMAL_OID) {
            names.insert(f.name.name.to_string(), version);
            for args in f.args - f.defaults..=f.args {
                let class = class_of_call(&f.name.name, usize::from(args));
                assert!(class.is_some(), "PostgreSQL {version}: {}/{args} is in no list", f.name.name);
            }
        }
        let catalog = pgscrim::catalog::Catalog::new(contents);
        let functions = catalog.contents().operators.iter().map(|o| o.function).chain(catalog.contents().casts.iter().map(|c| c.2));
        for f in functions.filter_map(|oid| catalog.function(oid)).filter(|f| f.oid < FIRST_NORMAL_OID) {
            let class = class_of_call(&f.name.name, usize::from(f.args));
            assert!(class.is_some_and(pgscrim::catalog::FunctionClass::is_usable), "behind an operator or cast: {}", f.name.name);
        }
    }
    // A name that no version has would be a slip; it can only be told where all versions are at hand.
    if (14..=18).all(|v| versions.contains(&v)) {
        for (name, _, _) in classified_functions() {
            assert!(names.contains_key(name), "{name} is a function of no version");
        }
    }
}
