//! Keyed masks a second time, from their description alone and without thought for speed.

use aes::cipher::{BlockEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;

#[allow(dead_code, reason = "who masks little needs few words")]
#[path = "../../src/mask/fake/words.rs"]
mod words;

/// The masks of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naive(pub(crate) [u8; 32]);

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[allow(dead_code, reason = "each test of masks has its own")]
impl Naive {
    /// The key of the mask of a kind that a policy calls by this name.
    pub(crate) fn key_of(self, kind: &str, name: &str) -> [u8; 32] {
        let mut input = b"pgscrim keyring 1".to_vec();
        for part in ["mask", kind, name] {
            input.extend(u64::try_from(part.len()).unwrap().to_be_bytes());
            input.extend(part.as_bytes());
        }
        hmac(&self.0, &[&input])
    }

    /// `pseudonym` of a text: 130 bits, five to a letter.
    pub(crate) fn token(self, name: &str, value: &str) -> String {
        let hash = hmac(&hmac(&self.key_of("pseudonym", name), &[b"text"]), &[value.as_bytes()]);
        let bits: String = hash.iter().map(|b| format!("{b:08b}")).collect();
        let letters: Vec<char> = ('a'..='z').chain('2'..='7').collect();
        (0..26).map(|i| letters[usize::from_str_radix(&bits[5 * i..5 * i + 5], 2).unwrap()]).collect()
    }

    /// `pseudonym` of an integer of so many bits.
    pub(crate) fn integer(self, name: &str, value: i64, bits: u32) -> i64 {
        let key = hmac(&self.key_of("pseudonym", name), &[b"integer"]);
        let plain: Vec<u128> = (0..bits).rev().map(|i| u128::from(value as u64 >> i & 1 == 1)).collect();
        let number = ff1(&key, 2, &plain).iter().fold(0_u64, |n, bit| n << 1 | *bit as u64);
        // the sign is the first of the bits
        (number << (64 - bits)) as i64 >> (64 - bits)
    }

    /// `pseudonym` of a uuid.
    pub(crate) fn uuid(self, name: &str, value: &str) -> String {
        let key = hmac(&self.key_of("pseudonym", name), &[b"uuid"]);
        let bytes: [u8; 16] = hex::decode(value.replace('-', "")).unwrap().try_into().unwrap();
        let mut block = bytes.into();
        aes::Aes256::new(&key.into()).encrypt_block(&mut block);
        let hex = hex::encode(block);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// `fpe` of a text whose letters and digits are of one kind, up to 37; `None` for any other. Of values of which fewer than a million are
    /// possible it is `redact`'s.
    pub(crate) fn fpe(self, name: &str, value: &str) -> Option<String> {
        let digits = value.chars().filter(char::is_ascii_digit).count();
        let letters = value.chars().filter(char::is_ascii_alphabetic).count();
        let count = i32::try_from(digits.max(letters)).unwrap();
        let radix: u8 = if digits > 0 { 10 } else { 26 };
        if digits > 0 && letters > 0 || count > 37 {
            return None;
        }
        if f64::from(radix).powi(count) < 1e6 {
            return Some("***".to_owned());
        }
        let first = |c: char| if c.is_ascii_digit() { '0' } else { char::from(b'A' | c as u8 & 0x20) };
        let numeral = |c: char| u128::from(c as u8 - first(c) as u8);
        let plain: Vec<u128> = value.chars().filter(char::is_ascii_alphanumeric).map(numeral).collect();
        let mut cipher = ff1(&self.key_of("fpe", name), u32::from(radix), &plain).into_iter();
        let mut kept = |c: char| if c.is_ascii_alphanumeric() { char::from(first(c) as u8 + cipher.next().unwrap() as u8) } else { c };
        Some(value.chars().map(&mut kept).collect())
    }

    /// Numbers below others, drawn for a value: the first `n` of them.
    fn drawn(self, name: &str, value: &str, below: &[usize]) -> Vec<usize> {
        let hash = hmac(&self.key_of("fake", name), &[value.as_bytes()]);
        let word = |i: usize| u64::from(u32::from_be_bytes(hash[4 * (i % 8)..][..4].try_into().unwrap()));
        below.iter().enumerate().map(|(i, n)| usize::try_from((word(i) * *n as u64) >> 32).unwrap()).collect()
    }

    /// `fake: { kind: name, locale: en }`.
    pub(crate) fn english_name(self, name: &str, value: &str) -> String {
        let drawn = self.drawn(name, value, &[words::FIRST.len(), words::LAST.len()]);
        format!("{} {}", words::FIRST[drawn[0]], words::LAST[drawn[1]])
    }

    /// `fake: { kind: name, locale: zh }`: two of three have a second character behind the surname.
    pub(crate) fn chinese_name(self, name: &str, value: &str) -> String {
        let given = words::GIVEN.len();
        let drawn = self.drawn(name, value, &[words::SURNAMES.len(), given, 3, given]);
        let second = if drawn[2] > 0 { words::GIVEN[drawn[3]] } else { "" };
        format!("{}{}{second}", words::SURNAMES[drawn[0]], words::GIVEN[drawn[1]])
    }

    /// `fake: { kind: company, locale: en }`.
    pub(crate) fn company(self, name: &str, value: &str) -> String {
        let drawn = self.drawn(name, value, &[words::LAST.len(), words::TRADES.len(), words::FORMS.len()]);
        format!("{} {} {}", words::LAST[drawn[0]], words::TRADES[drawn[1]], words::FORMS[drawn[2]])
    }
}

/// FF1 of NIST SP 800-38G, step by step, without a tweak; numerals come first to last.
fn ff1(key: &[u8; 32], radix: u32, plain: &[u128]) -> Vec<u128> {
    let aes = aes::Aes256::new(key.into());
    let block = |bytes: [u8; 16]| -> [u8; 16] {
        let mut bytes = bytes.into();
        aes.encrypt_block(&mut bytes);
        bytes.into()
    };
    let base = u128::from(radix);
    let (n, u) = (plain.len(), plain.len() / 2);
    let v = n - u;
    let number = |part: &[u128]| part.iter().fold(0, |sum, digit| sum * base + digit);
    let bytes = (128 - (base.pow(v as u32) - 1).leading_zeros()).div_ceil(8) as usize;
    let d = 4 * bytes.div_ceil(4) + 4;
    let mut p = vec![1, 2, 1];
    p.extend(&radix.to_be_bytes()[1..]);
    p.extend([10, u as u8]);
    p.extend((n as u32).to_be_bytes());
    p.extend([0; 4]);
    let (mut a, mut b) = (plain[..u].to_vec(), plain[u..].to_vec());
    for round in 0..10_u8 {
        let mut q = vec![0; (16 - (bytes + 1) % 16) % 16];
        q.push(round);
        q.extend(&number(&b).to_be_bytes()[16 - bytes..]);
        let mac = |state: [u8; 16], chunk: &[u8]| {
            let mixed: Vec<u8> = state.iter().zip(chunk).map(|(a, b)| a ^ b).collect();
            block(mixed.try_into().unwrap())
        };
        let r = [p.clone(), q].concat().chunks(16).fold([0; 16], mac);
        let y = r[..d].iter().fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        let m = if round % 2 == 0 { u } else { v };
        let modulus = base.pow(m as u32);
        let c = (number(&a) + y % modulus) % modulus;
        a = b;
        b = (0..m).rev().map(|i| c / base.pow(i as u32) % base).collect();
    }
    [a, b].concat()
}
