//! Random statements with something in them that fails on rows which are not there, in every place that a statement has: patterns that are filled
//! in (`@px` is a condition on what is called x that tells of its rows), and random queries of the lab whose columns are wrapped.

use lab::dice::Dice;
use lab::queries::Type::{self, Bool, Date, Int, Number, Text};
use lab::queries::{Generator, Table};

/// A statement.
pub(crate) struct Statement {
    /// Constants that can be parameters stand between `#`.
    pub(crate) text: String,
    /// Its answer is one over any plan, and views by hand give it.
    pub(crate) compared: bool,
    /// It writes.
    pub(crate) writes: bool,
}

impl Statement {
    /// Its text with its constants in it.
    pub(crate) fn plain(&self) -> String {
        self.text.replace('#', "")
    }

    /// Its text with parameters, and their values.
    pub(crate) fn with_parameters(&self) -> (String, Vec<&str>) {
        let (mut text, mut values) = (String::new(), Vec::new());
        for (i, part) in self.text.split('#').enumerate() {
            if i % 2 == 0 {
                text += part;
            } else {
                values.push(part);
                text += &format!("${}", values.len());
            }
        }
        (text, values)
    }
}

/// Columns of every relation but those that are wrapped: `\u{2}` stands before the number of what wraps the column.
const RAW: &[(&str, Type)] =
    &[("id", Int), ("grp", Int), ("mark", Text), ("mail", Text), ("born", Date), ("amount", Number), ("flag", Bool)];

/// What fails on a row that is not there, and of which column; the column stands in the place of `@`.
const WRAPS: &[(&str, Type, &str)] = &[
    ("num", Int, "tell(@)"),
    ("zero", Int, "(7 / @)"),
    ("zero", Int, "tell_inlined(@)"),
    ("num", Int, "(@::low)::int"),
    ("code", Int, "(@::int)"),
    ("num", Int, "(@::int2)::int"),
    ("mark", Text, "tell(@)"),
    ("mark", Text, "tell_volatile(@)"),
    ("mark", Text, "tell_strict(@)"),
    ("mark", Text, "(@::calm)::text"),
    ("mark", Bool, "tell_bool(@)"),
    ("mark", Bool, "(@ === 'box1')"),
    ("mark", Bool, "(@ <<< 'box2')"),
    ("zero", Bool, "(1 / @ > 0)"),
    ("mark", Bool, r"(@ LIKE 'H%\')"),
    ("day", Date, "(@::date)"),
    ("sign", Number, "ln(@)::numeric"),
    ("zero", Number, "(1.5 / @)"),
];

const RELATIONS: &[&str] =
    &["bills", "bills", "parts", "kept", "base", "kid", "free", "v_plain", "v_some", "v_sums", "v_join", "v_all", "v_told"];
/// Those of which an id names one row at most.
const TARGETS: &[&str] = &["bills", "bills", "parts", "base", "kid"];
/// Those that are written into.
const WRITTEN: &[&str] = &["bills", "bills", "parts", "base", "kid", "kept"];

/// The relations as the lab's generator takes them: what is wrapped is a column of its own.
pub(crate) fn tables() -> &'static [Table] {
    let wrapped = WRAPS.iter().enumerate().map(|(i, (column, ty, _))| (&*format!("{column}\u{2}{i}\u{3}").leak(), *ty));
    let columns: &'static [(&str, Type)] = RAW.iter().copied().chain(wrapped).collect::<Vec<_>>().leak();
    RELATIONS.iter().map(|name| Table { name, plain: true, columns }).collect::<Vec<_>>().leak()
}

/// A random query of the lab's generator.
pub(crate) fn query(seed: u64, tables: &'static [Table]) -> Statement {
    let (mut text, made) = (String::new(), Generator::new(seed, tables).query());
    for (i, part) in made.split('\u{2}').enumerate() {
        let Some((number, rest)) = part.split_once('\u{3}').filter(|_| i > 0) else {
            text += part;
            continue;
        };
        let named = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
        let column = text.split_off(text.trim_end_matches(named).len());
        text += &WRAPS[number.parse::<usize>().unwrap()].2.replace('@', &column);
        text += rest;
    }
    Statement { text, compared: true, writes: false }
}

