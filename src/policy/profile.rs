//! What one principal may do, with every rule already decided: for each column clear, masked or absent; for each table its
//! rows and writes. Made at log-in from a policy and a catalog, immutable, shared by all sessions of equal principals.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::derived::{DerivedView, SeenView};
use crate::catalog::Oid;
use crate::mask::{Mask, RowType, Step};

/// A class of the taxonomy (`personal.contact`).
pub type ClassName = Arc<str>;

/// Tells profiles apart in cache keys: equal ids mean equal decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileId(pub u64);

/// Who a session is. The login is the one that the upstream accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The login's name.
    pub login: Arc<str>,
    /// The policy's roles that it is a member of, in the order of the merged document.
    pub roles: Vec<Arc<str>>,
    /// The common name of the client's certificate.
    pub certificate: Option<Arc<str>>,
}

/// What a rule gives up on purpose (semantics.md, "The laws of a mask").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reveal {
    /// `col = constant`, `IN`, `= ANY` in WHERE or ON see the raw value.
    pub lookup: bool,
    /// Joins, grouping and DISTINCT see the raw value.
    pub equality: bool,
    /// Sorting, ranges, min and max see the raw value.
    pub order: bool,
}

impl Reveal {
    /// The words of `reveal` that hold, as the policy writes them.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let Self { lookup, equality, order } = self;
        [("lookup", lookup), ("equality", equality), ("order", order)].into_iter().filter(|(_, on)| *on).map(|(word, _)| word).collect()
    }
}

/// A mask as a rule applies it to a column.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskRule {
    /// The mask's name as the policy and the audit name it.
    pub name: Arc<str>,
    /// The kernel, with its key.
    pub mask: Arc<Mask>,
    /// What the rule gives up.
    pub reveal: Reveal,
    /// Which role's rule it is.
    pub role: Arc<str>,
}

/// A conditional rule: SQL over the raw row chooses between two outcomes.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The SQL text of `when`.
    pub when: Arc<str>,
    /// Where it is true.
    pub then: Outcome,
    /// Where it is false or NULL.
    pub otherwise: Outcome,
}

/// Why a column is absent: what an error message needs to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// A rule of this role says `deny`.
    Denied {
        /// The role whose rule it is.
        role: Arc<str>,
    },
    /// The column is classified and no role has a rule for it.
    NoRule,
    /// The column has no class and `unclassified: deny` holds.
    Unclassified,
    /// The mask does not fit the column's type.
    Misfit {
        /// The mask's name.
        mask: Arc<str>,
    },
    /// It is derived from something veiled and the policy does not name it.
    Derived,
    /// It holds data of the server that no governed principal may read (the shipped catalog policy).
    System,
}

/// A json or jsonb column with paths into it that the policy says something of, or one of a composite type with fields: what is seen of
/// each, and of all else.
#[derive(Clone, Debug)]
pub struct Document {
    /// Each path or field once.
    pub paths: Vec<DocumentPath>,
    /// What is seen of the column without them. Only where that is clear do they mean anything.
    pub whole: Outcome,
    /// The type whose fields they are; `None` for json.
    pub row: Option<Arc<RowType>>,
}

/// A path into a document, or a field of a composite value.
#[derive(Clone, Debug)]
pub struct DocumentPath {
    /// Where it leads.
    pub inside: Inside,
    /// As it is written: `$.address.street`; a field's name.
    pub text: Arc<str>,
    /// Its class.
    pub class: Option<ClassName>,
    /// What is seen of the values that it leads to.
    pub read: Outcome,
}

/// A place in the values of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    /// A path into a document.
    Path(Vec<Step>),
    /// The field of a composite type with this number.
    Field(i16),
}

impl Inside {
    /// Whether it leads on to another place.
    #[must_use]
    pub fn is_around(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Path(own), Self::Path(other)) => own.len() < other.len() && other.starts_with(own),
            (Self::Path(_) | Self::Field(_), _) => false,
        }
    }
}

