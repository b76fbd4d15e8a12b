//! The rows themselves. Each maker appends lines of COPY's text format; nothing in the words needs escaping there.

use std::fmt::Write as _;

use super::Rows;
use super::words::{DISTRICTS, FIRST, GIVEN, GOODS, LAST, MAKES, ROADS, SEARCHES, STREETS, SURNAMES, TOWNS};
use crate::demo::random::Random;

/// What other tables need of a person.
struct Person {
    id: u64,
    name: String,
    phone: String,
    chinese: bool,
    district: (&'static str, &'static str, &'static str),
    addresses: Vec<u64>,
}

/// The prices, in cents, by product.
type Prices = Vec<u64>;

/// Makes a shop.
pub(super) struct Maker {
    random: Random,
}

impl Maker {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed) }
    }

    pub(super) fn make(mut self, people: u32) -> Vec<Rows> {
        let (users, mut persons) = self.users(people);
        let addresses = self.addresses(&mut persons);
        let (products, prices) = self.products();
        let (orders, payments) = self.orders(&persons, &prices);
        let views = self.page_views(&persons);
        let table = |copy, text: String| Rows { copy, count: text.lines().count(), text };
        vec![
            table("COPY public.users (id, full_name, id_number, email, phone, birth_date, locale, level, created_at) FROM STDIN", users),
            table(
                "COPY public.addresses (id, user_id, recipient, phone, region, city, street, postcode, is_default) FROM STDIN",
                addresses,
            ),
            table("COPY public.products (id, sku, name, category, price, stock) FROM STDIN", products),
            table(
                "COPY public.orders (id, user_id, address_id, product_id, quantity, total, status, region, ordered_at) FROM STDIN",
                orders,
            ),
            table("COPY public.payments (id, order_id, user_id, method, card_number, card_holder, amount, paid_at) FROM STDIN", payments),
            table("COPY public.page_views (id, user_id, path, search_term, ip, viewed_at) FROM STDIN", views),
        ]
    }

    fn users(&mut self, people: u32) -> (String, Vec<Person>) {
        let (mut text, mut persons) = (String::new(), Vec::new());
        for id in 1..=u64::from(people) {
            let r = &mut self.random;
            let chinese = r.chance(60);
            let district = r.one(&DISTRICTS);
            let (year, month, day) = (r.between(1948, 2006), r.between(1, 12), r.between(1, 28));
            let (name, handle) = if chinese { chinese_name(r) } else { english_name(r) };
            let phone =
                if chinese { format!("1{}{}", r.one(&["38", "39", "50", "58", "86", "88"]), r.digits(8)) } else { british_phone(r) };
            let id_number = if chinese { chinese_id(r, district.2, year, month, day) } else { british_id(r) };
            let host = if chinese { r.one(&["example.cn", "mail.example.cn"]) } else { r.one(&["example.com", "example.org"]) };
            let level = r.one(&["basic", "basic", "basic", "silver", "gold"]);
            let (locale, since) = (if chinese { "zh" } else { "en" }, moment(r, 2021, 2024));
            line(
                &mut text,
                format_args!(
                    "{id}\t{name}\t{id_number}\t{handle}{id}@{host}\t{phone}\t{year}-{month:02}-{day:02}\t{locale}\t{level}\t{since}"
                ),
            );
            persons.push(Person { id, name, phone, chinese, district, addresses: Vec::new() });
        }
        (text, persons)
    }

    fn addresses(&mut self, persons: &mut [Person]) -> String {
        let (mut text, mut id) = (String::new(), 0);
        for person in persons {
            let r = &mut self.random;
            for n in 0..=r.few(2) {
                id += 1;
                person.addresses.push(id);
                let (region, city, street, postcode) = if person.chinese {
                    let (city, district, code) = if n == 0 { person.district } else { r.one(&DISTRICTS) };
                    let (road, house, flat) = (r.one(&ROADS), r.between(1, 288), r.between(101, 2804));
                    ("CN", city, format!("{district}{road}{house}号{flat}室"), format!("{}00", code.get(..4).unwrap_or(code)))
                } else {
                    let (town, postcode) = r.one(&TOWNS);
                    ("GB", town, format!("{} {}", r.between(1, 180), r.one(&STREETS)), postcode.to_owned())
                };
                let (user, name, phone, first) = (person.id, &person.name, &person.phone, n == 0);
                line(&mut text, format_args!("{id}\t{user}\t{name}\t{phone}\t{region}\t{city}\t{street}\t{postcode}\t{first}"));
            }
        }
        text
    }

    fn products(&mut self) -> (String, Prices) {
        let (mut text, mut prices) = (String::new(), Vec::new());
        let all = MAKES.iter().flat_map(|make| GOODS.iter().map(move |good| (make, good)));
        for (id, (make, (good, category))) in (1_u64..).zip(all) {
            let price = self.random.between(4, 300) * 100 + 99;
            let stock = self.random.between(0, 400);
            line(&mut text, format_args!("{id}\tSKU-{id:04}\t{make} {good}\t{category}\t{}\t{stock}", money(price)));
            prices.push(price);
        }
        (text, prices)
    }

    fn orders(&mut self, persons: &[Person], prices: &Prices) -> (String, String) {
        let (mut orders, mut payments, mut order, mut payment) = (String::new(), String::new(), 0_u64, 0_u64);
        for person in persons {
            for _ in 0..self.random.few(12) {
                let r = &mut self.random;
                order += 1;
                let address = r.one(&person.addresses);
                let product = r.between(1, prices.len() as u64);
                let quantity = 1 + r.few(4);
                let price = usize::try_from(product - 1).ok().and_then(|place| prices.get(place)).copied().unwrap_or_default();
                let total = money(price * quantity);
                let status = r.one(&["shipped", "shipped", "delivered", "delivered", "delivered", "returned", "open"]);
                let region = if person.chinese { "APAC" } else { "EU" };
                let (user, when) = (person.id, moment(r, 2025, 2026));
                line(&mut orders, format_args!("{order}\t{user}\t{address}\t{product}\t{quantity}\t{total}\t{status}\t{region}\t{when}"));
                if status != "open" {
                    payment += 1;
                    let (method, card, holder) = how_paid(r, person);
                    line(&mut payments, format_args!("{payment}\t{order}\t{user}\t{method}\t{card}\t{holder}\t{total}\t{when}"));
                }
            }
        }
        (orders, payments)
    }

    fn page_views(&mut self, persons: &[Person]) -> String {
        let (mut text, mut id) = (String::new(), 0_u64);
        for person in persons {
            for _ in 0..self.random.few(24) {
                let r = &mut self.random;
                id += 1;
                let (path, search) = if r.chance(30) {
                    ("/search".to_owned(), r.one(&SEARCHES))
                } else {
                    (format!("/product/{}", r.between(1, 200)), r"\N")
                };
                // The blocks that are kept for documentation (RFC 5737).
                let net = r.one(&["192.0.2", "198.51.100", "203.0.113"]);
                let (user, host, when) = (person.id, r.between(1, 254), moment(r, 2026, 2026));
                line(&mut text, format_args!("{id}\t{user}\t{path}\t{search}\t{net}.{host}\t{when}"));
            }
        }
        text
    }
}

