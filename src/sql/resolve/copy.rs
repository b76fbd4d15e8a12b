//! COPY between a table or query and the client (copy.c): its columns, always written out, and its format.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, DefElem, Node};

use super::scope::Item;
use super::target::Out;
use super::{Resolver, Value, absent, inner, name_nodes, strings, unknown};
use crate::sql::effect::{CopyDirection, CopyFormat, Deed};
use crate::sql::model::{Access, Changes, InstanceOf, New, Use, UseKind, Write};
use crate::sql::reject::{Checked, Reject, Syntax};

/// Options as written.
#[derive(Default)]
struct Options {
    /// A word in a row stands for the column's default (16).
    defaulted: bool,
    format: Option<String>,
    delimiter: Option<u8>,
    null: Option<String>,
    quote: Option<u8>,
    escape: Option<u8>,
    header: bool,
    force_quote: Option<Vec<String>>,
}

impl Resolver<'_> {
    pub(super) fn copy(&mut self, copy: &mut protobuf::CopyStmt) -> Checked<()> {
        let protobuf::CopyStmt { relation, query, attlist, is_from, is_program, filename, options, where_clause } = copy;
        if *is_program || !filename.is_empty() {
            let hint = "COPY … TO STDOUT and FROM STDIN go through the connection";
            return Err(Reject::forbidden("copy_file", "COPY to or from a file or program of the server is refused").hint(hint));
        }
        let options = read_options(options)?;
        self.out.defaulted |= options.defaulted;
        match (relation.is_some(), query) {
            (true, None) if *is_from => self.on_level(Vec::new(), |r| r.copy_in(relation, attlist, where_clause))?,
            (true, slot @ None) => *slot = self.on_level(Vec::new(), |r| r.copy_out(relation, attlist))?.map(Box::new),
            (false, Some(query)) if !*is_from => self.copy_query(query)?,
            _ => return Err(unknown("COPY")),
        }
        self.out.returns_rows = false;
        let (direction, format) = (if *is_from { CopyDirection::In } else { CopyDirection::Out }, self.format(options)?);
        self.out.deed = Deed::Copy(direction, format);
        Ok(())
    }

    fn copy_query(&mut self, query: &mut Node) -> Checked<()> {
        self.plannable(query)?;
        absent("COPY of a statement without a result", self.out.outputs.is_some())
    }

    fn copy_out(&mut self, relation: &mut Option<protobuf::RangeVar>, attlist: &mut Vec<Node>) -> Checked<Option<Node>> {
        let item = self.target(relation, Access::Read)?;
        let outs = self.copied(&item, attlist)?;
        outs.iter().for_each(|o| self.touch_value(&o.value));
        self.out.from.extend(item.instance.map(|(id, _)| id));
        self.rows(outs);
        self.veiled_copy(relation, &item, attlist)
    }

    fn copy_in(
        &mut self,
        relation: &mut Option<protobuf::RangeVar>,
        attlist: &mut Vec<Node>,
        condition: &mut Option<Box<Node>>,
    ) -> Checked<()> {
        let item = self.target(relation, Access::CopyIn)?;
        for out in self.copied(&item, attlist)? {
            let writes =
                out.value.flow.sources().iter().map(|s| Write { target: *s, changes: Changes::New, new: New::Other, at: out.value.at });
            self.out.writes.extend(writes);
            self.out.types.extend(out.value.ty.map(|ty| (ty, out.value.at)));
        }
        if let Some(condition) = condition {
            let mut row = (*item).clone();
            for column in row.columns.iter_mut().filter(|c| !c.hidden) {
                column.value = Value::computed(column.value.ty); // what the client sends
            }
            self.show(vec![Rc::new(row)])?;
            self.condition(condition, UseKind::Filter)?;
        }
        Ok(())
    }

    /// The columns that are copied. A missing list is written out: generated columns are not in it (`CopyGetAttnums`), nor are
    /// those that do not exist for the principal.
    fn copied(&mut self, item: &Item, attlist: &mut Vec<Node>) -> Checked<Vec<Out>> {
        absent("COPY of a table whose columns are not known", !item.open)?;
        if attlist.is_empty() {
            let generated = self.generated(item);
            let vanished = item.columns.iter().filter(|c| c.hidden).flat_map(|c| c.value.flow.sources());
            self.out.vanished.extend(vanished.map(|s| Use { source: *s, kind: UseKind::Output, at: -1 }));
            let names: Vec<&str> = item.visible().map(|c| &*c.name).filter(|n| !generated.iter().any(|g| **g == **n)).collect();
            *attlist = name_nodes(&names);
        }
        let mut outs = Vec::with_capacity(attlist.len());
        for name in strings(attlist)? {
            let Some(column) = item.columns.iter().find(|c| &*c.name == name) else {
                let text = format!("column \"{name}\" of relation \"{}\" does not exist", item.name);
                return Err(Reject::postgres(Syntax::UndefinedColumn, text));
            };
            self.saw(name);
            outs.push(Out { name: name.into(), value: column.value.clone(), own: Vec::new() });
        }
        Ok(outs)
    }

    fn generated(&self, item: &Item) -> Vec<Box<str>> {
        let Some((_, InstanceOf::Catalog(oid))) = item.instance else { return Vec::new() };
        let columns = self.cx.catalog.relation(oid).map(|r| r.columns.as_slice()).unwrap_or_default();
        columns.iter().filter(|c| c.generated.is_some()).map(|c| c.name.clone()).collect()
    }

    fn format(&self, options: Options) -> Checked<CopyFormat> {
        let Options { format, delimiter, null, quote, escape, header, force_quote, defaulted: _ } = options;
        match format.as_deref() {
            None | Some("text") => {
                let null = null.unwrap_or_else(|| "\\N".to_owned()).into_bytes().into();
                Ok(CopyFormat::Text { delimiter: delimiter.unwrap_or(b'\t'), null, header })
            }
            Some("csv") => {
                let quote = quote.unwrap_or(b'"');
                Ok(CopyFormat::Csv {
                    delimiter: delimiter.unwrap_or(b','),
                    null: null.unwrap_or_default().into_bytes().into(),
                    quote,
                    escape: escape.unwrap_or(quote),
                    header,
                    force_quote: force_quote.map(|names| self.positions(&names)).transpose()?,
                })
            }
            Some("binary") => Ok(CopyFormat::Binary),
            Some(_) => Err(unknown("a format of COPY")),
        }
    }

    /// Result columns by name, for `FORCE_QUOTE`.
    fn positions(&self, names: &[String]) -> Checked<Vec<usize>> {
        let outputs = self.out.outputs.as_deref().unwrap_or_default();
        let position = |name: &String| outputs.iter().position(|o| *o.name == **name);
        names.iter().map(|n| position(n).ok_or_else(|| unknown("a column of FORCE_QUOTE"))).collect()
    }
}

