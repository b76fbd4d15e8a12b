//! Masks inside json and jsonb documents: a tree of paths, with what stands for the values there (ADR 0029). Which path has which mask
//! is decided elsewhere.
//!
//! A path names members of objects. Arrays on its way are looked through: one level before each member, whether `[*]` is written or not,
//! and one more for each `[*]`. An array below that level is emptied, since what is in it cannot be told. A masked value is masked with
//! all that is in it, so of two paths of which one leads on from the other the shorter decides.

mod back;
mod json;
mod sql;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::laws::Laws;
use super::value::{CannotMask, Value};
use super::{Kernel, MadeOf, Mask};
use crate::catalog::{Oid, PgType, Scalar, Shape};

/// A step into a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The member of an object with this name.
    Member(Box<str>),
    /// Every member.
    AnyMember,
    /// Every element of an array.
    AnyElement,
}

/// What is seen of the values at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// They stay.
    Clear,
    /// Their masks.
    Masked(Arc<Mask>),
    /// Nothing: the member is not there.
    Absent,
}

/// Texts in a document are `text`.
static TEXT: LazyLock<PgType> = LazyLock::new(|| PgType::builtin(Oid(25), -1));

/// Numbers in a document are `numeric`.
static NUMERIC: LazyLock<PgType> = LazyLock::new(|| PgType::builtin(Oid(1700), -1));

/// The paths of a column, as they lie in its documents.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Document {
    root: Node,
}

/// A place in documents.
#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    /// What stands for the value; `None` where it stays or is looked into.
    leaf: Option<Leaf>,
    /// Levels of arrays that are looked through before that.
    deep: usize,
    /// A path ends here and says that the value stays: what holds for every member does not reach it.
    named: bool,
    /// Levels of arrays that are looked through before the members.
    levels: usize,
    members: BTreeMap<Box<str>, Node>,
    /// Every other member.
    any: Option<Box<Node>>,
}

/// What stands for a value.
#[derive(Clone, Debug, PartialEq)]
enum Leaf {
    Masked(Arc<Mask>),
    Absent,
}

impl Mask {
    /// The mask of documents in which these paths lead to what is not clear.
    #[must_use]
    pub fn document(paths: Vec<(Vec<Step>, Seen)>) -> Self {
        let mut root = Node::default();
        for (steps, seen) in &paths {
            root.insert(steps, seen);
        }
        root.settle();
        Self { kernel: Kernel::Document(Box::new(Document { root })), made_of: MadeOf::Paths(paths) }
    }

    /// Whether it says something of values in documents of a type: a text or a number. (What else it meets there is redacted.) The type
    /// json keeps numbers as they were written, which may be none of PostgreSQL's.
    #[must_use]
    pub fn fits_in(&self, ty: &PgType) -> bool {
        self.laws(&TEXT).is_some() || (ty.shape == Shape::Scalar(Scalar::Jsonb) && self.laws(&NUMERIC).is_some())
    }
}

/// Documents only.
pub(super) fn laws(document: &Document, ty: &PgType) -> Option<Laws> {
    let fits = matches!(ty.shape, Shape::Scalar(Scalar::Json | Scalar::Jsonb)) && document.root.all(&|mask| mask.fits_in(ty));
    let has_sql = |mask: &Mask| [&*TEXT, &*NUMERIC].iter().all(|ty| mask.laws(ty).is_none_or(|l| l.sql));
    fits.then(|| Laws { sql: document.root.all(&has_sql), by_parts: true, ..Laws::PLAIN })
}

/// Whether a member of a member … by these names is the same behind the mask. (By a name nothing is found in an array.)
pub(super) fn passes(document: &Document, ty: &PgType, names: &[Box<str>]) -> bool {
    // of the type json it need not be: the mask has something in the place of what PostgreSQL cannot read
    if ty.shape != Shape::Scalar(Scalar::Jsonb) {
        return false;
    }
    let mut node = &document.root;
    for name in names {
        match node.member(name) {
            _ if node.leaf.is_some() => return false,
            None => return true,
            Some(member) => node = member,
        }
    }
    node.is_clear()
}

