//! The walk over `sqlparser`'s tree. Its `visitor` feature needs a crate that is not to be had, so the walk is its serialisation: every
//! node passes by, also those that nobody here has heard of, and what is kept is chosen by the names of structs and fields.

use serde::Serialize;
use serde::ser::{self, Serializer};
use sqlparser::ast;

use super::{Census, Word};

/// Adds what a statement names.
pub(super) fn add(statement: &ast::Statement, census: &mut Census) {
    // `Nothing` cannot be given: no method of the walk fails.
    let _ = statement.serialize(&mut Walk::new(census));
}

/// Adds what an expression names.
pub(super) fn add_expr(expr: &ast::Expr, census: &mut Census) {
    let _ = expr.serialize(&mut Walk::new(census));
}

/// What names stand for at a place of the tree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Not a relation's nor a column's.
    Elsewhere,
    /// An `ObjectName` is a relation's.
    Relation,
    /// Each name is a column's.
    Columns,
    /// The last name is a column's.
    Path,
}

struct Walk<'c> {
    census: &'c mut Census,
    place: Place,
    /// Names of the path that is being read.
    path: Vec<Word>,
    /// The text and quoting of the `Ident` that is being read.
    text: Option<(String, bool)>,
    /// Whether the last optional field was there.
    some: bool,
    /// The last variant without fields.
    unit: &'static str,
}

impl<'c> Walk<'c> {
    fn new(census: &'c mut Census) -> Self {
        Self { census, place: Place::Elsewhere, path: Vec::new(), text: None, some: false, unit: "" }
    }

    fn at<T: Serialize + ?Sized>(&mut self, place: Place, value: &T) -> Result<(), Nothing> {
        let before = std::mem::replace(&mut self.place, place);
        let done = value.serialize(&mut *self);
        self.place = before;
        done
    }

    /// A value whose names are one path: the relation or column that it names is taken.
    fn whole<T: Serialize + ?Sized>(&mut self, place: Place, value: &T) -> Result<(), Nothing> {
        let outer = std::mem::take(&mut self.path);
        self.at(place, value)?;
        let path = std::mem::replace(&mut self.path, outer);
        match place {
            Place::Relation if !path.is_empty() => self.census.relations.push(path),
            Place::Path => self.census.columns.extend(path.into_iter().next_back()),
            Place::Relation | Place::Columns | Place::Elsewhere => {}
        }
        Ok(())
    }

    fn word(&mut self, word: Word) {
        match self.place {
            Place::Elsewhere => {}
            Place::Columns => self.census.columns.push(word),
            Place::Relation | Place::Path => self.path.push(word),
        }
    }

    /// What the names in a field of a struct, or of a variant with fields, stand for.
    fn field_place(&self, owner: Owner, field: &str) -> Place {
        match (owner, field) {
            (Owner::Variant("TableFactor", "Table") | Owner::Struct("TruncateTableTarget"), "name")
            | (Owner::Variant("CopySource", "Table") | Owner::Struct("Table"), "table_name") => Place::Relation,
            (Owner::Variant("Statement", "Drop"), "names") if matches!(self.unit, "Table" | "View" | "MaterializedView") => Place::Relation,
            (Owner::Struct("Insert" | "MergeInsertExpr") | Owner::Variant("CopySource", "Table"), "columns") => Place::Columns,
            _ => Place::Elsewhere,
        }
    }
}

/// What the names in a variant's value stand for.
fn variant_place(owner: &str, variant: &str) -> Place {
    match (owner, variant) {
        ("TableObject", "TableName") => Place::Relation,
        ("Expr", "CompoundIdentifier") => Place::Path,
        ("Expr", "Identifier")
        | ("AssignmentTarget", "ColumnName" | "Tuple")
        | ("JoinConstraint", "Using" | "UsingAlias")
        | ("ConflictTarget", "Columns") => Place::Columns,
        _ => Place::Elsewhere,
    }
}

/// What is being walked.
#[derive(Clone, Copy)]
enum Owner {
    Sequence,
    Ident,
    Struct(&'static str),
    Variant(&'static str, &'static str),
}

/// A struct, sequence or variant, field by field.
struct Inside<'w, 'c> {
    walk: &'w mut Walk<'c>,
    owner: Owner,
    /// Place of what stands around it.
    around: Place,
    /// Relations before this node's own.
    relations: usize,
}

impl Inside<'_, '_> {
    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Nothing> {
        match (self.owner, key) {
            (Owner::Ident, "span") => Ok(()),
            (Owner::Ident, _) => value.serialize(&mut *self.walk),
            // with arguments it is a function
            (Owner::Variant("TableFactor", "Table"), "args") => {
                self.walk.some = false;
                self.walk.at(Place::Elsewhere, value)?;
                if self.walk.some && self.relations < self.walk.census.relations.len() {
                    self.walk.census.relations.remove(self.relations);
                }
                Ok(())
            }
            (Owner::Struct("Table"), "table_name") => self.walk.whole(Place::Relation, value),
            (owner, _) => {
                let place = self.walk.field_place(owner, key);
                self.walk.at(place, value)
            }
        }
    }

