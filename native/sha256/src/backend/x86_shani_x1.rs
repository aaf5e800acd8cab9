//! One stream by the SHA extensions of x86: `sha256rnds2` does two rounds. Its latency of 4 cycles gives one stream 128
//! cycles a block; `x86_shani_x2` uses the other half of the unit.

#![allow(unsafe_code, reason = "instruction set")]

use core::arch::x86_64::*;

use super::round_constants::K;

/// Proof that the CPU has the instructions of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct X86ShaniX1(());

impl X86ShaniX1 {
    pub(crate) fn new() -> Option<Self> {
        let has =
            is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1");
        has.then_some(Self(()))
    }

    /// Folds `blocks`, in order, into `h`.
    pub(crate) fn compress(self, h: &mut [u32; 8], blocks: &[[u8; 64]]) {
        // SAFETY: `self` exists, so `new` has seen the features.
        unsafe { compress(h, blocks) }
    }
}

/// H in the order that `sha256rnds2` wants: the words A, B, E, F and C, D, G, H, highest first.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
pub(super) fn load_state(h: &[u32; 8]) -> [__m128i; 2] {
    // SAFETY: both 16-byte reads lie in the 32 bytes of `h`; `loadu` needs no alignment.
    let (dcba, hgfe) = unsafe { (_mm_loadu_si128(h.as_ptr().cast()), _mm_loadu_si128(h.as_ptr().add(4).cast())) };
    let cdab = _mm_shuffle_epi32::<0xb1>(dcba);
    let efgh = _mm_shuffle_epi32::<0x1b>(hgfe);
    [_mm_alignr_epi8::<8>(cdab, efgh), _mm_blend_epi16::<0xf0>(efgh, cdab)]
}

/// The inverse of `load_state`.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
pub(super) fn store_state([abef, cdgh]: [__m128i; 2], h: &mut [u32; 8]) {
    let feba = _mm_shuffle_epi32::<0x1b>(abef);
    let dchg = _mm_shuffle_epi32::<0xb1>(cdgh);
    // SAFETY: both 16-byte writes lie in the 32 bytes of `h`; `storeu` needs no alignment.
    unsafe {
        _mm_storeu_si128(h.as_mut_ptr().cast(), _mm_blend_epi16::<0xf0>(feba, dchg));
        _mm_storeu_si128(h.as_mut_ptr().add(4).cast(), _mm_alignr_epi8::<8>(dchg, feba));
    }
}

/// The 16 words of a block, four in a vector.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
pub(super) fn load_block(block: &[u8; 64]) -> [__m128i; 4] {
    let big_endian = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let words = block.as_ptr().cast::<__m128i>();
    // SAFETY: the four 16-byte reads lie in the 64 bytes of `block`; `loadu` needs no alignment.
    let loaded = unsafe {
        [
            _mm_loadu_si128(words),
            _mm_loadu_si128(words.add(1)),
            _mm_loadu_si128(words.add(2)),
            _mm_loadu_si128(words.add(3)),
        ]
    };
    loaded.map(|word| _mm_shuffle_epi8(word, big_endian))
}

/// Four rounds with the words `w` from word 4 * `QUAD` of the schedule.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
pub(super) fn four_rounds<const QUAD: usize>(state: &mut [__m128i; 2], w: __m128i) {
    // SAFETY: 4 * QUAD + 4 is at most 64, and K is aligned to 64 bytes.
    let k = unsafe { _mm_load_si128(K.0.as_ptr().add(4 * QUAD).cast()) };
    let wk = _mm_add_epi32(w, k);
    state[1] = _mm_sha256rnds2_epu32(state[1], state[0], wk);
    state[0] = _mm_sha256rnds2_epu32(state[0], state[1], _mm_shuffle_epi32::<0x0e>(wk));
}

/// The next four words of the schedule in place of the oldest, `w[QUAD % 4]`.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
pub(super) fn four_words<const QUAD: usize>(w: &mut [__m128i; 4]) {
    let (oldest, older, old, last) = (w[QUAD % 4], w[(QUAD + 1) % 4], w[(QUAD + 2) % 4], w[(QUAD + 3) % 4]);
    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(oldest, older), _mm_alignr_epi8::<4>(last, old));
    w[QUAD % 4] = _mm_sha256msg2_epu32(sum, last);
}

/// # Safety
///
/// The CPU has SHA, SSSE3 and SSE4.1.
#[target_feature(enable = "sha,ssse3,sse4.1")]
unsafe fn compress(h: &mut [u32; 8], blocks: &[[u8; 64]]) {
    let mut state = load_state(h);
    for block in blocks {
        let before = state;
        let mut w = load_block(block);
        macro_rules! quads {
            ($($quad:literal)*) => {$(
                if $quad >= 4 {
                    four_words::<$quad>(&mut w);
                }
                four_rounds::<$quad>(&mut state, w[$quad % 4]);
            )*};
        }
        quads!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        state = [_mm_add_epi32(state[0], before[0]), _mm_add_epi32(state[1], before[1])];
    }
    store_state(state, h);
}
