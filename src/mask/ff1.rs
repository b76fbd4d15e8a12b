//! FF1 of NIST SP 800-38G: a keyed permutation of strings of numerals. What the numerals mean is in `fpe` and `pseudonym`.
//!
//! Each position has a radix of its own. Where all are the same it is FF1 to the letter; where they differ the halves count in mixed
//! radices, and the field for the radix holds 0. The halves stay below 2^96, so that a round is one division of 128 bits and the
//! pseudorandom number of a round is one block: nothing here allocates.

use aes::cipher::BlockEncrypt;
use aes::cipher::consts::U16;
use aes::cipher::generic_array::GenericArray;

/// Products of radices that a half can have.
const HALF: u128 = 1 << 96;
/// Numerals that are permuted at a time: 37 letters make halves of 26^18 and 26^19.
pub(super) const MOST: usize = 37;
/// Bytes of a tweak.
pub(super) const MOST_TWEAK: usize = 16;
const ROUNDS: u8 = 10;

type Block = [u8; 16];

/// A digit of one position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numeral {
    pub(super) radix: u8,
    pub(super) value: u8,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Encrypt,
    Decrypt,
}

/// FF1 under a key.
pub(super) struct Ff1<C> {
    cipher: C,
}

impl<C: BlockEncrypt<BlockSize = U16>> Ff1<C> {
    /// FF1 with a cipher that has its key.
    pub(super) fn new(cipher: C) -> Self {
        Self { cipher }
    }

    /// One block of the cipher.
    pub(super) fn block(&self, block: Block) -> Block {
        let mut block = GenericArray::from(block);
        self.cipher.encrypt_block(&mut block);
        block.into()
    }

    /// Permutes numerals in place. `None`, and nothing is changed, where they or the tweak are too many.
    pub(super) fn permute(&self, direction: Direction, tweak: &[u8], numerals: &mut [Numeral]) -> Option<()> {
        let length = u8::try_from(numerals.len()).ok()?;
        let first = numerals.first()?.radix;
        let radix = if numerals.iter().all(|n| n.radix == first) { first } else { 0 };
        let half = numerals.len() / 2;
        let (left, right) = numerals.split_at_mut_checked(half)?;
        let (of_left, of_right) = (product(left)?, product(right)?);
        let rounds = Rounds::new(self, &Shape { tweak, radix: u32::from(radix), length, most: of_left.max(of_right) - 1 })?;
        let (a, b) = rounds.run(direction, (number(left), of_left), (number(right), of_right));
        write(a, left);
        write(b, right);
        Some(())
    }

    /// Permutes the numbers of `2 * half_bits` bits, as numerals of radix 2.
    pub(super) fn permute_bits(&self, direction: Direction, half_bits: u8, n: u64) -> Option<u64> {
        let modulus = 1_u64.checked_shl(u32::from(half_bits))?;
        let shape = Shape { tweak: &[], radix: 2, length: half_bits.checked_mul(2)?, most: u128::from(modulus - 1) };
        let rounds = Rounds::new(self, &shape)?;
        let modulus = u128::from(modulus);
        let (a, b) = rounds.run(direction, (u128::from(n) / modulus, modulus), (u128::from(n) % modulus, modulus));
        u64::try_from(a * modulus + b).ok()
    }
}

/// What the constant part of a round's input is made of.
struct Shape<'t> {
    tweak: &'t [u8],
    radix: u32,
    length: u8,
    /// The largest number of either half.
    most: u128,
}

/// The function of the rounds: the state behind the constant blocks, and the last block as far as it is constant.
struct Rounds<'c, C> {
    ff1: &'c Ff1<C>,
    state: Block,
    last: Block,
    /// Bytes of a half's number, at the end of the last block.
    bytes: u32,
    /// Bits of a round's output that are left out: FF1 takes its first `d` bytes.
    shift: u32,
}

