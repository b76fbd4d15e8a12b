//! Triggers on classified tables that write elsewhere: what they copy has no class there. Found by the words of their functions.

use super::Examined;
use crate::base::Diagnostic;
use crate::catalog::Trigger;
use crate::policy::bind::BoundRelation;

/// Words of statements that store or send something.
const WRITES: &[&str] = &["insert", "update", "merge", "copy", "execute", "perform", "notify", "pg_notify", "dblink", "dblink_exec"];
/// Languages whose text is SQL or close to it.
const READABLE: &[&str] = &["plpgsql", "sql"];

impl Examined<'_> {
    pub(super) fn triggers(&mut self) {
        let classified = |b: &BoundRelation| b.columns.values().any(|c| c.classes().next().is_some());
        let mut found = Vec::new();
        for trigger in self.triggers {
            let Some(relation) = self.catalog.relation(trigger.relation) else { continue };
            if !self.policy.relations.get(&relation.oid).is_some_and(classified) {
                continue;
            }
            let Some(does) = does(trigger) else { continue };
            let message = format!("trigger '{}' on classified table '{}' {does}", trigger.name, relation.name);
            let warning = Diagnostic::warning(None, message);
            found.push(warning.help(format!("see function {}: what it stores elsewhere needs a class there", trigger.function)));
        }
        found.into_iter().for_each(|d| self.say(d));
    }
}

/// What its function may do with a row, beside changing it.
fn does(trigger: &Trigger) -> Option<String> {
    if !READABLE.contains(&&*trigger.language) {
        return Some(format!("runs code in {} that cannot be read here, and may write elsewhere", trigger.language));
    }
    let lower = trigger.source.to_lowercase();
    let mut words = lower.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.find(|w| WRITES.contains(w)).map(|word| format!("may write elsewhere (its function says '{}')", word.to_uppercase()))
}
