//! Where a source can be changed, and how: each place is put behind a switch, so that one build holds every mutant. Places are chosen by
//! their syntax alone, and what is put in is put around what stands there: lines stay where they are, nothing is written twice.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Lit, Pat, ReturnType, Stmt, Type, UnOp};

/// A change that can be switched on.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) line: usize,
    pub(crate) what: &'static str,
    /// What stands there, cut short.
    pub(crate) text: String,
}

/// The unit variants of each enum, by its name: one can stand for another.
pub(crate) type Enums = HashMap<String, Vec<String>>;

/// Reads the enums of a file.
pub(crate) fn enums(file: &syn::File, found: &mut Enums) {
    for item in &file.items {
        if let syn::Item::Enum(item) = item {
            let units = item.variants.iter().filter(|v| v.fields.is_empty() && v.discriminant.is_none()).map(|v| v.ident.to_string());
            // a name that two files use says nothing
            found.entry(item.ident.to_string()).and_modify(Vec::clear).or_insert(units.collect());
        }
    }
}

/// The source with every change in it, and what the changes are; the first has the number `first`. In lines of `spared` nothing is
/// changed.
pub(crate) fn mutate(source: &str, file: &syn::File, enums: &Enums, spared: BTreeSet<usize>, first: usize) -> (String, Vec<Mutant>) {
    let mut places = Places { source, enums, spared, first, mutants: Vec::new(), edits: Vec::new() };
    places.visit_file(file);
    (places.apply(), places.mutants)
}

/// A text put in; at the same offset what ends comes before what begins, the inner end first, the outer beginning first.
struct Edit {
    at: usize,
    until: usize,
    order: (u8, isize),
    text: String,
}

struct Places<'a> {
    source: &'a str,
    enums: &'a Enums,
    spared: BTreeSet<usize>,
    first: usize,
    mutants: Vec<Mutant>,
    edits: Vec<Edit>,
}

/// Answers a question, by the names of this repository and of the standard library.
fn asks(method: &str) -> bool {
    let known = ["contains", "contains_key", "starts_with", "ends_with", "any", "all", "eq_ignore_ascii_case"];
    known.contains(&method) || method.starts_with("is_") || method.starts_with("has_")
}

/// Takes a closure that answers yes or no.
const SIEVES: [&str; 11] =
    ["filter", "find", "position", "retain", "any", "all", "is_some_and", "is_none_or", "take_while", "skip_while", "is_ok_and"];

/// Gives nothing, and changes what it is called on.
const CHANGES: [&str; 3] = ["push", "push_str", "extend"];

fn is_catch_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        // `None` looks the same
        Pat::Ident(name) => name.subpat.is_none() && name.ident.to_string().starts_with(char::is_lowercase),
        _ => false,
    }
}

/// Is negated by itself.
fn is_question(expr: &Expr) -> bool {
    match expr {
        Expr::Binary(binary) => !matches!(binary.op, BinOp::And(_) | BinOp::Or(_)),
        Expr::MethodCall(call) => asks(&call.method.to_string()),
        Expr::Macro(mac) => mac.mac.path.is_ident("matches"),
        Expr::Paren(inner) => is_question(&inner.expr),
        _ => false,
    }
}

fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

/// The body of a closure without arguments to change the type of.
fn body(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Closure(closure) if matches!(closure.output, ReturnType::Default) => Some(&closure.body),
        _ => None,
    }
}

/// A value that is written down: it can stand in another arm.
fn is_written(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(lit) => matches!(lit.lit, Lit::Bool(_) | Lit::Int(_)),
        Expr::Path(path) => path.path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase)),
        Expr::Call(call) => is_written(&call.func) && call.args.iter().all(is_written),
        _ => false,
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| a.path().is_ident("cfg") || a.path().is_ident("test"))
}

