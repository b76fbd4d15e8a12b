//! The forms in which a canary could come.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::Canary;

/// Days from 1970-01-01 to PostgreSQL's own day zero, 2000-01-01.
const EPOCH: i64 = 10_957;

type Forms = Vec<(&'static str, Vec<u8>)>;

/// A canary as people read it.
pub(super) fn name(canary: &Canary) -> String {
    match canary {
        Canary::Text(text) => text.clone(),
        Canary::Number(n, scale) => decimal(*n, *scale),
        Canary::Date(days) => iso(*days),
        Canary::Moment(micros) => moment(*micros),
        Canary::Uuid(bytes) => uuid(bytes),
        Canary::Address(bytes) => address(bytes),
        Canary::Bytes(bytes) => hex::encode(bytes),
    }
}

/// Every form that is looked for wherever it stands.
pub(super) fn of(canary: &Canary) -> Forms {
    let mut forms = Vec::new();
    match canary {
        Canary::Text(text) => of_text(text, &mut forms),
        Canary::Number(n, scale) => of_number(*n, *scale, &mut forms),
        Canary::Date(days) => of_date(*days, &mut forms),
        Canary::Moment(micros) => {
            let text = moment(*micros);
            let since_2000 = micros - EPOCH * 86_400_000_000;
            forms.push(("binary timestamp", since_2000.to_be_bytes().to_vec()));
            of_number(micros / 1_000_000, 0, &mut forms);
            of_text(&text, &mut forms);
            of_text(&text.replace(' ', "T"), &mut forms);
        }
        Canary::Uuid(bytes) => {
            of_text(&uuid(bytes), &mut forms);
            of_text(&hex::encode(bytes), &mut forms);
            forms.push(("binary uuid", bytes.to_vec()));
        }
        Canary::Address(bytes) => {
            of_text(&address(bytes), &mut forms);
            let family = if bytes.len() == 4 { 2 } else { 3 };
            let bits = u8::try_from(bytes.len() * 8).unwrap_or(0);
            let length = u8::try_from(bytes.len()).unwrap_or(0);
            let mut binary = vec![family, bits, 0, length];
            binary.extend_from_slice(bytes);
            forms.push(("binary inet", binary));
        }
        Canary::Bytes(bytes) => encoded("bytes", bytes, &mut forms),
    }
    forms
}

/// Binary forms that are looked for as one whole value only.
pub(super) fn whole_values(canary: &Canary) -> Forms {
    let mut forms = Vec::new();
    match canary {
        Canary::Number(n, 0) => {
            forms.extend(i32::try_from(*n).ok().map(|n| ("binary int4", n.to_be_bytes().to_vec())));
            forms.extend(i32::try_from(-*n).ok().map(|n| ("binary int4", n.to_be_bytes().to_vec())));
            #[allow(clippy::cast_precision_loss, reason = "what PostgreSQL does, too")]
            forms.push(("binary float4", (*n as f32).to_be_bytes().to_vec()));
        }
        Canary::Date(days) => forms.extend(i32::try_from(days - EPOCH).ok().map(|d| ("binary date", d.to_be_bytes().to_vec()))),
        Canary::Text(_) | Canary::Number(..) | Canary::Moment(_) | Canary::Uuid(_) | Canary::Address(_) | Canary::Bytes(_) => {}
    }
    forms
}

fn of_text(text: &str, forms: &mut Forms) {
    encoded("plain", text.as_bytes(), forms);
    forms.push(("reversed", text.chars().rev().collect::<String>().into_bytes()));
    let units: Vec<u16> = text.encode_utf16().collect();
    encoded("UTF-16BE", &units.iter().flat_map(|u| u.to_be_bytes()).collect::<Vec<u8>>(), forms);
    encoded("UTF-16LE", &units.iter().flat_map(|u| u.to_le_bytes()).collect::<Vec<u8>>(), forms);
    let each = |f: &dyn Fn(char) -> String| text.chars().map(f).collect::<String>().into_bytes();
    forms.push(("\\u escapes", units.iter().map(|u| format!("\\u{u:04x}")).collect::<String>().into_bytes()));
    forms.push(("\\+ escapes", each(&|c| format!("\\+{:06x}", u32::from(c)))));
    forms.push(("SQL unicode escapes", each(&|c| format!("\\{:04x}", u32::from(c)))));
    forms.push(("decimal entities", each(&|c| format!("&#{};", u32::from(c)))));
    forms.push(("hexadecimal entities", each(&|c| format!("&#x{:x};", u32::from(c)))));
    for separator in [",", " ", ";", "\n"] {
        let points: Vec<String> = text.chars().map(|c| u32::from(c).to_string()).collect();
        forms.push(("code points", points.join(separator).into_bytes()));
    }
    forms.push(("one character an element", text.bytes().flat_map(|b| [0, 0, 0, 1, b]).collect()));
    for separator in [" ", ",", "|", "\n", "\t", ", ", "\",\"", "','"] {
        let characters: Vec<String> = text.chars().map(String::from).collect();
        forms.push(("one character apart", characters.join(separator).into_bytes()));
    }
    let escapes: [(&str, &[(&str, &str)]); 8] = [
        ("doubled single quotes", &[("'", "''")]),
        ("doubled quotes", &[("\"", "\"\"")]),
        ("doubled backslashes", &[("\\", "\\\\")]),
        ("an E'' literal", &[("\\", "\\\\"), ("'", "''")]),
        ("a JSON string", &[("\\", "\\\\"), ("\"", "\\\"")]),
        ("a row's field", &[("\\", "\\\\"), ("\"", "\"\"")]),
        ("entities", &[("&", "&amp;"), ("\"", "&quot;"), ("'", "&#39;")]),
        ("XML", &[("&", "&amp;")]),
    ];
    for (form, steps) in escapes {
        let escaped = steps.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        if escaped != text {
            forms.push((form, escaped.into_bytes()));
        }
    }
}

/// The encodings of bytes as text.
fn encoded(plain: &'static str, bytes: &[u8], forms: &mut Forms) {
    forms.push((plain, bytes.to_vec()));
    forms.push(("hexadecimal", hex::encode(bytes).into_bytes()));
    forms.push(("octal escapes", bytes.iter().map(|b| format!("\\{b:03o}")).collect::<String>().into_bytes()));
    forms.push((
        "bytea escapes",
        bytes
            .iter()
            .map(|b| if (32..127).contains(b) { char::from(*b).to_string() } else { format!("\\{b:03o}") })
            .collect::<String>()
            .into_bytes(),
    ));
    let high = |b: &u8| if *b == 0 || *b > 127 { format!("\\{b:03o}").into_bytes() } else { vec![*b] };
    forms.push(("escapes of high bytes", bytes.iter().flat_map(high).collect()));
    forms.push(("\\x escapes", bytes.iter().map(|b| format!("\\x{b:02x}")).collect::<String>().into_bytes()));
    forms.push(("percent escapes", bytes.iter().map(|b| format!("%{b:02x}")).collect::<String>().into_bytes()));
    let bits: String = bytes.iter().map(|b| format!("{b:08b}")).collect();
    forms.push(("bits", bits.into_bytes()));
    let mut reversed = bytes.to_vec();
    reversed.reverse();
    forms.push(("reversed", reversed));
    for skip in 0..3 {
        // what stands before it shifts it in the alphabet; characters at the ends hang on neighbours
        let mut padded = vec![0; skip];
        padded.extend_from_slice(bytes);
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let start = (skip * 8).div_ceil(6);
            let end = padded.len() * 8 / 6;
            if let Some(inner) = text.get(start..end).filter(|t| t.len() >= super::SHORTEST) {
                forms.push(("base64", inner.as_bytes().to_vec()));
            }
        }
    }
}

