//! Two streams by the SHA extensions of x86, with four rounds of one stream and then of the other. `sha256rnds2` has a
//! latency of 4 cycles and issues every 2 cycles, so two streams keep it busy: 64 cycles a block. More streams only
//! spill registers.

#![allow(unsafe_code, reason = "instruction set")]

use core::arch::x86_64::*;

use super::lane_kernel::LaneKernel;
use super::x86_shani_x1::{X86ShaniX1, four_rounds, four_words, load_block, load_state, store_state};

/// How far ahead each stream asks for its data.
const PREFETCH_BYTES: usize = 512;

/// Proof that the CPU has the instructions of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct X86ShaniX2(pub(crate) X86ShaniX1);

impl X86ShaniX2 {
    pub(crate) fn new() -> Option<Self> {
        X86ShaniX1::new().map(Self)
    }
}

impl LaneKernel<2> for X86ShaniX2 {
    fn compress_lanes(&self, h: &mut [[u32; 8]; 2], blocks: [&[[u8; 64]]; 2]) {
        let [a, b] = h;
        // SAFETY: the `X86ShaniX1` exists, so its `new` has seen the features.
        unsafe { compress_pair(a, b, blocks[0], blocks[1]) }
    }
}

/// Folds `blocks_a` into `h_a` and as many of `blocks_b` into `h_b`; the shorter one decides.
///
/// # Safety
///
/// The CPU has SHA, SSSE3 and SSE4.1.
#[target_feature(enable = "sha,ssse3,sse4.1")]
unsafe fn compress_pair(h_a: &mut [u32; 8], h_b: &mut [u32; 8], blocks_a: &[[u8; 64]], blocks_b: &[[u8; 64]]) {
    let mut a = load_state(h_a);
    let mut b = load_state(h_b);
    for (block_a, block_b) in blocks_a.iter().zip(blocks_b) {
        // A hint that is harmless past the end: the processor cannot foresee two streams at once.
        _mm_prefetch::<_MM_HINT_T0>(block_a.as_ptr().wrapping_add(PREFETCH_BYTES).cast());
        _mm_prefetch::<_MM_HINT_T0>(block_b.as_ptr().wrapping_add(PREFETCH_BYTES).cast());
        let (before_a, before_b) = (a, b);
        let mut w_a = load_block(block_a);
        let mut w_b = load_block(block_b);
        macro_rules! quads {
            ($($quad:literal)*) => {$(
                if $quad >= 4 {
                    four_words::<$quad>(&mut w_a);
                    four_words::<$quad>(&mut w_b);
                }
                four_rounds::<$quad>(&mut a, w_a[$quad % 4]);
                four_rounds::<$quad>(&mut b, w_b[$quad % 4]);
            )*};
        }
        quads!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        a = [_mm_add_epi32(a[0], before_a[0]), _mm_add_epi32(a[1], before_a[1])];
        b = [_mm_add_epi32(b[0], before_b[0]), _mm_add_epi32(b[1], before_b[1])];
    }
    store_state(a, h_a);
    store_state(b, h_b);
}
