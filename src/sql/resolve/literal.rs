//! Texts in the policy's own SQL. PostgreSQL reads each as a value of the type that its place asks for, when a session's statement is
//! read; how it reads moments, spans of time, money and arrays is for settings to say which a client makes (`TimeZone`, `DateStyle`,
//! `IntervalStyle`, `lc_monetary`, `array_nulls`). A view holds what was read when it was made. So those that could be read in two ways
//! are refused.

use pg_query::NodeEnum;
use pg_query::protobuf::{FuncCall, Node};

use super::call::literal;
use super::moment::{DATE, INTERVAL, TIMESTAMP, TIMESTAMPTZ};
use super::{Resolver, strings};
use crate::catalog::{Function, Oid};
use crate::sql::reject::{Checked, Reject};

const TEXT: Oid = Oid(25);
const TIME: Oid = Oid(1083);
const TIMETZ: Oid = Oid(1266);
const MONEY: Oid = Oid(790);

/// How deep types may be made of types.
const DEPTH: usize = 8;

/// A text, and the type that it is read as, where that is certain.
#[derive(Debug)]
pub(super) struct Literal {
    text: Box<str>,
    ty: Option<Oid>,
}

impl Resolver<'_> {
    /// Notes a text in the policy's own SQL.
    pub(super) fn meets_text(&mut self, node: &Node) {
        if let (Some(_), Some(text), Some(at)) = (self.cx.says, literal(node), place(node)) {
            self.literals.entry(at).or_insert_with(|| Literal { text: text.into(), ty: None });
        }
    }

    /// Notes the type that a text is read as.
    pub(super) fn reads_as(&mut self, node: &Node, ty: Option<Oid>) {
        if let (Some(_), Some(_), Some(at)) = (self.cx.says, literal(node), place(node))
            && let Some(found) = self.literals.get_mut(&at)
        {
            found.ty = ty;
        }
    }

    /// The same of what stands beside something of a known type: an operator of just that type is taken where there is one (`binary_oper_exact` in
    /// `parse_oper.c`), else those that take it on the left decide, where they agree.
    pub(super) fn reads_as_operand(&mut self, node: &Node, names: &[Node], beside: Option<Oid>) {
        if self.cx.says.is_none() || literal(node).is_none() {
            return;
        }
        let (Some(ty), Some(name)) =
            (beside.and_then(|ty| self.compared_as(ty)), strings(names).ok().and_then(|parts| parts.last().copied()))
        else {
            return;
        };
        let rights: Vec<Oid> = self.cx.catalog.operators_named(name).filter(|o| o.left == ty).map(|o| o.right).collect();
        let ty = if rights.contains(&ty) { Some(ty) } else { self.as_one(&rights) };
        self.reads_as(node, ty);
    }

    /// The same of what stands on the left of an operator.
    pub(super) fn reads_as_left(&mut self, node: &Node, names: &[Node], beside: Option<Oid>) {
        self.reads_as_operand(node, names, beside.filter(|_| is_comparison(names)));
    }

    /// The same of the arguments of a call.
    pub(super) fn reads_as_arguments(&mut self, candidates: &[&Function], call: &FuncCall) {
        if self.cx.says.is_none() || call.func_variadic || candidates.iter().any(|f| f.variadic) {
            return;
        }
        for (i, argument) in call.args.iter().enumerate() {
            let types: Vec<Oid> = candidates.iter().map(|f| f.arg_types.get(i).copied().unwrap_or_default()).collect();
            let ty = self.as_one(&types);
            self.reads_as(argument, ty);
        }
    }

    /// The one type, or any of several as which no setting has a text read otherwise.
    fn as_one(&self, types: &[Oid]) -> Option<Oid> {
        let (first, rest) = types.split_first()?;
        if rest.iter().all(|ty| ty == first) {
            return Some(*first).filter(|ty| self.cx.catalog.type_info(*ty).is_some_and(|info| info.kind != 'p'));
        }
        types.iter().all(|ty| self.is_plain(*ty)).then_some(TEXT)
    }

    /// Whether no setting has a text of a type read otherwise.
    fn is_plain(&self, ty: Oid) -> bool {
        let Some(info) = self.cx.catalog.base_type(ty) else { return false };
        let own = ![DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, TIMETZ, MONEY].contains(&info.oid);
        own && info.element == Oid(0) && info.relation == Oid(0) && matches!(info.kind, 'b' | 'e')
    }

    /// Refuses what could be read in two ways.
    pub(super) fn texts_are_plain(&self) -> Checked<()> {
        match self.literals.values().find(|l| !self.is_read_alike(&l.text, l.ty, DEPTH)) {
            None => Ok(()),
            Some(Literal { text: _, ty }) => {
                let name =
                    ty.and_then(|ty| self.cx.catalog.type_info(ty)).map_or("value of the type that its place asks for", |t| &*t.name.name);
                let message = format!(
                    "what a text means as a {name} hangs on what a session sets (TimeZone, DateStyle, IntervalStyle and their like)"
                );
                let hint = "write moments with their zone, '2024-01-31 00:00+00', days as '2024-01-31', and say the type of other texts ('…'::text)";
                Err(Reject::unclear("policy", message).hint(hint))
            }
        }
    }

    /// Whether a text is the same value of a type whatever a session sets.
    fn is_read_alike(&self, text: &str, ty: Option<Oid>, depth: usize) -> bool {
        let Some(ty) = ty else {
            let holds_null = text.contains('{') && text.to_lowercase().contains("null");
            return !holds_null && (!may_be_a_moment(text) || (is_moment(text, true) && is_day(text)));
        };
        let Some(info) = self.cx.catalog.base_type(ty).filter(|_| depth > 0) else { return false };
        let parts = || text.split(['{', '}', '[', ']', '(', ')', ',', '"']).map(str::trim).filter(|part| !part.is_empty());
        let each = |ty| parts().all(|part| self.is_read_alike(part, Some(ty), depth - 1));
        match info.oid {
            DATE | TIMESTAMP => is_day(text),
            TIME => is_time(text.trim()),
            TIMESTAMPTZ => is_moment(text, true) && is_day(text),
            TIMETZ => is_moment(text, false),
            INTERVAL => is_span(text),
            MONEY => false,
            _ if info.element != Oid(0) => parts().all(|part| !part.eq_ignore_ascii_case("null")) && each(info.element),
            _ => match info.kind {
                'b' | 'e' => true,
                // what a range's bounds, or a row's fields are
                _ => parts().all(|part| !may_be_a_moment(part) || (is_day(part) && self.is_over_days(info.oid))),
            },
        }
    }

    /// Whether it is a range of days or of moments without a zone.
    fn is_over_days(&self, range: Oid) -> bool {
        const RANGES: [u32; 4] = [3908, 3912, 4533, 4535];
        RANGES.contains(&range.0)
    }
}

