//! Runs a loop that is compiled for the CPU's vectors. Copies of a block's 64 bytes are then one or two instructions
//! instead of eight, which matters for short chunks.

#![allow(unsafe_code, reason = "instruction set")]

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

/// Joins a partial block and the bytes that follow it in one register, where the loop runs with AVX-512 VBMI.
#[derive(Clone, Copy)]
pub(crate) struct Splicer(());

impl Splicer {
    /// `staged` becomes the first `buffered` bytes of `block`, followed by `head` as far as it fits. `block` becomes
    /// the same or, if `is_complete`, the rest of `head`, with stale bytes behind it.
    #[inline(always)]
    pub(crate) fn splice(
        self,
        block: &mut [u8; 64],
        head: &[u8; 64],
        buffered: usize,
        is_complete: bool,
        staged: &mut [u8; 64],
    ) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `self` exists, so the CPU has the features.
        unsafe {
            splice_vbmi(block, head, buffered, is_complete, staged);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (block, head, buffered, is_complete, staged);
    }
}

/// Runs `work`. Code that is inlined into it uses AVX2 or AVX-512 where they exist, and gets a splicer with AVX-512.
#[inline(always)]
pub(crate) fn with_vectors<R>(work: impl FnOnce(Option<Splicer>) -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("aes") {
        if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi") {
            // SAFETY: the CPU has the features.
            return unsafe { with_avx512(work) };
        }
        // SAFETY: the CPU has the features.
        return unsafe { with_avx2(work) };
    }
    work(None)
}

/// # Safety
///
/// The CPU has AES, AVX2 and BMI2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "aes,avx2,bmi2")]
unsafe fn with_avx2<R>(work: impl FnOnce(Option<Splicer>) -> R) -> R {
    work(None)
}

/// # Safety
///
/// The CPU has AES, AVX2, BMI2, and AVX-512 F, BW and VBMI.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "aes,avx2,bmi2,avx512f,avx512bw,avx512vbmi")]
unsafe fn with_avx512<R>(work: impl FnOnce(Option<Splicer>) -> R) -> R {
    work(Some(Splicer(())))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn splice_vbmi(block: &mut [u8; 64], head: &[u8; 64], buffered: usize, is_complete: bool, staged: &mut [u8; 64]) {
    // SAFETY: each read has the 64 bytes of an array; `loadu` needs no alignment.
    let (old, new) = unsafe { (_mm512_loadu_si512(block.as_ptr().cast()), _mm512_loadu_si512(head.as_ptr().cast())) };
    let positions = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36,
        35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8,
        7, 6, 5, 4, 3, 2, 1, 0,
    );
    // The permutation takes positions modulo 64: bytes that do not fit come out in front.
    let rotated = _mm512_permutexvar_epi8(_mm512_sub_epi8(positions, _mm512_set1_epi8(buffered as i8)), new);
    let spliced = _mm512_mask_mov_epi8(old, u64::MAX << buffered, rotated);
    let next = _mm512_mask_mov_epi8(spliced, if is_complete { u64::MAX } else { 0 }, rotated);
    // SAFETY: each write has the 64 bytes of an array; `storeu` needs no alignment.
    unsafe {
        _mm512_storeu_si512(staged.as_mut_ptr().cast(), spliced);
        _mm512_storeu_si512(block.as_mut_ptr().cast(), next);
    }
}
