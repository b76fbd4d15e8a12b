//! `masks` and the masks that rules describe in place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Reader;
use crate::base::yaml::{Key, Node, Value};
use crate::base::{Diagnostic, Place};
use crate::mask::{FakeKind, Keep, Locale, MaskSpec};
use crate::policy::model::MaskUse;
use crate::policy::profile::Reveal;

/// The masks that the policy names.
#[derive(Debug, Default)]
pub(super) struct Masks(BTreeMap<String, MaskSpec>);

impl Masks {
    /// The policy defines a mask of that name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl Reader<'_> {
    pub(super) fn masks(&mut self, node: &Node) {
        for (key, value) in self.map("'masks'", node) {
            let spec = match (&value.value, value.text()) {
                (Value::Null, _) => Some(MaskSpec::Null),
                (_, Some(name)) => self.builtin(name, &value.place),
                _ => self.spec(value).map(|(spec, _)| spec),
            };
            if let Some(spec) = spec {
                self.masks.0.insert(key.text.clone(), spec);
            }
        }
    }

    fn builtin(&mut self, name: &str, place: &Place) -> Option<MaskSpec> {
        let spec = MaskSpec::builtin(name);
        if spec.is_none() {
            let error = Diagnostic::error(place.clone(), format!("no mask '{name}' is known"));
            let known: Vec<String> = self.masks.0.keys().cloned().chain(MaskSpec::KINDS.map(str::to_owned)).collect();
            let error = if MaskSpec::KINDS.contains(&name) {
                error.help(format!("'{name}' needs parameters: {{ {} }}", example(name)))
            } else {
                error.help_nearest(name, known.iter().map(String::as_str))
            };
            self.found.push(error);
        }
        spec
    }

    /// What stands behind `mask:`.
    pub(super) fn mask_use(&mut self, node: &Node) -> Option<MaskUse> {
        let reveal = Reveal::default();
        match (&node.value, node.text()) {
            (Value::Null, _) => Some(MaskUse { name: "null".into(), purpose: "null".into(), spec: MaskSpec::Null, reveal }),
            (_, Some(name)) => {
                let named = self.masks.0.get(name).cloned();
                let spec = match named {
                    Some(spec) => spec,
                    None => self.builtin(name, &node.place)?,
                };
                Some(MaskUse { name: name.into(), purpose: name.into(), spec, reveal })
            }
            _ => {
                let (spec, text) = self.spec(node)?;
                Some(MaskUse { name: text.into(), purpose: spec.kind().into(), spec, reveal })
            }
        }
    }

    /// `{ partial: { first: 3 } }`; gives it with one spelling of it.
    fn spec(&mut self, node: &Node) -> Option<(MaskSpec, String)> {
        let Some([(kind, parameters)]) = node.map() else {
            let error = Diagnostic::error(node.place.clone(), format!("a mask is a name or a mapping with one key, not {}", node.kind()));
            self.found.push(error.help("{ partial: { first: 3, last: 4 } }"));
            return None;
        };
        if !self.known(kind, &MaskSpec::KINDS) {
            return None;
        }
        let parameters = Parameters { kind, entries: self.map("a mask's parameters", parameters) };
        let spec = self.parameters(&parameters)?;
        let text = spelled(&spec);
        Some((spec, text))
    }

    fn parameters(&mut self, given: &Parameters<'_>) -> Option<MaskSpec> {
        let kind = given.kind.text.as_str();
        let known = parameters_of(kind);
        let before = self.found.0.len();
        for (key, _) in given.entries {
            if known.is_empty() {
                self.error(&key.place, format!("mask '{kind}' has no parameters"));
            } else {
                self.known(key, known);
            }
        }
        let spec = match kind {
            "partial" => MaskSpec::Partial { first: self.count(given, "first"), last: self.count(given, "last"), with: self.with(given) },
            "date" => {
                let keep = self.needed(given, "keep", &["year", "month"])?;
                MaskSpec::Date { keep: if keep == "year" { Keep::Year } else { Keep::Month } }
            }
            "round" => MaskSpec::Round { to: self.round_to(given)? },
            "pseudonym" => MaskSpec::Pseudonym { key: self.key_name(given) },
            "fpe" => MaskSpec::Fpe { key: self.key_name(given) },
            "fake" => MaskSpec::Fake { kind: self.fake_kind(given)?, locale: self.locale(given), key: self.key_name(given) },
            _ => MaskSpec::builtin(kind)?,
        };
        (self.found.0.len() == before).then_some(spec)
    }

