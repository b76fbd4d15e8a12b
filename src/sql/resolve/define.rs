//! Tables, tables made from queries, DROP TABLE, TRUNCATE, LOCK, EXPLAIN.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node, ObjectType, RangeVar};

use super::from::{Named, computed};
use super::names::{Found, TEMPORARY};
use super::own_key;
use super::scope::{Column, Item};
use super::{Resolver, Value, absent, inner, strings, unknown};
use crate::base::QualifiedName;
use crate::catalog::{ConstraintKind, Oid, SYSTEM_COLUMNS};
use crate::sql::effect::Deed;
use crate::sql::model::{Access, InstanceOf, Need, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

/// `AccessShareLock` in lockdefs.h.
const ACCESS_SHARE: i32 = 1;

impl Resolver<'_> {
    /// CREATE TABLE AS, and SELECT INTO in its older form.
    pub(super) fn create_as(&mut self, statement: &mut protobuf::CreateTableAsStmt) -> Checked<()> {
        let protobuf::CreateTableAsStmt { query, into, objtype, is_select_into: _, if_not_exists: _ } = statement;
        if *objtype != ObjectType::ObjectTable as i32 {
            self.out.needs.push(Need::Ddl("CREATE MATERIALIZED VIEW"));
            return Err(unknown("CREATE MATERIALIZED VIEW"));
        }
        let query = query.as_mut().ok_or_else(|| unknown("CREATE TABLE AS"))?;
        absent("CREATE TABLE AS EXECUTE", matches!(inner(query)?, NodeEnum::SelectStmt(_)))?;
        let outs = self.query(query)?;
        let into = into.as_mut().ok_or_else(|| unknown("CREATE TABLE AS"))?;
        self.created_from(into, &outs)
    }

    /// SELECT … INTO.
    pub(super) fn select_into(&mut self, select: &mut protobuf::SelectStmt) -> Checked<()> {
        let into = select.into_clause.take();
        let outs = self.select(select);
        select.into_clause = into;
        let outs = outs?;
        let into = select.into_clause.as_mut().ok_or_else(|| unknown("SELECT INTO"))?;
        // the second reader takes the table's name for an expression
        self.out.seen.columns.extend(into.rel.iter().map(|rel| rel.relname.as_str().into()));
        self.created_from(into, &outs)
    }

    fn created_from(&mut self, into: &mut protobuf::IntoClause, outs: &[super::target::Out]) -> Checked<()> {
        let protobuf::IntoClause { rel, col_names, access_method: _, options, on_commit: _, table_space_name: _, view_query, skip_data: _ } =
            into;
        absent("a view's query", view_query.is_none())?;
        self.saw_options(options);
        outs.iter().for_each(|o| self.consume(&o.value, UseKind::WriteSource));
        let given = strings(col_names)?;
        let names = outs.iter().enumerate().map(|(i, o)| given.get(i).map_or_else(|| o.name.clone(), |n| (*n).into())).collect();
        let rel = rel.as_mut().ok_or_else(|| unknown("a table without a name"))?;
        self.created(rel, Some(names), "CREATE TABLE AS")
    }

    /// A table that this statement makes: its name gets its schema.
    pub(super) fn created(&mut self, range: &mut RangeVar, columns: Option<Vec<Box<str>>>, what: &'static str) -> Checked<()> {
        let RangeVar { catalogname, schemaname, relname, inh: _, relpersistence, alias: _, location } = range;
        absent("a table in another database", catalogname.is_empty() || **catalogname == *self.cx.catalog.contents().database)?;
        let temporary = relpersistence == "t" || schemaname == TEMPORARY;
        let (of, schema) = if temporary {
            absent("a temporary table in a schema of its own", schemaname.is_empty() || schemaname == TEMPORARY)?;
            (InstanceOf::Temporary, None)
        } else {
            if schemaname.is_empty() {
                schemaname.push_str(self.home().map_err(|reject| reject.at(*location))?);
            }
            self.need(Need::Ddl(what));
            // IF NOT EXISTS and OR REPLACE leave a relation that the policy may veil: it is not the session's own
            if let Some(Found::Catalog(present)) = self.find(schemaname, relname) {
                self.instance(InstanceOf::Catalog(present.oid), present.name.clone(), Access::Define, *location);
                self.out.deed = Deed::CatalogChanged;
                return Ok(());
            }
            (InstanceOf::Uncommitted, Some(schemaname.as_str().into()))
        };
        let name = QualifiedName::new(schema.as_deref().unwrap_or(TEMPORARY), relname.as_str());
        self.instance(of, name, Access::Define, *location);
        self.out.named.push((relname.as_str().into(), *location));
        self.out.deed = Deed::Create { schema, name: relname.as_str().into(), columns };
        Ok(())
    }

    /// Notes a right that the statement needs, once.
    fn need(&mut self, need: Need) {
        if !self.out.needs.contains(&need) {
            self.out.needs.push(need);
        }
    }

    /// The schema in which something is made whose name has none.
    pub(super) fn home(&self) -> Checked<&str> {
        let own = |s: &&str| !matches!(*s, "pg_catalog" | TEMPORARY) && self.cx.catalog.has_schema(s);
        let found = self.cx.path.iter().map(AsRef::as_ref).find(own);
        found.ok_or_else(|| Reject::postgres(Syntax::InvalidSchemaName, "no schema has been selected to create in"))
    }

    /// CREATE TABLE.
    pub(super) fn create(&mut self, statement: &mut protobuf::CreateStmt) -> Checked<()> {
        let protobuf::CreateStmt {
            relation,
            table_elts,
            inh_relations,
            partbound,
            partspec,
            of_typename,
            constraints,
            nnconstraints,
            options,
            oncommit: _,
            tablespacename: _,
            access_method: _,
            if_not_exists: _,
        } = statement;
        if relation.as_ref().is_some_and(|r| r.relpersistence != "t" && r.schemaname != TEMPORARY) {
            self.out.needs.push(Need::Ddl("CREATE TABLE"));
        }
        self.saw_options(options);
        absent("CREATE TABLE of this form", of_typename.is_none() && constraints.is_empty() && nnconstraints.is_empty())?;
        let mut columns = self.parents(inh_relations)?;
        for node in table_elts.iter_mut() {
            self.defined_columns(node, &mut columns)?;
        }
        let names: Vec<Box<str>> = columns.iter().map(|c| c.name.clone()).collect();
        let relation = relation.as_mut().ok_or_else(|| unknown("a table without a name"))?;
        let own_keys = own_key::take_out(self, relation, table_elts);
        // CHECK may name `tableoid`
        columns.extend(SYSTEM_COLUMNS.iter().map(|(name, _, ty)| computed(name, Some(*ty))));
        let item = Rc::new(self.item_of(relation.relname.as_str().into(), columns, &[], false)?);
        self.on_level(vec![item], |r| {
            table_elts.iter_mut().try_for_each(|n| r.element(n))?;
            partspec.iter_mut().flat_map(|spec| &mut spec.part_params).try_for_each(|key| r.partition_key(key))
        })?;
        partbound.as_mut().map_or(Ok(()), |bound| self.bound(bound))?;
        own_key::put_back(table_elts, own_keys);
        self.created(relation, Some(names), "CREATE TABLE")
    }

    /// The columns of the tables that a table inherits from, or is a partition of. What is in the one shows in the other: that is a definition of a
    /// relation which is not the session's own, unless all are.
    fn parents(&mut self, parents: &mut [Node]) -> Checked<Vec<Column>> {
        let mut columns = Vec::new();
        for node in parents {
            let NodeEnum::RangeVar(range) = inner(node)? else { return Err(unknown("INHERITS")) };
            let item = self.relation_item(range, Named::default(), Access::Define)?;
            if !is_own(&item) {
                self.need(Need::Ddl("CREATE TABLE"));
            }
            self.take_columns(&item, &mut columns)?;
        }
        Ok(columns)
    }

    fn take_columns(&mut self, item: &Item, columns: &mut Vec<Column>) -> Checked<()> {
        absent("a table like one whose columns are not known", !item.open)?;
        for column in item.visible() {
            add(columns, computed(&column.name, column.value.ty));
        }
        Ok(())
    }

    /// The columns of an element of CREATE TABLE. One of a parent's name is the same, and the options of a partition's have no type.
    fn defined_columns(&mut self, node: &mut Node, columns: &mut Vec<Column>) -> Checked<()> {
        match inner(node)? {
            NodeEnum::ColumnDef(column) => {
                self.saw(&column.colname);
                match &mut column.type_name {
                    Some(ty) => {
                        let ty = self.serial_or_type(ty)?;
                        add(columns, computed(&column.colname, ty));
                        Ok(())
                    }
                    None => absent("a column without a type", columns.iter().any(|c| *c.name == *column.colname)),
                }
            }
            NodeEnum::TableLikeClause(protobuf::TableLikeClause { relation, options, relation_oid: _ }) => {
                let range = relation.as_mut().ok_or_else(|| unknown("LIKE"))?;
                let item = self.relation_item(range, Named::default(), Access::Define)?;
                if *options != 0 && !is_own(&item) {
                    self.need(Need::Ddl("CREATE TABLE LIKE … INCLUDING of what is not the session's own"));
                }
                self.take_columns(&item, columns)
            }
            _ => Ok(()),
        }
    }

    /// A column or expression of PARTITION BY.
    fn partition_key(&mut self, node: &mut Node) -> Checked<()> {
        let NodeEnum::PartitionElem(key) = inner(node)? else { return Err(unknown("PARTITION BY")) };
        let protobuf::PartitionElem { name, expr, collation: _, opclass, location: _ } = &mut **key;
        absent("an operator class", opclass.is_empty())?;
        self.key(name, expr)
    }

    /// FOR VALUES: constants, and words that stand for the ends of all.
    pub(super) fn bound(&mut self, bound: &mut protobuf::PartitionBoundSpec) -> Checked<()> {
        let protobuf::PartitionBoundSpec {
            strategy: _,
            is_default: _,
            modulus: _,
            remainder: _,
            listdatums,
            lowerdatums,
            upperdatums,
            location: _,
        } = bound;
        for node in listdatums.iter_mut().chain(lowerdatums).chain(upperdatums) {
            let word = match inner(node)? {
                NodeEnum::ColumnRef(column) => strings(&column.fields).ok().and_then(|parts| parts.last().map(|w| (*w).to_owned())),
                _ => None,
            };
            match word {
                Some(end) if matches!(&*end, "minvalue" | "maxvalue") => self.saw(&end),
                _ => {
                    self.used(node, UseKind::Expression)?;
                }
            }
        }
        Ok(())
    }

    /// `serial` is no type but a column with a sequence of its own (`transformColumnDefinition`).
    pub(super) fn serial_or_type(&mut self, ty: &mut protobuf::TypeName) -> Checked<Option<crate::catalog::Oid>> {
        let serial = matches!(strings(&ty.names)?.as_slice(), ["serial" | "serial4" | "bigserial" | "serial8" | "smallserial" | "serial2"]);
        if serial { Ok(None) } else { self.type_name(ty).map(Some) }
    }

    pub(super) fn element(&mut self, node: &mut Node) -> Checked<()> {
        match inner(node)? {
            NodeEnum::ColumnDef(column) => {
                self.used_opt(&mut column.raw_default, UseKind::Expression)?;
                column.constraints.iter_mut().try_for_each(|c| self.constraint(c))
            }
            NodeEnum::Constraint(_) => self.constraint(node),
            NodeEnum::TableLikeClause(_) => Ok(()),
            _ => Err(unknown("a part of CREATE TABLE")),
        }
    }

    pub(super) fn constraint(&mut self, node: &mut Node) -> Checked<()> {
        use protobuf::ConstrType as Kind;
        let NodeEnum::Constraint(constraint) = inner(node)? else { return Err(unknown("a constraint")) };
        match Kind::try_from(constraint.contype) {
            Ok(
                Kind::ConstrNull
                | Kind::ConstrNotnull
                | Kind::ConstrDefault
                | Kind::ConstrIdentity
                | Kind::ConstrGenerated
                | Kind::ConstrCheck
                | Kind::ConstrPrimary
                | Kind::ConstrUnique
                | Kind::ConstrForeign
                | Kind::ConstrAttrDeferrable
                | Kind::ConstrAttrNotDeferrable
                | Kind::ConstrAttrDeferred
                | Kind::ConstrAttrImmediate,
            ) => {}
            _ => return Err(unknown("a constraint of this kind")),
        }
        absent("a constraint of this form", constraint.where_clause.is_none() && constraint.exclusions.is_empty())?;
        for names in [&constraint.keys, &constraint.including, &constraint.fk_attrs, &constraint.pk_attrs, &constraint.fk_del_set_cols] {
            strings(names)?.into_iter().for_each(|name| self.saw(name));
        }
        self.saw_options(&constraint.options);
        if let Some(referred) = &mut constraint.pktable {
            // whether a key is there is a bit of the other table
            self.relation(referred, Access::Define)?;
        }
        self.used_opt(&mut constraint.raw_expr, UseKind::Expression)
    }

    /// `WITH (name = word, …)`: words that the second reader takes for columns.
    pub(super) fn saw_options(&mut self, options: &[Node]) {
        for node in options {
            let Some(NodeEnum::DefElem(option)) = &node.node else { continue };
            self.saw(&option.defname);
            match option.arg.as_ref().and_then(|arg| arg.node.as_ref()) {
                Some(NodeEnum::String(word)) => self.saw(&word.sval),
                Some(NodeEnum::TypeName(ty)) => strings(&ty.names).into_iter().flatten().for_each(|word| self.saw(word)),
                _ => {}
            }
        }
    }

    /// DROP TABLE, DROP VIEW and DROP SEQUENCE, and types and schemas on which nothing hangs.
    pub(super) fn drop(&mut self, statement: &mut protobuf::DropStmt) -> Checked<()> {
        let protobuf::DropStmt { objects, remove_type, behavior, missing_ok, concurrent: _ } = statement;
        let cascades = *behavior == protobuf::DropBehavior::DropCascade as i32;
        let what = match ObjectType::try_from(*remove_type) {
            Ok(kind @ (ObjectType::ObjectType | ObjectType::ObjectDomain | ObjectType::ObjectSchema)) => {
                self.out.needs.push(Need::Ddl("DROP"));
                self.out.deed = Deed::CatalogChanged;
                absent_cascade(cascades)?;
                return if kind == ObjectType::ObjectSchema { Ok(()) } else { self.drop_types(objects, *missing_ok) };
            }
            Ok(ObjectType::ObjectIndex) => {
                self.out.needs.push(Need::Ddl("DROP INDEX"));
                self.out.deed = Deed::CatalogChanged;
                absent_cascade(cascades)?;
                return self.drop_indexes(objects, *missing_ok);
            }
            Ok(ObjectType::ObjectTable) => "DROP TABLE",
            Ok(ObjectType::ObjectView) => "DROP VIEW",
            Ok(ObjectType::ObjectSequence) => "DROP SEQUENCE",
            Ok(
                ObjectType::ObjectFunction
                | ObjectType::ObjectProcedure
                | ObjectType::ObjectRoutine
                | ObjectType::ObjectTrigger
                | ObjectType::ObjectRule
                | ObjectType::ObjectOperator
                | ObjectType::ObjectCast
                | ObjectType::ObjectAggregate
                | ObjectType::ObjectExtension,
            ) => {
                self.out.needs.push(Need::Code("DROP of code"));
                return Err(unknown("DROP of this kind"));
            }
            _ => {
                self.out.needs.push(Need::Ddl("DROP"));
                return Err(unknown("DROP of this kind"));
            }
        };
        let mut own = true;
        for node in objects {
            let NodeEnum::List(list) = inner(node)? else { return Err(unknown("DROP")) };
            let mut range = dropped(&list.items)?;
            if *missing_ok && self.find(&range.schemaname, &range.relname).is_none() {
                own = false;
                *self.out.seen.relations.entry(range.relname.into()).or_default() += 1;
                continue;
            }
            let (_, of, _) = self.relation(&mut range, Access::Define)?;
            own &= of == InstanceOf::Temporary;
            list.items = super::name_nodes(&[&range.schemaname, &range.relname]);
        }
        if !own {
            self.out.needs.push(Need::Ddl(what));
        }
        self.out.deed = Deed::CatalogChanged;
        Ok(())
    }

    fn drop_indexes(&mut self, objects: &mut [Node], missing_ok: bool) -> Checked<()> {
        for node in objects {
            let NodeEnum::List(list) = inner(node)? else { return Err(unknown("DROP")) };
            let mut range = dropped(&list.items)?;
            if self.index_of(&mut range, Access::Define, missing_ok)? {
                list.items = super::name_nodes(&[&range.schemaname, &range.relname]);
            }
        }
        Ok(())
    }

    /// An index that is named: its relation is what is touched, and its name gets its schema. Whether there is such an index.
    pub(super) fn index_of(&mut self, index: &mut RangeVar, access: Access, missing_ok: bool) -> Checked<bool> {
        let RangeVar { catalogname, schemaname, relname, inh: _, relpersistence: _, alias: _, location } = index;
        absent("the name of an index with that of a database", catalogname.is_empty())?;
        *self.out.seen.relations.entry(relname.as_str().into()).or_default() += 1;
        // indexes of temporary tables, and of what is not committed, are not in the catalog
        absent("the name of an index beside tables of the session's own", self.cx.locals.is_empty())?;
        let catalog = self.cx.catalog;
        let path = || self.cx.path.iter().map(|schema| &**schema);
        let is_there = |schema: &&str| catalog.indexed(schema, relname).is_some() || catalog.relation_in(schema, relname).is_some();
        let schema = if schemaname.is_empty() { path().find(is_there) } else { Some(&**schemaname).filter(is_there) };
        absent("the name of a relation that is no index", schema.is_none_or(|schema| catalog.relation_in(schema, relname).is_none()))?;
        let found = schema.and_then(|schema| Some((schema.to_owned(), catalog.indexed(schema, relname)?)));
        let Some((schema, relation)) = found else {
            let shown = if schemaname.is_empty() { relname.clone() } else { format!("{schemaname}.{relname}") };
            return match access {
                _ if missing_ok => Ok(false),
                Access::Define => Err(Reject::postgres(Syntax::UndefinedObject, format!("index \"{shown}\" does not exist")).at(*location)),
                _ => Err(self.no_relation(schemaname, relname, *location)),
            };
        };
        *schemaname = schema;
        self.instance(InstanceOf::Catalog(relation.oid), relation.name.clone(), access, *location);
        Ok(true)
    }

    /// Types that nothing has: the server refuses others.
    fn drop_types(&mut self, objects: &mut [Node], missing_ok: bool) -> Checked<()> {
        for node in objects {
            let NodeEnum::TypeName(name) = inner(node)? else { return Err(unknown("DROP of a type")) };
            let missing = self.find_type(&strings(&name.names)?).is_none();
            if !(missing && missing_ok) {
                self.type_name(name)?;
            }
        }
        Ok(())
    }

    pub(super) fn truncate(&mut self, statement: &mut protobuf::TruncateStmt) -> Checked<()> {
        let protobuf::TruncateStmt { relations, restart_seqs: _, behavior } = statement;
        self.each_relation(relations, Access::Truncate)?;
        if *behavior == protobuf::DropBehavior::DropCascade as i32 {
            self.cascade()?;
        }
        Ok(())
    }

    /// CASCADE empties tables that the text does not name: all that refer to one that is emptied, or to what inherits from it, and so
    /// on. Each is a target like those that are named.
    fn cascade(&mut self) -> Checked<()> {
        absent("CASCADE over a table that is not committed", self.out.instances.iter().all(|i| i.of != InstanceOf::Uncommitted))?;
        let catalog = self.cx.catalog;
        let of_catalog = |i: &crate::sql::model::Instance| match i.of {
            InstanceOf::Catalog(oid) => Some(oid),
            InstanceOf::Temporary | InstanceOf::Uncommitted => None,
        };
        let mut emptied: Vec<Oid> = self.out.instances.iter().filter_map(of_catalog).collect();
        let mut next = 0;
        while let Some(to) = emptied.get(next).copied() {
            next += 1;
            let children = catalog.children(to).iter().copied();
            let refers = |r: &&crate::catalog::Relation| r.constraints.iter().any(|c| c.kind == ConstraintKind::Foreign(to));
            for oid in children.chain(catalog.relations().filter(refers).map(|r| r.oid)) {
                if emptied.contains(&oid) {
                    continue;
                }
                emptied.push(oid);
                let relation = catalog.relation(oid).ok_or_else(|| unknown("CASCADE over a table that is not in the catalog"))?;
                self.instance(InstanceOf::Catalog(oid), relation.name.clone(), Access::Truncate, -1);
            }
        }
        Ok(())
    }

    pub(super) fn lock(&mut self, statement: &mut protobuf::LockStmt) -> Checked<()> {
        let protobuf::LockStmt { relations, mode, nowait: _ } = statement;
        if *mode != ACCESS_SHARE {
            self.out.needs.push(Need::Lock);
        }
        self.each_relation(relations, Access::Lock)
    }

    pub(super) fn each_relation(&mut self, nodes: &mut [Node], access: Access) -> Checked<()> {
        for node in nodes {
            let NodeEnum::RangeVar(range) = inner(node)? else { return Err(unknown("a relation")) };
            self.relation(range, access)?;
        }
        Ok(())
    }

    /// EXPLAIN: the statement's own result is judged as if it came.
    pub(super) fn explain(&mut self, statement: &mut protobuf::ExplainStmt) -> Checked<()> {
        let protobuf::ExplainStmt { query, options } = statement;
        let mut runs = false;
        for option in options {
            let NodeEnum::DefElem(option) = inner(option)? else { return Err(unknown("an option of EXPLAIN")) };
            let word = match option.arg.as_ref().and_then(|arg| arg.node.as_ref()) {
                Some(NodeEnum::String(word)) => Some(word.sval.to_ascii_lowercase()),
                _ => None,
            };
            word.iter().for_each(|word| self.saw(word));
            // any other value, and none, may turn it on
            runs |= option.defname == "analyze" && !matches!(word.as_deref(), Some("off" | "false"));
        }
        let query = query.as_mut().ok_or_else(|| unknown("EXPLAIN"))?;
        if let NodeEnum::ExecuteStmt(execute) = inner(query)? {
            self.execute(execute)?;
            self.out.deed = Deed::ExplainExecute { name: execute.name.as_str().into(), runs };
            self.own_rows(&["QUERY PLAN"]);
            return Ok(());
        }
        self.plannable(query)?;
        self.out.unasked = false;
        for output in self.out.outputs.take().unwrap_or_default() {
            self.consume(&Value::new(output.flow, None, output.at), UseKind::Output);
        }
        self.out.needs.push(if runs { Need::ExplainAnalyze } else { Need::Explain });
        self.own_rows(&["QUERY PLAN"]);
        Ok(())
    }
}

/// Whether it is a temporary table of the session's.
fn is_own(item: &Item) -> bool {
    item.instance.is_some_and(|(_, of)| of == InstanceOf::Temporary)
}

/// Adds a column; one of that name is merged with it.
fn add(columns: &mut Vec<Column>, column: Column) {
    if !columns.iter().any(|c| c.name == column.name) {
        columns.push(column);
    }
}

/// What hangs on what is dropped may be anybody's.
fn absent_cascade(cascades: bool) -> Checked<()> {
    absent("CASCADE, which drops what the text does not name", !cascades).map_err(|why| why.hint("drop by name what hangs on it"))
}

/// A relation or index as DROP names it.
fn dropped(names: &[Node]) -> Checked<RangeVar> {
    let (schema, name) = match strings(names)?.as_slice() {
        [name] => ("", *name),
        [schema, name] => (*schema, *name),
        _ => return Err(unknown("the name of a table or index")),
    };
    Ok(RangeVar { schemaname: schema.to_owned(), relname: name.to_owned(), location: -1, ..RangeVar::default() })
}