/// Whether PostgreSQL has an operator of that name for two sides of one type, whichever it is that can be read otherwise.
fn is_comparison(names: &[Node]) -> bool {
    let name = strings(names).ok().and_then(|parts| parts.last().copied());
    name.is_some_and(|name| ["=", "<>", "<", "<=", ">", ">="].contains(&name))
}

/// Where a constant stands; what the proxy puts there itself has no place.
fn place(node: &Node) -> Option<i32> {
    match &node.node {
        Some(NodeEnum::AConst(constant)) => Some(constant.location).filter(|at| *at >= 0),
        _ => None,
    }
}

/// What is read as a moment without a number in it, and hangs on the day that it is.
const WORDS: [&str; 4] = ["now", "today", "tomorrow", "yesterday"];

/// Words of dates, times and spans of time, three letters of the long ones.
const KNOWN: [&str; 49] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    "y", "yr", "yea", "w", "wee", "d", "day", "h", "hr", "hou", "hrs", "m", "min", "s", "sec", "ms", "mil", "us", "mic", "dec", "cen",
    "ago", "am", "pm", "ad", "bc", "t", "z", "p", "j",
];

/// Whether some type that a setting tells how to read could be read from a text. Texts with words that no date has are none.
fn may_be_a_moment(text: &str) -> bool {
    let lower = text.to_lowercase();
    if WORDS.contains(&lower.trim()) {
        return true;
    }
    let runs = |is: fn(char) -> bool| lower.split(move |c: char| !is(c)).filter(|run| !run.is_empty());
    let (numbers, longest) = (runs(|c| c.is_ascii_digit()).count(), lower.chars().filter(char::is_ascii_digit).count());
    let known = |word: &str| KNOWN.contains(&word) || word.get(..3).is_some_and(|head| KNOWN.contains(&head));
    let mut words = runs(char::is_alphabetic).peekable();
    let few = numbers == 1 && longest <= 3 && words.peek().is_none() && lower.chars().all(|c| c.is_ascii_digit());
    let strange = numbers < 3 && words.any(|word| !known(word));
    numbers > 0 && !few && !strange
}

