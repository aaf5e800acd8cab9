//! One stream without the SHA extensions: the schedules of two of its blocks side by side in AVX2 vectors, and the
//! rounds one after the other in scalar registers, with the rotations of BMI2.

#![allow(unsafe_code, reason = "instruction set")]

use core::arch::x86_64::*;

use super::portable::round;
use super::round_constants::K;

/// Proof that the CPU has the instructions of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct X86Avx2X1(());

impl X86Avx2X1 {
    pub(crate) fn new() -> Option<Self> {
        let has =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
        has.then_some(Self(()))
    }

    /// Folds `blocks`, in order, into `h`.
    pub(crate) fn compress(self, h: &mut [u32; 8], blocks: &[[u8; 64]]) {
        let (pairs, rest) = blocks.as_chunks::<2>();
        for [first, second] in pairs {
            // SAFETY: `self` exists, so `new` has seen the features.
            unsafe { compress_pair::<2>(h, first, second) }
        }
        for block in rest {
            // SAFETY: as above.
            unsafe { compress_pair::<1>(h, block, block) }
        }
    }
}

/// Four words of the schedule of each block, with their constants; the first block's come first.
#[repr(C, align(32))]
struct Words([u32; 8]);

/// Folds the first `BLOCKS` of two blocks.
///
/// # Safety
///
/// The CPU has AVX2, BMI1 and BMI2.
#[target_feature(enable = "avx2,bmi1,bmi2")]
unsafe fn compress_pair<const BLOCKS: usize>(h: &mut [u32; 8], first: &[u8; 64], second: &[u8; 64]) {
    let mut w = load_blocks(first, second);
    let mut words = [const { Words([0; 8]) }; 16];
    let (groups, _) = words.as_chunks_mut::<4>();
    let (k, _) = K.0.as_chunks::<16>();
    add_constants(w, &k[0], &mut groups[0]);
    let mut state = *h;
    // Loops make the words go through memory, which costs less than taking them out of vectors.
    for group in 0..3 {
        w = next_words(w);
        add_constants(w, &k[group + 1], &mut groups[group + 1]);
        sixteen_rounds::<0>(&mut state, &groups[group]);
    }
    sixteen_rounds::<0>(&mut state, &groups[3]);
    add_to(h, state);
    if BLOCKS == 2 {
        let mut state = *h;
        for group in groups {
            sixteen_rounds::<4>(&mut state, group);
        }
        add_to(h, state);
    }
}

/// Rounds with the words of the block that starts at `FIRST` in each group of eight.
#[inline(always)]
fn sixteen_rounds<const FIRST: usize>(state: &mut [u32; 8], words: &[Words; 4]) {
    macro_rules! rounds {
        ($($t:literal)*) => {$(
            round(state, words[$t / 4].0[FIRST + $t % 4]);
        )*};
    }
    rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
}

#[inline(always)]
fn add_to(h: &mut [u32; 8], state: [u32; 8]) {
    for (word, value) in h.iter_mut().zip(state) {
        *word = word.wrapping_add(value);
    }
}

/// The 16 words of each block, four of each in a vector.
#[target_feature(enable = "avx2")]
#[inline]
fn load_blocks(first: &[u8; 64], second: &[u8; 64]) -> [__m256i; 4] {
    let big_endian = _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    let (first, second) = (first.as_chunks::<16>().0, second.as_chunks::<16>().0);
    std::array::from_fn(|at| {
        // SAFETY: each read has the 16 bytes of an array; `loadu` needs no alignment.
        let (low, high) =
            unsafe { (_mm_loadu_si128(first[at].as_ptr().cast()), _mm_loadu_si128(second[at].as_ptr().cast())) };
        _mm256_shuffle_epi8(_mm256_set_m128i(high, low), big_endian)
    })
}

#[target_feature(enable = "avx2")]
#[inline]
fn add_constants(w: [__m256i; 4], k: &[u32; 16], words: &mut [Words; 4]) {
    for ((w, k), words) in w.into_iter().zip(k.as_chunks::<4>().0).zip(words) {
        // SAFETY: the read has the 16 bytes of `k`, and `loadu` needs no alignment; the write has the 32 bytes of
        // `words`, which are aligned.
        unsafe {
            let k = _mm256_broadcastsi128_si256(_mm_loadu_si128(k.as_ptr().cast()));
            _mm256_store_si256(words.0.as_mut_ptr().cast(), _mm256_add_epi32(w, k));
        }
    }
}

/// The next 16 words of each schedule.
#[target_feature(enable = "avx2")]
#[inline]
fn next_words([mut w0, mut w1, mut w2, mut w3]: [__m256i; 4]) -> [__m256i; 4] {
    w0 = next_four(w0, w1, w2, w3);
    w1 = next_four(w1, w2, w3, w0);
    w2 = next_four(w2, w3, w0, w1);
    w3 = next_four(w3, w0, w1, w2);
    [w0, w1, w2, w3]
}

/// The next four words of each schedule; `oldest` are the words t - 16 to t - 13.
#[target_feature(enable = "avx2")]
#[inline]
fn next_four(oldest: __m256i, older: __m256i, old: __m256i, last: __m256i) -> __m256i {
    let w15 = _mm256_alignr_epi8::<4>(older, oldest);
    let w7 = _mm256_alignr_epi8::<4>(last, old);
    let rotated7 = _mm256_or_si256(_mm256_srli_epi32::<7>(w15), _mm256_slli_epi32::<25>(w15));
    let rotated18 = _mm256_or_si256(_mm256_srli_epi32::<18>(w15), _mm256_slli_epi32::<14>(w15));
    let small0 = _mm256_xor_si256(_mm256_xor_si256(rotated7, rotated18), _mm256_srli_epi32::<3>(w15));
    let sum = _mm256_add_epi32(_mm256_add_epi32(oldest, w7), small0);
    // Words t and t + 1 need t - 2 and t - 1, which are the last two. Words t + 2 and t + 3 need the result of that.
    let low = _mm256_add_epi32(sum, small1::<false>(_mm256_shuffle_epi32::<0xfa>(last)));
    let high = small1::<true>(_mm256_shuffle_epi32::<0x50>(low));
    _mm256_add_epi32(low, high)
}

/// The small sigma 1 of two words. Each word is given twice in 64 bits. The results come out in one half of the 128
/// bits, with zeros in the other.
#[target_feature(enable = "avx2")]
#[inline]
fn small1<const IN_HIGH_HALF: bool>(twice: __m256i) -> __m256i {
    let rotated = _mm256_xor_si256(_mm256_srli_epi64::<17>(twice), _mm256_srli_epi64::<19>(twice));
    let mixed = _mm256_xor_si256(rotated, _mm256_srli_epi32::<10>(twice));
    // The low 32 bits of each 64 hold a word's result; the shuffle's mask clears the others.
    let zero = i64::from_ne_bytes([0x80; 8]);
    let words = 0x0b0a_0908_0302_0100;
    let (high, low) = if IN_HIGH_HALF { (words, zero) } else { (zero, words) };
    _mm256_shuffle_epi8(mixed, _mm256_broadcastsi128_si256(_mm_set_epi64x(high, low)))
}
