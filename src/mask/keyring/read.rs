//! `keyring.yaml`: which keys there are and where each one stands. Files and environment are not read here.

use std::path::PathBuf;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{KEY_BYTES, Keyring};
use crate::base::yaml::{self, Key, Node, Value};
use crate::base::{Diagnostic, Diagnostics, Place, Secret};

/// How a key is written, for messages.
const EXAMPLE: &str = "keys: { k1: { file: k1.key }, k2: { env: PGSCRIM_KEY_K2 } }";
/// What a key is, for messages.
const FORM: &str = "a key is 32 bytes in hex (64 digits) or base64 (44 characters); 'pgscrim keyring init FILE' makes one";

/// Where a key stands.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// In the keyring itself.
    Here(Secret),
    /// In a file, relative to the keyring's folder.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
}

/// A keyring file as it was read, before the keys that stand elsewhere are there.
#[derive(Debug)]
pub struct KeyringFile {
    current: (String, Place),
    keys: Vec<(String, KeySource, Place)>,
}

impl KeyringFile {
    /// Reads a keyring's text. What is wrong never repeats a key.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Self, Diagnostics> {
        // The parser's own words on broken YAML name places and keys of mappings; but here a value may stand where a key should.
        let documents = yaml::read(name, text).map_err(|found| Diagnostics(found.0.into_iter().map(without_words).collect()))?;
        let mut found = Diagnostics::default();
        let read = if let [document] = documents.as_slice() {
            Self::document(document, &mut found)
        } else {
            let place = Place { file: name.into(), line: 1, column: 1 };
            let error = Diagnostic::error(place, "a keyring is one mapping with 'current' and 'keys'");
            found.push(error.help(format!("current: k2\n{EXAMPLE}")));
            None
        };
        read.filter(|_| found.is_empty()).ok_or(found)
    }

    fn document(document: &Node, found: &mut Diagnostics) -> Option<Self> {
        let Some(entries) = document.map() else {
            let error = format!("a keyring is one mapping with 'current' and 'keys', not {}", document.kind());
            found.push(Diagnostic::error(document.place.clone(), error));
            return None;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !matches!(key.text.as_str(), "current" | "keys")) {
            let error = Diagnostic::error(key.place.clone(), "a keyring has the keys 'current' and 'keys' alone");
            found.push(error.help_nearest(&key.text, ["current", "keys"]));
        }
        let keys = Self::keys(document, found);
        let current = document.get("current").and_then(|node| Some((node.text()?.to_owned(), node.place.clone())));
        let Some(current) = current else {
            found.push(
                Diagnostic::error(document.place.clone(), "'current' names the key that new masks are made with").help("current: k1"),
            );
            return None;
        };
        // Those that are wrong themselves count too: one error is enough.
        let names: Vec<&str> =
            document.get("keys").and_then(Node::map).unwrap_or_default().iter().map(|(key, _)| key.text.as_str()).collect();
        if !names.is_empty() && !names.contains(&current.0.as_str()) {
            // What stands there may be a key that was pasted into the wrong place.
            let error = Diagnostic::error(current.1.clone(), "'current' names no key of 'keys'");
            found.push(error.help_nearest(&current.0, names));
        }
        Some(Self { current, keys })
    }

    fn keys(document: &Node, found: &mut Diagnostics) -> Vec<(String, KeySource, Place)> {
        let Some(node) = document.get("keys") else {
            found.push(Diagnostic::error(document.place.clone(), "a keyring has 'keys'").help(EXAMPLE));
            return Vec::new();
        };
        let Some(entries) = node.map().filter(|entries| !entries.is_empty()) else {
            let kind = if node.map().is_some() { "an empty one" } else { node.kind() };
            let error = format!("'keys' is a mapping of names to keys, not {kind}");
            found.push(Diagnostic::error(node.place.clone(), error).help(EXAMPLE));
            return Vec::new();
        };
        entries.iter().filter_map(|(key, node)| Some((key.text.clone(), source(key, node, found)?, node.place.clone()))).collect()
    }

    /// What each key is called and where it stands.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &KeySource)> {
        self.keys.iter().map(|(name, source, _)| (name.as_str(), source))
    }

    /// The keyring, once `find` has fetched the texts that stand elsewhere; it says what went wrong, without the text.
    ///
    /// # Errors
    /// A key that cannot be had, or has not 32 bytes.
    pub fn resolve(self, mut find: impl FnMut(&KeySource) -> Result<Secret, String>) -> Result<Keyring, Diagnostics> {
        let mut found = Diagnostics::default();
        let mut keys = Vec::new();
        for (name, source, place) in self.keys {
            let key = match &source {
                KeySource::Here(key) => Ok(key.clone()),
                KeySource::File(_) | KeySource::Env(_) => find(&source).and_then(|text| decode(text.expose())),
            };
            match key {
                Ok(key) => keys.push((name, key)),
                Err(why) => found.push(Diagnostic::error(place, format!("key '{name}' {why}")).help(FORM)),
            }
        }
        if found.is_empty()
            && let Some(ring) = Keyring::new(&self.current.0, keys)
        {
            return Ok(ring);
        }
        if found.is_empty() {
            found.push(Diagnostic::error(self.current.1, "'current' names no key of 'keys'"));
        }
        Err(found)
    }
}

fn source(key: &Key, node: &Node, found: &mut Diagnostics) -> Option<KeySource> {
    let name = &key.text;
    match &node.value {
        Value::Text(text) => match decode(text.as_bytes()) {
            Ok(key) => return Some(KeySource::Here(key)),
            Err(why) => found.push(Diagnostic::error(node.place.clone(), format!("key '{name}' {why}")).help(FORM)),
        },
        Value::Map(entries) => {
            let text = |node: &Node| node.text().filter(|text| !text.is_empty()).map(str::to_owned);
            match entries.as_slice() {
                [(word, value)] if word.text == "file" && text(value).is_some() => return text(value).map(|t| KeySource::File(t.into())),
                [(word, value)] if word.text == "env" && text(value).is_some() => return text(value).map(KeySource::Env),
                [(word, _)] if word.text != "file" && word.text != "env" => {
                    let error =
                        Diagnostic::error(word.place.clone(), format!("key '{name}' stands in a 'file' or in the environment ('env')"));
                    found.push(error.help_nearest(&word.text, ["file", "env"]));
                }
                _ => found.push(Diagnostic::error(node.place.clone(), format!("key '{name}' has one of 'file' and 'env'")).help(EXAMPLE)),
            }
        }
        Value::Null | Value::List(_) => {
            found.push(Diagnostic::error(node.place.clone(), format!("key '{name}' is {}", node.kind())).help(FORM));
        }
    }
    None
}

/// The 32 bytes that a text says in hex or base64 (with or without padding, of either alphabet); blanks around it do not count.
///
/// # Errors
/// What is wrong, without the text.
fn decode(text: &[u8]) -> Result<Secret, String> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    let bytes = hex::decode(text).ok().or_else(|| {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        [STANDARD, URL_SAFE].iter().find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
    });
    match bytes {
        Some(bytes) if bytes.len() == KEY_BYTES => Ok(Secret::new(bytes)),
        Some(bytes) => Err(format!("has {} bytes, not {KEY_BYTES}", Secret::new(bytes).expose().len())),
        None => Err("is neither hex nor base64".to_owned()),
    }
}

fn without_words(diagnostic: Diagnostic) -> Diagnostic {
    let twice = !diagnostic.labels.is_empty();
    let message = if twice { "a name stands twice" } else { "not valid YAML" };
    Diagnostic { message: message.to_owned(), help: None, ..diagnostic }
}
