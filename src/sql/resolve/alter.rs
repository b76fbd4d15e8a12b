//! Definitions that change what is there: ALTER TABLE, RENAME, COMMENT, GRANT, sequences, types, triggers. Each relation in them is judged
//! as one whose definition changes, each expression and type as in CREATE TABLE; a form that is not named is refused.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, AlterTableType, Node, ObjectType};

use super::from::{Named, computed};
use super::names::TEMPORARY;
use super::scope::Item;
use super::{Resolver, absent, inner, name_nodes, strings, unknown};
use crate::catalog::Oid;
use crate::sql::model::{Access, Call, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

impl Resolver<'_> {
    /// ALTER TABLE.
    pub(super) fn alter(&mut self, statement: &mut protobuf::AlterTableStmt) -> Checked<()> {
        let protobuf::AlterTableStmt { relation, cmds, objtype, missing_ok } = statement;
        let range = relation.as_mut().ok_or_else(|| unknown("ALTER"))?;
        absent("ALTER INDEX", *objtype != ObjectType::ObjectIndex as i32)?; // which is no relation of the catalog
        if *missing_ok && self.is_missing(range) {
            return Ok(());
        }
        // what it touches is judged, understood or not: a veiled relation is the better reason
        let item = self.relation_item(range, Named::default(), Access::Define)?;
        absent("ALTER of this kind", *objtype == ObjectType::ObjectTable as i32)?;
        self.on_level(vec![Rc::new(item)], |r| cmds.iter_mut().try_for_each(|c| r.alteration(c)))
    }

    fn alteration(&mut self, node: &mut Node) -> Checked<()> {
        use AlterTableType as T;
        let NodeEnum::AlterTableCmd(command) = inner(node)? else { return Err(unknown("ALTER TABLE")) };
        let protobuf::AlterTableCmd { subtype, name, num, newowner: _, def, behavior: _, missing_ok: _, recurse: _ } = &mut **command;
        absent("ALTER TABLE of this form", *num == 0)?;
        if !name.is_empty() {
            self.saw(name);
        }
        match (T::try_from(*subtype), def) {
            (Ok(T::AtAddColumn), Some(column)) => {
                if let NodeEnum::ColumnDef(column) = inner(column)? {
                    self.saw(&column.colname);
                    self.column_type(column)?;
                }
                self.element(column)
            }
            (Ok(T::AtAlterColumnType), Some(column)) => {
                let NodeEnum::ColumnDef(column) = inner(column)? else { return Err(unknown("ALTER TABLE")) };
                self.column_type(column)?;
                self.used_opt(&mut column.raw_default, UseKind::Expression)
            }
            (Ok(T::AtColumnDefault), def) => self.used_opt(def, UseKind::Expression),
            (Ok(T::AtAddConstraint), Some(constraint)) => self.constraint(constraint),
            (Ok(T::AtAttachPartition | T::AtDetachPartition | T::AtAddInherit | T::AtDropInherit), Some(other)) => self.related(other),
            (
                Ok(
                    T::AtDropColumn
                    | T::AtDropNotNull
                    | T::AtSetNotNull
                    | T::AtDropExpression
                    | T::AtDropIdentity
                    | T::AtDropConstraint
                    | T::AtValidateConstraint
                    | T::AtChangeOwner,
                ),
                None,
            ) => Ok(()),
            _ => Err(unknown("this form of ALTER TABLE")),
        }
    }

    /// The table that a table becomes a child or parent of, or is so no longer.
    fn related(&mut self, node: &mut Node) -> Checked<()> {
        match inner(node)? {
            NodeEnum::RangeVar(range) => self.relation(range, Access::Define).map(|_| ()),
            NodeEnum::PartitionCmd(protobuf::PartitionCmd { name, bound, concurrent: _ }) => {
                let range = name.as_mut().ok_or_else(|| unknown("a partition without a name"))?;
                self.relation(range, Access::Define)?;
                bound.as_mut().map_or(Ok(()), |bound| self.bound(bound))
            }
            _ => Err(unknown("ALTER TABLE")),
        }
    }

    /// ALTER … RENAME of what belongs to a relation.
    pub(super) fn rename(&mut self, statement: &mut protobuf::RenameStmt) -> Checked<()> {
        let protobuf::RenameStmt { rename_type, relation_type: _, relation, object, subname, newname, behavior: _, missing_ok } = statement;
        match ObjectType::try_from(*rename_type) {
            Ok(
                ObjectType::ObjectTable
                | ObjectType::ObjectView
                | ObjectType::ObjectMatview
                | ObjectType::ObjectSequence
                | ObjectType::ObjectColumn
                | ObjectType::ObjectTabconstraint,
            ) => {}
            _ => return Err(unknown("ALTER … RENAME of this kind")),
        }
        absent("ALTER … RENAME of this form", object.is_none())?;
        self.saw(subname);
        self.saw(newname);
        let range = relation.as_mut().ok_or_else(|| unknown("ALTER … RENAME"))?;
        let of_relation = !matches!(ObjectType::try_from(*rename_type), Ok(ObjectType::ObjectColumn | ObjectType::ObjectTabconstraint));
        self.out.named.extend(of_relation.then(|| (newname.as_str().into(), range.location)));
        if *missing_ok && self.is_missing(range) { Ok(()) } else { self.relation(range, Access::Define).map(|_| ()) }
    }

    /// COMMENT ON a relation, a column or a schema.
    pub(super) fn comment(&mut self, statement: &mut protobuf::CommentStmt) -> Checked<()> {
        let protobuf::CommentStmt { objtype, object, comment: _ } = statement;
        let object = object.as_mut().ok_or_else(|| unknown("COMMENT"))?;
        match (ObjectType::try_from(*objtype), inner(object)?) {
            (
                Ok(ObjectType::ObjectTable | ObjectType::ObjectView | ObjectType::ObjectMatview | ObjectType::ObjectSequence),
                NodeEnum::List(list),
            ) => self.named_relation(&mut list.items),
            (Ok(ObjectType::ObjectColumn), NodeEnum::List(list)) => {
                let column = list.items.pop().ok_or_else(|| unknown("COMMENT"))?;
                strings(std::slice::from_ref(&column))?.iter().for_each(|name| self.saw(name));
                let done = self.named_relation(&mut list.items);
                list.items.push(column);
                done
            }
            (Ok(ObjectType::ObjectSchema), NodeEnum::String(_)) => Ok(()),
            _ => Err(unknown("COMMENT of this kind")),
        }
    }

    /// GRANT and REVOKE on relations and schemas that are named.
    pub(super) fn privileges(&mut self, statement: &mut protobuf::GrantStmt) -> Checked<()> {
        let protobuf::GrantStmt {
            is_grant: _,
            targtype,
            objtype,
            objects,
            privileges,
            grantees: _,
            grant_option: _,
            grantor: _,
            behavior: _,
        } = statement;
        absent("GRANT of this form", *targtype == protobuf::GrantTargetType::AclTargetObject as i32)?;
        for node in privileges {
            let NodeEnum::AccessPriv(protobuf::AccessPriv { priv_name: _, cols }) = inner(node)? else { return Err(unknown("GRANT")) };
            strings(cols)?.iter().for_each(|name| self.saw(name));
        }
        match ObjectType::try_from(*objtype) {
            Ok(ObjectType::ObjectTable | ObjectType::ObjectSequence) => self.each_relation(objects, Access::Define),
            Ok(ObjectType::ObjectSchema) => strings(objects).map(|_| ()),
            _ => Err(unknown("GRANT of this kind")),
        }
    }

    /// CREATE SEQUENCE.
    pub(super) fn create_sequence(&mut self, statement: &mut protobuf::CreateSeqStmt) -> Checked<()> {
        let protobuf::CreateSeqStmt { sequence, options, owner_id: _, for_identity: _, if_not_exists: _ } = statement;
        options.iter_mut().try_for_each(|o| self.sequence_option(o))?;
        let range = sequence.as_mut().ok_or_else(|| unknown("CREATE SEQUENCE"))?;
        self.created(range, None, "CREATE SEQUENCE")
    }

    /// ALTER SEQUENCE.
    pub(super) fn alter_sequence(&mut self, statement: &mut protobuf::AlterSeqStmt) -> Checked<()> {
        let protobuf::AlterSeqStmt { sequence, options, for_identity: _, missing_ok } = statement;
        let range = sequence.as_mut().ok_or_else(|| unknown("ALTER SEQUENCE"))?;
        if *missing_ok && self.is_missing(range) {
            return Ok(());
        }
        self.relation(range, Access::Define)?;
        options.iter_mut().try_for_each(|o| self.sequence_option(o))
    }

    fn sequence_option(&mut self, node: &mut Node) -> Checked<()> {
        let NodeEnum::DefElem(option) = inner(node)? else { return Err(unknown("an option of a sequence")) };
        let protobuf::DefElem { defnamespace: _, defname, arg, defaction: _, location: _, arg_location: _ } = &mut **option;
        match (defname.as_str(), arg) {
            ("increment" | "minvalue" | "maxvalue" | "start" | "restart" | "cache" | "cycle", _) => Ok(()),
            ("as", Some(ty)) => match inner(ty)? {
                NodeEnum::TypeName(ty) => self.type_name(ty).map(|_| ()),
                _ => Err(unknown("an option of a sequence")),
            },
            ("owned_by", Some(owner)) => match inner(owner)? {
                NodeEnum::List(list) if strings(&list.items)? == ["none"] => Ok(()),
                NodeEnum::List(list) => {
                    let column = list.items.pop().ok_or_else(|| unknown("OWNED BY"))?;
                    strings(std::slice::from_ref(&column))?.iter().for_each(|name| self.saw(name));
                    let done = self.named_relation(&mut list.items);
                    list.items.push(column);
                    done
                }
                _ => Err(unknown("OWNED BY")),
            },
            _ => Err(unknown("an option of a sequence")),
        }
    }

    /// CREATE TYPE … AS ENUM.
    pub(super) fn create_enum(&mut self, statement: &mut protobuf::CreateEnumStmt) -> Checked<()> {
        let protobuf::CreateEnumStmt { type_name, vals } = statement;
        strings(vals)?;
        self.new_type(type_name)
    }

    /// The name of a type that is made gets its schema.
    fn new_type(&self, names: &mut Vec<Node>) -> Checked<()> {
        let (schema, name) = match strings(names)?.as_slice() {
            [name] => (self.home()?.to_owned(), (*name).to_owned()),
            [schema, name] => ((*schema).to_owned(), (*name).to_owned()),
            _ => return Err(unknown("the name of a type")),
        };
        absent("a temporary type", schema != TEMPORARY)?;
        *names = name_nodes(&[&schema, &name]);
        Ok(())
    }

    /// CREATE DOMAIN: what its checks call runs for each value, which they name VALUE.
    pub(super) fn create_domain(&mut self, statement: &mut protobuf::CreateDomainStmt) -> Checked<()> {
        let protobuf::CreateDomainStmt { domainname, type_name, coll_clause: _, constraints } = statement;
        self.new_type(domainname)?;
        let ty = self.type_name(type_name.as_mut().ok_or_else(|| unknown("CREATE DOMAIN"))?)?;
        let value = Item { columns: vec![computed("value", Some(ty))], by_column: true, ..Item::default() };
        self.on_level(vec![Rc::new(value)], |r| constraints.iter_mut().try_for_each(|c| r.constraint(c)))
    }

    /// ALTER TYPE … ADD VALUE or RENAME VALUE.
    pub(super) fn alter_enum(&mut self, statement: &mut protobuf::AlterEnumStmt) -> Checked<()> {
        let protobuf::AlterEnumStmt {
            type_name,
            old_val: _,
            new_val: _,
            new_val_neighbor: _,
            new_val_is_after: _,
            skip_if_new_val_exists: _,
        } = statement;
        let mut ty = protobuf::TypeName { names: std::mem::take(type_name), location: -1, ..protobuf::TypeName::default() };
        let found = self.type_name(&mut ty);
        *type_name = ty.names;
        found.map(|_| ())
    }

    /// CREATE TRIGGER without a condition, whose names would be those of rows that the walk does not know.
    pub(super) fn trigger(&mut self, statement: &mut protobuf::CreateTrigStmt) -> Checked<()> {
        let protobuf::CreateTrigStmt {
            replace: _,
            isconstraint: _,
            trigname,
            relation,
            funcname,
            args,
            row: _,
            timing: _,
            events: _,
            columns,
            when_clause,
            transition_rels,
            deferrable: _,
            initdeferred: _,
            constrrel,
        } = statement;
        absent("CREATE TRIGGER of this form", when_clause.is_none() && transition_rels.is_empty() && constrrel.is_none())?;
        strings(args)?;
        self.saw(trigname);
        strings(columns)?.iter().for_each(|name| self.saw(name));
        let range = relation.as_mut().ok_or_else(|| unknown("CREATE TRIGGER"))?;
        self.relation(range, Access::Define)?;
        let parts = strings(funcname)?;
        let (schema, name) = match parts.as_slice() {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            _ => return Err(unknown("the name of a function")),
        };
        let seen = |s: &str| schema.map_or_else(|| self.cx.path.iter().any(|p| **p == *s), |schema| *s == *schema);
        let found: Vec<_> = self.cx.catalog.functions_named(name).filter(|f| f.args == 0 && seen(&f.name.schema)).collect();
        let [function] = found.as_slice() else {
            let text = format!("function {}() does not exist", parts.join("."));
            return Err(if found.is_empty() {
                Reject::postgres(Syntax::UndefinedFunction, text)
            } else {
                unknown("a function of several schemas")
            });
        };
        let (oid, home, name): (Oid, _, _) = (function.oid, function.name.schema.clone(), name.to_owned());
        self.out.calls.push(Call { candidates: vec![oid], args: 0, operator: None, first: None, at: -1 });
        *funcname = name_nodes(&[&home, &name]);
        Ok(())
    }

    /// A relation that is named by a list of strings; the list gets its schema.
    pub(super) fn named_relation(&mut self, names: &mut Vec<Node>) -> Checked<()> {
        let (schemaname, relname) = match strings(names)?.as_slice() {
            [name] => (String::new(), (*name).to_owned()),
            [schema, name] => ((*schema).to_owned(), (*name).to_owned()),
            _ => return Err(unknown("the name of a relation")),
        };
        let mut range = protobuf::RangeVar { schemaname, relname, location: -1, ..protobuf::RangeVar::default() };
        self.relation(&mut range, Access::Define)?;
        *names = name_nodes(&[&range.schemaname, &range.relname]);
        Ok(())
    }

    /// Whether a relation after IF EXISTS does not exist; its name is accounted for.
    fn is_missing(&mut self, range: &protobuf::RangeVar) -> bool {
        let missing = self.find(&range.schemaname, &range.relname).is_none();
        if missing {
            *self.out.seen.relations.entry(range.relname.as_str().into()).or_default() += 1;
        }
        missing
    }

    /// The type of a column that is made or changed.
    fn column_type(&mut self, column: &mut protobuf::ColumnDef) -> Checked<()> {
        let ty = column.type_name.as_mut().ok_or_else(|| unknown("a column without a type"))?;
        self.serial_or_type(ty).map(|_| ())
    }
}
