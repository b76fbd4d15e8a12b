//! Statements that need a right of their own: DO, CALL, code, maintenance, definitions. What is forwarded is taken apart here; of the
//! others only the right that they need is known.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node, ObjectType, ReindexObjectType};

use super::call::is_undecorated;
use super::from::Named;
use super::{Resolver, Value, absent, inner, name_nodes, strings, unknown};
use crate::catalog::Oid;
use crate::sql::effect::Deed;
use crate::sql::model::{Access, Call, InstanceOf, Need, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

impl Resolver<'_> {
    /// A statement that needs a right: the right is asked for first, so that who lacks it hears that.
    pub(super) fn utility(&mut self, node: &mut Node) -> Checked<()> {
        let node = inner(node)?;
        let need = need(node);
        self.out.needs.extend(need.clone());
        match node {
            // bodies are not looked into: who may write them can read everything
            NodeEnum::DoStmt(protobuf::DoStmt { args: _ }) => {
                self.out.deed = Deed::Code;
                return Ok(());
            }
            NodeEnum::CreateFunctionStmt(_) => {}
            NodeEnum::CallStmt(call) => return self.call_procedure(call),
            NodeEnum::VacuumStmt(vacuum) => self.vacuum(vacuum)?,
            NodeEnum::ClusterStmt(protobuf::ClusterStmt { relation, indexname: _, params: _ }) => self.maintained(relation)?,
            NodeEnum::ReindexStmt(reindex) => self.reindex(reindex)?,
            NodeEnum::CheckPointStmt(protobuf::CheckPointStmt {}) => return Ok(()),
            NodeEnum::CreateSchemaStmt(protobuf::CreateSchemaStmt { schemaname: _, authrole: _, schema_elts, if_not_exists: _ }) => {
                absent("CREATE SCHEMA with elements", schema_elts.is_empty())?;
            }
            NodeEnum::IndexStmt(index) => self.index(index)?,
            NodeEnum::ViewStmt(view) => return self.view(view),
            NodeEnum::AlterTableStmt(alter) => self.alter(alter)?,
            NodeEnum::RenameStmt(rename) => self.rename(rename)?,
            NodeEnum::CommentStmt(comment) => self.comment(comment)?,
            NodeEnum::GrantStmt(grant) => self.privileges(grant)?,
            NodeEnum::CreateSeqStmt(sequence) => {
                self.create_sequence(sequence)?;
                if self.is_of_own() {
                    self.out.needs.clear();
                }
                return Ok(());
            }
            NodeEnum::AlterSeqStmt(sequence) => self.alter_sequence(sequence)?,
            NodeEnum::CreateEnumStmt(create) => self.create_enum(create)?,
            NodeEnum::CreateDomainStmt(create) => self.create_domain(create)?,
            NodeEnum::AlterEnumStmt(alter) => self.alter_enum(alter)?,
            NodeEnum::CreateTrigStmt(trigger) => self.trigger(trigger)?,
            _ => {
                let what = match need {
                    Some(Need::Ddl(what) | Need::Code(what)) => what,
                    _ => "a statement of this kind",
                };
                return Err(unknown(what).hint("a login whose role is 'unrestricted' may use it"));
            }
        }
        self.out.deed = Deed::CatalogChanged;
        if need.as_ref().is_some_and(may_be_of_own) && self.is_of_own() {
            self.out.needs.retain(|n| Some(n) != need.as_ref());
            self.out.deed = Deed::Discard;
        }
        Ok(())
    }

    /// Whether nothing is touched but the session's own temporary tables.
    fn is_of_own(&self) -> bool {
        let mut all = self.out.instances.iter().peekable();
        all.peek().is_some() && all.all(|i| i.of == InstanceOf::Temporary)
    }

    /// CALL: every procedure of that name is judged, and its arguments are expressions.
    fn call_procedure(&mut self, statement: &mut protobuf::CallStmt) -> Checked<()> {
        let protobuf::CallStmt { funccall, funcexpr, outargs } = statement;
        absent("CALL of this form", funcexpr.is_none() && outargs.is_empty())?;
        let call = funccall.as_mut().ok_or_else(|| unknown("CALL"))?;
        absent("CALL of an aggregate", is_undecorated(call))?;
        let parts = strings(&call.funcname)?;
        let (schema, name) = match parts.as_slice() {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            _ => return Err(unknown("the name of a procedure")),
        };
        let seen = |s: &str| schema.map_or_else(|| self.cx.path.iter().any(|p| **p == *s), |schema| *s == *schema);
        let found: Vec<_> = self.cx.catalog.functions_named(name).filter(|f| f.kind == 'p' && seen(&f.name.schema)).collect();
        let Some(first) = found.first() else {
            let text = format!("procedure {} does not exist", parts.join("."));
            return Err(Reject::postgres(Syntax::UndefinedFunction, text).at(call.location));
        };
        let home = first.name.schema.clone();
        absent("a procedure of a name that stands in several schemas", found.iter().all(|f| f.name.schema == home))?;
        let candidates: Vec<Oid> = found.iter().map(|f| f.oid).collect();
        let qualified = name_nodes(&[&home, name]);
        self.out.calls.push(Call { candidates, args: call.args.len(), operator: None, first: None, at: call.location });
        call.funcname = qualified;
        self.used_all(&mut call.args, UseKind::Expression)?;
        self.out.returns_rows = true;
        self.out.deed = Deed::Code;
        Ok(())
    }

    fn vacuum(&mut self, statement: &mut protobuf::VacuumStmt) -> Checked<()> {
        let protobuf::VacuumStmt { options: _, rels, is_vacuumcmd: _ } = statement;
        for node in rels {
            let NodeEnum::VacuumRelation(protobuf::VacuumRelation { relation, oid: _, va_cols }) = inner(node)? else {
                return Err(unknown("VACUUM"));
            };
            let range = relation.as_mut().ok_or_else(|| unknown("VACUUM"))?;
            let item = self.relation_item(range, Named::default(), Access::Lock)?;
            self.on_level(vec![Rc::new(item)], |r| r.columns(va_cols, UseKind::Output))?;
        }
        Ok(())
    }

    /// Columns of the one relation that is shown.
    fn columns(&mut self, names: &[Node], kind: UseKind) -> Checked<()> {
        for name in strings(names)? {
            self.one_column(name, kind)?;
        }
        Ok(())
    }

    fn one_column(&mut self, name: &str, kind: UseKind) -> Checked<()> {
        self.saw(name);
        let Some(hit) = self.try_bare(name, -1)? else {
            return Err(Reject::postgres(Syntax::UndefinedColumn, format!("column \"{name}\" does not exist")));
        };
        self.consume(&hit.value, kind);
        Ok(())
    }

    fn maintained(&mut self, relation: &mut Option<protobuf::RangeVar>) -> Checked<()> {
        match relation {
            Some(range) => self.relation(range, Access::Lock).map(|_| ()),
            None => Ok(()),
        }
    }

    fn reindex(&mut self, statement: &mut protobuf::ReindexStmt) -> Checked<()> {
        let protobuf::ReindexStmt { kind, relation, name: _, params: _ } = statement;
        match ReindexObjectType::try_from(*kind) {
            Ok(ReindexObjectType::ReindexObjectTable) => self.maintained(relation),
            Ok(
                ReindexObjectType::ReindexObjectSchema | ReindexObjectType::ReindexObjectSystem | ReindexObjectType::ReindexObjectDatabase,
            ) => absent("REINDEX of this form", relation.is_none()),
            Ok(ReindexObjectType::ReindexObjectIndex) => match relation {
                Some(index) => self.index_of(index, Access::Lock, false).map(|_| ()),
                None => Err(unknown("REINDEX INDEX")),
            },
            Ok(ReindexObjectType::Undefined) | Err(_) => Err(unknown("REINDEX")),
        }
    }

    /// CREATE INDEX: what stands in it is called for each row.
    fn index(&mut self, statement: &mut protobuf::IndexStmt) -> Checked<()> {
        let protobuf::IndexStmt {
            idxname: _,
            relation,
            access_method: _,
            table_space: _,
            index_params,
            index_including_params,
            options,
            where_clause,
            exclude_op_names,
            idxcomment: _,
            index_oid: _,
            old_number: _,
            old_create_subid: _,
            old_first_relfilelocator_subid: _,
            unique: _,
            nulls_not_distinct: _,
            primary: _,
            isconstraint: _,
            iswithoutoverlaps: _,
            deferrable: _,
            initdeferred: _,
            transformed: _,
            concurrent: _,
            if_not_exists: _,
            reset_default_tblspc: _,
        } = statement;
        let range = relation.as_mut().ok_or_else(|| unknown("CREATE INDEX"))?;
        let item = self.relation_item(range, Named::default(), Access::Define)?;
        absent("CREATE INDEX of this form", exclude_op_names.is_empty())?;
        self.saw_options(options);
        self.on_level(vec![Rc::new(item)], |r| {
            index_params.iter_mut().chain(index_including_params).try_for_each(|e| r.index_element(e))?;
            r.used_opt(where_clause, UseKind::Filter)
        })
    }

    fn index_element(&mut self, node: &mut Node) -> Checked<()> {
        let NodeEnum::IndexElem(element) = inner(node)? else { return Err(unknown("CREATE INDEX")) };
        let protobuf::IndexElem { name, expr, indexcolname: _, collation: _, opclass, opclassopts, ordering: _, nulls_ordering: _ } =
            &mut **element;
        absent("an operator class", opclass.is_empty() && opclassopts.is_empty())?;
        self.key(name, expr)
    }

    /// A column or an expression, of an index or of PARTITION BY.
    pub(super) fn key(&mut self, name: &str, expr: &mut Option<Box<Node>>) -> Checked<()> {
        if !name.is_empty() {
            self.one_column(name, UseKind::Expression)?;
        }
        self.used_opt(expr, UseKind::Expression)
    }

    /// CREATE VIEW: it shows what its owner sees, so all that it reads is judged as a definition's.
    fn view(&mut self, statement: &mut protobuf::ViewStmt) -> Checked<()> {
        let protobuf::ViewStmt { view, aliases, query, replace: _, options: _, with_check_option: _ } = statement;
        let query = query.as_mut().ok_or_else(|| unknown("CREATE VIEW"))?;
        let outs = self.query(query)?;
        for out in &outs {
            self.consume(&Value::new(out.value.flow.clone(), None, out.value.at), UseKind::WriteSource);
        }
        let given = strings(aliases)?;
        given.iter().for_each(|name| self.saw(name));
        let names = outs.iter().enumerate().map(|(i, o)| given.get(i).map_or_else(|| o.name.clone(), |n| (*n).into())).collect();
        let range = view.as_mut().ok_or_else(|| unknown("CREATE VIEW"))?;
        absent("a temporary view", range.relpersistence != "t" && range.schemaname != super::names::TEMPORARY)?;
        self.created(range, Some(names), "CREATE VIEW")
    }
}

