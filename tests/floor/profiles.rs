//! Two governed principals over the sample shop: an analyst who reads and may write nothing that has a class, and a clerk who finds
//! customers by their address, sees and changes phone numbers, and deletes orders.

use std::collections::HashMap;
use std::sync::Arc;

use pgscrim::base::QualifiedName;
use pgscrim::catalog::{Catalog, Oid};
use pgscrim::mask::{Keep, Keyring, MaskSpec};
use pgscrim::policy::{Absence, ColumnProfile, MaskRule, Outcome, Principal, Profile, RelationProfile, Reveal};

struct Maker<'a> {
    catalog: &'a Catalog,
    role: &'static str,
    relations: HashMap<Oid, RelationProfile>,
}

impl Maker<'_> {
    fn column(&mut self, table: &str, column: &str, read: Outcome, write: bool) {
        let relation = self.catalog.relation_named(&QualifiedName::new("public", table)).unwrap();
        let number = relation.column(column).unwrap().number;
        let class = Some(format!("personal.{table}").into());
        self.relations.entry(relation.oid).or_default().columns.insert(number, ColumnProfile { read, write, class, document: None });
    }

    fn mask(&self, name: &str, spec: &MaskSpec, reveal: Reveal) -> Outcome {
        let mask = Arc::new(spec.compile(name, &Keyring::default()).unwrap());
        Outcome::Masked(MaskRule { name: name.into(), mask, reveal, role: self.role.into() })
    }

    fn delete(&mut self, table: &str) {
        let relation = self.catalog.relation_named(&QualifiedName::new("public", table)).unwrap();
        self.relations.entry(relation.oid).or_default().delete = true;
    }

    fn people(&mut self, reveal: Reveal) {
        let mask = |m: &Self, name: &str, spec: MaskSpec| m.mask(name, &spec, Reveal::default());
        let email = self.mask("email", &MaskSpec::Email, reveal);
        self.column("users", "email", email, false);
        let (name, null) = (mask(self, "name", MaskSpec::Name), mask(self, "null", MaskSpec::Null));
        self.column("users", "full_name", name.clone(), false);
        self.column("users", "id_number", null.clone(), false);
        let year = mask(self, "year", MaskSpec::Date { keep: Keep::Year });
        self.column("users", "birth_date", year, false);
        self.column("addresses", "recipient", name, false);
        self.column("addresses", "street", null, false);
        let card = mask(self, "card_tail", MaskSpec::Partial { first: 0, last: 4, with: '*' });
        self.column("payments", "card_number", card, false);
        self.column("payments", "card_holder", Outcome::Absent(Absence::Denied { role: self.role.into() }), false);
    }

    fn profile(self, login: &str) -> Profile {
        let principal = Principal { login: login.into(), roles: vec![self.role.into()], certificate: None };
        Profile { principal, relations: self.relations, ..Profile::default() }
    }
}

pub(crate) fn analyst(catalog: &Catalog) -> Profile {
    let mut maker = Maker { catalog, role: "analyst", relations: HashMap::new() };
    maker.people(Reveal::default());
    let phone = maker.mask("phone_tail", &MaskSpec::Partial { first: 0, last: 4, with: '*' }, Reveal::default());
    maker.column("users", "phone", phone, false);
    maker.profile("ann")
}

pub(crate) fn clerk(catalog: &Catalog) -> Profile {
    let mut maker = Maker { catalog, role: "support", relations: HashMap::new() };
    maker.people(Reveal { lookup: true, ..Reveal::default() });
    maker.column("users", "phone", Outcome::Clear, true);
    maker.delete("orders");
    maker.profile("carl")
}
