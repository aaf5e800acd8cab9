//! Runs a loop compiled for the vectors that the CPU has: copies of a block's 64 bytes are then two instructions
//! instead of eight, which counts where chunks are short.

#![allow(unsafe_code, reason = "instruction set")]

/// Runs `work`; what of it is inlined uses AVX2 where there is AVX2.
#[inline(always)]
pub(crate) fn with_vectors<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
        // SAFETY: the CPU has the features.
        return unsafe { with_avx2(work) };
    }
    work()
}

/// # Safety
///
/// The CPU has AVX2 and BMI2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi2")]
unsafe fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