/// `2024-01-31`, alone or before a time: the year stands first, and in full.
fn is_day(text: &str) -> bool {
    let text = text.trim();
    if ["infinity", "-infinity", "epoch"].contains(&text.to_lowercase().as_str()) {
        return true;
    }
    let text = text.trim_end_matches(" BC");
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let parts: Vec<&str> = day.split('-').collect();
    let [year, month, number] = parts.as_slice() else { return false };
    let digits = |part: &str, least, most| (least..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let (time, _) = zoned(time);
    digits(year, 4, 6) && digits(month, 2, 2) && digits(number, 2, 2) && is_time(time)
}

/// Whether a moment says its zone: behind a day, where there must be one.
fn is_moment(text: &str, has_day: bool) -> bool {
    let text = text.trim();
    if ["infinity", "-infinity", "epoch"].contains(&text.to_lowercase().as_str()) {
        return true;
    }
    let time = if has_day { text.split_once([' ', 'T']).map(|(_, time)| time) } else { Some(text) };
    time.map(|time| zoned(time.trim_end_matches(" BC"))).is_some_and(|(time, zone)| zone && is_time(time))
}

/// A time, and whether a zone stands behind it: an offset, UTC, or the name of a place.
fn zoned(time: &str) -> (&str, bool) {
    let end = time.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(time.len());
    let (time, zone) = time.split_at_checked(end).unwrap_or((time, ""));
    let named = zone.trim();
    let offset = named.strip_prefix(['+', '-']).is_some_and(|hours| {
        let plain = hours.bytes().all(|b| b.is_ascii_digit() || b == b':');
        plain && hours.split(':').all(|part| (1..=2).contains(&part.len()))
    });
    let place = named.contains('/') && named.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'_'));
    if offset || place || ["z", "utc", "gmt"].contains(&named.to_lowercase().as_str()) { (time, true) } else { (time, false) }
}

/// `23:59`, with seconds and parts of them, or without.
fn is_time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = whole.split(':').collect();
    let number = |part: &&str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    (2..=3).contains(&parts.len()) && parts.iter().all(number) && fraction.bytes().all(|b| b.is_ascii_digit())
}

/// A span of time: in SQL's own style a sign before the first of its numbers is that of all the others, if none of those has one
/// (`DecodeInterval` in datetime.c).
fn is_span(text: &str) -> bool {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('-') else { return true };
    let signed = rest.split_whitespace().skip(1).any(|field| field.starts_with(['+', '-']));
    let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ':');
    signed || number.trim().bytes().all(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_moment() {
        for text in [
            "2024-06-01",
            "Jun 1 2024",
            "20240601",
            "tomorrow",
            " Now ",
            "-0 2:00",
            "1 day",
            "12:00",
            "1.5",
            "01/02/2024 EST",
            "4711",
            "J2451187",
        ] {
            assert!(may_be_a_moment(text), "{text}");
        }
        for text in ["EU", "R2", "42", "007", "", "it is", "A-42", "k1", "^[a-z]{1}$", "infinity", "Friday"] {
            assert!(!may_be_a_moment(text), "{text}");
        }
    }

    #[test]
    fn moments_that_are_read_in_one_way() {
        for text in [
            "2024-06-01 00:00+00",
            "2024-06-01T00:00:00.5Z",
            "2024-06-01 02:00 Europe/Berlin",
            "12024-06-01 00:00 UTC",
            "0044-03-15 00:00:00+00 BC",
            "infinity",
        ] {
            assert!(is_moment(text, true) && is_day(text), "{text}");
        }
        for text in [
            "2024-06-01",
            "2024-06-01 00:00",
            "2024-06-01 00:00 EST",
            "01/02/2024 00:00+00",
            "2024-06-01+00",
            "24-06-01 00:00+00",
            "00:00+00",
        ] {
            assert!(!(is_moment(text, true) && is_day(text)), "{text}");
        }
        assert!(
            is_day("2024-06-01")
                && is_day("4714-11-24 BC")
                && is_day("2024-06-01 12:00")
                && !is_day("2024/06/01")
                && !is_day("2024-6-1")
                && !is_day("01-02-2024")
        );
        assert!(is_moment("12:00+01:30", false) && !is_moment("12:00", false));
        assert!(is_time("12:00") && is_time("1:02:03.456") && !is_time("12") && !is_time("12:00 PM"));
    }

    #[test]
    fn spans_that_are_read_in_one_way() {
        for text in
            ["1 day", "-1 day", "-02:00", "-02:00:00.5", "1 day -02:00", "-1 day -02:00", "-1 days +02:03:00", "30 days", "P1Y2M", "1-2"]
        {
            assert!(is_span(text), "{text}");
        }
        for text in ["-0 2:00", "-1 day 02:00", "-1 2:03", "-1-2", "-1 year 2 months"] {
            assert!(!is_span(text), "{text}");
        }
    }
}
