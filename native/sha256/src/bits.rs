//! A growable set of small numbers with two levels, so that the lowest member is found in a few steps however many
//! there are.

const WORD_BITS: usize = 64;

#[derive(Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    /// Bit w is set if `words[w]` is not zero.
    summary: Vec<u64>,
    count: usize,
}

impl Bits {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Makes room for the numbers below `bound`; the memory for it is asked for first, so that a refusal is an error.
    pub(crate) fn reserve(&mut self, bound: usize) -> Result<(), std::collections::TryReserveError> {
        let words = bound.div_ceil(WORD_BITS);
        let summary = words.div_ceil(WORD_BITS);
        if words > self.words.len() {
            self.words.try_reserve(words - self.words.len())?;
            self.summary.try_reserve(summary - self.summary.len())?;
            self.words.resize(words, 0);
            self.summary.resize(summary, 0);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn insert(&mut self, number: usize) {
        let word = &mut self.words[number / WORD_BITS];
        let bit = 1u64 << (number % WORD_BITS);
        self.count += usize::from(*word & bit == 0);
        *word |= bit;
        self.summary[number / WORD_BITS / WORD_BITS] |= 1u64 << (number / WORD_BITS % WORD_BITS);
    }

    #[inline]
    pub(crate) fn remove(&mut self, number: usize) {
        let index = number / WORD_BITS;
        let word = &mut self.words[index];
        let bit = 1u64 << (number % WORD_BITS);
        self.count -= usize::from(*word & bit != 0);
        *word &= !bit;
        if *word == 0 {
            self.summary[index / WORD_BITS] &= !(1u64 << (index % WORD_BITS));
        }
    }

    pub(crate) fn contains(&self, number: usize) -> bool {
        self.words.get(number / WORD_BITS).is_some_and(|word| word >> (number % WORD_BITS) & 1 == 1)
    }

    /// The lowest member.
    pub(crate) fn first(&self) -> Option<usize> {
        let (index, summary) = self.summary.iter().enumerate().find(|(_, summary)| **summary != 0)?;
        let word = index * WORD_BITS + summary.trailing_zeros() as usize;
        Some(word * WORD_BITS + self.words[word].trailing_zeros() as usize)
    }

    pub(crate) fn clear(&mut self) {
        self.words.fill(0);
        self.summary.fill(0);
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn the_lowest_member_is_found_across_words() {
        let mut bits = Bits::default();
        bits.reserve(10_000).unwrap();
        for number in [9_999, 4_096, 64, 63, 0] {
            bits.insert(number);
            bits.insert(number);
            assert_eq!(bits.first(), Some(number));
        }
        assert_eq!(bits.len(), 5);
        for number in [0, 63, 64, 4_096, 9_999] {
            assert_eq!(bits.first(), Some(number));
            assert!(bits.contains(number));
            bits.remove(number);
            assert!(!bits.contains(number));
        }
        assert_eq!((bits.first(), bits.len()), (None, 0));
    }
}
