//! Columns that look personal by their names and have no class. A guess that somebody should look at, never a decision.

use std::collections::BTreeMap;

use super::{Examined, named};
use crate::base::Diagnostic;
use crate::catalog::{Column, Relation, RelationKind, Scalar};
use crate::policy::bind::is_system;

/// What a name may stand for: words as a whole, alone or next to each other (`first`, `name`), and parts of names in scripts that
/// are written without spaces.
const SIGNS: &[(&str, &[&str])] = &[
    ("an email address", &["email", "e mail", "mail address", "邮箱", "邮件", "メール"]),
    ("a telephone number", &["phone", "telephone", "tel", "mobile", "msisdn", "fax", "cellphone", "whatsapp", "电话", "手机", "電話"]),
    (
        "a person's name",
        &[
            "first name",
            "last name",
            "full name",
            "given name",
            "family name",
            "middle name",
            "maiden name",
            "surname",
            "firstname",
            "lastname",
            "fullname",
            "card holder",
            "cardholder",
            "recipient",
            "nickname",
            "real name",
            "username",
            "user name",
            "姓名",
            "名字",
            "氏名",
        ],
    ),
    (
        "an identity document",
        &[
            "ssn",
            "social security",
            "national id",
            "id number",
            "id card",
            "idcard",
            "passport",
            "tax id",
            "tin",
            "driver license",
            "driving licence",
            "license plate",
            "personnummer",
            "cpf",
            "nino",
            "身份证",
            "证件",
            "护照",
        ],
    ),
    ("a date of birth", &["birth", "birthday", "birthdate", "dob", "born", "date of birth", "age", "生日", "出生"]),
    ("a postal address", &["address", "street", "postcode", "zip", "zipcode", "postal code", "house number", "地址", "住址", "住所"]),
    (
        "a payment card or account",
        &["card number", "cardnumber", "pan", "cvv", "cvc", "iban", "bic", "account number", "bank account", "银行卡", "卡号"],
    ),
    ("a network address", &["ip", "ip address", "ipaddress", "mac address", "remote addr", "client ip"]),
    ("a place", &["latitude", "longitude", "lat", "lon", "lng", "geolocation", "location", "gps"]),
    (
        "something sensitive",
        &[
            "gender",
            "sex",
            "religion",
            "ethnicity",
            "race",
            "nationality",
            "marital status",
            "salary",
            "income",
            "diagnosis",
            "blood type",
            "disability",
            "health",
            "biometric",
            "fingerprint",
            "face id",
            "sexual orientation",
            "political",
            "工资",
            "性别",
            "民族",
        ],
    ),
    ("a secret", &["password", "passwd", "passphrase", "secret", "api key", "token", "private key", "pin", "security answer", "密码"]),
    ("a device or its user", &["user agent", "device id", "imei", "imsi", "advertising id", "idfa", "cookie", "session id"]),
];

/// Tables whose `name` is somebody's.
const PEOPLE: &[&str] = &[
    "user",
    "customer",
    "client",
    "person",
    "people",
    "employee",
    "staff",
    "member",
    "patient",
    "contact",
    "student",
    "author",
    "guest",
    "passenger",
    "applicant",
    "subscriber",
    "driver",
    "owner",
    "account",
    "payee",
    "lead",
];

impl Examined<'_> {
    pub(super) fn personal(&mut self) {
        let mut by_relation: BTreeMap<String, Vec<(String, &str)>> = BTreeMap::new();
        for relation in self.catalog.relations().filter(|r| holds(r) && !is_system(r)) {
            let bound = self.policy.relations.get(&relation.oid);
            for column in &relation.columns {
                let classified = bound.is_some_and(|b| b.columns.contains_key(&column.number) || b.rest.is_some());
                if let (false, Some(sign)) = (classified, looks(relation, column)) {
                    by_relation.entry(relation.name.to_string()).or_default().push((named(relation, column), sign));
                }
            }
        }
        for (relation, columns) in by_relation {
            for (column, sign) in columns {
                let key = column.strip_prefix(&format!("{relation}.")).unwrap_or(&column).to_owned();
                let warning = Diagnostic::warning(None, format!("column '{column}' looks like {sign} and has no class"));
                self.say(warning.help(format!("tables: {{ {relation}: {{ columns: {{ {key}: CLASS }} }} }}")));
            }
        }
    }
}

/// It holds rows of its own, and no parent speaks for it.
fn holds(relation: &Relation) -> bool {
    let own =
        matches!(relation.kind, RelationKind::Table | RelationKind::Partitioned | RelationKind::Foreign | RelationKind::MaterializedView);
    own && relation.parents.is_empty()
}

/// What a column's name looks like, where its type could hold it.
fn looks(relation: &Relation, column: &Column) -> Option<&'static str> {
    if column.ty.scalar() == Scalar::Bool {
        return None;
    }
    let parts = words(&column.name);
    let spaced = format!(" {} ", parts.join(" "));
    let has = |sign: &&str| if sign.is_ascii() { spaced.contains(&format!(" {sign} ")) } else { column.name.contains(*sign) };
    if let Some((what, _)) = SIGNS.iter().find(|(_, signs)| signs.iter().any(&has)) {
        // `age_group_id`, `address_id`, `token_count`: a number that points elsewhere or counts.
        let points = matches!(parts.last().map(String::as_str), Some("id" | "count" | "at" | "type" | "kind" | "hash"));
        let exempt = points && !matches!(*what, "an identity document" | "a device or its user");
        return (!exempt).then_some(*what);
    }
    let table = words(&relation.name.name);
    let of_people = table.iter().any(|w| PEOPLE.iter().any(|p| w == p || w.strip_suffix('s') == Some(p)));
    (of_people && parts == ["name"]).then_some("a person's name")
}

/// `homePhone_2` → home, phone.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let starts = c.is_uppercase() && before.is_lowercase();
        if !c.is_alphabetic() || starts {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphabetic(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|w| !w.is_empty());
    words
}
