//! The upstream's schema as data: what the analysis, the policy and the masks know of a database.
//! Pure: `upstream::catalog_loader` fills it, `Catalog::new` indexes it, nothing here talks to a server.

mod body;
mod digest;
mod functions;
mod resolve;
mod system;
mod types;

pub use body::Body;
pub use digest::digest;
pub use functions::{FunctionClass, class_of, class_of_call, classified_functions, is_plain_word};
pub use resolve::spread_foreign_code;
pub use system::{SystemClass, classified_relations, is_system_schema, reaches, reaching_functions, system_class, system_rows};
pub use types::{FIRST_NORMAL_OID, Oid, PgType, Scalar, Shape};

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::base::QualifiedName;

/// What a relation is: `pg_class.relkind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// An ordinary table (`r`).
    Table,
    /// A partitioned table (`p`).
    Partitioned,
    /// A view (`v`).
    View,
    /// A materialized view (`m`).
    MaterializedView,
    /// A foreign table (`f`).
    Foreign,
    /// A sequence (`S`).
    Sequence,
    /// A composite type's relation (`c`).
    Composite,
    /// A TOAST table (`t`); never readable by name for a governed principal.
    Toast,
    /// An index (`i` or `I`).
    Index,
}

/// A column: a row of `pg_attribute` with `attnum > 0` that is not dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// `attnum`.
    pub number: i16,
    /// The stored name.
    pub name: Box<str>,
    /// The declared type with its modifier.
    pub ty: PgType,
    /// `attnotnull`.
    pub not_null: bool,
    /// The expression of a stored generated column (`pg_get_expr`).
    pub generated: Option<Box<str>>,
    /// The expression of a default (`pg_get_expr`), identity columns included as `None`.
    pub default: Option<Box<str>>,
    /// Functions that its default, or that of its domain, calls and that did not come with PostgreSQL, also behind operators.
    pub calls: Vec<Oid>,
    /// Its collation, where it has one that is not the database's.
    pub collation: Option<QualifiedName>,
}

impl Column {
    /// A column that may be NULL, without a default or a collation of its own.
    #[must_use]
    pub fn plain(number: i16, name: &str, ty: PgType) -> Self {
        Self { number, name: name.into(), ty, not_null: false, generated: None, default: None, calls: Vec::new(), collation: None }
    }
}

/// System columns of every table (`SystemAttributeDefinition` in heap.c): names, numbers, types.
pub const SYSTEM_COLUMNS: [(&str, i16, Oid); 6] = [
    ("ctid", -1, Oid(27)),
    ("xmin", -2, Oid(28)),
    ("cmin", -3, Oid(29)),
    ("xmax", -4, Oid(28)),
    ("cmax", -5, Oid(29)),
    ("tableoid", -6, Oid(26)),
];

/// A primary key, unique, foreign key or check constraint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Constraint {
    /// The stored name.
    pub name: Box<str>,
    /// What it is.
    pub kind: ConstraintKind,
    /// The constrained columns' numbers.
    pub columns: Vec<i16>,
    /// For a check constraint, and a foreign key that is set anew where what it refers to is (`ON UPDATE CASCADE`), `pg_get_constraintdef`; for a
    /// unique index over expressions (column 0) or with a predicate its definition: such a one does not make its columns unique.
    pub definition: Option<Box<str>>,
}

/// `pg_constraint.contype`, unique indexes without a constraint counted as `Unique`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConstraintKind {
    /// `p`
    Primary,
    /// `u`, or a unique index
    Unique,
    /// `f`, with the relation that it references
    Foreign(Oid),
    /// `c`
    Check,
    /// `x` and what else there is
    Other,
}

/// A relation of the upstream.
#[expect(clippy::struct_excessive_bools, reason = "a row of pg_class: each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Relation {
    /// `pg_class.oid`.
    pub oid: Oid,
    /// Schema and name.
    pub name: QualifiedName,
    /// What it is.
    pub kind: RelationKind,
    /// The owner's role OID.
    pub owner: Oid,
    /// Roles that may SELECT from it; 0 is everybody.
    pub readers: Vec<Oid>,
    /// The OID of its row type, 0 where it has none.
    pub row_type: Oid,
    /// Live columns in the order of their numbers.
    pub columns: Vec<Column>,
    /// Its parents by `pg_inherits` (partitioned tables included), in order.
    pub parents: Vec<Oid>,
    /// A view's or materialized view's `pg_get_viewdef`; not loaded for those that came with PostgreSQL.
    pub definition: Option<Box<str>>,
    /// For a view or materialized view: the columns that its definition reads (`pg_depend` of its rule; number 0 is the
    /// whole relation, which is all that is known of catalogs that came with PostgreSQL). Empty for views that came with it.
    pub reads: Vec<(Oid, i16)>,
    /// For a view or materialized view: functions that its definition calls and that did not come with PostgreSQL.
    pub calls: Vec<Oid>,
    /// Keys and constraints.
    pub constraints: Vec<Constraint>,
    /// It has rewrite rules of its own (a view's `_RETURN` does not count).
    pub has_rules: bool,
    /// Code from outside PostgreSQL runs when it is written: it has triggers that are not internal, or indexes or row policies
    /// that call a function that did not come with PostgreSQL.
    pub runs_code: bool,
    /// `relrowsecurity`.
    pub row_security: bool,
    /// A temporary relation.
    pub temporary: bool,
}