/// A pattern that is filled in. A few are for servers of a version or newer.
pub(crate) fn pattern(dice: &mut Dice, version: u32) -> Statement {
    let since = |(at, _): &&(u32, &str)| *at <= version;
    let writes = dice.roll(4) == 0;
    let of = if writes { WRITES } else { QUERIES };
    let fitting: Vec<&(u32, &str)> = of.iter().filter(since).collect();
    let (_, pattern) = fitting[dice.roll(fitting.len())];
    let text = fill(dice, pattern.trim_start_matches('~'), 3);
    // of two rows with one key in a target either may be meant
    Statement { text, compared: !pattern.starts_with('~'), writes }
}

fn fill(dice: &mut Dice, pattern: &str, depth: usize) -> String {
    let mut parts = pattern.split('@');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (kind, rest) = part.split_at(1);
        if let "a" | "T" | "W" | "J" | "M" | "S" | "k" = kind {
            text += &word(dice, kind);
            text += rest;
            continue;
        }
        let (alias, rest) = rest.split_at(1);
        let inner = if alias == "x" || alias == "y" { "z" } else { "w" };
        let found = one_of(dice, kind, depth).replace('!', inner).replace('^', alias);
        text += &fill(dice, &found, depth.saturating_sub(1));
        text += rest;
    }
    text
}

/// A relation, a target, a join, how WITH is stored, a set operation, a constant.
fn word(dice: &mut Dice, kind: &str) -> String {
    match kind {
        "a" => dice.one(RELATIONS).to_owned(),
        "T" => dice.one(TARGETS).to_owned(),
        "W" => dice.one(WRITTEN).to_owned(),
        "J" => dice.one(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]).to_owned(),
        "M" => dice.one(&["", "MATERIALIZED", "NOT MATERIALIZED"]).to_owned(),
        "S" => dice.one(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL"]).to_owned(),
        // rows that are there, rows that are not, and nobody's
        _ => format!("#{}#", dice.one(&[1003, 1006, 1008, 1012, 3, 8, 1975, 9999])),
    }
}

/// What a placeholder may stand for: `^` is the alias that it names, `!` that of a query inside.
fn one_of(dice: &mut Dice, kind: &str, depth: usize) -> &'static str {
    let of: &[&'static str] = match kind {
        "i" => INTEGERS,
        "t" => TEXTS,
        "p" => TESTS,
        "n" => NEIGHBOURS,
        "c" if depth > 1 && dice.roll(2) == 0 => DEEP,
        "c" => CONDITIONS,
        other => panic!("no placeholder: {other}"),
    };
    dice.one(of)
}

const INTEGERS: &[&str] = &[
    "tell(^.num)",
    "(1 / ^.zero)",
    "(^.num / ^.zero)",
    "(^.grp % ^.zero)",
    "tell_inlined(^.zero)",
    "(^.num::low)::int",
    "^.code::int",
    "(^.num::int2)::int",
    "(^.num * 100000)",
    "sqrt(^.sign)::int",
    "length(tell(^.mark))",
    "CASE WHEN ^.flag THEN tell(^.num) ELSE ^.grp END",
    "coalesce(tell(^.num), 7)",
    "(^.grp + tell(^.num))",
];

const TEXTS: &[&str] = &[
    "tell(^.mark)",
    "tell(^.mark)",
    "tell_volatile(^.mark)",
    "tell_strict(^.mark)",
    "(^.mark::calm)::text",
    "(^.mark || tell(^.code))",
    "coalesce(tell(^.mark), 'none')",
    "nullif(tell(^.mark), 'box3')",
    "CASE WHEN ^.grp < 3 THEN tell(^.mark) ELSE ^.code END",
    "(1 / ^.zero)::text",
    "(SELECT l.zone FROM listed l WHERE l.zone < ^.code)",
    "lower(tell(^.mark))",
];

