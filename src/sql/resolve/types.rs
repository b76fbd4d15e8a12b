//! Types by name: search path like relations, the schema written into the tree (`LookupTypeName` in `parse_type.c`).

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, TypeName};

use super::names::TEMPORARY;
use super::{Resolver, absent, name_nodes, strings, unknown};
use crate::catalog::{Oid, TypeInfo};
use crate::sql::reject::{Checked, Reject, Syntax};

impl Resolver<'_> {
    /// The OID of a type as written; it is recorded as used, and gets its schema.
    pub(super) fn type_name(&mut self, name: &mut TypeName) -> Checked<Oid> {
        let TypeName { names, type_oid, setof, pct_type, typmods, typemod: _, array_bounds, location } = name;
        absent("SETOF", !*setof)?;
        absent("%TYPE", !*pct_type)?;
        absent("a type by its number", *type_oid == 0)?;
        for typmod in typmods.iter() {
            match &typmod.node {
                Some(NodeEnum::AConst(_) | NodeEnum::ColumnRef(_)) => {}
                _ => return Err(unknown("a type modifier")),
            }
        }
        for bound in array_bounds.iter() {
            absent("an array bound", matches!(bound.node, Some(NodeEnum::Integer(_))))?;
        }
        let parts = strings(names)?;
        self.is_known(&parts, *location)?;
        let Some(found) = self.find_type(&parts) else {
            return Err(Reject::postgres(Syntax::UndefinedObject, format!("type \"{}\" does not exist", parts.join("."))).at(*location));
        };
        let element = found.oid;
        let oid = if array_bounds.is_empty() { element } else { found.array };
        let (schema, own) = (&*found.name.schema, &*found.name.name);
        if own == "bpchar" && typmods.is_empty() {
            // with its schema alone it is printed as `char`, which is one character long
            *names = name_nodes(&[&self.cx.catalog.contents().database, schema, own]);
        } else if parts.len() == 1 {
            *names = name_nodes(&[schema, own]);
        }
        self.out.types.push((element, *location));
        Ok(oid)
    }

    /// The row type of a relation of the session's own is not in the catalog.
    fn is_known(&self, parts: &[&str], location: i32) -> Checked<()> {
        let own = |schema: Option<&str>, name: &str| self.cx.locals.iter().any(|l| l.name == name && l.schema == schema);
        let shadows = match parts {
            [name] => own(None, name) || (self.find_type(parts).is_none() && self.cx.locals.iter().any(|l| l.name == *name)),
            [schema, name] => own(Some(schema).copied().filter(|s| *s != TEMPORARY), name),
            _ => false,
        };
        if shadows { Err(unknown("the row type of a relation that is temporary or not committed yet").at(location)) } else { Ok(()) }
    }

    pub(super) fn find_type(&self, parts: &[&str]) -> Option<&'_ TypeInfo> {
        let catalog = self.cx.catalog;
        match parts {
            [name] => {
                let path = self.cx.path.iter().map(|s| &**s).filter(|s| *s != TEMPORARY);
                let mut path = path.collect::<Vec<_>>();
                if !path.contains(&"pg_catalog") {
                    path.insert(0, "pg_catalog");
                }
                path.into_iter().find_map(|schema| catalog.type_in(schema, name))
            }
            [schema, name] => catalog.type_in(schema, name),
            [database, schema, name] if **database == *catalog.contents().database => catalog.type_in(schema, name),
            _ => None,
        }
    }

    /// The types of a list of type names.
    pub(super) fn type_names(&mut self, nodes: &mut [Node]) -> Checked<Vec<Oid>> {
        let mut oids = Vec::with_capacity(nodes.len());
        for node in nodes {
            match super::inner(node)? {
                NodeEnum::TypeName(name) => oids.push(self.type_name(name)?),
                _ => return Err(unknown("a type")),
            }
        }
        Ok(oids)
    }
}