impl<'c, C: BlockEncrypt<BlockSize = U16>> Rounds<'c, C> {
    fn new(ff1: &'c Ff1<C>, shape: &Shape<'_>) -> Option<Self> {
        let bytes = (128 - shape.most.leading_zeros()).div_ceil(8).max(1);
        let d = 4 * bytes.div_ceil(4) + 4;
        let tweak = u8::try_from(shape.tweak.len()).ok().filter(|t| usize::from(*t) <= MOST_TWEAK)?;
        let [_, r1, r2, r3] = shape.radix.to_be_bytes();
        let p = [1, 2, 1, r1, r2, r3, 10, shape.length / 2, 0, 0, 0, shape.length, 0, 0, 0, tweak];
        let mut state = ff1.block(p);
        // Q: the tweak, zeros so that all is whole blocks, the round's number, the half.
        let mut blocks = [0; 48];
        blocks.iter_mut().zip(shape.tweak).for_each(|(to, from)| *to = *from);
        let length = (shape.tweak.len() + 1 + usize::try_from(bytes).ok()?).div_ceil(16) * 16;
        let (constant, last) = blocks.get(..length)?.split_last_chunk::<16>()?;
        for block in constant.chunks_exact(16) {
            state = ff1.block(xor(state, block.try_into().ok()?));
        }
        Some(Self { ff1, state, last: *last, bytes, shift: 8 * 16_u32.checked_sub(d)? })
    }

    fn run(&self, direction: Direction, (mut a, of_a): (u128, u128), (mut b, of_b): (u128, u128)) -> (u128, u128) {
        match direction {
            Direction::Encrypt => {
                for round in 0..ROUNDS {
                    let modulus = if round % 2 == 0 { of_a } else { of_b };
                    let c = add(a, rest(self.output(round, b), modulus), modulus);
                    a = b;
                    b = c;
                }
            }
            Direction::Decrypt => {
                for round in (0..ROUNDS).rev() {
                    let modulus = if round % 2 == 0 { of_a } else { of_b };
                    let c = add(b, modulus - rest(self.output(round, a), modulus), modulus);
                    b = a;
                    a = c;
                }
            }
        }
        (a, b)
    }

    fn output(&self, round: u8, half: u128) -> u128 {
        let place = u128::from(round) << (8 * self.bytes);
        let block = u128::from_be_bytes(self.last) | place | half;
        let block = u128::from_be_bytes(self.state) ^ block;
        u128::from_be_bytes(self.ff1.block(block.to_be_bytes())) >> self.shift
    }
}

fn xor(a: Block, b: Block) -> Block {
    (u128::from_be_bytes(a) ^ u128::from_be_bytes(b)).to_be_bytes()
}

/// `a + b mod modulus`, of `a` below and `b` not above it.
fn add(a: u128, b: u128, modulus: u128) -> u128 {
    let sum = a + b;
    if sum >= modulus { sum - modulus } else { sum }
}

/// The rest of a division; 64 bits are much faster.
fn rest(n: u128, modulus: u128) -> u128 {
    match (u64::try_from(n), u64::try_from(modulus)) {
        (Ok(n), Ok(modulus)) => u128::from(n % modulus),
        _ => n % modulus,
    }
}

/// How many values the positions have together.
fn product(numerals: &[Numeral]) -> Option<u128> {
    numerals.iter().try_fold(1_u128, |n, numeral| n.checked_mul(u128::from(numeral.radix)).filter(|n| (1..HALF).contains(n)))
}

fn number(numerals: &[Numeral]) -> u128 {
    numerals.iter().fold(0, |n, numeral| n * u128::from(numeral.radix) + u128::from(numeral.value))
}

fn write(mut n: u128, numerals: &mut [Numeral]) {
    for numeral in numerals.iter_mut().rev() {
        let radix = u64::from(numeral.radix);
        let value = if let Ok(small) = u64::try_from(n) {
            n = u128::from(small / radix);
            small % radix
        } else {
            let value = n % u128::from(radix);
            n /= u128::from(radix);
            u64::try_from(value).unwrap_or(0)
        };
        numeral.value = u8::try_from(value).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests;
