//! One stream by the SHA-2 extension of ARMv8: `sha256h` and `sha256h2` do four rounds.

#![allow(unsafe_code, reason = "instruction set")]

use core::arch::aarch64::*;

use super::round_constants::K;

/// Proof that the CPU has the instructions of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct Aarch64Sha2(());

impl Aarch64Sha2 {
    pub(crate) fn new() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("sha2").then_some(Self(()))
    }

    /// Folds `blocks`, in order, into `h`.
    pub(crate) fn compress(self, h: &mut [u32; 8], blocks: &[[u8; 64]]) {
        // SAFETY: `self` exists, so `new` has seen the feature.
        unsafe { compress(h, blocks) }
    }
}

/// # Safety
///
/// The CPU has the SHA-2 extension.
#[target_feature(enable = "sha2")]
unsafe fn compress(h: &mut [u32; 8], blocks: &[[u8; 64]]) {
    // SAFETY: both 16-byte reads lie in the 32 bytes of `h`.
    let (mut abcd, mut efgh) = unsafe { (vld1q_u32(h.as_ptr()), vld1q_u32(h.as_ptr().add(4))) };
    for block in blocks {
        let (abcd_before, efgh_before) = (abcd, efgh);
        let mut w = load_block(block);
        for quad in 0..16 {
            if quad >= 4 {
                let (oldest, older) = (w[quad % 4], w[(quad + 1) % 4]);
                let (old, last) = (w[(quad + 2) % 4], w[(quad + 3) % 4]);
                w[quad % 4] = vsha256su1q_u32(vsha256su0q_u32(oldest, older), old, last);
            }
            // SAFETY: 4 * quad + 4 is at most 64.
            let k = unsafe { vld1q_u32(K.0.as_ptr().add(4 * quad)) };
            let wk = vaddq_u32(w[quad % 4], k);
            let abcd_now = abcd;
            abcd = vsha256hq_u32(abcd_now, efgh, wk);
            efgh = vsha256h2q_u32(efgh, abcd_now, wk);
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    // SAFETY: both 16-byte writes lie in the 32 bytes of `h`.
    unsafe {
        vst1q_u32(h.as_mut_ptr(), abcd);
        vst1q_u32(h.as_mut_ptr().add(4), efgh);
    }
}

/// The 16 words of a block, four a vector.
#[target_feature(enable = "sha2")]
#[inline]
fn load_block(block: &[u8; 64]) -> [uint32x4_t; 4] {
    [0, 16, 32, 48].map(|at| {
        // SAFETY: the 16 bytes from `at` lie in the 64 bytes of `block`.
        let bytes = unsafe { vld1q_u8(block.as_ptr().add(at)) };
        vreinterpretq_u32_u8(vrev32q_u8(bytes))
    })
}
