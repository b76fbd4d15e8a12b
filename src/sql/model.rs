//! What the analysis found out about a statement: relations, uses, flows, writes, calls. The parser's tree is not in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use crate::base::QualifiedName;
use crate::catalog::Oid;

use super::effect::Deed;

/// A relation's appearance in a statement; the same table named twice is two instances. The number is the order in which the
/// walk met them, and the walk is deterministic: a second walk over the same tree meets them in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub u32);

/// What an instance is an instance of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstanceOf {
    /// A relation of the catalog.
    Catalog(Oid),
    /// A temporary relation of the session's own.
    Temporary,
    /// A relation that the session created and has not committed.
    Uncommitted,
}

/// What the statement does with an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// It is read.
    Read,
    /// Target of INSERT.
    Insert,
    /// Target of UPDATE.
    Update,
    /// Target of DELETE.
    Delete,
    /// Target of MERGE: what is done stands in `writes` and `deletes`.
    Merge,
    /// COPY FROM.
    CopyIn,
    /// TRUNCATE.
    Truncate,
    /// LOCK.
    Lock,
    /// A definition is made, changed or dropped.
    Define,
}

/// A relation's appearance in a statement.
#[derive(Clone, Debug)]
pub struct Instance {
    /// What it is.
    pub of: InstanceOf,
    /// Its resolved name; the schema of a temporary one is `pg_temp`.
    pub name: QualifiedName,
    /// What is done with it.
    pub access: Access,
    /// Byte offset in the client's text, -1 where there is none.
    pub at: i32,
}

/// A column of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// The instance.
    pub instance: InstanceId,
    /// `attnum`; below 1 for system columns.
    pub column: i16,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It is the value of one of these columns, unchanged, or NULL.
    Plain(Vec<Source>),
    /// It is the constant NULL.
    Null,
    /// It is computed, or of the client's own; whatever it was computed from stands in the uses.
    Computed,
    /// In some rows the unchanged value of one of these columns, in others computed (set operations).
    Mixed(Vec<Source>),
}

impl Flow {
    /// The columns that may show in it unchanged.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        match self {
            Self::Plain(sources) | Self::Mixed(sources) => sources,
            Self::Null | Self::Computed => &[],
        }
    }

    /// The flow of a value that is sometimes this one and sometimes that one.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let join = |mut a: Vec<Source>, b: Vec<Source>| {
            for source in b {
                if !a.contains(&source) {
                    a.push(source);
                }
            }
            a
        };
        match (self, other) {
            (Self::Null, x) | (x, Self::Null) => x,
            (Self::Computed, Self::Computed) => Self::Computed,
            (Self::Plain(a), Self::Plain(b)) => Self::Plain(join(a, b)),
            (Self::Plain(a) | Self::Mixed(a), Self::Plain(b) | Self::Mixed(b)) => Self::Mixed(join(a, b)),
            (Self::Plain(a) | Self::Mixed(a), Self::Computed) | (Self::Computed, Self::Plain(a) | Self::Mixed(a)) => Self::Mixed(a),
        }
    }
}

/// How a column is used. Each stands for a question that `plan` asks of the column's mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UseKind {
    /// A plain result column.
    Output,
    /// `IS [NOT] NULL`.
    NullTest,
    /// `count(col)`.
    Count,
    /// `count(DISTINCT col)`.
    CountDistinct,
    /// `min(col)`, `max(col)`.
    MinMax,
    /// Any other aggregate.
    Aggregate,
    /// WHERE or HAVING, other than what follows.
    Filter,
    /// Compared for equality with that many constants or parameters, as a conjunct of WHERE or ON.
    Lookup(u32),
    /// Compared for equality with the elements of an array that is this parameter, as a conjunct of WHERE or ON.
    LookupMany(i32),
    /// Compared for equality with a constant elsewhere.
    EqualsConstant,
    /// ON, other than lookups and equality between columns.
    Join,
    /// Compared for equality with another column: the pair stands in `equalities`.
    Equality,
    /// A column of JOIN … USING or NATURAL JOIN.
    Using,
    /// GROUP BY, PARTITION BY.
    Group,
    /// DISTINCT, DISTINCT ON.
    Distinct,
    /// ORDER BY.
    Order,
    /// Part of an expression.
    Expression,
    /// The member of it alone to which this one of [`Analysis::members`] leads, by `->` and `->>` with names that are written there, or as a field.
    Member(usize),
    /// UNION, INTERSECT, EXCEPT: compared with the other branch's.
    SetOperation,
    /// In the result next to something that is not under the same mask (UNION ALL).
    MixedOutput,
    /// Through a recursive CTE.
    Recursive,
    /// As part of a whole row.
    WholeRow,
    /// Stored by a write.
    WriteSource,
    /// In an ON CONFLICT target.
    Conflict,
    /// It does not exist for the principal, and stands in the way of a name that does: NATURAL JOIN, an ambiguous name.
    Shadow,
    /// In the select list of a subquery, where nobody reads it: it has to exist, and nothing else.
    Named,
}