impl Relation {
    /// The column with this stored name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| &*c.name == name)
    }

    /// The column with this number.
    #[must_use]
    pub fn column_number(&self, number: i16) -> Option<&Column> {
        self.columns.iter().find(|c| c.number == number)
    }
}

/// What a type is (`pg_type.typtype`), with what the analysis needs of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TypeInfo {
    /// `pg_type.oid`.
    pub oid: Oid,
    /// Schema and name.
    pub name: QualifiedName,
    /// The element type of a true array, 0 else.
    pub element: Oid,
    /// The array type over this type, 0 where there is none.
    pub array: Oid,
    /// The base type of a domain with its modifier.
    pub base: Option<(Oid, i32)>,
    /// The relation of a composite type, 0 else.
    pub relation: Oid,
    /// `typtype`: b, c, d, e, p, r, m.
    pub kind: char,
    /// The domain has constraints whose functions are not all from `pg_catalog`, or the type's I/O functions are foreign.
    pub foreign_code: bool,
    /// Names of a domain's constraints.
    pub constraints: Vec<Box<str>>,
}

/// A function, aggregate, window function or procedure (`pg_proc`).
#[expect(clippy::struct_excessive_bools, reason = "a row of pg_proc: each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// `pg_proc.oid`. Below 16384: came with PostgreSQL.
    pub oid: Oid,
    /// Schema and name.
    pub name: QualifiedName,
    /// `prokind`: f, p, a, w.
    pub kind: char,
    /// Number of input arguments, defaults included.
    pub args: u16,
    /// Number of those with a default.
    pub defaults: u16,
    /// It is variadic.
    pub variadic: bool,
    /// `proleakproof`.
    pub leakproof: bool,
    /// `proretset`.
    pub returns_set: bool,
    /// `prorettype`.
    pub returns: Oid,
    /// `proargtypes`.
    pub arg_types: Vec<Oid>,
    /// OUT, INOUT and TABLE columns: names and types, in order; empty where there are none.
    pub out_columns: Vec<(Box<str>, Oid)>,
    /// `provolatile`: i, s, v.
    pub volatility: char,
    /// The extension that owns it.
    pub extension: Option<Box<str>>,
    /// What it runs, where that can be read: it is in SQL, and acts with the rights of who calls it.
    pub body: Option<Body>,
    /// What any other function runs that is neither C nor an extension's: `prosrc`, to be searched for names.
    pub source: Option<Box<str>>,
    /// Names in it mean the same in each session: they were bound when it was made, or it sets its own `search_path`.
    pub own_path: bool,
}

impl Function {
    /// The text of what it runs, where that is known.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.body.as_ref().map(|body| &*body.text).or(self.source.as_deref())
    }
}

/// An operator (`pg_operator`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operator {
    /// `pg_operator.oid`.
    pub oid: Oid,
    /// Schema and name.
    pub name: QualifiedName,
    /// Left operand, 0 for a prefix operator.
    pub left: Oid,
    /// Right operand.
    pub right: Oid,
    /// The result's type.
    pub result: Oid,
    /// The function behind it.
    pub function: Oid,
}

/// A role (`pg_roles`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// Its OID.
    pub oid: Oid,
    /// Its name.
    pub name: Box<str>,
    /// `rolcanlogin`.
    pub can_login: bool,
    /// `rolsuper`.
    pub superuser: bool,
    /// Roles that it is a direct member of.
    pub member_of: Vec<Oid>,
}

/// A trigger that is not internal, with the function that it runs. Read for `check` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its table.
    pub relation: Oid,
    /// Its name.
    pub name: Box<str>,
    /// The function.
    pub function: QualifiedName,
    /// The function's language.
    pub language: Box<str>,
    /// The function's text (`prosrc`).
    pub source: Box<str>,
}

/// A setting that a role or database has by default (`pg_db_role_setting`), for this database only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleSetting {
    /// The role, 0 for all.
    pub role: Oid,
    /// The database, 0 for all.
    pub database: Oid,
    /// The parameter's name, folded.
    pub name: Box<str>,
    /// Its value as stored.
    pub value: Box<str>,
}

