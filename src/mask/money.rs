//! How `money` looks as text, which `lc_monetary` decides. No mask is in here.
//! Source: `cash_out` in PostgreSQL's `cash.c`.

use std::io::Write;

/// The parts of a money text: `-$1,234.56`. Built from the server's own output, since the locale's data are the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyStyle {
    /// What stands before and behind the number where it is not negative.
    pub positive: (Box<str>, Box<str>),
    /// What stands before and behind the number where it is negative, signs and parentheses included.
    pub negative: (Box<str>, Box<str>),
    /// Between groups of three digits of the whole part.
    pub group: Box<str>,
    /// Between the whole part and the fraction.
    pub point: Box<str>,
    /// Digits of the fraction; the binary value counts units of the last of them. At most 10, as in PostgreSQL.
    pub fraction: u8,
}

/// As in the C locale and `en_US`: `-$1,234.56`.
impl Default for MoneyStyle {
    fn default() -> Self {
        Self { positive: ("$".into(), "".into()), negative: ("-$".into(), "".into()), group: ",".into(), point: ".".into(), fraction: 2 }
    }
}

impl MoneyStyle {
    /// Appends an amount, given in units of the last digit.
    pub(super) fn print(&self, units: i64, out: &mut Vec<u8>) {
        let (before, after) = if units < 0 { &self.negative } else { &self.positive };
        let scale = 10_u64.saturating_pow(u32::from(self.fraction.min(10)));
        let (whole, part) = (units.unsigned_abs() / scale, units.unsigned_abs() % scale);
        out.extend_from_slice(before.as_bytes());
        self.print_whole(whole, out);
        if self.fraction > 0 {
            out.extend_from_slice(self.point.as_bytes());
            // Writing to a Vec cannot fail.
            let _ = write!(out, "{part:0width$}", width = usize::from(self.fraction.min(10)));
        }
        out.extend_from_slice(after.as_bytes());
    }

    fn print_whole(&self, whole: u64, out: &mut Vec<u8>) {
        let digits = whole.to_string();
        for (i, digit) in digits.bytes().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.extend_from_slice(self.group.as_bytes());
            }
            out.push(digit);
        }
    }

    /// Reads an amount that this style printed, in units of the last digit.
    pub(super) fn read(&self, text: &str) -> Option<i64> {
        let units = self.read_signed(text, &self.negative, -1).or_else(|| self.read_signed(text, &self.positive, 1))?;
        // Only what prints back the same was read rightly: this holds groups, points and digits against the text.
        let mut again = Vec::with_capacity(text.len());
        self.print(units, &mut again);
        (again == text.as_bytes()).then_some(units)
    }

    fn read_signed(&self, text: &str, (before, after): &(Box<str>, Box<str>), sign: i128) -> Option<i64> {
        let number = text.strip_prefix(&**before)?.strip_suffix(&**after)?;
        let mut units: i128 = 0;
        for digit in number.bytes().filter(u8::is_ascii_digit) {
            units = units.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        i64::try_from(sign * units).ok()
    }
}