const TESTS: &[&str] = &[
    "tell_bool(^.mark)",
    "^.mark === 'box1'",
    "'box1' === ^.mark",
    "^.mark <<< 'box2'",
    "NOT ^.mark <<< 'box2'",
    "tell(^.mark) = 'box1'",
    "tell(^.mark) LIKE 'b%'",
    "tell_volatile(^.mark) <> 'box2'",
    "tell_strict(^.mark) > 'a'",
    "1 / ^.zero > 0",
    "^.num / ^.zero < 5",
    "^.code::int > 2",
    "^.num::low < 5",
    "^.num::int2 = 3",
    "sqrt(^.sign) > 0.5",
    "^.day::date > '2020-01-02'",
    "tell(^.num) < 7",
    "tell(^.num) IN (1, 2, 3)",
    "tell(^.num) BETWEEN 1 AND 6",
    "tell(^.num) = ^.grp",
    "^.mark = tell(^.mark)",
    "tell(^.mark) = ^.mark",
    "tell_inlined(^.zero) = 1",
    "tell(^::text) <> ''",
    "(^.mark || '')::calm <> ''",
    "tell(^.mark) IS NOT NULL",
    "tell(^.mark) IS DISTINCT FROM 'box1'",
    "tell(coalesce(^.mark, '')) = 'box2'",
    "^.mark = ANY (ARRAY[tell(^.mark), 'q'])",
    "(^.grp, tell(^.num)) < (3, 5)",
    "tell_both(^.mark, ^.code)",
    "^.mark === ANY ('{box1,box2}')",
    "(SELECT l.zone FROM listed l WHERE l.zone < ^.code) IS NULL",
    r"^.mark LIKE 'H%\'",
    r"^.mark NOT LIKE 'H%\'",
    r"^.mark ILIKE 'hidden_\'",
    r"^.code SIMILAR TO 'x|H%\'",
];

/// What is cheap, has an index, and tells nothing.
const NEIGHBOURS: &[&str] = &[
    "^.id = @k",
    "^.id IN (@k, @k)",
    "^.id > 1000",
    "^.id < @k",
    "^.id BETWEEN 5 AND @k",
    "^.grp = 3",
    "^.grp IN (1, 2)",
    "^.grp BETWEEN 1 AND 3",
    "^.mark = 'box1'",
    "^.mark BETWEEN 'G' AND 'I'",
    "^.mark > 'H'",
    "^.mark LIKE 'b%'",
    "^.num < 5",
    "^.num > 3",
    "^.born < '2000-01-01'",
    "^.id = ANY ('{1003,3,1012}')",
    "^.region = 'US'",
    "^.flag",
    "^.id IS NOT NULL",
    "^.zero = 0",
    "(^.id = @k OR ^.grp = 2)",
    "true",
];

const CONDITIONS: &[&str] = &[
    "@n^",
    "@p^",
    "@n^ AND @p^",
    "@p^ AND @n^",
    "@p^ AND @n^ AND @n^",
    "(@p^ OR @n^)",
    "NOT (@p^)",
    "NOT (@n^ OR @p^)",
    "NOT (@n^ AND @p^)",
    "@p^ AND @p^",
    "CASE WHEN @n^ THEN @p^ ELSE false END",
    "CASE WHEN @p^ THEN @n^ ELSE @p^ END",
    "coalesce(@p^, @n^)",
    "(@p^) IS NOT TRUE",
    "(@n^) = (@p^)",
];

