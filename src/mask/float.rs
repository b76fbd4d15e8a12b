//! Floats as PostgreSQL prints them with `extra_float_digits` of 1 or more. No mask is in here.
//! Sources: `float8out_internal` in PostgreSQL's `float.c`, `d2s.c` and `f2s.c` in `src/common`.

use std::io::Write;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// `real`; its value is held in an `f64`, exactly.
    Float4,
    /// `double precision`
    Float8,
}

impl Width {
    /// The exponent from which on numbers are printed as `1e+15`.
    fn exponents_from(self) -> i32 {
        match self {
            Self::Float4 => 6,
            Self::Float8 => 15,
        }
    }

    /// Bits of the significand.
    fn bits(self) -> u32 {
        match self {
            Self::Float4 => 24,
            Self::Float8 => 53,
        }
    }

    /// Reads what `float8out` printed.
    pub(super) fn read(self, text: &[u8]) -> Option<f64> {
        let text = std::str::from_utf8(text).ok()?;
        match text {
            "NaN" => return Some(f64::NAN),
            "Infinity" => return Some(f64::INFINITY),
            "-Infinity" => return Some(f64::NEG_INFINITY),
            _ => {}
        }
        // Rust also reads words and forms that PostgreSQL never prints.
        if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e')) {
            return None;
        }
        match self {
            Self::Float4 => text.parse::<f32>().ok().filter(|f| f.is_finite()).map(f64::from),
            Self::Float8 => text.parse::<f64>().ok().filter(|f| f.is_finite()),
        }
    }

    /// Appends a finite value in the fewest digits that read back as it.
    pub(super) fn print(self, value: f64, out: &mut Vec<u8>) {
        let mut buffer = Buffer::default();
        self.shortest(value, &mut buffer);
        let text = buffer.text();
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let (mantissa, sign) = mantissa.strip_prefix('-').map_or((mantissa, ""), |rest| (rest, "-"));
        let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        out.extend_from_slice(sign.as_bytes());
        if value != 0.0 && !(-4..self.exponents_from()).contains(&exponent) {
            out.extend_from_slice(mantissa.as_bytes());
            // Writing to a Vec cannot fail.
            let _ = write!(out, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
            return;
        }
        if let Ok(whole) = usize::try_from(exponent) {
            out.extend_from_slice(first.as_bytes());
            let (before, behind) = rest.split_at_checked(whole).unwrap_or((rest, ""));
            out.extend_from_slice(before.as_bytes());
            out.resize(out.len() + whole - before.len(), b'0');
            if !behind.is_empty() {
                out.push(b'.');
                out.extend_from_slice(behind.as_bytes());
            }
        } else {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + usize::try_from(-exponent - 1).unwrap_or(0), b'0');
            out.extend_from_slice(first.as_bytes());
            out.extend_from_slice(rest.as_bytes());
        }
    }

    /// The shortest digits, as `1.5e20`. Rust's are PostgreSQL's but for two cases. Where two decimals are equally near, Rust takes the
    /// upper one and PostgreSQL the even one; and a decimal that lies just in the middle between two floats is the even float's for
    /// Rust, while PostgreSQL leaves it to neither and prints another digit.
    fn shortest(self, value: f64, buffer: &mut Buffer) {
        #[expect(clippy::cast_possible_truncation, reason = "a real is held exactly")]
        let _ = match self {
            Self::Float4 => write!(buffer, "{:e}", value as f32),
            Self::Float8 => write!(buffer, "{value:e}"),
        };
        if self.may_tie(value) {
            let mut even = Buffer::default();
            let precision = buffer.digits().saturating_sub(1);
            let _ = write!(even, "{value:.precision$e}");
            if self.read(even.text().as_bytes()) == Some(value) {
                *buffer = even;
            }
        }
        while self.is_middle(value, buffer.text()) {
            // One digit stands before the point; one more is wanted behind it.
            let precision = buffer.digits();
            *buffer = Buffer::default();
            let _ = write!(buffer, "{value:.precision$e}");
        }
    }

    /// Two decimals of the fewest digits can only be equally near to a fraction whose own digits are one more: then it has few bits
    /// behind the point, so many before it.
    fn may_tie(self, value: f64) -> bool {
        let bits = i32::try_from(self.bits()).unwrap_or(0);
        value.fract() != 0.0 && value.abs() >= 2_f64.powi(bits - 37)
    }

    /// Whether a decimal is as far from a float as half the way to its neighbour. That needs a whole number larger than the
    /// significand, and not by much; above 2^126 there is none of so few digits.
    fn is_middle(self, value: f64, text: &str) -> bool {
        let magnitude = value.abs();
        let (least, most) = (2_f64.powi(i32::try_from(self.bits()).unwrap_or(0)), 2_f64.powi(126));
        if !(least..most).contains(&magnitude) {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^126")]
        let exact = magnitude as u128;
        let Some(decimal) = whole(text) else { return false };
        let spacing = 1_u128 << (128 - exact.leading_zeros() - self.bits());
        let below = if exact.is_power_of_two() { spacing / 2 } else { spacing };
        decimal * 2 == exact * 2 + spacing || decimal * 2 + below == exact * 2
    }
}

/// `1.5e20` as a number, where it is a whole one.
fn whole(text: &str) -> Option<u128> {
    let (mantissa, exponent) = text.trim_start_matches('-').split_once('e')?;
    let fraction = mantissa.split_once('.').map_or(0, |(_, f)| f.len());
    let zeros = exponent.parse::<u32>().ok()?.checked_sub(u32::try_from(fraction).ok()?)?;
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).try_fold(0_u128, |n, d| n.checked_mul(10)?.checked_add(u128::from(d - b'0')));
    digits?.checked_mul(10_u128.checked_pow(zeros)?)
}

/// A short text on the stack.
struct Buffer {
    bytes: [u8; 64],
    length: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { bytes: [0; 64], length: 0 }
    }
}

impl Buffer {
    /// How many digits stand before the exponent.
    fn digits(&self) -> usize {
        self.text().split('e').next().unwrap_or("").bytes().filter(u8::is_ascii_digit).count()
    }

    fn text(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

impl Write for Buffer {
    fn write(&mut self, from: &[u8]) -> std::io::Result<usize> {
        let to = self.bytes.get_mut(self.length..).unwrap_or_default();
        let n = from.len().min(to.len());
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
        self.length += n;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
