//! Values of each type: the edges, and drawn ones.

/// Xorshift: the same values on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn digits(&mut self, most: usize) -> String {
        (0..=self.below(most)).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap())).collect()
    }
}

fn owned(values: &[&str]) -> Vec<String> {
    values.iter().map(|v| (*v).to_owned()).collect()
}

/// How many are drawn beside the edges.
const DRAWN: usize = 60;

pub(crate) fn of(name: &str, modifier: &str, random: &mut Random) -> Vec<String> {
    let mut values = owned(edges(name, modifier));
    values.extend((0..DRAWN).filter_map(|_| drawn(name, modifier, random)));
    values
}

fn edges(name: &str, modifier: &str) -> &'static [&'static str] {
    match (name, modifier) {
        ("bool", _) => &["t", "f"],
        ("int2", _) => &["0", "1", "-1", "999", "1000", "-1000", "-1001", "32767", "-32768", "-32767"],
        ("int4", _) => &["0", "1", "-1", "999", "1000", "-1000", "-1001", "2147483647", "-2147483648", "-2147483647"],
        ("int8", _) => &["0", "1", "-1", "1000", "-1000", "-1001", "9223372036854775807", "-9223372036854775808", "-9223372036854775807"],
        ("float4", _) => &[
            "0",
            "-0",
            "1",
            "-1",
            "NaN",
            "Infinity",
            "-Infinity",
            "3.4028235e38",
            "-3.4028235e38",
            "1e-45",
            "-1e-45",
            "1e20",
            "1e-10",
            "123456",
            "999999",
            "1000000",
            "1234567",
            "-1000.5",
            "33554432",
            "33554436",
            "67108864",
            "67108872",
            "16777216",
            "0.1",
            "0.3",
            "0.0001",
            "0.00001",
        ],
        ("float8", _) => &[
            "0",
            "-0",
            "1",
            "-1",
            "NaN",
            "Infinity",
            "-Infinity",
            "1.7976931348623157e308",
            "-1.7976931348623157e308",
            "5e-324",
            "-5e-324",
            "1e22",
            "1e23",
            "9007199254740993",
            "18014398509481988",
            "18014398509481984",
            "36028797018963976",
            "-1000.5",
            "999999999999999",
            "1e15",
            "123456789012345678",
            "0.1",
            "0.3",
            "0.7",
            "2.5",
            "-0.1",
            "0.0001",
            "0.00001",
            "99999.99999999999",
            "1e-17",
            "3e-17",
            "1e300",
        ],
        ("numeric", "(5,2)") => &["0", "-0.01", "0.01", "999.99", "-999.99", "-999.98", "1.1", "100", "-100", "-500.50", "NaN"],
        ("numeric", "(30,17)") => {
            &["0", "9999999999999.99999999999999999", "-9999999999999.99999999999999999", "-9999999999999.5", "0.00000000000000001"]
        }
        ("numeric", "(7,0)") => &["0", "1", "-1", "9999999", "-9999999", "-9999998", "-1000000", "NaN"],
        ("numeric", "(3,-2)") => &["0", "100", "-100", "99900", "-99900", "-12345", "NaN"],
        ("numeric", "(2,5)") => &["0", "0.00001", "-0.00001", "0.00099", "-0.00099", "NaN"],
        ("numeric", _) => &[
            "0",
            "0.00",
            "-0.0",
            "1",
            "-1",
            "NaN",
            "Infinity",
            "-Infinity",
            "0.1",
            "-0.1",
            "9999",
            "10000",
            "-10000",
            "99999999",
            "-99999999.9999",
            "0.0001",
            "0.00001",
            "1000",
            "1000.00",
            "-1000.00",
            "-1000.01",
            "1e50",
            "-1e50",
            "1e-50",
            "-1e-50",
            "12345678901234567890.12345678901234567890",
            "-999999999999999999999999",
            "1e1000",
            "-1e1000",
            "1e-1000",
            "-1e-1000",
            "0.99999999999999999",
            "-0.99999999999999999",
        ],
        ("money", _) => {
            &["0", "0.01", "-0.01", "1", "-1", "999.99", "-1000", "-1000.01", "92233720368547758.07", "-92233720368547758.08", "1234567.89"]
        }
        ("text" | "varchar" | "bpchar" | "name", _) => &[
            "",
            " ",
            "a",
            "张",
            "张三",
            "张三丰",
            "Alice",
            "alice@example.com",
            "张三@例子.中国",
            "@",
            "a@",
            "@a",
            "a@b@c",
            "NULL",
            "null",
            "e\u{301}a\u{308}",
            "👩‍👩‍👧",
            "😀@😀",
            "'",
            "''",
            "\\",
            "\"",
            "{}",
            "{a,b}",
            "a,b",
            " a ",
            "tab\tnew\nline\r",
            "\u{1}",
            "\u{7f}",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "1234567",
            "12345678",
            "１２３４５６７８",
            "AB12-34 cd",
            "13812345678",
            "110101199003071234",
            "11010119900307123X",
            "４111–1111・1111 1111",
            "10.1.2.3",
            "10.1.2.3/8",
            "255.255.255.255/32",
            "256.1.1.1",
            "01.2.3.4",
            "1.2.3",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4/08",
            " 1.2.3.4",
            "::",
            "::1",
            "2001:db8::1",
            "2001:DB8:0:1:2:3:4:5/64",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7:8::",
            "::ffff:1.2.3.4",
            "1::1.2.3.4/128",
            "::1.2.3.4",
            "0:0:a::",
            "fe80::1%eth0",
            "1::2::3",
            "12345::",
            "::/129",
            "::/0",
            "1:2:3:4:5:6:1.2.3.4",
            "1:2:3:4:5:6:7:1.2.3.4",
            "1.2.3.4\n",
            "*",
            "**",
            "********",
            "长长的中文文本一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十",
            "The quick brown fox jumps over the lazy dog 0123456789 and then again and again, 100 times or 200.",
        ],
        ("date", _) => &[
            "4714-11-24 BC",
            "4714-11-25 BC",
            "4714-12-01 BC",
            "4713-01-01 BC",
            "4713-12-31 BC",
            "0001-12-31 BC",
            "0001-01-01",
            "1582-10-15",
            "1970-01-01",
            "1999-12-31",
            "2000-01-01",
            "2000-02-29",
            "2024-02-29",
            "9999-12-31",
            "10000-01-01",
            "294277-03-04",
            "5874897-12-31",
            "infinity",
            "-infinity",
        ],
        // PostgreSQL itself rounds the end of its range beyond it.
        ("timestamp", "(0)") => &["1970-01-01 00:00:00.5", "294276-12-31 23:59:58", "infinity", "-infinity"],
        ("timestamp", _) => &[
            "4714-11-24 00:00:00 BC",
            "4714-11-24 00:00:01.5 BC",
            "4714-12-01 00:00:00 BC",
            "4713-01-01 00:00:00 BC",
            "0001-12-31 23:59:59.999999 BC",
            "1969-12-31 23:59:59.999999",
            "1970-01-01",
            "1999-12-31 23:59:59.999999",
            "2000-01-01",
            "2024-02-29 12:34:56.7",
            "294276-12-31 23:59:59.999999",
            "infinity",
            "-infinity",
        ],
        ("timestamptz", _) => &[
            "4714-11-24 00:00:00+00 BC",
            "4714-12-01 00:00:00+00 BC",
            "4713-01-01 00:00:00+00 BC",
            "0001-12-31 23:59:59.999999+00 BC",
            "1890-05-05 00:00:00+00",
            "1969-12-31 23:59:59.999999+00",
            "1970-01-01+00",
            "1999-12-31 23:59:59.999999+00",
            "2000-01-01 00:00:00+00",
            "2024-07-31 23:00:00+00",
            "2024-02-29 12:34:56.7+00",
            "12000-01-15 00:00:00+00",
            "294276-12-31 23:59:59.999999+00",
            "infinity",
            "-infinity",
        ],
        ("uuid", _) => {
            &["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]
        }
        ("json" | "jsonb", _) => &["{}", "[]", "null", "\"x\"", "{\"a\": [1, 2, {\"b\": \"张\"}]}", "1e10"],
        ("bytea", _) => &["", "\\x00ff", "\\xdeadbeef", "\\x5c27"],
        ("inet", _) => &[
            "0.0.0.0",
            "10.1.2.3",
            "10.1.2.3/8",
            "10.1.2.3/24",
            "10.1.2.3/25",
            "255.255.255.255",
            "0.0.0.0/0",
            "::",
            "::1",
            "2001:db8::1",
            "::ffff:1.2.3.4",
            "::1.2.3.4",
            "1:2:3:4:5:6:7:8/20",
            "0:0:a::b",
            "::/0",
            "a:b:c:d::/64",
        ],
        ("cidr", _) => &[
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.1.2.0/24",
            "10.1.2.3/32",
            "10.1.2.128/25",
            "::/0",
            "2001:db8::/32",
            "2001:db8::1/128",
            "0:0:a::/48",
        ],
        ("interval", _) => &["1 day", "-3 months 2 hours"],
        ("point", _) => &["(1,2)"],
        ("int4range", _) => &["[1,5)", "empty"],
        ("bit", _) => &["1010"],
        _ => panic!("{name}"),
    }
}

fn drawn(name: &str, modifier: &str, random: &mut Random) -> Option<String> {
    let shift = random.below(64);
    let n = random.next();
    Some(match name {
        "int2" => (n as i16 >> (shift % 16)).to_string(),
        "int4" => (n as i32 >> (shift % 32)).to_string(),
        "int8" => (n as i64 >> shift).to_string(),
        "float4" => match random.below(3) {
            0 => f32::from_bits(n as u32).to_string(),
            1 => (n as i32 >> (shift % 32)).to_string(),
            _ => format!("{}.{}", n as i16, random.digits(4)),
        },
        "float8" => match random.below(4) {
            0 => f64::from_bits(n).to_string(),
            // around the halves where shortest digits are not unique
            1 => ((n >> 8 | 1 << 55) >> random.below(4)).to_string(),
            2 => (n as i64 >> shift).to_string(),
            _ => format!("{}.{}", n as i32, random.digits(6)),
        },
        "numeric" => {
            let sign = if n & 1 == 0 { "-" } else { "" };
            let (whole, fraction) = match modifier {
                "(5,2)" => (2, 3),
                "(30,17)" => (11, 20),
                "(7,0)" => (5, 3),
                "(3,-2)" => (4, 2),
                "(2,5)" => return Some(format!("{sign}0.000{}", random.digits(4))),
                _ => (40, 30),
            };
            if random.below(3) == 0 {
                format!("{sign}{}", random.digits(whole))
            } else {
                format!("{sign}{}.{}", random.digits(whole), random.digits(fraction))
            }
        }
        "money" => format!("{}.{:02}", n as i32, random.below(100)),
        "text" | "varchar" | "bpchar" | "name" => text(random),
        "date" => format!("{:04}-{:02}-{:02}", 1 + random.below(20000), 1 + random.below(12), 1 + random.below(28)),
        "timestamp" | "timestamptz" => {
            let (year, month, day) = (1 + random.below(3000), 1 + random.below(12), 1 + random.below(28));
            let zone = if name == "timestamptz" { "+00" } else { "" };
            format!(
                "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{}{zone}",
                random.below(24),
                random.below(60),
                random.below(60),
                random.digits(6)
            )
        }
        "uuid" => format!("{:016x}{:016x}", n, random.next()),
        "inet" => match random.below(2) {
            0 => format!("{}/{}", std::net::Ipv4Addr::from_bits(n as u32), random.below(33)),
            _ => {
                format!("{}/{}", std::net::Ipv6Addr::from_bits(u128::from(n) << 64 | u128::from(random.next()) >> shift), random.below(129))
            }
        },
        _ => return None,
    })
}

/// Pieces of which texts are put together.
const PIECES: [&str; 44] = [
    "a",
    "b",
    "Z",
    "x",
    "0",
    "1",
    "9",
    "7",
    "42",
    "@",
    ".",
    "-",
    " ",
    "  ",
    "\t",
    "\n",
    "\u{b}",
    "\u{c}",
    "'",
    "\"",
    "\\",
    "{",
    "}",
    ",",
    "(",
    ")",
    "NULL",
    "张",
    "李四",
    "é",
    "e\u{301}",
    "😀",
    "👩‍👧",
    "\u{200b}",
    "\u{feff}",
    "１",
    "％",
    "*",
    "/",
    ":",
    "$1",
    "\u{10ffff}",
    "ß",
    "İ",
];

fn text(random: &mut Random) -> String {
    let pieces = random.below(24);
    (0..pieces).map(|_| *random.pick(&PIECES)).collect()
}

/// Array literals of values: flat, nested, with NULLs and bounds, and the empty one.
pub(crate) fn arrays(values: &[String], random: &mut Random) -> Vec<String> {
    let mut arrays = vec!["{}".to_owned(), "{NULL}".to_owned(), "{NULL,NULL}".to_owned(), "{{NULL},{NULL}}".to_owned()];
    arrays.extend(values.chunks(7).map(|chunk| format!("{{{}}}", chunk.iter().map(|v| element(v)).collect::<Vec<_>>().join(","))));
    for _ in 0..12 {
        let mut one = || if random.below(5) == 0 { "NULL".to_owned() } else { element(random.pick::<String>(values)) };
        let (a, b, c, d, e, f) = (one(), one(), one(), one(), one(), one());
        arrays.push(format!("{{{{{a},{b},{c}}},{{{d},{e},{f}}}}}"));
        arrays.push(format!("[-3:-2][2:4]={{{{{a},{b},{c}}},{{{d},{e},{f}}}}}"));
        arrays.push(format!("[0:1]={{{a},{b}}}"));
        arrays.push(format!("{{{{{{{{{{{{{c}}}}}}}}}}}}}"));
    }
    arrays
}

fn element(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