/// Rows as the loader read them, before they are indexed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The database's name.
    pub database: Box<str>,
    /// `server_version_num`.
    pub server_version: u32,
    /// `search_path`'s value before any role or database changes it. Where a setting for this database or for all roles hides
    /// it from everybody, that setting's value.
    pub search_path: Box<str>,
    /// Schemas: OID and name.
    pub schemas: Vec<(Oid, Box<str>)>,
    /// All relations but TOAST, indexes, and temporary ones of other sessions.
    pub relations: Vec<Relation>,
    /// Indexes of relations that did not come with PostgreSQL: names, and whose they are.
    pub indexes: Vec<(QualifiedName, Oid)>,
    /// All types.
    pub types: Vec<TypeInfo>,
    /// All functions.
    pub functions: Vec<Function>,
    /// All operators.
    pub operators: Vec<Operator>,
    /// All casts with a function: source, target, function.
    pub casts: Vec<(Oid, Oid, Oid)>,
    /// Types with functions from outside PostgreSQL that sort, compare and hash their values, those in C and of extensions aside.
    pub support: Vec<(Oid, Oid)>,
    /// All roles.
    pub roles: Vec<Role>,
    /// Role and database settings.
    pub settings: Vec<RoleSetting>,
}

/// A database's schema, indexed. Immutable: a changed one is a new one.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    contents: Contents,
    relations: BTreeMap<Oid, usize>,
    relation_names: HashMap<Box<str>, Vec<usize>>,
    column_names: HashSet<Box<str>>,
    types: HashMap<Oid, usize>,
    type_names: HashMap<Box<str>, Vec<usize>>,
    functions: HashMap<Box<str>, Vec<usize>>,
    function_oids: HashMap<Oid, usize>,
    operators: HashMap<Box<str>, Vec<usize>>,
    operand_types: BTreeSet<Oid>,
    roles: HashMap<Box<str>, usize>,
    role_oids: HashMap<Oid, usize>,
    children: HashMap<Oid, Vec<Oid>>,
}

impl Catalog {
    /// Indexes what the loader read.
    #[must_use]
    pub fn new(contents: Contents) -> Self {
        let mut catalog = Self::default();
        for (i, r) in contents.relations.iter().enumerate() {
            catalog.relations.insert(r.oid, i);
            catalog.relation_names.entry(r.name.name.clone()).or_default().push(i);
            catalog.column_names.extend(r.columns.iter().map(|c| c.name.clone()));
            for parent in &r.parents {
                catalog.children.entry(*parent).or_default().push(r.oid);
            }
        }
        for (i, t) in contents.types.iter().enumerate() {
            catalog.types.insert(t.oid, i);
            catalog.type_names.entry(t.name.name.clone()).or_default().push(i);
        }
        for (i, f) in contents.functions.iter().enumerate() {
            catalog.functions.entry(f.name.name.clone()).or_default().push(i);
            catalog.function_oids.insert(f.oid, i);
        }
        for (i, o) in contents.operators.iter().enumerate() {
            catalog.operators.entry(o.name.name.clone()).or_default().push(i);
            catalog.operand_types.extend([o.left, o.right].into_iter().filter(|ty| *ty >= FIRST_NORMAL_OID));
        }
        for (i, r) in contents.roles.iter().enumerate() {
            catalog.roles.insert(r.name.clone(), i);
            catalog.role_oids.insert(r.oid, i);
        }
        catalog.contents = contents;
        catalog
    }

    /// What it was made from.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Every relation, by OID.
    pub fn relations(&self) -> impl Iterator<Item = &Relation> {
        self.contents.relations.iter()
    }

    /// The relation with this OID.
    #[must_use]
    pub fn relation(&self, oid: Oid) -> Option<&Relation> {
        self.relations.get(&oid).and_then(|i| self.contents.relations.get(*i))
    }

    /// The relation with this schema and name.
    #[must_use]
    pub fn relation_named(&self, name: &QualifiedName) -> Option<&Relation> {
        self.relation_in(&name.schema, &name.name)
    }

    /// The relation of a schema with this name.
    #[must_use]
    pub fn relation_in(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.relations_named(name).find(|r| *r.name.schema == *schema)
    }

    /// All relations with this name, in any schema.
    pub fn relations_named(&self, name: &str) -> impl Iterator<Item = &Relation> {
        self.relation_names.get(name).into_iter().flatten().filter_map(|i| self.contents.relations.get(*i))
    }

    /// Types from outside PostgreSQL of which some operator takes values.
    pub fn operand_types(&self) -> impl Iterator<Item = &TypeInfo> {
        self.operand_types.iter().filter_map(|oid| self.type_info(*oid))
    }