fn of_number(n: i64, scale: u32, forms: &mut Forms) {
    let text = decimal(n, scale);
    of_text(&text, forms);
    let digits = n.abs().to_string();
    of_text(&digits, forms);
    forms.push(("grouped digits", grouped(&digits).into_bytes()));
    forms.push(("hexadecimal number", format!("{:08x}", n.abs()).into_bytes()));
    forms.push(("binary digits", format!("{:b}", n.abs()).into_bytes()));
    forms.push(("binary int8", n.to_be_bytes().to_vec()));
    #[allow(clippy::cast_precision_loss, reason = "canaries are far below 2^53")]
    let float = n as f64 / 10_f64.powi(i32::try_from(scale).unwrap_or(0));
    forms.push(("binary float8", float.to_be_bytes().to_vec()));
    forms.push(("binary float8", (-float).to_be_bytes().to_vec()));
    forms.push(("binary int8", (-n).to_be_bytes().to_vec()));
    if scale == 0
        && let Ok(n) = i32::try_from(n)
    {
        // as an element of an array, a range or a row, its length before it
        forms.push(("binary int4 element", [&4_i32.to_be_bytes()[..], &n.to_be_bytes()].concat()));
        forms.push(("binary bits", [&32_i32.to_be_bytes()[..], &n.to_be_bytes()].concat()));
    }
    forms.push(("binary numeric", numeric_digits(n.unsigned_abs(), scale)));
}

