//! Relations by name: search path, temporary relations first, `pg_catalog` before what the path names (namespace.c). The name in the
//! tree gets its schema.

use pg_query::protobuf::RangeVar;

use super::{Local, Resolver};
use crate::base::QualifiedName;
use crate::catalog::Relation;
use crate::sql::model::{Access, InstanceId, InstanceOf};
use crate::sql::reject::{Checked, Reject, Syntax};

/// The word that stands for the session's temporary schema.
pub(super) const TEMPORARY: &str = "pg_temp";

/// What a relation's name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    /// A relation of the catalog.
    Catalog(&'a Relation),
    /// One of the session's own.
    Local(Local<'a>),
}

impl<'a> Resolver<'a> {
    /// Finds a relation, writes its schema into the tree, and makes an instance of it.
    pub(super) fn relation(&mut self, range: &mut RangeVar, access: Access) -> Checked<(InstanceId, InstanceOf, Found<'a>)> {
        let RangeVar { catalogname, schemaname, relname, inh: _, relpersistence: _, alias: _, location } = range;
        if !catalogname.is_empty() && **catalogname != *self.cx.catalog.contents().database {
            let name = format!("cross-database references are not implemented: \"{catalogname}.{schemaname}.{relname}\"");
            return Err(Reject::postgres(Syntax::FeatureNotSupported, name).at(*location));
        }
        catalogname.clear();
        let Some(found) = self.find(schemaname, relname) else {
            return Err(self.no_relation(schemaname, relname, *location));
        };
        let (of, name) = match found {
            Found::Catalog(relation) => (InstanceOf::Catalog(relation.oid), relation.name.clone()),
            Found::Local(Local { schema: None, name, columns: _, relation: _ }) => {
                (InstanceOf::Temporary, QualifiedName::new(TEMPORARY, name))
            }
            Found::Local(Local { schema: Some(schema), name, columns: _, relation: _ }) => {
                (InstanceOf::Uncommitted, QualifiedName::new(schema, name))
            }
        };
        schemaname.clear();
        schemaname.push_str(&name.schema);
        Ok((self.instance(of, name, access, *location), of, found))
    }

    /// Finds a relation by its name as written.
    pub(super) fn find(&self, schema: &str, name: &str) -> Option<Found<'a>> {
        if !schema.is_empty() {
            return self.find_in(schema, name);
        }
        self.schemas().find_map(|schema| self.find_in(schema, name))
    }

    /// Where a bare name of a relation is looked for, in this order: the temporary schema comes first where the path does not say otherwise.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &'a str> {
        let implicit = !self.cx.path.iter().any(|s| &**s == TEMPORARY);
        implicit.then_some(TEMPORARY).into_iter().chain(self.cx.path.iter().map(|s| &**s))
    }

    pub(super) fn find_in(&self, schema: &str, name: &str) -> Option<Found<'a>> {
        let schema = (schema != TEMPORARY).then_some(schema);
        if let Some(local) = self.cx.locals.iter().find(|l| l.schema == schema && l.name == name) {
            return Some(Found::Local(*local));
        }
        self.cx.catalog.relation_in(schema?, name).map(Found::Catalog)
    }

    /// PostgreSQL's words for a relation that does not exist (`parserOpenTable`, `RangeVarGetRelidExtended`).
    pub(super) fn no_relation(&self, schema: &str, name: &str, location: i32) -> Reject {
        let shown = if schema.is_empty() { name.to_owned() } else { format!("{schema}.{name}") };
        let is_index = |schema: &str| self.cx.catalog.indexed(schema, name).is_some();
        if is_index(schema) || (schema.is_empty() && self.cx.path.iter().any(|schema| is_index(schema))) {
            return Reject::unclear("relation", format!("\"{shown}\" is an index")).at(location);
        }
        Reject::postgres(Syntax::UndefinedTable, format!("relation \"{shown}\" does not exist")).at(location)
    }
}