const DEEP: &[&str] = &[
    "@c^ AND @c^",
    "(@c^ OR @c^)",
    "EXISTS (SELECT 1 FROM @a ! WHERE !.id = ^.id AND @c!)",
    "NOT EXISTS (SELECT 1 FROM @a ! WHERE !.grp = ^.grp AND @c!)",
    "EXISTS (SELECT 1 FROM @a ! WHERE @n^ AND @p! AND @n!)",
    "EXISTS (SELECT 1 FROM @a ! WHERE tell_both(^.mark, !.mark) AND @n!)",
    "EXISTS (SELECT 1 FROM free ! WHERE !.id = ^.id AND @p^)",
    "^.id IN (SELECT !.id FROM @a ! WHERE @c!)",
    "^.grp NOT IN (SELECT !.grp FROM @a ! WHERE @c! AND !.grp IS NOT NULL)",
    "@t^ IN (SELECT @t! FROM @a ! WHERE @n!)",
    "^.grp = ANY (SELECT @i! FROM @a ! WHERE @n!)",
    "@i^ > ALL (SELECT !.grp FROM @a ! WHERE @c!)",
    "(SELECT count(*) FROM @a ! WHERE !.grp = ^.grp AND @p!) > 1",
    "(SELECT max(@t!) FROM @a ! WHERE !.id = ^.id) > 'a'",
    "(SELECT min(@i!) FROM @a ! WHERE !.id <= ^.id AND @n^) < 5",
    "(SELECT @p^ OFFSET 0)",
    "^.id IN (SELECT !.id FROM @a ! WHERE @n! OFFSET 0) AND @p^",
    "(^.id, @i^) IN (SELECT !.id, !.num FROM @a !)",
    "^.mark < ALL (SELECT @t! FROM free ! WHERE !.id = ^.id)",
];

