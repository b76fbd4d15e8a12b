//! Random writes of every kind that views with triggers take, over random conditions and values.

use lab::queries::Type::{Bool, Date, Int, Number, Text};
use lab::queries::{Generator, Named, TYPES, Table, Type};

/// What the clerk sees.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "people",
        plain: false,
        columns: &[
            ("id", Int),
            ("level", Text),
            ("region", Text),
            ("name", Text),
            ("email", Text),
            ("phone", Text),
            ("handle", Text),
            ("note", Text),
            ("born", Date),
            ("salary", Int),
            ("wealth", Number),
            ("flag", Bool),
        ],
    },
    Table { name: "fenced", plain: false, columns: &[("id", Int), ("region", Text), ("secret", Text), ("amount", Int)] },
    Table { name: "stock", plain: false, columns: &[("id", Int), ("region", Text), ("amount", Number), ("label", Text), ("secret", Text)] },
    Table { name: "events", plain: false, columns: &[("id", Int), ("kind", Text), ("payload", Text)] },
    Table { name: "plain", plain: true, columns: &[("id", Int), ("label", Text), ("amount", Int)] },
];

/// A generator of writes.
pub(crate) struct Writes(Generator);

/// A target with the names that its columns have.
struct Target {
    table: Table,
    /// `people`, `people AS t1`
    text: String,
    /// `people.`, `t1.`, or nothing.
    prefix: String,
}

impl Target {
    fn scope(&self) -> Vec<Named> {
        self.table.columns.iter().map(|(c, t)| (format!("{}{c}", self.prefix), *t)).collect()
    }
}