/// The digits of a binary numeric: groups of four from the point outwards, two bytes each.
fn numeric_digits(n: u64, scale: u32) -> Vec<u8> {
    let pad = (4 - scale % 4) % 4;
    let mut shifted = u128::from(n) * 10_u128.pow(pad);
    let mut groups = Vec::new();
    while shifted > 0 {
        groups.push(u16::try_from(shifted % 10_000).unwrap_or(0));
        shifted /= 10_000;
    }
    while groups.first() == Some(&0) {
        groups.remove(0);
    }
    let digits: Vec<u8> = groups.iter().rev().flat_map(|g| g.to_be_bytes()).collect();
    // two groups alone stand elsewhere by chance: with what comes before them in the value
    if digits.len() >= super::SHORTEST { digits } else { [&digits[..], &digits[..], &digits[..]].concat() }
}

fn grouped(digits: &str) -> String {
    let head = digits.len() % 3;
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && i % 3 == head % 3 {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn decimal(n: i64, scale: u32) -> String {
    if scale == 0 {
        return n.to_string();
    }
    let base = 10_i64.pow(scale);
    format!("{}.{:0width$}", n / base, (n % base).abs(), width = scale as usize)
}

fn of_date(days: i64, forms: &mut Forms) {
    let (y, m, d) = civil(days);
    of_text(&iso(days), forms);
    if let Ok(since_2000) = i32::try_from(days - EPOCH) {
        forms.push(("binary date element", [&4_i32.to_be_bytes()[..], &since_2000.to_be_bytes()].concat()));
    }
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = usize::try_from(m - 1).ok().and_then(|m| MONTHS.get(m)).copied().unwrap_or_default();
    for text in [
        format!("{m:02}/{d:02}/{y:04}"),
        format!("{d:02}/{m:02}/{y:04}"),
        format!("{d:02}.{m:02}.{y:04}"),
        format!("{m:02}-{d:02}-{y:04}"),
        format!("{d:02}-{m:02}-{y:04}"),
        format!("{y:04}{m:02}{d:02}"),
        format!("{d:02} {month} {y:04}"),
        format!("{month} {d:02}, {y:04}"),
        format!("{month} {d:02} 00:00:00 {y:04}"),
    ] {
        forms.push(("another date style", text.into_bytes()));
    }
}

fn iso(days: i64) -> String {
    let (y, m, d) = civil(days);
    format!("{y:04}-{m:02}-{d:02}")
}

/// `2001-02-03 04:05:06` without a fraction.
fn moment(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    format!("{} {:02}:{:02}:{:02}", iso(days), rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a day since 1970-01-01, after Howard Hinnant's `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    (yoe + era * 400 + i64::from(m <= 2), m, d)
}

fn uuid(bytes: &[u8; 16]) -> String {
    let hex = hex::encode(bytes);
    let part = |r: std::ops::Range<usize>| hex.get(r).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

fn address(bytes: &[u8]) -> String {
    match <[u8; 4]>::try_from(bytes) {
        Ok(four) => std::net::Ipv4Addr::from(four).to_string(),
        Err(_) => <[u8; 16]>::try_from(bytes).map_or_else(|_| hex::encode(bytes), |b| std::net::Ipv6Addr::from(b).to_string()),
    }
}
