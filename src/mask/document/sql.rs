//! The SQL form of a document's masks: the functions of one family (`jsonb_…`, `json_…`) over each object and array on the way. None of
//! them can fail: each is called on what it takes alone, since CASE looks first. A jsonb without arrays on the way, which most are, needs
//! no query of its own for each of its objects.

use super::{Leaf, NUMERIC, Node, TEXT};
use crate::catalog::Scalar;
use crate::mask::Mask;
use crate::mask::sql::{call, cast, choose, quote, unless_null};

/// Texts that the type json keeps and its functions cannot read. `\\` stands for a backslash, so that goes first; then whole surrogate
/// pairs go, and no escaped half of one may be left, nor an escaped NUL.
const BACKSLASH: &str = r"\\";
const PAIR: &str = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}";
const UNREADABLE: &str = r"\\u(0000|[dD][89abcdefABCDEF])";

/// The form; `None` where a mask has none.
pub(super) fn document(root: &Node, scalar: Scalar, column: &str) -> Option<String> {
    let family = match scalar {
        Scalar::Jsonb => "jsonb",
        Scalar::Json => "json",
        _ => return None,
    };
    let mut form = Form::new(family);
    let whole = form.value(root, column, root.levels)?;
    if family == "jsonb" {
        let short = if root.is_named() { form.without_arrays(root, column, &whole)? } else { whole };
        return Some(unless_null(column, &short));
    }
    let text = format!("({} COLLATE pg_catalog.\"C\")", cast(column, "text"));
    let single = call("replace", &[&text, &quote(BACKSLASH), &quote("/")]);
    let rest = call("regexp_replace", &[&single, &quote(PAIR), &quote("/"), &quote("g")]);
    let readable = choose(&call("textregexeq", &[&rest, &quote(UNREADABLE)]), &form.constant("{}"), &whole);
    Some(unless_null(column, &readable))
}

/// Holds of every place. PostgreSQL takes a hundred elements for granted, one within another ten thousand, and would compile such an
/// expression (`jit_above_cost`) for seconds; of a function's condition it thinks that it holds of one in three (`function_selectivity`).
fn few(item: &str) -> String {
    let holds = |least: &str| call("int8gt", &[&format!("{item}.place"), least]);
    ["0", "-1", "-2", "-3"].map(holds).join(" AND ")
}

#[derive(Debug)]
pub(super) struct Form {
    family: &'static str,
    /// Items of FROM, each of its own name.
    items: usize,
    /// Where arrays are left out: what would be one.
    arrays: Option<Vec<String>>,
}

impl Form {
    pub(super) fn new(family: &'static str) -> Self {
        Self { family, items: 0, arrays: None }
    }

    /// A function of the family.
    fn of(&self, function: &str, arguments: &[&str]) -> String {
        call(&format!("{}_{function}", self.family), arguments)
    }

    fn constant(&self, text: &str) -> String {
        format!("{}::pg_catalog.{}", quote(text), self.family)
    }

    pub(super) fn is(&self, value: &str, kind: &str) -> String {
        call("texteq", &[&self.of("typeof", &[value]), &quote(kind)])
    }

    fn item(&mut self) -> String {
        self.items += 1;
        format!("pgscrim_{}", self.items)
    }

    /// The form, with a shorter one for documents without arrays on the way.
    fn without_arrays(&mut self, root: &Node, column: &str, whole: &str) -> Option<String> {
        self.arrays = Some(Vec::new());
        let short = self.value(root, column, root.levels)?;
        let arrays = self.arrays.take().unwrap_or_default();
        Some(choose(&arrays.join(" OR "), whole, &short))
    }

    /// What stands for a value: for its elements, where it is an array that is looked through. A single value is taken for an array of one,
    /// so that what stands for elements is written once.
    pub(super) fn value(&mut self, node: &Node, value: &str, levels: usize) -> Option<String> {
        let Some(below) = levels.checked_sub(1) else { return self.single(node, value) };
        let array = self.is(value, "array");
        if let Some(arrays) = &mut self.arrays {
            arrays.push(array);
            return self.single(node, value);
        }
        let item = self.item();
        let element = self.value(node, &format!("{item}.value"), below)?;
        let elements = self.of("array_elements", &[&choose(&array, value, &self.of("build_array", &[value]))]);
        let all = format!("pg_catalog.{}_agg({element} ORDER BY {item}.place)", self.family);
        let path = choose(&array, "ARRAY[]::pg_catalog.text[]", "ARRAY['0'::pg_catalog.text]");
        let chosen = self.of("extract_path", &[&format!("COALESCE({all}, {})", self.constant("[]")), &format!("VARIADIC {path}")]);
        Some(format!("(SELECT {chosen} FROM {elements} WITH ORDINALITY AS {item} (value, place) WHERE {})", few(&item)))
    }