    /// The relation whose index has this name in this schema.
    #[must_use]
    pub fn indexed(&self, schema: &str, name: &str) -> Option<&Relation> {
        let index = self.contents.indexes.iter().find(|(index, _)| *index.name == *name && *index.schema == *schema);
        index.and_then(|(_, relation)| self.relation(*relation))
    }

    /// Direct children by inheritance or partitioning.
    #[must_use]
    pub fn children(&self, oid: Oid) -> &[Oid] {
        self.children.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// A relation and all that inherits from it.
    #[must_use]
    pub fn with_descendants(&self, oid: Oid) -> Vec<Oid> {
        let mut all = vec![oid];
        let mut next = 0;
        while let Some(parent) = all.get(next).copied() {
            next += 1;
            for child in self.children(parent) {
                if !all.contains(child) {
                    all.push(*child);
                }
            }
        }
        all
    }

    /// The type with this OID.
    #[must_use]
    pub fn type_info(&self, oid: Oid) -> Option<&TypeInfo> {
        self.types.get(&oid).and_then(|i| self.contents.types.get(*i))
    }

    /// The type with this OID, or where that is a domain the type below it.
    #[must_use]
    pub fn base_type(&self, oid: Oid) -> Option<&TypeInfo> {
        self.type_info(resolve::follow(oid, -1, &|oid| self.type_info(oid)).0)
    }

    /// Whether a column is NULL in a new row that does not name it: it has no default, of its own or of its domain, and is not computed.
    #[must_use]
    pub fn is_null_by_default(&self, column: &Column) -> bool {
        let of_domain = self.type_info(column.ty.oid).is_none_or(|ty| ty.base.is_some());
        // an identity is NOT NULL
        column.default.is_none() && column.generated.is_none() && !column.not_null && !of_domain
    }

    /// All types with this name, in any schema.
    pub fn types_named(&self, name: &str) -> impl Iterator<Item = &TypeInfo> {
        self.type_names.get(name).into_iter().flatten().filter_map(|i| self.contents.types.get(*i))
    }

    /// The type of a schema with this name.
    #[must_use]
    pub fn type_in(&self, schema: &str, name: &str) -> Option<&TypeInfo> {
        self.types_named(name).find(|t| *t.name.schema == *schema)
    }

    /// Whether a schema, relation, column, function or type has this name.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        let relation = self.relation_names.contains_key(name) || self.column_names.contains(name);
        relation || self.functions.contains_key(name) || self.type_names.contains_key(name) || self.has_schema(name)
    }

    /// All functions with this name, in any schema.
    pub fn functions_named(&self, name: &str) -> impl Iterator<Item = &Function> {
        self.functions.get(name).into_iter().flatten().filter_map(|i| self.contents.functions.get(*i))
    }

    /// The function with this OID.
    #[must_use]
    pub fn function(&self, oid: Oid) -> Option<&Function> {
        self.function_oids.get(&oid).and_then(|i| self.contents.functions.get(*i))
    }

    /// All operators with this name, in any schema.
    pub fn operators_named(&self, name: &str) -> impl Iterator<Item = &Operator> {
        self.operators.get(name).into_iter().flatten().filter_map(|i| self.contents.operators.get(*i))
    }

    /// Whether a schema of this name exists.
    #[must_use]
    pub fn has_schema(&self, name: &str) -> bool {
        self.contents.schemas.iter().any(|(_, n)| &**n == name)
    }

    /// The role with this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name).and_then(|i| self.contents.roles.get(*i))
    }

    /// Whether a login may SELECT from a relation, as far as is known: rights on single columns are not counted.
    #[must_use]
    pub fn may_select(&self, login: &str, relation: &Relation) -> bool {
        let own = || self.memberships(login);
        let reads = |name: &&str| *name == "pg_read_all_data" || self.role(name).is_some_and(|r| relation.readers.contains(&r.oid));
        self.role(login).is_some_and(|r| r.superuser) || relation.readers.contains(&Oid(0)) || own().iter().any(reads)
    }

    /// The names of all roles that `login` is a member of, transitively, itself included; empty for an unknown login.
    #[must_use]
    pub fn memberships(&self, login: &str) -> Vec<&str> {
        let Some(start) = self.role(login) else { return Vec::new() };
        let mut seen = vec![start.oid];
        let mut names = Vec::new();
        let mut next = 0;
        while let Some(oid) = seen.get(next).copied() {
            next += 1;
            let Some(role) = self.role_oids.get(&oid).and_then(|i| self.contents.roles.get(*i)) else { continue };
            names.push(&*role.name);
            for parent in &role.member_of {
                if !seen.contains(parent) {
                    seen.push(*parent);
                }
            }
        }
        names
    }
}
