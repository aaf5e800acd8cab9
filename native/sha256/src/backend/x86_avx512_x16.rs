//! Sixteen streams in the lanes of AVX-512 registers. Word t of all streams is in one vector, so the rounds are those
//! of FIPS 180-4 (6.2.2) on vectors. Rotations and three-way logic are single instructions.

#![allow(unsafe_code, reason = "instruction set")]

use core::arch::x86_64::*;

use super::lane_kernel::LaneKernel;
use super::round_constants::K;

/// How many blocks ahead each lane asks for its data.
const PREFETCH_BLOCKS: usize = 8;

/// Proof that the CPU has the instructions of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct X86Avx512X16(());

impl X86Avx512X16 {
    pub(crate) fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Self(()))
    }
}

impl LaneKernel<16> for X86Avx512X16 {
    fn compress_lanes(&self, h: &mut [[u32; 8]; 16], blocks: [&[[u8; 64]]; 16]) {
        // SAFETY: `self` exists, so `new` has seen the features.
        unsafe { compress(h, blocks) }
    }
}

/// Folds as many blocks as the shortest lane has into every lane of `h`.
///
/// # Safety
///
/// The CPU has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn compress(h: &mut [[u32; 8]; 16], blocks: [&[[u8; 64]]; 16]) {
    let count = blocks.iter().map(|lane| lane.len()).min().unwrap_or(0);
    let mut state = load_states(h);
    for index in 0..count {
        let before = state;
        // SAFETY: `index` is below the length of every lane.
        let mut w = unsafe { load_blocks(&blocks, index) };
        sixteen_rounds::<true>(&mut state, &mut w, 0);
        for sixteen in 1..4 {
            sixteen_rounds::<false>(&mut state, &mut w, sixteen * 16);
        }
        for (word, old) in state.iter_mut().zip(before) {
            *word = _mm512_add_epi32(*word, old);
        }
    }
    store_states(state, h);
}

/// Rounds `first` to `first + 15`, each with its word of the schedule: a word of the block, or a word that is made from
/// the sixteen before it, in the place of the oldest. Macros unroll them, so that all words stay in registers.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn sixteen_rounds<const OF_BLOCK: bool>(state: &mut [__m512i; 8], w: &mut [__m512i; 16], first: usize) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident $t:expr) => {{
            if !OF_BLOCK {
                let (w15, w2) = (w[($t + 1) % 16], w[($t + 14) % 16]);
                let small0 = xor3(_mm512_ror_epi32::<7>(w15), _mm512_ror_epi32::<18>(w15), _mm512_srli_epi32::<3>(w15));
                let small1 = xor3(_mm512_ror_epi32::<17>(w2), _mm512_ror_epi32::<19>(w2), _mm512_srli_epi32::<10>(w2));
                let older = _mm512_add_epi32(w[$t], w[($t + 9) % 16]);
                w[$t] = _mm512_add_epi32(_mm512_add_epi32(older, small0), small1);
            }
            let k = _mm512_set1_epi32(K.0[first + $t] as i32);
            let big1 = xor3(_mm512_ror_epi32::<6>($e), _mm512_ror_epi32::<11>($e), _mm512_ror_epi32::<25>($e));
            // 0xca: e ? f : g.
            let choose = _mm512_ternarylogic_epi32::<0xca>($e, $f, $g);
            let hkw = _mm512_add_epi32(_mm512_add_epi32($h, k), w[$t]);
            let t1 = _mm512_add_epi32(_mm512_add_epi32(hkw, choose), big1);
            let big0 = xor3(_mm512_ror_epi32::<2>($a), _mm512_ror_epi32::<13>($a), _mm512_ror_epi32::<22>($a));
            // 0xe8: the majority of three.
            let majority = _mm512_ternarylogic_epi32::<0xe8>($a, $b, $c);
            $d = _mm512_add_epi32($d, t1);
            $h = _mm512_add_epi32(t1, _mm512_add_epi32(big0, majority));
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

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

