//! A policy held against a catalog: which relations, columns and functions its keys mean, its masks with their keys, and who is in
//! which role. What a principal sees is made of it in `compile`.

mod composites;
mod names;
mod order;
mod relations;
mod taint;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use super::load::Policy;
use super::model::{FunctionKey, MaskUse, Member, Model, ReadRule};
use super::profile::{Absence, ColumnProfile, MaskRule, Outcome, Principal, RelationProfile, Reveal, RowCondition};
use crate::base::{Diagnostic, Diagnostics, Place};
use crate::catalog::{Catalog, FIRST_NORMAL_OID, Oid, Relation, SystemClass, system_class, system_rows};
use crate::mask::{Keyring, Mask};

pub(crate) use composites::CompositeType;
use composites::Composites;
pub(crate) use names::{Known, Rank, has_rows, is_system};
pub(crate) use order::below;
pub(crate) use relations::{BoundColumn, BoundRelation, RoleRules};

/// A policy over one database's catalog. Immutable; made anew when either changes.
#[derive(Debug)]
pub struct BoundPolicy {
    pub(super) model: Arc<Model>,
    digest: Arc<str>,
    /// Of the keys: what every profile's id begins with.
    pub(super) seed: [u8; 32],
    pub(super) known: BTreeMap<Oid, Known>,
    pub(super) relations: BTreeMap<Oid, BoundRelation>,
    pub(super) composites: Composites,
    /// All relations that a policy can be about, what they depend on first.
    pub(super) order: Vec<Oid>,
    /// Those whose dependencies go in a circle.
    pub(super) circle: HashSet<Oid>,
    /// Types that hold rows of classified tables.
    pub(super) row_types: HashSet<Oid>,
    /// What the shipped classification says, by relation.
    pub(super) system: HashMap<Oid, RelationProfile>,
    /// Masks by name and purpose.
    masks: HashMap<(Arc<str>, Arc<str>), Arc<Mask>>,
    /// By role: functions from outside PostgreSQL that it may call.
    pub(super) functions: Vec<BTreeSet<Oid>>,
}

impl BoundPolicy {
    pub(super) fn new(
        policy: &Policy,
        before: Option<&Self>,
        catalog: &Catalog,
        keys: &Keyring,
    ) -> Result<(Self, Diagnostics), Diagnostics> {
        let model = Arc::clone(policy.model(&catalog.contents().database));
        let mut found = Diagnostics::default();
        let known = names::known(catalog, before.map(|b| &b.known));
        let strict = before.is_none();
        let composites = composites::composites(catalog, before.map(|b| &b.composites));
        let relations = relations::Binder::new(&model, catalog, (&known, &composites), strict, &mut found).relations();
        let all: Vec<Oid> = known.keys().copied().collect();
        let (order, circle) = order::order(catalog, &all);
        let classified = classified(&model, catalog, &relations, &order);
        let bound = Self {
            digest: Arc::clone(&policy.digest),
            seed: seed(keys),
            row_types: taint::row_types(catalog, &classified),
            system: system(catalog),
            masks: masks(&model, keys, &mut found),
            functions: functions(&model, catalog, strict, &mut found),
            model,
            known,
            relations,
            composites,
            order,
            circle,
        };
        bound.members(catalog, &mut found);
        if found.has_errors() { Err(found) } else { Ok((bound, found)) }
    }

    /// `sha256:` and hex: which policy it is.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The day that it is now in `defaults.timezone`, as this database's documents say.
    #[must_use]
    pub fn today(&self, now: jiff::Timestamp) -> Date {
        now.to_zoned(self.model.time_zone.clone()).date()
    }