    fn single(&mut self, node: &Node, value: &str) -> Option<String> {
        match &node.leaf {
            Some(Leaf::Absent) => Some(self.constant("null")),
            Some(Leaf::Masked(mask)) => self.masked(mask, value),
            None => {
                let object = if self.family == "jsonb" && node.any.is_none() { self.set(node, value)? } else { self.rebuilt(node, value)? };
                let emptied = choose(&self.is(value, "array"), &self.constant("[]"), value);
                Some(choose(&self.is(value, "object"), &object, &emptied))
            }
        }
    }

    /// An object of which few members change. What stands for one that is not there is not looked at.
    fn set(&mut self, node: &Node, value: &str) -> Option<String> {
        let mut object = value.to_owned();
        for (name, member) in &node.members {
            let name = quote(name);
            object = if member.is_absent() {
                self.of("delete", &[&object, &format!("{name}::pg_catalog.text")])
            } else {
                let old = self.of("object_field", &[value, &name]);
                let new = format!("COALESCE({}, {})", self.value(member, &old, member.levels)?, self.constant("null"));
                self.of("set", &[&object, &format!("ARRAY[{name}::pg_catalog.text]"), &new, "false"])
            };
        }
        Some(object)
    }

    /// An object made of its members again.
    fn rebuilt(&mut self, node: &Node, value: &str) -> Option<String> {
        let item = self.item();
        let (old, key) = (format!("{item}.value"), format!("{item}.key"));
        let (mut new, mut stays) = match node.any.as_deref() {
            Some(any) if any.is_absent() => (old.clone(), "false".to_owned()),
            Some(any) => (self.value(any, &old, any.levels)?, "true".to_owned()),
            None => (old.clone(), "true".to_owned()),
        };
        for (name, member) in &node.members {
            let named = call("texteq", &[&key, &quote(name)]);
            if member.is_absent() {
                stays = choose(&named, "false", &stays);
            } else {
                let masked = if member.is_clear() { old.clone() } else { self.value(member, &old, member.levels)? };
                new = choose(&named, &masked, &new);
                stays = choose(&named, "true", &stays);
            }
        }
        let members = self.of("each", &[value]);
        let all = format!("pg_catalog.{}_object_agg({key}, {new} ORDER BY {item}.place) FILTER (WHERE {stays})", self.family);
        let empty = self.constant("{}");
        Some(format!("(SELECT COALESCE({all}, {empty}) FROM {members} WITH ORDINALITY AS {item} (key, value, place) WHERE {})", few(&item)))
    }

    /// What a mask says of texts and numbers, the harmless value of anything else.
    fn masked(&self, mask: &Mask, value: &str) -> Option<String> {
        let null = self.constant("null");
        if mask.is_null() {
            return Some(unless_null(value, &null));
        }
        let content = self.of("extract_path_text", &[value, "VARIADIC ARRAY[]::pg_catalog.text[]"]);
        let to = |form: &str| call(&format!("to_{}", self.family), &[form]);
        let text = match mask.laws(&TEXT) {
            Some(_) => to(&mask.sql(&TEXT, &content)?),
            None => self.constant("\"***\""),
        };
        let number = match mask.laws(&NUMERIC) {
            Some(laws) if laws.constant => self.constant("0"),
            Some(_) => to(&mask.sql(&NUMERIC, &cast(&content, "numeric"))?),
            None => self.constant("0"),
        };
        let kinds = [("array", "[]"), ("object", "{}"), ("boolean", "false")];
        let other =
            kinds.iter().fold(value.to_owned(), |rest, (kind, harmless)| choose(&self.is(value, kind), &self.constant(harmless), &rest));
        let number = choose(&self.is(value, "number"), &number, &other);
        Some(choose(&self.is(value, "string"), &text, &number))
    }
}
