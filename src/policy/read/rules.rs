//! The rules of `read` and `write`: what they are about, and what they say.

use super::Reader;
use crate::base::yaml::{Key, Node, Value};
use crate::base::{Diagnostic, Place};
use crate::policy::key::ObjectKey;
use crate::policy::model::{ReadRule, Rule, Target, When, covers};
use crate::policy::profile::Reveal;

/// How deep conditional rules may stand in each other.
const DEPTH: usize = 8;

impl Reader<'_> {
    pub(super) fn read_rules(&mut self, node: &Node) -> Vec<Rule<ReadRule>> {
        let mut rules = Vec::new();
        for (key, value) in self.map("'read'", node) {
            let target = self.target(key);
            let (said, optional) = self.rule_value(value);
            let value = self.read_rule(said, 0);
            if let (Some(target), Some(value)) = (target, value) {
                rules.push(Rule { target, place: key.place.clone(), value, optional });
            }
        }
        rules
    }

    pub(super) fn write_rules(&mut self, node: &Node) -> Vec<Rule<bool>> {
        let mut rules = Vec::new();
        for (key, value) in self.map("'write'", node) {
            let target = self.target(key);
            let (said, optional) = self.rule_value(value);
            let value = self.word("a rule of 'write'", said, &["allow", "deny"]);
            if let (Some(target), Some(value)) = (target, value) {
                rules.push(Rule { target, place: key.place.clone(), value: value == "allow", optional });
            }
        }
        rules
    }

    /// `{ rule: allow, optional: true }`, or the rule alone; also `optional` beside `mask` or `when`.
    fn rule_value<'n>(&mut self, node: &'n Node) -> (&'n Node, bool) {
        let optional = node.get("optional").is_some_and(|value| self.flag("'optional'", value) == Some(true));
        let Some(rule) = node.get("rule") else { return (node, optional) };
        for (key, _) in node.map().unwrap_or(&[]) {
            self.known(key, &["rule", "optional"]);
        }
        (rule, optional)
    }

    /// A class where one has that name, or part of the name of one; else a table or column.
    fn target(&mut self, key: &Key) -> Option<Target> {
        let text = key.text.as_str();
        if self.classes.iter().any(|class| covers(text, class)) {
            return Some(Target::Class(text.into()));
        }
        let object = self.object_key(text, &key.place)?;
        if object.parts.len() < 2 || self.looks_like_class(&object) {
            self.no_class(text, &key.place);
            return None;
        }
        if object.path.is_some() && object.parts.len() < 3 {
            self.error(&key.place, format!("'{text}' has a path but names no column"));
            return None;
        }
        self.not_system(&object, &key.place).then_some(Target::Object(object))
    }

    /// Begins like a class and names no schema that `tables` knows.
    fn looks_like_class(&self, key: &ObjectKey) -> bool {
        let Some(root) = key.parts.first().map(ToString::to_string) else { return false };
        let class = self.classes.iter().any(|class| covers(&root, class));
        class && !self.roots.contains(&root)
    }

    fn no_class(&mut self, text: &str, place: &Place) {
        let error = Diagnostic::error(place.clone(), format!("'{text}' is no class, and no table or column with its schema"));
        self.found.push(error.help_nearest(text, self.classes.iter().map(|c| &**c)));
    }

    fn read_rule(&mut self, node: &Node, depth: usize) -> Option<ReadRule> {
        match (&node.value, node.text()) {
            (_, Some("allow")) => Some(ReadRule::Allow),
            (_, Some("deny")) => Some(ReadRule::Deny),
            (Value::Map(_), _) if node.get("when").is_some() => self.when(node, depth),
            (Value::Map(_), _) if node.get("mask").is_some() => self.mask_rule(node),
            (_, Some(other)) => {
                let error = Diagnostic::error(node.place.clone(), format!("a rule cannot be '{other}'"));
                self.found.push(if self.names_mask(other) {
                    error.help(format!("a mask is written {{ mask: {other} }}"))
                } else {
                    error.help("allow, deny, { mask: … } or { when: …, then: …, else: … }")
                });
                None
            }
            _ => {
                let error = Diagnostic::error(node.place.clone(), "this is no rule");
                self.found.push(error.help("allow, deny, { mask: … } or { when: …, then: …, else: … }"));
                for (key, _) in node.map().unwrap_or(&[]) {
                    self.known(key, &["mask", "reveal", "when", "then", "else", "optional"]);
                }
                None
            }
        }
    }

    fn names_mask(&self, name: &str) -> bool {
        crate::mask::MaskSpec::KINDS.contains(&name) || self.masks.contains(name)
    }

    fn mask_rule(&mut self, node: &Node) -> Option<ReadRule> {
        let mut rule = None;
        let mut reveal = Reveal::default();
        for (key, value) in node.map().unwrap_or(&[]) {
            match key.text.as_str() {
                "mask" => rule = self.mask_use(value),
                "reveal" => reveal = self.reveal(value),
                "optional" => {}
                _ => {
                    self.known(key, &["mask", "reveal", "optional"]);
                }
            }
        }
        rule.map(|mut rule| {
            rule.reveal = reveal;
            ReadRule::Mask(rule)
        })
    }

    fn reveal(&mut self, node: &Node) -> Reveal {
        let mut reveal = Reveal::default();
        for item in self.list("'reveal'", node) {
            match self.word("'reveal'", item, &["lookup", "equality", "order"]) {
                Some("lookup") => reveal.lookup = true,
                Some("equality") => reveal.equality = true,
                Some(_) => reveal.order = true,
                None => {}
            }
        }
        reveal
    }

    /// SQL of a policy is read when the policy is: a mistake in it is not found by the first client.
    pub(super) fn condition(&mut self, sql: &str, place: &Place) {
        if let Err(reject) = crate::sql::condition(sql) {
            let error = Diagnostic::error(place.clone(), format!("this condition cannot be read: {}", reject.message));
            self.found.push(error.help("one SQL expression over the table's columns, like region = 'EU'"));
        }
    }

    fn when(&mut self, node: &Node, depth: usize) -> Option<ReadRule> {
        if depth >= DEPTH {
            self.error(&node.place, format!("conditional rules stand in each other more than {DEPTH} deep"));
            return None;
        }
        let (mut sql, mut then, mut otherwise) = (None, None, None);
        for (key, value) in node.map().unwrap_or(&[]) {
            match key.text.as_str() {
                "when" => sql = self.text("'when'", value),
                "then" => then = self.read_rule(value, depth + 1),
                "else" => otherwise = self.read_rule(value, depth + 1),
                "optional" => {}
                _ => {
                    self.known(key, &["when", "then", "else", "optional"]);
                }
            }
        }
        for branch in ["then", "else"] {
            if node.get(branch).is_none() {
                self.error(&node.place, format!("a rule with 'when' needs '{branch}'"));
            }
        }
        let sql = sql?;
        if let Some(value) = node.get("when") {
            self.condition(sql, &value.place);
        }
        Some(ReadRule::When(Box::new(When { sql: sql.into(), then: then?, otherwise: otherwise? })))
    }
}