/// One use of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The column.
    pub source: Source,
    /// How it is used.
    pub kind: UseKind,
    /// Byte offset in the client's text, -1 where there is none.
    pub at: i32,
}

/// Two columns that are compared for equality; each may come from several sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equality {
    /// One side.
    pub left: Flow,
    /// The other.
    pub right: Flow,
    /// Byte offset in the client's text.
    pub at: i32,
}

/// A value that is compared for equality with constants or parameters in whose place others could be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The columns whose unchanged value it is.
    pub sources: Vec<Source>,
    /// Their uses in it: places in `uses`.
    pub uses: Range<usize>,
    /// What they are compared with, NULL left out.
    pub with: Vec<Constant>,
}

/// A constant or parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// What stands there.
    pub says: Says,
    /// Its type, where it has one of its own.
    pub ty: Option<Oid>,
    /// It is an array, whose elements are compared.
    pub array: bool,
    /// It is cast to a domain: it stays where it stands, since what the domain checks is looked at there, and so is the type of a parameter.
    pub checked: bool,
    /// It is cast to texts of so many characters, and cut where it has more.
    pub length: Option<u32>,
    /// Byte offset in the client's text.
    pub at: i32,
}

/// What a constant says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// An integer.
    Integer(i64),
    /// What stands between quotes.
    Text(Box<str>),
    /// Parameter `$n`.
    Parameter(i32),
}

/// A column that the statement sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The column.
    pub target: Source,
    /// Whether it makes a row or changes one.
    pub changes: Changes,
    /// What it is set to, where [`Changes::Stored`] says that one is changed.
    pub new: New,
    /// Byte offset in the client's text.
    pub at: i32,
}

/// What a column of a stored row is set to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum New {
    /// NULL, as it stands there.
    Null,
    /// DEFAULT.
    Default,
    /// A constant or parameter, in whose place another could be compared with the column.
    Constant(Constant),
    /// A column of rows that are written out: one of these, or NULL.
    OneOf(Arc<[Constant]>),
    /// Anything else.
    #[default]
    Other,
}

/// Whether a write makes a row or changes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// A new row.
    New,
    /// An existing one (UPDATE, ON CONFLICT DO UPDATE, MERGE … UPDATE).
    Stored,
    /// The same, where the new value is not an expression of its own: a subscript or field of the column, or one of several columns
    /// that are set at once.
    Part,
}

/// A function that may be called, by name or behind an operator; everything that the name could resolve to is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Every function that it could be.
    pub candidates: Vec<Oid>,
    /// The number of arguments as written.
    pub args: usize,
    /// It stands behind an operator of this name.
    pub operator: Option<Box<str>>,
    /// The first argument where it is a constant text, for functions that read by name.
    pub first: Option<Box<str>>,
    /// Byte offset in the client's text.
    pub at: i32,
}

/// A result column.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name as PostgreSQL gives it.
    pub name: Box<str>,
    /// Where its value comes from.
    pub flow: Flow,
    /// Its type, where that is certain.
    pub ty: Option<Oid>,
    /// The column that it is, where it is one and nothing else; number 0 is the whole row.
    pub origin: Option<Source>,
    /// Byte offset in the client's text.
    pub at: i32,
    /// What of the analysis belongs to this column alone: without it the rows and the other columns are what they are.
    pub own: Vec<Part>,
}

/// A part of an analysis: places in its lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// In `uses`.
    pub uses: Range<usize>,
    /// In `equalities`.
    pub equalities: Range<usize>,
    /// In `calls`.
    pub calls: Range<usize>,
    /// In `types`.
    pub types: Range<usize>,
}

/// A function's body in the place of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// The function.
    pub function: Oid,
    /// The numbers of the instances in its body.
    pub instances: Range<u32>,
    /// An argument is more than a column or a constant.
    pub computed: bool,
    /// Where the call stood.
    pub at: i32,
}

