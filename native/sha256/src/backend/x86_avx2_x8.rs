//! Eight streams in the lanes of AVX2 registers, for processors without the SHA extensions. Word t of all streams is in
//! one vector, so the rounds are those of FIPS 180-4 (6.2.2) on vectors.

#![allow(unsafe_code, reason = "instruction set")]

use core::arch::x86_64::*;

use super::lane_kernel::LaneKernel;
use super::round_constants::K;

/// Proof that the CPU has the instructions of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct X86Avx2X8(());

impl X86Avx2X8 {
    pub(crate) fn new() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

impl LaneKernel<8> for X86Avx2X8 {
    fn compress_lanes(&self, h: &mut [[u32; 8]; 8], blocks: [&[[u8; 64]]; 8]) {
        // SAFETY: `self` exists, so `new` has seen the features.
        unsafe { compress(h, blocks) }
    }
}

/// Folds as many blocks as the shortest lane has into every lane of `h`.
///
/// # Safety
///
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn compress(h: &mut [[u32; 8]; 8], blocks: [&[[u8; 64]]; 8]) {
    let count = blocks.iter().map(|lane| lane.len()).min().unwrap_or(0);
    let mut state = transpose(load_rows(h.each_ref().map(|lane| lane.as_ptr().cast())));
    for index in 0..count {
        let before = state;
        let mut w = load_blocks(&blocks, index);
        sixteen_rounds::<true>(&mut state, &mut w, 0);
        for sixteen in 1..4 {
            sixteen_rounds::<false>(&mut state, &mut w, sixteen * 16);
        }
        for (word, old) in state.iter_mut().zip(before) {
            *word = _mm256_add_epi32(*word, old);
        }
    }
    for (lane, row) in h.iter_mut().zip(transpose(state)) {
        // SAFETY: the write has the 32 bytes of one H; `storeu` needs no alignment.
        unsafe { _mm256_storeu_si256(lane.as_mut_ptr().cast(), row) };
    }
}

macro_rules! rotate_right {
    ($x:expr, $by:literal) => {
        _mm256_or_si256(_mm256_srli_epi32::<$by>($x), _mm256_slli_epi32::<{ 32 - $by }>($x))
    };
}

/// Rounds `first` to `first + 15`, each with its word of the schedule: a word of the block, or a word that is made from
/// the sixteen before it, in the place of the oldest.
#[target_feature(enable = "avx2")]
#[inline]
fn sixteen_rounds<const OF_BLOCK: bool>(state: &mut [__m256i; 8], w: &mut [__m256i; 16], first: usize) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident $t:expr) => {{
            if !OF_BLOCK {
                let (w15, w2) = (w[($t + 1) % 16], w[($t + 14) % 16]);
                let small0 = xor3(rotate_right!(w15, 7), rotate_right!(w15, 18), _mm256_srli_epi32::<3>(w15));
                let small1 = xor3(rotate_right!(w2, 17), rotate_right!(w2, 19), _mm256_srli_epi32::<10>(w2));
                let older = _mm256_add_epi32(w[$t], w[($t + 9) % 16]);
                w[$t] = _mm256_add_epi32(_mm256_add_epi32(older, small0), small1);
            }
            let k = _mm256_set1_epi32(K.0[first + $t] as i32);
            let big1 = xor3(rotate_right!($e, 6), rotate_right!($e, 11), rotate_right!($e, 25));
            let choose = _mm256_xor_si256($g, _mm256_and_si256($e, _mm256_xor_si256($f, $g)));
            let hkw = _mm256_add_epi32($h, _mm256_add_epi32(w[$t], k));
            let t1 = _mm256_add_epi32(_mm256_add_epi32(hkw, choose), big1);
            let big0 = xor3(rotate_right!($a, 2), rotate_right!($a, 13), rotate_right!($a, 22));
            let either = _mm256_and_si256($c, _mm256_or_si256($a, $b));
            let majority = _mm256_or_si256(_mm256_and_si256($a, $b), either);
            $d = _mm256_add_epi32($d, t1);
            $h = _mm256_add_epi32(t1, _mm256_add_epi32(big0, majority));
        }};
    }
    macro_rules! eight_rounds {
        ($t:literal) => {
            round!(a b c d e f g h $t);
            round!(h a b c d e f g $t + 1);
            round!(g h a b c d e f $t + 2);
            round!(f g h a b c d e $t + 3);
            round!(e f g h a b c d $t + 4);
            round!(d e f g h a b c $t + 5);
            round!(c d e f g h a b $t + 6);
            round!(b c d e f g h a $t + 7);
        };
    }
    eight_rounds!(0);
    eight_rounds!(8);
    *state = [a, b, c, d, e, f, g, h];
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor3(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(a, b), c)
}

/// Word t of every lane's block in vector t.
#[target_feature(enable = "avx2")]
#[inline]
fn load_blocks(blocks: &[&[[u8; 64]]; 8], index: usize) -> [__m256i; 16] {
    let big_endian = _mm256_setr_epi32(
        0x0001_0203,
        0x0405_0607,
        0x0809_0a0b,
        0x0c0d_0e0f,
        0x0001_0203,
        0x0405_0607,
        0x0809_0a0b,
        0x0c0d_0e0f,
    );
    let low = transpose(load_rows(blocks.map(|lane| lane[index].as_ptr())));
    let high = transpose(load_rows(blocks.map(|lane| lane[index][32..].as_ptr())));
    let mut words = [_mm256_setzero_si256(); 16];
    for (word, column) in words.iter_mut().zip(low.into_iter().chain(high)) {
        *word = _mm256_shuffle_epi8(column, big_endian);
    }
    words
}

/// The 32 bytes at each pointer.
#[target_feature(enable = "avx2")]
#[inline]
fn load_rows(rows: [*const u8; 8]) -> [__m256i; 8] {
    // SAFETY: the callers pass pointers to an H or to either half of a block, each of 32 bytes.
    rows.map(|row| unsafe { _mm256_loadu_si256(row.cast()) })
}

/// An 8 x 8 transposition of words; its own inverse.
#[target_feature(enable = "avx2")]
#[inline]
fn transpose(rows: [__m256i; 8]) -> [__m256i; 8] {
    let mut quads = [_mm256_setzero_si256(); 8];
    for group in 0..2 {
        let [a, b, c, d] = [rows[group * 4], rows[group * 4 + 1], rows[group * 4 + 2], rows[group * 4 + 3]];
        let (low0, high0) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (low1, high1) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        quads[group * 4] = _mm256_unpacklo_epi64(low0, low1);
        quads[group * 4 + 1] = _mm256_unpackhi_epi64(low0, low1);
        quads[group * 4 + 2] = _mm256_unpacklo_epi64(high0, high1);
        quads[group * 4 + 3] = _mm256_unpackhi_epi64(high0, high1);
    }
    let mut columns = [_mm256_setzero_si256(); 8];
    for word in 0..4 {
        columns[word] = _mm256_permute2x128_si256::<0x20>(quads[word], quads[4 + word]);
        columns[4 + word] = _mm256_permute2x128_si256::<0x31>(quads[word], quads[4 + word]);
    }
    columns
}
