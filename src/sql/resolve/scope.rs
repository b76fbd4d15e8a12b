//! Scopes: what a name can refer to at a place in the statement (PostgreSQL: `ParseNamespaceItem`, `parse_relation.c`).

use std::rc::Rc;

use super::Value;
use crate::base::QualifiedName;
use crate::catalog::Oid;
use crate::sql::Syntax;
use crate::sql::model::{InstanceId, InstanceOf};
use crate::sql::reject::{Checked, Reject};

/// What can be only so wide, in PostgreSQL's words: without an end, stars over subqueries of stars would double with each level.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wide {
    List,
    Row,
    Join,
}

impl Wide {
    /// Whether so many are few enough (`MaxTupleAttributeNumber` in `htup.h`, `MaxAttrNumber` in `attnum.h`).
    pub(super) fn holds(self, count: usize) -> Checked<()> {
        let (what, most, of, syntax) = match self {
            Self::List => ("target lists", 1664, "entries", Syntax::TooManyColumns),
            Self::Row => ("ROW expressions", 1664, "entries", Syntax::TooManyColumns),
            Self::Join => ("joins", 32_767, "columns", Syntax::ProgramLimitExceeded),
        };
        if count <= most { Ok(()) } else { Err(Reject::postgres(syntax, format!("{what} can have at most {most} {of}"))) }
    }
}

/// One query level: its FROM items so far, and the CTEs of its WITH.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// FROM items that expressions may name.
    pub(super) items: Vec<Rc<Item>>,
    /// CTEs, the newest last.
    pub(super) ctes: Vec<Rc<Cte>>,
    /// The items may not be named: the walk is in a FROM subquery that is not LATERAL.
    pub(super) blocked: bool,
    /// References to columns of veiled instances.
    pub(super) references: Vec<super::veil::Reference>,
}

/// A FROM item.
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    /// Alias, or the relation's own name; empty for a join without an alias.
    pub(super) name: Box<str>,
    /// The relation, where it can be named with its schema: it has no alias.
    pub(super) relation: Option<QualifiedName>,
    /// Columns in order, hidden ones among them.
    pub(super) columns: Vec<Column>,
    /// `name.column` finds it.
    pub(super) by_name: bool,
    /// A bare column name finds its columns, and `*` takes them.
    pub(super) by_column: bool,
    /// It has columns that are not known.
    pub(super) open: bool,
    /// The relation's instance; system columns can be named then.
    pub(super) instance: Option<(InstanceId, InstanceOf)>,
    /// The type of a whole row.
    pub(super) row_type: Option<Oid>,
    /// It is a function that gives one value a row: its whole row is that value.
    pub(super) scalar: bool,
    /// A veil stands in its place.
    pub(super) veiled: bool,
    /// It is the row before or after, or the one that was not inserted into a view, under a name that only RETURNING or ON CONFLICT knows: what stands in
    /// the place of a target's columns is of the row that has no such name.
    pub(super) aside: bool,
}

/// A column of a FROM item.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: Box<str>,
    /// Its value.
    pub(super) value: Value,
    /// It does not exist for the principal.
    pub(super) hidden: bool,
    /// The name by which `qualifier.name` finds it, where there is one.
    pub(super) qualifier: Option<Rc<str>>,
}

/// A CTE.
#[derive(Debug)]
pub(super) struct Cte {
    /// Its name.
    pub(super) name: Box<str>,
    /// What it gives, or why it cannot be named yet.
    pub(super) state: CteState,
}

/// What is known of a CTE.
#[derive(Debug)]
pub(super) enum CteState {
    /// Its columns.
    Known(Vec<Column>),
    /// It stands further down: PostgreSQL allows that under RECURSIVE.
    Later,
    /// It is being read, and may not name itself here: PostgreSQL's words.
    Within(Syntax, Box<str>),
}

impl Column {
    /// A column with nothing behind it but its value.
    pub(super) fn computed(name: &str, value: Value) -> Self {
        Self { name: name.into(), value, hidden: false, qualifier: None }.as_field()
    }

    /// What it is in a row that is made of it: no column's own value, and of a record nobody knows what is in it.
    pub(super) fn as_field(&self) -> Self {
        Self { value: self.value.clone().part().opaque(), qualifier: None, ..self.clone() }
    }
}

impl Item {
    /// The columns that exist for the principal.
    pub(super) fn visible(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| !c.hidden)
    }

    /// The columns of a name.
    pub(super) fn named<'i>(&'i self, name: &'i str) -> impl Iterator<Item = &'i Column> {
        self.columns.iter().filter(move |c| &*c.name == name)
    }

    /// Whether a column does not exist for the principal.
    pub(super) fn has_hidden(&self) -> bool {
        self.columns.iter().any(|c| c.hidden)
    }
}
