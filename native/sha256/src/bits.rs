//! A growable set of small numbers with two levels. It finds the lowest member in a few steps, and all members in about
//! as many steps as there are, however large the numbers.

use std::collections::TryReserveError;

const WORD_BITS: usize = 64;
/// Words of a small set, which may still move, so that a small pool does not ask for the memory of the largest one.
const WORDS_FEW: usize = 64;

#[derive(Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    /// Bit w is set if `words[w]` is not zero.
    filled: Vec<u64>,
    count: usize,
}

impl Bits {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Makes room for the numbers below `bound`, which is at most `bound_max`. When memory is refused, that is an error
    /// and nothing has changed. A large set asks once for all the memory that it may ever need, so that nothing is
    /// copied later.
    pub(crate) fn reserve(&mut self, bound: usize, bound_max: usize) -> Result<(), TryReserveError> {
        let words = bound.div_ceil(WORD_BITS);
        if words <= self.words.len() {
            return Ok(());
        }
        let words_max = bound_max.div_ceil(WORD_BITS);
        let words_max = if words <= WORDS_FEW { words_max.min(WORDS_FEW) } else { words_max };
        self.words.try_reserve_exact(words_max - self.words.len())?;
        self.filled.try_reserve_exact(words_max.div_ceil(WORD_BITS) - self.filled.len())?;
        self.words.resize(words, 0);
        self.filled.resize(words.div_ceil(WORD_BITS), 0);
        Ok(())
    }

    /// Usually the number is already a member, and nothing is written.
    #[inline]
    pub(crate) fn insert(&mut self, number: usize) {
        let index = number / WORD_BITS;
        let word = &mut self.words[index];
        let bit = 1u64 << (number % WORD_BITS);
        if *word & bit == 0 {
            *word |= bit;
            self.count += 1;
            self.filled[index / WORD_BITS] |= 1u64 << (index % WORD_BITS);
        }
    }

    #[inline]
    pub(crate) fn remove(&mut self, number: usize) {
        let index = number / WORD_BITS;
        let word = &mut self.words[index];
        let bit = 1u64 << (number % WORD_BITS);
        self.count -= usize::from(*word & bit != 0);
        *word &= !bit;
        self.filled[index / WORD_BITS] &= !(u64::from(*word == 0) << (index % WORD_BITS));
    }

    /// The lowest member.
    pub(crate) fn first(&self) -> Option<usize> {
        let (at, filled) = self.filled.iter().enumerate().find(|(_, filled)| **filled != 0)?;
        let index = at * WORD_BITS + filled.trailing_zeros() as usize;
        Some(index * WORD_BITS + self.words[index].trailing_zeros() as usize)
    }

    /// All members, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let indexes = self.filled.iter().enumerate().flat_map(|(at, word)| ones(at, *word));
        indexes.flat_map(|index| ones(index, self.words[index]))
    }

    pub(crate) fn clear(&mut self) {
        for (at, filled) in self.filled.iter_mut().enumerate() {
            ones(at, *filled).for_each(|index| self.words[index] = 0);
            *filled = 0;
        }
        self.count = 0;
    }
}

/// The numbers of the bits that are set in the word at `index`, ascending.
fn ones(index: usize, word: u64) -> impl Iterator<Item = usize> {
    let some = |word: u64| Some(word).filter(|word| *word != 0);
    let left = std::iter::successors(some(word), move |word| some(word & (word - 1)));
    left.map(move |word| index * WORD_BITS + word.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn the_lowest_member_is_found_across_words() {
        let mut bits = Bits::default();
        assert_eq!(bits.first(), None);
        bits.reserve(10_000, 1 << 20).unwrap();
        for number in [9_999, 4_096, 64, 63, 0] {
            bits.insert(number);
            bits.insert(number);
            assert_eq!(bits.first(), Some(number));
        }
        assert_eq!(bits.len(), 5);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 4_096, 9_999]);
        for number in [0, 63, 64, 4_096, 9_999] {
            assert_eq!(bits.first(), Some(number));
            bits.remove(number);
        }
        assert_eq!((bits.first(), bits.len()), (None, 0));
        bits.insert(70);
        bits.clear();
        assert_eq!((bits.first(), bits.iter().next(), bits.len()), (None, None, 0));
    }
}