    fn leave(self) {
        self.walk.place = self.around;
        if let Owner::Ident = self.owner
            && let Some((text, quoted)) = self.walk.text.take()
        {
            self.walk.word(Word::new(&text, quoted));
        }
    }
}

/// The walk does not fail.
#[derive(Debug, thiserror::Error)]
#[error("nothing")]
struct Nothing;

impl ser::Error for Nothing {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Plain values that say nothing.
macro_rules! pass_over {
    ($($method:ident($ty:ty)),*) => { $(fn $method(self, _: $ty) -> Result<(), Nothing> { Ok(()) })* };
}

impl<'w, 'c> Serializer for &'w mut Walk<'c> {
    type Ok = ();
    type Error = Nothing;
    type SerializeSeq = Inside<'w, 'c>;
    type SerializeTuple = Inside<'w, 'c>;
    type SerializeTupleStruct = Inside<'w, 'c>;
    type SerializeTupleVariant = Inside<'w, 'c>;
    type SerializeMap = Inside<'w, 'c>;
    type SerializeStruct = Inside<'w, 'c>;
    type SerializeStructVariant = Inside<'w, 'c>;

    pass_over!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_bytes(&[u8]),
        serialize_unit_struct(&'static str)
    );

    fn serialize_char(self, _: char) -> Result<(), Nothing> {
        if let Some((_, quoted)) = &mut self.text {
            *quoted = true;
        }
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Nothing> {
        if let Some((text, _)) = &mut self.text {
            value.clone_into(text);
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Nothing> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Nothing> {
        value.serialize(&mut *self)?;
        self.some = true;
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Nothing> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Nothing> {
        self.unit = variant;
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Nothing> {
        if name == "ObjectName" && self.place == Place::Relation {
            return self.whole(Place::Relation, value);
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Nothing> {
        match (name, variant, variant_place(name, variant)) {
            ("SelectItem", "Wildcard", _) => {
                self.census.stars += 1;
                self.at(Place::Elsewhere, value)
            }
            ("ObjectNamePart", "Identifier", _) => value.serialize(self),
            (_, _, Place::Path) => self.whole(Place::Path, value),
            (_, _, place) => self.at(place, value),
        }
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'w, 'c>, Nothing> {
        Ok(self.inside(Owner::Sequence))
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside<'w, 'c>, Nothing> {
        Ok(self.inside(Owner::Sequence))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'w, 'c>, Nothing> {
        Ok(self.inside(Owner::Sequence))
    }

    fn serialize_tuple_variant(self, name: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Inside<'w, 'c>, Nothing> {
        if (name, variant) == ("SelectItem", "QualifiedWildcard") {
            self.census.stars += 1;
        }
        let inside = self.inside(Owner::Variant(name, variant));
        inside.walk.place = variant_place(name, variant);
        Ok(inside)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'w, 'c>, Nothing> {
        Ok(self.inside(Owner::Sequence))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Inside<'w, 'c>, Nothing> {
        if name != "Ident" {
            return Ok(self.inside(Owner::Struct(name)));
        }
        self.text = (self.place != Place::Elsewhere).then(Default::default);
        Ok(self.inside(Owner::Ident))
    }

    fn serialize_struct_variant(self, name: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Inside<'w, 'c>, Nothing> {
        Ok(self.inside(Owner::Variant(name, variant)))
    }
}

impl<'c> Walk<'c> {
    fn inside(&mut self, owner: Owner) -> Inside<'_, 'c> {
        let (around, relations) = (self.place, self.census.relations.len());
        Inside { walk: self, owner, around, relations }
    }
}

/// Elements of all kinds of sequences are walked alike.
macro_rules! elements {
    ($($kind:ident::$method:ident),*) => { $(impl ser::$kind for Inside<'_, '_> {
        type Ok = ();
        type Error = Nothing;

        fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Nothing> {
            value.serialize(&mut *self.walk)?;
            // behind the columns stands a name for them
            if let Owner::Variant("JoinConstraint", "UsingAlias") = self.owner {
                self.walk.place = Place::Elsewhere;
            }
            Ok(())
        }

        fn end(self) -> Result<(), Nothing> {
            self.leave();
            Ok(())
        }
    })* };
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

impl ser::SerializeMap for Inside<'_, '_> {
    type Ok = ();
    type Error = Nothing;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Nothing> {
        key.serialize(&mut *self.walk)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Nothing> {
        value.serialize(&mut *self.walk)
    }

    fn end(self) -> Result<(), Nothing> {
        self.leave();
        Ok(())
    }
}

/// So are fields of structs and of variants.
macro_rules! fields {
    ($($kind:ident),*) => { $(impl ser::$kind for Inside<'_, '_> {
        type Ok = ();
        type Error = Nothing;

        fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Nothing> {
            self.field(key, value)
        }

        fn end(self) -> Result<(), Nothing> {
            self.leave();
            Ok(())
        }
    })* };
}

fields!(SerializeStruct, SerializeStructVariant);
