//! A hint to the cache. It is harmless wherever it points, and does nothing where there is no instruction for it.

#![allow(unsafe_code, reason = "instruction set")]

/// Asks for the cache line of `value` to be read.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a prefetch never faults.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// Asks for every cache line of `bytes` to be read.
#[inline(always)]
pub(crate) fn prefetch_all(bytes: &[u8]) {
    bytes.iter().step_by(64).for_each(prefetch);
}