/// What a principal sees of a column.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// As it is.
    Clear,
    /// Masked.
    Masked(MaskRule),
    /// Chosen row by row (needs `Rewrite`).
    Conditional(Arc<Condition>),
    /// Not there.
    Absent(Absence),
}

impl Outcome {
    /// Anything but clear.
    #[must_use]
    pub fn is_veiled(&self) -> bool {
        !matches!(self, Self::Clear)
    }

    /// Whether something else than the value, or nothing, is seen of it.
    #[must_use]
    pub fn is_masked(&self) -> bool {
        matches!(self, Self::Masked(_) | Self::Conditional(_))
    }
}

/// The rows of a table that exist for a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCondition {
    /// SQL over the raw row, conditions of several roles joined with OR.
    pub sql: Arc<str>,
    /// Columns that it may read, by number; those of system columns are negative.
    pub reads: BTreeSet<i16>,
}

impl RowCondition {
    /// Whether a query may stand in it, of which PostgreSQL can make a join.
    #[must_use]
    pub fn may_query(&self) -> bool {
        let text = self.sql.to_ascii_lowercase();
        ["select", "values", "table"].iter().any(|word| text.contains(word))
    }
}

/// What `statements:` adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatementRight {
    /// CREATE, ALTER, DROP … of relations that are not veiled.
    Ddl,
    /// Functions, procedures, triggers, rules, operators, casts.
    Code,
    /// CALL.
    Call,
    /// DO.
    Do,
    /// LOCK, other than ACCESS SHARE.
    Lock,
    /// VACUUM, ANALYZE, REINDEX, CLUSTER, two-phase commit …
    Maintenance,
    /// EXPLAIN beyond what is harmless.
    Explain,
}

/// A set of [`StatementRight`].
pub type StatementRights = BTreeSet<StatementRight>;

/// A relation's part of a profile.
#[derive(Clone, Debug, Default)]
pub struct RelationProfile {
    /// Outcomes of the columns that are not simply clear, or that have a class, by number.
    pub columns: HashMap<i16, ColumnProfile>,
    /// What holds for a column that is not in `columns` (a column added since): `None` is clear.
    pub other_columns: Option<Absence>,
    /// The principal's row condition.
    pub rows: Option<RowCondition>,
    /// DELETE and TRUNCATE are allowed.
    pub delete: bool,
}

/// A column's part of a profile.
#[derive(Clone, Debug)]
pub struct ColumnProfile {
    /// What reading gives.
    pub read: Outcome,
    /// Whether it may be set.
    pub write: bool,
    /// Its class, if it has one.
    pub class: Option<ClassName>,
    /// The paths into it, or its fields, that `read` is made of.
    pub document: Option<Arc<Document>>,
}

/// A principal's compiled rights.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Equal ids mean equal decisions.
    pub id: ProfileId,
    /// Who it is for.
    pub principal: Principal,
    /// Everything passes unchanged.
    pub unrestricted: bool,
    /// A column that would vanish unnamed from `*` is refused instead.
    pub star_refuse: bool,
    /// Relations with anything to say, by OID. Partitions, children and views over veiled data are in it too.
    pub relations: HashMap<Oid, RelationProfile>,
    /// Views whose columns follow from their definitions; until that is known nothing is seen of them.
    pub views: HashMap<Oid, DerivedView>,
    /// Relations that conditions on others look into: whoever changes their rows, or what they are, may change what is seen of those.
    pub looked_into: BTreeSet<Oid>,
    /// Columns whose default may read what is veiled, by relation: a new row that takes it would show what it read.
    pub raw_defaults: BTreeMap<Oid, BTreeSet<i16>>,
    /// Columns without a class may not be read or written unless a rule says so: holds for relations not in `relations`.
    pub unclassified_deny: bool,
    /// Functions from outside PostgreSQL that are allowed, by OID.
    pub functions: BTreeSet<Oid>,
    /// What `statements` adds.
    pub statements: StatementRights,
    /// Channels, patterns with `*`.
    pub listen: Vec<Box<str>>,
    /// The last day, in the policy's time zone, on which this profile holds: a role of it ends then (`until`).
    pub last_day: Option<jiff::civil::Date>,
}