    fn count(&mut self, given: &Parameters<'_>, name: &str) -> usize {
        let Some(node) = given.get(name) else { return 0 };
        let count = node.text().and_then(|t| t.parse::<u32>().ok()).and_then(|n| usize::try_from(n).ok());
        if count.is_none() {
            self.error(&node.place, format!("'{name}' is a number of characters"));
        }
        count.unwrap_or(0)
    }

    fn with(&mut self, given: &Parameters<'_>) -> char {
        let Some(node) = given.get("with") else { return '*' };
        let mut chars = node.text().unwrap_or("").chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if c != '\0' => c,
            _ => {
                self.error(&node.place, "'with' is one character");
                '*'
            }
        }
    }

    fn round_to(&mut self, given: &Parameters<'_>) -> Option<crate::mask::RoundTo> {
        let node = self.parameter(given, "to")?;
        match node.text().unwrap_or("").parse() {
            Ok(to) => Some(to),
            Err(error) => {
                self.error(&node.place, format!("'to' is {error}"));
                None
            }
        }
    }

    fn key_name(&mut self, given: &Parameters<'_>) -> Option<String> {
        let node = given.get("key")?;
        self.text("'key'", node).map(str::to_owned)
    }

    fn fake_kind(&mut self, given: &Parameters<'_>) -> Option<FakeKind> {
        Some(match self.needed(given, "kind", &["name", "address", "phone", "company"])? {
            "name" => FakeKind::Name,
            "address" => FakeKind::Address,
            "phone" => FakeKind::Phone,
            _ => FakeKind::Company,
        })
    }

    fn locale(&mut self, given: &Parameters<'_>) -> Locale {
        let Some(node) = given.get("locale") else { return Locale::En };
        if self.word("'locale'", node, &["zh", "en"]) == Some("zh") { Locale::Zh } else { Locale::En }
    }

    fn needed<'w>(&mut self, given: &Parameters<'_>, name: &str, words: &[&'w str]) -> Option<&'w str> {
        let node = self.parameter(given, name)?;
        self.word(&format!("'{name}'"), node, words)
    }

    fn parameter<'n>(&mut self, given: &Parameters<'n>, name: &str) -> Option<&'n Node> {
        let node = given.get(name);
        if node.is_none() {
            let kind = &given.kind.text;
            let error = Diagnostic::error(given.kind.place.clone(), format!("mask '{kind}' needs '{name}'"));
            self.found.push(error.help(format!("{{ {} }}", example(kind))));
        }
        node
    }
}

struct Parameters<'n> {
    kind: &'n Key,
    entries: &'n [(Key, Node)],
}

impl<'n> Parameters<'n> {
    fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(k, _)| k.text == name).map(|(_, n)| n)
    }
}

fn parameters_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "partial" => &["first", "last", "with"],
        "date" => &["keep"],
        "round" => &["to"],
        "pseudonym" | "fpe" => &["key"],
        "fake" => &["kind", "locale", "key"],
        _ => &[],
    }
}

fn example(kind: &str) -> &'static str {
    match kind {
        "partial" => "partial: { first: 3, last: 4 }",
        "date" => "date: { keep: month }",
        "round" => "round: { to: 1000 }",
        "fake" => "fake: { kind: name, locale: en }",
        _ => "pseudonym: { key: k1 }",
    }
}

/// The one spelling of a mask that stands in a rule without a name: equal exactly for equal masks.
fn spelled(spec: &MaskSpec) -> String {
    let mut text = spec.kind().to_owned();
    let key = |key: &Option<String>| key.as_ref().map_or_else(String::new, |k| format!("key: {k}"));
    let inside = match spec {
        MaskSpec::Partial { first, last, with } => format!("first: {first}, last: {last}, with: {with}"),
        MaskSpec::Date { keep: Keep::Year } => "keep: year".to_owned(),
        MaskSpec::Date { keep: Keep::Month } => "keep: month".to_owned(),
        MaskSpec::Round { to } => format!("to: {to}"),
        MaskSpec::Pseudonym { key: k } | MaskSpec::Fpe { key: k } => key(k),
        MaskSpec::Fake { kind, locale, key: k } => {
            format!("{}, {} {}", format!("{kind:?}").to_lowercase(), format!("{locale:?}").to_lowercase(), key(k)).trim_end().to_owned()
        }
        MaskSpec::Null | MaskSpec::Redact | MaskSpec::Email | MaskSpec::Name | MaskSpec::Card | MaskSpec::Ip => String::new(),
    };
    if !inside.is_empty() {
        let _ = write!(text, " {{ {inside} }}");
    }
    text
}