fn read_options(nodes: &mut [Node]) -> Checked<Options> {
    let mut options = Options::default();
    for node in nodes {
        let NodeEnum::DefElem(option) = inner(node)? else { return Err(unknown("an option of COPY")) };
        let DefElem { defnamespace: _, defname, arg, defaction: _, location: _, arg_location: _ } = &**option;
        let arg = arg.as_deref();
        match defname.as_str() {
            "format" => options.format = Some(text(arg)?.to_owned()),
            "delimiter" => options.delimiter = Some(byte(arg)?),
            "null" => options.null = Some(text(arg)?.to_owned()),
            "quote" => options.quote = Some(byte(arg)?),
            "escape" => options.escape = Some(byte(arg)?),
            "header" => options.header = header(arg)?,
            "force_quote" => {
                options.force_quote = match arg.and_then(|a| a.node.as_ref()) {
                    Some(NodeEnum::AStar(_)) => Some(Vec::new()),
                    Some(NodeEnum::List(list)) => Some(strings(&list.items)?.into_iter().map(str::to_owned).collect()),
                    _ => return Err(unknown("FORCE_QUOTE")),
                }
            }
            "encoding" => {
                let name: String = text(arg)?.chars().filter(char::is_ascii_alphanumeric).collect();
                absent("COPY in an encoding other than UTF8", matches!(name.to_ascii_lowercase().as_str(), "utf8" | "unicode"))?;
            }
            "default" => options.defaulted = true,
            // what a row is that comes in, or what becomes of one that does not fit
            "freeze" | "force_not_null" | "force_null" | "on_error" | "log_verbosity" | "reject_limit" => {}
            _ => return Err(unknown("an option of COPY")),
        }
    }
    Ok(options)
}

fn text(arg: Option<&Node>) -> Checked<&str> {
    match arg.and_then(|a| a.node.as_ref()) {
        Some(NodeEnum::String(s)) => Ok(&s.sval),
        _ => Err(unknown("a value of an option of COPY")),
    }
}

fn byte(arg: Option<&Node>) -> Checked<u8> {
    match text(arg)?.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(unknown("a value of an option of COPY")),
    }
}

/// HEADER: a boolean, or MATCH for COPY FROM (`defGetCopyHeaderChoice`).
fn header(arg: Option<&Node>) -> Checked<bool> {
    let Some(value) = arg.and_then(|a| a.node.as_ref()) else { return Ok(true) };
    match value {
        NodeEnum::Boolean(b) => Ok(b.boolval),
        NodeEnum::Integer(i) if matches!(i.ival, 0 | 1) => Ok(i.ival == 1),
        NodeEnum::String(s) => match s.sval.to_ascii_lowercase().as_str() {
            "true" | "on" | "match" => Ok(true),
            "false" | "off" => Ok(false),
            _ => Err(unknown("HEADER")),
        },
        _ => Err(unknown("HEADER")),
    }
}
