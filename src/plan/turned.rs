//! Constants and parameters that are masks, and the values that they are the masks of: those go to the server as parameters of the proxy's
//! own, never in a text (semantics.md, `reversible`). Which comparisons those are of is decided in `decide`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Oid, PgType, Scalar};
use crate::mask::{Format, Mask};
use crate::sql::model::{Constant, Says};
use crate::sql::{Reject, Syntax};

/// The most that one statement may have turned back: each costs a few microseconds of the session's thread.
const LIMIT: usize = 10_000;
/// The most parameters that a statement can have.
const PARAMETERS: usize = 65_535;
/// `unknown`, which declares as much as nothing.
pub(super) const UNKNOWN: Oid = Oid(705);
/// `text`.
const TEXT: Oid = Oid(25);

/// What is put in the place of constants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnedBack {
    /// The client's own parameters.
    own: usize,
    /// The types that it declared for them.
    declared: Vec<Oid>,
    /// The types of those that nothing but a comparison gave one, by index.
    types: BTreeMap<usize, Oid>,
    /// How often each of the client's parameters is turned back, by index.
    named: BTreeMap<usize, usize>,
    all: Vec<Turned>,
}

/// A constant that is a mask.
#[derive(Clone, Debug, PartialEq)]
struct Turned {
    given: Vec<Given>,
    mask: Arc<Mask>,
    /// The column's type.
    ty: PgType,
    /// The type of the parameter: as wide as both sides.
    sent: Scalar,
    array: bool,
    /// See [`Turn`].
    stored: bool,
    /// Texts of more characters are cut.
    length: Option<u32>,
    /// The masks themselves are sent, beside what they are the masks of.
    as_given: bool,
}

/// What a constant is the mask of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    /// A column's mask.
    pub(super) mask: &'a Arc<Mask>,
    /// Its type.
    pub(super) ty: PgType,
    /// It is a new value of the column, and so need not be a mask; else it is compared with it.
    pub(super) stored: bool,
}

/// Where the mask comes from.
#[derive(Clone, Debug, PartialEq)]
enum Given {
    /// The text.
    Text(Vec<Option<Value>>),
    /// Bind: the parameter of this index, of this type, or of arrays of it.
    Parameter(usize, Scalar, bool),
}

/// A value of a type whose masks can be turned back.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Integer(i64),
    /// A uuid as text, or a text.
    Text(Vec<u8>),
}

impl TurnedBack {
    /// For a statement with these declared types of parameters, which names these.
    pub(super) fn new(declared: &[Oid], named: &[i32]) -> Self {
        let most = named.iter().filter_map(|n| usize::try_from(*n).ok()).max().unwrap_or_default();
        let stated = |oid: &Oid| if *oid == UNKNOWN { Oid(0) } else { *oid };
        Self { own: most.max(declared.len()), declared: declared.iter().map(stated).collect(), ..Self::default() }
    }

    /// Adds a constant; gives the number of the parameter that stands for it.
    pub(super) fn add(&mut self, constant: &Constant, Turn { mask, ty, stored }: Turn<'_>) -> Result<i32, Reject> {
        let (given, own) = self.given(constant, ty.scalar())?;
        let sent = wider(own, ty.scalar());
        let turned = Turned {
            given: vec![given],
            mask: Arc::clone(mask),
            ty,
            sent,
            array: constant.array,
            stored,
            length: constant.length,
            as_given: false,
        };
        // expressions that are equal stay so: GROUP BY and ORDER BY ask for that
        let place = self.all.iter().position(|other| *other == turned);
        match place {
            Some(place) => self.number(place),
            None => self.push(turned),
        }
    }

    /// Adds constants; gives the number of the parameter with all of them, behind which stands that with what they are the masks of.
    pub(super) fn add_pairs(&mut self, constants: &[Constant], Turn { mask, ty, stored }: Turn<'_>) -> Result<i32, Reject> {
        let (mut all, mut sent) = (Vec::with_capacity(constants.len()), ty.scalar());
        for constant in constants {
            let (given, own) = self.given(constant, ty.scalar()).map_err(|reject| reject.at(constant.at))?;
            all.push(given);
            sent = wider(own, sent);
        }
        let length = constants.iter().filter_map(|c| c.length).min();
        let turned = Turned { given: all, mask: Arc::clone(mask), ty, sent, array: true, stored, length, as_given: false };
        let first = self.push(Turned { as_given: true, ..turned.clone() })?;
        self.push(turned).map(|_| first)
    }