/// Rights that a session does not need for its own temporary tables and sequences: what it does to them nobody else sees.
fn may_be_of_own(need: &Need) -> bool {
    matches!(need, Need::Maintenance(_) | Need::Ddl("ALTER" | "ALTER SEQUENCE" | "CREATE INDEX" | "COMMENT"))
}

/// The right that a kind of statement needs. INVARIANT 2: what is not listed needs none, and is refused.
fn need(node: &NodeEnum) -> Option<Need> {
    use NodeEnum as N;
    Some(match node {
        N::DoStmt(_) => Need::Do,
        N::CallStmt(_) => Need::Call,
        N::VacuumStmt(v) => Need::Maintenance(if v.is_vacuumcmd { "VACUUM" } else { "ANALYZE" }),
        N::ReindexStmt(_) => Need::Maintenance("REINDEX"),
        N::ClusterStmt(_) => Need::Maintenance("CLUSTER"),
        N::CheckPointStmt(_) => Need::Maintenance("CHECKPOINT"),
        N::CreateFunctionStmt(f) => Need::Code(if f.is_procedure { "CREATE PROCEDURE" } else { "CREATE FUNCTION" }),
        N::AlterFunctionStmt(_) => Need::Code("ALTER FUNCTION"),
        N::CreateTrigStmt(_) => Need::Code("CREATE TRIGGER"),
        N::CreateEventTrigStmt(_) | N::AlterEventTrigStmt(_) => Need::Code("an event trigger"),
        N::RuleStmt(_) => Need::Code("CREATE RULE"),
        N::CreateCastStmt(_) => Need::Code("CREATE CAST"),
        N::CreateTransformStmt(_) => Need::Code("CREATE TRANSFORM"),
        N::CreateConversionStmt(_) => Need::Code("CREATE CONVERSION"),
        N::CreatePlangStmt(_) => Need::Code("CREATE LANGUAGE"),
        N::CreateAmStmt(_) => Need::Code("CREATE ACCESS METHOD"),
        N::CreateOpClassStmt(_) | N::CreateOpFamilyStmt(_) | N::AlterOpFamilyStmt(_) => Need::Code("an operator class"),
        N::AlterOperatorStmt(_) => Need::Code("ALTER OPERATOR"),
        N::CreateExtensionStmt(_) | N::AlterExtensionStmt(_) | N::AlterExtensionContentsStmt(_) => Need::Code("an extension"),
        N::DefineStmt(d) => match ObjectType::try_from(d.kind) {
            Ok(ObjectType::ObjectAggregate) => Need::Code("CREATE AGGREGATE"),
            Ok(ObjectType::ObjectOperator) => Need::Code("CREATE OPERATOR"),
            Ok(ObjectType::ObjectType) => Need::Code("CREATE TYPE of this form"),
            _ => Need::Ddl("CREATE"),
        },
        N::AlterTableStmt(_) | N::AlterTableMoveAllStmt(_) => Need::Ddl("ALTER"),
        N::AlterDomainStmt(_) => Need::Ddl("ALTER DOMAIN"),
        N::AlterTypeStmt(_) | N::AlterEnumStmt(_) => Need::Ddl("ALTER TYPE"),
        N::AlterSeqStmt(_) => Need::Ddl("ALTER SEQUENCE"),
        N::AlterCollationStmt(_) => Need::Ddl("ALTER COLLATION"),
        N::AlterStatsStmt(_) | N::CreateStatsStmt(_) => Need::Ddl("extended statistics"),
        N::AlterTsdictionaryStmt(_) | N::AlterTsconfigurationStmt(_) => Need::Ddl("ALTER TEXT SEARCH"),
        N::RenameStmt(_) | N::AlterObjectSchemaStmt(_) | N::AlterOwnerStmt(_) | N::AlterObjectDependsStmt(_) => Need::Ddl("ALTER"),
        N::IndexStmt(_) => Need::Ddl("CREATE INDEX"),
        N::CreateSchemaStmt(_) => Need::Ddl("CREATE SCHEMA"),
        N::CreateSeqStmt(_) => Need::Ddl("CREATE SEQUENCE"),
        N::CompositeTypeStmt(_) | N::CreateEnumStmt(_) | N::CreateRangeStmt(_) => Need::Ddl("CREATE TYPE"),
        N::CreateDomainStmt(_) => Need::Ddl("CREATE DOMAIN"),
        N::ViewStmt(_) => Need::Ddl("CREATE VIEW"),
        N::RefreshMatViewStmt(_) => Need::Ddl("REFRESH MATERIALIZED VIEW"),
        N::CommentStmt(_) => Need::Ddl("COMMENT"),
        N::SecLabelStmt(_) => Need::Ddl("SECURITY LABEL"),
        N::GrantStmt(_) | N::GrantRoleStmt(_) | N::AlterDefaultPrivilegesStmt(_) => Need::Ddl("GRANT or REVOKE"),
        N::CreatePolicyStmt(_) | N::AlterPolicyStmt(_) => Need::Ddl("a row security policy"),
        N::CreatePublicationStmt(_) | N::AlterPublicationStmt(_) => Need::Ddl("a publication"),
        N::DropOwnedStmt(_) | N::ReassignOwnedStmt(_) => Need::Ddl("what a role owns"),
        N::CreateForeignTableStmt(_) | N::ImportForeignSchemaStmt(_) => Need::Ddl("a foreign table"),
        N::CreateForeignServerStmt(_) | N::AlterForeignServerStmt(_) => Need::Ddl("a foreign server"),
        N::CreateUserMappingStmt(_) | N::AlterUserMappingStmt(_) | N::DropUserMappingStmt(_) => Need::Ddl("a user mapping"),
        N::CreateSubscriptionStmt(_) | N::AlterSubscriptionStmt(_) | N::DropSubscriptionStmt(_) => Need::Ddl("a subscription"),
        N::CreateRoleStmt(_) | N::AlterRoleStmt(_) | N::AlterRoleSetStmt(_) | N::DropRoleStmt(_) => Need::Ddl("a statement on roles"),
        N::CreatedbStmt(_)
        | N::AlterDatabaseStmt(_)
        | N::AlterDatabaseRefreshCollStmt(_)
        | N::AlterDatabaseSetStmt(_)
        | N::DropdbStmt(_) => Need::Ddl("a statement on databases"),
        N::CreateTableSpaceStmt(_) | N::DropTableSpaceStmt(_) | N::AlterTableSpaceOptionsStmt(_) => Need::Ddl("a statement on tablespaces"),
        // settings of the server name libraries and commands
        N::AlterSystemStmt(_) => Need::Code("ALTER SYSTEM"),
        N::LoadStmt(_) => Need::Code("LOAD"),
        N::CreateFdwStmt(_) | N::AlterFdwStmt(_) => Need::Code("a foreign-data wrapper"),
        _ => return None,
    })
}
