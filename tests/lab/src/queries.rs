//! Random queries of every type that fits, over given tables: seeded, deterministic up to the order of rows, and without what fails on
//! some value. Not here: what they are held against.

use crate::dice::Dice;

use Type::{Bool, Date, Int, Number, Text};

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// integer
    Int,
    /// text
    Text,
    /// boolean
    Bool,
    /// date
    Date,
    /// numeric
    Number,
}

impl Type {
    /// Its name in SQL.
    fn word(self) -> &'static str {
        match self {
            Int => "int",
            Text => "text",
            Bool => "boolean",
            Date => "date",
            Number => "numeric",
        }
    }
}

/// All of them.
pub const TYPES: [Type; 5] = [Int, Text, Bool, Date, Number];

/// A table with the columns that can be named, its key first.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Nothing of it is veiled, so the oracle has no view for it.
    pub plain: bool,
    /// Its columns.
    pub columns: &'static [(&'static str, Type)],
}

/// The sample shop's tables. Nothing of `products` is ever veiled.
pub const SHOP: &[Table] = &[
    Table {
        name: "users",
        plain: false,
        columns: &[
            ("id", Int),
            ("id_number", Text),
            ("full_name", Text),
            ("email", Text),
            ("phone", Text),
            ("birth_date", Date),
            ("locale", Text),
            ("level", Text),
        ],
    },
    Table {
        name: "addresses",
        plain: false,
        columns: &[
            ("id", Int),
            ("user_id", Int),
            ("recipient", Text),
            ("phone", Text),
            ("region", Text),
            ("city", Text),
            ("street", Text),
            ("postcode", Text),
            ("is_default", Bool),
        ],
    },
    Table {
        name: "orders",
        plain: false,
        columns: &[
            ("id", Int),
            ("user_id", Int),
            ("product_id", Int),
            ("address_id", Int),
            ("quantity", Int),
            ("total", Number),
            ("status", Text),
            ("ordered_at::date", Date),
        ],
    },
    Table {
        name: "products",
        plain: true,
        columns: &[("id", Int), ("sku", Text), ("name", Text), ("category", Text), ("price", Number), ("stock", Int)],
    },
    Table {
        name: "payments",
        plain: false,
        columns: &[
            ("id", Int),
            ("order_id", Int),
            ("user_id", Int),
            ("method", Text),
            ("card_number", Text),
            ("card_holder", Text),
            ("amount", Number),
        ],
    },
    Table {
        name: "page_views",
        plain: false,
        columns: &[("id", Int), ("user_id", Int), ("path", Text), ("search_term", Text), ("ip::text", Text)],
    },
];

/// A column that can be named: `a.email`.
pub type Named = (String, Type);

/// A generator of queries.
#[derive(Debug)]
pub struct Generator {
    /// What it throws.
    pub dice: Dice,
    tables: &'static [Table],
    literals: &'static [(Type, String)],
    aliases: u32,
}

impl Generator {
    /// The same seed gives the same queries.
    #[must_use]
    pub fn new(seed: u64, tables: &'static [Table]) -> Self {
        Self { dice: Dice::new(seed), tables, literals: &[], aliases: 0 }
    }

    /// Every other constant is one of these, where one fits.
    #[must_use]
    pub fn with_literals(self, literals: &'static [(Type, String)]) -> Self {
        Self { literals, ..self }
    }

