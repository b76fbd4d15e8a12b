//! What is stored where a document with masks in it is saved: at each path where it holds the mask of what is there, that stays, and a
//! member that was not shown stays; all else is as it is given (semantics.md, "Write-back").
//!
//! In an array that has changed nobody can say which element is which, so one on the way to a path is stored as it was or not at all.

use super::sql::Form;
use super::{Leaf, Node};
use crate::mask::sql::{call, choose, quote};

/// The form; `raises` is an expression that raises an error.
pub(super) fn document(root: &Node, new: &str, raw: &str, raises: &str) -> Option<String> {
    let mut back = Back { form: Form::new("jsonb"), raises };
    let stored = back.value(root, new, raw)?;
    Some(choose(&format!("{new} IS NOT NULL AND {raw} IS NOT NULL"), &stored, new))
}

struct Back<'a> {
    form: Form,
    raises: &'a str,
}

impl Back<'_> {
    fn value(&mut self, node: &Node, new: &str, raw: &str) -> Option<String> {
        let mask = self.form.value(node, raw, node.levels)?;
        let (array, object) = (self.form.is(new, "array"), self.form.is(new, "object"));
        let changed = match &node.leaf {
            Some(Leaf::Masked(_)) if node.levels == 0 => new.to_owned(),
            Some(Leaf::Masked(_) | Leaf::Absent) => choose(&array, self.raises, new),
            None => {
                let members = if node.any.is_none() { self.members(node, new, raw)? } else { self.raises.to_owned() };
                let of_array = choose(&self.form.is(raw, "array"), self.raises, new);
                let of_object = choose(&self.form.is(raw, "object"), &members, &of_array);
                choose(&object, &of_object, &choose(&array, self.raises, new))
            }
        };
        Some(choose(&call("jsonb_eq", &[new, &mask]), raw, &changed))
    }

    /// An object, member by member: one that was taken away is gone, and one that is new has no mask.
    fn members(&mut self, node: &Node, new: &str, raw: &str) -> Option<String> {
        let mut object = new.to_owned();
        for (name, member) in &node.members {
            let name = quote(name);
            let there = |of: &str| call("jsonb_exists", &[of, &name]);
            let (given, stored) = (call("jsonb_object_field", &[new, &name]), call("jsonb_object_field", &[raw, &name]));
            object = if member.is_absent() {
                let kept = call("jsonb_build_object", &[&format!("{name}::pg_catalog.text"), &stored]);
                let hidden = format!("{} AND NOT {}", there(raw), there(new));
                call("jsonb_concat", &[&object, &choose(&hidden, &kept, "'{}'::pg_catalog.jsonb")])
            } else {
                let value = choose(&there(raw), &self.value(member, &given, &stored)?, &given);
                let value = format!("COALESCE({value}, 'null'::pg_catalog.jsonb)");
                call("jsonb_set", &[&object, &format!("ARRAY[{name}::pg_catalog.text]"), &value, "false"])
            };
        }
        Some(object)
    }
}