    /// Who a login is: its roles that hold on `today`, in the order of the document. `None` where it has none, or all have ended.
    #[must_use]
    pub fn principal(&self, login: &str, certificate: Option<&str>, catalog: &Catalog, today: Date) -> Option<Principal> {
        let groups = catalog.memberships(login);
        let is = |member: &Member| match member {
            Member::Login(name) => **name == *login,
            Member::Group(name) => **name != *login && groups.contains(&&**name),
            Member::Certificate(name) => certificate == Some(&**name),
        };
        let mut roles: Vec<usize> = Vec::new();
        for (i, role) in self.model.roles.iter().enumerate() {
            if role.members.iter().any(|(member, _)| is(member)) {
                roles.push(i);
            }
        }
        if roles.is_empty() {
            roles.extend(self.model.default_role);
        }
        let roles: Vec<Arc<str>> = roles
            .into_iter()
            .filter_map(|i| self.model.roles.get(i))
            .filter(|r| r.until.is_none_or(|day| today <= day))
            .map(|r| Arc::clone(&r.name))
            .collect();
        (!roles.is_empty()).then(|| Principal { login: login.into(), roles, certificate: certificate.map(Into::into) })
    }

    /// The mask that a rule uses.
    pub(super) fn mask(&self, used: &MaskUse, role: &Arc<str>) -> Option<MaskRule> {
        let mask = self.masks.get(&(Arc::clone(&used.name), Arc::clone(&used.purpose)))?;
        Some(MaskRule { name: Arc::clone(&used.name), mask: Arc::clone(mask), reveal: used.reveal, role: Arc::clone(role) })
    }

    /// Members that the database does not have.
    fn members(&self, catalog: &Catalog, found: &mut Diagnostics) {
        for (member, place) in self.model.roles.iter().flat_map(|r| &r.members) {
            let (Member::Login(name) | Member::Group(name)) = member else { continue };
            if catalog.role(name).is_none() {
                let known = catalog.contents().roles.iter().map(|r| &*r.name);
                let warning = Diagnostic::warning(place.clone(), format!("the server has no role '{name}'"));
                found.push(warning.help_nearest(name, known));
            }
        }
    }
}

/// Relations with a class, or with rules that veil, themselves or in what they are made of.
fn classified(model: &Model, catalog: &Catalog, bound: &BTreeMap<Oid, BoundRelation>, order: &[Oid]) -> HashSet<Oid> {
    let veils = |of: &BoundRelation| {
        let role = |(role, rules): (&super::model::RoleEntry, &RoleRules)| {
            rules.rows.is_some() || rules.read.iter().filter_map(|i| role.read.get(*i)).any(|r| r.value != ReadRule::Allow)
        };
        !of.columns.is_empty() || of.rest.is_some() || model.roles.iter().zip(&of.roles).any(role)
    };
    let mut classified: HashSet<Oid> = bound.iter().filter(|(_, of)| veils(of)).map(|(oid, _)| *oid).collect();
    for oid in order {
        if catalog.relation(*oid).is_some_and(|r| below(r).any(|o| classified.contains(&o))) {
            classified.insert(*oid);
        }
    }
    classified
}

fn seed(keys: &Keyring) -> [u8; 32] {
    let mut hash = Sha256::new();
    for name in keys.current().into_iter().chain(keys.names()) {
        hash.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(name.as_bytes());
        if let Ok(check) = keys.derive(Some(name), &["policy profile"]) {
            hash.update(check.expose());
        }
    }
    hash.finalize().into()
}

/// Compiles every mask that a rule uses.
fn masks(model: &Model, keys: &Keyring, found: &mut Diagnostics) -> HashMap<(Arc<str>, Arc<str>), Arc<Mask>> {
    let mut masks = HashMap::new();
    for rule in model.roles.iter().flat_map(|r| &r.read) {
        for used in uses(&rule.value) {
            let key = (Arc::clone(&used.name), Arc::clone(&used.purpose));
            if masks.contains_key(&key) {
                continue;
            }
            match used.spec.compile(&used.purpose, keys) {
                Ok(mask) => {
                    masks.insert(key, Arc::new(mask));
                }
                Err(missing) => no_key(&rule.place, &used.name, &missing, found),
            }
        }
    }
    masks
}