    fn push(&mut self, turned: Turned) -> Result<i32, Reject> {
        for given in &turned.given {
            if let Given::Text(values) = given {
                turned.send(values)?;
            }
        }
        self.all.push(turned);
        let values: usize = self.all.iter().filter(|t| !t.as_given).map(|t| t.given.len()).sum();
        if values > LIMIT { Err(excess()) } else { self.number(self.all.len() - 1) }
    }

    /// The number of the parameter at a place.
    fn number(&self, place: usize) -> Result<i32, Reject> {
        let number = self.own + place + 1;
        i32::try_from(number).ok().filter(|_| number <= PARAMETERS).ok_or_else(excess)
    }

    /// Where a constant that is a mask of a column of this type comes from, and its own type.
    fn given(&mut self, constant: &Constant, column: Scalar) -> Result<(Given, Scalar), Reject> {
        let kind = |oid: Oid| kinds().find(|(_, one, many)| oid == if constant.array { *many } else { *one }).map(|(kind, ..)| kind);
        let own = constant.ty.map_or(Some(column), kind);
        let own = own.filter(|own| family(*own) == family(column)).ok_or_else(unread)?;
        let given = match &constant.says {
            Says::Parameter(number) => {
                let index = usize::try_from(number - 1).map_err(|_| unread())?;
                let oid = of_kind(own, constant.array).ok_or_else(unread)?;
                let declared = self.declared.get(index).copied().filter(|oid| *oid != Oid(0));
                if declared.is_none() && !constant.checked {
                    if *self.types.entry(index).or_insert(oid) != oid {
                        return Err(unclear(
                            "a parameter is compared with columns of several types, one of which is turned back from its mask",
                        ));
                    }
                    *self.named.entry(index).or_default() += 1;
                }
                Given::Parameter(index, declared.map_or(Some(own), kind).ok_or_else(unread)?, constant.array)
            }
            Says::Integer(n) if fits(*n, own) && !constant.array => Given::Text(vec![Some(Value::Integer(*n))]),
            Says::Integer(_) => return Err(unread()),
            Says::Text(text) => {
                let unread = || misread(text.as_bytes(), own, constant.array);
                Given::Text(read(text.as_bytes(), Format::Text, own, constant.array).ok_or_else(unread)?)
            }
        };
        Ok((given, own))
    }

    /// Whether nothing is turned back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How often each of the client's parameters is turned back, by index.
    pub(super) fn named(&self) -> &BTreeMap<usize, usize> {
        &self.named
    }

    /// The number of the client's own parameters; those of the proxy stand behind them.
    #[must_use]
    pub fn own(&self) -> usize {
        self.own
    }

    /// The types of all parameters, where the client declared these.
    #[must_use]
    pub fn types(&self, declared: &[Oid]) -> Vec<Oid> {
        let stated = |i: &usize| declared.get(*i).copied().filter(|oid| *oid != Oid(0) && *oid != UNKNOWN);
        let own = (0..self.own).map(|i| stated(&i).or_else(|| self.types.get(&i).copied()).unwrap_or(Oid(0)));
        own.chain(self.all.iter().map(|t| of_kind(t.sent, t.array).unwrap_or(Oid(0)))).collect()
    }

    /// The values of the proxy's own parameters, as texts, for these of the client's.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) fn values(&self, given: &[(Format, Option<&[u8]>)]) -> Result<Vec<Option<String>>, Reject> {
        let mut left = LIMIT;
        let value = |turned: &Turned| {
            let mut values = Vec::with_capacity(turned.given.len());
            for from in &turned.given {
                match from {
                    Given::Text(said) => values.extend(said.iter().cloned()),
                    Given::Parameter(index, kind, array) => match given.get(*index).copied() {
                        None | Some((_, None)) if *array => return Ok(None),
                        None | Some((_, None)) => {}
                        Some((format, Some(bytes))) => {
                            let unread = || if format == Format::Text { misread(bytes, *kind, *array) } else { unread() };
                            let bound = read(bytes, format, *kind, *array).ok_or_else(unread)?;
                            left = left.checked_sub(if turned.as_given { 0 } else { bound.len() }).ok_or_else(excess)?;
                            values.extend(bound);
                        }
                    },
                }
            }
            turned.send(&values)
        };
        self.all.iter().map(value).collect()
    }
}