/// What a function could give without having done anything.
fn idle(output: &ReturnType) -> Vec<(&'static str, &'static str)> {
    let ReturnType::Type(_, ty) = output else { return vec![("gives nothing", "")] };
    let Type::Path(path) = &**ty else { return Vec::new() };
    let Some(last) = path.path.segments.last() else { return Vec::new() };
    match last.ident.to_string().as_str() {
        "bool" => vec![("gives true", "true"), ("gives false", "false")],
        "Option" => vec![("gives None", "None")],
        "Vec" => vec![("gives an empty list", "Vec::new()")],
        "Result" | "Checked" => match &last.arguments {
            syn::PathArguments::AngleBracketed(list) => match list.args.first() {
                Some(syn::GenericArgument::Type(Type::Tuple(unit))) if unit.elems.is_empty() => vec![("gives Ok(())", "Ok(())")],
                Some(syn::GenericArgument::Type(Type::Path(inner))) => {
                    match inner.path.segments.last().map(|s| s.ident.to_string()).as_deref() {
                        Some("bool") => vec![("gives Ok(true)", "Ok(true)"), ("gives Ok(false)", "Ok(false)")],
                        Some("Option") => vec![("gives Ok(None)", "Ok(None)")],
                        Some("Vec") => vec![("gives an empty list", "Ok(Vec::new())")],
                        _ => Vec::new(),
                    }
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

impl Places<'_> {
    /// A new mutant, and the condition under which it is switched on.
    fn on(&mut self, what: &'static str, at: &impl Spanned) -> String {
        let span = at.span();
        let text: String = self.source[span.byte_range()].split_whitespace().collect::<Vec<_>>().join(" ");
        self.mutants.push(Mutant { line: span.start().line, what, text: text.chars().take(100).collect() });
        format!("crate::mutant::on({})", self.first + self.mutants.len() - 1)
    }

    /// A thing in several lines is spared where one of them is, but for what holds blocks.
    fn is_spared(&self, at: &impl Spanned) -> bool {
        let (start, end) = (at.span().start().line, at.span().end().line);
        self.spared.range(start..=end).next().is_some() && (end - start < 4 || self.spared.contains(&start))
    }

    fn before(&mut self, at: &impl Spanned, text: String) {
        let (start, order) = (at.span().byte_range().start, (1, self.edits.len() as isize));
        self.edits.push(Edit { at: start, until: start, order, text });
    }

    fn after(&mut self, at: &impl Spanned, text: String) {
        let (end, order) = (at.span().byte_range().end, (0, -(self.edits.len() as isize)));
        self.edits.push(Edit { at: end, until: end, order, text });
    }

    fn around(&mut self, at: &impl Spanned, before: String, after: &str) {
        self.before(at, before);
        self.after(at, after.to_owned());
    }

    fn instead(&mut self, range: Range<usize>, text: &str) {
        self.edits.push(Edit { at: range.start, until: range.end, order: (0, isize::MAX), text: text.to_owned() });
    }

    fn apply(&mut self) -> String {
        self.edits.sort_by_key(|e| (e.at, e.order));
        let (mut out, mut done) = (String::with_capacity(self.source.len() * 3), 0);
        for edit in &self.edits {
            out += &self.source[done..edit.at];
            out += &edit.text;
            done = edit.until;
        }
        out + &self.source[done..]
    }

    fn negated(&mut self, expr: &Expr) {
        let on = self.on("negated", expr);
        self.around(expr, "((".into(), &format!(") ^ {on})"));
    }

    fn always(&mut self, expr: &Expr) {
        let on = self.on("always true", expr);
        self.around(expr, format!("({on} || "), ")");
    }

    fn never(&mut self, expr: &Expr) {
        let on = self.on("always false", expr);
        self.around(expr, format!("(!{on} && "), ")");
    }

    fn condition(&mut self, cond: &Expr, endless: bool) {
        if has_let(cond) {
            let on = self.on("always false", cond);
            self.before(cond, format!("!{on} && "));
            return;
        }
        self.never(cond);
        if !endless {
            self.always(cond);
        }
        self.around(cond, "(".into(), ")");
    }

    fn left_out(&mut self, at: &impl Spanned, end: &str) {
        let on = self.on("left out", at);
        self.around(at, format!("if !{on} {{ "), end);
    }

    fn binary(&mut self, binary: &syn::ExprBinary, whole: &Expr) {
        let and = match binary.op {
            BinOp::Eq(_) | BinOp::Ne(_) => return self.negated(whole),
            BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_) => {
                self.negated(whole);
                let on = self.on("other at the boundary", whole);
                let name = match binary.op {
                    BinOp::Lt(_) => "lt",
                    BinOp::Le(_) => "le",
                    BinOp::Gt(_) => "gt",
                    _ => "ge",
                };
                self.around(whole, format!("crate::mutant::{name}({on}, &("), "))");
                return self.instead(binary.op.span().byte_range(), "), &(");
            }
            BinOp::And(_) => true,
            BinOp::Or(_) => false,
            _ => return,
        };
        if !has_let(whole) {
            let on = self.on(if and { "'or' instead of 'and'" } else { "'and' instead of 'or'" }, whole);
            self.around(whole, "((".into(), &format!(") ^ {on})"));
            for side in [&binary.left, &binary.right] {
                self.around(&**side, "((".into(), &format!(") ^ {on})"));
            }
        }
        for side in [&binary.left, &binary.right] {
            let chain =
                matches!(&**side, Expr::Binary(b) if matches!(b.op, BinOp::And(_)) == and && matches!(b.op, BinOp::And(_) | BinOp::Or(_)));
            if !has_let(side) && !chain {
                if and {
                    self.always(side)
                } else {
                    self.never(side)
                }
                self.around(&**side, "(".into(), ")");
            }
        }
    }

    fn method(&mut self, call: &syn::ExprMethodCall, whole: &Expr) {
        let method = call.method.to_string();
        let (method, closure) = (method.as_str(), call.args.first().and_then(body));
        if let ("any" | "all", Some(body)) = (method, closure) {
            let on = self.on(if method == "any" { "'all' instead of 'any'" } else { "'any' instead of 'all'" }, whole);
            self.around(whole, "((".into(), &format!(") ^ {on})"));
            self.around(body, "((".into(), &format!(") ^ {on})"));
        }
        if asks(method) {
            self.negated(whole);
        }
        if let (true, Some(body)) = (SIEVES.contains(&method), closure) {
            self.always(body);
            self.around(body, "(".into(), ")");
        }
        match (method, call.args.first()) {
            ("or_else", Some(Expr::Closure(closure))) if closure.inputs.is_empty() => {
                let on = self.on("no alternative", &*closure.body);
                self.around(&*closure.body, format!("if {on} {{ None }} else {{ "), " }");
            }
            ("chain", Some(more)) => {
                let on = self.on("not chained", more);
                self.around(more, "(".into(), &format!(").into_iter().filter(|_| !{on})"));
            }
            _ => {}
        }
    }

    fn arms(&mut self, arms: &[syn::Arm]) {
        let catches = arms.last().is_some_and(|arm| arm.guard.is_none() && is_catch_all(&arm.pat));
        for (i, arm) in arms.iter().enumerate() {
            match &arm.guard {
                Some((_, guard)) if !has_let(guard) => {
                    self.never(guard);
                    self.always(guard);
                    self.around(&**guard, "(".into(), ")");
                }
                None if catches && i + 1 < arms.len() => {
                    let on = self.on("arm left out", &arm.pat);
                    self.after(&arm.pat, format!(" if !{on}"));
                }
                Some(_) | None => {}
            }
            if let Some(next) = arms.get(i + 1)
                && is_written(&arm.body)
                && is_written(&next.body)
            {
                let (here, there) = (arm.body.span().byte_range(), next.body.span().byte_range());
                if self.source[here] != self.source[there.clone()] {
                    let on = self.on("gives what the next arm gives", arm);
                    let text = &self.source[there];
                    self.around(&*arm.body, format!("if {on} {{ {text} }} else {{ "), " }");
                }
            }
        }
    }

    fn function(&mut self, sig: &syn::Signature, block: &syn::Block) {
        if sig.constness.is_some() {
            return;
        }
        if let Some(first) = block.stmts.first() {
            for (what, value) in idle(&sig.output) {
                let on = self.on(what, sig);
                self.before(first, format!("if {on} {{ return {value}; }} "));
            }
        }
        self.visit_block(block);
    }

    fn variant(&mut self, path: &syn::ExprPath) {
        let mut names = path.path.segments.iter().rev().map(|s| s.ident.to_string());
        let (Some(variant), Some(of)) = (names.next(), names.next()) else { return };
        let Some(units) = self.enums.get(&of) else { return };
        let Some(at) = units.iter().position(|u| *u == variant) else { return };
        let other = &units[(at + 1) % units.len()];
        if *other != variant {
            let on = self.on("another variant", path);
            let before = self.source[path.span().byte_range()].trim_end_matches(&*variant).to_owned();
            self.around(path, format!("(if {on} {{ {before}{other} }} else {{ "), " })");
        }
    }
}

impl<'ast> Visit<'ast> for Places<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            // what is constant is not asked at run time
            syn::Item::Const(_) | syn::Item::Static(_) | syn::Item::Enum(_) | syn::Item::Struct(_) | syn::Item::Macro(_) => return,
            _ => &Vec::new(),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let shown = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last()).is_some_and(|s| s.ident == "Debug");
        if !shown {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            self.function(&item.sig, &item.block);
        }
    }

    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
    fn visit_type(&mut self, _: &'ast Type) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}

    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        match stmt {
            _ if self.is_spared(stmt) => {}
            Stmt::Expr(Expr::MethodCall(_) | Expr::Call(_) | Expr::Try(_), Some(_)) => self.left_out(stmt, " }"),
            Stmt::Expr(Expr::Assign(assign), Some(_)) if !matches!(&*assign.left, Expr::Path(_)) => self.left_out(stmt, " }"),
            Stmt::Expr(Expr::Binary(binary), Some(_)) if !matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => self.left_out(stmt, " }"),
            Stmt::Expr(Expr::ForLoop(_), _) => self.left_out(stmt, " }"),
            Stmt::Item(_) => return,
            Stmt::Local(_) | Stmt::Expr(..) | Stmt::Macro(_) => {}
        }
        visit::visit_stmt(self, stmt);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !self.is_spared(arm)
            && let Expr::MethodCall(call) = &*arm.body
            && CHANGES.contains(&call.method.to_string().as_str())
        {
            self.left_out(&*arm.body, " }");
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            _ if self.is_spared(expr) => {}
            Expr::Binary(binary) => self.binary(binary, expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) && !is_question(&unary.expr) => self.negated(expr),
            Expr::Lit(lit) => match &lit.lit {
                Lit::Bool(_) => self.negated(expr),
                Lit::Int(_) => {
                    let on = self.on("one more", expr);
                    self.around(expr, "(".into(), &format!(" + if {on} {{ 1 }} else {{ 0 }})"));
                }
                _ => {}
            },
            Expr::If(branch) => self.condition(&branch.cond, false),
            Expr::While(branch) => self.condition(&branch.cond, true),
            Expr::Match(choice) => self.arms(&choice.arms),
            Expr::MethodCall(call) => self.method(call, expr),
            Expr::Macro(mac) if mac.mac.path.is_ident("matches") => self.negated(expr),
            Expr::Call(call) => {
                let some = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some"));
                if some && !matches!(call.args.first(), Some(Expr::Reference(_))) {
                    let on = self.on("None instead", expr);
                    self.around(expr, format!("(if {on} {{ None }} else {{ "), " })");
                }
            }
            Expr::Path(path) => self.variant(path),
            // constant where what it holds is
            Expr::Const(_) | Expr::Repeat(_) => return,
            _ => {}
        }
        visit::visit_expr(self, expr);
    }
}