    /// Once in so many times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.dice.roll(n) == 0
    }

    /// A new alias.
    pub fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// A whole query.
    pub fn query(&mut self) -> String {
        self.aliases = 0;
        match self.dice.roll(12) {
            10 => self.recursive(),
            11 => self.chained(),
            0 => {
                let types: Vec<Type> = (0..1 + self.dice.roll(3)).map(|_| self.dice.one(&TYPES)).collect();
                let word = self.dice.one(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL"]);
                format!("{} {word} {}", self.select(&types, &[], 2), self.select(&types, &[], 2))
            }
            1 => {
                let (name, types) = (self.alias(), [self.dice.one(&TYPES), self.dice.one(&TYPES)]);
                let inner = self.select(&types, &[], 2);
                let columns = vec![(format!("{name}.a"), types[0]), (format!("{name}.b"), types[1])];
                let materialized = self.dice.one(&["", "MATERIALIZED ", "NOT MATERIALIZED "]);
                let rest = self.rest(&columns, &[], 2);
                format!("WITH {name} (a, b) AS {materialized}({inner}) {}", rest.replace("\u{1}", &name))
            }
            2 => {
                let Table { name: table, plain: _, columns } = self.dice.one(self.tables);
                let alias = self.alias();
                let scope: Vec<Named> = columns.iter().map(|(c, t)| (format!("{alias}.{c}"), *t)).collect();
                let condition = self.expr(Bool, &scope, 2);
                let what = self.dice.one(&[
                    "*",
                    "{}.*",
                    "count(*)",
                    "row_to_json({})",
                    "to_jsonb({}) - 'pin'",
                    "count({})",
                    "({}).id",
                    "({}).*",
                    "id({})",
                    "(ROW({}.*)).f1",
                ]);
                format!("SELECT {} FROM {table} {alias} WHERE {condition}", what.replace("{}", &alias))
                    .replace("to_jsonb", "pg_catalog.to_jsonb")
            }
            _ => {
                let types: Vec<Type> = (0..1 + self.dice.roll(4)).map(|_| self.dice.one(&TYPES)).collect();
                self.select(&types, &[], 3)
            }
        }
    }

    /// A query that gives these types; `outer` can be named in it.
    pub fn select(&mut self, types: &[Type], outer: &[Named], depth: usize) -> String {
        let (from, scope) = self.from(depth);
        let all: Vec<Named> = scope.iter().chain(outer).cloned().collect();
        if self.one_in(4) {
            return self.grouped(types, &from, &all, depth);
        }
        let list: Vec<String> = types.iter().map(|t| self.target(*t, &all, depth)).collect();
        let condition = if self.one_in(3) { String::new() } else { format!(" WHERE {}", self.expr(Bool, &all, depth)) };
        let (distinct, end) = self.ends(types.len());
        let text = format!("SELECT {distinct}{} FROM {from}{condition}{end}", list.join(", "));
        if end.is_empty() { text } else { format!("({text})") }
    }

    /// What may stand before a select list of so many columns and behind it all. Rows are cut where all their columns say which come first.
    fn ends(&mut self, columns: usize) -> (&'static str, String) {
        let by: Vec<String> = (1..=columns).map(|n| format!("{n}{}", self.dice.one(&["", " DESC", " NULLS FIRST"]))).collect();
        let (by, few) = (by.join(", "), 1 + self.dice.roll(9));
        match self.dice.roll(12) {
            0 | 1 => ("DISTINCT ", String::new()),
            2 => ("", format!(" ORDER BY {by} LIMIT {few}")),
            3 => ("DISTINCT ", format!(" ORDER BY {by} OFFSET 1 FETCH FIRST {few} ROWS ONLY")),
            4 => ("", format!(" ORDER BY {by} FETCH FIRST {few} ROWS WITH TIES")),
            _ => ("", String::new()),
        }
    }

    /// A query that reads its own rows again.
    fn recursive(&mut self) -> String {
        let (name, ty) = (self.alias(), self.dice.one(&[Text, Date, Bool, Number]));
        let first = self.select(&[Int, ty], &[], 2);
        let columns = vec![(format!("{name}.a"), Int), (format!("{name}.b"), ty)];
        let (more, all) = (self.expr(Bool, &columns, 1), self.dice.one(&["", "ALL "]));
        let rest = self.rest(&columns, &[], 2).replace("\u{1}", &name);
        format!(
            "WITH RECURSIVE {name} (a, b) AS (SELECT (a % 7)::int, b::{} FROM ({first}) AS f (a, b) UNION {all}SELECT {name}.a + 1, {name}.b \
             FROM {name} WHERE {name}.a < 9 AND {more}) {rest}",
            ty.word()
        )
    }

    /// Two names, the second over the first, and both in the end.
    fn chained(&mut self) -> String {
        let (one, two, ty) = (self.alias(), self.alias(), self.dice.one(&TYPES));
        let first = self.select(&[Int, ty], &[], 2);
        let columns = vec![(format!("{one}.a"), Int), (format!("{one}.b"), ty)];
        let (what, which) = (self.expr(ty, &columns, 1), self.expr(Bool, &columns, 1));
        let both = [columns, vec![(format!("{two}.a"), Int), (format!("{two}.b"), ty)]].concat();
        let word = self.dice.one(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
        let rest = self.rest(&both, &[], 2).replace('\u{1}', &format!("{one} {word} {two} ON {one}.a = {two}.a"));
        format!("WITH {one} (a, b) AS ({first}), {two} (a, b) AS (SELECT {one}.a, {what} FROM {one} WHERE {which}) {rest}")
    }

    /// The same over columns that stand in FROM already, as `\u{1}`.
    fn rest(&mut self, scope: &[Named], outer: &[Named], depth: usize) -> String {
        let all: Vec<Named> = scope.iter().chain(outer).cloned().collect();
        let types: Vec<Type> = (0..1 + self.dice.roll(3)).map(|_| self.dice.one(&TYPES)).collect();
        let list: Vec<String> = types.iter().map(|t| self.expr(*t, &all, depth)).collect();
        format!("SELECT {} FROM \u{1} WHERE {}", list.join(", "), self.expr(Bool, &all, depth))
    }

    fn target(&mut self, ty: Type, scope: &[Named], depth: usize) -> String {
        if ty == Int && self.one_in(8) {
            let (by, over) = (self.dice.one(&TYPES), self.dice.one(&TYPES));
            let (by, over) = (self.expr(by, scope, 1), self.expr(over, scope, 1));
            let function = self.dice.one(&["rank()", "dense_rank()", "count(*)", "count(*) FILTER (WHERE true)", "10 * percent_rank()"]);
            return format!("({function} OVER (PARTITION BY {by} ORDER BY {over}))::int");
        }
        self.expr(ty, scope, depth)
    }

    fn grouped(&mut self, types: &[Type], from: &str, scope: &[Named], depth: usize) -> String {
        let by = self.dice.one(&TYPES);
        let key = match self.column(by, scope) {
            Some(column) if self.one_in(2) => column,
            _ => self.expr(by, scope, 1),
        };
        let list: Vec<String> = types.iter().map(|t| self.aggregate(*t, by, &key, scope)).collect();
        // what folds to a constant is not NULL in each set that is without it before PostgreSQL 18, as the plan goes: so columns alone
        let sets = match self.dice.roll(4) {
            _ if !scope.iter().any(|(name, _)| *name == key) => key,
            0 => format!("ROLLUP ({key}, {})", self.column(Int, scope).unwrap_or_else(|| key.clone())),
            1 => format!("GROUPING SETS (({key}), (), ({key}))"),
            2 => format!("CUBE ({key})"),
            _ => key,
        };
        let condition = if self.one_in(2) { String::new() } else { format!(" WHERE {}", self.expr(Bool, scope, depth.min(2))) };
        let having = if self.one_in(2) { String::new() } else { format!(" HAVING count(*) > {}", self.dice.roll(3)) };
        format!("SELECT {} FROM {from}{condition} GROUP BY {sets}{having}", list.join(", "))
    }

    fn aggregate(&mut self, ty: Type, by: Type, key: &str, scope: &[Named]) -> String {
        if ty == by && self.one_in(2) {
            return key.to_owned();
        }
        let any = self.dice.one(&TYPES);
        match ty {
            Int => match self.dice.roll(5) {
                3 => format!("(sum({} % 1000) FILTER (WHERE {}))::int", self.expr(Int, scope, 1), self.expr(Bool, scope, 1)),
                4 => format!("array_length(array_agg(DISTINCT {}), 1)", self.expr(any, scope, 1)),
                0 => format!("count(DISTINCT {})::int", self.expr(any, scope, 1)),
                1 => format!("count({})::int", self.expr(any, scope, 1)),
                _ => format!("max({})", self.expr(Int, scope, 1)),
            },
            Text => match self.dice.roll(2) {
                0 => format!("min({})", self.expr(Text, scope, 1)),
                _ => {
                    let value = self.expr(Text, scope, 1);
                    format!("string_agg({value}, ',' ORDER BY {value})")
                }
            },
            Bool => format!("bool_or({})", self.expr(Bool, scope, 1)),
            Date => format!("max({})", self.expr(Date, scope, 1)),
            Number => format!("sum({})", self.expr(Number, scope, 1)),
        }
    }

    /// FROM with what can be named in it.
    fn from(&mut self, depth: usize) -> (String, Vec<Named>) {
        let (mut text, mut scope) = self.item(depth);
        for _ in 0..self.dice.roll(3).min(depth) {
            let (item, columns) = self.item(depth.saturating_sub(1));
            let mut both = scope.clone();
            both.extend(columns.iter().cloned());
            match self.dice.roll(5) {
                0 => text = format!("{text} CROSS JOIN {item}"),
                4 => {
                    // what stands beside it can be named in it
                    let (name, types) = (self.alias(), [self.dice.one(&TYPES), self.dice.one(&TYPES)]);
                    let word = self.dice.one(&["CROSS JOIN LATERAL", "LEFT JOIN LATERAL"]);
                    let on = if word.starts_with("LEFT") { " ON true" } else { "" };
                    let inner = self.lateral(types, &scope);
                    text = format!("{text} {word} {inner} AS {name} (a, b){on}");
                    both = [scope, vec![(format!("{name}.a"), types[0]), (format!("{name}.b"), types[1])]].concat();
                }
                kind => {
                    let word = ["JOIN", "LEFT JOIN", "FULL JOIN"][kind - 1];
                    let ty = self.dice.one(&[Int, Text]);
                    let (a, b) = (self.column(ty, &scope), self.column(ty, &columns));
                    let more =
                        if word == "FULL JOIN" || self.one_in(2) { String::new() } else { format!(" AND {}", self.expr(Bool, &both, 1)) };
                    text = match (a, b) {
                        (Some(a), Some(b)) => format!("{text} {word} {item} ON {a} = {b}{more}"),
                        _ => format!("{text} CROSS JOIN {item}"),
                    };
                }
            }
            scope = both;
        }
        (text, scope)
    }

    /// What gives two columns of what stands beside it.
    fn lateral(&mut self, types: [Type; 2], scope: &[Named]) -> String {
        let [a, b] = types;
        match self.dice.roll(3) {
            0 => format!(
                "ROWS FROM (unnest(ARRAY[{}, {}]), unnest(ARRAY[{}]))",
                self.expr(a, scope, 1),
                self.expr(a, scope, 0),
                self.expr(b, scope, 1)
            ),
            1 => format!("(SELECT {}, {})", self.expr(a, scope, 1), self.expr(b, scope, 1)),
            _ => format!("({})", self.select(&types, scope, 1)),
        }
    }

    /// A constant that says its type.
    fn typed(&mut self, ty: Type) -> String {
        format!("{}::{}", self.literal(ty), ty.word())
    }

    fn item(&mut self, depth: usize) -> (String, Vec<Named>) {
        let alias = self.alias();
        if depth > 1 && self.one_in(5) {
            let types = [self.dice.one(&TYPES), self.dice.one(&TYPES)];
            let inner = self.select(&types, &[], depth - 1);
            let columns = vec![(format!("{alias}.a"), types[0]), (format!("{alias}.b"), types[1])];
            return (format!("({inner}) AS {alias} (a, b)"), columns);
        }
        if self.one_in(12) {
            let types = [self.dice.one(&TYPES), self.dice.one(&TYPES)];
            let row = |g: &mut Self| format!("({}, {})", g.typed(types[0]), g.typed(types[1]));
            let (one, two) = (row(self), row(self));
            return (
                format!("(VALUES {one}, {two}) AS {alias} (a, b)"),
                vec![(format!("{alias}.a"), types[0]), (format!("{alias}.b"), types[1])],
            );
        }
        let Table { name: table, plain, columns } = self.dice.one(self.tables);
        let schema = if !plain && self.one_in(4) { "public." } else { "" };
        (format!("{schema}{table} {alias}"), columns.iter().map(|(c, t)| (format!("{alias}.{c}"), *t)).collect())
    }

    fn column(&mut self, ty: Type, scope: &[Named]) -> Option<String> {
        let fitting: Vec<&Named> = scope.iter().filter(|(_, t)| *t == ty).collect();
        if fitting.is_empty() { None } else { Some(fitting[self.dice.roll(fitting.len())].0.clone()) }
    }

    /// A constant of a type.
    pub fn literal(&mut self, ty: Type) -> String {
        let own: Vec<&String> = self.literals.iter().filter(|(of, _)| *of == ty).map(|(_, literal)| literal).collect();
        if !own.is_empty() && self.one_in(2) {
            return self.dice.one(&own).clone();
        }
        match ty {
            Int => self.dice.one(&["0", "3", "7", "1000000", "12"]).to_owned(),
            Text => self.dice.one(&["'a***@example.com'", "'***'", "'EU'", "'gold'", "'h'", "''", "'label 3'"]).to_owned(),
            Bool => self.dice.one(&["true", "false", "NULL::boolean"]).to_owned(),
            Date => self.dice.one(&["date '1950-01-01'", "date '1970-01-01'"]).to_owned(),
            Number => self.dice.one(&["0.75", "1000000.25"]).to_owned(),
        }
    }

    /// An expression of a type.
    pub fn expr(&mut self, ty: Type, scope: &[Named], depth: usize) -> String {
        if depth == 0 || self.one_in(3) {
            if ty == Bool && depth > 0 {
                return self.predicate(scope, depth - 1);
            }
            return match self.column(ty, scope) {
                Some(column) if !self.one_in(6) => column,
                _ => self.literal(ty),
            };
        }
        let d = depth - 1;
        if self.one_in(5) {
            let (when, a, b) = (self.expr(Bool, scope, d), self.expr(ty, scope, d), self.expr(ty, scope, d));
            return format!("CASE WHEN {when} THEN {a} ELSE {b} END");
        }
        if self.one_in(8) {
            return format!("coalesce({}, {})", self.expr(ty, scope, d), self.expr(ty, scope, d));
        }
        if d > 0 && ty != Bool && self.one_in(8) {
            return format!("(SELECT max(s.a) FROM ({}) AS s (a))", self.select(&[ty], scope, 1));
        }
        match ty {
            Int => match self.dice.roll(3) {
                0 => format!("length({})", self.expr(Text, scope, d)),
                1 => format!("({} % 1000 + {} % 1000)", self.expr(Int, scope, d), self.expr(Int, scope, d)),
                _ => format!("extract(year FROM {})::int", self.expr(Date, scope, d)),
            },
            Text => match self.dice.roll(5) {
                0 => format!("lower({})", self.expr(Text, scope, d)),
                1 => format!("({} || {})", self.expr(Text, scope, d), self.expr(Text, scope, d)),
                2 => format!("substr({}, 2, 3)", self.expr(Text, scope, d)),
                3 => format!("{}::text", self.expr(Int, scope, d)),
                _ => format!("nullif({}, {})", self.expr(Text, scope, d), self.expr(Text, scope, d)),
            },
            Bool => self.predicate(scope, d),
            Date => format!("greatest({}, {})", self.expr(Date, scope, d), self.expr(Date, scope, d)),
            Number => format!("round({}, 2)", self.expr(Number, scope, d)),
        }
    }

    fn predicate(&mut self, scope: &[Named], depth: usize) -> String {
        format!("({})", self.condition(scope, depth))
    }

    fn condition(&mut self, scope: &[Named], depth: usize) -> String {
        let ty = self.dice.one(&TYPES);
        match self.dice.roll(13) {
            9 => format!("{} = ANY (ARRAY[{}, {}])", self.expr(ty, scope, depth), self.expr(ty, scope, 0), self.typed(ty)),
            10 => {
                let (other, word) = (self.dice.one(&TYPES), self.dice.one(&["=", "<", ">=", "<>"]));
                let pair = |g: &mut Self| format!("({}, {})", g.expr(ty, scope, 0), g.expr(other, scope, 0));
                format!("{} {word} {}", pair(self), pair(self))
            }
            11 if depth > 0 => format!("{} >= ALL ({})", self.expr(ty, scope, 1), self.select(&[ty], scope, 1)),
            12 if depth > 0 => {
                let other = self.dice.one(&TYPES);
                format!("({}, {}) IN ({})", self.expr(ty, scope, 1), self.expr(other, scope, 1), self.select(&[ty, other], scope, 1))
            }
            0 => format!("{} AND {}", self.expr(Bool, scope, depth), self.expr(Bool, scope, depth)),
            1 => format!("{} OR NOT {}", self.expr(Bool, scope, depth), self.expr(Bool, scope, depth)),
            2 => format!("{} IS {}NULL", self.expr(ty, scope, depth), self.dice.one(&["", "NOT "])),
            3 => format!("{} LIKE '%{}%'", self.expr(Text, scope, depth), self.dice.one(&["a", "*", "9", "E"])),
            4 => format!("{} IN ({}, {})", self.expr(ty, scope, depth), self.literal(ty), self.literal(ty)),
            5 if depth > 0 => format!("EXISTS ({})", self.select(&[Int], scope, 1)),
            6 if depth > 0 => format!("{} IN ({})", self.expr(ty, scope, 1), self.select(&[ty], scope, 1)),
            7 => format!("{} BETWEEN {} AND {}", self.expr(ty, scope, depth), self.expr(ty, scope, 0), self.expr(ty, scope, 0)),
            _ => {
                let word = self.dice.one(&["=", "<>", "<", ">=", "IS DISTINCT FROM"]);
                format!("{} {word} {}", self.expr(ty, scope, depth), self.expr(ty, scope, depth))
            }
        }
    }
}