/// Queries: x and y are relations, and patterns that begin with `~` have more answers than one. The number is of a server that can read it.
const QUERIES: &[(u32, &str)] = &[
    (14, "SELECT @tx, @ix FROM @a x WHERE @nx"),
    (14, "SELECT x.id FROM @a x WHERE @cx"),
    (14, "SELECT x.id, x.mail FROM @a x WHERE @px AND @nx"),
    (14, "SELECT x FROM @a x WHERE @cx"),
    (14, "SELECT DISTINCT @tx FROM @a x WHERE @cx"),
    (14, "~SELECT DISTINCT ON (@tx) x.id FROM @a x WHERE @nx"),
    (14, "SELECT DISTINCT ON (x.grp, x.id) x.grp, @tx FROM @a x ORDER BY x.grp, x.id, 2"),
    (14, "SELECT @tx, count(*), max(@ix) FROM @a x WHERE @nx GROUP BY 1"),
    (14, "SELECT @ix, @tx, count(*) FROM @a x WHERE @cx GROUP BY GROUPING SETS ((1), (2), ())"),
    (14, "SELECT x.grp FROM @a x WHERE @nx GROUP BY x.grp HAVING max(@tx) > 'a' AND x.grp < 4"),
    (14, "SELECT x.grp, x.zero FROM @a x GROUP BY x.grp, x.zero HAVING 1 / x.zero > 0 AND x.grp = 3"),
    (14, "SELECT x.mark FROM @a x GROUP BY x.mark HAVING tell(x.mark) <> 'q'"),
    (14, "SELECT 1 FROM @a x HAVING bool_and(@px)"),
    (14, "SELECT min(@tx) FROM @a x WHERE @nx"),
    (14, "SELECT max(@ix), min(@tx) FROM @a x"),
    (14, "SELECT min(tell(x.mark)) FROM @a x"),
    (14, "SELECT tell_most(x.mark), tell_most(@tx) FROM @a x WHERE @cx"),
    (14, "SELECT count(DISTINCT @tx), sum(@ix) FILTER (WHERE @px), string_agg(x.code, ',' ORDER BY @tx, x.code) FROM @a x WHERE @nx"),
    (14, "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY @ix) FROM @a x WHERE @cx"),
    (14, "~SELECT x.id FROM @a x WHERE @nx ORDER BY @tx LIMIT 3"),
    (14, "~SELECT x.id FROM @a x ORDER BY @ix DESC OFFSET 1 FETCH FIRST 3 ROWS WITH TIES"),
    (14, "SELECT x.id FROM @a x WHERE @cx ORDER BY @tx, x.id"),
    (14, "SELECT x.id FROM @a x WHERE @cx ORDER BY x.mark USING <, @ix"),
    (14, "SELECT x.id, rank() OVER (PARTITION BY @tx ORDER BY @ix) FROM @a x WHERE @nx"),
    (14, "SELECT x.id, count(*) FILTER (WHERE @px) OVER (PARTITION BY x.grp ORDER BY @ix) FROM @a x WHERE @cx"),
    (14, "SELECT x.id, dense_rank() OVER w FROM @a x WHERE @nx WINDOW w AS (ORDER BY @tx, x.id)"),
    (14, "~SELECT x.id, sum(x.num) OVER (ORDER BY x.id ROWS BETWEEN (SELECT abs(min(@iy)) FROM @a y) PRECEDING AND CURRENT ROW) FROM @a x"),
    (14, "~SELECT s.* FROM (SELECT x.id, row_number() OVER (ORDER BY @tx, x.id) AS r FROM @a x WHERE @nx) s WHERE s.r < 3"),
    (
        14,
        "SELECT s.* FROM (SELECT x.id, x.grp, rank() OVER (PARTITION BY x.grp ORDER BY @tx) AS r FROM @a x) s WHERE s.grp = 2 AND s.id < @k",
    ),
    (14, "SELECT s.t FROM (SELECT @tx AS t, x.id, x.grp FROM @a x WHERE @cx) s WHERE s.t > 'a' AND s.id < @k"),
    (14, "SELECT s.t FROM (SELECT @tx AS t, x.id FROM @a x OFFSET 0) s WHERE s.t > 'a' AND s.id = @k"),
    (14, "SELECT s.t FROM (SELECT DISTINCT @tx AS t, x.grp FROM @a x) s WHERE s.t LIKE 'b%' AND s.grp = 3"),
    (14, "SELECT s.* FROM (SELECT @tx AS t, x.grp, count(*) FROM @a x GROUP BY 1, 2) s WHERE s.t <> 'q' AND s.grp IN (1, 2)"),
    (14, "SELECT s.u FROM (SELECT x.*, @tx AS u FROM @a x) s, @a y WHERE s.id = y.id AND s.u > y.code AND @py"),
    (14, "SELECT tell(s.m) FROM (SELECT x.mark AS m, x.id FROM @a x WHERE @nx) s WHERE s.id = @k"),
    (14, "SELECT s.m FROM (SELECT x.mark AS m, x.zero AS z FROM @a x WHERE @nx) s WHERE 1 / s.z = 1 AND s.m === 'box1'"),
    (14, "SELECT s.m FROM (SELECT x.mark AS m FROM @a x UNION ALL SELECT y.mark FROM @a y) s WHERE tell(s.m) > 'a' AND s.m < 'z'"),
    (14, "~SELECT y.id FROM @a y ORDER BY y.id LIMIT (SELECT count(*) FROM @a x WHERE @cx)"),
    (14, "SELECT y.id FROM free y ORDER BY y.id OFFSET (SELECT abs(max(@ix)) FROM @a x WHERE @nx)"),
    (14, "SELECT CASE WHEN @px THEN @tx ELSE x.code END FROM @a x WHERE @cx"),
    (14, "SELECT coalesce(nullif(@tx, 'box1'), @ty) FROM @a x JOIN @a y ON x.id = y.id WHERE @nx AND @ny"),
    (14, "SELECT x.id, y.id FROM @a x @J @a y ON x.id = y.id AND @px WHERE @cy"),
    (14, "SELECT x.id, y.id FROM @a x @J @a y ON x.id = y.id AND tell_both(x.mark, y.mark)"),
    (14, "SELECT x.id, y.id FROM @a x JOIN @a y ON @ix = y.id % 9 AND @nx AND @py"),
    (14, "SELECT x.id, y.id FROM @a x LEFT JOIN @a y ON @ty = x.mark AND x.id = y.id WHERE y.id IS NULL"),
    (14, "SELECT x.id, y.id FROM @a x LEFT JOIN @a y ON @px AND @ny AND x.id = y.id WHERE @cx"),
    (14, "SELECT x.id, y.id FROM @a x LEFT JOIN @a y ON x.id = y.id WHERE tell_strict(y.mark) > 'a' AND @nx"),
    (14, "SELECT x.id, y.id FROM @a x @J @a y ON @tx = @ty AND x.id = y.id"),
    (14, "SELECT x.id FROM @a x JOIN @a y USING (id) JOIN @a z ON z.grp = y.grp AND z.mark = tell(y.mark) WHERE @nz AND @px AND @ny"),
    (14, "SELECT x.id FROM (@a x JOIN @a y ON x.id = y.id) LEFT JOIN @a z ON @pz AND z.id = x.id WHERE @py"),
    (14, "SELECT x.id FROM @a x, @a y WHERE x.mark = y.mark AND y.mark = tell(x.mark) AND x.id = y.id"),
    (14, "SELECT x.id FROM @a x, @a y WHERE x.mark === y.mark AND x.id = y.id AND @nx"),
    (14, "SELECT x.id FROM @a x, @a y WHERE x.mark <<< y.mark AND @nx AND y.id = x.id"),
    (14, "SELECT x.id FROM @a x WHERE @cx AND @cx"),
    (14, "SELECT x.id, (SELECT count(*) FROM @a y WHERE @cy AND y.grp = x.grp) FROM @a x WHERE @nx"),
    (14, "SELECT (SELECT @tx) FROM @a x WHERE @nx"),
    (14, "SELECT (SELECT max(y.mark) FROM @a y WHERE y.id = x.id AND (SELECT @py)) FROM @a x WHERE @cx"),
    (14, "SELECT ARRAY(SELECT @ty FROM @a y WHERE y.id = x.id AND @cy) FROM @a x WHERE @nx"),
    (14, "SELECT x.id, l.t FROM @a x, LATERAL (SELECT @tx AS t) l WHERE l.t > 'a' AND @nx"),
    (14, "SELECT x.id, l.id FROM @a x CROSS JOIN LATERAL (SELECT y.id FROM @a y WHERE y.num = @ix AND @ny) l WHERE @nx"),
    (14, "SELECT x.id, l.t FROM @a x LEFT JOIN LATERAL (SELECT @ty AS t FROM @a y WHERE y.id = x.id AND @py) l ON l.t <> x.code"),
    (14, "SELECT x.id, f FROM @a x, tell_rows(x.mark) f WHERE f > 'a' AND @nx"),
    (14, "SELECT x.id, f FROM @a x LEFT JOIN tell_rows(x.mark) f ON f <> x.code WHERE @cx"),
    (14, "SELECT x.id, f FROM @a x, tell(x.mark) f WHERE @nx"),
    (14, "SELECT x.id, f.* FROM @a x, ROWS FROM (tell(x.mark), generate_series(1, @ix % 3)) WITH ORDINALITY AS f (a, b, c) WHERE @nx"),
    (14, "SELECT x.id, u FROM @a x, unnest(ARRAY[@tx, x.code]) u WHERE u > 'a'"),
    (14, "SELECT x.id, generate_series(1, @ix % 3) FROM @a x WHERE @cx"),
    (14, "SELECT v.t FROM @a x, LATERAL (VALUES (@tx), ('q')) v (t) WHERE v.t < 'z' AND @nx"),
    (14, "SELECT x.id FROM @a x WHERE (x.grp, @tx) IN (VALUES (1, 'box1'), (2, 'box2'))"),
    (14, "WITH c AS @M (SELECT x.id, @tx AS t, x.mark FROM @a x WHERE @cx) SELECT c.id FROM c WHERE c.t > 'a' AND c.id < @k"),
    (14, "WITH c AS @M (SELECT x.* FROM @a x WHERE @nx) SELECT c.id FROM c WHERE tell(c.mark) > 'a' AND 1 / c.zero > 0 AND c.id = @k"),
    (
        14,
        "WITH c AS @M (SELECT x.* FROM @a x) SELECT a.id, b.id FROM c a JOIN c b ON a.id = b.id AND tell_both(a.mark, b.mark) WHERE a.grp = 3",
    ),
    (14, "WITH c AS @M (SELECT x.* FROM @a x) SELECT c.id FROM c, @a y WHERE c.mark === y.mark AND c.id = y.id AND @ny"),
    (14, "WITH c AS @M (SELECT x.mark FROM @a x) SELECT y.id FROM free y WHERE EXISTS (SELECT 1 FROM c WHERE tell(c.mark) = y.mark)"),
    (
        14,
        "WITH RECURSIVE r (id, t, n) AS (SELECT x.id, @tx, 0 FROM @a x WHERE @cx UNION SELECT y.id, @ty, r.n + 1 FROM r JOIN @a y ON y.grp = r.n \
         AND @py WHERE r.n < 2) SELECT r.id, r.t FROM r WHERE r.t > 'a'",
    ),
    (14, "SELECT @tx FROM @a x WHERE @cx @S SELECT @ty FROM @a y WHERE @cy"),
    (14, "SELECT s.t FROM (SELECT @tx AS t, x.grp FROM @a x @S SELECT @ty, y.grp FROM @a y WHERE @ny) s WHERE s.t = 'box1' AND s.grp < 4"),
    (14, "~SELECT x.id FROM bills x TABLESAMPLE BERNOULLI (100) WHERE @px AND @nx"),
    (14, "~SELECT x.id FROM @T x WHERE @cx FOR UPDATE"),
    (14, "~SELECT x.id FROM @T x WHERE @nx FOR SHARE"),
    (14, "~SELECT x.ctid, @tx FROM @T x WHERE @cx AND x.tableoid > 0"),
];

