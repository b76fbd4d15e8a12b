//! Numbers from a seed (SplitMix64): the same seed gives the same shop. Not for keys.

/// A source of numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both of them included; `low` where `high` is below it.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        let width = high.saturating_sub(low).saturating_add(1);
        low.saturating_add(self.next().checked_rem(width).unwrap_or(0))
    }

    /// True `percent` times in a hundred.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }

    /// A small number more often than a large one, from 0 to `high`.
    pub(super) fn few(&mut self, high: u64) -> u64 {
        let first = self.between(0, high);
        let second = self.between(0, first);
        self.between(0, second.max(1))
    }

    /// One of `all`; the default where there is none.
    pub(super) fn one<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let place = self.between(0, (all.len() as u64).saturating_sub(1));
        usize::try_from(place).ok().and_then(|place| all.get(place)).copied().unwrap_or_default()
    }

    /// `n` decimal digits.
    pub(super) fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b'0' + u8::try_from(self.between(0, 9)).unwrap_or(0))).collect()
    }
}