/// What is stored where a new document was made of a mask; `None` where that cannot be told.
pub(super) fn sql_back(document: &Document, ty: &PgType, new: &str, raw: &str, raises: &str) -> Option<String> {
    if ty.shape == Shape::Scalar(Scalar::Jsonb) { back::document(&document.root, new, raw, raises) } else { None }
}

/// Appends the document with its masks.
pub(super) fn apply(document: &Document, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    walk::apply(&document.root, value, out)
}

/// The SQL form over documents of a type.
pub(super) fn sql(document: &Document, scalar: Scalar, column: &str) -> Option<String> {
    sql::document(&document.root, scalar, column)
}

impl Node {
    /// Adds a path.
    fn insert(&mut self, steps: &[Step], seen: &Seen) {
        let deep = steps.iter().take_while(|s| matches!(s, Step::AnyElement)).count();
        let (member, rest) = match steps.get(deep..).and_then(<[Step]>::split_first) {
            Some((Step::Member(name), rest)) => (self.members.entry(name.clone()).or_default(), rest),
            Some((Step::AnyMember, rest)) => (&mut **self.any.get_or_insert_default(), rest),
            Some((Step::AnyElement, _)) | None => return self.end(seen, deep),
        };
        self.levels = self.levels.max(deep + 1);
        member.insert(rest, seen);
    }

    /// A path ends, so many levels of arrays down.
    fn end(&mut self, seen: &Seen, deep: usize) {
        match seen {
            Seen::Clear => self.named |= deep == 0,
            // an array none of whose elements is there is not there
            Seen::Absent => (self.leaf, self.deep) = (Some(Leaf::Absent), 0),
            // what stands for the whole array, before what stands for its elements
            Seen::Masked(mask) => match &self.leaf {
                Some(Leaf::Absent) => {}
                Some(Leaf::Masked(_)) if self.deep <= deep => {}
                Some(Leaf::Masked(_)) | None => (self.leaf, self.deep) = (Some(Leaf::Masked(Arc::clone(mask))), deep),
            },
        }
    }

    /// Has what holds for every member hold for those that have a name, and takes away what nothing reaches.
    fn settle(&mut self) {
        if self.leaf.is_some() {
            self.levels = self.deep;
            self.members.clear();
            self.any = None;
            return;
        }
        if let Some(any) = &self.any {
            self.members.values_mut().for_each(|member| member.join(any));
        }
        self.members.values_mut().for_each(Self::settle);
        if let Some(any) = &mut self.any {
            any.settle();
        }
        self.any.take_if(|any| any.is_clear());
        if self.any.is_none() {
            self.members.retain(|_, member| !member.is_clear());
        }
    }

    /// Adds what another node says, where this one says nothing.
    fn join(&mut self, other: &Self) {
        if self.leaf.is_none() && !self.named {
            self.leaf.clone_from(&other.leaf);
            self.deep = other.deep;
        }
        self.levels = self.levels.max(other.levels);
        for (name, member) in &other.members {
            self.members.entry(name.clone()).or_default().join(member);
        }
        if let Some(any) = &other.any {
            self.any.get_or_insert_default().join(any);
        }
    }

    /// Nothing in it is masked.
    fn is_clear(&self) -> bool {
        self.leaf.is_none() && self.members.is_empty() && self.any.is_none()
    }

    /// The node of a member in which something is masked.
    fn member(&self, name: &str) -> Option<&Self> {
        self.members.get(name).or(self.any.as_deref()).filter(|member| !member.is_clear())
    }

    /// Every member on the way has a name.
    fn is_named(&self) -> bool {
        self.any.is_none() && self.levels > 0 && self.members.values().all(|m| m.leaf.is_some() || m.is_named())
    }

    fn is_absent(&self) -> bool {
        self.leaf == Some(Leaf::Absent)
    }

    /// Whether something is true of every mask.
    fn all(&self, is: &dyn Fn(&Mask) -> bool) -> bool {
        let own = match &self.leaf {
            Some(Leaf::Masked(mask)) => is(mask),
            Some(Leaf::Absent) | None => true,
        };
        own && self.members.values().chain(self.any.as_deref()).all(|node| node.all(is))
    }
}