/// A statement, analysed.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// Its relations, in the order of the walk.
    pub instances: Vec<Instance>,
    /// Uses of base columns, result columns not among them.
    pub uses: Vec<Use>,
    /// Names of members, each within the one before it.
    pub members: Vec<Vec<Box<str>>>,
    /// Columns that are compared with each other.
    pub equalities: Vec<Equality>,
    /// Values that are compared with constants.
    pub comparisons: Vec<Comparison>,
    /// Numbers of parameters, each as often as it is named.
    pub parameters: Vec<i32>,
    /// The types of parameters that the client declared, 0 where it did not.
    pub declared: Vec<Oid>,
    /// Names that relations come to have, and where they stand.
    pub named: Vec<(Box<str>, i32)>,
    /// Columns that are set.
    pub writes: Vec<Write>,
    /// DEFAULT stands for a value.
    pub defaulted: bool,
    /// Instances whose rows are deleted.
    pub deletes: Vec<InstanceId>,
    /// Instances whose rows a locking clause may lock (FOR UPDATE and its like).
    pub locks: Vec<InstanceId>,
    /// Functions that may be called.
    pub calls: Vec<Call>,
    /// Types that are named or written to.
    pub types: Vec<(Oid, i32)>,
    /// Columns that would vanish from a `*`, because they are hidden.
    pub vanished: Vec<Use>,
    /// Result columns; `None` where there are none, or their number is not known.
    pub outputs: Option<Vec<Output>>,
    /// Whether rows come back.
    pub returns_rows: bool,
    /// Rows come back that the client did not ask for: the statement was given a RETURNING, which holds them against a row condition.
    pub unasked: bool,
    /// What the statement does to the session.
    pub deed: Deed,
    /// What a policy must grant for this kind of statement.
    pub needs: Vec<Need>,
    /// Columns, system columns among them, that the text names or that a `*`, a whole row or a join by name covers.
    pub touched: BTreeSet<Source>,
    /// Instances that stand in FROM, where a veil can take their place.
    pub from: BTreeSet<InstanceId>,
    /// Instances in whose place, or in the place of whose columns, this walk has put a veil.
    pub veiled: BTreeSet<InstanceId>,
    /// Views in whose place this walk has put their definitions, with the numbers of the instances in those.
    pub inlined: BTreeMap<InstanceId, Range<u32>>,
    /// Functions in whose place this walk has put their bodies.
    pub bodies: Vec<InPlace>,
    /// How many constants this walk has put parameters in the place of.
    pub turned: usize,
    /// Where something may run on a value that is not known to be leakproof (`pg_proc.proleakproof`).
    pub leaks: Leaks,
    /// What of the text the walk has looked at.
    pub seen: Seen,
}

impl Analysis {
    /// Whether the walk has put definitions of views or bodies of functions in their places.
    #[must_use]
    pub fn puts_in_place(&self) -> bool {
        !self.inlined.is_empty() || !self.bodies.is_empty()
    }

    /// An instance by its number.
    #[must_use]
    pub fn instance(&self, id: InstanceId) -> Option<&Instance> {
        self.instances.get(usize::try_from(id.0).ok()?)
    }

    /// The catalog's relation that an instance stands for; `None` for the session's own.
    #[must_use]
    pub fn relation_of(&self, id: InstanceId) -> Option<Oid> {
        self.instance(id)?.relation()
    }
}

impl Instance {
    /// The catalog's relation that it stands for; `None` for the session's own.
    #[must_use]
    pub fn relation(&self) -> Option<Oid> {
        match self.of {
            InstanceOf::Catalog(oid) => Some(oid),
            InstanceOf::Temporary | InstanceOf::Uncommitted => None,
        }
    }
}

/// Where a statement may tell of the values that it is run on. Aggregates and window functions do not count, which see rows that were chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaks {
    /// In a condition, or in what may become a part of one: no row condition can stand beside it without a fence.
    pub beside: Beside,
    /// Only in what is computed for rows that were chosen: the outermost select list and its order, what UPDATE sets, RETURNING. A condition on
    /// one relation's rows is looked at where they are read, before any of that; one with a query in it PostgreSQL may make a join, below which
    /// rows can be sorted.
    pub behind: bool,
}

impl Leaks {
    /// Whether something may tell of its values at all.
    #[must_use]
    pub fn any(&self) -> bool {
        self.behind || self.beside != Beside::Nothing
    }
}

/// The relations beside whose rows something leaks. What names columns of other relations alone runs where those are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Beside {
    /// None.
    #[default]
    Nothing,
    /// These instances.
    Of(BTreeSet<InstanceId>),
    /// Any: it cannot be told.
    Anything,
}

impl Beside {
    /// Adds others.
    pub fn add(&mut self, other: Self) {
        match (&mut *self, other) {
            (_, Self::Nothing) | (Self::Anything, _) => {}
            (Self::Of(all), Self::Of(more)) => all.extend(more),
            (Self::Nothing, other) | (_, other @ Self::Anything) => *self = other,
        }
    }

    /// Whether an instance is among them.
    #[must_use]
    pub fn has(&self, id: InstanceId) -> bool {
        match self {
            Self::Nothing => false,
            Self::Of(all) => all.contains(&id),
            Self::Anything => true,
        }
    }
}

/// Names in the text that the walk has looked at, for the second reader.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Names of columns, and of what can stand in a column's place: aliases, fields, arguments, words of settings.
    pub columns: HashSet<Box<str>>,
    /// Names of WITH queries, and how often each stands for its rows. Relations of the catalog are instances.
    pub relations: HashMap<Box<str>, usize>,
    /// `*` in select lists.
    pub stars: u32,
}

/// A right that a kind of statement needs, beside its relations and columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// `statements: [ddl]`.
    Ddl(&'static str),
    /// `statements: [code]`.
    Code(&'static str),
    /// `statements: [call]`.
    Call,
    /// `statements: [do]`.
    Do,
    /// `statements: [lock]`.
    Lock,
    /// `statements: [maintenance]`.
    Maintenance(&'static str),
    /// EXPLAIN: within semantics.md, or `statements: [explain]`.
    Explain,
    /// EXPLAIN ANALYZE: within ADR 0041, or the same.
    ExplainAnalyze,
    /// LISTEN on this channel.
    Listen(Box<str>),
}
