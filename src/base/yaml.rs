//! YAML as a tree in which every key and value knows its place, read within fixed bounds: no input makes it recurse or grow
//! without limit, no key stands twice, and merge keys, foreign tags and includes are refused. What the words mean is not here.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    DefaultMessageFormatter, DuplicateKeyPolicy, Location, MergeKeyPolicy, MessageFormatter, NonFiniteFloatPolicy, Spanned,
};

use super::{Diagnostic, Diagnostics, Place};

/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// How deep maps and lists may stand in each other.
pub const MAX_DEPTH: usize = 24;
/// How many keys, values, lists and maps one text may have, aliases expanded.
pub const MAX_NODES: usize = 400_000;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it begins; for an alias, where the alias stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node holds. Numbers, booleans and dates are texts as they were written: the reader of a key knows its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`, `~` or nothing, without quotes.
    Null,
    /// Any other scalar.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the text; no key stands twice.
    Map(Vec<(Key, Node)>),
}

/// A mapping's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub place: Place,
    /// As written, YAML's own quotes removed.
    pub text: String,
}

impl Node {
    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The entries of a mapping.
    #[must_use]
    pub fn map(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            Value::Null | Value::Text(_) | Value::List(_) => None,
        }
    }

    /// The value under a key of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    /// What it is, for messages: "a mapping", "a list", "a text", "nothing".
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// Reads a text; one node for each document in it that is not empty.
///
/// # Errors
/// What is not YAML, beyond the bounds, or a key that stands twice in one mapping (both places are named).
pub fn read(file: &str, text: &str) -> Result<Vec<Node>, Diagnostics> {
    let file: Arc<str> = file.into();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = Place { file: Arc::clone(&file), line: 1, column: 1 };
    if text.len() > MAX_BYTES {
        let help = format!("at most {MAX_BYTES} bytes are read; split it into several files");
        return Err(Diagnostics(vec![Diagnostic::error(start, "the file is too long").help(help)]));
    }
    let documents: Vec<Raw> = serde_saphyr::from_multiple_with_options(text, options())
        .map_err(|error| Diagnostics(vec![syntax(&file, error.without_snippet())]))?;
    let mut builder = Builder { file, text, found: Diagnostics::default() };
    let nodes = documents.into_iter().map(|raw| builder.node(raw)).filter(|n| n.value != Value::Null).collect();
    if builder.found.is_empty() { Ok(nodes) } else { Err(builder.found) }
}

fn options() -> serde_saphyr::Options {
    let budget = serde_saphyr::budget! {
        max_depth: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH * 2,
        max_nodes: MAX_NODES,
        max_events: MAX_NODES * 2,
        max_documents: 256,
        max_anchors: 1_000,
        max_aliases: 10_000,
        max_recorded_anchor_events: 100_000,
        max_total_scalar_bytes: MAX_BYTES,
    };
    let mut options = serde_saphyr::options! {
        budget: budget,
        // Found by `Builder`, which can name both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // A merged mapping would change rules at a place where nobody reads them.
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    options.alias_limits.max_total_replayed_events = MAX_NODES;
    options.alias_limits.max_replay_stack_depth = 16;
    options
}

/// The parser's own findings in our form. Its messages name keys, never values.
#[expect(clippy::wildcard_enum_match_arm, reason = "the crate words its seventy other errors well enough")]
fn syntax(file: &Arc<str>, error: &serde_saphyr::Error) -> Diagnostic {
    let place = error.location().filter(|l| l.line() > 0).map(|l| place(file, l));
    let message = match error {
        serde_saphyr::Error::Budget { .. }
        | serde_saphyr::Error::AliasReplayLimitExceeded { .. }
        | serde_saphyr::Error::AliasReplayStackDepthExceeded { .. }
        | serde_saphyr::Error::AliasExpansionLimitExceeded { .. } => {
            return Diagnostic::error(place, "the text is nested too deep, or grows too large by its aliases")
                .help(format!("at most {MAX_DEPTH} levels and {MAX_NODES} values are read"));
        }
        serde_saphyr::Error::MergeKeyNotAllowed { .. } => {
            return Diagnostic::error(place, "merge keys ('<<') are not supported").help("write the keys out");
        }
        other => DefaultMessageFormatter.format_message(other).into_owned(),
    };
    Diagnostic::error(place, format!("not valid YAML: {}", message.trim_end_matches('.')))
}

fn place(file: &Arc<str>, location: Location) -> Place {
    let clip = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Place { file: Arc::clone(file), line: clip(location.line()), column: clip(location.column()) }
}

/// A value as the parser gives it, with its location.
struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    /// A scalar that the parser read as a boolean or number; the text is its canonical form, used where the source is not at hand.
    Typed(String),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<RawValue, E> {
        Ok(RawValue::Typed(v.to_string()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<RawValue, E> {
        Ok(RawValue::Typed(v.to_string()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<RawValue, E> {
        Ok(RawValue::Typed(v.to_string()))
    }

    fn visit_i128<E>(self, v: i128) -> Result<RawValue, E> {
        Ok(RawValue::Typed(v.to_string()))
    }

    fn visit_u128<E>(self, v: u128) -> Result<RawValue, E> {
        Ok(RawValue::Typed(v.to_string()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<RawValue, E> {
        Ok(RawValue::Typed(v.to_string()))
    }

    fn visit_str<E>(self, v: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(v.to_owned()))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<RawValue, E> {
        Err(E::custom("binary values are not supported"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(RawValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Raw>()? {
            entries.push((key, map.next_value()?));
        }
        Ok(RawValue::Map(entries))
    }
}

/// Turns the parser's values into nodes, and finds keys that stand twice.
struct Builder<'a> {
    file: Arc<str>,
    text: &'a str,
    found: Diagnostics,
}

impl Builder<'_> {
    fn node(&mut self, raw: Raw) -> Node {
        let Spanned { value, referenced, defined } = raw.0;
        let value = match value {
            RawValue::Null => Value::Null,
            RawValue::Text(text) => Value::Text(text),
            RawValue::Typed(canonical) => Value::Text(self.source(defined).unwrap_or(canonical)),
            RawValue::List(items) => Value::List(items.into_iter().map(|r| self.node(r)).collect()),
            RawValue::Map(entries) => Value::Map(self.entries(entries)),
        };
        Node { place: place(&self.file, referenced), value }
    }

    /// A typed scalar as it was written: `1.50` and `007` are not to be lost.
    fn source(&self, at: Location) -> Option<String> {
        let from = usize::try_from(at.span().byte_offset()?).ok()?;
        let len = usize::try_from(at.span().byte_len()?).ok()?;
        let text = self.text.get(from..from.checked_add(len)?)?.trim();
        (!text.is_empty() && !text.contains(char::is_whitespace)).then(|| text.to_owned())
    }

    fn entries(&mut self, raw: Vec<(Raw, Raw)>) -> Vec<(Key, Node)> {
        let mut entries: Vec<(Key, Node)> = Vec::with_capacity(raw.len());
        let mut seen: std::collections::HashMap<String, Place> = std::collections::HashMap::with_capacity(raw.len());
        for (key, value) in raw {
            let key = self.key(key);
            if let Some(first) = seen.insert(key.text.clone(), key.place.clone()) {
                let found = Diagnostic::error(key.place.clone(), format!("the key '{}' stands twice", key.text)).label(first, "first here");
                self.found.push(found);
                continue;
            }
            let value = self.node(value);
            entries.push((key, value));
        }
        entries
    }

    fn key(&mut self, raw: Raw) -> Key {
        let null = matches!(raw.0.value, RawValue::Null).then(|| self.source(raw.0.defined).unwrap_or_default());
        let node = self.node(raw);
        if matches!(node.value, Value::List(_) | Value::Map(_)) {
            self.found.push(Diagnostic::error(node.place.clone(), format!("a key is a text, not {}", node.kind())));
        }
        let text = node.text().map_or_else(|| null.unwrap_or_default(), str::to_owned);
        Key { place: node.place, text }
    }
}

#[cfg(test)]
mod tests;
