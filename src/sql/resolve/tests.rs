use super::*;
use crate::sql::{RefusalKind, Syntax, print, read};

mod beside;
mod json;
mod query;
mod session;
pub(in crate::sql) mod shop;
mod write;

/// Analyses one statement; columns numbered in `hidden` do not exist in `users`.
fn run(text: &str, hidden: &[i16]) -> Result<(Analysis, String), Reject> {
    run_over(&shop::catalog(), text, hidden)
}

fn run_over(catalog: &Catalog, text: &str, hidden: &[i16]) -> Result<(Analysis, String), Reject> {
    let mut parsed = read(text, 1 << 20)?.statements.remove(0);
    let path: Vec<Box<str>> = vec!["pg_catalog".into(), "public".into()];
    let is_hidden = |oid: Oid, column: i16| oid == shop::USERS && hidden.contains(&column);
    let cx = Context { hidden: &is_hidden, ..Context::bare(catalog, &path) };
    let analysis = analyse(&mut parsed, cx).map_err(|(reject, _)| reject)?;
    let text = print(&parsed, text, &analysis)?.text().to_string();
    Ok((analysis, text))
}

fn analysed(text: &str) -> Analysis {
    run(text, &[]).unwrap_or_else(|e| panic!("{text}: {e:?}")).0
}

fn printed(text: &str) -> String {
    run(text, &[]).unwrap_or_else(|e| panic!("{text}: {e:?}")).1
}

fn refused(text: &str) -> Reject {
    run(text, &[]).map(|(a, _)| panic!("{text}: {a:?}")).unwrap_err()
}

/// `users#0.email`, by instance and column.
fn shown(analysis: &Analysis, source: crate::sql::model::Source) -> String {
    let instance = &analysis.instances[source.instance.0 as usize];
    let catalog = shop::catalog();
    let column = catalog.relation_named(&instance.name).and_then(|r| r.column_number(source.column)).map(|c| c.name.to_string());
    format!("{}#{}.{}", instance.name.name, source.instance.0, column.unwrap_or_else(|| source.column.to_string()))
}

/// The uses, `Kind users#0.email` each.
fn uses(text: &str) -> Vec<String> {
    let analysis = analysed(text);
    analysis.uses.iter().map(|u| format!("{:?} {}", u.kind, shown(&analysis, u.source))).collect()
}

/// The result columns, `name: flow` each.
fn outputs(text: &str) -> Vec<String> {
    outputs_of(&analysed(text))
}

fn outputs_of(analysis: &Analysis) -> Vec<String> {
    let flow = |f: &Flow| {
        let sources: Vec<String> = f.sources().iter().map(|s| shown(analysis, *s)).collect();
        match f {
            Flow::Plain(_) => sources.join("|"),
            Flow::Mixed(_) => format!("mixed {}", sources.join("|")),
            Flow::Null => "null".to_owned(),
            Flow::Computed => "computed".to_owned(),
        }
    };
    analysis.outputs.iter().flatten().map(|o| format!("{}: {}", o.name, flow(&o.flow))).collect()
}
