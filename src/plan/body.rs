//! Functions in SQL act on the veiled database like the statement that calls them: a body that may run as it is for the principal is left to the server,
//! one that reads what is veiled is put in the place of its call. What is in another language, SECURITY DEFINER, or an extension's is not looked into: the
//! role's `functions` speaks for it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::decide::{self, Allowance, is_veiled};
use super::permit::Kind;
use super::{SessionRelation, Setting, view};
use crate::base::named;
use crate::catalog::{Body, FIRST_NORMAL_OID, Function, FunctionClass, Oid, class_of};
use crate::sql::effect::Deed;
use crate::sql::model::{Access, Analysis, Call, Instance};
use crate::sql::{self, Checked, Context, Local, MAX_DEPTH, Reject};

/// The longest body that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// What is known of the functions that a statement calls.
#[derive(Debug)]
pub(super) struct Bodies<'a> {
    setting: Setting<'a>,
    veiled: RefCell<BTreeMap<Oid, bool>>,
}

impl<'a> Bodies<'a> {
    /// Of functions for a principal.
    pub(super) fn new(setting: Setting<'a>) -> Self {
        Self { setting, veiled: RefCell::default() }
    }

    /// Whether a function that the principal may call has a body which may not run as it is. It is asked within a tree that may be so high.
    pub(super) fn is_veiled(&self, oid: Oid, below: u32) -> bool {
        let (catalog, profile) = (self.setting.catalog, self.setting.profile);
        let Some(function) = catalog.function(oid).filter(|_| !profile.unrestricted && profile.functions.contains(&oid)) else {
            return false;
        };
        let Some(body) = &function.body else { return false };
        if let Some(known) = self.veiled.borrow().get(&oid) {
            return *known;
        }
        // one that comes to call itself is never read to its end
        self.veiled.borrow_mut().insert(oid, true);
        let veiled = !self.runs_as_it_is(function, body, below).unwrap_or(false);
        self.veiled.borrow_mut().insert(oid, veiled);
        veiled
    }

    /// Whether each statement of a body would be sent as it is, were it the principal's own, whatever `search_path` is when it runs: a cursor may run it
    /// under another than that of its DECLARE.
    fn runs_as_it_is(&self, function: &Function, body: &Body, below: u32) -> Checked<bool> {
        let (catalog, profile) = (self.setting.catalog, self.setting.profile);
        let text = body.statements();
        if body.sets || below + sql::height(&text, LONGEST)? > MAX_DEPTH {
            return Ok(false);
        }
        let schemas = catalog.contents().schemas.iter().map(|(_, name)| name.clone()).filter(|name| **name != *"pg_catalog");
        let path: Vec<Box<str>> = std::iter::once("pg_catalog".into()).chain(schemas.filter(|_| !body.bound)).collect();
        let hidden = |relation, column| view::hides(catalog, profile, relation, column);
        let inside = |oid| view::definition(catalog, profile, &BTreeSet::new(), oid);
        let locals: Vec<Local<'_>> = self.setting.names.relations.iter().map(SessionRelation::local).collect();
        for mut statement in sql::read(&text, LONGEST)?.statements {
            let cx = Context {
                locals: &locals,
                hidden: &hidden,
                inside: &inside,
                function: Some(function),
                below,
                ..Context::bare(catalog, &path)
            };
            let analysis = sql::analyse(&mut statement, cx).map_err(|(reject, _)| reject)?;
            let plain = analysis.needs.is_empty() && matches!(analysis.deed, Deed::None) && !analysis.puts_in_place();
            let open = analysis.instances.iter().filter_map(Instance::relation).all(|oid| !is_veiled(catalog, profile, oid));
            let certain = body.bound || self.is_certain(&analysis);
            if !plain || !open || !certain || self.check(&analysis, below).is_err() {
                return Ok(false);
            }
            match decide::decide(&analysis, self.setting, Allowance::None) {
                Ok(decided) if decided.kind == Kind::Forward => {}
                Ok(_) | Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Whether each name in a body means the same under any `search_path`: relations have theirs alone, functions are PostgreSQL's or ones that the principal
    /// may call, and types run none.
    fn is_certain(&self, analysis: &Analysis) -> bool {
        let (catalog, profile) = (self.setting.catalog, self.setting.profile);
        let own = |name: &str| self.setting.names.relations.iter().filter(|r| *r.name == *name).count();
        let one = |name: &str| catalog.relations_named(name).count() + own(name) == 1;
        let moves = |call: &&Call| {
            let mut functions = call.candidates.iter().filter_map(|oid| catalog.function(*oid));
            functions.any(|f| class_of(&f.name.name) == Some(FunctionClass::Sequence))
        };
        let sequence = |call: &Call| call.first.as_deref().and_then(named).is_some_and(|(_, name)| one(&name));
        let known = |oid: Oid| oid < FIRST_NORMAL_OID || profile.functions.contains(&oid);
        let called = analysis.calls.iter().flat_map(|c| &c.candidates).filter_map(|oid| catalog.function(*oid)).map(|f| &*f.name.name);
        let types = analysis.types.iter().filter_map(|(oid, _)| catalog.type_info(*oid)).map(|t| &*t.name.name);
        analysis.instances.iter().all(|i| one(&i.name.name))
            && analysis.calls.iter().filter(moves).all(sequence)
            && called.flat_map(|name| catalog.functions_named(name)).all(|f| known(f.oid))
            && types.flat_map(|name| catalog.types_named(name)).all(|t| !t.foreign_code)
    }

    /// Refuses what calls a body that may not run as it is and that was not put in the call's place.
    ///
    /// # Errors
    /// The first such call.
    pub(super) fn check(&self, analysis: &Analysis, below: u32) -> Checked<()> {
        let catalog = self.setting.catalog;
        for call in &analysis.calls {
            if let Some(function) = call.candidates.iter().filter(|oid| self.is_veiled(**oid, below)).find_map(|oid| catalog.function(*oid))
            {
                let message =
                    format!("the body of function \"{}\" may read what is veiled, and cannot be put in its place here", function.name);
                return Err(Reject::unclear("function", message)
                    .hint("call it in the FROM clause or in the select list of a query")
                    .at(call.at));
            }
        }
        let writes = analysis.instances.iter().any(|i| !matches!(i.access, Access::Read | Access::Lock));
        let changes = |oid: Oid| catalog.function(oid).is_none_or(|f| f.volatility == 'v');
        match analysis.bodies.iter().find(|put| writes && changes(put.function)) {
            Some(put) => {
                Err(Reject::unclear("function", "a VOLATILE function whose body reads what is veiled, in a statement that writes")
                    .at(put.at))
            }
            None => Ok(()),
        }
    }
}