impl Profile {
    /// A relation's part.
    fn of(&self, relation: Oid) -> Option<&RelationProfile> {
        self.view(relation).map(|view| &view.relation).or_else(|| self.relations.get(&relation))
    }

    /// What is seen of a view whose columns follow from its definition, where that is known.
    #[must_use]
    pub fn view(&self, relation: Oid) -> Option<&SeenView> {
        self.views.get(&relation)?.seen.get()
    }

    /// The same without row conditions, for what is not chosen by them.
    #[must_use]
    pub(crate) fn of_all_rows(&self) -> Self {
        let mut all = self.clone();
        all.relations.values_mut().for_each(|r| r.rows = None);
        all.views.values_mut().for_each(|v| v.seen = OnceLock::new());
        all
    }

    /// What the principal sees of a column; system columns (numbers below 1) are clear unless the relation is wholly absent.
    #[must_use]
    pub fn read(&self, relation: Oid, column: i16) -> Outcome {
        if self.unrestricted {
            return Outcome::Clear;
        }
        match self.of(relation) {
            Some(r) => match r.columns.get(&column) {
                Some(c) => c.read.clone(),
                None => r.other_columns.clone().map_or(Outcome::Clear, Outcome::Absent),
            },
            None if self.unclassified_deny && relation >= crate::catalog::FIRST_NORMAL_OID => Outcome::Absent(Absence::Unclassified),
            None => Outcome::Clear,
        }
    }

    /// Whether the principal may set a column; never one of a relation that came with PostgreSQL.
    #[must_use]
    pub fn write(&self, relation: Oid, column: i16) -> bool {
        if self.unrestricted {
            return true;
        }
        if relation < crate::catalog::FIRST_NORMAL_OID {
            return false;
        }
        match self.of(relation) {
            Some(r) => match r.columns.get(&column) {
                Some(c) => c.write,
                None => !self.unclassified_deny && r.other_columns.is_none(),
            },
            None => !self.unclassified_deny,
        }
    }

    /// Whether a new row of the relation may be made, which sets all columns where conditions on other relations look into it.
    #[must_use]
    pub fn insert(&self, relation: Oid) -> bool {
        let writable = |r: &RelationProfile| r.columns.values().all(|c| c.write);
        self.unrestricted || !self.looked_into.contains(&relation) || self.of(relation).is_none_or(writable)
    }

    /// Whether DELETE and TRUNCATE of the relation are allowed.
    #[must_use]
    pub fn delete(&self, relation: Oid) -> bool {
        self.unrestricted || self.of(relation).is_some_and(|r| r.delete)
    }

    /// The row condition that holds for the principal.
    #[must_use]
    pub fn rows(&self, relation: Oid) -> Option<&RowCondition> {
        self.of(relation).and_then(|r| r.rows.as_ref())
    }

    /// The column's class.
    #[must_use]
    pub fn class(&self, relation: Oid, column: i16) -> Option<ClassName> {
        self.of(relation)?.columns.get(&column)?.class.clone()
    }

    /// The paths into a column of documents, or the fields of one of a composite type.
    #[must_use]
    pub fn paths(&self, relation: Oid, column: i16) -> &[DocumentPath] {
        let of = self.of(relation).and_then(|r| r.columns.get(&column)).and_then(|c| c.document.as_ref());
        of.map_or(&[], |d| d.paths.as_slice())
    }

    /// Whether anything of the relation is veiled: a column not clear, or rows that do not exist.
    #[must_use]
    pub fn is_veiled(&self, relation: Oid) -> bool {
        if self.unrestricted {
            return false;
        }
        match self.of(relation) {
            Some(r) => r.rows.is_some() || r.other_columns.is_some() || r.columns.values().any(|c| c.read.is_veiled()),
            None => self.unclassified_deny && relation >= crate::catalog::FIRST_NORMAL_OID,
        }
    }
}
