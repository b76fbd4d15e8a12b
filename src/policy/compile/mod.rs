//! From a bound policy to one principal's [`Profile`]: every rule decided, for every relation. The meaning of keys is `bind`'s.

mod defaults;
mod documents;
mod elsewhere;
mod identity;
mod relation;
mod sql_text;
mod verdict;

pub(crate) use sql_text::may_stand_above;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;

use super::bind::BoundPolicy;
use super::model::RoleEntry;
use super::profile::{Principal, Profile};
use crate::catalog::Catalog;

use relation::Maker;
use verdict::Role;

impl BoundPolicy {
    /// What a principal may do on a day, over the catalog that the policy is bound to. A principal without a role that holds on that
    /// day sees nothing.
    #[must_use]
    pub fn profile(&self, principal: &Principal, catalog: &Catalog, today: Date) -> Profile {
        let holds = |role: &RoleEntry| principal.roles.contains(&role.name) && role.until.is_none_or(|day| today <= day);
        let roles: Vec<Role<'_>> = self.model.roles.iter().enumerate().filter(|(_, role)| holds(role)).collect();
        let mut profile = Profile { principal: principal.clone(), ..Profile::default() };
        profile.principal.roles = roles.iter().map(|(_, role)| role.name.clone()).collect();
        profile.last_day = roles.iter().filter_map(|(_, role)| role.until).min();
        profile.unrestricted = roles.iter().any(|(_, role)| role.unrestricted);
        profile.star_refuse = roles.iter().any(|(_, role)| role.star_refuse);
        profile.unclassified_deny = roles.iter().all(|(_, role)| role.unclassified_deny);
        profile.functions = roles.iter().filter_map(|(i, _)| self.functions.get(*i)).flatten().copied().collect();
        profile.statements = roles.iter().flat_map(|(_, role)| role.statements.iter().copied()).collect();
        profile.listen = roles.iter().flat_map(|(_, role)| role.listen.iter().cloned()).collect::<BTreeSet<_>>().into_iter().collect();
        if !profile.unrestricted {
            self.decide(&roles, &mut profile, catalog);
        }
        profile.id = identity::identity(&self.seed, &roles, &profile);
        profile
    }

    fn decide(&self, roles: &[Role<'_>], profile: &mut Profile, catalog: &Catalog) {
        let mut maker = Maker {
            policy: self,
            catalog,
            roles,
            unclassified_deny: profile.unclassified_deny,
            functions: &profile.functions,
            made: self.system.clone(),
            views: HashMap::new(),
            looked_into: BTreeSet::new(),
            carried: BTreeMap::new(),
        };
        maker.looked_into = maker.looked_into();
        maker.carried = maker.carried();
        for oid in &self.order {
            if let (Some(relation), Some(known)) = (catalog.relation(*oid), self.known.get(oid)) {
                maker.relation(relation, known);
            }
        }
        profile.raw_defaults = maker.raw_defaults();
        let Maker { made, views, looked_into, .. } = maker;
        (profile.relations, profile.views, profile.looked_into) = (made, views, looked_into);
    }
}