fn chinese_name(r: &mut Random) -> (String, String) {
    let ((surname, s), (given, g)) = (r.one(&SURNAMES), r.one(&GIVEN));
    (format!("{surname}{given}"), format!("{s}.{g}"))
}

fn english_name(r: &mut Random) -> (String, String) {
    let (first, last) = (r.one(&FIRST), r.one(&LAST));
    (format!("{first} {last}"), format!("{first}.{last}").to_lowercase().replace('\'', ""))
}

/// The range that the regulator keeps for drama.
fn british_phone(r: &mut Random) -> String {
    format!("+44 7700 900{}", r.digits(3))
}

/// District, day of birth, a number, and a check digit that is one off.
fn chinese_id(r: &mut Random, district: &str, year: u64, month: u64, day: u64) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let body = format!("{district}{year}{month:02}{day:02}{}", r.digits(3));
    let sum: u32 = body.chars().filter_map(|c| c.to_digit(10)).zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let right = (12 - sum % 11) % 11;
    format!("{body}{}", (right + 1) % 10)
}

/// `QQ` begins no number that was ever given out.
fn british_id(r: &mut Random) -> String {
    format!("QQ {} {} {} {}", r.digits(2), r.digits(2), r.digits(2), r.one(&["A", "B", "C", "D"]))
}

fn how_paid(r: &mut Random, person: &Person) -> (&'static str, String, String) {
    if r.chance(35) {
        let method = if person.chinese { r.one(&["alipay", "wechat"]) } else { "transfer" };
        return (method, r"\N".to_owned(), r"\N".to_owned());
    }
    ("card", card(r), person.name.clone())
}

/// Sixteen digits in fours, the last of them not what Luhn's rule asks for.
fn card(r: &mut Random) -> String {
    let body = format!("{}{}", r.one(&["4111", "5500", "6222"]), r.digits(11));
    let digits = body.chars().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits.enumerate().map(|(n, d)| if n % 2 == 0 { d * 2 / 10 + d * 2 % 10 } else { d }).sum();
    let whole = format!("{body}{}", (10 - sum % 10 + 1) % 10);
    let fours = (0..4).filter_map(|n| whole.get(n * 4..n * 4 + 4));
    fours.collect::<Vec<_>>().join(" ")
}

fn moment(r: &mut Random, from: u64, to: u64) -> String {
    let (year, month, day) = (r.between(from, to), r.between(1, 10), r.between(1, 28));
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}+00", r.between(6, 23), r.between(0, 59), r.between(0, 59))
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn line(text: &mut String, cells: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{cells}");
}