/// Word t of every lane's block `index` in vector t.
///
/// # Safety
///
/// Every lane has that block.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn load_blocks(blocks: &[&[[u8; 64]]; 16], index: usize) -> [__m512i; 16] {
    let big_endian = _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
    let rows = blocks.map(|lane| {
        // The processor cannot foresee sixteen streams. A prefetch past the end is harmless.
        _mm_prefetch::<_MM_HINT_T0>(lane.as_ptr().wrapping_add(index + PREFETCH_BLOCKS).cast());
        // SAFETY: the block exists and has the 64 bytes that are read; `loadu` needs no alignment.
        let row = unsafe { _mm512_loadu_si512(lane.as_ptr().add(index).cast()) };
        _mm512_shuffle_epi8(row, big_endian)
    });
    // Transposes 4 x 4 squares, and then the squares of 128 bits.
    let mut quads = [_mm512_setzero_si512(); 16];
    for group in 0..4 {
        let [a, b, c, d] = [rows[group * 4], rows[group * 4 + 1], rows[group * 4 + 2], rows[group * 4 + 3]];
        let (low0, high0) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (low1, high1) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        quads[group] = _mm512_unpacklo_epi64(low0, low1);
        quads[4 + group] = _mm512_unpackhi_epi64(low0, low1);
        quads[8 + group] = _mm512_unpacklo_epi64(high0, high1);
        quads[12 + group] = _mm512_unpackhi_epi64(high0, high1);
    }
    let mut words = [_mm512_setzero_si512(); 16];
    for word in 0..4 {
        let [a, b, c, d] = [quads[word * 4], quads[word * 4 + 1], quads[word * 4 + 2], quads[word * 4 + 3]];
        let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (cd_even, cd_odd) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
        words[word] = _mm512_shuffle_i32x4::<0x88>(ab_even, cd_even);
        words[4 + word] = _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd);
        words[8 + word] = _mm512_shuffle_i32x4::<0xdd>(ab_even, cd_even);
        words[12 + word] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd);
    }
    words
}

/// An 8 x 8 transposition in each half of eight vectors; its own inverse.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn transpose_halves(rows: [__m512i; 8]) -> [__m512i; 8] {
    let low_halves = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    let high_halves = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    let mut quads = [_mm512_setzero_si512(); 8];
    for group in 0..2 {
        let [a, b, c, d] = [rows[group * 4], rows[group * 4 + 1], rows[group * 4 + 2], rows[group * 4 + 3]];
        let (low0, high0) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (low1, high1) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        quads[group * 4] = _mm512_unpacklo_epi64(low0, low1);
        quads[group * 4 + 1] = _mm512_unpackhi_epi64(low0, low1);
        quads[group * 4 + 2] = _mm512_unpacklo_epi64(high0, high1);
        quads[group * 4 + 3] = _mm512_unpackhi_epi64(high0, high1);
    }
    let mut columns = [_mm512_setzero_si512(); 8];
    for word in 0..4 {
        columns[word] = _mm512_permutex2var_epi64(quads[word], low_halves, quads[4 + word]);
        columns[4 + word] = _mm512_permutex2var_epi64(quads[word], high_halves, quads[4 + word]);
    }
    columns
}

/// Word t of every lane's H in vector t: lanes 0 to 7 in the low half, 8 to 15 in the high one.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_states(h: &[[u32; 8]; 16]) -> [__m512i; 8] {
    let mut rows = [_mm512_setzero_si512(); 8];
    for (lane, row) in rows.iter_mut().enumerate() {
        // SAFETY: each read has the 32 bytes of one H; `loadu` needs no alignment.
        let (low, high) =
            unsafe { (_mm256_loadu_si256(h[lane].as_ptr().cast()), _mm256_loadu_si256(h[lane + 8].as_ptr().cast())) };
        *row = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
    }
    transpose_halves(rows)
}

/// The inverse of `load_states`.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn store_states(state: [__m512i; 8], h: &mut [[u32; 8]; 16]) {
    for (lane, row) in transpose_halves(state).into_iter().enumerate() {
        // SAFETY: each write has the 32 bytes of one H; `storeu` needs no alignment.
        unsafe {
            _mm256_storeu_si256(h[lane].as_mut_ptr().cast(), _mm512_castsi512_si256(row));
            _mm256_storeu_si256(h[lane + 8].as_mut_ptr().cast(), _mm512_extracti64x4_epi64::<1>(row));
        }
    }
}