impl Writes {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Generator::new(seed, TABLES))
    }

    /// A whole statement.
    pub(crate) fn statement(&mut self) -> String {
        let write = match self.0.dice.roll(8) {
            0..=4 => self.update(),
            5 | 6 => self.delete(),
            _ => return self.insert(),
        };
        let (text, columns) = write;
        if columns.is_empty() || !self.0.one_in(4) {
            return text;
        }
        // its result is read as a relation
        let scope: Vec<Named> = columns.iter().enumerate().map(|(i, t)| (format!("w.c{i}"), *t)).collect();
        let names: Vec<String> = (0..columns.len()).map(|i| format!("c{i}")).collect();
        let ty = self.0.dice.one(&TYPES);
        let (value, condition) = (self.0.expr(ty, &scope, 1), self.0.expr(Bool, &scope, 1));
        format!("WITH w ({}) AS ({text}) SELECT {value}, w.* FROM w WHERE {condition}", names.join(", "))
    }

    fn target(&mut self) -> Target {
        let table = self.0.dice.one(TABLES);
        let schema = if !table.plain && self.0.one_in(4) { "public." } else { "" };
        match self.0.dice.roll(3) {
            0 => Target { table, text: format!("{schema}{}", table.name), prefix: format!("{}.", table.name) },
            1 => Target { table, text: format!("{schema}{}", table.name), prefix: String::new() },
            _ => {
                let alias = self.0.alias();
                Target { table, text: format!("{schema}{} AS {alias}", table.name), prefix: format!("{alias}.") }
            }
        }
    }

    /// Another table of which at most one row meets each of the target's.
    fn beside(&mut self, target: &Target) -> Option<(String, String, Vec<Named>)> {
        if target.prefix.is_empty() || !self.0.one_in(3) {
            return None;
        }
        let (table, alias) = (self.0.dice.one(TABLES), self.0.alias());
        let scope = table.columns.iter().map(|(c, t)| (format!("{alias}.{c}"), *t)).collect();
        Some((format!("{} {alias}", table.name), format!("{}id = {alias}.id AND ", target.prefix), scope))
    }

    /// The statement, and the types of what RETURNING gives.
    fn update(&mut self) -> (String, Vec<Type>) {
        let target = self.target();
        let beside = self.beside(&target);
        let mut scope = target.scope();
        scope.extend(beside.iter().flat_map(|(_, _, columns)| columns.clone()));
        let mut columns: Vec<(&str, Type)> = target.table.columns[1..].to_vec();
        let mut set = Vec::new();
        for _ in 0..=self.0.dice.roll(3) {
            if columns.is_empty() {
                break;
            }
            let (column, ty) = columns.swap_remove(self.0.dice.roll(columns.len()));
            // often what stands there already
            let value = match self.0.dice.roll(4) {
                _ if column == "region" && self.0.one_in(2) => "'EU'".into(),
                0 => format!("{}{column}", target.prefix),
                1 => self.0.literal(ty),
                _ => self.0.expr(ty, &scope, 2),
            };
            set.push((column, value));
        }
        let set = match set.len() {
            2.. if self.0.one_in(3) => {
                let (names, values): (Vec<&str>, Vec<String>) = set.into_iter().unzip();
                format!("({}) = {}({})", names.join(", "), self.0.dice.one(&["", "ROW "]), values.join(", "))
            }
            _ => set.into_iter().map(|(column, value)| format!("{column} = {value}")).collect::<Vec<_>>().join(", "),
        };
        let (returning, types) = self.returning(&target, &scope);
        let (from, join) = beside.map_or_else(Default::default, |(from, join, _)| (format!(" FROM {from}"), join));
        let condition = self.0.expr(Bool, &scope, 2);
        (format!("UPDATE {} SET {set}{from} WHERE {join}{condition}{returning}", target.text), types)
    }

    fn delete(&mut self) -> (String, Vec<Type>) {
        let target = self.target();
        let beside = self.beside(&target);
        let mut scope = target.scope();
        scope.extend(beside.iter().flat_map(|(_, _, columns)| columns.clone()));
        let (returning, types) = self.returning(&target, &scope);
        let (using, join) = beside.map_or_else(Default::default, |(from, join, _)| (format!(" USING {from}"), join));
        let condition = self.0.expr(Bool, &scope, 2);
        (format!("DELETE FROM {}{using} WHERE {join}{condition}{returning}", target.text), types)
    }

    fn insert(&mut self) -> String {
        let target = self.target();
        // what is left out has its default
        let mut columns: Vec<(&str, Type)> = target.table.columns[1..].to_vec();
        columns.retain(|_| !self.0.one_in(5));
        let names: String = columns.iter().map(|(c, _)| format!(", {c}")).collect();
        let source = if columns.is_empty() || self.0.one_in(2) {
            let row = |this: &mut Self, id: usize| {
                let values: String = columns.iter().map(|(c, t)| format!(", {}", this.inserted(c, *t))).collect();
                format!("({id}{values})")
            };
            let first = 1000 + self.0.dice.roll(8000);
            let rows: Vec<String> = (0..=self.0.dice.roll(3)).map(|i| row(self, first + i)).collect();
            format!("VALUES {}", rows.join(", "))
        } else {
            let types: Vec<Type> = columns.iter().map(|(_, t)| *t).collect();
            let query = self.0.select(&types, &[], 2);
            let values: String = columns
                .iter()
                .enumerate()
                .map(|(i, (c, _))| if *c == "region" && !self.0.one_in(3) { ", 'EU'".into() } else { format!(", s.c{i}") })
                .collect();
            let given: Vec<String> = (0..columns.len()).map(|i| format!("c{i}")).collect();
            format!("SELECT 1000 + row_number() OVER (ORDER BY s){values} FROM ({query}) AS s ({})", given.join(", "))
        };
        let (returning, _) = self.returning(&target, &target.scope());
        format!("INSERT INTO {} (id{names}) {source}{returning}", target.text)
    }

    fn inserted(&mut self, column: &str, ty: Type) -> String {
        match self.0.dice.roll(6) {
            0 => "DEFAULT".into(),
            1 | 2 if ty == Text => format!("'{}'", if column == "region" { "EU" } else { "x" }),
            3 if ty == Number => "7".into(),
            4 if column == "region" => "'eu'".into(),
            _ => self.0.expr(ty, &[], 1),
        }
    }

    fn returning(&mut self, target: &Target, scope: &[Named]) -> (String, Vec<Type>) {
        match self.0.dice.roll(4) {
            0 => (String::new(), Vec::new()),
            1 => (format!(" RETURNING {}", if target.prefix.is_empty() { "*".into() } else { format!("{}*", target.prefix) }), Vec::new()),
            _ => {
                let types: Vec<Type> = (0..=self.0.dice.roll(3)).map(|_| self.0.dice.one(&TYPES)).collect();
                let list: Vec<String> = types.iter().map(|t| self.0.expr(*t, scope, 2)).collect();
                (format!(" RETURNING {}", list.join(", ")), types)
            }
        }
    }
}