fn no_key(place: &Place, name: &str, missing: &crate::mask::KeyMissing, found: &mut Diagnostics) {
    let error = Diagnostic::error(place.clone(), format!("mask '{name}' needs a key: {missing}"));
    found.push(error.help("'pgscrim keyring init keyring.yaml' makes one, and 'keyring: keyring.yaml' in the configuration names it"));
}

/// The masks in a rule, branches included.
fn uses(rule: &ReadRule) -> Vec<&MaskUse> {
    match rule {
        ReadRule::Allow | ReadRule::Deny => Vec::new(),
        ReadRule::Mask(used) => vec![used],
        ReadRule::When(when) => uses(&when.then).into_iter().chain(uses(&when.otherwise)).collect(),
    }
}

fn functions(model: &Model, catalog: &Catalog, strict: bool, found: &mut Diagnostics) -> Vec<BTreeSet<Oid>> {
    let foreign = || catalog.contents().functions.iter().filter(|f| f.oid >= FIRST_NORMAL_OID);
    let mut all = Vec::new();
    for role in &model.roles {
        let mut of_role = BTreeSet::new();
        for (key, place) in &role.functions {
            let before = of_role.len();
            let fits = |f: &&crate::catalog::Function| match key {
                FunctionKey::Named(key) => key.matches_table(&f.name),
                FunctionKey::Extension(name) => f.extension.as_deref() == Some(&**name),
            };
            let oids: Vec<Oid> = foreign().filter(fits).map(|f| f.oid).collect();
            of_role.extend(&oids);
            if oids.is_empty() && of_role.len() == before {
                let message = match key {
                    FunctionKey::Named(key) => format!("no function of the database is called '{key}'"),
                    FunctionKey::Extension(name) => format!("the database has no function of an extension '{name}'"),
                };
                found.push(if strict { Diagnostic::error(place.clone(), message) } else { Diagnostic::warning(place.clone(), message) });
            }
        }
        all.push(of_role);
    }
    all
}

/// What every governed principal sees of the server's own relations.
fn system(catalog: &Catalog) -> HashMap<Oid, RelationProfile> {
    let mut system = HashMap::new();
    for relation in catalog.relations() {
        let class = system_class(&relation.name.schema, &relation.name.name);
        let mut profile = match class {
            Some(SystemClass::Clear) => continue,
            Some(SystemClass::Null(columns)) => reads_null(relation, columns),
            Some(SystemClass::Forbidden) => forbidden(relation),
            None if is_system(relation) && has_rows(relation.kind) => forbidden(relation),
            None => continue,
        };
        profile.rows = system_rows(&relation.name.schema, &relation.name.name)
            .map(|sql| RowCondition { sql: sql.into(), reads: relation.columns.iter().map(|c| c.number).collect() });
        system.insert(relation.oid, profile);
    }
    system
}

fn reads_null(relation: &Relation, columns: &[String]) -> RelationProfile {
    let rule = MaskRule { name: "null".into(), mask: Arc::new(Mask::null()), reveal: Reveal::default(), role: "system catalog".into() };
    let mut profile = RelationProfile::default();
    for column in relation.columns.iter().filter(|c| columns.iter().any(|n| **n == *c.name)) {
        profile.columns.insert(column.number, of_system(Outcome::Masked(rule.clone())));
    }
    profile
}

fn of_system(read: Outcome) -> ColumnProfile {
    ColumnProfile { read, write: false, class: None, document: None }
}

fn forbidden(relation: &Relation) -> RelationProfile {
    let absent = of_system(Outcome::Absent(Absence::System));
    let columns = relation.columns.iter().map(|c| (c.number, absent.clone())).collect();
    RelationProfile { columns, other_columns: Some(Absence::System), ..RelationProfile::default() }
}