impl Turned {
    /// What is sent for masks; `None`, which nothing is equal to, for a new value that is none.
    fn send(&self, masks: &[Option<Value>]) -> Result<Option<String>, Reject> {
        if masks.len() > LIMIT {
            return Err(excess());
        }
        let values = masks.iter().map(|m| m.as_ref().map_or(Ok(None), |m| self.value(m))).collect::<Result<Vec<_>, _>>()?;
        if !self.array {
            return Ok(values.into_iter().next().flatten());
        }
        let quoted = |value: String| {
            if self.sent.is_text() { format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")) } else { value }
        };
        let elements: Vec<String> = values.into_iter().map(|value| value.map_or("NULL".to_owned(), quoted)).collect();
        Ok(Some(format!("{{{}}}", elements.join(","))))
    }

    /// The value of which this is the mask. A number that is none of the column's type is no mask, and equals none of its values. `None` for a new text
    /// that is the mask of nothing: `fpe` keeps the shape of texts, and shows one mask for all whose shape few have.
    fn value(&self, mask: &Value) -> Result<Option<String>, Reject> {
        let text = match mask {
            Value::Integer(n) if self.as_given => return Ok(Some(n.to_string())),
            Value::Text(text) if self.as_given => return String::from_utf8(text.clone()).map(Some).map_err(|_| unread()),
            Value::Integer(n) if !fits(*n, self.ty.scalar()) => return Ok(Some(n.to_string())),
            Value::Integer(n) => n.to_string().into_bytes(),
            Value::Text(text) => text.clone(),
        };
        let is_text = self.ty.scalar().is_text();
        let cuts = |most: Option<u32>, is: fn(&str) -> bool| most.and_then(|most| beyond(&text, most)).is_some_and(is);
        // PostgreSQL stores a text without the last of its spaces, where they are beyond the column's length
        if is_text && (cuts(self.length, |_| true) || self.stored && cuts(self.ty.max_chars, |rest| rest.bytes().all(|b| b == b' '))) {
            return Err(cut());
        }
        // a text that is longer than the column's must not be cut to one that stands in it
        let ty = if is_text { PgType::builtin(TEXT, -1) } else { self.ty };
        let mut value = Vec::new();
        match self.mask.turn_back(&ty, Format::Text, &text, &mut value) {
            Ok(()) => String::from_utf8(value).map(Some).map_err(|_| unread()),
            Err(_) if !is_text => Err(misread(&text, self.ty.scalar(), false)),
            Err(_) if !self.stored => Err(too_few()),
            Err(_) if text == SEVERAL => Err(not_told()),
            Err(_) => Ok(None),
        }
    }
}

/// What `fpe` shows for every text whose shape few have.
const SEVERAL: &[u8] = b"***";

/// Types whose masks can be turned back, each with its OID and that of its arrays (`pg_type.dat`).
fn kinds() -> impl Iterator<Item = (Scalar, Oid, Oid)> {
    let known = [
        (Scalar::Int2, 21, 1005),
        (Scalar::Int4, 23, 1007),
        (Scalar::Int8, 20, 1016),
        (Scalar::Uuid, 2950, 2951),
        (Scalar::Text, 25, 1009),
        (Scalar::Varchar, 1043, 1015),
    ];
    known.into_iter().map(|(kind, one, many)| (kind, Oid(one), Oid(many)))
}

/// Types that are compared with each other.
fn family(kind: Scalar) -> (bool, bool) {
    (kind == Scalar::Uuid, kind.is_text())
}

fn of_kind(kind: Scalar, array: bool) -> Option<Oid> {
    kinds().find(|(k, ..)| *k == kind).map(|(_, one, many)| if array { many } else { one })
}

/// Whether constants of a type would not be taken for the column's.
pub(super) fn is_wider(oid: Oid, column: Scalar) -> bool {
    kinds().find(|(_, one, _)| *one == oid).is_none_or(|(kind, ..)| width(kind) > width(column))
}

/// The type that holds values of both; the column's, where both do.
fn wider(own: Scalar, column: Scalar) -> Scalar {
    if width(own) > width(column) { own } else { column }
}

/// Bytes of a value, and more for what has any number of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other type's masks can be turned back")]
fn width(kind: Scalar) -> usize {
    match kind {
        Scalar::Int2 => 2,
        Scalar::Int4 => 4,
        Scalar::Int8 => 8,
        Scalar::Uuid | Scalar::Varchar => 16,
        _ => 17,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the only other type is the widest")]
fn fits(n: i64, kind: Scalar) -> bool {
    match kind {
        Scalar::Int2 => i16::try_from(n).is_ok(),
        Scalar::Int4 => i32::try_from(n).is_ok(),
        _ => true,
    }
}

/// Reads one value, or the elements of an array of one dimension.
fn read(bytes: &[u8], format: Format, kind: Scalar, array: bool) -> Option<Vec<Option<Value>>> {
    match (format, array) {
        (Format::Text, false) => Some(vec![Some(of_text(bytes, kind)?)]),
        (Format::Binary, false) => Some(vec![Some(of_binary(bytes, kind)?)]),
        (Format::Text, true) => {
            let all = elements(bytes.trim_ascii().strip_prefix(b"{")?.strip_suffix(b"}")?)?;
            all.into_iter().map(|e| e.map_or(Some(None), |e| of_text(&e, kind).map(Some))).collect()
        }
        (Format::Binary, true) => of_binary_array(bytes, kind),
    }
}

/// The elements of an array of one dimension, what stands between its braces (`array_in` in arrayfuncs.c).
fn elements(mut rest: &[u8]) -> Option<Vec<Option<Vec<u8>>>> {
    let mut all = Vec::new();
    while let Some((first, tail)) = rest.trim_ascii_start().split_first() {
        let (element, behind) = if *first == b'"' { quoted(tail)? } else { bare(rest.trim_ascii_start())? };
        all.push(element);
        rest = match behind.trim_ascii_start() {
            [] => break,
            [b',', more @ ..] if !more.trim_ascii().is_empty() => more,
            _ => return None,
        };
    }
    Some(all)
}

/// An element behind its quotation mark, and what follows it.
fn quoted(rest: &[u8]) -> Option<(Option<Vec<u8>>, &[u8])> {
    let mut element = Vec::new();
    let mut bytes = rest.iter().enumerate();
    while let Some((i, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((Some(element), rest.get(i + 1..)?)),
            b'\\' => element.push(*bytes.next()?.1),
            byte => element.push(*byte),
        }
    }
    None
}

/// An element without quotation marks: nothing in it that has a meaning of its own.
fn bare(rest: &[u8]) -> Option<(Option<Vec<u8>>, &[u8])> {
    let (element, behind) = rest.split_at(rest.iter().position(|b| *b == b',').unwrap_or(rest.len()));
    let element = element.trim_ascii_end();
    let plain = !element.is_empty() && !element.iter().any(|b| matches!(b, b'{' | b'}' | b'"' | b'\\'));
    plain.then(|| ((!element.eq_ignore_ascii_case(b"null")).then(|| element.to_vec()), behind))
}

/// `array_recv` in arrayfuncs.c: dimensions, flags, element type, length and lower bound, then each element with its length.
fn of_binary_array(bytes: &[u8], kind: Scalar) -> Option<Vec<Option<Value>>> {
    let mut rest = bytes;
    let mut word = || {
        let (head, tail) = rest.split_first_chunk::<4>()?;
        rest = tail;
        Some(i32::from_be_bytes(*head))
    };
    let (dimensions, _flags, element) = (word()?, word()?, word()?);
    if Some(Oid(element.cast_unsigned())) != of_kind(kind, false) {
        return None;
    }
    if dimensions == 0 {
        return rest.is_empty().then(Vec::new);
    }
    let (length, _bound) = (word()?, word()?);
    if dimensions != 1 || usize::try_from(length).ok()? > rest.len() / 4 {
        return None;
    }
    let mut values = Vec::new();
    for _ in 0..length {
        let (head, tail) = rest.split_first_chunk::<4>()?;
        let own = i32::from_be_bytes(*head);
        let (value, tail) =
            if own == -1 { (None, tail) } else { tail.split_at_checked(usize::try_from(own).ok()?).map(|(v, t)| (Some(v), t))? };
        values.push(match value {
            Some(value) => Some(of_binary(value, kind)?),
            None => None,
        });
        rest = tail;
    }
    rest.is_empty().then_some(values)
}

/// Digits, as each version of PostgreSQL reads them; a uuid in any form, which the mask reads; a text as it is.
fn of_text(text: &[u8], kind: Scalar) -> Option<Value> {
    if kind == Scalar::Uuid || kind.is_text() {
        return Some(Value::Text(text.to_vec()));
    }
    let n = std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()?;
    fits(n, kind).then_some(Value::Integer(n))
}

fn of_binary(bytes: &[u8], kind: Scalar) -> Option<Value> {
    if kind.is_text() {
        return Some(Value::Text(bytes.to_vec()));
    }
    if bytes.len() != width(kind) {
        return None;
    }
    if kind == Scalar::Uuid {
        let hex = bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|d| char::from_digit(d.into(), 16));
        return Some(Value::Text(hex.collect::<String>().into_bytes()));
    }
    let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
    Some(Value::Integer(bytes.iter().fold(sign, |n, b| n << 8 | i64::from(*b))))
}

fn unclear(message: &str) -> Reject {
    Reject::unclear("turned back", message)
}

/// Of a value that PostgreSQL may read otherwise, or not at all.
fn unread() -> Reject {
    unclear("a value that is compared with a masked column is not written as its masks are, and cannot be turned back")
        .hint("write integers in digits and uuids as they are printed, of the column's own type; an array in one dimension")
}

/// Of a text that cannot be read: what PostgreSQL says where no version of it could.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other type's masks can be turned back")]
fn misread(text: &[u8], kind: Scalar, array: bool) -> Reject {
    let name = match kind {
        Scalar::Int2 => "smallint",
        Scalar::Int4 => "integer",
        Scalar::Int8 => "bigint",
        _ => "uuid",
    };
    let wrong = || Reject::postgres(Syntax::InvalidTextRepresentation, format!("invalid input syntax for type {name}"));
    if array {
        return unread();
    }
    if kind == Scalar::Uuid {
        let none = text.iter().any(|b| !b.is_ascii_hexdigit() && !matches!(b, b'-' | b'{' | b'}'));
        return if none { wrong() } else { unread() };
    }
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    match digits {
        [b'0'..=b'9', ..] if digits.iter().all(u8::is_ascii_digit) => {
            Reject::postgres(Syntax::NumericValueOutOfRange, format!("value is out of range for type {name}"))
        }
        // other bases, and digits in groups, are read since 16; space that is none to Rust always
        [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..] | [0x0b, ..] | [.., 0x0b] => unread(),
        [b'0'..=b'9', ..] if digits.contains(&b'_') => unread(),
        _ => wrong(),
    }
}

/// `fpe` shows one mask for all texts of a shape that few have: those cannot be told apart, and a text that looks so itself must not find one.
fn too_few() -> Reject {
    unclear("a text of which fewer than a million are possible is seen as '***', whatever it is, and cannot be looked up")
        .hint("compare with a mask as it is read; 'reveal: [lookup]' in the policy compares the value itself")
}

fn not_told() -> Reject {
    Reject::unclear(
        "write",
        "texts of which fewer than a million are possible are all seen as '***', and which of them is saved cannot be told",
    )
    .hint("leave the column out of the UPDATE where it reads '***'")
}

/// What of a text is beyond so many characters, where it has more.
fn beyond(text: &[u8], most: u32) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    text.get(text.char_indices().nth(usize::try_from(most).ok()?)?.0..)
}

fn cut() -> Reject {
    Reject::unclear(
        "write",
        "a text is cut to the length of a column or a cast, and whether it is the mask without what is cut cannot be told",
    )
    .hint("leave out what is beyond the length")
}

fn excess() -> Reject {
    Reject::limit("turned back", format!("more than {LIMIT} values are compared with columns that are turned back from their masks"))
}

#[cfg(test)]
mod tests;