/// Writes: x is the target.
const WRITES: &[(u32, &str)] = &[
    (14, "UPDATE @W x SET amount = @ix WHERE @cx"),
    (14, "UPDATE @W x SET amount = @ix, code = @tx WHERE @nx RETURNING x.id, @tx"),
    (14, "UPDATE @W x SET grp = grp + 1 WHERE @nx AND @px RETURNING x.id"),
    (14, "UPDATE @W x SET flag = @px WHERE @cx RETURNING @ix"),
    (14, "UPDATE @W x SET amount = (SELECT sum(@iy) FROM @a y WHERE y.id = x.id AND @cy) WHERE @nx"),
    (14, "UPDATE @W x SET (amount, code) = (SELECT max(@iy), max(@tx) FROM @a y WHERE y.grp = x.grp) WHERE @cx RETURNING x.id"),
    (14, "UPDATE @W x SET amount = 1 FROM @T y WHERE x.id = y.id AND @py AND @nx RETURNING x.id, @ty"),
    (14, "UPDATE @W x SET amount = 2 FROM free y WHERE x.id = y.id AND tell_both(x.mark, y.mark) AND @ny"),
    (14, "UPDATE free x SET amount = @iy FROM @T y WHERE x.id = y.id AND @cy RETURNING x.id, @ty"),
    (14, "~UPDATE @W x SET mail = @tx WHERE @px"),
    (14, "DELETE FROM @W x WHERE @cx"),
    (14, "DELETE FROM @W x WHERE @nx RETURNING @tx, x.id"),
    (14, "DELETE FROM @W x USING @T y WHERE x.id = y.id AND @cy AND @px RETURNING x.id"),
    (14, "DELETE FROM @W x USING @T y WHERE x.id = y.id AND x.mark === y.mark AND @nx"),
    (
        14,
        "DELETE FROM free x WHERE x.id IN (SELECT @iy + y.id FROM @a y WHERE @ny) OR EXISTS (SELECT 1 FROM @a z WHERE z.id = x.id AND @pz)",
    ),
    (14, "WITH d AS (DELETE FROM @W x WHERE @cx RETURNING x.id, @tx AS t) SELECT d.id FROM d WHERE d.t > 'a'"),
    (
        14,
        "WITH u AS (UPDATE @W x SET amount = 0 WHERE @nx RETURNING x.*) SELECT u.id FROM u, @a y WHERE y.id = u.id AND tell_both(u.mark, y.mark)",
    ),
    (14, "INSERT INTO free (id, grp, mark, num) SELECT 100000 + x.id, x.grp, @tx, @ix FROM @T x WHERE @cx RETURNING id, mark"),
    (14, "~INSERT INTO @T AS x (id, grp, region, zero, sign) VALUES (@k, 1, 'EU', 1, 1) ON CONFLICT (id) DO UPDATE SET amount = @ix"),
    (14, "~INSERT INTO @T AS x (id, grp, region, zero, sign) VALUES (@k, 1, 'EU', 1, 1) ON CONFLICT (id) DO UPDATE SET grp = 2 WHERE @px"),
    (
        14,
        "~INSERT INTO @T AS x (id, grp, region, zero, sign) SELECT y.id, @iy, 'EU', 1, 1 FROM @T y WHERE @cy ON CONFLICT (id) DO UPDATE SET \
         code = @tx WHERE @cx RETURNING x.id, @tx",
    ),
    (14, "~INSERT INTO free AS x (id, grp, num) SELECT y.id, 1, @iy FROM @T y WHERE @ny ON CONFLICT (id) DO UPDATE SET grp = 7 WHERE @px"),
    (14, "~CREATE TEMPORARY TABLE made AS SELECT @tx AS t, x.id FROM @a x WHERE @cx"),
    (15, "~MERGE INTO @T x USING @T y ON x.id = y.id WHEN MATCHED AND @px THEN UPDATE SET amount = @ix"),
    (15, "~MERGE INTO @T x USING @T y ON x.id = y.id AND @px WHEN MATCHED AND @py THEN DELETE WHEN MATCHED THEN UPDATE SET code = @ty"),
    (
        15,
        "~MERGE INTO @T x USING (SELECT * FROM @T y WHERE @cy) y ON x.id = y.id AND @nx WHEN MATCHED AND @cx THEN UPDATE SET amount = @iy",
    ),
    (15, "~MERGE INTO @T x USING @T y ON x.id = y.id AND tell_both(x.mark, y.mark) WHEN MATCHED AND @nx THEN DELETE"),
    (15, "~MERGE INTO @T x USING free y ON x.mark === y.mark AND x.id = y.id WHEN MATCHED THEN UPDATE SET amount = @ix"),
    (15, "~MERGE INTO free x USING @T y ON x.id = y.id AND @py WHEN MATCHED THEN UPDATE SET amount = @iy WHEN NOT MATCHED THEN DO NOTHING"),
    (
        15,
        "~MERGE INTO @T x USING free y ON x.id = y.id + 100000 AND @px WHEN NOT MATCHED AND @py THEN INSERT (id, region, zero, sign) VALUES (y.id + 200000, 'EU', 1, 1)",
    ),
    (17, "~MERGE INTO @T x USING free y ON x.id = y.id WHEN NOT MATCHED BY SOURCE AND @px THEN DELETE"),
    (17, "~MERGE INTO @T x USING @T y ON x.id = y.id AND @ny WHEN NOT MATCHED BY SOURCE AND @cx THEN UPDATE SET amount = @ix"),
    (
        17,
        "~MERGE INTO @T x USING free y ON x.id = y.id AND @px WHEN MATCHED THEN UPDATE SET amount = @ix RETURNING merge_action(), x.id, @tx",
    ),
];
